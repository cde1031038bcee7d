"""A class of one camera file, heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chirps import BUNDLED, decoded, onsets
from lessons import camera, recording

from assembler.facts import Facts
from assembler.layout.arrange import arrange
from assembler.media.mixdown.mixdown import render_mixdown
from assembler.media.probe.probe import Declared, probe_answers
from assembler.media.source_files import SourceFiles
from assembler.options import Options
from assembler.people import NOBODY
from assembler.plan.heard import build_bed
from assembler.plan.model import AudioBed
from assembler.processes import Stop
from assembler.progress import Silent
from assembler.timeline import build_timeline
from assembler.times import Ms


@dataclass(frozen=True)
class Heard:
    """A class of one camera file, heard."""

    chirps: list[float]
    """Seconds."""
    told: list[str]
    bed: AudioBed
    facts: Facts


def hear(path: Path, folder: Path, length: int = 2400) -> Heard:
    declared = Declared({"cam": folder / "straight.media"}, {"cam": Ms(length)}, {})
    answers, bad = probe_answers(
        {"cam": path}, keep_stamps=(), declared=declared, work=folder, progress=Silent(), stop=None, parallel=1
    )
    assert not bad, bad
    known = answers["cam"].facts
    assert known is not None
    facts = {"cam": known}
    timeline = build_timeline(recording([camera("cam", "ann", 0, length)]), facts)
    bed = build_bed(timeline, arrange(timeline, facts, {}, Options(), NOBODY), facts)
    out = folder / "sound.m4a"
    files = SourceFiles({"cam": answers["cam"].straight or path})
    findings = render_mixdown(
        bed, files, facts, length=Ms(length), out=out, work=folder, ffmpeg=BUNDLED, loudness=None, stop=Stop(),
        on_seconds=None, stall_seconds=60,
    )  # fmt: skip
    told = [finding.sentence for finding in (*timeline.findings, *findings)]
    return Heard(onsets(decoded(out)[0]), told, bed, facts["cam"])
