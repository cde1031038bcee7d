"""Choice of the encoder: one that this machine may lack is trusted only after it encoded a frame of the playback's own
size, with the options and on the path that the chunks will use."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from glob import glob
from pathlib import Path
from typing import Any

from assembler.choices import EncoderName, Quality
from assembler.errors import DiskFull, MediaError
from assembler.findings import Finding, note, warning
from assembler.layout.model import Canvas
from assembler.media.encoders import ENCODERS, Encoder, Encoding, Hardware
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.render.chunks import Rendered, render_chunks
from assembler.media.render.run_ffmpeg import run_chunk
from assembler.media.render.setup import RenderSetup
from assembler.media.source_files import SourceFiles
from assembler.mp4.boxes import read_sample_description
from assembler.options import Options
from assembler.plan.chunks import Chunk
from assembler.plan.model import Mode, Plan
from assembler.processes import Stop
from assembler.times import Frame
from assembler.workspace import CHUNK, CHUNKS, LOG, digest_of

TRIAL_SECONDS = 15.0
"""Maximum time of a trial without progress, in s; then the driver does not work."""
MAX_REASON = 120
"""Maximum length of a reason, in characters."""
NO_HARDWARE = "no such hardware"
"""Reason for a missing device."""
SMALL = Canvas(width=640, height=360, background="#000000")
"""Canvas of a trial without a playback."""
LABELS = re.compile(r"\[[^\]]*\]\s*")
"""Pattern of the component names in ffmpeg's log."""
FIRST_DEVICE = "/dev/dri/renderD128"
"""Device tried where an encoder is asked for by name and there is none: ffmpeg then prints why it fails."""
MAX_DEVICES = 4
"""Maximum count of devices that are tried."""


class EncoderRefused(Exception):
    """Raised with the reason why an encoder is not trusted; stays inside this room."""


@dataclass(frozen=True)
class Choice:
    """Chosen encoder of a playback, and findings about the choice."""

    encoding: Encoding
    """Encoder and quality."""
    findings: tuple[Finding, ...] = ()
    """Findings: the reason why it is not the encoder asked for, or the refusals of ``auto``."""

    @property
    def identity(self) -> list[Any]:
        """Parts of the digest of a finished file; a file with other findings in its playback.json is another one."""
        severities = [f.severity.value for f in self.findings]
        return [*self.encoding.identity, *([severities] if severities else [])]


def choose_encoder(plan: Plan, options: Options, program: Ffmpeg) -> Choice:
    """Choose the encoder asked for if it works here, else x264 with a finding that says why.

    x264 is not tried (an ffmpeg without it is of no use), and no encoder is where video is copied.
    """
    if plan.mode is Mode.COPY:
        return Choice(_row(EncoderName.X264).at(Quality.STANDARD))  # the same for all options: they change no digest
    choice = _choose(plan, options, program)
    name, can_hold = choice.encoding.name, choice.encoding.encoder.takes_skips
    if can_hold or not options.variable_rate:
        return choice
    unmet = warning("", f"The encoder {name} makes a constant rate only: no frame was left out. x264 can do that.")
    return replace(choice, findings=(*choice.findings, unmet))


def _choose(plan: Plan, options: Options, program: Ffmpeg) -> Choice:
    safe = _row(EncoderName.X264).at(options.quality, plan.imagery)
    if options.encoder is EncoderName.X264:
        return Choice(safe)
    if options.encoder is EncoderName.AUTO:
        return _first_hardware(plan, options.quality, program, safe)
    try:
        return Choice(prove(_row(options.encoder).at(options.quality, plan.imagery), plan.canvas, plan.fps, program))
    except EncoderRefused as exc:
        sentence = f"The encoder {options.encoder} does not work here ({exc}): x264 was used instead."
        return Choice(safe, (warning("", sentence),))


def _row(name: EncoderName) -> Encoder:
    return ENCODERS[name.value]


def _first_hardware(plan: Plan, quality: Quality, program: Ffmpeg, safe: Encoding) -> Choice:
    refusals = []
    for row in ENCODERS.values():
        if row.hardware is None:
            continue
        try:
            if not could_be_here(row):
                raise EncoderRefused(NO_HARDWARE)
            found = prove(row.at(quality, plan.imagery), plan.canvas, plan.fps, program)
        except EncoderRefused as exc:
            refusals.append(f"{row.name}: {exc}")
            continue
        return Choice(found, _findings(found, refusals))
    return Choice(safe, _findings(safe, refusals))


def _findings(chosen: Encoding, refusals: Sequence[str]) -> tuple[Finding, ...]:
    if not refusals:
        return ()
    return (note("", f"Of all encoders auto took {chosen.name}; refused were {'; '.join(refusals)}."),)


