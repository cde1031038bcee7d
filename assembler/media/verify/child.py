"""Check of a finished file against its plan, in a child process (``python -m assembler.media.verify.child
ORDER.json``), as copied packets come from untrusted files."""

from __future__ import annotations

import gc
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import chain, count, groupby, islice, pairwise, takewhile
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from assembler.media.libav import DESCRIBED, discard_others, time_base_of
from assembler.media.verify.index import check_boxes
from assembler.media.verify.order import Check
from assembler.media.verify.units import check_units
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import Mp4Track, UnsupportedMp4
from assembler.plan.stamps import Stamps
from assembler.processes import cores

FORKED_WITH = ("assembler.media.verify.pictures",)
"""Names of the modules that the fork server imports along with this one: nearly all processes will need them."""

Group = tuple[int, Iterator[Any]]
"""Number and packets of a GOP: a key frame and the packets up to the next one."""
AAC_FRAME = 1024
"""Samples of an AAC frame."""
FRAMES_BEHIND_JOIN = 10
"""Count of frames decoded behind a join, which must begin with a key frame that needs nothing from before it."""
GROUPS_BEFORE_JOINS = 12
"""Maximum count of joins without a cut before which a GOP is decoded: before all of them it was two thirds of what a
copy of 180 short files takes."""
FRAMES_BEHIND_WHOLE = 2
"""The same where every picture is known to be a row of whole NAL units: only parameter sets can be wrong."""
MAX_REORDERING = 64
"""Maximum count of frames decoded before the first one is presented; H.264 allows 16."""
OPEN = {"protocol_whitelist": "file", **DESCRIBED}
"""Options of libav's demuxer."""
OPEN_UNPARSED = {**OPEN, "fflags": "noparse"}
"""Options to find key frames by the sample tables: a parser does not see one whose bytes are damaged."""


def check(order: Check) -> list[str]:
    """Find every problem, as a sentence; none if the file is what was planned."""
    path = Path(order.path)
    problems = list(check_boxes(path, order.size))
    if problems:
        return problems
    track = None if order.decode == "index" else _plain_track(path)
    is_plain = track is not None
    with av.open(order.path, format="mov", options=OPEN) as source:
        if not source.streams.video:
            return ["there is no picture track"]
        if order.decode == "index":
            return list(_check_index(source, order))
        problems += _check_video(source, order, is_plain)
        if is_plain:
            problems += _check_audio(source, order, is_plain)
    if not is_plain:
        with av.open(order.path, format="mov", options=OPEN) as source:
            problems += _check_audio(source, order, is_plain)
    if order.decode in ("joins", "all") and not problems:
        doubtful: set[int] | None = None
        if track is not None and order.has_encoded_video:
            damage, doubtful = check_units(path, track)
            problems += damage
        problems += _decode_video(order, is_plain, doubtful)
    if order.decode == "all" and order.has_encoded_audio and not problems:
        problems += _decode_audio(order)
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


