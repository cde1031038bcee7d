"""Parse the sample tables of an untrusted mp4, accepted only where they are consistent (ISO/IEC 14496-12)."""

from __future__ import annotations

import io
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import le
from pathlib import Path

from assembler.mp4.boxes import read_box, walk_boxes
from assembler.mp4.sample_tables import MAX_TICKS, Mp4Track, Tables, UnsupportedMp4

MAX_MOOV_BYTES = 64 << 20
"""Maximum size of a moov, in bytes; about a day. Larger ones are left to libav, which has limits of its own."""
MAX_SAMPLES = 1 << 22
"""Maximum count of samples of a track; more than a day."""
OUTER_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid"))
"""Types of the outer boxes of a plain mp4."""
TABLES = frozenset((b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64", b"stss", b"sgpd", b"sbgp", b"sdtp"))
"""Types of the boxes of a plain ``stbl``: no ``ctts``, no partial or shadow sync samples, no encryption."""
CODECS = {b"vide": b"avc1", b"soun": b"mp4a"}
"""Sample entry type of each handler type."""
UNITY_MATRIX = bytes.fromhex("00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000")
"""Unity matrix (6.2.2)."""
SYNC_GROUPS = (b"rap ", b"sync")
"""Types of sample groups that name sync samples beside ``stss``."""


def read_tables(path: Path) -> Tables:
    """Read the sample tables of an untrusted file: every sample is inside of it, and none overlaps another.

    Raises UnsupportedMp4 where it is not a plain mp4 or its tables contradict themselves, and OSError.
    """
    size = path.stat().st_size
    moov = None
    with path.open("rb") as file:
        for box in walk_boxes(file, size, is_file=True):
            require(box.name in OUTER_BOXES and box.end <= size, "it has fragments, or is cut")
            if box.name == b"ftyp":
                file.seek(box.body)
                require(file.read(4) != b"qt  ", "it is QuickTime's")
            if box.name == b"moov":
                require(moov is None and box.end - box.body <= MAX_MOOV_BYTES, "it has several indexes")
                moov = read_box(file, box)
    require(moov is not None, "it has no index")
    return _tables(moov or b"", size)


def require(is_so: bool, otherwise: str) -> None:
    """Raise UnsupportedMp4 with a reason unless something is so."""
    if not is_so:
        raise UnsupportedMp4(otherwise)


def _tables(moov: bytes, size: int) -> Tables:
    movie = _boxes(moov)
    require(all(name != b"mvex" for name, _ in movie), "it has fragments")
    header = dict(movie).get(b"mvhd", b"")
    scale, _ = _clock(header)
    tracks = [_track(content, size) for name, content in movie if name == b"trak"]
    found = tuple(track for track in tracks if track is not None)
    require(sum(track.cumulative_sizes[-1] for track in found) <= size, "its samples are more than the file")
    return Tables(scale=scale, size=size, tracks=found)


def _boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    """List (name, content) of the boxes in a box, which has to be full of boxes but for a rest too short for one."""
    boxes = list(walk_boxes(io.BytesIO(content), len(content)))
    rest = len(content) - (boxes[-1].end if boxes else 0)
    require(0 <= rest < 8, "a box is longer than what it is in")
    return [(box.name, content[box.body : box.end]) for box in boxes]


def _one_each(content: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, inner in _boxes(content):
        require(name not in found or name in (b"sgpd", b"sbgp"), "a box is there twice")
        found[name] = inner
    return found


def _clock(header: bytes) -> tuple[int, int]:
    """Read (ticks per second, length) of a mvhd or mdhd (8.2.2, 8.4.2)."""
    wide = header[:1] == b"\1"
    require(len(header) >= (32 if wide else 20), "a header is too short")
    at, width = (20, 8) if wide else (12, 4)
    scale = int.from_bytes(header[at : at + 4], "big")
    require(0 < scale < MAX_TICKS, "a clock is none")
    return scale, int.from_bytes(header[at + 4 : at + 4 + width], "big")


def read_empty_tables(moov: bytes, size: int) -> Tables:
    """Parse a moov whose samples are in fragments: its tracks, without a sample; raises UnsupportedMp4."""
    movie = _boxes(moov)
    heads = [_track_head(content) for name, content in movie if name == b"trak"]
    scale, _ = _clock(dict(movie).get(b"mvhd", b""))
    return Tables(scale=scale, size=size, tracks=tuple(head[0] for head in heads if head is not None))


def _track(content: bytes, size: int) -> Mp4Track | None:
    """Parse a track; None where it is neither video nor audio. Raises UnsupportedMp4 for those that are not plain."""
    head = _track_head(content)
    if head is None:
        return None
    track, tables = head
    sizes, offsets = _sizes(tables.get(b"stsz", b""), size), _offsets(tables)
    track = replace(
        track,
        durations=_durations(tables.get(b"stts", b""), len(sizes), 1 if track.kind == b"vide" else 2),
        sizes=sizes,
        offsets=offsets,
        firsts=_firsts(tables.get(b"stsc", b""), len(offsets), len(sizes)),
        keys=_keys(tables.get(b"stss"), len(sizes)),
    )
    _check_places(track, size)
    return track


def _track_head(content: bytes) -> tuple[Mp4Track, dict[bytes, bytes]] | None:
    """Parse a track without its samples, and find their tables."""
    trak = _one_each(content)
    mdia = _one_each(trak.get(b"mdia", b""))
    kind = mdia.get(b"hdlr", b"")[8:12]
    if kind not in CODECS:
        return None
    minf = _one_each(mdia.get(b"minf", b""))
    _check_inside(minf)
    stbl = _boxes(minf.get(b"stbl", b""))
    names = [name for name, _ in stbl if name not in (b"sgpd", b"sbgp")]
    require(TABLES.issuperset(name for name, _ in stbl) and len(names) == len(set(names)), "it has other tables")
    require(all(c[4:8] not in SYNC_GROUPS for name, c in stbl if name in (b"sgpd", b"sbgp")), "groups name key frames")
    tables = dict(stbl)
    scale, length = _clock(mdia.get(b"mdhd", b""))
    number, has_unity_matrix = _head(trak.get(b"tkhd", b""))
    track = Mp4Track(
        number=number, kind=kind, scale=scale, length=length,
        description=_description(tables.get(b"stsd", b""), CODECS[kind]), durations=(), sizes=(), offsets=(),
        firsts=(), keys=(), edit=_edit(trak.get(b"edts")), has_unity_matrix=has_unity_matrix,
    )  # fmt: skip
    return track, tables


def _head(tkhd: bytes) -> tuple[int, bool]:
    """Read (track_ID, whether it has the unity matrix) of a track header (8.3.2)."""
    at, matrix = (20, 52) if tkhd[:1] == b"\1" else (12, 40)
    require(len(tkhd) >= matrix + 36, "a header is too short")
    return int.from_bytes(tkhd[at : at + 4], "big"), tkhd[matrix : matrix + 36] == UNITY_MATRIX


def _check_inside(minf: Mapping[bytes, bytes]) -> None:
    """Raise UnsupportedMp4 unless the samples are in this file (8.7.2)."""
    entries = _one_each(minf.get(b"dinf", b"")).get(b"dref", b"")
    require(entries[4:8] == b"\0\0\0\1" and entries[16:20] == b"\0\0\0\1", "its samples are in another file")


def _description(stsd: bytes, wanted: bytes) -> bytes:
    entries = _boxes(stsd[8:])
    require(stsd[4:8] == b"\0\0\0\1" and [name for name, _ in entries] == [wanted], "it has another description")
    require(entries[0][1][6:8] == b"\0\1", "its samples are in another file")
    return stsd[8 : 16 + len(entries[0][1])]


def _durations(stts: bytes, count: int, least: int) -> tuple[tuple[int, int], ...]:
    numbers = _numbers("I", stts[8:], 2 * int.from_bytes(stts[4:8], "big"))
    found = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    require(sum(n for n, _ in found) == count, "it has more or fewer times than samples")
    for place, (n, ticks) in enumerate(found):
        is_last = place == len(found) - 1 and n == 1
        require(n > 0 and (is_last or least <= ticks) and ticks < MAX_TICKS, "its clock stands, or jumps")
    return found


def _sizes(stsz: bytes, size: int) -> Sequence[int]:
    each, count = int.from_bytes(stsz[4:8], "big"), int.from_bytes(stsz[8:12], "big")
    most = min(size, MAX_SAMPLES)
    require(0 < count <= most and each * count <= size, "it has no samples, or more than the file holds")
    sizes = array("I", [each]) * count if each else _numbers("I", stsz[12:], count)
    require(min(sizes) > 0, "it has samples of no bytes")
    return sizes


def _offsets(tables: Mapping[bytes, bytes]) -> Sequence[int]:
    require((b"stco" in tables) != (b"co64" in tables), "it has two tables of chunks, or none")
    wide = tables.get(b"co64")
    table = wide if wide is not None else tables[b"stco"]
    return _numbers("Q" if wide is not None else "I", table[8:], int.from_bytes(table[4:8], "big"))


def _firsts(stsc: bytes, chunks: int, count: int) -> Sequence[int]:
    require(chunks <= count, "it has more chunks than samples")
    numbers = _numbers("I", stsc[8:], 3 * int.from_bytes(stsc[4:8], "big"))
    starts = [*numbers[::3], chunks + 1]
    require(starts[0] == 1 and all(a < b for a, b in pairwise(starts)), "its chunks are out of order")
    require(set(numbers[2::3]) == {1}, "it has several descriptions")
    found: list[int] = []
    at = 0
    for (first, end), samples in zip(pairwise(starts), numbers[1::3], strict=True):
        require(0 < samples <= count, "a chunk holds nothing, or more than there is")
        found.extend(range(at, at + (end - first) * samples, samples))
        at += (end - first) * samples
    require(at == count, "its chunks hold more or fewer samples than there are")
    return [*found, count]


def _keys(stss: bytes | None, count: int) -> Sequence[int] | None:
    if stss is None:
        return None
    found = [number - 1 for number in _numbers("I", stss[8:], int.from_bytes(stss[4:8], "big"))]
    require(bool(found) and found[0] >= 0 and found[-1] < count, "its key frames are not there")
    require(all(a < b for a, b in pairwise(found)), "its key frames are out of order")
    return found


def _edit(edts: bytes | None) -> tuple[int, int, int] | None:
    """Parse an edit list: one edit at normal speed, after at most one empty one."""
    elst = _one_each(edts).get(b"elst") if edts is not None else None
    if elst is None:
        return None
    width = 8 if elst[:1] == b"\1" else 4
    step, count = 2 * width + 4, int.from_bytes(elst[4:8], "big")
    require(1 <= count <= 2 and len(elst) >= 8 + count * step, "it has several edits")
    rows = [elst[at : at + step] for at in range(8, 8 + count * step, step)]
    require(all(row[2 * width :] == b"\0\1\0\0" for row in rows), "it has another speed")
    edits = [(int.from_bytes(r[:width], "big"), int.from_bytes(r[width : 2 * width], "big", signed=True)) for r in rows]
    empty = edits[0][0] if count == 2 else 0
    require(count == 1 or edits[0][1] == -1, "it has several edits")
    takes, begins = edits[-1]
    require(begins >= 0 and max(takes, empty) < 1 << 48, "it has an edit of nothing")
    return empty, begins, takes


def _numbers(code: str, table: bytes, count: int) -> array[int]:
    """Parse ``count`` big-endian numbers; raises UnsupportedMp4 where the table is shorter."""
    found: array[int] = array(code)
    require(0 < count * found.itemsize <= len(table), "a table is shorter than it says")
    found.frombytes(table[: count * found.itemsize])
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _check_places(track: Mp4Track, size: int) -> None:
    chunks = track.chunks()
    ends = [offset + length for offset, length, _, _ in chunks]
    require(all(map(le, ends, track.offsets[1:])), "its chunks are out of order")
    require(ends[-1] <= size, "it ends before its last sample")
