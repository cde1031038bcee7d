"""Sound of one file, its packets as they are, with silence before and behind them: a lone voice loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from assembler.errors import MediaError
from assembler.media.child import child_error
from assembler.media.mixdown.frames import Frames
from assembler.media.mux.by_sample_table import AAC_FRAME, MP4A_HEAD, aac_form, apply_edits, canonical_entry
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import UnsupportedMp4
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
    are not plain AAC-LC of one or two channels without holes in a plain mp4, MediaError, DiskFull and Stopped.
    """
    try:
        tables = read_tables(source)
    except OSError as exc:
        raise MediaError(
            f"{source.name} cannot be read: {exc.strerror}", hint="Leave the files alone until the end."
        ) from exc
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
    needed = -(-(due - begin) // AAC_FRAME)
    before, taken = max(0, -(-begin // AAC_FRAME)), min(track.count, needed)
    first = begin - before * AAC_FRAME
    frames = Frames()
    with _silence(rate, channels, ffmpeg, out, stop) if before or needed > taken else nullcontext() as silence:
        _add_silence(frames, silence, before)
        frames.take(source, track, 0, taken)
        _add_silence(frames, silence, needed - taken)
        lasts = min(AAC_FRAME, due - first - (len(frames.sizes) - 1) * AAC_FRAME)
        frames.write(out, entry, rate, first=first, lasts=lasts)


def _add_silence(frames: Frames, silence: Path | None, count: int) -> None:
    if silence is not None and count:
        track = read_tables(silence).track(b"soun")
        for done in range(0, count, SILENT_FRAMES):
            frames.take(silence, track, PRIMING, PRIMING + min(SILENT_FRAMES, count - done))


@contextmanager
def _silence(rate: int, channels: int, ffmpeg: str, out: Path, stop: Stop) -> Iterator[Path]:
    """Encode silence with the parameters of a sound, into a file beside ``out`` that is there for a moment."""
    path = out.with_name(f"{out.name}.silence.m4a")
    log = path.with_suffix(LOG)
    seconds = Fraction((SILENT_FRAMES + 2 * PRIMING) * AAC_FRAME, rate)
    layout = "mono" if channels == 1 else "stereo"
    words = ["-f", "lavfi", "-i", f"anullsrc=r={rate}:cl={layout}", "-t", f"{float(seconds):.3f}", "-c:a", "aac"]
    head = [ffmpeg, "-y", "-nostdin", "-hide_banner", "-loglevel", "warning"]
    try:
        code = run([*head, *words, "-flags:a", "+bitexact", f"file:{path}"], cwd=out.parent, log=log, stop=stop)
        if code:
            raise child_error("ffmpeg could not encode silence", log, code)
        made = read_tables(path).track(b"soun")
        form = aac_form(canonical_entry(made.description, MP4A_HEAD))
        if made.count < SILENT_FRAMES + PRIMING or form != (rate, channels):
            raise MediaError("ffmpeg encoded other silence than was asked for", hint="Run `assembler doctor`.")
        log.unlink(missing_ok=True)
        yield path
    finally:
        path.unlink(missing_ok=True)
