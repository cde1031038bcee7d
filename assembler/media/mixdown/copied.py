"""Sound of one file, its packets as they are, with silence before and behind them: a lone voice loses nothing."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from assembler.errors import MediaError
from assembler.media.child import child_error
from assembler.media.mux.by_sample_table import AAC_FRAME, MP4A_HEAD, aac_form, apply_edits, canonical_entry, cut_pieces
from assembler.mp4.moov import TrackLayout, run_lengths
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import Mp4Track, UnsupportedMp4
from assembler.mp4.write import Piece, TrackSamples, write_mp4
from assembler.processes import Stop, run
from assembler.workspace import LOG

MAX_CHANNELS = 2
"""Maximum count of channels that are copied, as many as a mix has."""
SILENT_FRAMES = 50
"""Frames of silence that are encoded; more of it repeats them."""
MAX_PRIMING = 3
"""Maximum count of frames, nearly silent, that an encoder puts in front: more that an edit list hides is sound."""
PRIMING = 2
"""First frames of what was encoded, which are not like those that follow."""


def copy_sound(source: Path, late: Fraction, length: int, *, ffmpeg: str, out: Path, stop: Stop) -> None:
    """Write ``length`` ms of sound to ``out`` (mp4, with its edit list): the AAC of ``source``, else silence.

    ``late``: seconds of the playback at the start of the source's time line. Raises UnsupportedMp4 where its packets
    are not plain AAC-LC of one or two channels without holes in a plain mp4, MediaError, Stopped and OSError.
    """
    tables = read_tables(source)
    track = tables.track(b"soun")
    entry = canonical_entry(track.description, MP4A_HEAD)
    rate, channels = aac_form(entry)
    if rate != track.scale or not 1 <= channels <= MAX_CHANNELS:
        raise UnsupportedMp4("it is not plain AAC-LC of one or two channels")
    stamps = apply_edits(tables, track, earliest=track.scale).stamps
    if any(after - before != AAC_FRAME for before, after in pairwise(stamps)):
        raise UnsupportedMp4("its sound has holes, or frames of other lengths")
    due = length * rate // 1000
    begin = stamps[0] + round(late * rate)
    if begin > -MAX_PRIMING * AAC_FRAME and stamps[0] < -MAX_PRIMING * AAC_FRAME:
        raise UnsupportedMp4("its edit list hides sound that would be heard")
    taken = min(track.count, -(-(due - begin) // AAC_FRAME))
    before = max(0, -(-begin // AAC_FRAME))
    first = begin - before * AAC_FRAME
    behind = max(0, -(-(due - begin) // AAC_FRAME) - taken)
    pieces, sizes = list[Piece](), array("I")
    silence = _encode_silence(rate, channels, ffmpeg, out, stop) if before or behind else None
    try:
        for count, path, samples, begins in (
            (before, silence, SILENT_FRAMES, PRIMING),
            (taken, source, taken, 0),
            (behind, silence, SILENT_FRAMES, PRIMING),
        ):
            if count and path is not None:
                made = track if path is source else read_tables(path).track(b"soun")
                pieces += _repeated(path, made, begins, samples, count, sizes)
        stamps = [first + AAC_FRAME * number for number in range(len(sizes))]
        lasts = min(AAC_FRAME, due - stamps[-1])
        layout = TrackLayout(
            kind=b"soun", scale=rate, first=first, durations=run_lengths([*[AAC_FRAME] * (len(sizes) - 1), lasts]),
            sizes=sizes, keys=None, offsets=(), firsts=(), description=entry,
        )  # fmt: skip
        write_mp4(out, rate, [TrackSamples(layout, stamps, pieces)], (), 0)
    finally:
        if silence is not None:
            silence.unlink(missing_ok=True)


def _repeated(path: Path, track: Mp4Track, begins: int, samples: int, count: int, sizes: array[int]) -> Iterator[Piece]:
    """Take ``count`` frames from ``samples`` of a file, again from the first of them where they are too few."""
    while count > 0:
        some = min(count, samples)
        for piece in cut_pieces(path, track, begins, begins + some, len(sizes)):
            yield *piece[:-1], 0
        sizes += array("I", track.sizes[begins : begins + some])
        count -= some


def _encode_silence(rate: int, channels: int, ffmpeg: str, out: Path, stop: Stop) -> Path:
    """Encode silence with the parameters of a sound, into a file beside ``out``."""
    path = out.with_name(f"{out.name}.silence.m4a")
    log = path.with_suffix(LOG)
    seconds = Fraction((SILENT_FRAMES + 2 * PRIMING) * AAC_FRAME, rate)
    layout = "mono" if channels == 1 else "stereo"
    words = ["-f", "lavfi", "-i", f"anullsrc=r={rate}:cl={layout}", "-t", f"{float(seconds):.3f}", "-c:a", "aac"]
    head = [ffmpeg, "-y", "-nostdin", "-hide_banner", "-loglevel", "warning"]
    code = run([*head, *words, "-flags:a", "+bitexact", f"file:{path}"], cwd=out.parent, log=log, stop=stop)
    if code:
        raise child_error("ffmpeg could not encode silence", log, code)
    log.unlink(missing_ok=True)
    made = read_tables(path).track(b"soun")
    if made.count < SILENT_FRAMES + PRIMING or aac_form(canonical_entry(made.description, MP4A_HEAD)) != (
        rate,
        channels,
    ):
        raise MediaError("ffmpeg encoded other silence than was asked for", hint="Run `assembler doctor`.")
    return path
