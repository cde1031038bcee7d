"""Levels of files, measured by child processes and kept in the home, so that a file is decoded once for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assembler.errors import MediaError
from assembler.facts import Facts
from assembler.levels import Levels
from assembler.media.child import child_error
from assembler.media.levels.order import LevelsOrder
from assembler.media.mixdown.mixdown import mix_input
from assembler.media.mixdown.order import MixInput, State
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.processes import Stalled, run
from assembler.processes.fork_server import Module
from assembler.progress import ProgressTask
from assembler.times import SAMPLE_RATE
from assembler.workspace import Identity, Workspace, digest_of

LEVELS_VERSION = 1
"""Version of the meter, raised when the same file would measure otherwise: older levels are then not taken up."""
MEMORY = 2 << 30
"""Maximum address space of a child, in bytes; a hostile file makes libav ask for any size."""
SECONDS_PER_CHILD = 600
"""Minimum sound for a further child, in s; its start costs as much as decoding five minutes."""


def identify_sound(file: Identity, known: Facts) -> tuple[list[str | int], str, str, list[tuple[int, int, str]]]:
    """Tell what was decoded of a file's sound from what another version of it, or of its facts, gives."""
    sounds = [(sound.index, int(sound.end), str(sound.pace)) for sound in known.sounds]
    return list(file), known.container, str(known.origin), sounds


def levels_places(
    names: Iterable[str], files: SourceFiles, facts: Mapping[str, Facts], workspace: Workspace
) -> dict[str, Path]:
    """Name the files in the home that hold the levels of these versions of files, by video id."""
    places: dict[str, Path] = {}
    for name in names:
        key = digest_of(LEVELS_VERSION, *identify_sound(files.identity(name), facts[name]))
        places[name] = workspace.levels / f"{key[:32]}.json"
    return places


def load_levels(places: Mapping[str, Path]) -> dict[str, Levels]:
    """Read the levels that were measured, by video id, as far as they can be read."""
    found: dict[str, Levels] = {}
    for name, place in places.items():
        with suppress(OSError, ValueError):
            levels = Levels.from_json(place.read_text("ascii"))
            levels.unpack()
            found[name] = levels
    return found


def unmeasured(places: Mapping[str, Path], facts: Mapping[str, Facts]) -> dict[str, Path]:
    """Choose the places of files with sound that was not measured, or not to its end."""
    known = load_levels(places)
    return {
        name: place
        for name, place in places.items()
        if (heard := facts[name].heard) is not None and not (name in known and known[name].reach(heard[1]))
    }


def measure_levels(files: Mapping[str, Path], facts: Mapping[str, Facts], run: Run) -> dict[str, Levels]:
    """Levels of whole files, by video id; a file without sound, or at which its reader dies, has none.

    Raises Stopped, MediaError where the child does not start, and DiskFull.
    """
    sources = SourceFiles(files)
    places = levels_places(files, sources, facts, run.workspace)
    missing = [mix_input(name, sources, facts[name], place) for name, place in unmeasured(places, facts).items()]
    lengths = {source.video_id: sum(end for _, end in source.tracks) / SAMPLE_RATE for source in missing}
    children = min(run.options.processes, len(missing), 1 + int(sum(lengths.values()) // SECONDS_PER_CHILD))
    dealt = sorted(missing, key=lambda source: (-lengths[source.video_id], source.video_id))
    if dealt:
        with (
            run.progress.task("levels", sum(lengths.values()), "s") as task,
            ThreadPoolExecutor(children, thread_name_prefix="levels") as pool,
        ):
            hands = [_Hand(dealt[child::children], run, task) for child in range(children)]
            for waiting in [pool.submit(hand.measure) for hand in hands]:
                waiting.result()
    return load_levels(places)


@dataclass
class _Hand:
    """Files of one child, and of those that follow it where it dies."""

    sources: Sequence[MixInput]
    run: Run
    task: ProgressTask
    done: float = 0.0

    def measure(self) -> None:
        """Measure by one child after another; a file at which one dies, or stands still, is left out."""
        left = list(self.sources)
        while left:
            guilty = self._once(left)
            left = left[guilty:] if guilty else []

    def _once(self, left: Sequence[MixInput]) -> int:
        """Measure in one child: 0 when it ended well, else the count of files that were begun."""
        with tempfile.TemporaryDirectory(prefix="levels-", dir=self.run.workspace.scratch) as name:
            folder = Path(name).resolve()
            order, state, log = folder / "order.json", folder / "state", folder / "child.log"
            order.write_text(LevelsOrder(tuple(left), state, MEMORY).to_json(), encoding="utf-8")
            command = Module("assembler.media.levels.child", [str(order)])
            begun, code = self.done, 1
            with suppress(Stalled):
                code = run(
                    command, cwd=folder, log=log, stop=self.run.stop, stall_seconds=self.run.options.stall_seconds,
                    on_seconds=lambda seconds: self._tell(begun + seconds),
                )  # fmt: skip
            if code == 0:
                return 0
            with suppress(OSError, ValueError):
                return State.from_bytes(state.read_bytes()).reading
            error: MediaError = child_error("measuring levels failed", log, code)
            raise error

    def _tell(self, done: float) -> None:
        if done > self.done:
            self.task.advance(done - self.done)
            self.done = done
