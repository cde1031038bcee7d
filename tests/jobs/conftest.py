"""A Postgres of our own, started on a free port in a temporary folder, and a place where nobody listens."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from workshop import Workshop


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    if named is None:
        pytest.skip("Postgres is not installed: apt-get install postgresql")
    return Path(named).parent


class Postgres:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._bin, self._folder = _programs(), folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        if os.getuid() == 0:  # initdb refuses to run as root
            shutil.chown(folder, "nobody")
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "owner", "--no-sync")

    def _run(self, program: str, *words: str) -> None:
        prefix = ["setpriv", "--reuid=nobody", "--clear-groups"] if os.getuid() == 0 else []
        log = self._folder / "programs.log"
        with log.open("ab") as out:  # a pipe would stay open in the server
            command = [*prefix, str(self._bin / program), *words]
            done = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd="/", check=False)
        assert done.returncode == 0, log.read_text()[-2000:]

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -F -c max_connections=200"
        self._run(
            "pg_ctl", "-D", str(self._folder / "data"), "-w", "-o", options, "-l", str(self._folder / "log"), "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", "immediate", "stop")

    def database(self, name: str) -> str:
        """A fresh one."""
        with psycopg.connect(f"postgresql://owner@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]  # our own name
        return f"postgresql://owner@127.0.0.1:{self.port}/{name}"


@pytest.fixture
def closed() -> Iterator[str]:
    """Host and port where nobody listens, nor can: the port is held."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The setting of a fresh database of either kind."""
    if request.param == "sqlite":
        return {}
    server: Postgres = request.getfixturevalue("postgres")
    return {"database_url": server.database(uuid4().hex)}


@pytest.fixture
def shop(database: dict[str, str], tmp_path: Path) -> Iterator[Workshop]:
    """A workshop with a database of either kind; most modules have a plainer one of their own."""
    with Workshop.opened(tmp_path, **database) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="assembler-postgres-") as folder:  # pytest's own are closed to others
        server = Postgres(Path(folder))
        server.start()
        yield server
        server.stop()
