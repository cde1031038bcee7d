"""The demo: a small class made, served on loopback, and everything done with it that a user would do."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

from assembler.demo.lesson import make_lesson
from assembler.demo.serve import serve
from assembler.dialects import parse
from assembler.errors import MediaError
from assembler.media.ffmpeg import find_ffmpeg
from assembler.media.verify.verify import verify
from assembler.options import Options
from assembler.pipeline.assemble import assemble, plan_probed
from assembler.pipeline.timelines import timeline_only
from assembler.progress import Progress
from assembler.report.recordings import describe_recordings, names_of
from assembler.report.text import describe_plan, describe_playback

LOOPBACK = "127.0.0.1"
"""Host that a run may fetch from although it is not public: the demo's own server."""
WIDTH = 80
"""Number of columns of the narrowest usual terminal."""


def show(folder: Path, options: Options, progress: Progress, say: Callable[[str], None]) -> Path:
    """Make the demo class in ``folder`` and assemble it there; ``say`` is given what a user would read, in lines
    of 80 columns.

    Raises MediaError where the folder cannot be made.
    """
    program = find_ffmpeg(options.ffmpeg)
    streams = folder / "streams"
    try:
        is_new = not folder.exists()
        streams.mkdir(parents=True, exist_ok=True)
        if is_new:
            (folder / ".gitignore").write_text("*\n")
    except OSError as exc:
        raise MediaError(f"the folder {folder} cannot be made: {exc.strerror}", hint="Name another with -o.") from exc

    def tell(text: str) -> None:
        say("\n".join(_wrapped(line) for line in text.split("\n")))

    progress.say(f"making a small class in {streams}")
    lesson = make_lesson(streams, program.path)
    options = options.model_copy(update={"allow_hosts": (*options.allow_hosts, LOOPBACK)})
    with serve(streams) as url:
        result = lesson.write_result(folder / "result.json", url)
        recording = parse(result.read_bytes())
        tell(f"$ assembler inspect {result}\n")
        tell(describe_recordings([recording], timeline_only(recording, options), WIDTH))
        tell(f"\n$ assembler plan {result} --probe --allow-host {LOOPBACK}\n")
        tell(describe_plan(plan_probed(recording, options, progress)[1], names_of([recording])))
        out = folder / "class.mp4"
        tell(f"\n$ assembler run {result} --allow-host {LOOPBACK} -o {out}\n")
        playback = assemble(recording, out, options, progress)
        tell(describe_playback(str(out), playback.manifest, names_of([recording]), was_there=playback.was_there))
    tell(f"\n$ assembler verify {out} --decode\n")
    verify(out, playback.manifest, decode="all")
    tell(f"{out}: as planned ({playback.manifest.stamps.count} pictures): every frame was decoded")
    tell(f"\nOpen it in any player: {out.absolute()}")
    tell(f"The page to watch it on: {playback.watch.absolute()}")
    tell(f"What was made from what, and why: {playback.report.absolute()}")
    return out


def _wrapped(line: str) -> str:
    """A line of a terminal as several of 80 columns; a path is never cut."""
    if len(line) <= WIDTH:
        return line
    return textwrap.fill(line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
