"""What packages hold, as students, teachers and editors find it: every picture and every beep at its place."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import av
import opentimelineio as otio
import pytest
from classes import BOARD, USER_1, USER_2, Class, Stream, wrong_pictures
from readers import read_all, read_source
from sounds import beeps, listen
from synthetic import beep_times, frame_times

from assembler.choices import PackageName
from assembler.demo.identity import IDENTITIES
from assembler.dialects import parse
from assembler.outputs.packages import make_packages
from assembler.pipeline.assemble import Playback
from assembler.workspace import assets_of
from outputs.conftest import LESSON, SHARE, Made, made

PLACE_MS = 1
SOUND_SECONDS = 0.002


def folder_of(made: Made, name: PackageName) -> Path:
    told = make_packages(made.asking(name))
    assert [p.name for p in told.packages if p.name is name], told.findings
    return assets_of(made.material.playback) / name.value


def track_of(archive: Path, kind: str, number: int, folder: Path, ffmpeg: str) -> Path:
    out = folder / f"{kind}{number}.mkv"
    words = ["-v", "error", "-copyts", "-i", str(archive), "-map", f"0:{kind}:{number}", "-c", "copy", "-y", str(out)]
    subprocess.run([ffmpeg, *words], check=True)
    return out


def due_frames(streams: list[Stream]) -> list[tuple[int, int]]:
    """(ms, counter) of every frame of a user's files on the playback axis."""
    return [
        (round(stream.play + time * 1000), counter)
        for stream in streams
        for counter, time in frame_times(stream.recipe)
    ]


def test_every_track_of_the_archive_lies_at_its_place_to_the_ms(
    encoded: Made, tmp_path: Path, bundled_ffmpeg: str
) -> None:
    archive = folder_of(encoded, PackageName.ARCHIVE) / "archive.mkv"
    with av.open(str(archive)) as opened:
        named = [(stream.type, stream.metadata.get("title")) for stream in opened.streams]
    due = {"camera of ann": LESSON.streams[1:3], "camera of bob": LESSON.streams[3:], "whiteboard": LESSON.streams[:1]}
    kinds = ("video", "audio")
    assert named[:-1] == [(kind, f"{title} ({kind})") for title in due for kind in kinds]
    for number, streams in enumerate(due.values()):
        seen = read_source(track_of(archive, "v", number, tmp_path, bundled_ffmpeg))
        wanted = due_frames(list(streams))
        seen = [row for row in seen if row[0] * 1000 >= wanted[0][0] - PLACE_MS]  # behind those that decoding needs
        assert [counter for _, _, counter in seen] == [counter for _, counter in wanted]
        assert {identity for _, identity, _ in seen} == {streams[0].recipe.identity}
        late = [abs(float(stamp) * 1000 - at) for (stamp, _, _), (at, _) in zip(seen, wanted, strict=True)]
        assert max(late) <= PLACE_MS
        pitch = IDENTITIES[streams[0].recipe.identity].pitch
        heard = beeps(listen(track_of(archive, "a", number, tmp_path, bundled_ffmpeg)), [pitch])[pitch]
        due_beeps = [s.play / 1000 + float(beep) for s in streams for beep in beep_times(s.recipe)]
        if due_beeps[0] == 0:  # there is no packet before it, from which a decoder would begin
            due_beeps, heard = due_beeps[1:], [at for at in heard if at > 0.5]
        assert heard == pytest.approx(due_beeps, abs=SOUND_SECONDS)


def test_the_result_in_the_archive_can_be_assembled_and_holds_no_signature(
    encoded: Made, tmp_path: Path, bundled_ffmpeg: str
) -> None:
    archive = folder_of(encoded, PackageName.ARCHIVE) / "archive.mkv"
    out = tmp_path / "result.json"
    subprocess.run([bundled_ffmpeg, "-v", "quiet", "-dump_attachment:t", str(out), "-i", str(archive)], check=False)
    again = parse(out.read_bytes())
    assert [s.video_id for s in again.segments] == [s.video_id for s in LESSON.recording().segments]
    assert "?" not in "".join(s.url or "" for s in again.segments)


@pytest.mark.parametrize("playback", ["encoded", "copied"], indirect=True)
def test_hls_plays_the_same_pictures_at_the_same_times(playback: Made, tmp_path: Path, bundled_ffmpeg: str) -> None:
    """By ffmpeg as a player, which asks the playlist for its fragments."""
    master = folder_of(playback, PackageName.HLS) / "master.m3u8"
    played = tmp_path / "played.mp4"
    words = ["-v", "error", "-copyts", "-i", str(master), "-c", "copy", str(played)]
    subprocess.run([bundled_ffmpeg, *words], check=True)
    views = {"board": BOARD, "ann": USER_1, "bob": USER_2} if playback.lesson is LESSON else {"share": (0, 0, 320, 240)}
    assert [(float(row.stamp), row.seen) for row in read_all(played, views)] == [
        (pytest.approx(float(row.stamp), abs=0.002), row.seen) for row in read_all(playback.material.playback, views)
    ]
    assert 'CODECS="avc1.' in master.read_text()


