"""Speech: who speaks when, from how loud each person's own sound is (DESIGN, Who speaks).

Levels of all files go onto the playback axis, a step of 20 ms each. Somebody speaks where their sound is well above its
own floor for long enough, and where it is not the voice of another that their microphone hears from a loudspeaker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assembler.levels import NO_SOUND, STEP, Levels
from assembler.plan.model import SoundPiece
from assembler.times import Ms, Span, span

Steps = npt.NDArray[np.int16]
"""A level in dB for each step of the playback."""
Mask = npt.NDArray[np.bool_]
"""Truth of each step of the playback."""
Ends = npt.NDArray[np.intp]
"""Places of steps."""

SILENT = -75
"""Maximum level of silence, in dB below full scale: a muted microphone, or a gate that is shut."""
NOTHING = -128
"""Level where there is no sound at all."""
QUIETEST_VOICE = -60
"""Minimum level of speech, in dB below full scale."""
RISE, FALL = 9, 5
"""Minimum level above the floor at which speech begins, and at which it goes on, in dB."""
SIDE, NEAR, BLOCK = Ms(10_000), Ms(1500), Ms(500)
"""Time before and behind an instant from which its floor is taken, time around it on each side, and how often it is
taken, in ms."""
FLOOR_SHARE = 0.1
"""Share of the time that lies at the floor or below: who speaks on and on pauses that long."""
MUTED = Ms(1000)
"""Minimum length of a silence that says nothing about the floor, in ms: the microphone was off."""
LIVE, HIGHEST_GUESS = Ms(4000), -45
"""Minimum time from which a floor is known, in ms, and highest floor from less of it, in dB below full scale."""
CLICK = Ms(100)
"""Maximum length of a click (a key, a bump) that is no speech, in ms: a syllable lasts longer."""
BREATH, WORD = Ms(500), Ms(200)
"""Maximum length of a pause inside speech, and minimum length of speech, in ms."""


def find_speech(
    voices: Mapping[str, Sequence[SoundPiece]], levels: Mapping[str, Levels], length: Ms
) -> dict[str, tuple[Span, ...]]:
    """Spans in which each user speaks, sorted and disjoint, playback axis; who was not measured is left out.

    ``voices``: each user's own sound (``find_voices``); ``levels``: by video id; ``length``: of the playback.
    """
    tracks: dict[str, _Track] = {}
    for user, pieces in voices.items():
        measured = [(piece, levels[piece.video_id]) for piece in pieces if piece.video_id in levels]
        if measured:
            tracks[user] = _Track.of(_on_axis(measured, length))
    for _ in range(2):  # a voice without the echoes in it tells better where its own echo is
        own = {user: track.heard & ~_find_echo(user, tracks) for user, track in tracks.items()}
        tracks = {user: replace(track, own=own[user]) for user, track in tracks.items()}
    return {user: _spans(track.own, length) for user, track in tracks.items()}


def _on_axis(measured: Sequence[tuple[SoundPiece, Levels]], length: Ms) -> Steps:
    """Lay levels on the playback axis; of sounds that run beside each other the louder one counts."""
    steps = np.full(-(-length // STEP), NOTHING, np.int16)
    for piece, levels in measured:
        below = np.frombuffer(levels.unpack(), np.uint8)
        first, end = round(piece.span.start / STEP), min(round(piece.span.end / STEP), len(steps))
        skipped = round((first * STEP - piece.span.start + piece.file_start) / STEP)
        found = below[max(skipped, 0) : max(skipped, 0) + end - first].astype(np.int16)
        part = steps[first : first + len(found)]
        np.maximum(part, np.where(found == NO_SOUND, NOTHING, -found), out=part)
    return steps


@dataclass(frozen=True)
class _Track:
    """Sound of one user on the playback axis."""

    level: Steps
    above: Steps
    """Level above the track's own floor, in dB."""
    heard: Mask
    """True where a voice, the user's own or another's, may be heard: syllables, not yet joined to words."""
    own: Mask
    """The same without the voices of others, as far as they are known."""

    @staticmethod
    def of(level: Steps) -> _Track:
        floor = _find_floor(level)
        above = np.asarray(level - floor, np.int16)
        on = (above >= RISE) & (level >= QUIETEST_VOICE)
        heard = _sustained(above >= FALL, on)
        return _Track(level, above, heard, own=heard)


