"""A plan becomes a file: pictures in chunks beside the sound, then one join."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from assembler import processes
from assembler.findings import Finding, judge
from assembler.media.child import child_error, run_module
from assembler.media.encoders import ENCODERS
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.graph import build_graph, compile_graph
from assembler.media.muxing import Join, Run, SoundTrack
from assembler.media.render import render_chunks
from assembler.media.render_run import ffmpeg_argv
from assembler.media.render_setup import RENDER_VERSION, RenderSetup, prepare_sources
from assembler.media.repair import retold
from assembler.media.sound import render_sound
from assembler.media.space import Material, check_space
from assembler.options import Options
from assembler.plan.chunks import cut_chunks, cut_frame, frame_ticks, grid_rate
from assembler.plan.copying import time_scale
from assembler.plan.manifest import Manifest, Origin, Stamps, encoded_stamps, folded
from assembler.plan.model import Mode, Plan
from assembler.processes import Stop
from assembler.progress import Progress
from assembler.recording import Segment
from assembler.timeline.model import Timeline
from assembler.times import Ms, PlayMs, frame_at
from assembler.values import Value
from assembler.workspace import PART, Workspace, digest_of, identity_of, unwritable, write_whole

ENCODER = "x264"


class _SoundReport(Value):
    findings: tuple[Finding, ...]


def package_version() -> str:
    """This package's version."""
    with suppress(PackageNotFoundError):
        return version("assembler")
    return "unknown"


def finished_digest(plan: Plan, files: Mapping[str, Path], program: Ffmpeg, options: Options) -> str:
    """Names the finished file by everything that makes it: plan, files, tools, and what of the options is not in it."""
    encoder = ENCODERS[ENCODER]
    return digest_of(
        RENDER_VERSION,
        plan,
        {name: list(identity_of(path)) for name, path in sorted(files.items())},
        program.text,
        encoder.name,
        list(encoder.options),
        options.loudness,
        options.chunk_seconds,
    )


def compose(
    plan: Plan,
    timeline: Timeline,
    material: Material,
    digest: str,
    part: Path,
    *,
    folder: Path,
    program: Ffmpeg,
    options: Options,
    progress: Progress,
    stop: Stop,
    segments: Sequence[Segment],
    tasks: Sequence[str],
) -> Manifest:
    """Write the whole playback to ``part`` and return what it must be; work that exists in ``folder`` is taken up."""
    check_space(plan, material, folder, part)
    setup = RenderSetup(
        folder=folder,
        program=program,
        encoder=ENCODERS[ENCODER],
        files=material.files,
        facts=material.facts,
        stop=stop,
        stall_seconds=options.stall_seconds,
    )
    progress.say(f"{plan.mode.value}: {plan.mode_reason}")
    seconds = plan.length / 1000
    with progress.task("render", seconds, "s") as task:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sound") as pool:
            sound = pool.submit(_sound, plan, setup, options, stop)
            try:
                runs, stamps, joins, findings = _picture(plan, setup, options, task.advance)
            except BaseException:
                stop.set()
                raise
            track, heard = sound.result()
        if plan.mode is Mode.COPY:
            task.advance(seconds)
    progress.say("joining")
    _join(plan, runs, stamps, track, part, setup)
    stated = (*plan.findings, *findings, *heard)
    return Manifest(
        made_by=package_version(),
        ffmpeg=program.text,
        encoder="copy" if plan.mode is Mode.COPY else ENCODER,
        digest=digest,
        tasks=tuple(tasks),
        verdict=judge(stated),
        outcomes=retold(plan.outcomes, (*findings, *heard)),
        findings=stated,
        origins=_origins(segments, material),
        size=part.stat().st_size,
        length=plan.length,
        fps=plan.fps,
        canvas=plan.canvas,
        layout=plan.layout,
        layout_reason=plan.layout_reason,
        mode=plan.mode,
        mode_reason=plan.mode_reason,
        stamps=stamps,
        joins=joins,
        sound_copied=plan.bed.copied,
        sound_reason=plan.bed.reason,
        play_times=f"{timeline.play_times}: {timeline.play_times_reason}",
        clock=timeline.clock,
        chapters=plan.chapters,
        scenes=plan.scenes,
    )


def _origins(segments: Sequence[Segment], material: Material) -> tuple[Origin, ...]:
    return tuple(
        Origin(
            video_id=s.video_id,
            kind=s.kind,
            user=s.user,
            play_time=s.play_time,
            duration=s.duration,
            bytes=material.files[s.video_id].stat().st_size if s.video_id in material.files else None,
        )
        for s in segments
    )


def _picture(
    plan: Plan, setup: RenderSetup, options: Options, on_seconds: Callable[[float], None]
) -> tuple[list[Run], Stamps, tuple[int, ...], list[Finding]]:
    if plan.mode is Mode.COPY:
        return _copied(plan, setup)
    chunks = cut_chunks(plan, setup.facts, options.chunk_seconds)
    files, findings = render_chunks(chunks, setup, jobs=options.jobs, on_seconds=on_seconds)
    ticks = frame_ticks(plan.fps)
    runs = [
        Run(
            name=str(path),
            container="mov",
            first_packet=0,
            end_packet=None,
            start=chunk.first * ticks,
            stamps=None,
            frames=chunk.frames,
        )
        for chunk, path in zip(chunks, files, strict=True)
    ]
    stamps = encoded_stamps(plan, grid_rate(plan.fps), ticks)
    return runs, stamps, tuple(chunk.first * ticks for chunk in chunks[1:]), findings


