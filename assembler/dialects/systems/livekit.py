"""LiveKit egress: webhooks (``egress_ended``), EgressInfo as SDKs print it, and the manifests beside the files, read
together. Who it is stands in the manifest, when it began in ``fileResults``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from assembler.dialects.body import Json, JsonObject, shortened, shown
from assembler.dialects.dialect import Coming, Dialect, Envelope, Query, Role
from assembler.dialects.fields import Fields, whole
from assembler.dialects.segments import UnusableEntry
from assembler.dialects.systems.files import MAX_PATH, SystemFile, build_recording, read_url
from assembler.dialects.systems.instants import read_instant
from assembler.errors import NotFinished
from assembler.findings import note, warning
from assembler.recording import Recording, StreamKind, VendorError

ABOUT = (
    "Read as egress of LiveKit: its tracks are placed to some 100 ms; participant egress is more exact, and --align"
    " sound may know better."
)
"""Sentence about the system."""
SOURCES = {
    "camera": StreamKind.CAMERA, "microphone": StreamKind.AUDIO,
    "screen_share": StreamKind.SCREEN, "screen_share_audio": StreamKind.SCREEN_AUDIO,
}  # fmt: skip
"""Kind of a stream by ``track_source``."""
UNDER_WAY = ("EGRESS_STARTING", "EGRESS_ACTIVE", "EGRESS_ENDING")
"""Status of an egress before its end."""
PARTS = {
    "publisher_identity": "(?P<who>.+)", "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{4,8}",
    "track_source": f"(?P<source>{'|'.join(sorted(SOURCES, key=len, reverse=True))})",
}  # fmt: skip
"""Patterns of what stands for the placeholders of a path; any other one is anything."""
IDS = {"room_name": "roomName", "room_id": "roomId", "track_id": "trackId"}
"""Fields with what stands for the other placeholders, in the egress or its request."""
FINISHED = "room_finished"
"""Event of a room that was closed; what was recorded in it may still be on its way."""
MAX_OPEN = 3
"""Maximum number of placeholders of unknown length in a path: the ways to divide a name grow with a power of it."""


def _of(fields: Fields, name: str) -> str:
    """Return a field's name as it is spelt here: camelCase in webhooks, snake_case in what SDKs print."""
    snake = re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)
    return name if name in fields.values else snake


def _info(body: Fields) -> Fields:
    return body.child(_of(body, "egressInfo")) or body


def _has_egress(body: JsonObject) -> bool:
    info = _info(Fields(body, "", []))
    return any(name in info.values for name in ("egressId", "egress_id"))


def _matches(body: JsonObject) -> bool:
    is_webhook = isinstance(body.get("event"), str) and {"id", "room"} <= body.keys()
    return _has_egress(body) or (is_webhook and isinstance(body.get("room"), dict))


def _part_of(body: JsonObject) -> str:
    fields = Fields(body, "", [])
    info, room = _info(fields), fields.child("room")
    if room is not None:
        return room.text("sid") or room.text("name") or ""
    return info.text(_of(info, "roomId")) or info.text(_of(info, "roomName")) or ""


def _role(body: JsonObject) -> Role:
    if not _has_egress(body):
        return Role.END if body.get("event") == FINISHED else Role.ASIDE
    return Role.MARK if _info(Fields(body, "", [])).get("status") in UNDER_WAY else Role.FILES


def _coming(bodies: Sequence[JsonObject]) -> Coming:
    infos = [_info(Fields(body, "", [])) for body in bodies if _has_egress(body)]
    told = [(info.text(_of(info, "egressId")), info.get("status")) for info in infos]
    over = {name for name, status in told if status and status not in UNDER_WAY}
    if any(status in UNDER_WAY and name not in over for name, status in told):
        return Coming.OPEN
    return Coming.CLOSED if any(body.get("event") == FINISHED for body in bodies) else Coming.UNSURE


def _read_parts(bodies: Sequence[Fields], query: Query) -> Recording:
    infos = [_info(body) for body in bodies if _has_egress(body.values)]
    if not infos:
        raise NotFinished(
            f"the event {shown(bodies[0].get('event'))} tells of no egress", hint="Wait for the event egress_ended."
        )
    ids = [info.text(_of(info, "egressId")) or "" for info in infos]
    manifests = {name: info for name, info in zip(ids, infos, strict=True) if _is_manifest(info)}
    told: dict[str, Fields] = {}
    for name, info in zip(ids, infos, strict=True):
        is_newer = name not in told or told[name].text("status") in UNDER_WAY
        if info is not manifests.get(name) and is_newer:
            told[name] = info
    findings, first = bodies[0].findings, infos[0]
    running = [name for name, info in told.items() if info.text("status") in UNDER_WAY]
    if running and len(running) == len(told):
        raise NotFinished(f"egress {shown(running[0])} is not finished", hint="Wait for the event egress_ended.")
    files: list[SystemFile | UnusableEntry] = []
    error = None
    for name, info in told.items():
        status, label = info.text("status") or "", shortened(name, 60)
        if name in running:
            findings.append(warning(info.at("status"), f"Egress {label} was still running: its file is missing."))
        elif status in ("EGRESS_FAILED", "EGRESS_ABORTED"):
            error = VendorError(code=status, number=None, message=info.text("error") or "no reason", advice="")
        elif status == "EGRESS_LIMIT_REACHED":
            sentence = f"Egress {label} was ended by a limit: what came after is missing."
            findings.append(warning(info.at("status"), sentence))
        if info.get(_of(info, "segmentResults")):
            findings.append(warning(info.path, f"The segments of egress {label} (HLS) are not read, only its files."))
        results = info.entries(_of(info, "fileResults"))
        files += [_file(path, entry, info, manifests.get(name)) for path, entry in results]
    for name in manifests.keys() - told.keys():
        sentence = f"Of egress {shortened(name, 60)} there is only the manifest, which does not tell when it began."
        findings.append(warning("", sentence))
    room = first.text(_of(first, "roomName"))
    return build_recording(
        first, query, LIVEKIT.name, files, task=first.text(_of(first, "roomId")), room=room, error=error,
        where=first.at(_of(first, "fileResults")),
        hint="Give the events egress_ended of a room, with the manifests beside their files, all together.",
    )  # fmt: skip


