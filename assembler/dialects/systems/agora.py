"""Agora cloud recording in individual mode: the answers of ``stop`` and ``query``, and the events 31 and 32; all name
playlists without an address."""

from __future__ import annotations

from assembler.dialects.body import Json, JsonObject, shown
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import UnusableEntry
from assembler.dialects.systems.agora_names import JOINT, read_name, superseded
from assembler.dialects.systems.files import SystemFile, build_recording
from assembler.dialects.systems.instants import read_instant
from assembler.errors import NotFinished
from assembler.findings import note, warning
from assembler.recording import Recording, StreamKind
from assembler.times import WallMs

ABOUT = (
    "Read as an individual recording of Agora: its tracks are placed by the ms at which their slices begin;"
    " its playlists and their slices are taken from --media-base, or the folder of --media-dir."
)
"""Sentence about the system."""
ENDED = (8, 20)
"""States of a recording that is over: it left the channel, or ended abnormally."""
UNTOLD = WallMs(1_000)
"""Instant of a file whose body tells none: it is the only one, and begins the playback."""
KINDS = {"audio": StreamKind.AUDIO, "video": StreamKind.CAMERA, JOINT: StreamKind.CAMERA}
"""Kind of a track, by Agora's word; a screen share is another uid, which --screen-users names."""


def _level(fields: Fields) -> Fields | None:
    payload = fields.child("payload")
    return fields.child("serverResponse") or (payload.child("details") if payload is not None else None)


def _matches(body: JsonObject) -> bool:
    level = _level(Fields(body, "", []))
    return level is not None and "fileList" in level.values


def _read(fields: Fields, query: Query) -> Recording:
    level, payload = _level(fields) or fields, fields.child("payload")
    outer = payload or fields
    state = whole(level.get("status")) if payload is None else None
    where = "backuped" if level.text("msgName") == "backuped" else level.text("uploadingStatus")
    if (state is not None and state not in ENDED) or where == "unknown":
        raise NotFinished(
            f"the recording {shown(outer.text('sid') or '')} is not over, or its files are not uploaded yet",
            hint="Ask again later, or wait for the event 31.",
        )
    if where == "backuped":
        sentence = "The files are on Agora's backup: they come to the bucket within some minutes, and may not be there."
        fields.findings.append(warning(level.at("fileList"), sentence))
    if state == ENDED[1]:
        fields.findings.append(warning(level.at("status"), "The recording ended abnormally."))
    entries = _entries(level)
    joint = {_track(entry)[0] for _, entry in entries if _track(entry)[1] == JOINT}
    files = [
        _file(path, entry, fields)
        for path, entry in entries
        if _track(entry)[1] not in ("audio", "video") or _track(entry)[0] not in joint
    ]
    recording = build_recording(
        fields, query, AGORA.name, files, task=outer.text("sid"), room=outer.text("cname"), where=level.at("fileList"),
        hint="Individual mode lists its files as JSON; composed recordings have no file of each person.",
    )  # fmt: skip
    return recording.model_copy(update={"start": None}) if recording.start == UNTOLD else recording


def _entries(level: Fields) -> list[tuple[str, Json]]:
    """List the files; what a name as text does not tell is read from it, and of backups of a list the newest counts."""
    names = level.get("fileList")
    if isinstance(names, str) and names:
        told = read_name(names)
        entry: dict[str, Json] = {
            "fileName": names, "sliceStartTime": UNTOLD // 1000, "mixedAllUser": told is not None and told.user is None,
            "uid": told.user if told is not None else None, "trackType": told.track if told is not None else None,
        }  # fmt: skip
        return [(level.at("fileList"), entry)]
    entries = list(level.entries("fileList"))
    named = {path: str(entry.get("fileName")) for path, entry in entries if isinstance(entry, dict)}
    older = superseded(named.values())
    for path, name in named.items():
        if name in older:
            sentence = f"A backup of a playlist was left out: {shown(older[name])} is newer, or the list itself."
            level.findings.append(note(path, sentence))
    return [(path, entry) for path, entry in entries if named.get(path) not in older]


def _track(entry: Json) -> tuple[str, str]:
    """Return uid and type of a track as texts."""
    return (str(entry.get("uid")), str(entry.get("trackType"))) if isinstance(entry, dict) else ("", "")


def _file(path: str, entry: Json, outer: Fields) -> SystemFile | UnusableEntry:
    if not isinstance(entry, dict):
        return UnusableEntry(path, shown(entry), "an object")
    fields = Fields(entry, path, outer.findings)
    name, at = fields.text("fileName"), read_instant(fields.get("sliceStartTime"))
    if name is None:
        return UnusableEntry(fields.at("fileName"), "missing", "the name of the file")
    if at is None:
        return UnusableEntry(fields.at("sliceStartTime"), shown(fields.get("sliceStartTime")), "Unix ms or s")
    if fields.get("isPlayable") is False:
        outer.findings.append(note(fields.at("isPlayable"), "Agora says that it cannot be played online."))
    kind = StreamKind.MIX if fields.get("mixedAllUser") is True else KINDS.get(fields.text("trackType") or "")
    if kind is None:
        return UnusableEntry(fields.at("trackType"), shown(fields.get("trackType")), " or ".join(KINDS))
    user = "" if kind is StreamKind.MIX else fields.text("uid") or ""
    return SystemFile(path=path, name=name, kind=kind, user=user, at=at)


AGORA = Dialect(
    "agora", '{"sid", "cname", "serverResponse": {"fileList": [...]}} or an event 31 of Agora', _matches, _read,
    about=ABOUT,
)  # fmt: skip
