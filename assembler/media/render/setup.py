"""Where and with what pictures are rendered, and the source files under names of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from assembler.facts import Facts
from assembler.media.encoders import Encoding
from assembler.media.ffmpeg import Ffmpeg
from assembler.plan.chunks import Chunk
from assembler.processes import Stop
from assembler.workspace import CHUNK, CHUNKS, Identity, digest_of, identity_of

RENDER_VERSION = 9
"""Raised whenever the same chunk would come out differently: older work is then not taken up."""


class BytesMissing(Exception):
    """Something could not be made cleanly from files that are still being fetched: it is left for later."""


class Growth(Protocol):
    """Files that are still being fetched, for work that is done ahead of them."""

    def identity(self, video_id: str) -> Identity | None:
        """What the file's identity will be when it is whole; None for one that is whole."""

    def grown(self, video_id: str) -> Path | None:
        """Where it says how much of the file is there (``Grown``); None for one that is whole."""

    def wait_for(self, chunk: Chunk) -> None:
        """Wait until all that this chunk reads is there; raises BytesMissing where it will not come, or Stopped."""


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
        return self.folder / CHUNKS / f"{self.chunk_digest(chunk)}{CHUNK}"

    def chunk_digest(self, chunk: Chunk) -> str:
        sources = sorted({s.video_id for tile in chunk.tiles for s in tile.sources})
        return digest_of(
            RENDER_VERSION,
            chunk,
            [self.version(name) for name in sources],
            *self.encoder.identity,
            self.program.text,
        )[:32]
