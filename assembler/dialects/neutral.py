"""Neutral: the JSON of our own Recording, whole or hand-written with only the fields that are known.

{"segments": [{"kind": "camera", "user": "ann", "play_time": 0, "url": "https://..."}]}

In place of ``play_time`` there may be ``wall``, the instant at which the file begins: Unix s, ms, µs or ns, or ISO 8601
with an offset. The playback then begins with the first of them, or at ``start`` if that is earlier.
"""

from __future__ import annotations

import math
from functools import partial

from pydantic import ValidationError

from assembler.dialects.body import Json, JsonObject, shortened, shown
from assembler.dialects.dialect import APP, Dialect, Query, looks_neutral
from assembler.dialects.fields import Fields, whole
from assembler.dialects.omissions import LAST_WALL, is_plausible
from assembler.dialects.result import refuse_empty
from assembler.dialects.segments import LONGEST, UnusableEntry, collect
from assembler.dialects.systems.instants import SECONDS_BELOW, place_by_wall, read_instant
from assembler.errors import InputError
from assembler.findings import Finding, warning
from assembler.recording import Recording, Segment
from assembler.times import WallMs, wall_text

HINT = 'The least one: {"segments": [{"kind": "camera", "user": "ann", "play_time": 0, "url": "https://..."}]}.'
"""Hint with the smallest neutral body."""
UNIX = "1718010000000 (Unix ms)"
"""Instant as an example."""
FORMS = {
    "kind": '"camera"',
    "user": '"ann"',
    "video_id": '"ann-1"',
    "play_time": '1500 (ms), or in its place "wall": "2024-06-10T09:00:01.500Z"',
    "wall": '"2024-06-10T09:00:01.500Z", or 1718010001500 (Unix ms)',
    "url": '"https://..."',
    "parts": '["ann-1.ts", "ann-2.ts"]',
    "format": '"mp4"',
    "name": '"Ann"',
    "is_stamped": "true",
    "size": "2785934 (bytes)",
    "width": "640 (pixels)",
    "height": "480 (pixels)",
    "longest_hold": "2000 (ms)",
    "omissions": '[{"at": 15000, "pause": 1718010015000, "resume": 1718010135000}]',
    **dict.fromkeys(("duration", "total", "at"), "15000 (ms)"),
    **dict.fromkeys(("start", "stop", "pause", "resume"), UNIX),
    **dict.fromkeys(("task_id", "app_id", "room_id"), '"lesson-1"'),
}
"""Examples of values, by field."""
EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    "string_type": "text",
    "tuple_type": "a list",
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "an object"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
}
"""Descriptions of what was expected, by pydantic's name of the error."""

_DEFAULTS: JsonObject = {
    **dict.fromkeys(name for name in Recording.model_fields),
    "dialect": "neutral",
    "omissions": [],
    "exception_count": 0,
    "interrupts": [],
    "findings": [],
}
_SEGMENT_DEFAULTS: JsonObject = {
    **dict.fromkeys(name for name in Segment.model_fields if name not in ("kind", "play_time")),
    "video_id": "",
    "user": "",
    "format": "",
    "hides_picture": False,
    "file_id": "",
    "name": "",
    "is_stamped": False,
    "parts": [],
}


def _matches(body: JsonObject) -> bool:
    return looks_neutral(body) or {"dialect", "segments"} <= body.keys()


def _read(fields: Fields, query: Query) -> Recording:
    findings = fields.findings
    values: dict[str, Json] = {**_DEFAULTS, **{k: v for k, v in fields.values.items() if k != "segments"}}
    for name in ("omissions", "interrupts", "findings"):
        values[name] = values[name] or []
    values = _rounded(values, "", findings)
    for name in ("omissions", "interrupts"):
        given = values[name]
        if isinstance(given, list):
            values[name] = [
                _rounded(entry, f"{name}[{n}].", findings) if isinstance(entry, dict) else entry
                for n, entry in enumerate(given)
            ]
    try:
        recording = Recording.model_validate({**values, "segments": ()})
    except ValidationError as exc:
        refusal = _refusal("", exc)
        raise InputError(refusal.sentence, hint=_hint(refusal)) from exc
    except RecursionError as exc:
        raise InputError("the body is nested too deeply to be a recording result") from exc
    start = _wall(recording.start, "start", findings)
    if start is not None and start < SECONDS_BELOW:
        findings.append(warning("start", f"{shown(start)} ms are {wall_text(start)}: multiply seconds by 1000."))
    entries, start = _with_play_times(list(fields.entries("segments")), start)
    segments, refused = collect(entries, partial(_segment, findings=findings), "play_time", findings)
    if not segments:
        hint = _hint(refused[0]) if refused else HINT
        refuse_empty(shortened(recording.name, 80), "segments", recording.error, refused, hint, fields.get("segments"))
    omissions = tuple(
        omission.model_copy(
            update={
                "resume": omission.resume if 0 < (omission.resume or 0) <= LAST_WALL else None,
                "at": omission.at if abs(omission.at or 0) <= LONGEST else None,
            }
        )
        for index, omission in enumerate(recording.omissions)
        if is_plausible(f"omissions[{index}]", omission, start, findings)
    )
    findings += [
        warning(f"omissions[{index}].at", f"{shown(omission.at)} is absurd and was ignored.")
        for index, omission in enumerate(recording.omissions)
        if abs(omission.at or 0) > LONGEST
    ]
    changes = {
        "app_id": recording.app_id or query.get(APP),
        "segments": segments,
        "start": start,
        "stop": _wall(recording.stop, "stop", findings),
        "total": _within(recording.total, "total", LONGEST, findings),
        "omissions": omissions,
    }
    return recording.model_copy(update={**changes, "findings": (*recording.findings, *findings)})


