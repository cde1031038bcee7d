"""Every knob once: one field of ``Options`` is the setting, the environment variable, the flag, its help and its row
in the README's table. What wins: default < settings file < environment (``ASSEMBLER_*``) < flag.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from assembler.choices import (
    Align,
    CaptionsAxis,
    EncoderName,
    Fill,
    LogFormat,
    LogLevel,
    Muxer,
    Names,
    NoticeEvent,
    PackageName,
    PlayTimes,
    Quality,
    YesNo,
)
from assembler.errors import InputError
from assembler.processes import cores
from assembler.settings import (
    FORMER,
    FoundSettings,
    canvas_size,
    frame_rate,
    from_environment,
    settings_file,
    variable_of,
)
from assembler.times import PlayMs


@dataclass(frozen=True)
class Flag:
    """The command line's side of an option."""

    name: str
    """Name as it is typed: ``--layout``."""
    metavar: str | None = None
    """Placeholder of its value in the help; None: the type's own."""
    verbs: tuple[str, ...] = ("run",)
    """Verbs that have it."""
    repeats: bool = False
    """True if it is given once per value."""


PLANNED = ("run", "plan")
"""Verbs that plan a playback."""
SHOWN = ("run", "plan", "inspect")
"""Verbs that build a timeline."""
LOGGED = ("serve", "work", "batch")
"""Verbs that keep a log."""
FOUND_CHAPTERS = ("auto", "scenes")
"""Values of ``chapters`` that name no file."""


def unknown_settings() -> dict[str, str | None]:
    """``ASSEMBLER_*`` names of the environment that are not settings, each with the one that may be meant."""
    known = ["ASSEMBLER_CONFIG", *(variable_of(name) for name in (*Options.model_fields, *FORMER))]
    given = sorted(name for name in os.environ if name.startswith("ASSEMBLER_") and name not in known)
    by_end = {name.removeprefix("ASSEMBLER_"): name for name in known}
    near = {name: difflib.get_close_matches(name.removeprefix("ASSEMBLER_"), by_end, n=1) for name in given}
    return {name: by_end[ends[0]] if ends else None for name, ends in near.items()}


