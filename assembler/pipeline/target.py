"""The file that is to be made: what may lie in its place, and what never."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assembler.errors import InputError
from assembler.mp4.boxes import count_frames
from assembler.network.download.download import on_disk
from assembler.network.download.media_dir import is_name_of
from assembler.network.download.owners import owner_of
from assembler.options import Options
from assembler.plan.manifest import find_claims
from assembler.recording import Recording
from assembler.workspace import (
    CHAPTERS,
    COVER,
    MANIFEST,
    PART,
    PNG_SIGNATURE,
    REPORT,
    SMALL_PICTURES,
    WATCH,
    Workspace,
    assets_of,
)

OTHER_NAME = "Name another file with -o."
"""Hint of every refusal of a file's name."""


@dataclass(frozen=True)
class Target:
    """A file to be made of these recordings."""

    out: Path
    """Path of the file."""
    recordings: Sequence[Recording]
    """Recordings of the class."""
    options: Options
    """Options of the run."""
    inputs: Sequence[Path] = ()
    """Files that were read (results): never replaced, like the recorded ones."""

    def check_playback(self) -> None:
        """Check the place of the mp4 before the work; raises InputError where it is refused, or a file lost."""
        self._check(".mp4", self._check_ours)
        assets = assets_of(self.out.absolute())
        names = (REPORT, MANIFEST, WATCH, CHAPTERS, COVER, SMALL_PICTURES)
        lying = next((assets / name for name in names if (assets / name).exists()), None)
        if lying is not None and not self.options.overwrite and find_claims(self.out) is None:
            raise InputError(
                f"{lying} is there and does not describe a playback made by assembler",
                hint=f"{OTHER_NAME} --overwrite replaces it.",
            )

    def check_frame(self) -> None:
        """Check the place of a picture, likewise."""
        self._check(".png", self._check_our_picture)

    def _check(self, suffix: str, check_ours: Callable[[], None]) -> None:
        out = self.out
        try:
            self._check_place(suffix)
            self._check_sources()
            if os.path.lexists(out) and not self.options.overwrite:
                check_ours()
            if out.exists() and not out.is_file():
                raise InputError(f"{out} is not a plain file", hint=OTHER_NAME)
            out.absolute().parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise InputError(f"{out} cannot be written: {exc.strerror}", hint=OTHER_NAME) from exc

    def _check_place(self, suffix: str) -> None:
        out = self.out
        folder, assets = out.absolute().parent, assets_of(out.absolute())
        if out.is_dir():
            raise InputError(f"{out} is a folder", hint=f"Name a file, such as class{suffix}.")
        if out.suffix.lower() != suffix:
            raise InputError(f"{out} does not end in {suffix}", hint=f"Name it class{suffix}.")
        for place in (folder, assets):
            if place.exists() and not place.is_dir():
                raise InputError(
                    f"{place} is in the way: it is not a folder", hint="Move it away, or name another file."
                )
            if place.exists() and not os.access(place, os.W_OK):
                raise InputError(f"the folder {place} may not be written to", hint="Name a file in another one.")

    def _check_sources(self) -> None:
        """Check that no recorded file is replaced, under whatever name it is reached, and nothing is put among them
        that a later run would take for one."""
        out, options = self.out, self.options
        cache = Workspace(options.home).home / "cache"
        if Path(os.path.realpath(cache)) in Path(os.path.realpath(out)).parents:
            raise InputError(f"{out} lies in the cache of downloaded files", hint=OTHER_NAME)
        segments = [s for r in self.recordings for s in r.segments]
        if os.path.lexists(out):
            recorded = on_disk(segments, cache=cache, options=options, owner=owner_of(self.recordings)).values()
            if any(_is_same(out, source) for source in (*recorded, *self.inputs)):
                raise InputError(f"{out} is one of the files that the playback is made from", hint=OTHER_NAME)
        media = options.media_dir
        if media is not None and _is_same(out.absolute().parent, media) and is_name_of(segments, out.name):
            raise InputError(
                f"{out} is named like a recording and lies in the media folder: a later run would take it for one",
                hint=OTHER_NAME,
            )

    def _check_ours(self) -> None:
        claims = find_claims(self.out)
        if claims is None or not _is_described_by(self.out, claims):
            raise InputError(
                f"{self.out} is there and is not a playback made by assembler",
                hint=f"{OTHER_NAME} --overwrite replaces it.",
            )
        tasks = claims.get("tasks")
        if isinstance(tasks, list) and tasks and not set(map(str, tasks)) & {r.name for r in self.recordings}:
            raise InputError(
                f"{self.out} is there and is the playback of another class ({tasks[0]})",
                hint=f"{OTHER_NAME} --overwrite replaces it.",
            )

    def _check_our_picture(self) -> None:
        if b"tEXt" + PNG_SIGNATURE not in self.out.read_bytes()[:200]:
            raise InputError(
                f"{self.out} is there and is not a picture made by assembler",
                hint="Name another file. --overwrite replaces it.",
            )


def _is_same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        return one.samefile(other)
    return False


def _is_described_by(out: Path, claims: dict[str, Any]) -> bool:
    """True for the file that its playback.json tells of, also where it was cut short, or was about to be replaced by
    that one when the run was killed."""
    sizes = [place.stat().st_size for place in (out, out.with_name(out.name + PART)) if place.is_file()]
    if claims["size"] in sizes:
        return True
    with suppress(KeyError, TypeError, ValueError):
        count = 1 + sum(int(run[1]) for run in claims["stamps"]["steps"])
        return count == count_frames(out)
    return False
