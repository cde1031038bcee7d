"""Captions of what is said, where none are given: each person's own sound is transcribed, by a model on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assembler.captions.load import GivenText
from assembler.captions.read import Caption
from assembler.errors import DiskFull, MediaError
from assembler.findings import Finding, note, warning
from assembler.media.levels.measure import measure_levels
from assembler.media.run import Run
from assembler.media.transcripts.order import Heard, Range
from assembler.media.transcripts.transcribe import transcribe
from assembler.people import Cast, RecordedClass
from assembler.pipeline.gather import with_speech
from assembler.plan.heard import find_mixed, find_voices
from assembler.plan.model import Plan, SoundPiece
from assembler.plan.stretches import SpokenPiece, find_nameless, find_stretches
from assembler.segment_files import SegmentFiles
from assembler.timeline.model import Timeline
from assembler.times import Ms, PlayMs, Span, clock_text, whole_seconds
from assembler.workspace import disk_errors

SUBJECT = "captions"
"""Subject of findings about transcripts."""


def with_transcript(
    text: GivenText, recorded: RecordedClass, whole: Timeline, plan: Plan, got: SegmentFiles, run: Run
) -> tuple[GivenText, list[Finding]]:
    """Add what is said in the playback, where that is asked for; ``whole``: timeline of the whole class.

    A model that fails is a warning: the playback is worth having without. Raises Stopped and DiskFull.
    """
    model = run.options.transcribe
    if model is None:
        return text, []
    if text.captions:
        return text, [note(SUBJECT, "Captions were given: nothing was transcribed.")]
    stretches = _find_stretches(recorded, whole, plan, got, run)
    if not stretches:
        return text, [note(SUBJECT, "Nobody was found to speak: nothing was transcribed.")]
    by_file: dict[str, list[Range]] = {}
    for stretch in sorted(stretches, key=lambda stretch: stretch.range):
        by_file.setdefault(stretch.video_id, []).append(stretch.range)
    try:
        with disk_errors(run.workspace.home):
            heard = transcribe(by_file, got, model, run)
    except DiskFull:
        raise
    except MediaError as exc:
        return text, [recorded.redaction.finding(warning(SUBJECT, f"Nothing could be transcribed: {exc.sentence}."))]
    captions = sorted(_captions(stretches, heard, recorded.cast), key=lambda caption: (caption.start, caption.end))
    length = clock_text(whole_seconds(Ms(sum(stretch.span.length for stretch in stretches))))
    if not captions:
        return text, [note(SUBJECT, f"The speech model understood nothing of {length} of speech.")]
    said = note(SUBJECT, f"Written by the speech model {model.resolve().name} from {length} of speech; may be wrong.")
    return replace(text, spoken=tuple(captions)), [said]


def _find_stretches(
    recorded: RecordedClass, whole: Timeline, plan: Plan, got: SegmentFiles, run: Run
) -> list[SpokenPiece]:
    """Find where people speak whom the class card does not hide; without a name where a mixed stream alone has it."""
    from assembler.plan.speech import find_speech  # and with it numpy

    begin = run.options.start or PlayMs(0)
    window = Span(start=begin, end=PlayMs(begin + plan.length))
    known = got if got.speaking is not None else with_speech(got, whole, run)
    speaking = dict(known.speaking or {})
    voices: dict[str, Sequence[SoundPiece]] = dict(find_voices(whole))
    if mixed := find_mixed(whole, {piece.video_id for piece in plan.bed.pieces}):
        files = {piece.video_id: got.files[piece.video_id] for piece in mixed if piece.video_id in got.files}
        with disk_errors(run.workspace.home):
            levels = measure_levels(files, got.facts, run)
        speech = find_speech({"": mixed}, levels, whole.length).get("", ())
        voices[""], speaking[""] = mixed, tuple(find_nameless(speech, speaking))
    shown = {"", *(person.user for person in recorded.cast.people)}
    return find_stretches({user: pieces for user, pieces in voices.items() if user in shown}, speaking, window)


def _captions(stretches: Sequence[SpokenPiece], heard: Mapping[str, Sequence[Heard]], cast: Cast) -> list[Caption]:
    by_place = {(name, one.stretch): one.texts for name, found in heard.items() for one in found}
    return [
        Caption(start + shift, end + shift, text, cast.name_of(stretch.user))
        for stretch in stretches
        for shift in (stretch.span.start - stretch.file_start,)
        for start, end, text in by_place.get((stretch.video_id, stretch.range), ())
    ]