class Options(BaseSettings):
    """Settings of a run, and of the jobs."""

    model_config = SettingsConfigDict(env_prefix="ASSEMBLER_", env_ignore_empty=True, frozen=True, extra="forbid")

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("assembler")))
    """Folder for the cache of downloaded files and for work under way."""
    ffmpeg: Annotated[str | None, Flag("--ffmpeg", "PATH", verbs=("run", "demo", "doctor"))] = None
    """Path of the ffmpeg to use; the one installed with this package if not given."""
    layout: Annotated[str, Flag("--layout", "NAME|FILE.json", verbs=PLANNED)] = "auto"
    """Layout: auto, auto-classroom, classroom, speaker, tiw-1, tiw-2, stage, presenter, grid, mix, or a .json file."""
    size: Annotated[tuple[int, int] | None, NoDecode, Flag("--size", "WxH", verbs=PLANNED)] = None
    """Size of the picture in a re-flowed layout, such as 1920x1080 or 1280x720; the layout's own if not given."""
    reflow: Annotated[bool, Flag("--reflow", verbs=PLANNED)] = False
    """Divides grid and presenter anew whenever somebody joins or leaves, as is done anyway with a class card."""
    teacher: Annotated[str | None, Flag("--teacher", "USER", verbs=PLANNED)] = None
    """User id of the teacher, who gets the first (or larger) place throughout."""
    class_file: Annotated[str | None, Flag("--class", "FILE", verbs=SHOWN)] = None
    """Class card (JSON: title, people, who is hidden); with {room}, {task}, {app} in it a template of paths."""
    class_required: bool = False
    """Waits for the class card where the path has placeholders; otherwise a class without one is shown as recorded."""
    mute_hidden: Annotated[YesNo, Flag("--mute-hidden", verbs=PLANNED)] = YesNo.YES
    """Silences people whom the class card hides: yes, or no (heard, without picture and name)."""
    mix_user: Annotated[str | None, Flag("--mix-user", "STREAM", verbs=PLANNED)] = None
    """Mixed stream to show if there are several: its stream id or the end of it."""
    screen_users: Annotated[tuple[str, ...], NoDecode, Flag("--screen-users", "USER,...", verbs=PLANNED)] = ()
    """User ids (separated by commas) whose camera is a screen share, beside desktop_sharing_<room>."""
    fps: Annotated[Fraction | None, Flag("--fps", "RATE", verbs=PLANNED)] = None
    """Frames per second of the playback; the largest rate among the streams really seen if not given."""
    background: Annotated[str | None, Flag("--background", "#RRGGBB", verbs=PLANNED)] = None
    """Colour of the canvas where nothing is shown, such as #34363B; the layout's own if not given."""
    names: Annotated[Names, Flag("--names", verbs=PLANNED)] = Names.ON
    """Names drawn on cameras: on (those that the class card gives), off, or ids (user ids of everybody)."""
    speaker_frame: Annotated[bool, Flag("--speaker-frame", verbs=PLANNED)] = False
    """Draws a thin frame around whoever speaks."""
    fill: Annotated[Fill | None, Flag("--fill", verbs=PLANNED)] = None
    """Scaling of pictures: fit (all of it, with bars) or crop; the layout's own if not given."""
    play_times: Annotated[PlayTimes, Flag("--play-times", verbs=SHOWN)] = PlayTimes.AUTO
    """Axis of play times: playback, wall (pauses still inside), or auto (decided by evidence)."""
    align: Annotated[Align | None, Flag("--align", verbs=PLANNED)] = None
    """Moves files by the sound they share (echoes, a share heard in a room), up to 2 s: sound; none if not given."""
    media_dir: Annotated[Path | None, Flag("--media-dir", "DIR", verbs=SHOWN)] = None
    """Folder with files already on disk, looked for as <video id>, <video id>.*, then the URL's base name."""
    media_base: Annotated[str | None, Flag("--media-base", "URL", verbs=SHOWN)] = None
    """Place of files that a result names without an address: https://host/folder or s3://bucket/folder."""
    allow_hosts: Annotated[tuple[str, ...], NoDecode, Flag("--allow-host", "NAME", verbs=PLANNED, repeats=True)] = ()
    """Host names (in the environment: separated by commas) to fetch from although their addresses are not public."""
    public_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Host names (in the environment: separated by commas) under which the pages of `serve` are reached."""
    parallel: Annotated[int, Flag("--parallel", "N")] = Field(default=4, ge=1, le=32)
    """Number of files that are downloaded at once."""
    processes: Annotated[int, Flag("--processes", "N")] = Field(default_factory=cores, ge=1, le=256)
    """Number of ffmpeg processes that render at once; the number of cores if not given."""
    loudness: Annotated[float | None, Flag("--loudness", "LUFS")] = Field(default=None, ge=-40, le=-5)
    """Loudness of the finished sound in LUFS, such as -16, reached with one measured gain; untouched if not given."""
    render_ahead: Annotated[bool, Flag("--render-ahead/--no-render-ahead")] = True
    """Renders while files are still being fetched (`run` only); the playback is the same without."""
    fix_drift: Annotated[bool, Flag("--fix-drift")] = False
    """Removes clock drift from files without holes (at most 0.5 %): sound is stretched, pictures are spaced."""
    quality: Annotated[Quality, Flag("--quality")] = Quality.STANDARD
    """Picture of an encoded playback: draft (fast, for a look), standard, or high (slower, larger)."""
    encoder: Annotated[EncoderName, Flag("--encoder", verbs=PLANNED)] = EncoderName.X264
    """Encoder: x264, nvenc, qsv, vaapi, videotoolbox, svt-av1 (AV1), x265 (HEVC), or auto (hardware that works)."""
    variable_rate: Annotated[bool, Flag("--variable-rate")] = False
    """Leaves out frames that show nothing new (x264 only): others last longer, up to 10 s; a constant rate if not."""
    muxer: Muxer = Muxer.OWN
    """Writes the file: own (copies bytes, writes tables) or libav (slower, should a player dislike own)."""
    chapters: Annotated[str, Flag("--chapters", "scenes|FILE", verbs=PLANNED)] = "auto"
    """Chapters: auto (pauses, shares, new pages), scenes (also new pages of what is copied), or a file of own ones."""
    timezone: Annotated[str | None, Flag("--timezone", "NAME", verbs=(*PLANNED, "at"))] = None
    """IANA name of the time zone for times of day; the class card's, else UTC (`at`: this machine's), if not given."""
    start: Annotated[PlayMs | None, Flag("--from", "TIME", verbs=PLANNED)] = None
    """Start of the window to render, on the playback axis; the whole class if not given."""
    end: Annotated[PlayMs | None, Flag("--to", "TIME", verbs=PLANNED)] = None
    """End of the window to render, on the playback axis; the whole class if not given."""
    chunk_seconds: float = Field(default=60.0, gt=0, le=3600)
    """Maximum length of the pieces that are rendered one by one, in seconds; those near the end are shorter."""
    strict: Annotated[bool, Flag("--strict")] = False
    """Makes every warning an error."""
    also: Annotated[tuple[PackageName, ...], NoDecode, Flag("--also", "NAME,...")] = ()
    """Packages (separated by commas) beside the playback: hls, archive, audio, poster, storyboard, otio, people."""
    captions: Annotated[str | None, Flag("--captions", "FILE")] = None
    """Captions (WebVTT, SubRip) for a soft track and a file; with {room}, {task}, {app} in it a template of paths."""
    captions_axis: Annotated[CaptionsAxis, Flag("--captions-axis")] = CaptionsAxis.PLAYBACK
    """Axis of the captions: playback, or wall (since the class began, pauses still inside)."""
    transcribe: Annotated[Path | None, Flag("--transcribe", "FOLDER")] = None
    """Folder of a faster-whisper model, which writes captions where none are given; needs the extra `speech`."""
    transcribe_language: Annotated[str | None, Flag("--transcribe-language", "CODE")] = None
    """Language that is spoken, such as en or zh; found for each person by the model if not given."""
    chat: Annotated[str | None, Flag("--chat", "FILE")] = None
    """Messages (JSON: time, user, text) for a soft track and a file; with {room}, {task}, {app} in it a template."""
    chat_fields: Annotated[str | None, Flag("--chat-fields", "time=...,user=...,text=...")] = None
    """Names of a message's fields where it has other ones, such as time=sent_at,user=from.id,text=body."""
    overwrite: Annotated[bool, Flag("--overwrite")] = False
    """Replaces an existing file even if it is not a playback of this class; never a recorded file."""
    keep_work: Annotated[bool, Flag("--keep-work")] = False
    """Keeps the work folder of a finished run."""
    stall_seconds: float = Field(default=300.0, gt=0)
    """Maximum time of an ffmpeg without progress, in seconds; it is then killed and tried once more."""
    database_url: SecretStr | None = None
    """Database of the jobs, such as postgresql://host/name for several machines; a file in the home if not given."""
    output: str | None = None
    """Folder, or s3://bucket/prefix, in which finished jobs are published; output in the home if not given."""
    s3_endpoint: str | None = None
    """Object storage other than Amazon's, such as https://cos.ap-guangzhou.myqcloud.com; keys and region are AWS_*."""
    s3_virtual_hosted: bool | None = None
    """Puts the bucket's name before the storage's host; done for Tencent COS (myqcloud.com) only if not given."""
    template: str = "{app}/{room}/{task}"
    """Folders of one job below the output, from {app}, {room}, {task} and {revision}; ids are percent-encoded."""
    callback_key: SecretStr | None = None
    """Secret with which the vendor signs its callbacks; app-id:secret where it is one app's only."""
    callback_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Further such secrets (in the environment: separated by commas), for several apps or while they rotate."""
    trtc_callback_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Keys (separated by commas) with which TRTC signs its callbacks; app-id:key where one is one app's only."""
    zego_callback_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Secrets of callbacks of Zego (separated by commas); app-id:secret where one is one app's only."""
    livekit_callback_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """API keys with which LiveKit signs its webhooks (separated by commas), each written key:secret."""
    agora_callback_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Secrets of notifications of Agora (separated by commas)."""
    settle_minutes: float = Field(default=10.0, ge=0, le=1440)
    """Minutes without a further callback after which a class that is told of file by file begins, closed or not."""
    api_token: SecretStr | None = Field(default=None, min_length=16)
    """Token (16 characters or more) with which programs put results and class cards to `serve`; none if not given."""
    page_token: SecretStr | None = Field(default=None, min_length=16)
    """Token (16 characters or more) to log in to the pages of `serve`; without it they are shown on loopback only."""
    metrics_open: bool = False
    """Gives `/metrics` to everybody; it needs the page token as Bearer otherwise."""
    reconcile: bool = True
    """Asks the vendor for results that did not come, where credentials of our own are set (see Recording by API)."""
    retry_seconds: float = Field(default=30.0, gt=0, le=3600)
    """Seconds that a job waits after its first failure that may pass; four times as long after each more, up to 1 h."""
    notify_url: SecretStr | None = None
    """Address that gets a signed POST for each of the events to be told; none is sent if not given."""
    notify_secret: SecretStr | None = None
    """Secret with which those notices are signed; needed with the address."""
    notify_events: Annotated[tuple[NoticeEvent, ...], NoDecode] = (NoticeEvent.READY, NoticeEvent.FAILED)
    """Events told, separated by commas: also recording.failed (to start), recording.paused_long, recording.stopped."""
    log: Annotated[LogFormat, Flag("--log", verbs=LOGGED)] = LogFormat.TEXT
    """Form of the log of `serve`, `work` and their workers: text, or json (one object a line)."""
    log_level: Annotated[LogLevel, Flag("--log-level", verbs=LOGGED)] = LogLevel.INFO
    """Least important lines that are logged: debug, info, warning (retries) or error (failures)."""
    keep_outputs_days: float | None = Field(default=None, ge=1)
    """Days after which a worker removes published playbacks, for good; never if not given."""
    keep_sources_days: float | None = Field(default=None, ge=1)
    """Days after which a worker removes the downloads of jobs that are published; never if not given."""
    keep_jobs_days: float | None = Field(default=None, ge=1)
    """Days after which a worker forgets jobs that ended, but for failed ones; never if not given."""
    share_minutes: float = Field(default=5.0, ge=0)
    """A playback at least this long is rendered together with idle workers that have the same home; 0: by one alone."""
    sdk_app_id: int | None = Field(default=None, ge=1)
    """SdkAppId of the app whose recordings are started and asked for by API (`record`, `fetch`, `run --task`)."""
    tickey: SecretStr | None = None
    """TicKey with which requests to generation 1 of the vendor's API are signed; generation 3 has TENCENTCLOUD_*."""
    usersig_key: SecretStr | None = None
    """Secret key of the app in IM, with which `record start` makes a UserSig for the recorder's user."""
    cloud_base: str = "https://iclass.api.qcloud.com"
    """Address of generation 1 of the vendor's API; its host is asked whatever its address is."""
    cloud_endpoint: str = "https://tiw.tencentcloudapi.com"
    """Address of generation 3; outside China https://tiw.intl.tencentcloudapi.com (ap-singapore)."""
    cloud_region: str = "ap-guangzhou"
    """Region of generation 3."""

    @field_validator(
        "also", "allow_hosts", "public_hosts", "screen_users", "callback_keys", "trtc_callback_keys",
        "zego_callback_keys", "livekit_callback_keys", "agora_callback_keys", "notify_events", mode="before",
    )  # fmt: skip
    @classmethod
    def _list(cls, given: object) -> object:
        return tuple(one.strip() for one in given.split(",") if one.strip()) if isinstance(given, str) else given

    @field_validator("fps", mode="before")
    @classmethod
    def _rate(cls, given: object) -> Fraction | None:
        return None if given is None else frame_rate(given)

    @field_validator("size", mode="before")
    @classmethod
    def _size(cls, given: object) -> tuple[int, int] | None:
        return None if given is None else canvas_size(given)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: what is given, environment, former names, settings file (pydantic-settings calls this)."""
        file = TomlConfigSettingsSource(settings_cls, settings_file())
        environment = from_environment(settings_cls.model_fields), from_environment(FORMER)
        return tuple(FoundSettings(settings_cls, one) for one in (init_settings(), *environment, file()))


def events_told(options: Options) -> frozenset[NoticeEvent]:
    """List the events that are told; none where no address is named."""
    return frozenset(options.notify_events if options.notify_url is not None else ())


def flag_of(option: str) -> Flag | None:
    """The flag of an option; None where it has none."""
    return next((one for one in Options.model_fields[option].metadata if isinstance(one, Flag)), None)


def load_options(**given: Any) -> Options:
    """Options from settings file, environment and what was given (None means not given).

    Raises InputError naming the setting, its value and what was expected, or the named file that is not there.
    """
    named = settings_file()
    if os.environ.get("ASSEMBLER_CONFIG") and (named.is_dir() or not named.exists()):  # /dev/null is no settings at all
        raise InputError(f"the settings file {named} is not there", hint="Fix ASSEMBLER_CONFIG, or unset it.")
    try:
        return Options(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as exc:
        first = exc.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, Options.model_fields, n=1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise InputError(
                f"there is no setting {name!r} (in {settings_file()})",
                hint=f"{meant}`assembler run --help` names them.",
            ) from exc
        setting = name.partition(".")[0]
        field = Options.model_fields.get(setting)
        is_secret = field is not None and "SecretStr" in str(field.annotation)
        said = first["msg"] if is_secret else f"{first['msg']} (got {first.get('input')!r})"
        if first["type"] == "value_error":
            said = str(first["ctx"]["error"])
        raise InputError(
            f"setting {name}: {said[:1].lower()}{said[1:]}",
            hint=f"Look at the flag, at {variable_of(setting)} and at {settings_file()}.",
        ) from exc
    except (OSError, ValueError) as exc:
        raise InputError(
            f"the settings file {settings_file()} cannot be read: {exc}", hint="Fix or remove it."
        ) from exc
