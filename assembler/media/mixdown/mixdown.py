"""Mixdown of a playback's audio: mixed once by a child process, limited and encoded once by ffmpeg."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assembler.errors import MediaError
from assembler.facts import Facts
from assembler.findings import Finding, note, warning
from assembler.media.damage.losses import Loss, build_findings
from assembler.media.mixdown.order import FileReport, MixInput, Part, Report, TwoSided
from assembler.media.mixdown.pipe import Mixing
from assembler.media.mixdown.windows import NotJoinable, cut_windows, join_windows
from assembler.media.source_files import SourceFiles
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import UnsupportedMp4
from assembler.plan.heard import bit_rate
from assembler.plan.model import AudioBed
from assembler.processes import Stop, log_tail
from assembler.times import SAMPLE_RATE, SAMPLES_PER_MS, Ms, PlayMs, Span, clock_text, samples_at, span
from assembler.workspace import PART

LIMIT = 0.95
"""Maximum peak (-0.45 dBFS), as AAC's output peaks a little higher; below it every sample is untouched."""
LIMITER = f"alimiter=level=0:latency=1:limit={LIMIT}:attack=5:release=50"
"""Filter of the limiter."""
CODER: tuple[str, ...] = ("-aac_coder", "fast")
"""Options of ffmpeg for the AAC coder. Fast takes half of the default's time or less, and loses less: on speech and on
music the null test is 1 to 18 dB better and the spectrum nearer, for up to 13 % more bytes (tests/bench/coders.py)."""
SILENT = -70.0
"""Loudness of silence, in LUFS: the gate of EBU R 128."""
MIN_REPORTED = samples_at(200)
"""Minimum of dropped or missing audio that is a finding, in samples; less is rounding of a file's ends."""


def render_mixdown(
    bed: AudioBed,
    files: SourceFiles,
    facts: Mapping[str, Facts],
    *,
    length: Ms | PlayMs,
    out: Path,
    work: Path,
    ffmpeg: str,
    loudness: float | None,
    stop: Stop,
    on_seconds: Callable[[float], None] | None,
    stall_seconds: float,
    levels: Mapping[str, Path] | None = None,
    encoders: int = 1,
) -> tuple[Finding, ...]:
    """Mix every piece of the bed at its place and write ``length`` ms of AAC to ``out`` (mp4, with its edit list).

    One channel, unless left and right differ somewhere: then the mix begins anew, with two.
    Files and facts by video id; a file that is missing or cannot be read is silent and a finding. ``work`` holds
    short-lived files; ``loudness`` (LUFS) costs a first pass over everything. ``on_seconds`` gets the count of done
    seconds of ``length``, both passes counted. ``levels``: files for the ``Levels`` of those that are to be measured.
    ``encoders``: maximum count of encoders side by side.
    Raises MediaError, DiskFull, Stalled or Stopped; ``out`` then does not appear.
    """
    sources, findings = _sources(bed, files, facts, levels or {})
    parts = _parts(bed, length)
    channels = 1 if loudness is None else 2  # meters count two equal channels as louder than one
    mixing = Mixing(sources, parts, samples_at(length), channels, work.absolute(), ffmpeg, stop, stall_seconds)
    share = _MixProgress(on_seconds, passes=1 if loudness is None else 2, length=length / 1000)
    gain = 0.0
    if loudness is not None:
        gain, finding = _gain(_measure_loudness(mixing, share.of_pass(0)), loudness)
        findings.append(finding)
    part = out.absolute().with_name(out.name + PART)
    try:
        tell = share.of_pass(share.passes - 1)
        try:
            report = _encode(mixing, gain, bed.carried, part, encoders, tell)
        except TwoSided:
            mixing.channels = 2
            report = _encode(mixing, gain, bed.carried, part, encoders, tell)
        _check_length(part, samples_at(length))
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    return (*findings, *mixing.losses, *_all_findings(report, parts))


def listen(
    bed: AudioBed,
    files: SourceFiles,
    facts: Mapping[str, Facts],
    *,
    length: Ms | PlayMs,
    work: Path,
    stop: Stop,
    stall_seconds: float,
    levels: Mapping[str, Path] | None = None,
) -> tuple[Finding, ...]:
    """Decode what ``render_mixdown`` would mix, and return the same findings; nothing is written but the levels."""
    sources, findings = _sources(bed, files, facts, levels or {})
    parts = _parts(bed, length)
    mixing = Mixing(sources, parts, samples_at(length), 2, work.absolute(), "", stop, stall_seconds)
    report = mixing.listen()
    return (*findings, *mixing.losses, *_all_findings(report, parts))


def mix_input(video_id: str, files: SourceFiles, known: Facts, levels: Path | None) -> MixInput:
    """Describe a file with sound to a child that reads it; ``levels``: as ``MixInput.levels``."""
    return MixInput(
        video_id=video_id,
        path=files[video_id].absolute(),
        container=known.container,
        origin=known.origin,
        pace=known.sounds[0].pace,
        tracks=tuple((audio.index, samples_at(audio.end)) for audio in known.sounds),
        available=files.bytes_available(video_id),
        levels=levels,
    )


def _sources(
    bed: AudioBed, files: SourceFiles, facts: Mapping[str, Facts], levels: Mapping[str, Path]
) -> tuple[dict[str, MixInput], list[Finding]]:
    sources: dict[str, MixInput] = {}
    findings: list[Finding] = []
    for video_id in dict.fromkeys(piece.video_id for piece in bed.pieces):
        if video_id not in files or video_id not in facts:
            findings.append(warning(video_id, "its file is not there: its sound is silence"))
            continue
        known = facts[video_id]
        if not known.sounds:
            findings.append(warning(video_id, "it holds no sound: silence in its place"))
            continue
        sources[video_id] = mix_input(video_id, files, known, levels.get(video_id))
    return sources, findings


