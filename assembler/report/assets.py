"""Files for people beside a playback, written together from what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from assembler.captions.read import Caption, parse_captions, read_file
from assembler.captions.webvtt import Cue, write_vtt
from assembler.errors import InputError
from assembler.plan.manifest import CaptionFile, Manifest
from assembler.report.page import report_page
from assembler.report.watch import Extras, Subtitles, watch_page
from assembler.timeline.model import Timeline
from assembler.times import PlayMs
from assembler.workspace import CHAPTERS, COVER, MANIFEST, REPORT, SMALL_PICTURES, WATCH, assets_of, write_together

LARGEST_PICTURE = 8 * 2**20
"""Maximum size of a picture that is written into a page, in bytes; ours are a twentieth of it."""


def write_account(playback: Path, manifest: Manifest, timeline: Timeline) -> None:
    """Write what tells of a playback, all or nothing: playback.json, the page to watch it, the report and the chapters.

    The folder beside the playback holds the pictures and captions already. Raises MediaError.
    """
    assets = assets_of(playback)
    texts = {
        assets / REPORT: report_page(manifest, timeline, playback.name),
        assets / CHAPTERS: chapters_text(manifest),
        assets / WATCH: watch_page(manifest, playback.name, load_extras(assets, manifest)),
        assets / MANIFEST: manifest.model_dump_json(indent=1),
    }
    write_together(texts)


def load_extras(assets: Path, manifest: Manifest) -> Extras:
    """Read what is written into the page beside what the manifest knows; what is not there is left out."""
    subtitles = [_subtitles(assets, known) for known in manifest.captions]
    return Extras(
        cover=_picture(assets / COVER),
        sheet=_picture(assets / SMALL_PICTURES),
        subtitles=tuple(one for one in subtitles if one.cues),
    )


def _subtitles(assets: Path, known: CaptionFile) -> Subtitles:
    path = assets / known.path
    found: Sequence[Caption] = ()
    with suppress(InputError, OSError):
        if path.resolve() == path.absolute():
            found = parse_captions(read_file(path, "captions"), known.title)
    return Subtitles(known.title, known.path, [(c.start, c.end, c.speaker, c.text) for c in found])


def _picture(path: Path) -> bytes:
    """Read a picture, unless it is a link to somewhere else."""
    with suppress(OSError):
        if path.resolve() == path.absolute() and path.stat().st_size <= LARGEST_PICTURE:
            return path.read_bytes()
    return b""


def chapters_text(manifest: Manifest) -> str:
    """Write the chapters as WebVTT."""
    marks = [*((c.at, c.title) for c in manifest.chapters), (manifest.length, "")]
    return write_vtt(
        Cue(start=at, end=PlayMs(max(end, at + 1)), text=title) for (at, title), (end, _) in pairwise(marks)
    )
