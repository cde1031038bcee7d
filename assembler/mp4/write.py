"""Where the samples of several tracks come to lie in one file, and the copying of their bytes."""

from __future__ import annotations

import errno
import os
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path

from assembler.errors import MediaError
from assembler.mp4.moov import FTYP, TrackLayout, box, build_moov, title_track

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
MOST_BETWEEN = 16 << 10
"""Bytes that are read for nothing rather than with one more call."""
NOT_HERE = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF}
"""What ``copy_file_range`` says where these two files cannot be copied in the kernel."""


Piece = tuple[int, int, int, int, Path, int]
"""Samples of one track that follow each other in a file: (place, bytes, first sample, sample behind the last one, file,
number of the track), samples counted in the new track. A plain tuple, for an hour may have 100,000."""


@dataclass(frozen=True)
class TrackSamples:
    """All samples of a new track."""

    laid: TrackLayout
    """The track but for its chunks."""
    stamps: Sequence[int]
    """Ticks at which each sample is decoded and shown."""
    pieces: Sequence[Piece]
    """Where they are, in order."""


def write_mp4(
    out: Path, movie_scale: int, tracks: Sequence[TrackSamples], chapters: Sequence[tuple[int, str]], length: int
) -> None:
    """Write ``ftyp``, ``moov`` and ``mdat``; ``chapters`` are (ms, title), ``length`` in ms.

    Raises MediaError where a source is shorter than it was, and OSError.
    """
    order = _in_order(tracks)
    laid, words = [track.laid for track in tracks], b""
    if chapters:
        titles, words = title_track(chapters, length)
        laid.append(titles)
    chunks = _chunks(order, tracks, len(words))
    laid[: len(tracks)] = [
        replace(track.laid, offsets=offsets, firsts=firsts)
        for track, (offsets, firsts) in zip(tracks, chunks, strict=True)
    ]
    payload = len(words) + sum(piece[1] for piece in order)
    is_large = payload >= LARGE - (256 << 20)  # with room for the index
    head = struct.pack(">I4sQ", 1, b"mdat", payload + 16) if is_large else struct.pack(">I4s", payload + 8, b"mdat")
    front = box(b"ftyp", FTYP)
    at = len(front) + len(build_moov(movie_scale, laid, chapters, at=0, is_large=is_large)) + len(head)
    moov = build_moov(movie_scale, laid, chapters, at=at, is_large=is_large)
    with out.open("wb", buffering=0) as file:
        _write(file.fileno(), front + moov + head + words)
        _copy(_stretches(order), file.fileno())


def _in_order(tracks: Sequence[TrackSamples]) -> list[Piece]:
    """The pieces in the order of the file: as they lie, where they lie well, else window by window."""
    if len({source for track in tracks for _, _, _, _, source, _ in track.pieces}) == 1:
        lying = sorted((piece for track in tracks for piece in track.pieces), key=itemgetter(0))
        if _lie_well(lying, tracks):
            return lying
    cut = [row for track in tracks for row in _windows(track)]
    cut.sort(key=itemgetter(0))  # stable: within a window track by track
    return [piece for _, piece in cut]


def _lie_well(lying: Sequence[Piece], tracks: Sequence[TrackSamples]) -> bool:
    """True if nothing lies on another, and no track is far ahead."""
    reached = [track.stamps[0] / track.laid.scale for track in tracks]
    scales, stamps = [track.laid.scale for track in tracks], [track.stamps for track in tracks]
    free = 0
    for at, size, _, end, _, number in lying:
        reached[number] = stamps[number][end - 1] / scales[number]
        if at < free or max(reached) - min(reached) > MOST_APART_SECONDS:
            return False
        free = at + size
    return True


def _windows(track: TrackSamples) -> Iterator[tuple[int, Piece]]:
    """The pieces cut where a window ends, each with its window."""
    window, stamps, sizes = track.laid.scale * WINDOW_SECONDS, track.stamps, track.laid.sizes
    for at, size, first, end, source, number in track.pieces:
        last = stamps[end - 1] // window
        while (turn := stamps[first] // window) < last:
            border = bisect_left(stamps, (turn + 1) * window, first, end)
            length = sum(sizes[first:border])
            yield turn, (at, length, first, border, source, number)
            at, size, first = at + length, size - length, border
        yield turn, (at, size, first, end, source, number)


def _chunks(order: Sequence[Piece], tracks: Sequence[TrackSamples], at: int) -> list[tuple[list[int], list[int]]]:
    """(offsets, first samples) of the chunks of each track: what lies together of it, up to a window."""
    found: list[tuple[list[int], list[int]]] = [([], []) for _ in tracks]
    windows = [track.laid.scale * WINDOW_SECONDS for track in tracks]
    last, turn = -1, 0
    for _, size, first, _, _, number in order:
        now = tracks[number].stamps[first] // windows[number]
        if number != last or now != turn:
            found[number][0].append(at)
            found[number][1].append(first)
        last, turn, at = number, now, at + size
    for (_, firsts), track in zip(found, tracks, strict=True):
        firsts.append(len(track.stamps))
    return found


def _stretches(pieces: Sequence[Piece]) -> Iterator[tuple[Path, int, int]]:
    """(file, place, bytes), what lies together in one."""
    start, size, _, _, source, _ = pieces[0]
    end = start + size
    for at, size, _, _, other, _ in pieces[1:]:
        if at == end and other is source:
            end += size
            continue
        yield source, start, end - start
        source, start, end = other, at, at + size
    yield source, start, end - start


def _copy(stretches: Iterable[tuple[Path, int, int]], out: int) -> None:
    with ExitStack() as opened:
        files: dict[Path, int] = {}
        gathered: list[memoryview] = []
        waiting = 0
        for source, parts in _near(stretches):
            if source not in files:
                files[source] = opened.enter_context(source.open("rb", buffering=0)).fileno()
            (first, size), (last, length) = parts[0], parts[-1]
            is_alone = size >= LEAST_ALONE
            if not is_alone:
                content = memoryview(_read(files[source], last + length - first, first, source))
                gathered += [content[at - first : at - first + size] for at, size in parts]
                waiting += len(content)
            if is_alone or waiting > GATHERED:
                _write(out, b"".join(gathered))
                gathered, waiting = [], 0
            if is_alone:
                _copy_stretch(files[source], first, size, out, source)
        _write(out, b"".join(gathered))


def _near(stretches: Iterable[tuple[Path, int, int]]) -> Iterator[tuple[Path, list[tuple[int, int]]]]:
    """(file, its (place, bytes)): short ones that lie near each other are read together; long ones are alone."""
    parts: list[tuple[int, int]] = []
    last, end = Path(), 0
    for source, at, size in stretches:
        is_near = source is last and 0 <= at - end <= MOST_BETWEEN and at + size - parts[0][0] <= GATHERED
        if parts and not (is_near and max(size, parts[0][1]) < LEAST_ALONE):
            yield last, parts
            parts = []
        parts.append((at, size))
        last, end = source, at + size
    if parts:
        yield last, parts


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
