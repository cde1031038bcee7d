"""Space is asked for before work begins: what chunks and the file take, wherever each of them lies."""

from __future__ import annotations

import re
import shutil
from collections import namedtuple
from fractions import Fraction
from pathlib import Path

import pytest
from lessons import board, recording

from assembler.errors import DiskFull
from assembler.media.disk_space import check_space
from assembler.options import Options
from assembler.pipeline.decide import plan_only
from assembler.plan.model import CopiedRun, Mode, Plan
from assembler.segment_files import SegmentFiles

MIB = 2**20
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """An hour of 1 frame a second."""
    return plan_only(recording([board("w", 0, 3_600_000)]), Options(layout="tiw-2", fps=Fraction(1)))[1]


def copied(plan: Plan, *names: str) -> Plan:
    runs = tuple(CopiedRun(video_id=name, first_packet=0, end_packet=1, offset=Fraction(0)) for name in names)
    return plan.model_copy(update={"mode": Mode.COPY, "copied": runs})


def needed(monkeypatch: pytest.MonkeyPatch, plan: Plan, folder: Path, part: Path, got: SegmentFiles) -> int:
    """What is asked for, in bytes: one byte less free is refused, so many are enough."""
    free = 0

    def usage(_: Path) -> Usage:
        return Usage(0, 0, free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(DiskFull, match="has 0 MiB free") as told:
        check_space(plan, got, folder, part)
    assert "ASSEMBLER_HOME" in told.value.hint
    found = re.search(r"about (\d+) MiB are needed", told.value.sentence)
    assert found is not None
    low, high = (int(found[1]) - 1) * MIB, int(found[1]) * MIB  # what is needed is said rounded up
    while high - low > 1:
        free = (low + high) // 2
        try:
            check_space(plan, got, folder, part)
            high = free
        except DiskFull:
            low = free
    return high


def test_an_encode_needs_its_chunks_and_the_file(monkeypatch: pytest.MonkeyPatch, plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    video = plan.canvas.width * plan.canvas.height * 3600 // 100
    audio = 3600 * 20_000
    found = needed(monkeypatch, plan, tmp_path / "work", tmp_path / "x.part", SegmentFiles())
    assert found == 2 * (video + audio)
    assert needed(monkeypatch, plan, tmp_path, tmp_path / "x.part", SegmentFiles()) == found, "both in one folder"


def test_a_copy_needs_each_file_once_however_often_it_is_cut(
    monkeypatch: pytest.MonkeyPatch, plan: Plan, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    files = {"a": tmp_path / "a.mp4", "b": tmp_path / "b.mp4", "c": tmp_path / "c.mp4"}
    for name, size in (("a", 5), ("b", 70), ("c", 900)):
        files[name].write_bytes(bytes(size))
    found = needed(
        monkeypatch, copied(plan, "a", "b", "a", "a"), tmp_path / "work", tmp_path / "x.part", SegmentFiles(files)
    )
    assert found == 2 * 3600 * 20_000 + 75


def test_each_disk_is_asked_for_its_own(monkeypatch: pytest.MonkeyPatch, plan: Plan, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one disk only")
    need = plan.canvas.width * plan.canvas.height * 3600 // 100 + 3600 * 20_000
    free = {tmp_path: need, other: need}
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(0, 0, free[place]))
    check_space(plan, SegmentFiles(), tmp_path, other / "x.part")
    free[other] -= 1
    with pytest.raises(DiskFull, match="the disk of /dev/shm"):
        check_space(plan, SegmentFiles(), tmp_path, other / "x.part")
