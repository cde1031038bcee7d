"""Probing: what is really in each file, found out in a child process that may crash or hang at the file's expense."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from assembler.errors import DiskFull, MediaError
from assembler.facts import Facts
from assembler.media.child import ran_out_of_space
from assembler.media.probe.order import ProbeAnswer, Request, Wanted
from assembler.processes import Stalled, Stop, log_tail, run
from assembler.progress import Progress
from assembler.times import Ms

SECONDS = 60.0
"""How long one file may take, with as much again for every GiB of it."""
MEMORY = 2 << 30
FILES_PER_CHILD = 32
BYTES_PER_CHILD = 256 << 20
"""A further child (0.3 s of start-up) pays only from this much work on."""

UNUSABLE = "Nothing of the file can be used: fetch it again, or leave it out."

Outcomes = dict[str, ProbeAnswer | MediaError]


class Declared(NamedTuple):
    """What was declared of the files, and where a copy goes of one whose stamps or streams have to be put right."""

    places: Mapping[str, Path]
    """Where the copy of each file goes, by video id."""
    lengths: Mapping[str, Ms | None]
    """How long each segment is declared to be."""
    sizes: Mapping[str, int | None]
    """How many bytes each is declared to have."""


NOTHING_DECLARED = Declared({}, {}, {})


def probe(path: Path, *, video_id: str, keep_stamps: bool, work: Path, seconds: float = SECONDS) -> Facts:
    """The facts of one file.

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
    """As ``probe_answers``, of files as they are."""
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
    """The facts of every file (by video id) that can be used, and what is wrong with each of the others.

    ``keep_stamps`` names the segments of whose picture every packet's stamp is wanted. At most ``parallel`` children
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


class Peeked(NamedTuple):
    """What the tables and ends of a file say that is not all there yet."""

    facts: Facts
    """As ``probe`` will find them, unless the middle of the file surprises."""
    reach: tuple[tuple[int, int], ...]
    """As ``ProbeAnswer.reach``."""


def probe_growing(
    files: Mapping[str, tuple[Path, tuple[int, int]]], *, keep_stamps: Collection[str], work: Path, stop: Stop | None
) -> dict[str, Peeked]:
    """What can be said of files (by video id, each with its hole) before they are whole; bad ones are left out."""
    places = {video_id: path.absolute() for video_id, (path, _) in files.items()}
    holes = {video_id: hole for video_id, (_, hole) in files.items()}
    end = _one_child(places, keep_stamps, NOTHING_DECLARED, work, SECONDS, stop, holes) if places else None
    answers = end.answers if end is not None else []
    return {a.video_id: Peeked(a.facts, a.reach) for a in answers if a.facts is not None}


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
    """How a child ended."""

    answers: list[ProbeAnswer]
    """What it finished."""
    under_way: str | None
    """Video id of the file it had begun and did not finish."""
    is_late: bool
    """True if it was killed because it took too long."""
    complaint: str
    """The last line of its standard error, else its exit code."""


def _one_child(
    files: Mapping[str, Path],
    keep_stamps: Collection[str],
    declared: Declared,
    work: Path,
    seconds: float,
    stop: Stop | None,
    holes: Mapping[str, tuple[int, int]] | None = None,
) -> _End:
    """One child through all of these files, or as far as it comes."""
    wanted = tuple(
        Wanted(
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
        # -P: no module is ever imported from the folder the child runs in.
        argv = [sys.executable, "-P", "-m", "assembler.media.probe.child", str(request), str(answers)]
        is_late, code = False, 0
        try:
            # With on_seconds the child's "file finished" lines push the time limit on, so that it is one per file.
            code = run(argv, cwd=folder, log=log, stop=stop, stall_seconds=seconds, on_seconds=lambda _: None)
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
    """The child's lines; the last one may have been cut by its end."""
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
