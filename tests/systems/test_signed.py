"""A class of each system that has a webhook: signed callbacks to `serve`, its worker, and a playback in sync."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from classes import SMALL, Class, Stream, beep_errors, wrong_pictures
from e2e.test_sync import SOUND_TOLERANCE
from forked import Forked
from livekit import api
from synthetic import make
from terminal import MAIN, until
from workshop import Workshop

from assembler.dialects.systems.signatures import sign_trtc, sign_zego
from assembler.jobs.store.model import JobState
from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import load_manifest
from assembler.recording import StreamKind
from systems.test_classes import BEGUN, FIRST, SHAPES

SECRET = "a secret of thirty-two characters"
SOURCES = {
    StreamKind.CAMERA: "camera", StreamKind.AUDIO: "microphone", StreamKind.SCREEN: "screen_share",
    StreamKind.SCREEN_AUDIO: "screen_share_audio",
}  # fmt: skip


def trtc(body: Any) -> tuple[bytes, dict[str, str]]:
    raw = json.dumps(body).encode()
    return raw, {"Sign": sign_trtc(SECRET, raw), "SdkAppId": "1400000000"}


def zego(answer: Any) -> tuple[bytes, dict[str, str]]:
    """The callback with the files of an answer, as Zego spells it there."""
    told = answer["Data"]["RecordFiles"]
    files = [{re.sub("(?<!^)([A-Z])", r"_\1", key).lower(): value for key, value in file.items()} for file in told]
    at = str(int(time.time()))
    body = {
        "app_id": 123, "task_id": "t", "room_id": "r", "event_type": 1, "nonce": "5", "timestamp": at,
        "signature": sign_zego(SECRET, at, "5"), "detail": {"upload_status": 1, "file_info": files},
    }  # fmt: skip
    return json.dumps(body).encode(), {}


def livekit(body: Any) -> tuple[bytes, dict[str, str]]:
    raw = json.dumps(body).encode()
    covered = base64.b64encode(hashlib.sha256(raw).digest()).decode()
    token = api.AccessToken("APIkey", SECRET).with_sha256(covered).with_ttl(timedelta(minutes=5)).to_jwt()
    return raw, {"Authorization": token, "Content-Type": "application/webhook+json"}


def named(stream: Stream) -> str:
    """The name of LiveKit's file: it says whose it is."""
    return f"{stream.user}~{SOURCES[stream.kind]}~{stream.video_id}"


def told_by_livekit(streams: list[Stream]) -> list[Any]:
    """What a server of LiveKit sends: without the manifests, which lie beside the files."""

    def event(name: str, number: int, **more: Any) -> Any:
        return {"event": name, "id": f"EV_{name}_{number}", "createdAt": "1790000031", **more}

    bodies = [event("room_started", 0, room={"sid": "t", "name": "r"})]
    for status, name in (("EGRESS_ACTIVE", "egress_started"), ("EGRESS_COMPLETE", "egress_ended")):
        for n, s in enumerate(streams):
            begun = str((BEGUN + FIRST + s.play) * 1_000_000)
            results = [{"filename": f"rec/{named(s)}.webm", "startedAt": begun}] if name == "egress_ended" else []
            request = {
                "trackId": s.video_id,
                "file": {"filepath": "rec/{publisher_identity}~{track_source}~{track_id}"},
            }
            info = {"roomId": "t", "roomName": "r", "egressId": f"EG_{n}", "status": status, "track": request}
            bodies.append(event(name, n, egressInfo={**info, "fileResults": results}))
        if name == "egress_started":
            bodies.append(event("room_finished", 0, room={"sid": "t", "name": "r"}))
    return bodies


@contextmanager
def serving(shop: Workshop) -> Iterator[str]:
    """`assembler serve` with a worker, until the ``with`` is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words, log = ("serve", "--port", str(port)), shop.folder / "worker.log"
    server = Forked(MAIN, *words, cwd=shop.folder, env={**os.environ}, log=log)
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        try:
            return requests.get(f"{url}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False

    try:
        until(is_up, 30)
        yield url
    finally:
        server.terminate()
        server.wait(30)


SIGNED: dict[str, tuple[str, Callable[[Any], tuple[bytes, dict[str, str]]]]] = {
    "trtc": (SECRET, trtc),
    "zego": (f"123:{SECRET}", zego),
    "livekit": (f"APIkey:{SECRET}", livekit),
}


@pytest.mark.parametrize("system", SIGNED)
def test_signed_callbacks_become_a_class_in_sync(system: str, tmp_path: Path, bundled_ffmpeg: str) -> None:
    write, streams = SHAPES[system]
    key, signed = SIGNED[system]
    media = tmp_path / "media"
    media.mkdir()
    for stream in streams:
        source = make(stream.recipe, bundled_ffmpeg)
        name = named(stream) if system == "livekit" else stream.video_id
        shutil.copyfile(source, media / f"{name}{source.suffix}")
    (tmp_path / "small.json").write_text(SMALL)
    given = {"media_dir": str(media), "layout": str(tmp_path / "small.json"), f"{system}_callback_keys": key}
    made = told_by_livekit(streams) if system == "livekit" else write(streams)
    bodies = made if isinstance(made, list) else [made]
    with Workshop.opened(tmp_path, **given) as shop, serving(shop) as url:
        for body in [*bodies, *bodies[:2]]:
            raw, headers = signed(body)
            assert requests.post(f"{url}/callback", raw, headers=headers, timeout=10).status_code == 200
            again = requests.post(f"{url}/callback", raw + b" ", timeout=10)
            assert again.status_code == (200 if system == "zego" else 403), "its signature is in the body"
        until(lambda: [job.id for job in shop.records.list_jobs()] == ["t"], 20)
        job = shop.wait(JobState.DONE, "t", 120)
        assert (job.system, job.revision) == (system, 1)
        playback = Playback(Path(job.output), load_manifest(Path(job.output)), was_there=False)
        lesson = Class(streams)
        assert wrong_pictures(lesson, playback) == []
        errors = beep_errors(lesson, playback)
        assert max(errors.values()) <= SOUND_TOLERANCE, errors
