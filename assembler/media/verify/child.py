"""Check of a finished file against its plan, in a child process (``python -m assembler.media.verify.child
ORDER.json``), as copied packets come from untrusted files."""

from __future__ import annotations

import gc
import sys
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer

from assembler.media.libav import discard_others, time_base_of
from assembler.media.verify.decode import OPEN, decode_audio, decode_video
from assembler.media.verify.index import check_boxes
from assembler.media.verify.order import Check
from assembler.media.verify.units import check_units
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import Mp4Track, UnsupportedMp4
from assembler.plan.stamps import Stamps

FORKED_WITH = ("assembler.media.verify.pictures",)
"""Names of the modules that the fork server imports along with this one: nearly all processes will need them."""

AAC_FRAME = 1024
"""Samples of an AAC frame."""
MAX_REORDERING = 64
"""Maximum count of frames decoded before the first one is presented; H.264 allows 16."""


def check(order: Check) -> list[str]:
    """Find every problem, as a sentence; none if the file is what was planned."""
    path = Path(order.path)
    problems = list(check_boxes(path, order.size))
    if problems:
        return problems
    track = None if order.decode == "index" else _plain_track(path)
    with ThreadPoolExecutor(1) as beside:  # libav decodes while the stamps are compared here
        damage = beside.submit(_find_damage, order, track)
        problems = _check_stamps(order, is_plain=track is not None)
    return problems or damage.result()


def _check_stamps(order: Check, *, is_plain: bool) -> list[str]:
    """Find what the index and the stamps of the packets have of problems."""
    with av.open(order.path, format="mov", options=OPEN) as source:
        if not source.streams.video:
            return ["there is no picture track"]
        if order.decode == "index":
            return list(_check_index(source, order))
        problems = list(_check_video(source, order, is_plain))
        if is_plain:
            problems += _check_audio(source, order, is_plain)
    if not is_plain:
        with av.open(order.path, format="mov", options=OPEN) as source:
            problems += _check_audio(source, order, is_plain)
    return problems


def _find_damage(order: Check, track: Mp4Track | None) -> list[str]:
    """Find what does not decode, in what is sampled of the file; ``track``: its video, where it is plain."""
    problems: list[str] = []
    if order.decode in ("joins", "all"):
        doubtful: set[int] | None = None
        if track is not None and order.has_encoded_video:
            problems, doubtful = check_units(Path(order.path), track)
        problems += decode_video(order, track is not None, doubtful)
    if order.decode == "all" and order.has_encoded_audio and not problems:
        problems += decode_audio(order)
    return problems


def _plain_track(path: Path) -> Mp4Track | None:
    """Read the video's sample table if libav's index holds the pts of every packet as well, so that none has to be
    read."""
    try:
        return read_tables(path).track(b"vide")
    except UnsupportedMp4:
        return None


def _check_index(source: InputContainer, order: Check) -> Iterator[str]:
    """Check the dts in the sample tables: behind the reordering delay they are the planned pts in order."""
    video = source.streams.video[0]
    scale = order.stamps.time_scale * time_base_of(video)
    found = [entry.timestamp * scale for entry in video.index_entries]
    planned = order.stamps.unfolded()
    if len(found) != len(planned):
        yield f"there are {len(found)} pictures, {len(planned)} were planned"
        return
    delay = bisect_left(found, planned[0])
    if delay > MAX_REORDERING or found[delay:] != planned[: len(planned) - delay]:
        yield "the pictures have other stamps than planned"


def _check_video(source: InputContainer, order: Check, is_plain: bool) -> Iterator[str]:
    video = source.streams.video[0]
    if (video.codec_context.width, video.codec_context.height) != (order.width, order.height):
        found = f"{video.codec_context.width}x{video.codec_context.height}"
        yield f"the picture is {found}, planned was {order.width}x{order.height}"
    discard_others(source, video)
    scale = order.stamps.time_scale * time_base_of(video)
    # whole numbers: both sides times the denominator, which is 1 unless the file has a coarser clock than planned
    if is_plain:
        found_stamps = [entry.timestamp * scale.numerator for entry in video.index_entries]
    else:
        found_stamps = sorted(p.pts * scale.numerator for p in source.demux(video) if p.pts is not None and p.size)
    if len(found_stamps) != order.stamps.count:
        yield f"there are {len(found_stamps)} pictures, {order.stamps.count} were planned"
        return
    for number, (real, wanted) in enumerate(zip(found_stamps, _planned(order.stamps), strict=True)):
        if real != wanted * scale.denominator:
            at = float(Fraction(wanted, order.stamps.time_scale))
            by = float((Fraction(real, scale.denominator) - wanted) / order.stamps.time_scale * 1000)
            yield f"picture {number} is shown {by:+.3f} ms off its planned {at:.3f} s"
            return


def _planned(stamps: Stamps) -> Iterator[int]:
    """Unfold the planned stamps one by one: a list of all would be the largest thing in memory."""
    at = stamps.first
    yield at
    for step, times in stamps.steps:
        for _ in range(times):
            at += step
            yield at


def _check_audio(source: InputContainer, order: Check, is_plain: bool) -> Iterator[str]:
    if not source.streams.audio:
        yield "there is no sound track"
        return
    audio = source.streams.audio[0]
    discard_others(source, audio)
    rate, base = audio.codec_context.sample_rate, time_base_of(audio)
    sample = 1 / (rate * base)  # in ticks of the track
    frame = AAC_FRAME * sample
    if is_plain:
        stamps = [entry.timestamp for entry in audio.index_entries]
        lasts = max(0, (audio.duration or 0) - stamps[-1])
    else:
        packets = [(p.pts, p.duration or 0) for p in source.demux(audio) if p.pts is not None and p.size]
        stamps, lasts = [at for at, _ in packets], packets[-1][1] if packets else 0
    if not stamps:
        yield "the sound track is empty"
        return
    if order.has_encoded_audio:  # mp4 says a packet lasts until the next one, whatever is missing in between
        most = int(frame + sample)
        hole = next((at for at, after in pairwise(stamps) if after - at > most), None)
        if hole is not None:
            yield f"the sound has a hole at {float((hole + frame) * base):.3f} s"
            return
    ticks = Fraction(lasts or AAC_FRAME)
    if order.has_encoded_audio:
        ticks = min(ticks, frame)
    first, end = stamps[0] * base, (stamps[-1] + ticks) * base
    if order.has_encoded_audio and not Fraction(-2 * AAC_FRAME, rate) <= first <= 0:
        yield f"the sound starts at {float(first):.3f} s"
    missing = abs(Fraction(order.length, 1000) - end)
    if missing > Fraction(AAC_FRAME, rate) + Fraction(1, rate):
        yield f"the sound ends at {float(end):.3f} s, the playback at {order.length / 1000:.3f} s"


def main() -> int:
    """Check the order's file and write the answer."""
    gc.disable()  # hundreds of thousands of small values and no cycles
    order = Check.from_json(Path(sys.argv[1]).read_text("utf-8"))
    try:
        problems = check(order)
    except (av.FFmpegError, OSError) as exc:
        problems = [f"the file cannot be read: {exc.strerror}"]
    if not problems and order.pictures is not None:
        from assembler.media.verify.pictures import take_pictures  # and with it an encoder of pictures

        take_pictures(order.path, order.pictures, order.length)
    Path(order.answer).write_text("\n".join(problems), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
