"""Probe files in child processes, which may crash or hang at a file's expense."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from assembler.errors import DiskFull, MediaError
from assembler.facts import Facts
from assembler.media.child import ran_out_of_space
from assembler.media.probe.order import ProbeAnswer, ProbeInput, Request
from assembler.processes import Stalled, Stop, log_tail, run
from assembler.processes.fork_server import Module
from assembler.progress import Progress
from assembler.times import Ms

SECONDS = 60.0
"""Maximum time for one file, in s; as much again for every GiB of it."""
MEMORY = 2 << 30
"""Maximum address space of a child, in bytes; a hostile file makes libav ask for any size."""
FILES_PER_CHILD = 32
"""Minimum count of files for a further child; its start costs 0.3 s."""
BYTES_PER_CHILD = 256 << 20
"""Minimum size of files for a further child, in bytes."""

UNUSABLE = "Nothing of the file can be used: fetch it again, or leave it out."
"""Hint for a file that killed the prober or took too long."""

Outcomes = dict[str, ProbeAnswer | MediaError]
"""Answer or problem of each file, by video id."""


class Declared(NamedTuple):
    """Declarations about the files, and paths for straightened copies."""

    places: Mapping[str, Path]
    """Path for the straightened copy of each file, by video id."""
    lengths: Mapping[str, Ms | None]
    """Declared length of each segment, in ms; None where none is declared."""
    sizes: Mapping[str, int | None]
    """Declared size of each segment, in bytes; None where none is declared."""


NOTHING_DECLARED = Declared({}, {}, {})


def probe(path: Path, *, video_id: str, keep_stamps: bool, work: Path, seconds: float = SECONDS) -> Facts:
    """Probe one file.

    ``work`` is a folder for short-lived files. Raises MediaError saying what is wrong with the file.
    """
    kept = {video_id} if keep_stamps else set()
    outcome = _probe_some({video_id: path}, kept, NOTHING_DECLARED, work, seconds, None, lambda _: None)[video_id]
    if isinstance(outcome, MediaError):
        raise outcome
    assert outcome.facts is not None
    return outcome.facts


def probe_all(
    files: Mapping[str, Path],
    *,
    keep_stamps: Collection[str],
    work: Path,
    progress: Progress,
    stop: Stop | None,
    parallel: int,
) -> tuple[dict[str, Facts], dict[str, MediaError]]:
    """Probe files with nothing declared: facts and errors by video id, as ``probe_answers``."""
    found, bad = probe_answers(
        files, keep_stamps=keep_stamps, declared=NOTHING_DECLARED, work=work, progress=progress, stop=stop,
        parallel=parallel,
    )  # fmt: skip
    return {video_id: answer.facts for video_id, answer in found.items() if answer.facts is not None}, bad


def probe_answers(
    files: Mapping[str, Path],
    *,
    keep_stamps: Collection[str],
    declared: Declared,
    work: Path,
    progress: Progress,
    stop: Stop | None,
    parallel: int,
) -> tuple[dict[str, ProbeAnswer], dict[str, MediaError]]:
    """Probe files: an answer for each that can be used and an error for each that cannot, by video id.

    ``keep_stamps`` names the segments whose video needs the pts of every packet. At most ``parallel`` children
    work at once. Raises Stopped when ``stop`` is set, and MediaError only where the prober itself does not start or
    the disk is full.
    """
    sizes = {video_id: _size(path) for video_id, path in files.items()}
    children = min(parallel, 1 + max(len(files) // FILES_PER_CHILD, sum(sizes.values()) // BYTES_PER_CHILD))
    dealt = sorted(files, key=lambda video_id: (-sizes[video_id], video_id))
    hands = [{video_id: files[video_id] for video_id in dealt[child::children]} for child in range(children)]
    outcomes: Outcomes = {}
    with (
        progress.task("probe", sum(sizes.values()), "B") as task,
        ThreadPoolExecutor(max(1, children)) as pool,
    ):
        lock = threading.Lock()

        def work_through(hand: dict[str, Path]) -> None:
            # A child dies with the thread that starts it, so this thread also waits for it.
            found = _probe_some(
                hand, keep_stamps, declared, work, SECONDS, stop, lambda done: task.advance(sizes[done])
            )
            with lock:
                outcomes.update(found)

        for waiting in [pool.submit(work_through, hand) for hand in hands if hand]:
            waiting.result()
    in_order = {video_id: outcomes[video_id] for video_id in files}
    return (
        {video_id: found for video_id, found in in_order.items() if isinstance(found, ProbeAnswer)},
        {video_id: found for video_id, found in in_order.items() if isinstance(found, MediaError)},
    )


class PartialFacts(NamedTuple):
    """Facts of a file of which only the sample tables and ends are downloaded."""

    facts: Facts
    """Facts as ``probe`` will find them, unless the middle of the file surprises."""
    reach: tuple[tuple[int, int], ...]
    """Byte positions over time, as ``ProbeAnswer.reach``."""


def probe_partial(
    files: Mapping[str, tuple[Path, tuple[int, int]]], *, keep_stamps: Collection[str], work: Path, stop: Stop | None
) -> dict[str, PartialFacts]:
    """Probe files that are still being downloaded (by video id, each with its hole); unusable ones are left out."""
    places = {video_id: path.absolute() for video_id, (path, _) in files.items()}
    holes = {video_id: hole for video_id, (_, hole) in files.items()}
    end = _one_child(places, keep_stamps, NOTHING_DECLARED, work, SECONDS, stop, holes) if places else None
    answers = end.answers if end is not None else []
    return {a.video_id: PartialFacts(a.facts, a.reach) for a in answers if a.facts is not None}


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _probe_some(
    files: Mapping[str, Path],
    keep_stamps: Collection[str],
    declared: Declared,
    work: Path,
    seconds: float,
    stop: Stop | None,
    on_done: Callable[[str], None],
) -> Outcomes:
    """Probe by one child after another until every file has its outcome.

    A file at which a child died fails only if that child had seen no other: what an earlier file broke in its memory
    may be felt later, so such a file gets a child of its own first.
    """
    outcomes: Outcomes = {}
    left = {video_id: path.absolute() for video_id, path in files.items()}
    while left:
        end = _one_child(left, keep_stamps, declared, work, seconds, stop)
        for answer in end.answers:
            outcomes[answer.video_id] = _outcome(answer)
            left.pop(answer.video_id, None)
            on_done(answer.video_id)
        guilty = end.under_way
        if guilty is not None and (end.is_late or not end.answers):
            what = (
                "takes too long to be read"
                if end.is_late
                else f"crashed the program that looks into it ({end.complaint})"
            )
            outcomes[guilty] = MediaError(f"the file of {guilty} {what}", hint=UNUSABLE)
            del left[guilty]
            on_done(guilty)
        elif guilty is not None:
            left = {guilty: left.pop(guilty), **left}
        elif left and not end.answers:
            raise MediaError(f"the prober does not start: {end.complaint}", hint="Run `assembler doctor`.")
    return outcomes


class _End(NamedTuple):
    """Result of one child."""

    answers: list[ProbeAnswer]
    """Answers of the files it finished."""
    under_way: str | None
    """Video id of the file it had begun and did not finish; None where there is none."""
    is_late: bool
    """True if it was killed because it took too long."""
    complaint: str
    """Last line of its standard error, else its exit code."""


def _one_child(
    files: Mapping[str, Path],
    keep_stamps: Collection[str],
    declared: Declared,
    work: Path,
    seconds: float,
    stop: Stop | None,
    holes: Mapping[str, tuple[int, int]] | None = None,
) -> _End:
    """Probe files in order in one child, until it ends or dies."""
    wanted = tuple(
        ProbeInput(
            video_id=name,
            path=path,
            keep_stamps=name in keep_stamps,
            hole=(holes or {}).get(name),
            declared=declared.lengths.get(name),
            size=declared.sizes.get(name),
            straight=declared.places.get(name),
        )
        for name, path in files.items()
    )
    seconds *= 1 + max(_size(path) for path in files.values()) / (1 << 30)
    with tempfile.TemporaryDirectory(prefix="probe-", dir=work) as name:
        folder = Path(name).resolve()
        request, answers, log = folder / "request.json", folder / "answers.jsonl", folder / "child.log"
        request.write_text(Request(files=wanted, memory=MEMORY).to_json(), encoding="utf-8")
        command = Module("assembler.media.probe.child", [str(request), str(answers)])
        is_late, code = False, 0
        try:
            # With on_seconds the child's "file finished" lines push the time limit on, so that it is one per file.
            code = run(command, cwd=folder, log=log, stop=stop, stall_seconds=seconds, on_seconds=lambda _: None)
        except Stalled:
            is_late = True
        if code != 0 and ran_out_of_space(log, code):
            raise DiskFull("the disk is full: files could not be looked into", hint="Make room, then run again.")
        how = f"killed after {seconds:.0f} s" if is_late else f"exit code {code}"
        lines = _read(answers, files)
        final = [line for line in lines if line.is_final]
        done = {line.video_id for line in final}
        under_way = next((line.video_id for line in lines if line.video_id not in done), None)
        return _End(final, under_way, is_late, log_tail(log).split(" / ")[-1] or how)


def _read(answers: Path, files: Mapping[str, Path]) -> list[ProbeAnswer]:
    """Read the child's answer lines; its death may have cut the last one."""
    found: list[ProbeAnswer] = []
    with contextlib.suppress(OSError), answers.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):
                found.append(ProbeAnswer.from_json(line))
    return [answer for answer in found if answer.video_id in files]


def _outcome(answer: ProbeAnswer) -> ProbeAnswer | MediaError:
    if answer.facts is not None:
        return answer
    return MediaError(f"the file of {answer.video_id} {answer.problem}", hint=answer.hint)
