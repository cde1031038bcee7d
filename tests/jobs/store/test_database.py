"""The files of the jobs' database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from workshop import Workshop

from assembler.jobs.store.database import open_database
from assembler.options import Options
from assembler.workspace import make_private

COME_AND_GO = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1])
other.execute("SELECT count(*) FROM sqlite_master").fetchone()
other.close()
"""


def test_to_open_a_database_again_leaves_the_locks_of_this_process_as_they_are(tmp_path: Path) -> None:
    """Whoever closes it and finds no lock of others removes its log."""
    with Workshop.opened(tmp_path) as shop:
        file = shop.options.home / "jobs.sqlite"
        with shop.records.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE some (number INTEGER)")
        make_private(file)  # as whoever opens it
        subprocess.run([sys.executable, "-c", COME_AND_GO, str(file)], check=True)
        assert file.with_name("jobs.sqlite-wal").exists()


def test_a_new_database_is_its_owners_alone_and_one_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    options, file = Options(home=tmp_path), tmp_path / "jobs.sqlite"
    open_database(options).dispose()
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    open_database(options).dispose()
    assert file.stat().st_mode & 0o777 == 0o640
