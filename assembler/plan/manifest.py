"""playback.json: what a finished file was made from, what it must look like, and what was noticed on the way.

Its shape has a number, ``format``. A key that an older version need not understand is simply added (with a default:
older files lack it); anything else (a key gone or renamed, another meaning, a new word in an enumeration) is a new
format, and a function in ``UPGRADES`` that makes the former one into it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from assembler.choices import PackageName, Quality
from assembler.errors import InputError
from assembler.findings import Finding, Outcome, Verdict
from assembler.layout.model import Canvas
from assembler.people import Person
from assembler.plan.model import Account, Mode, Scene
from assembler.plan.stamps import Stamps
from assembler.recording import StreamKind, VendorReport
from assembler.timeline.alignment import Alignment
from assembler.timeline.model import Chapter, Clock
from assembler.times import Ms, PlayMs, Span
from assembler.values import Value
from assembler.workspace import MANIFEST, assets_of

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: tuple[Upgrade, ...] = ()
"""Format n + 1 from format n, beginning with 2 from 1. Once released, none of them changes."""
FORMAT = 1 + len(UPGRADES)
"""Number of the format that is written."""
OURS = frozenset({"made_by", "digest", "size", "stamps"})
"""Keys by which every version recognises a playback.json of any other; they keep their meaning in every format."""


class Origin(Value):
    """One segment and the file it came from."""

    video_id: str
    """The segment."""
    kind: StreamKind
    """Kind of its stream."""
    user: str
    """User of its stream; "" for a whiteboard or mixed stream."""
    play_time: PlayMs
    """Declared place, ms."""
    duration: Ms | None
    """Declared length, ms."""
    bytes: int | None
    """Size of the file used; None where there was none."""


class Activity(Value):
    """Speech of one person: how long, and when."""

    user: str
    """User id."""
    talk: Ms
    """Time for which the person speaks, in ms."""
    spans: tuple[Span, ...]
    """Times of speech, sorted and disjoint, playback axis."""


class CaptionFile(Value):
    """Captions that are a soft track in the playback and a file among the assets."""

    path: str
    """Path below the assets folder."""
    title: str
    """Title for people, also of the track."""
    cues: int
    """Number of cues."""


class PackageFile(Value):
    """File of a package."""

    path: str
    """Path below the assets folder, with slashes."""
    size: int
    """Bytes."""


class Package(Value):
    """Package beside the playback, made from it and whole."""

    name: PackageName
    """Kind of package, and name of its folder among the assets."""
    digest: str
    """Digest of the playback that it belongs to, and of how it is made."""
    files: tuple[PackageFile, ...]
    """Files, sorted by path."""


class Manifest(Value):
    """All that is known of one finished file; ``verify`` needs nothing else."""

    format: int = FORMAT
    """Version of this file's shape."""
    made_by: str
    """Version of this package."""
    ffmpeg: str
    """Version of the ffmpeg used."""
    encoder: str
    """Row of the encoder table; "copy" where the picture was copied."""
    quality: Quality | None = None
    """Quality of the encoder; None where the picture was copied."""
    digest: str
    """Digest of the plan, its files and the tools: the same digest gives the same file."""
    tasks: tuple[str, ...]
    """Names of the recordings, in order."""
    recordings: tuple[VendorReport, ...] = ()
    """Report of the vendor about each recording."""
    verdict: Verdict
    """ok or degraded."""
    outcomes: tuple[Outcome, ...]
    """Results for every segment."""
    accounts: tuple[Account, ...] = ()
    """Dispositions of every millisecond of every segment's picture and sound."""
    findings: tuple[Finding, ...]
    """Findings of all rooms."""
    origins: tuple[Origin, ...]
    """Segments and files that it was made from."""
    size: int
    """Bytes of the finished file."""
    length: PlayMs
    """Length of the playback, ms."""
    fps: Fraction
    """Frames per second."""
    canvas: Canvas
    """Size of the picture."""
    layout: str
    """Name of the layout."""
    layout_reason: str
    """Reason for this layout."""
    mode: Mode
    """Copied or encoded."""
    mode_reason: str
    """Reason to copy or to encode."""
    stamps: Stamps
    """Every picture's planned stamp."""
    joins: tuple[int, ...]
    """Ticks at which separately made pieces of picture meet."""
    cuts: tuple[int, ...] | None = None
    """Ticks of those joins before which a copied file was cut; None where an older version did not tell."""
    sound_copied: str | None
    """Segment whose sound was copied; None: mixed and encoded at 48 kHz."""
    sound_reason: str
    """Reason for what is heard."""
    play_times: str
    """Axis of the declared play times ("playback" or "wall") and why."""
    clock: Clock
    """Wall clock of the playback, with the pauses that were skipped."""
    timezone: str | None = None
    """IANA name of the time zone of the class, from the options, else its card; None where neither names one."""
    chapters: tuple[Chapter, ...]
    """Marks in the file."""
    scenes: tuple[Scene, ...]
    """Scenes: pictures and times, copied or encoded."""
    captions: tuple[CaptionFile, ...] = ()
    """Captions and chat."""
    packages: tuple[Package, ...] = ()
    """Packages beside the playback."""
    people: tuple[Person, ...] = ()
    """People whom the class card names, in order of their first play time; empty without a card."""
    title: str = ""
    """Title of the class; "" where no card gives one."""
    course: str = ""
    """Name of the course; "" where no card gives one."""
    alignments: tuple[Alignment, ...] = ()
    """Files whose place was measured by the sound they share, moved or not; empty where that was not asked for."""
    activity: tuple[Activity, ...] = ()
    """Speech of each person whose own sound was measured, sorted by user; empty where none was (a mixed stream is
    heard, or audio was copied)."""


