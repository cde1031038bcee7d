"""Names of Agora's playlists: whose they are, and which of several of one track counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from assembler.dialects.systems.files import MAX_PATH

NAMED = re.compile(
    r"(?P<base>(?:.*/)?(?:bak\d{1,6}_)?(?P<sid>[^_/]+)_(?P<room>[^/]*?)"
    r"(?:__uid_s_(?P<user>[^/]*?)__uid_e_(?P<track>audio_and_video|audio|video|av))?)"
    r"(?:_(?P<tick>\d{6,20})_(?P<index>\d{1,9}))?\.m3u8",
    re.ASCII | re.IGNORECASE,
)
"""Pattern of a playlist's name: a prefix of a recorder that took over, task, room, user and type of the track, and
what makes a backup of the list."""
JOINT = "audio_and_video"
"""Type of a list of both, beside which a uid may have a list of each."""


class ListName(NamedTuple):
    """Content of a playlist's name."""

    base: str
    """Name without its ending, and without what makes a backup of it."""
    task: str
    """Task (sid)."""
    room: str
    """Room (cname), as far as a file's name can hold it."""
    user: str | None
    """User id; None for a mixed recording."""
    track: str
    """Type of the track, by Agora's word; "" for a mixed recording."""
    backup: tuple[int, int] | None
    """Time and number of a backup of the list; None of the list itself."""


def read_name(name: str) -> ListName | None:
    """Read the name of a playlist; None where it is none of Agora's."""
    found = NAMED.fullmatch(name) if len(name) <= MAX_PATH else None
    if found is None:
        return None
    track = (found["track"] or "").lower()
    backup = (int(found["tick"]), int(found["index"])) if found["tick"] else None
    return ListName(
        found["base"], found["sid"], found["room"], found["user"], JOINT if track == "av" else track, backup
    )


def superseded(names: Iterable[str]) -> dict[str, str]:
    """Find the backups of lists that do not count, each with the list that does: the list itself, else its newest
    backup."""
    tracks: dict[str, list[tuple[bool, tuple[int, int], str]]] = {}
    for name in names:
        if (told := read_name(name)) is not None:
            tracks.setdefault(told.base, []).append((told.backup is None, told.backup or (0, 0), name))
    best = {base: max(lists)[2] for base, lists in tracks.items()}
    return {name: best[base] for base, lists in tracks.items() for *_, name in lists if name != best[base]}
