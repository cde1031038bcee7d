"""Comparison of what a file contains with what was declared."""

from __future__ import annotations

from assembler.facts import Facts
from assembler.findings import Finding, Severity, note, warning
from assembler.recording import Segment, StreamKind
from assembler.timeline.drift import tell_drift
from assembler.timeline.model import FileFinding
from assembler.times import FileMs, Ms, clock_text

NOTABLE = Ms(1000)
"""Maximum disagreement of lengths, in ms, that is no finding: holding the last frame fills it."""
LONG_HOLD = Ms(5000)
"""Maximum time for which a person's picture is held, in ms, without a warning: nobody sits so still."""


def is_drawn_on_change(segment: Segment, facts: Facts, missing: Ms) -> bool:
    """True for a board or share whose file has holes as long as what is missing at its end: it draws only on change,
    and its last picture holds until its declared end."""
    if facts.picture is None or segment.kind not in (StreamKind.WHITEBOARD, StreamKind.SCREEN):
        return False
    return 0 < missing <= max((end - start for start, end in facts.picture.holes), default=0)


def compare(segment: Segment, facts: Facts, longest_hold: Ms | None = None) -> list[Finding]:
    """Findings about one probed segment; empty where it is what was declared.

    ``longest_hold``: as ``Recording.longest_hold``; where it is given, a camera without a picture was off.
    """
    found: list[Finding] = []
    where = segment.video_id
    if facts.is_truncated:
        found.append(
            _warning(
                where,
                f"The file is cut off: it promises more than it holds and is used until {clock_text(facts.end)} of"
                " the file.",
                facts.end,
            )
        )
    if segment.duration is not None and not facts.is_truncated:
        missing = segment.duration - facts.end
        if missing > NOTABLE and not is_drawn_on_change(segment, facts, Ms(missing)):
            found.append(
                _warning(
                    where,
                    f"The file lasts {clock_text(facts.end)}, {clock_text(missing)} less than declared:"
                    " background from 1 s behind its last frame.",
                    facts.end,
                )
            )
    is_told = any(what.startswith("a picture") for what in facts.left_out)
    if facts.picture is None and not segment.kind.is_sound and not is_told:
        found.append(warning(where, f"The {segment.kind.value} file has no picture: only its sound is used."))
    if not facts.sounds and segment.kind.is_sound:
        found.append(warning(where, "The sound file has no sound."))
    if facts.picture is not None and segment.kind is StreamKind.CAMERA and longest_hold is None:
        found += [
            _warning(
                where,
                f"The camera gives no picture from {clock_text(start)} to {clock_text(end)} of the file:"
                " its last frame is held.",
                start,
                end,
            )
            for start, end in facts.picture.holes
        ]
    found += tell_drift(segment, facts)
    found += [warning(where, f"The file holds {what}") for what in facts.left_out]
    found += [*_held(segment, facts), *_size(segment, facts)]
    return found


def _warning(where: str, sentence: str, start: int, end: int | None = None) -> FileFinding:
    """A warning about a time of the file."""
    end = start if end is None else end
    return FileFinding(severity=Severity.WARNING, where=where, sentence=sentence, start=FileMs(start), end=FileMs(end))


def _held(segment: Segment, facts: Facts) -> list[Finding]:
    """A person's picture that stops long before its file does; boards and shares stand still."""
    if facts.picture is None or segment.kind not in (StreamKind.CAMERA, StreamKind.MIX):
        return []
    end = facts.end if segment.duration is None else min(facts.end, segment.duration)
    if end - facts.picture.end <= LONG_HOLD:
        return []
    ends = clock_text(facts.picture.end)
    sentence = f"Its picture ends at {ends} of the file, the file at {clock_text(facts.end)}: its last frame is held."
    return [_warning(segment.video_id, sentence, facts.picture.end, end)]


def _size(segment: Segment, facts: Facts) -> list[Finding]:
    if facts.picture is None:
        return []
    first, *rest = facts.picture.stretches
    found: list[Finding] = []
    if segment.width and segment.height and (segment.width, segment.height) != first.display_size:
        declared, real = f"{segment.width}x{segment.height}", "{}x{}".format(*first.display_size)
        found.append(note(segment.video_id, f"The picture is {real}, declared was {declared}: the file rules."))
    if rest:
        sizes = ", ".join(f"{s.display_size[0]}x{s.display_size[1]}" for s in facts.picture.stretches)
        found.append(note(segment.video_id, f"The picture changes inside the file: {sizes}."))
    return found
