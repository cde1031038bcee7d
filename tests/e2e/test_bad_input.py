"""Whatever is wrong is named with its value and the next step; the exit code says what kind; nothing is lost."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from classes import USER_1, Class, wrong_pictures
from pytest_httpserver import HTTPServer
from small_disk import SmallDisk
from synthetic import empty, truncated, web_page, without_moov
from terminal import START, Desk, Said, busy_in, three_streams, until

from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import load_manifest

TEN_YEARS = 10 * 365 * 24 * 3600 * 1000
SIGNATURE = "q-signature=5ecret"


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str) -> Desk:
    return Desk.laid(tmp_path, three_streams(4), bundled_ffmpeg)


def change(desk: Desk, **fields: Any) -> None:
    """Fields of result.json; those of a segment by its video id."""
    path = desk.folder / "result.json"
    body = json.loads(path.read_text())
    for name, value in fields.items():
        segment = next((s for s in body["segments"] if s["video_id"] == name), None)
        if segment is not None:
            segment.update(value)
        else:
            body[name] = value
    path.write_text(json.dumps(body))


def assert_refused(said: Said, code: int, *parts: str) -> None:
    assert said.code == code, said.err
    assert "Traceback" not in said.err
    for part in parts:
        assert part in said.err
    assert "hint: " in said.err
    assert SIGNATURE not in said.err + said.out


class TestResults:
    @pytest.mark.parametrize(
        ("body", "parts"),
        [
            ("", ["result.json: ", "empty"]),
            ('{"segments": [\n  1,,\n]}', ["result.json: ", "line 2, column 5"]),
            ("<html>login</html>", ["result.json: ", "line 1, column 1"]),
            ('{"name": "a shopping list", "items": []}', ["result.json: "]),
            ("[1, 2, 3]", ["result.json: "]),
            ('{"start_time": 1, "stop_time": 2, "total_time": 3, "video_info": []}', ["result.json: ", "video"]),
            (
                '{"task_id": "t", "status": "recording", "error_code": 0}',
                ["not finished", "again later"],
            ),
            (
                '{"Response": {"TaskId": "t", "Status": "FINISHED", "FinishReason": "EXCEPTION", "VideoInfos": [],'
                ' "Error": {"Code": "FailedOperation.Record", "Message": "code: 40001, msg: no stream"}}}',
                ["40001", "no stream"],
            ),
        ],
        ids=["empty", "no JSON", "HTML", "other JSON", "a list", "no videos", "unfinished", "failed"],
    )
    def test_what_is_no_finished_recording_is_refused(self, desk: Desk, body: str, parts: list[str]) -> None:
        (desk.folder / "result.json").write_text(body)
        said = desk.say(*desk.run)
        assert said.code == 2
        assert "Traceback" not in said.err
        assert all(part.lower() in said.err.lower() for part in parts), said.err

    def test_a_file_that_is_not_there_a_folder_and_a_video(self, desk: Desk) -> None:
        assert_refused(desk.say("run", "lost.json"), 2, "lost.json: no such file")
        assert_refused(desk.say("run", "media"), 2, "media names no result file")
        assert_refused(desk.say("run", "media/a1.mp4"), 2, "media/a1.mp4: ")

    @pytest.mark.parametrize("field", ["duration", "play_time", "total"])
    def test_ten_years_are_no_class(self, desk: Desk, field: str) -> None:
        change(desk, **({"total": TEN_YEARS} if field == "total" else {"a1": {field: TEN_YEARS}}))
        said = desk.say("plan", "result.json", "--json")
        assert said.code == 0
        plan = json.loads(said.out)
        assert plan["length"] == 4000
        warnings = [f["sentence"] for f in plan["findings"] if f["severity"] == "warning"]
        assert any(str(TEN_YEARS) in sentence for sentence in warnings)

    def test_every_segment_without_url_and_file(self, desk: Desk) -> None:
        shutil.rmtree(desk.folder / "media")
        change(desk, a1={"url": None}, b1={"url": None}, w1={"url": None})
        said = desk.say("run", "result.json", "-o", "class.mp4")
        assert_refused(said, 4, "no URL", "--media-dir", "3 segments, none usable")


class TestServers:
    @pytest.mark.parametrize("status", [403, 404])
    def test_an_expired_link_says_so(self, desk: Desk, httpserver: HTTPServer, status: int) -> None:
        httpserver.expect_request("/a.mp4").respond_with_data(b"<Error/>", status=status)
        url = httpserver.url_for("/a.mp4") + f"?{SIGNATURE}"
        change(desk, a1={"url": url}, b1={"url": url + "&b"}, w1={"url": url + "&w"})
        said = desk.say("run", "result.json", "-o", "class.mp4", "--allow-host", httpserver.host)
        assert_refused(said, 4, f"answered {status}", "3 days", "--media-dir")

    def test_an_address_inside_is_not_fetched_from(self, desk: Desk, httpserver: HTTPServer) -> None:
        change(desk, **{name: {"url": httpserver.url_for(f"/{name}")} for name in ("a1", "b1", "w1")})
        said = desk.say("run", "result.json", "-o", "class.mp4")
        assert_refused(said, 4, "--allow-host")
        assert httpserver.log == []

    def test_a_page_instead_of_a_video_leaves_out_that_segment_alone(self, desk: Desk, httpserver: HTTPServer) -> None:
        page = "<!DOCTYPE html><html><body>please log in</body></html>"
        httpserver.expect_request("/b.mp4").respond_with_data(page, content_type="text/html")
        (desk.folder / "media/b1.mp4").unlink()
        change(desk, b1={"url": httpserver.url_for("/b.mp4") + f"?{SIGNATURE}"})
        said = desk.say(*desk.run, "--allow-host", httpserver.host)
        assert said.code == 0, said.err
        assert "b1" in said.out
        assert SIGNATURE not in said.err + said.out
        assert SIGNATURE not in (desk.folder / "class.assets/playback.json").read_text()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda p: truncated(p, p),
    "a web page": lambda p: web_page(p),
    "no moov": lambda p: without_moov(p, p),
    "zero bytes": lambda p: empty(p),
    "not there": lambda p: p.unlink(),
    "noise": lambda p: p.write_bytes(bytes(range(256)) * 40),
    "a playlist": lambda p: p.write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"),
}


def spoil_some(desk: Desk) -> None:
    """Beside the board and bob a camera for every kind of damage; the truncated one lies where bob's is over it."""
    path, media = desk.folder / "result.json", desk.folder / "media"
    body = json.loads(path.read_text())
    like = next(s for s in body["segments"] if s["video_id"] == "a1")
    body["segments"].remove(like)
    for name, damage in DAMAGES.items():
        shutil.copyfile(media / "a1.mp4", media / f"{name}.mp4")
        damage(media / f"{name}.mp4")
        late = {"play_time": 3900, "duration": 100} if name == "truncated" else {}
        body["segments"].append(like | {"video_id": name, "user": name, "stream_id": name, "url": None} | late)
    path.write_text(json.dumps(body))


