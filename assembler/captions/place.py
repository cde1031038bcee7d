"""Captions and chat on the playback axis, through the pauses, without whom the class card hides."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from assembler.captions.read import Caption, ChatMessage
from assembler.captions.webvtt import CaptionTrack, Cue, plain_lines
from assembler.choices import CaptionsAxis, Role, Show
from assembler.findings import Finding, note, warning
from assembler.people import RecordedClass
from assembler.redaction import HIDDEN
from assembler.timeline.clock import playback_at
from assembler.timeline.model import Clock
from assembler.times import PlayMs, Span, WallMs

SHORTEST_MS, LONGEST_MS, MS_PER_LETTER = 3000, 10_000, 60
"""Minimum and maximum time for which a message of a chat is shown, in ms, and what each letter adds to 2 s."""
MOST_LINES = 3
"""Maximum number of captions or messages that a soft track shows at once, the newest: it has one text at a time."""
MOST_LETTERS = 300
"""Maximum length of one of them in a soft track, in letters; the WebVTT file has all of it."""


def place_captions(
    captions: Iterable[Caption], axis: CaptionsAxis, clock: Clock, window: Span, recorded: RecordedClass
) -> tuple[CaptionTrack, list[Finding]]:
    """Place captions on the axis of a playback that is this window of the class."""
    cues, out = [], Counter[str]()
    for caption in captions:
        start, end = (_instant(at, axis, clock) for at in (caption.start, caption.end))
        speaker = recorded.redaction.text(caption.speaker)
        if HIDDEN in speaker:
            out["of people who are hidden"] += 1
        elif caption.end <= caption.start:
            out["end before they start"] += 1
        elif start is None or end is None or end <= start:
            out["lie in a pause, or where nobody knows the time"] += 1
        elif (cue := _cue(start, end, recorded.redaction.text(caption.text), speaker, window)) is None:
            out["lie outside of the playback, or are empty"] += 1
        else:
            cues.append(cue)
    return _track("captions", "Captions", cues), _told("captions", cues, out)


def place_chat(
    messages: Iterable[ChatMessage], clock: Clock, window: Span, recorded: RecordedClass, *, not_read: int = 0
) -> tuple[CaptionTrack, list[Finding]]:
    """Place messages: one that was sent in a pause is shown where the pause is skipped.

    ``not_read``: number of entries that are no messages.
    """
    cues, out = [], Counter({"have no time or no text": not_read})
    people = _Senders(recorded)
    for message in messages:
        name = people.name(message.user)
        start = playback_at(clock, message.at)
        if name is None:
            out["of people who are hidden"] += 1
            continue
        if start is None:
            out["were sent where nobody knows the playback's time"] += 1
            continue
        text = recorded.redaction.text(message.text)
        lasts = min(LONGEST_MS, max(SHORTEST_MS, 2000 + MS_PER_LETTER * len(text)))
        cue = _cue(start, start + lasts, text, name, window) if window.start <= start < window.end else None
        if cue is None:
            out["were sent before or after the playback, or are empty"] += 1
        else:
            cues.append(cue)
    return _track("chat", "Chat", cues), _told("chat", cues, out)


def _instant(at: int, axis: CaptionsAxis, clock: Clock) -> int | None:
    if axis is CaptionsAxis.PLAYBACK:
        return at
    return playback_at(clock, WallMs(clock.start + at)) if clock.start is not None else None


def _cue(start: int, end: int, text: str, speaker: str, window: Span) -> Cue | None:
    first, last = max(start, window.start), min(end, window.end)
    if last <= first or not plain_lines(text):
        return None
    return Cue(start=PlayMs(first - window.start), end=PlayMs(last - window.start), text=text, speaker=speaker)


def _track(name: str, title: str, cues: Iterable[Cue]) -> CaptionTrack:
    return CaptionTrack(name=name, title=title, cues=tuple(sorted(cues, key=lambda cue: (cue.start, cue.end))))


def _told(name: str, cues: Sequence[Cue], out: Counter[str]) -> list[Finding]:
    """Say what was left out; a warning where nothing is left."""
    total = len(cues) + sum(out.values())
    state = note if cues else warning
    return [state(name, f"{count} of {total} {why}: left out.") for why, count in out.items() if count]


class _Senders:
    """Names of the people of a chat, also of those who were never seen or heard."""

    def __init__(self, recorded: RecordedClass) -> None:
        self._recorded = recorded
        self._names: dict[str, str | None] = {}
        self._number = sum(person.is_anonymous for person in recorded.cast.people)

    def name(self, user: str) -> str | None:
        """Name a sender, as the class card has it; None for one who is hidden."""
        if user not in self._names:
            self._names[user] = self._find(user)
        return self._names[user]

    def _find(self, user: str) -> str | None:
        said, card = self._recorded.redaction.text(user), self._recorded.card
        if HIDDEN in said:
            return None
        if self._recorded.cast.find(said) is not None or card is None or said != user:
            return self._recorded.cast.name_of(said)
        entry = card.find(user)
        show = entry.show if entry is not None else card.unknown
        if show is Show.ANONYMOUS:
            self._number += 1
            role = entry.role if entry is not None else Role.STUDENT
            return f"{role.value.capitalize()} {self._number}"
        return None if show is Show.NO else (entry.name if entry is not None and entry.name else user)


def soft_texts(cues: Sequence[Cue], length: int) -> list[tuple[int, str]]:
    """Flatten cues, sorted by start, into what a soft track shows: (ms, text), each until the next one, from 0 on."""
    ends: list[tuple[int, int]] = []
    shown: dict[int, str] = {}
    texts: list[tuple[int, str]] = []
    place = 0
    for at in sorted({0, *(cue.start for cue in cues), *(cue.end for cue in cues)}):
        if at >= length and texts:
            break
        while ends and ends[0][0] <= at:
            del shown[heapq.heappop(ends)[1]]
        while place < len(cues) and cues[place].start <= at:
            cue = cues[place]
            shown[place] = plain_lines(f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text)[:MOST_LETTERS]
            heapq.heappush(ends, (cue.end, place))
            place += 1
        text = "\n".join(reversed(list(islice(reversed(shown.values()), MOST_LINES))))
        if not texts or texts[-1][1] != text:
            texts.append((at, text))
    return texts
