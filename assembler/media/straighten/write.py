"""Write the straightened copy: packets remuxed with new stamps.

A TS stays one: its audio has a header in each packet, and may change. An mp4 stays one: its edit lists cut off the
priming of audio. All else becomes matroska, which holds any codec.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from assembler.media.libav import InBandSets
from assembler.media.straighten.breaks import SECOND
from assembler.media.straighten.scan import Scan, SourceStream

MAX_OWN_TRACKS = 12
"""Maximum count of pieces whose audio gets a track of its own, so that its priming does not shift what follows; of more
pieces, those of equal parameters share one."""
MAX_SORTED_PACKETS = 4000
"""Maximum count of packets held at once for sorting."""
FORMATS = {
    "mpegts": ("mpegts", Fraction(1, 90_000), {"pes_payload_size": "0"}),
    "mov": ("mp4", Fraction(1, 90_000), {"movie_timescale": "90000"}),
}
"""Format of the copy (as below), by demuxer of the source."""
MATROSKA = ("matroska", Fraction(1, 1000), {"fflags": "bitexact"})
"""Format of other copies: libav's muxer, its tick in s, its options."""


@dataclass
class _Track:
    """Track of the copy."""

    key: tuple[object, ...]
    likeness: tuple[object, ...]
    sources: list[SourceStream]
    stream: Any = None
    dts: Iterator[int] = field(default_factory=lambda: iter(()))
    """Dts to come, in ticks of the copy."""


def write(scan: Scan, part: Path, *, is_sorted: bool) -> None:
    """Write the copy; raises libav's errors."""
    tracks = _tracks(scan)
    name, tick, options = FORMATS.get(scan.container.name, MATROSKA)
    has_edits = name == "mp4"
    base = min(min(source.pts) + source.primed * has_edits for track in tracks for source in track.sources)
    all_pts = [_pts_to_write(track, base, tick, is_sorted) for track in tracks]
    late = 0 if has_edits else max(_delay(pts) for pts in all_pts)
    with av.open(str(part), "w", format=name, options=options) as out:
        for track, pts in zip(tracks, all_pts, strict=True):
            first = track.sources[0]
            with scan.opened(scan.pieces[first.piece]) as template:
                # opaque: a decoder need not have an encoder of its name
                track.stream = out.add_stream_from_template(template.streams[first.index], opaque=True)
            track.stream.time_base = tick
            track.dts = _derive_dts(pts, late)
        packets = _packets(scan, tracks, base, late, tick)
        for track, packet in _sorted(packets, MAX_SORTED_PACKETS if is_sorted else 0):
            packet.dts = next(track.dts)
            packet.pts = max(packet.pts or 0, packet.dts)
            out.mux(packet)


def _tracks(scan: Scan) -> list[_Track]:
    """Build the tracks: one for video of one codec; one for the audio of each piece."""
    tracks: list[_Track] = []
    for source in scan.sources:
        if not source.pts:
            continue
        is_own = not source.is_video and len(scan.pieces) <= MAX_OWN_TRACKS
        key = (source.line, source.piece) if is_own else (source.line,)
        track = next((t for t in tracks if t.key == key and t.likeness == source.likeness), None)
        if track is None:
            if source.is_video and any(t.key == key for t in tracks):
                continue  # another codec than the first: reported by ``straighten``
            track = _Track(key, source.likeness, [])
            tracks.append(track)
        track.sources.append(source)
    return tracks


def _pts_to_write(track: _Track, base: int, tick: Fraction, is_sorted: bool) -> list[int]:
    """List the pts in the order of writing, in ticks behind ``base``: reordered frames of a matroska share a dts."""
    both = [pair for source in track.sources for pair in zip(source.dts, source.pts, strict=True)]
    return [_ticks(pts - base, tick) for _, pts in (sorted(both, key=itemgetter(0)) if is_sorted else both)]


def _ticks(length: int, tick: Fraction) -> int:
    """Convert µs to ticks, rounded."""
    up, down = tick.denominator, tick.numerator * SECOND
    return (2 * length * up + down) // (2 * down)


def _delay(pts: list[int]) -> int:
    """Count the packets by which decoding is ahead of presentation."""
    ranked = sorted(range(len(pts)), key=pts.__getitem__)
    return max((index - rank for rank, index in enumerate(ranked)), default=0)


def _derive_dts(pts: list[int], late: int) -> Iterator[int]:
    """Derive rising dts, none behind its packet's pts: the pts in order, earlier by the reordering."""
    delay, ordered = _delay(pts), sorted(pts)
    last = None
    for stamp in [*(ordered[0] - delay + n for n in range(delay)), *ordered[: len(ordered) - delay]]:
        last = stamp if last is None else max(stamp, last + 1)
        yield last + late


def _packets(
    scan: Scan, tracks: list[_Track], base: int, late: int, tick: Fraction
) -> Iterator[tuple[int, _Track, Packet[Any]]]:
    """Demux the kept packets in the order of the file, each with its dts for sorting and its track."""
    for number, piece in enumerate(scan.pieces):
        mine = {s.index: (track, s) for track in tracks for s in track.sources if s.piece == number}
        with scan.opened(piece) as opened:
            sets = {index: InBandSets(opened.streams[index], track.stream) for index, (track, _) in mine.items()}
            lengths: dict[tuple[int, int], int] = {}  # in ticks: fractions are dear
            kept = {index: iter(source.kept) for index, (_, source) in mine.items()}
            stamps = {index: zip(source.dts, source.pts, strict=True) for index, (_, source) in mine.items()}
            for packet in scan.packets(opened, piece, [opened.streams[index] for index in mine]):
                index, length = packet.stream_index, packet.duration or 0
                if (index, length) not in lengths:
                    lengths[index, length] = round(length * (packet.time_base or tick) / tick)
                ready = sets[index].with_sets(packet)
                if not next(kept[index], False):
                    continue
                dts, pts = next(stamps[index])
                ready.time_base = tick
                ready.pts, ready.duration = _ticks(pts - base, tick) + late, lengths[index, length]
                ready.stream = mine[index][0].stream
                yield dts, mine[index][0], ready


def _sorted(packets: Iterator[tuple[int, _Track, Packet[Any]]], max_held: int) -> Iterator[tuple[_Track, Packet[Any]]]:
    """Sort packets by dts, with ``max_held`` of them held at once."""
    numbers = count()
    held: list[tuple[int, int, _Track, Packet[Any]]] = []
    for dts, track, packet in packets:
        heappush(held, (dts if max_held else 0, next(numbers), track, packet))
        if len(held) > max_held:
            yield heappop(held)[2:]
    while held:
        yield heappop(held)[2:]
