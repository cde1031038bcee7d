"""Audio facts of a stream: every packet is counted, only the first and last ones are decoded (priming, last end)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from assembler.facts import AudioFacts
from assembler.media.libav import has_counted_stamps
from assembler.media.probe.container import Container
from assembler.times import round_ms

FRAMES_DECODED = 4
"""Count of frames decoded at the start of a stream; the first are priming."""
MAX_FAILED = 200
"""Maximum count of presented packets that are decoded without a frame; behind it the stream has no audio."""
HOLE_SECONDS = Fraction(45, 1000)
"""Maximum jitter between two packets, in s; stamps jitter by up to 20 ms each, and are rounded."""
COARSE_TICKS = 2
"""Maximum jitter of a stamp, in ticks, where the container rounds stamps more coarsely than to a sample."""


class AudioProbe:
    """Collects the packets of an audio stream in order and builds its facts."""

    def __init__(self, stream: AudioStream, container: Container) -> None:
        self.stream = stream
        self._codec = stream.codec.canonical_name
        self.base = stream.time_base or Fraction(1, 1000)
        self._header = _HEADERS.get(self._codec) if container.name in ("aac", "mp3", "mpegts") else None
        self._is_counted = has_counted_stamps(container.name, self._codec)
        self._may_change = container.may_change
        self._extradata = bytes(stream.codec_context.extradata or b"")
        self._first_header: bytes | None = None
        self._is_one_kind = True
        self._stamps: list[int] = []
        self._bytes = 0
        self._last: Packet[Any] | None = None
        self._before_last: Packet[Any] | None = None
        self._tries = 0
        self._decoded = 0
        self._samples = 0
        self._rate = 0
        self._channels = 0
        self._start: Fraction | None = None
        self.is_decoding = True
        """True until enough packets were decoded."""
        stream.codec_context.thread_count = 1

    def add_packet(self, packet: Packet[Any], is_there: bool = True) -> None:
        """Add the next packet; with ``is_there`` False its bytes are missing, and only the container's word is used."""
        self._bytes += packet.size
        if self.is_decoding and is_there:
            self._decode_first(packet)
        if self._header is not None and is_there:
            header = self._header(memoryview(packet))
            if self._first_header is None:
                self._first_header = header
            elif header != self._first_header:
                self._is_one_kind = False
        elif self._may_change and packet.has_sidedata("new_extradata"):
            self._is_one_kind &= bytes(packet.get_sidedata("new_extradata")) == self._extradata
        if packet.is_discard:
            return
        stamp = packet.pts
        if stamp is None:
            stamp = packet.dts if packet.dts is not None else (self._stamps[-1] + 1 if self._stamps else 0)
        self._stamps.append(stamp)
        self._before_last, self._last = self._last, packet

    def add_table(self, stamps: list[int], last: list[Packet[Any]], size: int) -> None:
        """Add all packets behind the first ones at once, none of them truncated: the stamps of all that are presented,
        the last packets, and the bytes of all."""
        self._stamps, self._bytes = stamps, size
        heard = [packet for packet in last if not packet.is_discard]
        self._before_last, self._last = ([None, None, *heard])[-2:]

    @property
    def is_last_cut(self) -> bool:
        """True if the last packet is truncated (PCM has no packets: a part of one can be heard)."""
        return self._last is not None and self._last.is_corrupt and not self._codec.startswith("pcm_")

    def forget_last(self) -> None:
        """Drop the last packet, which is truncated."""
        self._stamps.pop()
        self._bytes -= self._last.size if self._last is not None else 0
        self._before_last, self._last = None, self._before_last

    @property
    def has_packets(self) -> bool:
        """True if the stream is not empty."""
        return bool(self._stamps)

    @property
    def start(self) -> Fraction | None:
        """Seconds on the container's axis of the first presented sample; None where nothing can be decoded."""
        return self._start if self._stamps else None

    def facts(self, origin: Fraction) -> AudioFacts:
        """Build the facts; only where ``start`` is not None."""
        assert self._start is not None
        is_contiguous = self._is_contiguous()
        end = max(self._end(), self._start)
        return AudioFacts(
            index=self.stream.index,
            codec=self._codec,
            rate=self._rate,
            channels=self._channels,
            start=round_ms(self._start - origin),
            end=round_ms(end - origin),
            is_constant=self._is_one_kind and is_contiguous,
            has_holes=not is_contiguous and self._has_holes(),
            bit_rate=int(self._bytes * 8 / (end - self._start)) if end > self._start else 0,
        )

    def _decode_first(self, packet: Packet[Any]) -> None:
        self._tries += not packet.is_discard
        for frame in self._frames(packet):
            if self._start is None:
                stamp = _stamp(frame)
                self._start = stamp if stamp is not None else (packet.pts or 0) * self.base
                self._rate, self._channels = frame.sample_rate, frame.layout.nb_channels
            self._samples = max(self._samples, frame.samples)
            self._decoded += 1
        self.is_decoding = self._decoded < FRAMES_DECODED and self._tries < MAX_FAILED

    def _frames(self, packet: Packet[Any]) -> list[AudioFrame]:
        try:
            return self.stream.codec_context.decode(packet)
        except av.FFmpegError:
            return []

    def _end(self) -> Fraction:
        """Find the second at which the last sample ends, decoded or declared, whichever is first: containers differ in
        where they say how many samples are cut off the last packet."""
        if self._is_counted:
            assert self._start is not None
            return self._start + len(self._stamps) * Fraction(self._samples, self._rate)
        self.stream.codec_context.flush_buffers()
        last = [packet for packet in (self._before_last, self._last) if packet is not None]
        frames = [frame for packet in last for frame in self._frames(packet)]
        stamp = _stamp(frames[-1]) if frames else None
        if stamp is not None:
            end = stamp + Fraction(frames[-1].samples, frames[-1].sample_rate)
        else:
            end = self._stamps[-1] * self.base + Fraction(self._samples, self._rate)
        if self._last is not None and self._last.duration:
            end = min(end, (self._stamps[-1] + self._last.duration) * self.base)
        return end

    def _is_contiguous(self) -> bool:
        """True if every packet starts where the one before ends, counted in samples from the first."""
        sample = 1 / (self._rate * self.base)
        step = self._samples * sample
        allowed = ceil(sample) if sample >= 1 else COARSE_TICKS
        first, num, den = self._stamps[0], step.numerator, step.denominator
        if den == 1 and self._stamps == list(range(first, first + len(self._stamps) * num, num)):
            return True  # as nearly always
        return all(
            abs((stamp - first) * den - index * num) <= allowed * den for index, stamp in enumerate(self._stamps)
        )

    def _has_holes(self) -> bool:
        most = (Fraction(self._samples, self._rate) + HOLE_SECONDS) / self.base
        return not self._is_counted and any(not 0 <= after - before <= most for before, after in pairwise(self._stamps))


def _stamp(frame: AudioFrame) -> Fraction | None:
    """Read a frame's pts in seconds on the container's axis."""
    return None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base


def _adts_header(packet: memoryview) -> bytes:
    """Read profile, sample rate and channels of an ADTS header; b"" where the packet has none."""
    if len(packet) < 7 or packet[0] != 0xFF or packet[1] & 0xF6 != 0xF0:
        return b""
    return bytes((packet[2] & 0xFD, packet[3] & 0xC0))


def _mpeg_header(packet: memoryview) -> bytes:
    """Read version, layer, sample rate and mono flag of an MPEG audio header; b"" where the packet has none."""
    if len(packet) < 4 or packet[0] != 0xFF:
        return b""
    return bytes((packet[1] & 0xFE, packet[2] & 0x0C, packet[3] >> 6 == 3))


_HEADERS = {"aac": _adts_header, "mp3": _mpeg_header, "mp2": _mpeg_header}
