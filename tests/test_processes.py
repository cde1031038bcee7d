"""Children: watched, heard, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from terminal import busy_in, until

from assembler import processes
from assembler.errors import MediaError
from assembler.processes import LOG_BYTES, Stalled, Stop, Stopped, log_tail, run, started


def shell(script: str) -> Sequence[str]:
    return ["/bin/sh", "-c", script]


def test_a_child_runs_in_its_folder_and_its_exit_code_comes_back(tmp_path: Path) -> None:
    assert run(shell("echo here > seen; exit 3"), cwd=tmp_path, log=tmp_path / "log") == 3
    assert (tmp_path / "seen").read_text() == "here\n"


def test_progress_is_passed_on_in_seconds_and_only_forwards(tmp_path: Path) -> None:
    lines = "out_time_us=N/A\\nout_time_us=500000\\nframe=3\\nout_time_us=250000\\nout_time_us=1500000\\n"
    heard: list[float] = []
    run(shell(f"printf '{lines}'"), cwd=tmp_path, log=tmp_path / "log", on_seconds=heard.append)
    assert heard == [0.5, 1.5]


def test_a_child_that_floods_its_log_is_not_blocked_and_fills_no_disk(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = run(shell("yes complaint | head -c 60000000 >&2; sleep 0.2; echo last words >&2"), cwd=tmp_path, log=log)
    assert code == 0
    assert log.stat().st_size <= LOG_BYTES + 1000
    assert log_tail(log).endswith("last words")


def test_a_child_without_progress_is_killed_with_all_it_started(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(Stalled, match=r"sh made no progress for 0\.3 s"):
        run(shell("trap '' TERM INT; sleep 100 & sleep 100"), cwd=tmp_path, log=tmp_path / "log", stall_seconds=0.3)
    assert time.monotonic() - begun < 5
    assert busy_in(tmp_path) == []


def test_progress_keeps_a_slow_child_alive(tmp_path: Path) -> None:
    script = "for n in 1 2 3 4 5 6; do echo out_time_us=${n}00000; sleep 0.2; done"
    assert run(shell(script), cwd=tmp_path, log=tmp_path / "log", stall_seconds=0.8, on_seconds=lambda _: None) == 0


def test_a_child_that_repeats_itself_makes_no_progress(tmp_path: Path) -> None:
    script = "while :; do echo out_time_us=100000; sleep 0.1; done"
    with pytest.raises(Stalled):
        run(shell(script), cwd=tmp_path, log=tmp_path / "log", stall_seconds=0.5, on_seconds=lambda _: None)


def test_being_told_to_stop_ends_a_child_at_once(tmp_path: Path) -> None:
    stop = Stop()
    threading.Timer(0.3, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Stopped):
        run(shell("trap '' TERM; sleep 100"), cwd=tmp_path, log=tmp_path / "log", stop=stop)
    assert time.monotonic() - begun < 3
    assert busy_in(tmp_path) == []


def test_an_error_inside_of_the_with_ends_the_child(tmp_path: Path) -> None:
    def fail() -> None:
        assert child.poll() is None
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), started(["sleep", "100"], cwd=tmp_path, log=tmp_path / "log") as child:
        fail()
    assert child.poll() is not None


def test_a_folder_that_is_gone_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be started"):
        run(["sleep", "1"], cwd=tmp_path / "gone", log=tmp_path / "log")


def test_a_program_that_is_not_there_says_so_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert run(["no-such-program"], cwd=tmp_path, log=log) == 127
    assert log_tail(log) == "no-such-program cannot be executed: No such file or directory"


ORPHAN = """
import sys
from pathlib import Path
from assembler.processes import run
run(["/bin/sleep", "100"], cwd=Path(sys.argv[1]), log=Path(sys.argv[1]) / "log")
"""


@pytest.mark.parametrize("path", [os.environ["PATH"], ""], ids=["by setpriv", "by python"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
def test_a_child_dies_with_its_parent_however_that_ends(tmp_path: Path, how: signal.Signals, path: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN, str(tmp_path)], env={**os.environ, "PATH": path})
    until(lambda: any(p.name() == "sleep" for p in psutil.Process(parent.pid).children(recursive=True)))
    os.kill(parent.pid, how)
    parent.wait()
    assert busy_in(tmp_path) == []


@pytest.mark.parametrize("setpriv", [processes._setpriv(), None])
def test_a_child_is_no_different_however_it_is_launched(
    tmp_path: Path, setpriv: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words, its folder, its group, its signals and its environment; a program beside it, and one that is none."""
    monkeypatch.setattr(processes, "_setpriv", lambda: setpriv)
    monkeypatch.setenv("SET_LATE", "ü \udcff")
    code = (
        "import os, signal, sys\n"
        "seen = repr((sys.argv[1:], os.getcwd(), os.getpgrp() == os.getpid(), os.environ['SET_LATE'],"
        " signal.getsignal(signal.SIGINT), sorted(os.listdir('/proc/self/fd'), key=int)[:-1]))\n"
        "open('seen', 'w').write(seen)"
    )
    words = ["a b", "", "$PPID", "-x", "ü\udcff"]
    assert run([sys.executable, "-c", code, *words], cwd=tmp_path, log=tmp_path / "log") == 0
    seen = (words, str(tmp_path), True, "ü \udcff", signal.default_int_handler, ["0", "1", "2"])
    assert (tmp_path / "seen").read_text() == repr(seen)
    (tmp_path / "own").write_text("#!/bin/sh\nkill -SEGV $$\n")
    assert run(["./own"], cwd=tmp_path, log=tmp_path / "log") == 127
    assert log_tail(tmp_path / "log") == "./own cannot be executed: Permission denied"
    (tmp_path / "own").chmod(0o700)
    assert run(["./own"], cwd=tmp_path, log=tmp_path / "log") == -signal.SIGSEGV


def test_a_short_answer_is_captured_and_a_long_silence_is_none() -> None:
    assert processes.capture(shell("echo hello; echo no >&2"), seconds=5) == "hello\n"
    with pytest.raises(OSError, match=r"no answer within 0\.2 s"):
        processes.capture(["sleep", "10"], seconds=0.2)


def test_a_writer_that_is_stopped_and_goes_on_loses_nothing() -> None:
    """As when a laptop sleeps: it was stopped while it waited for room in the pipe."""
    script = "from assembler.processes import write_all\nfor _ in range(50): write_all(1, bytes(400_000))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, bufsize=0) as writer:
        assert writer.stdout is not None
        heard = 0
        while data := writer.stdout.read(100_000):
            heard += len(data)
            if writer.poll() is None:
                writer.send_signal(signal.SIGSTOP)
                writer.send_signal(signal.SIGCONT)
    assert heard == 50 * 400_000
