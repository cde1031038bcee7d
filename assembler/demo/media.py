"""Synthetic stream files, made by ffmpeg: every frame says whose it is and which, and every second beeps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pydantic import Field

from assembler import processes
from assembler.demo.identity import BEEP_SECONDS, IDENTITIES, Identity
from assembler.demo.picture import Painter
from assembler.errors import MediaError
from assembler.values import Value
from assembler.workspace import LOG, PART

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
"""ffmpeg's name of each number of channels."""
LOW_FREQUENCY = 3
"""The channel of 5.1 that stays silent: it does not carry a beep's pitch."""


class Recipe(Value):
    """A stream file in words. Frame n shows counter n and is presented at n / fps; a beep begins at each second."""

    identity: str = "red"
    """Colour of the picture and pitch of the beeps: a name of IDENTITIES."""
    seconds: Fraction = Field(default=Fraction(4), gt=0)
    """Length of the sound, and of the picture where ``frames`` is not given."""
    frames: int | None = None
    """Number of frames; None: as many as ``seconds`` holds."""
    fps: Fraction = Fraction(15)
    """Frames per second."""
    width: int = 320
    """Pixels of the upright picture."""
    height: int = 240
    """Pixels of the upright picture."""
    label: str = ""
    """Written into the picture, together with a running clock, for people; "" leaves both away."""
    scene: str = ""
    """Drawing around the counter, for people: "slide", "person", "share"; "" the bare colour."""
    clock_start: Fraction = Fraction(0)
    """Time on the clock in the picture at the file's start, seconds; the beeps begin at its whole seconds."""
    picture: bool = True
    """True for a file with a picture."""
    sound: bool = True
    """True for a file with a sound track."""
    channels: int = 1
    """1, 2 or 6."""
    rate: int = 48_000
    """Samples per second."""
    gain: float = 0.2
    """Largest sample of a beep; full scale is 1."""
    gop: int = 30
    """Frames from key frame to key frame."""
    bframes: int = 0
    """B-frames in a row."""
    quality: int = 20
    """The encoder's crf."""
    matrix: str = ""
    """Colour matrix the file is tagged with, "bt709" or "smpte170m"; "" leaves it untagged: then it is 601 below
    720 lines, else 709."""
    pixels: str = "yuv420p"
    """"yuv420p" or "yuv444p" (H.264 needs the latter for odd sizes)."""

    @property
    def who(self) -> Identity:
        """Colour and pitch."""
        return IDENTITIES[self.identity]

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.frames if self.frames is not None else round(self.seconds * self.fps)

    @property
    def drawn_matrix(self) -> str:
        """Colour matrix that the frames are drawn in, tagged or not."""
        return self.matrix or ("smpte170m" if self.height < 720 else "bt709")


@dataclass(frozen=True)
class Pictures:
    """Raw frames on their way into the encoder."""

    width: int
    """Width of the frames, pixels."""
    height: int
    """Height of the frames, pixels."""
    rate: Fraction
    """Frames per second."""
    pixels: str
    """Pixel format of the frames, and of the file."""
    frames: Iterable[bytes]
    """Raw frames, as planes one after the other."""
    options: Sequence[str]
    """Options of ffmpeg that encode them."""


@dataclass(frozen=True)
class Sound:
    """Beeps on their way into the encoder."""

    source: str
    """A lavfi graph that ends by itself."""
    options: Sequence[str]
    """Options of ffmpeg that encode it."""


def make_stream(recipe: Recipe, target: Path, ffmpeg: str) -> Path:
    """Write the recipe's file; the suffix of ``target`` (mp4, mkv, webm, ts, mp3) chooses the container.

    ``ffmpeg``: path of the program. Raises MediaError where it fails. The file is whole or not there.
    """
    suffix = target.suffix.lstrip(".")
    pictures = _pictures(recipe, suffix) if recipe.picture else None
    sound = Sound(beeping(recipe), sound_options(suffix)) if recipe.sound else None
    encode(ffmpeg, target, pictures=pictures, sound=sound)
    return target


def _pictures(recipe: Recipe, suffix: str) -> Pictures:
    size = (recipe.width, recipe.height)
    painter = painter_of(recipe, size)
    frames = (painter.frame(counter) for counter in range(recipe.count))
    return Pictures(*size, recipe.fps, recipe.pixels, frames, picture_options(recipe, suffix))


