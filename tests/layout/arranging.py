"""Short words for arrangements in tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lessons import recording

from assembler.facts import Facts
from assembler.findings import Severity
from assembler.layout import arrange
from assembler.layout.model import Arrangement
from assembler.options import load_options
from assembler.people import Cast
from assembler.recording import Segment
from assembler.timeline import build_timeline

LAYOUT_FILES = Path(__file__).parents[2] / "fixtures" / "layouts"


def layout_file(name: str) -> str:
    return str(LAYOUT_FILES / f"{name}.json")


def arranged(segments: Sequence[Segment], known: Sequence[Facts] = (), **options: Any) -> Arrangement:
    """The arrangement of a class from what is declared, and from facts where there are some."""
    facts = {f.video_id: f for f in known}
    sizes = {s.video_id: (s.width, s.height) if s.width and s.height else None for s in segments}
    chosen = load_options(**options)
    return arrange(build_timeline(recording(segments), facts), facts, sizes, chosen, Cast(teacher=chosen.teacher))


def shown(arrangement: Arrangement) -> list[tuple[str, str, int, int]]:
    """(slot, video id, start, end) of every placement, seconds."""
    return [(p.slot, p.video_id, p.span.start // 1000, p.span.end // 1000) for p in arrangement.placements]


def said(arrangement: Arrangement, severity: Severity | None = None) -> dict[str, str]:
    """Sentences of the findings by what they are about; two about the same thing are an error."""
    about = [(f.where, f.sentence) for f in arrangement.findings if severity in (None, f.severity)]
    assert len(dict(about)) == len(about)
    return dict(about)
