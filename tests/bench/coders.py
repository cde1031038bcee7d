"""What ffmpeg's AAC coders cost and lose: ``python tests/bench/coders.py [--ffmpeg PROGRAM] SOUND...``.

For each file and coder, at our bit rate: CPU seconds, bytes, the null test (what is left when the PCM is
subtracted from the decoded file, dB below the signal: over all, and in the worst tenth of the windows), and the
spectrum (mean difference of loudness in third octaves, dB, and the highest one that is still there).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
from measuring import measured

RATE = 48_000
BIT_RATE = "128k"
CODERS = ("twoloop", "fast")
WINDOW = RATE // 10
BINS = 2048
LOUD = -60.0
"""dBFS: what is quieter in a third octave or a window is not judged."""
Sound = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Judgement:
    """One coder on one file."""

    cpu: float
    size: int
    null: float
    """dB."""
    null_worst: float
    """dB, the tenth percentile of the windows."""
    spectrum: float
    """dB."""
    highest: float
    """Hz."""


def judge(program: str, source: Path, coder: str, folder: Path) -> Judgement:
    pcm, out = folder / "pcm.wav", folder / "coded.m4a"
    words = [program, "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    plain = ["-i", str(source), "-t", "120", "-vn", "-ac", "2", "-ar", str(RATE), "-c:a", "pcm_s16le", str(pcm)]
    subprocess.run([*words, *plain], check=True)
    coded = [*words, "-i", str(pcm), "-c:a", "aac", "-aac_coder", coder, "-b:a", BIT_RATE, str(out)]
    cost = min((measured(coded, log=folder / "log", cwd=folder) for _ in range(3)), key=lambda c: c.cpu)
    before, after = _samples(pcm), _samples(out)
    length = min(before.shape[1], after.shape[1])
    before, after = before[:, :length], after[:, :length]
    return Judgement(
        cpu=cost.cpu,
        size=out.stat().st_size,
        null=_ratio(before, before - after),
        null_worst=_worst(before, before - after),
        spectrum=_difference(before, after),
        highest=_highest(before, after),
    )


def _samples(path: Path) -> Sound:
    """Both channels; the decoder takes the encoder's delay away, as a player does."""
    with av.open(str(path)) as source:
        blocks = [f for f in source.decode(source.streams.audio[0]) if f.pts is not None]
        planes = [f.to_ndarray() for f in blocks]
    wide = [p.reshape(-1, 2).T if p.shape[0] == 1 else p for p in planes]
    sound = np.concatenate(wide, axis=1).astype(np.float64)
    return sound / 32768 if planes[0].dtype == np.int16 else sound


def _ratio(signal: Sound, noise: Sound) -> float:
    return float(10 * np.log10((signal**2).sum() / max((noise**2).sum(), 1e-20)))


def _worst(signal: Sound, noise: Sound) -> float:
    windows = range(0, signal.shape[1] - WINDOW, WINDOW)
    ratios = [
        _ratio(signal[:, at : at + WINDOW], noise[:, at : at + WINDOW])
        for at in windows
        if 10 * np.log10((signal[:, at : at + WINDOW] ** 2).mean() + 1e-20) > LOUD
    ]
    return float(np.percentile(ratios, 10))


def _bands(sound: Sound) -> npt.NDArray[np.float64]:
    """Mean level of each third octave from 50 Hz to 20 kHz, dB, per frame of BINS samples."""
    mono = sound.mean(axis=0)
    frames = mono[: len(mono) // BINS * BINS].reshape(-1, BINS) * np.hanning(BINS)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / (BINS * BINS / 8)
    hertz = np.fft.rfftfreq(BINS, 1 / RATE)
    centres = 50 * 2 ** (np.arange(27) / 3)
    levels = [power[:, (hertz >= c / 2 ** (1 / 6)) & (hertz < c * 2 ** (1 / 6))].sum(axis=1) for c in centres]
    return 10 * np.log10(np.array(levels) + 1e-12)


def _difference(before: Sound, after: Sound) -> float:
    one, other = _bands(before), _bands(after)
    return float(np.abs(one - other)[one > LOUD].mean())


def _highest(before: Sound, after: Sound) -> float:
    """The highest third octave in which the coded sound keeps half of the power."""
    one, other = (10 * np.log10((10 ** (_bands(s) / 10)).mean(axis=1)) for s in (before, after))
    kept = [n for n in range(len(one)) if other[n] > one[n] - 3]
    return float(50 * 2 ** (kept[-1] / 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ffmpeg", default=imageio_ffmpeg.get_ffmpeg_exe())
    parser.add_argument("sounds", nargs="+", type=Path)
    asked = parser.parse_args()
    print("| sound | coder | CPU s | kB | null dB | worst tenth | spectrum dB | to Hz |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        for sound in asked.sounds:
            for coder in CODERS:
                j = judge(asked.ffmpeg, sound, coder, Path(name))
                figures = f"{j.null:.1f} | {j.null_worst:.1f} | {j.spectrum:.2f} | {j.highest:.0f}"
                print(f"| {sound.stem} | {coder} | {j.cpu:.2f} | {j.size / 1000:.0f} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
