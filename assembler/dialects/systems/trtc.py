"""Tencent TRTC cloud recording: events 310 (files in COS, several for a task), 311 (one file in VOD, of both years) and
312 (all files are there), read together."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from assembler.dialects.body import Json, JsonObject, clean_text, shortened, shown
from assembler.dialects.dialect import Coming, Dialect, Envelope, Query, Role
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import UnusableEntry
from assembler.dialects.systems.files import MAX_PATH, SystemFile, build_recording, read_url
from assembler.dialects.systems.instants import SECONDS_BELOW, read_instant
from assembler.dialects.vendor_errors import failure
from assembler.errors import NotFinished
from assembler.findings import note, warning
from assembler.recording import Recording, StreamKind, VendorError
from assembler.times import Ms

ABOUT = "Read as a cloud recording of TRTC: its files are placed to the ms (by events of 2022: to the second)."
"""Sentence about the system."""
IN_COS, IN_VOD, CLOSED = 310, 311, 312
"""Types of the events that tell of files, and of the last one of a task, which comes only for files in VOD."""
BEGUN, ENDED = 301, 302
"""Types of the events at the begin and the end of recording."""
NAMED = re.compile(r"(?:(?P<app>\d+)_)?.*UserId_s_(?P<user>.*?)_UserId_e_(?P<media>main|aux|mix)(?:_\d+)?(?:\.\w+)?$")
"""Pattern of a file's name: the user in base64, with "-" for "/" and "." for "="."""
KINDS = {"main": (StreamKind.CAMERA, StreamKind.AUDIO), "aux": (StreamKind.SCREEN, StreamKind.SCREEN_AUDIO)}
"""Kind of a stream with a picture, and of its sound alone, by MediaId."""


def _matches(body: JsonObject) -> bool:
    return "EventGroupId" in body and "EventType" in body and isinstance(body.get("EventInfo"), dict)


def _part_of(body: JsonObject) -> str:
    info = Fields(body, "", []).child("EventInfo")
    return (info.text("TaskId") or info.text("RoomId") or "") if info is not None else ""


def _type(body: JsonObject) -> int | None:
    return whole(body.get("EventType"))


def _role(body: JsonObject) -> Role:
    kind = _type(body)
    if kind in (IN_COS, IN_VOD):
        return Role.FILES
    return Role.MARK if kind in (BEGUN, ENDED, CLOSED) else Role.ASIDE


def _coming(bodies: Sequence[JsonObject]) -> Coming:
    types = {_type(body) for body in bodies}
    if CLOSED in types:
        return Coming.CLOSED
    return Coming.OPEN if BEGUN in types and ENDED not in types else Coming.UNSURE


def _read_parts(bodies: Sequence[Fields], query: Query) -> Recording:
    first, findings = bodies[0], bodies[0].findings
    files: list[SystemFile | UnusableEntry] = []
    error = None
    types = [_type(fields.values) for fields in bodies]
    for fields, kind in zip(bodies, types, strict=True):
        payload = (fields.child("EventInfo") or fields).child("Payload")
        if payload is None or kind not in (IN_COS, IN_VOD):
            continue
        status = whole(payload.get("Status"))
        if status:
            words = shortened(payload.text("Errmsg") or "no reason is given", 200)
            error = VendorError(code="", number=status, message=words, advice="")
            findings.append(warning(payload.at("Status"), f"TRTC reports status {status} of the files: {words}."))
        entries = list(payload.entries("FileMessage" if kind == IN_COS else "TencentVod"))
        if kind == IN_VOD and not entries and not status:
            entries = [(payload.path, payload.values)]  # of 2022
        files += [_file(path, entry, fields) for path, entry in entries]
    info = first.child("EventInfo") or first
    task, room = info.text("TaskId"), info.text("RoomId")
    if not files and error is not None:
        raise failure(f"task {shown(task or '')}", error)
    if not files:
        raise NotFinished(
            f"of task {shown(task or '')} no event tells of a file yet",
            hint=f"Give the events {IN_COS} or {IN_VOD} of the task, all of them together.",
        )
    if CLOSED not in types and IN_VOD in types:
        sentence = f"The event {CLOSED}, which comes when all files are there, is not among them: some may be missing."
        findings.append(warning("EventType", sentence))
    names = (file.name for file in files if isinstance(file, SystemFile))
    app = next((found["app"] for name in names if (found := _named(name)) and found["app"]), None)
    return build_recording(
        first, query, TRTC.name, files, task=task, room=room, app=app, where=info.at("Payload"),
        hint="Compare the events with TRTC's page of its recording callbacks.",
    )  # fmt: skip


def _file(path: str, entry: Json, outer: Fields) -> SystemFile | UnusableEntry:
    if not isinstance(entry, dict):
        return UnusableEntry(path, shown(entry), "an object")
    fields = Fields(entry, path, outer.findings)
    begin = fields.first(("StartTimeStamp", "BeginTimeStamp"))
    at, end = read_instant(fields.get(begin)), read_instant(fields.get("EndTimeStamp"))
    name = fields.text(fields.first(("FileName", "CacheFile"))) or fields.text("FileId")
    if at is None:
        return UnusableEntry(fields.at(begin), shown(fields.get(begin)), "Unix ms or s")
    if name is None:
        return UnusableEntry(fields.at("FileName"), "missing", "the name of the file")
    told = _named(name)
    media = fields.text("MediaId") or (told["media"] if told else "main")
    user = fields.text("UserId") or (_plain(told["user"]) if told else "")
    is_sound = fields.text("TrackType") == "audio"
    kind = StreamKind.MIX if media == "mix" else KINDS.get(media, KINDS["main"])[is_sound]
    is_exact = (whole(fields.get(begin)) or 0) >= SECONDS_BELOW
    if not is_exact:
        outer.findings.append(note(fields.at(begin), "The file's beginning is known to the second only."))
    return SystemFile(
        path=path, name=name, kind=kind, user="" if kind is StreamKind.MIX else user, at=at, stream=f"{user}/{media}",
        duration=Ms(end - at) if is_exact and end is not None and end > at else None, url=read_url(fields, "VideoUrl"),
    )  # fmt: skip


def _named(name: str) -> re.Match[str] | None:
    return NAMED.match(name) if len(name) <= MAX_PATH else None


def _plain(coded: str) -> str:
    """Decode the user id in a file's name; the text itself where it is none."""
    try:
        return clean_text(base64.b64decode(coded.replace("-", "/").replace(".", "="), validate=True).decode())
    except ValueError:
        return coded


TRTC = Dialect(
    "trtc",
    '{"EventGroupId": 3, "EventType": 310 or 311, "EventInfo": {...}} of TRTC',
    _matches,
    lambda fields, query: _read_parts([fields], query),
    level="EventInfo",
    envelope=Envelope(
        kind="EventType", data="EventInfo", sent="EventTs", task=("TaskId",), app="", room=("RoomId",), recordings=(),
        repeated=("EventInfo", "EventGroupId", "EventType"),
    ),
    about=ABOUT,
    part_of=_part_of,
    read_parts=_read_parts,
    role_of=_role,
    coming=_coming,
)  # fmt: skip
