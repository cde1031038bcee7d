"""Arrangement: the layout in use, and who is seen in which of its slots when (DESIGN, Layouts)."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from assembler.errors import InputError
from assembler.facts import Facts
from assembler.findings import Finding, note
from assembler.layout.builtin import LAYOUTS
from assembler.layout.choose import AUTO, Choice, choose_layout, losers
from assembler.layout.custom import colour_of, load_custom
from assembler.layout.divide import usual_shape
from assembler.layout.flow import seat_flowing
from assembler.layout.mixes import Mixed, choose_mix, rank_mixes
from assembler.layout.model import Accepts, Arrangement, Layout
from assembler.layout.presence import find_attendance, find_shapes, find_stage, stage_shape
from assembler.layout.reflow import Lesson, Reflow
from assembler.layout.row import LayoutRow, Needs
from assembler.layout.seating import Present, Seated, heard_text, list_slots
from assembler.layout.seats import find_stays, most_at_once
from assembler.layout.silhouettes import draw_silhouettes, show_silhouettes
from assembler.layout.teacher import find_teacher
from assembler.options import Options
from assembler.people import Cast
from assembler.recording import StreamKind
from assembler.timeline.model import Timeline
from assembler.times import Span

Sizes = Mapping[str, tuple[int, int] | None]

PLACES = {
    StreamKind.WHITEBOARD: Accepts.WHITEBOARD,
    StreamKind.SCREEN: Accepts.SCREEN,
    StreamKind.CAMERA: Accepts.USER,
}
"""Kinds of slots by kind of stream; a mixed stream and a user's sound alone are not placed by kind."""

STAGED = {StreamKind.WHITEBOARD, StreamKind.SCREEN}
"""Kinds of streams that ask for a stage."""


def arrange(
    timeline: Timeline,
    facts: Mapping[str, Facts],
    sizes: Sizes,
    options: Options,
    cast: Cast,
    speaking: Mapping[str, Sequence[Span]] | None = None,
) -> Arrangement:
    """Layout and placements of a whole class.

    ``sizes``: declared picture sizes by video id, used where nothing was probed. ``cast``: people of the class.
    ``speaking``: when each user speaks, playback axis; None where it was not measured. Raises InputError for an
    unknown layout, teacher or mixed stream, and for a bad colour.
    """
    _check_teacher(timeline, options, cast)
    timeline, hidden = show_silhouettes(timeline, cast)
    known = {clip.video_id: _size(clip.video_id, facts, sizes) for _, clip in timeline.clips()}
    mixes = rank_mixes(timeline, known)
    choice = choose_layout(timeline, mixes, options, cast)
    stays = find_stays((t.user, c) for t, c in timeline.clips() if t.kind is StreamKind.CAMERA)
    staged = {t.kind for t, c in timeline.clips() if t.kind in STAGED and c.picture is not None}
    needs = Needs(
        users=most_at_once(stays, cast.teacher),
        has_stage=bool(staged) or not stays,
        one_size=_one_size(timeline, known, facts, staged or {StreamKind.CAMERA}),
        stage=_shape(timeline, known, StreamKind.WHITEBOARD) or _shape(timeline, known, StreamKind.SCREEN) or (4, 3),
        camera=_shape(timeline, known, StreamKind.CAMERA) or (4, 3),
        mixed=(choice.mixed.size if choice.mixed is not None else None) or Needs().mixed,
    )
    row = find_row(choice.name)
    layout = row.divide(needs)
    teacher, absent = _teacher(timeline, layout, cast)
    mixed, unmixed = _mixed_shown(layout, mixes, choice, options)
    present = Present(
        users=tuple(stays),
        shares=tuple(find_stays((t.user, c) for t, c in timeline.clips() if t.kind is StreamKind.SCREEN)),
        boards=tuple(track for track in timeline.tracks if track.kind is StreamKind.WHITEBOARD),
        mixed=mixed.track if mixed is not None else None,
        teacher=teacher,
        speaking=speaking,
    )
    if row.reflow is not None and (row.reflow.is_always or options.reflow or cast.card is not None):
        shapes = {kind: stage_shape(_shape(timeline, known, kind) or needs.stage) for kind in STAGED}
        layout, seated, found = _reflow(row.name, row.reflow, present, timeline, cast, hidden, shapes, needs, options)
        absent += found
    else:
        seated = row.seat(layout, present)
        absent += _unflowed(layout, options)
    layout = _recoloured(layout, options)
    order = {slot.name: index for index, slot in enumerate(layout.slots)}
    placements, cards = draw_silhouettes(seated.placements, hidden, timeline)
    findings = [*choice.findings, *unmixed, *absent]
    if mixed is None:  # else nobody is missing: the mixed stream contains them
        findings += [*seated.findings, *_without_place(timeline, layout)]
    return Arrangement(
        layout=layout,
        reason=choice.reason,
        placements=tuple(sorted(placements, key=lambda p: (p.span.start, order[p.slot], p.video_id))),
        cards=tuple(sorted([*seated.cards, *cards], key=lambda c: (c.span.start, order[c.slot], c.user))),
        findings=tuple(findings),
        wants_speech=seated.wants_speech or (options.speaker_frame and speaking is None),
    )


