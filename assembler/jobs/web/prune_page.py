"""The page of what the settings no longer keep: what would be removed, and the button that removes it."""

from __future__ import annotations

from collections.abc import Sequence

from assembler.jobs.retention import Keep, Removed
from assembler.jobs.web.session import Session
from assembler.jobs.web.status_page import form, page
from assembler.report.markup import findings, text

SETTINGS = "ASSEMBLER_KEEP_SOURCES_DAYS, ASSEMBLER_KEEP_OUTPUTS_DAYS and ASSEMBLER_KEEP_JOBS_DAYS"
"""Settings that say what is kept."""


def prune_page(keep: Keep, removed: Sequence[Removed], told: str, session: Session | None) -> str:
    """Write the page; ``removed`` is what would be."""
    parts = ['<p><a href="/">All jobs</a></p><h1>Prune</h1>']
    if told:
        parts.append(f'<p class="box" role="status">{text(told)}</p>')
    days = {"downloads": keep.sources, "playbacks": keep.outputs, "jobs": keep.jobs}
    kept = [f"{kind} for {count:g} days" for kind, count in days.items() if count is not None]
    if not kept:
        parts.append(f"<p>Everything is kept for good. {SETTINGS} say what is not; nothing is removed here.</p>")
    else:
        parts.append(f"<p>Kept are {', '.join(kept)}: what is older is removed once a day, and by this button now.</p>")
        parts.append(findings([text(one.sentence(is_dry=True)) for one in removed]))
        button = form(session, "/prune", "Remove it now", {})
        parts.append(button if any(one.count for one in removed) else "<p>There is nothing to remove.</p>")
    return page("Prune", "".join(parts), session)
