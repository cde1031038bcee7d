"""Finish of a rendered chunk: where frames were held, the pictures between those that were encoded are put in.

They are skip pictures (``mp4.skip_pictures``); a key frame that is held is repeated as often as seeking needs one. So a
finished chunk has all of its frames, as if each of them had been encoded; at a variable rate those of ``kept_frames``.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from assembler.errors import MediaError
from assembler.mp4.boxes import find_avcc, read_sample_description
from assembler.mp4.fragments import read_samples
from assembler.mp4.moov import TrackLayout, run_lengths
from assembler.mp4.skip_pictures import SkipCoder, UnsupportedStream, is_idr
from assembler.mp4.write import TrackSamples, write_mp4
from assembler.plan.chunks import Chunk
from assembler.plan.held import composed_frames, kept_frames, repeats
from assembler.workspace import FILLED, unwritable

ENTRY_AT = 8
"""Bytes of an stsd before its first entry (ISO/IEC 14496-12, 8.5.2)."""


def finish_chunk(chunk: Chunk, part: Path, out: Path) -> None:
    """Move an encoded file to its place, with all frames of its chunk in it; raises MediaError."""
    if not chunk.held:
        os.replace(part, out)
        return
    try:
        filled = fill_chunk(chunk, part, out)
    except UnsupportedStream as exc:
        raise MediaError(f"frames that are held cannot be put into {part.name}: {exc}") from exc
    except OSError as exc:
        raise unwritable(out, exc) from exc
    os.replace(filled, out)
    part.unlink(missing_ok=True)


def fill_chunk(chunk: Chunk, part: Path, out: Path) -> Path:
    """Write the file with all frames beside its place; raises UnsupportedStream."""
    entry = read_sample_description(part)[ENTRY_AT:]
    coder = SkipCoder.of(find_avcc(entry))
    kept = kept_frames(chunk)
    samples = list(_filled(read_samples(part), chunk, kept, coder))
    content = out.with_name(f"{out.name}.samples")
    content.write_bytes(b"".join(sample for sample, _ in samples))
    try:
        stamps = [frame * chunk.fps.denominator for frame in (*kept, chunk.frames)]
        track = _track(samples, stamps, entry, chunk)
        filled = out.with_name(out.name + FILLED)
        pieces = [(0, sum(track.sizes), 0, len(kept), content, 0)]
        write_mp4(filled, track.scale, [TrackSamples(track, stamps[:-1], pieces)], (), 0)
    finally:
        content.unlink()
    return filled


def _filled(
    encoded: Sequence[bytes], chunk: Chunk, kept: Sequence[int], coder: SkipCoder
) -> Iterator[tuple[bytes, bool]]:
    """Samples of the kept frames, and whether each is a key frame."""
    number, places = 0, [*composed_frames(chunk), chunk.frames]
    for sample, (at, following) in zip(encoded, pairwise(places), strict=True):
        is_key = is_idr(sample)
        if is_key:
            number = 0
            yield sample, True
        else:
            number = (number + 1) % coder.numbers
            yield coder.numbered(sample, number), False
        again = repeats(at, following, chunk.fps) if is_key else ()
        for frame in kept[bisect_right(kept, at) : bisect_left(kept, following)]:
            if frame in again:
                number = 0
                yield sample, True
            else:
                number = (number + 1) % coder.numbers
                yield coder.skips[number], False


def _track(samples: Sequence[tuple[bytes, bool]], stamps: Sequence[int], entry: bytes, chunk: Chunk) -> TrackLayout:
    """Lay out samples with their stamps, the last of which is the end."""
    width, height = struct.unpack(">HH", entry[8 + 24 : 8 + 28])
    return TrackLayout(
        kind=b"vide", scale=chunk.fps.numerator, first=0, durations=run_lengths(b - a for a, b in pairwise(stamps)),
        sizes=[len(sample) for sample, _ in samples], keys=[n for n, (_, is_key) in enumerate(samples) if is_key],
        offsets=(), firsts=(), description=entry, width=width, height=height,
    )  # fmt: skip
