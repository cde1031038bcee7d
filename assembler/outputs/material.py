"""Material of all packages of one playback, and the two programs that work on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assembler import processes
from assembler.errors import VerifyError
from assembler.media.child import child_error, ran_out_of_space, run_module
from assembler.media.run import Run
from assembler.messages import Message
from assembler.outputs.order import Contents, Copying, Found, Read, Remux
from assembler.people import RecordedClass
from assembler.plan.manifest import Manifest
from assembler.plan.model import Plan
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Timeline
from assembler.workspace import LOG

CHILD = "assembler.outputs.child"
"""Module that copies and reads packets."""


@dataclass(frozen=True)
class Material:
    """All that packages are made of: nothing of it holds a hidden person."""

    playback: Path
    """Path of the finished mp4."""
    manifest: Manifest
    """Manifest of the playback."""
    whole: Timeline
    """Timeline of the whole class, also where the playback is a part of it."""
    timeline: Timeline
    """Timeline of the playback."""
    plan: Plan
    """Plan of the playback."""
    recorded: RecordedClass
    """Recordings, and the people who may be seen or named."""
    got: SegmentFiles
    """Recorded files."""
    work: Path
    """Folder for what is thrown away."""
    run: Run
    """Options and surroundings of the run."""

    @property
    def title(self) -> str:
        """Title for people: the class card's, else the recording's name."""
        return self.manifest.title or self.recorded.recordings[0].name


def run_ffmpeg(material: Material, folder: Path, words: list[str]) -> None:
    """Run ffmpeg in the folder of a package with the playback as its input; raises MediaError or DiskFull.

    ``words``: options in front of the input, ``-i``, and options of the outputs.
    """
    log = folder / f"ffmpeg{LOG}"  # on the disk that is written to, so that a full one is noticed
    where = words.index("-i") + 1
    argv = [material.run.ffmpeg.path, "-hide_banner", "-nostdin", "-v", "error", "-progress", "pipe:1", "-y"]
    argv += [*words[:where], f"file:{material.playback.absolute()}", *words[where:]]
    stall = material.run.options.stall_seconds
    code = processes.run(argv, cwd=folder, log=log, stop=material.run.stop, stall_seconds=stall)
    if code != 0 or ran_out_of_space(log, code):  # the hls muxer ends with 0 where it had no room
        raise child_error("ffmpeg failed", log, code)
    log.unlink()


def remux(material: Material, *orders: Remux) -> tuple[Contents, ...]:
    """Copy streams into files in a process of its own; raises MediaError or DiskFull. Returns what was written."""
    report = material.work / "copied.json"
    return _ask_child(material, "remux", Copying(orders, str(report)), report)


def read_contents(material: Material, *paths: Path) -> tuple[Contents, ...]:
    """Read all packets of files in a process of its own; raises MediaError."""
    report = material.work / "contents.json"
    order = Read(tuple(str(path.absolute()) for path in paths), str(report))
    return _ask_child(material, "read", order, report)


def _ask_child(material: Material, verb: str, order: Message, report: Path) -> tuple[Contents, ...]:
    run_module(CHILD, [verb], order, cwd=material.work, name=verb, stop=material.run.stop)
    return Found.from_json(report.read_text("utf-8")).files


def hold(is_so: bool, sentence: str) -> None:
    """Raise VerifyError with this sentence unless it is so."""
    if not is_so:
        raise VerifyError(sentence, hint="Run the same command again; if it comes back, report it.")