def _reflow(
    name: str,
    rules: Reflow,
    present: Present,
    timeline: Timeline,
    cast: Cast,
    hidden: Collection[str],
    shapes: Mapping[StreamKind, tuple[int, int]],
    needs: Needs,
    options: Options,
) -> tuple[Layout, Seated, list[Finding]]:
    """Seat a class in divisions of the canvas; where nobody is named as the teacher with whoever is found."""
    teacher, found = present.teacher, list[Finding]()
    if teacher is None and rules.enlarges_teacher:
        teacher, reason = find_teacher(timeline, cast)
        found = [note("teacher", reason)]
    parts = find_stage(present.shares, present.boards) if rules.has_stage else []
    lesson = Lesson(
        length=timeline.length,
        attendance=find_attendance(timeline, cast, hidden),
        shapes=find_shapes(parts, shapes, timeline.length),
        canvas=options.size or rules.size,
        camera=usual_shape(needs.camera),
        teacher=teacher,
        speaking=present.speaking,
    )
    return *seat_flowing(name, lesson, parts, rules), found


def _unflowed(layout: Layout, options: Options) -> list[Finding]:
    """Say which options change nothing in a layout that is divided once and for all."""
    asked = [name for name, given in (("size", options.size), ("reflow", options.reflow or None)) if given is not None]
    return [note(name, f"Layout {layout.name} is the same throughout: --{name} changes nothing.") for name in asked]


def find_layout(name: str, needs: Needs | None = None) -> Layout:
    """Divide the canvas as a built-in layout or a CustomLayout file does. Raises like ``find_row``."""
    return find_row(name).divide(needs or Needs())


