"""Decode one audio stream of a file to 48 kHz float samples at their places on the file's axis; in a child process
only.

A file is decoded once, from its start to where it is no longer needed, without a seek: a sample depends on the file
alone, unless only ranges of it are wanted. Places come from stamps; contiguous frames (``stamp_line``) are one run,
whose samples are counted, so that rounding is not audible and does not add up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from math import floor

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.packet import Packet

from assembler.media.libav import INDEX_ONLY, discard_others, has_counted_stamps
from assembler.media.mixdown.damaged_places import DamagedPlaces
from assembler.media.mixdown.file_pool import OpenFiles, PooledFile
from assembler.media.mixdown.meter import Meter
from assembler.media.mixdown.order import FileReport, MixInput
from assembler.media.mixdown.resample import PlacedSamples, Resampler
from assembler.media.mixdown.stamp_line import TOLERANCE, Stamped, fit_lines
from assembler.times import SAMPLE_RATE

RAW = ("aac", "mp3")
"""Containers without stamps of their own."""
RATES = range(4_000, 768_001)
"""Plausible sample rates, in Hz."""
NEVER = -(1 << 62)
"""End of a stream before its first sample; negated: a place that none reaches."""
OVERLAP = SAMPLE_RATE // 20
"""Maximum overlap of two runs, in samples; more is repeated audio. Where files were concatenated the padding of one's
encoder overlaps the other. None in an mp4, where a frame goes on behind the end of its edit."""

MARGIN = 2 * SAMPLE_RATE
"""Count of samples around a range that are decoded with it: decoders begin with some that are wrong, and stamps are
fitted to those behind them."""


class Reader:
    """Decodes one stream on demand; keeps about a second of samples."""

    def __init__(
        self,
        source: MixInput,
        track: tuple[int, int],
        files: OpenFiles,
        on_step: Callable[[], None],
        meter: Meter | None = None,
        wanted: Iterable[tuple[int, int]] | None = None,
    ) -> None:
        """``track`` is one of the source's; ``on_step`` is called before each step in libav; ``meter`` measures all
        that is decoded; ``wanted``: ranges in samples, file axis, sorted and disjoint, outside of which nothing need be
        decoded."""
        self._overlap = 0 if source.container == "mov" else OVERLAP
        self._source = source
        self._index, self._lasts_until = track
        self._files = files
        self._wanted = wanted
        self._is_skipping = False
        self._on_step = on_step
        self._meter = meter
        self._container: InputContainer | None = None
        self._frames: Iterator[Stamped] = iter(())
        self._run: Resampler | None = None
        self._kept: deque[PlacedSamples] = deque()
        self._end = NEVER
        self._is_over = False
        self._damage = DamagedPlaces()
        self._counts = dict.fromkeys(("dropped_samples", "missing_samples"), 0)
        self._problem = ""
        self._is_opened = False
        self._first_rate = 0
        self._is_miscounted = False

    @property
    def account(self) -> FileReport:
        """Report about all that was read so far."""
        damaged, holes = self._damage.classify()
        return FileReport(
            video_id=self._source.video_id,
            problem=self._problem,
            is_opened=self._is_opened,
            damaged=damaged,
            holes=len(holes),
            hole_samples=sum(end - start for start, end in holes),
            **self._counts,
        )

    def open(self) -> None:
        """Open the stream; a bad file raises nothing, is silent, and its account holds the reason."""
        self._on_step()
        try:
            self._container = av.open(
                PooledFile(self._source.path, self._files, self._source.available, self._on_step),
                "r",
                format=self._source.container,
                options={"protocol_whitelist": "file"} | (INDEX_ONLY if self._source.container == "mov" else {}),
                metadata_errors="replace",
            )
            stream = next((s for s in self._container.streams.audio if s.index == self._index), None)
            if stream is None or not stream.codec_context:
                self._fail("it holds no sound")
                return
            discard_others(self._container, stream)
            stream.codec_context.thread_count = 1
            self._frames = fit_lines(self._decode(self._container, stream))
            self._is_opened = True
        except (av.FFmpegError, OSError, ValueError) as exc:
            self._fail(_reason(exc))

    def close(self) -> None:
        """Close the file and drop all samples."""
        if self._container is not None:
            self._container.close()
        self._frames, self._run, self._container = iter(()), None, None
        self._kept.clear()

    def read(self, start: int, end: int) -> list[PlacedSamples]:
        """Read all samples of ``[start, end)``, file axis; those before ``start`` are dropped."""
        while self._kept and self._kept[0].end <= start:
            self._kept.popleft()
        while self._end < end + self._overlap and not self._is_over:
            self._read_on(start)
        return [placed for placed in self._kept if placed.at < end]

    def skip_all(self) -> Iterator[float]:
        """Decode to the end of the stream and keep nothing; yields the second reached, about each second."""
        while not self._is_over:
            self._read_on(-NEVER)
            yield max(self._end, 0) / SAMPLE_RATE

    def note_missing(self, end: int) -> None:
        """Count the samples missing before ``end``, file axis, to which the stream was to be heard."""
        if self._is_over and self._is_opened:
            missing = min(end, self._lasts_until) - max(self._end, 0)
            self._counts["missing_samples"] = max(missing, self._counts["missing_samples"])

    def _fail(self, problem: str) -> None:
        self._problem = problem
        self._end_stream()

    def _end_stream(self) -> None:
        self._is_over = True
        if self._meter is not None:
            self._meter.finish()

    def _read_on(self, wanted: int) -> None:
        """Decode about a second more, keeping samples behind ``wanted``."""
        self._on_step()
        for frame, stamp in self._frames:
            if frame.sample_rate not in RATES:
                at = self._end if stamp is None else _nearest(stamp * float(self._source.pace))
                self._damage.add_undecodable(at, at)
                continue
            run = self._run
            if run is None or stamp is not None or not run.continues(frame):
                self._finish_run(wanted)
                run = self._run = self._start_run(frame, stamp)
            run.add(frame)
            if run.is_full:
                self._keep(self._convert(run), wanted)
                return
        self._finish_run(wanted)
        self._end_stream()

    def _start_run(self, frame: AudioFrame, stamp: float | None) -> Resampler:
        """Start a run: at its stamp, or right behind the last one where the stamp differs by rounding only."""
        pace = self._source.pace
        last = max(self._end, 0) if stamp is None else self._end
        stamp = None if stamp is None else stamp * float(pace)
        if stamp is None or abs(stamp - last / SAMPLE_RATE) <= TOLERANCE:
            return Resampler(frame, last, pace)
        at = _nearest(stamp)
        if at > last > NEVER:
            self._damage.add_hole(last, at)
        return Resampler(frame, at, pace)

    def _finish_run(self, wanted: int) -> None:
        if self._run is not None:
            self._keep(self._convert(self._run), wanted)
            self._keep(self._convert(self._run, is_last=True), wanted)
        self._run = None

    def _convert(self, run: Resampler, *, is_last: bool = False) -> PlacedSamples | None:
        try:
            return run.read(is_last=is_last)
        except (av.FFmpegError, ValueError) as exc:
            self._problem = f"its {run.name} sound cannot be converted ({_reason(exc)})"
            return None

    def _keep(self, placed: PlacedSamples | None, wanted: int) -> None:
        if placed is None:
            return
        # stamps that fall back: placed samples stay, later ones of the same time are dropped
        late = min(max(0, self._end - placed.at), placed.samples.shape[1])
        late = 0 if late <= self._overlap else late
        self._counts["dropped_samples"] += late
        placed = PlacedSamples(placed.at + late, placed.samples[:, late:])
        self._end = max(self._end, placed.end)
        if self._meter is not None:
            self._meter.add(placed, self._end - self._overlap)
        if placed.samples.shape[1] and placed.end > wanted:
            self._kept.append(placed)

    def _decode(self, container: InputContainer, stream: AudioStream) -> Iterator[Stamped]:
        """Decode every frame that can be decoded, with its stamp."""
        origin, base = float(self._source.origin), stream.time_base or Fraction(1, 1000)
        ticks, second = base.numerator, base.denominator
        counted = has_counted_stamps(self._source.container, stream.codec.canonical_name)
        is_placed = False
        wanted = None  # where packets are counted none may be left out
        if self._wanted is not None and not counted and self._source.container not in RAW:
            wanted = deque(
                (self._ticks(base, at - MARGIN), self._ticks(base, end + MARGIN)) for at, end in self._wanted
            )
        try:
            for packet in container.demux(stream):
                if not packet.size or self._skips(packet, wanted):  # an empty packet would end the decoding
                    continue
                frames = self._frames_of(stream, packet)
                if packet.is_corrupt or frames is None:
                    self._note_damage(packet, is_undecodable=frames is None)
                for frame in frames or ():
                    pts = frame.pts
                    if pts is None or (counted and is_placed) or self._is_guess(frame, packet):
                        yield frame, None
                    else:
                        is_placed = True
                        yield frame, pts * ticks / second - origin
        except (av.FFmpegError, OSError) as exc:
            self._problem = _reason(exc)
        for frame in self._frames_of(stream, None) or ():
            yield frame, None

    def _skips(self, packet: Packet[AudioStream], wanted: deque[tuple[int, int]] | None) -> bool:
        """True for a packet outside of the ranges, in ticks; one without a stamp goes with the one before it."""
        at = packet.pts
        if wanted is not None and at is not None:
            while wanted and wanted[0][1] <= at:
                wanted.popleft()
            self._is_skipping = not wanted or at < wanted[0][0]
        return self._is_skipping

    def _ticks(self, base: Fraction, at: int) -> int:
        return floor((at / self._source.pace / SAMPLE_RATE + self._source.origin) / base)

    def _note_damage(self, packet: Packet[AudioStream], *, is_undecodable: bool) -> None:
        """Note where a packet that cannot be decoded, or that its container calls damaged, has its place."""
        stamp, base = packet.pts if packet.pts is not None else packet.dts, packet.time_base or Fraction(0)
        if stamp is None:
            return
        pace = float(self._source.pace)
        start, end = (
            _nearest((float(ticks * base) - float(self._source.origin)) * pace)
            for ticks in (stamp, stamp + (packet.duration or 0))
        )
        (self._damage.add_undecodable if is_undecodable else self._damage.add_marked)(start, end)

    def _is_guess(self, frame: AudioFrame, packet: Packet[AudioStream]) -> bool:
        """True for a stamp that libav counted by the sample rate of the file's first packet, behind a change of rate.

        Transport streams stamp one packet of many (the others have no place in the file); raw streams none at all.
        """
        if frame.sample_rate == self._first_rate:
            return self._is_miscounted
        self._first_rate = self._first_rate or frame.sample_rate
        is_raw = self._source.container in RAW
        if frame.sample_rate == self._first_rate or not (is_raw or packet.pos is None):
            return False
        counted = float((packet.duration or 0) * (packet.time_base or 0)) * frame.sample_rate
        is_wrong = abs(counted - frame.samples) > frame.samples / 100
        self._is_miscounted |= is_wrong and is_raw
        return is_wrong or self._is_miscounted

    def _frames_of(self, stream: AudioStream, packet: Packet[AudioStream] | None) -> list[AudioFrame] | None:
        """Decode a packet, or with None what the decoder still holds; None where it cannot be decoded."""
        try:
            return stream.codec_context.decode(packet)
        except av.FFmpegError:
            return None


def _nearest(seconds: float) -> int:
    """Round an instant in s to a sample; a double is exact enough for 1,000 years of samples."""
    return floor(seconds * SAMPLE_RATE + 0.5)


def _reason(exc: Exception) -> str:
    """Describe an error in the system's or libav's words, without the path they add."""
    return (getattr(exc, "strerror", None) or type(exc).__name__).strip().lower()
