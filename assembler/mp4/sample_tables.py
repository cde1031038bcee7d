"""Sample tables of a plain mp4 (ISO/IEC 14496-12): position and time of every sample, no sample read.

Plain is an mp4 of recorders without B-frames: whole tables in one moov, one sample description a track, presented in
decode order (no ``ctts``), at most one edit that spans the whole track. Other files are left to libav.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise, repeat
from operator import sub

MAX_TICKS = 1 << 31
"""Maximum duration of a sample, and maximum time scale, in ticks (exclusive)."""


class UnsupportedMp4(Exception):
    """Raised with the reason why the sample tables of a file are left to libav."""


Chunk = tuple[int, int, int, int]
"""Chunk: (offset, size, first sample, sample behind the last one)."""


@dataclass(frozen=True)
class Mp4Track:
    """Track of a plain mp4."""

    number: int
    """Value of track_ID."""
    kind: bytes
    """Handler type: b"vide" or b"soun"."""
    scale: int
    """Ticks per second (mdhd)."""
    length: int
    """Length declared by the header, in ticks (mdhd)."""
    description: bytes
    """Sample entry, a whole box (8.5.2)."""
    durations: tuple[tuple[int, int], ...]
    """Durations as (count of samples, ticks of each), in order (stts, 8.6.1.2)."""
    sizes: Sequence[int]
    """Size of each sample, in bytes (stsz, 8.7.3)."""
    offsets: Sequence[int]
    """Offset of each chunk in the file (stco or co64, 8.7.5)."""
    firsts: Sequence[int]
    """First sample of each chunk, and last the count of all samples (stsc, 8.7.4)."""
    keys: Sequence[int] | None
    """Sync samples, rising; None: all (stss, 8.6.2)."""
    edit: tuple[int, int, int] | None
    """Edit as (movie ticks of the empty edit before it, start in media ticks, duration in movie ticks) (elst, 8.6.6);
    None: no edit list."""
    has_unity_matrix: bool
    """False if the header rotates or moves the video (8.3.2)."""

    @property
    def count(self) -> int:
        """Count of samples."""
        return len(self.sizes)

    @property
    def end(self) -> int:
        """End of the last sample in the file."""
        return self.offsets[-1] + self.cumulative_sizes[-1] - self.cumulative_sizes[self.firsts[-2]]

    @cached_property
    def cumulative_sizes(self) -> list[int]:
        """Sum of the sizes before each sample, and last of all sizes."""
        return list(accumulate(self.sizes, initial=0))

    def decode_times(self) -> list[int]:
        """Compute the decode time of each sample, and last the end of the track, in ticks from 0."""
        return list(accumulate(chain.from_iterable(repeat(ticks, n) for n, ticks in self.durations), initial=0))

    def chunks(self) -> list[Chunk]:
        """List the chunks in order, without a Python loop: an hour may have 100,000."""
        starts = [self.cumulative_sizes[first] for first in self.firsts]
        return list(zip(self.offsets, map(sub, starts[1:], starts), self.firsts, self.firsts[1:], strict=False))

    def sample_offsets(self) -> list[int]:
        """Compute the offset of each sample in the file."""
        if len(self.offsets) == self.count:
            return list(self.offsets)
        cumulative_sizes, found = self.cumulative_sizes, list[int]()
        for offset, (first, end) in zip(self.offsets, pairwise(self.firsts), strict=True):
            found.extend([offset - cumulative_sizes[first] + at for at in cumulative_sizes[first:end]])
        return found


@dataclass(frozen=True)
class Tables:
    """Video and audio tracks of a plain mp4."""

    scale: int
    """Ticks per second of the edit lists (mvhd)."""
    size: int
    """Size of the file, in bytes."""
    tracks: tuple[Mp4Track, ...]
    """Tracks, in the order of the file."""

    def track(self, kind: bytes) -> Mp4Track:
        """Find the track of this kind; raises UnsupportedMp4 unless there is exactly one."""
        found = [track for track in self.tracks if track.kind == kind]
        if len(found) != 1:
            raise UnsupportedMp4(f"there are {len(found)} such tracks")
        return found[0]
