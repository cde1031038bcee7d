"""Inputs of a render: the source files, linked (or cut) under fixed names, and where reading them starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from assembler.errors import DiskFull, MediaError
from assembler.facts import EntryPoints, Facts, VideoFacts
from assembler.media.child import run_module
from assembler.media.mux.order import Cut
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import BytesMissing
from assembler.plan.chunks import Chunk
from assembler.workspace import PART, SOURCES, Identity, digest_of


@dataclass(frozen=True)
class Input:
    """Source file as ffmpeg opens it."""

    name: str
    """File name in the work folder, never a user's path."""
    container: str
    """Name of the demuxer."""
    stream: int = 0
    """Index of its video stream."""
    late: int = 0
    """Seconds added to the source's stamps."""
    entries: EntryPoints | None = None
    """Places at which reading may start; None: it starts at the beginning, or is sought by the demuxer's index."""
    end: int = 0
    """End of the bytes that are read; 0: that of the file."""

    def open_at(self, seek: int | None, base: Fraction) -> tuple[str, dict[str, Any]]:
        """Return URL and options with which ffmpeg starts at a key frame; None: at the beginning. ``base``: seconds of
        its ticks."""
        options: dict[str, Any] = {"protocol_whitelist": "file"}
        if self.entries is not None:
            start = self.entries.places[self.entries.stamps.index(seek)] if seek is not None else 0
            if start or self.end:
                tables, rest = (
                    f"subfile,,start,{a},end,{b},,:{self.name}" for a, b in (self.entries.tables, (start, self.end))
                )
                # stamps are as they are written: where they were counted round, there are no entries
                options |= {"protocol_whitelist": "file,subfile,concat", "correct_ts_overflow": 0}
                return (f"concat:{tables}|{rest}", options)
        elif seek is not None:
            at = ceil(seek * base * 1_000_000)
            options |= {"seek_timestamp": 1, "noaccurate_seek": None, "ss": f"{at // 1_000_000}.{at % 1_000_000:06d}"}
        return self.name, options


def source_name(video_id: str, identity: Identity) -> str:
    """Name a source file in the work folder's ``sources``."""
    return f"source-{digest_of(video_id, list(identity))[:16]}"


def prepare_sources(chunks: Sequence[Chunk], setup: RenderSetup) -> dict[tuple[str, int], Input]:
    """Link the source files under fixed names; a file whose video parameters change inside is cut into stretches, one
    with entry points is read by ranges of bytes."""
    folder = setup.folder / SOURCES
    folder.mkdir(exist_ok=True)
    needed = sorted({(s.video_id, s.stretch) for c in chunks for t in c.tiles for s in t.sources})
    inputs: dict[tuple[str, int], Input] = {}
    for video_id, stretch in needed:
        facts = setup.facts[video_id]
        name = source_name(video_id, setup.files.identity(video_id))
        link = folder / name
        if not link.exists():
            with suppress(FileNotFoundError):
                link.unlink()
            _link(setup.files[video_id].resolve(), link)
        video = facts.picture
        opened = Input(f"{SOURCES}/{name}", facts.container, video.stream if video is not None else 0)
        if video is not None and video.entries is not None:
            behind = video.stretches[stretch].end
            end = video.entries.places[video.entries.stamps.index(behind)] if behind is not None else 0
            opened = replace(opened, entries=video.entries, end=end)
        elif video is not None and len(video.stretches) > 1:
            if not setup.files.is_complete:
                raise BytesMissing
            name = f"{name}-{stretch}.nut"
            _cut_stretch(link, folder / name, facts, stretch, setup)
            opened = Input(f"{SOURCES}/{name}", "nut", late=_late(video))
        inputs[video_id, stretch] = opened
    return inputs


def _link(target: Path, link: Path) -> None:
    try:
        os.symlink(target, link)
    except OSError:
        shutil.copyfile(target, link)  # a file system without links


def _late(video: VideoFacts) -> int:
    """Find a shift, in whole s and whole ticks, that makes every stamp positive (those of a ts wrap at 26.5 h)."""
    return video.time_base.numerator * (100_000 // video.time_base.numerator + 1)


def _cut_stretch(source: Path, out: Path, facts: Facts, index: int, setup: RenderSetup) -> None:
    """Cut one stretch to a file; where this fails there is none, and the chunks that need it are repaired."""
    if out.exists():
        return
    assert facts.picture is not None
    stretch = facts.picture.stretches[index]
    part = out.with_name(out.name + PART)
    order = Cut(
        name=str(source),
        container=facts.container,
        stream=facts.picture.stream,
        start=stretch.start,
        end=stretch.end,
        late=int(_late(facts.picture) / facts.picture.time_base),
        out=str(part),
    )
    try:
        run_module("assembler.media.mux.child", ["cut"], order, cwd=setup.folder, name=out.stem, stop=setup.stop)
        os.replace(part, out)
    except DiskFull:
        raise
    except MediaError:
        part.unlink(missing_ok=True)
