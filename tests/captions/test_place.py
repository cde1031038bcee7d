"""Captions and chat on the playback axis: through the pauses, and never of whom the class card hides."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import START, camera, recording
from strategies import examples
from timeline.test_properties import clocks

from assembler.captions.place import MOST_LETTERS, MOST_LINES, place_captions, place_chat, soft_texts
from assembler.captions.read import Caption, ChatMessage
from assembler.captions.webvtt import Cue, write_vtt
from assembler.choices import CaptionsAxis, Show
from assembler.class_card import CardPerson, ClassCard
from assembler.findings import Severity
from assembler.people import RecordedClass
from assembler.privacy import cast_class
from assembler.timeline import playback_at
from assembler.timeline.model import Clock, Jump
from assembler.times import Ms, PlayMs, WallMs, span

CLASS = RecordedClass(recordings=(recording([camera("a1", "ann", 0, 100_000), camera("b1", "bob", 0, 100_000)]),))
CLOCK = Clock(
    start=WallMs(START),
    is_exact=True,
    jumps=(Jump(at=PlayMs(10_000), length=Ms(5000), pause=None, reason="omission"),),
)
WHOLE = span(0, 100_000)


def sent(at: int, text: str = "hi", user: str = "ann") -> ChatMessage:
    return ChatMessage(WallMs(START + at), user, text)


def test_messages_go_through_the_pause_and_those_before_and_behind_are_counted() -> None:
    messages = [sent(-1), sent(0), sent(9000), sent(12_000), sent(15_000), sent(104_000), sent(105_000)]
    track, findings = place_chat(messages, CLOCK, WHOLE, CLASS)
    assert [cue.start for cue in track.cues] == [0, 9000, 10_000, 10_000, 99_000]
    assert track.cues[-1].end == 100_000
    assert [f.sentence for f in findings] == ["2 of 7 were sent before or after the playback, or are empty: left out."]


def test_a_part_of_the_class_has_its_part_of_the_chat() -> None:
    track, _ = place_chat([sent(0), sent(8000), sent(30_000)], CLOCK, span(7000, 20_000), CLASS)
    assert [(cue.start, cue.end) for cue in track.cues] == [(1000, 4000)]


def test_captions_are_on_either_axis() -> None:
    captions = [Caption(9000, 16_000, "a"), Caption(11_000, 14_000, "b"), Caption(20_000, 19_000, "c")]
    track, findings = place_captions(captions, CaptionsAxis.WALL, CLOCK, WHOLE, CLASS)
    assert [(cue.start, cue.end, cue.text) for cue in track.cues] == [(9000, 11_000, "a")]
    assert {f.severity for f in findings} == {Severity.NOTE}
    assert len(findings) == 2
    track, _ = place_captions(captions, CaptionsAxis.PLAYBACK, CLOCK, WHOLE, CLASS)
    assert [(cue.start, cue.end, cue.text) for cue in track.cues] == [(9000, 16_000, "a"), (11_000, 14_000, "b")]


def test_where_nothing_is_left_there_is_a_warning() -> None:
    unknown = Clock(start=None, is_exact=False, jumps=())
    for track, findings in (
        place_chat([sent(0)], unknown, WHOLE, CLASS),
        place_captions([Caption(0, 1000, "a")], CaptionsAxis.WALL, unknown, WHOLE, CLASS),
    ):
        assert track.cues == ()
        assert [f.severity for f in findings] == [Severity.WARNING]


CARD = ClassCard(
    people=(
        CardPerson(id="ann", name="Ann Lee"),
        CardPerson(id="bob", show=Show.ANONYMOUS),
        CardPerson(id="zoe", name="Zoe", show=Show.NO),
        CardPerson(id="guest-*", show=Show.NO),
        CardPerson(id="pupil-*", show=Show.ANONYMOUS),
    )
)


def test_the_chat_follows_the_class_card_also_for_those_who_only_wrote() -> None:
    recorded = cast_class(CLASS.recordings, CARD).model_copy(update={"card": CARD})
    users = ["ann", "bob", "zoe", "guest-7", "pupil-1", "pupil-2", "pupil-1", "stranger"]
    messages = [sent(n * 1000, "zoe and bob", user) for n, user in enumerate(users)]
    track, findings = place_chat(messages, CLOCK, WHOLE, recorded)
    assert [cue.speaker for cue in track.cues] == [
        "Ann Lee", "Student 1", "Student 2", "Student 3", "Student 2", "stranger",
    ]  # fmt: skip
    assert {cue.text for cue in track.cues} == {"(hidden) and Student 1"}
    assert [f.sentence for f in findings] == ["2 of 8 of people who are hidden: left out."]
    said = write_vtt(track.cues)
    assert not any(word in said.lower() for word in ("zoe", "bob", "guest", "pupil"))
    strict = CARD.model_copy(update={"unknown": Show.NO})
    recorded = cast_class(CLASS.recordings, strict).model_copy(update={"card": strict})
    assert "stranger" not in write_vtt(place_chat(messages, CLOCK, WHOLE, recorded)[0].cues)


def test_captions_of_a_hidden_voice_are_left_out() -> None:
    recorded = cast_class(CLASS.recordings, CARD).model_copy(update={"card": CARD})
    captions = [Caption(0, 1000, "a", "Zoe"), Caption(0, 1000, "Bob said it", "bob"), Caption(0, 1000, "c", "Ann Lee")]
    track, _ = place_captions(captions, CaptionsAxis.PLAYBACK, CLOCK, WHOLE, recorded)
    assert [(cue.speaker, cue.text) for cue in track.cues] == [("Student 1", "Student 1 said it"), ("Ann Lee", "c")]


@examples(40)
@given(clocks, st.lists(st.tuples(st.integers(-50_000, 400_000), st.text(max_size=9)), max_size=8))
def test_every_message_is_at_its_instant_or_counted(clock: Clock, given: list[tuple[int, str]]) -> None:
    messages = sorted((sent(at, text) for at, text in given), key=lambda message: message.at)
    track, findings = place_chat(messages, clock, WHOLE, CLASS)
    assert len(track.cues) + sum(int(f.sentence.split()[0]) for f in findings) == len(messages)
    places = [playback_at(clock, message.at) for message in messages]
    assert all(cue.start in places for cue in track.cues)
    assert all(0 <= cue.start < cue.end <= 100_000 for cue in track.cues)
    assert [cue.start for cue in track.cues] == sorted(cue.start for cue in track.cues)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30), st.sampled_from("abc")), max_size=12))
def test_a_soft_track_shows_at_each_instant_the_newest_cues_of_then(given: list[tuple[int, int, str]]) -> None:
    rows = sorted(given, key=lambda row: (row[0], row[0] + row[1]))
    cues = [Cue(start=PlayMs(at), end=PlayMs(at + lasts), text=text) for at, lasts, text in rows]
    texts = soft_texts(cues, 80)
    assert texts[0][0] == 0
    assert all(before < after for (before, _), (after, _) in pairwise(texts))
    for instant in range(80):
        shown = [text for at, text in texts if at <= instant][-1]
        due = [cue.text for cue in cues if cue.start <= instant < cue.end][-MOST_LINES:]
        assert shown == "\n".join(due)


@pytest.mark.slow
def test_a_hundred_thousand_messages_are_placed_also_where_half_come_at_once() -> None:
    messages = [sent(max(0, n - 50_000), "<b>שלום</b> 👩‍🏫", f"u{n % 50}") for n in range(100_000)]
    track, findings = place_chat(messages, CLOCK, WHOLE, CLASS)
    assert (len(track.cues), findings) == (100_000, [])
    texts = soft_texts(track.cues, 100_000)
    assert max(len(text.splitlines()) for _, text in texts) == MOST_LINES


def test_a_long_message_is_cut_in_the_soft_track_alone() -> None:
    track, _ = place_chat([sent(0, "x" * 100_000)], CLOCK, WHOLE, CLASS)
    assert len(track.cues[0].text) == 100_000
    assert [len(text) for _, text in soft_texts(track.cues, 100_000)] == [MOST_LETTERS, 0]
