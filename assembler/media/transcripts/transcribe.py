"""Transcripts of stretches of speech, made by a child process and kept in the home: a stretch is transcribed once."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from assembler.captions.model import identify_model
from assembler.media.child import run_module
from assembler.media.levels.measure import identify_sound
from assembler.media.mixdown.mixdown import mix_input
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.media.transcripts.order import Heard, Range, SpeechSource, TranscribeOrder
from assembler.segment_files import SegmentFiles
from assembler.workspace import Workspace, digest_of, only_writer, write_whole

TRANSCRIPT_VERSION = 1
"""Version of the transcripts, raised when the same model would write another text: speech is then transcribed anew."""
STALL_SECONDS = 3600.0
"""Maximum time for one stretch, in s: a large model on a slow machine takes several times as long as it lasts."""
KEPT_DAYS = 30
"""Maximum age of a transcript that no run asks for, in days: it is what people said."""


def transcribe(
    wanted: Mapping[str, Sequence[Range]], got: SegmentFiles, model: Path, run: Run
) -> dict[str, list[Heard]]:
    """Transcribe stretches of speech, by video id, sorted, with the model in this folder.

    Raises MediaError where the model fails, which may be the user's, Stopped and DiskFull; what was done until then is
    kept.
    """
    language, identity = run.options.transcribe_language, identify_model(model)
    sources, places = SourceFiles(got.files), {}
    for name in wanted:
        sound = identify_sound(sources.identity(name), got.facts[name])
        key = digest_of(TRANSCRIPT_VERSION, identity, language, *sound)[:32]
        places[name] = run.workspace.transcripts / f"{key}.jsonl"
    _forget_old(run.workspace)
    with ExitStack() as held:
        for place in sorted(set(places.values())):  # in order, so that no two runs wait for each other
            held.enter_context(only_writer(place, run.progress, "transcribes the same speech"))
        known = {name: _read(place) for name, place in places.items()}
        missing = [
            SpeechSource(
                mix_input(name, sources, got.facts[name], None), left, max(stretches, key=_length), places[name]
            )
            for name, stretches in wanted.items()
            if (left := tuple(stretch for stretch in stretches if stretch not in known[name]))
        ]
        if missing:
            _run_child(TranscribeOrder(model.absolute(), language, run.options.processes, tuple(missing)), run)
            known |= {source.input.video_id: _read(source.transcript) for source in missing}
    return {name: [known[name][one] for one in stretches if one in known[name]] for name, stretches in wanted.items()}


def _run_child(order: TranscribeOrder, run: Run) -> None:
    total = sum(_length(stretch) for source in order.sources for stretch in source.stretches) / 1000
    done = 0.0
    run.progress.say("transcribing speech")
    with (
        run.progress.task("transcribe", total, "s") as task,
        run.workspace.scratch_folder() as folder,
    ):

        def tell(seconds: float) -> None:
            nonlocal done
            task.advance(seconds - done)
            done = seconds

        run_module(
            "assembler.media.transcripts.child", [], order, cwd=folder, name="transcribe", stop=run.stop,
            stall_seconds=STALL_SECONDS, on_seconds=tell, failure="the speech model failed",
        )  # fmt: skip


def _forget_old(workspace: Workspace) -> None:
    for place in workspace.transcripts.glob("*.jsonl"):
        with suppress(OSError):
            if place.stat().st_mtime < time.time() - KEPT_DAYS * 86_400:
                place.unlink()


def _read(place: Path) -> dict[Range, Heard]:
    """Read what was transcribed; a line that a killed child left half is taken away."""
    try:
        text = place.read_text("utf-8", "replace")
        os.utime(place)
    except FileNotFoundError:
        return {}
    lines = text.splitlines(keepends=True)
    found: list[Heard] = []
    for line in lines:
        with suppress(ValueError):
            found.append(Heard.from_json(line))
    if len(found) < len(lines) or not text.endswith("\n"):
        write_whole(place, "".join(f"{heard.to_json()}\n" for heard in found))
    return {heard.stretch: heard for heard in found}


def _length(stretch: Range) -> int:
    return stretch[1] - stretch[0]
