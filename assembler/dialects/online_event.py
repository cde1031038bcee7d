"""Online result event: EventType OnlineRecordFinished, CamelCase EventData."""

from __future__ import annotations

from assembler.dialects.event import ONLINE_FINISHED, build_result_event

ONLINE_EVENT = build_result_event("online-event", ONLINE_FINISHED)
"""Row of the table: the event of a result of a live recording."""
