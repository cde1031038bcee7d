"""Who is taken for the teacher, how anonymous people are shown, and which layout a class card leads to."""

from __future__ import annotations

import pytest
from lessons import board, camera, mix, recording, screen, segment

from assembler.choices import Role
from assembler.class_card import ClassCard
from assembler.layout import arrange
from assembler.layout.model import Arrangement
from assembler.layout.teacher import find_teacher
from assembler.options import load_options
from assembler.people import NOBODY, Cast, Person
from assembler.recording import Segment, StreamKind
from assembler.timeline import build_timeline

THIRD = Person(user="Student 3", name="Student 3", role=Role.STUDENT, is_anonymous=True)
ANN = Person(user="ann", name="Ann", role=Role.STUDENT)
CAST = Cast(people=(ANN, THIRD), card=ClassCard())
HIDDEN = camera("x", "Student 3", 5000, 30_000).model_copy(update={"hides_picture": True})
LAYOUTS = ["tiw-1", "tiw-2", "presenter", "grid", "classroom", "speaker"]


def found(*lesson: Segment, cast: Cast = NOBODY) -> tuple[str | None, str]:
    return find_teacher(build_timeline(recording(lesson), {}), cast)


def arranged(*lesson: Segment, cast: Cast = NOBODY, **options: object) -> Arrangement:
    chosen = load_options(**options)
    return arrange(build_timeline(recording(lesson), {}), {}, {}, chosen, cast)


class TestFoundTeacher:
    def test_is_who_shares_the_screen_for_longest(self) -> None:
        cameras = [camera(u, u, 0, 60_000) for u in ("ann", "bob")]
        lesson = [*cameras, screen("s1", "ann", 0, 5000), screen("s2", "bob", 10_000, 20_000)]
        assert found(*lesson) == ("bob", "bob is taken for the teacher: shares the screen for 0:20.")

    def test_is_nobody_who_only_shares(self) -> None:
        assert (
            found(camera("a", "ann", 0, 60_000), camera("b", "bob", 0, 60_000), screen("s", "pc", 0, 60_000))[0] is None
        )

    def test_is_the_one_camera_that_is_there_throughout(self) -> None:
        lesson = [camera("a", "ann", 0, 60_000), camera("b", "bob", 10_000, 49_000 - 2000)]
        assert found(*lesson)[0] == "ann"
        assert "80 %" in found(*lesson)[1]

    def test_is_nobody_where_two_cameras_are_there_throughout(self) -> None:
        assert found(camera("a", "ann", 0, 60_000), camera("b", "bob", 1000, 59_000))[0] is None

    def test_is_nobody_anonymous(self) -> None:
        assert found(HIDDEN, screen("s", "Student 3", 5000, 30_000), cast=CAST)[0] is None

    @pytest.mark.parametrize("layout", ["tiw-1", "tiw-2", "stage", "presenter", "grid"])
    def test_moves_nobody_in_a_layout_that_is_not_reflowed(self, layout: str) -> None:
        lesson = [camera("b", "bob", 0, 60_000), camera("t", "tom", 1000, 59_000)]
        alone, sharing = (
            arranged(*lesson, layout=layout),
            arranged(*lesson, screen("s", "tom", 0, 60_000), layout=layout),
        )
        assert not [f for f in sharing.findings if f.where == "teacher"]
        if layout != "stage":
            where = {p.video_id: p.slot for p in sharing.placements}
            assert {p.video_id: p.slot for p in alone.placements}.items() <= where.items()

    def test_is_told(self) -> None:
        got = arranged(camera("t", "tom", 0, 60_000), screen("s", "tom", 0, 60_000), layout="classroom")
        assert [f.sentence for f in got.findings if f.where == "teacher"] == [
            "tom is taken for the teacher: shares the screen for 1:00."
        ]


class TestAnonymousPeople:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_take_a_place_like_a_camera_and_are_a_silhouette_in_it(self, layout: str) -> None:
        got = arranged(HIDDEN, layout=layout, cast=CAST)
        assert [(c.user, c.span.start, c.span.end) for c in got.cards] == [("Student 3", 5000, 35_000)]
        assert not got.placements

    @pytest.mark.parametrize("layout", ["tiw-1", "tiw-2", "grid"])
    def test_sit_where_they_would_with_their_picture(self, layout: str) -> None:
        others = [camera("a", "ann", 0, 60_000), camera("b", "bob", 7000, 20_000), board("w", 0, 60_000)]
        bob = ANN.model_copy(update={"user": "bob"})
        pictured = HIDDEN.model_copy(update={"hides_picture": False})
        seen = arranged(*others, pictured, layout=layout, reflow=True)
        got = arranged(*others, HIDDEN, layout=layout, cast=CAST.model_copy(update={"people": (ANN, bob, THIRD)}))
        rects = [{slot.name: slot.rect for slot in one.layout.slots} for one in (seen, got)]
        drawn = {(c.span.start, c.span.end, str(rects[1][c.slot])) for c in got.cards}
        assert drawn == {
            (p.span.start, p.span.end, str(rects[0][p.slot])) for p in seen.placements if p.video_id == "x"
        }

    def test_are_never_large(self) -> None:
        got = arranged(
            HIDDEN,
            camera("a", "ann", 5000, 30_000),
            layout="classroom",
            cast=CAST.model_copy(update={"teacher": "Student 3"}),
        )
        widths = {slot.name: slot.rect.width for slot in got.layout.slots}
        assert widths[got.cards[0].slot] < 1000


class TestAuto:
    lesson = (board("w", 0, 60_000), camera("a", "ann", 0, 60_000))

    def test_takes_the_classroom_only_with_a_class_card(self) -> None:
        assert arranged(*self.lesson).layout.name == "tiw-2"
        got = arranged(*self.lesson, cast=CAST)
        assert (got.layout.name, got.reason) == ("classroom", "auto: there is a class card")

    def test_classroom_is_taken_where_no_mixed_stream_serves(self) -> None:
        assert arranged(*self.lesson, layout="auto-classroom").layout.name == "classroom"
        assert arranged(*self.lesson, mix("m", 0, 60_000), layout="auto-classroom").layout.name == "mix"

    @pytest.mark.parametrize("layout", ["grid", "presenter"])
    def test_a_class_card_reflows_grid_and_presenter(self, layout: str) -> None:
        lesson = [*self.lesson, segment("b", StreamKind.CAMERA, "bob", 20_000, 20_000)]
        standing, flowing = arranged(*lesson, layout=layout), arranged(*lesson, layout=layout, cast=CAST)
        assert len({p.slot for p in standing.placements if p.video_id == "a"}) == 1
        assert len({p.slot for p in flowing.placements if p.video_id == "a"}) == 2
        assert arranged(*lesson, layout=layout, reflow=True).layout == flowing.layout

    def test_a_size_is_told_to_change_nothing_in_a_standing_layout(self) -> None:
        got = arranged(*self.lesson, layout="tiw-2", size="1280x720")
        assert got.layout.canvas.width == 1624
        assert [f.sentence for f in got.findings if f.where == "size"] == [
            "Layout tiw-2 is the same throughout: --size changes nothing."
        ]


def test_a_voice_of_somebody_hidden_has_no_card() -> None:
    voice = segment("v", StreamKind.AUDIO, "Voice 1", 0, 60_000)
    known = segment("k", StreamKind.AUDIO, "ann", 0, 60_000)
    got = arranged(board("w", 0, 60_000), voice, known, layout="classroom", cast=CAST)
    assert [card.user for card in got.cards] == ["ann"]
