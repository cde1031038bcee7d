"""Choices of settings: the values that each may have, by name."""

from __future__ import annotations

from enum import StrEnum


class PlayTimes(StrEnum):
    """Axis of the declared play times."""

    AUTO = "auto"
    """Axis decided by evidence (DESIGN, Pauses)."""
    PLAYBACK = "playback"
    """Playback axis: pauses are taken out already."""
    WALL = "wall"
    """Wall clock relative to the start: pauses are still inside."""


class Align(StrEnum):
    """Measure by which files are placed more exactly than their system tells."""

    SOUND = "sound"
    """Sound that two people's files share."""


class Fill(StrEnum):
    """Scaling of a picture to its place; the aspect ratio is kept."""

    FIT = "fit"
    """All of the picture, with bars."""
    CROP = "crop"
    """All of the place, with the picture's borders cut off."""


class Quality(StrEnum):
    """Quality of an encoded picture; a column of ``media.encoders``."""

    DRAFT = "draft"
    """Fast, for a look."""
    STANDARD = "standard"
    """Good picture at a fair size."""
    HIGH = "high"
    """Slower and larger."""


class YesNo(StrEnum):
    """Answer of a setting that people give in words."""

    YES = "yes"
    """Assent."""
    NO = "no"
    """Refusal."""


class Muxer(StrEnum):
    """Program part that joins chunks, copied packets and sound into the finished mp4."""

    OWN = "own"
    """Copies bytes and writes the sample tables itself; by libav where a file is not one that it knows."""
    LIBAV = "libav"
    """Hands every packet to libavformat, which is slower; the file is the same to every reader."""


class LogFormat(StrEnum):
    """Form of the log's lines."""

    TEXT = "text"
    """Lines for people."""
    JSON = "json"
    """One JSON object a line, for machines."""


class LogLevel(StrEnum):
    """Least important lines that are logged."""

    DEBUG = "debug"
    """Beginnings of steps as well."""
    INFO = "info"
    """Events of every kind."""
    WARNING = "warning"
    """Retries, and what an operator should know."""
    ERROR = "error"
    """Failures only."""


class NoticeEvent(StrEnum):
    """Event that is told to ``notify_url``."""

    READY = "playback.ready"
    """A playback is there."""
    FAILED = "playback.failed"
    """A job ended without a playback."""
    RECORDING_FAILED = "recording.failed"
    """The vendor says that a recording could not start: the class is not being recorded."""
    PAUSED_LONG = "recording.paused_long"
    """The vendor warns of a long pause, after which it ends the recording."""
    STOPPED = "recording.stopped"
    """The vendor ended a recording by force, for having been paused too long."""


class EncoderName(StrEnum):
    """A row of ``media.encoders``, or ``auto``: the first hardware that is proven to work, else x264."""

    AUTO = "auto"
    """First hardware encoder that is proven to work, else x264."""
    X264 = "x264"
    """H.264 on the CPU."""
    NVENC = "nvenc"
    """H.264 on an NVIDIA card."""
    QSV = "qsv"
    """H.264 on Intel graphics (Quick Sync)."""
    VAAPI = "vaapi"
    """H.264 through VA-API (Linux)."""
    VIDEOTOOLBOX = "videotoolbox"
    """H.264 on a Mac."""
    SVT_AV1 = "svt-av1"
    """AV1 on the CPU."""
    X265 = "x265"
    """HEVC on the CPU."""

    @property
    def codec(self) -> str:
        """Codec that it makes, and so may be copied where it was asked for."""
        return {EncoderName.SVT_AV1: "av1", EncoderName.X265: "hevc"}.get(self, "h264")


class Names(StrEnum):
    """Names drawn on cameras."""

    ON = "on"
    """Names that the class card gives."""
    OFF = "off"
    """Pictures without names, also cards of people without a picture."""
    IDS = "ids"
    """User ids of everybody, in place of names."""


class CaptionsAxis(StrEnum):
    """Axis of the captions that are given."""

    PLAYBACK = "playback"
    """Playback axis of the whole class: pauses are taken out already."""
    WALL = "wall"
    """Wall clock since the class began: pauses are still inside."""


class PackageName(StrEnum):
    """Package beside a playback; a row of ``outputs.packages``."""

    HLS = "hls"
    """Playlist for streaming, cut from the playback without encoding."""
    ARCHIVE = "archive"
    """One mkv with every source stream as a track of its own."""
    AUDIO = "audio"
    """Sound alone, as m4a and mp3."""
    POSTER = "poster"
    """One picture of the class."""
    STORYBOARD = "storyboard"
    """Small pictures for a player's seek bar."""
    OTIO = "otio"
    """OpenTimelineIO project for an editor, with its media."""
    PEOPLE = "people"
    """One mp4 for each person, in step with the class."""


class Role(StrEnum):
    """Role of a person in a class."""

    TEACHER = "teacher"
    """Teacher: gets the first place."""
    ASSISTANT = "assistant"
    """Assistant of the teacher."""
    STUDENT = "student"
    """Student."""


class Show(StrEnum):
    """Visibility of a person."""

    YES = "yes"
    """Seen and heard."""
    NO = "no"
    """Hidden: neither seen nor heard, and nowhere named."""
    ANONYMOUS = "anonymous"
    """Heard; a silhouette and a number stand for camera and name."""
