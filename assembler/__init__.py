"""One synchronized playback file from the result of a finished online-class recording.

    import assembler
    recording = assembler.parse(Path("result.json").read_bytes())
    playback = assembler.assemble(recording, Path("class.mp4"))

==============  ====================================================  ==============================================
public name     what it is                                            raises
==============  ====================================================  ==============================================
parse           a result, in whatever shape, as a Recording           InputError: not understood; RecordingFailed: no
                                                                      videos; NotFinished: come back later; CloudError
assemble        makes the file of one Recording, or of several of a   InputError, DownloadError, MediaError,
                class, and returns what it is made from               VerifyError; Stopped once its ``stop`` is set
Options         every setting: ``Options(layout="grid")``; unset      pydantic.ValidationError (a ValueError)
                ones come from the environment and settings.toml
Recording       what happened, as the vendor tells it                 pydantic.ValidationError
Timeline        when: tracks of clips on the playback axis
Plan            how: scenes, lanes, sound, copied or encoded, why
AssemblerError  base of all errors raised on purpose, with
                ``sentence``, ``hint``, ``retry``, ``exit_code``;
                the others are in ``assembler.errors``
==============  ====================================================  ==============================================

Errors of other libraries do not come through: anything else that is raised is a bug. Linux, and macOS.
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

    __version__: str

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
    """Import a public name when it is first used: a child process needs hardly any of them."""
    if name == "__version__":
        return _installed_version()
    if name not in _HOMES:
        raise AttributeError(f"module 'assembler' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """What ``dir()`` and ``help()`` show."""
    return sorted({*globals(), *__all__})


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("assembler")
    except PackageNotFoundError:  # run from a folder of sources
        return "unknown"
