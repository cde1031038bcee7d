"""Choice of what is heard: the shown mixed stream alone, else every single stream (DESIGN, Sound)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

from assembler.facts import AudioFacts, Facts
from assembler.layout.model import Arrangement
from assembler.plan.model import AudioBed, SoundPiece
from assembler.recording import StreamKind
from assembler.timeline.model import Clip, Timeline
from assembler.times import FileMs, Ms, Span, clock_text, span, split, union

EXACT = ("mov", "mpegts")
"""Containers whose stamps are exact to the sample; a matroska rounds them to ms, which would be heard in a copy."""
FILLED = "mov"
"""Container whose packets are copied with silence before and behind them."""

BIT_RATES = {1: (48_000, 96_000), 2: (96_000, 128_000)}
"""Minimum and maximum bit rate of AAC by channels, in bit/s."""
STEP = 8_000
"""Steps of the bit rate, in bit/s."""
BETTER = {"opus": 2, "vorbis": 2}
"""Factor by which AAC needs more bits than a codec for the same sound."""


def build_bed(timeline: Timeline, arrangement: Arrangement, facts: Mapping[str, Facts]) -> AudioBed:
    """Every piece of sound at its place."""
    shown = {p.video_id for p in arrangement.placements if p.kind is StreamKind.MIX}
    whole = span(0, timeline.length)
    if not shown:
        pieces = _single_pieces(timeline, [whole])
        return _bed(pieces, "no mixed stream is shown: all single streams", timeline.length, facts)
    pieces = list(find_mixed(timeline, shown))
    holes = whole.without(union(p.span for p in pieces))
    filled = _single_pieces(timeline, holes)
    reason = "the sound of the mixed stream alone"
    if filled:
        lengths = clock_text(sum(s.length for s in union(p.span for p in filled)))
        reason = f"the sound of the mixed stream; single streams where it has none ({lengths})"
    return _bed([*pieces, *filled], reason, timeline.length, facts)


def find_mixed(timeline: Timeline, shown: Collection[str]) -> tuple[SoundPiece, ...]:
    """Return the sound of the mixed streams that are shown, by their video ids."""
    mixed = [clip for track, clip in timeline.clips() if track.kind is StreamKind.MIX and clip.video_id in shown]
    return _sorted(piece for clip in mixed if clip.sound is not None for piece in _cut(clip, [clip.sound]))


def find_voices(timeline: Timeline) -> dict[str, tuple[SoundPiece, ...]]:
    """Return each user's own sound, by user id: of camera and audio file. A share's sound is a film's or a player's,
    unless an audio file only repeats it: then it is the voice of who shares."""
    recorded = {track.user for track in timeline.tracks if track.kind is StreamKind.AUDIO}
    cameras = {track.user for track in timeline.tracks if track.kind is StreamKind.CAMERA}
    owners = {
        clip.video_id: track.user
        for track, clip in timeline.clips()
        if track.kind in (StreamKind.CAMERA, StreamKind.AUDIO)
        or (track.kind is StreamKind.SCREEN and track.user in recorded - cameras and track.stream_id == track.user)
    }
    found: dict[str, list[SoundPiece]] = {}
    for piece in _single_pieces(timeline, [span(0, timeline.length)]):
        if piece.video_id in owners:
            found.setdefault(owners[piece.video_id], []).append(piece)
    return {user: _sorted(pieces) for user, pieces in found.items()}


def repeated_sounds(timeline: Timeline) -> dict[tuple[StreamKind, str], list[Span]]:
    """Return the spans, by kind and user, in which a sound file repeats what is heard anyway.

    A microphone's: when its user's camera has sound, or, where they have no camera, a share that is a stream of their
    own (a web screen share), unless the share's sound came apart. A share's: when the share has sound.
    """
    found: dict[tuple[StreamKind, str], list[Span]] = {}
    apart = {track.user for track in timeline.tracks if track.kind in (StreamKind.CAMERA, StreamKind.SCREEN_AUDIO)}
    for track, clip in timeline.clips():
        if clip.sound is None or track.kind not in (StreamKind.CAMERA, StreamKind.SCREEN):
            continue
        is_share = track.kind is StreamKind.SCREEN
        if is_share:
            found.setdefault((StreamKind.SCREEN_AUDIO, track.user), []).append(clip.sound)
        if not is_share or track.stream_id == track.user not in apart:
            found.setdefault((StreamKind.AUDIO, track.user), []).append(clip.sound)
    return {stream: union(spans) for stream, spans in found.items()}


def _single_pieces(timeline: Timeline, where: Iterable[Span]) -> list[SoundPiece]:
    holes, repeated = list(where), repeated_sounds(timeline)
    pieces: list[SoundPiece] = []
    for track, clip in timeline.clips():
        if clip.sound is None or track.kind is StreamKind.MIX:
            continue
        heard = split([clip.sound], repeated.get((track.kind, track.user), []))[1]
        pieces += _cut(clip, split(heard, holes)[0])
    return pieces


def _cut(clip: Clip, parts: Iterable[Span]) -> list[SoundPiece]:
    return [
        SoundPiece(video_id=clip.video_id, span=part, file_start=FileMs(clip.file_start + part.start - clip.span.start))
        for part in parts
        if not part.is_empty
    ]


def _sorted(pieces: Iterable[SoundPiece]) -> tuple[SoundPiece, ...]:
    return tuple(sorted(pieces, key=lambda p: (p.span.start, p.video_id, p.span.end)))


def _bed(pieces: Iterable[SoundPiece], reason: str, length: Ms, facts: Mapping[str, Facts]) -> AudioBed:
    bed = AudioBed(pieces=_sorted(pieces), reason=reason, copied=None)
    return bed.model_copy(update={"copied": _copyable(bed, length, facts), "carried": _most(bed.pieces, facts)})


def bit_rate(carried: int, channels: int) -> int:
    """Choose the bit rate of what is encoded from ``AudioBed.carried``, in bit/s: more is bytes for nothing.

    Within ``BIT_RATES``: a mean says little about a source that is mostly silent, and what is mixed has to be told
    apart.
    """
    least, most = BIT_RATES[channels]
    return min(max(-(-carried // STEP) * STEP, least), most)


def _most(pieces: Sequence[SoundPiece], facts: Mapping[str, Facts]) -> int:
    """Find the largest sum of what is heard at once, in bit/s."""
    known = {piece.video_id: facts[piece.video_id].sounds for piece in pieces if piece.video_id in facts}
    carried = {video_id: sum(_carried(sound) for sound in sounds) for video_id, sounds in known.items()}
    edges = sorted(
        (at, change)
        for piece in pieces
        for at, change in ((piece.span.start, 1), (piece.span.end, -1))
        for change in (change * carried.get(piece.video_id, 0),)
    )
    return max(accumulate((change for _, change in edges), initial=0))


def _carried(sound: AudioFacts) -> int:
    """Estimate what AAC needs for a source's sound, in bit/s."""
    if sound.bit_rate == 0:
        return BIT_RATES[2][1]
    return sound.bit_rate * BETTER.get(sound.codec, 1)


