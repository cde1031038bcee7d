"""Short words for recordings in tests."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from assembler.facts import AudioFacts, Facts, Stretch, VideoFacts
from assembler.recording import Omission, Recording, Segment, StreamKind
from assembler.times import FileMs, Ms, PlayMs, WallMs

START = 1_600_000_000_000


def segment(
    video_id: str,
    kind: StreamKind,
    user: str,
    play: int,
    duration: int | None,
    *,
    stream: str | None = None,
    size: tuple[int, int] | None = None,
) -> Segment:
    return Segment(
        video_id=video_id,
        kind=kind,
        user=user,
        stream_id=user if stream is None else stream,
        play_time=PlayMs(play),
        duration=None if duration is None else Ms(duration),
        size=None,
        format="mp4",
        url=f"http://example.com/{video_id}.mp4",
        width=size[0] if size else None,
        height=size[1] if size else None,
    )


def camera(video_id: str, user: str, play: int, duration: int | None) -> Segment:
    return segment(video_id, StreamKind.CAMERA, user, play, duration)


def board(video_id: str, play: int, duration: int | None) -> Segment:
    return segment(video_id, StreamKind.WHITEBOARD, "", play, duration)


def screen(video_id: str, user: str, play: int, duration: int | None) -> Segment:
    return segment(video_id, StreamKind.SCREEN, user, play, duration, stream=f"tic_substream_{user}")


def mix(
    video_id: str, play: int, duration: int | None, *, stream: str = "", size: tuple[int, int] | None = None
) -> Segment:
    return segment(video_id, StreamKind.MIX, "", play, duration, stream=stream, size=size)


def omission(at: int | None, pause: int, resume: int | None) -> Omission:
    """Pause and resume relative to START."""
    return Omission(
        at=None if at is None else PlayMs(at),
        pause=WallMs(START + pause),
        resume=None if resume is None else WallMs(START + resume),
    )


def recording(
    segments: Iterable[Segment],
    *,
    total: int | None = None,
    omissions: Iterable[Omission] = (),
    start: int | None = 0,
    stop: int | None = None,
    task: str = "t1",
) -> Recording:
    """Start and stop relative to START (None: missing)."""
    return Recording(
        dialect="neutral",
        task_id=task,
        app_id=None,
        room_id="7",
        group_id=None,
        record_user_id=None,
        start=None if start is None else WallMs(START + start),
        stop=None if stop is None else WallMs(START + stop),
        total=None if total is None else Ms(total),
        segments=tuple(segments),
        omissions=tuple(omissions),
        finish_reason=None,
        exception_count=0,
        interrupts=(),
        error=None,
        findings=(),
    )


def facts(
    video_id: str,
    end: int,
    *,
    rate: Fraction = Fraction(15),
    size: tuple[int, int] = (640, 480),
    picture: bool = True,
    sound: bool = True,
    picture_start: int = 0,
    picture_end: int | None = None,
    sound_start: int = 0,
    sound_end: int | None = None,
    keyframes: tuple[int, ...] = (0,),
    stamps: tuple[int, ...] | None = None,
    extradata: str = "same",
    codec: str = "h264",
) -> Facts:
    """Facts of a file with a 1/15360 time base."""
    last = picture_end if picture_end is not None else end
    pictured = VideoFacts(
        codec=codec,
        time_base=Fraction(1, 15360),
        first=picture_start * 15360 // 1000,
        last=max(0, last * 15360 // 1000 - int(15360 / rate)),
        start=FileMs(picture_start),
        end=FileMs(last),
        frames=max(1, int((last - picture_start) * rate / 1000)),
        rate=rate,
        keyframes=keyframes,
        stretches=(
            Stretch(
                start=0,
                end=None,
                width=size[0],
                height=size[1],
                sample_aspect=Fraction(1),
                rotation=0,
                matrix="bt709",
                full_range=False,
            ),
        ),
        extradata=extradata,
        holes=(),
        stamps=stamps,
    )
    heard = AudioFacts(
        index=int(picture),
        codec="aac",
        rate=48000,
        channels=1,
        start=FileMs(sound_start),
        end=FileMs(sound_end if sound_end is not None else end),
        is_constant=True,
    )
    return Facts(
        video_id=video_id,
        size=1000,
        container="mov",
        origin=Fraction(0),
        declared=FileMs(end),
        picture=pictured if picture else None,
        sounds=(heard,) if sound else (),
        is_truncated=False,
    )
