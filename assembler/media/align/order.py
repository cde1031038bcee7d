"""Messages between ``measure`` and the comparing child."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assembler.media.mixdown.order import MixInput, Part
from assembler.messages import Message


@dataclass(frozen=True)
class AlignOrder(Message):
    """Files whose sound is to be compared."""

    sources: tuple[MixInput, ...]
    """Source files."""
    parts: tuple[Part, ...]
    """Pieces of their sound at their declared places, sorted by start."""
    mixed: tuple[str, ...]
    """Video ids of mixed streams: everybody is heard in them, and so they are nobody's own sound."""
    length: int
    """Count of samples of the playback, at 48 kHz."""
    state: Path
    """Path of the file for the ``State``: it tells which of them was read when the child died."""
    answer: Path
    """Path of the file for the ``Echoes``."""
    memory: int
    """Maximum address space, in bytes."""
