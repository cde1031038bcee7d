"""Where and with what pictures are rendered, and the source files under names of our own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from assembler.errors import DiskFull, MediaError
from assembler.facts import Facts, PictureFacts
from assembler.media.child import run_module
from assembler.media.encoders import Encoding
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.mux.order import Cut
from assembler.media.render.inputs import Reading
from assembler.plan.chunks import Chunk
from assembler.processes import Stop
from assembler.workspace import PART, Identity, digest_of, identity_of

RENDER_VERSION = 8
"""Raised whenever the same chunk would come out differently: older work is then not taken up."""


class NotYet(Exception):
    """Something could not be made cleanly from files that are still being fetched: it is left for later."""


class Growth(Protocol):
    """Files that are still being fetched, for work that is done ahead of them."""

    def identity(self, video_id: str) -> Identity | None:
        """What the file's identity will be when it is whole; None for one that is whole."""

    def grown(self, video_id: str) -> Path | None:
        """Where it says how much of the file is there (``Grown``); None for one that is whole."""

    def wait_for(self, chunk: Chunk) -> None:
        """Wait until everything is there that this chunk reads; raises NotYet where it will not come, or Stopped."""


@dataclass(frozen=True)
class RenderSetup:
    """Where and with what pictures are rendered."""

    folder: Path
    """The work folder; ffmpeg runs in it and knows files by names of our own."""
    program: Ffmpeg
    """The ffmpeg in use."""
    encoder: Encoding
    """How pictures are encoded."""
    files: Mapping[str, Path]
    """Source files by video id."""
    facts: Mapping[str, Facts]
    """What is in them."""
    stop: Stop
    """Set when the work is to end."""
    stall_seconds: float
    """An ffmpeg without progress for this long is killed and tried once more."""
    growth: Growth | None = None
    """Set for work ahead of the downloads; None: all files are whole."""
    offer: Path | None = None
    """Where others find that there are chunks to render (``sharing``); None: nobody else renders any."""
    _versions: dict[str, str] = field(default_factory=dict)

    def identity(self, video_id: str) -> Identity:
        """What tells this version of a file from another, whether it is whole by now or not."""
        ahead = self.growth.identity(video_id) if self.growth is not None else None
        return ahead or identity_of(self.files[video_id])

    def version(self, video_id: str) -> str:
        """Digest of a file's identity and of what was found in it."""
        if video_id not in self._versions:
            known = self.facts.get(video_id)
            self._versions[video_id] = digest_of(list(self.identity(video_id)), known)
        return self._versions[video_id]

    def chunk_file(self, chunk: Chunk) -> Path:
        """The finished file of a chunk; a json of the same name says what is not as it should be in it."""
        return self.folder / "chunks" / f"{self.chunk_digest(chunk)}.mp4"

    def chunk_digest(self, chunk: Chunk) -> str:
        sources = sorted({s.video_id for tile in chunk.tiles for s in tile.sources})
        return digest_of(
            RENDER_VERSION,
            chunk,
            [self.version(name) for name in sources],
            *self.encoder.identity,
            self.program.text,
        )[:32]


def source_name(video_id: str, identity: Identity) -> str:
    """The name of a source file in the work folder's ``sources``."""
    return f"source-{digest_of(video_id, list(identity))[:16]}"


def prepare_sources(chunks: Sequence[Chunk], setup: RenderSetup) -> dict[tuple[str, int], Reading]:
    """Links to the source files under names of our own; a file whose picture changes inside is cut into stretches."""
    folder = setup.folder / "sources"
    folder.mkdir(exist_ok=True)
    needed = sorted({(s.video_id, s.stretch) for c in chunks for t in c.tiles for s in t.sources})
    readings: dict[tuple[str, int], Reading] = {}
    for video_id, stretch in needed:
        facts = setup.facts[video_id]
        name = source_name(video_id, setup.identity(video_id))
        link = folder / name
        if not link.exists():
            with suppress(FileNotFoundError):
                link.unlink()
            _link(setup.files[video_id].resolve(), link)
        container, stream, late = facts.container, facts.picture.stream if facts.picture is not None else 0, 0
        if facts.picture is not None and len(facts.picture.stretches) > 1:
            if setup.growth is not None:
                raise NotYet
            name, container, stream, late = f"{name}-{stretch}.nut", "nut", 0, _late(facts.picture)
            _cut_stretch(link, folder / name, facts, stretch, setup)
        readings[video_id, stretch] = Reading(name=f"sources/{name}", container=container, stream=stream, late=late)
    return readings


def _link(target: Path, link: Path) -> None:
    try:
        os.symlink(target, link)
    except OSError:
        shutil.copyfile(target, link)  # a file system without links


def _late(picture: PictureFacts) -> int:
    """Whole seconds, and a whole number of ticks, that make every stamp positive (those of a ts wrap at 26.5 h)."""
    return picture.time_base.numerator * (100_000 // picture.time_base.numerator + 1)


def _cut_stretch(source: Path, out: Path, facts: Facts, index: int, setup: RenderSetup) -> None:
    """Where this fails the stretch is not there, and the chunks that need it are repaired."""
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
