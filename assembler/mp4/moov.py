"""Write the ``moov`` of an mp4 (ISO/IEC 14496-12) as libavformat does, which all players can read."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import sub
from typing import NamedTuple

UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""Unity matrix (6.2.2)."""
FTYP = b"isom" + struct.pack(">I", 0x200) + b"isomiso2avc1mp41"
"""Content of the ftyp: brands and version (4.3)."""
UNDETERMINED = 0x55C4
"""Language code "und" (8.4.2)."""
WIDE, SIGNED_WIDE = 1 << 32, 1 << 31
"""Minimum of an unsigned, and of a signed, field that takes 64 bits."""
ONE = 0x10000
"""Fixed-point 16.16 of 1."""
HANDLERS = {b"vide": b"VideoHandler", b"soun": b"SoundHandler", b"text": b"SubtitleHandler", b"sbtl": b"Captions"}
"""Names of handlers, by type."""
TEXTS = (b"text", b"sbtl")
"""Handler types of tracks of text: chapter titles, and captions."""
MAX_CHAPTERS, MAX_TITLE_BYTES = 255, 255
"""Maximum count of chapters in a chpl, and size of a title in bytes; both counts have 8 bits."""


def box(name: bytes, *contents: bytes) -> bytes:
    """Build a box (4.2)."""
    return struct.pack(">I4s", 8 + sum(map(len, contents)), name) + b"".join(contents)


