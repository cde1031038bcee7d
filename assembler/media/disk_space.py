"""Disk space that a plan needs."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

from assembler.errors import DiskFull
from assembler.plan.model import Mode, Plan
from assembler.segment_files import SegmentFiles

BYTES_PER_PIXEL = Fraction(1, 100)
"""Space reserved for one encoded pixel, in bytes; several times what lessons need at crf 23."""


def check_space(plan: Plan, got: SegmentFiles, folder: Path, part: Path) -> None:
    """Raise DiskFull unless there is space for the chunks in the work folder and for the file beside its final name."""
    if plan.mode is Mode.COPY:
        video = sum(got.files[video_id].stat().st_size for video_id in {run.video_id for run in plan.copied})
    else:
        video = int(plan.canvas.width * plan.canvas.height * plan.frames * BYTES_PER_PIXEL)
    audio = plan.length * 20  # 160 kbit/s
    needs = ((folder, audio if plan.mode is Mode.COPY else video + audio), (part.absolute().parent, video + audio))
    devices: dict[int, tuple[Path, int]] = {}
    for place, need in needs:
        device = place.stat().st_dev
        devices[device] = (place, devices.get(device, (place, 0))[1] + need)
    for place, need in devices.values():
        free = shutil.disk_usage(place).free
        if free < need:
            raise DiskFull(
                f"the disk of {place} has {free // 2**20} MiB free, about {-(-need // 2**20)} MiB are needed",
                hint="Make room, or name other places with -o and ASSEMBLER_HOME; nothing was done yet.",
            )
