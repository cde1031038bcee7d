"""Account of every millisecond that was recorded: the sum over a segment's dispositions is its length, with what was
declared and is missing behind the end of a file that is cut off.

Content that was recorded and is not in the playback is LOST, unless one of the other reasons holds; what is lost for
over a second is a warning. So ``ok`` means that all of it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from assembler.facts import Facts, LostVideo
from assembler.layout.model import Accepts
from assembler.plan.model import Account, Content, Disposition, Lane, Ledger, LostPart, Piece
from assembler.plan.playing import Playing, Spans
from assembler.recording import Segment, StreamKind
from assembler.timeline.model import Clip, LeftOut, Track, Why
from assembler.times import FileMs, Ms, Span, shared, span, split, union

CUT_OFF = "the file is cut off there"
"""Reason for what is missing at the end of a file that promises more than it holds."""


def draw_accounts(
    segments: Sequence[Segment], facts: Mapping[str, Facts], unusable: Collection[str], playing: Playing
) -> tuple[Account, ...]:
    """One account for each segment that was probed or could not be used, sorted by video id."""
    clips: dict[str, list[tuple[Track, Clip]]] = {}
    for track, clip in playing.whole.clips():
        clips.setdefault(clip.video_id, []).append((track, clip))
    left_out: dict[str, list[LeftOut]] = {}
    for part in playing.whole.left_out:
        left_out.setdefault(part.video_id, []).append(part)
    accounts = []
    for segment in segments:
        name = segment.video_id
        if name in unusable:
            accounts.append(_nothing_of(segment))
        elif name in facts:
            ledgers = [
                _ledger(
                    recorded_spans(segment, facts[name], what),
                    lost_pictures(segment, facts[name]) if what is Content.PICTURE else (),
                    what,
                    clips.get(name, ()),
                    left_out.get(name, ()),
                    playing,
                )
                for what in Content
            ]
            if facts[name].is_truncated and not playing.is_window:
                ledgers = [_with_end(ledger, facts[name].end, segment.duration or Ms(0)) for ledger in ledgers]
            picture = _withheld(ledgers[0]) if segment.hides_picture else ledgers[0]
            accounts.append(Account(video_id=name, picture=picture, sound=ledgers[1]))
    return tuple(sorted(accounts, key=lambda a: a.video_id))


def _with_end(ledger: Ledger, end: FileMs, declared: Ms) -> Ledger:
    """Add what was recorded behind the end of a file that is cut off, where the file has any of this kind."""
    if not ledger.length or declared <= end:
        return ledger
    gone = LostPart(start=end, end=FileMs(declared), why=CUT_OFF)
    return Ledger(
        length=Ms(ledger.length + declared - end),
        lengths={**ledger.lengths, Disposition.LOST: Ms(ledger.lengths.get(Disposition.LOST, 0) + declared - end)},
        lost=(*ledger.lost, gone),
    )


def _withheld(ledger: Ledger) -> Ledger:
    """All of a picture that the class card hides has no place."""
    return Ledger(length=ledger.length, lengths={Disposition.NO_PLACE: ledger.length} if ledger.length else {})


def _nothing_of(segment: Segment) -> Account:
    length = segment.duration or Ms(0)
    loss = LostPart(start=FileMs(0), end=FileMs(length), why="the file could not be used")
    nothing = Ledger(length=Ms(0), lengths={})
    gone = Ledger(length=length, lengths={Disposition.LOST: length}, lost=(loss,)) if length else nothing
    return Account(video_id=segment.video_id, picture=nothing if segment.kind.is_sound else gone, sound=gone)


def recorded_spans(segment: Segment, facts: Facts, what: Content) -> Spans:
    """Return the spans of one kind that a file really holds, on the file's axis."""
    if what is Content.PICTURE:
        picture = None if segment.kind.is_sound else facts.picture
        if picture is None:
            return ()
        return union([span(picture.start, picture.end), *(span(part.start, part.end) for part in picture.lost)])
    return union(span(sound.start, sound.end) for sound in facts.sounds)


def lost_pictures(segment: Segment, facts: Facts) -> tuple[LostVideo, ...]:
    """Return the spans of a file's picture that can be shown nowhere."""
    return () if facts.picture is None or segment.kind.is_sound else facts.picture.lost


_Claim = tuple[Disposition, Spans, str]
"""Claim of spans for a disposition, and the reason if they are lost; an earlier claim goes before a later one."""


