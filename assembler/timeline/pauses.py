"""Pauses of a recording, their places, and the axis on which its play times run (DESIGN, Pauses)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from assembler.choices import PlayTimes
from assembler.findings import Finding, note, warning
from assembler.recording import Omission, Recording
from assembler.timeline.model import Jump
from assembler.times import Ms, PlayMs, Span, WallMs, clock_text, wall_text

START_TOLERANCE = Ms(1500)
"""Maximum distance, in ms, between RecordStartTime (whole seconds) and the start that an omission names, for which the
latter is the better one."""
BORDER_TOLERANCE = Ms(1000)
"""Maximum distance of the ends and starts of files that are "at" an instant, in ms."""
LEAST_INFERRED = Ms(2000)
"""Minimum difference between wall clock and playback that is a pause, in ms; less is rounding and delay."""


@dataclass(frozen=True)
class Pause:
    """A settled omission: it ended, so the recording went on behind it."""

    at: PlayMs | None
    """Place on the playback axis; None where the result names none."""
    pause: WallMs
    """Start, Unix ms."""
    resume: WallMs
    """End, Unix ms."""

    @property
    def length(self) -> Ms:
        """Length, ms."""
        return Ms(self.resume - self.pause)


@dataclass(frozen=True)
class Pauses:
    """All of a recording's pauses, sorted and disjoint on the wall clock."""

    settled: tuple[Pause, ...]
    """Pauses behind which the recording went on."""
    trailing: WallMs | None
    """Start of the pause in which the recording ended, Unix ms; None if there was none."""
    findings: tuple[Finding, ...]
    """Findings about omissions that overlap or cannot be meant."""

    @property
    def omitted(self) -> Ms:
        """Length of all settled ones together, ms."""
        return Ms(sum(p.length for p in self.settled))


@dataclass(frozen=True)
class Axis:
    """Axis on which the declared play times run, and why."""

    is_wall: bool
    """True for the wall clock, with pauses still inside; else the playback."""
    reason: str
    """Reason in words."""
    is_doubtful: bool = False
    """True if what is declared disagrees about it."""


def settle_pauses(recording: Recording) -> Pauses:
    """Sort, merge and check the omissions; what ended the recording cuts nothing."""
    findings: list[Finding] = []
    trailing: WallMs | None = None
    stop = known_stop(recording)
    ended: list[Pause] = []
    for omission in sorted(recording.omissions, key=lambda o: (o.pause, o.resume or 0)):
        resume = omission.resume
        if resume is None or resume <= 0 or (stop is not None and resume >= stop):
            trailing = omission.pause if trailing is None else min(trailing, omission.pause)
            findings.append(note(_where(omission), "The recording ended in this pause; it cuts nothing."))
        elif resume <= omission.pause:
            findings.append(warning(_where(omission), "The omission ends before it begins; it was ignored."))
        else:
            ended.append(Pause(omission.at, omission.pause, resume))
    settled: list[Pause] = []
    for pause in ended:
        if settled and pause.pause < settled[-1].resume:
            #   kept     [--------)
            #   pause         [--------)   -> one pause, at the first one's place
            last = settled[-1]
            findings.append(note(f"omission at {wall_text(pause.pause)}", "It overlaps the one before: merged."))
            settled[-1] = Pause(last.at, last.pause, max(last.resume, pause.resume))
        else:
            settled.append(pause)
    return Pauses(tuple(settled), trailing, tuple(findings))


def known_stop(recording: Recording) -> WallMs | None:
    """Return the end of the recording, Unix ms; None also where it says that it stopped when it started: some results
    do."""
    if recording.stop is None or (recording.start is not None and recording.stop <= recording.start):
        return None
    return recording.stop


def _where(omission: Omission) -> str:
    return f"omission at {wall_text(omission.pause)}"


