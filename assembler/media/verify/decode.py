"""Decoding of what is sampled of a finished file: GOPs around joins, or all of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count, groupby, islice, takewhile
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from assembler.media.libav import INDEX_ONLY, discard_others, time_base_of
from assembler.media.probe.parameter_sets import ParameterSets
from assembler.media.verify.order import Check
from assembler.processes import cores

Group = tuple[int, Iterator[Any]]
"""Number and packets of a GOP: a key frame and the packets up to the next one."""
FRAMES_BEHIND_JOIN = 10
"""Count of frames decoded behind a join, which must begin with a key frame that needs nothing from before it."""
GROUPS_BEFORE_JOINS = 12
"""Maximum count of joins without a cut before which a GOP is decoded: before all of them it was two thirds of what a
copy of 180 short files takes."""
FRAMES_BEHIND_WHOLE = 2
"""The same where every picture is known to be a row of whole NAL units: only parameter sets can be wrong."""
GROUPS_SOUGHT = 12
"""Count of GOPs, spread over a copied video with B-frames, to which is sought as a browser does."""
OPEN = {"protocol_whitelist": "file", **INDEX_ONLY}
"""Options of libav's demuxer."""
OPEN_UNPARSED = {**OPEN, "fflags": "noparse"}
"""Options to find key frames by the sample tables: a parser does not see one whose bytes are damaged."""


def decode_video(order: Check, is_plain: bool, doubtful: set[int] | None) -> Iterator[str]:
    """Decode GOPs and count their frames; where each is found by its stamp, as many at once as there are cores.

    ``doubtful``: numbers of those with zeros inside a NAL unit; None where the units were not walked.
    """
    with av.open(order.path, format="mov", options=OPEN_UNPARSED) as source:
        keys = _keys(order, source.streams.video[0], is_plain)
        scale = order.stamps.time_scale * time_base_of(source.streams.video[0])
    wanted = wanted_groups(order, [int(key * scale) for key in keys], doubtful)
    count = cores() if is_plain and len(wanted) > cores() else 1  # of few groups one may be nearly all
    parts = [dict(sorted(wanted.items())[place::count]) for place in range(count)]
    with ThreadPoolExecutor(count) as pool:
        found = pool.map(
            lambda part: list(_decode_groups(order, keys, part, is_plain, threads=cores() // count)), parts
        )
        for at, expected, seen in sorted(chain.from_iterable(found)):
            yield f"{expected} pictures from {at:.3f} s on decode to {seen}"
    if not order.has_encoded_video:
        yield from _seek_strictly(order, keys, wanted, is_plain)


def _seek_strictly(order: Check, keys: list[int], wanted: Iterable[int], is_plain: bool) -> Iterator[str]:
    """Find the first GOP that needs those before it for more than the pictures presented before its key frame:
    Chromium's decoder takes that for an error (libav's ``explode``), and its playback ends where somebody seeks there.
    """
    spread = () if is_plain else range(0, len(keys), max(1, len(keys) // GROUPS_SOUGHT))
    with av.open(order.path, format="mov", options=OPEN_UNPARSED) as source:
        video: Any = source.streams.video[0]
        if video.codec.canonical_name != "h264":
            return
        video.codec_context.options = {"err_detect": "explode", "skip_loop_filter": "all", "skip_idct": "all"}
        video.codec_context.thread_count = 1
        discard_others(source, video)
        groups = {*wanted, *spread}
        sets = ParameterSets("h264", bytes(video.codec_context.extradata or b""))
        for group, packets in _seek_groups(source, video, keys, groups):
            first = next(packets, None)
            if first is None or sets.note(memoryview(first), None).may_start:
                continue
            try:
                for packet in (first, *islice(packets, FRAMES_BEHIND_JOIN), None):
                    video.codec_context.decode(packet)
            except av.FFmpegError:
                at = float(keys[group] * time_base_of(video))
                yield f"who seeks to {at:.3f} s gets no picture: those behind need some before it (open GOP)"
                return
            video.codec_context.flush_buffers()


def _decode_groups(
    order: Check, keys: list[int], wanted: dict[int, int], is_plain: bool, *, threads: int
) -> Iterator[tuple[float, int, int]]:
    """Decode some GOPs: start in s, frames expected, and frames seen, of each that is damaged. Pictures of an open GOP
    that refer to the one before it are left out."""
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
                if packet.pts is not None and packet.pts < keys[group]:
                    continue  # nothing behind refers to it
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


def decode_audio(order: Check) -> Iterator[str]:
    """Decode all sound, up to the first damage."""
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


def wanted_groups(order: Check, starts: list[int], doubtful: set[int] | None) -> dict[int, int]:
    """Choose the count of frames to decode of each GOP; ``doubtful`` as for ``decode_video``."""
    every = order.stamps.count
    if order.decode == "all":
        return dict.fromkeys(range(len(starts)), every)
    first = FRAMES_BEHIND_JOIN if doubtful is None else FRAMES_BEHIND_WHOLE
    is_unknown = doubtful is None and order.has_encoded_video
    wanted = {0: every if is_unknown else first, len(starts) - 1: every} | dict.fromkeys(doubtful or (), every)
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
