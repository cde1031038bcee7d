"""Examination of the machine: what is there, what is missing, and what to do about it."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import psutil

from assembler import processes
from assembler.captions.model import check_model
from assembler.choices import EncoderName
from assembler.errors import AssemblerError, InputError
from assembler.media.choose_encoder import find_refusal
from assembler.media.encoders import ENCODERS
from assembler.media.ffmpeg import Ffmpeg, find_ffmpeg
from assembler.options import Options, unknown_settings
from assembler.settings import settings_file
from assembler.values import Value

NEEDED_ENCODERS = ("libx264", "aac")
"""Encoders of ffmpeg without which nothing can be made."""
NEEDED_FILTERS = ("xstack", "overlay", "fps", "tpad", "alimiter", "ebur128")
"""Filters of ffmpeg that a filter graph may name."""
LITTLE_SPACE = 5 * 2**30
"""Minimum free space of the home, in bytes: a class of three hours needs about as much."""


class Symptom(Value):
    """One thing that was looked at."""

    name: str
    """Name of what was looked at."""
    is_well: bool
    """True if nothing has to be done."""
    text: str
    """Description of what was found."""
    hint: str
    """Next step; "" if nothing has to be done."""
    is_warning: bool = False
    """True if runs work all the same: no reason for an exit code."""


def examine(options: Options) -> list[Symptom]:
    """Examine everything a run needs, each by itself."""
    return [
        *_ffmpeg(options),
        _packages(),
        _scripts(),
        _speech(options),
        _home(options),
        _privacy(options),
        _disk(options),
        *_bucket(options),
        _settings(),
        _layout(options),
        _machine(options),
    ]


def _ffmpeg(options: Options) -> list[Symptom]:
    try:
        program = find_ffmpeg(options.ffmpeg)
    except AssemblerError as exc:
        return [Symptom(name="ffmpeg", is_well=False, text=exc.sentence, hint=exc.hint)]
    found = [Symptom(name="ffmpeg", is_well=True, text=f"{program.text} at {program.path}", hint="")]
    for kind, needed in (("encoders", NEEDED_ENCODERS), ("filters", NEEDED_FILTERS)):
        listed = processes.capture([program.path, "-hide_banner", f"-{kind}"], seconds=20).split()
        missing = [name for name in needed if name not in listed]
        text = f"missing: {', '.join(missing)}" if missing else ", ".join(needed)
        hint = "Unset ASSEMBLER_FFMPEG: the one that comes with this package has them." if missing else ""
        found.append(Symptom(name=f"ffmpeg {kind}", is_well=not missing, text=text, hint=hint))
    return [*found, _proven(program)]


def _proven(program: Ffmpeg) -> Symptom:
    """Prove what `--encoder` can be here: each one that could work makes a picture."""
    refusals = {name: find_refusal(row, program) for name, row in ENCODERS.items()}
    works = ", ".join(name for name, why in refusals.items() if not why)
    refused = "; ".join(f"{name}: {why}" for name, why in refusals.items() if why)
    is_well = not refusals[EncoderName.X264]
    hint = "" if is_well else "Nothing can be encoded without x264: unset ASSEMBLER_FFMPEG."
    text = f"{works or 'none'} (refused: {refused})" if refused else works
    return Symptom(name="encoders", is_well=is_well, text=text, hint=hint)


def _packages() -> Symptom:
    names = ("av", "ffmpeg-python", "imageio-ffmpeg", "numpy", "pydantic", "requests")
    try:
        text = ", ".join(f"{name} {version(name)}" for name in names)
    except PackageNotFoundError as exc:
        return Symptom(name="packages", is_well=False, text=f"{exc.name} is missing", hint=f"pip install {exc.name}")
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return Symptom(name="packages", is_well=True, text=f"{python}, {text}", hint="")


def _scripts() -> Symptom:
    """Check in which scripts names can be drawn on pictures."""
    from assembler.media.artwork.scripts import check_scripts

    refusals = check_scripts()
    drawn = ", ".join(name for name, why in refusals.items() if why is None)
    refused = "; ".join(f"{name}: {why}" for name, why in refusals.items() if why is not None)
    if not refused:
        return Symptom(name="names", is_well=True, text=f"can be drawn in {drawn}", hint="")
    hint = " ".join(dict.fromkeys(why.hint for why in refusals.values() if why is not None))
    text = f"can be drawn in {drawn or 'no script'} (user ids instead of {refused})"
    return Symptom(name="names", is_well=False, text=text, hint=hint, is_warning=True)


def _speech(options: Options) -> Symptom:
    """Check whether speech can be transcribed, which nobody needs who does not ask for it."""
    try:
        check_model(options)
    except InputError as exc:
        return Symptom(name="speech", is_well=False, text=exc.sentence, hint=exc.hint)
    if find_spec("faster_whisper") is None:
        text = "cannot be transcribed: pip install 'assembler[speech]' if that is wanted"
    else:
        text = f"faster-whisper {version('faster-whisper')}, model: {options.transcribe or 'none'}"
    return Symptom(name="speech", is_well=True, text=text, hint="")


def _home(options: Options) -> Symptom:
    place = next((p for p in [options.home.absolute(), *options.home.absolute().parents] if p.exists()), Path("/"))
    is_writable = place.is_dir() and os.access(place, os.W_OK)
    hint = "" if is_writable else "Name a folder you may write to with ASSEMBLER_HOME."
    return Symptom(name="home", is_well=is_writable, text=str(options.home), hint=hint)


def _privacy(options: Options) -> Symptom:
    """Bodies hold signed URLs. What we make is its owner's alone; other modes are left as they are."""
    home, open_ = options.home.absolute(), []
    for path in [*sorted(home.glob("*.sqlite")), home / "spool"]:
        with suppress(OSError):
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                open_.append(path)
    if not open_:
        return Symptom(name="privacy", is_well=True, text="databases and spool are their owner's alone", hint="")
    text = f"others may read {', '.join(path.name for path in open_)} in {home}, which hold signed URLs"
    hint = " && ".join(f"chmod {700 if path.is_dir() else 600} {shlex.quote(str(path))}" for path in open_)
    hint = f"If that is not meant: {hint}"
    return Symptom(name="privacy", is_well=False, text=text, hint=hint, is_warning=True)


