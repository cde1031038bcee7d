"""Scan a file: the packets of all its pieces, stream by stream, with their stamps; nothing is decoded."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from assembler.media.libav import choose_streams, describe_further_video
from assembler.media.probe.container import Container
from assembler.media.straighten.concatenated import Piece, Spliced, announce_streams, find_pieces
from assembler.media.straighten.edit_lists import EditedTrack, read_edit_lists
from assembler.media.straighten.ogg_pages import PagedTrack, read_stamps
from assembler.media.straighten.packets import StreamStamps

BUFFER = 1 << 20
"""Size of libav's read buffer, in bytes."""


@dataclass
class SourceStream:
    """Stream of one piece."""

    piece: int
    """Number of the piece."""
    index: int
    """Index of the stream in its piece."""
    line: tuple[bool, int]
    """Stream of the whole file that it is part of: (False, 0) for video, (True, n) for the n-th audio stream."""
    likeness: tuple[object, ...]
    """Key, equal for streams whose packets may share a track."""
    stamps: StreamStamps
    """Stamps of its packets in the piece."""
    pts: array[int] = field(default_factory=lambda: array("q"))
    """New pts of each packet that is kept, in µs."""
    dts: array[int] = field(default_factory=lambda: array("q"))
    """New dts of each packet that is kept, in µs; only their order is used."""
    primed: int = 0
    """Time at the start of an audio stream that an edit list cuts off, in µs."""
    kept: list[bool] = field(default_factory=list)
    """Flag of each packet: True if it is used."""

    @property
    def is_video(self) -> bool:
        """True for a video stream."""
        return not self.line[0]


@dataclass
class Scan:
    """Streams and packets of all pieces of a file."""

    path: Path
    """Path of the file."""
    container: Container
    """Container of the file."""
    pieces: list[Piece] = field(default_factory=list)
    """Pieces that can be read."""
    sources: list[SourceStream] = field(default_factory=list)
    """Streams of all pieces, in order."""
    borders: list[int] = field(default_factory=list)
    """Number of the first packet of each piece but the first."""
    count: int = 0
    """Count of packets."""
    left_out: list[str] = field(default_factory=list)
    """Content of each piece that is not used, as ``Facts.left_out``."""
    is_edited: bool = False
    """True if packets got other stamps than libav's: by edit lists of several edits, or by pages of Ogg."""
    is_surprised: bool = False
    """True if libav found a further stream while demuxing the last piece, at which PyAV cannot go on."""

    @contextmanager
    def opened(self, piece: Piece, **more: str) -> Iterator[InputContainer]:
        """Open a piece with libav, with these options besides."""
        options = {"protocol_whitelist": "file", "correct_ts_overflow": "0", **more}
        if self.container.name == "mov":
            options["enable_drefs"] = "0"
        with Spliced(self.path, piece) as file, av.open(
            file, "r", format=self.container.name, options=options, metadata_errors="replace", buffer_size=BUFFER
        ) as opened:  # fmt: skip
            yield opened

    def packets(self, opened: InputContainer, piece: Piece, streams: Sequence[Any]) -> Iterator[Packet[Any]]:
        """Demux the packets as far as they can be read, without those at the front that only announce a stream."""
        is_announced = self.container.name == "flv"
        front = sum(len(part) if isinstance(part, bytes) else part[1] - part[0] for part in piece[:-1] * is_announced)
        self.is_surprised = False
        for stream in opened.streams:
            if stream not in streams:
                stream.discard = Discard.all
        try:
            for packet in opened.demux(streams) if streams else ():
                if packet.size and not (front and packet.pos is not None and packet.pos < front):
                    yield packet
        except IndexError:
            self.is_surprised = True
        except av.FFmpegError:
            return


def scan_file(path: Path, container: Container) -> Scan:
    """Read the stamps of every packet, piece by piece; a piece that cannot be opened holds nothing."""
    scan = Scan(path, container)
    waiting = [(piece, False) for piece in reversed(find_pieces(path, container.name))]
    while waiting:
        piece, is_announced = waiting.pop()
        found, count, is_surprised = _scan_piece(scan, piece)
        if is_surprised and not is_announced:
            waiting += [(one, True) for one in reversed(announce_streams(path, container.name, piece))]
        elif found:
            if scan.count:
                scan.borders.append(scan.count)
            scan.pieces.append(piece)
            scan.sources += found
            scan.count += count
    return scan


def _scan_piece(scan: Scan, piece: Piece) -> tuple[list[SourceStream], int, bool]:
    """Scan a piece: (its streams, count of packets, True if libav found a stream only while demuxing)."""
    found: dict[int, SourceStream] = {}
    count, is_surprised = 0, False
    try:
        with scan.opened(piece) as opened:
            video, audios = choose_streams(opened)
            scan.left_out += describe_further_video(opened, video.index if video is not None else None)
            streams: list[Any] = [*([video] if video is not None else []), *audios]
            for n, stream in enumerate(streams, -1 if video is not None else 0):
                line = (n >= 0, max(n, 0))
                found[stream.index] = SourceStream(
                    len(scan.pieces), stream.index, line, _likeness(stream), StreamStamps(scan.container.name)
                )
            edited = _edited(scan, piece)
            for packet in scan.packets(opened, piece, streams):
                edits = edited.get(packet.stream_index)
                is_shown = edits.correct(packet) if edits is not None else None
                found[packet.stream_index].stamps.add_packet(packet, scan.count + count, is_shown)
                count += 1
            is_surprised = scan.is_surprised
    except av.FFmpegError:
        pass  # a piece that cannot be opened
    return [source for source in found.values() if source.stamps.stamps], count, is_surprised


def _edited(scan: Scan, piece: Piece) -> dict[int, EditedTrack | PagedTrack]:
    """Find the tracks whose packets libav gives wrong stamps, by stream index: with several edits, or of Ogg pages
    behind holes."""
    if scan.container.name == "ogg":
        stamps = read_stamps(scan.path)
        scan.is_edited = bool(stamps)
        return {0: PagedTrack(stamps)} if stamps else {}
    if scan.container.name != "mov":
        return {}
    with Spliced(scan.path, piece) as file:
        lists = read_edit_lists(file)
    if not lists:
        return {}
    scan.is_edited = True
    with scan.opened(piece, ignore_editlist="1") as plain:
        return {
            s.index: EditedTrack(lists[s.id], {e.pos: (n, e.timestamp) for n, e in enumerate(s.index_entries)})
            for s in plain.streams
            if s.id in lists
        }


def _likeness(stream: Any) -> tuple[object, ...]:
    context = stream.codec_context
    if stream.type == "video":
        return (context.name,)
    return context.name, context.sample_rate, context.layout.nb_channels, bytes(context.extradata or b"")
