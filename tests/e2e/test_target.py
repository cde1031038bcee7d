"""What is replaced and what never; one writer at a time; a single frame; a network that is not there."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from classes import BOARD, USER_1, USER_2, Class, Stream
from pytest_httpserver import HTTPServer
from readers import open_playback
from synthetic import Recipe
from terminal import Desk, three_streams

from assembler.demo.show import show
from assembler.options import load_options
from assembler.plan.manifest import load_manifest
from assembler.progress import Silent
from assembler.recording import StreamKind

CAMERA, SCREEN, WHITEBOARD = StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.WHITEBOARD
MIXED_RATES = Class(
    [
        Stream("w1", WHITEBOARD, "", 0, Recipe(identity="blue", seconds=5, fps=10), BOARD),
        Stream("a1", CAMERA, "ann", 0, Recipe(identity="red", seconds=2, fps=15), USER_1),
        Stream("a2", CAMERA, "ann", 2043, Recipe(identity="orange", seconds=3, fps=25), USER_1),
        Stream("b1", CAMERA, "bob", 1011, Recipe(identity="green", seconds=3, fps="30000/1001"), USER_2),
        Stream("b2", CAMERA, "bob", 4477, Recipe(identity="cyan", seconds=0.5, fps=30), USER_2),
    ],
    total=5043,
)


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str) -> Desk:
    return Desk.laid(tmp_path, three_streams(3), bundled_ffmpeg)


def to(desk: Desk, out: str) -> list[str]:
    return [*desk.run[:-1], out]


class TestWhatIsReplaced:
    @pytest.mark.parametrize("made", ["itself", "relative", "symlink", "hard link", "symlink to its folder"])
    def test_a_recorded_file_never(self, desk: Desk, made: str) -> None:
        source = desk.folder / "media/a1.mp4"
        before = source.read_bytes()
        out = desk.folder / "other.mp4"
        match made:
            case "itself":
                out = source
            case "relative":
                out = Path("media/../media/a1.mp4")
            case "symlink":
                out.symlink_to(source)
            case "hard link":
                os.link(source, out)
            case _:
                (desk.folder / "door").symlink_to(desk.folder / "media")
                out = desk.folder / "door/a1.mp4"
        for words in ([], ["--overwrite"]):
            said = desk.say(*to(desk, str(out)), *words)
            assert said.code == 2
            assert "is one of the files that the playback is made from" in said.err
        assert source.read_bytes() == before
        assert not list(desk.folder.rglob("*.assets"))

    def test_nor_is_one_that_a_part_of_ours_is_another_name_of(self, desk: Desk) -> None:
        source = desk.folder / "media/a1.mp4"
        before = source.read_bytes()
        os.link(source, desk.folder / "class.mp4.part")
        assert desk.say(*desk.run).code == 0
        assert source.read_bytes() == before

    def test_nothing_is_put_among_the_recordings_that_would_be_taken_for_one(self, desk: Desk) -> None:
        (desk.folder / "media/b1.mp4").unlink()
        said = desk.say(*to(desk, "media/b1.mp4"), "--overwrite")
        assert said.code == 2
        assert "a later run would take it for one" in said.err

    def test_a_downloaded_file_never(self, desk: Desk) -> None:
        cached = desk.home / "cache/0123.mp4"
        cached.parent.mkdir(parents=True)
        cached.write_bytes(b"x")
        said = desk.say(*to(desk, str(cached)), "--overwrite")
        assert (said.code, cached.read_bytes()) == (2, b"x")
        assert "the cache of downloaded files" in said.err

    def test_the_result_itself_never(self, desk: Desk) -> None:
        shutil.copy(desk.folder / "result.json", desk.folder / "class.mp4")
        said = desk.say("run", "class.mp4", *desk.run[2:], "--overwrite")
        assert said.code == 2
        assert json.loads(desk.out.read_text())["segments"]

    def test_a_file_that_is_no_playback_of_ours_only_when_told_to(self, desk: Desk) -> None:
        desk.out.write_bytes(b"holiday")
        said = desk.say(*desk.run, "--json")
        assert said.code == 2
        assert said.failure["sentence"] == "class.mp4 is there and is not a playback made by assembler"
        assert "--overwrite" in said.failure["hint"]
        assert desk.out.read_bytes() == b"holiday"
        assert desk.say(*desk.run, "--overwrite").code == 0
        shutil.copy(desk.folder / "media/a1.mp4", desk.out)  # beside our playback.json, and still not ours
        assert desk.say(*desk.run).code == 2

    def test_a_playback_of_this_class_without_a_word_and_of_another_only_when_told_to(self, desk: Desk) -> None:
        assert desk.say(*desk.run).code == 0
        assert desk.say(*desk.run, "--fps", "10").code == 0
        body = json.loads((desk.folder / "result.json").read_text())
        (desk.folder / "result.json").write_text(json.dumps({**body, "task_id": "another"}))
        before = desk.out.read_bytes()
        said = desk.say(*desk.run)
        assert said.code == 2
        assert "the playback of another class" in said.err
        assert desk.out.read_bytes() == before
        assert desk.say(*desk.run, "--overwrite").code == 0

    def test_what_lies_beside_it_and_is_not_ours_only_when_told_to(self, desk: Desk) -> None:
        assets = desk.folder / "class.assets"
        assets.mkdir()
        (assets / "report.html").write_text("mine")
        (assets / "notes.txt").write_text("mine too")
        said = desk.say(*desk.run)
        assert said.code == 2
        assert "class.assets/report.html is there and does not describe a playback made by assembler" in said.err
        assert (assets / "report.html").read_text() == "mine"
        assert desk.say(*desk.run, "--overwrite").code == 0
        assert (assets / "notes.txt").read_text() == "mine too"

    def test_a_picture_that_is_not_ours_only_when_told_to(self, desk: Desk) -> None:
        picture = desk.folder / "f.png"
        picture.write_bytes(b"a photo")
        assert desk.say(*desk.run, "--frame", "0:01", "f.png").code == 2
        assert picture.read_bytes() == b"a photo"
        assert desk.say(*desk.run, "--frame", "0:01", "f.png", "--overwrite").code == 0
        assert desk.say(*desk.run, "--frame", "0:02", "f.png").code == 0

    def test_the_folder_is_made(self, desk: Desk) -> None:
        assert desk.say(*to(desk, "new/deep/class.mp4")).code == 0
        assert load_manifest(desk.folder / "new/deep/class.mp4").verdict == "ok"
        assert desk.say(*desk.run, "--frame", "0:01", "other/f.png").code == 0
        assert (desk.folder / "other/f.png").is_file()

    def test_a_folder_that_cannot_be_made_is_told_before_the_work(self, desk: Desk) -> None:
        (desk.folder / "file").write_bytes(b"")
        said = desk.say(*to(desk, "file/deep/class.mp4"))
        assert said.code == 2
        assert not desk.home.exists()


def test_two_homes_write_one_file_one_after_the_other(desk: Desk) -> None:
    first = desk.start(desk.run, chunk_seconds="0.5", processes="1")
    second = desk.start(
        [*desk.run, "--fps", "10"], home=str(desk.folder / "elsewhere"), chunk_seconds="0.5", processes="1"
    )
    said = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert sum("another run writes class.mp4: waiting for it" in err for err in said) == 1
    assert desk.say("verify", "class.mp4", "--decode").code == 0
    assert not [p for p in desk.folder.iterdir() if p.name.endswith((".lock", ".part"))]


class TestOneFrame:
    def test_it_is_the_one_that_is_on_the_screen_then(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        desk = Desk.laid(tmp_path, MIXED_RATES, bundled_ffmpeg)
        views = {s.video_id: s.rect for s in MIXED_RATES.streams}
        chance = random.Random(28)
        for window, begin, around in (([], 0, (-1, 0, 1)), (["--from", "1.5", "--to", "4.4"], 1500, (0,))):
            assert desk.say(*desk.run, *window).code == 0
            manifest = load_manifest(desk.out)
            length = manifest.length
            joins = [at - begin + by for at in (1011, 2043, 4011, 4477) for by in around]
            times = [0, length - 1, *joins, *(chance.randrange(length) for _ in range(4))]
            with open_playback(desk.out) as playback:
                for at in (t for t in times if 0 <= t < length):
                    said = desk.say(*desk.run, *window, "--frame", f"{at / 1000:.3f}", "f.png")
                    assert said.code == 0, said.err
                    number = min(int(Fraction(at, 1000) * manifest.fps), manifest.stamps.count - 1)
                    with open_playback(tmp_path / "f.png") as picture:
                        for name, rect in views.items():
                            assert rect is not None
                            assert picture.seen(rect, 0) == playback.seen(rect, number), (at, name)
        said = desk.say(*desk.run, "--frame", "5.043", "f.png")
        assert said.code == 2
        assert "is 0:05.043 long, there is no frame at 0:05.043" in said.err

    def test_also_of_a_playback_that_is_copied(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        rect = (0, 0, 320, 240)
        recipe = Recipe(identity="blue", seconds=4, fps="30000/1001", width=320, height=240)
        desk = Desk.laid(tmp_path, Class([Stream("s1", SCREEN, "ann", 0, recipe, None)]), bundled_ffmpeg)
        words = ["run", "result.json", "--media-dir", "media", "--layout", "stage", "-o", "class.mp4"]
        assert desk.say(*words).code == 0
        assert load_manifest(desk.out).mode == "copy"
        with open_playback(desk.out) as playback:
            for at in (0, 33, 34, 100, 1234, 2002, 3999):
                assert desk.say(*words, "--frame", f"{at / 1000:.3f}", "f.png").code == 0
                with open_playback(tmp_path / "f.png") as picture:
                    assert picture.seen(rect, 0).counter == playback.seen(rect, Fraction(at, 1000)).counter, at


class TestMediaFolder:
    """b1 is found by its base name alone, ``lesson.mp4``."""

    def laid(self, desk: Desk, size: int, duration: int) -> Desk:
        (desk.folder / "media/b1.mp4").rename(desk.folder / "media/lesson.mp4")
        body = json.loads((desk.folder / "result.json").read_text())
        b1 = next(s for s in body["segments"] if s["video_id"] == "b1")
        b1 |= {"url": "http://host.invalid/1/lesson.mp4?sign=5ecret", "size": size, "duration": duration}
        (desk.folder / "result.json").write_text(json.dumps(body))
        return desk

    def test_a_base_name_with_the_declared_size_is_taken_silently(self, desk: Desk) -> None:
        size = (desk.folder / "media/b1.mp4").stat().st_size
        said = self.laid(desk, size, 1000).say(*desk.run)
        assert (said.code, "warning" in said.out) == (0, False)

    def test_one_with_another_size_is_a_warning_that_names_both(self, desk: Desk) -> None:
        size = (desk.folder / "media/b1.mp4").stat().st_size
        self.laid(desk, size + 1, 1000)
        said = desk.say(*desk.run)
        assert said.code == 0
        assert f"lesson.mp4 was taken from the media folder by its name alone: it has {size} bytes" in said.out
        assert f"declared were {size + 1}" in said.out
        assert load_manifest(desk.out).verdict == "degraded"
        assert desk.say(*desk.run, "--strict").code == 2

    def test_one_whose_length_is_another_too_is_not_taken(self, desk: Desk) -> None:
        self.laid(desk, 12, 6002)
        said = desk.say(*desk.run)
        assert said.code == 0
        assert "lesson.mp4 in the media folder is another file and was not taken" in said.out
        assert "it lasts 0:01, declared were 0:06.002" in said.out
        assert (
            "dropped: camera of bob [b1]: From 0:02 to 0:08.002 of the playback: host.invalid cannot be reached"
            in said.out
        )

    def test_a_json_beside_a_recording_is_never_taken_for_it(self, desk: Desk, bundled_ffmpeg: str) -> None:
        (desk.folder / "media/b1.json").write_text('{"trackId": "x"}')
        source = desk.folder / "media/b1.mp4"
        subprocess.run(
            [bundled_ffmpeg, "-v", "error", "-i", source, "-c", "copy", source.with_suffix(".mka")], check=True
        )
        source.unlink()
        said = desk.say("plan", *desk.run[1:-2], "--probe", "--json")
        assert said.code == 0
        assert not [o for o in json.loads(said.out)["outcomes"] if o["fate"] == "dropped"]


class TestNoNetwork:
    VERBS = (["run"], ["plan", "--probe"], ["run", "--frame", "0:01", "f.png"])

    @pytest.fixture(autouse=True)
    def _short_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Five tries as ever, with less time between them."""
        monkeypatch.setattr("assembler.network.download.fetch.WAIT_SECONDS", 0.02)

    @pytest.fixture
    def refusing(self) -> int:
        """A port on which nobody listens."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def said(self, desk: Desk, words: list[str], base: str) -> dict[str, object]:
        body = json.loads((desk.folder / "result.json").read_text())
        for number, segment in enumerate(body["segments"]):
            segment["url"] = f"{base}/{number}.mp4?sign=5ecret"
        (desk.folder / "result.json").write_text(json.dumps(body))
        verb, *more = words
        done = desk.say(verb, "result.json", *more, "--allow-host", "127.0.0.1", "--json")
        assert "Traceback" not in done.err
        assert "5ecret" not in done.err + done.out
        assert done.code == 4
        return done.failure

    @pytest.mark.parametrize("words", VERBS, ids=lambda w: " ".join(w[:2]))
    def test_nobody_listens(self, desk: Desk, words: list[str], refusing: int) -> None:
        failure = self.said(desk, words, f"http://127.0.0.1:{refusing}")
        assert failure["sentence"] == "w1: 127.0.0.1 cannot be reached (3 segments, none usable)"
        assert "continues where it stopped" in str(failure["hint"])

    def test_no_such_host(self, desk: Desk) -> None:
        assert "host.invalid cannot be reached" in str(self.said(desk, ["run"], "http://host.invalid")["sentence"])

    def test_a_server_without_tls(self, desk: Desk, httpserver: HTTPServer) -> None:
        base = f"https://127.0.0.1:{httpserver.port}"
        assert "127.0.0.1 cannot be reached" in str(self.said(desk, ["run"], base)["sentence"])

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_server_that_is_busy_or_broken(self, desk: Desk, httpserver: HTTPServer, status: int) -> None:
        for number in range(3):
            httpserver.expect_request(f"/{number}.mp4").respond_with_data("", status=status)
        failure = self.said(desk, ["run"], f"http://127.0.0.1:{httpserver.port}")
        assert f"127.0.0.1 answered {status}, it is busy or broken" in str(failure["sentence"])

    def test_what_may_pass_is_told_before_what_will_not(self, desk: Desk, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/0.mp4").respond_with_data("", status=404)
        httpserver.expect_request("/1.mp4").respond_with_data("", status=503)
        httpserver.expect_request("/2.mp4").respond_with_data("", status=404)
        failure = self.said(desk, ["run"], f"http://127.0.0.1:{httpserver.port}")
        assert "answered 503" in str(failure["sentence"])
        assert "continues where it stopped" in str(failure["hint"])


class TestWhatIsSaid:
    def test_a_plan_names_people_and_leaves_open_what_only_the_files_can_tell(self, desk: Desk) -> None:
        words = ["plan", "result.json", "--layout", "stage"]
        (desk.folder / "share.json").write_text(
            Class([Stream("s1", SCREEN, "ann", 0, Recipe(identity="blue", seconds=3, fps=10), None)])
            .recording()
            .model_dump_json()
        )
        said = desk.say("plan", "share.json", "--layout", "stage").out
        assert said.startswith("provisional: ")
        assert "copy or encode: copied if the files allow it" in said
        assert "fps" not in said
        assert "screen of ann" in said
        assert "encode  " not in said
        assert {json.loads(desk.say("plan", "share.json", "--layout", "stage", "--json").out)["mode"]} == {"open"}
        for probe in ([], ["--probe", "--media-dir", "media"]):
            said = desk.say(*words, *probe).out
            assert "board: whiteboard" in said
            assert "board: w1" not in said
            assert "camera of ann, camera of bob: Layout stage has no place for it: it is heard, not seen." in said

    def test_a_stream_without_sound_or_place_is_told_without_contradiction(
        self, tmp_path: Path, bundled_ffmpeg: str
    ) -> None:
        silent = Recipe(identity="red", seconds=3, fps=15, sound=False)
        board = Stream("w1", WHITEBOARD, "", 0, Recipe(identity="blue", seconds=3, fps=5), BOARD)
        desk = Desk.laid(tmp_path, Class([board, Stream("a1", CAMERA, "ann", 0, silent, None)]), bundled_ffmpeg)
        said = desk.say("run", "result.json", "--media-dir", "media", "--layout", "stage").out
        assert "heard" not in said
        assert "it is not seen (and has no sound)" in said
        assert "camera of ann [a1]: The layout has no place for it, and it has no sound." in said

    def test_a_dropped_file_is_told_once_and_many_alike_in_one_line(self, desk: Desk) -> None:
        body = json.loads((desk.folder / "result.json").read_text())
        late = next(s for s in body["segments"] if s["video_id"] == "b1")
        body["segments"] += [
            {**late, "video_id": f"x{n}", "play_time": 60_000 + 1000 * n, "duration": 900} for n in range(40)
        ]
        (desk.folder / "result.json").write_text(json.dumps(body))
        (desk.folder / "media/a1.mp4").write_bytes(b"<html>gone</html>")
        for n in range(40):
            os.link(desk.folder / "media/b1.mp4", desk.folder / f"media/x{n}.mp4")
        lines = desk.say(*desk.run, "--to", "0:03").out.splitlines()
        assert sum("a1.mp4 in the media folder is a page" in line for line in lines) == 1
        (outside,) = [line for line in lines if "It lies outside the window." in line]
        assert outside.startswith("dropped: camera of bob [x0]")
        assert "and 37 more: " in outside

    def test_a_file_that_is_not_there_is_told_by_run_plan_and_inspect_with_its_time(self, desk: Desk) -> None:
        (desk.folder / "media/b1.mp4").unlink()
        body = json.loads((desk.folder / "result.json").read_text())
        late = next(s for s in body["segments"] if s["video_id"] == "b1")
        late |= {"url": None, "play_time": 1000, "duration": 1500}
        (desk.folder / "result.json").write_text(json.dumps(body))
        said = "From 0:01 to 0:02.500 of the playback:{} it has no URL, and there is no file media/b1.*."
        for verb in (["run"], ["plan"], ["plan", "--probe"]):
            lines = desk.say(*verb, "result.json", "--media-dir", "media").out.splitlines()
            assert f"dropped: camera of bob [b1]: {said.format('')}" in lines, verb
        shown = desk.say("inspect", "result.json", "--media-dir", "media").out
        assert f"warning: camera of bob [b1]: {said.format(' left out:')}" in shown.splitlines()
        assert "0:02.500 [b1]" not in shown, "it is on no track"

    def test_a_file_that_is_not_there_names_nobody_whom_the_card_makes_anonymous(self, desk: Desk) -> None:
        (desk.folder / "media/b1.mp4").unlink()
        body = json.loads((desk.folder / "result.json").read_text())
        late = next(s for s in body["segments"] if s["video_id"] == "b1")
        late |= {"url": None, "video_id": "of-bob", "duration": 1500}
        (desk.folder / "result.json").write_text(json.dumps(body))
        (desk.folder / "card.json").write_text(json.dumps({"people": [{"id": "bob", "show": "anonymous"}]}))
        for verb in ("inspect", "plan", "run"):
            said = desk.say(verb, "result.json", "--media-dir", "media", "--class", "card.json")
            assert "there is no file media/" in said.out, said.err
            assert "bob" not in said.out + said.err

    def test_inspect_looks_into_the_files_it_is_given_and_nowhere_else(self, desk: Desk) -> None:
        body = json.loads((desk.folder / "result.json").read_text())
        for segment in body["segments"]:
            segment |= {"duration": 9000, "url": "http://host.invalid/x.mp4"}
        (desk.folder / "result.json").write_text(json.dumps(body))
        (desk.folder / "media/b1.mp4").unlink()
        said = desk.say("inspect", "result.json", "--media-dir", "media", "--json")
        assert said.code == 0
        found = {f["where"]: f["sentence"] for f in json.loads(said.out)["timeline"]["findings"]}
        assert "The file lasts 0:02" in found["a1"]
        assert "b1" not in found


def test_the_demo_fits_a_narrow_terminal_names_what_to_open_and_git_ignores_it(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    lines: list[str] = []
    show(tmp_path / "d", load_options(ffmpeg=bundled_ffmpeg, home=tmp_path / "home"), Silent(), lines.append)
    told = "\n".join(lines).split("\n")
    assert [line for line in told if len(line) > 80 and str(tmp_path) not in line] == []
    for made in ("class.mp4", "class.assets/index.html", "class.assets/report.html"):
        assert any(line.endswith(f" {tmp_path}/d/{made}") for line in told)
    assert [line for line in told if line.startswith("spoke:")] == [], "they only beep"
    assert (tmp_path / "d/.gitignore").read_text() == "*\n"
