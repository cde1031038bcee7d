"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import subprocess
import sys
import termios
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from lessons import START
from readers import open_playback
from synthetic import counter_at
from terminal import Desk, busy_in, three_streams, until

import assembler
from assembler.progress import Bars
from assembler.settings import settings_file
from assembler.workspace import assets_of

VERBS = ["run", "inspect", "plan", "verify", "at", "schema", "demo", "doctor"]


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str) -> Desk:
    return Desk.laid(tmp_path, three_streams(4), bundled_ffmpeg)


def test_a_plan_of_files_without_lengths_names_the_flag_that_looks_into_them(desk: Desk) -> None:
    body = {"segments": [{"kind": "camera", "user": "ann", "play_time": 0, "url": "https://a.example/1.mp4"}]}
    (desk.folder / "least.json").write_text(json.dumps(body))
    said = desk.say("plan", "least.json")
    assert said.code == 2
    assert all(word in said.err for word in ("--probe", "`duration`"))


class TestMistakesInTheCommandLine:
    def test_a_typo_in_a_verb_names_the_right_one(self, desk: Desk) -> None:
        said = desk.say("rnu")
        assert said.code == 2
        assert "Did you mean 'run'" in said.err
        assert said.out == ""

    def test_a_typo_in_an_option_names_the_right_one(self, desk: Desk) -> None:
        said = desk.say("run", "result.json", "--laoyut", "grid", "--json")
        assert said.code == 2
        assert "--layout" in said.err
        assert "--laoyut" in said.failure["sentence"]

    def test_no_verb_shows_the_help(self, desk: Desk) -> None:
        said = desk.say()
        assert said.code == 2
        assert all(f" {verb} " in said.out + said.err for verb in VERBS)

    @pytest.mark.parametrize("verb", VERBS)
    def test_every_verb_has_help_and_looks_at_nothing(self, desk: Desk, verb: str) -> None:
        said = desk.say(verb, "--help")
        assert said.code == 0
        assert f" Usage: assembler {verb} " in said.out
        assert not desk.home.exists()

    @pytest.mark.parametrize(
        ("words", "part"),
        [
            (["--fps", "0"], "'0' is not a frame rate"),
            (["--fps", "fast"], "write 15, 29.97 or 30000/1001"),
            (["--fps", "1/0"], "is not a frame rate"),
            (["--from", "noon"], "'noon' is not a time"),
            (["--from", "0:03", "--to", "0:02"], "Give --from before --to"),
            (["--from", "1:00:00"], "holds nothing of a playback of 0:04"),
            (["--from", "1:00:00"], "Give an earlier --from."),
            (["--frame", "1:00", "f.png"], "the playback is 0:04 long, there is no frame at 1:00"),
            (["--frame", "now", "f.png"], "'now' is not a time"),
            (["--frame", "0:01", "f.jpg"], "f.jpg does not end in .png"),
            (["--layout", "tiw2"], "Did you mean tiw-2?"),
            (["--layout", "lost.json"], "lost.json"),
            (["--teacher", "carl"], "There are: ann, bob"),
            (["--layout", "mix"], "there is no mixed stream"),
            (["--background", "red"], "#RRGGBB"),
            (["--loudness", "3"], "loudness"),
            (["--processes", "0"], "processes"),
            (["--jobs", "0"], "jobs is called processes now"),
            (["--media-dir", "elsewhere"], "the media folder 'elsewhere' cannot be read"),
            (["-o", "class.avi"], "does not end in .mp4"),
            (["-o", "media"], "media is a folder"),
            (["-o", "result.json/class.mp4"], "result.json is in the way: it is not a folder"),
            (["-o", "x" * 300 + ".mp4"], "File name too long"),
        ],
        ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
    )
    def test_a_wrong_value_is_named_with_the_next_step(self, desk: Desk, words: list[str], part: str) -> None:
        said = desk.say(*desk.run, *words)
        assert said.code == 2
        assert part in said.err
        assert "Traceback" not in said.err
        assert said.out == ""
        assert not desk.out.exists()

    def test_a_wrong_setting_in_the_environment_is_named(self, desk: Desk) -> None:
        said = desk.say(*desk.run, fps="0")
        assert said.code == 2
        assert "setting fps: '0' is not a frame rate" in said.err
        assert "ASSEMBLER_FPS" in said.err

    def test_a_typo_in_the_settings_file_is_named(self, desk: Desk) -> None:
        settings_file().write_text('layuot = "grid"\n')
        said = desk.say(*desk.run)
        assert said.code == 2
        assert "there is no setting 'layuot'" in said.err
        assert "Did you mean layout?" in said.err

    def test_a_settings_file_that_is_no_toml_is_named(self, desk: Desk) -> None:
        settings_file().write_text("layout = \n")
        said = desk.say(*desk.run)
        assert said.code == 2
        assert "settings.toml cannot be read" in said.err

    def test_a_flag_wins_over_the_environment_and_that_over_the_file(self, desk: Desk) -> None:
        settings_file().write_text('layout = "grid"\nfps = "10"\n')
        told = json.loads(desk.say("plan", "result.json", "--json", "--fps", "12", layout="tiw-1").out)
        assert (told["layout"], told["fps"]) == ("tiw-1", "12")


