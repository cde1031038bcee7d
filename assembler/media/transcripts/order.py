"""Order to the transcribing child, and what it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assembler.media.mixdown.order import MixInput
from assembler.messages import Message

Range = tuple[int, int]
"""Start and end of a stretch of speech, in ms, file axis."""


@dataclass(frozen=True)
class Heard(Message):
    """Transcript of one stretch: a line of the file of its segment."""

    stretch: Range
    """Place in the file."""
    texts: tuple[tuple[int, int, str], ...]
    """Start and end of each text, in ms, file axis, and the text."""


@dataclass(frozen=True)
class SpeechSource(Message):
    """Source file with speech."""

    input: MixInput
    """File; all its sound tracks are heard together."""
    stretches: tuple[Range, ...]
    """Stretches to transcribe, sorted, none within another."""
    longest: Range
    """Stretch by which the language is found; it may have been transcribed before."""
    transcript: Path
    """Path of the file to which a ``Heard`` is appended for each stretch."""


@dataclass(frozen=True)
class TranscribeOrder(Message):
    """Speech to transcribe."""

    model: Path
    """Absolute path of the model's folder."""
    language: str | None
    """Code of the language that is spoken; None: it is found for each source."""
    threads: int
    """Number of threads of the model."""
    sources: tuple[SpeechSource, ...]
    """Source files, one after the other."""