def _decode_video(order: Check, is_plain: bool, doubtful: set[int] | None) -> Iterator[str]:
    """Decode GOPs and count their frames; where each is found by its stamp, as many at once as there are cores.

    ``doubtful``: numbers of those of which the units are in doubt, None where nobody looked at any.
    """
    with av.open(order.path, format="mov", options=OPEN_UNPARSED) as source:
        keys = _keys(order, source.streams.video[0], is_plain)
        scale = order.stamps.time_scale * time_base_of(source.streams.video[0])
    wanted = _wanted_groups(order, [int(key * scale) for key in keys], doubtful)
    count = cores() if is_plain else 1
    parts = [dict(sorted(wanted.items())[place::count]) for place in range(count)]
    with ThreadPoolExecutor(count) as pool:
        found = pool.map(
            lambda part: list(_decode_groups(order, keys, part, is_plain, threads=cores() // count)), parts
        )
        for at, expected, seen in sorted(chain.from_iterable(found)):
            yield f"{expected} pictures from {at:.3f} s on decode to {seen}"


def _decode_groups(
    order: Check, keys: list[int], wanted: dict[int, int], is_plain: bool, *, threads: int
) -> Iterator[tuple[float, int, int]]:
    """Decode some GOPs: start in s, frames expected, and frames seen, of each that is damaged."""
    with av.open(order.path, format="mov", options=OPEN_UNPARSED) as source:
        video = source.streams.video[0]
        # the bits have to decode: loop filter and IDCT are of no interest
        options = {"skip_loop_filter": "all", "skip_idct": "all"}
        if order.has_encoded_video:
            options["err_detect"] = "explode"
        video.codec_context.options = options
        video.codec_context.thread_count = threads
        video.thread_type = "FRAME"
        discard_others(source, video)
        for group, packets in (
            _seek_groups(source, video, keys, wanted) if is_plain else _demux_groups(source, video, wanted)
        ):
            expected = seen = 0
            for packet in islice(packets, wanted[group]):
                expected += 1
                seen += len(_frames(video, packet))
            seen += len(_frames(video, None))
            video.codec_context.flush_buffers()
            if seen != expected or not expected:
                yield float(keys[group] * time_base_of(video)), expected, seen


def _seek_groups(source: InputContainer, video: Any, keys: list[int], wanted: Iterable[int]) -> Iterator[Group]:
    """Demux the wanted GOPs, each with a seek of its own; one that is not found there is empty."""
    for group in sorted(wanted):
        source.seek(keys[group], stream=video)
        packets = (packet for packet in source.demux(video) if packet.pts is not None and packet.size)
        first = next(packets, None)
        if first is None or first.pts != keys[group]:
            yield group, iter(())
        else:
            yield group, chain((first,), takewhile(lambda packet: not packet.is_keyframe, packets))


def _demux_groups(source: InputContainer, video: Any, wanted: Container[int]) -> Iterator[Group]:
    """Demux the whole file for the wanted GOPs."""
    groups = count(-1)
    group = next(groups)

    def group_of(packet: Packet[Any]) -> int:
        nonlocal group
        if packet.is_keyframe:
            group = next(groups)
        return group

    packets = (packet for packet in source.demux(video) if packet.pts is not None and packet.size)
    for number, together in groupby(packets, group_of):
        if number in wanted:
            yield number, together


def _decode_audio(order: Check) -> Iterator[str]:
    with av.open(order.path, format="mov", options=OPEN) as source:
        audio = source.streams.audio[0]
        for packet in source.demux(audio):
            try:
                packet.decode()
            except av.FFmpegError:  # of any kind: a decoder names damage in many ways
                yield f"the sound at {float((packet.pts or 0) * time_base_of(audio)):.3f} s does not decode"
                return


def _frames(video: Any, packet: Any) -> list[Any]:
    try:
        return [frame for frame in video.codec_context.decode(packet) if not frame.is_corrupt]
    except av.FFmpegError:  # of any kind: a decoder names damage in many ways
        return []


def _keys(order: Check, video: Any, is_plain: bool) -> list[int]:
    """List the starts of the GOPs, in ticks of the track."""
    if is_plain:
        return [entry.timestamp for entry in video.index_entries if entry.is_keyframe]
    with av.open(order.path, format="mov", options=OPEN_UNPARSED) as source:
        discard_others(source, source.streams.video[0])
        packets = source.demux(source.streams.video[0])
        return [p.pts for p in packets if p.pts is not None and p.size and p.is_keyframe]


def _wanted_groups(order: Check, starts: list[int], doubtful: set[int] | None) -> dict[int, int]:
    """Choose the count of frames to decode of each GOP; ``doubtful`` as for ``_decode_video``."""
    every = order.stamps.count
    if order.decode == "all":
        return dict.fromkeys(range(len(starts)), every)
    first = FRAMES_BEHIND_JOIN if doubtful is None else FRAMES_BEHIND_WHOLE
    wanted = {0: first, len(starts) - 1: every} | dict.fromkeys(doubtful or (), every)
    step = max(1, -(-len(order.joins) // GROUPS_BEFORE_JOINS))
    whole = {*order.cuts}
    if doubtful is None:
        whole |= {*order.joins[::step]}  # what was not cut ends as its own file does
    for join in order.joins:
        after = bisect_right(starts, join) - 1
        wanted.setdefault(after, first)
        if join in whole:
            wanted[max(0, after - 1)] = every
    return wanted


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
