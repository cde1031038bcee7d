"""What is drawn on whom, and when: names, cards, frames of who speaks; nothing changes where nothing is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import board, camera, facts, recording, screen

from assembler.choices import Names, Role
from assembler.class_card import ClassCard
from assembler.facts import Facts
from assembler.layout import arrange
from assembler.layout.model import CardPlacement
from assembler.options import load_options
from assembler.people import NOBODY, Cast, Person
from assembler.plan.artwork import ArtworkKind, Overlay, label_margin
from assembler.plan.build import build_plan
from assembler.plan.chunks import cut_chunks, cut_frame, split_chunk
from assembler.plan.model import Mode, Plan
from assembler.recording import Segment
from assembler.timeline import build_timeline
from assembler.times import Frame, PlayMs, Span

ANNA = Person(user="anna", name="Anna Müller", role=Role.TEACHER)
BEN = Person(user="ben", name="", role=Role.STUDENT)
THIRD = Person(user="Student 3", name="Student 3", role=Role.STUDENT, is_anonymous=True)
CAST = Cast(people=(ANNA, BEN, THIRD), card=ClassCard())
CLASS = [
    board("w", 0, 12_000),
    camera("a1", "anna", 0, 4_000),
    camera("a2", "anna", 4_000, 4_000),
    camera("b", "ben", 2_000, 6_000),
    screen("s", "anna", 3_000, 2_000),
]
KNOWN = [facts("w", 12_000), facts("a1", 4_000), facts("a2", 4_000), facts("b", 6_000), facts("s", 2_000)]


def planned(
    segments: Sequence[Segment] = CLASS,
    known: Sequence[Facts] = KNOWN,
    cast: Cast = CAST,
    cards: Sequence[tuple[str, str, int, int]] = (),
    speaking: dict[str, list[tuple[int, int]]] | None = None,
    **options: Any,
) -> Plan:
    """``cards``: slot, user, start and end in s; ``speaking``: start and end in ms."""
    found, chosen = {f.video_id: f for f in known}, load_options(**{"layout": "tiw-2", **options})
    timeline = build_timeline(recording(segments), found)
    said = {user: [span(*one) for one in spans] for user, spans in (speaking or {}).items()}
    arrangement = arrange(timeline, found, {}, chosen, cast, said)
    drawn = tuple(CardPlacement(slot=s, user=u, span=span(a * 1000, b * 1000)) for s, u, a, b in cards)
    arrangement = arrangement.model_copy(update={"cards": drawn})
    return build_plan(timeline, arrangement, found, chosen, segments=segments, cast=cast, speaking=said)


def span(start: int, end: int) -> Span:
    return Span(start=PlayMs(start), end=PlayMs(end))


def drawn(plan: Plan) -> list[tuple[str, ArtworkKind, str, int, int]]:
    """Slot, kind, text, first and end of all overlays."""
    return [(lane.slot, o.artwork.kind, o.artwork.text, o.first, o.end) for lane in plan.lanes for o in lane.overlays]


LABEL, CARD, SILHOUETTE, FRAME = ArtworkKind


def test_names_of_the_card_are_on_cameras_for_as_long_as_they_are_seen() -> None:
    assert drawn(planned()) == [("user 1", LABEL, "Anna Müller", 0, 120)]
    lane = next(lane for lane in planned().lanes if lane.overlays)
    label = lane.overlays[0]
    assert label.x == label_margin(lane.rect.height)
    assert label.y + label.artwork.height + label.x == lane.rect.height
    assert label.artwork.width == lane.rect.width - 2 * label.x


def test_ids_are_on_all_cameras_and_off_draws_none() -> None:
    ids = [("user 1", LABEL, "anna", 0, 120), ("user 2", LABEL, "ben", 30, 120)]
    assert drawn(planned(names="ids")) == drawn(planned(names="ids", cast=NOBODY)) == ids
    assert drawn(planned(names="off")) == drawn(planned(cast=NOBODY)) == []


def test_a_window_has_the_names_of_its_part() -> None:
    start, end = PlayMs(3_000), PlayMs(9_000)
    assert drawn(planned(start=start, end=end, names="ids")) == [
        ("user 1", LABEL, "anna", 0, 75), ("user 2", LABEL, "ben", 0, 75),
    ]  # fmt: skip
    cards = [("user 1", "anna", 8, 12)]
    assert (("user 1", CARD, "Anna Müller", 75, 90)) in drawn(planned(start=start, end=end, cards=cards))


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (Names.ON, [(CARD, "Anna Müller"), (CARD, "ben"), (SILHOUETTE, "Student 3"), (CARD, "stranger")]),
        (Names.IDS, [(CARD, "anna"), (CARD, "ben"), (SILHOUETTE, "Student 3"), (CARD, "stranger")]),
        (Names.OFF, [(SILHOUETTE, "")] * 4),
    ],
)
def test_cards_stand_for_people_without_a_picture(names: Names, texts: list[tuple[ArtworkKind, str]]) -> None:
    cards = [("user 4", user, 2 * i, 2 * i + 2) for i, user in enumerate(["anna", "ben", "Student 3", "stranger"])]
    plan = planned(cards=cards, names=names)
    found = [(kind, text) for slot, kind, text, *_ in drawn(plan) if slot == "user 4"]
    assert found == texts
    lane = next(lane for lane in plan.lanes if lane.slot == "user 4")
    assert lane.pieces == ()
    assert all((o.artwork.width, o.artwork.height) == (lane.rect.width, lane.rect.height) for o in lane.overlays)


def test_a_frame_is_around_who_speaks_while_seen() -> None:
    said = {"anna": [(1_000, 2_000), (7_500, 9_000)], "ben": [(0, 2_500)], "nobody": [(0, 9_000)]}
    assert drawn(planned(speaking=said, names="off")) == []
    assert drawn(planned(speaking=said, names="off", speaker_frame=True)) == [
        ("user 1", FRAME, "", 15, 30), ("user 1", FRAME, "", 113, 120), ("user 2", FRAME, "", 30, 38),
    ]  # fmt: skip


def test_where_speech_is_not_known_yet_it_is_asked_for() -> None:
    found = {f.video_id: f for f in KNOWN}
    timeline = build_timeline(recording(CLASS), found)
    for is_wanted in (False, True):
        options = load_options(layout="tiw-2", speaker_frame=is_wanted)
        assert arrange(timeline, found, {}, options, NOBODY).wants_speech is is_wanted
        assert not arrange(timeline, found, {}, options, NOBODY, {}).wants_speech


def test_small_cameras_have_no_names() -> None:
    assert drawn(planned(names="ids", layout="tiw-1")) != []
    crowd = [camera(f"c{i}", f"u{i}", 0, 4_000) for i in range(5)]
    sizes = {lane.rect.width for lane in planned(crowd, [facts(s.video_id, 4_000) for s in crowd]).lanes}
    assert min(sizes) >= 96


def test_a_copied_picture_stays_a_copy_and_the_missing_name_is_told() -> None:
    alone = [camera("a", "anna", 0, 4_000)]
    known = [facts("a", 4_000, size=(1280, 720), stamps=tuple(range(0, 61_440, 1024)))]
    plan = planned(alone, known, layout="stage")
    assert plan.mode is Mode.COPY
    assert "no names are drawn" in " ".join(f.sentence for f in plan.findings)
    assert planned(alone, known, layout="stage", cast=NOBODY).findings == ()
    carded = planned(alone, known, layout="stage", cards=[("user 1", "anna", 3, 4)])
    assert (carded.mode, carded.mode_reason) == (Mode.ENCODE, "cards are drawn for people without a picture")


def test_a_plan_without_names_is_written_as_it_always_was() -> None:
    plan = planned(cast=NOBODY)
    assert "overlays" not in plan.model_dump_json()
    assert "overlays" not in cut_frame(plan, {f.video_id: f for f in KNOWN}, Frame(30)).model_dump_json()
    named = planned()
    assert Plan.model_validate_json(named.model_dump_json()) == named


@given(st.lists(st.integers(1, 179), max_size=5), st.integers(1, 40))
def test_chunks_together_draw_what_the_plan_draws_at_every_frame(borders: list[int], cut: int) -> None:
    said = {"anna": [(1_000, 2_000), (7_500, 9_000)], "ben": [(0, 2_500)]}
    plan = planned(speaking=said, names="ids", speaker_frame=True, cards=[("user 1", "anna", 9, 11)])
    known = {f.video_id: f for f in KNOWN}
    chunks = cut_chunks(plan, known, [Frame(at) for at in sorted({0, 180, *borders})])
    for chunk in [part for one in chunks for part in split_chunk(one, known, min(cut, one.frames))]:
        tiles = {tile.rect: tile.overlays for tile in chunk.tiles}
        for frame in range(chunk.first, chunk.end):
            for lane in plan.lanes:
                assert shown(tiles.get(lane.rect, ()), frame) == shown(lane.overlays, frame)
        assert all(chunk.first <= o.first < o.end <= chunk.end for overlays in tiles.values() for o in overlays)
        assert Fraction(15) == chunk.fps


def shown(overlays: Sequence[Overlay], frame: int) -> list[str]:
    return [o.artwork.model_dump_json() for o in overlays if o.first <= frame < o.end]
