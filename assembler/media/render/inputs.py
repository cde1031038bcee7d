"""How a source is opened for rendering."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """How one source file is opened."""

    name: str
    """File name in the work folder (our own: never a user's path)."""
    container: str
    """The demuxer to use."""
    stream: int = 0
    """Which of its streams is the picture."""
    late: int = 0
    """Seconds by which its stamps are later than the source's."""
