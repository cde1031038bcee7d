"""Files that are placed anew by the sound they share: what moves together, and by how much (DESIGN, Files that share
sound)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from assembler.echoes import Echo
from assembler.findings import Finding, note
from assembler.recording import Recording, StreamKind
from assembler.timeline.model import Clip, Timeline
from assembler.timeline.offsets import STEADY, Offset, find_offsets
from assembler.times import Ms, PlayMs, WallMs, clock_text
from assembler.values import Value

LEAST = 10.0
"""Minimum offset that is taken out, in ms: nobody sees or hears less."""
SWEEPS = 100
"""Number of rounds in which the errors of loops are shared out."""
OWN_SOUND = {
    StreamKind.CAMERA: (0, "person"), StreamKind.AUDIO: (1, "person"),
    StreamKind.SCREEN: (0, "share"), StreamKind.SCREEN_AUDIO: (1, "share"), StreamKind.MIX: (0, "mix"),
}  # fmt: skip
"""Rank of a kind of stream among those with the same sound, and that sound's name."""


class Body(NamedTuple):
    """Files that are moved together, by the sound of one of them."""

    video_id: str
    """File whose sound is measured."""
    kind: StreamKind
    """Kind of its stream."""
    user: str
    """User whose files they are; "" for a mixed stream."""
    clips: tuple[Clip, ...]
    """Clips of that file that are heard."""
    more: tuple[str, ...]
    """Video ids of the other files, sorted: pictures of the same person, and sound files that repeat the sound."""

    @property
    def length(self) -> int:
        """Time for which it is heard, in ms."""
        return sum(clip.sound.length for clip in self.clips if clip.sound is not None)


class Alignment(Value):
    """Place of one person's files by the sound that they share with another file."""

    video_ids: tuple[str, ...]
    """Files that belong together; the sound of the first one was measured."""
    user: str
    """User whose files they are; "" for a mixed stream."""
    against: str
    """File with which it shares sound."""
    declared: PlayMs
    """Declared place of the first file's time 0, playback axis as declared."""
    measured: PlayMs
    """Place of the same instant by the sound, same axis."""
    moved: Ms
    """Time by which the files were moved, in ms; 0 where they stay."""
    confidence: float
    """Confidence of the measurement, from 0 to 1; from 0.5 on it is applied."""
    echo: Ms | None
    """Delay of the echo between both, in ms, where each holds the other's sound, 0 where both say the same; None where
    it is not known, and taken for 0."""
    doubt: str = ""
    """Reason why the measurement was not applied; "" where it was, or agrees."""


def find_bodies(timeline: Timeline) -> list[Body]:
    """Find the files with a sound of their own, and which others move with each.

    A file without sound, or whose sound only repeats another's of its user, goes with that which it overlaps most.
    """
    files: dict[str, tuple[StreamKind, str, list[Clip]]] = {}
    for track, clip in timeline.clips():
        if track.kind in OWN_SOUND:
            files.setdefault(clip.video_id, (track.kind, track.user, []))[2].append(clip)
    cores: dict[str, list[str]] = {}
    for name in sorted(files, key=lambda name: (OWN_SOUND[files[name][0]][0], name)):
        kind, user, clips = files[name]
        if any(clip.sound is not None and not clip.sound.is_empty for clip in clips):
            same = [core for core in cores if files[core][1] == user and _sound(files[core][0]) == _sound(kind)]
            if kind is StreamKind.MIX or not any(_overlap(files[core][2], clips) for core in same):
                cores[name] = []
    for name in files.keys() - cores.keys():
        kind, user, clips = files[name]
        own = [core for core in cores if user and files[core][1] == user and _overlap(files[core][2], clips)]
        if own:
            nearest = max(own, key=lambda c: (_sound(files[c][0]) == _sound(kind), _overlap(files[c][2], clips), c))
            cores[nearest].append(name)
    return [
        Body(name, files[name][0], files[name][1], tuple(files[name][2]), tuple(sorted(more)))
        for name, more in sorted(cores.items())
    ]


def _sound(kind: StreamKind) -> str:
    return OWN_SOUND[kind][1]


def _overlap(some: Sequence[Clip], others: Sequence[Clip]) -> int:
    if some[-1].span.end <= others[0].span.start or others[-1].span.end <= some[0].span.start:
        return 0
    pairs = ((a.span, b.span) for a in some for b in others)
    return sum(max(0, min(a.end, b.end) - max(a.start, b.start)) for a, b in pairs)


