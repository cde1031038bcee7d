"""The demo: a small class made, served on loopback, and everything done with it that a user would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assembler.assemble import assemble, plan_probed
from assembler.decide import timeline_only
from assembler.demo.lesson import make_lesson
from assembler.demo.serve import serve
from assembler.dialects import parse
from assembler.errors import MediaError
from assembler.media.ffmpeg import find_ffmpeg
from assembler.media.verify import verify
from assembler.options import Options
from assembler.progress import Progress
from assembler.report.text import describe_plan, describe_playback, describe_recordings

LOOPBACK = "127.0.0.1"


def show(folder: Path, options: Options, progress: Progress, tell: Callable[[str], None]) -> Path:
    """Make the demo class in ``folder`` and assemble it there; ``tell`` is given what a user would read.

    Raises MediaError where the folder cannot be made.
    """
    program = find_ffmpeg(options.ffmpeg)
    streams = folder / "streams"
    try:
        streams.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise MediaError(f"the folder {folder} cannot be made: {exc.strerror}", hint="Name another with -o.") from exc
    progress.say(f"making a small class in {streams}")
    lesson = make_lesson(streams, program.path)
    options = options.model_copy(update={"allow_hosts": (*options.allow_hosts, LOOPBACK)})
    with serve(streams) as url:
        result = lesson.write_result(folder / "result.json", url)
        recording = parse(result.read_bytes())
        tell(f"$ assembler inspect {result}\n")
        tell(describe_recordings([recording], timeline_only(recording, options)))
        tell(f"\n$ assembler plan {result} --probe --allow-host {LOOPBACK}\n")
        tell(describe_plan(plan_probed(recording, options, progress)[1]))
        out = folder / "class.mp4"
        tell(f"\n$ assembler run {result} --allow-host {LOOPBACK} -o {out}\n")
        playback = assemble(recording, out, options, progress)
        tell(describe_playback(str(out), playback.manifest, was_there=playback.was_there))
    tell(f"\n$ assembler verify {out} --decode\n")
    verify(out, playback.manifest, decode="all")
    tell(f"{out}: as planned ({playback.manifest.stamps.count} pictures)")
    tell(f"\nThe playback is {out.absolute()}: open it in any player.")
    tell(f"What was made from what, and why: {playback.report.absolute()}")
    return out
