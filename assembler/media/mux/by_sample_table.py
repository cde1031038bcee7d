"""Remux by sample tables: plain mp4s are joined without demuxing a packet (``mp4/sample_tables``).

To every reader the file is what libavformat makes of the same packets; uncertain cases are left to it (UnsupportedMp4).
"""

from __future__ import annotations

import io
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from assembler.errors import MediaError
from assembler.media.mux.order import AudioTrack, Join, PacketRun
from assembler.mp4.boxes import walk_boxes
from assembler.mp4.fragments import read_fragment_tables
from assembler.mp4.moov import TrackLayout, box, run_lengths
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import MAX_TICKS, Mp4Track, Tables, UnsupportedMp4
from assembler.mp4.write import Piece, TrackSamples, write_mp4

AVC1_HEAD, MP4A_HEAD = 78, 28
"""Bytes of a sample entry before its boxes (ISO/IEC 14496-12, 12.1.3 and 12.2.3)."""
COMPRESSOR_NAME = slice(42, 74)
"""Encoder name field of an avc1 sample entry."""
KEPT_BOXES = {b"avc1": (b"avcC", b"colr", b"pasp"), b"mp4a": (b"esds",)}
"""Boxes of a sample entry that decoding needs; the first one must be there."""
DROPPED_BOXES = (b"btrt", b"fiel")
"""Boxes of a sample entry that decoding does not need."""
VIDEO, AUDIO = 0, 1
"""Numbers of the tracks in the finished file."""
AAC_LC, AAC_FRAME = 2, 1024
"""Audio object type, and samples of a frame."""
RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
"""Sample rates in Hz by their index (ISO/IEC 14496-3, table 1.18)."""


def join_by_sample_table(order: Join) -> None:
    """Write the finished file; raises UnsupportedMp4, before anything is written, where packets have to be demuxed."""
    sources = _Sources()
    tracks = [_video_samples(order, sources)]
    if order.audio is not None:
        tracks.append(_audio_samples(order.audio, sources))
    chapters = order.chapters if len(order.chapters) > 1 else ()
    write_mp4(Path(order.out), order.time_scale, tracks, chapters, order.length, order.captions)


class _Sources:
    """Sample tables of files, each read once."""

    def __init__(self) -> None:
        self._tables: dict[str, Tables] = {}
        self._paths: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """Return the same value for the same file."""
        return self._paths.setdefault(name, Path(name))

    def track(self, name: str, container: str, kind: bytes, *, is_ours: bool) -> tuple[Tables, Mp4Track]:
        """Read a file's track; ``is_ours``: we wrote it, perhaps in fragments."""
        if container != "mov":
            raise UnsupportedMp4("it is not an mp4")
        if name not in self._tables:
            try:
                self._tables[name] = read_tables(Path(name))
            except UnsupportedMp4:
                if not is_ours:
                    raise
                self._tables[name] = read_fragment_tables(Path(name))
        tables = self._tables[name]
        return tables, tables.track(kind)


@dataclass(frozen=True)
class Presented:
    """Track as libav presents its packets."""

    stamps: list[int]
    """Stamps in ticks, edit list applied."""
    last: int
    """Duration of the last packet until the track's declared end, in ticks; not positive where that is unknown."""


def apply_edits(tables: Tables, track: Mp4Track, *, earliest: int) -> Presented:
    """Apply the edit list, which may begin ``earliest`` ticks into the track; raises UnsupportedMp4 if it cuts
    samples."""
    ticks = track.decode_times()
    empty, begins, takes = track.edit or (0, 0, 0)
    late, end = round_ticks(empty, track.scale, tables.scale), begins + round_ticks(takes, track.scale, tables.scale)
    if track.edit is not None and (begins > earliest or end <= ticks[-2]):
        raise UnsupportedMp4("its edit list takes some samples away")
    stamps = [tick + late - begins for tick in ticks[:-1]]
    declared = track.length if track.edit is None else min(track.length, end - begins)
    if declared - stamps[-1] >= MAX_TICKS:
        raise UnsupportedMp4("its last sample lasts too long")
    return Presented(stamps, declared - stamps[-1])


def round_ticks(ticks: int, up: int, down: int) -> int:
    """Round ``ticks * up / down``."""
    return (2 * ticks * up + down) // (2 * down)


