"""Templates of paths with a class's ids in them: ids are strangers' text, and never lead out of a folder."""

from __future__ import annotations

import difflib
import hashlib
import string
from collections.abc import Collection, Mapping
from urllib.parse import quote

from assembler.errors import InputError

FIELDS = ("app", "room", "task")
"""Placeholders of the path of a class's own files: its card, captions and chat."""
LONGEST_PART = 200
"""Maximum length of one folder's name, in characters; file systems take 255 bytes."""


def check_path(path: str) -> set[str]:
    """Find the placeholders in the path of a class's file; raises InputError for others than there are."""
    try:
        named = names_in(path)
        fill(path, FIELDS, {}) if named <= set(FIELDS) else None
    except (ValueError, IndexError, AttributeError) as exc:
        raise InputError(f"the path {path!r} is malformed", hint="Write such as /etc/classes/{room}.json.") from exc
    for unknown in sorted(named - set(FIELDS)):
        near = difflib.get_close_matches(unknown, FIELDS, n=1)
        meant = f"Did you mean {{{near[0]}}}? " if near else ""
        there = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise InputError(f"the path {path!r} has an unknown placeholder {{{unknown}}}", hint=f"{meant}Use {there}.")
    return named


def names_in(template: str) -> set[str]:
    """Find the placeholders of a template; raises ValueError for a malformed one."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def fill(template: str, names: Collection[str], ids: Mapping[str, str | None]) -> str:
    """Fill the placeholders ``names``; every id is percent-encoded, an unknown one is "unknown".

    Raises ValueError, IndexError or AttributeError for a malformed template.
    """
    return template.format(**{name: encoded(ids.get(name)) for name in names})


def encoded(text: str | None) -> str:
    """Encode an id as the name of one file or folder."""
    if not text:
        return "unknown"
    safe = quote(text, safe="", errors="replace")
    if not safe.strip("."):
        safe = safe.replace(".", "%2E")
    if len(safe) > LONGEST_PART:
        safe = f"{safe[:100]}~{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"
    return safe
