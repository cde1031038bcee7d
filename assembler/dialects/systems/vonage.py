"""Vonage (OpenTok) individual archive: the JSON in its zip file, or the archive as the API gives it with its files."""

from __future__ import annotations

from assembler.dialects.body import JsonObject, load_object, shown
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import UnusableEntry
from assembler.dialects.systems.files import SystemFile, build_recording
from assembler.dialects.systems.instants import read_instant
from assembler.errors import InputError, NotFinished
from assembler.recording import Recording, StreamKind
from assembler.times import Ms, WallMs

ABOUT = "Read as an individual archive of Vonage: its files are placed to the ms; each has picture and sound."
"""Sentence about the system."""
OVER = ("", "available", "uploaded")
"""Status of an archive whose files are there; the JSON in its zip file has none."""


def _matches(body: JsonObject) -> bool:
    return "sessionId" in body and "createdAt" in body and ("files" in body or "outputMode" in body)


def _read(fields: Fields, query: Query) -> Recording:
    status = (fields.text("status") or "").lower()
    if status not in OVER:
        raise NotFinished(
            f"archive {shown(fields.text('id') or '')} is not finished: its status is {shown(status)}",
            hint="Give it again when its status is available or uploaded.",
        )
    created = read_instant(fields.get("createdAt"))
    files = [_file(path, entry, fields, created) for path, entry in fields.entries("files")]
    return build_recording(
        fields, query, VONAGE.name, files, task=fields.text("id"), room=fields.text("sessionId"),
        app=fields.text("partnerId"), where="files",
        hint="Give the zip file of an archive with outputMode individual, or the JSON in it.",
    )  # fmt: skip


def _file(path: str, entry: object, outer: Fields, created: WallMs | None) -> SystemFile | UnusableEntry:
    if not isinstance(entry, dict):
        return UnusableEntry(path, "no object", "an object")
    fields = Fields(entry, path, outer.findings)
    begin, end = whole(fields.get("startTimeOffset")), whole(fields.get("stopTimeOffset"))
    name, stream = fields.text("filename"), fields.text("streamId") or ""
    if begin is None or created is None:
        return UnusableEntry(fields.at("startTimeOffset"), shown(fields.get("startTimeOffset")), "ms from createdAt")
    if name is None:
        return UnusableEntry(fields.at("filename"), "missing", "the name of a file in the archive")
    user, label = _person(fields, stream)
    return SystemFile(
        path=path, name=name, kind=StreamKind.SCREEN if fields.text("videoType") == "screen" else StreamKind.CAMERA,
        user=user, at=WallMs(created + begin), stream=stream, label=label,
        duration=Ms(end - begin) if end is not None and end > begin else None, size=whole(fields.get("size")),
    )  # fmt: skip


def _person(fields: Fields, stream: str) -> tuple[str, str]:
    """Find user id and name in what the school's page gave to the connection; where it gave nothing, by the stream."""
    data = fields.text("connectionData") or ""
    try:
        told = Fields(load_object(data), fields.at("connectionData"), fields.findings)
    except InputError:
        return data.strip() or stream, ""
    name = next((text for key in ("name", "userName", "username") if (text := told.text(key))), "")
    user = next((text for key in ("userId", "user_id", "id") if (text := told.text(key))), name)
    return user or stream, name


VONAGE = Dialect(
    "vonage", '{"sessionId", "createdAt", "files": [...]} of a Vonage archive', _matches, _read, about=ABOUT
)
