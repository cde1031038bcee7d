"""Sound that files share, found by a child process and kept in the home: the same files are compared once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from assembler.echoes import Echo, Echoes
from assembler.errors import DiskFull, MediaError
from assembler.media.align.order import AlignOrder
from assembler.media.child import run_module
from assembler.media.levels.measure import identify_sound
from assembler.media.mixdown.mixdown import mix_input
from assembler.media.mixdown.order import MixInput, Part, State
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.recording import StreamKind
from assembler.segment_files import SegmentFiles
from assembler.timeline.alignment import Body
from assembler.times import Ms, samples_at
from assembler.workspace import digest_of, write_whole

ALIGN_VERSION = 1
"""Version of the comparison, raised when the same files would be found to share something else."""
MEMORY = 2 << 30
"""Maximum address space of the child, in bytes; a hostile file makes libav ask for any size."""


def measure_echoes(bodies: Sequence[Body], length: Ms, got: SegmentFiles, run: Run) -> tuple[Echo, ...]:
    """Compare the sound of these files, at their declared places, with each other.

    A file at which its reader dies is left out. Raises Stopped, MediaError where the child does not start, DiskFull.
    """
    files = SourceFiles(got.files)
    there = [body for body in bodies if body.video_id in got.files and got.facts[body.video_id].sounds]
    if len(there) < 2:
        return ()
    parts = sorted((part for body in there for part in _parts(body)), key=lambda part: (part.start, part.video_id))
    sounds = [identify_sound(files.identity(body.video_id), got.facts[body.video_id]) for body in there]
    mixed = tuple(body.video_id for body in there if body.kind is StreamKind.MIX)
    key = digest_of(ALIGN_VERSION, sounds, [vars(part) for part in parts], mixed)
    place = run.workspace.echoes / f"{key[:32]}.json"
    with suppress(OSError, ValueError):
        return Echoes.from_json(place.read_text("utf-8")).echoes
    sources = [mix_input(body.video_id, files, got.facts[body.video_id], None) for body in there]
    with run.progress.task("align", length / 1000, "s") as task, run.workspace.scratch_folder() as folder:
        done = 0.0

        def tell(seconds: float) -> None:
            nonlocal done
            if seconds > done:  # a pass repeated without a bad file starts anew
                task.advance(seconds - done)
                done = seconds

        while len(sources) >= 2:
            names = {source.video_id for source in sources}
            order = AlignOrder(
                tuple(sources), tuple(part for part in parts if part.video_id in names), mixed, samples_at(length),
                folder / "state", folder / "answer.json", MEMORY,
            )  # fmt: skip
            guilty = _compare(order, folder, run, tell)
            if guilty is None:
                write_whole(place, order.answer.read_text("utf-8"))
                return Echoes.from_json(place.read_text("utf-8")).echoes
            sources.remove(guilty)
    return ()


def _compare(order: AlignOrder, folder: Path, run: Run, tell: Callable[[float], None]) -> MixInput | None:
    """Compare in one child; the file at which it died, None where it came to its end."""
    order.state.unlink(missing_ok=True)
    try:
        run_module(
            "assembler.media.align.child", [], order, cwd=folder, name="align", stop=run.stop,
            stall_seconds=run.options.stall_seconds, on_seconds=tell, failure="comparing sounds failed",
        )  # fmt: skip
    except DiskFull:
        raise
    except MediaError:
        with suppress(OSError, ValueError):
            return order.sources[State.from_bytes(order.state.read_bytes()).reading - 1]
        raise
    return None


def _parts(body: Body) -> list[Part]:
    return [
        Part(
            video_id=body.video_id,
            start=samples_at(max(0, clip.sound.start)),
            end=samples_at(clip.sound.end),
            shift=samples_at(clip.span.start - clip.file_start),
        )
        for clip in body.clips
        if clip.sound is not None and not clip.sound.is_empty
    ]
