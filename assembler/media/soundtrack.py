"""Audio of a playback: copied, or mixed down and measured on the way."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from assembler.findings import Finding
from assembler.levels import Levels
from assembler.media.levels.measure import levels_places, load_levels, unmeasured
from assembler.media.mixdown.mixdown import render_mixdown
from assembler.media.mux.order import AudioTrack
from assembler.media.render.setup import RENDER_VERSION, RenderSetup
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.options import Options
from assembler.plan.heard import find_voices
from assembler.plan.manifest import Activity
from assembler.plan.model import Plan, SoundPiece
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Timeline
from assembler.times import FileMs, Ms, PlayMs, Span, shared
from assembler.values import Value
from assembler.workspace import Workspace, digest_of, write_whole

Soundtrack = tuple[AudioTrack, tuple[Finding, ...]]
"""Audio to be muxed, and the findings of mixing it."""


class _MixReport(Value):
    findings: tuple[Finding, ...]


def render_audio(plan: Plan, setup: RenderSetup, options: Options) -> Soundtrack:
    """Render the audio of a plan, or find what an earlier run rendered; the levels of what is mixed go to the home."""
    if plan.bed.copied is not None:
        known = setup.facts[plan.bed.copied]
        piece = plan.bed.pieces[0]
        offset = Fraction(piece.span.start - piece.file_start, 1000) - known.origin
        name = str(setup.files[plan.bed.copied].resolve())
        index = known.sounds[0].index
        return AudioTrack(name, known.container, offset, end=piece.span.end, index=index), ()
    versions = {p.video_id: setup.version(p.video_id) for p in plan.bed.pieces}
    paces = {name: sounds[0].pace for name in versions if (sounds := setup.facts[name].sounds)}
    key = digest_of(RENDER_VERSION, plan.bed, paces, plan.length, versions, options.loudness, setup.program.text)[:32]
    out = setup.folder / f"sound-{key}.m4a"
    report = out.with_suffix(".json")
    if out.exists() and report.exists():
        findings = _MixReport.model_validate_json(report.read_text("utf-8")).findings
    else:
        places = levels_places(versions, setup.files, setup.facts, Workspace(options.home))
        findings = render_mixdown(
            plan.bed,
            setup.files,
            setup.facts,
            length=Ms(plan.length),
            out=out,
            work=setup.folder,
            ffmpeg=setup.program.path,
            loudness=options.loudness,
            stop=setup.stop,
            on_seconds=None,
            stall_seconds=options.stall_seconds,
            levels=unmeasured(places, setup.facts),
            encoders=options.processes,
        )
        write_whole(report, _MixReport(findings=findings).model_dump_json())
    return AudioTrack(name=str(out), container="mov", offset=Fraction(0), end=None), findings


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
