"""A class of people who talk: sound like speech, with what microphones add, and the truth about who spoke when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assembler.levels import Levels
from assembler.media.mixdown.meter import Meter, join_tracks
from assembler.media.mixdown.resample import PlacedSamples
from assembler.plan.model import SoundPiece
from assembler.plan.speech import find_speech
from assembler.timeline.turns import find_turns
from assembler.times import FileMs, Ms, Span, span, split, union

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]

RATE = 48_000
FORMANTS = ((500, 120), (1500, 250), (2600, 400))
"""Centre and width, Hz."""
BREATH_MS = 450
"""Silences inside of somebody's words up to so long are speech."""


@dataclass(frozen=True)
class Microphone:
    """One person's sound as it is recorded."""

    voice: float
    """Level of the voice, dB below full scale, RMS of what is spoken."""
    noise: float
    """Level of the room, dB below full scale, RMS."""
    hum: float | None = None
    """Level of a hum of 50 Hz and its harmonics, dB below full scale."""
    echo: tuple[float, int] | None = None
    """How much weaker the others' voices are heard from the loudspeakers than in their own microphones (dB), and how
    much later (ms)."""
    clicks: float = 0
    """Keys struck each second while the person is silent."""
    is_gated: bool = False
    """True if there is digital silence wherever nobody speaks for 200 ms."""
    muted: tuple[Span, ...] = ()
    """Times at which the microphone is off: digital silence."""
    gain: float = 0
    """Automatic gain: dB by which the noise rises within 8 s of silence."""
    fan_from: int | None = None
    """Time in ms from which a fan 15 dB over the room's noise runs."""


SIX: Mapping[str, Microphone] = {
    "ann": Microphone(voice=22, noise=62),
    "bob": Microphone(voice=30, noise=55, hum=45),
    "cem": Microphone(voice=26, noise=60, echo=(18, 240)),
    "dan": Microphone(voice=36, noise=68, clicks=5),
    "eva": Microphone(voice=20, noise=58, gain=12, is_gated=False),
    "fay": Microphone(voice=28, noise=65, is_gated=True),
}
"""A teacher, one with hum, one with leakage, a quiet one who types, one with automatic gain, one behind a gate."""


@dataclass
class Talk:
    """Who says what when."""

    seconds: float
    said: dict[str, list[Span]] = field(default_factory=dict)
    """Phrases, by user."""

    @property
    def truth(self) -> dict[str, list[Span]]:
        """When each user speaks, breathing included."""
        found = {}
        for user, phrases in self.said.items():
            wide = union(span(p.start, p.end + BREATH_MS) for p in phrases)
            found[user] = [span(p.start, p.end - BREATH_MS) for p in wide]
        return found


def converse(users: Sequence[str], seconds: float, seed: int) -> Talk:
    """A lesson: the first one speaks at length, the others answer, interrupt and murmur assent."""
    rng = np.random.default_rng(seed)
    talk = Talk(seconds, {user: [] for user in users})
    end, at, speaker = round(seconds * 1000), 800, users[0]
    while at < end - 3000:
        length = rng.uniform(6000, 30_000) if speaker == users[0] else rng.choice([700, 2000, 5000, 9000])
        stop = min(end - 500, round(at + length))
        _phrases(talk.said[speaker], at, stop, rng)
        for _ in range(rng.poisson((stop - at) / 15_000)):  # "yes", "hm"
            who, when = str(rng.choice([u for u in users if u != speaker])), round(rng.uniform(at, stop))
            if when + 900 < end:
                talk.said[who].append(span(when, when + round(rng.uniform(300, 900))))
        before, others = speaker, [u for u in users if u != speaker]
        speaker = users[0] if before != users[0] and rng.random() < 0.7 else str(rng.choice(others))
        gap = rng.choice([-1200, -400, 150, 600, 2500], p=[0.12, 0.18, 0.3, 0.3, 0.1])
        at = max(at + 500, round(stop + gap))
    talk.said = {user: union(phrases) for user, phrases in talk.said.items()}
    return talk


def _phrases(said: list[Span], start: int, end: int, rng: np.random.Generator) -> None:
    at = start
    while at < end:
        stop = min(end, at + round(rng.uniform(900, 4000)))
        said.append(span(at, stop))
        at = stop + round(rng.uniform(150, BREATH_MS - 20))
        if end - at < 400:
            break


