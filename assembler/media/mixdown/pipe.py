"""Parent side of a mixdown: the mixing child piped into an ffmpeg, both watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from assembler.errors import MediaError
from assembler.findings import Finding, warning
from assembler.media.child import OUT_OF_SPACE, child_error
from assembler.media.mixdown.order import PIPE_CLOSED, MixInput, Order, Part, Report, State
from assembler.processes import PIPE, Child, Stalled, Stop, Stopped, started
from assembler.processes.fork_server import Module
from assembler.times import SAMPLE_RATE

BLOCK = SAMPLE_RATE
"""Count of samples mixed at a time."""
POLL_SECONDS = 0.05
"""Time between two looks at the processes, in s."""


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
        """``sources`` by video id; ``length`` in samples; ``work`` absolute."""
        self._sources = dict(sources)
        self._parts = parts
        self._length, self._channels = length, channels
        self._work, self._ffmpeg = work, ffmpeg
        self._stop, self._stall_seconds = stop, stall_seconds
        self.losses: list[Finding] = []
        """Findings about files that were left out."""

    def run(self, name: str, words: Sequence[str], tell: Callable[[float], None]) -> tuple[Path, Report]:
        """Pipe the whole mix through ffmpeg with these filters and outputs: returns its log and the mixer's report.

        ``tell`` gets the count of seconds mixed. Raises MediaError, DiskFull, Stalled or Stopped.
        """
        log = self._work / f"{name}.log"
        head = [self._ffmpeg, "-y", "-xerror", "-hide_banner", "-nostats"]
        pcm = ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", str(self._channels), "-i", "pipe:0"]
        while True:
            try:
                return log, self._once([*head, *pcm, *words], log, tell)
            except _Fatal as fatal:
                del self._sources[fatal.video_id]
                self.losses.append(warning(fatal.video_id, f"reading its sound {fatal.how}: silence in its place"))

    def _once(self, argv: Sequence[str], log: Path, tell: Callable[[float], None]) -> Report:
        order = self._order()
        path, mixer_log = self._work / "sound-order.json", self._work / "sound-mixdown.log"
        for old in (order.report, order.state, mixer_log, log):
            old.unlink(missing_ok=True)
        path.write_text(order.to_json(), encoding="utf-8")
        mix = Module("assembler.media.mixdown.child", [str(path)])
        with (
            started(mix, cwd=self._work, log=mixer_log, stdout=PIPE) as mixer,
            started(argv, cwd=self._work, log=log, stdin=_output(mixer)) as program,
        ):
            _output(mixer).close()  # else the mixer would not notice that ffmpeg is gone
            self._watch(order, mixer, program, tell)
            codes = mixer.poll(), program.poll()
        self._judge(order, codes, mixer_log, log)
        return Report.from_json(order.report.read_bytes())

    def _order(self) -> Order:
        heard = [part for part in self._parts if part.video_id in self._sources]
        return Order(
            sources=tuple(self._sources.values()),
            parts=tuple(sorted(heard, key=lambda p: (p.start, p.video_id, p.end))),
            length=self._length,
            channels=self._channels,
            block=BLOCK,
            state=self._work / "sound-state",
            report=self._work / "sound-report.json",
        )

    def _watch(self, order: Order, mixer: Child, program: Child, tell: Callable[[float], None]) -> None:
        """Wait until both have ended, or ffmpeg has failed."""
        last: object = None
        seen = time.monotonic()
        while True:
            # the mixer first: an ffmpeg that ended because the mixer did is then not blamed for it
            codes, state = (mixer.poll(), program.poll()), _read_state(order.state)
            if (codes, state) != last:
                last, seen = (codes, state), time.monotonic()
            tell(state.samples / SAMPLE_RATE)
            if codes[1] is not None and (codes[0] is not None or codes[1] != 0):
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

    def _judge(self, order: Order, codes: tuple[int | None, int | None], mixer_log: Path, log: Path) -> None:
        mixed, encoded = codes
        if mixed not in (None, 0, PIPE_CLOSED):
            state = _read_state(order.state)
            if state.reading:
                how = f"crashed (signal {-mixed})" if mixed < 0 else "failed"
                raise _Fatal(order.sources[state.reading - 1].video_id, how)
            raise child_error("mixing the sound failed", mixer_log, mixed)
        if encoded:
            # a newer ffmpeg ends with the low byte of libav's error, which is the system's, negative
            code = OUT_OF_SPACE if encoded == 256 - OUT_OF_SPACE else encoded
            raise child_error("ffmpeg could not take the sound", log, code)
        if mixed != 0:
            raise MediaError("ffmpeg stopped before the end of the sound", hint="Run `assembler doctor`.")


def _output(child: Child) -> IO[bytes]:
    assert child.stdout is not None  # it was started with a pipe
    return child.stdout


def _read_state(path: Path) -> State:
    try:
        return State.from_bytes(path.read_bytes())
    except (OSError, ValueError):
        return State(0, 0, 0)
