"""Make the playback file of a plan: video in chunks beside the mixdown, then one mux."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import floor
from pathlib import Path

import assembler
from assembler.captions.place import soft_texts
from assembler.choices import Muxer
from assembler.errors import DiskFull, MediaError
from assembler.facts import Facts
from assembler.findings import Finding, judge, note
from assembler.media.artwork.files import drawing_identity
from assembler.media.child import run_module
from assembler.media.choose_encoder import Choice, render_by_any
from assembler.media.damage.losses import mark_repaired
from assembler.media.disk_space import check_space
from assembler.media.encoders import Encoding
from assembler.media.mux.order import AudioTrack, Join, PacketRun
from assembler.media.pages.measure import find_pages
from assembler.media.render.offer import find_offer_place
from assembler.media.render.repair import UNREADABLE
from assembler.media.render.resume import choose_borders
from assembler.media.render.setup import RENDER_VERSION, RenderSetup
from assembler.media.run import Run
from assembler.media.soundtrack import Soundtrack, find_activity, render_audio
from assembler.media.source_files import BytesMissing, SourceFiles
from assembler.options import Options
from assembler.plan.account import without_unread
from assembler.plan.chapters import with_pages
from assembler.plan.chunks import cut_chunks
from assembler.plan.copying import time_scale
from assembler.plan.grid import frame_ticks, grid_rate
from assembler.plan.held import hold_frames
from assembler.plan.manifest import CaptionFile, Manifest, Origin
from assembler.plan.model import Mode, Plan
from assembler.plan.stamps import Stamps, folded
from assembler.recording import Recording, Segment, vendor_report
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Chapter, Timeline
from assembler.times import Span
from assembler.workspace import digest_of, identity_of

NOTHING_LEFT_OUT = (
    "--variable-rate left out no frame: some source has a new one all the time (one that it repeats counts as new)"
)
"""Sentence of a class for which that option does nothing."""


def finished_digest(plan: Plan, files: Mapping[str, Path], choice: Choice, run: Run) -> str:
    """Digest all that decides how the finished file comes out: plan, files, tools, and options that are not in the
    plan."""
    names = {overlay.artwork.text for lane in plan.lanes for overlay in lane.overlays}
    return digest_of(
        RENDER_VERSION,
        plan,
        {name: list(identity_of(path)) for name, path in sorted(files.items())},
        run.ffmpeg.text,
        *choice.identity,
        run.options.loudness,
        run.options.chunk_seconds,
        *(() if run.options.muxer is Muxer.OWN else (run.options.muxer,)),
        *(["variable rate"] if run.options.variable_rate and plan.mode is Mode.ENCODE else []),
        *(drawing_identity(names) if names else ()),
    )


class CopyRefused(MediaError):
    """Raised for packets that no mp4 can hold as they are; the sources can still be decoded and encoded."""


def compose(
    plan: Plan,
    timeline: Timeline,
    got: SegmentFiles,
    digest: str,
    part: Path,
    *,
    folder: Path,
    choice: Choice,
    recordings: Sequence[Recording],
    run: Run,
) -> Manifest:
    """Write the whole playback to ``part`` and return its manifest; work that exists in ``folder`` is reused."""
    check_space(plan, got, folder, part)
    files, offer = SourceFiles(got.files), find_offer_place(plan, folder, run.options)
    run.progress.say(f"{plan.mode.value}: {plan.mode_reason}")
    video, heard = render_streams(plan, files, got.facts, folder=folder, choice=choice, run=run, offer=offer)
    run.progress.say("joining")
    chapters = _chapters(plan, video, recordings, folder, run)
    _join(plan, video, heard.track, chapters, part, folder, run)
    stated = (*plan.findings, *choice.findings, *video.findings, *heard.findings)
    return Manifest(
        made_by=assembler.__version__,
        ffmpeg=run.ffmpeg.text,
        encoder="copy" if video.encoding is None else video.encoding.name,
        quality=None if video.encoding is None else video.encoding.quality,
        digest=digest,
        tasks=tuple(r.name for r in recordings),
        recordings=tuple(vendor_report(r) for r in recordings),
        verdict=judge(stated),
        outcomes=mark_repaired(plan.outcomes, (*video.findings, *heard.findings)),
        accounts=without_unread(plan.accounts, video.unread, plan.lanes, got.facts),
        findings=stated,
        origins=_origins([s for r in recordings for s in r.segments], got),
        size=part.stat().st_size,
        length=plan.length,
        fps=plan.fps,
        canvas=plan.canvas,
        layout=plan.layout,
        layout_reason=plan.layout_reason,
        mode=plan.mode,
        mode_reason=plan.mode_reason,
        stamps=video.stamps,
        joins=video.joins,
        cuts=video.cuts,
        sound_copied=heard.copied,
        sound_reason=plan.bed.reason,
        play_times=f"{timeline.play_times}: {timeline.play_times_reason}",
        clock=timeline.clock,
        chapters=chapters,
        scenes=plan.scenes,
        people=plan.people,
        title=plan.title,
        course=plan.course,
        timezone=plan.timezone,
        captions=tuple(
            CaptionFile(path=f"{track.name}.vtt", title=track.title, cues=len(track.cues)) for track in plan.captions
        ),
        alignments=got.alignments,
        activity=find_activity(plan, timeline, got, run),
    )


def render_streams(
    plan: Plan, files: SourceFiles, facts: Mapping[str, Facts], *, folder: Path, choice: Choice, run: Run,
    offer: Path | None = None,
) -> tuple[Video, Soundtrack]:  # fmt: skip
    """Render video and audio into ``folder``, side by side; work that exists there is reused.

    ``offer``: the place where the chunks are offered to other processes. Raises BytesMissing where something was left
    for later; finished work stays whatever is raised.
    """
    setup = RenderSetup(
        folder=folder,
        program=run.ffmpeg,
        encoder=choice.encoding,
        files=files,
        facts=facts,
        stop=run.stop,
        stall_seconds=run.options.stall_seconds,
        offer=offer,
    )
    seconds = plan.length / 1000
    with (
        run.progress.task("render", seconds, "s") as task,
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="mixdown") as pool,
    ):
        audio = pool.submit(render_audio, plan, setup, run.options)
        try:
            video = _render_video(plan, setup, run.options, task.advance)
        except BytesMissing:
            raise  # the mixdown goes on all the same
        except BaseException:
            setup.stop.set()
            raise
        heard = audio.result()
        if plan.mode is Mode.COPY:
            task.advance(seconds)
    return video, heard


def _origins(segments: Sequence[Segment], got: SegmentFiles) -> tuple[Origin, ...]:
    return tuple(
        Origin(
            video_id=s.video_id,
            kind=s.kind,
            user=s.user,
            play_time=s.play_time,
            duration=s.duration,
            bytes=got.files[s.video_id].stat().st_size if s.video_id in got.files else None,
        )
        for s in segments
    )


@dataclass(frozen=True)
class Video:
    """Video of a whole playback, before it is muxed."""

    runs: list[PacketRun]
    """Runs of packets, in the order of the playback."""
    stamps: Stamps
    """Pts of all frames."""
    joins: tuple[int, ...]
    """Ticks at which runs meet."""
    findings: list[Finding]
    """Findings about damaged or replaced video."""
    encoding: Encoding | None
    """Encoder and its settings; None where it is copied."""
    unread: tuple[tuple[str, Span], ...] = ()
    """Parts that could not be decoded: video ids, and spans on the playback axis."""
    cuts: tuple[int, ...] = ()
    """Ticks of the joins before which a file was cut."""


def _render_video(plan: Plan, setup: RenderSetup, options: Options, on_seconds: Callable[[float], None]) -> Video:
    if plan.mode is Mode.COPY:
        return _copy_video(plan, setup)
    borders = choose_borders(plan, setup, seconds=options.chunk_seconds, processes=options.processes)
    chunks = cut_chunks(plan, setup.facts, borders)
    if setup.encoder.encoder.takes_skips:
        chunks = tuple(hold_frames(chunk, setup.facts, is_variable=options.variable_rate) for chunk in chunks)
    rendered, findings, encoding = render_by_any(chunks, setup, processes=options.processes, on_seconds=on_seconds)
    ticks = frame_ticks(plan.fps)
    runs = [
        PacketRun(
            name=str(piece.path), container="mov", first_packet=0, end_packet=None, start=piece.first * ticks,
            stamps=None, frames=len(piece.kept),
        )
        for piece in rendered
    ]  # fmt: skip
    stamps = folded([(piece.first + n) * ticks for piece in rendered for n in piece.kept], grid_rate(plan.fps))
    unread = tuple((loss.video_id, loss.span) for piece in rendered for loss in piece.losses if loss.what == UNREADABLE)
    told = [*setup.drawings.findings(), *findings]
    if options.variable_rate and setup.encoder.encoder.takes_skips and stamps.count == plan.frames:
        told.append(note("", NOTHING_LEFT_OUT))
    return Video(runs, stamps, tuple(run.start for run in runs[1:]), told, encoding, unread)


def _copy_video(plan: Plan, setup: RenderSetup) -> Video:
    videos = {run.video_id: setup.facts[run.video_id].picture for run in plan.copied}
    scale = time_scale([p for p in videos.values() if p is not None])
    runs: list[PacketRun] = []
    for copied in plan.copied:
        video = videos[copied.video_id]
        assert video is not None  # decided in plan.copying, like the stamps
        assert video.stamps is not None
        kept = video.stamps[copied.first_packet : copied.end_packet]
        up, later = int(video.time_base * scale), floor(copied.offset * scale)
        ticks = tuple(stamp * up + later for stamp in kept)
        keys = frozenset(video.keyframes)
        runs.append(
            PacketRun(
                name=str(setup.files[copied.video_id].resolve()),
                container=setup.facts[copied.video_id].container,
                first_packet=copied.first_packet,
                end_packet=copied.end_packet,
                start=min(ticks),
                stamps=ticks,
                frames=len(ticks),
                lasts=round(scale / video.rate),
                stream=video.stream,
                keys=tuple(index for index, stamp in enumerate(kept) if stamp in keys),
            )
        )
    everything = sorted(stamp for run in runs for stamp in run.stamps or ())
    sizes = {name: len(video.stamps or ()) for name, video in videos.items() if video is not None}
    cuts = [
        run.start
        for before, run in zip(plan.copied, runs[1:], strict=False)
        if before.end_packet < sizes[before.video_id]
    ]
    return Video(runs, folded(everything, scale), tuple(run.start for run in runs[1:]), [], None, cuts=tuple(cuts))


def _chapters(plan: Plan, video: Video, recordings: Sequence[Recording], folder: Path, run: Run) -> tuple[Chapter, ...]:
    """The planned chapters and, where they are wanted, the new pages that are seen in what was rendered."""
    if not plan.finds_pages:
        return plan.chapters
    kinds = {s.video_id: s.kind for r in recordings for s in r.segments}
    pages = find_pages(plan, kinds, video.runs, video.stamps.time_scale, folder, run.stop)
    return with_pages(plan.chapters, pages, plan.length)


def _join(
    plan: Plan, video: Video, track: AudioTrack, chapters: Sequence[Chapter], part: Path, folder: Path, run: Run
) -> None:
    order = Join(
        out=str(part.absolute()),
        time_scale=video.stamps.time_scale,
        frame_ticks=frame_ticks(plan.fps),
        runs=tuple(video.runs),
        audio=track,
        chapters=tuple((int(c.at), c.title) for c in chapters),
        length=plan.length,
        size=(plan.canvas.width, plan.canvas.height),
        by_libav=run.options.muxer is Muxer.LIBAV,
        captions=tuple((track.title, tuple(soft_texts(track.cues, plan.length))) for track in plan.captions),
    )
    try:
        run_module("assembler.media.mux.child", ["join"], order, cwd=folder, name="join", stop=run.stop)
    except BaseException as exc:
        part.unlink(missing_ok=True)
        if plan.mode is Mode.COPY and isinstance(exc, MediaError) and not isinstance(exc, DiskFull):
            raise CopyRefused(exc.sentence) from exc
        raise
