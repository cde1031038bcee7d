"""What a run that ended midway had rendered of a chunk is taken up, wherever in the chunk it ended."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from classes import BOARD, USER_1, Class, Stream, wrong_pictures
from synthetic import Recipe, make
from terminal import Desk, busy_in, until

from assembler.choices import Quality
from assembler.media.encoders import ENCODERS, Encoder
from assembler.media.verify.verify import verify
from assembler.mp4.fragments import Fragments, count_frames_in_either, read_fragments
from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import load_manifest
from assembler.recording import StreamKind

LESSON = Class(
    [
        Stream("w1", StreamKind.WHITEBOARD, "", 33, Recipe(identity="blue", seconds=7, fps=5), BOARD),
        Stream(
            "a1", StreamKind.CAMERA, "ann", 621, Recipe(identity="red", seconds=Fraction(22, 3), fps=15, gop=40), USER_1
        ),
    ],
    total=8_000,
)
FRAMES = 120
WHOLE = {"chunk_seconds": "1000", "processes": "1"}
"""All of the lesson is one chunk."""


@pytest.fixture
def desk(tmp_path: Path, ffmpeg: str) -> Desk:
    return Desk.laid(tmp_path, LESSON, ffmpeg)


def hanging(folder: Path, real: str, frames: Sequence[int]) -> str:
    """An ffmpeg that hangs when it has rendered so many frames of a chunk: at its first try, its second..."""
    path = folder / "hanging-ffmpeg"
    path.write_text(
        f"""#!/bin/sh