class TestOutputs:
    def test_a_run_prints_its_summary_and_a_machine_gets_json_alone(self, desk: Desk) -> None:
        said = desk.say(*desk.run)
        assert said.code == 0
        assert "class.mp4: ok, 0:04, 492x252" in said.out
        again = desk.say(*desk.run, "--json", "--progress", "json")
        told = json.loads(again.out)
        assert told["verdict"] == "ok"
        assert {o["fate"] for o in told["outcomes"]} == {"used"}
        assert "class.mp4: ok" in again.err

    def test_progress_as_json_lines_reaches_the_whole_length(self, desk: Desk) -> None:
        said = desk.say(*desk.run, "--json", "--progress", "json")
        lines = [json.loads(line) for line in said.err.splitlines() if line.startswith("{")]
        assert [line["text"] for line in lines if line["event"] == "step"][-2:] == ["joining", "verifying"]
        ended = {line["task"]: line for line in lines if line["event"] == "end"}
        assert ended["render"]["done"] == pytest.approx(4)
        assert ended["render"]["unit"] == "s"
        people = [line for line in said.err.splitlines() if not line.startswith("{")]
        assert people[0].startswith("class.mp4: ok")

    @pytest.mark.parametrize("verb", ["inspect", "plan"])
    def test_a_result_is_read_from_standard_input(self, desk: Desk, verb: str) -> None:
        said = desk.say(verb, "-", "--json", stdin=(desk.folder / "result.json").read_text())
        assert said.code == 0
        assert said.err == ""
        assert isinstance(json.loads(said.out), dict)

    @pytest.mark.parametrize("verb", ["inspect", "plan", "run"])
    def test_what_a_class_brings_may_come_through_pipes(self, desk: Desk, verb: str) -> None:
        """As ``--class <(...)`` has it: each can be read once."""
        given = {"--class": b'{"title": "Algebra"}'}
        if verb != "inspect":
            given["--chapters"] = b"0:01 Sums"
        if verb == "run":
            given["--captions"] = b"00:00:01,000 --> 00:00:02,000\nplus"
            given["--chat"] = b'[{"time": %d, "user": "ann", "text": "minus"}]' % (START // 1000 + 1)
        words: list[str] = []
        with ExitStack() as opened:
            for flag, body in given.items():
                reading, writing = os.pipe()
                opened.callback(os.close, reading)
                os.write(writing, body)
                os.close(writing)
                words += [flag, f"/dev/fd/{reading}"]
            said = desk.say(*(desk.run if verb == "run" else [verb, "result.json"]), *words)
        assert said.code == 0, said.err
        if verb == "run":
            assets = assets_of(desk.out)
            told = json.loads((assets / "playback.json").read_text())
            assert told["title"] == "Algebra"
            for name, text in (("chapters", "Sums"), ("captions", "plus"), ("chat", "minus")):
                assert text in (assets / f"{name}.vtt").read_text()

    def test_a_failure_is_json_too(self, desk: Desk) -> None:
        for words in (["run", "lost.json"], ["inspect", "lost.json"], ["plan", "lost.json"], ["verify", "lost.mp4"]):
            said = desk.say(*words, "--json")
            assert said.code == 2
            assert said.failure["kind"] == "InputError"
            assert "lost" in said.failure["sentence"]
            assert said.failure["hint"]

    def test_without_a_result_only_flags_of_the_verb_are_named(self, desk: Desk) -> None:
        for verb in ("run", "inspect", "plan"):
            said = desk.say(verb, *(["-o", "x.mp4"] if verb == "run" else []), "--json")
            assert said.failure["sentence"] == "no result was named"
            assert ("--task" in said.failure["hint"]) == (verb == "run")

    def test_a_reader_that_goes_away_is_no_traceback(self, desk: Desk) -> None:
        process = desk.start(["plan", "result.json"])
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        process.stderr.close()
        assert process.wait(20) == 141

    @pytest.mark.parametrize("words", [["inspect", "result.json"], ["plan", "result.json"]], ids=lambda w: w[0])
    def test_inspect_and_plan_never_use_the_network(self, desk: Desk, words: list[str]) -> None:
        code = (
            "import os, sys\n"
            "outward = {'socket.' + n for n in ('connect', 'getaddrinfo', 'gethostbyname', 'sendto', 'sendmsg')}\n"
            "sys.addaudithook(lambda name, _: os._exit(99) if name in outward else None)\n"
            "from assembler.cli.main import main; main()"
        )
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, cwd=desk.folder, env=desk.environment({}), capture_output=True, check=False)
        assert done.returncode == 0
        assert not desk.home.exists()

    def test_too_little_memory_is_said_and_is_no_fault_of_the_body(self, tmp_path: Path, desk: Desk) -> None:
        (tmp_path / "large.json").write_text('{"x":[' + "[]," * 8_000_000 + "[]]}")
        code = (
            "import resource; resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))\n"
            "from assembler.cli.main import main; main()"
        )
        process = desk.start(["run", "large.json", "-o", "class.mp4"], start=[sys.executable, "-c", code])
        out, err = process.communicate(timeout=60)
        assert process.returncode == 5
        assert out == ""
        assert err.startswith("error: there is not enough memory for this\nhint: ")
        assert "Traceback" not in err
        assert not desk.out.exists()


