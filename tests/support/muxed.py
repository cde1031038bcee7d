"""How ``synthetic`` makes what ffmpeg's command line cannot: picture and sound by ffmpeg, every stamp by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from assembler.demo import media

if TYPE_CHECKING:
    from synthetic import Recipe

TICKS = 90_000
"""Ticks of a second in the picture's time base."""
_IN_PLACE = {"avoid_negative_ts": "disabled"}
_OPTIONS = {
    "mp4": {"movflags": "+faststart", "video_track_timescale": str(TICKS), "movie_timescale": "48000", **_IN_PLACE},
    "mkv": _IN_PLACE,
    "ts": {"mpegts_copyts": "1", **_IN_PLACE},
    "webm": _IN_PLACE,
    "mka": _IN_PLACE,
    "ogg": _IN_PLACE,
}
_FORMATS = {"mp4": "mp4", "mkv": "matroska", "mka": "matroska", "ts": "mpegts", "webm": "webm", "ogg": "ogg"}
_CODECS = {
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "4M"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"),
    "av1": ("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-b:v", "2M"),
}
"""Options of encoders; their threads wait for each other in loops."""
SPOKEN = Fraction(1, 4)
"""Seconds behind the beginning of a beep in which there are packets also with DTX."""
AAC_FRAME = 1024
"""Samples in each packet of AAC; so many samples of priming come first."""
OPUS_FRAME, OPUS_PRIMING = 960, 312
"""The same of Opus, at 48 kHz."""
WRAP = 1 << 33
"""Ticks after which the stamps of a ts start again."""


def make_odd(recipe: Recipe, target: Path, ffmpeg: str) -> None:
    """Write the recipe's file to ``target``; the folder takes the parts."""
    pictures = _picture_parts(recipe, target.parent, ffmpeg) if recipe.picture else []
    sounds = _sound_parts(recipe, target.parent, ffmpeg) if recipe.sound else []
    _mux(recipe, pictures, sounds, target)
    if recipe.rotation:
        _turn(target, recipe.rotation)