def _video_samples(order: Join, sources: _Sources) -> TrackSamples:
    pieces: list[Piece] = []
    stamps: list[int] = []
    sizes, keys = array("I"), list[int]()
    description = b""
    for run in order.runs:
        tables, track = sources.track(run.name, run.container, b"vide", is_ours=run.stamps is None)
        first, end = _borders(run, track)
        entry = canonical_entry(track.description, AVC1_HEAD)
        _check_description(entry, description or entry, run)
        description = description or entry
        base = len(sizes)
        stamps += _planned(run, order, tables, track)
        pieces += cut_pieces(sources.path(run.name), track, first, end, base, VIDEO)
        keys += [base + key for key in _keys(run, track, first, end)]
        sizes += array("I", track.sizes[first:end])
    steps = [after - before for before, after in pairwise(stamps)]
    if not all(0 < step < MAX_TICKS for step in steps):
        raise UnsupportedMp4("its frames are not in presentation order, or one lasts too long for the table")
    last = order.frame_ticks if order.runs[-1].stamps is None else order.runs[-1].lasts
    if not last:
        raise UnsupportedMp4("the duration of the last frame is unknown")
    width, height = struct.unpack(">HH", description[8 + 24 : 8 + 28])
    if order.size is not None and order.size != (width, height):
        raise UnsupportedMp4("its video has another size than planned")
    layout = TrackLayout(
        kind=b"vide", scale=order.time_scale, first=stamps[0], durations=run_lengths([*steps, last]), sizes=sizes,
        keys=keys, offsets=(), firsts=(), description=description, width=width, height=height,
    )  # fmt: skip
    return TrackSamples(layout, stamps, pieces)


def _borders(run: PacketRun, track: Mp4Track) -> tuple[int, int]:
    """Find the samples of a run; raises MediaError where their count is not the planned one."""
    first, end = run.first_packet, track.count if run.end_packet is None else min(run.end_packet, track.count)
    if end - first != run.frames:
        raise MediaError(f"{Path(run.name).name} holds {end - first} pictures, {run.frames} were planned")
    return first, end


def _keys(run: PacketRun, track: Mp4Track, first: int, end: int) -> Sequence[int]:
    """Find the key frames of a run, counted from its start; raises UnsupportedMp4 where the probe saw others."""
    keys = range(first, end) if track.keys is None else track.keys
    found = [key - first for key in keys if first <= key < end]
    if run.stamps is not None and (run.keys is None or found != list(run.keys)):
        raise UnsupportedMp4("its tables name other key frames than there are")
    return found


def _planned(run: PacketRun, order: Join, tables: Tables, track: Mp4Track) -> Sequence[int]:
    presented = apply_edits(tables, track, earliest=0)
    if not track.has_unity_matrix:
        raise UnsupportedMp4("it is turned")
    if run.stamps is not None:
        return run.stamps
    up, down = Fraction(order.time_scale, track.scale * order.frame_ticks).as_integer_ratio()
    return [run.start + round_ticks(stamp, up, down) * order.frame_ticks for stamp in presented.stamps]


def canonical_entry(description: bytes, head: int) -> bytes:
    """Reduce a sample entry to the boxes that decoding needs; raises UnsupportedMp4 where it has an unknown one."""
    name, content = description[4:8], description[8:]
    if len(content) < head or (name == b"mp4a" and content[8:10] != b"\0\0"):
        raise UnsupportedMp4("it has another description")
    boxes = list(walk_boxes(io.BytesIO(content), len(content), head))
    found = {box.name: content[box.start : box.end] for box in boxes}
    is_plain = all(box.body == box.start + 8 for box in boxes)
    is_known = is_plain and found.keys() <= {*KEPT_BOXES[name], *DROPPED_BOXES} and len(found) == len(boxes)
    if not is_known or (boxes[-1].end if boxes else head) != len(content):
        raise UnsupportedMp4("it has another description")
    if KEPT_BOXES[name][0] not in found:
        raise UnsupportedMp4("nothing says how to decode it")
    start = bytearray(content[:head])
    if name == b"avc1":
        start[COMPRESSOR_NAME] = bytes(32)
    return box(name, bytes(start), *(found[kind] for kind in KEPT_BOXES[name] if kind in found))


