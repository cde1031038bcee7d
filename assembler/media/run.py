"""Options and surroundings of a run, passed as one value."""

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
    """Options of the playback."""
    progress: Progress = field(default_factory=Silent)
    """Display of the progress."""
    stop: Stop = field(default_factory=Stop)
    """Set when the run is to end."""

    @cached_property
    def workspace(self) -> Workspace:
        """Folders of the cache and of work in progress, in the home."""
        return Workspace(self.options.home)

    @cached_property
    def ffmpeg(self) -> Ffmpeg:
        """Program that renders; raises MediaError where there is none, at the first use."""
        return find_ffmpeg(self.options.ffmpeg)

    def quietly(self, stop: Stop) -> Run:
        """Copy the run for work in the background, without progress, ended by ``stop``."""
        return replace(self, progress=Silent(), stop=stop)
