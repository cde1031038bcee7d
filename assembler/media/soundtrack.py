"""Audio of a playback: copied, or mixed down and measured on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from assembler.findings import Finding
from assembler.levels import Levels
from assembler.media.levels.measure import levels_places, load_levels, unmeasured
from assembler.media.mixdown.copied import copy_sound
from assembler.media.mixdown.mixdown import listen, render_mixdown
from assembler.media.mux.order import AudioTrack
from assembler.media.render.setup import RENDER_VERSION, RenderSetup
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.mp4.sample_tables import UnsupportedMp4
from assembler.options import Options
from assembler.plan.heard import fills, find_voices
from assembler.plan.manifest import Activity
from assembler.plan.model import Mode, Plan, SoundPiece
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Timeline
from assembler.times import FileMs, Ms, PlayMs, Span, shared
from assembler.values import Value
from assembler.workspace import Workspace, digest_of, write_whole


@dataclass(frozen=True)
class Soundtrack:
    """Audio to be muxed."""

    track: AudioTrack
    """Source of its packets."""
    findings: tuple[Finding, ...] = ()
    """Findings of mixing it."""
    copied: str | None = None
    """Video id of the segment whose packets are copied; None: mixed and encoded."""


class _MixReport(Value):
    findings: tuple[Finding, ...]


def render_audio(plan: Plan, setup: RenderSetup, options: Options) -> Soundtrack:
    """Render the audio of a plan, or find what an earlier run rendered; the levels of what is mixed go to the home.

    What may be copied is mixed all the same where it is damaged, or no packets of silence can be put beside its own.
    """
    names = dict.fromkeys(p.video_id for p in plan.bed.pieces)
    versions = {name: setup.version(name) for name in names}
    paces = {name: sounds[0].pace for name in versions if (sounds := setup.facts[name].sounds)}
    key = digest_of(RENDER_VERSION, plan.bed, paces, plan.length, versions, options.loudness, setup.program.text)[:32]
    sound = _Sound(plan, setup, options, setup.folder / f"sound-{key}.m4a")
    return sound.copied() or sound.mixed()


@dataclass(frozen=True)
class _Sound:
    plan: Plan
    setup: RenderSetup
    options: Options
    out: Path
    """Path of what is written."""

    def mixed(self) -> Soundtrack:
        """Mix all of it, and encode it."""
        report = self.out.with_suffix(".json")
        if self.out.exists() and report.exists():
            findings = _MixReport.model_validate_json(report.read_text("utf-8")).findings
        else:
            findings = render_mixdown(
                self.plan.bed,
                self.setup.files,
                self.setup.facts,
                length=self.plan.length,
                out=self.out,
                work=self.setup.folder,
                ffmpeg=self.setup.program.path,
                loudness=self.options.loudness,
                stop=self.setup.stop,
                on_seconds=None,
                stall_seconds=self.options.stall_seconds,
                levels=self._unmeasured(),
                encoders=self.options.processes,
            )
            write_whole(report, _MixReport(findings=findings).model_dump_json())
        return Soundtrack(self._made, findings)

    def copied(self) -> Soundtrack | None:
        """Take the packets of one file, where that can be done."""
        name = self.plan.bed.copied
        if name is None:
            return None
        known, piece = self.setup.facts[name], self.plan.bed.pieces[0]
        offset = Fraction(piece.span.start - piece.file_start, 1000) - known.origin
        source, sound = self.setup.files[name].resolve(), known.sounds[0]
        as_it_is = AudioTrack(str(source), known.container, offset, end=piece.span.end, index=sound.index)
        needs_silence = not fills(piece, sound, self.plan.length)
        if (self.plan.mode is not Mode.COPY or needs_silence) and not self._is_undamaged():
            return None
        is_fetched = self.setup.files.bytes_available(name) is None  # else it is copied once it is
        if not needs_silence or not is_fetched:
            return Soundtrack(as_it_is, copied=name)
        ffmpeg, stop = self.setup.program.path, self.setup.stop
        try:
            copy_sound(source, offset, self.plan.length, ffmpeg=ffmpeg, out=self.out, stop=stop)
        except UnsupportedMp4:
            return None
        return Soundtrack(self._made, copied=name)

    @property
    def _made(self) -> AudioTrack:
        return AudioTrack(name=str(self.out), container="mov", offset=Fraction(0), end=None)

    def _is_undamaged(self) -> bool:
        """Listen to all of it, once; where something is found it is mixed, which says what it is."""
        report = self.out.with_name(f"{self.out.stem}-heard.json")
        if report.exists():
            findings = _MixReport.model_validate_json(report.read_text("utf-8")).findings
        else:
            findings = listen(
                self.plan.bed,
                self.setup.files,
                self.setup.facts,
                length=self.plan.length,
                work=self.setup.folder,
                stop=self.setup.stop,
                stall_seconds=self.options.stall_seconds,
                levels=self._unmeasured(),
            )
            write_whole(report, _MixReport(findings=findings).model_dump_json())
        return not findings

    def _unmeasured(self) -> dict[str, Path]:
        names = dict.fromkeys(piece.video_id for piece in self.plan.bed.pieces)
        places = levels_places(names, self.setup.files, self.setup.facts, Workspace(self.options.home))
        return unmeasured(places, self.setup.facts)


def find_activity(plan: Plan, timeline: Timeline, got: SegmentFiles, run: Run) -> tuple[Activity, ...]:
    """Tell who speaks when in the playback, as measured before its plan, else while it was mixed; ``timeline``: of the
    playback. A person whom the class card hides is not told of, though the voice may be heard."""
    begin = run.options.start or PlayMs(0)
    window = Span(start=begin, end=PlayMs(begin + plan.length))
    if got.speaking is not None:
        speaking = {user: [s.shifted(Ms(-begin)) for s in shared(own, window)] for user, own in got.speaking.items()}
    else:
        speaking = _measured(timeline, got, run)
    told = {person.user for person in plan.people} or set(speaking)
    return tuple(
        Activity(user=user, talk=Ms(sum(s.length for s in spans)), spans=tuple(spans))
        for user, spans in sorted(speaking.items())
        if user in told
    )


def _measured(timeline: Timeline, got: SegmentFiles, run: Run) -> dict[str, list[Span]]:
    """Find when each user speaks by the levels in the home; only users all of whose sound was measured."""
    voices = find_voices(timeline)
    wanted = {piece.video_id for pieces in voices.values() for piece in pieces} & got.files.keys()
    levels = load_levels(levels_places(wanted, SourceFiles(got.files), got.facts, run.workspace))
    measured = {user: pieces for user, pieces in voices.items() if all(_reaches(p, levels) for p in pieces)}
    if not measured:
        return {}
    from assembler.plan.speech import find_speech  # and with it numpy

    return {user: list(spans) for user, spans in find_speech(measured, levels, timeline.length).items()}


def _reaches(piece: SoundPiece, levels: Mapping[str, Levels]) -> bool:
    found = levels.get(piece.video_id)
    return found is not None and found.reach(FileMs(piece.file_start + piece.span.length))
