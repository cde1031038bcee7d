"""Order from ``measure`` to the measuring child."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assembler.media.mixdown.order import MixInput
from assembler.messages import Message


@dataclass(frozen=True)
class LevelsOrder(Message):
    """Files to measure, one after the other."""

    sources: tuple[MixInput, ...]
    """Source files, each with a place for its levels."""
    state: Path
    """Path of the file for the ``State``: it tells which of them was read when the child died."""
    memory: int
    """Maximum address space, in bytes."""
