"""Parent side of a mixdown: the mixing child piped into an ffmpeg, or into several by turns, all watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from assembler.errors import MediaError
from assembler.findings import Finding, warning
from assembler.media.child import OUT_OF_SPACE, child_error
from assembler.media.mixdown.order import PIPE_CLOSED, TWO_SIDED, MixInput, Order, Part, Report, State, TwoSided
from assembler.media.mixdown.windows import Encoded, Window, WindowEncoders
from assembler.processes import PIPE, Child, Stalled, Stop, Stopped, run, started
from assembler.processes.fork_server import Module
from assembler.times import SAMPLE_RATE

BLOCK = SAMPLE_RATE
"""Count of samples mixed at a time."""
POLL_SECONDS = 0.05
"""Time between two looks at the processes, in s."""
END_SECONDS = 0.5
"""Time in which the mixer ends after its pipe was closed, in s."""


HEAD = ("-y", "-xerror", "-hide_banner", "-nostats")
"""Options of every ffmpeg here."""
TOO_SHORT = "ffmpeg stopped before the end of the sound"
"""Sentence for an ffmpeg that ends well, but too soon."""


class Consumer(Protocol):
    """Taker of the mix: one process, or several."""

    def poll(self) -> int | None:
        """Exit code; None while it is under way."""

    def check(self) -> None:
        """Raise MediaError or DiskFull where it failed."""


Consume = Callable[[IO[bytes]], AbstractContextManager[Consumer]]
"""Begins to take the mix from a pipe."""


class _Fatal(Exception):
    """Raised for a file that the mixer did not survive."""

    def __init__(self, video_id: str, how: str) -> None:
        super().__init__(video_id)
        self.video_id, self.how = video_id, how


class Mixing:
    """Mixdown, piped through one or two ffmpegs; a file that kills the mixer is left out from then on."""

    def __init__(
        self,
        sources: Mapping[str, MixInput],
        parts: Sequence[Part],
        length: int,
        channels: int,
        work: Path,
        ffmpeg: str,
        stop: Stop,
        stall_seconds: float,
    ) -> None:
        """``sources`` by video id; ``length`` in samples; ``channels`` as in ``Order``; ``work`` absolute."""
        self._sources = dict(sources)
        self._parts = parts
        self.length, self.channels = length, channels
        self._work, self._ffmpeg = work, ffmpeg
        self._stop, self._stall_seconds = stop, stall_seconds
        self.losses: list[Finding] = []
        """Findings about files that were left out."""

    def run(self, name: str, words: Sequence[str], tell: Callable[[float], None]) -> tuple[Path, Report]:
        """Pipe the whole mix through ffmpeg with these filters and outputs: returns its log and the mixer's report.

        ``tell`` gets the count of seconds mixed. Raises MediaError, DiskFull, Stalled, Stopped or TwoSided.
        """
        log = self._work / f"{name}.log"
        argv = [self._ffmpeg, *HEAD, *self._format, "-i", "pipe:0", *words]

        @contextmanager
        def consume(pcm: IO[bytes]) -> Iterator[Consumer]:
            log.unlink(missing_ok=True)
            with started(argv, cwd=self._work, log=log, stdin=pcm) as program:
                pcm.close()  # else the mixer would not notice that ffmpeg is gone
                yield _Program(program, log)

        return log, self._mix(consume, tell)

    def encode_windows(
        self, windows: Sequence[Window], words: Sequence[str], count: int, tell: Callable[[float], None]
    ) -> tuple[Encoded, Report]:
        """Encode the mix in windows, ``count`` at a time, each by an ffmpeg with these words; else as ``run``."""
        encoded: list[tuple[Window, Path]] = []

        @contextmanager
        def consume(pcm: IO[bytes]) -> Iterator[Consumer]:
            stop = Stop(self._stop)

            def encode(samples: Path, part: Path) -> None:
                log = part.with_suffix(".log")
                log.unlink(missing_ok=True)
                part.unlink(missing_ok=True)
                argv = [self._ffmpeg, *HEAD, "-nostdin", *self._format, "-i", f"file:{samples}", *words, f"file:{part}"]
                code = run(argv, cwd=self._work, log=log, stop=stop, stall_seconds=self._stall_seconds)
                check_code(code, log)
                if not part.exists():
                    raise MediaError(TOO_SHORT, hint="Run `assembler doctor`.")
                log.unlink()

            encoders = WindowEncoders(windows, self.channels, count, encode, self._work, stop)
            with encoders.taking(pcm):
                yield encoders
            if stop.is_set():
                raise Stopped
            encoded[:] = zip(windows, encoders.parts, strict=True)

        return encoded, self._mix(consume, tell)

    def listen(self) -> Report:
        """Mix for the report and the levels alone; as ``run``."""

        @contextmanager
        def consume(pcm: IO[bytes]) -> Iterator[Consumer]:
            log = self._work / "sound-heard.log"
            with started(["cat"], cwd=self._work, log=log, stdin=pcm) as nobody:
                pcm.close()
                yield _Program(nobody, log)

        return self._mix(consume, lambda _: None)

    @property
    def _format(self) -> list[str]:
        return ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", str(self.channels)]

    def _mix(self, consume: Consume, tell: Callable[[float], None]) -> Report:
        while True:
            try:
                return self._once(consume, tell)
            except _Fatal as fatal:
                del self._sources[fatal.video_id]
                self.losses.append(warning(fatal.video_id, f"reading its sound {fatal.how}: silence in its place"))

    def _once(self, consume: Consume, tell: Callable[[float], None]) -> Report:
        order = self._order()
        path, mixer_log = self._work / "sound-order.json", self._work / "sound-mixdown.log"
        for old in (order.report, order.state, mixer_log):
            old.unlink(missing_ok=True)
        path.write_text(order.to_json(), encoding="utf-8")
        mix = Module("assembler.media.mixdown.child", [str(path)])
        with (
            started(mix, cwd=self._work, log=mixer_log, stdout=PIPE) as mixer,
            consume(_output(mixer)) as consumer,
        ):
            self._watch(order, mixer, consumer, tell)
            mixed = _exit_code(mixer)
            self._judge(order, mixed, mixer_log)
            consumer.check()
            if mixed != 0:
                raise MediaError(TOO_SHORT, hint="Run `assembler doctor`.")
        return Report.from_json(order.report.read_bytes())

    def _order(self) -> Order:
        heard = [part for part in self._parts if part.video_id in self._sources]
        return Order(
            sources=tuple(self._sources.values()),
            parts=tuple(sorted(heard, key=lambda p: (p.start, p.video_id, p.end))),
            length=self.length,
            channels=self.channels,
            block=BLOCK,
            state=self._work / "sound-state",
            report=self._work / "sound-report.json",
        )

    def _watch(self, order: Order, mixer: Child, consumer: Consumer, tell: Callable[[float], None]) -> None:
        """Wait until both have ended, or one has failed."""
        last: object = None
        seen = time.monotonic()
        while True:
            # the mixer first: an ffmpeg that ended because the mixer did is then not blamed for it
            codes, state = (mixer.poll(), consumer.poll()), _read_state(order.state)
            if (codes, state) != last:
                last, seen = (codes, state), time.monotonic()
            tell(state.samples / SAMPLE_RATE)
            if codes[0] not in (None, 0, PIPE_CLOSED) or (
                codes[1] is not None and (codes[0] is not None or codes[1] != 0)
            ):
                return
            if self._stop.is_set():
                raise Stopped
            if time.monotonic() - seen > self._stall_seconds:
                self._raise_stalled(order, state, is_mixing=codes[0] is None)
            time.sleep(POLL_SECONDS)

    def _raise_stalled(self, order: Order, state: State, *, is_mixing: bool) -> None:
        if is_mixing and state.reading:
            raise _Fatal(order.sources[state.reading - 1].video_id, "did not come to an end")
        raise Stalled(
            f"mixing the sound made no progress for {self._stall_seconds:g} s and was stopped",
            hint="Run the same command again: it continues where it stopped.",
        )

    def _judge(self, order: Order, mixed: int | None, log: Path) -> None:
        if mixed in (None, 0, PIPE_CLOSED):
            return
        if mixed == TWO_SIDED:
            raise TwoSided
        state = _read_state(order.state)
        if state.reading:
            how = f"crashed (signal {-mixed})" if mixed < 0 else "failed"
            raise _Fatal(order.sources[state.reading - 1].video_id, how)
        raise child_error("mixing the sound failed", log, mixed)


@dataclass(frozen=True)
class _Program:
    """An ffmpeg that reads the whole mix."""

    child: Child
    log: Path

    def poll(self) -> int | None:
        return self.child.poll()

    def check(self) -> None:
        check_code(self.child.poll(), self.log)


def check_code(code: int | None, log: Path) -> None:
    """Raise MediaError or DiskFull for an ffmpeg that failed at the sound."""
    if code:
        # a newer ffmpeg ends with the low byte of libav's error, which is the system's, negative
        code = OUT_OF_SPACE if code == 256 - OUT_OF_SPACE else code
        raise child_error("ffmpeg could not take the sound", log, code)


def _output(child: Child) -> IO[bytes]:
    assert child.stdout is not None  # it was started with a pipe
    return child.stdout


def _exit_code(mixer: Child) -> int | None:
    """Wait a moment for its exit code, as what reads from it may see its end first; None while it is under way."""
    deadline = time.monotonic() + END_SECONDS
    while mixer.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return mixer.poll()


def _read_state(path: Path) -> State:
    try:
        return State.from_bytes(path.read_bytes())
    except (OSError, ValueError):
        return State(0, 0, 0)
