"""Daily raw tracks: the event file (``daily-event-json``) beside the tracks.

When a track was switched off is in the file itself: nothing is stamped there."""

from __future__ import annotations

from assembler.dialects.body import JsonObject, shown
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields
from assembler.dialects.segments import UnusableEntry
from assembler.dialects.systems.files import SystemFile, build_recording, read_url
from assembler.dialects.systems.instants import read_instant
from assembler.findings import warning
from assembler.recording import Recording, StreamKind

KINDS = {
    "cam-video": StreamKind.CAMERA, "cam-audio": StreamKind.AUDIO,
    "screen-video": StreamKind.SCREEN, "screen-audio": StreamKind.SCREEN_AUDIO,
}  # fmt: skip
"""Kind of a stream by ``trackType``."""
ABOUT = "Read as a raw-tracks recording of Daily: its tracks are placed to some 100 ms; --align sound may know better."
"""Sentence about the system."""
FORMAT = "daily-event-json"
"""Value of ``format_id``."""


def _matches(body: JsonObject) -> bool:
    return body.get("format_id") == FORMAT


def _read(fields: Fields, query: Query) -> Recording:
    added: dict[str, Fields] = {}
    files: list[SystemFile | UnusableEntry] = []
    told, places = set(), []
    for path, entry in fields.entries("events"):
        event = Fields(entry, path, fields.findings) if isinstance(entry, dict) else None
        data = event.child("data") if event is not None else None
        if event is None or data is None:
            continue
        track = data.text("trackSessionNum") or ""
        match event.text("type"):
            case "track-added":
                added[track] = event
            case "recording-media-started":
                told.add(track)
                files.append(_file(event, data, added.get(track)))
                places.append(data.text("uri") or "")
    for track, event in added.items():
        if track not in told:
            fields.findings.append(warning(event.path, f"Of track {shown(track)} there is no file."))
    parts = next((place.split("/") for place in places if place.count("/") > 1), ["", ""])
    return build_recording(
        fields, query, DAILY.name, files, task=None, room=parts[-2] or None, where="events",
        hint="Give the <name>.event.json of a raw-tracks recording, and its files with --media-dir.",
    )  # fmt: skip


def _file(event: Fields, data: Fields, added: Fields | None) -> SystemFile | UnusableEntry:
    uri, at = data.text("uri"), read_instant(data.get("mediaStartTime"))
    if uri is None:
        return UnusableEntry(data.at("uri"), "missing", "the place of the file")
    if at is None:
        return UnusableEntry(data.at("mediaStartTime"), shown(data.get("mediaStartTime")), "Unix seconds")
    about = (added.child("data") if added is not None else None) or data
    name = uri.rpartition("/")[2]
    named = next((word for word in KINDS if f"-{word}-" in name), "")
    kind = KINDS.get(about.text("trackType") or named)
    if kind is None:
        return UnusableEntry(event.path, shown(about.get("trackType")), " or ".join(KINDS))
    ending = (data.text("contentType") or "").partition("/")[2].partition(";")[0]
    user = data.text("user_id") or event.text("participant_id") or ""
    return SystemFile(
        path=event.path, name=f"{name}.{ending}" if ending and "." not in name else name, kind=kind, user=user, at=at,
        label=about.text("displayName") or "", url=read_url(data, "uri"),
    )  # fmt: skip


DAILY = Dialect("daily", f'{{"format_id": "{FORMAT}", "events": [...]}} of Daily', _matches, _read, about=ABOUT)
