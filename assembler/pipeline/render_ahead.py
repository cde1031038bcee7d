"""Rendering while files are still being fetched.

Tables at the head or end of each file say where everything in it lies, so the plan can be made before the files are
whole, and each chunk rendered as soon as the bytes it reads are there. All of this only fills the work folder: the
work proper (``assemble``) plans once more from whole and fully probed files, and takes up what fits by its digest. So
nothing here has to be right, and whatever fails here is met and told there.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from assembler.errors import AssemblerError, DownloadError
from assembler.facts import Facts
from assembler.media.choose_encoder import choose_encoder
from assembler.media.compose import render_streams
from assembler.media.mixdown.order import BytesAvailable
from assembler.media.probe.probe import PartialFacts, probe_partial
from assembler.media.render.inputs import source_name
from assembler.media.run import Run
from assembler.media.source_files import BytesMissing, SourceFiles
from assembler.network.download.arrivals import Arrivals
from assembler.network.download.download import fetch_all
from assembler.network.download.partial_file import PartialFile
from assembler.network.download.slices import is_list
from assembler.people import RecordedClass
from assembler.pipeline.decide import decide, wanted_stamps, work_digest
from assembler.pipeline.gather import Fetch, clocked, probe_files
from assembler.plan.chunks import Chunk, Source
from assembler.plan.grid import grid_rate
from assembler.processes import Stop, Stopped
from assembler.segment_files import SegmentFiles
from assembler.workspace import GROWN, SOURCES, Identity

AHEAD_MS = 3000
"""Minimum length of a file beyond what a chunk shows, in ms: packets are not quite in order, and ffmpeg reads ahead."""
POLL_SECONDS = 0.2
"""Time between two looks at what has arrived, in s."""


class Fetching:
    """Files that are simply fetched: nothing is rendered ahead of them."""

    fetch: Fetch = staticmethod(fetch_all)
    """Function that fetches files; a test or a renderer ahead puts its own here."""

    def settle(self, got: SegmentFiles) -> SegmentFiles:
        """Take what was gathered, once nothing is fetched any more."""
        return got


@contextmanager
def rendering_ahead(recorded: RecordedClass, run: Run) -> Iterator[Fetching]:
    """Render in a thread while the files are fetched inside of the ``with`` by the value's ``fetch``; not where the
    options say so, for which nothing else changes."""
    is_sliced = any(is_list(s) for r in recorded.recordings for s in r.segments)
    if is_sliced and run.options.render_ahead:
        run.progress.say("Files come in slices: all of them are fetched before anything is rendered.")
    if is_sliced or not run.options.render_ahead:
        yield Fetching()
        return
    ahead = _Ahead(recorded, run)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as pool:
        running = pool.submit(ahead.work)
        try:
            yield ahead
        except BaseException:
            ahead.stop.set()
            raise
        finally:
            ahead.arrivals.close()
        running.result()


@dataclass
class _Ahead(Fetching):
    """One class that is rendered ahead."""

    recorded: RecordedClass
    run: Run
    arrivals: Arrivals = field(default_factory=Arrivals)
    """Files of which a part is there."""
    stop: Stop = field(init=False)
    """Ends this alone; the run's own ends it as well."""
    _facts: Mapping[str, Facts] = field(default_factory=dict)
    _is_planned: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.stop = Stop(within=self.run.stop)
        self.fetch = partial(fetch_all, arrivals=self.arrivals)

    def settle(self, got: SegmentFiles) -> SegmentFiles:
        """Let what is under way go on to its end only if it was begun from the same facts."""
        self.arrivals.close()
        while not self._is_planned.wait(POLL_SECONDS):
            if self.run.stop.is_set():
                raise Stopped
        if dict(got.facts) != dict(self._facts):
            self.stop.set()
        return got

    def work(self) -> None:
        """Render what can be rendered until all is fetched, or the stop is set."""
        try:
            while not self.arrivals.wait(POLL_SECONDS):
                if self.stop.is_set():
                    return
            if self.arrivals.partial:
                with suppress(BytesMissing, Stopped, AssemblerError):
                    self._render()
        finally:
            self._is_planned.set()

    def _render(self) -> None:
        files, partial = self.arrivals.files, self.arrivals.partial
        segments = [s for r in self.recorded.recordings for s in r.segments]
        options, workspace = self.run.options, self.run.workspace
        stamps = wanted_stamps(self.recorded, options)
        holes = {name: (g.entry.part, (g.have, g.tail)) for name, g in partial.items()}
        peeked = probe_partial(holes, keep_stamps=stamps, work=workspace.scratch, stop=self.stop)
        if set(peeked) != set(partial):
            return
        declared = {segment.video_id: segment for segment in segments}
        whole = probe_files(files, stamps, declared, self.run.quietly(self.stop))
        files = {**files, **whole.files}
        facts = clocked({**whole.facts, **{n: found.facts for n, found in peeked.items()}}, segments, options)
        lacking = DownloadError("It cannot be had.")
        got = SegmentFiles(files, facts, {s.video_id: lacking for s in segments if s.video_id not in facts})
        _, plan = decide(self.recorded, got, options)
        if plan.wants_speech or options.align is not None:
            return  # what is seen depends on all of the sound
        self._facts = facts
        self._is_planned.set()
        digest = work_digest(self.recorded, self.run)
        with workspace.free(digest) as folder:
            if folder is None:
                return
            sources = _PartialFiles(files, partial, peeked, folder / SOURCES, self.stop)
            choice = choose_encoder(plan, options, self.run.ffmpeg)
            render_streams(plan, sources, facts, folder=folder, choice=choice, run=replace(self.run, stop=self.stop))


