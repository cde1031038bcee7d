"""Memory limit and stream helpers shared by the packet-reading child processes."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Collection
from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet, PacketSideData
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from assembler.media.probe.parameter_sets import prefixed_sets

COVERS = Disposition.attached_pic | Disposition.timed_thumbnails
"""Dispositions of video streams that are not part of the class."""
STILLS = ("png", "bmp", "tiff", "webp", "gif")
"""Codecs of covers where there is another video stream: matroska's muxers make tracks of them."""

INDEX_ONLY = {"fpsprobesize": "0", "probesize": "32", "skip_frame": "all"}
"""Options of libav that open an mp4 by its index alone (the last one is for decoders made by opening, not for those of
the streams); by default a frame or more is decoded, which takes 15 ms a file instead of one. What only decoding tells
is then unknown: the format of the pixels, and whether AAC is HE-AAC."""


def limit_memory(size: int) -> None:
    """Limit this process's address space, in bytes, as a hostile file makes libav ask for any size; and let a crash
    write no core file."""
    for what, most in ((resource.RLIMIT_AS, size), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def choose_streams(source: InputContainer, bad: Collection[int] = ()) -> tuple[VideoStream | None, list[AudioStream]]:
    """Choose the video stream that is shown, and all audio streams; ``bad`` ones are ignored, and data streams."""
    video = next((s for s in video_streams(source) if s.index not in bad), None)
    return video, [s for s in source.streams.audio if s.codec_context and s.index not in bad]


def describe_further_video(source: InputContainer, shown: int | None, known: Collection[int] = ()) -> list[str]:
    """Describe the video streams beside the one that is shown (its index) and those ``known`` to be unusable."""
    messages = []
    for s in video_streams(source):
        if s.index != shown and s.index not in known:
            state = "" if s.disposition & Disposition.default else ", not enabled or not the default"
            messages.append(f"a second picture (stream {s.index}, {s.width}x{s.height}{state}): it is not shown.")
    return messages


def video_streams(source: InputContainer) -> list[Any]:
    """List the video streams without cover art, the one to show first: the first that is enabled or default, else the
    first of all."""
    found = [s for s in source.streams.video if s.codec_context and not s.disposition & COVERS]
    moving = [s for s in found if s.codec.canonical_name not in STILLS]
    return sorted(moving or found, key=lambda s: (not s.disposition & Disposition.default, s.index))


def discard_others(source: InputContainer, wanted: Any) -> None:
    """Demux this stream only."""
    for stream in source.streams:
        stream.discard = Discard.default if stream is wanted else Discard.all


def has_counted_stamps(container: str, codec: str) -> bool:
    """True for audio whose stamps only count its packets: an avi has no others, and headers often count wrongly."""
    return container == "avi" and not codec.startswith("pcm_")


def time_base_of(stream: Any) -> Fraction:
    """Return a stream's time base, in s; every stream that is opened for demuxing has one."""
    found: Fraction | None = stream.time_base
    assert found is not None
    return found


def without_discard(packet: Packet[Any]) -> Packet[Any]:
    """Copy a packet without its discard flag: a decoder never outputs a key frame before an edit list's start."""
    twin: Packet[Any] = Packet(bytes(packet))
    twin.pts, twin.dts, twin.is_keyframe = packet.pts, packet.dts, True
    if packet.stream.time_base is not None:
        twin.time_base = packet.stream.time_base
    if packet.has_sidedata("new_extradata"):
        twin.set_sidedata(PacketSideData.from_packet(packet, "new_extradata"))
    return twin


def decode_alone(video: Any, packet: Packet[Any]) -> Any | None:
    """Decode a key frame without any other packet; None where it is damaged, or needs others."""
    context = video.codec_context
    context.flush_buffers()
    with contextlib.suppress(av.FFmpegError):
        frames = [*context.decode(packet), *context.decode(None)]
        return next((frame for frame in frames if not frame.is_corrupt), None)
    return None


class InBandSets:
    """Inserts parameter sets before every key frame whose sets are not those of the output's header."""

    def __init__(self, stream: Any, out: Any) -> None:
        self._codec = stream.codec_context.name
        self._head = bytes(out.codec_context.extradata or b"")
        self._now = bytes(stream.codec_context.extradata or b"")

    def with_sets(self, packet: Packet[Any]) -> Packet[Any]:
        """Copy a key packet with the parameter sets before it, where that is needed."""
        is_new = packet.has_sidedata("new_extradata")
        if is_new:
            self._now = bytes(packet.get_sidedata("new_extradata"))
        is_other = packet.is_keyframe and self._now != self._head
        sets = prefixed_sets(self._codec, self._now) if is_other else b""
        if not sets and not is_new:
            return packet
        # a muxer that sees new extradata would rewrite its header
        twin: Packet[Any] = Packet(sets + bytes(packet))
        twin.is_keyframe = packet.is_keyframe
        return twin
