"""Files for people beside a playback, written together from what is known of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from assembler.captions.webvtt import Cue, write_vtt
from assembler.plan.manifest import Manifest
from assembler.report.page import report_page
from assembler.timeline.model import Timeline
from assembler.times import PlayMs
from assembler.workspace import CHAPTERS, REPORT, assets_of, write_whole


def write_pages(playback: Path, manifest: Manifest, timeline: Timeline) -> None:
    """Write the report and the chapters into the folder beside the playback; raises OSError where there is no room."""
    assets = assets_of(playback)
    write_whole(assets / REPORT, report_page(manifest, timeline, playback.name))
    write_whole(assets / CHAPTERS, chapters_text(manifest))


def chapters_text(manifest: Manifest) -> str:
    """Write the chapters as WebVTT."""
    marks = [*((c.at, c.title) for c in manifest.chapters), (manifest.length, "")]
    return write_vtt(
        Cue(start=at, end=PlayMs(max(end, at + 1)), text=title) for (at, title), (end, _) in pairwise(marks)
    )
