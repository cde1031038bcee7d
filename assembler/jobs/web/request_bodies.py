"""Receipt of bodies from strangers: none larger than any result is, all of them together no larger than our memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

from assembler.jobs.intake.check_callback import Judged

LARGEST = 2**20
"""Maximum size of a body, in bytes."""
SMALL = 64 * 1024
"""Maximum size of a body for which there is always room, in bytes; nearly every one of the vendor's is smaller."""
MOST_HELD = 128 * 2**20
"""Maximum size of all bodies under way, in bytes."""


class Refusal(Exception):
    """Raised for a body that is not received to its end."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.judged = Judged(status, reason, None)


class Inbox:
    """The bodies that are being received, in the one thread of the event loop."""

    def __init__(self) -> None:
        self._held = 0

    async def receive(self, pieces: AsyncIterator[bytes]) -> bytes:
        """The raw bytes whatever their declared type. Raises Refusal, or what breaks the stream off."""
        raw = bytearray()
        try:
            async for piece in pieces:
                raw += piece
                self._held += len(piece)
                if len(raw) > LARGEST:
                    raise Refusal(413, f"over {LARGEST} bytes")
                if len(raw) > SMALL and self._held > MOST_HELD:
                    raise Refusal(503, "too much is coming in at once: send it again")
            return bytes(raw)
        finally:
            self._held -= len(raw)
