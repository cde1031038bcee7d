"""Child process that mixes: ``python -m assembler.media.mixdown.child ORDER`` writes 48 kHz float samples (of
``order.channels``, interleaved, little-endian) to its standard output.

Memory does not grow with the length: the mix is made in blocks, and a file is open only while it is heard (or between
two of its pieces). A file that libav cannot survive takes this process along; the state file then says which it was.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise, zip_longest
from pathlib import Path

import av
import numpy as np

from assembler.media.libav import limit_memory
from assembler.media.mixdown.decode import Reader
from assembler.media.mixdown.file_pool import OpenFiles
from assembler.media.mixdown.meter import Meter, join_tracks, write_levels
from assembler.media.mixdown.order import (
    PIPE_CLOSED,
    STATE_BYTES,
    TWO_SIDED,
    FileReport,
    Order,
    Part,
    Report,
    State,
    TwoSided,
)
from assembler.media.mixdown.resample import PlacedSamples, Samples
from assembler.processes import write_all

MEMORY, MEMORY_EACH = 4 << 30, 16 << 20
"""Maximum address space of the child, in bytes, and the addition for each source (of 200 the last did not fit); a
hostile file makes libav ask for any size."""
ALIKE_SHARE, ALIKE_LEVEL = 2.5e-4, 1e-7
"""Maximum energy of what left and right do not share, as a share of what they do (-36 dB), and of full scale (-70
dBFS), at which a block has but one side. A voice that a codec got twice has -40 dB and less within a second, most
none; a stereo recording has -5 to -25."""


@dataclass
class Chain:
    """Pieces of one file that follow each other in the file and in the playback, and so share a decoder of each of its
    audio streams."""

    parts: list[Part] = field(default_factory=list)
    """Pieces, in order."""

    def takes(self, part: Part) -> bool:
        """True if this piece follows the last one."""
        last = self.parts[-1]
        return last.end <= part.start and last.end - last.shift <= part.start - part.shift


def build_chains(parts: tuple[Part, ...]) -> list[Chain]:
    """Group pieces into as few chains as possible, in order of their first piece."""
    chains: list[Chain] = []
    of_source: dict[str, list[Chain]] = {}
    for part in parts:
        known = of_source.setdefault(part.video_id, [])
        chain = next((c for c in known if c.takes(part)), None)
        if chain is None:
            chain = Chain()
            known.append(chain)
            chains.append(chain)
        chain.parts.append(part)
    return chains


class Mixer:
    """Adds up all audio, block by block."""

    def __init__(self, order: Order, set_reading: Callable[[int], None]) -> None:
        self._order = order
        self._set_reading = set_reading
        self._numbers = {source.video_id: number for number, source in enumerate(order.sources)}
        self._files = OpenFiles()
        self._waiting = build_chains(order.parts)[::-1]
        self._open: list[tuple[Chain, Reader]] = []
        self._metered: list[tuple[Path, list[Meter]]] = []
        self.accounts: list[FileReport] = []

    def blocks(self) -> Iterator[Samples]:
        """Mix blocks of shape (samples, channels), together ``order.length`` samples. Raises TwoSided.

        The last block is up to twice as long: in a few ms alone a codec's noise can be louder than what it belongs to.
        """
        block, length = self._order.block, self._order.length
        for start, end in pairwise([0, *range(block, length - block + 1, block), length]):
            bus = _Bus(start, end)
            self._open_until(end)
            for chain, reader in self._open:
                self._add(bus, chain, reader)
            self._close_until(end)
            yield bus.interleaved() if self._order.channels == 2 else bus.mono()

    def write_levels(self) -> None:
        """Write the levels of each file, by the reading of it that reached farthest."""
        best: dict[Path, list[Meter]] = {}
        for path, meters in sorted(self._metered, key=lambda metered: len(metered[1][0].values)):
            best[path] = meters
        for path, meters in best.items():
            write_levels(path, join_tracks(meters))

    def _open_until(self, end: int) -> None:
        while self._waiting and self._waiting[-1].parts[0].start < end:
            chain = self._waiting.pop()
            number = self._numbers[chain.parts[0].video_id]
            source = self._order.sources[number]
            meters = [Meter(end) for _, end in source.tracks] if source.levels is not None else []
            if source.levels is not None:
                self._metered.append((source.levels, meters))
            for track, meter in zip_longest(source.tracks, meters):
                reader = Reader(source, track, self._files, partial(self._set_reading, number + 1), meter)
                reader.open()
                self._set_reading(0)
                self._open.append((Chain(list(chain.parts)), reader))

    def _add(self, bus: _Bus, chain: Chain, reader: Reader) -> None:
        for part in chain.parts:
            if part.start >= bus.end:
                break
            start, end = max(part.start, bus.start), min(part.end, bus.end)
            placed = reader.read(start - part.shift, end - part.shift)
            self._set_reading(0)
            for piece in placed:
                bus.add(piece, part.shift, start, end)

    def _close_until(self, end: int) -> None:
        still: list[tuple[Chain, Reader]] = []
        for chain, reader in self._open:
            while chain.parts and chain.parts[0].end <= end:
                done = chain.parts.pop(0)
                reader.note_missing(done.end - done.shift)
            if chain.parts:
                still.append((chain, reader))
            else:
                self.accounts.append(reader.account)
                reader.close()
        self._open = still


class _Bus:
    """Block of the mix: mono sources are added up separately and go to both channels at the end, at full level."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self._both, self._left, self._right = np.zeros((3, end - start), dtype=np.float32)

    def add(self, placed: PlacedSamples, shift: int, start: int, end: int) -> None:
        """Add the samples of ``[start, end)``, playback axis."""
        at = placed.at + shift
        first, last = max(start, at), min(end, placed.end + shift)
        if first >= last:
            return
        samples = placed.samples[:, first - at : last - at]
        where = slice(first - self.start, last - self.start)
        if len(samples) == 1:
            self._both[where] += samples[0]
        else:
            self._left[where] += samples[0]
            self._right[where] += samples[1]

    def interleaved(self) -> Samples:
        block = np.empty((self.end - self.start, 2), dtype="<f4")
        np.add(self._left, self._both, out=block[:, 0])
        np.add(self._right, self._both, out=block[:, 1])
        return block

    def mono(self) -> Samples:
        side, middle = (self._left - self._right) / 2, self._both + (self._left + self._right) / 2
        energy = float(side @ side)
        if energy > ALIKE_LEVEL * len(side) and energy > ALIKE_SHARE * float(middle @ middle):
            raise TwoSided
        return np.asarray(middle, dtype="<f4")


def mix(order: Order, put: Callable[[memoryview], object]) -> Report:
    """Mix all blocks into ``put``, keeping the state file up to date."""
    order.state.write_bytes(State(0, 0, 0).to_bytes())
    with order.state.open("r+b") as file, mmap.mmap(file.fileno(), STATE_BYTES) as shared:
        steps = samples = 0

        def note(reading: int) -> None:
            nonlocal steps
            steps += 1
            shared[:] = State(reading, steps, samples).to_bytes()

        mixer = Mixer(order, note)
        for block in mixer.blocks():
            put(block.data)
            samples += len(block)
            note(0)
        mixer.write_levels()
        return Report(accounts=tuple(mixer.accounts))


def main(order_file: Path) -> int:
    """Mix to standard output and write the report."""
    av.logging.set_level(None)
    order = Order.from_json(order_file.read_bytes())
    limit_memory(MEMORY + len(order.sources) * MEMORY_EACH)
    try:
        report = mix(order, partial(write_all, sys.stdout.fileno()))
    except BrokenPipeError:
        return PIPE_CLOSED
    except TwoSided:
        return TWO_SIDED
    order.report.write_text(report.to_json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
