"""Captions as values, and WebVTT as it is written (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from collections.abc import Iterable

from assembler.times import PlayMs
from assembler.values import Value

TRACKS = ("captions", "chat")
"""Names of the tracks that there may be."""


class Cue(Value):
    """Text that is shown for a while."""

    start: PlayMs
    """Start, playback axis."""
    end: PlayMs
    """End, playback axis; behind the start."""
    text: str
    """Text as people read it; line breaks are kept, empty lines are not."""
    speaker: str = ""
    """Name of who says it; "" where nobody is named."""


class CaptionTrack(Value):
    """Captions of one kind: a file among the assets, and a soft track in the mp4."""

    name: str
    """Name of the file, without its ending: captions or chat."""
    title: str
    """Title for people."""
    cues: tuple[Cue, ...]
    """Cues, sorted by start; they may overlap."""


def write_vtt(cues: Iterable[Cue]) -> str:
    """Write a WebVTT file; nothing in a text is taken for markup."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        voice = f"<v {_escaped(' '.join(cue.speaker.split()))}>" if cue.speaker.split() else ""
        blocks.append(f"{stamp_text(cue.start)} --> {stamp_text(cue.end)}\n{voice}{_escaped(cue.text)}\n")
    return "\n".join(blocks)


def stamp_text(at: int) -> str:
    """Write ms as a WebVTT timestamp: ``3723004`` -> ``01:02:03.004``."""
    seconds, rest = divmod(at, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def plain_lines(text: str) -> str:
    """Return the text without control characters, spaces around its lines, and empty lines."""
    if text.isprintable():
        return text.strip()
    lines = ("".join(c for c in line if c.isprintable() or c in "\u200d\u200e\u200f") for line in text.splitlines())
    return "\n".join(stripped for line in lines if (stripped := line.strip()))


def _escaped(text: str) -> str:
    return plain_lines(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
