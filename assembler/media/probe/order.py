"""Messages between the parent and the child of a probe: one request, and answer lines for each file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assembler.facts import Facts
from assembler.messages import Message
from assembler.times import Ms


@dataclass(frozen=True)
class ProbeInput(Message):
    """File to probe."""

    video_id: str
    """Segment it belongs to."""
    path: Path
    """Absolute path."""
    keep_stamps: bool
    """True if the pts of every video packet is wanted."""
    hole: tuple[int, int] | None = None
    """Bytes ``[start, end)`` not downloaded yet: packets in it are believed to be what the sample tables say, and
    ``ProbeAnswer.reach`` is wanted. None: all of the file is there."""
    declared: Ms | None = None
    """Declared length of the segment, in ms; None where none is declared."""
    size: int | None = None
    """Declared size of the segment, in bytes; None where none is declared."""
    straight: Path | None = None
    """Absolute path for a straightened copy if one is needed; None: none may be made."""


@dataclass(frozen=True)
class Request(Message):
    """Work of one child."""

    files: tuple[ProbeInput, ...]
    """Files, in the order in which they are probed."""
    memory: int
    """Maximum address space of the child, in bytes."""


@dataclass(frozen=True)
class ProbeAnswer(Message):
    """Answer line of the child. A file has two: the first, with neither facts nor problem, says that it is begun."""

    video_id: str
    """Segment the file belongs to."""
    facts: Facts | None = None
    """Facts of the file; None where it is only begun, or unusable."""
    problem: str = ""
    """Problem that makes the file unusable, to be read behind "the file of <video id>"; "" where there is none."""
    hint: str = ""
    """Next step of the user; "" where there is none."""
    reach: tuple[tuple[int, int], ...] = ()
    """Pairs (ms on the file axis, bytes), rising, about one a second: packets of an earlier dts end below."""
    straight: Path | None = None
    """Straightened copy that the facts are about, which takes the file's place; None where none was needed."""
    notes: tuple[str, ...] = ()
    """Sentences about repairs that lost nothing."""
    warnings: tuple[str, ...] = ()
    """Sentences about what could not be repaired, or was left out."""

    @property
    def is_final(self) -> bool:
        """True for the second line of a file, which ends it."""
        return self.facts is not None or bool(self.problem)


UNFORESEEN = (ArithmeticError, AssertionError, AttributeError, BufferError, LookupError, RuntimeError, TypeError,
              ValueError)  # fmt: skip
"""Errors that a library raises on input that its authors had not thought of."""


class LateStream(Exception):
    """Raised where libav finds a stream only while demuxing, at which PyAV cannot go on; stays inside the prober."""


class BadStream(Exception):
    """Raised for a stream at which a library failed unforeseen, so that the others go on; stays inside the prober."""

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(describe_error(cause))
        self.index = index


def describe_error(exc: Exception) -> str:
    """Describe an unforeseen error."""
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


class UnusableFile(Exception):
    """Raised for a file that cannot be used, with its problem and a hint; stays inside the prober."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
