"""Systems whose bodies are known and not read: they record nothing that could be composed, or in pieces of seconds."""

from __future__ import annotations

from assembler.dialects.body import JsonObject

KEYS: tuple[tuple[str, frozenset[str]], ...] = (
    ("Zoom", frozenset({"recording_files"})),
    ("Zoom", frozenset({"recording_play_passcode"})),
    ("Amazon Chime", frozenset({"MediaCapturePipeline"})),
    ("Amazon Chime", frozenset({"MediaPipelineId"})),
    ("100ms", frozenset({"recording_assets"})),
    ("Recall.ai", frozenset({"media_shortcuts"})),
    ("Azure Communication Services", frozenset({"recordingStorageInfo"})),
)
"""Keys of a body, at its top or one level below, that tell of a system."""
TYPES = {"recording.success": "100ms", "beam.recording.success": "100ms", "call.recording_ready": "GetStream"}
"""Types of events that tell of a system."""


def find_unsupported(body: JsonObject) -> str | None:
    """Name the system that a body is of; None where it is of none that is known."""
    kind = body.get("type")
    if isinstance(kind, str) and kind in TYPES:
        return TYPES[kind]
    for values in (body, *(value for value in body.values() if isinstance(value, dict))):
        for system, keys in KEYS:
            if keys <= values.keys():
                return system
    return None
