"""Privacy: recordings without the people whom the class card hides, before anything else sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from assembler.choices import Role, Show
from assembler.class_card import CardPerson, ClassCard
from assembler.errors import InputError
from assembler.findings import Finding, note
from assembler.people import Cast, Person, RecordedClass
from assembler.recording import Interrupt, Recording, Segment, StreamKind
from assembler.redaction import HIDDEN, Redaction, build_redaction

WHERE = "class card"
"""Subject of findings about the card."""
LABELS = {Role.TEACHER: "Teacher", Role.ASSISTANT: "Assistant", Role.STUDENT: "Student"}
"""Beginnings of the names of anonymous people."""
STRICTNESS = (Show.NO, Show.ANONYMOUS, Show.YES)
"""Order of what a card says of somebody, the strictest first."""
VOICE = "voice"
"""Beginning of the names of hidden people who are heard all the same."""
FILE = "file"
"""Beginning of the video ids that stand for ids in which somebody is named."""
NOBODY_LEFT = "Set `show` of somebody to yes or anonymous; --mute-hidden no keeps the voices."
"""Hint where the card leaves nothing."""


def cast_class(
    recordings: Sequence[Recording], card: ClassCard | None, teacher: str | None = None, *, mute_hidden: bool = True
) -> RecordedClass:
    """Take out of the recordings whom the card hides, and give those who are anonymous another name.

    ``teacher``: user id that the options name. Raises InputError where nothing is left, and for a hidden teacher.
    """
    return _Casting(tuple(recordings), card, teacher, mute_hidden).cast()


def hides_more(recordings: Sequence[Recording], before: ClassCard | None, after: ClassCard) -> bool:
    """Tell whether somebody of these recordings is shown by the one card (None: by none) and less by the other."""
    if not after.hides:
        return False
    has_mix = any(s.kind is StreamKind.MIX for recording in recordings for s in recording.segments)
    if has_mix and (before is None or not before.hides):  # it may have been shown, and shows everybody
        return True
    shows = [_Casting(tuple(recordings), card, None, True).shows for card in (before, after)]
    return any(STRICTNESS.index(show) < STRICTNESS.index(shows[0][user]) for user, show in shows[1].items())


def find_redaction(recordings: Sequence[Recording], card: ClassCard | None) -> Redaction:
    """Find the words that may not be said of these recordings; none where the card hides nobody."""
    return _Casting(tuple(recordings), card, None, True).redaction


@dataclass(frozen=True)
class _Casting:
    """One class and its card."""

    recordings: tuple[Recording, ...]
    card: ClassCard | None
    teacher: str | None
    mute_hidden: bool
    findings: list[Finding] = field(default_factory=list)

    def cast(self) -> RecordedClass:
        people = self._people()
        teacher = self._teacher(people)
        card = self.card
        if card is None or not card.hides:
            self._tell_absent(people)
            return RecordedClass(
                recordings=self.recordings,
                cast=Cast(people=people, teacher=teacher, card=card),
                findings=tuple(self.findings),
            )
        self._refuse_nobody()
        redacted = tuple(one for recording in self.recordings if (one := self._redacted(recording)).segments)
        if not redacted:
            raise InputError("the class card hides everybody: nothing of the class is left", hint=NOBODY_LEFT)
        self._tell_hidden()
        self._tell_absent(people)
        text = self.redaction.text
        shown = card.model_copy(
            update={
                "title": text(card.title),
                "course": text(card.course),
                "people": tuple(person for person in card.people if person.show is Show.YES),
                "chapters": tuple(c.model_copy(update={"title": text(c.title)}) for c in card.chapters),
            }
        )
        return RecordedClass(
            recordings=redacted,
            cast=Cast(people=people, teacher=teacher, card=shown),
            findings=tuple(self.findings),
            redaction=self.redaction,
        )

    @cached_property
    def streams(self) -> Mapping[str, tuple[str, ...]]:
        """Raw ids of each user's streams, by user id in order of first play time."""
        found: dict[str, dict[str, None]] = {}
        for recording in self.recordings:
            for segment in sorted(recording.segments, key=lambda s: (s.play_time, s.user, s.stream_id)):
                if segment.user and segment.kind not in (StreamKind.WHITEBOARD, StreamKind.MIX):
                    found.setdefault(segment.user, {})[segment.stream_id] = None
        return {user: tuple(streams) for user, streams in found.items()}

    @cached_property
    def told_names(self) -> Mapping[str, tuple[str, ...]]:
        """Names that the system tells of each user, by user id."""
        found: dict[str, dict[str, None]] = {}
        for recording in self.recordings:
            for segment in recording.segments:
                if segment.name:
                    found.setdefault(segment.user, {})[segment.name] = None
        return {user: tuple(names) for user, names in found.items()}

    def _entries(self, user: str) -> list[CardPerson]:
        if self.card is None:
            return []
        ids = (user, *self.streams.get(user, ()))
        return [entry for one in dict.fromkeys(ids) if (entry := self.card.find(one)) is not None]

    @cached_property
    def shows(self) -> Mapping[str, Show]:
        """Visibility of each user; where the card says several things of one, the strictest."""
        return {user: self._show(self._entries(user)) for user in self.streams}

    def _show(self, entries: Sequence[CardPerson]) -> Show:
        unknown = self.card.unknown if self.card is not None else Show.YES
        said = [entry.show for entry in entries] or [unknown]
        return min(said, key=STRICTNESS.index)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Names by which each user goes in the recordings of the playback."""
        taken = {user.casefold() for user in self.streams}
        taken |= {person.name.casefold() for person in (self.card.people if self.card is not None else ())}
        counts: Counter[str] = Counter()
        names = {}
        for user, show in self.shows.items():
            if show is Show.YES:
                names[user] = user
                continue
            label = VOICE if show is Show.NO else LABELS[self._role(user)]
            counts[label] += 1
            while f"{label} {counts[label]}".casefold() in taken:
                counts[label] += 1
            names[user] = f"{label} {counts[label]}"
        return names

    def _role(self, user: str) -> Role:
        if user == self.teacher:
            return Role.TEACHER
        entries = self._entries(user)
        return entries[0].role if entries else Role.STUDENT

    def _people(self) -> tuple[Person, ...]:
        people = []
        for user, show in self.shows.items():
            if show is not Show.NO:
                is_anonymous, entries = show is Show.ANONYMOUS, self._entries(user)
                told = [entry.name for entry in entries if entry.name] or list(self.told_names.get(user, ()))
                name = self.names[user] if is_anonymous else next(iter(told), "")
                people.append(
                    Person(user=self.names[user], name=name, role=self._role(user), is_anonymous=is_anonymous)
                )
        return tuple(people)

    def _teacher(self, people: Iterable[Person]) -> str | None:
        if self.teacher is not None:
            if self.shows.get(self.teacher) is Show.NO:
                raise InputError("the class card hides the teacher of --teacher", hint="Name somebody who is shown.")
            named = [p for p in (self.card.people if self.card is not None else ()) if p.role is Role.TEACHER]
            if named and not any(entry.role is Role.TEACHER for entry in self._entries(self.teacher)):
                self.findings.append(note(WHERE, "It names another teacher than --teacher, which was taken."))
            return self.names.get(self.teacher, self.teacher)
        return next((p.user for p in people if p.role is Role.TEACHER), None)

    @cached_property
    def redaction(self) -> Redaction:
        """Words that may stand nowhere."""
        words: list[tuple[str, str]] = []
        known: list[str] = []
        for user, show in self.shows.items():
            names = [*(entry.name for entry in self._entries(user)), *self.told_names.get(user, ())]
            if show is Show.YES:
                known += [user, *names]
            else:
                instead = HIDDEN if show is Show.NO else self.names[user]
                words += [(word, instead) for word in (user, *self.streams[user], *names)]
        for entry in self.card.people if self.card is not None else ():
            if entry.show is Show.YES:
                known.append(entry.name)
            else:  # whether they came or not
                words += [(word, HIDDEN) for word in (entry.id, entry.name) if not word.endswith("*")]
        return build_redaction(words, [word for word in known if word])

    def _refuse_nobody(self) -> None:
        kinds = Counter(s.kind for recording in self.recordings for s in recording.segments)
        if self.streams and self.mute_hidden and set(self.shows.values()) == {Show.NO}:
            raise InputError("the class card hides everybody: nothing of the class is left", hint=NOBODY_LEFT)
        if kinds[StreamKind.MIX] and not self.streams:
            raise InputError(
                "the class card hides somebody, and there is only a mixed stream, which shows everybody",
                hint="Record single streams as well, or take the card's `show` and `unknown` back.",
            )

    def _redacted(self, recording: Recording) -> Recording:
        text = self.redaction.text
        gone = {s.video_id for s in recording.segments if self._is_left_out(s)}
        ids = self._ids(recording)
        plain = {name: getattr(recording, name) for name in ("room_id", "group_id", "record_user_id", "finish_reason",
                                                             "request_id", "random")}  # fmt: skip
        error = recording.error
        return recording.model_copy(
            update={
                **{name: text(value) if value is not None else None for name, value in plain.items()},
                "segments": tuple(
                    self._renamed(s, ids[s.video_id]) for s in recording.segments if s.video_id not in gone
                ),
                "interrupts": tuple(self._interrupts(recording)),
                "error": error and error.model_copy(update={"code": text(error.code), "message": text(error.message)}),
                "findings": tuple(
                    self.redaction.finding(f.model_copy(update={"where": ids.get(f.where, f.where)}))
                    for f in recording.findings
                    if f.where not in gone
                ),
            }
        )

    def _is_left_out(self, segment: Segment) -> bool:
        if segment.kind is StreamKind.MIX:
            return True
        return self.mute_hidden and self.shows.get(segment.user) is Show.NO

    @cached_property
    def _numbers(self) -> Mapping[str, str]:
        """Video ids that stand for those in which somebody is named, in order of play time."""
        named = [
            s.video_id
            for recording in self.recordings
            for s in sorted(recording.segments, key=lambda s: (s.play_time, s.video_id))
            if self.redaction.names(s.video_id)
        ]
        taken = {s.video_id for recording in self.recordings for s in recording.segments}
        free = (name for number in range(1, 2 * len(taken) + 1) if (name := f"{FILE}-{number}") not in taken)
        return dict(zip(named, free, strict=False))

    def _ids(self, recording: Recording) -> dict[str, str]:
        return {s.video_id: self._numbers.get(s.video_id, s.video_id) for s in recording.segments}

    def _renamed(self, segment: Segment, video_id: str) -> Segment:
        change: dict[str, object] = {}
        if video_id != segment.video_id:
            change.update(video_id=video_id, file_id=segment.video_id)
        show = self.shows.get(segment.user, Show.YES)
        if show is not Show.YES:
            name = self.names[segment.user]
            is_seen = show is Show.ANONYMOUS and segment.kind is StreamKind.SCREEN
            change.update(user=name, stream_id=name, name="", hides_picture=not is_seen)
        else:
            told = {"stream_id": segment.stream_id, "name": segment.name}
            change |= {key: said for key, was in told.items() if (said := self.redaction.text(was)) != was}
        return segment.model_copy(update=change) if change else segment

    def _interrupts(self, recording: Recording) -> Iterable[Interrupt]:
        users = {stream: user for user, streams in self.streams.items() for stream in (*streams, user)}
        rest = {s.stream_id for s in recording.segments if s.kind in (StreamKind.WHITEBOARD, StreamKind.MIX)}
        for one in recording.interrupts:
            user = users.get(one.user)
            if user is not None:
                show = self.shows[user]
            else:
                entry = self.card.find(one.user) if self.card is not None else None
                show = Show.YES if one.user in rest else self._show([entry] if entry is not None else [])
            if show is Show.YES:
                yield one.model_copy(update={"user": self.redaction.text(one.user)})
            elif user is not None and show is Show.ANONYMOUS:
                yield one.model_copy(update={"user": self.names[user]})

    def _tell_hidden(self) -> None:
        counts = Counter(self.shows.values())
        words = ((Show.NO, "hidden"), (Show.ANONYMOUS, "anonymous"))
        said = [f"{counts[show]} {'is' if counts[show] == 1 else 'are'} {word}" for show, word in words if counts[show]]
        if said:
            self.findings.append(note(WHERE, f"Of the people of this class, {' and '.join(said)}."))
        if any(s.kind is StreamKind.MIX for recording in self.recordings for s in recording.segments):
            sentence = "The mixed stream was not used: it shows everybody, and the class card hides somebody."
            self.findings.append(note(WHERE, sentence))

    def _tell_absent(self, people: Iterable[Person]) -> None:
        card = self.card
        came = {entry.id for user in self.streams for entry in self._entries(user)}
        for entry in card.people if card is not None else ():
            if entry.show is Show.YES and entry.id not in came:
                who = f"{entry.name} ({entry.id})" if entry.name else entry.id
                if not entry.id.endswith("*"):
                    self.findings.append(self.redaction.finding(note(WHERE, f"{who} is on it and never came.")))
