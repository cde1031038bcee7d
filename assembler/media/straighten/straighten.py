"""Straighten a file whose stamps break, or that libav cannot read as one: remux its packets with good stamps. Nothing
is decoded. Part of the probing child: the copy takes the file's place.

The copy is matroska mostly: it holds any codec, and pts alone.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from assembler.media.libav import choose_streams, describe_further_video
from assembler.media.probe.container import Container
from assembler.media.straighten.breaks import StampLine, usual_step
from assembler.media.straighten.concatenated import Piece, Spliced, announce_streams, find_pieces, is_plain
from assembler.media.straighten.edit_lists import EditedTrack, read_edit_lists
from assembler.media.straighten.packets import StreamStamps, wrap_of
from assembler.media.straighten.shifts import Move, StampShifts, arrange
from assembler.times import Ms, clock_text

BUFFER = 1 << 20
"""Size of libav's read buffer, in bytes."""
PART = ".part"
"""Ending of a file that is being written, as ``workspace.PART``."""


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
    """True if edit lists of several edits were applied."""
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


def straighten(path: Path, container: Container, declared: Ms | None, target: Path) -> StampShifts | None:
    """Remux the file to ``target`` where its stamps or its streams need it, and return the shifts.

    None where nothing has to be repaired. Raises libav's errors and OSError.
    """
    from assembler.media.straighten.write import write  # few files need it

    scan = _scan(path, container)
    keys = sorted({source.line for source in scan.sources})
    found = arrange(
        [_line(scan, key) for key in keys], borders=scan.borders, declared=declared, wrap=wrap_of(container.name)
    )
    if found is None:
        if is_plain(scan.pieces, path) and not scan.is_edited:
            return None
        found = StampShifts(tuple((Move(0, 0),) for _ in keys), False, "", is_whole=True)
    for key, moves in zip(keys, found.moves, strict=True):
        _apply([source for source in scan.sources if source.line == key], moves)
    unlike = _describe_other_codecs(scan)
    if unlike:
        found = replace(found, sentence=" ".join(filter(None, [found.sentence, *unlike])), is_whole=False)
    found = replace(found, left_out=tuple(dict.fromkeys(scan.left_out)))
    part = target.with_name(f"{target.name}.{os.getpid()}{PART}")
    try:
        write(scan, part, is_sorted=found.is_sorted)
        changed = path.stat().st_mtime_ns
        os.utime(part, ns=(changed, changed))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return found


def _describe_other_codecs(scan: Scan) -> list[str]:
    """Describe the later video streams that are not used because their codec is not that of the first one."""
    base = min((min(source.pts) for source in scan.sources if source.pts), default=0)
    videos = [source for source in scan.sources if source.is_video and source.pts]
    sentences = []
    for source in videos:
        if source.likeness != videos[0].likeness:
            start, end = min(source.pts) - base, max(source.pts) + source.stamps.line().step - base
            sentences.append(
                f"From {_clock(start)} to {_clock(end)} of the file its picture is of another codec"
                f" ({source.likeness[0]} behind {videos[0].likeness[0]}): it is not shown."
            )
    return sentences


def _clock(us: int) -> str:
    return clock_text(Ms(round(us / 1000)))


def _scan(path: Path, container: Container) -> Scan:
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


def _edited(scan: Scan, piece: Piece) -> dict[int, EditedTrack]:
    """Find the tracks with several edits, by stream index."""
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


def _line(scan: Scan, key: tuple[bool, int]) -> StampLine:
    places, stamps = array("q"), array("q")
    ahead, cuts = 0, dict[int, int]()
    for source in scan.sources:
        if source.line == key:
            places += source.stamps.places
            stamps += source.stamps.stamps
            ahead = max(ahead, source.stamps.ahead)
            cuts[len(stamps)] = source.stamps.cut
    first = next(source for source in scan.sources if source.line == key)
    return StampLine(places, stamps, usual_step(stamps) or first.stamps.line().step, ahead, not key[0], cuts)


def _apply(sources: Sequence[SourceStream], moves: Sequence[Move]) -> None:
    """Compute the new stamps of each packet of a line's streams."""
    index, number = 0, 0
    for source in sources:
        pts = source.stamps.pts
        gone = set(source.stamps.discarded)
        is_video = source.is_video
        used = [n for n in range(len(pts)) if n not in gone]
        first, last = (used[0], used[-1]) if used else (0, -1)
        source.primed = 0 if is_video else max(pts[first] - pts[0], source.stamps.ahead)
        if is_video and gone:
            source.stamps.hide()
        for n, stamp in enumerate(pts):
            while number + 1 < len(moves) and moves[number + 1].first <= index:
                number += 1
            by = moves[number].by
            is_kept = by is not None and (n not in gone or n < (last if is_video else first))
            source.kept.append(is_kept)
            if is_kept and by is not None:
                source.pts.append(stamp + by)
                source.dts.append(source.stamps.stamps[n] + by)
            index += 1
