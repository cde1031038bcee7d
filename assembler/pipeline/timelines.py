"""The recordings of one class in order, and their timeline: pure, from values alone, but for files in a media folder.

``inspect`` needs no more, so nothing that plans or renders is imported here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from assembler.card_file import find_card, load_chapters
from assembler.choices import PlayTimes, YesNo
from assembler.class_card import CardChapter, ClassCard
from assembler.errors import InputError
from assembler.findings import note
from assembler.network.download.addresses import with_places
from assembler.options import FOUND_CHAPTERS, Options
from assembler.people import RecordedClass
from assembler.privacy import WHERE, cast_class
from assembler.recording import Recording, StreamKind
from assembler.segment_files import SegmentFiles
from assembler.timeline import append, build_timeline, order_recordings
from assembler.timeline.alignment import moves_of
from assembler.timeline.join import with_chapters
from assembler.timeline.model import Chapter, Timeline
from assembler.timeline.time_of_day import load_zone

NO_CARD = "There is no class card for this class: everybody is shown as recorded."
"""Sentence of a class for which the place of class cards holds none."""
Given = Recording | Sequence[Recording] | RecordedClass
"""Recordings of one class as they were given, or in order already: then its card is not read again."""


def in_order(recordings: Given, options: Options, card: ClassCard | None = None) -> RecordedClass:
    """Return the recordings in the order of the class, the cameras of ``screen_users`` as the screen shares they are,
    without whom the class card hides, and the people who are in them; a class that is in order as it is.

    ``card``: class card; where none is given, that of the options. Raises InputError, also for a card that is wrong.
    """
    if isinstance(recordings, RecordedClass):
        return recordings
    given = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not given:
        raise InputError("no recording was given", hint="Name at least one result file.")
    if options.timezone is not None:
        load_zone(options.timezone)  # a wrong name is told before anything is fetched
    placed = [with_places(recording, options) for recording in given]
    ordered = order_recordings([_with_screens(recording, options.screen_users) for recording in placed])
    card = card or find_card(ordered, options)
    cast = cast_class(ordered, card, options.teacher, mute_hidden=options.mute_hidden is YesNo.YES)
    findings = [*cast.findings]
    if card is None and options.class_file is not None:
        findings.append(note(WHERE, NO_CARD))
    axes = _axes(ordered, options) if cast.redaction.words and len(cast.recordings) == len(ordered) else ()
    own = _own_chapters(cast, options)
    rooms = sorted({recording.room_id for recording in ordered if recording.room_id})
    if len(rooms) > 1:
        findings.append(note("", f"The results are of {len(rooms)} rooms ({', '.join(rooms)}): they became one class."))
    return cast.model_copy(update={"card": card, "findings": tuple(findings), "play_times": axes, "chapters": own})


def _own_chapters(cast: RecordedClass, options: Options) -> tuple[CardChapter, ...]:
    """Read the chapters that the options name, else take the card's; nobody is named in them who is hidden."""
    if options.chapters in FOUND_CHAPTERS:
        return cast.cast.card.chapters if cast.cast.card is not None else ()
    own = load_chapters(Path(options.chapters))
    return tuple(c.model_copy(update={"title": cast.redaction.text(c.title)}) for c in own)


def _axes(recordings: Sequence[Recording], options: Options) -> tuple[PlayTimes, ...]:
    """Decide the axis of all files' play times together: those of hidden people are evidence as well."""
    timelines = []
    for recording in recordings:
        with suppress(InputError):
            timelines.append(build_timeline(recording, play_times=options.play_times))
    return tuple(PlayTimes(timeline.play_times) for timeline in timelines) if len(timelines) == len(recordings) else ()


def _with_screens(recording: Recording, users: Collection[str]) -> Recording:
    if not any(s.kind is StreamKind.CAMERA and s.user in users for s in recording.segments):
        return recording
    segments = (
        s.model_copy(update={"kind": StreamKind.SCREEN}) if s.kind is StreamKind.CAMERA and s.user in users else s
        for s in recording.segments
    )
    return recording.model_copy(update={"segments": tuple(segments)})


def timeline_of(recorded: RecordedClass, got: SegmentFiles, options: Options) -> Timeline:
    """The timeline of all recordings from what was found out so far, with the chapters of the school's own."""
    axes = recorded.play_times or [options.play_times] * len(recorded.recordings)
    unusable = {name: recorded.redaction.text(why) for name, why in got.unusable.items()}
    timelines = [
        build_timeline(recording, got.facts, unusable=unusable, play_times=axis, moves=moves_of(got.alignments))
        for recording, axis in zip(recorded.recordings, axes, strict=True)
    ]
    timeline = timelines[0]
    for following in timelines[1:]:
        timeline = append(timeline, following)
    return with_chapters(timeline, [Chapter(at=chapter.at, title=chapter.title) for chapter in recorded.chapters])


def timeline_only(recordings: Given, options: Options) -> Timeline:
    """The timeline from what is declared: no network, no files."""
    return timeline_of(in_order(recordings, options), SegmentFiles(), options)


def timeline_on_disk(recordings: Given, options: Options) -> Timeline:
    """The timeline from what is declared, and from what of it is in the media folder; never uses the network."""
    if options.media_dir is None:
        return timeline_only(recordings, options)
    from assembler.media.run import Run
    from assembler.pipeline.gather import gather_local  # and with it what probes

    recorded = in_order(recordings, options)
    return timeline_of(recorded, gather_local(recorded.recordings, Run(options)), options)
