"""What every child that reads packets asks of libav's streams."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream


def chosen_streams(source: InputContainer) -> tuple[VideoStream | None, list[AudioStream]]:
    """The first picture stream that is no cover art, and every sound stream; data streams are ignored."""
    picture = next(
        (s for s in source.streams.video if s.codec_context and not s.disposition & Disposition.attached_pic), None
    )
    return picture, [s for s in source.streams.audio if s.codec_context]


def alone(source: InputContainer, wanted: Any) -> None:
    """Read the packets of this track only."""
    for stream in source.streams:
        stream.discard = Discard.default if stream is wanted else Discard.all


def tick(stream: Any) -> Fraction:
    """Seconds; every track of an mp4, and of what is opened for reading packets, has one."""
    found: Fraction | None = stream.time_base
    assert found is not None
    return found
