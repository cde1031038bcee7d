"""Child process that copies and reads packets (``python -m assembler.outputs.child remux|read ORDER.json``)."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from assembler.media.libav import InBandSets, discard_others, time_base_of
from assembler.outputs.order import Contents, CopiedPart, CopiedTrack, Copying, Found, Read, Remux, Stream

FILES = {"protocol_whitelist": "file"}
"""Options of libav's demuxers."""
MS = Fraction(1, 1000)
"""Time base of every track that is written, in s: matroska's own."""
REACH = MS
"""Maximum time, in s, by which a packet may be before a start that was rounded to a ms."""
TITLE = 60
"""Maximum length of a chapter's title that is compared, in characters: mp4 has room for 255 bytes of UTF-8."""
NO_FLOOR = -(2**40)
"""Place of an mp4's first packets, in ms, which an edit list may hide; a matroska has none before 0."""


def remux(order: Remux) -> Contents:
    """Copy the streams; returns what was written. Raises av.FFmpegError."""
    options = {"avoid_negative_ts": "disabled"} | ({} if order.format == "matroska" else {"movflags": "+faststart"})
    with av.open(order.out, "w", format=order.format, options=options) as out, ExitStack() as opened:
        if order.title:
            out.metadata["title"] = order.title
        tracks = [_Track(number, track, out, opened) for number, track in enumerate(order.tracks)]
        marks = order.chapters if len(order.chapters) > 1 else ()
        if marks:
            ends = [*(at for at, _ in marks[1:]), order.length]
            rows = zip(marks, ends, strict=True)
            out.set_chapters(
                [
                    {"id": number, "start": at, "end": end, "time_base": MS, "metadata": {"title": title}}
                    for number, ((at, title), end) in enumerate(rows, 1)
                ]
            )
        for path in order.attachments:
            out.add_attachment(Path(path).name, "application/json", Path(path).read_bytes())
        for _, _, packet in merge(*(track.packets() for track in tracks), key=itemgetter(0, 1)):
            out.mux_one(packet)
    return Contents(tuple(track.written for track in tracks), _shortened(marks), len(order.attachments))


class _Track:
    """A track under way: its stream in the file, and what was written of it."""

    def __init__(self, number: int, track: CopiedTrack, out: Any, opened: ExitStack) -> None:
        self._number, self._track = number, track
        self._floor = 0 if out.format.name == "matroska" else NO_FLOOR
        first = track.parts[0]
        source = opened.enter_context(av.open(first.name, format=first.container, options=FILES))
        stream: Any = source.streams[first.stream]
        self._out = out.add_stream_from_template(stream, opaque=True)
        self._out.time_base = MS
        self._out.metadata["title"] = track.title
        self.written = _without_packets(stream, track.title)

    def packets(self) -> Iterator[tuple[int, int, Packet[Any]]]:
        """Yield the packets at their places, with (dts, number of the track) in front."""
        last, floor = -(2**62), self._floor
        for part in self._track.parts:
            for packet, exact in self._kept(part, floor):
                at = max(self._floor, round(exact / MS))
                if at <= last and packet.stream.type == "audio":
                    continue  # the one before, where the part in front ends
                packet.duration = round((packet.duration or 0) * packet.time_base / MS)
                if packet.dts is not None:
                    decoded = round((packet.dts * packet.time_base + part.offset) / MS)
                else:  # at a mkv's start libav does not know it, and those behind may be presented before this one
                    decoded = at if packet.is_keyframe else last + 1
                packet.time_base, packet.stream = MS, self._out
                packet.dts = max(min(decoded, at), last + 1)
                packet.pts = max(at, packet.dts)
                last = packet.dts
                self.written = self.written.with_packet(packet.pts * MS)
                yield last, self._number, packet
            floor = max(floor, part.end or 0)

    def _kept(self, part: CopiedPart, floor: int) -> Iterator[tuple[Packet[Any], Fraction]]:
        """Yield the packets of the range with their places in s, and those in front that decoding begins with, where
        there is room behind ``floor``, in ms; where there is none, video begins at the next key frame."""
        begun: Fraction | None = None
        start = part.start * MS - REACH
        with av.open(part.name, format=part.container, options=FILES) as source:
            stream: Any = source.streams[part.stream]
            discard_others(source, stream)
            is_video, base = stream.type == "video", time_base_of(stream)
            sets = InBandSets(stream, self._out) if is_video else None
            ahead: list[tuple[Packet[Any], Fraction]] = []
            for packet in source.demux(stream):
                if packet.pts is None or not packet.size:
                    continue
                exact = packet.pts * base + part.offset
                if part.end is not None and exact >= part.end * MS:
                    break
                whole = sets.with_sets(packet) if sets is not None else packet
                if whole is not packet:
                    whole.pts, whole.dts, whole.duration = packet.pts, packet.dts, packet.duration
                    whole.time_base = packet.time_base
                if begun is None:
                    ahead = [] if packet.is_keyframe or not is_video else ahead
                    ahead.append((whole, exact))
                    has_room = ahead[0][1] >= floor * MS - REACH and ahead[0][0].is_keyframe
                    if (exact if is_video else exact + (packet.duration or 0) * base) >= start and has_room:
                        begun = ahead[0][1]
                        late = max(0, round(begun / MS) - part.start) if is_video else 0
                        self.written = replace(self.written, late=self.written.late + late)
                        yield from (
                            one for one in ahead if one[1] >= begun
                        )  # an open GOP has some before its key frame
                elif exact >= begun:
                    yield whole, exact


def _without_packets(stream: Any, title: str) -> Stream:
    size = (stream.width, stream.height) if stream.type == "video" else (0, 0)
    return Stream(stream.type, title, 0, Fraction(0), Fraction(0), *size)


def read(name: str) -> Contents:
    """Read every packet of a file, or of what a playlist names."""
    with av.open(name, options={**FILES, "allowed_extensions": "ALL"}) as source:
        found: dict[int, Stream] = {}
        for stream in source.streams:
            if stream.type in ("video", "audio", "subtitle"):
                found[stream.index] = _without_packets(stream, stream.metadata.get("title", ""))
        for packet in source.demux():
            known = found.get(packet.stream.index)
            if known is not None and packet.pts is not None and packet.size:
                found[packet.stream.index] = known.with_packet(packet.pts * time_base_of(packet.stream))
        attached = sum(stream.type == "attachment" for stream in source.streams)
        titles = ((0, chapter["metadata"].get("title", "")) for chapter in source.chapters())
        return Contents(tuple(found.values()), _shortened(titles), attached)


def _shortened(chapters: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title[:TITLE] for _, title in chapters)


def main() -> int:
    """Carry out the order; what went wrong goes to standard error."""
    verb, path = sys.argv[1:3]
    text = Path(path).read_text("utf-8")
    try:
        if verb == "remux":
            copying = Copying.from_json(text)
            Path(copying.report).write_text(Found(tuple(map(remux, copying.files))).to_json(), "utf-8")
        else:
            reading = Read.from_json(text)
            Path(reading.report).write_text(Found(tuple(map(read, reading.names))).to_json(), "utf-8")
    except (av.FFmpegError, OSError) as exc:
        print(exc, file=sys.stderr)
        return errno.ENOSPC if exc.errno == errno.ENOSPC else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
