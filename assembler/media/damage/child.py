"""Search for damaged video, in a child process (``python -m assembler.media.damage.child ORDER.json``); only in sources
of a chunk whose log holds decoding errors."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging

from assembler.media.damage.order import Damage, Search, Suspect
from assembler.media.libav import discard_others, limit_memory

MEMORY = 2 << 30
"""Maximum address space of the child, in bytes; a hostile file makes libav ask for any size."""


def find_damage(suspect: Suspect) -> list[tuple[Fraction, Fraction | None]]:
    """Find every range from the first picture that a packet with a decoding error may have spoilt to the next key
    frame."""
    found: list[tuple[Fraction, Fraction | None]] = []
    with (
        _logged_errors() as said,
        av.open(suspect.url, format=suspect.container, options=dict(suspect.options)) as source,
    ):
        video: Any = source.streams[suspect.stream]
        discard_others(source, video)
        video.codec_context.thread_count = 1
        base = video.time_base or Fraction(1, 1000)
        if suspect.seek is not None:
            source.seek(suspect.seek, stream=video)
        since: Fraction | None = None
        at = Fraction(0)
        with contextlib.suppress(av.FFmpegError):
            for packet in source.demux(video):
                if packet.pts is not None and packet.size:
                    at = packet.pts * base - suspect.late
                    if packet.is_keyframe and since is not None:
                        found.append((since, at))
                        since = None
                if at >= suspect.end and (since is None or packet.is_keyframe):
                    break
                before = len(said)
                is_bad = not _decodes(video, packet) or any(level <= av.logging.ERROR for level, *_ in said[before:])
                if since is not None:
                    since = min(since, at)  # B-frames that are presented before what they refer to
                elif is_bad and not suspect.explains(at):
                    since = at
        if since is not None:
            found.append((since, None))
    return found


@contextlib.contextmanager
def _logged_errors() -> Iterator[list[tuple[int, str, str]]]:
    """Collect what libav says; only here, as a decoder with threads that says something while it is freed hangs."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=True) as said:
            yield said
    finally:
        av.logging.set_level(before)


def _decodes(video: Any, packet: Any) -> bool:
    try:
        return not any(frame.is_corrupt for frame in video.codec_context.decode(packet if packet.size else None))
    except EOFError:
        return True
    except av.FFmpegError:
        return False


def main() -> int:
    """Search all suspects of the order and write the answer."""
    limit_memory(MEMORY)
    order = Search.from_json(Path(sys.argv[1]).read_text("utf-8"))
    ranges: list[tuple[tuple[Fraction, Fraction | None], ...]] = []
    for suspect in order.suspects:
        try:
            ranges.append(tuple(find_damage(suspect)))
        except (av.FFmpegError, OSError, IndexError):
            ranges.append(())
    Path(order.answer).write_text(Damage(ranges=tuple(ranges)).to_json(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
