"""How a child's failure is told: by its signal, its log, or as a full disk."""

from __future__ import annotations

import errno
import signal
from pathlib import Path

import pytest

from assembler.errors import DiskFull, MediaError
from assembler.media.child import child_error, ran_out_of_space


@pytest.mark.parametrize(
    ("code", "log", "is_full"),
    [
        (errno.ENOSPC, "", True),
        (-signal.SIGXFSZ, "", True),
        (1, "av.error: No space left on device: 'x'\n", True),
        (1, "x: Disk quota exceeded\n", True),
        (1, "moov atom not found\n", False),
        (-signal.SIGKILL, "", False),
    ],
)
def test_a_full_disk_is_known_by_code_or_log(tmp_path: Path, code: int, log: str, is_full: bool) -> None:
    (tmp_path / "log").write_text(log)
    assert ran_out_of_space(tmp_path / "log", code) is is_full
    assert isinstance(child_error("probe failed", tmp_path / "log", code), DiskFull) is is_full


def test_a_failure_tells_its_signal_and_the_last_lines_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(9)))
    error = child_error("mux failed", tmp_path / "log", -11)
    assert type(error) is MediaError
    assert error.sentence == "mux failed: killed by signal 11: line 5 / line 6 / line 7 / line 8"
    assert child_error("mux failed", tmp_path / "none", 1).sentence == "mux failed"
