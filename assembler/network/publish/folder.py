"""A folder as a destination: whole or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from assembler.errors import PublishError
from assembler.network.publish.card import CARD, Card, is_in_place, read_card
from assembler.options import Options
from assembler.processes import Stop
from assembler.workspace import PART, write_whole


def any_folder(output: str, options: Options) -> None:
    """Accept any folder: whether it can be written is seen when it is, for it may be mounted later."""


def put_in_folder(
    made: Path, assets: Path, output: str, below: str, card: Card, options: Options, stop: Stop,
    claim: Callable[[], object],
) -> str:  # fmt: skip
    """Put a playback and its assets into a folder, each under its name only when it is whole, the card last; raises
    PublishError."""
    folder = Path(output).expanduser().absolute() / below
    target = folder / made.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if is_in_place(card_of(folder), card, str(folder)):
            return str(target)
        claim()
        for source in sorted(p for p in assets.rglob("*") if p.is_file()):
            _place(source, folder / assets.name / source.relative_to(assets))
        _place(made, target)
        write_whole(folder / CARD, card.model_dump_json(indent=1))
    except OSError as exc:
        raise PublishError(f"{folder} cannot be written: {exc.strerror}", hint="Look at ASSEMBLER_OUTPUT.") from exc
    return str(target)


def card_of(folder: Path) -> Card | None:
    """Read the card in a folder; None where there is none."""
    try:
        return read_card((folder / CARD).read_bytes(), str(folder / CARD))
    except FileNotFoundError:
        return None


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
