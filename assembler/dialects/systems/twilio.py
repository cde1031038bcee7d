"""Twilio Video: a list of recordings. Each file says by its own stamps where it belongs, counted from the room's
creation; ``offset`` is the same for all of a room and places nothing."""

from __future__ import annotations

from assembler.dialects.body import JsonObject, shown
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import UnusableEntry
from assembler.dialects.systems.files import SystemFile, build_recording, find_share, read_url
from assembler.errors import InputError, NotFinished
from assembler.findings import warning
from assembler.recording import Recording, StreamKind

ABOUT = "Read as recordings of a Twilio room: its tracks are placed by their own stamps, to the ms."
"""Sentence about the system."""
UNDER_WAY = ("processing",)
"""Status of a file that is still to come."""


def _matches(body: JsonObject) -> bool:
    entries = body.get("recordings")
    return isinstance(entries, list) and any(isinstance(e, dict) and "grouping_sids" in e for e in entries)


def _read(fields: Fields, query: Query) -> Recording:
    listed = fields.entries("recordings")
    entries = [Fields(entry, path, fields.findings) for path, entry in listed if isinstance(entry, dict)]
    rooms = {sids.text("room_sid") for entry in entries if (sids := entry.child("grouping_sids")) is not None}
    if len(rooms) > 1:
        raise InputError(
            f"the list holds recordings of {len(rooms)} rooms",
            hint="Ask for those of one room: /v1/Recordings?GroupingSid=RM...",
        )
    if any(entry.text("status") in UNDER_WAY for entry in entries):
        raise NotFinished("some recordings are still being processed", hint="Ask again in some minutes.")
    meta = fields.child("meta")
    if meta is not None and meta.text("next_page_url"):
        sentence = "There are more pages of this list: files may be missing."
        fields.findings.append(warning("meta.next_page_url", sentence))
    room = next(iter(rooms), None)
    files = [_file(entry) for entry in entries]
    return build_recording(
        fields, query, TWILIO.name, files, task=room, room=room, where="recordings",
        hint="Give the JSON of /v1/Recordings?GroupingSid=RM..., and the files with --media-dir, named by their sid.",
    )  # fmt: skip


def _file(fields: Fields) -> SystemFile | UnusableEntry:
    status, sids = fields.text("status"), fields.child("grouping_sids")
    user = (sids.text("participant_sid") if sids is not None else None) or ""
    if status != "completed":
        return UnusableEntry(fields.at("status"), shown(status), "completed")
    kinds = {"audio": (StreamKind.AUDIO, StreamKind.SCREEN_AUDIO), "video": (StreamKind.CAMERA, StreamKind.SCREEN)}
    both = kinds.get(fields.text("type") or "")
    if both is None:
        return UnusableEntry(fields.at("type"), shown(fields.get("type")), "audio or video")
    ending = fields.text("container_format") or "mkv"
    return SystemFile(
        path=fields.path, name=f"{fields.text('sid')}.{ending}", kind=both[find_share(fields, "track_name")], user=user,
        at=None, size=whole(fields.get("size")), url=read_url(fields, "media_external_location"),
    )  # fmt: skip


TWILIO = Dialect("twilio", '{"recordings": [{"grouping_sids": ...}]} of Twilio Video', _matches, _read, about=ABOUT)
