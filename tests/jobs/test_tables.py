"""The files of the jobs' database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from workshop import Workshop

from assembler.jobs.tables import open_database
from assembler.workspace import make_private

TRY = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as exc:
    print(exc)
"""


def test_to_open_a_database_again_leaves_the_locks_of_this_process_as_they_are(tmp_path: Path) -> None:
    with Workshop.opened(tmp_path) as shop:
        file = shop.options.home / "jobs.sqlite"
        with shop.records.engine.begin():
            make_private(file)  # as whoever opens it
            said = subprocess.run([sys.executable, "-c", TRY, str(file)], capture_output=True, text=True, check=True)
        assert said.stdout == "database is locked\n"


def test_a_new_database_is_its_owners_alone_and_one_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    with Workshop.opened(tmp_path) as shop:
        file = shop.options.home / "jobs.sqlite"
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o640)
        open_database(shop.options).dispose()
        assert file.stat().st_mode & 0o777 == 0o640