def _with_play_times(
    entries: list[tuple[str, Json]], start: WallMs | None
) -> tuple[list[tuple[str, Json]], WallMs | None]:
    """Replace each ``wall`` that can be read by the play time that it means; the start of the playback with it."""
    walls: dict[int, WallMs] = {}
    for number, (_, entry) in enumerate(entries):
        at = read_instant(entry.get("wall")) if isinstance(entry, dict) and "play_time" not in entry else None
        if at is not None:
            walls[number] = at
    if not walls:
        return entries, start
    start, places = place_by_wall(list(walls.values()), start)
    placed = list(entries)
    for number, place in zip(walls, places, strict=True):
        path, entry = entries[number]
        rest = {key: value for key, value in entry.items() if key != "wall"} if isinstance(entry, dict) else {}
        placed[number] = (path, {**rest, "play_time": place})
    return placed, start


def _segment(path: str, entry: Json, findings: list[Finding]) -> Segment | UnusableEntry:
    if not isinstance(entry, dict):
        return UnusableEntry(path, shown(entry), "an object")
    if "wall" in entry:
        if "play_time" in entry:
            return UnusableEntry(f"{path}.wall", shown(entry["wall"]), "play_time or wall, not both")
        return UnusableEntry(f"{path}.wall", shown(entry["wall"]), "Unix s, ms, µs or ns, or ISO 8601 with an offset")
    values = {**_SEGMENT_DEFAULTS, **_rounded(entry, f"{path}.", findings)}
    if values["stream_id"] is None:
        values["stream_id"] = values["user"]
    try:
        return Segment.model_validate(values)
    except ValidationError as exc:
        return _refusal(path, exc)


def _rounded(values: JsonObject, path: str, findings: list[Finding]) -> JsonObject:
    """Fractions are rounded as in every other dialect: no field of a Recording holds one; ``path``: in front of a
    field's name."""
    findings += [
        warning(f"{path}{name}", f"{shown(value)} was ignored; expected a finite number.")
        for name, value in values.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
    return {name: whole(value) if isinstance(value, float) else value for name, value in values.items()}


def _wall(value: int | None, path: str, findings: list[Finding]) -> WallMs | None:
    instant = _within(value, path, LAST_WALL, findings)
    return None if instant is None else WallMs(instant)


def _within(value: int | None, path: str, most: int, findings: list[Finding]) -> int | None:
    """The value where it is positive and plausible; None (as where it is missing) where it is not."""
    if value is not None and not 0 <= value <= most:
        findings.append(warning(path, f"{shown(value)} is absurd and was ignored."))
    return value if value is not None and 0 < value <= most else None


def _refusal(path: str, exc: ValidationError) -> UnusableEntry:
    """The first thing pydantic found wrong, as field path, value and what was expected; before all a field that nobody
    knows, since the one that is missing may be the same word, mistyped."""
    errors = exc.errors(include_url=False, include_context=False)
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    for part in first["loc"]:
        name = shortened(str(part), 60)
        path = f"{path}[{part}]" if isinstance(part, int) else f"{path}.{name}" if path else name
    message = first["msg"]
    match first["type"]:
        case "missing" if first["loc"][-1] == "play_time":
            return UnusableEntry(path, "missing", "ms on the playback; or wall, the instant at which the file begins")
        case "missing":
            return UnusableEntry(path, "missing", "a value")
        case "extra_forbidden":
            return UnusableEntry(path, "a field nobody knows", "one of the neutral form's fields")
        case _:
            expected = EXPECTED.get(first["type"]) or message[:1].lower() + message[1:]
            return UnusableEntry(path, _value_shown(first["input"]), expected.removeprefix("input should be "))


def _hint(refused: UnusableEntry) -> str:
    """Show how the field is written that is wrong, else the smallest body."""
    name = refused.path.rpartition(".")[2].partition("[")[0]
    return f'Write it like "{name}": {FORMS[name]}.' if name in FORMS else HINT


def _value_shown(value: object) -> str:
    match value:
        case list() | tuple():
            return "a list"
        case bool() | int() | float() | str() | None:
            return shown(value)
        case _:
            return "an object"


NEUTRAL = Dialect("neutral", "the JSON of our own Recording", _matches, _read)
