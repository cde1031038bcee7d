"""Small sound files of every kind, made of chirps, and the ears that find the chirps again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from assembler.facts import Facts
from assembler.media.probe.probe import probe_all
from assembler.progress import Silent

Array = NDArray[np.float32]

BUNDLED = imageio_ffmpeg.get_ffmpeg_exe()
RATE = 48_000


def chirp(rate: int = RATE) -> Array:
    """60 ms from 400 to 2,800 Hz: its place is unmistakable to a fraction of a millisecond."""
    t = np.arange(rate * 60 // 1000) / rate
    return np.asarray(np.sin(2 * np.pi * (400 * t + 20_000 * t * t)), np.float32)


def chirps(seconds: float, *at: float, rate: int = RATE, level: float = 0.5) -> Array:
    """Silence of one channel with a chirp at each second named."""
    out = np.zeros((1, round(seconds * rate)), np.float32)
    for second in at:
        first = round(second * rate)
        out[0, first : first + rate * 60 // 1000] = level * chirp(rate)
    return out


def tone(seconds: float, level: float, *, rate: int = RATE, pitch: float = 1000) -> Array:
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(level * np.sin(2 * np.pi * pitch * t), np.float32)[None]


def write(path: Path, samples: Array, *words: str, rate: int = RATE, before: tuple[str, ...] = ()) -> Path:
    """Encode samples (channels x samples); ``words`` are ffmpeg's output options, ``before`` other inputs."""
    channels = len(samples)
    argv = [BUNDLED, "-v", "error", "-y", *before, "-f", "f32le", "-ar", str(rate), "-ac", str(channels)]
    argv += ["-i", "pipe:0", *words, str(path)]
    subprocess.run(argv, input=samples.T.astype("<f4").tobytes(), check=True)
    return path


def repacked(source: Path, path: Path, change: Callable[[float], float | None]) -> Path:
    """The sound packets of a file with other stamps; ``change`` takes seconds, and None leaves one out."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        base = old.streams.audio[0].time_base
        assert base is not None
        for packet in old.demux(old.streams.audio[0]):
            seconds = None if packet.pts is None else change(float(packet.pts * base))
            if seconds is None:
                continue
            packet.pts = packet.dts = round(seconds / base)
            packet.stream = stream
            new.mux(packet)
    return path


def onsets(signal: Array, rate: int = RATE) -> list[float]:
    """Seconds at which whole chirps begin."""
    wave = chirp(rate)
    size = 1 << (len(signal) + len(wave)).bit_length()
    fit = np.fft.irfft(np.fft.rfft(signal, size) * np.conj(np.fft.rfft(wave, size)), size)[: len(signal)]
    fit /= float((wave**2).sum())
    found: list[float] = []
    loud = np.abs(fit)
    while loud.max() > 0.15:
        best = int(loud.argmax())
        found.append(best / rate)
        loud[max(0, best - len(wave)) : best + len(wave)] = 0
    return sorted(found)


def decoded(path: Path) -> Array:
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        frames = list(file.decode(stream))
    assert frames[0].pts == 0
    assert stream.sample_rate == RATE
    return np.concatenate([np.asarray(frame.to_ndarray(), np.float32) for frame in frames], axis=1)


def loudness_of(path: Path) -> float:
    argv = [BUNDLED, "-hide_banner", "-nostats", "-i", str(path), "-af", "ebur128=framelog=quiet", "-f", "null", "-"]
    log = subprocess.run(argv, capture_output=True, check=True).stderr.decode()
    return float(log.rpartition("I:")[2].split()[0])


def decibels(a: float, b: float) -> float:
    return 20 * float(np.log10(a / b))


def level(signal: Array, first: float, seconds: float = 0.5, pitch: float = 1000) -> float:
    body = signal[round(first * RATE) : round((first + seconds) * RATE)]
    turn = np.exp(-2j * np.pi * pitch * np.arange(len(body)) / RATE)
    return float(abs((body * turn).mean()) * 2)


def joined(path: Path, *parts: tuple[Array, int, float]) -> Path:
    """One transport stream of several: samples, rate and offset of the stamps in seconds."""
    raw = b""
    for samples, rate, offset in parts:
        write(path, samples, "-c:a", "aac", "-output_ts_offset", str(offset), rate=rate)
        raw += path.read_bytes()
    path.write_bytes(raw)
    return path


PICTURE = ("-f", "lavfi", "-i", "color=s=64x64:r=10:d=2.5")
WITH_PICTURE = ("-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")


def make_plain(folder: Path) -> Path:
    return write(folder / "plain.mp4", chirps(2, 0.5), "-c:a", "aac")


def make_picture_first(folder: Path) -> Path:
    late = ("-af", "asetpts=PTS+0.437/TB")
    return write(folder / "picture-first.mp4", chirps(2, 0.5), *WITH_PICTURE, *late, before=PICTURE)


def make_sound_first(folder: Path) -> Path:
    late = ("-vf", "setpts=PTS+0.3/TB")
    return write(folder / "sound-first.mp4", chirps(2, 0.5), *WITH_PICTURE, *late, before=PICTURE)


def make_hole(folder: Path) -> Path:
    """Packets of 0.8 to 1.4 s are lost."""
    whole = write(folder / "whole.wav", chirps(2.5, 0.5, 1.1, 1.8))
    return repacked(whole, folder / "hole.mkv", lambda at: None if 0.8 < at < 1.4 else at)


def make_paused(folder: Path) -> Path:
    """Nothing is lost, but the stamps jump by 0.7 s at 1 s."""
    whole = write(folder / "unpaused.wav", chirps(2.5, 0.5, 1.8))
    return repacked(whole, folder / "paused.mkv", lambda at: at if at < 1 else at + 0.7)


def make_overlap(folder: Path) -> Path:
    """Stamps jump back by about 0.3 s at 1.2 s; a chirp 0.9 s into the first part, one 0.8 s into the second."""
    return joined(folder / "overlap.ts", (chirps(1.2, 0.4), RATE, 0.0), (chirps(1.5, 0.1, 0.8), RATE, 0.9))


def make_wild(folder: Path) -> Path:
    """The tag of one packet at about 1 s claims to belong an hour later."""
    path = write(folder / "wild.flv", chirps(2.5, 0.5, 1.8), "-c:a", "aac")
    raw = bytearray(path.read_bytes())
    at, sounds = 13, 0
    while sounds < 47:
        at += 15 + int.from_bytes(raw[at + 1 : at + 4], "big")
        sounds += raw[at] == 8
    stamp = int.from_bytes(raw[at + 4 : at + 7], "big")
    assert 900 < stamp < 1100
    raw[at + 4 : at + 7] = (stamp + 3_600_000).to_bytes(3, "big")
    path.write_bytes(raw)
    return path


def make_jitter(folder: Path) -> Path:
    """Stamps of a flv are rounded to milliseconds; it keeps the encoder's delay."""
    return write(folder / "jitter.flv", chirps(3, 0.5, 2.4, rate=44_100), "-c:a", "aac", rate=44_100)


