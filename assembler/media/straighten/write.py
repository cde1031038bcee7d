"""Writing what ``straighten`` decided: packets copied into a file of our own.

A TS stays one: its sound says in each packet what it is, and may change. An mp4 stays one: its edit lists cut off what
encoders put in front of sound. All else becomes matroska, which takes any codec.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from assembler.media.libav import InBandSets
from assembler.media.straighten.breaks import SECOND
from assembler.media.straighten.straighten import Scan, SourceStream

MOST_OWN_TRACKS = 12
"""Pieces whose sound gets a track of its own, so that what its encoder put in front does not move what follows; of
more pieces, those that are alike share one."""
SORTED_PACKETS = 4000
"""Packets held at once to put them into order."""
FORMATS = {
    "mpegts": ("mpegts", Fraction(1, 90_000), {"pes_payload_size": "0"}),
    "mov": ("mp4", Fraction(1, 90_000), {"movie_timescale": "90000"}),
}
MATROSKA = ("matroska", Fraction(1, 1000), {"fflags": "bitexact"})
"""(libav's muxer, its tick, its options)."""


@dataclass
class _Track:
    """One stream of the file that is written."""

    key: tuple[object, ...]
    likeness: tuple[object, ...]
    sources: list[SourceStream]
    stream: Any = None
    decode: Iterator[int] = field(default_factory=lambda: iter(()))
    """The decode stamps to come, ms."""


def write(scan: Scan, part: Path, *, is_sorted: bool) -> None:
    """Raises libav's errors."""
    tracks = _tracks(scan)
    name, tick, options = FORMATS.get(scan.container.name, MATROSKA)
    has_edits = name == "mp4"
    base = min(min(source.shown) + source.primed * has_edits for track in tracks for source in track.sources)
    orders = [_shown(track, base, tick, is_sorted) for track in tracks]
    late = 0 if has_edits else max(_delay(shown) for shown in orders)
    with av.open(str(part), "w", format=name, options=options) as out:
        for track, shown in zip(tracks, orders, strict=True):
            first = track.sources[0]
            with scan.opened(scan.pieces[first.piece]) as template:
                # opaque: a decoder need not have an encoder of its name
                track.stream = out.add_stream_from_template(template.streams[first.index], opaque=True)
            track.stream.time_base = tick
            track.decode = _decode_stamps(shown, late)
        packets = _packets(scan, tracks, base, late, tick)
        for track, packet in _in_order(packets, SORTED_PACKETS if is_sorted else 0):
            packet.dts = next(track.decode)
            packet.pts = max(packet.pts or 0, packet.dts)
            out.mux(packet)


def _tracks(scan: Scan) -> list[_Track]:
    """Pictures of one codec on one track; the sound of each piece on its own."""
    tracks: list[_Track] = []
    for source in scan.sources:
        if not source.shown:
            continue
        is_own = source.line[0] == "sound" and len(scan.pieces) <= MOST_OWN_TRACKS
        key = (source.line, source.piece) if is_own else (source.line,)
        track = next((t for t in tracks if t.key == key and t.likeness == source.likeness), None)
        if track is None:
            if source.line[0] == "picture" and any(t.key == key for t in tracks):
                continue  # of another codec than the first: told by whoever compares what is there
            track = _Track(key, source.likeness, [])
            tracks.append(track)
        track.sources.append(source)
    return tracks


def _shown(track: _Track, base: int, tick: Fraction, is_sorted: bool) -> list[int]:
    """Presentation stamps in the order of writing, ticks behind ``base``."""
    both = [pair for source in track.sources for pair in zip(source.decode, source.shown, strict=True)]
    return [_ticks(shown - base, tick) for _, shown in (sorted(both) if is_sorted else both)]


def _ticks(length: int, tick: Fraction) -> int:
    """Microseconds, rounded."""
    up, down = tick.denominator, tick.numerator * SECOND
    return (2 * length * up + down) // (2 * down)


def _delay(shown: list[int]) -> int:
    """By how many packets decoding is ahead of what is shown."""
    ranked = sorted(range(len(shown)), key=shown.__getitem__)
    return max((index - rank for rank, index in enumerate(ranked)), default=0)


def _decode_stamps(shown: list[int], late: int) -> Iterator[int]:
    """Rising, none behind what its packet shows: what is shown in order, put earlier by the reordering."""
    delay, ordered = _delay(shown), sorted(shown)
    last = None
    for stamp in [*(ordered[0] - delay + n for n in range(delay)), *ordered[: len(ordered) - delay]]:
        last = stamp if last is None else max(stamp, last + 1)
        yield last + late


def _packets(
    scan: Scan, tracks: list[_Track], base: int, late: int, tick: Fraction
) -> Iterator[tuple[int, _Track, Packet[Any]]]:
    """All packets that are kept in the order of the file, each with what orders it and its track."""
    for number, piece in enumerate(scan.pieces):
        mine = {s.index: (track, s) for track in tracks for s in track.sources if s.piece == number}
        with scan.opened(piece) as opened:
            sets = {index: InBandSets(opened.streams[index], track.stream) for index, (track, _) in mine.items()}
            kept = {index: iter(source.kept) for index, (_, source) in mine.items()}
            stamps = {index: zip(source.decode, source.shown, strict=True) for index, (_, source) in mine.items()}
            for packet in scan.packets(opened, piece, [opened.streams[index] for index in mine]):
                index, length = packet.stream_index, (packet.duration or 0) * (packet.time_base or tick)
                ready = sets[index].with_sets(packet)
                if not next(kept[index], False):
                    continue
                order, shown = next(stamps[index])
                ready.time_base = tick
                ready.pts, ready.duration = _ticks(shown - base, tick) + late, round(length / tick)
                ready.stream = mine[index][0].stream
                yield order, mine[index][0], ready


def _in_order(packets: Iterator[tuple[int, _Track, Packet[Any]]], most: int) -> Iterator[tuple[_Track, Packet[Any]]]:
    """Sorted as far as ``most`` packets held at once allow."""
    numbers = count()
    held: list[tuple[int, int, _Track, Packet[Any]]] = []
    for order, track, packet in packets:
        heappush(held, (order if most else 0, next(numbers), track, packet))
        if len(held) > most:
            yield heappop(held)[2:]
    while held:
        yield heappop(held)[2:]
