"""ffmpeg program in use: its path, its version, and the options that depend on it."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from assembler import processes
from assembler.errors import MediaError

MIN_VERSION = (5, 1)
"""Minimum version; the oldest that is tested (Debian 12)."""
UNNUMBERED = (9, 0)
"""Version assumed for a build from git, which names none."""


@dataclass(frozen=True)
class Ffmpeg:
    """ffmpeg program and its version."""

    path: str
    """Absolute path of the program."""
    version: tuple[int, int]
    """Major and minor number."""
    text: str
    """Version as the program prints it."""

    @property
    def graph_option(self) -> str:
        """Option with which this version reads a graph from a file (DESIGN, Filter graphs)."""
        return "-/filter_complex" if self.version >= (7, 0) else "-filter_complex_script"

    @property
    def draws_in_frame_matrix(self) -> bool:
        """True if pad and xstack convert their colour by the frame's own matrix; older ones always take BT.601."""
        return self.version >= (7, 1)


def find_ffmpeg(wanted: str | None) -> Ffmpeg:
    """Find the ffmpeg named by the option, else the one installed with this package, else the one on the path.

    Raises MediaError where there is none, or one older than 5.1.
    """
    bundled = None if wanted is not None else _bundled()
    if bundled is not None:
        with suppress(MediaError):
            return _ask(bundled)
    return _ask(_locate(wanted))


def _bundled() -> str | None:
    """Find the ffmpeg of imageio-ffmpeg, which itself would run it once before naming it."""
    spec = find_spec("imageio_ffmpeg")
    if spec is None or spec.origin is None or os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return None
    found = list((Path(spec.origin).parent / "binaries").glob("ffmpeg-*"))
    return str(found[0]) if len(found) == 1 else None


def _locate(wanted: str | None) -> str:
    if wanted is not None:
        found = shutil.which(wanted)
        if found is None:
            raise MediaError(
                f"ffmpeg {wanted!r} is not there or cannot be executed",
                hint="Fix --ffmpeg or ASSEMBLER_FFMPEG, or leave it out: one comes with this package.",
            )
        return str(Path(found).absolute())
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
        if found is None:
            raise MediaError(
                "no ffmpeg was found", hint="Run `pip install imageio-ffmpeg`, or name one with ASSEMBLER_FFMPEG."
            ) from None
        return found


@lru_cache(maxsize=8)
def _ask(path: str) -> Ffmpeg:
    try:
        answer = processes.capture([path, "-hide_banner", "-version"], seconds=20)
    except OSError as exc:
        raise MediaError(f"{path} cannot be run: {exc}", hint="Run `assembler doctor`.") from exc
    match = re.match(r"ffmpeg version (\S+)", answer)
    if match is None:
        raise MediaError(f"{path} is not an ffmpeg: it does not print a version", hint="Fix ASSEMBLER_FFMPEG.")
    text = match.group(1)
    number = re.match(r"n?(\d+)\.(\d+)", text)
    version = (int(number.group(1)), int(number.group(2))) if number else UNNUMBERED
    if version < MIN_VERSION:
        raise MediaError(
            f"{path} is ffmpeg {text}; at least {MIN_VERSION[0]}.{MIN_VERSION[1]} is needed",
            hint="Unset ASSEMBLER_FFMPEG: a newer one comes with this package.",
        )
    return Ffmpeg(path=path, version=version, text=text)
