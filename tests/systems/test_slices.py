"""Playlists in the media folder: their slices are one file of each run, and a class of them is in sync."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from classes import SMALL, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE, recipe
from sliced import stamp
from synthetic import make

from assembler.dialects import parse
from assembler.errors import InputError
from assembler.network.download.media_dir import find_local
from assembler.network.download.slices import NO_END, with_parts
from assembler.options import load_options
from assembler.pipeline.assemble import assemble
from assembler.pipeline.read_results import read_recordings
from assembler.recording import Recording, StreamKind
from assembler.times import WallMs

AT = WallMs(1_790_000_000_000)
"""Instant at which the first run begins."""


def started(at: int, *names: str, seconds: float = 2) -> list[str]:
    parts = [line for name in names for line in (f"#EXTINF:{seconds}", name)]
    return [f"#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=VIDEO,TIME={stamp(AT + at)}", *parts]


def write_list(folder: Path, name: str, *lines: str) -> None:
    (folder / f"{name}.m3u8").write_text("\n".join(["#EXTM3U", *lines, "#EXT-X-ENDLIST"]))


def listed(*ids: str, **more: Any) -> Recording:
    segments = [{"video_id": name, "kind": "camera", "user": name, "play_time": 500, **more} for name in ids]
    return parse(json.dumps({"segments": segments}))


def test_each_run_is_a_segment_at_its_instant_and_its_parts_are_one_file(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.ts").write_bytes(b"G" + bytes([n]) * 187)
    write_list(tmp_path, "ann", *started(0, "0.ts", "1.ts"), *started(9_250, "2.ts"))
    recording = with_parts(listed("ann", format="m3u8"), tmp_path)
    assert [(s.video_id, s.play_time, s.duration, s.format, s.parts) for s in recording.segments] == [
        ("ann-1", 500, 4_000, "ts", ("0.ts", "1.ts")),
        ("ann-2", 9_750, 2_000, "ts", ("2.ts",)),
    ]
    assert with_parts(recording, tmp_path) == recording
    assert parse(recording.model_dump_json()).segments == recording.segments
    cache = tmp_path / "cache"
    found = find_local(recording.segments, tmp_path, cache=cache)
    assert found.files["ann-1"].read_bytes() == (tmp_path / "0.ts").read_bytes() + (tmp_path / "1.ts").read_bytes()
    again = find_local(recording.segments, tmp_path, cache=cache)
    assert again.files == found.files
    assert len(list(cache.glob("*.part*"))) == 0


def test_a_playlist_is_found_by_the_base_name_of_its_address(tmp_path: Path) -> None:
    write_list(tmp_path, "ann list", *started(0, "0.ts"))
    given = listed("x", format="m3u8", url="https://b.example/d/ann%20list.m3u8?sign=1")
    assert with_parts(given, tmp_path).segments[0].parts == ("0.ts",)


def test_a_turned_picture_and_a_missing_end_are_said_once(tmp_path: Path) -> None:
    turned = "#EXT-X-AGORA-ROTATE:WIDTH=1,HEIGHT=1,ROTATE=90,TIME=1"
    (tmp_path / "ann.m3u8").write_text("\n".join(["#EXTM3U", *started(0, "0.ts"), turned, *started(9_250, "1.ts")]))
    write_list(tmp_path, "bob", *started(0, "2.ts"))
    for n in range(3):
        (tmp_path / f"{n}.ts").write_bytes(b"x")
    recording = with_parts(listed("ann", "bob", format="m3u8"), tmp_path)
    turn, end = recording.findings[-2:]
    assert (turn.where, end.where, end.sentence) == ("ann", "ann", NO_END)
    assert turn.sentence.startswith("Line 5 of its playlist: The picture was turned by 90 degrees from here on")
    assert with_parts(recording, tmp_path) == recording


@pytest.mark.parametrize("part", ["1.ts", "../secret.ts", "/etc/passwd", "https://x.example/1.ts?token=t", ".."])
def test_a_part_that_is_not_in_the_folder_fails_its_segment_alone(part: str, tmp_path: Path) -> None:
    (tmp_path / "secret.ts").write_bytes(b"G")
    media = tmp_path / "media"
    media.mkdir()
    (media / "0.ts").write_bytes(b"G" * 188)
    (media / "bob.ts").write_bytes(b"G" * 188)
    segments = (*listed("ann", parts=["0.ts", part]).segments, *listed("bob").segments)
    found = find_local(segments, media, cache=tmp_path / "cache")
    assert "is not in the media folder" in found.failures["ann"].sentence
    assert "token" not in found.failures["ann"].sentence
    assert set(found.files) == {"bob"}


def test_a_part_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0.ts").write_bytes(b"G" * 188)
    found = find_local(listed("ann", parts=["0.ts", "0.ts"]).segments, tmp_path, cache=tmp_path / "cache")
    assert "twice" in found.failures["ann"].sentence


def test_slices_of_webm_are_a_segment_each(tmp_path: Path) -> None:
    write_list(tmp_path, "ann", *started(0, "0.webm", "1.webm"), *started(9_250, "2.webm"))
    for n in range(3):
        (tmp_path / f"{n}.webm").write_bytes(b"x")
    recording = with_parts(listed("ann", format="m3u8"), tmp_path)
    assert [(s.video_id, s.play_time, s.duration, s.format, s.parts) for s in recording.segments] == [
        ("ann-1", 500, 2_000, "webm", ("0.webm",)),
        ("ann-2", 2_500, 2_000, "webm", ("1.webm",)),
        ("ann-3", 9_750, 2_000, "webm", ("2.webm",)),
    ]


def test_a_part_that_is_not_in_the_folder_is_a_hole_in_its_place(tmp_path: Path) -> None:
    write_list(tmp_path, "ann", *started(0, "0.ts", "1.ts", "2.ts", "3.ts"))
    for n in (0, 3):
        (tmp_path / f"{n}.ts").write_bytes(b"x")
    recording = with_parts(listed("ann", format="m3u8"), tmp_path)
    assert [(s.play_time, s.duration, s.parts) for s in recording.segments] == [
        (500, 2_000, ("0.ts",)), (6_500, 2_000, ("3.ts",)),
    ]  # fmt: skip
    assert recording.findings[-1].sentence == (
        'Its part "1.ts" and the 1 behind it cannot be had: it is not in the media folder.'
        " Nothing is there from 0:02 to 0:06 of its playlist."
    )


def test_a_playlist_that_leads_out_of_its_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    write_list(tmp_path, "ann", "#EXTINF:1", "../0.ts")
    with pytest.raises(InputError, match=r"ann\.m3u8: the playlist cannot be read: line 3"):
        with_parts(listed("ann", format="m3u8"), tmp_path)


def test_a_class_in_slices_with_a_track_that_starts_again_is_in_sync(tmp_path: Path, bundled_ffmpeg: str) -> None:
    camera = StreamKind.CAMERA
    streams = [
        Stream("ann-1", camera, "ann", 0, recipe("red", 2, container="ts"), USER_1),
        Stream("ann-2", camera, "ann", 3_250, recipe("blue", 3, container="ts"), USER_1),
        Stream("bob", camera, "bob", 1_050, recipe("green", 4, container="ts"), USER_2),
    ]
    media = tmp_path / "media"
    media.mkdir()
    lines: dict[str, list[str]] = {"ann": [], "bob": []}
    for stream in streams:
        raw = make(stream.recipe, bundled_ffmpeg).read_bytes()
        middle = len(raw) // 376 * 188
        names = [f"{stream.video_id}_{n}.ts" for n in range(2)]
        for name, data in zip(names, (raw[:middle], raw[middle:]), strict=True):
            (media / name).write_bytes(data)
        lines[stream.user] += started(stream.play, *names, seconds=float(stream.recipe.seconds) / 2)
    for user, said in lines.items():
        write_list(media, user, *said)
    (tmp_path / "small.json").write_text(SMALL)
    options = load_options(layout=str(tmp_path / "small.json"), media_dir=media, ffmpeg=bundled_ffmpeg, processes=2)
    segments = [
        {"video_id": user, "kind": "camera", "user": user, "play_time": at, "format": "m3u8"}
        for user, at in (("ann", 0), ("bob", 1_050))
    ]
    given = BytesIO(json.dumps({"segments": segments}).encode())
    playback = assemble(read_recordings(["-"], given), tmp_path / "class.mp4", options)
    lesson = Class(streams)
    assert wrong_pictures(lesson, playback) == []
    errors = beep_errors(lesson, playback)
    assert max(errors.values()) <= SOUND_TOLERANCE, errors
