"""Class card of a class: the file that the options name for it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from assembler.class_card import LARGEST_CARD, ClassCard, parse_card
from assembler.errors import CardMissing, InputError
from assembler.options import Options
from assembler.recording import Recording
from assembler.templates import fill, names_in

FIELDS = ("app", "room", "task")
"""Placeholders of the path of a class card."""


def find_card(recordings: Sequence[Recording], options: Options) -> ClassCard | None:
    """Read the class card of the recordings; None where the options name none, or there is none at the place that a
    template names.

    Raises InputError for a card that cannot be read or is wrong, CardMissing where there is none and one is required.
    """
    if options.class_file is None:
        return None
    is_template = bool(check_template(options.class_file))
    paths = dict.fromkeys(_path(options.class_file, recording) for recording in recordings)
    cards = [card for path in paths if (card := _load(path, may_miss=is_template)) is not None]
    if any(card != cards[0] for card in cards):
        raise InputError(
            f"the recordings have different class cards: {', '.join(map(str, paths))}",
            hint="Give one card for all of them with --class.",
        )
    if not cards and options.class_required:
        raise CardMissing(
            f"{recordings[0].name} has no class card yet",
            hint=f"It is awaited at {next(iter(paths))}; without ASSEMBLER_CLASS_REQUIRED nothing waits for it.",
        )
    return cards[0] if cards else None


def check_template(path: str) -> set[str]:
    """Find the placeholders in the path of a class card; raises InputError for others than there are."""
    try:
        named = names_in(path)
        fill(path, FIELDS, {}) if named <= set(FIELDS) else None
    except (ValueError, IndexError, AttributeError) as exc:
        raise InputError(
            f"the path {path!r} of class cards is malformed", hint="Write such as /etc/classes/{room}.json."
        ) from exc
    for unknown in sorted(named - set(FIELDS)):
        near = difflib.get_close_matches(unknown, FIELDS, n=1)
        meant = f"Did you mean {{{near[0]}}}? " if near else ""
        there = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise InputError(f"the path {path!r} of class cards has an unknown {{{unknown}}}", hint=f"{meant}Use {there}.")
    return named


def _path(template: str, recording: Recording) -> Path:
    ids = {"app": recording.app_id, "room": recording.room_id, "task": recording.task_id}
    return Path(fill(template, FIELDS, ids))


def _load(path: Path, *, may_miss: bool) -> ClassCard | None:
    try:
        with path.open("rb") as file:
            return parse_card(file.read(LARGEST_CARD + 1), f"class card {path}")
    except FileNotFoundError as exc:
        if may_miss:
            return None
        raise InputError(f"there is no class card {path}", hint="Name an existing file with --class.") from exc
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InputError(f"class card {path} cannot be read: {reason}", hint="Name a file that may be read.") from exc
