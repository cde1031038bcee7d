"""Children that are forked: like those started anew, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from terminal import busy_in, until

from assembler.processes import Stalled, Stop, Stopped, fork_server, log_tail, run, started
from assembler.processes.fork_server import Module

PLAIN = "print('out_time_us=1500000', flush=True)"
SLEEPY = "import subprocess; print('out_time_us=1', flush=True); subprocess.run(['sleep', '100'])"


@pytest.fixture
def room(tmp_path: Path, other_children: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder of modules that the server finds."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield folder
    fork_server.close()


def module(room: Path, code: str, *words: str, name: str = "errand") -> Module:
    body = textwrap.indent(code or "pass", "    ")
    (room / f"{name}.py").write_text(f"if __name__ == '__main__':\n{body}\n")
    return Module(name, words)


def test_it_is_run_as_by_python_m(room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, arguments, folder, environment, process group, niceness; nothing of ours is open in it."""
    code = (
        "import json, os, sys\n"
        "seen = {'name': __name__, 'words': sys.argv[1:], 'cwd': os.getcwd(), 'set': os.environ.get('SET_LATE'),\n"
        "        'leads': os.getpgrp() == os.getpid(), 'nice': os.nice(0), 'path': '' in sys.path,\n"
        "        'open': sorted(os.listdir('/proc/self/fd'), key=int)[:-1], 'heard': sys.stdin.read()}\n"
        "open('seen.json', 'w').write(json.dumps(seen))\n"
    )
    twice = []
    for how in (module(room, code, "a b", "ü", "\udcff"), module(room, code, "a b", "ü", "\udcff").argv()):
        monkeypatch.setenv("SET_LATE", "yes")
        assert run(how, cwd=tmp_path, log=tmp_path / "log", nice=3) == 0, log_tail(tmp_path / "log")
        twice.append((tmp_path / "seen.json").read_text())
    assert twice[0] == twice[1]
    assert f'"cwd": "{tmp_path}"' in twice[0]
    assert f'"nice": {os.nice(0) + 3}' in twice[0]


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit('no good')", 1, "no good"),
        ("import os; os.kill(os.getpid(), 11)", -11, ""),
        ("raise ZeroDivisionError('why')", 1, "ZeroDivisionError: why"),
        ("import nowhere_at_all", 1, "No module named 'nowhere_at_all'"),
    ],
)
def test_its_end_and_its_words_come_back(room: Path, tmp_path: Path, code: str, exit_code: int, said: str) -> None:
    assert run(module(room, code), cwd=tmp_path, log=tmp_path / "log") == exit_code
    assert log_tail(tmp_path / "log").endswith(said)


def test_progress_is_heard_and_many_run_at_once(room: Path, tmp_path: Path) -> None:
    heard: list[float] = []
    errand = module(room, PLAIN)

    def one(number: int) -> None:
        assert run(errand, cwd=tmp_path, log=tmp_path / f"{number}.log", on_seconds=heard.append) == 0

    threads = [threading.Thread(target=one, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [1.5] * 20


def test_one_that_stands_still_or_is_stopped_is_killed_with_all_it_started(room: Path, tmp_path: Path) -> None:
    errand = module(room, SLEEPY)
    with pytest.raises(Stalled, match="errand made no progress"):
        run(errand, cwd=tmp_path, log=tmp_path / "log", stall_seconds=0.5)
    stop = Stop()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Stopped):
        run(errand, cwd=tmp_path, log=tmp_path / "log", stop=stop)
    assert busy_in(tmp_path) == []


def test_what_is_prepared_is_imported_and_forks_nothing_until_it_is_asked_for(room: Path, tmp_path: Path) -> None:
    (room / "dear.py").write_text(f"import os\nopen({str(tmp_path / 'imported')!r}, 'a').write(f'{{os.getpid()}} ')\n")
    fork_server.prepare("dear")
    server = fork_server.pid()
    assert server is not None
    until(lambda: (tmp_path / "imported").exists())
    assert psutil.Process(server).children() == []
    fork_server.prepare("dear")
    assert run(Module("dear", []), cwd=tmp_path, log=tmp_path / "log") == 0, log_tail(tmp_path / "log")
    assert fork_server.pid() == server
    pids = (tmp_path / "imported").read_text().split()
    assert len(pids) == 2, "once by the server, and once as the program of the child"
    assert pids[0] == str(server)


def test_a_server_that_was_prepared_for_nothing_is_not_waited_for(room: Path) -> None:
    (room / "slow.py").write_text("import time\ntime.sleep(60)\n")
    fork_server.close()
    fork_server.prepare("slow")
    server, begun = fork_server.pid(), time.monotonic()
    fork_server.close()
    assert time.monotonic() - begun < 20
    assert server is not None
    assert not psutil.pid_exists(server)


def test_a_module_that_is_not_there_is_an_error_of_the_child_alone(room: Path, tmp_path: Path) -> None:
    fork_server.prepare("nowhere")
    assert run(module(room, "pass"), cwd=tmp_path, log=tmp_path / "log") == 0, log_tail(tmp_path / "log")


def test_a_server_that_dies_takes_its_children_along_and_another_one_follows(room: Path, tmp_path: Path) -> None:
    with started(module(room, SLEEPY), cwd=tmp_path, log=tmp_path / "log") as child:
        until(lambda: bool(busy_in(tmp_path)))
        server = fork_server.pid()
        assert server is not None
        os.kill(server, signal.SIGKILL)
        assert child.wait(5) == -signal.SIGKILL
    assert run(module(room, PLAIN, name="next"), cwd=tmp_path, log=tmp_path / "log") == 0
    assert fork_server.pid() != server


ORPHAN = """
import sys
from pathlib import Path
from assembler.processes.fork_server import Module
from assembler.processes import run
run(Module("errand", []), cwd=Path(sys.argv[1]), log=Path(sys.argv[1]) / "log")
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda s: s.name)
def test_it_ends_with_its_owner_however_that_ends(room: Path, tmp_path: Path, how: signal.Signals) -> None:
    module(room, SLEEPY)
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN, str(tmp_path)])
    until(lambda: any(p.name() == "sleep" for p in psutil.Process(parent.pid).children(recursive=True)))
    family = psutil.Process(parent.pid).children(recursive=True)
    os.kill(parent.pid, how)
    parent.wait()
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_what_is_imported_once_is_not_imported_again(room: Path, tmp_path: Path) -> None:
    (room / "light.py").write_text(
        "import heavy\nFORKED_WITH = ['later']\nif __name__ == '__main__':\n    import later\n"
    )
    for name in ("heavy", "later"):
        (room / f"{name}.py").write_text(f"import os\nopen(os.environ['COUNTED'], 'a').write('{name} ')\n")
    os.environ["COUNTED"] = str(tmp_path / "counted")
    try:
        for _ in range(3):
            assert run(Module("light", []), cwd=tmp_path, log=tmp_path / "log") == 0
    finally:
        del os.environ["COUNTED"]
    assert (tmp_path / "counted").read_text() == "heavy later "


def test_a_closed_server_has_given_its_childrens_cpu_to_its_owner(room: Path, tmp_path: Path) -> None:
    before = sum(os.times()[2:4])
    busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    assert run(module(room, busy), cwd=tmp_path, log=tmp_path / "log") == 0
    fork_server.close()
    assert sum(os.times()[2:4]) - before > 0.3