class _PartialFiles(SourceFiles):
    """Source files of which some are still being fetched."""

    is_complete = False

    def __init__(
        self, whole: Mapping[str, Path], partial: Mapping[str, PartialFile], peeked: Mapping[str, PartialFacts],
        folder: Path, stop: Stop,
    ) -> None:  # fmt: skip
        """``folder``: the work folder's ``sources``, in which each file has its lasting name."""
        super().__init__(whole)
        self._partial, self._peeked, self._stop = partial, peeked, stop
        folder.mkdir(exist_ok=True)
        for name, file in partial.items():
            self[name] = link = folder / source_name(name, file.identity)
            link.unlink(missing_ok=True)
            try:
                os.link(file.place, link)
            except OSError as exc:  # a file system without links, or it has become whole and was moved
                raise BytesMissing from exc
            file.listen(self._note)

    def _note(self, file: PartialFile) -> None:
        """Tell the mixing child how much is there; a file that is lost ends all."""
        if file.is_lost:
            self._stop.set()
        with suppress(OSError):  # the folder goes when all is done
            place = _available_of(self[file.segment.video_id])
            place.write_bytes(BytesAvailable(file.have, file.tail).to_bytes())

    def identity(self, video_id: str) -> Identity:
        file = self._partial.get(video_id)
        return file.identity if file is not None else super().identity(video_id)

    def bytes_available(self, video_id: str) -> Path | None:
        return _available_of(self[video_id]) if video_id in self._partial else None

    def wait_for(self, chunk: Chunk) -> None:
        sources = [source for tile in chunk.tiles for source in tile.sources]
        for source in sources:
            file = self._partial.get(source.video_id)
            if file is None:
                continue
            wanted = self._bytes(source, chunk, file)
            while not file.wait(wanted, POLL_SECONDS):
                if self._stop.is_set():
                    raise Stopped
                if file.is_lost:
                    raise BytesMissing

    def _bytes(self, source: Source, chunk: Chunk, file: PartialFile) -> int:
        """Number of bytes from the start that hold everything the chunk shows of this file."""
        found = self._peeked[source.video_id]
        shift = source.shift / grid_rate(chunk.fps)
        stamp = (float(source.end / chunk.fps) - shift) / float(source.pace)
        until = (stamp - float(found.facts.origin)) * 1000 + AHEAD_MS
        place = bisect_left(found.reach, until, key=lambda reached: reached[0])
        return found.reach[place][1] if place < len(found.reach) else file.size


def _available_of(link: Path) -> Path:
    """Place of a partial file's ``BytesAvailable``."""
    return link.with_name(link.name + GROWN)
