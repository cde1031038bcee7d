"""Manifests of playbacks that are planned, not made."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from assembler.options import load_options
from assembler.pipeline.decide import plan_only
from assembler.plan.manifest import Manifest, Origin
from assembler.plan.stamps import folded
from assembler.recording import Recording
from assembler.timeline.model import Timeline


def manifest_of(lesson: Recording, **changes: Any) -> tuple[Manifest, Timeline]:
    """What would be known of the playback; other values by their names."""
    timeline, plan = plan_only(lesson, load_options())
    origins = [
        Origin(video_id=s.video_id, kind=s.kind, user=s.user, play_time=s.play_time, duration=s.duration, bytes=1234567)
        for s in lesson.segments
    ]
    values: dict[str, Any] = {
        "made_by": "1", "ffmpeg": "9", "encoder": "x264", "digest": "d", "tasks": (lesson.name,), "verdict": "degraded",
        "outcomes": plan.outcomes, "findings": plan.findings, "origins": tuple(origins), "size": 2**20,
        "length": plan.length, "fps": Fraction(15), "canvas": plan.canvas, "layout": plan.layout,
        "layout_reason": plan.layout_reason, "mode": plan.mode, "mode_reason": plan.mode_reason,
        "stamps": folded([6000 * n for n in range(plan.frames)], 90_000), "joins": (), "sound_copied": plan.bed.copied,
        "sound_reason": plan.bed.reason, "play_times": f"{timeline.play_times}: {timeline.play_times_reason}",
        "clock": timeline.clock, "chapters": plan.chapters, "scenes": plan.scenes,
    }  # fmt: skip
    return Manifest(**{**values, **changes}), timeline