def make_rates(folder: Path) -> Path:
    """44.1 kHz stereo, then 48 kHz mono; a chirp in each, 0.5 s into it."""
    stereo = np.repeat(chirps(1, 0.5, rate=44_100), 2, 0)
    return joined(folder / "rates.ts", (stereo, 44_100, 0.0), (chirps(1, 0.5), RATE, 1.05))


def make_raw(folder: Path) -> Path:
    """The same as raw ADTS, which has no stamps at all."""
    path = folder / "raw.aac"
    stereo = np.repeat(chirps(1, 0.5, rate=44_100), 2, 0)
    raw = write(path, stereo, "-c:a", "aac", rate=44_100).read_bytes()
    path.write_bytes(raw + write(path, chirps(1, 0.5), "-c:a", "aac").read_bytes())
    return path


def make_mp3(folder: Path) -> Path:
    samples = chirps(2, 0.5, rate=44_100)
    return write(folder / "priming.mp3", samples, "-c:a", "libmp3lame", "-b:a", "64k", rate=44_100)


def make_cut(folder: Path) -> Path:
    return write(folder / "cut.webm", chirps(3, 0.5, 1.5, 2.5), "-c:a", "libopus")


def make_silent(folder: Path) -> Path:
    path = folder / "no-sound.mp4"
    subprocess.run([BUNDLED, "-v", "error", "-y", *PICTURE, str(path)], check=True)
    return path


def make_mono(folder: Path) -> Path:
    return write(folder / "mono.mp4", tone(1.5, 0.25), "-c:a", "aac", "-b:a", "128k")


def make_stereo(folder: Path) -> Path:
    return write(folder / "stereo.wav", np.concatenate([tone(1.5, 0.25), 0 * tone(1.5, 0.25)]), "-c:a", "pcm_f32le")


def make_surround(folder: Path) -> Path:
    """1 kHz in front left, 2 kHz in the centre."""
    channels = np.zeros((6, RATE * 3 // 2), np.float32)
    channels[0], channels[2] = tone(1.5, 0.25)[0], tone(1.5, 0.25, pitch=2000)[0]
    return write(folder / "surround.mka", channels, "-c:a", "flac")


MAKERS = {
    maker.__name__.removeprefix("make_"): maker
    for maker in (
        make_plain, make_picture_first, make_sound_first, make_hole, make_paused, make_overlap, make_wild,
        make_jitter, make_rates, make_raw, make_mp3, make_cut, make_silent, make_mono, make_stereo, make_surround,
    )
}  # fmt: skip


def probed(files: Mapping[str, Path], work: Path) -> dict[str, Facts]:
    facts, bad = probe_all(files, keep_stamps=(), work=work, progress=Silent(), stop=None, parallel=1)
    assert not bad, bad
    return facts


@dataclass(frozen=True)
class Library:
    """Every test file, and what is in it."""

    files: dict[str, Path]
    facts: dict[str, Facts]


def build_library(folder: Path) -> Library:
    files = {name: make(folder) for name, make in MAKERS.items()}
    return Library(files, probed(files, folder))


def with_tracks(path: Path, *tracks: Array, words: tuple[str, ...] = ("-c:a", "aac")) -> Path:
    """One file with a sound track of each of these, behind a picture of 2.5 s."""
    inputs: list[str] = []
    for number, samples in enumerate(tracks):
        wav = write(path.with_name(f"{path.stem}-{number}.wav"), samples, "-c:a", "pcm_s16le")
        inputs += ["-i", str(wav)]
    maps = ["-map", "0:v", *(word for number in range(len(tracks)) for word in ("-map", f"{number + 1}:a"))]
    argv = [BUNDLED, "-v", "error", "-y", *PICTURE, *inputs, *maps, "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*argv, *words, str(path)], check=True)
    return path
