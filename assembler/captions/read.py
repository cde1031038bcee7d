"""Captions as people have them: WebVTT and SubRip files, and the messages of a chat as JSON."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from assembler.captions.webvtt import plain_lines
from assembler.dialects.systems.instants import read_instant
from assembler.errors import InputError
from assembler.timeline.time_of_day import Zone
from assembler.times import WallMs

LARGEST_FILE = 256 << 20
"""Maximum size of a file with captions or messages, in bytes; 100,000 messages take a twentieth of it."""
FIELDS = {"time": "time", "user": "user", "text": "text"}
"""Names of the fields of a message, by what they hold, unless others are named."""
_STAMP = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s.*)?")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<[\d:.]+>|\{\\[^}]*\}")


@dataclass(frozen=True)
class Caption:
    """Caption of a file, on the file's own axis."""

    start: int
    """Start, ms."""
    end: int
    """End, ms; may be before the start."""
    text: str
    """Text without markup."""
    speaker: str = ""
    """Name of who says it; "" where nobody is named."""


@dataclass(frozen=True)
class ChatMessage:
    """Message of a chat."""

    at: WallMs
    """Time at which it was sent, Unix ms."""
    user: str
    """User id of the sender; "" where none is given."""
    text: str
    """Text as it was typed."""


def read_file(path: Path, what: str) -> str:
    """Read a text file, in UTF-8 or as its byte order mark says; ``what`` is named in errors. Raises InputError."""
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE + 1)
        if len(body) > LARGEST_FILE:
            raise InputError(f"{what} {path} is larger than {LARGEST_FILE >> 20} MiB", hint="Name another file.")
        is_utf_16 = body[:2] in (b"\xff\xfe", b"\xfe\xff")
        return body.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InputError(f"{what} {path} is not text in UTF-8", hint="Save it in UTF-8.") from exc
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InputError(f"{what} {path} cannot be read: {reason}", hint="Name a file that may be read.") from exc


def parse_captions(text: str, source: str) -> tuple[Caption, ...]:
    """Parse WebVTT or SubRip, in the order of the file; ``source`` is named in errors. Raises InputError where no
    caption is in it."""
    is_vtt = text.lstrip("\ufeff").startswith("WEBVTT")
    found = tuple(_captions(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), is_vtt))
    if not found:
        raise InputError(f"{source} holds no caption", hint="Name a WebVTT (.vtt) or SubRip (.srt) file.")
    return found


def _captions(lines: list[str], is_vtt: bool) -> Iterator[Caption]:
    at = 0
    while at < len(lines):
        timing = _TIMING.fullmatch(lines[at])
        at += 1
        if timing is None:
            continue
        first = at
        while at < len(lines) and lines[at].strip() and _TIMING.fullmatch(lines[at]) is None:
            at += 1
        text = "\n".join(lines[first:at])
        voice = _VOICE.search(text) if is_vtt else None
        text = _TAG.sub("", text)
        speaker = voice[1] if voice else ""
        if is_vtt:
            text, speaker = html.unescape(text), html.unescape(speaker)
        numbers = [int(number or 0) for number in timing.groups()]
        yield Caption(_ms(*numbers[:4]), _ms(*numbers[4:]), plain_lines(text), speaker.strip())


def _ms(hours: int, minutes: int, seconds: int, rest: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def parse_fields(text: str | None) -> Mapping[str, str]:
    """Parse ``time=sent_at,user=from.id,text=body``, names of fields, dotted where one is inside another.

    Raises InputError for anything else.
    """
    fields = dict(FIELDS)
    for part in (text or "").split(","):
        name, is_given, field = part.strip().partition("=")
        if not part.strip():
            continue
        if name not in FIELDS or not is_given or not field:
            raise InputError(
                f"{part.strip()!r} names no field of a message",
                hint="Write such as time=sent_at,user=from.id,text=body.",
            )
        fields[name] = field
    return fields


def parse_chat(text: str, source: str, fields: Mapping[str, str], zone: Zone) -> tuple[list[ChatMessage], int]:
    """Parse a JSON list of messages, or an object that holds one list; ``zone`` is that of times without an offset.

    Returns the messages in the order in which they were sent, and how many entries are none: without a time or a text.
    Raises InputError.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InputError(f"{source} is not JSON: {exc}", hint="Name a list of messages.") from exc
    lists = [value for value in given.values() if isinstance(value, list)] if isinstance(given, dict) else [given]
    if len(lists) != 1 or not isinstance(lists[0], list):
        raise InputError(f"{source} is not a list of messages", hint="Write [{time, user, text}, ...].")
    found = [message for entry in lists[0] if (message := _message(entry, fields, zone)) is not None]
    return sorted(found, key=lambda message: message.at), len(lists[0]) - len(found)


def _message(entry: object, fields: Mapping[str, str], zone: Zone) -> ChatMessage | None:
    at, user, text = (_field(entry, fields[name]) for name in ("time", "user", "text"))
    wall = wall_of(at, zone)
    if wall is None or not isinstance(text, str) or not plain_lines(text):
        return None
    return ChatMessage(wall, str(user) if isinstance(user, str | int) else "", text)


def _field(entry: object, path: str) -> Any:
    if isinstance(entry, dict) and path in entry:
        return entry[path]
    for name in path.split("."):
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry


def wall_of(given: object, zone: Zone) -> WallMs | None:
    """Read a time: Unix s, ms, µs or ns as a number or its text, or ISO 8601; None for anything else."""

    def localize(at: datetime) -> datetime:
        return at.astimezone() if zone.info is None else at.replace(tzinfo=zone.info)

    return read_instant(given, localize)
