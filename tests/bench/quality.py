"""Pictures compared to the lossless composite."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from material import FPS, Unusable

EVERY = 5
"""VMAF of one frame of so many is taken; PSNR and SSIM of all."""


@dataclass(frozen=True)
class Likeness:
    """How near a file's pictures are to the composite's."""

    vmaf: float
    """Mean."""
    psnr: float
    """Of luma, in dB."""
    ssim: float
    """Of all planes."""


Rect = tuple[int, int, int, int]
"""x, y, width, height."""


def compared(ffmpeg: str, made: Path, reference: Path, areas: Sequence[tuple[Rect, Rect]] = ()) -> Likeness:
    """Compare a file to another of the same frames, or areas of one width of both."""
    lines = [_read(n, [pair[n] for pair in areas]) for n in range(2)]
    lines += [f"[p0][p1]libvmaf=n_threads=1:n_subsample={EVERY}[v]", "[q0][q1]psnr[w]", "[r0][r1]ssim[x]"]
    argv = ["nice", "-n", "10", ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-i", str(made), "-i", str(reference)]
    argv += ["-filter_complex", ";".join(lines), *(w for n in "vwx" for w in ("-map", f"[{n}]")), "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    wanted = (r"VMAF score: ([\d.]+)", r"PSNR y:([\d.]+|inf)", r"SSIM .*All:([\d.]+)")
    found = [re.search(what, done.stderr) for what in wanted]
    numbers = [float(one[1]) for one in found if one is not None]
    if len(numbers) < len(wanted):
        raise Unusable(done.stderr[-400:])
    return Likeness(*numbers)


def _read(n: int, areas: Sequence[Rect]) -> str:
    """Lines that show an input three times, or areas of it one upon another."""
    cut = ""
    if areas:
        cut = f",split={len(areas)}" + "".join(f"[i{n}{k}]" for k in range(len(areas))) + ";"
        cut += "".join(f"[i{n}{k}]crop={w}:{h}:{x}:{y}[o{n}{k}];" for k, (x, y, w, h) in enumerate(areas))
        cut += "".join(f"[o{n}{k}]" for k in range(len(areas))) + f"vstack={len(areas)}"
    return f"[{n}:v]fps={FPS},settb=1/{FPS},setpts=N,format=yuv420p{cut},split=3[p{n}][q{n}][r{n}]"


def packet_bytes(made: Path, kind: str) -> int:
    """Bytes of the packets of a file's first "video" or "audio" stream."""
    with av.open(str(made)) as file:
        return sum(packet.size for packet in file.demux(**{kind: 0}))