def record(talk: Talk, microphones: Mapping[str, Microphone], seed: int) -> dict[str, Array]:
    """What each microphone records: one channel of samples, by user."""
    rng = np.random.default_rng(seed + 1000)
    count = round(talk.seconds * RATE)
    voices = {
        user: _speech(talk.said[user], count, 95 + 20 * number, rng) * _gain(microphones[user].voice)
        for number, user in enumerate(microphones)
    }
    return {
        user: _recorded(user, microphone, voices, microphones, talk, rng) for user, microphone in microphones.items()
    }


def _gain(below: float) -> float:
    return float(10 ** (-below / 20))


def _recorded(
    user: str,
    own: Microphone,
    voices: Mapping[str, Doubles],
    microphones: Mapping[str, Microphone],
    talk: Talk,
    rng: np.random.Generator,
) -> Array:
    heard = voices[user].copy()
    count = len(heard)
    noise = _room(count, rng) * _gain(own.noise)
    if own.gain:
        noise *= _risen(talk.said[user], count, own.gain)
    if own.fan_from is not None:
        noise[own.fan_from * RATE // 1000 :] *= 10 ** (15 / 20)
    heard += noise
    if own.echo is not None:
        weaker, late = own.echo
        for other, voice in voices.items():
            if other != user:
                room = voice * _gain(weaker - microphones[other].voice + 24)  # loudspeakers play all alike
                for delay, part in ((late, 1.0), (late + 35, 0.5), (late + 80, 0.25)):
                    heard[delay * 48 :] += part * room[: count - delay * 48]
    if own.hum is not None:
        time = np.arange(count) / RATE
        waves = sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in (1, 2, 3, 5))
        heard += waves * _gain(own.hum)
    if own.clicks:
        heard += _keys(talk.said[user], count, own.clicks, rng) * _gain(own.voice)
    if own.is_gated:
        heard *= _mask(talk.said[user], count, before=40, behind=200)
    for part in own.muted:
        heard[part.start * 48 : part.end * 48] = 0
    return np.asarray(heard, np.float32)


def _speech(phrases: Sequence[Span], count: int, pitch: float, rng: np.random.Generator) -> Doubles:
    """Syllables of vowels and hisses through formants, 4 to 6 each second, each as loud as it happens; level 0 dB."""
    out = np.zeros(count)
    for phrase in phrases:
        size = phrase.length * RATE // 1000
        time = np.arange(size) / RATE
        wandering = pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.6 * time + rng.uniform(0, 6)) - 0.1 * time / time[-1])
        buzz = 2 * (np.cumsum(wandering) / RATE % 1) - 1
        vowel = _shaped(buzz, FORMANTS)
        hiss = _shaped(rng.standard_normal(size), ((5000, 1500),))
        loud, voiced = np.zeros(size), np.zeros(size)
        at = 0
        while at < size:
            long = int(RATE * rng.uniform(0.11, 0.28))
            part = slice(at, min(size, at + long))
            shape = np.hanning(long + 2)[1:-1][: part.stop - at] ** 0.5
            loud[part] = shape * rng.uniform(0.25, 1)
            voiced[part] = float(rng.random() < 0.85)
            at += long + int(RATE * rng.choice([0, 0.02, 0.06, 0.09]))  # closures of t, k, p
        mixed = loud * np.where(voiced > 0, vowel, 0.35 * hiss)
        first = phrase.start * RATE // 1000
        out[first : first + size] += mixed / (np.sqrt(np.mean(mixed**2)) + 1e-9)
    return out


def _shaped(source: Doubles, bands: Sequence[tuple[int, int]]) -> Doubles:
    hertz = np.fft.rfftfreq(len(source), 1 / RATE)
    shape = sum(np.exp(-(((hertz - centre) / width) ** 2)) / (1 + i) for i, (centre, width) in enumerate(bands))
    found = np.fft.irfft(np.fft.rfft(source) * shape, len(source))
    return np.asarray(found / (np.abs(found).max() + 1e-9))


