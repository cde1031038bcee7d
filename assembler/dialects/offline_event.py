"""Offline result event: EventType OfflineRecordFinished; it has neither a stop time nor omissions."""

from __future__ import annotations

from assembler.dialects.event import OFFLINE_FINISHED, build_result_event

OFFLINE_EVENT = build_result_event("offline-event", OFFLINE_FINISHED)
"""Row of the table: the event of a result after class."""
