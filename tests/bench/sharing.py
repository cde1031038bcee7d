"""An hour (or more) of four people who hear each other, declared at wrong times: what comparing their sound costs, and
what it finds.

    python tests/bench/sharing.py FOLDER [HOURS]      -> a table on standard output

Two minutes of talk again and again, in AAC at 48 and 44.1 kHz and Opus at 24 kbit/s.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import numpy as np
from chirps import write
from echoing import CODECS, Hears, Room
from lessons import recording, segment

from assembler.media.align import measure
from assembler.media.align.order import AlignOrder
from assembler.media.run import Run
from assembler.options import load_options
from assembler.pipeline.gather import gather, with_alignment
from assembler.pipeline.timelines import in_order, timeline_of
from assembler.recording import StreamKind

WRONG = {"ann": 0, "bob": 313, "cem": -150, "dan": 700}
CODEC = {"ann": "aac", "bob": "opus webm", "cem": "opus", "dan": "aac at 44.1 kHz"}


def make(folder: Path, hours: float) -> Path:
    hears = [Hears("bob", "ann", 20, 120), Hears("ann", "bob", 20, 120), Hears("cem", "ann"), Hears("dan", "ann")]
    room = Room(dict.fromkeys(WRONG, 0), 120, hears, talking=True)
    folder.mkdir(parents=True)
    for user in WRONG:
        ending, words = CODECS[CODEC[user]]
        write(folder / f"{user}.{ending}", np.tile(room.sound(user), round(30 * hours))[None], *words)
    return folder


def compare(module: str, words: list[str], order: AlignOrder, *, cwd: Path, **_: Any) -> None:
    """Run the child as ``run_module`` does, and tell what it took."""
    path = cwd / "order.json"
    path.write_text(order.to_json())
    subprocess.run([sys.executable, "-P", "-m", module, str(path)], check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{used.ru_utime + used.ru_stime:.1f} s of CPU.\n", flush=True)


def main(folder: Path, hours: float) -> None:
    media = folder / f"media-{hours:g}"
    media = media if media.exists() else make(media, hours)
    segments = [segment(user, StreamKind.AUDIO, user, 1_000 + by, None) for user, by in WRONG.items()]
    options = load_options(media_dir=media, home=folder / "home", teacher="ann")
    run, recorded = Run(options), in_order(recording(segments), options)
    got = gather(recorded.recordings, run)
    for kept in run.workspace.echoes.glob("*"):
        kept.unlink()
    measure.run_module = compare  # type: ignore[assignment]  # the same child, timed
    got = with_alignment(got, recorded, timeline_of(recorded, got, options), run)
    print("| file | declared wrong by | moved by | echo | confidence |\n|---|---:|---:|---:|---:|")
    for one in got.alignments:
        echo = "" if one.echo is None else f"{one.echo} ms"
        wrong = WRONG[one.user]
        print(f"| {one.user}, {CODEC[one.user]} | {wrong:+} ms | {one.moved:+} ms | {echo} | {one.confidence} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
