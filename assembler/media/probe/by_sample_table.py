"""A plain mp4 probed by its sample tables: of its packets only key frames, and the first and last sounds, are read.

Nothing is believed that libav sees otherwise: its own index has to agree at both ends, and every sample that the tables
do not call a key frame is asked for its kind, so that the facts are those that reading all packets finds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from assembler.media.libav import alone
from assembler.media.probe.audio import SoundWatch
from assembler.media.probe.byte_ranges import Reach
from assembler.media.probe.order import UNFORESEEN
from assembler.media.probe.video import PictureWatch
from assembler.mp4.nal_units import walk_units
from assembler.mp4.sample_tables import Mp4Track, Tables, UnsupportedMp4

LAST_SOUNDS = 4
"""Sound packets read at the end; two are needed."""
SLICE, IDR = 1, 5
SETS = (7, 8)
PICTURES = range(1, 6)
"""NAL unit types of H.264 (ITU-T H.264, table 7-1)."""
MOST_UNITS = 100
"""Maximum number of NAL units in front of a picture."""
Read = Callable[[int, int], bytes]
"""Reads (this many bytes, from this place) of the file."""


def take_by_tables(
    path: Path,
    tables: Tables,
    opened: InputContainer,
    picture: PictureWatch | None,
    sounds: Sequence[SoundWatch],
    reach: Reach,
) -> bool:
    """Tell all watches what the tables say, with False: a plain file is not cut.

    Raises UnsupportedMp4 where packets have to be read; the watches are of no use then.
    """
    tracks = [_agreed(tables, watch.stream) for watch in (picture, *sounds) if watch is not None]
    try:
        for sound, (_, stamps) in zip(sounds, tracks[-len(sounds) :], strict=bool(sounds)):
            _take_sounds(opened, sound, stamps, reach)
        if picture is not None:
            last = _last_duration(opened, picture.stream, tracks[0][1])
            with path.open("rb", buffering=0) as file:
                _take_pictures(picture, *tracks[0], last, reach, lambda size, at: os.pread(file.fileno(), size, at))
    except (av.FFmpegError, *UNFORESEEN) as exc:  # which stream's fault it is, reading all packets shows
        raise UnsupportedMp4(str(exc)) from exc
    if reach.hole is not None:
        reach.take_all([_reaching(track, stamps) for track, stamps in tracks])
    return False


def _agreed(tables: Tables, stream: VideoStream | AudioStream) -> tuple[Mp4Track, list[int]]:
    """The stream's track, and the stamps of its samples on libav's axis, edit list applied."""
    track = next((track for track in tables.tracks if track.number == stream.id), None)
    if track is None or stream.time_base is None or 1 / stream.time_base != track.scale:
        raise UnsupportedMp4("a stream has no track")
    entries, ticks = stream.index_entries, track.decode_ticks()
    if len(entries) != track.count:
        raise UnsupportedMp4("libav sees other samples")
    first, last = entries[0], entries[len(entries) - 1]
    is_agreed = (first.pos, first.size, last.size) == (track.offsets[0], track.sizes[0], track.sizes[-1])
    is_agreed &= last.pos + last.size == track.end and last.timestamp - first.timestamp == ticks[-2]
    if not is_agreed:
        raise UnsupportedMp4("libav sees other samples")
    return track, [first.timestamp + tick for tick in ticks[:-1]]


def _discarded(stream: VideoStream | AudioStream) -> set[int]:
    """Samples that the edit takes away: at the start, at the end, and nowhere else, for there is but one edit."""
    entries, found = stream.index_entries, set[int]()
    for way in (range(len(entries)), range(len(entries) - 1, -1, -1)):
        for index in way:
            if not entries[index].is_discard:
                break
            found.add(index)
    return found


def _take_pictures(
    watch: PictureWatch, track: Mp4Track, stamps: list[int], last: int, reach: Reach, read: Read
) -> None:
    extradata = bytes(watch.stream.codec_context.extradata or b"")
    if watch.stream.codec.canonical_name != "h264" or len(extradata) < 7 or extradata[0] != 1:
        raise UnsupportedMp4("it is no H.264 with lengths")
    width, places = (extradata[4] & 3) + 1, track.places()
    _check_keys(track, places, width, reach, read)

    def keys() -> Iterator[tuple[int, bytes | None]]:
        for index in range(track.count) if track.keys is None else track.keys:
            at, size = places[index], track.sizes[index]
            yield index, read(size, at) if reach.holds(at, at + size) else None

    watch.take_table(stamps, last, _discarded(watch.stream), keys())


def _last_duration(opened: InputContainer, stream: VideoStream, stamps: list[int]) -> int:
    """Ticks that the last picture lasts: until the track ends, where its header says when, else as libav guesses."""
    lasts = (stream.duration or 0) - stamps[-1]
    if lasts > 0:
        return lasts
    alone(opened, stream)
    opened.seek(stamps[-1], stream=stream)
    packets = [packet for packet in opened.demux(stream) if packet.size]
    if not packets or packets[-1].pts != stamps[-1]:
        raise UnsupportedMp4("libav sees other samples")
    return packets[-1].duration or 0


def _check_keys(track: Mp4Track, places: list[int], width: int, reach: Reach, read: Read) -> None:
    """Key frames are IDR pictures, and other samples are none and bring no parameter sets: libav asks the bytes too."""
    keys = frozenset(range(track.count) if track.keys is None else track.keys)
    for index, (at, size) in enumerate(zip(places, track.sizes, strict=True)):
        if not reach.holds(at, at + size):
            continue
        head = read(width + 1, at)
        if len(head) > width and head[width] & 0x1F == (IDR if index in keys else SLICE):
            continue
        kind, has_sets = _kind(read, at, at + size, width)
        if kind != IDR if index in keys else kind == IDR or has_sets:
            raise UnsupportedMp4("the pictures have other key frames than the tables")


def _kind(read: Read, at: int, end: int, width: int) -> tuple[int, bool]:
    """(NAL unit type of a sample's first picture unit, whether parameter sets are in front of it)."""
    has_sets = False
    for first, _, _ in islice(walk_units(read, at, end, width), MOST_UNITS):
        kind = first & 0x1F
        if kind in PICTURES:
            return kind, has_sets
        has_sets |= kind in SETS
    raise UnsupportedMp4("a sample holds no picture")


def _take_sounds(opened: InputContainer, watch: SoundWatch, stamps: list[int], reach: Reach) -> None:
    """The first packets until enough are decoded, the last ones, and the stamps of all."""
    alone(opened, watch.stream)
    opened.seek(stamps[0], stream=watch.stream)  # back from the end of the track before
    for packet in opened.demux(watch.stream):
        if not watch.is_decoding or not packet.size:
            break
        if not _is_there(packet, reach):
            raise UnsupportedMp4("the first sound is not there yet")
        watch.add_packet(packet)
    opened.seek(stamps[-min(LAST_SOUNDS, len(stamps))], stream=watch.stream)
    last = [packet for packet in opened.demux(watch.stream) if packet.size]
    if not 0 < len(last) <= len(stamps) or [packet.pts for packet in last] != stamps[-len(last) :]:
        raise UnsupportedMp4("libav sees other samples")
    discarded = _discarded(watch.stream)
    watch.take_table([s for n, s in enumerate(stamps) if n not in discarded] if discarded else stamps, last)


def _is_there(packet: Packet[Any], reach: Reach) -> bool:
    return packet.pos is not None and reach.holds(packet.pos, packet.pos + packet.size)


def _reaching(track: Mp4Track, stamps: list[int]) -> tuple[int, list[int], list[int]]:
    """(ticks per second, stamps, where each sample ends in the file)."""
    return track.scale, stamps, [at + size for at, size in zip(track.places(), track.sizes, strict=True)]