def _copied(plan: Plan, setup: RenderSetup) -> tuple[list[Run], Stamps, tuple[int, ...], list[Finding]]:
    pictures = {run.video_id: setup.facts[run.video_id].picture for run in plan.copied}
    scale = time_scale([p for p in pictures.values() if p is not None])
    runs: list[Run] = []
    for copied in plan.copied:
        picture = pictures[copied.video_id]
        assert picture is not None  # decided in plan.copying, like the stamps
        assert picture.stamps is not None
        kept = picture.stamps[copied.first_packet : copied.end_packet]
        ticks = tuple(int((stamp * picture.time_base + copied.offset) * scale) for stamp in kept)
        runs.append(
            Run(
                name=str(setup.files[copied.video_id].resolve()),
                container=setup.facts[copied.video_id].container,
                first_packet=copied.first_packet,
                end_packet=copied.end_packet,
                start=min(ticks),
                stamps=ticks,
                frames=len(ticks),
            )
        )
    everything = sorted(stamp for run in runs for stamp in run.stamps or ())
    return runs, folded(everything, scale), tuple(run.start for run in runs[1:]), []


def _sound(plan: Plan, setup: RenderSetup, options: Options, stop: Stop) -> tuple[SoundTrack, tuple[Finding, ...]]:
    if plan.bed.copied is not None:
        known = setup.facts[plan.bed.copied]
        piece = plan.bed.pieces[0]
        offset = Fraction(piece.span.start - piece.file_start, 1000) - known.origin
        name = str(setup.files[plan.bed.copied].resolve())
        return SoundTrack(name=name, container=known.container, offset=offset), ()
    identities = {p.video_id: list(identity_of(setup.files[p.video_id])) for p in plan.bed.pieces}
    key = digest_of(RENDER_VERSION, plan.bed, plan.length, identities, options.loudness, setup.program.text)[:32]
    out = setup.folder / f"sound-{key}.m4a"
    report = out.with_suffix(".json")
    if out.exists() and report.exists():
        findings = _SoundReport.model_validate_json(report.read_text("utf-8")).findings
    else:
        findings = render_sound(
            plan.bed,
            setup.files,
            setup.facts,
            length=Ms(plan.length),
            out=out,
            work=setup.folder,
            ffmpeg=setup.program.path,
            loudness=options.loudness,
            stop=stop,
            on_seconds=None,
            stall_seconds=options.stall_seconds,
        )
        write_whole(report, _SoundReport(findings=findings).model_dump_json())
    return SoundTrack(name=str(out), container="mov", offset=Fraction(0)), findings


def _join(plan: Plan, runs: Sequence[Run], stamps: Stamps, track: SoundTrack, part: Path, setup: RenderSetup) -> None:
    order = Join(
        out=str(part.absolute()),
        time_scale=stamps.time_scale,
        frame_ticks=frame_ticks(plan.fps),
        runs=tuple(runs),
        sound=track,
        chapters=tuple((int(c.at), c.title) for c in plan.chapters),
        length=plan.length,
    )
    try:
        run_module("assembler.media.muxing", ["join"], order, cwd=setup.folder, name="join", stop=setup.stop)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def single_frame(
    plan: Plan,
    material: Material,
    at: PlayMs,
    png: Path,
    *,
    workspace: Workspace,
    program: Ffmpeg,
    options: Options,
) -> None:
    """One composed picture as a PNG under its final name."""
    frame = min(frame_at(at, plan.fps), plan.frames - 1)
    chunk = cut_frame(plan, material.facts, type(plan.frames)(frame))
    with workspace.scratch_folder() as folder:
        (folder / "chunks").mkdir()
        setup = RenderSetup(folder, program, ENCODERS[ENCODER], material.files, material.facts, Stop(), 60.0)
        readings = prepare_sources([chunk], setup)
        stream = (
            build_graph(chunk, material.facts, readings, program)
            .filter(
                "scale", in_color_matrix="bt709", in_range="tv", out_range="pc", flags="accurate_rnd+full_chroma_int"
            )
            .filter("format", pix_fmts="rgb24")
        )
        out = png.absolute().with_name(png.name + PART)
        arguments, graph = compile_graph(stream, "frame.png", {"frames:v": 1, "c:v": "png", "f": "image2"})
        (folder / "frame.graph").write_text(graph, "utf-8")
        log = folder / "frame.log"
        code = processes.run(ffmpeg_argv(program, arguments, "frame.graph"), cwd=folder, log=log, stall_seconds=120)
        if code != 0 or not (folder / "frame.png").exists():
            raise child_error("ffmpeg failed on this frame", log, code)
        try:
            shutil.copyfile(folder / "frame.png", out)
            os.replace(out, png)
        except OSError as exc:
            raise unwritable(png, exc) from exc
