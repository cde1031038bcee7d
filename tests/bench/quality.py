"""Pictures compared to the lossless composite."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from material import FPS, Unusable

EVERY = 5
"""One frame of so many is compared."""


def vmaf(ffmpeg: str, made: Path, reference: Path) -> float:
    """Mean VMAF of a file against another of the same frames."""
    lines = [f"[{n}:v]fps={FPS},settb=1/{FPS},setpts=N,format=yuv420p[p{n}]" for n in range(2)]
    lines.append(f"[p0][p1]libvmaf=n_threads=2:n_subsample={EVERY}")
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-i", str(made), "-i", str(reference)]
    argv += ["-filter_complex", ";".join(lines), "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"VMAF score: ([\d.]+)", done.stderr)
    if found is None:
        raise Unusable(done.stderr[-400:])
    return float(found[1])
