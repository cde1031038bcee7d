"""A file whose stamps break, or that libav cannot read as one: its packets once more, with stamps that hold, in a file
of our own. Nothing is decoded. Part of the probing child: whoever uses the file afterwards need not know.

Written is matroska: it takes any codec, and its stamps are presentation stamps alone.
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
from assembler.media.straighten.concatenated import Piece, Spliced, announced, is_plain, pieces
from assembler.media.straighten.edit_lists import Edited, edit_lists
from assembler.media.straighten.packets import StreamStamps, wrap_of
from assembler.media.straighten.shifts import Move, StampShifts, arrange
from assembler.times import Ms, clock_text

BUFFER = 1 << 20
PART = ".part"


@dataclass
class SourceStream:
    """A stream of one piece."""

    piece: int
    index: int
    """In its piece."""
    line: tuple[str, int]
    """Pictures are all on one line, the n-th sounds of all pieces on one."""
    likeness: tuple[object, ...]
    """Equal for streams whose packets may share a track."""
    stamps: StreamStamps
    shown: array[int] = field(default_factory=lambda: array("q"))
    """For each packet that is kept: its new presentation stamp, µs."""
    decode: array[int] = field(default_factory=lambda: array("q"))
    """As ``shown``: its new decode stamp, which only gives an order."""
    primed: int = 0
    """How much at its start an edit list takes away from a sound, µs."""
    kept: list[bool] = field(default_factory=list)
    """For each packet: whether it is used."""


@dataclass
class Scan:
    """What is in all pieces of a file."""

    path: Path
    container: Container
    pieces: list[Piece] = field(default_factory=list)
    sources: list[SourceStream] = field(default_factory=list)
    borders: list[int] = field(default_factory=list)
    """Number of the first packet of each piece but the first."""
    count: int = 0
    """Packets."""
    left_out: list[str] = field(default_factory=list)
    """As ``Facts.left_out``, of each piece."""
    is_edited: bool = False
    """True if edit lists of several edits were applied."""
    is_surprised: bool = False
    """True if libav found a further stream while it read the packets of the last piece: PyAV cannot go on then."""

    @contextmanager
    def opened(self, piece: Piece, **more: str) -> Iterator[InputContainer]:
        options = {"protocol_whitelist": "file", "correct_ts_overflow": "0", **more}
        if self.container.name == "mov":
            options["enable_drefs"] = "0"
        with Spliced(self.path, piece) as file, av.open(
            file, "r", format=self.container.name, options=options, metadata_errors="replace", buffer_size=BUFFER
        ) as opened:  # fmt: skip
            yield opened

    def packets(self, opened: InputContainer, piece: Piece, streams: Sequence[Any]) -> Iterator[Packet[Any]]:
        """As far as they can be read; without what was put in front to announce a stream."""
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
    """Write ``target`` from the file's packets where its stamps or its streams need it, and say what was done.

    None where nothing has to be put right. Raises libav's errors and OSError.
    """
    from assembler.media.straighten.write import write  # and with it what few files need

    scan = _scanned(path, container)
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
    unlike = _unlike(scan)
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


def _unlike(scan: Scan) -> list[str]:
    """Which later pictures are not shown because they are of another codec than the first one."""
    base = min((min(source.shown) for source in scan.sources if source.shown), default=0)
    pictures = [source for source in scan.sources if source.line[0] == "picture" and source.shown]
    told = []
    for source in pictures:
        if source.likeness != pictures[0].likeness:
            start, end = min(source.shown) - base, max(source.shown) + source.stamps.line().step - base
            told.append(
                f"From {_clock(start)} to {_clock(end)} of the file its picture is of another codec"
                f" ({source.likeness[0]} behind {pictures[0].likeness[0]}): it is not shown."
            )
    return told


def _clock(us: int) -> str:
    return clock_text(Ms(round(us / 1000)))


def _scanned(path: Path, container: Container) -> Scan:
    scan = Scan(path, container)
    waiting = [(piece, False) for piece in reversed(pieces(path, container.name))]
    while waiting:
        piece, is_announced = waiting.pop()
        found, count, is_surprised = _scan_piece(scan, piece)
        if is_surprised and not is_announced:
            waiting += [(one, True) for one in reversed(announced(path, container.name, piece))]
        elif found:
            if scan.count:
                scan.borders.append(scan.count)
            scan.pieces.append(piece)
            scan.sources += found
            scan.count += count
    return scan


def _scan_piece(scan: Scan, piece: Piece) -> tuple[list[SourceStream], int, bool]:
    """(its streams, packets, True if libav found a stream only while it was reading)."""
    found: dict[int, SourceStream] = {}
    count, is_surprised = 0, False
    try:
        with scan.opened(piece) as opened:
            picture, sounds = choose_streams(opened)
            scan.left_out += describe_further_video(opened, picture.index if picture is not None else None)
            streams: list[Any] = [*([picture] if picture is not None else []), *sounds]
            for n, stream in enumerate(streams, -1 if picture is not None else 0):
                line = ("sound", n) if n >= 0 else ("picture", 0)
                found[stream.index] = SourceStream(
                    len(scan.pieces), stream.index, line, _likeness(stream), StreamStamps(scan.container.name)
                )
            edited = _edited(scan, piece)
            for packet in scan.packets(opened, piece, streams):
                edits = edited.get(packet.stream_index)
                is_shown = edits.put_right(packet) if edits is not None else None
                found[packet.stream_index].stamps.add_packet(packet, scan.count + count, is_shown)
                count += 1
            is_surprised = scan.is_surprised
    except av.FFmpegError:
        pass  # a piece that cannot be opened
    return [source for source in found.values() if source.stamps.stamps], count, is_surprised


def _edited(scan: Scan, piece: Piece) -> dict[int, Edited]:
    """By stream index."""
    if scan.container.name != "mov":
        return {}
    with Spliced(scan.path, piece) as file:
        lists = edit_lists(file)
    if not lists:
        return {}
    scan.is_edited = True
    with scan.opened(piece, ignore_editlist="1") as plain:
        return {
            s.index: Edited(lists[s.id], {e.pos: (n, e.timestamp) for n, e in enumerate(s.index_entries)})
            for s in plain.streams
            if s.id in lists
        }


def _likeness(stream: Any) -> tuple[object, ...]:
    context = stream.codec_context
    if stream.type == "video":
        return (context.name,)
    return context.name, context.sample_rate, context.layout.nb_channels, bytes(context.extradata or b"")


def _line(scan: Scan, key: tuple[str, int]) -> StampLine:
    places, stamps = array("q"), array("q")
    ahead, cuts = 0, dict[int, int]()
    for source in scan.sources:
        if source.line == key:
            places += source.stamps.places
            stamps += source.stamps.stamps
            ahead = max(ahead, source.stamps.ahead)
            cuts[len(stamps)] = source.stamps.cut
    first = next(source for source in scan.sources if source.line == key)
    return StampLine(places, stamps, usual_step(stamps) or first.stamps.line().step, ahead, key[0] == "picture", cuts)


def _apply(sources: Sequence[SourceStream], moves: Sequence[Move]) -> None:
    """Where each packet of a line's streams is put."""
    index, number = 0, 0
    for source in sources:
        shown = source.stamps.shown
        gone = set(source.stamps.discarded)
        is_picture = source.line[0] == "picture"
        used = [n for n in range(len(shown)) if n not in gone]
        first, last = (used[0], used[-1]) if used else (0, -1)
        source.primed = 0 if is_picture else max(shown[first] - shown[0], source.stamps.ahead)
        if is_picture and gone:
            source.stamps.hide()
        for n, stamp in enumerate(shown):
            while number + 1 < len(moves) and moves[number + 1].first <= index:
                number += 1
            by = moves[number].by
            is_kept = by is not None and (n not in gone or n < (last if is_picture else first))
            source.kept.append(is_kept)
            if is_kept and by is not None:
                source.shown.append(stamp + by)
                source.decode.append(source.stamps.stamps[n] + by)
            index += 1