def _gain(measured: float, wanted: float) -> tuple[float, Finding]:
    if measured <= SILENT:
        return 0.0, note("", "the sound is too quiet to measure its loudness: it was left as it is")
    gain = round(wanted - measured, 2)
    return gain, note("", f"the sound measured {measured:.1f} LUFS and was changed by {gain:+.1f} dB")


@dataclass(frozen=True)
class _MixProgress:
    """Adds up the progress of one or two passes."""

    on_seconds: Callable[[float], None] | None
    passes: int
    length: float
    """Seconds of one pass."""

    def of_pass(self, index: int) -> Callable[[float], None]:
        """Return the function that reports the done seconds of this pass."""
        furthest = 0.0

        def tell(done: float) -> None:
            nonlocal furthest
            if self.on_seconds is not None and done > furthest:  # a pass repeated without a bad file starts anew
                furthest = done
                self.on_seconds((index * self.length + done) / self.passes)

        return tell


def _parts(bed: AudioBed, length: int) -> list[Part]:
    """Convert the pieces to samples, cut to the playback."""
    return [
        Part(
            video_id=piece.video_id,
            start=samples_at(max(piece.span.start, 0)),
            end=samples_at(min(piece.span.end, length)),
            shift=samples_at(piece.span.start - piece.file_start),
        )
        for piece in bed.pieces
        if max(piece.span.start, 0) < min(piece.span.end, length)
    ]


def _measure_loudness(mixing: Mixing, tell: Callable[[float], None]) -> float:
    """Measure the integrated loudness of the mix in LUFS."""
    # framelog=verbose keeps ten lines a second out of the log; 5.1 has no "quiet"
    words = ["-af", "ebur128=framelog=verbose", "-f", "null", "-"]
    log, _ = mixing.run("sound-loudness", words, tell)
    found = re.findall(r"^\s*I:\s+(-?[\d.]+|-inf|nan) LUFS", log.read_text("utf-8", "replace"), re.MULTILINE)
    if not found:
        raise MediaError(f"ffmpeg does not say how loud the sound is: {log_tail(log)}", hint="Run `assembler doctor`.")
    return SILENT if found[-1] in ("-inf", "nan") else float(found[-1])


def _encode(
    mixing: Mixing, gain: float, carried: int, part: Path, encoders: int, tell: Callable[[float], None]
) -> Report:
    filters = LIMITER if gain == 0 else f"volume={gain:.2f}dB:precision=double,{LIMITER}"
    words = ["-loglevel", "warning", "-af", filters, "-ar", str(SAMPLE_RATE)]
    words += ["-c:a", "aac", *CODER, "-b:a", str(bit_rate(carried, mixing.channels))]
    words += ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1", "-f", "mp4"]
    if len(windows := cut_windows(mixing.length)) > 1:
        encoded, report = mixing.encode_windows(windows, words, encoders, tell)
        try:
            join_windows(encoded, part)
            return report
        except NotJoinable:
            pass  # then in one run
        finally:
            for _, window in encoded:
                window.unlink(missing_ok=True)
    return mixing.run("sound-encode", [*words, f"file:{part}"], tell)[1]


def _check_length(part: Path, due: int) -> None:
    """Raise MediaError unless all samples were encoded: every later run would take up what is too short."""
    with suppress(UnsupportedMp4):
        track = read_tables(part).track(b"soun")
        samples = sum(count * ticks for count, ticks in track.durations) * SAMPLE_RATE // track.scale
        if samples < due:
            hint = "Run the same command again: it continues where it stopped."
            raise MediaError(f"only {clock_text(samples // SAMPLES_PER_MS)} of the sound were encoded", hint=hint)


def _all_findings(report: Report, parts: Sequence[Part]) -> Iterator[Finding]:
    """Build the findings of all files; equal ones of several readings of a file are one."""
    seen: set[Finding] = set()
    for account in sorted(report.accounts, key=lambda a: a.video_id):
        for finding in _findings(account, [part for part in parts if part.video_id == account.video_id]):
            if finding not in seen:
                seen.add(finding)
                yield finding


def _findings(account: FileReport, parts: Sequence[Part]) -> Iterator[Finding]:
    who = account.video_id
    if not account.is_opened:
        yield warning(who, f"its sound cannot be read ({account.problem}): silence in its place")
        return
    if account.problem:
        yield warning(who, f"its sound cannot be read to the end ({account.problem})")
    what = "its sound is damaged: silence where packets are lost or cannot be decoded"
    yield from build_findings(Loss(video_id=who, span=place, what=what) for place in _heard(account.damaged, parts))
    if account.missing_samples >= MIN_REPORTED:
        yield warning(who, f"its sound ends {_length(account.missing_samples)} too early: silence behind it")
    if account.dropped_samples >= MIN_REPORTED:
        lost = _length(account.dropped_samples)
        yield warning(who, f"{lost} of its sound carry stamps of sound already heard and were left out")
    if account.hole_samples >= MIN_REPORTED:
        holes = f"{account.holes} holes" if account.holes > 1 else "a hole"
        yield note(who, f"its sound has {holes} ({_length(account.hole_samples)} in all): silence there")


def _heard(places: Sequence[tuple[int, int]], parts: Sequence[Part]) -> Iterator[Span]:
    """Yield where on the playback these places of a file (in samples) were to be heard, in whole ms around them."""
    for part in parts:
        for start, end in places:
            first, last = max(start + part.shift, part.start), min(end + part.shift, part.end)
            if first <= last:
                yield span(first // SAMPLES_PER_MS, last // SAMPLES_PER_MS + 1)


def _length(samples: int) -> str:
    return clock_text(samples // SAMPLES_PER_MS)