case "$*" in *chunks/*.part) ;; *) exec {real} "$@";; esac
echo try >> {folder}/tries
limit=$(echo "{" ".join(map(str, frames))} " | cut -s -d ' ' -f "$(wc -l < {folder}/tries)")
[ "$limit" ] || exec {real} "$@"
left=$#
for word; do
  [ "$left" = 1 ] && set -- "$@" -frames:v "$limit"
  set -- "$@" "$word"; shift
  left=$((left - 1))
done
{real} "$@"
while :; do sleep 1; done
"""
    )
    path.chmod(0o755)
    (folder / "tries").touch()
    return str(path)


def parts(desk: Desk) -> list[Path]:
    return list(desk.home.glob("work/*/chunks/*.part"))


def run(desk: Desk, ffmpeg: str) -> list[str]:
    return [*desk.run, "--keep-work", "--ffmpeg", ffmpeg]


def assert_right(desk: Desk, borders: Sequence[int]) -> None:
    """Every frame is whole and shows what it must; pieces meet at these frames."""
    manifest = load_manifest(desk.out)
    verify(desk.out, manifest, decode="all")
    assert wrong_pictures(desk.lesson, Playback(desk.out, manifest, was_there=False)) == []
    assert joins(desk) == list(borders)
    assert parts(desk) == []


def joins(desk: Desk) -> list[int]:
    """Frames at which pieces meet."""
    manifest = load_manifest(desk.out)
    step = manifest.stamps.steps[0][0]
    return [at // step for at in manifest.joins]


def test_a_run_that_is_killed_and_then_stopped_goes_on_where_it_was(desk: Desk, ffmpeg: str) -> None:
    untouched = desk.lesson.rows(desk.lesson.assemble(desk.folder / "other", ffmpeg))
    fake = hanging(desk.folder, ffmpeg, [40, 33])
    for had, how in ((40, signal.SIGKILL), (33, signal.SIGINT)):
        process = desk.start(run(desk, fake), **WHOLE)
        until(lambda had=had: any(count_frames_in_either(part) == had for part in parts(desk)))  # type: ignore[misc]
        process.send_signal(how)
        process.communicate(timeout=120)
        assert busy_in(desk.folder) == []
    said = desk.say(*run(desk, fake), **WHOLE)
    assert said.code == 0, said.err
    assert (desk.folder / "tries").read_text().count("try") == 3
    assert_right(desk, [40, 73])
    rows = desk.lesson.rows(Playback(desk.out, load_manifest(desk.out), was_there=False))
    assert [row.seen for row in rows] == [row.seen for row in untouched]


def test_an_ffmpeg_that_hangs_once_goes_on_from_there_in_the_same_run(tmp_path: Path, bundled_ffmpeg: str) -> None:
    desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
    fake = hanging(desk.folder, bundled_ffmpeg, [50])
    said = desk.say(*run(desk, fake), "--progress", "json", stall_seconds="5", **WHOLE)
    assert said.code == 0, said.err
    assert_right(desk, [50])
    events = [json.loads(line) for line in said.err.splitlines() if line.startswith("{")]
    done = [event["done"] for event in events if event.get("task") == "render"]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(8)


@pytest.mark.leaves_parts
class TestAPartOfAnyLength:
    @pytest.fixture
    def half(self, tmp_path: Path, bundled_ffmpeg: str) -> tuple[Desk, Path]:
        """A class whose one chunk is rendered, but not finished."""
        desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
        assert desk.say(*desk.run, "--keep-work", **WHOLE).code == 0
        (chunk,) = desk.home.glob("work/*/chunks/*.mp4")
        desk.out.unlink()
        chunk.with_suffix(".json").unlink()
        part = chunk.with_suffix(".made.part")
        os.replace(chunk, part)
        return desk, part

    def test_gives_its_whole_fragments_wherever_it_is_cut(self, half: tuple[Desk, Path]) -> None:
        part = half[1]
        whole, chance = part.read_bytes(), random.Random(1)
        ends = _fragment_ends(whole)
        assert len(ends) >= 7
        assert [_cut(part, whole, at).frames for at in ends] == [15 * n for n in range(1, 9)]
        places = {at + by for at in ends for by in (-1, 0, 1, 8, 100)} | {
            chance.randrange(len(whole)) for _ in range(200)
        }
        for at in sorted(places):
            found = _cut(part, whole, at)
            assert found.bytes == max((end for end in ends if end <= at), default=0)
            assert found.frames == 15 * sum(end <= at for end in ends)

    def test_gives_what_decodes_and_no_more(self, half: tuple[Desk, Path]) -> None:
        part = half[1]
        whole = part.read_bytes()
        for at in (len(whole) // 3, len(whole) // 2, len(whole) - 500):
            found = _cut(part, whole, at)
            part.write_bytes(whole[: found.bytes])
            with av.open(str(part), format="mov") as source:
                source.streams.video[0].codec_context.options = {"err_detect": "explode"}
                assert sum(1 for _ in source.decode(video=0)) == found.frames

    def test_survives_garbage(self, half: tuple[Desk, Path]) -> None:
        part = half[1]
        whole, chance = part.read_bytes(), random.Random(2)
        for _ in range(200):
            data = bytearray(whole)
            for _ in range(chance.choice([1, 5, 50])):
                data[chance.randrange(len(data))] = chance.randrange(256)
            found = _cut(part, bytes(data), len(data))
            assert found.frames <= FRAMES
        for rest in (bytes(4000), chance.randbytes(4000), whole[:700]):
            at = _fragment_ends(whole)[2]
            assert _cut(part, whole[:at] + rest, at + len(rest)).frames == 45
        at = _fragment_ends(whole)[2]
        no_data = whole[: at + 1000] + bytes(len(whole) - at - 1000)  # a disk that knew the size, but not the bytes
        assert _cut(part, no_data, len(whole)).frames == 45
        for junk in (b"", b"half", chance.randbytes(5000), bytes(5000)):
            assert _cut(part, junk, len(junk)).frames == 0

    @pytest.mark.parametrize("share", [0.4, 0.8, 1])
    def test_is_gone_on_with(self, half: tuple[Desk, Path], share: float) -> None:
        desk, part = half
        data = part.read_bytes()
        part.write_bytes(data[: int(len(data) * share)])
        had = read_fragments(part).frames
        assert 15 < had <= FRAMES
        assert desk.say(*desk.run, "--keep-work", **WHOLE).code == 0
        assert_right(desk, [had] if had < FRAMES else [])

    def test_is_gone_on_with_where_one_who_helped_left_it(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
        shared = {"chunk_seconds": "4", "processes": "1", "share_minutes": "0.1"}
        assert desk.say(*desk.run, "--keep-work", **shared).code == 0
        (border,) = joins(desk)
        desk.out.unlink()
        chunk = next(desk.home.glob("work/*/chunks/*.mp4"))
        left = chunk.parents[1] / "helped/who-is-gone/chunks" / f"{chunk.stem}.made.part"
        left.parent.mkdir(parents=True)
        data = chunk.read_bytes()
        left.write_bytes(data[: _fragment_ends(data)[-1] - 1])
        os.replace(chunk.with_suffix(".log"), left.with_name(f"{chunk.stem}.log"))
        for path in (chunk, chunk.with_suffix(".json")):
            path.unlink()
        had = read_fragments(left).frames
        assert desk.say(*desk.run, "--keep-work", **shared).code == 0
        assert 0 < had == int(chunk.with_suffix(".split").read_text())
        assert joins(desk) in ([had, border], [border, border + had])
        assert_right(desk, joins(desk))

    def test_without_a_whole_fragment_is_made_anew(self, half: tuple[Desk, Path]) -> None:
        desk, part = half
        part.write_bytes(part.read_bytes()[:1500])
        assert desk.say(*desk.run, "--keep-work", **WHOLE).code == 0
        assert_right(desk, [])

    def test_is_not_taken_from_an_encoder_that_may_refer_to_later_pictures(
        self, half: tuple[Desk, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk, part = half
        for name, row in ENCODERS.items():
            monkeypatch.setitem(ENCODERS, name, replace(row, is_salvageable=False))
        part.write_bytes(part.read_bytes()[:-5000])
        assert desk.say(*desk.run, "--keep-work", **WHOLE).code == 0
        assert_right(desk, [])
        (chunk,) = desk.home.glob("work/*/chunks/*.mp4")
        assert read_fragments(chunk).frames == 0
        assert count_frames_in_either(chunk) == FRAMES


@pytest.mark.parametrize("quality", list(Quality))
@pytest.mark.parametrize("row", [row for row in ENCODERS.values() if row.is_salvageable], ids=lambda row: row.name)
def test_pictures_that_are_taken_up_stand_in_the_order_in_which_they_are_shown(
    row: Encoder, quality: Quality, tmp_path: Path, ffmpeg: str
) -> None:
    """Real pictures, for an encoder has a choice only there."""
    out, options = tmp_path / "out.mp4", row.at(quality)
    words: list[str] = []
    for name, value in (options.output_options(Fraction(15)) | options.container_options).items():
        words += [f"-{name}", value]
    source = ["-i", str(make(Recipe(identity="red", seconds=5, fps=15), ffmpeg)), "-an"]
    subprocess.run([ffmpeg, "-nostdin", "-loglevel", "error", *source, *words, str(out)], check=True)
    with av.open(str(out), format="mov") as made:
        stamps = [(packet.pts, packet.dts) for packet in made.demux(video=0) if packet.size]
    assert len(stamps) == read_fragments(out).frames == 75
    assert (
        [pts for pts, _ in stamps] == [dts for _, dts in stamps] == sorted(pts for pts, _ in stamps if pts is not None)
    )
    assert stamps[0] == (0, 0)


def _cut(part: Path, data: bytes, at: int) -> Fragments:
    part.write_bytes(data[:at])
    return read_fragments(part)


def _fragment_ends(data: bytes) -> list[int]:
    """Where every fragment's pictures end, read by the plainest means."""
    at, ends = 0, []
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        at += length
        if data[at - length + 4 : at - length + 8] == b"mdat":
            ends.append(at)
    return ends


def test_damage_in_what_was_taken_up_is_still_told(tmp_path: Path, bundled_ffmpeg: str) -> None:
    desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)
    hurt = desk.folder / "media/a1.mp4"
    data = bytearray(hurt.read_bytes())
    with av.open(str(hurt)) as source:
        for packet in list(source.demux(video=0))[3:9]:
            assert packet.pos is not None
            data[packet.pos + 8 : packet.pos + packet.size] = bytes(packet.size - 8)
    hurt.write_bytes(data)
    assert desk.say(*desk.run, **WHOLE).code == 0
    wanted = load_manifest(desk.out)
    assert [f.where for f in wanted.findings if "decoder complained" in f.sentence] == ["a1"]
    desk.out.unlink()
    fake = hanging(desk.folder, bundled_ffmpeg, [75])
    process = desk.start(run(desk, fake), **WHOLE)
    until(lambda: any(count_frames_in_either(part) == 75 for part in parts(desk)))
    process.kill()
    process.communicate()
    assert desk.say(*run(desk, fake), **WHOLE).code == 0
    found = load_manifest(desk.out)
    assert len(found.joins) == 1
    assert found.findings == wanted.findings
    assert found.outcomes == wanted.outcomes


def test_a_part_in_which_a_source_gave_no_frame_is_not_taken_up(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """The next source in its place then came too early in it."""
    lesson = Class(
        [
            LESSON.streams[0],
            Stream("a1", StreamKind.CAMERA, "ann", 0, Recipe(identity="red", seconds=7, fps=15, gop=15), None, 3_000),
            Stream("a2", StreamKind.CAMERA, "ann", 4_000, Recipe(identity="green", seconds=4, fps=15), USER_1),
        ],
        total=8_000,
    )
    desk = Desk.laid(tmp_path, lesson, bundled_ffmpeg)
    assert desk.say(*desk.run, "--fps", "10").code == 0  # so that it was probed before it is spoiled
    hurt = desk.folder / "media/a1.mp4"
    times, data = hurt.stat(), bytearray(hurt.read_bytes())
    with av.open(str(hurt)) as source:
        for packet in source.demux(video=0):
            if packet.pos is not None and packet.pts * packet.time_base < 5:  # what comes behind it is not shown
                data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    hurt.write_bytes(data)
    os.utime(hurt, ns=(times.st_atime_ns, times.st_mtime_ns))
    fake = hanging(desk.folder, bundled_ffmpeg, [60])
    process = desk.start(run(desk, fake), **WHOLE)
    until(lambda: any(count_frames_in_either(part) == 60 for part in parts(desk)), seconds=120)
    process.kill()
    process.communicate()
    assert desk.say(*run(desk, fake), **WHOLE).code == 0
    seen = replace(lesson, streams=[lesson.streams[0], lesson.streams[2]])
    playback = Playback(desk.out, load_manifest(desk.out), was_there=False)
    assert wrong_pictures(seen, playback) == []
    assert any("cannot be decoded" in f.sentence for f in playback.manifest.findings)


def test_a_run_with_other_jobs_keeps_the_chunks_of_the_first(tmp_path: Path, bundled_ffmpeg: str) -> None:
    desk = Desk.laid(tmp_path, LESSON, bundled_ffmpeg)

    def chunks(jobs: str) -> dict[str, int]:
        desk.out.unlink(missing_ok=True)
        assert desk.say(*desk.run, "--keep-work", chunk_seconds="1000", jobs=jobs).code == 0
        return {p.name: p.stat().st_ino for p in desk.home.glob("work/*/chunks/*.mp4")}

    before = chunks("2")
    assert len(before) == 2
    lost = before.popitem()[0]
    next(desk.home.glob(f"work/*/chunks/{lost}")).unlink()
    now = chunks("1")
    assert set(now) == {*before, lost}
    assert {name: now[name] for name in before} == before
    for nonsense in ("", "[0, 70, 60, 120]"):
        next(desk.home.glob("work/*/borders-*.json")).write_text(nonsense)
        assert chunks("2") == now
