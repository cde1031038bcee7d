"""A finished playback to where it is to be found. One row in DESTINATIONS for each kind of place."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from assembler.errors import InputError, PublishError
from assembler.values import Value
from assembler.workspace import PART, write_whole

FIELDS = ("app", "room", "task", "revision")
LONGEST_PART = 200
"""Characters of one folder's name; file systems take 255 bytes."""
CARD = "job.json"


class Card(Value):
    """``job.json``, written last: what lies in a published folder. A folder with it is whole."""

    job: str
    """The job."""
    key: str
    """Which task it is of; only results of the same one may take its place."""
    revision: int
    """A lower one never takes the place of a higher one."""
    digest: str
    """The playback's digest, as in its playback.json."""


@dataclass(frozen=True)
class Destination:
    """A kind of place."""

    prefix: str
    """How its addresses begin; "" for folders."""
    put: Callable[[Path, Path, str, str, Card], str]
    """(finished file, its assets, root, path below it, card) -> where it is now. Raises PublishError."""


def publish(made: Path, assets: Path, output: str, below: str, card: Card) -> str:
    """Put the file and its assets to ``output``/``below``, each under its name only when it is whole, the card last.

    Returns the place of the file. Raises PublishError; its ``retry`` is False where somebody else's playback is there.
    """
    return find_destination(output).put(made, assets, output, below, card)


def find_destination(output: str) -> Destination:
    """The row of an output's address. Raises PublishError where there is none, which no second try mends."""
    for destination in DESTINATIONS:
        if output.startswith(destination.prefix) and (destination.prefix or "://" not in output):
            return destination
    raise refused(f"{output.split('://')[0]}:// is no place that can be published to", "Name a folder.")


def fill_template(template: str, ids: Mapping[str, str | None]) -> str:
    """The path below the output; every id is percent-encoded, an unknown one is "unknown".

    Raises InputError where the template names anything else, or leads out of the output.
    """
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
        unknown = named - set(FIELDS)
        filled = "" if unknown else template.format(**{name: _encoded(ids.get(name)) for name in FIELDS})
    except (ValueError, IndexError, AttributeError) as exc:
        raise InputError(f"the template {template!r} is malformed", hint="Write such as {app}/{room}/{task}.") from exc
    parts = filled.split("/")
    if unknown or not named & {"task"} or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise InputError(
            f"the template {template!r} names no folder for every task",
            hint="Use {task}, and as you like {app}, {room} and {revision}, between single slashes.",
        )
    return filled


def _encoded(text: str | None) -> str:
    if not text:
        return "unknown"
    safe = quote(text, safe="", errors="replace")
    if not safe.strip("."):
        safe = safe.replace(".", "%2E")
    if len(safe) > LONGEST_PART:
        safe = f"{safe[:100]}~{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"
    return safe


def refused(sentence: str, hint: str) -> PublishError:
    error = PublishError(sentence, hint=hint)
    error.retry = False
    return error


def _put_in_folder(made: Path, assets: Path, output: str, below: str, card: Card) -> str:
    folder = Path(output).expanduser().absolute() / below
    target = folder / made.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = _card_of(folder)
        if known is not None and known.key != card.key:
            raise refused(
                f"{folder} holds the playback of another task", "Mend the template: it is to tell tasks apart."
            )
        if known is not None and known.revision > card.revision:
            return str(target)
        for source in sorted(p for p in assets.rglob("*") if p.is_file()):
            _place(source, folder / assets.name / source.relative_to(assets))
        _place(made, target)
        write_whole(folder / CARD, card.model_dump_json(indent=1))
    except OSError as exc:
        raise PublishError(f"{folder} cannot be written: {exc.strerror}", hint="Look at ASSEMBLER_OUTPUT.") from exc
    return str(target)


def _card_of(folder: Path) -> Card | None:
    try:
        return Card.model_validate_json((folder / CARD).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as exc:
        raise refused(f"{folder / CARD} is none of ours", "Move it away, or name another output.") from exc


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}{PART}")
    try:
        with source.open("rb") as taken, part.open("wb") as given:
            shutil.copyfileobj(taken, given, 1 << 20)
            given.flush()
            os.fsync(given.fileno())
        os.replace(part, target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


DESTINATIONS: tuple[Destination, ...] = (Destination("", _put_in_folder),)
