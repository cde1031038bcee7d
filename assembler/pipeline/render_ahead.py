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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from assembler.errors import AssemblerError, DownloadError
from assembler.facts import Facts
from assembler.media.choose_encoder import choose_encoder
from assembler.media.compose import render_ahead
from assembler.media.mixdown.order import BytesAvailable
from assembler.media.probe.probe import PartialFacts, probe_growing
from assembler.media.render.inputs import source_name
from assembler.media.render.setup import BytesMissing
from assembler.media.run import Run
from assembler.network.download.arrivals import Arrivals
from assembler.network.download.download import fetch_all
from assembler.network.download.partial_file import PartialFile
from assembler.pipeline.decide import decide, wanted_stamps, work_digest
from assembler.pipeline.gather import Fetch, clocked, probe_files
from assembler.plan.chunks import Chunk, Source, grid_rate
from assembler.processes import Stop, Stopped
from assembler.recording import Recording
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
def rendering_ahead(recordings: Sequence[Recording], run: Run) -> Iterator[Fetching]:
    """Render in a thread while the files are fetched inside of the ``with`` by the value's ``fetch``; not where the
    options say so, for which nothing else changes."""
    if not run.options.render_ahead:
        yield Fetching()
        return
    ahead = _Ahead(recordings, run)
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

    recordings: Sequence[Recording]
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
            if self.arrivals.growing:
                with suppress(BytesMissing, Stopped, AssemblerError):
                    self._render()
        finally:
            self._is_planned.set()

    def _render(self) -> None:
        files, growing = self.arrivals.files, self.arrivals.growing
        segments = [s for r in self.recordings for s in r.segments]
        options, workspace = self.run.options, self.run.workspace
        stamps = wanted_stamps(self.recordings, options)
        holes = {name: (g.entry.part, (g.have, g.tail)) for name, g in growing.items()}
        peeked = probe_growing(holes, keep_stamps=stamps, work=workspace.scratch, stop=self.stop)
        if set(peeked) != set(growing):
            return
        declared = {segment.video_id: segment for segment in segments}
        whole = probe_files(files, stamps, declared, self.run.quietly(self.stop))
        files = {**files, **whole.files}
        facts = clocked({**whole.facts, **{n: found.facts for n, found in peeked.items()}}, segments, options)
        lacking = DownloadError("It cannot be had.")
        got = SegmentFiles(files, facts, {s.video_id: lacking for s in segments if s.video_id not in facts})
        _, plan = decide(self.recordings, got, options)
        self._facts = facts
        self._is_planned.set()
        digest = work_digest(self.recordings, self.run)
        with workspace.free(digest) as folder:
            if folder is None:
                return
            growth = _Growth(folder / SOURCES, growing, peeked, self.stop)
            render_ahead(
                plan, replace(got, files={**files, **growth.links}), growth, folder=folder,
                choice=choose_encoder(plan, options, self.run.ffmpeg), run=replace(self.run, stop=self.stop),
            )  # fmt: skip


@dataclass
class _Growth:
    """Files under way, as the renderer sees them."""

    folder: Path
    """The work folder's ``sources``: each file has its lasting name in there."""
    growing: Mapping[str, PartialFile]
    peeked: Mapping[str, PartialFacts]
    stop: Stop
    links: dict[str, Path] = field(default_factory=dict)
    """Links by video id."""

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        for name, growing in self.growing.items():
            link = self.folder / source_name(name, growing.identity)
            link.unlink(missing_ok=True)
            try:
                os.link(growing.place, link)
            except OSError as exc:  # a file system without links, or it has become whole and was moved
                raise BytesMissing from exc
            self.links[name] = link
            growing.listen(self._note)

    def _note(self, growing: PartialFile) -> None:
        """Tell the mixing child how much is there; a file that is lost ends all."""
        if growing.is_lost:
            self.stop.set()
        place = self.available(growing.segment.video_id)
        if place is not None:
            with suppress(OSError):  # the folder goes when all is done
                place.write_bytes(BytesAvailable(growing.have, growing.tail).to_bytes())

    def identity(self, video_id: str) -> Identity | None:
        growing = self.growing.get(video_id)
        return growing.identity if growing is not None else None

    def available(self, video_id: str) -> Path | None:
        link = self.links.get(video_id)
        return link.with_name(link.name + GROWN) if link is not None else None

    def wait_for(self, chunk: Chunk) -> None:
        sources = [source for tile in chunk.tiles for source in tile.sources]
        for source in sources:
            growing = self.growing.get(source.video_id)
            if growing is None:
                continue
            wanted = self._bytes(source, chunk, growing)
            while not growing.wait(wanted, POLL_SECONDS):
                if self.stop.is_set():
                    raise Stopped
                if growing.is_lost:
                    raise BytesMissing

    def _bytes(self, source: Source, chunk: Chunk, growing: PartialFile) -> int:
        """Number of bytes from the start that hold everything the chunk shows of this file."""
        found = self.peeked[source.video_id]
        shift = source.shift / grid_rate(chunk.fps)
        stamp = (float(source.end / chunk.fps) - shift) / float(source.pace)
        until = (stamp - float(found.facts.origin)) * 1000 + AHEAD_MS
        place = bisect_left(found.reach, until, key=lambda reached: reached[0])
        return found.reach[place][1] if place < len(found.reach) else growing.size