def find_start(recording: Recording, pauses: Pauses) -> tuple[WallMs | None, bool, list[Finding]]:
    """The wall instant of playback 0, whether it is exact to the ms, and what was doubtful."""
    first = next((p for p in pauses.settled[:1] if p.at is not None), None)
    if first is None or first.at is None:
        return recording.start, (recording.start or 0) % 1000 != 0, []  # the vendor names whole seconds
    by_omission = WallMs(first.pause - first.at)
    if recording.start is None:
        return by_omission, True, []
    if abs(by_omission - recording.start) <= START_TOLERANCE:
        return by_omission, True, []
    doubt = warning(
        f"omission at {wall_text(first.pause)}",
        f"Its place in the playback puts the start of the recording at {wall_text(by_omission)}, the result says"
        f" {wall_text(recording.start)}; the result's start was taken.",
    )
    return recording.start, False, [doubt]


def decide_axis(recording: Recording, pauses: Pauses, last_end: PlayMs, wanted: PlayTimes) -> Axis:
    """Do the play times still run on the wall clock, relative to the start?

    By evidence: with pauses, the last declared end is compared to the declared length with and without them. Declared
    lengths are often wrong, and to cut on the word of one loses content: TotalTime and the clock both have to say so.
    """
    if wanted is not PlayTimes.AUTO:
        return Axis(wanted is PlayTimes.WALL, f"asked for: play times are on the {wanted.value} axis")
    if not pauses.omitted:
        return Axis(False, "no pause is declared, so both axes are the same")
    stop = pauses.trailing if pauses.trailing is not None else known_stop(recording)
    by_clock: Ms | None = None
    if recording.start is not None and stop is not None:
        by_clock = Ms(stop - recording.start - pauses.omitted)
    if recording.total is None and by_clock is None:
        return Axis(False, "neither a total nor start and stop are declared: playback axis")
    wall = {
        source: _says_wall(last_end, total, pauses.omitted)
        for source, total in (("the declared total", recording.total), ("stop - start - pauses", by_clock))
        if total is not None
    }
    is_wall = all(wall.values())
    source = next(iter(wall))
    far = f"{clock_text(recording.total or by_clock or 0)} ({source})"
    with_pauses = f"{clock_text((recording.total or by_clock or 0) + pauses.omitted)} with its pauses"
    ends = f"the last video ends at {clock_text(last_end)}"
    if len(set(wall.values())) == 2:
        said = ", ".join(f"{'wall clock' if says else 'playback'} by {name}" for name, says in wall.items())
        return Axis(False, f"{ends}: {said}; they disagree: playback axis", is_doubtful=True)
    nearer, other = (with_pauses, far) if is_wall else (far, with_pauses)
    name = "wall" if is_wall else "playback"
    return Axis(is_wall, f"{ends}, nearer to {nearer} than to {other}: {name} axis")