def find_row(name: str) -> LayoutRow:
    """Find a built-in layout by its name, or read a CustomLayout file. Raises InputError where it is neither."""
    if name in LAYOUTS:
        return LAYOUTS[name]
    path = Path(name)
    if path.suffix.lower() == ".json" or _is_file(path):
        try:
            # a file name need not be text, but a layout's name is written as such
            layout = load_custom(path.read_text("utf-8-sig"), path.stem.encode("utf-8", "replace").decode())
            return LayoutRow(layout.name, "a CustomLayout file", lambda needs: layout)
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
            raise InputError(f"layout file {name} cannot be read: {reason}", hint="Name an existing file.") from exc
    near = difflib.get_close_matches(name.lower(), [*AUTO, *LAYOUTS], n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise InputError(
        f"unknown layout {name!r}", hint=f"{meant}There are: {', '.join([*AUTO, *LAYOUTS])}, or a .json file."
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        return False


def _check_teacher(timeline: Timeline, options: Options, cast: Cast) -> None:
    users = sorted({t.user for t in timeline.tracks if t.user})
    if options.teacher is not None and cast.teacher not in users:
        there = f"There are: {', '.join(users)}." if users else "No stream of this class names its user."
        raise InputError(f"there is no user {options.teacher!r} to be the teacher", hint=there)


def _teacher(timeline: Timeline, layout: Layout, cast: Cast) -> tuple[str | None, list[Finding]]:
    """Find the user who gets the first place: as asked for, else whom the layout's MixStream names."""
    if cast.teacher is not None or not layout.teacher:
        return cast.teacher, []
    if any(track.user == layout.teacher for track in timeline.tracks):
        return layout.teacher, []
    return None, [note(f"layout {layout.name}", f"Its TeacherId {layout.teacher!r} is nobody of this class.")]


def _size(video_id: str, facts: Mapping[str, Facts], sizes: Sizes) -> tuple[int, int] | None:
    known = facts.get(video_id)
    if known is not None and known.picture is not None:
        return known.picture.stretches[0].display_size
    return sizes.get(video_id)


def _shape(timeline: Timeline, known: Sizes, kind: StreamKind) -> tuple[int, int] | None:
    """The shape (width to height) that pictures of this kind have for most of the time; None where none is known."""
    lengths: dict[Fraction, int] = {}
    for track, clip in timeline.clips():
        size = known[clip.video_id]
        if track.kind is kind and size is not None and clip.picture is not None:
            shape = Fraction(*size)
            lengths[shape] = lengths.get(shape, 0) + clip.picture.length
    if not lengths:
        return None
    return max(lengths, key=lambda shape: (lengths[shape], shape)).as_integer_ratio()


def _one_size(
    timeline: Timeline, known: Sizes, facts: Mapping[str, Facts], kinds: Collection[StreamKind]
) -> tuple[int, int] | None:
    """The size of every picture of these kinds; None where they differ, where one changes, or where one is unknown."""
    clips = [clip for track, clip in timeline.clips() if track.kind in kinds and clip.picture is not None]
    pictures = [facts[clip.video_id].picture for clip in clips if clip.video_id in facts]
    sizes = {known[clip.video_id] for clip in clips}
    if len(sizes) != 1 or any(picture is not None and len(picture.stretches) > 1 for picture in pictures):
        return None
    return sizes.pop()


def _mixed_shown(
    layout: Layout, mixes: Sequence[Mixed], choice: Choice, options: Options
) -> tuple[Mixed | None, list[Finding]]:
    """The mixed stream that this layout shows; a layout file may have a place for one."""
    if choice.mixed is not None:
        return choice.mixed, []
    if not list_slots(layout, Accepts.MIX):
        ignored = f"Layout {layout.name} has no place for a mixed stream: {options.mix_user!r} was not looked for."
        return None, [note("mix_user", ignored)] if options.mix_user is not None else []
    if not mixes and options.mix_user is None:
        return None, []
    chosen = choose_mix(mixes, options.mix_user)
    return chosen, losers(mixes, chosen)


def _recoloured(layout: Layout, options: Options) -> Layout:
    if options.background is not None:
        colour = colour_of(options.background, "background")
        layout = layout.model_copy(update={"canvas": layout.canvas.model_copy(update={"background": colour})})
    if options.fill is not None:
        slots = tuple(slot.model_copy(update={"fill": options.fill}) for slot in layout.slots)
        layout = layout.model_copy(update={"slots": slots})
    return layout


def _without_place(timeline: Timeline, layout: Layout) -> list[Finding]:
    """Streams of a kind that this layout has no place for at all."""
    accepted = {s.accepts for s in layout.slots}
    return [
        note(track.name, f"Layout {layout.name} has no place for it: it is {heard_text(track.clips, track.kind)}.")
        for track in timeline.tracks
        if track.kind in PLACES and PLACES[track.kind] not in accepted and any(c.picture for c in track.clips)
    ]
