"""The stamps of a file's packets in the order of the file, in microseconds, as they are taken from libav."""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import Any

from av.packet import Packet

from assembler.media.straighten.breaks import SECOND, StampLine, usual_step
from assembler.media.straighten.shifts import StampShifts, arrange
from assembler.times import Ms

TS_WRAP = round(Fraction(2**33 * SECOND, 90_000))
REORDERED = ("h264", "hevc")
INSTANT = 12
"""More than a tick of 90 kHz: stamps of pictures that differ by less would be one, and ffmpeg would believe none."""


class StreamStamps:
    """Of one stream."""

    def __init__(self, container: str) -> None:
        self.places = array("q")
        """Number of each packet among all of the file."""
        self.stamps = array("q")
        """Decode stamps as far as the container has any."""
        self.shown = array("q")
        """Presentation stamps."""
        self.groups = array("q")
        """For each packet, how many key frames there are up to it."""
        self.discarded: list[int] = []
        """Indices of packets that an edit list takes away."""
        self.ahead = 0
        """How much of the first packet is not presented."""
        self.cut = 0
        """How much of the last packet is not presented."""
        self.is_picture = False
        self._length = 0
        self._has_decode_stamps = container != "matroska"
        self._is_reordered: bool | None = None

    def add_packet(self, packet: Packet[Any], place: int, is_shown: bool | None = None) -> None:
        """``is_shown`` where that is known better than from libav's mark."""
        base = packet.time_base or Fraction(1, 1000)
        up, down = base.numerator * SECOND, base.denominator
        pts, dts = packet.pts, packet.dts
        shown = pts if pts is not None else dts
        first = dts if self._has_decode_stamps and dts is not None else shown
        last = self.stamps[-1] if self.stamps else 0
        stamp = last if first is None else first * up // down
        if not self.stamps:
            self._look_at_first(packet)
        elif self._is_reordered and not packet.is_keyframe:
            stamp = max(stamp, last)  # presentation stamps of a stream with B-frames say when it goes on, not back
        if packet.is_discard if is_shown is None else not is_shown:
            stamp = max(stamp, last) if self.stamps else stamp  # those in front of a later edit seem to fall back
            self.discarded.append(len(self.stamps))
        self.cut = _skipped(packet)[1] if packet.has_sidedata("skip_samples") else 0
        if packet.duration and not self.is_picture:
            self.cut = max(self.cut, self._length - packet.duration * up // down)
        self.groups.append((self.groups[-1] if self.groups else 0) + packet.is_keyframe)
        self.places.append(place)
        self.stamps.append(stamp)
        self.shown.append(stamp if shown is None else shown * up // down)

    def hide(self) -> None:
        """What an edit list takes from a picture is still needed to decode what follows: it is shown for an instant,
        just before what is shown next, or before the end."""
        gone = set(self.discarded)
        at = max((stamp for n, stamp in enumerate(self.shown) if n not in gone), default=0) + usual_step(self.stamps)
        for n in sorted(range(len(self.shown)), key=lambda n: (self.groups[n], self.shown[n]), reverse=True):
            at = self.shown[n] = at - INSTANT if n in gone else self.shown[n]

    def line(self) -> StampLine:
        return StampLine(self.places, self.stamps, usual_step(self.stamps) or self._length, self.ahead, self.is_picture)

    def _look_at_first(self, packet: Packet[Any]) -> None:
        context: Any = packet.stream.codec_context
        is_picture = self.is_picture = packet.stream.type == "video"
        self._length = round((packet.duration or 0) * (packet.time_base or 0) * SECOND)
        self._is_reordered = (
            is_picture and not self._has_decode_stamps and context.name in REORDERED and bool(context.has_b_frames)
        )
        if not self.is_picture and packet.has_sidedata("skip_samples"):
            self.ahead = _skipped(packet)[0]


def _skipped(packet: Packet[Any]) -> tuple[int, int]:
    """How much of a sound packet's start and end is not presented (libav: samples, as two numbers of 32 bits)."""
    data, rate = bytes(packet.get_sidedata("skip_samples")), packet.stream.codec_context.sample_rate or 1
    start, end = (int.from_bytes(data[at : at + 4], "little") * SECOND // rate for at in (0, 4))
    return start, end


class StampWatch:
    """Of all streams of a file that is read as one."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._streams: dict[int, StreamStamps] = {}
        self._count = 0

    def add_packet(self, packet: Packet[Any]) -> None:
        stamps = self._streams.get(packet.stream_index)
        if stamps is None:
            stamps = self._streams[packet.stream_index] = StreamStamps(self._container)
        stamps.add_packet(packet, self._count)
        self._count += 1

    def arrange(self, declared: Ms | None) -> StampShifts | None:
        """As ``stamps.arrange``."""
        lines = [stamps.line() for stamps in self._streams.values()]
        return arrange(lines, declared=declared, wrap=wrap_of(self._container))


def wrap_of(container: str) -> int | None:
    """Modulo what a container counts its stamps."""
    return TS_WRAP if container == "mpegts" else None
