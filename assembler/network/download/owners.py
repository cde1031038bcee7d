"""Owners of cached files: each app has its own, so that one app's link never opens another app's file.

What was fetched before files were kept by app lies under a name without one. It goes to who asks for it first, where
that can only be its owner: no second app is known here, or the job is older than this order.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from assembler.network.download.cache import Entry, disk_errors, entry_of
from assembler.recording import Recording, Segment
from assembler.times import WallMs
from assembler.values import Value
from assembler.workspace import LOCK, PART

NAME = "apps.json"
"""Name of the file in the cache that remembers its apps."""
ENOUGH = 2
"""Maximum number of apps that are remembered: with the second one, nothing is anybody's any more without being
asked."""


class Owner(NamedTuple):
    """App, and job, that asks for files."""

    app: str = ""
    """The vendor's app; all results that name none are one app."""
    asked: WallMs | None = None
    """Time since which a job wants them, Unix ms; None: only now."""


NOBODY = Owner()
"""Owner of files that no app and no job asks for."""


class _Apps(Value):
    since: WallMs
    """Time since which files are kept by app."""
    known: tuple[str, ...]
    """Apps that were seen here, ``ENOUGH`` of them."""


def owner_of(recordings: Iterable[Recording], asked: WallMs | None = None) -> Owner:
    """Results of several apps together are an app of their own."""
    return Owner("+".join(sorted({r.app_id for r in recordings if r.app_id})), asked)


def take_over(cache: Path, segments: Sequence[Segment], owner: Owner) -> None:
    """Give the owner what was fetched before files were kept by app and can be nobody else's.

    What another process works on right now stays where it is.
    """
    with disk_errors(cache):
        apps = note_apps(cache, [owner.app])
        if len(apps.known) >= ENOUGH and (owner.asked is None or owner.asked >= apps.since):
            return
        for segment in segments:
            old, new = entry_of(cache, segment, None), entry_of(cache, segment, owner.app)
            if old is not None and new is not None and (old.file.exists() or old.part.exists()):
                _move(old, new)


def _move(old: Entry, new: Entry) -> None:
    with ExitStack() as locks:
        for entry in (old, new):
            lock = FileLock(f"{entry.file}{LOCK}", thread_local=False)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return
            locks.callback(lock.release)
        if new.file.exists() or new.part.exists():
            return
        for suffix in (".json", "", f"{PART}.json", PART):
            if os.path.exists(f"{old.file}{suffix}"):
                os.replace(f"{old.file}{suffix}", f"{new.file}{suffix}")


def note_apps(cache: Path, seen: Collection[str]) -> _Apps:
    """Remember that there are these apps; all that is known by then."""
    path = cache / NAME
    apps = _read(path)
    if apps is not None and (len(apps.known) >= ENOUGH or set(apps.known) >= set(seen) - {""}):
        return apps
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}{LOCK}", thread_local=False):
        before = _read(path) or _Apps(since=WallMs(int(time.time() * 1000)), known=())
        apps = _Apps(since=before.since, known=tuple(sorted({*before.known, *seen} - {""}))[:ENOUGH])
        fresh = path.with_name(NAME + ".fresh")
        fresh.write_text(apps.model_dump_json(), encoding="utf-8")
        os.replace(fresh, path)
    return apps


def _read(path: Path) -> _Apps | None:
    try:
        return _Apps.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None
