"""Frames of AAC from several files, written as the one sound of an mp4."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path

from assembler.media.mux.by_sample_table import AAC_FRAME, cut_pieces
from assembler.mp4.moov import TrackLayout, run_lengths
from assembler.mp4.sample_tables import Mp4Track
from assembler.mp4.write import Piece, TrackSamples, write_mp4
from assembler.workspace import unwritable


@dataclass
class Frames:
    """Frames that are to follow each other without a gap."""

    pieces: list[Piece] = field(default_factory=list)
    """Places of the frames in their files."""
    sizes: array[int] = field(default_factory=lambda: array("I"))
    """Size of each frame, in bytes."""

    def take(self, path: Path, track: Mp4Track, first: int, end: int) -> None:
        """Add the frames ``[first, end)`` of a file's sound."""
        self.pieces += cut_pieces(path, track, first, end, len(self.sizes), 0)
        self.sizes += array("I", track.sizes[first:end])

    def write(self, out: Path, description: bytes, rate: int, *, first: int, lasts: int) -> None:
        """Write them to ``out``, the first one at sample ``first`` (what lies before 0 is cut off by the edit list).

        ``description``: sample entry; ``lasts``: samples of the last frame. Raises DiskFull or MediaError.
        """
        count = len(self.sizes)
        layout = TrackLayout(
            kind=b"soun", scale=rate, first=first, durations=run_lengths([*[AAC_FRAME] * (count - 1), lasts]),
            sizes=self.sizes, keys=None, offsets=(), firsts=(), description=description,
        )  # fmt: skip
        stamps = range(first, first + count * AAC_FRAME, AAC_FRAME)
        try:
            write_mp4(out, rate, [TrackSamples(layout, stamps, self.pieces)], (), 0)
        except OSError as exc:
            raise unwritable(out, exc) from exc