def _ledger(
    recorded: Spans,
    gone: Sequence[LostVideo],
    what: Content,
    clips: Sequence[tuple[Track, Clip]],
    left_out: Sequence[LeftOut],
    playing: Playing,
) -> Ledger:
    lengths: dict[Disposition, int] = {}
    lost: list[LostPart] = []

    def settle(left: Spans, claims: Iterable[_Claim]) -> None:
        for disposition, spans, why in claims:
            taken, left = split(left, spans)
            if taken:
                lengths[disposition] = lengths.get(disposition, 0) + sum(part.length for part in taken)
            if disposition is Disposition.LOST:
                lost.extend(LostPart(start=FileMs(p.start), end=FileMs(p.end), why=why) for p in taken)

    for loss in gone:
        settle(shared(recorded, span(loss.start, loss.end)), [(Disposition.LOST, recorded, loss.why)])
    length = Ms(sum(part.length for part in recorded))
    recorded = split(recorded, union(span(loss.start, loss.end) for loss in gone))[1]
    places = []
    for track, clip in clips:
        by = Ms(clip.file_start - clip.span.start)
        places.append(clip.span.shifted(by))
        claims = _clip_claims(track, clip, what, playing)
        settle(shared(recorded, places[-1]), [(d, [p.shifted(by) for p in spans], why) for d, spans, why in claims])
    for part in left_out:
        by = Ms(part.file_start - part.span.start)
        places.append(part.span.shifted(by))
        claims = _left_out_claims(part, what, playing)
        settle(shared(recorded, places[-1]), [(d, [p.shifted(by) for p in spans], why) for d, spans, why in claims])
    behind = split(recorded, union(places))[1]
    settle(behind, [(Disposition.LOST, behind, "it lies behind the declared end")])
    return Ledger(
        length=length,
        lengths={d: Ms(lengths[d]) for d in Disposition if d in lengths},
        lost=tuple(sorted(lost, key=lambda loss: loss.start)),
    )


def _clip_claims(track: Track, clip: Clip, what: Content, playing: Playing) -> Iterable[_Claim]:
    """Claim a clip's parts on the playback axis; together they hold all of the clip."""
    whole, is_mix = clip.span, track.kind is StreamKind.MIX
    if playing.is_window:
        yield Disposition.OUTSIDE, whole.without([playing.window]), ""
    played = shared([playing.window], whole)
    if what is Content.PICTURE:
        yield Disposition.SHOWN, shared(playing.seen.get(clip.video_id, ()), whole), ""
        yield Disposition.COVERED, shared(playing.placed.get(clip.video_id, ()), whole), ""
        yield Disposition.IN_MIX, shared(playing.mix_seen, whole), ""
        if is_mix:
            yield Disposition.REPEATED, shared(playing.singles_seen, whole), ""
        elif not playing.mix_seen:
            yield Disposition.NO_PLACE, played, ""
        yield Disposition.LOST, played, _unseen(is_mix, playing)
    else:
        yield Disposition.HEARD, shared(playing.heard.get(clip.video_id, ()), whole), ""
        yield Disposition.IN_MIX, shared(playing.mix_heard, whole), ""
        if is_mix:
            yield Disposition.REPEATED, shared(playing.singles_heard, whole), ""
        yield Disposition.REPEATED, shared(playing.repeated.get((track.kind, track.user), ()), whole), ""
        yield Disposition.LOST, played, "nothing that is played holds it"
    yield Disposition.LOST, [whole], "the playback is over by then"


def _unseen(is_mix: bool, playing: Playing) -> str:
    if not is_mix:
        return "the mixed stream that is shown has no picture there"
    return "nothing that is shown holds it" if Accepts.MIX in playing.accepts else "the layout shows no mixed stream"


def _left_out_claims(part: LeftOut, what: Content, playing: Playing) -> Iterable[_Claim]:
    whole = [part.span]
    match part.why:
        case Why.PAUSE:
            yield Disposition.PAUSED, whole, ""
        case Why.EARLY:
            yield Disposition.LOST, whole, "it lies before the start of the playback"
        case Why.REPLACED:
            if playing.is_window:
                yield Disposition.OUTSIDE, part.span.without([playing.window]), ""
            pictures, sounds = playing.recorded.get(part.winner, ((), ()))
            there = shared(pictures if what is Content.PICTURE else sounds, part.span)
            yield Disposition.REPLACED, there, ""
            yield Disposition.LOST, whole, f"the later file {part.winner} was taken, which has none there"


def without_unread(
    accounts: Sequence[Account], unread: Iterable[tuple[str, Span]], lanes: Iterable[Lane], facts: Mapping[str, Facts]
) -> tuple[Account, ...]:
    """The accounts when rendering has shown that pictures, by video id and span on the playback, cannot be decoded."""
    pieces: dict[str, list[Piece]] = {}
    for lane in lanes:
        for piece in lane.pieces:
            pieces.setdefault(piece.video_id, []).append(piece)
    lost: dict[str, list[Span]] = {}
    for video_id, part in unread:
        picture = facts[video_id].picture
        for piece in {p.play_start: p for p in pieces.get(video_id, ())}.values():
            on_file = part.shifted(Ms(-piece.play_start))
            if picture is not None and (held := on_file.within(span(picture.start, picture.end))) is not None:
                lost.setdefault(video_id, []).append(held)
    return tuple(
        account.model_copy(update={"picture": _less_shown(account.picture, union(lost[account.video_id]))})
        if account.video_id in lost
        else account
        for account in accounts
    )


def _less_shown(ledger: Ledger, lost: Spans) -> Ledger:
    lengths, parts = dict(ledger.lengths), list(ledger.lost)
    for part in lost:
        length = min(part.length, lengths.get(Disposition.SHOWN, 0))  # borders of frames are rounded
        lengths[Disposition.SHOWN] = Ms(lengths.get(Disposition.SHOWN, 0) - length)
        lengths[Disposition.LOST] = Ms(lengths.get(Disposition.LOST, 0) + length)
        parts.append(LostPart(start=FileMs(part.start), end=FileMs(part.start + length), why="it cannot be decoded"))
    kept = {d: lengths[d] for d in Disposition if lengths.get(d)}
    return ledger.model_copy(update={"lengths": kept, "lost": tuple(sorted(parts, key=lambda p: p.start))})
