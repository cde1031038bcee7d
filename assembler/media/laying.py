"""Where the samples of several tracks come to lie in one file, and the copying of their bytes."""

from __future__ import annotations

import errno
import os
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from assembler.errors import MediaError
from assembler.media.moov import FTYP, Laid, box, build_moov, title_track

WINDOW_SECONDS = 1
"""Pictures and sound take turns after so much of each."""
MOST_APART_SECONDS = 3
"""Pictures and sound of one file may stay as they lie where one is never further ahead of the other."""
LARGE = 1 << 32
MOST_AT_ONCE = 64 << 20
"""Bytes that the system is asked to copy in one call."""
LEAST_ALONE = 256 << 10
"""Stretches shorter than this are gathered and written together."""
GATHERED = 4 << 20
NOT_HERE = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF}
"""What ``copy_file_range`` says where these two files cannot be copied in the kernel."""


class Piece(NamedTuple):
    """Samples of one track that follow each other in a file."""

    source: Path
    at: int
    """Where they begin in it."""
    size: int
    """Bytes."""
    first: int
    """Index of the first sample in its new track."""
    end: int
    """Index behind the last one."""


@dataclass(frozen=True)
class Taken:
    """All samples of a new track."""

    laid: Laid
    """The track but for its chunks."""
    stamps: Sequence[int]
    """Ticks at which each sample is decoded and shown."""
    pieces: Sequence[Piece]
    """Where they are, in order."""


def write_mp4(
    out: Path, movie_scale: int, tracks: Sequence[Taken], chapters: Sequence[tuple[int, str]], length: int
) -> None:
    """Write ``ftyp``, ``moov`` and ``mdat``; ``chapters`` are (ms, title), ``length`` in ms.

    Raises MediaError where a source is shorter than it was, and OSError.
    """
    titles, words = title_track(chapters, length, movie_scale) if chapters else (None, b"")
    order = list(_in_order(tracks))
    payload = len(words) + sum(piece.size for _, piece in order)
    is_large = payload >= LARGE - (256 << 20)  # with room for the index
    head = struct.pack(">I4sQ", 1, b"mdat", payload + 16) if is_large else struct.pack(">I4s", payload + 8, b"mdat")

    def moov(at: int) -> bytes:
        chunks = _chunks(order, tracks, at + len(words))
        laid = [replace(track.laid, chunks=found) for track, found in zip(tracks, chunks, strict=True)]
        if titles is not None:
            laid.append(replace(titles, chunks=[(at, 0, len(titles.sizes))]))
        return build_moov(movie_scale, laid, chapters, is_large=is_large)

    front = box(b"ftyp", FTYP)
    at = len(front) + len(moov(0)) + len(head)
    with out.open("wb", buffering=0) as file:
        _write(file.fileno(), front + moov(at) + head + words)
        _copy(_stretches(piece for _, piece in order), file.fileno())


def _in_order(tracks: Sequence[Taken]) -> Iterator[tuple[int, Piece]]:
    """(track, piece) in the order of the file: as they lie, where they lie well, else window by window."""
    lying = [(number, piece) for number, track in enumerate(tracks) for piece in track.pieces]
    if len({piece.source for _, piece in lying}) == 1:
        lying.sort(key=lambda pair: pair[1].at)
        if _lie_well(lying, tracks):
            return iter(lying)
    cut = [(window, number, piece) for number, track in enumerate(tracks) for window, piece in _windows(track, number)]
    cut.sort(key=lambda row: row[:2])
    return ((number, piece) for _, number, piece in cut)


def _lie_well(lying: Sequence[tuple[int, Piece]], tracks: Sequence[Taken]) -> bool:
    """True if nothing lies on another, and no track is far ahead."""
    if any(a.at + a.size > b.at for (_, a), (_, b) in pairwise(lying)):
        return False
    reached = [track.stamps[0] / track.laid.scale for track in tracks]
    for number, piece in lying:
        track = tracks[number]
        reached[number] = track.stamps[piece.end - 1] / track.laid.scale
        if max(reached) - min(reached) > MOST_APART_SECONDS:
            return False
    return True


def _windows(track: Taken, number: int) -> Iterator[tuple[int, Piece]]:
    """The pieces cut where a window ends, each with its window."""
    window, stamps, sizes = track.laid.scale * WINDOW_SECONDS, track.stamps, track.laid.sizes
    for piece in track.pieces:
        first, at = piece.first, piece.at
        while first < piece.end:
            turn = stamps[first] // window
            if stamps[piece.end - 1] // window == turn:
                yield turn, piece._replace(at=at, size=piece.at + piece.size - at, first=first)
                break
            end = bisect_left(stamps, (turn + 1) * window, first, piece.end)
            size = sum(sizes[first:end])
            yield turn, Piece(piece.source, at, size, first, end)
            first, at = end, at + size


def _chunks(order: Iterable[tuple[int, Piece]], tracks: Sequence[Taken], at: int) -> list[list[tuple[int, int, int]]]:
    """The chunks of each track: what lies together of it, up to a window."""
    found: list[list[tuple[int, int, int]]] = [[] for _ in tracks]
    windows = [track.laid.scale * WINDOW_SECONDS for track in tracks]
    last, turn = -1, 0
    for number, piece in order:
        now = tracks[number].stamps[piece.first] // windows[number]
        if number == last and now == turn:
            offset, first, _ = found[number][-1]
            found[number][-1] = offset, first, piece.end
        else:
            found[number].append((at, piece.first, piece.end))
        last, turn, at = number, now, at + piece.size
    return found


def _stretches(pieces: Iterable[Piece]) -> Iterator[tuple[Path, int, int]]:
    """(file, place, bytes), what lies together in one."""
    source, start, end = Path(), 0, 0
    for piece in pieces:
        if piece.at == end and piece.source == source:
            end += piece.size
            continue
        if end > start:
            yield source, start, end - start
        source, start, end = piece.source, piece.at, piece.at + piece.size
    if end > start:
        yield source, start, end - start


def _copy(stretches: Iterable[tuple[Path, int, int]], out: int) -> None:
    with ExitStack() as opened:
        files: dict[Path, int] = {}
        gathered: list[bytes] = []
        waiting = 0
        for source, at, size in stretches:
            if source not in files:
                files[source] = opened.enter_context(source.open("rb", buffering=0)).fileno()
            if size < LEAST_ALONE:
                gathered.append(_read(files[source], size, at, source))
                waiting += size
            if waiting > GATHERED or size >= LEAST_ALONE:
                _write(out, b"".join(gathered))
                gathered, waiting = [], 0
            if size >= LEAST_ALONE:
                _copy_stretch(files[source], at, size, out, source)
        _write(out, b"".join(gathered))


def _read(file: int, size: int, at: int, source: Path) -> bytes:
    content = os.pread(file, size, at)
    if len(content) != size:
        raise MediaError(f"{source.name} is shorter than it was", hint="Leave the files alone until the end.")
    return content


def _write(out: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(out, left) :]


def _copy_stretch(file: int, at: int, size: int, out: int, source: Path) -> None:
    """Without a detour through this process, where the system can."""
    end = at + size
    while at < end:
        try:
            done = os.copy_file_range(file, out, min(end - at, MOST_AT_ONCE), at)
        except (AttributeError, OSError) as exc:
            if isinstance(exc, OSError) and exc.errno not in NOT_HERE:
                raise
            done = 0
        if not done:
            break
        at += done
    while at < end:
        content = _read(file, min(end - at, GATHERED), at, source)
        _write(out, content)
        at += len(content)
