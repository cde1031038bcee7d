"""What the parent and the child of a probe tell each other: one request, and an answer line for each file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assembler.facts import Facts
from assembler.messages import Message
from assembler.times import Ms


@dataclass(frozen=True)
class Wanted(Message):
    """One file to probe."""

    video_id: str
    """The segment it belongs to."""
    path: Path
    """Where it is, absolute."""
    keep_stamps: bool
    """True if the stamp of every picture packet is wanted."""
    hole: tuple[int, int] | None = None
    """Bytes ``[start, end)`` that are not there yet: packets in it are believed to be what the file's tables say, and
    ``ProbeAnswer.reach`` is wanted. None: all of the file is there."""
    declared: Ms | None = None
    """How long the segment is declared to be, where it is."""
    size: int | None = None
    """How many bytes the segment is declared to have, where it is."""
    straight: Path | None = None
    """Where a straightened copy goes if one is needed, absolute; None: it may not be made."""


@dataclass(frozen=True)
class Request(Message):
    """What one child has to do."""

    files: tuple[Wanted, ...]
    """In this order."""
    memory: int
    """Address space the child may use, bytes."""


@dataclass(frozen=True)
class ProbeAnswer(Message):
    """One line of the child. A file has two: the first, with neither facts nor problem, says that it is begun."""

    video_id: str
    """The segment."""
    facts: Facts | None = None
    """What was found."""
    problem: str = ""
    """What is wrong with the file, to be read behind "the file of <video id>"."""
    hint: str = ""
    """The user's next step."""
    reach: tuple[tuple[int, int], ...] = ()
    """(ms on the file axis, bytes), rising, about one a second: every packet stamped before lies below these bytes."""

    straight: Path | None = None
    """The straightened copy that the facts are about, which takes the file's place; None where none was needed."""
    notes: tuple[str, ...] = ()
    """What was done to the file, in sentences: all of it is used."""
    warnings: tuple[str, ...] = ()
    """What could not be put right, or was left out."""

    @property
    def is_final(self) -> bool:
        return self.facts is not None or bool(self.problem)


UNFORESEEN = (ArithmeticError, AssertionError, AttributeError, BufferError, LookupError, RuntimeError, TypeError,
              ValueError)  # fmt: skip
"""What a library raises where it meets what its authors had not thought of."""


class Surprised(Exception):
    """A stream that libav found only while it was reading: PyAV cannot go on. Stays inside the prober."""


class BadStream(Exception):
    """A stream at which a library failed as nobody had foreseen: the others go on. Stays inside the prober."""

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(named(cause))
        self.index = index


def named(exc: Exception) -> str:
    """An error that nobody had thought of, in words."""
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


class Unusable(Exception):
    """A file that cannot be used: what is wrong with it, and a hint. Stays inside the prober."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
