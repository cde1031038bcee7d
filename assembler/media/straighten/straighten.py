"""Straighten a file whose stamps break, or that libav cannot read as one: remux its packets with good stamps. Nothing
is decoded. Part of the probing child: the copy takes the file's place.

The copy is matroska mostly: it holds any codec, and pts alone.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assembler.media.probe.container import Container
from assembler.media.straighten.breaks import StampLine, usual_step
from assembler.media.straighten.concatenated import is_plain
from assembler.media.straighten.packets import wrap_of
from assembler.media.straighten.scan import Scan, SourceStream, scan_file
from assembler.media.straighten.shifts import Move, StampShifts, arrange
from assembler.times import Ms, clock_text

PART = ".part"
"""Ending of a file that is being written, as ``workspace.PART``."""


def straighten(path: Path, container: Container, declared: Ms | None, target: Path) -> StampShifts | None:
    """Remux the file to ``target`` where its stamps or its streams need it, and return the shifts; None where nothing
    has to be repaired. Raises libav's errors and OSError."""
    from assembler.media.straighten.write import write  # few files need it

    scan = scan_file(path, container)
    keys = sorted({source.line for source in scan.sources})
    found = arrange(
        [_line(scan, key) for key in keys], borders=scan.borders, declared=declared, wrap=wrap_of(container.name)
    )
    if found is None:
        if is_plain(scan.pieces, path) and not scan.is_edited:
            return None
        found = StampShifts(tuple((Move(0, 0),) for _ in keys), False, "", is_whole=True)
    for key, moves in zip(keys, found.moves, strict=True):
        _apply([source for source in scan.sources if source.line == key], moves)
    unlike = _describe_other_codecs(scan)
    if unlike:
        found = replace(found, sentence=" ".join(filter(None, [found.sentence, *unlike])), is_whole=False)
    found = replace(found, left_out=tuple(dict.fromkeys(scan.left_out)))
    part = target.with_name(f"{target.name}.{os.getpid()}{PART}")
    try:
        write(scan, part, is_sorted=found.is_sorted)
        changed = path.stat().st_mtime_ns
        os.utime(part, ns=(changed, changed))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return found


def _describe_other_codecs(scan: Scan) -> list[str]:
    """Describe the later video streams that are not used because their codec is not that of the first one."""
    base = min((min(source.pts) for source in scan.sources if source.pts), default=0)
    videos = [source for source in scan.sources if source.is_video and source.pts]
    sentences = []
    for source in videos:
        if source.likeness != videos[0].likeness:
            start, end = min(source.pts) - base, max(source.pts) + source.stamps.line().step - base
            sentences.append(
                f"From {_clock(start)} to {_clock(end)} of the file its picture is of another codec"
                f" ({source.likeness[0]} behind {videos[0].likeness[0]}): it is not shown."
            )
    return sentences


def _clock(us: int) -> str:
    return clock_text(Ms(round(us / 1000)))


def _line(scan: Scan, key: tuple[bool, int]) -> StampLine:
    places, stamps = array("q"), array("q")
    ahead, cuts = 0, dict[int, int]()
    for source in scan.sources:
        if source.line == key:
            places += source.stamps.places
            stamps += source.stamps.stamps
            ahead = max(ahead, source.stamps.ahead)
            cuts[len(stamps)] = source.stamps.cut
    first = next(source for source in scan.sources if source.line == key)
    return StampLine(places, stamps, usual_step(stamps) or first.stamps.line().step, ahead, not key[0], cuts)


def _apply(sources: Sequence[SourceStream], moves: Sequence[Move]) -> None:
    """Compute the new stamps of each packet of a line's streams."""
    index, number = 0, 0
    for source in sources:
        pts = source.stamps.pts
        gone = set(source.stamps.discarded)
        is_video = source.is_video
        used = [n for n in range(len(pts)) if n not in gone]
        first, last = (used[0], used[-1]) if used else (0, -1)
        source.primed = 0 if is_video else max(pts[first] - pts[0], source.stamps.ahead)
        if is_video and gone:
            source.stamps.hide()
        for n, stamp in enumerate(pts):
            while number + 1 < len(moves) and moves[number + 1].first <= index:
                number += 1
            by = moves[number].by
            is_kept = by is not None and (n not in gone or n < (last if is_video else first))
            source.kept.append(is_kept)
            if is_kept and by is not None:
                source.pts.append(stamp + by)
                source.dts.append(source.stamps.stamps[n] + by)
            index += 1
