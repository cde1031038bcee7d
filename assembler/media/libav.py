"""What every child that reads packets asks of libav's streams."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from assembler.media.probe.parameter_sets import prefixed_sets

COVERS = Disposition.attached_pic | Disposition.timed_thumbnails
"""What makes a picture stream none of the class."""
STILLS = ("png", "bmp", "tiff", "webp", "gif")
"""A cover, too, where there is another picture: matroska's muxers make tracks of them."""


def chosen_streams(source: InputContainer, bad: Collection[int] = ()) -> tuple[VideoStream | None, list[AudioStream]]:
    """The picture stream that is shown, and every sound stream; data streams are ignored, and ``bad`` ones."""
    picture = next((s for s in pictures_of(source) if s.index not in bad), None)
    return picture, [s for s in source.streams.audio if s.codec_context and s.index not in bad]


def further_pictures(source: InputContainer, shown: int | None, known: Collection[int] = ()) -> list[str]:
    """Pictures beside the one that is shown (its index) and those ``known`` to be unusable, in words."""
    told = []
    for s in pictures_of(source):
        if s.index != shown and s.index not in known:
            state = "" if s.disposition & Disposition.default else ", not enabled or not the default"
            told.append(f"a second picture (stream {s.index}, {s.width}x{s.height}{state}): it is not shown.")
    return told


def pictures_of(source: InputContainer) -> list[Any]:
    """The file's picture streams that are no cover art, the one that is shown first: the first of those that the file
    calls enabled or default, else the first."""
    found = [s for s in source.streams.video if s.codec_context and not s.disposition & COVERS]
    moving = [s for s in found if s.codec.canonical_name not in STILLS]
    return sorted(moving or found, key=lambda s: (not s.disposition & Disposition.default, s.index))


def alone(source: InputContainer, wanted: Any) -> None:
    """Read the packets of this track only."""
    for stream in source.streams:
        stream.discard = Discard.default if stream is wanted else Discard.all


def is_counted(container: str, codec: str) -> bool:
    """True for sound whose stamps only count its packets: an avi has no others, and headers often count wrongly."""
    return container == "avi" and not codec.startswith("pcm_")


def tick(stream: Any) -> Fraction:
    """Seconds; every track of an mp4, and of what is opened for reading packets, has one."""
    found: Fraction | None = stream.time_base
    assert found is not None
    return found


class InBandSets:
    """Parameter sets that are not those of the file's header go in front of every key frame."""

    def __init__(self, stream: Any, out: Any) -> None:
        self._codec = stream.codec_context.name
        self._head = bytes(out.codec_context.extradata or b"")
        self._now = bytes(stream.codec_context.extradata or b"")

    def with_sets(self, packet: Packet[Any]) -> Packet[Any]:
        is_told = packet.has_sidedata("new_extradata")
        if is_told:
            self._now = bytes(packet.get_sidedata("new_extradata"))
        is_other = packet.is_keyframe and self._now != self._head
        sets = prefixed_sets(self._codec, self._now) if is_other else b""
        if not sets and not is_told:
            return packet
        # a muxer that is told of new extradata would write its header anew
        twin: Packet[Any] = Packet(sets + bytes(packet))
        twin.is_keyframe = packet.is_keyframe
        return twin
