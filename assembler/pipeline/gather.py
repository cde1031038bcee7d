"""Files and facts of every segment: downloaded (or found on disk) and probed. A bad one does not spoil the class."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from assembler.errors import AssemblerError, DiskFull, InputError, MediaError
from assembler.facts import Facts
from assembler.findings import Finding, note, warning
from assembler.media.align.measure import measure_echoes
from assembler.media.levels.measure import measure_levels
from assembler.media.probe.order import ProbeAnswer
from assembler.media.probe.probe import Declared, probe_answers
from assembler.media.run import Run
from assembler.network.download.download import fetch_all, on_disk
from assembler.network.download.limits import free_space, needed_bytes
from assembler.network.download.media_dir import find_absent, find_local
from assembler.network.download.owners import Owner, owner_of
from assembler.options import Options
from assembler.people import RecordedClass
from assembler.plan.heard import find_voices
from assembler.recording import Recording, Segment
from assembler.segment_files import SegmentFiles
from assembler.timeline.alignment import align_bodies, find_bodies, tell_alignments
from assembler.timeline.drift import without_drift
from assembler.timeline.model import Timeline
from assembler.times import Ms, clock_text
from assembler.workspace import STRAIGHT, Workspace, digest_of, disk_errors, identity_of, write_whole

PROBE_VERSION = 18
"""Version of the prober, raised whenever it learns to see more: facts of older runs are then not taken up."""
OTHER_LENGTH = Ms(5000)
"""Maximum difference of length, in ms, of a file that is taken for the declared one although its size is not."""


Fetch = Callable[..., SegmentFiles]
"""``fetch_all``, or the same with more told to it."""
COPY_DAYS = 7
"""Maximum age of a straightened copy that no run asks for, in days."""


def gather(
    recordings: Sequence[Recording], run: Run, *, stamps: Collection[str] = (), fetch: Fetch = fetch_all
) -> SegmentFiles:
    """Fetch and probe every segment.

    ``stamps``: those whose packets' stamps are kept; ``fetch``: how files are had.

    Raises the first error where not one segment is usable, and whatever concerns them all (disk full, no folder).
    """
    segments = _unique([s for r in recordings for s in r.segments])
    if not segments:
        return SegmentFiles()
    owner = owner_of(recordings)
    _check_space(segments, run, owner)
    with disk_errors(run.workspace.home):
        return _gathered(segments, owner, stamps, run, fetch)


def gather_local(recordings: Sequence[Recording], run: Run) -> SegmentFiles:
    """Gather the files of the class that are in the media folder, probed; nothing is fetched."""
    segments = _unique([s for r in recordings for s in r.segments])
    with disk_errors(run.workspace.home):
        refused = _misnamed(segments, run)
        local = find_local(segments, run.options.media_dir, refused, cache=run.workspace.cache)
        declared = {segment.video_id: segment for segment in segments}
        probed = probe_files(local.files, (), declared, run)
    findings = [*local.findings, *refused.values(), *probed.findings]
    absent = find_absent(segments, local, run.options.media_dir)
    return SegmentFiles(local.files, probed.facts, {**local.failures, **absent, **probed.failures}, findings)


def with_stamps(got: SegmentFiles, wanted: Collection[str], run: Run) -> SegmentFiles:
    """Probe the stamps of these segments' packets, where they can still be learned."""
    files = {name: got.files[name] for name in wanted if name in got.facts}
    with disk_errors(run.workspace.home):
        learned = probe_files(files, wanted, {}, run)
    facts = {name: replace(got.facts[name], picture=found.picture) for name, found in learned.facts.items()}
    kept = {name: known for name, known in got.facts.items() if known.drift}
    return replace(got, facts={**got.facts, **facts, **kept})


def with_speech(got: SegmentFiles, timeline: Timeline, run: Run) -> SegmentFiles:
    """The same, with when each user speaks by their own sound, which is decoded for it unless it was once before."""
    from assembler.plan.speech import find_speech  # and with it numpy

    voices = find_voices(timeline)
    wanted = {piece.video_id for pieces in voices.values() for piece in pieces if piece.video_id in got.files}
    run.progress.say("measuring who speaks")
    with disk_errors(run.workspace.home):
        levels = measure_levels({name: got.files[name] for name in sorted(wanted)}, got.facts, run)
    return replace(got, speaking=find_speech(voices, levels, timeline.length))


def with_alignment(got: SegmentFiles, recorded: RecordedClass, timeline: Timeline, run: Run) -> SegmentFiles:
    """Place files by the sound they share, which is decoded for it unless it was once before; ``timeline``: as
    declared."""
    bodies = find_bodies(timeline)
    run.progress.say("comparing what is heard in several files")
    with disk_errors(run.workspace.home):
        echoes = measure_echoes(bodies, timeline.length, got, run)
    alignments = align_bodies(bodies, echoes, recorded.cast.teacher)
    return replace(got, alignments=alignments, findings=[*got.findings, *tell_alignments(alignments)])


def _gathered(
    segments: Sequence[Segment], owner: Owner, stamps: Collection[str], run: Run, fetch: Fetch
) -> SegmentFiles:
    refused = _misnamed(segments, run)
    fetched = fetch(
        segments, cache=run.workspace.cache, options=run.options, progress=run.progress, stop=run.stop,
        refused=refused, owner=owner,
    )  # fmt: skip
    segments = [piece for s in segments for piece in fetched.slices.get(s.video_id, (s,))]
    declared = {segment.video_id: segment for segment in segments}
    probed = probe_files(fetched.files, stamps, declared, run)
    lacking = {name: error for name, error in fetched.failures.items() if name not in fetched.slices}
    errors: dict[str, AssemblerError] = {**lacking, **probed.failures}
    if errors and not probed.facts:
        name, first = max(errors.items(), key=lambda failed: failed[1].retry)  # what may pass goes before what will not
        more = f" ({len(errors)} segments, none usable)" if len(errors) > 1 else ""
        raise first.reworded(f"{name}: {first.sentence}{more}") from first
    files = {**fetched.files, **probed.files}
    found = SegmentFiles(files, clocked(probed.facts, segments, run.options), errors)
    found.slices = fetched.slices
    found.findings = [*fetched.findings, *refused.values(), *probed.findings]
    return found