def _disk(options: Options) -> Symptom:
    place = next((p for p in [options.home, *options.home.absolute().parents] if p.exists()), Path("/"))
    free = shutil.disk_usage(place).free
    is_well = free >= LITTLE_SPACE
    hint = "" if is_well else "A class of three hours needs about 5 GiB: make room or move ASSEMBLER_HOME."
    return Symptom(name="disk", is_well=is_well, text=f"{free / 2**30:.1f} GiB free at {place}", hint=hint)


def _bucket(options: Options) -> list[Symptom]:
    """Look whether the bucket removes by itself what killed workers had sent of large files."""
    if not (options.output or "").startswith("s3://"):
        return []
    from assembler.network.publish.s3_rules import removes_parts

    hint = "Give the bucket a lifecycle rule that aborts incomplete multipart uploads after a day: parts are charged."
    try:
        is_well = removes_parts(options.output or "", options)
    except AssemblerError as exc:
        return [Symptom(name="bucket", is_well=False, text=exc.sentence, hint=exc.hint, is_warning=True)]
    text = f"a lifecycle rule {'removes' if is_well else 'is missing that would remove'} what killed uploads leave"
    return [Symptom(name="bucket", is_well=is_well, text=text, hint="" if is_well else hint, is_warning=True)]


def _settings() -> Symptom:
    file = settings_file()
    given = sorted(name for name in os.environ if name.startswith("ASSEMBLER_"))
    where = f"{file}" if file.exists() else f"no {file}"
    text = f"{where}; environment: {', '.join(given) or 'none'}"
    hints = [
        f"{name} is not a setting and does nothing" + (f": did you mean {near}?" if near else ".")
        for name, near in unknown_settings().items()
    ]
    return Symptom(name="settings", is_well=not hints, text=text, hint=" ".join(hints))


def _layout(options: Options) -> Symptom:
    """Tell the layout, and where nobody chose one which is recommended."""
    advice = " (recommended: ASSEMBLER_LAYOUT=auto-classroom)" if options.layout == "auto" else ""
    return Symptom(name="layout", is_well=True, text=f"{options.layout}{advice}", hint="")


def _machine(options: Options) -> Symptom:
    memory = psutil.virtual_memory().total / 2**30
    return Symptom(name="machine", is_well=True, text=f"{options.processes} cores in use, {memory:.0f} GiB", hint="")
