"""Small bodies the tests of this room start from, and the vendor's own examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parents[2] / "fixtures" / "vendor"


def vendor(name: str) -> bytes:
    return (VENDOR / name).read_bytes()


def video(**changes: Any) -> dict[str, Any]:
    """An entry of VideoInfos; a field changed to ``...`` is left out."""
    entry: dict[str, Any] = {
        "UserId": "ann",
        "VideoDuration": 900_000,
        "VideoFormat": "mp4",
        "VideoId": "v1",
        "VideoPlayTime": 0,
        "VideoSize": 13_151,
        "VideoType": 0,
        "VideoUrl": "http://files.example.com/v1.mp4",
    }
    return {name: value for name, value in {**entry, **changes}.items() if value is not ...}


def online(*videos: Any, **data: Any) -> bytes:
    """An OnlineRecordFinished event with these videos (one good one if none is given)."""
    fields = {"TaskId": "t1", "RoomId": 12, "VideoInfos": list(videos) or [video()], **data}
    return json.dumps({"EventType": "OnlineRecordFinished", "Timestamp": 1, "EventData": fields}).encode()


def api(**data: Any) -> bytes:
    """A DescribeOnlineRecord response."""
    return json.dumps({"Response": {"TaskId": "t1", "RequestId": "r", **data}}).encode()
