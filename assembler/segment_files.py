"""Files of a class by video id, and why others are not there: what fetching, probing and both together give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assembler.errors import AssemblerError
from assembler.facts import Facts
from assembler.findings import Finding
from assembler.recording import Recording, Segment
from assembler.timeline.alignment import Alignment
from assembler.times import Span


@dataclass
class SegmentFiles:
    """Files of some segments; everything by video id."""

    files: dict[str, Path] = field(default_factory=dict)
    """Whole files; behind probing the straightened copies that take their place."""
    facts: dict[str, Facts] = field(default_factory=dict)
    """Contents of those that were probed."""
    failures: dict[str, AssemblerError] = field(default_factory=dict)
    """Reasons why other segments have no usable file."""
    findings: list[Finding] = field(default_factory=list)
    """Remarks of fetching and probing; of failures the timeline tells."""
    received: int = field(default=0, compare=False)
    """Bytes that came from servers, about: what an earlier run had fetched is not among them."""
    speaking: Mapping[str, Sequence[Span]] | None = None
    """Spans in which each user speaks, by user id, sorted and disjoint, playback axis of the whole class; None where it
    was not measured before the plan."""
    slices: dict[str, tuple[Segment, ...]] = field(default_factory=dict)
    """Segments that take the place of one whose file is a playlist, by its id; what it lacks is in ``failures`` too."""
    alignments: tuple[Alignment, ...] = ()
    """Places of files by the sound they share; empty where that was not asked for, or nothing is shared."""

    @property
    def unusable(self) -> dict[str, str]:
        """Whole sentences that say why there is no usable file."""
        return {video_id: _whole_sentence(error) for video_id, error in self.failures.items()}

    def sliced(self, recordings: Sequence[Recording]) -> tuple[Recording, ...]:
        """Put the slices in the place of the playlists."""
        if not self.slices:
            return tuple(recordings)
        return tuple(
            r.model_copy(
                update={"segments": tuple(s for whole in r.segments for s in self.slices.get(whole.video_id, (whole,)))}
            )
            for r in recordings
        )


def _whole_sentence(error: AssemblerError) -> str:
    """End a sentence; no capital letter, for it may begin with a file's or a host's name."""
    return error.sentence if error.sentence.endswith(".") else error.sentence + "."
