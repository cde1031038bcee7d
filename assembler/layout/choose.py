"""Choice of a layout: the one asked for, or what ``auto`` decides on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assembler.findings import Finding, note
from assembler.layout.mixes import Mixed, choose_mix, percent
from assembler.options import Options
from assembler.people import Cast
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline

AUTO = "auto", "auto-classroom"
"""Names by which a layout is chosen by what there is to see."""


@dataclass(frozen=True)
class Choice:
    """Decisions made before anybody is seated."""

    name: str
    """Name of the layout, or path of its file."""
    mixed: Mixed | None
    """The mixed stream it is made for."""
    reason: str
    """Reason for it, for people."""
    findings: Sequence[Finding]
    """Mixed streams that are not shown."""


def choose_layout(timeline: Timeline, mixes: Sequence[Mixed], options: Options, cast: Cast) -> Choice:
    """Choose the layout that is asked for; by ``auto`` a mixed stream that is whole or the only one to be seen, else
    ``classroom`` where a class card is given, else the vendor's rule (DESIGN, Layouts)."""
    if options.layout == "mix" or (options.layout in AUTO and options.mix_user is not None):
        chosen = choose_mix(mixes, options.mix_user)
        return _mix_choice(mixes, chosen, f"asked for: {chosen.track.name}")
    if options.layout not in AUTO:
        return Choice(options.layout, None, f"asked for: {options.layout}", [])
    whole = [m for m in mixes if m.is_whole]
    if whole:
        reason = f"{options.layout}: {whole[0].track.name} covers {percent(whole[0].coverage)} of the playback"
        return _mix_choice(mixes, whole[0], reason)
    kinds = {t.kind for t in timeline.tracks if any(c.picture is not None for c in t.clips)}
    if mixes and not kinds - {StreamKind.MIX}:
        return _mix_choice(
            mixes, choose_mix(mixes, None), f"{options.layout}: there is nothing to see but a mixed stream"
        )
    findings = [
        note(m.track.name, f"It is not shown: it covers {percent(m.coverage)} of the playback ({m.why_not}).")
        for m in mixes
    ]
    if options.layout == "auto-classroom":
        return Choice("classroom", None, "auto-classroom: no mixed stream covers the playback", findings)
    if cast.card is not None:
        return Choice("classroom", None, "auto: there is a class card", findings)
    if StreamKind.WHITEBOARD in kinds or StreamKind.SCREEN in kinds:
        return Choice("tiw-2", None, "auto: there is a board or a screen share", findings)
    return Choice("grid", None, "auto: there are only cameras", findings)


def _mix_choice(mixes: Sequence[Mixed], chosen: Mixed, reason: str) -> Choice:
    partly = f"It covers {percent(chosen.coverage)} of the playback ({chosen.why_not}): elsewhere there is no picture."
    findings = [note(chosen.track.name, partly)] if chosen.why_not else []
    return Choice("mix", chosen, reason, [*findings, *losers(mixes, chosen)])


def losers(mixes: Sequence[Mixed], chosen: Mixed) -> list[Finding]:
    """List the mixed streams that are not shown because another one is."""
    return [note(m.track.name, f"It is not shown: {chosen.track.name} was taken.") for m in mixes if m is not chosen]
