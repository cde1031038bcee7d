"""Files in which a school tells of a class: its class card, and chapters of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from assembler.class_card import LARGEST_CARD, CardChapter, ClassCard, parse_card
from assembler.errors import CardMissing, InputError
from assembler.options import Options
from assembler.recording import Recording
from assembler.templates import FIELDS, check_path, fill
from assembler.times import WallMs, clock_text, parse_clock

LARGEST_LIST = 2**20
"""Maximum size of a file of chapters, in bytes; a thousand of them fit in a tenth of it."""
HINT = "Write a line for each, such as: 12:30 Second exercise"
"""Hint of every refused file of chapters."""


def find_card(recordings: Sequence[Recording], options: Options) -> ClassCard | None:
    """Read the class card of the recordings; None where the options name none, or there is none at the place that a
    template names.

    Raises InputError for a card that cannot be read or is wrong, CardMissing where there is none and one is required.
    """
    if options.class_file is None:
        return None
    is_template = bool(check_path(options.class_file))
    paths = dict.fromkeys(Path(fill(options.class_file, FIELDS, recording.ids)) for recording in recordings)
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


def is_newer(ids: Mapping[str, str | None], options: Options, since: WallMs) -> bool:
    """Tell whether the class card's file changed, or came to its place, after an instant; ``ids`` by placeholder."""
    if options.class_file is None:
        return False
    try:
        status = Path(fill(options.class_file, FIELDS, ids)).stat()
    except (OSError, ValueError):
        return False
    return max(status.st_mtime, status.st_ctime) * 1000 > since


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


def load_chapters(path: Path) -> tuple[CardChapter, ...]:
    """Read the chapters of a text file, a time and a title on each line.

    Empty lines and lines that begin with ``#`` are passed over. Times are on the playback axis and go forward. Raises
    InputError that names the line where something is wrong.
    """
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_LIST + 1)
        text = body.decode("utf-8-sig")
    except (OSError, ValueError) as exc:  # Unicode's error, and a path with a NUL, are ValueErrors
        reason = exc.strerror if isinstance(exc, OSError) else "it is no text in UTF-8"
        raise InputError(f"chapters {path} cannot be read: {reason}", hint=HINT) from exc
    if len(body) > LARGEST_LIST:
        raise InputError(f"chapters {path}: more than {LARGEST_LIST // 2**20} MiB", hint=HINT)
    found: list[CardChapter] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        chapter = _chapter(line, f"chapters {path}, line {number}")
        if found and chapter.at <= found[-1].at:
            before, after = clock_text(found[-1].at), clock_text(chapter.at)
            raise InputError(f"chapters {path}, line {number}: {after} does not come after {before}", hint=HINT)
        found.append(chapter)
    if not found:
        raise InputError(f"chapters {path}: there is none in it", hint=HINT)
    return tuple(found)


def _chapter(line: str, where: str) -> CardChapter:
    time, *title = line.expandtabs(1).strip().split(maxsplit=1)
    try:
        return CardChapter(at=parse_clock(time), title="".join(title))
    except InputError as exc:
        raise InputError(f"{where}: {exc.sentence}", hint=HINT) from exc
    except ValidationError as exc:
        if not title:
            raise InputError(f"{where}: {time} has no title", hint=HINT) from exc
        said = exc.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise InputError(f"{where}: its title is refused: {said}", hint=HINT) from exc
