"""What rows of x264 cost and lose on what is hard to encode: ``python tests/bench/presets.py [ROW...] [--keep DIR]``.

On the lesson, one with noisy cameras, a moving share, a board with small text and a crowd of twelve each row is held
against veryfast crf 23 at EQUAL BYTES: of a row's two crfs around that size VMAF, PSNR, SSIM and CPU seconds are taken
in between, by the logarithm of the size. One thread, the encoder's own CPU seconds. A ROW is ``encoder preset crf,crf
params``; lines of the csv go to standard output, rows at equal bytes in words to standard error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import bounds
import courses
import imageio_ffmpeg
from material import FPS, Material
from measuring import measured
from quality import compared

from assembler.media.encoders import MAX_GOP_SECONDS

HEADER = "class,encoder,preset,crf,params,cpu_seconds,megabytes,vmaf,psnr,ssim"
GRAPH_ROW = "libx264 veryfast 23"
CLASSES = {"lesson": courses.lesson, **courses.HARD}
"""In ``presets_tried.csv``: lesson, noisy lesson, scrolled page, film, crowd of twelve, board of small text; what has
other names there was measured on 6 to 8 s of other classes."""
SECONDS, LOOKED_AT = 30, (11, 6)
"""Length of a class, and which of it is encoded: start and length, where a share begins in the lesson."""


@dataclass(frozen=True)
class Found:
    """One encode of one class."""

    cpu: float
    size: int
    vmaf: float
    psnr: float
    ssim: float


@dataclass(frozen=True)
class Composite:
    """A class, losslessly composed."""

    name: str
    path: Path
    reading: float
    """CPU seconds that decoding it takes."""


def encode(ffmpeg: str, of: Composite, encoder: str, preset: str, crf: str, params: str) -> Found:
    out = of.path.with_name("tried.mp4")
    words = [ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y", "-threads", "1"]
    kind = {"libx264": "x264-params", "libx265": "x265-params", "libsvtav1": "svtav1-params"}[encoder]
    words += ["-i", str(of.path), "-an", "-c:v", encoder, "-preset", preset, "-crf", crf, "-pix_fmt", "yuv420p"]
    words += [
        "-g",
        str(MAX_GOP_SECONDS * FPS),
        *([f"-{kind}", params] if params else []),
        "-threads",
        "1",
        str(out),
    ]
    cost = measured(words, log=out.with_suffix(".log"), cwd=out.parent, makes=out)
    seen = compared(ffmpeg, out, of.path)
    return Found(cost.cpu - of.reading, cost.size, seen.vmaf, seen.psnr, seen.ssim)


def at_bytes(found: list[Found], size: int) -> Found:
    """What a row gives at this size: between (or from) the two encodes that are nearest to it."""
    one, two = sorted(sorted(found, key=lambda f: abs(log(f.size / size)))[:2], key=lambda f: f.size)
    share = log(size / one.size) / log(two.size / one.size)

    def between(a: float, b: float) -> float:
        return a + (b - a) * share

    return Found(
        between(one.cpu, two.cpu),
        size,
        between(one.vmaf, two.vmaf),
        between(one.psnr, two.psnr),
        between(one.ssim, two.ssim),
    )


def composites(material: Material, folder: Path, only: Sequence[str]) -> list[Composite]:
    made = []
    start, length = (str(n) for n in LOOKED_AT)
    for name in only:
        path = folder / f"{name}.nut"
        if not path.exists():
            whole = bounds.reference(CLASSES[name](material, folder, SECONDS), folder)
            composed = ["-ss", start, "-i", str(whole), "-t", length]
            material.run([*composed, "-an", "-c:v", "rawvideo", "-f", "nut", str(path)])
        words = [material.ffmpeg, "-loglevel", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]
        reading = min(measured(words, log=folder / "reading.log", cwd=folder).cpu for _ in range(2))
        made.append(Composite(name, path, reading))
    return made


def try_row(row: str, known: dict[str, Found], made: list[Composite], ffmpeg: str) -> str:
    """A row at equal bytes, in words; every encode is a line of the csv."""
    encoder, preset, crfs, *rest = row.split()
    params = rest[0] if rest else ""
    said = []
    for of in made:
        found = []
        for crf in crfs.split(","):
            one = encode(ffmpeg, of, encoder, preset, crf, params)
            found.append(one)
            quoted = f'"{params}"' if "," in params else params
            figures = f"{one.cpu:.2f},{one.size / 1e6:.3f},{one.vmaf:.2f},{one.psnr:.2f},{one.ssim:.4f}"
            print(f"{of.name},{encoder},{preset},{crf},{quoted},{figures}", flush=True)
        base = known.setdefault(of.name, found[0])
        if len(found) > 1:
            equal = at_bytes(found, base.size)
            said.append(
                f"{of.name}: CPU {equal.cpu / base.cpu:.2f}, VMAF {equal.vmaf - base.vmaf:+.2f},"
                f" PSNR {equal.psnr - base.psnr:+.2f}, size at each crf"
                f" {' '.join(f'{f.size / base.size:.2f}' for f in found)}"
            )
    return f"{row}\n   " + "\n   ".join(said) if said else row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder for the files, kept")
    parser.add_argument("rows", nargs="*", help='such as "libx264 superfast 24,26 mbtree=1:rc-lookahead=15"')
    parser.add_argument(
        "--only", type=lambda words: words.split(","), default=list(CLASSES), help="some of the classes"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assembler-bench-") as scratch:
        folder = (asked.keep or Path(scratch)).absolute()
        (folder / "files").mkdir(parents=True, exist_ok=True)
        material = Material(folder / "files", imageio_ffmpeg.get_ffmpeg_exe())
        made = composites(material, folder, asked.only)
        print(HEADER, flush=True)
        known: dict[str, Found] = {}
        for row in (GRAPH_ROW, *asked.rows):
            print(try_row(row, known, made, material.ffmpeg), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