def _misnamed(segments: Sequence[Segment], run: Run) -> dict[str, Finding]:
    """Files of the media folder that have a segment's base name, but neither its size nor its length."""
    doubtful = find_local(segments, run.options.media_dir).doubtful
    if not doubtful:
        return {}
    declared = {segment.video_id: segment for segment in segments}
    probed = probe_files(doubtful, (), declared, run)
    found: dict[str, Finding] = {}
    for segment in segments:
        name, known = segment.video_id, probed.facts.get(segment.video_id)
        if name in probed.failures:
            other = "cannot be read"
        elif known and segment.duration and abs(known.end - segment.duration) > OTHER_LENGTH:
            other = f"lasts {clock_text(known.end)}, declared were {clock_text(segment.duration)}"
        else:
            continue
        size = doubtful[name].stat().st_size
        found[name] = note(
            name,
            f"{doubtful[name].name} in the media folder is another file and was not taken: it has {size} bytes,"
            f" declared were {segment.size}, and it {other}.",
        )
    return found


def clocked(facts: dict[str, Facts], segments: Iterable[Segment], options: Options) -> dict[str, Facts]:
    """The facts with clocks set right, where that was asked for."""
    if not options.fix_drift:
        return facts
    by_id = {segment.video_id: segment for segment in segments}
    return {name: without_drift(by_id[name], known) for name, known in facts.items()}


def _check_space(segments: Sequence[Segment], run: Run, owner: Owner) -> None:
    """Check the space for what is fetched, by declared sizes, before the first byte; raises DiskFull."""
    cache = run.workspace.cache
    there = on_disk(segments, cache=cache, options=run.options, owner=owner)
    needed, free = needed_bytes(segments, there), free_space(cache)
    if free < needed:
        raise DiskFull(
            f"the disk of {cache} has {free // 2**20} MiB free, {needed // 2**20} MiB are to be fetched",
            hint="Make room, or name another place with ASSEMBLER_HOME; nothing was fetched yet.",
        )


def _unique(segments: Sequence[Segment]) -> list[Segment]:
    seen: set[str] = set()
    for segment in segments:
        if segment.video_id in seen:
            raise InputError(
                f"video id {segment.video_id} is in two of the results", hint="Give every result only once."
            )
        seen.add(segment.video_id)
    return list(segments)


def probe_files(
    files: Mapping[str, Path],
    stamps: Collection[str],
    segments: Mapping[str, Segment],
    run: Run,
) -> SegmentFiles:
    """Probe every file; what an earlier run learned about the same file is taken up.

    ``files`` of the answer are the straightened copies that take the place of some, and the facts are about them.
    ``segments`` by video id, as far as what they declare shall be held against the files.
    """
    workspace = run.workspace
    known: dict[str, ProbeAnswer] = {}
    keys: dict[str, str] = {}
    lengths = {name: s.duration if s.duration is not None and s.duration > 0 else None for name, s in segments.items()}
    sizes = {name: s.size for name, s in segments.items()}
    for name, path in files.items():
        declared = (name in stamps, lengths.get(name), sizes.get(name))
        keys[name] = digest_of(PROBE_VERSION, name, identity_of(path), *declared)[:32]
        with suppress(OSError, ValueError):
            answer = ProbeAnswer.from_json((workspace.facts / f"{keys[name]}.json").read_text("utf-8"))
            if answer.facts is not None and (answer.straight is None or answer.straight.exists()):
                known[name] = answer
                os.utime(workspace.facts / f"{keys[name]}.json")
    missing = {name: path for name, path in files.items() if name not in known}
    learned: dict[str, ProbeAnswer] = {}
    bad: dict[str, MediaError] = {}
    if missing:
        _forget_copies(workspace)
        places = {name: workspace.straight / f"{keys[name]}{STRAIGHT}" for name in missing}
        learned, bad = probe_answers(
            missing, keep_stamps=stamps, declared=Declared(places, lengths, sizes), work=workspace.scratch,
            progress=run.progress, stop=run.stop, parallel=run.options.processes,
        )  # fmt: skip
    for name, answer in learned.items():
        write_whole(workspace.facts / f"{keys[name]}.json", answer.to_json())
    both = {**known, **learned}
    facts = {name: found for name in files if name in both and (found := both[name].facts) is not None}
    straight = {name: answer.straight for name, answer in both.items() if answer.straight is not None}
    findings = [
        finding
        for name in files
        if name in both
        for finding in (
            *(note(name, sentence) for sentence in both[name].notes),
            *(warning(name, sentence) for sentence in both[name].warnings),
        )
    ]
    return SegmentFiles(straight, facts, {**bad}, findings)


def _forget_copies(workspace: Workspace) -> None:
    """Remove straightened copies that nobody has used for a long time: they can be made again from their sources."""
    for copy in workspace.straight.glob(f"*{STRAIGHT}"):
        facts = workspace.facts / f"{copy.stem}.json"
        with suppress(OSError):
            used = facts.stat().st_mtime if facts.exists() else copy.stat().st_ctime
            if used < time.time() - COPY_DAYS * 86_400:
                copy.unlink()
