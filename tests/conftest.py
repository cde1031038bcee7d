"""What every test gets: its own home, both ffmpegs, and a look at what it left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import forked
import imageio_ffmpeg
import psutil
import pytest
from hypothesis import settings

from assembler.processes import fork_server

DEBIAN_FFMPEG = Path("/usr/bin/ffmpeg")
GRACE_SECONDS = 2.0
EVERY_DAY = "not slow"
"""Expression by which the tests of every day are chosen."""

sys.dont_write_bytecode = False  # else each worker and each child compiles what it imports, every time
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `assembler` does: small sums only wait for threads


def pytest_configure(config: pytest.Config) -> None:
    share = 20 if config.option.markexpr == EVERY_DAY else 60  # 60: ``strategies.FULL``
    # machines are shared: no test is timed
    settings.register_profile("house", settings.default, deadline=None, max_examples=share)
    settings.load_profile("house")
    # started with & by a script: children would be deaf to Ctrl-C
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


SLOW_PLACES = {
    "e2e", "cloud", "jobs", "demo", "emulator", "network", "outputs",
    "test_memory.py", "test_processes.py", "test_fork_server.py", "test_cli.py",
}  # fmt: skip
"""Folders and modules; single modules and classes are marked where they stand."""
SLOW_FIXTURES = {"ffmpeg", "bundled_ffmpeg", "postgres"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out slow places unread where nothing slow is asked for: they need libraries that take long to import."""
    is_slow = collection_path.parent == Path(__file__).parent and collection_path.name in SLOW_PLACES
    return True if is_slow and config.option.markexpr == EVERY_DAY else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow whatever makes media, or starts servers or child processes at length."""
    for item in items:
        place = item.path.relative_to(Path(__file__).parent).parts[0]
        if place in SLOW_PLACES or SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


def _is_ci() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _judged(report: Any) -> Any:
    """Under CI a skip is a failure: everything is installed there, so nothing may go untested unnoticed."""
    if _is_ci() and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped under CI, where nothing may be: {reason}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    return _judged((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    return _judged((yield))


def _debian_ffmpeg() -> str:
    if DEBIAN_FFMPEG.exists():
        answer = subprocess.run([DEBIAN_FFMPEG, "-version"], capture_output=True, text=True, check=False).stdout
        if re.match(r"ffmpeg version 5\.", answer):
            return str(DEBIAN_FFMPEG)
    pytest.skip("Debian's ffmpeg is not installed: apt-get install ffmpeg")


@pytest.fixture(scope="session")
def bundled_ffmpeg() -> str:
    """The ffmpeg that is installed with the package."""
    return imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture(scope="session", params=["bundled", pytest.param("debian", marks=pytest.mark.apt_ffmpeg)])
def ffmpeg(request: pytest.FixtureRequest) -> str:
    """Path of an ffmpeg: the test runs once with the bundled one and once with Debian's 5.1."""
    return imageio_ffmpeg.get_ffmpeg_exe() if request.param == "bundled" else _debian_ffmpeg()


@pytest.fixture(scope="session")
def _no_settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "settings.toml"


@pytest.fixture(autouse=True)
def _own_home(request: pytest.FixtureRequest, _no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test sees the settings, cache or work of the machine's user, or of another test."""
    for name in [name for name in os.environ if name.startswith("ASSEMBLER_")]:
        monkeypatch.delenv(name)
    has_folder = "tmp_path" in request.fixturenames  # to make one takes longer than most tests do
    folder: Path = request.getfixturevalue("tmp_path") if has_folder else _no_settings.with_name("used")
    settings = folder.with_name(f"{folder.name}-settings.toml") if has_folder else _no_settings
    settings.write_bytes(b"")
    monkeypatch.setenv("ASSEMBLER_HOME", str(folder / "home"))
    monkeypatch.setenv("ASSEMBLER_CONFIG", str(settings))
    yield folder
    if has_folder:
        settings.unlink(missing_ok=True)
    elif folder.exists():
        shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest, _own_home: Path) -> Iterator[None]:
    """After a test no child process runs and no half file lies around."""
    before = set(_listed_children(os.getpid()))
    yield
    left = _still_running(before)
    for child in left:
        child.kill()
    assert not left, f"child processes left: {[child.name() for child in left]}"
    if request.node.get_closest_marker("leaves_parts") is None:
        parts = [str(part.relative_to(_own_home)) for part in _own_home.rglob("*.part")]
        assert not parts, f"half files left: {parts}"


@pytest.fixture
def other_children() -> Iterator[None]:
    """Child processes of this test are forked by a server of its own, which sees the environment that the test made."""
    fork_server.close()
    yield
    fork_server.close()


DEADLY = """
import os, av
real = av.open
def trapped(file, *rest, **options):
    if "killer" in str(getattr(file, "_path", "")):
        open({died!r}, "w").close()
        os.kill(os.getpid(), 11)
    return real(file, *rest, **options)
av.open = trapped
"""


@pytest.fixture
def deadly(tmp_path: Path, other_children: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """From its call on a child process that opens a file with "killer" in its name dies of it; the path that it returns
    is there once one did."""
    site, died = tmp_path / "site", tmp_path / "died"

    def set_trap() -> Path:
        site.mkdir()
        for name in ("usercustomize.py", "sitecustomize.py"):
            (site / name).write_text(DEADLY.format(died=str(died)))
        monkeypatch.setenv("PYTHONPATH", str(site))
        fork_server.close()
        return died

    return set_trap


def _listed_children(pid: int) -> list[int]:
    """Children of this process and theirs, by the kernel's own lists where it has them: psutil reads every process of
    the machine, which costs more than most tests."""
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    own: list[int] = []
    with suppress(OSError):  # a thread, or the process, may end meanwhile
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as children:
                own += map(int, children.read().split())
    return own + [below for child in own for below in _listed_children(child)]


def _still_running(before: set[int]) -> list[psutil.Process]:
    """New children that do not end within a moment; fork servers and Python's resource tracker live as we do."""
    end = time.monotonic() + GRACE_SECONDS
    while True:
        left = [*_others(set(_listed_children(os.getpid())) - before)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def _others(pids: set[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            if not _is_harmless(child := psutil.Process(pid)):
                yield child


def _is_harmless(child: psutil.Process) -> bool:
    try:
        if child.pid in (fork_server.pid(), forked.server_pid()) or child.status() == psutil.STATUS_ZOMBIE:
            return True
        return "resource_tracker" in " ".join(child.cmdline())
    except psutil.NoSuchProcess:
        return True
