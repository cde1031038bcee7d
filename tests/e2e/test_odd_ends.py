"""Files that begin behind their first key frame, or are cut off at their end: what is there is shown, what is missing
is told once, and only real damage is called damage."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction as F
from pathlib import Path

import av
from oddities import odd, packets, spoiled, wall, warnings
from readers import Row
from synthetic import Recipe, make

FPS = 15
COMPLAINED = "a decoder complained"


def without_first(source: Path, target: Path, pictures: int) -> None:
    """The same file without its first pictures, with their sound: another program's remux of a part."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in (*whole.streams.video, *whole.streams.audio)}
        left = pictures
        for packet in whole.demux():
            is_picture = packet.stream.type == "video"
            left -= is_picture and left > 0
            if packet.dts is not None and not (is_picture and left > 0):
                packet.stream = streams[packet.stream_index]
                out.mux(packet)


def remuxed(source: Path, target: Path, ffmpeg: str, *options: str) -> bytes:
    subprocess.run(
        [
            ffmpeg,
            "-v",
            "error",
            "-y",
            "-i",
            str(source),
            *options,
            "-map",
            "0",
            "-c:v",
            "copy",
            "-c:a",
            "copy",
            str(target),
        ],
        check=True,
    )
    return target.read_bytes()


def counters(rows: Sequence[Row], video_id: str) -> Mapping[int, int]:
    """Output frame -> source frame, where one is seen."""
    return {row.index: row.seen[video_id].counter or 0 for row in rows if row.seen[video_id].identity is not None}


def assert_in_step(rows: Sequence[Row], video_id: str, least: int) -> None:
    """At least so many source frames are seen, one behind the other; at the end the last one may be held."""
    seen = counters(rows, video_id)
    assert len(set(seen.values())) >= least, (video_id, seen)
    last = max(seen.values())
    moving = [(index, counter) for index, counter in seen.items() if counter < last]
    assert len({counter - index for index, counter in moving}) == 1, (video_id, seen)


def test_what_is_missing_at_a_files_start_or_end_is_told_once_and_is_no_damage(tmp_path: Path, ffmpeg: str) -> None:
    recipe, plain = odd("red", gop=15), odd("red", gop=15, bframes=2)
    transport: Recipe = odd("green", container="ts", gop=15, origin=F(20))
    late, cut = ("ts", "mkv", "flv"), ("cut ts", "cut flv", "cut webm", "cut mp4", "cut with text")
    lesson = wall(
        {
            "ts": (transport, None),
            "mkv": (recipe, None),
            "flv": (recipe, None),
            "cut ts": (transport, None),
            "cut flv": (recipe, None),
            "cut webm": (odd("blue", container="webm", gop=15), None),
            "cut mp4": (plain, None),
            "cut with text": (plain, None),
            "hurt": (transport, None),
        }
    )
    media = tmp_path / "media"
    media.mkdir()
    source, ts = make(recipe, ffmpeg), make(transport, ffmpeg).read_bytes()
    (media / "ts.ts").write_bytes(ts[len(ts) // 8 + 77 :])
    without_first(source, media / "mkv.mkv", 4)
    without_first(source, media / "flv.flv", 4)
    (media / "cut ts.ts").write_bytes(ts[: len(ts) * 4 // 5 + 60])
    flv = remuxed(source, tmp_path / "whole.flv", ffmpeg)
    (media / "cut flv.flv").write_bytes(flv[: len(flv) * 4 // 5])
    for name, whole in (("cut webm.webm", lesson.streams[5].recipe), ("cut mp4.mp4", plain)):
        content = make(whole, ffmpeg).read_bytes()
        (media / name).write_bytes(content[: len(content) * 4 // 5])
    text = tmp_path / "text.srt"
    text.write_text("".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},500\nhello\n\n" for n in range(3)))
    more = ("-i", str(text), "-map", "1", "-c:s", "mov_text", "-movflags", "+faststart")
    content = remuxed(make(plain, ffmpeg), tmp_path / "text.mp4", ffmpeg, *more)
    (media / "cut with text.mp4").write_bytes(content[: len(content) * 4 // 5])
    hurt = media / "hurt.ts"
    hurt.write_bytes(ts[len(ts) // 8 + 77 :])
    spoiled(hurt, [(at + 130, 58) for at, _ in packets(hurt, 22.2, 22.4)])

    playback = lesson.assemble(tmp_path, ffmpeg)
    rows = lesson.rows(playback)
    for name in late:
        assert_in_step(rows, name, 28)
        assert warnings(playback, name) == []
        told = [f.sentence for f in playback.manifest.findings if f.where == name]
        assert any("no key frame is in front of it" in sentence for sentence in told), (name, told)
    for name in cut:
        assert_in_step(rows, name, 28)
        assert len([s for s in warnings(playback, name) if "cut off" in s]) == 1, (name, playback.manifest.findings)
        assert not any(COMPLAINED in s for s in warnings(playback, name)), name
    damaged = [f for f in playback.manifest.findings if COMPLAINED in f.sentence]
    assert [f.where for f in damaged] == ["hurt"], damaged
    assert all("0:02" in f.sentence for f in damaged)