def align_bodies(bodies: Sequence[Body], echoes: Iterable[Echo], teacher: str | None) -> tuple[Alignment, ...]:
    """Decide where each body belongs that shares sound with another; ``teacher``: user id, where one is named.

    The mixed stream stays where it is, else the teacher, else as many as possible.
    """
    known = {body.video_id: body for body in bodies}
    offsets = [o for o in find_offsets(echoes) if o.first in known and o.second in known]
    sure = sorted((o for o in offsets if not o.doubt), key=lambda o: (o.echo is None, -o.confidence * o.windows, o[:2]))
    found: dict[str, Alignment] = {}
    for tree, loops in _components(sure):
        found |= _placed(known, tree, loops, teacher)
    placed = {name for offset in sure for name in (offset.first, offset.second)}
    for doubtful in sorted((o for o in offsets if o.doubt), key=lambda o: -o.confidence):
        ends = (doubtful.second, doubtful.first, doubtful.late), (doubtful.first, doubtful.second, -doubtful.late)
        free = next((end for end in ends if end[0] not in placed | found.keys()), None)
        if free is not None:
            found[free[0]] = _row(known[free[0]], *free[1:], doubtful.confidence, None, doubtful.doubt)
    return tuple(found[name] for name in sorted(found))


Component = tuple[list[Offset], list[Offset]]
"""Offsets that join files into a tree, and those that close loops in it."""


def _components(offsets: Sequence[Offset]) -> list[Component]:
    """Divide offsets, the best first, by the files that they join."""
    group: dict[str, str] = {}

    def root(name: str) -> str:
        while group.setdefault(name, name) != name:
            name = group[name]
        return name

    trees, loops = list[Offset](), list[Offset]()
    for offset in offsets:
        a, b = root(offset.first), root(offset.second)
        (trees if a != b else loops).append(offset)
        group[b] = a
    found: dict[str, Component] = {}
    for which, ones in ((0, trees), (1, loops)):
        for offset in ones:
            found.setdefault(root(offset.first), ([], []))[which].append(offset)
    return list(found.values())


class _Way(NamedTuple):
    """Way from the reference to a file."""

    names: tuple[str, ...]
    late: float
    last: Offset | None
    confidence: float


def _neighbours(offsets: Iterable[Offset]) -> dict[str, list[tuple[str, float, Offset]]]:
    """List for each file those that share sound with it, and how much later they are placed."""
    found: dict[str, list[tuple[str, float, Offset]]] = {}
    for offset in offsets:
        found.setdefault(offset.first, []).append((offset.second, offset.late, offset))
        found.setdefault(offset.second, []).append((offset.first, -offset.late, offset))
    return found


def _ways(tree: Sequence[Offset], begin: str) -> dict[str, _Way]:
    found, near = {begin: _Way((begin,), 0.0, None, 1.0)}, _neighbours(tree)
    waiting = [begin]
    for name in waiting:
        way = found[name]
        for other, late, offset in near.get(name, ()):
            if other not in found:
                confidence = min(way.confidence, offset.confidence)
                found[other] = _Way((*way.names, other), way.late + late, offset, confidence)
                waiting.append(other)
    return found


def _placed(
    known: Mapping[str, Body], tree: Sequence[Offset], loops: Sequence[Offset], teacher: str | None
) -> dict[str, Alignment]:
    """Place the files of one component against its reference; those of loops that do not close stay."""
    names = sorted({name for offset in tree for name in (offset.first, offset.second)})
    fixed = [n for n in names if known[n].kind is StreamKind.MIX]
    fixed = fixed or [n for n in names if teacher is not None and known[n].user == teacher]
    longest = max(fixed or names, key=lambda n: (known[n].length, n))
    ways = _ways(tree, longest)
    late = {name: way.late for name, way in ways.items()}
    wrong: dict[str, float] = {}
    for offset in loops:
        error = late[offset.second] - late[offset.first] - offset.late
        if abs(error) > STEADY:
            for name in {*ways[offset.first].names} ^ {*ways[offset.second].names}:
                wrong[name] = max(abs(error), wrong.get(name, 0.0))
    late = _relaxed(late, [*tree, *(o for o in loops if o.first not in wrong and o.second not in wrong)], longest)
    zero = 0.0 if fixed else _commonest({n: late[n] for n in names if n not in wrong}, known)
    rows = {}
    for name, way in ways.items():
        if way.last is None and (fixed or abs(zero) < LEAST):
            continue
        last = way.last or next(o for o in tree if longest in (o.first, o.second))
        other = last.second if last.first == name else last.first
        missed = max((wrong.get(n, 0.0) for n in way.names), default=0.0)
        doubt = f"files that share sound in a loop contradict each other by {missed:.0f} ms" if missed else ""
        echo = None if last.echo is None else Ms(round(last.echo))
        confidence = way.confidence if way.last else last.confidence
        rows[name] = _row(known[name], other, late[name] - zero, confidence, echo, doubt)
    return rows