def _is_manifest(info: Fields) -> bool:
    return isinstance(info.get("files"), list) and not info.get(_of(info, "fileResults")) and not info.get("status")


def _file(path: str, entry: Json, info: Fields, manifest: Fields | None) -> SystemFile | UnusableEntry:
    if not isinstance(entry, dict):
        return UnusableEntry(path, shown(entry), "an object")
    fields = Fields(entry, path, info.findings)
    name, at = fields.text("filename"), read_instant(fields.get(_of(fields, "startedAt")))
    if at is None:
        return UnusableEntry(fields.at("startedAt"), shown(fields.get(_of(fields, "startedAt"))), "Unix ns")
    if name is None:
        return UnusableEntry(fields.at("filename"), "missing", "the name of the file")
    user, kind = _who(info, manifest, name)
    if kind is None:
        kind = StreamKind.AUDIO if name.endswith((".ogg", ".mp3")) else StreamKind.CAMERA
        sentence = f"{shown(name)} was taken for a {kind.value} by its ending: no manifest tells what it is."
        info.findings.append(note(fields.at("filename"), sentence))
    return SystemFile(
        path=path, name=name.rpartition("/")[2], kind=kind, user="" if kind is StreamKind.MIX else user, at=at,
        size=whole(fields.get("size")), url=read_url(fields, "location"),
    )  # fmt: skip


def _who(info: Fields, manifest: Fields | None, name: str) -> tuple[str, StreamKind | None]:
    """Find whose file it is and of what: by the manifest, by the request, by the pattern of its path, else by track."""
    for mixed in ("roomComposite", "web"):
        if info.child(_of(info, mixed)) is not None:
            return "", StreamKind.MIX
    if manifest is not None and manifest.text("publisher_identity"):
        return manifest.text("publisher_identity") or "", SOURCES.get((manifest.text("track_source") or "").lower())
    person = info.child("participant")
    if person is not None and person.text("identity"):
        is_share = bool(person.get(_of(person, "screenShare")))
        return person.text("identity") or "", StreamKind.SCREEN if is_share else StreamKind.CAMERA
    request = info.child("track") or info.child(_of(info, "trackComposite")) or info
    pattern = (request.child("file") or request).text("filepath") or ""
    if "{publisher_identity}" in pattern:
        told = {part: info.text(_of(info, id_)) or request.text(_of(request, id_)) for part, id_ in IDS.items()}
        found = _divide(name, pattern, {part: re.escape(value) for part, value in told.items() if value})
        if found is not None:
            return found["who"], SOURCES.get(found.groupdict().get("source") or "")
    return request.text(_of(request, "trackId")) or name, None


def _divide(name: str, pattern: str, known: dict[str, str]) -> re.Match[str] | None:
    """Match the path of a file with the pattern that was asked for; an ending that it lacks was added."""
    parts = re.split(r"[{}]", pattern)  # text and placeholders by turns
    placeholders = parts[1::2]
    is_open = len({*placeholders} - known.keys()) > MAX_OPEN or len({*placeholders}) < len(placeholders)
    if is_open or len(name) > MAX_PATH:
        return None
    patterns = PARTS | known
    words = "".join(patterns.get(part, ".+?") if n % 2 else re.escape(part) for n, part in enumerate(parts))
    ending = PurePosixPath(name).suffix
    return re.fullmatch(words, name if pattern.endswith(ending) else name.removesuffix(ending))


LIVEKIT = Dialect(
    "livekit",
    '{"event": "egress_ended", "egressInfo": {...}}, an EgressInfo or a manifest of LiveKit',
    _matches,
    lambda fields, query: _read_parts([fields], query),
    envelope=Envelope(
        kind="event", data="egressInfo", sent="createdAt", task=("roomId",), app="", room=("roomName",), recordings=(),
    ),
    about=ABOUT,
    part_of=_part_of,
    read_parts=_read_parts,
    role_of=_role,
    coming=_coming,
)  # fmt: skip