def full_box(name: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """Build a box with version and flags (4.2)."""
    return box(name, struct.pack(">I", version << 24 | flags), *contents)


MEDIA = {
    b"vide": box(b"vmhd", struct.pack(">I8x", 1)),
    b"soun": box(b"smhd", bytes(8)),
    b"text": box(b"gmhd", box(b"gmin", struct.pack(">I5H2x", 0, 0x40, 0x8000, 0x8000, 0x8000, 0)), box(b"text", UNITY)),
    b"sbtl": full_box(b"nmhd", 0, 0),
}
"""Media headers (12.1.2, 12.2.2; QuickTime file format, base media information header)."""


@dataclass(frozen=True)
class TrackLayout:
    """Track with the positions of its samples in the file."""

    kind: bytes
    """Handler type: b"vide", b"soun", b"text" or b"sbtl"."""
    scale: int
    """Ticks per second."""
    first: int
    """Pts of the first sample, in ticks; negative: the edit list cuts off the time before 0."""
    durations: Sequence[tuple[int, int]]
    """Durations as (count of samples, ticks of each), in order."""
    sizes: Sequence[int]
    """Size of each sample, in bytes."""
    keys: Sequence[int] | None
    """Sync samples, from which decoding may start; None: all."""
    offsets: Sequence[int]
    """Offset of each chunk in the mdat's content."""
    firsts: Sequence[int]
    """First sample of each chunk, and last the count of all samples."""
    description: bytes
    """Sample entry, a whole box."""
    width: int = 0
    """Width of the video, in pixels; 0 for other tracks."""
    height: int = 0
    """Height of the video, in pixels; 0 for other tracks."""
    title: str = ""
    """Title for people; "" for the handler's usual name."""

    @property
    def length(self) -> int:
        """Ticks from its first sample to the end of the last one."""
        return sum(samples * ticks for samples, ticks in self.durations)


class _Mdat(NamedTuple):
    at: int
    """Position of the mdat's content in the file."""
    is_large: bool
    """True if offsets take 8 bytes."""


def build_moov(
    movie_scale: int, tracks: Sequence[TrackLayout], chapters: Sequence[tuple[int, str]], *, at: int, is_large: bool
) -> bytes:
    """Build the moov; its length does not depend on ``at``, the position of the mdat's content.

    ``chapters`` are (ms, title), also in the track of kind b"text"; ``is_large``: offsets take 8 bytes.
    """
    names = next((number for number, track in enumerate(tracks, 1) if track.kind == b"text"), 0)
    parts = [_trak(number, track, movie_scale, names, _Mdat(at, is_large)) for number, track in enumerate(tracks, 1)]
    longest = max(duration for _, duration in parts)
    wide = longest >= WIDE
    times = struct.pack(">QQIQ" if wide else ">IIII", 0, 0, movie_scale, longest)
    rest = struct.pack(">IH10x", ONE, 0x100) + UNITY + bytes(24) + struct.pack(">I", len(tracks) + 1)
    udta = [box(b"udta", _chpl(chapters))] if chapters else []
    return box(b"moov", full_box(b"mvhd", int(wide), 0, times, rest), *(content for content, _ in parts), *udta)


def _trak(number: int, track: TrackLayout, movie_scale: int, names: int, mdat: _Mdat) -> tuple[bytes, int]:
    """Build a track (8.3.1): returns the box and its duration in movie ticks."""
    edts, duration = _edts(track, movie_scale)
    is_text, is_audio = track.kind in TEXTS, track.kind == b"soun"
    wide = duration >= WIDE
    times = struct.pack(">QQIIQ" if wide else ">IIIII", 0, 0, number, 0, duration)
    rest = struct.pack(">8xHHHH", 0, int(is_audio), 0x100 if is_audio else 0, 0) + UNITY
    size = struct.pack(">II", track.width << 16, track.height << 16)
    tkhd = full_box(b"tkhd", int(wide), 2 if is_text else 3, times, rest, size)
    # 8.3.3: the track that holds the chapters' titles (QuickTime file format, "chap")
    tref = [box(b"tref", box(b"chap", struct.pack(">I", names)))] if names and not is_text else []
    return box(b"trak", tkhd, edts, *tref, _mdia(track, mdat)), duration


def _edts(track: TrackLayout, movie_scale: int) -> tuple[bytes, int]:
    """Build the edit list (8.6.6): an empty edit before a late start; the time before 0 is cut off."""
    delay = track.first * movie_scale // track.scale
    takes = -(-track.length * movie_scale // track.scale) + min(delay, 0)
    rows = [(delay, -1)] if delay > 0 else []
    rows.append((takes, max(0, -track.first)))
    wide = max(takes, delay) >= SIGNED_WIDE
    edits = b"".join(struct.pack(">QqI" if wide else ">IiI", *row, ONE) for row in rows)
    elst = full_box(b"elst", int(wide), 0, struct.pack(">I", len(rows)), edits)
    return box(b"edts", elst), sum(ticks for ticks, _ in rows)


def _mdia(track: TrackLayout, mdat: _Mdat) -> bytes:
    wide = track.length >= WIDE
    language = 0 if track.kind == b"text" else UNDETERMINED
    times = struct.pack(">QQIQ" if wide else ">IIII", 0, 0, track.scale, track.length)
    mdhd = full_box(b"mdhd", int(wide), 0, times, struct.pack(">HH", language, 0))
    name = track.title.encode() or HANDLERS[track.kind]
    hdlr = full_box(b"hdlr", 0, 0, bytes(4), track.kind, bytes(12), name, b"\0")
    here = full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1))
    return box(b"mdia", mdhd, hdlr, box(b"minf", MEDIA[track.kind], box(b"dinf", here), _stbl(track, mdat)))


def _stbl(track: TrackLayout, mdat: _Mdat) -> bytes:
    """Build the sample tables (8.5.1)."""
    tables = [
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), track.description),
        _table(b"stts", "I", [number for row in track.durations for number in row], rows=len(track.durations)),
    ]
    if track.keys is not None:
        tables.append(_table(b"stss", "I", [index + 1 for index in track.keys]))
    tables.append(_stsc(track.firsts))
    tables.append(full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(track.sizes)), _packed("I", track.sizes)))
    offsets = [mdat.at + offset for offset in track.offsets]
    tables.append(_table(b"co64", "Q", offsets) if mdat.is_large else _table(b"stco", "I", offsets))
    if track.kind == b"soun":  # 10.1: a decoder of AAC has to start one packet earlier
        tables.append(full_box(b"sgpd", 1, 0, b"roll", struct.pack(">IIh", 2, 1, -1)))
        tables.append(full_box(b"sbgp", 0, 0, b"roll", struct.pack(">III", 1, len(track.sizes), 1)))
    return box(b"stbl", *tables)


