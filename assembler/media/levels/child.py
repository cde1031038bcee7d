"""Child process that measures levels: ``python -m assembler.media.levels.child ORDER.json``.

It reads each file as the mixdown does, by the same reader and meter, and so measures the same; a file that libav cannot
survive takes this process along, and the state file then says which it was. Each step is a line ``out_time_us=...`` on
standard output, which is how ``processes.run`` sees that it is alive.
"""

from __future__ import annotations

import sys
from pathlib import Path

import av

from assembler.media.levels.order import LevelsOrder
from assembler.media.libav import limit_memory
from assembler.media.mixdown.decode import Reader
from assembler.media.mixdown.file_pool import OpenFiles
from assembler.media.mixdown.meter import Meter, join_tracks, write_levels
from assembler.media.mixdown.order import MixInput, State
from assembler.times import SAMPLE_RATE


def main(order_file: Path) -> None:
    """Measure every file of an order."""
    order = LevelsOrder.from_json(order_file.read_bytes())
    limit_memory(order.memory)
    av.logging.set_level(None)
    files = OpenFiles()
    before = 0.0
    for number, source in enumerate(order.sources, 1):
        order.state.write_bytes(State(number, 0, 0).to_bytes())
        before = _measure(source, files, before)


def _measure(source: MixInput, files: OpenFiles, before: float) -> float:
    """Measure one file; ``before`` and the answer: seconds of sound read by then."""
    meters = [Meter(end) for _, end in source.tracks]
    for (index, end), meter in zip(source.tracks, meters, strict=True):
        reader = Reader(source, (index, end), files, lambda: None, meter)
        reader.open()
        for second in reader.skip_all():
            print(f"out_time_us={(before + second) * 1_000_000:.0f}", flush=True)
        reader.close()
        before += end / SAMPLE_RATE
    assert source.levels is not None
    write_levels(source.levels, join_tracks(meters))
    return before


if __name__ == "__main__":
    main(Path(sys.argv[1]))
