"""Stamps of a file's packets in the order of the file, in microseconds, as libav gives them."""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import Any

from av.packet import Packet

from assembler.media.straighten.breaks import SECOND, StampLine, usual_step
from assembler.media.straighten.shifts import StampShifts, arrange
from assembler.times import Ms

TS_WRAP = round(Fraction(2**33 * SECOND, 90_000))
"""Modulus of a transport stream's stamps, in µs."""
REORDERED = ("h264", "hevc")
"""Codecs with B-frames."""
INSTANT = 12
"""Duration of a hidden frame, in µs; more than a tick of 90 kHz, as frames of equal stamps would confuse ffmpeg."""


class StreamStamps:
    """Stamps of one stream's packets."""

    def __init__(self, container: str) -> None:
        self.places = array("q")
        """Number of each packet among all of the file."""
        self.stamps = array("q")
        """Dts as far as the container has any."""
        self.pts = array("q")
        """Pts."""
        self.groups = array("q")
        """Count of key frames up to each packet."""
        self.discarded: list[int] = []
        """Indices of packets that an edit list cuts off."""
        self.ahead = 0
        """Time of the first packet that is not presented."""
        self.is_video = False
        """True for a video stream."""
        self._length = 0
        self._has_dts = container != "matroska"
        self._is_reordered: bool | None = None
        self._up, self._down = 1, 1
        self._at = self._keys = 0
        self._last: Packet[Any] | None = None
        self._context: Any = None

    def add_packet(self, packet: Packet[Any], place: int, is_shown: bool | None = None) -> None:
        """Add the next packet; ``is_shown`` overrides libav's discard flag."""
        if not self.stamps:
            base = packet.time_base or Fraction(1, 1000)  # a stream's packets have one; libav makes it anew each time
            self._up, self._down = base.numerator * SECOND, base.denominator
        up, down, self._last = self._up, self._down, packet
        pts, dts = packet.pts, packet.dts
        shown = pts if pts is not None else dts
        first = dts if self._has_dts and dts is not None else shown
        last, is_key = self._at, packet.is_keyframe
        own = stamp = last if first is None else first * up // down
        if not self.stamps:
            self._read_first(packet)
        elif self._is_reordered and not is_key:
            stamp = max(stamp, last)  # pts of a stream with B-frames, made to rise as dts do
        if packet.is_discard if is_shown is None else not is_shown:
            stamp = max(stamp, last) if self.stamps else stamp  # those before a later edit seem to fall back
            self.discarded.append(len(self.stamps))
        self._keys += is_key
        self._at = stamp
        self.groups.append(self._keys)
        self.places.append(place)
        self.stamps.append(stamp)
        if shown is None:
            self.pts.append(stamp)
        else:
            self.pts.append(own if shown == first else shown * up // down)

    @property
    def cut(self) -> int:
        """Time of the last packet that is not presented."""
        packet = self._last
        if packet is None:
            return 0
        cut = _skipped(packet, self._context)[1] if packet.has_sidedata("skip_samples") else 0
        if packet.duration and not self.is_video:
            cut = max(cut, self._length - packet.duration * self._up // self._down)
        return cut

    def hide(self) -> None:
        """Move discarded frames, which later ones need for decoding, to an instant just before the next presented
        frame, or before the end."""
        gone = set(self.discarded)
        at = max((stamp for n, stamp in enumerate(self.pts) if n not in gone), default=0) + usual_step(self.stamps)
        for n in sorted(range(len(self.pts)), key=lambda n: (self.groups[n], self.pts[n]), reverse=True):
            at = self.pts[n] = at - INSTANT if n in gone else self.pts[n]

    def line(self) -> StampLine:
        """Return the stamps for ``arrange``."""
        return StampLine(self.places, self.stamps, usual_step(self.stamps) or self._length, self.ahead, self.is_video)

    def _read_first(self, packet: Packet[Any]) -> None:
        context = self._context = packet.stream.codec_context
        is_video = self.is_video = packet.stream.type == "video"
        self._length = round((packet.duration or 0) * (packet.time_base or 0) * SECOND)
        self._is_reordered = is_video and not self._has_dts and context.name in REORDERED and bool(context.has_b_frames)
        if not self.is_video and packet.has_sidedata("skip_samples"):
            self.ahead = _skipped(packet, context)[0]


def _skipped(packet: Packet[Any], context: Any) -> tuple[int, int]:
    """Read the time at an audio packet's start and end that is not presented (libav: samples, two numbers of 32
    bits)."""
    data, rate = bytes(packet.get_sidedata("skip_samples")), context.sample_rate or 1
    start, end = (int.from_bytes(data[at : at + 4], "little") * SECOND // rate for at in (0, 4))
    return start, end


class StampCollector:
    """Collects the stamps of all streams of a file."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._streams: dict[int, StreamStamps] = {}
        self._count = 0

    def add_packet(self, packet: Packet[Any]) -> None:
        """Add the next packet of the file."""
        stamps = self._streams.get(packet.stream_index)
        if stamps is None:
            stamps = self._streams[packet.stream_index] = StreamStamps(self._container)
        stamps.add_packet(packet, self._count)
        self._count += 1

    def arrange(self, declared: Ms | None) -> StampShifts | None:
        """Arrange the stamps, as ``shifts.arrange``."""
        lines = [stamps.line() for stamps in self._streams.values()]
        return arrange(lines, declared=declared, wrap=wrap_of(self._container))


def wrap_of(container: str) -> int | None:
    """Return the modulus of a container's stamps; None where they do not wrap."""
    return TS_WRAP if container == "mpegts" else None