def _copyable(bed: AudioBed, length: Ms, facts: Mapping[str, Facts]) -> str | None:
    """The one file whose sound packets can be taken as they are: AAC without holes, heard from the file's start to its
    end, or to the playback's; of several sound tracks none may be copied."""
    if len(bed.pieces) != 1:
        return None
    piece = bed.pieces[0]
    known = facts.get(piece.video_id)
    if known is None or known.container not in EXACT or len(known.sounds) != 1:
        return None
    sound = known.sounds[0]
    if sound.pace != 1 or sound.codec != "aac" or not sound.is_constant or sound.channels > max(BIT_RATES):
        return None
    end = min(length, piece.span.start - piece.file_start + sound.end)
    is_whole = piece.file_start <= sound.start and end - piece.span.end <= _frame(sound)
    return piece.video_id if is_whole and (fills(piece, sound, length) or known.container == FILLED) else None


def fills(piece: SoundPiece, sound: AudioFacts, length: int) -> bool:
    """True if a sound lasts from the playback's start to its end, or at most one AAC frame less: no silence has to be
    put beside its packets (what is more is left out)."""
    return piece.span.start <= _frame(sound) and length - piece.span.end <= _frame(sound)


def _frame(sound: AudioFacts) -> Fraction:
    return 1000 * Fraction(1024, sound.rate) - 1  # the ends are known to the ms
