"""WebVTT as it is written (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assembler.times import PlayMs


@dataclass(frozen=True)
class Cue:
    """Text that is shown for a while."""

    start: PlayMs
    """Start, playback axis."""
    end: PlayMs
    """End, playback axis; behind the start."""
    text: str
    """Text as people read it; line breaks are kept, empty lines are not."""
    speaker: str = ""
    """Name of who says it; "" where nobody is named."""


def write_vtt(cues: Iterable[Cue]) -> str:
    """Write a WebVTT file; nothing in a text is taken for markup."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
        blocks.append(f"{stamp_text(cue.start)} --> {stamp_text(cue.end)}\n{voice}{_escaped(cue.text)}\n")
    return "\n".join(blocks)


def stamp_text(at: int) -> str:
    """Write ms as a WebVTT timestamp: ``3723004`` -> ``01:02:03.004``."""
    seconds, rest = divmod(at, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _escaped(text: str) -> str:
    lines = [line.strip() for line in text.replace("\0", "").splitlines()]
    whole = "\n".join(line for line in lines if line)
    return whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