def load_manifest(playback: Path) -> Manifest:
    """The playback.json of a finished file.

    Raises InputError where there is none, where a newer version wrote it, and where it cannot be understood.
    """
    path = assets_of(playback) / MANIFEST
    if not playback.is_file():
        raise InputError(f"{playback} is not there", hint="Name a file made by `assembler run`.")
    try:
        return parse_manifest(path.read_bytes(), path)
    except OSError as exc:
        raise InputError(
            f"there is no {path.name} in {path.parent}, so nothing says what {playback.name} should be",
            hint="Keep the .assets folder beside the file, or run `assembler run` again.",
        ) from exc


def find_claims(playback: Path) -> dict[str, Any] | None:
    """The playback.json beside a file, of any format and version; None where there is none that assembler wrote."""
    try:
        values = json.loads((assets_of(playback) / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) and values.keys() >= OURS else None


def parse_manifest(text: bytes, path: Path) -> Manifest:
    """The manifest of this or an older format; unknown keys, which a newer version adds, are left out.

    ``path`` is named in errors. Raises InputError.
    """
    try:
        told = json.loads(text)
        if not isinstance(told, dict):
            raise _not_understood(path)
        return Manifest.model_validate(upgraded(told, path), extra="ignore")
    except (ValueError, RecursionError) as exc:  # pydantic's and Unicode's errors are ValueErrors
        raise _not_understood(path) from exc


def upgraded(values: dict[str, Any], path: Path, upgrades: Sequence[Upgrade] = UPGRADES) -> dict[str, Any]:
    """The same manifest in the newest format; raises InputError for one that is newer still."""
    newest, found = 1 + len(upgrades), values.get("format", 1)
    if not isinstance(found, int) or found < 1:
        raise _not_understood(path)
    if found > newest:
        raise InputError(
            f"{path} has format {found}, and this version of assembler reads formats up to {newest}",
            hint="Upgrade assembler, or make the playback anew with `assembler run`.",
        )
    for number, upgrade in enumerate(upgrades[found - 1 :], start=found + 1):
        values = {**upgrade(values), "format": number}
    return values


def _not_understood(path: Path) -> InputError:
    return InputError(
        f"{path} is not a playback.json of this version", hint="Run `assembler run` again to make it anew."
    )
