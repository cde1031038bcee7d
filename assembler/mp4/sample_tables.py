"""The sample tables of a plain mp4 (ISO/IEC 14496-12): where every sample lies and when it is shown, no sample read.

Plain is what recorders without B-frames write: whole tables in one moov, one sample description a track, shown in
decode order (no ``ctts``), at most one edit that takes the whole track. What is not plain is left to libav.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise, repeat
from operator import sub

MOST_TICKS = 1 << 31


class UnsupportedMp4(Exception):
    """Why the tables of a file are left to libav."""


Chunk = tuple[int, int, int, int]
"""(offset, bytes, first sample, sample behind the last one)."""


@dataclass(frozen=True)
class Mp4Track:
    """One track of a plain mp4."""

    number: int
    """track_ID."""
    kind: bytes
    """Handler: b"vide" or b"soun"."""
    scale: int
    """Ticks per second (mdhd)."""
    length: int
    """Ticks that the header declares (mdhd)."""
    description: bytes
    """Its one sample entry, a whole box (8.5.2)."""
    lasting: tuple[tuple[int, int], ...]
    """(samples, ticks that each lasts), in order (stts, 8.6.1.2)."""
    sizes: Sequence[int]
    """Bytes of each sample (stsz, 8.7.3)."""
    offsets: Sequence[int]
    """Where each chunk begins in the file (stco or co64, 8.7.5)."""
    firsts: Sequence[int]
    """The first sample of each chunk, and behind them the number of all samples (stsc, 8.7.4)."""
    keys: Sequence[int] | None
    """Key samples, rising; None: all are (stss, 8.6.2)."""
    edit: tuple[int, int, int] | None
    """(empty movie ticks in front, media ticks at which the edit begins, movie ticks that it takes) (elst, 8.6.6)."""
    is_upright: bool
    """False if the header turns or moves its picture (8.3.2)."""

    @property
    def count(self) -> int:
        return len(self.sizes)

    @property
    def end(self) -> int:
        """Where its last sample ends in the file."""
        return self.offsets[-1] + self.behind[-1] - self.behind[self.firsts[-2]]

    @cached_property
    def behind(self) -> list[int]:
        """Bytes of all samples before each one, and of all of them."""
        return list(accumulate(self.sizes, initial=0))

    def decode_ticks(self) -> list[int]:
        """When each sample is decoded, and where the last one ends, from 0."""
        return list(accumulate(chain.from_iterable(repeat(ticks, n) for n, ticks in self.lasting), initial=0))

    def chunks(self) -> list[Chunk]:
        """In order. (An hour may have 100,000: no loop of ours goes over them.)"""
        starts = [self.behind[first] for first in self.firsts]
        return list(zip(self.offsets, map(sub, starts[1:], starts), self.firsts, self.firsts[1:], strict=False))

    def places(self) -> list[int]:
        """Where each sample begins in the file."""
        if len(self.offsets) == self.count:
            return list(self.offsets)
        behind, found = self.behind, list[int]()
        for offset, (first, end) in zip(self.offsets, pairwise(self.firsts), strict=True):
            found.extend([offset - behind[first] + at for at in behind[first:end]])
        return found


@dataclass(frozen=True)
class Tables:
    """The tracks of a plain mp4 that have pictures or sound."""

    scale: int
    """Ticks per second of the edit lists (mvhd)."""
    size: int
    """Bytes of the file."""
    tracks: tuple[Mp4Track, ...]

    def track(self, kind: bytes) -> Mp4Track:
        """The track of this kind; raises UnsupportedMp4 where there is none, or which one is meant cannot be told."""
        found = [track for track in self.tracks if track.kind == kind]
        if len(found) != 1:
            raise UnsupportedMp4(f"there are {len(found)} such tracks")
        return found[0]
