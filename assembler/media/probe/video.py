"""Video facts of a file: every packet is counted, only key frames at which something changes are decoded."""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from statistics import median_low
from typing import Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from assembler.facts import NO_KEY, PACKETS_LOST, LostVideo, Stretch, VideoFacts
from assembler.media.libav import without_discard
from assembler.media.probe.container import Container
from assembler.media.probe.parameter_sets import ParameterSets
from assembler.times import round_ms

USUAL_RATES = (*map(Fraction, (5, 8, 10, 12, 15, 20, 24, 25, 30)), Fraction(30000, 1001))
"""Frame rates in Hz to which a measured rate is snapped."""
LONE_FRAME_RATE = Fraction(15)
"""Frame rate assumed for a single frame of unknown duration, in Hz."""
HOLE_SECONDS = 5
"""Maximum time between two frames, in s; more is a hole."""
HELD_SECONDS = Fraction(2, 5)
"""Minimum time between two frames, in s, that facts list: shorter ones would make the facts of a whole day long."""
MAX_KEYS_DECODED = 500
"""Maximum count of key frames decoded; where every packet is one and the codec's headers are not read here (mjpeg, av1)
a stream would be decoded whole. Later changes are not noticed."""
MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c",
}  # fmt: skip
"""Names of colour matrices in ffmpeg, by their code (ISO/IEC 23091-2, 8.3)."""
FULL_RANGE = 2
"""Value of libav's ``color_range`` for full (JPEG) range."""
MAX_RECOVERY_PACKETS = 300
"""Maximum count of packets decoded behind a recovery point before its first whole frame."""