class TestBadSegments:
    def test_the_class_is_made_without_them_and_says_so(self, desk: Desk) -> None:
        spoil_some(desk)
        said = desk.say(*desk.run, "--json")
        assert said.code == 0, said.err
        told = json.loads(said.out)
        assert told == json.loads((desk.folder / "class.assets/playback.json").read_text())
        assert told["verdict"] == "degraded"
        fates = {o["video_id"]: (o["fate"], o["how"]) for o in told["outcomes"]}
        warned = {f["where"] for f in told["findings"] if f["severity"] == "warning"}
        shown = {s["video_id"] for scene in told["scenes"] for s in scene["shown"]}
        assert fates["truncated"][0] == "repaired"
        for name in DAMAGES:
            assert len(fates[name][1]) > 20
            assert name in warned
            assert name in said.err
        for name in set(DAMAGES) - {"truncated"}:
            assert fates[name][0] == "dropped"
            assert name not in shown
        assert desk.say("verify", "class.mp4").code == 0
        streams = [replace(s, rect=USER_1) if s.user else s for s in desk.lesson.streams if s.video_id != "a1"]
        manifest = load_manifest(desk.out)
        # the places of those who are not there are background: bob takes the first
        assert wrong_pictures(Class(streams), Playback(desk.out, manifest, was_there=False)) == []

    def test_strict_refuses_before_anything_appears(self, desk: Desk) -> None:
        empty(desk.folder / "media/a1.mp4")
        before = sorted(p.name for p in desk.folder.iterdir())
        said = desk.say(*desk.run, "--strict")
        assert_refused(said, 2, "--strict: a1: ", "Leave out --strict")
        assert sorted(p.name for p in desk.folder.iterdir()) == sorted([*before, "home"])

    def test_all_of_them_is_a_failure_that_names_the_first(self, desk: Desk) -> None:
        for name in ("a1", "b1", "w1"):
            empty(desk.folder / f"media/{name}.mp4")
        assert_refused(desk.say(*desk.run), 4, "empty", "3 segments, none usable")