def _picture_parts(recipe: Recipe, folder: Path, ffmpeg: str) -> list[Path]:
    """One file per picture size, each at a constant rate."""
    sizes = recipe.sizes or ((recipe.width, recipe.height),)
    counters = [counter for counter, _ in recipe.stamps()]
    suffix = "webm" if recipe.container == "webm" or recipe.codec else "mp4"
    options = media.picture_options(recipe, suffix)
    if recipe.codec:
        options = [*_CODECS[recipe.codec], "-threads", "1", "-g", str(recipe.gop)]
    if len(sizes) > 1 and suffix == "mp4":
        options += ["-x264-params", "repeat-headers=1"]
    if recipe.sar != 1:
        options += ["-vf", f"setsar={recipe.sar.numerator}/{recipe.sar.denominator}"]
    parts = []
    for place, size in enumerate(sizes):
        mine = counters[len(counters) * place // len(sizes) : len(counters) * (place + 1) // len(sizes)]
        coded = size[::-1] if recipe.rotation % 180 else size
        part = folder / f"picture{place}.{suffix}"
        pictures = media.Pictures(*coded, recipe.fps, recipe.pixels, _frames(recipe, size, mine), options)
        media.encode(ffmpeg, part, pictures=pictures, sound=None)
        parts.append(part)
    return parts


def _frames(recipe: Recipe, size: tuple[int, int], counters: Iterable[int]) -> Iterator[bytes]:
    painter = media.painter_of(recipe, size)
    turns = -recipe.rotation // 90
    for counter in counters:
        planes = painter.planes(counter)
        yield b"".join(np.ascontiguousarray(np.rot90(plane, turns)).tobytes() for plane in planes)


def _sound_parts(recipe: Recipe, folder: Path, ffmpeg: str) -> list[tuple[Path, Fraction, Fraction]]:
    """One file per stretch of sound, with its start and end in seconds after the first beep."""
    stretches = recipe.sounds or ((recipe.rate, recipe.channels),)
    length = recipe.seconds / len(stretches)
    parts = []
    for place, (rate, channels) in enumerate(stretches):
        one = recipe.model_copy(update={"rate": rate, "channels": channels})
        # every ADTS frame says its own rate and channels, which a ts track may change; an m4a knows its priming
        suffix = "webm" if recipe.is_opus else "aac" if len(stretches) > 1 else "m4a"
        start, part = length * place, folder / f"sound{place}.{suffix}"
        source = media.beeping(one, start=start, seconds=length)
        media.encode(ffmpeg, part, pictures=None, sound=media.Sound(source, media.sound_options(suffix)))
        parts.append((part, start, start + length))
    return parts


def _mux(
    recipe: Recipe, pictures: Sequence[Path], sounds: Sequence[tuple[Path, Fraction, Fraction]], target: Path
) -> None:
    options = _OPTIONS[recipe.container] | ({"live": "1"} if recipe.is_live else {})
    with av.open(str(target), "w", format=_FORMATS[recipe.container], options=options) as out:
        packets: list[tuple[Fraction, av.Packet]] = []
        if pictures:
            packets += _picture_packets(recipe, out, pictures)
        if sounds:
            packets += _sound_packets(recipe, out, sounds)
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            out.mux(packet)


def _picture_packets(
    recipe: Recipe, out: av.container.OutputContainer, parts: Sequence[Path]
) -> list[tuple[Fraction, av.Packet]]:
    packets, ranks = [], []
    stream = None
    for part in parts:
        with av.open(str(part)) as source:
            if stream is None:
                stream = out.add_stream_from_template(source.streams.video[0], opaque=True)
                stream.time_base = Fraction(1, TICKS)
            own = [packet for packet in source.demux(video=0) if packet.pts is not None]
        order = sorted(packet.pts for packet in own if packet.pts is not None)
        ranks += [len(packets) + order.index(packet.pts) for packet in own if packet.pts is not None]
        packets += own
    ticks = [round(at * TICKS) for _, at in recipe.stamps()]
    delay = max(place - rank for place, rank in enumerate(ranks))
    step = round(TICKS / recipe.fps)
    early = [ticks[0] - step * before for before in range(delay, 0, -1)]
    timed = []
    for packet, rank, dts in zip(packets, ranks, [*early, *ticks], strict=False):
        packet.stream = stream
        packet.time_base = Fraction(1, TICKS)
        packet.pts, packet.dts, packet.duration = ticks[rank], dts, step
        timed.append((Fraction(dts, TICKS), _wrapped(packet, recipe)))
    return timed


def _sound_packets(
    recipe: Recipe, out: av.container.OutputContainer, parts: Sequence[tuple[Path, Fraction, Fraction]]
) -> list[tuple[Fraction, av.Packet]]:
    timed = []
    stream = None
    frame, priming = (OPUS_FRAME, OPUS_PRIMING) if recipe.is_opus else (AAC_FRAME, AAC_FRAME)
    for place, (part, start, end) in enumerate(parts):
        with av.open(str(part)) as source:
            if stream is None:
                stream = out.add_stream_from_template(source.streams.audio[0])
            rate = source.streams.audio[0].rate
            base = Fraction(1, rate) if recipe.container == "mp4" else Fraction(1, TICKS)
            for number, packet in enumerate(p for p in source.demux(audio=0) if p.pts is not None):
                samples = frame * number - priming
                if _is_left_out(recipe, samples, rate, start, end, place, len(parts)):
                    continue
                at = recipe.origin + start + Fraction(samples, rate)
                packet.stream = stream
                packet.time_base = base
                packet.pts = packet.dts = round(at / base)
                packet.duration = round(Fraction(frame, rate) / base)
                timed.append((at, _wrapped(packet, recipe)))
    return timed


def _is_left_out(
    recipe: Recipe, samples: int, rate: int, start: Fraction, end: Fraction, place: int, parts: int
) -> bool:
    """True for a packet in the sound's hole, and for one that reaches into the next or the stretch before."""
    first, behind = start + Fraction(samples, rate), start + Fraction(samples + AAC_FRAME, rate)
    if recipe.sound_hole is not None and behind > recipe.sound_hole[0] and first < recipe.sound_hole[1]:
        return True
    if recipe.dtx and first % 1 > SPOKEN and behind % 1 > SPOKEN:
        return True
    return (place > 0 and first < start) or (place < parts - 1 and behind > end)


def _wrapped(packet: av.Packet, recipe: Recipe) -> av.Packet:
    if recipe.container == "ts" and recipe.origin < 0 and packet.pts is not None and packet.dts is not None:
        packet.pts, packet.dts = packet.pts + WRAP, packet.dts + WRAP
    return packet


def _turn(path: Path, degrees: int) -> None:
    """Write a rotation into the track header of an mp4's picture: the same bytes whatever ffmpeg's version."""
    data = bytearray(path.read_bytes())
    cosine, sine = round(math.cos(math.radians(degrees))), round(math.sin(math.radians(degrees)))
    matrix = (cosine, -sine, 0, sine, cosine, 0, 0, 0, 0)
    at = -1
    while (at := data.find(b"tkhd", at + 1)) >= 0:
        body = at + 4
        place = body + (52 if data[body] else 40)
        if any(data[place + 36 : place + 40]):  # it has a width: the picture's
            for number, value in enumerate(matrix):
                fixed = (1 << 30) if number == 8 else value * 65536
                data[place + 4 * number : place + 4 * number + 4] = (fixed & 0xFFFFFFFF).to_bytes(4)
    path.write_bytes(data)