def could_be_here(row: Encoder) -> bool:
    """False for hardware that this machine does not have, by its platform and device files alone."""
    needed = row.hardware
    return needed is None or (sys.platform == needed.platform and bool(not needed.devices or _devices(needed)))


def _devices(needed: Hardware) -> list[str]:
    return [path for pattern in needed.devices for path in sorted(glob(pattern))]


def find_refusal(row: Encoder, program: Ffmpeg) -> str:
    """Find the reason why this encoder does not work on this machine; "" if it encoded a small frame."""
    try:
        if not could_be_here(row):
            raise EncoderRefused(NO_HARDWARE)
        prove(row.at(Quality.STANDARD), SMALL, Fraction(15), program)
    except EncoderRefused as exc:
        return str(exc)
    except MediaError as exc:
        return exc.sentence
    return ""


def prove(encoding: Encoding, canvas: Canvas, fps: Fraction, program: Ffmpeg) -> Encoding:
    """Encode one frame here: the same encoding with its device and its proof; raises EncoderRefused."""
    needed = encoding.encoder.hardware
    if needed is None or not needed.global_options:
        return _tried(encoding, canvas, fps, program)
    refusals = []
    for device in _devices(needed)[:MAX_DEVICES] or [FIRST_DEVICE]:
        try:
            return _tried(replace(encoding, device=device), canvas, fps, program)
        except EncoderRefused as exc:
            refusals.append(str(exc))
    raise EncoderRefused(refusals[0])


def _tried(encoding: Encoding, canvas: Canvas, fps: Fraction, program: Ffmpeg) -> Encoding:
    frame = Chunk(
        first=Frame(0), end=Frame(1), fps=fps, canvas=canvas, tiles=(), is_disjoint=True, keyframes=()
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="assembler-trial-") as scratch:
        folder = Path(scratch)
        (folder / CHUNKS).mkdir()
        out = folder / CHUNKS / f"trial{CHUNK}"
        setup = RenderSetup(folder, program, encoding, SourceFiles(), {}, Stop(), TRIAL_SECONDS)
        try:
            run_chunk(frame, setup, {}, out, lambda _: None)
        except DiskFull:
            raise
        except MediaError as exc:
            raise EncoderRefused(_reason(out.with_suffix(LOG)) or exc.sentence) from exc
        parameters = read_sample_description(out)
    return replace(encoding, proof=digest_of(parameters.hex())[:16])


def _reason(log: Path) -> str:
    """Find the first error in ffmpeg's log."""
    with suppress(OSError):
        for line in log.read_text("utf-8", "replace").splitlines():
            if "[error]" in line or "[fatal]" in line:
                return plainly(line)
    return ""


def plainly(said: str) -> str:
    """Shorten an error of ffmpeg: without component names, at most ``MAX_REASON`` characters."""
    words = LABELS.sub("", said).strip().rstrip(".")
    return words if len(words) <= MAX_REASON else words[: MAX_REASON - 1] + "…"


def render_by_any(
    chunks: Sequence[Chunk], setup: RenderSetup, *, processes: int, on_seconds: Callable[[float], None]
) -> tuple[list[Rendered], list[Finding], Encoding]:
    """Render chunks as ``render_chunks``, by x264 where hardware fails midway; also returns the encoding used.

    Chunks of one track must have the same parameter sets: those that hardware had finished are rendered again.
    """
    chosen = setup.encoder
    if not chosen.is_hardware:
        return *render_chunks(chunks, setup, processes=processes, on_seconds=on_seconds), chosen
    reached = _Sum(on_seconds)
    alone = replace(setup, stop=Stop(within=setup.stop))  # its failure stops its own work only
    try:
        return *render_chunks(chunks, alone, processes=chosen.at_once(processes), on_seconds=reached.add), chosen
    except DiskFull:
        raise
    except MediaError as exc:
        if setup.stop.is_set():
            raise
        why = plainly(exc.sentence)
        failure = warning(
            "", f"The encoder {chosen.name} failed in the middle ({why}): x264 encoded the whole playback."
        )
    reached.add(-reached.seconds)
    safe = ENCODERS[EncoderName.X264.value].at(chosen.quality, chosen.imagery)
    files, findings = render_chunks(chunks, replace(setup, encoder=safe), processes=processes, on_seconds=on_seconds)
    return files, [failure, *findings], safe


class _Sum:
    """Adds up seconds and passes them on."""

    def __init__(self, on_seconds: Callable[[float], None]) -> None:
        self.seconds = 0.0
        self._on_seconds = on_seconds

    def add(self, seconds: float) -> None:
        self.seconds += seconds
        self._on_seconds(seconds)
