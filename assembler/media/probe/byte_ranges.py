"""Byte positions of a file's packets over time, for files that are still being downloaded."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from av.packet import Packet

from assembler.media.straighten.packets import StampCollector


class Reach:
    """Records packets in order of dts, and which of their bytes are downloaded."""

    def __init__(self, hole: tuple[int, int] | None, container: str) -> None:
        """``hole``: bytes not downloaded; None if all are, and nothing but stamps is recorded."""
        self.hole = hole
        self.stamps = StampCollector(container)
        self._ends: list[tuple[Fraction, int]] = []
        self._furthest = 0
        self._keys: dict[int, set[int]] = {}

    def holds(self, at: int, end: int) -> bool:
        """True if all bytes of ``[at, end)`` are downloaded."""
        return self.hole is None or end <= self.hole[0] or at >= self.hole[1]

    def is_there(self, packet: Packet[Any]) -> bool:
        """Record a packet; False if its bytes are not downloaded."""
        self.stamps.add_packet(packet)
        if self.hole is None:
            return True
        if packet.stream_index not in self._keys:
            entries = packet.stream.index_entries
            self._keys[packet.stream_index] = {entry.pos for entry in entries if entry.is_keyframe}
        at, size = packet.pos or 0, packet.size
        stamp = packet.dts if packet.dts is not None else packet.pts
        self._note((stamp or 0) * (packet.time_base or Fraction(1)), at + size)
        if self.holds(at, at + size):
            return True
        packet.is_keyframe = at in self._keys[packet.stream_index]  # libav asks the bytes, which are missing
        return False

    def add_all(self, tracks: Iterable[tuple[int, list[int], list[int]]]) -> None:
        """Record all samples of some tracks: (ticks per second, stamps, ends in the file) each."""
        samples = [
            (Fraction(stamp, scale), end)
            for scale, stamps, ends in tracks
            for stamp, end in zip(stamps, ends, strict=True)
        ]
        for seconds, end in sorted(samples):
            self._note(seconds, end)

    def _note(self, seconds: Fraction, end: int) -> None:
        if not self._ends or seconds >= self._ends[-1][0] + 1:
            self._ends.append((seconds, self._furthest))
        self._furthest = max(self._furthest, end)

    def on_file_axis(self, origin: Fraction) -> tuple[tuple[int, int], ...]:
        """Byte positions with ``origin`` (s on the container's axis) at 0, as ``ProbeAnswer.reach``."""
        return tuple((int((seconds - origin) * 1000), at) for seconds, at in self._ends)
