"""Inputs of a render: the source files, linked (or cut) under fixed names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assembler.errors import DiskFull, MediaError
from assembler.facts import Facts, VideoFacts
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


def source_name(video_id: str, identity: Identity) -> str:
    """Name a source file in the work folder's ``sources``."""
    return f"source-{digest_of(video_id, list(identity))[:16]}"


def prepare_sources(chunks: Sequence[Chunk], setup: RenderSetup) -> dict[tuple[str, int], Input]:
    """Link the source files under fixed names; a file whose video parameters change inside is cut into stretches."""
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
        container, stream, late = facts.container, facts.picture.stream if facts.picture is not None else 0, 0
        if facts.picture is not None and len(facts.picture.stretches) > 1:
            if not setup.files.is_complete:
                raise BytesMissing
            name, container, stream, late = f"{name}-{stretch}.nut", "nut", 0, _late(facts.picture)
            _cut_stretch(link, folder / name, facts, stretch, setup)
        inputs[video_id, stretch] = Input(name=f"{SOURCES}/{name}", container=container, stream=stream, late=late)
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
