"""Pictures that a package copies are shown when they were, in whatever order they are decoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from assembler.outputs.child import remux
from assembler.outputs.order import CopiedPart, CopiedTrack, Remux

FPS = 15
DEEP = "bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0"


def write(path: Path, params: str) -> list[int]:
    """Write 4 s with a key frame each second; returns the instants of its frames, in ms."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"g": str(FPS), "x264-params": params})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(4 * FPS):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64), 3 * number, np.uint8), format="gray")
            out.mux(stream.encode(frame.reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    return [round(number * 1000 / FPS) for number in range(4 * FPS)]


def shown(path: Path) -> list[int]:
    """Instants of all pictures of a file, in ms, sorted."""
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        return sorted(round(p.pts * video.time_base * 1000) for p in file.demux(video) if p.pts is not None and p.size)


@pytest.mark.parametrize("target", ["matroska", "mp4"])
@pytest.mark.parametrize("source", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("params", [DEEP, DEEP + ":open-gop=1"])
def test_every_picture_is_at_its_place(tmp_path: Path, source: str, target: str, params: str) -> None:
    """Of a whole file; and of a part that begins inside a GOP from its key frame on, without those that refer to what
    is in front of it."""
    frames, path, out = write(tmp_path / source, params), tmp_path / source, tmp_path / f"out.{target}"
    container = {".mp4": "mov", ".mkv": "matroska", ".ts": "mpegts"}[path.suffix]
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        first = min(p.pts * video.time_base for p in file.demux(video) if p.pts is not None)
    for start, due in ((0, frames), (1_600, [at for at in frames if at >= 1_000])):
        part = CopiedPart(str(path), container, 0, -Fraction(first), start, None)
        remux(Remux(str(out), target, (CopiedTrack("", (part,)),)))
        begins = shown(out)[0] if start else 0
        assert [at - begins for at in shown(out)] == pytest.approx([at - due[0] for at in due], abs=1), (source, start)