def painter_of(recipe: Recipe, size: tuple[int, int]) -> Painter:
    """Make the painter of this recipe's frames, in the size given."""
    return Painter(
        size,
        recipe.who.rgb,
        matrix=recipe.drawn_matrix,
        fps=recipe.fps,
        label=recipe.label,
        clock_start=recipe.clock_start,
        subsampled=recipe.pixels == "yuv420p",
        scene=recipe.scene,
    )


def picture_options(recipe: Recipe, suffix: str) -> list[str]:
    """Return ffmpeg's options for the picture: H.264, or VP8 in a webm."""
    if suffix == "webm":
        codec = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "4M", "-crf", str(recipe.quality)]
        codec += ["-threads", "1"]  # libvpx's threads wait for each other in loops: thirty times the processor time
    else:
        codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", str(recipe.quality), "-sc_threshold", "0"]
        codec += ["-bf", str(recipe.bframes), "-threads", "1"]
    tags = ["-colorspace", recipe.matrix, "-color_range", "tv"] if recipe.matrix else []
    return [*codec, "-g", str(recipe.gop), *tags]


def sound_options(suffix: str) -> list[str]:
    """Return ffmpeg's options for the sound: AAC, or what the container takes instead."""
    match suffix:
        case "webm":
            return ["-c:a", "libopus", "-b:a", "96k"]
        case "mp3":
            return ["-c:a", "libmp3lame", "-b:a", "128k"]
        case _:
            return ["-c:a", "aac", "-aac_coder", "fast", "-b:a", "128k"]


def beeping(recipe: Recipe, *, start: Fraction = Fraction(0), seconds: Fraction | None = None) -> str:
    """The lavfi graph of a recipe's sound from ``start`` on, sample exact; by default all of it."""
    length = recipe.seconds if seconds is None else seconds
    clock = recipe.clock_start + start
    phase = f"mod(t+{float(clock)!r},1)" if clock else "mod(t,1)"
    beep = f"{recipe.gain}*lt({phase},{BEEP_SECONDS})*sin(2*PI*{recipe.who.pitch}*{phase})"
    channels = [beep if place != LOW_FREQUENCY else "0" for place in range(recipe.channels)]
    samples = round(length * recipe.rate)
    layout = LAYOUTS[recipe.channels]
    return f"aevalsrc=exprs='{'|'.join(channels)}':s={recipe.rate}:c={layout},atrim=end_sample={samples}"


_MUXERS = {
    "mp4": ["-f", "mp4", "-movflags", "+faststart"],
    "m4a": ["-f", "mp4"],
    "aac": ["-f", "adts"],
    "mkv": ["-f", "matroska"],
    "webm": ["-f", "webm"],
    "ts": ["-f", "mpegts"],
    "mp3": ["-f", "mp3"],
}


def encode(ffmpeg: str, target: Path, *, pictures: Pictures | None, sound: Sound | None) -> None:
    """Run ffmpeg over raw frames, beeps, or both; raises MediaError with its last words where it fails."""
    part, log = target.with_name(target.name + PART), target.with_name(target.name + LOG)
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-y", "-loglevel", "error"]
    if pictures is not None:
        argv += ["-f", "rawvideo", "-pix_fmt", pictures.pixels, "-s", f"{pictures.width}x{pictures.height}"]
        argv += ["-framerate", str(pictures.rate), "-i", "pipe:0"]
    if sound is not None:
        argv += ["-f", "lavfi", "-i", sound.source]
    argv += [*(pictures.options if pictures else ()), *(sound.options if sound else ())]
    argv += ["-fflags", "+bitexact", "-map_metadata", "-1", *_MUXERS[target.suffix.lstrip(".")], part.name]
    with processes.started(argv, cwd=target.parent, log=log, stdin=processes.PIPE) as child:
        assert child.stdin is not None
        try:
            for frame in pictures.frames if pictures is not None else ():
                processes.write_all(child.stdin.fileno(), frame)
            child.stdin.close()
        except BrokenPipeError:
            pass  # it ended before it had everything: its exit code and its last words say why
        code = child.wait()
    words = processes.log_tail(log)
    log.unlink(missing_ok=True)
    if code != 0:
        part.unlink(missing_ok=True)
        raise MediaError(f"ffmpeg could not make {target.name}: {words}", hint="Run `assembler doctor`.")
    os.replace(part, target)
