"""A class of 40 minutes whose files' clocks are wrong: each is named, and with --fix-drift taken out.

    python tests/bench/drift.py FOLDER      -> tables on standard output (10 s of each place are read back)

Three cameras run against their declared length as a whole, in one the sound runs against its picture, in one the
picture against its sound. Counters and beeps are drawn by true time, so the finished playback says how far off they
are (beeps, one a second, modulo a second).
"""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from chirps import BUNDLED
from classes import Stream
from drifting import TRUE, Drifting, told
from readers import Row
from sounds import beeps, listen
from synthetic import Recipe

from assembler.demo.identity import IDENTITIES
from assembler.pipeline.assemble import Playback
from assembler.recording import StreamKind

SECONDS, FPS = 2400, 5
WIDTH, HEIGHT = 160, 96
PLACES = (0, 600, 1200, 1800, 2390)
"""Where it is looked at and listened to, for ten seconds: playback time in s."""
FRAME, SOUND = 20 + 1000 / FPS / 2, 20
"""What is asked at the end, ms: of pictures half a source frame more."""

CLOCKS = {
    "red": (Fraction(48_096), Fraction(48_096)),
    "green": (Fraction(47_976), Fraction(47_976)),
    "blue": (Fraction(47_952), Fraction(47_952)),
    "cyan": (TRUE, Fraction(47_952)),
    "orange": (Fraction(48_096), TRUE),
}
"""Hz that the picture's and the sound's clock call 48,000."""


def build_class(folder: Path) -> Drifting:
    streams, slots = [], []
    for place, name in enumerate(sorted(CLOCKS)):
        rect = (WIDTH * place, 0, WIDTH, HEIGHT)
        recipe = Recipe(
            identity=name, seconds=Fraction(SECONDS), fps=Fraction(FPS), width=WIDTH, height=HEIGHT, gain=0.1, gop=50
        )
        streams.append(Stream(name, StreamKind.CAMERA, name, 0, recipe, rect))
        params = f'{{"X": {rect[0]}, "Y": 0, "Width": {WIDTH}, "Height": {HEIGHT}, "ZOrder": 1}}'
        slots.append(f'{{"InputStreamId": "{name}", "LayoutParams": {params}}}')
    canvas = f'{{"LayoutParams": {{"Width": {WIDTH * len(streams)}, "Height": {HEIGHT}}}}}'
    layout = folder / "row.json"
    layout.write_text(f'{{"Canvas": {canvas}, "InputStreamList": [{", ".join(slots)}]}}')
    return Drifting(streams, clocks=CLOCKS, options={"layout": str(layout), "home": folder / "home"})


def late_pictures(rows: list[Row], name: str, place: int) -> float | None:
    """By how many ms pictures near this place come late, on average; None where none can be read."""
    shown = [(row.stamp, row.seen[name].counter) for row in rows if place <= row.stamp < place + 10]
    late = [float(at - Fraction(now, FPS)) for (_, old), (at, now) in pairwise(shown) if now not in (None, old)]
    return 1000 * mean(late) if late else None


def late_beeps(path: Path, name: str, place: int) -> float | None:
    """By how many ms beeps near this place come late, on average; None where none is heard."""
    pitch = IDENTITIES[name].pitch
    found = beeps(listen(path, span=(max(place - 1, 0), place + 10)), [pitch])[pitch]
    late = [at - round(at) for at in found if place - 0.5 <= at]
    return 1000 * mean(late) if late else None


def measured(lesson: Drifting, playback: Playback) -> tuple[list[str], bool]:
    """A row a stream and a sense, and whether all are as near as asked for everywhere."""
    rows, is_good, lines = lesson.rows(playback), True, []
    for name in sorted(CLOCKS):
        for what, limit in (("picture", FRAME), ("sound", SOUND)):
            late = [
                late_pictures(rows, name, at) if what == "picture" else late_beeps(playback.path, name, at)
                for at in PLACES
            ]
            is_good = is_good and all(one is not None and abs(one) <= limit for one in late)
            cells = " | ".join("none" if one is None else f"{one:+.1f}" for one in late)
            lines.append(f"| {name} | {what} | {cells} |")
    return lines, is_good


def main(folder: Path) -> int:
    lesson, is_good = build_class(folder), False
    for title, fix in (("As they are", False), ("With --fix-drift", True)):
        playback = lesson.assemble(folder, BUNDLED, f"{int(fix)}.mp4", fix_drift=fix)
        print(f"\n## {title}: {playback.manifest.verdict}\n")
        for name, sentences in sorted(told(playback).items()):
            print(*(f"* {name}: {one}" for one in sentences), sep="\n")
        print("\n| | late by ms at |", " | ".join(f"{at} s" for at in PLACES), "|")
        print("|---|---|" + "---:|" * len(PLACES))
        lines, is_good = measured(lesson, playback)
        print(*lines, sep="\n", flush=True)
    print(f"\nWithin {FRAME:.0f} ms (pictures) and {SOUND} ms (sound) everywhere: {'yes' if is_good else 'NO'}.")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
