"""Source files of a render, and access to those that are still being written."""

from __future__ import annotations

from pathlib import Path

from assembler.plan.chunks import Chunk
from assembler.workspace import Identity, identity_of


class BytesMissing(Exception):
    """Raised where a source file that is still being written lacks bytes for the work, which is left for later."""


class SourceFiles(dict[str, Path]):
    """Source files by video id, all of them whole; a subclass may hold files that are still being written."""

    is_complete = True
    """True where every file is whole; else chunks go in the order of the playback, and work raises BytesMissing."""

    def identity(self, video_id: str) -> Identity:
        """Identify this version of a file, as it is once it is whole."""
        return identity_of(self[video_id])

    def bytes_available(self, video_id: str) -> Path | None:
        """Find the file that holds its ``BytesAvailable``; None for one that is whole."""
        return None

    def wait_for(self, chunk: Chunk) -> None:
        """Wait until all bytes that this chunk reads are there; raises BytesMissing where they will not be, or
        Stopped."""
