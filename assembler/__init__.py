"""One synchronized playback file from the result of a finished online-class recording.

import assembler
recording = assembler.parse(Path("result.json").read_bytes())
playback = assembler.assemble(recording, Path("class.mp4"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assembler.dialects import parse
    from assembler.errors import AssemblerError
    from assembler.options import Options
    from assembler.pipeline.assemble import assemble
    from assembler.plan.model import Plan
    from assembler.recording import Recording
    from assembler.timeline.model import Timeline

_HOMES = {
    "assemble": "assembler.pipeline.assemble",
    "parse": "assembler.dialects",
    "Recording": "assembler.recording",
    "Timeline": "assembler.timeline.model",
    "Plan": "assembler.plan.model",
    "Options": "assembler.options",
    "AssemblerError": "assembler.errors",
}

__all__ = ["AssemblerError", "Options", "Plan", "Recording", "Timeline", "assemble", "parse"]


def __getattr__(name: str) -> Any:
    """Public names are fetched when they are first used: a child process of ours needs hardly any of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'assembler' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
