"""Child process that compares the sound of files: ``python -m assembler.media.align.child ORDER.json``.

It reads all files side by side as the mixdown does, by the same reader, in blocks, and holds two blocks of each. In
each window the loudest file is taken for the source of what the others hold of it; a mixed stream holds everybody. Each
step is a line ``out_time_us=...`` on standard output, which is how ``processes.run`` sees that it is alive.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import av
import numpy as np

from assembler.echoes import Echo, Echoes
from assembler.media.align.correlate import DOWN, HOP, LOUD, Floats, Spectrum, Tally, find_spectrum
from assembler.media.align.order import AlignOrder
from assembler.media.libav import limit_memory
from assembler.media.mixdown.decode import Reader
from assembler.media.mixdown.file_pool import OpenFiles
from assembler.media.mixdown.order import MixInput, Part, State
from assembler.times import SAMPLE_RATE

BLOCK = HOP * DOWN
"""Count of samples that are read at a time, at 48 kHz."""
FULL = 40
"""Maximum number of windows of one ``Echo``: an offset that changes meanwhile is seen by comparing several."""

STRETCH = 30 * BLOCK
"""Count of samples of a stretch of the class, 2 min, which is compared or left out."""
MOST = 10
"""Maximum number of stretches of one file that are compared; they are spread over all of it."""
GOLDEN = 0.618034
"""Golden ratio: the fractions of its multiples are spread evenly, and so are the stretches that have the smallest."""


def choose_stretches(parts: Iterable[Sequence[Part]]) -> set[int]:
    """Choose the stretches that are compared, by the parts of each file; the same ones of all files, if possible."""
    chosen: set[int] = set()
    for own in parts:
        there = {one for part in own for one in _stretches_of(part)}
        chosen |= set(sorted(there, key=lambda one: one * GOLDEN % 1)[:MOST])
    return chosen


def _stretches_of(part: Part) -> range:
    return range(part.start // STRETCH, (part.end - 1) // STRETCH + 1)


class Sound:
    """Sound of one file at its places, read on demand."""

    def __init__(self, source: MixInput, parts: list[Part], stretches: Collection[int], files: OpenFiles) -> None:
        self._source, self._parts, self._files = source, parts, files
        places = [
            (max(part.start, one * STRETCH), min(part.end, (one + 1) * STRETCH), part.shift)
            for part in parts
            for one in _stretches_of(part)
            if one in stretches
        ]
        self._wanted = sorted((start - shift, end - shift) for start, end, shift in places)
        self._readers: list[Reader] = []
        self.end = max(end for _, end, _ in places)
        """Playback sample behind the last one that is compared."""

    def read(self, at: int) -> Floats:
        """Read a block of the playback at 8 kHz; nothing where the file has no part."""
        mixed = np.zeros(BLOCK, np.float32)
        for part in self._parts:
            start, end = max(part.start, at), min(part.end, at + BLOCK)
            if start >= end:
                continue
            for reader in self._opened():
                for placed in reader.read(start - part.shift, end - part.shift):
                    first, last = max(placed.at + part.shift, start), min(placed.end + part.shift, end)
                    samples = placed.samples[:, first - part.shift - placed.at : last - part.shift - placed.at]
                    mixed[first - at : last - at] += samples[0] if len(samples) == 1 else samples.mean(axis=0)
        if self.end <= at + BLOCK:
            self._close()
        return np.asarray(mixed.reshape(-1, DOWN).mean(axis=1), np.float32)

    def _opened(self) -> list[Reader]:
        if not self._readers:
            self._readers = [
                Reader(self._source, track, self._files, lambda: None, wanted=self._wanted)
                for track in self._source.tracks
            ]
            for reader in self._readers:
                reader.open()
        return self._readers

    def _close(self) -> None:
        for reader in self._readers:
            reader.close()
        self._readers = []


def main(order_file: Path) -> None:
    """Compare the files of an order."""
    order = AlignOrder.from_json(order_file.read_bytes())
    limit_memory(order.memory)
    av.logging.set_level(None)
    files = OpenFiles()
    parts: dict[str, list[Part]] = {}
    for part in order.parts:
        parts.setdefault(part.video_id, []).append(part)
    stretches = choose_stretches(parts.values())
    sounds = {s.video_id: Sound(s, parts[s.video_id], stretches, files) for s in order.sources}
    numbers = {source.video_id: number for number, source in enumerate(order.sources, 1)}
    tallies: dict[tuple[str, str], Tally] = {}
    echoes: list[Echo] = []
    before: dict[str, Floats] = {}
    state = os.open(order.state, os.O_WRONLY | os.O_CREAT)
    for at in range(0, order.length, BLOCK):
        now: dict[str, Floats] = {}
        if at // STRETCH not in stretches:
            before = now
            continue
        for name, sound in sounds.items():
            if any(part.start < at + BLOCK and at < part.end for part in parts[name]):
                os.pwrite(state, State(numbers[name], 0, 0).to_bytes(), 0)
                now[name] = sound.read(at)
        _compare(_spectra(before, now), order.mixed, tallies, echoes)
        over = [names for names in tallies if min(sounds[name].end for name in names) <= at + BLOCK]
        echoes += [tallies.pop(names).settle() for names in over]
        before = now
        print(f"out_time_us={min(at + BLOCK, order.length) * 1_000_000 // SAMPLE_RATE}", flush=True)
    order.answer.write_text(Echoes(tuple(echoes)).to_json(), encoding="ascii")


def _spectra(before: Mapping[str, Floats], now: Mapping[str, Floats]) -> dict[str, Spectrum]:
    nothing = np.zeros(HOP, np.float32)
    windows = {name: np.concatenate([before.get(name, nothing), block]) for name, block in now.items()}
    found = {name: find_spectrum(window) for name, window in windows.items()}
    return {name: spectrum for name, spectrum in found.items() if spectrum is not None}


def _compare(
    spectra: Mapping[str, Spectrum], mixed: tuple[str, ...], tallies: dict[tuple[str, str], Tally], echoes: list[Echo]
) -> None:
    """Compare the loudest file with each other one, and all that are loud with mixed streams."""
    own = sorted((name for name in spectra if name not in mixed), key=lambda name: -spectra[name].power)
    for source in own:
        if spectra[source].power < LOUD:
            return
        for other in spectra:
            if other != source and (other in mixed or source == own[0]):
                tally = tallies.setdefault((source, other), Tally(source, other))
                tally.add(spectra[source], spectra[other])
                if tally.windows == FULL:
                    echoes.append(tallies.pop((source, other)).settle())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
