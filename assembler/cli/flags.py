"""The flags of the command line, each once: verbs share them."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from assembler.errors import InputError
from assembler.options import EncoderName, Fill, Options, PlayTimes, Quality, frame_rate
from assembler.times import PlayMs, parse_clock


class ProgressStyle(StrEnum):
    BARS = "bars"
    JSON = "json"


def _flag(option: str, *names: str, **more: Any) -> Any:
    """A flag whose help is the sentence under the option's field."""
    return typer.Option(*names, help=Options.model_fields[option].description, show_default=False, **more)


def _rate(text: str) -> Fraction:
    try:
        return frame_rate(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{exc}.") from exc


def _clock(text: str) -> PlayMs:
    try:
        return parse_clock(text)
    except InputError as exc:
        raise typer.BadParameter(f"{exc.sentence}. {exc.hint}") from exc


Results = Annotated[list[str], typer.Argument(help="Result files (JSON); - reads standard input.", metavar="RESULT...")]
Json = Annotated[bool, typer.Option("--json", help="Machine output on standard output; people's text goes to stderr.")]
ShownAs = Annotated[ProgressStyle, typer.Option("--progress", help="How progress is shown on standard error.")]
LayoutFlag = Annotated[str | None, _flag("layout", "--layout", metavar="NAME|FILE.json")]
TeacherFlag = Annotated[str | None, _flag("teacher", "--teacher", metavar="USER")]
MixFlag = Annotated[str | None, _flag("mix_user", "--mix-user", metavar="STREAM")]
ScreensFlag = Annotated[str | None, _flag("screen_users", "--screen-users", metavar="USER,...")]
FpsFlag = Annotated[Any, _flag("fps", "--fps", parser=_rate, metavar="RATE")]
BackgroundFlag = Annotated[str | None, _flag("background", "--background", metavar="#RRGGBB")]
FillFlag = Annotated[Fill | None, _flag("fill", "--fill")]
PlayTimesFlag = Annotated[PlayTimes | None, _flag("play_times", "--play-times")]
MediaFlag = Annotated[Path | None, _flag("media_dir", "--media-dir", metavar="DIR")]
HostsFlag = Annotated[list[str] | None, _flag("allow_hosts", "--allow-host", metavar="NAME")]
ParallelFlag = Annotated[int | None, _flag("parallel", "--parallel", metavar="N")]
JobsFlag = Annotated[int | None, _flag("jobs", "--jobs", metavar="N")]
QualityFlag = Annotated[Quality | None, _flag("quality", "--quality")]
EncoderFlag = Annotated[EncoderName | None, _flag("encoder", "--encoder")]
LoudnessFlag = Annotated[float | None, _flag("loudness", "--loudness", metavar="LUFS")]
FixDriftFlag = Annotated[bool, _flag("fix_drift", "--fix-drift")]
StartFlag = Annotated[Any, _flag("start", "--from", parser=_clock, metavar="TIME")]
EndFlag = Annotated[Any, _flag("end", "--to", parser=_clock, metavar="TIME")]
StrictFlag = Annotated[bool, _flag("strict", "--strict")]
OverwriteFlag = Annotated[bool, _flag("overwrite", "--overwrite")]
KeepFlag = Annotated[bool, _flag("keep_work", "--keep-work")]
FfmpegFlag = Annotated[str | None, _flag("ffmpeg", "--ffmpeg", metavar="PATH")]