def _relaxed(late: Mapping[str, float], offsets: Sequence[Offset], fixed: str) -> dict[str, float]:
    """Share out the errors of loops that nearly close: least squares, weighted by confidence."""
    found, near = dict(late), _neighbours(offsets)
    for _ in range(SWEEPS):
        for name in found:
            weight = sum(offset.confidence for _, _, offset in near.get(name, ()))
            if weight and name != fixed:
                found[name] = sum((found[n] - by) * o.confidence for n, by, o in near[name]) / weight
    return found


def _commonest(late: Mapping[str, float], known: Mapping[str, Body]) -> float:
    """Find the offset that most files have: these stay; of several sets the one that is heard longest."""
    sets = {name: [other for other in late if abs(late[other] - late[name]) < LEAST] for name in late}

    def rank(name: str) -> tuple[int, int, str]:
        return len(sets[name]), sum(known[other].length for other in sets[name]), name

    return fmean(late[other] for other in sets[max(late, key=rank)]) if late else 0.0


def _row(body: Body, other: str, late: float, confidence: float, echo: Ms | None, doubt: str) -> Alignment:
    clip = body.clips[0]
    place = PlayMs(clip.span.start - clip.file_start)
    is_moved = not doubt and abs(late) >= LEAST
    return Alignment(
        video_ids=(body.video_id, *body.more),
        user=body.user,
        against=other,
        declared=place,
        measured=PlayMs(place - round(late)),
        moved=Ms(-round(late) if is_moved else 0),
        confidence=round(confidence, 2),
        echo=echo,
        doubt=doubt,
    )


def moves_of(alignments: Iterable[Alignment]) -> dict[str, Ms]:
    """Return by how much each file is moved, by video id."""
    return {name: one.moved for one in alignments if one.moved for name in one.video_ids}


def with_moves(recording: Recording, moves: Mapping[str, Ms]) -> Recording:
    """Move files of a recording; where no pause and no total length is declared, the first of them begins the playback
    as before, and the recording's start moves with it."""
    if not moves.keys() & {s.video_id for s in recording.segments}:
        return recording
    moved = [PlayMs(s.play_time + moves.get(s.video_id, 0)) for s in recording.segments]
    is_free = recording.total is None and not recording.omissions
    by = min(s.play_time for s in recording.segments) - min(moved) if is_free else 0
    segments = tuple(
        s.model_copy(update={"play_time": PlayMs(at + by)}) for s, at in zip(recording.segments, moved, strict=True)
    )
    start = WallMs(recording.start - by) if recording.start is not None else None
    return recording.model_copy(update={"segments": segments, "start": start})


def tell_alignments(alignments: Sequence[Alignment]) -> list[Finding]:
    """State what was measured, file by file."""
    if not alignments:
        return [note("", "No two people's files share sound: all stay where they were declared.")]
    return [note(one.video_ids[0], _sentence(one)) for one in alignments]


def _sentence(one: Alignment) -> str:
    declared, measured = clock_text(one.declared), clock_text(one.measured)
    measure = f"declared at {declared}, at {measured} by the sound it shares with {one.against} ({one.confidence:.2f})"
    if one.doubt:
        return f"It stays: {measure}: {one.doubt}."
    if not one.moved:
        return f"It stays: {measure}."
    together = f" together with {', '.join(one.video_ids[1:])}" if len(one.video_ids) > 1 else ""
    if one.echo is None:
        echo = "a delay of the echo itself, which is not known, is in it"
    else:
        echo = f"an echo of {one.echo} ms was taken off" if one.echo else "both ways they share it without a delay"
    return f"Moved by {one.moved:+} ms{together}: {measure}; {echo}."
