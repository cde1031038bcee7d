"""Pauses and interruptions: what is malformed becomes a finding, never a refusal of the class."""

from __future__ import annotations

from assembler.dialects.body import Json, shown
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import LONGEST
from assembler.dialects.spelling import Spelling
from assembler.findings import Finding, note, warning
from assembler.recording import Interrupt, Omission
from assembler.times import PlayMs, WallMs

LAST_WALL = WallMs(10**14)
"""The year 5138: a later instant is no Unix time in ms."""


def read_omissions(fields: Fields, spelling: Spelling, start: WallMs | None) -> tuple[Omission, ...]:
    """The pauses in the order given; ``start`` is when the recording started, None where unknown."""
    found: list[Omission] = []
    for path, entry in fields.entries(spelling.omissions):
        omission = _omission(path, entry, spelling, fields.findings)
        if omission is not None and is_plausible(path, omission, start, fields.findings):
            found.append(omission)
    return tuple(found)


def _omission(path: str, entry: Json, spelling: Spelling, findings: list[Finding]) -> Omission | None:
    if not isinstance(entry, dict):
        findings.append(warning(path, f"The omission was ignored: {shown(entry)} is no object."))
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
    """How often each user's stream broke."""
    found: list[Interrupt] = []
    for path, entry in fields.entries(spelling.interrupts):
        count = whole(entry.get(spelling.count)) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or count is None or not 0 <= count <= 10**9:
            fields.findings.append(note(path, f"The interrupts entry {shown(entry)} was ignored."))
            continue
        user = Fields(entry, path, fields.findings).text(spelling.user)
        found.append(Interrupt(user=user or "", count=count))
    return tuple(found)