def _stsc(firsts: Sequence[int]) -> bytes:
    """Build the table of samples per chunk (8.7.4)."""
    numbers: list[int] = []
    chunk = 1
    for samples, same in groupby(map(sub, firsts[1:], firsts)):
        numbers += [chunk, samples, 1]
        chunk += len(list(same))
    return _table(b"stsc", "I", numbers, rows=len(numbers) // 3)


def _table(name: bytes, code: str, numbers: Sequence[int], *, rows: int | None = None) -> bytes:
    return full_box(name, 0, 0, struct.pack(">I", len(numbers) if rows is None else rows), _packed(code, numbers))


def _packed(code: str, numbers: Iterable[int]) -> bytes:
    """Pack big-endian numbers of 4 ("I") or 8 ("Q") bytes."""
    table = array(code, numbers)
    if sys.byteorder == "little":
        table.byteswap()
    return table.tobytes()


def _chpl(chapters: Sequence[tuple[int, str]]) -> bytes:
    """Build the chapters of Nero's players, in units of 100 ns."""
    entries = [(at * 10_000, _cut(title, MAX_TITLE_BYTES)) for at, title in chapters[:MAX_CHAPTERS]]
    rows = b"".join(struct.pack(">QB", at, len(title)) + title for at, title in entries)
    return full_box(b"chpl", 1, 0, bytes(4), struct.pack(">B", len(entries)), rows)


def _cut(title: str, size: int) -> bytes:
    """Encode the beginning of a title, whole characters in at most so many bytes."""
    return title.encode()[:size].decode(errors="ignore").encode()


def title_track(chapters: Sequence[tuple[int, str]], length: int) -> tuple[TrackLayout, bytes]:
    """Build the track of chapter titles, its one chunk the first of all, and its bytes.

    ``chapters`` are (ms, title), ``length`` is in ms. QuickTime file format, text media: a length, the text, and that
    it is UTF-8. Its time scale is ms: in ticks of the movie, as libavformat writes it, a chapter of 13 minutes may
    overflow.
    """
    texts = [_cut(title, 0xFFFF) for _, title in chapters]
    samples = [struct.pack(">H", len(text)) + text + box(b"encd", struct.pack(">I", 0x100)) for text in texts]
    ticks = [after - before for before, after in pairwise([*(at for at, _ in chapters), length])]
    font = box(b"ftab", struct.pack(">HHB", 1, 1, 0))
    entry = struct.pack(">6xHI18xH6x", 1, 1, 1) + font  # no size and no style
    track = TrackLayout(
        kind=b"text", scale=1000, first=chapters[0][0], durations=run_lengths(ticks), sizes=[len(s) for s in samples],
        keys=None, offsets=[0], firsts=[0, len(samples)], description=box(b"text", entry),
    )  # fmt: skip
    return track, b"".join(samples)


def caption_track(title: str, texts: Sequence[tuple[int, str]], length: int) -> tuple[TrackLayout, bytes]:
    """Build a track of soft captions (3GPP TS 26.245), its one chunk the first of all, and its bytes.

    ``texts`` are (ms, text), each until the next one, "" for none; the first is at 0, ``length`` is in ms.
    """
    encoded = [text.encode() for _, text in texts]
    samples = [struct.pack(">H", len(text)) + text for text in encoded]
    ticks = [after - before for before, after in pairwise([*(at for at, _ in texts), length])]
    font = box(b"ftab", struct.pack(">HHB", 1, 1, 4), b"Sans")
    place = struct.pack(">4h", 0, 0, 0, 0)  # all of the picture, in its middle (1) at the bottom (-1)
    style = struct.pack(">HHHBB4B", 0, 0, 1, 0, 18, 255, 255, 255, 255)
    entry = struct.pack(">6xHIbb4B", 1, 0, 1, -1, 0, 0, 0, 0) + place + style + font
    track = TrackLayout(
        kind=b"sbtl", scale=1000, first=texts[0][0], durations=run_lengths(ticks), sizes=[len(s) for s in samples],
        keys=None, offsets=[0], firsts=[0, len(samples)], description=box(b"tx3g", entry), title=title,
    )  # fmt: skip
    return track, b"".join(samples)


def run_lengths(ticks: Iterable[int]) -> list[tuple[int, int]]:
    """Group equal neighbours: (count, ticks) of each group."""
    return [(len(list(same)), step) for step, same in groupby(ticks)]
