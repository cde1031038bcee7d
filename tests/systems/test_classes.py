"""A class in the shape of each system, its files on disk, by the body that the system gives: pictures and sound are
where they belong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from classes import BOARD, SMALL, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE, recipe
from synthetic import make

from assembler.options import load_options
from assembler.pipeline.assemble import assemble
from assembler.pipeline.read_results import read_recordings
from assembler.recording import StreamKind

BEGUN = 1_790_000_000_000
"""Instant at which the recorder began, long before the first file."""
FIRST = 7_700
"""Beginning of the first file behind it, in ms: there the playback begins."""
CAMERA, SCREEN, AUDIO, SCREEN_AUDIO = (
    StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.AUDIO, StreamKind.SCREEN_AUDIO,
)  # fmt: skip
KINDS = {CAMERA: "cam-video", AUDIO: "cam-audio", SCREEN: "screen-video", SCREEN_AUDIO: "screen-audio"}


def together(container: str, **more: Any) -> list[Stream]:
    """Sound and picture in one file of each stream."""
    return [
        Stream("ann-1", CAMERA, "ann", 0, recipe("red", 6, container=container, **more), USER_1),
        Stream("bob-1", CAMERA, "bob", 1_050, recipe("green", 4, container=container, **more), USER_2),
        Stream("ann-share", SCREEN, "ann", 2_250, recipe("blue", 3, 5, container=container, **more), BOARD),
    ]


def apart(late: bool = False) -> list[Stream]:
    """Sound and picture in files of their own; ``late``: the stamps of each begin where it belongs."""

    def one(name: str, kind: StreamKind, user: str, at: int, colour: str, seconds: int, rect: Any = None) -> Stream:
        begin = Fraction(FIRST + at, 1000) if late else Fraction(0)
        which = {"picture": False} if kind.is_sound else {"sound": False}
        return Stream(name, kind, user, at, recipe(colour, seconds, container="webm", origin=begin, **which), rect)

    return [
        one("ann-1", CAMERA, "ann", 400, "red", 5, USER_1),
        one("ann-2", AUDIO, "ann", 0, "green", 6),
        one("bob-1", CAMERA, "bob", 1_250, "magenta", 4, USER_2),
        one("bob-2", AUDIO, "bob", 1_100, "cyan", 4),
        one("ann-share", SCREEN, "ann", 2_250, "yellow", 3, BOARD),
        one("ann-film", SCREEN_AUDIO, "ann", 2_200, "blue", 3),
    ]


def zego(streams: list[Stream]) -> Any:
    files = [
        {"UserId": s.user, "UserName": s.user.title(), "StreamId": s.video_id, "FileId": f"{s.video_id}.mp4",
         "OutputFileFormat": "mp4", "Duration": s.declared, "MediaTrackType": 3, "Status": 3,
         "BeginTimestamp": BEGUN + FIRST + s.play}
        for s in streams
    ]  # fmt: skip
    return {"Code": 0, "Data": {"RoomId": "r", "Status": 3, "RecordBeginTimestamp": BEGUN, "RecordFiles": files}}


def vonage(streams: list[Stream]) -> Any:
    files = [
        {"connectionData": s.user, "filename": f"{s.video_id}.webm", "streamId": s.video_id,
         "startTimeOffset": FIRST + s.play, "stopTimeOffset": FIRST + s.play + (s.declared or 0),
         "videoType": "screen" if s.kind is SCREEN else "camera"}
        for s in streams
    ]  # fmt: skip
    return {"id": "a1", "sessionId": "r", "createdAt": BEGUN, "files": files}


def daily(streams: list[Stream]) -> Any:
    events = []
    for n, s in enumerate(streams):
        at = (BEGUN + FIRST + s.play) / 1000
        about = {"trackSessionNum": n, "trackType": KINDS[s.kind], "displayName": s.user}
        place = {
            "trackSessionNum": n,
            "uri": f"s3://b/d/r/{s.video_id}",
            "contentType": "video/webm",
            "user_id": s.user,
        }
        events += [
            {"ts": at, "type": "track-added", "participant_id": "x", "data": about},
            {
                "ts": at,
                "type": "recording-media-started",
                "participant_id": "x",
                "data": {**place, "mediaStartTime": at},
            },
        ]
    return {"format_id": "daily-event-json", "events": events}


def twilio(streams: list[Stream]) -> Any:
    files = [
        {"sid": s.video_id, "status": "completed", "type": "audio" if s.kind.is_sound else "video", "offset": 84319231,
         "track_name": "screen" if s.kind in (SCREEN, SCREEN_AUDIO) else "own", "container_format": "mkv",
         "grouping_sids": {"room_sid": "RM1", "participant_sid": s.user}}
        for s in streams
    ]  # fmt: skip
    return {"recordings": files}


def trtc(streams: list[Stream]) -> Any:
    """One event a file, and the last one."""

    def event(kind: int, **payload: Any) -> Any:
        info = {"RoomId": "r", "TaskId": "t", "Payload": payload}
        return {"EventGroupId": 3, "EventType": kind, "EventInfo": info}

    files = [
        {"UserId": s.user, "MediaId": "aux" if s.kind is SCREEN else "main", "TrackType": "audio_video",
         "CacheFile": f"{s.video_id}.mp4", "StartTimeStamp": BEGUN + FIRST + s.play,
         "EndTimeStamp": BEGUN + FIRST + s.play + (s.declared or 0)}
        for s in streams
    ]  # fmt: skip
    return [*(event(311, Status=0, TencentVod=file) for file in files), event(312, Status=0)]


def livekit(streams: list[Stream]) -> Any:
    """An event and a manifest of each track."""
    sources = {CAMERA: "camera", AUDIO: "microphone", SCREEN: "screen_share", SCREEN_AUDIO: "screen_share_audio"}
    bodies: list[Any] = []
    for s in streams:
        begun = (BEGUN + FIRST + s.play) * 1_000_000
        room = {"roomId": "RM", "roomName": "r", "egressId": f"EG_{s.video_id}", "status": "EGRESS_COMPLETE"}
        results = [{"filename": f"rec/{s.video_id}.webm", "startedAt": str(begun)}]
        bodies += [
            {"event": "egress_ended", "egressInfo": {**room, "track": {"trackId": "T"}, "fileResults": results}},
            {"egress_id": f"EG_{s.video_id}", "room_id": "RM", "room_name": "r", "publisher_identity": s.user,
             "track_source": sources[s.kind], "started_at": BEGUN, "files": [{"filename": f"rec/{s.video_id}.webm"}]},
        ]  # fmt: skip
    return bodies


def agora(streams: list[Stream]) -> Any:
    """Playlists of each track, which ``slice_up`` makes."""
    files = [
        {"fileName": f"dir1/{s.video_id}.m3u8", "trackType": "audio" if s.kind.is_sound else "video", "uid": s.user,
         "mixedAllUser": False, "isPlayable": True, "sliceStartTime": BEGUN + FIRST + s.play}
        for s in streams
    ]  # fmt: skip
    return {"sid": "t", "cname": "r", "serverResponse": {"fileList": files, "uploadingStatus": "uploaded"}}


def slice_up(source: Path, media: Path, stream: Stream) -> None:
    """Cut a file into two slices with a playlist; a slice need not begin with a key frame."""
    raw = source.read_bytes()
    middle = len(raw) // 376 * 188
    lines = ["#EXTM3U", f"#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TIME={BEGUN + FIRST + stream.play}"]
    for n, data in enumerate((raw[:middle], raw[middle:])):
        (media / f"{stream.video_id}_{n}.ts").write_bytes(data)
        lines += [f"#EXTINF:{float(stream.recipe.seconds) / 2:.6f}", f"{stream.video_id}_{n}.ts"]
    (media / f"{stream.video_id}.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST"]))


def tracks() -> list[Stream]:
    """Sound and picture in slices of their own."""
    own = [s for s in apart() if s.kind in (CAMERA, AUDIO)]
    return [replace(s, recipe=s.recipe.model_copy(update={"container": "ts"})) for s in own]


SHAPES = {
    "agora": (agora, tracks()),
    "trtc": (trtc, together("mp4")),
    "livekit": (livekit, apart()),
    "zego": (zego, together("mp4")),
    "vonage": (vonage, together("webm")),
    "daily": (daily, apart()),
    "twilio": (twilio, apart(late=True)),
}


@pytest.mark.parametrize("system", SHAPES)
def test_a_class_of_each_system_is_in_sync(system: str, tmp_path: Path, bundled_ffmpeg: str) -> None:
    write, streams = SHAPES[system]
    media = tmp_path / "media"
    media.mkdir()
    for stream in streams:
        source = make(stream.recipe, bundled_ffmpeg)
        if system == "agora":
            slice_up(source, media, stream)
        else:
            shutil.copyfile(source, media / f"{stream.video_id}{source.suffix}")
    (tmp_path / "small.json").write_text(SMALL)
    options = load_options(layout=str(tmp_path / "small.json"), media_dir=media, ffmpeg=bundled_ffmpeg, processes=2)
    given = BytesIO(json.dumps(write(streams)).encode())
    playback = assemble(read_recordings(["-"], given), tmp_path / "class.mp4", options)
    lesson = Class(streams)
    assert abs(playback.manifest.length - 6_000) <= 1, "a webm counts in ms"
    assert wrong_pictures(lesson, playback) == []
    errors = beep_errors(lesson, playback)
    assert max(errors.values()) <= SOUND_TOLERANCE, errors
    assert f"Read as {'an' if system in ('vonage', 'agora') else ''}" in playback.manifest.findings[0].sentence
