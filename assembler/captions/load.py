"""Captions and chat of a class: the files that the options name, read once, then placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assembler.captions.model import check_model
from assembler.captions.place import place_captions, place_chat
from assembler.captions.read import Caption, ChatMessage, parse_captions, parse_chat, parse_fields, read_file
from assembler.captions.webvtt import TRACKS, CaptionTrack, write_vtt
from assembler.choices import CaptionsAxis
from assembler.findings import Finding
from assembler.options import Options
from assembler.people import RecordedClass
from assembler.recording import Recording
from assembler.templates import FIELDS, check_path, fill
from assembler.timeline.model import Clock
from assembler.timeline.time_of_day import choose_zone
from assembler.times import PlayMs, Span
from assembler.workspace import write_whole

AUTOMATIC = "Captions (automatic)"
"""Title of captions that a model wrote: people are to know that they may be wrong."""


@dataclass(frozen=True)
class GivenText:
    """Captions and chat as they were given, or heard."""

    captions: tuple[Caption, ...] = ()
    """Captions, on the axis of the options."""
    chat: tuple[ChatMessage, ...] = ()
    """Messages, sorted by time."""
    not_read: int = 0
    """Number of entries of the chat that are no messages."""
    spoken: tuple[Caption, ...] = ()
    """Captions that a model wrote, on the playback axis of the whole class."""

    def place(
        self, clock: Clock, length: PlayMs, recorded: RecordedClass, options: Options
    ) -> tuple[tuple[CaptionTrack, ...], list[Finding]]:
        """Place all on the axis of a playback of this length, which may be a part of the class; ``clock`` is that of
        the whole. A track without cues is none."""
        begin = options.start or PlayMs(0)
        window, placed = Span(start=begin, end=PlayMs(begin + length)), []
        if self.captions:
            placed.append(place_captions(self.captions, options.captions_axis, clock, window, recorded))
        if self.spoken:
            track, said = place_captions(self.spoken, CaptionsAxis.PLAYBACK, clock, window, recorded)
            placed.append((track.model_copy(update={"title": AUTOMATIC}), said))
        if self.chat or self.not_read:
            placed.append(place_chat(self.chat, clock, window, recorded, not_read=self.not_read))
        return tuple(track for track, _ in placed if track.cues), [found for _, said in placed for found in said]


def load_text(recordings: Sequence[Recording], recorded: RecordedClass, options: Options) -> GivenText:
    """Read the files of a class, and check the speech model; ``recordings`` are those that were given. Raises
    InputError."""
    check_model(options)
    captions = [
        caption
        for path in _paths(options.captions, recordings)
        for caption in parse_captions(read_file(path, "the captions"), f"the captions {path}")
    ]
    card = recorded.cast.card
    zone = choose_zone(options.timezone, card.timezone if card is not None else None)
    chats = [
        parse_chat(read_file(path, "the chat"), f"the chat {path}", parse_fields(options.chat_fields), zone)
        for path in _paths(options.chat, recordings)
    ]
    messages = sorted((message for chat, _ in chats for message in chat), key=lambda message: message.at)
    return GivenText(tuple(captions), tuple(messages), sum(count for _, count in chats))


def write_tracks(assets: Path, tracks: Sequence[CaptionTrack]) -> None:
    """Write a file for each track, and remove those of a former playback. Raises MediaError and OSError."""
    for name in TRACKS:
        (assets / f"{name}.vtt").unlink(missing_ok=True)
    for track in tracks:
        write_whole(assets / f"{track.name}.vtt", write_vtt(track.cues))


def check_text(options: Options) -> None:
    """Check the settings without reading a file of a class; raises InputError."""
    check_model(options)
    parse_fields(options.chat_fields)
    for template in (options.captions, options.chat):
        check_path(template or "")


def _paths(template: str | None, recordings: Sequence[Recording]) -> list[Path]:
    """List the files; one that a template names may be missing."""
    if template is None:
        return []
    if not check_path(template):
        return [Path(template)]
    paths = dict.fromkeys(Path(fill(template, FIELDS, recording.ids)) for recording in recordings)
    return [path for path in paths if path.exists()]
