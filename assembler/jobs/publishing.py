"""Destination of finished jobs, and the check of every setting that would only fail when the first job is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assembler.captions.load import check_text
from assembler.jobs.store.model import Job
from assembler.layout.arrange import find_layout
from assembler.layout.choose import AUTO
from assembler.layout.custom import colour_of
from assembler.media.ffmpeg import find_ffmpeg
from assembler.network.download.media_dir import find_local
from assembler.network.notify import check_notify
from assembler.network.publish.publish import check_output, fill_template
from assembler.options import Options, unknown_settings
from assembler.outputs.packages import check_extras
from assembler.templates import check_path

FILE = "playback.mp4"
"""Name of a published playback inside its class's folder."""


def output_of(options: Options) -> str:
    """Destination of finished jobs: a folder or a bucket's address."""
    return options.output or str(options.home.absolute() / "output")


def is_gone(job: Job) -> bool:
    """Tell whether a playback on record is no longer at its place; nobody asks a bucket."""
    return bool(job.output) and "://" not in job.output and not Path(job.output).exists()


def check_ready(options: Options, say: Callable[[str], object] = bool) -> None:
    """Check the settings of a worker without asking anybody; a setting that does nothing is only said.

    Raises InputError, PublishError or MediaError for what no job could get past.
    """
    for name, near in unknown_settings().items():
        say(f"warning: {name} is not a setting and does nothing" + (f": did you mean {near}?" if near else ""))
    if options.layout not in AUTO:
        find_layout(options.layout)
    if options.background is not None:
        colour_of(options.background, "background")
    find_local([], options.media_dir)
    if options.ffmpeg is not None:
        find_ffmpeg(options.ffmpeg)
    fill_template(options.template, {})
    if options.class_file is not None:
        check_path(options.class_file)
    check_output(output_of(options), options)
    check_notify(options)
    check_extras(options.also)
    check_text(options)