class TestOneFrame:
    def test_one_picture_shows_what_the_playback_would_show(self, desk: Desk) -> None:
        begun = time.monotonic()
        said = desk.say(*desk.run, "--frame", "0:03", "out.png", "--json")
        assert said.code == 0, said.err
        assert time.monotonic() - begun < 5
        assert json.loads(said.out) == {"frame": "out.png"}
        with open_playback(desk.folder / "out.png") as picture:
            assert picture.size == (492, 252)
            for stream in desk.lesson.streams:
                assert stream.rect is not None
                seen = picture.seen(stream.rect, 0)
                wanted = counter_at(stream.recipe, (3000 - stream.play) / 1000 + 0.001)
                assert (seen.identity, seen.counter) == (stream.recipe.identity, wanted)
        assert not desk.out.exists()


def interrupted(desk: Desk, how: signal.Signals) -> subprocess.Popen[str]:
    """A run that is told to end in the middle of its rendering."""
    process = desk.start([*desk.run, "--json", "--progress", "json", "--keep-work"], chunk_seconds="0.5", processes="1")
    until(lambda: len(list(desk.home.glob("work/*/chunks/*.mp4"))) >= 2)
    process.send_signal(how)
    return process


@pytest.mark.leaves_parts  # of levels, where the mixer was writing them
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_a_run_told_to_stop_says_so_and_goes_on_later(desk: Desk, how: signal.Signals) -> None:
    process = interrupted(desk, how)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "The same command continues where it stopped" in err
    assert "Traceback" not in err
    assert json.loads(out)["error"]["kind"] == "Stopped"
    assert busy_in(desk.folder) == []
    assert not desk.out.exists()
    kept = {p.name: p.stat().st_ino for p in desk.home.glob("work/*/chunks/*.mp4")}
    assert desk.say(*desk.run, "--keep-work", chunk_seconds="0.5").code == 0
    now = {p.name: p.stat().st_ino for p in desk.home.glob("work/*/chunks/*.mp4")}
    assert {name: now[name] for name in kept} == kept


