"""Agora's files without any body, backups of its playlists, and recorders that took over from another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from classes import SMALL, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE, recipe
from sliced import cut, stamp
from synthetic import make
from terminal import Desk

from assembler.dialects import parse
from assembler.dialects.systems.agora_names import ListName, read_name, superseded
from assembler.errors import InputError
from assembler.pipeline.agora_folder import read_agora_folder
from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import load_manifest
from assembler.recording import StreamKind

BEGUN = 1_790_000_007_700
CAMERA, AUDIO, MIX = StreamKind.CAMERA, StreamKind.AUDIO, StreamKind.MIX


def name(user: str, track: str, more: str = "", room: str = "my_room") -> str:
    return f"{more}sid7_{room}__uid_s_{user}__uid_e_{track}"


def write(folder: Path, list_name: str, *parts: str, at: int = BEGUN) -> None:
    lines = [f"#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TIME={stamp(at)}"]
    for part in parts:
        (folder / part).write_bytes(b"G" * 188)
        lines += ["#EXTINF:15.0", part]
    (folder / f"{list_name}.m3u8").write_text("\n".join(["#EXTM3U", *lines, "#EXT-X-ENDLIST"]))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("d/sid7_a_b__uid_s_1__uid_e_audio.m3u8",
         ListName("d/sid7_a_b__uid_s_1__uid_e_audio", "sid7", "a_b", "1", "audio", None)),
        ("bak0_sid7_r__uid_s_u_1__uid_e_av.m3u8",
         ListName("bak0_sid7_r__uid_s_u_1__uid_e_av", "sid7", "r", "u_1", "audio_and_video", None)),
        ("sid7_r__uid_s_1__uid_e_video_20260920125140_2.m3u8",
         ListName("sid7_r__uid_s_1__uid_e_video", "sid7", "r", "1", "video", (20260920125140, 2))),
        ("sid7_r.m3u8", ListName("sid7_r", "sid7", "r", None, "", None)),
        ("playlist.m3u8", None),
        ("sid7_r__uid_s_1__uid_e_video.ts", None),
        ("a_" * 600 + ".m3u8", None),
    ],
)  # fmt: skip
def test_a_playlist_s_name_tells_who_is_in_it(given: str, told: ListName | None) -> None:
    assert read_name(given) == told


def test_the_list_itself_counts_else_its_newest_backup() -> None:
    one, other = name("1", "audio"), name("2", "audio")
    names = [f"{one}_1790000000_1", one, f"{other}_1790000000_9", f"{other}_1790000001_1", f"{other}_1790000000_10"]
    older = superseded(f"{n}.m3u8" for n in names)
    assert {old.removesuffix(".m3u8"): best.removesuffix(".m3u8") for old, best in older.items()} == {
        names[0]: one, names[2]: names[3], names[4]: names[3],
    }  # fmt: skip


def test_backups_in_a_body_are_left_out_with_a_note() -> None:
    entry = {"trackType": "audio", "uid": "1", "mixedAllUser": False, "sliceStartTime": BEGUN}
    files = [{**entry, "fileName": f"{name('1', 'audio')}{more}.m3u8"} for more in ("", "_1790000000_1")]
    recording = parse(json.dumps({"sid": "t", "cname": "r", "serverResponse": {"fileList": files}}))
    assert [s.video_id for s in recording.segments] == [name("1", "audio")]
    assert "A backup of a playlist was left out" in recording.findings[-1].sentence


@pytest.mark.parametrize(
    ("given", "kind", "user"),
    [(f"d/{name('1', 'video')}.m3u8", CAMERA, "1"), ("d/sid7_my_room.m3u8", MIX, "")],
)
def test_a_list_of_files_that_is_one_name_tells_by_the_name(given: str, kind: StreamKind, user: str) -> None:
    server = {"fileListMode": "string", "fileList": given, "uploadingStatus": "uploaded"}
    recording = parse(json.dumps({"sid": "sid7", "cname": "my_room", "serverResponse": server}))
    assert recording.start is None
    assert [(s.kind, s.user, s.play_time, s.format) for s in recording.segments] == [(kind, user, 0, "m3u8")]


def test_a_folder_without_a_body_tells_task_room_and_people(tmp_path: Path) -> None:
    write(tmp_path, name("1", "audio"), "0.ts")
    write(tmp_path, name("1", "video"), "1.ts", at=BEGUN + 400)
    write(tmp_path, name("2", "audio", "bak0_"), "2.ts", at=BEGUN + 900)
    write(tmp_path, name("2", "audio") + "_1790000000_1", "3.ts", at=BEGUN + 100)
    (tmp_path / "other.m3u8").write_text("#EXTM3U")
    (recording,) = read_agora_folder(tmp_path)
    assert (recording.task_id, recording.room_id, recording.start) == ("sid7", "my_room", BEGUN)
    assert sorted((s.user, s.kind, s.play_time) for s in recording.segments) == [
        ("1", AUDIO, 0), ("1", CAMERA, 400), ("2", AUDIO, 100), ("2", AUDIO, 900),
    ]  # fmt: skip


def test_two_rooms_and_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no playlist of Agora"):
        read_agora_folder(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read_agora_folder(tmp_path / "nowhere")
    write(tmp_path, name("1", "audio"), "0.ts")
    write(tmp_path, name("1", "audio", room="another"), "1.ts")
    with pytest.raises(InputError, match=r'2 rooms: "another", "my_room"'):
        read_agora_folder(tmp_path)


def slices(folder: Path, ffmpeg: str, streams: list[Stream], names: dict[str, str]) -> None:
    folder.mkdir()
    for stream in streams:
        cut(make(stream.recipe, ffmpeg), folder, names[stream.video_id], BEGUN + stream.play, ffmpeg)


def test_a_folder_is_a_class_in_sync_by_the_command_line(tmp_path: Path, bundled_ffmpeg: str) -> None:
    def one(key: str, user: str, at: int, colour: str, rect: Any = None) -> Stream:
        kind, which = (CAMERA, "sound") if rect else (AUDIO, "picture")
        return Stream(key, kind, user, at, recipe(colour, 6, container="ts", gop=15, **{which: False}), rect)

    streams = [
        one("v1", "1", 400, "red", USER_1), one("a1", "1", 0, "green"),
        one("v2", "2", 1_250, "magenta", USER_2), one("a2", "2", 1_100, "cyan"),
        one("again", "2", 4_250, "yellow", USER_2),
    ]  # fmt: skip
    names = {"v1": name("1", "video"), "a1": name("1", "audio"), "v2": name("2", "video"), "a2": name("2", "audio")}
    slices(tmp_path / "bucket", bundled_ffmpeg, streams, {**names, "again": name("2", "video", "bak0_")})
    (tmp_path / "small.json").write_text(SMALL)
    desk = Desk(tmp_path, Class(streams))
    shown = desk.say("inspect", "--agora-dir", "bucket")
    assert shown.code == 0, shown.err
    assert "my_room" in shown.out
    said = desk.say("run", "--agora-dir", "bucket", "--layout", "small.json", "-o", "class.mp4", ffmpeg=bundled_ffmpeg)
    assert said.code == 0, said.err
    playback = Playback(desk.out, load_manifest(desk.out), was_there=False)
    overlapping = [replace(s, pieces=((1_250, 4_250, 0),)) if s.video_id == "v2" else s for s in streams]
    assert wrong_pictures(Class(overlapping), playback) == []
    assert max(beep_errors(Class(overlapping), playback).values()) <= SOUND_TOLERANCE
    assert "--agora-dir" in desk.say("run", "bucket").err
    assert "--agora-dir" in desk.say("inspect").err
