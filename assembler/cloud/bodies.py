"""Parameters of requests, in the spelling of both generations: fields are named as in v1, aliases as in v3.

The rules are those of the vendor's pages ("online record API v1", 4.1 to 4.5; version 2019-09-19, product "TIW").
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_pascal, to_snake

from assembler.dialects.body import Json, JsonObject, shown
from assembler.errors import InputError
from assembler.layout.arrange import find_row
from assembler.layout.choose import AUTO
from assembler.layout.custom import custom_of
from assembler.layout.row import Needs

SECRETS = ("user_sig", "RecordUserSig", "CallbackKey", "sign")
"""Names of parameters that no message and no dry run shows."""
ADDRESS = re.compile(r"(https?://[^\s/]\S*)?")
"""Pattern of a callback address, or of none."""
MODELS = {"tiw-1": 1, "tiw-2": 2}
"""Layouts that the vendor mixes by itself."""
MIXED_USERS = 4
"""Number of places for users in a mixed stream of another layout: as many as in the vendor's."""
MOST_ROOM = 4294967295
"""Maximum number of a room, by the vendor's page."""
MOST_BYTES_OF_USER = 60
"""Maximum length of the recorder's user id, in bytes, by the vendor's page."""
GENERATION_1 = frozenset({"room_id", "group_id", "user_id", "user_sig", "whiteboard", "concat", "mix_stream", "extra"})
"""Fields that generation 1 knows: its page, and for the last three its public clients."""
FLAGS = {"auto_stop_timeout": " (--auto-stop)"}
"""Flags of fields that only generation 3 knows, for messages."""

T = TypeVar("T", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, loc_by_alias=False, alias_generator=to_pascal
    )

    def spelled(self, *, as_v1: bool) -> JsonObject:
        """Return what was given, spelled as one generation wants it."""
        values: JsonObject = self.model_dump(mode="json", by_alias=not as_v1, exclude_none=True)
        mixed = values.get("mix_stream")
        if isinstance(mixed, dict) and "custom" in mixed:  # given by the vendor's newer names
            values["mix_stream"] = {**mixed, "custom": _as_snake(mixed["custom"])}
        return values


def _as_snake(value: Json) -> Json:
    if isinstance(value, list):
        return [_as_snake(part) for part in value]
    return {to_snake(name): _as_snake(part) for name, part in value.items()} if isinstance(value, dict) else value


def _as_text(value: object) -> object:
    """The page wants JSON in a string; an object is written into one."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


class _Whiteboard(_Part):
    """Picture of the board."""

    width: int = Field(default=1280, ge=2)
    """Pixels."""
    height: int = Field(default=960, ge=2)
    """Pixels."""
    init_param: Annotated[str, BeforeValidator(_as_text)] | None = None
    """JSON for the whiteboard's SDK, as text."""

    @field_validator("init_param")
    @classmethod
    def _is_json(cls, text: str | None) -> str | None:
        if text:
            try:
                json.loads(text)
            except ValueError as exc:
                raise ValueError('this is not JSON such as {"ratio": "16:9"}') from exc
        return text


class _Concat(_Part):
    """Joining of the files of one stream over its pauses."""

    enabled: bool = True
    image: str | None = None
    """Address of a picture for holes; black where None."""


class _MixStream(_Part):
    """A mixed stream: one of the vendor's two models, or a layout."""

    enabled: bool = True
    disable_audio: bool | None = None
    model_id: Literal[1, 2] | None = None
    teacher_id: str | None = None
    """User with the first place of a model."""
    custom: dict[str, Any] | None = None
    """CustomLayout; it overrules the model."""

    @model_validator(mode="after")
    def _has_layout(self) -> Self:
        if self.enabled and self.model_id is None and not self.custom:
            raise ValueError("a mixed stream needs ModelId 1 or 2, or a Custom layout")
        return self


class _StreamControl(_Part):
    """Control of the streams whose id begins with this one."""

    stream_id: str
    disable_record: bool | None = None
    disable_audio: bool | None = None
    pull_small_video: bool | None = None


class _RecordControl(_Part):
    """Choice of the streams that are recorded, and how."""

    enabled: bool = True
    disable_record: bool | None = None
    disable_audio: bool | None = None
    pull_small_video: bool | None = None
    stream_controls: tuple[_StreamControl, ...] | None = None


class _Picture(_Part):
    """Part that a recording and a later generation of its files are given alike."""

    whiteboard: _Whiteboard | None = None
    concat: _Concat | None = None
    mix_stream: _MixStream | None = None
    record_control: _RecordControl | None = None
    extra_data: str | None = None
    """Parameter of the vendor's own, which its support may ask for (v3)."""


class Generation(_Picture):
    """Files made after class: of a room's messages in v1, of a recording task in v3."""

    room_id: int | None = Field(default=None, ge=1, le=MOST_ROOM)
    """Number of the room, for v1."""
    group_id: str | None = None
    """IM group of its board; the room's number where None."""
    online_record_task_id: str | None = None
    """Task that recorded the class, for v3."""