def _check_description(entry: bytes, first: bytes, run: PacketRun) -> None:
    if entry == first:
        return
    if run.stamps is None and _sets(entry) != _sets(first):
        raise MediaError(f"{Path(run.name).name} was encoded with other parameter sets than the chunks before")
    raise UnsupportedMp4("the files have other descriptions")


def _sets(entry: bytes) -> bytes:
    """Read the avcC of an avc1 entry, which comes first."""
    at = 8 + AVC1_HEAD
    return entry[at : at + int.from_bytes(entry[at : at + 4], "big")]


def _audio_samples(source: AudioTrack, sources: _Sources) -> TrackSamples:
    tables, track = sources.track(source.name, source.container, b"soun", is_ours=False)
    entry = canonical_entry(track.description, MP4A_HEAD)
    if aac_form(entry)[0] != track.scale:
        raise UnsupportedMp4("its audio has another time scale than its sample rate")
    presented = apply_edits(tables, track, earliest=track.scale)
    shift = round(source.offset * track.scale)
    behind = None if source.end is None else source.end * track.scale // 1000
    stamps = [stamp + shift for stamp in presented.stamps if behind is None or stamp + shift < behind]
    if not stamps:
        raise UnsupportedMp4("none of its audio is used")
    lasts = (
        (presented.last if presented.last > 0 else AAC_FRAME)
        if len(stamps) == track.count
        else presented.stamps[len(stamps)] + shift - stamps[-1]
    )
    steps = [after - before for before, after in pairwise(stamps)]
    layout = TrackLayout(
        kind=b"soun", scale=track.scale, first=stamps[0], durations=run_lengths([*steps, lasts]),
        sizes=track.sizes[: len(stamps)], keys=None, offsets=(), firsts=(), description=entry,
    )  # fmt: skip
    return TrackSamples(layout, stamps, cut_pieces(sources.path(source.name), track, 0, len(stamps), 0, AUDIO))


def aac_form(entry: bytes) -> tuple[int, int]:
    """Read sample rate in Hz and channel configuration of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), from a
    canonical mp4a entry; (0, 0) unless it is plain AAC-LC."""
    esds = entry[8 + MP4A_HEAD + 12 :]
    at = _descriptor(esds, 0, 3, 3)  # ES_Descriptor (ISO/IEC 14496-1, 7.2.6.5): ES_ID and flags
    if at < 0 or esds[at - 1] != 0:
        return 0, 0
    at = _descriptor(esds, at, 4, 13)  # DecoderConfigDescriptor: the object type is MPEG-4 audio
    if at < 0 or esds[at - 13] != 0x40:
        return 0, 0
    at = _descriptor(esds, at, 5, 2)
    if at < 0:
        return 0, 0
    config = int.from_bytes(esds[at - 2 : at], "big")
    kind, index, channels = config >> 11, config >> 7 & 15, config >> 3 & 15
    is_plain = kind == AAC_LC and index < len(RATES) and not config & 4  # frameLengthFlag
    return (RATES[index], channels) if is_plain else (0, 0)


def _descriptor(content: bytes, at: int, tag: int, fixed: int) -> int:
    """Find the end of the first ``fixed`` bytes of this descriptor; -1 where it is not there."""
    if content[at : at + 1] != bytes([tag]):
        return -1
    at += 1
    while content[at : at + 1] >= b"\x80":
        at += 1
    at += 1 + fixed
    return at if at <= len(content) else -1


def cut_pieces(source: Path, track: Mp4Track, first: int, end: int, base: int, number: int) -> list[Piece]:
    """Cut the chunks of a track to these samples, the first of which becomes sample ``base`` of track ``number``."""
    move, behind = base - first, track.cumulative_sizes
    low = bisect_right(track.firsts, first) - 1
    found = [
        (at, size, begin + move, stop + move, source, number)
        for at, size, begin, stop in track.chunks()[low : bisect_left(track.firsts, end)]
    ]
    at, size, begin, stop, *_ = found[0]
    lost = behind[first] - behind[begin - move]
    found[0] = at + lost, size - lost, base, stop, source, number
    at, size, begin, stop, *_ = found[-1]
    found[-1] = at, size - (behind[stop - move] - behind[end]), begin, end + move, source, number
    return found
