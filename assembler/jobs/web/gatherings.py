"""List of recordings that are told of in parts: what each waits for, in words."""

from __future__ import annotations

from collections.abc import Sequence

from assembler.dialects.dialect import Coming
from assembler.jobs.intake.gather import Gathering
from assembler.jobs.web.status_page import clock
from assembler.report.markup import table, text

SHOWN = 100
"""Maximum number of rows."""


def draw_gatherings(shown: Sequence[Gathering], count: int) -> list[str]:
    """Draw the list as markup; nothing where there are none."""
    if not shown:
        return []
    rows = [
        [_about(one), _unbroken(f"{one.parts} so far"), _unbroken(clock(one.since)), text(outlook(one), 300)]
        for one in shown
    ]
    advice = (
        "<p>Their systems tell of one file at a time. A job begins once the last of them is told, or nothing more has "
        "come for a while (<code>ASSEMBLER_SETTLE_MINUTES</code>); a file that is told of later makes it anew.</p>"
    )
    more = f"<p>The first {len(shown)} of {count}; <code>assembler jobs list --gathering</code> shows all.</p>"
    drawn = table(["recording", "parts", "since (UTC)", "what happens"], rows)
    return ['<h2 id="gathering">Told of in parts</h2>', advice, drawn, more if count > len(shown) else ""]


def _unbroken(said: str) -> str:
    return f'<span class="nowrap">{said}</span>'


def _about(one: Gathering) -> str:
    room = f" · room {text(one.room, 60)}" if one.room else ""
    return f'<b>{text(one.task, 60)}</b><span class="faint">{text(one.system)}{room}</span>'


def outlook(one: Gathering) -> str:
    """Say what happens to a gathering, and when."""
    if one.due is None:
        return f"Nothing is made of it: {one.said or 'no file was told of'}. It begins when a file is told of."
    late = f" Job {one.job} is made anew then." if one.job else ""
    if one.coming is Coming.OPEN:
        return f"Still being recorded, or on its way; begins at {clock(one.due)} if nothing more comes.{late}"
    why = "all of it was told" if one.coming is Coming.CLOSED else "if nothing more comes"
    return f"Begins at {clock(one.due)}, {why}.{late}"