class Start(_Picture):
    """Recording to be started."""

    room_id: int = Field(ge=1, le=MOST_ROOM)
    """Number of the room."""
    group_id: str | None = None
    """IM group of the board; the room's number where None."""
    user_id: str = Field(alias="RecordUserId")
    """User as whom the recorder enters the room: ``tic_record_user_<room>_<anything>``, another one for each task."""
    user_sig: str = Field(alias="RecordUserSig", min_length=1)
    """Signature that lets this user in."""
    extra: tuple[str, ...] | None = Field(default=None, alias="Extras")
    """Features in use; MIX_STREAM is added where a mixed stream is asked for."""
    audio_file_needed: bool | None = None
    """True for an mp3 of each stream as well."""
    record_mode: Literal["REALTIME_MODE", "VIDEO_GENERATION_MODE"] | None = None
    """Mode; VIDEO_GENERATION_MODE keeps what is needed to make files later."""
    chat_group_id: str | None = None
    """IM group of the chat, kept in that mode."""
    auto_stop_timeout: int | None = Field(default=None, ge=300, le=86400)
    """Time without media and board after which the vendor ends the recording, in s; its own 300 where None."""
    trtc_room_id: int | None = Field(default=None, alias="TRTCRoomId", ge=1, le=MOST_ROOM)
    """Number of the room with the media, where it is another one."""
    trtc_room_id_str: str | None = Field(default=None, alias="TRTCRoomIdStr")
    """Name of the room with the media, where it has no number."""

    @model_validator(mode="before")
    @classmethod
    def _with_feature(cls, given: Any) -> Any:
        is_mixed = any(given.get(name) is not None for name in ("mix_stream", "MixStream"))
        if is_mixed and given.get("extra") is None and given.get("Extras") is None:
            return {**given, "extra": ["MIX_STREAM"]}
        return given

    @model_validator(mode="after")
    def _is_recorder(self) -> Self:
        prefix = f"tic_record_user_{self.room_id}_"
        if not self.user_id.startswith(prefix) or self.user_id == prefix:
            raise ValueError(f"the recorder's user id has to be {prefix} and something, not {shown(self.user_id)}")
        if not self.user_id.isprintable():
            raise ValueError(f"the recorder's user id has a character that is not to be printed: {shown(self.user_id)}")
        if len(self.user_id.encode()) > MOST_BYTES_OF_USER:
            raise ValueError(f"the recorder's user id has more than {MOST_BYTES_OF_USER} bytes")
        return self


def checked(model: type[T], values: dict[str, Any]) -> T:
    """The parameters, checked by the vendor's rules. Raises InputError naming the field, its value and the rule."""
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    given = "" if name in SECRETS or not name else f" (got {shown(_plain(first['input']))})"
    raise InputError(f"{f'{name}: ' if name else ''}{said[:1].lower()}{said[1:]}{given}", hint="See --help.")


def _plain(value: Any) -> Json:
    return value if isinstance(value, str | int | float | None) else type(value).__name__


def check_address(url: str) -> str:
    """Check a callback address, or "" for none; raises InputError for what is neither."""
    if not ADDRESS.fullmatch(url):
        raise InputError(f"{shown(url)} is not a callback address", hint="It has to begin with http:// or https://.")
    return url


def check_task(task: str) -> str:
    """Check a task id, of twenty letters and digits in both generations; raises InputError."""
    if not re.fullmatch(r"[\w.-]{1,64}", task, re.ASCII):
        raise InputError(f"{shown(task)} is not a task id", hint="`record start` prints it, callbacks name it.")
    return task


def mix_by(layout: str, teacher: str | None) -> JsonObject:
    """A mixed stream by a layout's name or CustomLayout file, as `--layout` takes them. Raises InputError."""
    if layout in MODELS:
        return {"model_id": MODELS[layout], **({"teacher_id": teacher} if teacher else {})}
    if layout in (*AUTO, "mix"):
        raise InputError(f"nothing can be mixed by the layout {layout}", hint="Give --mix tiw-2, or another layout.")
    if teacher:
        raise InputError(f"layout {layout} reserves no place", hint=f"Only {' and '.join(MODELS)} have a teacher's.")
    return {"custom": custom_of(find_row(layout).divide(Needs(users=MIXED_USERS)))}


def for_generation_1(values: JsonObject) -> JsonObject:
    """The parameters, where generation 1 knows all of them. Raises InputError naming those that it does not."""
    unknown = [f"{name}{FLAGS.get(name, '')}" for name in sorted(set(values) - GENERATION_1)]
    if unknown:
        raise InputError(
            f"generation 1 of the API knows no {', '.join(unknown)}", hint="Leave it out, or add --api v3."
        )
    return values
