"""Make the playback file of a plan: video in chunks beside the mixdown, then one mux."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import assembler
from assembler.captions.place import soft_texts
from assembler.choices import Muxer
from assembler.errors import DiskFull, MediaError
from assembler.facts import Facts
from assembler.findings import judge
from assembler.media.artwork.files import drawing_identity
from assembler.media.child import run_module
from assembler.media.choose_encoder import Choice
from assembler.media.damage.losses import mark_repaired
from assembler.media.disk_space import check_space
from assembler.media.mux.order import Join
from assembler.media.pages.measure import find_pages
from assembler.media.render.offer import find_offer_place
from assembler.media.render.setup import RENDER_VERSION, RenderSetup
from assembler.media.run import Run
from assembler.media.soundtrack import Soundtrack, find_activity, render_audio
from assembler.media.source_files import BytesMissing, SourceFiles
from assembler.media.video import Video, render_video
from assembler.plan.account import without_unread
from assembler.plan.chapters import with_pages
from assembler.plan.grid import frame_ticks
from assembler.plan.manifest import CaptionFile, Manifest, Origin
from assembler.plan.model import Mode, Plan
from assembler.recording import Recording, Segment, vendor_report
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Chapter, Timeline
from assembler.workspace import digest_of, identity_of


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
    with ThreadPoolExecutor(max_workers=1) as pool:  # children join: this process has nothing else to do
        activity = pool.submit(find_activity, plan, timeline, got, run)
        chapters = _chapters(plan, video, recordings, folder, run)
        _join(plan, video, heard, chapters, part, folder, run)
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
        activity=activity.result(),
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
            video = render_video(plan, setup, run.options, task.advance)
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


def _chapters(plan: Plan, video: Video, recordings: Sequence[Recording], folder: Path, run: Run) -> tuple[Chapter, ...]:
    """The planned chapters and, where they are wanted, the new pages that are seen in what was rendered."""
    if not plan.finds_pages:
        return plan.chapters
    kinds = {s.video_id: s.kind for r in recordings for s in r.segments}
    pages = find_pages(plan, kinds, video.runs, video.stamps.time_scale, folder, run.stop)
    return with_pages(plan.chapters, pages, plan.length)


def _join(
    plan: Plan, video: Video, heard: Soundtrack, chapters: Sequence[Chapter], part: Path, folder: Path, run: Run
) -> None:
    order = Join(
        out=str(part.absolute()),
        time_scale=video.stamps.time_scale,
        frame_ticks=frame_ticks(plan.fps),
        runs=tuple(video.runs),
        audio=heard.track,
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
        is_copied = plan.mode is Mode.COPY or heard.copied is not None
        if is_copied and isinstance(exc, MediaError) and not isinstance(exc, DiskFull):
            raise CopyRefused(exc.sentence) from exc
        raise
