"""Result files, folders of them and lines in them -> bodies -> Recordings."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from assembler.dialects import find_part, parse_parts
from assembler.dialects.body import JsonObject, load_object
from assembler.dialects.dialect import PARTS, unpack
from assembler.dialects.systems.playlist import PLAYLIST
from assembler.errors import AssemblerError, InputError
from assembler.pipeline.archives import is_archive, read_archive
from assembler.recording import Recording
from assembler.workspace import ASSETS

LARGEST_RESULT = 64 * 2**20
"""Maximum size of a result, in bytes; a video given by mistake is not read into memory."""
SKIPPED = "job.json"
"""Name of the file that we publish beside a playback: it is not a result."""


class Given(NamedTuple):
    """One body that was named."""

    source: str
    """File, and line where it has several."""
    body: bytes
    """Raw bytes."""


def read_bodies(names: Sequence[str], standard_input: IO[bytes]) -> list[Given]:
    """Every body in what was named. Raises InputError where a name stands for nothing."""
    found: list[Given] = []
    for name in names:
        if name == "-":
            found += _bodies("standard input", standard_input.read(LARGEST_RESULT + 1))
            continue
        paths = list(_files(name))
        if not paths and not glob.has_magic(name) and not Path(name).is_dir():
            raise InputError(f"{name}: no such file", hint="Name a result file, or - for standard input.")
        if not paths:
            hint = "Name files, folders, globs, or - for standard input."
            if next(Path(name).glob(f"*.{PLAYLIST}"), None) is not None:
                hint = "Agora's playlists and slices without a body: write --agora-dir before the folder."
            raise InputError(f"{name} names no result file", hint=hint)
        for path in paths:
            if is_archive(path.name):
                inner, body = read_archive(path)
                found.append(Given(f"{path}/{inner}", body))
                continue
            try:
                with path.open("rb") as file:
                    found += _bodies(str(path), file.read(LARGEST_RESULT + 1))
            except OSError as exc:
                raise InputError(f"{path}: cannot be read: {exc.strerror}", hint="Name files you may read.") from exc
    return found


def _files(name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_dir():
        for kind in ("*.json", "*.jsonl", "*.ndjson"):
            yield from sorted(
                p for p in path.rglob(kind) if p.name != SKIPPED and not any(q.suffix == ASSETS for q in p.parents)
            )
    elif path.exists():
        yield path
    else:
        for found in sorted(glob.glob(name, recursive=True)):
            yield from _files(found) if Path(found).is_dir() else [Path(found)]


def _bodies(source: str, raw: bytes) -> list[Given]:
    """One body, one in every line, or those of a list. Raises InputError where there may be more than was read."""
    raw = _as_utf8(raw)
    if len(raw) > LARGEST_RESULT and raw.lstrip()[:1] in (b"{", b"["):
        sentence = f"{source} has more than {LARGEST_RESULT >> 20} MiB: no result of a class"
        raise InputError(sentence, hint="Split it: a file holds one result, or one in every line.")
    lines = [line.strip() for line in raw.splitlines()]
    full = [(number, line) for number, line in enumerate(lines, 1) if line]
    if len(full) > 1 and all(line.startswith(b"{") and line.endswith(b"}") for _, line in full):
        return [Given(f"{source}:{number}", line) for number, line in full]
    return _listed(source, raw) or [Given(source, raw)]


def _as_utf8(raw: bytes) -> bytes:
    """Return a text that begins like JSON in UTF-8, without a byte order mark; anything else, and what is damaged, as
    it is: whoever reads it tells."""
    encoding = json.detect_encoding(raw[:4])
    begin = raw[:256].decode(encoding, "ignore").lstrip()
    if encoding != "utf-8" and begin.startswith(("{", "[")):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding).encode("utf-8", "surrogatepass")
    return raw


def _listed(source: str, raw: bytes) -> list[Given]:
    """List the objects of a JSON list; none where it is anything else."""
    try:
        values = json.loads(raw) if raw.lstrip()[:1] == b"[" else None
    except (ValueError, RecursionError):
        return []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        return []
    return [Given(f"{source}[{n}]", json.dumps(value).encode()) for n, value in enumerate(values)]


def read_recordings(names: Sequence[str], standard_input: IO[bytes]) -> list[Recording]:
    """Every recording in the named files and folders; ``-`` is standard input. Bodies that tell of parts of one
    recording are read together. Raises InputError (CloudError) naming the file."""
    groups: dict[object, list[tuple[str, JsonObject]]] = {}
    for given in read_bodies(names, standard_input):
        with _named(given.source):
            body = load_object(given.body)
            part = find_part(body)
            if part is None and given.source in groups:
                raise InputError("it is named twice", hint="Name each result once.")
        groups.setdefault(part or given.source, []).extend((given.source, one) for one in unpack(body))
    recordings = []
    rooms: set[str | None] = set()
    for group, bodies in groups.items():
        more = f" and {len(bodies) - 1} more" if len(bodies) > 1 else ""
        with _named(bodies[0][0] + more):
            recordings.append(parse_parts([body for _, body in bodies]))
        rooms |= {recordings[-1].room_id} if isinstance(group, tuple) else set()
    if len(rooms) > 1:
        named = ", ".join(sorted(str(room) for room in rooms)[:5])
        raise InputError(f"the bodies are of {len(rooms)} rooms: {named}", hint="Give those of one class.")
    return recordings


def join_parts(given: Sequence[Given]) -> list[Given]:
    """Join the bodies that tell of one recording together into one of them all; what cannot be read stays as it is."""
    groups: dict[object, list[tuple[Given, list[JsonObject]]]] = {}
    for number, one in enumerate(given):
        with suppress(AssemblerError):
            body = load_object(one.body)
            groups.setdefault(find_part(body) or number, []).append((one, unpack(body)))
            continue
        groups[number] = [(one, [])]
    joined = []
    for together in groups.values():
        first = together[0][0]
        if len(together) > 1:
            parts = [part for _, parts in together for part in parts]
            first = Given(f"{first.source} and {len(together) - 1} more", json.dumps({PARTS: parts}).encode())
        joined.append(first)
    return joined


@contextmanager
def _named(source: str) -> Iterator[None]:
    try:
        yield
    except AssemblerError as exc:
        raise exc.reworded(f"{source}: {exc.sentence}") from exc
