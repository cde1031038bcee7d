"""The whole story: a finished recording becomes one synchronized playback file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from assembler.captions.load import GivenText, load_text, write_tracks
from assembler.captions.webvtt import CaptionTrack
from assembler.class_card import ClassCard
from assembler.errors import AssemblerError, InputError, VerifyError
from assembler.findings import Finding, Severity, warning
from assembler.media.choose_encoder import Choice, choose_encoder
from assembler.media.compose import CopyRefused, compose, finished_digest
from assembler.media.run import Run
from assembler.media.verify.verify import verify
from assembler.network.download.download import fetch_all
from assembler.options import Options, load_options
from assembler.outputs.material import Material
from assembler.outputs.packages import check_extras, find_stale, is_settled, make_packages, tell_missing
from assembler.people import RecordedClass
from assembler.pipeline.decide import decide, wanted_stamps, without_hidden, work_digest
from assembler.pipeline.gather import Fetch, gather, with_alignment, with_speech, with_stamps
from assembler.pipeline.render_ahead import rendering_ahead
from assembler.pipeline.target import Target
from assembler.pipeline.timelines import Given, in_order, timeline_of
from assembler.pipeline.transcribe import with_transcript
from assembler.plan.chunks import stamp_shown
from assembler.plan.copying import NOT_ALLOWED
from assembler.plan.grid import rounded
from assembler.plan.manifest import Manifest, load_manifest
from assembler.plan.model import Mode, Plan
from assembler.processes import Stop
from assembler.progress import Progress, Silent
from assembler.recording import Recording
from assembler.report.assets import write_account
from assembler.segment_files import SegmentFiles
from assembler.timeline import cut_window
from assembler.timeline.model import Timeline
from assembler.times import Frame, PlayMs, clock_text
from assembler.workspace import COVER, MANIFEST, PART, REPORT, SMALL_PICTURES, WATCH, assets_of, unwritable, write_whole

PICTURES = (COVER, SMALL_PICTURES)
"""Names of the pictures that ``verify`` takes."""
FINEST_RATE = Fraction(120)
"""Frame rate at which a single frame of a copied playback is planned: copied frames keep their stamps, and on so fine a
grid each has a frame of its own."""


@dataclass(frozen=True)
class Playback:
    """A finished file."""

    path: Path
    """The playback."""
    manifest: Manifest
    """Manifest: what the file was made from, and what was noticed."""
    was_there: bool
    """True if an earlier run had made the same file: nothing was done."""
    recordings: tuple[Recording, ...] = ()
    """Recordings in the order of the class, without people whom its card hides."""

    @property
    def watch(self) -> Path:
        """The page on which people watch it; absent beside a file that an older version made."""
        return assets_of(self.path) / WATCH

    @property
    def report(self) -> Path:
        """The page that tells people of it; absent beside a file that an older version made."""
        return assets_of(self.path) / REPORT


def assemble(
    recordings: Recording | Sequence[Recording],
    out: Path,
    options: Options | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
    *,
    inputs: Sequence[Path] = (),
    card: ClassCard | None = None,
) -> Playback:
    """Make ``out`` from the recordings of one class, and ``<out>.assets/playback.json`` beside it.

    ``inputs``: files that must not be replaced besides the recorded ones, such as the result itself. ``card``: class
    card; where none is given, that of the options.

    The file appears under its name only when it is whole and verified. Raises an AssemblerError of any kind: what
    was done until then is kept in the workspace, and the same call continues there.
    """
    chosen = options or load_options()
    check_extras(chosen.also)
    recorded = in_order(recordings, chosen, card)
    given = [recordings] if isinstance(recordings, Recording) else recordings
    try:
        text = load_text(given, recorded, chosen)
        return _assemble(
            recorded, Target(out, given, chosen, inputs), Run(chosen, progress or Silent(), stop or Stop()), text
        )
    except AssemblerError as exc:
        raise recorded.redaction.error(exc) from exc


def _assemble(recorded: RecordedClass, target: Target, run: Run, text: GivenText) -> Playback:
    target.check_playback()
    with rendering_ahead(recorded, run) as ahead:
        recorded, got = _gather(recorded, run, ahead.fetch)
        got = ahead.settle(got)
    making = _Making(recorded, target, run, text)
    try:
        return making.make(got)
    except _CopyDamaged as exc:
        damage = warning("", f"What was copied is damaged ({exc}): the whole playback was encoded instead.")
        return making.make(replace(got, findings=[*got.findings, damage]), why_not="what was copied is damaged")
    except CopyRefused as exc:
        return making.make(got, why_not=f"its packets could not be copied: {exc.sentence}")


class _CopyDamaged(Exception):
    """Copied packets that do not decode: no playback, but the sources can still be decoded and encoded."""


@dataclass(frozen=True)
class _Making:
    """All that stays the same while one file is made."""

    recorded: RecordedClass
    target: Target
    run: Run
    text: GivenText

    @property
    def out(self) -> Path:
        return self.target.out

    def make(self, got: SegmentFiles, *, why_not: str = "") -> Playback:
        """Plan, compose, verify, and put in place, unless all that was done before; ``why_not``: why nothing is copied,
        if that was tried."""
        whole, plan = decide(self.recorded, got, self.run.options, may_copy=not why_not)
        timeline = cut_window(whole, self.run.options.start, self.run.options.end)
        if why_not and plan.mode_reason == NOT_ALLOWED.reason:  # else it was the sound that was copied
            plan = plan.model_copy(update={"mode_reason": why_not})
        text, heard = with_transcript(self.text, self.recorded, whole, plan, got, self.run)
        captions, said = text.place(whole.clock, plan.length, self.recorded, self.run.options)
        plan = plan.model_copy(update={"captions": captions, "findings": (*plan.findings, *heard, *said)})
        _refuse_warnings(plan.findings, self.run.options)
        choice = choose_encoder(plan, self.run.options, self.run.ffmpeg)
        _refuse_warnings(choice.findings, self.run.options)
        digest = finished_digest(plan, got.files, choice, self.run)
        done = _already_there(self.out, digest)
        if done is not None and self._is_settled(done):
            return Playback(self.out, done, was_there=True, recordings=self.recorded.recordings)
        work = work_digest(self.recorded, self.run)
        with self.run.workspace.held(work, self.out, self.run.progress) as folder:
            done = _already_there(self.out, digest)  # made by another run while this one waited
            if done is None:
                self.target.check_playback()  # it may be another class's meanwhile
                for name, value in [("timeline", timeline), ("plan", plan), *_numbered(self.target.recordings)]:
                    write_whole(folder / f"{name}.json", value.model_dump_json(indent=1))
            manifest = done or self._compose(plan, timeline, got, choice, digest, folder)
            if not self._is_settled(manifest):
                manifest = make_packages(
                    Material(self.out, manifest, whole, timeline, plan, self.recorded, got, folder, self.run)
                )
            if not self.run.options.keep_work:
                self.run.workspace.forget(work)  # while it is held: a run that waits for it begins with a fresh one
        _refuse_warnings(manifest.findings, self.run.options)  # of packages: the playback is in its place
        return Playback(self.out, manifest, was_there=done is not None, recordings=self.recorded.recordings)

    def _is_settled(self, manifest: Manifest) -> bool:
        return is_settled(self.out, manifest, self.run.options.also)

    def _compose(
        self, plan: Plan, timeline: Timeline, got: SegmentFiles, choice: Choice, digest: str, folder: Path
    ) -> Manifest:
        part = self.out.with_name(self.out.name + PART)
        part.unlink(missing_ok=True)  # never written through: it may be another name of some file
        manifest = compose(
            plan,
            timeline,
            got,
            digest,
            part,
            folder=folder,
            choice=choice,
            recordings=self.recorded.recordings,
            run=self.run,
        )
        manifest = without_hidden(manifest, self.recorded.redaction)
        try:
            _refuse_warnings(manifest.findings, self.run.options)
            self.run.progress.say("verifying")
            for name in PICTURES:
                (folder / name).unlink(missing_ok=True)
            verify(part, manifest, stop=self.run.stop, pictures=folder)
            manifest = tell_missing(self.out, manifest, self.run.options.also)
            _put_in_place(part, self.out, manifest, timeline, plan.captions, folder)
        except VerifyError as exc:
            if plan.mode is not Mode.COPY and manifest.sound_copied is None:
                raise
            part.unlink(missing_ok=True)
            raise _CopyDamaged(exc.sentence) from exc
        except BaseException:  # as while joining: what it was joined from is kept
            part.unlink(missing_ok=True)
            raise
        return manifest


def _gather(recorded: RecordedClass, run: Run, fetch: Fetch = fetch_all) -> tuple[RecordedClass, SegmentFiles]:
    """The class with its slices, and all that the plan asks for; where the files show more than was declared, some are
    probed once more."""
    got = gather(recorded.recordings, run, stamps=wanted_stamps(recorded, run.options), fetch=fetch)
    recorded = recorded.model_copy(update={"recordings": got.sliced(recorded.recordings)})
    if run.options.align is not None:
        got = with_alignment(got, recorded, timeline_of(recorded, got, run.options), run)
    timeline, plan = decide(recorded, got, run.options)
    if plan.wants_speech:
        got = with_speech(got, timeline, run)
        plan = decide(recorded, got, run.options)[1]
    return recorded, with_stamps(got, plan.wants_stamps, run) if plan.wants_stamps else got


def plan_probed(recordings: Given, options: Options, progress: Progress | None = None) -> tuple[Timeline, Plan]:
    """Timeline and plan as ``assemble`` would take them: files are downloaded and probed, nothing is rendered."""
    recorded = in_order(recordings, options)
    recorded, got = _gather(recorded, Run(options, progress or Silent()))
    return decide(recorded, got, options)


def take_frame(
    recordings: Recording | Sequence[Recording],
    at: PlayMs,
    png: Path,
    options: Options,
    progress: Progress | None = None,
    *,
    inputs: Sequence[Path] = (),
) -> Path:
    """The picture that the playback shows at an instant, as a PNG: for trying layouts.

    It is decided on the whole playback, so all files are fetched and probed; nothing but this picture is rendered.
    """
    from assembler.media.render.still import render_frame  # and with it what builds graphs

    recorded = in_order(recordings, options)
    given = [recordings] if isinstance(recordings, Recording) else recordings
    run = Run(options, progress or Silent())
    Target(png, given, options, inputs).check_frame()
    recorded, got = _gather(recorded, run)
    _, plan = decide(recorded, got, options)
    if at >= plan.length:
        raise InputError(
            f"the playback is {clock_text(plan.length)} long, there is no frame at {clock_text(at)}",
            hint="Ask for an earlier one.",
        )
    shown = stamp_shown(plan, got.facts, at)
    if plan.mode is Mode.COPY:  # its pictures keep their stamps: on so fine a grid each has a frame of its own
        options = options.model_copy(update={"fps": FINEST_RATE})
    _, plan = decide(recorded, got, options, may_copy=False)
    frame = min(rounded(shown * plan.fps), plan.frames - 1)
    render_frame(plan, got, Frame(frame), png, run)
    return png


def _numbered(recordings: Sequence[Recording]) -> list[tuple[str, Recording]]:
    return [(f"recording-{number}", recording) for number, recording in enumerate(recordings, 1)]


def _refuse_warnings(findings: Sequence[Finding], options: Options) -> None:
    warnings = [f for f in findings if f.severity is Severity.WARNING]
    if options.strict and warnings:
        first = warnings[0]
        where = f"{first.where}: " if first.where else ""
        more = f" (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
        raise InputError(f"--strict: {where}{first.sentence}{more}", hint="Leave out --strict to get the playback.")


def _already_there(out: Path, digest: str) -> Manifest | None:
    """The manifest of a finished file with this digest; its size and stamps are checked."""
    with suppress(AssemblerError):
        manifest = load_manifest(out)
        if manifest.digest == digest:
            verify(out, manifest, decode="index")
            return manifest
    return None


def _put_in_place(
    part: Path, out: Path, manifest: Manifest, timeline: Timeline, captions: Sequence[CaptionTrack], folder: Path
) -> None:
    """Move the verified file under its name, what tells of it first: a manifest without its file is harmless.

    ``folder`` holds its pictures.
    """
    assets = assets_of(out)
    try:
        assets.mkdir(exist_ok=True)
        # first: a run that ends in here is done again, while the former playback would be taken for whole
        write_whole(assets / MANIFEST, manifest.model_dump_json(indent=1))
        for name in PICTURES:
            (assets / name).unlink(missing_ok=True)  # of the former playback, which may show what this one hides
            if (folder / name).exists():
                write_whole(assets / name, (folder / name).read_bytes())
        write_tracks(assets, captions)
        write_account(out, manifest, timeline)
        for stale in find_stale(out, manifest):
            shutil.rmtree(stale)  # of the former playback, which may show what this one hides
        os.replace(part, out)
    except OSError as exc:
        raise unwritable(out, exc) from exc
