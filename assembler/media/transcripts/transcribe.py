"""Transcripts of stretches of speech, made by a child process and kept in the home: a stretch is transcribed once."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from assembler import processes
from assembler.captions.model import identify_model
from assembler.facts import Facts
from assembler.media.child import child_error
from assembler.media.mixdown.mixdown import mix_input
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.media.transcripts.order import Heard, Range, SpeechSource, TranscribeOrder
from assembler.segment_files import SegmentFiles
from assembler.workspace import LOG, ORDER, Workspace, digest_of, identity_of, write_whole

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
    places = {
        name: run.workspace.transcripts / f"{_key(got.files[name], got.facts[name], identity, language)}.jsonl"
        for name in wanted
    }
    _forget_old(run.workspace)
    known = {name: _read(place) for name, place in places.items()}
    sources = SourceFiles(got.files)
    missing = [
        SpeechSource(
            mix_input(name, sources, got.facts[name], None),
            left,
            max(stretches, key=_length),
            places[name],
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
        tempfile.TemporaryDirectory(prefix="transcripts-", dir=run.workspace.scratch) as name,
    ):

        def tell(seconds: float) -> None:
            nonlocal done
            task.advance(seconds - done)
            done = seconds

        folder = Path(name).resolve()
        place, log = folder / f"transcribe{ORDER}", folder / f"transcribe{LOG}"
        place.write_text(order.to_json(), "utf-8")
        # -P: no module is ever imported from the folder the child runs in
        argv = [sys.executable, "-P", "-m", "assembler.media.transcripts.child", str(place)]
        code = processes.run(argv, cwd=folder, log=log, stop=run.stop, stall_seconds=STALL_SECONDS, on_seconds=tell)
        if code != 0:
            raise child_error("the speech model failed", log, code)


def _key(path: Path, known: Facts, model: str, language: str | None) -> str:
    sounds = [(sound.index, int(sound.end), str(sound.pace)) for sound in known.sounds]
    file = [*identity_of(path), known.container, str(known.origin), sounds]
    return digest_of(TRANSCRIPT_VERSION, model, language, file)[:32]


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