def _room(count: int, rng: np.random.Generator) -> Doubles:
    """Noise of a room, level 0 dB, that swells by a few dB."""
    knots = np.arange(0, count + RATE, RATE // 2)
    swell = 10 ** (rng.normal(0, 1.5, len(knots)) / 20)
    return np.asarray(rng.standard_normal(count) * np.interp(np.arange(count), knots, swell))


def _mask(phrases: Sequence[Span], count: int, before: int = 0, behind: int = 0) -> Doubles:
    out = np.zeros(count)
    for phrase in phrases:
        out[max(0, phrase.start - before) * 48 : (phrase.end + behind) * 48] = 1
    return out


def _risen(phrases: Sequence[Span], count: int, gain: float) -> Doubles:
    """How automatic gain lifts the noise: slowly where nobody speaks, gone within 50 ms of a word."""
    steps = _mask(phrases, count)[:: RATE // 100] > 0
    level, found = 0.0, np.zeros(len(steps))
    for place, speaks in enumerate(steps):
        level = max(0.0, level - gain / 5) if speaks else min(gain, level + gain / 800)
        found[place] = level
    return np.asarray(10 ** (np.repeat(found, RATE // 100)[:count] / 20))


def _keys(phrases: Sequence[Span], count: int, each_second: float, rng: np.random.Generator) -> Doubles:
    """Strokes of 15 to 50 ms, down and up, in bursts while the person is silent."""
    out = np.zeros(count)
    silent = _mask(phrases, count, 300, 300) == 0
    at = 0.5
    while at < count / RATE - 1:
        for _ in range(int(rng.integers(4, 25))):
            at += rng.uniform(0.6, 1.6) / each_second
            for later, loud in ((0.0, 1.0), (rng.uniform(0.06, 0.1), 0.4)):
                first, size = int((at + later) * RATE), int(RATE * rng.uniform(0.015, 0.05))
                if first + size < count and silent[first]:
                    stroke = rng.standard_normal(size) * np.exp(-np.arange(size) / (size / 4))
                    out[first : first + size] += loud * stroke
        at += rng.uniform(0.5, 6)
    return out


def levels_of(samples: Array) -> Levels:
    """Levels of one channel as its file would measure."""
    meter = Meter(len(samples))
    for at in range(0, len(samples), RATE):
        piece = samples[None, at : at + RATE]
        meter.add(PlacedSamples(at, piece), at + piece.shape[1])
    meter.finish()
    return join_tracks([meter])


def listen_to(sounds: Mapping[str, Array]) -> dict[str, tuple[Span, ...]]:
    """Find who speaks when, each in one file from the start of the playback."""
    length = Ms(max(len(samples) for samples in sounds.values()) * 1000 // RATE)
    whole = {user: (SoundPiece(video_id=user, span=span(0, length), file_start=FileMs(0)),) for user in sounds}
    return find_speech(whole, {user: levels_of(samples) for user, samples in sounds.items()}, length)


@dataclass(frozen=True)
class Score:
    """How well it was found who speaks."""

    right: float
    """Share of the time in which one person speaks where that one is the speaker."""
    wrong: float
    """Share of it in which somebody else is."""
    slowest: float
    """Longest time in s from when somebody begins to speak alone until that one is the speaker."""
    late: float
    """Share of those beginnings that took more than 0.5 s."""
    extra: Mapping[str, float]
    """Time in s that was found and not spoken, by user."""
    missed: Mapping[str, float]
    """Time in s that was spoken and not found, by user."""


def score(truth: Mapping[str, Sequence[Span]], found: Mapping[str, Sequence[Span]], length: int) -> Score:
    """Compare, each 10 ms."""
    size = length // 10
    users = list(truth)
    speaks = np.array([_at(truth[user], size) for user in users])
    alone = speaks.sum(axis=0) == 1
    who = speaks.argmax(axis=0)
    speaker = np.full(size, -1)
    for turn in find_turns(found, Ms(length)):
        speaker[turn.span.start // 10 : turn.span.end // 10] = users.index(turn.user)
    right = alone & (speaker == who)
    delays = []
    for number, user in enumerate(users):
        for said in truth[user]:
            mine = np.arange(said.start // 10, min(size, said.end // 10))
            mine = mine[alone[mine]]
            if len(mine) >= 50 and (mine[:50] == np.arange(mine[0], mine[0] + 50)).all():
                hit = np.flatnonzero(speaker[mine] == number)
                delays.append((hit[0] if len(hit) else len(mine)) / 100)
    extra = {user: _seconds(split(found[user], truth[user])[1]) for user in users}
    missed = {user: _seconds(split(truth[user], found[user])[1]) for user in users}
    return Score(
        right=float(right.sum() / alone.sum()),
        wrong=float((alone & ~right & (speaker >= 0)).sum() / alone.sum()),
        slowest=max(delays, default=0.0),
        late=sum(delay > 0.5 for delay in delays) / max(1, len(delays)),
        extra=extra,
        missed=missed,
    )


def _seconds(spans: Sequence[Span]) -> float:
    return sum(one.length for one in spans) / 1000


def _at(spans: Sequence[Span], size: int) -> NDArray[np.bool_]:
    out = np.zeros(size, np.bool_)
    for s in spans:
        out[s.start // 10 : s.end // 10] = True
    return out