@pytest.mark.leaves_parts
def test_an_impatient_user_who_presses_it_many_times_gets_the_same_end(desk: Desk) -> None:
    process = interrupted(desk, signal.SIGINT)
    for _ in range(5):
        time.sleep(0.02)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert busy_in(desk.folder) == []


LOADING = """
import os, signal, sys
class Loading:
    def find_spec(self, name, *_):
        if name == "{module}":
            try:
                os.kill(os.getpid(), signal.{how})
            except KeyboardInterrupt:  # as pydantic does where it builds a model
                raise KeyError
sys.meta_path.insert(0, Loading())
sys.argv[1:] = ["doctor"]
{before}
from assembler.__main__ import main
main()
"""
AGAIN = "stopped\nhint: The same command continues where it stopped.\n"


@pytest.mark.parametrize(
    ("module", "how", "before", "code", "said"),
    [
        ("assembler.cli.main", "SIGINT", "", 130, "stopped\n"),
        ("assembler.cli.main", "SIGINT", "signal.signal(signal.SIGINT, signal.SIG_IGN)", 0, ""),  # nohup
        ("assembler.doctor", "SIGINT", "", 130, AGAIN),
        ("assembler.doctor", "SIGTERM", "", 130, AGAIN),
    ],
)
def test_told_to_stop_while_it_loads_its_libraries_it_ends_without_a_traceback(
    module: str, how: str, before: str, code: int, said: str
) -> None:
    told = LOADING.format(module=module, how=how, before=before)
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (code, said)


@pytest.mark.parametrize("words", ["--help", "inspect result.json --json", "rnu"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_closed_takes_no_part_in_how_it_ends(desk: Desk, words: str, closed: str) -> None:
    line = f"{sys.executable} -m assembler {words} {closed}"
    ended = subprocess.run(["sh", "-c", line], cwd=desk.folder, capture_output=True, text=True, check=False)
    assert ended.returncode == (2 if words == "rnu" else 0)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--help", 5),
        ("run -h", 5),
        ("inspect result.json", 5),
        ("inspect result.json --json", 5),
        ("inspect lost.json --json", 2),
    ],
)
def test_an_output_on_a_full_disk_is_no_bug_of_ours(desk: Desk, words: str, code: int) -> None:
    line = f"{sys.executable} -m assembler {words} >/dev/full"
    ended = subprocess.run(["sh", "-c", line], cwd=desk.folder, capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert "bug" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ("the disk of the output is full: No space left on device" in ended.stderr) == (code == 5)


def test_what_is_told_on_the_way_may_be_lost(desk: Desk) -> None:
    line = f"{sys.executable} -m assembler {' '.join(desk.run)} 2>/dev/full"
    ended = subprocess.run(["sh", "-c", line], cwd=desk.folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert desk.out.exists()


def test_the_verbs_are_functions_of_the_package_too() -> None:
    for _ in range(2):  # importing a module of the same name must not get into the way
        assert assembler.assemble is importlib.import_module("assembler.pipeline.assemble").assemble
        assert assembler.parse is importlib.import_module("assembler.dialects").parse


class TestBars:
    def shown(self, total: float, unit: str, amounts: list[float]) -> str:
        """What a terminal of 100 columns has seen."""
        reader, writer = os.openpty()
        termios.tcsetwinsize(writer, (24, 100))
        with open(writer, "w") as stream, Bars(stream).task("render", total, unit) as task:
            for amount in amounts:
                task.advance(amount)
        seen = b""
        with suppress(OSError):  # the end of a terminal's other side; until then the kernel hands it over bit by bit
            while more := os.read(reader, 100_000):
                seen += more
        os.close(reader)
        return seen.decode()

    def test_a_bar_ends_at_its_total_in_plain_numbers(self) -> None:
        last = self.shown(6, "s", [0.1234] * 49).strip().split("\r")[-1]
        assert "100%" in last
        assert " 6.0/6.0s [" in last

    def test_bytes_are_shown_with_their_unit(self) -> None:
        assert "2.00M/2.00M" in self.shown(2 * 2**20, "B", [2**20, 2**20])

    def test_there_is_none_where_there_is_no_terminal(self) -> None:
        stream = io.StringIO()
        with Bars(stream).task("render", 6, "s") as task:
            task.advance(6)
        assert stream.getvalue() == ""
