"""Which layout, and who is seen in which of its slots when (DOMAIN section 4)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from assembler.errors import InputError
from assembler.facts import Facts
from assembler.findings import Finding, note, warning
from assembler.layout.builtin import LAYOUTS, Needs
from assembler.layout.custom import colour_of, load_custom
from assembler.layout.mixes import Mixed, choose_mix, rank_mixes
from assembler.layout.model import Accepts, Arrangement, Layout, Placement, Slot
from assembler.layout.seats import Seat, Stay, find_stays, hand_out, most_at_once
from assembler.options import Options
from assembler.recording import StreamKind
from assembler.timeline.model import Clip, Timeline, Track
from assembler.times import Span, clock_text

Sizes = Mapping[str, tuple[int, int] | None]


def arrange(timeline: Timeline, facts: Mapping[str, Facts], sizes: Sizes, options: Options) -> Arrangement:
    """Layout and placements of a whole class.

    ``sizes``: declared picture sizes by video id, used where nothing was probed. Raises InputError for an unknown
    layout, teacher or mixed stream, and for a bad colour.
    """
    _check_teacher(timeline, options)
    known = {clip.video_id: _size(clip.video_id, facts, sizes) for _, clip in timeline.clips()}
    mixes = rank_mixes(timeline, known)
    name, mixed, reason, findings = _choose(timeline, mixes, options)
    stays = find_stays([(t.user, c) for t, c in timeline.clips() if t.kind is StreamKind.CAMERA])
    needs = Needs(
        users=most_at_once(stays, options.teacher),
        stage=_stage_shape(timeline, known),
        mixed=(mixed.size if mixed is not None else None) or Needs().mixed,
    )
    layout = _recoloured(LAYOUTS[name](needs) if name in LAYOUTS else find_layout(name), options)
    if mixed is None and any(s.accepts is Accepts.MIX for s in layout.slots) and mixes:
        mixed = mixes[0]
    users = [s for s in layout.slots if s.accepts is Accepts.USER]
    seats, late = hand_out(stays, users, options.teacher)
    placements = [
        Placement(slot=seat.slot.name, video_id=clip.video_id, kind=StreamKind.CAMERA, span=part)
        for seat in seats
        for clip in seat.stay.clips
        if clip.picture is not None and (part := clip.picture.within(_from(seat.start, clip))) is not None
    ]
    placements += _shared(timeline, layout, mixed)
    findings += [*_unseated(late, seats, bool(users)), *_without_slot(timeline, layout)]
    order = {slot.name: index for index, slot in enumerate(layout.slots)}
    placements.sort(key=lambda p: (p.span.start, order[p.slot], p.video_id))
    return Arrangement(layout=layout, reason=reason, placements=tuple(placements), findings=tuple(findings))


def find_layout(name: str) -> Layout:
    """A CustomLayout file by its path; raises InputError where it is neither that nor a built-in name."""
    path = Path(name)
    if path.suffix.lower() == ".json":
        try:
            return load_custom(path.read_text("utf-8"), path.stem)
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
            raise InputError(f"layout file {name} cannot be read: {reason}", hint="Name an existing file.") from exc
    near = difflib.get_close_matches(name, ["auto", *LAYOUTS], n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise InputError(f"unknown layout {name!r}", hint=f"{meant}There are: auto, {', '.join(LAYOUTS)}, or a .json file.")


def _check_teacher(timeline: Timeline, options: Options) -> None:
    users = sorted({t.user for t in timeline.tracks if t.user})
    if options.teacher is not None and options.teacher not in users:
        raise InputError(
            f"there is no user {options.teacher!r} to be the teacher", hint=f"There are: {', '.join(users)}."
        )


def _size(video_id: str, facts: Mapping[str, Facts], sizes: Sizes) -> tuple[int, int] | None:
    known = facts.get(video_id)
    if known is not None and known.picture is not None:
        return known.picture.stretches[0].display_size
    return sizes.get(video_id)


def _choose(
    timeline: Timeline, mixes: Sequence[Mixed], options: Options
) -> tuple[str, Mixed | None, str, list[Finding]]:
    """Name of the layout, the mixed stream it shows, why, and what was not taken."""
    if options.layout == "mix" or (options.layout == "auto" and options.mix_user is not None):
        chosen = choose_mix(mixes, options.mix_user)
        return "mix", chosen, f"asked for: {chosen.track.name}", _losers(mixes, chosen)
    if options.layout != "auto":
        if options.layout not in LAYOUTS:
            find_layout(options.layout)
        return options.layout, None, f"asked for: {options.layout}", []
    whole = [m for m in mixes if m.is_whole]
    if whole:
        reason = f"auto: {whole[0].track.name} covers {_percent(whole[0].coverage)} of the playback"
        return "mix", whole[0], reason, _losers(mixes, whole[0])
    kinds = {t.kind for t in timeline.tracks if any(c.picture is not None for c in t.clips)}
    if mixes and not kinds - {StreamKind.MIX}:
        return "mix", mixes[0], "auto: there is nothing to see but a mixed stream", _losers(mixes, mixes[0])
    findings = [
        note(m.track.name, f"It is not shown: it covers {_percent(m.coverage)} of the playback ({m.why_not}).")
        for m in mixes
    ]
    if StreamKind.WHITEBOARD in kinds or StreamKind.SCREEN in kinds:
        return "tiw-2", None, "auto: there is a board or a screen share", findings
    return "grid", None, "auto: there are only cameras", findings


def _percent(share: Fraction) -> str:
    return f"{float(share):.1%}"


def _losers(mixes: Sequence[Mixed], chosen: Mixed) -> list[Finding]:
    return [note(m.track.name, f"It is not shown: {chosen.track.name} was taken.") for m in mixes if m is not chosen]


def _stage_shape(timeline: Timeline, known: Mapping[str, tuple[int, int] | None]) -> tuple[int, int]:
    for kind in (StreamKind.WHITEBOARD, StreamKind.SCREEN):
        for track in timeline.tracks:
            size = known[track.clips[0].video_id] if track.kind is kind else None
            if size is not None:
                return size
    return Needs().stage


def _recoloured(layout: Layout, options: Options) -> Layout:
    if options.background is not None:
        colour = colour_of(options.background, "background")
        layout = layout.model_copy(update={"canvas": layout.canvas.model_copy(update={"background": colour})})
    if options.fill is not None:
        slots = tuple(slot.model_copy(update={"fill": options.fill}) for slot in layout.slots)
        layout = layout.model_copy(update={"slots": slots})
    return layout


def _from(start: int, clip: Clip) -> Span:
    return Span.model_validate({"start": start, "end": max(start, clip.span.end)})


def _shared(timeline: Timeline, layout: Layout, mixed: Mixed | None) -> list[Placement]:
    """Boards, screen shares and the mixed stream: they have slots of their own, one on top of the other."""
    placements = []
    for track in timeline.tracks:
        slot = _slot_of(track, layout, mixed)
        if slot is not None:
            placements += [
                Placement(slot=slot.name, video_id=clip.video_id, kind=track.kind, span=clip.picture)
                for clip in track.clips
                if clip.picture is not None
            ]
    return placements


def _slot_of(track: Track, layout: Layout, mixed: Mixed | None) -> Slot | None:
    match track.kind:
        case StreamKind.WHITEBOARD:
            return next((s for s in layout.slots if s.accepts is Accepts.WHITEBOARD), None)
        case StreamKind.SCREEN:
            screens = [s for s in layout.slots if s.accepts is Accepts.SCREEN]
            named = [s for s in screens if s.user and track.user.startswith(s.user)]
            return next(iter([*named, *(s for s in screens if not s.user)]), None)
        case StreamKind.MIX:
            is_shown = mixed is not None and mixed.track is track
            return next((s for s in layout.slots if s.accepts is Accepts.MIX), None) if is_shown else None
        case StreamKind.CAMERA | StreamKind.AUDIO:
            return None


def _unseated(late: Sequence[Stay], seats: Sequence[Seat], has_users: bool) -> list[Finding]:
    findings = []
    for stay in late:
        seat = next((s for s in seats if s.stay is stay), None)
        end = seat.start if seat is not None else stay.span.end
        when = f"from {clock_text(stay.span.start)} to {clock_text(end)}"
        if has_users:
            findings.append(
                warning(f"camera of {stay.user}", f"No place is free {when}: {stay.user} is heard, not seen.")
            )
    return findings


def _without_slot(timeline: Timeline, layout: Layout) -> list[Finding]:
    """Kinds of streams that this layout has no place for at all."""
    accepted = {s.accepts for s in layout.slots}
    if Accepts.MIX in accepted:
        return []
    places = {
        StreamKind.WHITEBOARD: Accepts.WHITEBOARD,
        StreamKind.SCREEN: Accepts.SCREEN,
        StreamKind.CAMERA: Accepts.USER,
    }
    return [
        note(track.name, f"Layout {layout.name} has no place for it: it is heard, not seen.")
        for track in timeline.tracks
        if track.kind in places and places[track.kind] not in accepted
    ]
