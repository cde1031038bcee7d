"""Parameters of requests by the vendor's pages, read from either generation's spelling."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from assembler.emulator.errors import Reason, Refused
from assembler.emulator.task import Wishes

MOST_ROOM = 4294967295
"""Maximum number of a room."""
MOST_BYTES_OF_USER = 60
"""Maximum length of the recorder's user id, in bytes."""
_Any = TypeVar("_Any", bound=BaseModel)
EXTRAS = ("MIX_STREAM",)
"""Extras that exist."""
_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s]*")


class Part(BaseModel):
    """Parameters, named as in generation 1; aliases are generation 3's."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal, populate_by_name=True)


class _Concat(Part):
    enabled: bool = False
    image: str = ""


class _Board(Part):
    width: int = Field(default=1280, ge=2, le=3000)
    height: int = Field(default=960, ge=2, le=3000)
    init_param: str = ""


class _Mix(Part):
    enabled: bool = False
    disable_audio: bool = False
    model_id: int | None = None
    teacher_id: str = ""
    custom: dict[str, Any] | None = None


class _Stream(Part):
    stream_id: str = ""
    disable_record: bool = False
    disable_audio: bool = False
    pull_small_video: bool = False


class _Control(_Stream):
    enabled: bool = False
    stream_controls: list[_Stream] = []


class Made(Part):
    """Parameters of files, made now or after class."""

    sdk_app_id: int | None = None
    """SdkAppId of generation 3."""
    group_id: str | None = None
    """Group of the board; None: as the room."""
    concat: _Concat = _Concat()
    """Concat."""
    whiteboard: _Board = _Board()
    """Picture of the board."""
    mix_stream: _Mix = _Mix()
    """Mixed stream."""
    record_control: _Control = _Control()
    """Streams that are left out or mute."""
    extra_data: str = ""
    """Parameter of the vendor's own."""


class Start(Made):
    """Parameters of a start, in the spelling of generation 3."""

    room_id: int
    """Room."""
    record_user_id: str
    """The recorder's user."""
    record_user_sig: str
    """Signature of that user."""
    extras: list[str] = []
    """Extras that are used."""
    audio_file_needed: bool = False
    """True for mp3 files as well."""
    record_mode: str = "REALTIME_MODE"
    """REALTIME_MODE or VIDEO_GENERATION_MODE."""
    chat_group_id: str = ""
    """Group of the chat."""
    auto_stop_timeout: int = 300
    """Maximum time without media and board, in s."""
    trtc_room_id: int | None = Field(default=None, alias="TRTCRoomId")
    """Room of the media where it has another number."""
    trtc_room_id_str: str | None = Field(default=None, alias="TRTCRoomIdStr")
    """That room's number as text."""


class Generate(Made):
    """Parameters of files after class, of a recording."""

    online_record_task_id: str
    """Recording."""


class StartV1(Made):
    """Parameters of a start in generation 1, and of files after class."""

    room_id: int
    """Room."""
    user_id: str = ""
    """The recorder's user."""
    user_sig: str = ""
    """Signature of that user."""
    extra: list[str] | str | None = None
    """Extras that are used."""


def read(model: type[_Any], values: Mapping[str, Any], *, is_text: bool = False) -> _Any:
    """Read parameters; ``is_text``: numbers came as text (GET). Raises Refused."""
    try:
        return model.model_validate(values) if is_text else model.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = {
            "missing": Reason.MALFORMED if model is not Start else Reason.PARAMETER,
            "extra_forbidden": Reason.UNKNOWN_PARAMETER,
        }.get(first["type"], Reason.WRONG_TYPE if first["type"].endswith(("_type", "_parsing")) else Reason.PARAMETER)
        raise Refused(reason, f"{where}: {first['msg']}") from exc


def check_start(start: Start) -> Wishes:
    """Check what a start asks for. Raises Refused."""
    check_recorder(start.room_id, start.record_user_id, start.record_user_sig)
    if not set(start.extras) <= set(EXTRAS):
        raise Refused(Reason.EXTRA, "Extras holds an unknown extra: MIX_STREAM is the only one")
    if start.mix_stream.enabled and "MIX_STREAM" not in start.extras:
        raise Refused(Reason.PARAMETER, "MixStream needs MIX_STREAM in Extras")
    if not 300 <= start.auto_stop_timeout <= 86_400:
        raise Refused(Reason.PARAMETER, "AutoStopTimeout is 300 to 86400 s")
    if start.record_mode not in ("REALTIME_MODE", "VIDEO_GENERATION_MODE"):
        raise Refused(Reason.PARAMETER, "RecordMode is REALTIME_MODE or VIDEO_GENERATION_MODE")
    more = {"audio": start.audio_file_needed, "auto_stop": start.auto_stop_timeout}
    return check_made(start).model_copy(update={**more, "later": start.record_mode == "VIDEO_GENERATION_MODE"})


def check_recorder(room: int, user: str, user_sig: str) -> None:
    """Check the room and the user who enters it. Raises Refused."""
    if not 1 <= room <= MOST_ROOM:
        raise Refused(Reason.PARAMETER, f"the room is 1 to {MOST_ROOM}")
    prefix = f"tic_record_user_{room}"
    if not user.startswith(prefix) or user == prefix or user[len(prefix)].isdigit():
        raise Refused(Reason.PARAMETER, f"the recorder's user has to be {prefix}_ and something")
    if not user.isprintable() or "\ufffd" in user:  # which the reader of bodies leaves where a character cannot be
        raise Refused(Reason.PARAMETER, "the recorder's user has a character that is not to be printed")
    if len(user.encode("utf-8", "replace")) > MOST_BYTES_OF_USER:
        raise Refused(Reason.PARAMETER, f"the recorder's user has more than {MOST_BYTES_OF_USER} bytes")
    if not user_sig:
        raise Refused(Reason.PARAMETER, "the recorder's user has no UserSig")


def check_made(made: Made) -> Wishes:
    """Check what is wished of files. Raises Refused."""
    mix, control = made.mix_stream, made.record_control
    if mix.enabled and mix.custom is None and mix.model_id not in (1, 2):
        raise Refused(Reason.PARAMETER, "a mixed stream needs ModelId 1 or 2, or Custom")
    streams: dict[str, dict[str, bool]] = {}
    if control.enabled:
        for one in (control, *control.stream_controls):
            streams[one.stream_id] = {"DisableRecord": one.disable_record, "DisableAudio": one.disable_audio}
    model = "100" if mix.custom is not None else str(100 + (mix.model_id or 0))
    return Wishes(
        concat=made.concat.enabled, mix=model if mix.enabled else None, streams=streams,
        board=(made.whiteboard.width, made.whiteboard.height),
    )  # fmt: skip


def check_address(url: object) -> str:
    """Check a callback address; "" deletes it. Raises Refused."""
    if not isinstance(url, str) or (url and not _ADDRESS.fullmatch(url)):
        raise Refused(Reason.CALLBACK)
    return url
