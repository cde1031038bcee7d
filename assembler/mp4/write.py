"""Write an mp4: interleave the samples of several tracks, and copy their bytes."""

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
from assembler.mp4.moov import FTYP, TrackLayout, box, build_moov, caption_track, title_track
from assembler.processes import write_all

WINDOW_SECONDS = 1
"""Length of an interleaved piece of each track, in s."""
MAX_INTERLEAVE_SECONDS = 3
"""Maximum time by which one track of a file may be ahead of another, in s; then its own order is kept."""
MIN_LARGE_SIZE = 1 << 32
"""Minimum size of a box that needs 64 bits."""
MAX_COPY_BYTES = 64 << 20
"""Maximum size of one copy in the kernel, in bytes."""
MIN_DIRECT_COPY_BYTES = 256 << 10
"""Minimum size of a range that is copied directly, in bytes; shorter ones are gathered and written together."""
BUFFER_BYTES = 4 << 20
"""Maximum size of the gathered ranges, in bytes."""
MAX_GAP_BYTES = 16 << 10
"""Maximum gap between two ranges that are read in one call, in bytes."""
BLOCK = 4096
"""Size of a disk's blocks, in bytes. What has the same place in its block in both files is shared by disks that can
(XFS, Btrfs), and copied faster elsewhere."""
MIN_SHARED_BYTES = 1 << 20
"""Minimum size of a range for which such a place is made, in bytes."""
NO_KERNEL_COPY = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF}
"""Errors of ``copy_file_range`` for two files that cannot be copied in the kernel."""


Piece = tuple[int, int, int, int, Path, int]
"""Contiguous samples of one track in a file: (offset, size, first sample, sample behind the last one, file, number of
the track), samples counted in the new track. A plain tuple, as an hour may have 100,000."""


@dataclass(frozen=True)
class TrackSamples:
    """Samples of a new track."""

    layout: TrackLayout
    """Layout of the track, still without chunks."""
    stamps: Sequence[int]
    """Decode time, equal to pts, of each sample, in ticks."""
    pieces: Sequence[Piece]
    """Pieces that hold them, in order."""


def write_mp4(
    out: Path,
    movie_scale: int,
    tracks: Sequence[TrackSamples],
    chapters: Sequence[tuple[int, str]],
    length: int,
    captions: Sequence[tuple[str, Sequence[tuple[int, str]]]] = (),
) -> None:
    """Write ``ftyp``, ``moov`` and ``mdat``; ``chapters`` are (ms, title), ``length`` in ms, ``captions`` (title of the
    track, (ms, text) until the next one).

    Raises MediaError where a source is shorter than it was, and OSError.
    """
    order = _arrange(tracks)
    texts = [title_track(chapters, length)] if chapters else []
    texts += [caption_track(title, rows, length) for title, rows in captions]
    layout, text_bytes = [track.layout for track in tracks], b""
    for track_of_text, content in texts:
        layout.append(replace(track_of_text, offsets=[len(text_bytes)]))
        text_bytes += content
    chunks = _chunks(order, tracks, len(text_bytes))
    layout[: len(tracks)] = [
        replace(track.layout, offsets=offsets, firsts=firsts)
        for track, (offsets, firsts) in zip(tracks, chunks, strict=True)
    ]
    payload = len(text_bytes) + sum(piece[1] for piece in order)
    is_large = payload >= MIN_LARGE_SIZE - (256 << 20)  # with room for the moov
    head = struct.pack(">I4sQ", 1, b"mdat", payload + 16) if is_large else struct.pack(">I4s", payload + 8, b"mdat")
    front = box(b"ftyp", FTYP)
    ranges = list(_merge(order))
    at = len(front) + len(build_moov(movie_scale, layout, chapters, at=0, is_large=is_large)) + len(head)
    filler = _filler(ranges, at + len(text_bytes))
    moov = build_moov(movie_scale, layout, chapters, at=at + len(filler), is_large=is_large)
    with out.open("wb", buffering=0) as file:
        write_all(file.fileno(), front + moov + filler + head + text_bytes)
        _copy(ranges, file.fileno())


def _arrange(tracks: Sequence[TrackSamples]) -> list[Piece]:
    """Order the pieces for the file: as in the source, where it is interleaved well, else window by window."""
    if len({source for track in tracks for _, _, _, _, source, _ in track.pieces}) == 1:
        pieces = sorted((piece for track in tracks for piece in track.pieces), key=itemgetter(0))
        if _is_interleaved(pieces, tracks):
            return pieces
    cut = [row for track in tracks for row in _windows(track)]
    cut.sort(key=itemgetter(0))  # stable: within a window track by track
    return [piece for _, piece in cut]


def _is_interleaved(pieces: Sequence[Piece], tracks: Sequence[TrackSamples]) -> bool:
    """True if no piece overlaps another, and no track is far ahead."""
    reached = [track.stamps[0] / track.layout.scale for track in tracks]
    scales, stamps = [track.layout.scale for track in tracks], [track.stamps for track in tracks]
    free = 0
    for at, size, _, end, _, number in pieces:
        reached[number] = stamps[number][end - 1] / scales[number]
        if at < free or max(reached) - min(reached) > MAX_INTERLEAVE_SECONDS:
            return False
        free = at + size
    return True


