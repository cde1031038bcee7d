"""Classes whose microphones hear each other: speech in rooms, through codecs, with places that are declared wrong."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import chirps
import numpy as np
import talk
from chirps import BUNDLED, write
from numpy.typing import NDArray
from synthetic import cache
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
    size = 1 << 17  # part by part: a third of the time of one transform over all of it
    echo, heard, step = np.fft.rfft(tail, size), np.zeros(len(sound) + size), size - len(tail) + 1
    for at in range(0, len(sound), step):
        heard[at : at + size] += np.fft.irfft(np.fft.rfft(sound[at : at + step], size) * echo, size)
    heard = heard[: len(sound)]
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
    seconds: float = 45
    hears: Sequence[Hears] = ()
    codec: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    talking: bool = False
    """True if all talk at once."""
    extra: Mapping[str, Sound] = field(default_factory=dict)
    """Sound that is in a user's file besides, from the beginning of the class on."""

    def sound(self, user: str) -> Sound:
        """What a user's file holds."""
        own = voices(tuple(self.starts), self.seconds, self.seed, self.talking)
        heard = own[user].copy()
        for number, one in self._heard_by(user):
            heard += in_room(own[one.whom], one.below, self.seed + number, one.late)
        if (more := self.extra.get(user)) is not None:
            heard[: len(more)] += more[: len(heard)]
        return heard[self.starts[user] * RATE // 1000 :]

    def _heard_by(self, user: str) -> list[tuple[int, Hears]]:
        return [(number, one) for number, one in enumerate(self.hears) if one.who == user]

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for user in self.starts:
            made = self._made(user)
            shutil.copyfile(made, folder / f"{user}{made.suffix}")
        return folder

    def _made(self, user: str) -> Path:
        """A user's file, kept where other synthetic files are: many classes differ only in what is declared."""
        ending, words = CODECS[self.codec.get(user, "aac")]
        told = (
            tuple(self.starts), self.starts[user], self.seconds, self.seed, self.talking, user, self._heard_by(user),
            words, self.extra[user].tobytes() if user in self.extra else b"",
        )  # fmt: skip
        kept = cache() / f"{hashlib.sha256(_makers() + repr(told).encode()).hexdigest()[:24]}.{ending}"
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=cache()) as work:
                os.replace(write(Path(work) / kept.name, self.sound(user)[None], *words), kept)
        return kept


@functools.cache
def _makers() -> bytes:
    """Digest of the code that makes the files, so that an edit of it makes new ones."""
    sources = (Path(__file__), Path(talk.__file__), Path(chirps.__file__), Path(BUNDLED))
    return hashlib.sha256(b"".join(hashlib.sha256(source.read_bytes()).digest() for source in sources)).digest()