def _says_wall(last_end: PlayMs, total: Ms, omitted: Ms) -> bool:
    """True if the last end fits a length with its pauses, and fits it better than without them."""
    off = abs(last_end - total - omitted)
    return off <= max(LEAST_INFERRED, omitted // 10) and off < abs(last_end - total)


def trusted_jumps(pauses: Pauses, borders: Sequence[PlayMs]) -> tuple[list[Jump], list[Finding]]:
    """The jumps of the wall clock on the playback axis, for play times that skip pauses already.

    ``borders``: where files of one track abut. Without any, the files were joined by the recorder (Concat) and the
    list is valid; with some, only an omission near a border is trusted.
    """
    jumps: list[Jump] = []
    findings: list[Finding] = []
    ordered = sorted(borders)
    for pause in pauses.settled:
        where = f"omission at {wall_text(pause.pause)}"
        if pause.at is None or pause.at < 0:
            findings.append(
                warning(where, "It has no usable place in the playback: it is not a chapter and moves no wall clock.")
            )
        elif borders and not _any_near(ordered, pause.at):
            findings.append(
                warning(
                    where,
                    f"No file ends and goes on at {clock_text(pause.at)}, its place in the playback, although files of"
                    " this class do so elsewhere: it is not a chapter and moves no wall clock.",
                )
            )
        else:
            jumps.append(Jump(at=pause.at, length=pause.length, pause=pause.pause, reason="omission"))
    jumps.sort(key=lambda j: j.at)
    return jumps, findings


def wall_cuts(pauses: Pauses, start: WallMs) -> list[Span]:
    """Return the spans to take out of wall-relative play times, relative to the start; sorted, disjoint."""
    cuts = (Span(start=PlayMs(max(0, p.pause - start)), end=PlayMs(max(0, p.resume - start))) for p in pauses.settled)
    return [cut for cut in cuts if not cut.is_empty]


class Cuts:
    """Spans that are taken out of wall-relative play times: sorted, disjoint."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self._starts = [cut.start for cut in spans]
        self._before = [0, *accumulate(cut.length for cut in spans)]

    def inside(self, whole: Span) -> int:
        """Count those that lie at least partly within a span."""
        return bisect_left(self._starts, whole.end) - bisect_right(self.spans, whole.start, key=lambda cut: cut.end)

    def earlier(self, at: PlayMs) -> PlayMs:
        """A wall-relative instant on the playback axis: everything cut before it is gone."""
        count = bisect_left(self._starts, at)
        if count == 0:
            return at
        last = self.spans[count - 1]
        return PlayMs(at - self._before[count - 1] - (min(at, last.end) - last.start))


def cut_jumps(pauses: Pauses, start: WallMs) -> list[Jump]:
    """The jumps left by cutting wall-relative play times."""
    cuts = Cuts(wall_cuts(pauses, start))
    return [
        Jump(at=cuts.earlier(cut.start), length=cut.length, pause=WallMs(start + cut.start), reason="omission")
        for cut in cuts.spans
    ]


def infer_jumps(recording: Recording, pauses: Pauses, tracks: Sequence[Sequence[Span]]) -> list[Jump]:
    """Pauses that no list names: instants where every running track ends and at least one starts.

    ``tracks``: the declared spans of each track. Exactly one such instant gets the whole difference between wall
    clock and playback (to +-1 s); several are marks without a length.
    """
    if recording.start is None or recording.stop is None or recording.total is None:
        return []
    stop = recording.stop if pauses.trailing is None else pauses.trailing
    missing = stop - recording.start - recording.total
    if missing < LEAST_INFERRED:
        return []
    instants = _common_borders(tracks)
    if len(instants) == 1:
        pause = WallMs(recording.start + instants[0])
        return [Jump(at=instants[0], length=Ms(missing), pause=pause, reason="inferred")]
    return [Jump(at=at, length=None, pause=None, reason="inferred") for at in instants]


def _common_borders(tracks: Sequence[Sequence[Span]]) -> list[PlayMs]:
    spans = sorted((s for track in tracks for s in track if s.length > BORDER_TOLERANCE), key=lambda s: s.start)
    starts, ends = [s.start for s in spans], sorted(s.end for s in spans)
    latest = list(accumulate((s.end for s in spans), max))
    found: list[PlayMs] = []
    for start in sorted(set(starts)):
        #  every span that runs before the instant ends near it; what begins near it does not run through it
        before = bisect_left(starts, start - BORDER_TOLERANCE)
        runs_on = before > 0 and latest[before - 1] > start + BORDER_TOLERANCE
        is_new = not found or start - found[-1] > BORDER_TOLERANCE
        if _any_near(ends, start) and not runs_on and is_new:
            found.append(start)
    return found


def _any_near(instants: Sequence[PlayMs], at: PlayMs) -> bool:
    """True if one of these sorted instants is within ``BORDER_TOLERANCE`` of another."""
    place = bisect_left(instants, at - BORDER_TOLERANCE)
    return place < len(instants) and instants[place] <= at + BORDER_TOLERANCE


def file_borders(tracks: Sequence[Sequence[Span]]) -> list[PlayMs]:
    """Find the instants at which one file of a track ends and the next one begins within a second."""
    return [
        after.start
        for track in tracks
        for before, after in pairwise(sorted(track, key=lambda s: (s.start, s.end)))
        if abs(after.start - before.end) <= BORDER_TOLERANCE
    ]
