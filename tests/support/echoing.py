"""Classes whose microphones hear each other: speech in rooms, through codecs, with places that are declared wrong."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from chirps import write
from numpy.typing import NDArray
from talk import RATE, Microphone, converse, record

from assembler.times import span

Sound = NDArray[np.float32]

CODECS: Mapping[str, tuple[str, Sequence[str]]] = {
    "aac": ("m4a", ("-c:a", "aac", "-b:a", "64k")),
    "aac at 44.1 kHz": ("m4a", ("-c:a", "aac", "-b:a", "64k", "-ar", "44100")),
    "opus": ("ogg", ("-c:a", "libopus", "-b:a", "24k", "-ac", "1")),
    "opus webm": ("webm", ("-c:a", "libopus", "-b:a", "24k", "-ac", "1")),
    "mp3 at 16 kHz": ("mp3", ("-c:a", "libmp3lame", "-ar", "16000", "-b:a", "32k")),
    "mp3 in avi": ("avi", ("-c:a", "libmp3lame", "-b:a", "64k")),
    "flac": ("flac", ("-c:a", "flac")),
}
"""Ending and options of ffmpeg by name."""


def in_room(sound: Sound, below: float, seed: int, late: int = 0) -> Sound:
    """What a microphone hears of a loudspeaker: so many dB below, so many ms later, and 0.3 s of the room behind it."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(0.4 * RATE)) / RATE
    tail = rng.standard_normal(len(times)) * np.exp(-6.9 * times / 0.3)
    tail[: RATE // 200] = 0
    tail *= 0.7 / np.sqrt((tail**2).sum())
    tail[0] = 1
    size = len(sound) + len(tail)
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)]
    delay = late * RATE // 1000
    return np.asarray(10 ** (-below / 20) * np.concatenate([np.zeros(delay), heard[: len(sound) - delay]]), np.float32)


@functools.cache
def voices(users: tuple[str, ...], seconds: float, seed: int, talking: bool = False) -> Mapping[str, Sound]:
    """What each microphone hears of its own user: speech and the noise of the room. ``talking``: all talk at once."""
    own = {user: Microphone(voice=22 + 3 * number, noise=58 + number) for number, user in enumerate(users)}
    talk = converse(users, seconds, seed)
    if talking:
        lengths = range(2300, 2300 + 400 * len(users), 400)
        talk.said = {
            user: [span(at, at + length - 300) for at in range(400, round(seconds * 1000) - length, length)]
            for user, length in zip(users, lengths, strict=True)
        }
    return record(talk, own, seed)


@dataclass(frozen=True)
class Hears:
    """Who hears whom in a class."""

    who: str
    whom: str
    below: float = 20
    """Decibels."""
    late: int = 0
    """Delay of the echo, ms."""


@dataclass(frozen=True)
class Room:
    """A class on disk: each user's sound from its true place on."""

    starts: Mapping[str, int]
    """True start of each user's file, ms."""
    seconds: float = 60
    hears: Sequence[Hears] = ()
    codec: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    talking: bool = False
    """True if all talk at once."""
    extra: Mapping[str, Sound] = field(default_factory=dict)
    """Sound that is in a user's file besides, from the beginning of the class on."""

    def sounds(self) -> dict[str, Sound]:
        """What each file holds."""
        own = voices(tuple(self.starts), self.seconds, self.seed, self.talking)
        heard = {user: sound.copy() for user, sound in own.items()}
        for number, one in enumerate(self.hears):
            heard[one.who] += in_room(own[one.whom], one.below, self.seed + number, one.late)
        for user, sound in self.extra.items():
            heard[user][: len(sound)] += sound[: len(heard[user])]
        return {user: sound[self.starts[user] * RATE // 1000 :] for user, sound in heard.items()}

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for user, sound in self.sounds().items():
            ending, words = CODECS[self.codec.get(user, "aac")]
            write(folder / f"{user}.{ending}", sound[None], *words)
        return folder
