"""A finished playback to where it is to be found. One row in DESTINATIONS for each kind of place."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assembler.errors import InputError, PublishError
from assembler.network.publish.card import CARD, Card, refused
from assembler.network.publish.folder import any_folder, card_of, put_in_folder
from assembler.network.publish.s3 import check_bucket, drop_from_bucket, put_in_bucket
from assembler.options import Options
from assembler.processes import Stop
from assembler.templates import fill, names_in
from assembler.workspace import PART

FIELDS = ("app", "room", "task", "revision")
"""Placeholders of a template."""


@dataclass(frozen=True)
class Destination:
    """A kind of place."""

    prefix: str
    """Beginning of its addresses; "" for folders."""
    check: Callable[[str, Options], None]
    """(root, options): raises PublishError where nothing could ever be put there. Asks nobody."""
    put: Callable[[Path, Path, str, str, Card, Options, Stop, Callable[[], object]], str]
    """(finished file, its assets, root, path below it, card, options, stop, claim) -> where it is now.

    Raises PublishError, and Stopped soon after ``stop`` is set.
    """
    drop: Callable[[str, str, str, Options, bool], bool]
    """Function of (where a file is, name of its assets, job, options, whether it may be half there) that removes both
    where the card is this job's, or of a half one is missing. Raises PublishError."""


def check_output(output: str, options: Options) -> None:
    """Check a destination; raises PublishError for an unknown kind, a missing extra or a bad name."""
    _destination(output).check(output, options)


def publish(
    made: Path, assets: Path, output: str, below: str, card: Card, options: Options, stop: Stop,
    claim: Callable[[], object] = bool,
) -> str:  # fmt: skip
    """Put the file and its assets to ``output``/``below``, each under its name only when it is whole, the card last.

    ``claim`` is called just before the playback can be seen: what it raises leaves the one that was there.

    Returns the place of the file. Raises PublishError; its ``retry`` is False where somebody else's playback is there.
    Raises Stopped where ``stop`` was set before it was done.
    """
    return _destination(output).put(made, assets, output, below, card, options, stop, claim)


def place_of(made: Path, output: str, below: str) -> str:
    """Return where ``publish`` puts a file."""
    if "://" in output:
        return f"{output.rstrip('/')}/{below}/{made.name}"
    return str(Path(output).expanduser().absolute() / below / made.name)


def unpublish(place: str, assets: str, job: str, options: Options, *, is_half: bool = False) -> bool:
    """Remove what ``publish`` put to ``place``; False where it is no longer this job's. Raises PublishError.

    ``is_half``: it may have been broken off, and nobody else puts anything there: without a card it is this job's.
    """
    return _destination(place).drop(place, assets, job, options, is_half)


def _destination(output: str) -> Destination:
    for destination in DESTINATIONS:
        if output.startswith(destination.prefix) and (destination.prefix or "://" not in output):
            return destination
    raise refused(
        f"{output.split('://')[0]}:// is not a place that can be published to", "Name a folder, or s3://bucket/prefix."
    )


def fill_template(template: str, ids: Mapping[str, str | None]) -> str:
    """The path below the output; every id is percent-encoded, an unknown one is "unknown".

    Raises InputError where the template names anything else, or leads out of the output.
    """
    try:
        named = names_in(template)
        unknown = named - set(FIELDS)
        filled = "" if unknown else fill(template, FIELDS, ids)
    except (ValueError, IndexError, AttributeError) as exc:
        raise InputError(f"the template {template!r} is malformed", hint="Write such as {app}/{room}/{task}.") from exc
    parts = filled.split("/")
    if unknown or not named & {"task"} or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise InputError(
            f"the template {template!r} names no folder for every task",
            hint="Use {task}, and as you like {app}, {room} and {revision}, between single slashes.",
        )
    return filled


def _drop_from_folder(place: str, assets: str, job: str, options: Options, is_half: bool) -> bool:
    video = Path(place)
    folder = video.parent
    try:
        card = card_of(folder)
        if not (is_half if card is None else card.job == job):
            return False
        video.unlink(missing_ok=True)
        shutil.rmtree(folder / assets, ignore_errors=True)
        for part in folder.glob(f"*{PART}"):  # of a process that was killed
            part.unlink(missing_ok=True)
        (folder / CARD).unlink(missing_ok=True)  # the last: until then it says whose the rest is
        with contextlib.suppress(OSError):  # something else lies in there
            folder.rmdir()
    except OSError as exc:
        raise PublishError(f"{folder} cannot be cleared: {exc.strerror}", hint="Look at its permissions.") from exc
    return True


DESTINATIONS: tuple[Destination, ...] = (
    Destination("", any_folder, put_in_folder, _drop_from_folder),
    Destination("s3://", check_bucket, put_in_bucket, drop_from_bucket),
)
"""Destinations in the order in which their prefixes are tried; a folder is the last."""