def test_audio_alone_sounds_when_the_playback_does(encoded: Made) -> None:
    folder = folder_of(encoded, PackageName.AUDIO)
    pitch = IDENTITIES["green"].pitch
    due = beeps(listen(encoded.material.playback), [pitch])[pitch]
    assert len(due) == 2
    for name, offset in (("audio.m4a", 0.0), ("audio.mp3", None)):
        heard = beeps(listen(folder / name), [pitch])[pitch]
        late = [at - wanted for at, wanted in zip(heard, due, strict=True)]
        assert max(late) - min(late) <= SOUND_SECONDS
        assert offset is None or abs(late[0]) <= SOUND_SECONDS
        assert abs(late[0]) <= 0.05


def test_chapters_keep_their_titles_wherever_they_go(tmp_path: Path, bundled_ffmpeg: str) -> None:
    titles = ['= ; # \\ "<b>" 😀 العربية', ";FFMETADATA1", "漢" * 300]
    (tmp_path / "own.txt").write_text("".join(f"0:0{n} {title}\n" for n, title in enumerate(titles)), "utf-8")
    chosen: dict[str, Any] = {"also": ("archive", "audio"), "chapters": str(tmp_path / "own.txt")}
    made = SHARE.assemble(tmp_path, bundled_ffmpeg, **chosen)
    assert [package.name.value for package in made.manifest.packages] == ["archive", "audio"], made.manifest.findings
    for name in ("archive/archive.mkv", "audio/audio.m4a", "audio/audio.mp3"):
        with av.open(str(assets_of(made.path) / name)) as opened:
            found = [chapter["metadata"]["title"] for chapter in opened.chapters()]
        assert [title[:80] for title in found] == [title[:80] for title in titles], name


def test_the_poster_is_a_picture_with_everybody_in_it(encoded: Made) -> None:
    poster = folder_of(encoded, PackageName.POSTER) / "poster.jpg"
    ((_, seen),) = [(row.stamp, row.seen) for row in read_all(poster, {"board": BOARD, "ann": USER_1, "bob": USER_2})]
    assert {name: one.identity for name, one in seen.items()} == {"board": "blue", "ann": "red", "bob": "green"}


def test_a_cue_of_the_storyboard_names_the_picture_of_its_time(copied: Made) -> None:
    folder = folder_of(copied, PackageName.STORYBOARD)
    lines = (folder / "storyboard.vtt").read_text().split("\n\n")[1:]
    assert [line.splitlines()[0] for line in lines] == [
        "00:00:00.000 --> 00:00:02.000", "00:00:02.000 --> 00:00:03.000",
    ]  # fmt: skip
    counters = []
    for line in lines:
        sheet, _, where = line.splitlines()[1].partition("#xywh=")
        (row,) = read_all(folder / sheet, {"share": tuple(map(int, where.split(",")))})
        counters.append(row.seen["share"].counter)
    assert counters == [0, 30], "key frames at 0 and 2 s"


def test_the_project_is_read_by_its_own_library_and_every_clip_shows_what_the_class_showed(encoded: Made) -> None:
    folder = folder_of(encoded, PackageName.OTIO)
    project = otio.adapters.read_from_file(str(folder / "class.otio"))
    tracks = {(track.name, track.kind): track for track in project.tracks}
    assert list(tracks) == [
        (name, kind) for name in ("camera of ann", "camera of bob", "whiteboard") for kind in ("Video", "Audio")
    ]
    assert project.duration().to_seconds() == pytest.approx(4, abs=0.07)
    places: dict[str, set[int]] = {}
    first_counters = {stream.video_id: frame_times(stream.recipe)[0][0] for stream in LESSON.streams}
    for track in tracks.values():
        for clip in track.find_clips():
            at = clip.transformed_time(clip.source_range.start_time, track)
            shown = at.to_seconds() - clip.source_range.start_time.to_seconds()
            places.setdefault(clip.metadata["assembler"]["video_id"], set()).add(round(shown * 1000))
            media = folder / unquote(clip.media_reference.target_url)
            assert read_source(media)[0][2] == first_counters[clip.metadata["assembler"]["video_id"]]
    assert places == {stream.video_id: {stream.play} for stream in LESSON.streams}


def test_in_a_part_of_the_class_only_those_have_a_file_who_are_in_it(folder: Path, bundled_ffmpeg: str) -> None:
    part = made(LESSON, folder / "part", bundled_ffmpeg, start=1600, end=2200)
    assert [path.name for path in folder_of(part, PackageName.PEOPLE).iterdir()] == ["01-bob.mp4"]
    with av.open(str(folder_of(part, PackageName.PEOPLE) / "01-bob.mp4")) as opened:
        assert round((opened.duration or 0) / 1000) == 600


def test_everybody_has_a_file_in_step_with_the_class(encoded: Made) -> None:
    folder = folder_of(encoded, PackageName.PEOPLE)
    assert sorted(path.name for path in folder.iterdir()) == ["01-ann.mp4", "02-bob.mp4"]
    for name, streams in (("01-ann.mp4", LESSON.streams[1:3]), ("02-bob.mp4", LESSON.streams[3:])):
        with av.open(str(folder / name)) as opened:
            size = opened.streams.video[0].width, opened.streams.video[0].height
            assert round((opened.duration or 0) / 1000) == 4000
        alone = Class([replace(stream, rect=(0, 0, *size)) for stream in streams])
        found = Playback(folder / name, encoded.material.manifest, was_there=False)
        assert wrong_pictures(alone, found) == []
