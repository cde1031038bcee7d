"""What a user would pick instead of writing a graph by hand: MLT, MoviePy and BigBlueButton's composer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

from courses import BACKGROUND, CANVAS, SEATS, STAGE, Course, Stream
from material import FPS
from measuring import Cost, measured

from assembler.media.encoders import MAX_GOP_SECONDS

HERE = Path(__file__).parent
KEY_FRAMES = MAX_GOP_SECONDS * FPS
CAMERAS = (*SEATS[0][:3], sum(height for *_, height in SEATS))
"""Area of BigBlueButton's webcams: four of them get the size of our seats, without gaps."""
TILES = tuple((x, CAMERAS[1] + n * height, width, height) for n, (x, _, width, height) in enumerate(SEATS))


def find_melt() -> str | None:
    return shutil.which("melt") or shutil.which("melt-7")


def melt(course: Course, out: Path, *, program: str) -> Cost:
    """A track for each file, composed and mixed as its own editors do; two threads, no frame dropped."""
    project = out.with_suffix(".mlt")
    Xml.ElementTree(_project(course)).write(project, "utf-8", xml_declaration=True)
    video = ["vcodec=libx264", "preset=veryfast", "crf=23", f"g={KEY_FRAMES}", "pix_fmt=yuv420p"]
    sound = ["acodec=aac", "ab=128k", "ar=48000", "channels=2"]
    argv = [program, str(project), "-consumer", f"avformat:{out}", *video, *sound]
    argv += ["movflags=+faststart", "real_time=-2", "terminate_on_pause=1"]
    return measured([*argv, "-silent"], log=out.with_suffix(".log"), cwd=out.parent, makes=out)


def _project(course: Course) -> Xml.Element:
    width, height = CANVAS
    root = Xml.Element("mlt", {"LC_NUMERIC": "C", "producer": "tractor"})
    shape = {"width": str(width), "height": str(height), "progressive": "1", "frame_rate_num": str(FPS)}
    aspect = {"sample_aspect_num": "1", "sample_aspect_den": "1", "display_aspect_num": str(width)}
    more = {"frame_rate_den": "1", "display_aspect_den": str(height), "colorspace": "709"}
    Xml.SubElement(root, "profile", {**shape, **aspect, **more})
    last = str(course.frames - 1)
    _producer(root, "ground", BACKGROUND, "color", last)
    _playlist(root, "track0", "ground", 0, course.frames)
    tracks = _tracks(course)
    for number, (stream, is_bars) in enumerate(tracks, 1):
        source = ("black", "color") if is_bars else (str(course.path(stream)), "avformat")
        _producer(root, f"file{number}", *source, str(_frames(stream.length) - 1))
        _playlist(root, f"track{number}", f"file{number}", _frames(stream.start), _frames(stream.length))
    tractor = Xml.SubElement(root, "tractor", {"id": "tractor", "in": "0", "out": last})
    multitrack = Xml.SubElement(tractor, "multitrack")
    for number in range(len(tracks) + 1):
        Xml.SubElement(multitrack, "track", {"producer": f"track{number}"})
    for number, (stream, is_bars) in enumerate(tracks, 1):
        _transitions(tractor, number, stream, is_bars)
    return root


def _tracks(course: Course) -> list[tuple[Stream, bool]]:
    """Every file, and under a picture that does not fill its rectangle a black one (True)."""
    return [(s, is_bars) for s in course.streams for is_bars in ((True, False) if s.has_bars else (False,))]


def _frames(ms: int) -> int:
    return ms * FPS // 1000


def _producer(root: Xml.Element, name: str, resource: str, service: str, last: str) -> None:
    producer = Xml.SubElement(root, "producer", {"id": name, "in": "0", "out": last})
    _set(producer, resource=resource, mlt_service=service)


def _playlist(root: Xml.Element, name: str, producer: str, start: int, frames: int) -> None:
    playlist = Xml.SubElement(root, "playlist", {"id": name})
    if start:
        Xml.SubElement(playlist, "blank", {"length": str(start)})
    Xml.SubElement(playlist, "entry", {"producer": producer, "in": "0", "out": str(frames - 1)})


def _transitions(tractor: Xml.Element, track: int, stream: Stream, is_bars: bool) -> None:
    x, y, width, height = stream.rect
    first = _frames(stream.start)
    span = {"in": str(first), "out": str(first + _frames(stream.length) - 1)}
    picture = Xml.SubElement(tractor, "transition", span)
    _set(picture, mlt_service="composite", a_track="0", b_track=str(track), geometry=f"{x}/{y}:{width}x{height}:100")
    _set(picture, progressive="1", halign="centre", valign="centre", fill="1", distort=str(int(is_bars)))
    if stream.has_sound and not is_bars:
        sound = Xml.SubElement(tractor, "transition", {"in": "0"})
        _set(sound, mlt_service="mix", a_track="0", b_track=str(track), always_active="1", sum="1")


def _set(element: Xml.Element, **values: str) -> None:
    for name, value in values.items():
        Xml.SubElement(element, "property", {"name": name}).text = value


def find_moviepy(folder: Path) -> str | None:
    """The Python of a venv of its own with MoviePy 2; None where it cannot be had."""
    python = folder / "moviepy" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "moviepy")], check=True)
        install = [str(python), "-m", "pip", "install", "-q", "moviepy>=2,<3"]
        subprocess.run(install, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    found = subprocess.run([str(python), "-c", "import moviepy"], capture_output=True, check=False)
    return str(python) if found.returncode == 0 else None


def moviepy(course: Course, out: Path, *, python: str, ffmpeg: str) -> Cost:
    argv = [python, str(HERE / "moviepy_script.py"), str(course.result), str(course.folder), str(out)]
    env = {**os.environ, "IMAGEIO_FFMPEG_EXE": ffmpeg}
    argv += [str(FPS), str(KEY_FRAMES), BACKGROUND, *(str(side) for side in CANVAS)]
    for stream in course.streams:
        argv.append(":".join(str(side) for side in stream.rect))
    return measured(argv, log=out.with_suffix(".log"), cwd=out.parent, env=env, makes=out)


def bigbluebutton(course: Course, out: Path, *, checkout: Path) -> Cost:
    """BigBlueButton's own settings on our canvas and frame rate, with the ffmpeg and ffprobe of the path."""
    places = [":".join(str(side) for side in rect) for rect in (STAGE, CAMERAS)]
    sizes = [str(number) for number in (FPS, *CANVAS)]
    argv = ["ruby", str(HERE / "bigbluebutton.rb"), str(checkout), str(course.result), str(course.folder), str(out)]
    return measured([*argv, *sizes, *places], log=out.with_suffix(".log"), cwd=out.parent, makes=out)
