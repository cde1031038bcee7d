"""Places in a TS at which reading may start: what is read from there is what the whole file gives."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from synthetic import Recipe, make

from assembler.facts import VideoFacts
from assembler.media.probe.child import probe_file
from assembler.media.probe.entry_points import PACKET, find_entry_points
from assembler.media.probe.order import ProbeInput
from assembler.media.render.inputs import Input

SECONDS = 24
SHORT = Recipe(
    seconds=Fraction(SECONDS), fps=Fraction(10), gop=15, width=64, height=48, container="ts", sound=False
)  # fmt: skip
WHOLE = {
    "pictures alone": SHORT,
    "sound and pictures": SHORT.model_copy(update={"sound": True}),
    "stamps that begin late": SHORT.model_copy(update={"origin": Fraction(60_000)}),
    "stamps near where they wrap": SHORT.model_copy(update={"origin": Fraction(95_370)}),
    "tables at the head alone": SHORT.model_copy(update={"sound": True}),
    "sizes that change": SHORT.model_copy(update={"sizes": ((64, 48), (96, 64))}),
}


def probed(path: Path) -> VideoFacts:
    video = probe_file(ProbeInput("v", path, keep_stamps=False))[0].picture
    assert video is not None
    return video


def frames(ffmpeg: str, opened: Input, seek: int | None, base: Fraction) -> list[tuple[int, str]]:
    """Stamp and digest of every frame."""
    url, options = opened.open_at(seek, base)
    words = [word for name, value in options.items() for word in (f"-{name}", str(value))]
    run = subprocess.run(
        [ffmpeg, "-v", "warning", "-copyts", *words, "-f", "mpegts", "-i", url, "-map", f"0:{opened.stream}",
         "-vf", "settb=1/90000,scale=64:48", "-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-f", "framemd5",
         "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stderr == ""
    rows = [line.split(",") for line in run.stdout.splitlines() if not line.startswith("#")]
    return [(int(row[2]), row[-1].strip()) for row in rows]


@pytest.mark.parametrize("what", WHOLE)
def test_frames_behind_an_entry_point_are_those_of_the_whole_file(
    what: str, ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(WHOLE[what], ffmpeg)
    if what == "tables at the head alone":
        data = path.read_bytes()
        each = [data[at : at + PACKET] for at in range(0, len(data), PACKET)]
        kept = [one for n, one in enumerate(each) if n < 5 or one[1:3] not in (b"\x40\0", b"\x50\0")]
        assert len(each) - len(kept) > 100
        path = tmp_path / "file.ts"
        path.write_bytes(b"".join(kept))
    monkeypatch.chdir(path.parent)
    video = probed(path)
    assert video.entries is not None
    assert len(video.entries.stamps) == {"sizes that change": 4}.get(what, 3)
    plain = Input(path.name, "mpegts", video.stream)
    whole = [] if len(video.stretches) > 1 else frames(ffmpeg, plain, None, video.time_base)
    ends = {stretch.start: stretch.end for stretch in video.stretches}
    for stamp in video.entries.stamps[1:]:
        end = next(ends[start] for start in sorted(ends, reverse=True) if start <= stamp)
        last = 0 if end is None else video.entries.places[video.entries.stamps.index(end)]
        found = frames(ffmpeg, replace(plain, entries=video.entries, end=last), stamp, video.time_base)
        assert found[0][0] == stamp
        if whole:
            assert found == [frame for frame in whole if frame[0] >= stamp]
        else:
            assert len(found) == ((end or video.last + 9_000) - stamp) // 9_000


def test_a_file_whose_stamps_count_round_is_read_from_its_start(bundled_ffmpeg: str) -> None:
    wrapping = make(SHORT.model_copy(update={"origin": Fraction(-5)}), bundled_ffmpeg)
    assert probed(wrapping).entries is None
    assert probed(make(SHORT.model_copy(update={"seconds": Fraction(9)}), bundled_ffmpeg)).entries is None


@pytest.mark.parametrize("what", ["no tables at the head", "packets of a receiver", "places that begin no picture"])
def test_where_what_is_needed_is_not_there_reading_starts_at_the_beginning(
    what: str, tmp_path: Path, bundled_ffmpeg: str
) -> None:
    data = make(SHORT, bundled_ffmpeg).read_bytes()
    video = probed(make(SHORT, bundled_ffmpeg))
    assert video.entries is not None
    places: dict[int, int | None] = dict(zip(video.entries.stamps, video.entries.places, strict=True))
    path = tmp_path / "file.ts"
    if what == "no tables at the head":
        begin = video.entries.tables[1]
        data = data[begin : begin + 4096 // PACKET * PACKET].replace(b"\x47\x40\0", b"\x47\x5f\xff") + data[begin:]
    elif what == "packets of a receiver":
        data = b"".join(bytes(4) + data[at : at + PACKET] for at in range(0, len(data), PACKET))
    else:
        places = {stamp: at + PACKET for stamp, at in places.items() if at is not None}
    path.write_bytes(data)
    assert find_entry_points(path, video, places) is None