def _runs(mask: Mask) -> tuple[Ends, Ends]:
    """First steps of the runs of True, and the steps behind them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return edges[::2], edges[1::2]


def _filled(starts: Ends, ends: Ends, size: int) -> Mask:
    change = np.zeros(size + 1, np.int8)
    np.add.at(change, starts, 1)
    np.add.at(change, ends, -1)
    return np.cumsum(change[:-1]) > 0


def _bridged(mask: Mask, longest: Ms) -> Mask:
    """Close gaps of at most this length."""
    starts, ends = _runs(mask)
    if not len(starts):
        return mask
    is_wide = starts[1:] - ends[:-1] > longest // STEP
    return _filled(starts[np.concatenate([[True], is_wide])], ends[np.concatenate([is_wide, [True]])], len(mask))


def _sustained(goes_on: Mask, on: Mask) -> Mask:
    """Runs that are louder than the floor for longer than a click, and somewhere loud enough to begin."""
    starts, ends = _runs(goes_on)
    if not len(starts):
        return goes_on
    is_loud = np.add.reduceat(on.astype(np.intp), starts) > 0
    kept = is_loud & (ends - starts > CLICK // STEP)
    return _filled(starts[kept], ends[kept], len(on))


def _find_floor(level: Steps) -> Steps:
    """The level of the track without speech: what it is rarely below, before an instant, behind it and around it; the
    highest counts, so that a fan switched on, or gain that rises while nobody speaks, is no speech."""
    starts, ends = _runs(level <= SILENT)
    is_long = ends - starts >= MUTED // STEP
    is_live = (level > NOTHING) & ~_filled(starts[is_long], ends[is_long], len(level))
    size, reach = BLOCK // STEP, SIDE // BLOCK
    blocks = -(-len(level) // size)
    bins = -NOTHING
    place = np.arange(len(level)) // size * bins + np.clip(level.astype(np.intp) - NOTHING, 0, bins - 1)
    counts = np.bincount(place[is_live], minlength=blocks * bins).reshape(blocks, bins)
    before = np.concatenate([np.zeros((1, bins), np.intp), np.cumsum(counts, axis=0)])
    at = np.arange(blocks)
    left = _rarely_below(before[at + 1] - before[np.maximum(at + 1 - reach, 0)])
    right = _rarely_below(before[np.minimum(at + reach, blocks)] - before[at])
    near = NEAR // BLOCK
    around = _rarely_below(before[np.minimum(at + near + 1, blocks)] - before[np.maximum(at - near, 0)])
    return np.repeat(np.maximum(np.maximum(left, right), around), size)[: len(level)]


def _rarely_below(counts: npt.NDArray[np.intp]) -> Steps:
    """The level below which ``FLOOR_SHARE`` lies, of a histogram in each row."""
    total = counts.sum(axis=1)
    found = (np.cumsum(counts, axis=1) > FLOOR_SHARE * total[:, None]).argmax(axis=1) + NOTHING
    found = np.where(total < LIVE // STEP, np.minimum(found, HIGHEST_GUESS), found)
    return np.asarray(np.maximum(np.where(total > 0, found, NOTHING), SILENT), np.int16)


def _spans(heard: Mask, length: Ms) -> tuple[Span, ...]:
    """Join syllables to speech, without what is too short to be a word."""
    starts, ends = _runs(_words(heard))
    return tuple(span(int(a) * STEP, min(int(b) * STEP, length)) for a, b in zip(starts, ends, strict=True))


def _words(heard: Mask) -> Mask:
    starts, ends = _runs(heard)
    kept = ends - starts > CLICK // STEP  # what an echo left of a syllable
    joined = _bridged(_filled(starts[kept], ends[kept], len(heard)), BREATH)
    starts, ends = _runs(joined)
    kept = ends - starts >= WORD // STEP
    return _filled(starts[kept], ends[kept], len(heard))


ECHO = Ms(800)
"""Maximum delay of a voice that another's microphone hears from a loudspeaker, in ms."""
EARLY = Ms(40)
"""Maximum time by which an echo may seem to come before the voice, in ms: places of files are rounded."""
LATE = Ms(100)
"""Minimum delay of an echo that may be as loud as the voice, in ms; what comes sooner has to be weaker."""
WEAKER = 3
"""Minimum difference of levels by which an echo is weaker than the voice, in dB."""
ALIKE = 0.45
"""Minimum correlation of an echo's levels with the voice's, of the shortest voice; half of it of a long one."""
OVER = 6
"""Maximum difference of an echo's levels from their median that counts, in dB."""
OFTEN = 0.2
"""Minimum share of a voice's syllables in which its echo is above the floor."""
PERIOD, ENOUGH = Ms(60_000), Ms(2500)
"""Time for which one delay and level of an echo are taken, and minimum time for which the voice is heard in it, in
ms."""
ADDED, TAIL = 4, Ms(80)
"""Level above the echo at which somebody speaks over it, in dB, and the time for which a room goes on, in ms."""
LAGS = np.arange(-EARLY // STEP, ECHO // STEP + 1)
"""Delays at which an echo is looked for, in steps."""


class _Echo(NamedTuple):
    """Echo of a voice in another's microphone."""

    lag: int
    """Steps by which it is later."""
    gain: float
    """Level against that of the voice, in dB."""


NO_ECHO = _Echo(0, -np.inf)
"""Echo that is not there: it explains nothing."""


def _find_echo(user: str, tracks: Mapping[str, _Track]) -> Mask:
    """Find where the sound of a user is explained by what others say."""
    mine = tracks[user]
    found = np.zeros(len(mine.level), np.bool_)
    parts = [slice(start, start + PERIOD // STEP) for start in range(0, len(found), PERIOD // STEP)]
    both = {
        other: [part for part in parts if (mine.heard[part] & voice.own[part]).sum() * STEP > CLICK]
        for other, voice in tracks.items()
        if other != user
    }
    echoes = {other: [_echo_in(mine, tracks[other], part) for part in there] for other, there in both.items()}
    loudest = max((echo for known in echoes.values() for echo in known if echo), key=lambda e: e.gain, default=NO_ECHO)
    for other, there in both.items():
        nearest = next((echo for echo in echoes[other] if echo), loudest)  # loudspeakers play all alike
        for part, echo in zip(there, echoes[other], strict=True):
            nearest = echo or nearest
            found[part] |= _explained(mine, tracks[other], part, nearest)
    return found


def _echo_in(mine: _Track, voice: _Track, part: slice) -> _Echo | None:
    """The echo of a voice in a part of the playback; None where too little is said in it."""
    said = np.flatnonzero(voice.own[part]) + part.start
    said = said[(said + LAGS[0] >= 0) & (said + LAGS[-1] < len(mine.level))]
    if len(said) * STEP < ENOUGH:
        return None
    x = voice.level[said].astype(np.float32)
    usual = int(np.median(mine.level[said])) + OVER  # louder are one's own words
    y = np.clip(mine.level, mine.level - mine.above, usual)[said + LAGS[:, None]].astype(np.float32)
    spread = np.maximum(y.std(axis=1), 1e-3) * max(float(x.std()), 1e-3)
    alike = ((y - y.mean(axis=1)[:, None]) @ (x - x.mean())) / len(x) / spread
    best = int(alike.argmax())
    heard = mine.heard[said + LAGS[best]]
    least = ALIKE / 2 * (1 + (ENOUGH / STEP / len(said)) ** 0.5)  # by chance less and less is alike
    if alike[best] < least or heard.mean() < OFTEN:
        return NO_ECHO
    gain = float(np.median(mine.level[said + LAGS[best]][heard] - x[heard]))
    is_echo = LAGS[best] * STEP >= LATE or gain <= -WEAKER
    return _Echo(int(LAGS[best]), gain) if is_echo else NO_ECHO


def _explained(mine: _Track, voice: _Track, part: slice, echo: _Echo) -> Mask:
    """Find where, in a part of the playback, a track is no louder than the echo of a voice in it."""
    at = np.arange(part.start, min(part.stop, len(mine.level)))
    lags = np.arange(echo.lag - 1, echo.lag + TAIL // STEP + 1)
    loudest = voice.level[np.clip(at - lags[:, None], 0, len(voice.level) - 1)].max(axis=0)
    return np.asarray(mine.level[at] <= loudest + echo.gain + ADDED, np.bool_)
