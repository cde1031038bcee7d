"""Nobody whom the class card hides is in what is planned, and nobody anonymous under their own name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, facts, mix, omission, recording, screen, segment
from strategies import recordings

from assembler.choices import Role, Show
from assembler.class_card import CardPerson, ClassCard
from assembler.dialects import parse
from assembler.errors import DownloadError, InputError
from assembler.findings import note
from assembler.options import load_options
from assembler.people import RecordedClass
from assembler.pipeline.decide import decide
from assembler.pipeline.timelines import in_order
from assembler.plan.model import Disposition
from assembler.privacy import cast_class
from assembler.recording import Interrupt, Recording, StreamKind, VendorError
from assembler.redaction import HIDDEN, build_redaction
from assembler.segment_files import SegmentFiles
from assembler.timeline.build import NoLength

VENDOR = sorted((Path(__file__).parent.parent / "fixtures" / "vendor").glob("*.json"))


def card(*people: tuple[str, str, str], **more: Any) -> ClassCard:
    """People as (id, name, show)."""
    return ClassCard(people=tuple(CardPerson(id=i, name=n, show=Show(s)) for i, n, s in people), **more)


LESSON = recording(
    [
        camera("v1", "teach", 0, 60_000),
        camera("v2", "zoe", 5_000, 50_000),
        camera("v3", "abe", 10_000, 50_000),
        screen("v4", "zoe", 20_000, 10_000),
        segment("v5", StreamKind.AUDIO, "abe", 10_000, 50_000),
        board("v6", 0, 60_000),
    ],
    total=60_000,
)


def kept(recorded: RecordedClass) -> list[tuple[str, str]]:
    return [(s.video_id, s.user) for r in recorded.recordings for s in r.segments]


class TestHidden:
    def test_all_files_of_a_hidden_person_are_gone(self) -> None:
        found = cast_class([LESSON], card(("zoe", "Zoe Q", "no")))
        assert kept(found) == [("v1", "teach"), ("v3", "abe"), ("v5", "abe"), ("v6", "")]
        assert [p.user for p in found.cast.people] == ["teach", "abe"]

    def test_a_voice_may_be_kept_without_name_and_picture(self) -> None:
        found = cast_class([LESSON], card(("zoe", "Zoe Q", "no")), mute_hidden=False)
        voice = [s for s in found.recordings[0].segments if s.user == "voice 1"]
        assert [(s.video_id, s.stream_id, s.hides_picture) for s in voice] == [
            ("v2", "voice 1", True),
            ("v4", "voice 1", True),
        ]
        assert [p.user for p in found.cast.people] == ["teach", "abe"]

    def test_unknown_people_are_hidden_where_the_card_says_so(self) -> None:
        found = cast_class([LESSON], card(("teach", "", "yes"), unknown=Show.NO))
        assert kept(found) == [("v1", "teach"), ("v6", "")]

    def test_a_card_that_hides_everybody_is_an_error(self) -> None:
        with pytest.raises(InputError, match="hides everybody"):
            cast_class([LESSON], card(("*", "", "no")))

    def test_a_mixed_stream_is_not_used_once_somebody_is_hidden(self) -> None:
        whole = LESSON.model_copy(update={"segments": (*LESSON.segments, mix("m", 0, 60_000))})
        for show in ("no", "anonymous"):
            found = cast_class([whole], card(("never came", "", show)))
            assert "m" not in dict(kept(found))
            assert "The mixed stream was not used" in " ".join(f.sentence for f in found.findings)
        assert "m" in dict(kept(cast_class([whole], card(("zoe", "Zoe", "yes")))))

    @pytest.mark.parametrize("others", [[], [board("w", 0, 60_000)]])
    def test_a_class_with_a_mixed_stream_alone_fails_with_the_reason(self, others: list[Any]) -> None:
        with pytest.raises(InputError, match="only a mixed stream, which shows everybody"):
            cast_class([recording([mix("m", 0, 60_000), *others])], card(("zoe", "", "no")))

    def test_the_hidden_teacher_of_the_options_is_not_named(self) -> None:
        with pytest.raises(InputError, match="hides the teacher") as caught:
            cast_class([LESSON], card(("zoe", "", "no")), "zoe")
        assert "zoe" not in str(caught.value)

    def test_files_of_hidden_people_are_evidence_of_the_axis_of_play_times(self) -> None:
        lesson = recording(
            [camera("a", "ann", 0, 20_000), camera("b", "bob", 0, 90_000)],
            total=60_000, stop=90_000,
            omissions=[omission(30_000, 30_000, 60_000)],
        )  # fmt: skip
        whole, _ = decide(in_order(lesson, load_options()), SegmentFiles(), load_options())
        assert whole.play_times == "wall"
        recorded = in_order(lesson, load_options(), card(("bob", "", "no")))
        assert decide(recorded, SegmentFiles(), load_options())[0].play_times == "wall"


class TestAnonymous:
    def test_people_are_numbered_by_their_first_play_time_within_their_role(self) -> None:
        people = (CardPerson(id="*", name="x", show=Show.ANONYMOUS), CardPerson(id="teach", role=Role.TEACHER,
                                                                                 show=Show.ANONYMOUS))  # fmt: skip
        found = cast_class([LESSON], ClassCard(people=people))
        assert [(p.user, p.name, p.is_anonymous) for p in found.cast.people] == [
            ("Teacher 1", "Teacher 1", True),
            ("Student 1", "Student 1", True),
            ("Student 2", "Student 2", True),
        ]
        assert found.cast.teacher == "Teacher 1"
        assert dict(kept(found)) == {
            "v1": "Teacher 1", "v2": "Student 1", "v3": "Student 2", "v4": "Student 1", "v5": "Student 2", "v6": "",
        }  # fmt: skip
        assert {s.video_id for s in found.recordings[0].segments if s.hides_picture} == {"v1", "v2", "v3", "v5"}

    def test_a_number_that_is_somebodys_id_is_passed_over(self) -> None:
        lesson = recording([camera("a", "Student 1", 0, 1000), camera("b", "bob", 0, 1000)])
        assert dict(kept(cast_class([lesson], card(("bob", "", "anonymous"))))) == {"a": "Student 1", "b": "Student 2"}

    def test_the_sound_is_heard_and_the_picture_has_no_place(self) -> None:
        recorded = in_order(LESSON, load_options(), card(("abe", "", "anonymous")))
        known = {s.video_id: facts(s.video_id, s.duration or 0) for s in LESSON.segments}
        timeline, plan = decide(recorded, SegmentFiles(facts=known), load_options())
        (clip,) = (c for t, c in timeline.clips() if c.video_id == "v3")
        assert clip.picture is None
        assert clip.sound is not None
        assert "v3" in {piece.video_id for piece in plan.bed.pieces}
        assert "v3" not in {shown.video_id for scene in plan.scenes for shown in scene.shown}
        (account,) = (a for a in plan.accounts if a.video_id == "v3")
        assert account.picture.lengths == {Disposition.NO_PLACE: 50_000}


class TestPeople:
    def test_the_card_names_the_teacher(self) -> None:
        people = (CardPerson(id="ze", name="x"), CardPerson(id="z*", name="Zoe", role=Role.TEACHER))
        found = cast_class([LESSON], ClassCard(people=people))
        assert found.cast.teacher == "zoe"
        assert [(p.user, p.name, p.role) for p in found.cast.people] == [
            ("teach", "", "student"), ("zoe", "Zoe", "teacher"), ("abe", "", "student"),
        ]  # fmt: skip

    def test_another_teacher_of_the_options_wins_with_a_note(self) -> None:
        names = ClassCard(people=(CardPerson(id="zoe", role=Role.TEACHER),))
        found = cast_class([LESSON], names, "abe")
        assert found.cast.teacher == "abe"
        assert [f.sentence for f in found.findings] == ["It names another teacher than --teacher, which was taken."]
        assert cast_class([LESSON], names, "zoe").findings == ()

    def test_who_never_came_is_told_unless_hidden(self) -> None:
        found = cast_class([LESSON], card(("p-1", "Pat", "yes"), ("q-1", "Quin", "no"), ("r*", "", "yes")))
        said = [f.sentence for f in found.findings]
        assert said == ["Pat (p-1) is on it and never came."]

    def test_title_course_chapters_and_layout_of_the_card_are_taken(self) -> None:
        own = ClassCard.model_validate(
            {"title": "Algebra", "course": "Maths", "layout": "grid",
             "chapters": [{"at": 30_000, "title": "Roots"}, {"at": 0, "title": "Hello"}, {"at": 90_000, "title": "?"}]}
        )  # fmt: skip
        options = load_options()
        _, plan = decide(in_order(LESSON, options, own), SegmentFiles(), options)
        assert (plan.title, plan.course, plan.layout) == ("Algebra", "Maths", "grid")
        assert [(c.at, c.title) for c in plan.chapters] == [(0, "Hello"), (30_000, "Roots")]
        assert "The chapter at 1:30" in " ".join(f.sentence for f in plan.findings)
        asked = load_options(layout="tiw-1")
        assert decide(in_order(LESSON, asked, own), SegmentFiles(), asked)[1].layout == "tiw-1"


class TestWords:
    def test_ids_names_and_their_addresses_are_replaced(self) -> None:
        redaction = build_redaction(
            [("alice", HIDDEN), ("李雷", "Student 1"), ("x y", HIDDEN), ("an", HIDDEN)], ["ALICE2"]
        )
        assert redaction.text("Alice_main, alice2, 李雷来了, %E6%9D%8E%e9%9b%b7, x%20y; an answer") == (
            f"{HIDDEN}_main, alice2, Student 1来了, Student 1, {HIDDEN}; {HIDDEN} answer"
        )

    def test_a_name_is_found_whatever_its_words_stand_apart_by(self) -> None:
        redaction = build_redaction([("Zoë Smith-Lee", "Student 1"), ("s-1", HIDDEN)], ["zoë.smith-lee2"])
        assert redaction.text("Zoë  Smith-Lee, zoë\nsmith-lee, ZOË_SMITH-LEE; s 1, s-1; zoë.smith-lee2") == (
            f"Student 1, Student 1, Student 1; s 1, {HIDDEN}; zoë.smith-lee2"
        )
        assert redaction.names("cam_zoë_smith-lee")
        assert not redaction.names("s_1")

    def test_what_names_somebody_who_is_shown_stays(self) -> None:
        assert build_redaction([("ann", HIDDEN)], ["Ann"]).text("ann") == "ann"

    def test_an_error_keeps_its_kind_and_loses_the_names(self) -> None:
        redaction = build_redaction([("alice", HIDDEN)], [])
        error = DownloadError("https://h/alice.mp4 answered 404", hint="Ask alice.", retry=True)
        found = redaction.error(error)
        assert (str(found), type(found), found.retry) == (f"https://h/{HIDDEN}.mp4 answered 404. Ask {HIDDEN}.",
                                                          DownloadError, True)  # fmt: skip
        assert redaction.error(found) is found


ODD = recording(
    [
        camera("rec-alice-1", "alice", 0, 60_000),
        camera("c2", "bob", 0, 60_000),
        camera("file-1", "eve", 0, 60_000),
        camera("alice-told-eve", "eve", 1_000, 20_000),
    ],
    total=60_000,
).model_copy(
    update={
        "room_id": "room of alice",
        "record_user_id": "alice_recorder",
        "interrupts": (Interrupt(user="alice", count=1), Interrupt(user="bob", count=2), Interrupt(user="?", count=3)),
        "error": VendorError(code="X", number=1, message="stream of ALICE lost", advice=""),
        "findings": (note("rec-alice-1", "odd"), note("segments[0].user", "'alice' has a prefix")),
    }
)


def test_nothing_else_of_a_recording_names_a_hidden_person() -> None:
    found = cast_class([ODD], card(("alice", "Alice Ng", "no"), ("eve", "Eve", "anonymous"), ("bob", "Bob", "yes")))
    (left,) = found.recordings
    public = left.model_dump_json(exclude={"segments": {"__all__": {"url", "file_id"}}})
    assert not re.search(r"alice|\beve\b", public, re.IGNORECASE)
    assert [(s.video_id, s.source_id, s.user) for s in left.segments] == [
        ("c2", "c2", "bob"), ("file-1", "file-1", "Student 1"), ("file-3", "alice-told-eve", "Student 1"),
    ]  # fmt: skip
    assert left.interrupts == (Interrupt(user="bob", count=2), Interrupt(user="?", count=3))
    assert left.findings == (note("segments[0].user", f"'{HIDDEN}' has a prefix"),)


def fixtures() -> list[Recording]:
    found = []
    for path in VENDOR:
        try:
            found.append(parse(path.read_bytes()))
        except Exception:  # noqa: BLE001 replies, requests and refusals: no recordings
            continue
    return [one for one in found if any(s.user for s in one.segments)]


FIXTURES = fixtures()


def test_there_are_results_of_many_dialects() -> None:
    assert len({one.dialect for one in FIXTURES}) > 5


def spelled(words: Iterable[str], shown: Iterable[str], text: str) -> list[str]:
    """Words that stand in a text, outside of what names somebody who is shown."""
    for name in sorted(shown, key=len, reverse=True):
        text = re.sub(re.escape(name), "", text, flags=re.IGNORECASE)
    return [word for word in words if re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text, re.IGNORECASE)]


@given(st.data(), st.sampled_from(FIXTURES) | recordings())
def test_no_plan_of_any_dialect_names_a_hidden_person(data: st.DataObject, lesson: Recording) -> None:
    users = sorted({s.user for s in lesson.segments if s.user})
    shows = data.draw(st.fixed_dictionaries({user: st.sampled_from(Show) for user in users}))
    people = tuple(CardPerson(id=user, name=f"Pers {user} Q", show=show) for user, show in shows.items())
    options = load_options()
    failures = {
        s.video_id: DownloadError(f"https://h/{s.user}/x.mp4 of {s.stream_id} answered 404")
        for s in lesson.segments if data.draw(st.booleans())
    }  # fmt: skip
    try:
        recorded = in_order(lesson, options, ClassCard(people=people))
        got = SegmentFiles(failures=dict(failures))
        timeline, plan = decide(recorded, got, options)
    except NoLength:
        return
    except InputError as exc:
        refusals = ("hides everybody", "only a mixed stream", "shows nothing")
        assert not users or any(words in str(exc) for words in refusals)  # noqa: PT017 not every draw is refused
        return
    gone = [user for user, show in shows.items() if show is not Show.YES]
    words = [*gone, *(f"Pers {user} Q" for user in gone)]
    shown = [word for user in users if user not in gone for word in (user, f"Pers {user} Q")]
    published = json.dumps(
        [timeline.model_dump(mode="json"), plan.model_dump(mode="json"),
         [r.model_dump(mode="json", exclude={"segments", "task_id"}) for r in recorded.recordings],
         [p.model_dump(mode="json") for p in recorded.cast.people]],
        ensure_ascii=False,
    )  # fmt: skip
    assert spelled(words, shown, published) == []
    hidden = {s.video_id for s in lesson.segments if shows.get(s.user) is Show.NO}
    assert not hidden & {clip.video_id for _, clip in timeline.clips()}
    assert {p.user for p in recorded.cast.people if not p.is_anonymous} == {u for u in users if u not in gone}
