"""Pauses and interruptions: what is malformed becomes a finding, never a refusal of the class."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from assembler.dialects.body import Json, shown
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import LONGEST
from assembler.dialects.spelling import Spelling
from assembler.findings import Finding, note, warning
from assembler.recording import Interrupt, Omission
from assembler.times import Ms, PlayMs, WallMs

FIRST_WALL = WallMs(10**11)
"""Minimum instant in Unix ms (1973): an earlier one is in seconds, as in the vendor's own v1 example."""
ROUNDED = Ms(2500)
"""Maximum difference that rounding explains, in ms: of two instants in whole seconds, and the start to the second."""
LAST_WALL = WallMs(10**14)
"""Maximum instant in Unix ms (the year 5138)."""


def read_omissions(fields: Fields, spelling: Spelling, start: WallMs | None) -> tuple[Omission, ...]:
    """The pauses in the order given, each once; ``start`` is when the recording started, None where unknown."""
    read: list[tuple[str, Omission, bool]] = []
    for path, entry in (entry for name in spelling.omissions for entry in fields.entries(name)):
        omission = _omission(path, entry, spelling, fields.findings)
        if omission is None:
            continue
        is_in_seconds = 0 < omission.pause < FIRST_WALL
        if is_in_seconds:
            fields.findings.append(note(path, "The omission's wall clock was read as seconds."))
            omission = _in_ms(omission)
        if is_plausible(path, omission, start, fields.findings):
            read.append((path, omission, is_in_seconds))
    # in any order, and one pause may be given twice, in two units
    lengths = sorted({(o.pause, max(0, (o.resume or o.pause) - o.pause)) for _, o, _ in read})
    skipped = [0, *accumulate(length for _, length in lengths)]
    found: dict[Omission, None] = {}
    for path, omission, is_in_seconds in read:
        if is_in_seconds and start is not None:
            before = skipped[bisect_left(lengths, (omission.pause, 0))]
            omission = _placed(path, omission, omission.pause - start - before, fields.findings)
        found[omission] = None
    return tuple(found)


def _in_ms(omission: Omission) -> Omission:
    """A pause that was written in seconds; its end may not have been."""
    resume = omission.resume
    if resume is not None and resume < FIRST_WALL:
        resume = WallMs(resume * 1000)
    return Omission(at=omission.at, pause=WallMs(omission.pause * 1000), resume=resume)


def _placed(path: str, omission: Omission, by_clock: int, findings: list[Finding]) -> Omission:
    """The pause with its place read as seconds, too, where only that agrees with the clock."""
    at = omission.at
    if at is None or not abs(1000 * at - by_clock) <= ROUNDED < abs(at - by_clock):
        return omission
    findings.append(note(path, "Its place in the playback was read as seconds, too."))
    return Omission(at=PlayMs(1000 * at), pause=omission.pause, resume=omission.resume)


def _omission(path: str, entry: Json, spelling: Spelling, findings: list[Finding]) -> Omission | None:
    if not isinstance(entry, dict):
        findings.append(warning(path, f"The omission was ignored: {shown(entry)} is not an object."))
        return None
    fields = Fields(entry, path, findings)
    pause = whole(entry.get(spelling.pause))
    if pause is None:
        value = entry.get(spelling.pause)
        state = "is missing" if value is None else f"is {shown(value)}"
        findings.append(warning(path, f"The omission was ignored: its {spelling.pause} {state}, expected Unix ms."))
        return None
    at = fields.number(spelling.at, -LONGEST, LONGEST, "ms on the playback axis, at most 48 h")
    resume = fields.number(spelling.resume, -LAST_WALL, LAST_WALL, "Unix ms")
    return Omission(
        at=None if at is None else PlayMs(at),
        pause=WallMs(pause),
        resume=WallMs(resume) if resume is not None and resume > 0 else None,
    )


def is_plausible(path: str, omission: Omission, start: WallMs | None, findings: list[Finding]) -> bool:
    """True if the pause can belong to this recording; else it is a finding."""
    is_far = start is not None and abs(omission.pause - start) > LONGEST
    if not is_far and 0 < omission.pause <= LAST_WALL:
        return True
    reason = "over 48 h from the start of the recording" if is_far else "no Unix time in ms"
    findings.append(warning(path, f"The omission was ignored: its pause at {shown(omission.pause)} is {reason}."))
    return False


def read_interrupts(fields: Fields, spelling: Spelling) -> tuple[Interrupt, ...]:
    """Read the number of breaks of each user's stream."""
    found: list[Interrupt] = []
    for path, entry in fields.entries(spelling.interrupts):
        count = whole(entry.get(spelling.count)) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or count is None or not 0 <= count <= 10**9:
            fields.findings.append(note(path, f"The interrupts entry {shown(entry)} was ignored."))
            continue
        user = Fields(entry, path, fields.findings).text(spelling.user)
        found.append(Interrupt(user=user or "", count=count))
    return tuple(found)