class TestLayoutFiles:
    def layout(self, desk: Desk, **rect: int) -> Said:
        body = json.loads((desk.folder / "small.json").read_text())
        body["InputStreamList"][0]["LayoutParams"].update(rect)
        (desk.folder / "small.json").write_text(json.dumps(body))
        return desk.say(*desk.run)

    def test_a_rectangle_outside_the_canvas(self, desk: Desk) -> None:
        assert_refused(self.layout(desk, X=400), 2, "400", "492")

    def test_a_size_beyond_the_vendors_limit(self, desk: Desk) -> None:
        assert_refused(self.layout(desk, Width=4000), 2, "4000")

    def test_a_layout_file_that_is_no_json(self, desk: Desk) -> None:
        (desk.folder / "small.json").write_text("{")
        assert_refused(desk.say(*desk.run), 2, "layout small", "line 1 column 2")


def without_root_powers() -> None:
    """In a child before exec: root loses the right to ignore permissions, so that they can be tested by root."""
    prctl_drop_bound, dac_override, dac_read_search = 24, 1, 2
    for power in (dac_override, dac_read_search):
        ctypes.CDLL(None).prctl(prctl_drop_bound, power)


class TestPermissions:
    def say(self, desk: Desk, *words: str, **settings: str) -> Said:
        done = subprocess.run(
            [*START, *words], cwd=desk.folder, env=desk.environment(settings), capture_output=True, text=True,
            preexec_fn=without_root_powers, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def test_a_folder_that_may_not_be_written_to(self, desk: Desk) -> None:
        closed = desk.folder / "closed"
        closed.mkdir(mode=0o555)
        assert_refused(self.say(desk, *desk.run, "-o", "closed/class.mp4"), 2, "closed may not be written to")
        assert_refused(self.say(desk, *desk.run, "--frame", "0:01", "closed/f.png"), 2, "closed may not be written to")
        assert not desk.home.exists()

    def test_a_home_that_may_not_be_written_to(self, desk: Desk) -> None:
        closed = desk.folder / "closed"
        closed.mkdir(mode=0o555)
        assert_refused(self.say(desk, *desk.run, home=str(closed)), 5, "closed", "ASSEMBLER_HOME")
        said = self.say(desk, "doctor", home=str(closed))
        assert said.code == 5
        assert "BAD  home" in said.out

    @pytest.mark.parametrize("name", ["locks", "work", "facts", "scratch"])
    def test_a_home_of_which_a_folder_belongs_to_somebody_else(self, desk: Desk, name: str) -> None:
        (desk.home / name).mkdir(parents=True)
        (desk.home / name).chmod(0o555)
        assert_refused(self.say(desk, *desk.run), 5, name)

    def test_a_result_that_may_not_be_read(self, desk: Desk) -> None:
        (desk.folder / "result.json").chmod(0)
        assert_refused(self.say(desk, *desk.run), 2, "result.json: cannot be read: Permission denied")

    def test_a_media_file_that_may_not_be_read_is_one_bad_segment(self, desk: Desk) -> None:
        (desk.folder / "media/a1.mp4").chmod(0)
        change(desk, a1={"url": None})
        said = self.say(desk, "plan", "result.json", "--media-dir", "media", "--probe", "--json")
        assert said.code == 0, said.err
        outcome = next(o for o in json.loads(said.out)["outcomes"] if o["video_id"] == "a1")
        assert outcome["fate"] == "dropped"
        assert "Permission denied" in outcome["how"]

    def test_a_file_in_the_way_of_the_assets(self, desk: Desk) -> None:
        (desk.folder / "class.assets").write_text("mine")
        assert_refused(desk.say(*desk.run), 2, "class.assets is in the way")
        assert (desk.folder / "class.assets").read_text() == "mine"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk")
    yield small
    small.close()


class TestDiskFull:
    def test_too_little_room_is_told_before_the_work(
        self, desk: Desk, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        little = shutil.disk_usage(desk.folder)._replace(free=100_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: little)
        said = desk.say(*desk.run)
        assert_refused(said, 5, "free, about", "are needed", "Make room")
        assert not list(desk.home.glob("work/*/chunks"))

    def test_a_full_disk_while_the_file_is_checked_keeps_no_unchecked_file(
        self, desk: Desk, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(disk.place))
        disk.fill()
        assert_refused(desk.say(*desk.run), 5, "is full", "Make room")
        assert not list(desk.folder.glob("*.part"))
        disk.make_room()
        assert desk.say(*desk.run).code == 0

    def test_a_report_that_cannot_be_written_keeps_no_part_of_its_file(self, desk: Desk) -> None:
        (desk.folder / "class.assets" / "report.html").mkdir(parents=True)
        assert_refused(desk.say(*desk.run, "--overwrite"), 5, "report.html cannot be written")
        assert not list(desk.folder.glob("*.part"))

    @pytest.mark.leaves_parts
    def test_a_home_that_fills_up_midway(self, desk: Desk, disk: SmallDisk) -> None:
        settings = {"home": str(disk.place / "home"), "chunk_seconds": "0.4", "processes": "1"}
        process = desk.start([*desk.run, "--keep-work"], **settings)
        until(lambda: bool(list(disk.place.glob("home/work/*/chunks/*.mp4"))))
        disk.fill(process.pid)
        out, err = process.communicate(timeout=30)
        assert_refused(Said(process.returncode, out, err), 5, "the disk", "is full", "Make room")
        assert busy_in(desk.folder) == []
        assert not desk.out.exists()
        kept = {p: p.stat().st_ino for p in disk.place.glob("home/work/*/chunks/*.mp4") if "-made" not in p.name}
        disk.make_room()
        assert desk.say(*desk.run, "--keep-work", **settings).code == 0
        assert {p: p.stat().st_ino for p in kept} == kept

    def test_a_place_for_the_result_that_fills_up_midway(self, desk: Desk, disk: SmallDisk) -> None:
        words = [*desk.run, "-o", str(disk.place / "class.mp4")]
        process = desk.start(words, chunk_seconds="0.4", processes="1")
        until(lambda: bool(list(desk.home.glob("work/*/chunks/*.mp4"))))
        disk.fill(process.pid)
        out, err = process.communicate(timeout=30)
        assert_refused(Said(process.returncode, out, err), 5, "the disk", "is full", "Make room")
        disk.make_room()
        assert list(disk.place.iterdir()) == []
        assert desk.say(*words, chunk_seconds="0.4").code == 0


def fake_ffmpeg(folder: Path, real: str, behaviour: str) -> str:
    """An ffmpeg that encodes sound as it should, and with a picture to render does something else."""
    path = folder / "fake-ffmpeg"
    path.write_text(
        f"""#!/bin/sh
case "$*" in
  *-version*) echo "ffmpeg version 9.0.2 Copyright"; exit 0;;
  *-progress*) ;;
  *) exec {real} "$@";;
esac
trap '' TERM INT
echo try >> {folder}/tries
for word; do case "$word" in chunks/*.part) out="$word";; esac; done
{behaviour}
"""
    )
    path.chmod(0o755)
    return str(path)


class TestFfmpeg:
    def test_one_that_is_not_there_or_no_ffmpeg(self, desk: Desk) -> None:
        assert_refused(desk.say(*desk.run, ffmpeg="/nowhere/ffmpeg"), 5, "/nowhere/ffmpeg", "ASSEMBLER_FFMPEG")
        assert_refused(desk.say(*desk.run, "--ffmpeg", "/bin/true"), 5, "/bin/true is not an ffmpeg")
        (desk.folder / "text").write_text("no program")
        (desk.folder / "text").chmod(0o755)
        assert_refused(desk.say(*desk.run, "--ffmpeg", "./text"), 5, "text")

    def test_one_that_is_too_old(self, desk: Desk) -> None:
        old = desk.folder / "old"
        old.write_text("#!/bin/sh\necho ffmpeg version 4.2.7-0ubuntu0.1 Copyright\n")
        old.chmod(0o755)
        assert_refused(desk.say(*desk.run, "--ffmpeg", str(old)), 5, "4.2.7", "5.1 is needed", "ASSEMBLER_FFMPEG")

    @pytest.mark.leaves_parts
    def test_one_that_hangs_floods_and_ignores_sigterm(self, desk: Desk, bundled_ffmpeg: str) -> None:
        behaviour = 'printf half > "$out"; yes complaint | head -c 40000000 >&2; while :; do sleep 1; done'
        fake = fake_ffmpeg(desk.folder, bundled_ffmpeg, behaviour)
        said = desk.say(*desk.run, "--ffmpeg", fake, stall_seconds="1")
        assert_refused(said, 5, "made no progress for 1 s and was killed", "Run the same command again")
        assert (desk.folder / "tries").read_text().count("try") == 2
        assert busy_in(desk.folder) == []
        assert sum(p.stat().st_size for p in desk.home.rglob("*.log")) < 20 * 2**20
        assert not desk.out.exists()
        assert not list(desk.home.rglob("chunks/*.mp4"))

    @pytest.mark.parametrize(
        ("behaviour", "part"),
        [
            (
                'printf half > "$out"; exit 0',
                "ffmpeg made 0 pictures from 0:00 of the playback on where 60 were planned",
            ),
            ("exit 0", "ffmpeg made 0 pictures"),
            ('printf half > "$out"; echo "Conversion failed!" >&2; exit 1', "Conversion failed!"),
            ('printf half > "$out"; kill -9 $$', "killed by signal 9"),
        ],
        ids=["half a file", "no file", "failure", "killed"],
    )
    def test_one_that_fails(self, desk: Desk, bundled_ffmpeg: str, behaviour: str, part: str) -> None:
        said = desk.say(*desk.run, "--ffmpeg", fake_ffmpeg(desk.folder, bundled_ffmpeg, behaviour))
        assert_refused(said, 5, part)
        assert not desk.out.exists()
        assert not list(desk.home.rglob("chunks/*.mp4"))

    @pytest.mark.leaves_parts
    def test_one_that_hangs_is_killed_with_a_run_that_is_killed(self, desk: Desk, bundled_ffmpeg: str) -> None:
        fake = fake_ffmpeg(desk.folder, bundled_ffmpeg, "exec sleep 1000")
        process = desk.start([*desk.run, "--ffmpeg", fake])
        until(lambda: (desk.folder / "tries").exists())
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert busy_in(desk.folder) == []