def _windows(track: TrackSamples) -> Iterator[tuple[int, Piece]]:
    """Cut the pieces at the ends of windows: (window, piece)."""
    window, stamps, sizes = track.layout.scale * WINDOW_SECONDS, track.stamps, track.layout.sizes
    for at, size, first, end, source, number in track.pieces:
        last = stamps[end - 1] // window
        while (window_index := stamps[first] // window) < last:
            border = bisect_left(stamps, (window_index + 1) * window, first, end)
            length = sum(sizes[first:border])
            yield window_index, (at, length, first, border, source, number)
            at, size, first = at + length, size - length, border
        yield window_index, (at, size, first, end, source, number)


def _chunks(order: Sequence[Piece], tracks: Sequence[TrackSamples], at: int) -> list[tuple[list[int], list[int]]]:
    """Build the chunks of each track, (offsets, first samples): contiguous pieces, up to a window."""
    found: list[tuple[list[int], list[int]]] = [([], []) for _ in tracks]
    windows = [track.layout.scale * WINDOW_SECONDS for track in tracks]
    last, window_index = -1, 0
    for _, size, first, _, _, number in order:
        now = tracks[number].stamps[first] // windows[number]
        if number != last or now != window_index:
            found[number][0].append(at)
            found[number][1].append(first)
        last, window_index, at = number, now, at + size
    for (_, firsts), track in zip(found, tracks, strict=True):
        firsts.append(len(track.stamps))
    return found


def _merge(pieces: Sequence[Piece]) -> Iterator[tuple[Path, int, int]]:
    """Merge contiguous pieces: (file, offset, size)."""
    if not pieces:
        return
    start, size, _, _, source, _ = pieces[0]
    end = start + size
    for at, size, _, _, other, _ in pieces[1:]:
        if at == end and other is source:
            end += size
            continue
        yield source, start, end - start
        source, start, end = other, at, at + size
    yield source, start, end - start


def _filler(ranges: Sequence[tuple[Path, int, int]], at: int) -> bytes:
    """Make a box that nobody reads, behind which the longest range of those from ``at`` on has the place in its block
    that it has in its file; empty where that is not worth it."""
    number, (_, first, size) = max(enumerate(ranges), key=lambda row: row[1][2], default=(0, (Path(), at, 0)))
    away = (first - at - sum(size for _, _, size in ranges[:number])) % BLOCK
    if size < MIN_SHARED_BYTES or not away:
        return b""
    return box(b"free", bytes(away - 8 if away >= 8 else away - 8 + BLOCK))


def _copy(ranges: Iterable[tuple[Path, int, int]], out: int) -> None:
    with ExitStack() as opened:
        files: dict[Path, int] = {}
        gathered: list[memoryview] = []
        waiting = 0
        for source, parts in _group_reads(ranges):
            if source not in files:
                files[source] = opened.enter_context(source.open("rb", buffering=0)).fileno()
            (first, size), (last, length) = parts[0], parts[-1]
            is_alone = size >= MIN_DIRECT_COPY_BYTES
            if not is_alone:
                content = memoryview(_read(files[source], last + length - first, first, source))
                gathered += [content[at - first : at - first + size] for at, size in parts]
                waiting += len(content)
            if is_alone or waiting > BUFFER_BYTES:
                write_all(out, b"".join(gathered))
                gathered, waiting = [], 0
            if is_alone:
                _copy_range(files[source], first, size, out, source)
        write_all(out, b"".join(gathered))


def _group_reads(ranges: Iterable[tuple[Path, int, int]]) -> Iterator[tuple[Path, list[tuple[int, int]]]]:
    """Group ranges to read at once, (file, list of (offset, size)): short ones near each other; long ones stay
    alone."""
    parts: list[tuple[int, int]] = []
    last, end = Path(), 0
    for source, at, size in ranges:
        is_near = source is last and 0 <= at - end <= MAX_GAP_BYTES and at + size - parts[0][0] <= BUFFER_BYTES
        if parts and not (is_near and max(size, parts[0][1]) < MIN_DIRECT_COPY_BYTES):
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


def _copy_range(file: int, at: int, size: int, out: int, source: Path) -> None:
    """Copy a range in the kernel, where the system can; only whole blocks are shared."""
    end = at + size
    while at < end:
        try:
            done = os.copy_file_range(file, out, min(end - at, -at % BLOCK or MAX_COPY_BYTES), at)
        except (AttributeError, OSError) as exc:
            if isinstance(exc, OSError) and exc.errno not in NO_KERNEL_COPY:
                raise
            done = 0
        if not done:
            break
        at += done
    while at < end:
        content = _read(file, min(end - at, BUFFER_BYTES), at, source)
        write_all(out, content)
        at += len(content)
