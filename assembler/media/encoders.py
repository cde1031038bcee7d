"""How pictures are encoded: a row for each encoder."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

LONGEST_GOP_SECONDS = 10


@dataclass(frozen=True)
class Encoder:
    """One way to encode."""

    name: str
    """What the user types and playback.json says."""
    options: tuple[tuple[str, str], ...]
    """ffmpeg's output options, in order."""

    def output_options(self, fps: Fraction) -> dict[str, str]:
        return {**dict(self.options), "g": str(max(1, int(LONGEST_GOP_SECONDS * fps)))}


ENCODERS: dict[str, Encoder] = {
    encoder.name: encoder
    for encoder in (
        # superfast with mbtree and a short lookahead: the picture of veryfast at 0.6 of its CPU (TRAPS). Without
        # B-frames and at crf 24.5 it is the same picture in as many bytes as with them at crf 23 (VMAF 96.65 and
        # 96.62 on the benchmark's lesson), for 0.76 of the CPU seconds.
        Encoder(
            "x264",
            (
                ("c:v", "libx264"),
                ("preset", "superfast"),
                ("crf", "24.5"),
                ("x264-params", "mbtree=1:rc-lookahead=15:bframes=0:weightp=0"),
                ("pix_fmt", "yuv420p"),
            ),
        ),
    )
}