class VideoProbe:
    """Collects the packets of a video stream in decode order and builds its facts."""

    def __init__(self, stream: VideoStream, container: Container) -> None:
        self.stream = stream
        self.base = stream.time_base or Fraction(1, 1000)
        self._codec = stream.codec.canonical_name
        self._shape = stream.sample_aspect_ratio if container.rules_pixel_shape else None
        self._sets = ParameterSets(self._codec, bytes(stream.codec_context.extradata or b""))
        self._has_hidden = self._codec == "vp8"
        self._stamps: list[int] = []
        self._durations: list[int] = []
        self._hidden: set[int] = set()
        """Indices of packets that are not presented: cut off by an edit list, hidden reference frames, truncated."""
        self._keys: list[int] = []
        self._first_key: int | None = None
        """Index of the first key frame that can be decoded: no earlier frame is presented."""
        self._least: int | None = None
        """Stamp of the first frame presented where frames before the first key frame (open GOP) follow it."""
        self._recovering: list[Packet[Any]] = []
        """Packets from a recovery point on that did not give a whole frame yet."""
        self._recovery_index = 0
        self._is_recovered = False
        self._broken: list[int] = []
        """Indices of packets before which others are missing."""
        self._stretches: list[tuple[Stretch, str]] = []
        self._is_pending = True
        self._decoded = 0
        self._last: Packet[Any] | None = None
        self.places: dict[int, int | None] = {}
        """First bytes of the key frames, by stamp."""
        stream.codec_context.thread_count = 1

    def add_packet(self, packet: Packet[Any], is_there: bool = True) -> None:
        """Add the next packet; with ``is_there`` False its bytes are missing, and only the container's word is used."""
        stamp = packet.pts
        if stamp is None:
            stamp = packet.dts if packet.dts is not None else (self._stamps[-1] + 1 if self._stamps else 0)
        index = len(self._stamps)
        self._stamps.append(stamp)
        self._durations.append(packet.duration or 0)
        if packet.is_discard or (self._has_hidden and is_there and not memoryview(packet)[0] & 0x10):
            self._hidden.add(index)
        if packet.is_keyframe:
            if is_there:
                self._add_key(packet, index, stamp)
                self.places[stamp] = packet.pos
            elif self._stretches:
                self._keys.append(stamp)
        elif self._recovering and is_there:
            self._recover(packet)
        if packet.is_corrupt:
            self._broken.append(index)
        self._last = packet

    def add_table(
        self, stamps: list[int], last: int, hidden: set[int], keys: Iterable[tuple[int, bytes | None]]
    ) -> None:
        """Add all packets at once, none of them truncated: their stamps, the duration of the last one, indices of those
        not presented, and (index, bytes) of the key frames, None for missing bytes."""
        self._stamps, self._hidden = stamps, hidden
        self._durations = [after - before for before, after in pairwise(stamps)] + [last]
        for index, content in keys:
            stamp = stamps[index]
            if content is not None:
                packet: Packet[Any] = Packet(content)
                packet.pts = packet.dts = stamp
                packet.time_base, packet.is_keyframe = self.base, True
                self._add_key(packet, index, stamp)
            elif self._stretches:
                self._keys.append(stamp)

    @property
    def is_last_cut(self) -> bool:
        """True if the last packet is truncated."""
        return self._last is not None and self._last.is_corrupt

    def forget_last(self) -> None:
        """Drop the last packet, which is truncated."""
        self._last = None
        stamp = self._stamps.pop()
        self._durations.pop()
        self._hidden.discard(len(self._stamps))
        if self._first_key == len(self._stamps):
            self._first_key = None
        if stamp in self._keys[-1:]:
            self._keys.pop()
        if len(self._stretches) > 1 and self._stretches[-1][0].start == stamp:
            self._stretches.pop()

    def _add_key(self, packet: Packet[Any], index: int, stamp: int) -> None:
        extradata = bytes(packet.get_sidedata("new_extradata")) if packet.has_sidedata("new_extradata") else None
        key = self._sets.note(memoryview(packet), extradata)
        if self._recovering and not key.may_start:
            self._recover(packet)
            return
        self._recovering = []
        if (key.may_differ or self._is_pending) and self._decoded < MAX_KEYS_DECODED:
            self._decoded += 1
            frame = self._decode(packet)
            self._is_pending = frame is None
            if frame is not None:
                self._add_stretch(stamp, frame)
            elif not self._recovering and not key.may_start:
                self._recovering, self._recovery_index = [packet], index
        if not self._stretches:
            return
        if self._first_key is None:
            self._first_key, self._least = index, stamp if key.starts_open else None
        if key.may_start:
            self._keys.append(stamp)

    def _recover(self, packet: Packet[Any]) -> None:
        """Decode from a recovery point on until a frame is whole (a stream of intra refresh has no other start)."""
        self._recovering.append(packet)
        context = self.stream.codec_context
        frames: list[VideoFrame] = []
        with contextlib.suppress(av.FFmpegError):
            for waiting in self._recovering if len(self._recovering) == 2 else [packet]:
                frames += context.decode(waiting)
        if not frames and len(self._recovering) <= MAX_RECOVERY_PACKETS:
            return
        if frames and frames[0].pts is not None:
            self._add_stretch(frames[0].pts, frames[0])
            self._first_key, self._least, self._is_pending = self._recovery_index, frames[0].pts, False
            self._is_recovered = True
        context.flush_buffers()
        self._recovering = []

    def _decode(self, packet: Packet[Any]) -> VideoFrame | None:
        """Decode a key packet alone; None where it is damaged. The stream's own context is used because it knows the
        container's colour tags and rotation, as ffmpeg's does."""
        context = self.stream.codec_context
        try:
            frames = context.decode(without_discard(packet) if packet.is_discard else packet)
            frames += context.decode(None)
        except av.FFmpegError:
            frames = []
        finally:
            if context.is_open:
                context.flush_buffers()
        return frames[0] if frames else None

    def _add_stretch(self, stamp: int, frame: VideoFrame) -> None:
        """Start a stretch if this frame's parameters differ from those of the one before."""
        shape = self._shape or self.stream.codec_context.sample_aspect_ratio
        stretch = Stretch(
            start=stamp,
            end=None,
            width=frame.width,
            height=frame.height,
            sample_aspect=Fraction(shape) if shape and shape > 0 else Fraction(1),
            rotation=round(frame.rotation / 90) * 90 % 360,
            matrix=MATRICES.get(int(frame.colorspace), ""),
            full_range=int(frame.color_range) == FULL_RANGE or frame.format.name.startswith("yuvj"),
        )
        if self._stretches:
            last, last_format = self._stretches[-1]
            if last_format == frame.format.name and replace(last, start=stamp) == stretch:
                return
        self._stretches.append((stretch, frame.format.name))

    def presented(self) -> list[int]:
        """List the stamps of the presented frames, sorted; empty where no key frame can be decoded."""
        if not self._stretches or self._first_key is None:
            return []
        least = self._least
        return sorted(
            stamp
            for index, stamp in enumerate(self._stamps)
            if index >= self._first_key and index not in self._hidden and (least is None or stamp >= least)
        )

    def facts(self, shown: list[int], origin: Fraction, *, keep_stamps: bool) -> VideoFacts:
        """Build the facts; ``shown`` is the result of ``presented``, not empty."""
        base = self.base
        steps = [after - before for before, after in pairwise(shown) if after > before]
        last_duration = self._durations[self._stamps.index(shown[-1])]
        step = median_low(steps) if steps else last_duration or round(1 / LONE_FRAME_RATE / base)
        limit = HOLE_SECONDS * base.denominator // base.numerator
        held = ceil(HELD_SECONDS / base)
        holes = tuple(
            (round_ms(before * base - origin), round_ms(after * base - origin))
            for before, after in pairwise(shown)
            if after - before > limit
        )
        return VideoFacts(
            codec=self._codec,
            time_base=base,
            first=shown[0],
            last=shown[-1],
            end=round_ms((shown[-1] + (last_duration or step)) * base - origin),
            start=round_ms(shown[0] * base - origin),
            frames=len(shown),
            rate=_usual_rate(step * base),
            keyframes=tuple(sorted(set(self._keys))),
            stretches=self._finished_stretches(),
            extradata=self._sets.digest,
            holes=holes,
            stamps=tuple(self._stamps) if keep_stamps else None,
            stream=self.stream.index,
            longest=round_ms(max(steps, default=0) * base),
            lost=self._lost(shown, step, origin),
            hidden=tuple(sorted(self._hidden)) if keep_stamps else (),
            has_new_sets=self._sets.has_new,
            held=tuple((before, after) for before, after in pairwise(shown) if after - before >= held),
        )

    @property
    def begins(self) -> int:
        """Stamp at which the recorded video begins, whether its first part can be decoded or not."""
        shown = self.presented()
        before = self._undecodable(shown[0])
        return min(before, default=shown[0])

    def _undecodable(self, first: int) -> list[int]:
        """List the stamps before the first presented frame of packets that were to be presented."""
        behind = None if self._is_recovered else self._first_key
        stamps = enumerate(self._stamps[:behind])
        return [stamp for index, stamp in stamps if stamp < first and index not in self._hidden]

    def _lost(self, shown: list[int], step: int, origin: Fraction) -> tuple[LostVideo, ...]:
        """List the ranges that give no frame: before the first key frame, and from missing packets to the next key
        frame (a decoder gives nothing until then, without an error)."""
        found = []
        before = self._undecodable(shown[0])
        if before:
            found.append((min(before), shown[0], NO_KEY))
        keys = sorted(set(self._keys))
        for index in self._broken:
            near = self._stamps[max(0, index - 1) : index + 3]
            around = shown[bisect_left(shown, min(near)) : bisect_right(shown, max(near)) + 1]
            gap = next((a for a, b in pairwise(around) if 2 * (b - a) > 3 * step), None)
            if gap is None or not shown[0] <= gap < shown[-1] or (found and gap < found[-1][1]):
                continue
            key = bisect_right(keys, gap)
            end = keys[key] if key < len(keys) else shown[-1] + step
            found.append((gap + step, end, PACKETS_LOST))
        return tuple(
            LostVideo(round_ms(start * self.base - origin), round_ms(end * self.base - origin), why)
            for start, end, why in found
        )

    def _finished_stretches(self) -> tuple[Stretch, ...]:
        found = [stretch for stretch, _ in self._stretches]
        ends = [stretch.start for stretch in found[1:]]
        return tuple(replace(stretch, end=end) for stretch, end in zip(found, [*ends, None], strict=True))


def _usual_rate(step: Fraction) -> Fraction:
    """Choose the usual frame rate nearest to this interval in s."""
    rate = 1 / step if step > 0 else LONE_FRAME_RATE
    return min(USUAL_RATES, key=lambda usual: abs(usual - rate))
