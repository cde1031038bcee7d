"""What stays the same while one class is made: passed as one value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from assembler.media.ffmpeg import Ffmpeg, find_ffmpeg
from assembler.options import Options
from assembler.processes import Stop
from assembler.progress import Progress, Silent
from assembler.workspace import Workspace


@dataclass(frozen=True)
class Run:
    """Options and surroundings of one run."""

    options: Options
    """How the playback is made."""
    progress: Progress = field(default_factory=Silent)
    """Where progress is shown."""
    stop: Stop = field(default_factory=Stop)
    """Set when the run is to end."""

    @cached_property
    def workspace(self) -> Workspace:
        """Folders of the cache and of work in progress, in the home."""
        return Workspace(self.options.home)

    @cached_property
    def ffmpeg(self) -> Ffmpeg:
        """The ffmpeg that renders; raises MediaError where there is none, once it is asked for."""
        return find_ffmpeg(self.options.ffmpeg)

    def quietly(self, stop: Stop) -> Run:
        """The same run beside itself: shown to nobody, ended by ``stop``."""
        return replace(self, progress=Silent(), stop=stop)
