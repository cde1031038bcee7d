"""Setup of a render: its folder, tools, files and facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assembler.facts import Facts
from assembler.media.artwork.files import Drawings
from assembler.media.encoders import Encoding
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.source_files import SourceFiles
from assembler.plan.artwork import Artwork
from assembler.plan.chunks import Chunk
from assembler.processes import Stop
from assembler.workspace import CHUNK, CHUNKS, digest_of

RENDER_VERSION = 10
"""Version of rendered chunks and mixdowns; raise it when the same chunk would come out differently, so that older work
is not reused."""


@dataclass(frozen=True)
class RenderSetup:
    """Settings of a render."""

    folder: Path
    """Work folder; ffmpeg runs in it and knows files by fixed names."""
    program: Ffmpeg
    """Program that renders."""
    encoder: Encoding
    """Encoder and its settings."""
    files: SourceFiles
    """Source files by video id."""
    facts: Mapping[str, Facts]
    """Facts of the source files, by video id."""
    stop: Stop
    """Set when the work is to end."""
    stall_seconds: float
    """Maximum time of an ffmpeg without progress, in s; then it is killed and tried once more."""
    offer: Path | None = None
    """Place where the chunks are offered to other processes (``share_chunks``); None: to none."""
    drawings: Drawings = field(default_factory=Drawings)
    """Pictures drawn over others: names, cards, frames."""
    _versions: dict[str, str] = field(default_factory=dict)

    def version(self, video_id: str) -> str:
        """Digest a file's identity and facts."""
        if video_id not in self._versions:
            known = self.facts.get(video_id)
            self._versions[video_id] = digest_of(list(self.files.identity(video_id)), known)
        return self._versions[video_id]

    def draw(self, chunk: Chunk) -> dict[Artwork, str]:
        """Draw the pictures of a chunk: their names in the work folder."""
        artworks = {overlay.artwork for tile in chunk.tiles for overlay in tile.overlays}
        return {artwork: self.drawings.draw(artwork, self.folder) for artwork in artworks}

    def chunk_file(self, chunk: Chunk) -> Path:
        """Name the finished file of a chunk; a json of the same name holds its losses."""
        return self.folder / CHUNKS / f"{self.chunk_digest(chunk)}{CHUNK}"

    def chunk_digest(self, chunk: Chunk) -> str:
        """Digest all that decides how a chunk comes out."""
        sources = sorted({s.video_id for tile in chunk.tiles for s in tile.sources})
        return digest_of(
            RENDER_VERSION,
            chunk,
            [self.version(name) for name in sources],
            *self.encoder.identity,
            self.program.text,
            *sorted(self.draw(chunk).values()),
        )[:32]
