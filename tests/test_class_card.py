"""A class card is read as it is meant, or refused with the words that mend it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lessons import camera, recording

from assembler.card_file import find_card
from assembler.choices import Role, Show
from assembler.class_card import LARGEST_CARD, ClassCard, parse_card
from assembler.errors import CardMissing, InputError
from assembler.options import load_options, unknown_settings
from assembler.pipeline.timelines import NO_CARD, in_order
from assembler.recording import Recording

PEOPLE = [
    {"id": "t-1", "name": "Ms Wu", "role": "teacher"},
    {"id": "s-1", "name": "Ann"},
    {"id": "s-*", "show": "anonymous"},
    {"id": "*", "show": "no"},
]


def card(**values: Any) -> ClassCard:
    return parse_card(json.dumps(values).encode())


class TestReading:
    def test_an_empty_card_is_a_card(self) -> None:
        assert card() == ClassCard()

    def test_an_id_matches_exactly_then_by_the_longest_beginning(self) -> None:
        found = card(people=PEOPLE)
        assert [found.find(user).show for user in ("t-1", "s-1", "s-2", "x")] == ["yes", "yes", "anonymous", "no"]  # type: ignore[union-attr]
        assert found.find("t-1") == found.people[0]
        assert found.people[0].role is Role.TEACHER

    def test_who_is_not_on_the_card_is_nobody_of_it(self) -> None:
        assert card(people=PEOPLE[:2]).find("s-2") is None

    def test_a_byte_order_mark_is_passed_over(self) -> None:
        assert parse_card(b"\xef\xbb\xbf{}") == ClassCard()

    @pytest.mark.parametrize(
        ("values", "said", "hint"),
        [
            ({"poeple": []}, "no key 'poeple'", "Did you mean people"),
            ({"people": [{"id": "a", "nmae": "Ann"}]}, "no key 'people[0].nmae'", "Did you mean name"),
            ({"people": [{"id": "a", "hide": True}]}, "no key 'people[0].hide'", "Did you mean show"),
            (
                {"people": [{"id": "a"}, {"id": "b"}, {"id": "a"}]},
                "people: two people have one id: [0] and [2]",
                "schema class",
            ),
            ({"people": [{"name": "Ann"}]}, "people[0].id: field required", "schema class"),
            ({"people": [{"id": ""}]}, "people[0].id: string should have at least 1 character", "schema class"),
            ({"people": [{"id": "a", "role": "techer"}]}, "(got 'techer')", "Did you mean teacher"),
            ({"people": [{"id": "a", "show": False}]}, "people[0].show: input should be 'yes', 'no' or", ""),
            ({"timezone": "Asia/Shanhai"}, "(got 'Asia/Shanhai')", "Did you mean Asia/Shanghai"),
            ({"timezone": "../../etc/passwd"}, "timezone: there is no time zone", "schema class"),
            ({"timezone": "Asia"}, "timezone: there is no time zone", "schema class"),
            ({"layout": "../secret.json"}, "layout: string should match", "schema class"),
            ({"chapters": [{"at": -1, "title": "x"}]}, "chapters[0].at", "schema class"),
            ({"title": "two\nlines"}, "title: text without control characters", "schema class"),
            ({"title": "\ud800"}, "title: input should be a valid string", "schema class"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_place(self, values: Any, said: str, hint: str) -> None:
        with pytest.raises(InputError) as caught:
            card(**values)
        assert said in caught.value.sentence
        assert hint in caught.value.hint

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"people: []", "is not JSON: Expecting value"),
            (b"\xff\xfe{}", "is not JSON"),
            (b"[]", "is not an object"),
            (b'{"people": [{"id": "a", "show": "no", "show": "yes"}]}', "the key 'show' is given twice"),
            (b"[" * 100_000, "is not JSON"),
            (b" " * (LARGEST_CARD + 1), "more than 1 MiB"),
        ],
    )
    def test_what_is_no_card_is_refused(self, body: bytes, said: str) -> None:
        with pytest.raises(InputError, match=said):
            parse_card(body)


def lesson(room: str | None = "7") -> Recording:
    return recording([camera("c", "ann", 0, 1000)]).model_copy(update={"room_id": room, "app_id": "14"})


class TestFile:
    def test_the_flag_names_a_file_that_has_to_be_there(self, tmp_path: Path) -> None:
        options = load_options(class_file=str(tmp_path / "class.json"))
        with pytest.raises(InputError, match=r"there is no class card .*class\.json"):
            in_order(lesson(), options)
        (tmp_path / "class.json").write_text('{"title": "Algebra"}')
        found = in_order(lesson(), options).cast.card
        assert found is not None
        assert found.title == "Algebra"

    def test_the_variable_is_a_template_and_a_missing_file_a_note(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASSEMBLER_CLASS", str(tmp_path / "{app}-{room}-{task}.json"))
        assert unknown_settings() == {}
        assert [f.sentence for f in in_order(lesson(), load_options()).findings] == [NO_CARD]
        (tmp_path / "14-7-t1.json").write_text('{"course": "Maths"}')
        assert find_card([lesson()], load_options()) == ClassCard(course="Maths")
        assert in_order(lesson(), load_options()).findings == ()

    def test_a_required_card_is_waited_for(self, tmp_path: Path) -> None:
        options = load_options(class_file=str(tmp_path / "{room}.json"), class_required=True)
        with pytest.raises(CardMissing, match="task t1 has no class card yet") as caught:
            in_order(lesson(), options)
        assert caught.value.retry

    @pytest.mark.parametrize("room", ["../secret", "/etc/passwd", "..", "a/../../secret", "x\0y", None])
    def test_no_room_leads_out_of_the_folder(self, tmp_path: Path, room: str | None) -> None:
        (tmp_path / "secret.json").write_text('{"title": "secret"}')
        (tmp_path / "cards").mkdir()
        options = load_options(class_file=str(tmp_path / "cards" / "{room}.json"))
        assert find_card([lesson(room)], options) is None

    def test_an_unknown_placeholder_is_named(self) -> None:
        with pytest.raises(InputError, match=r"unknown placeholder \{rom\}") as caught:
            in_order(lesson(), load_options(class_file="/etc/{rom}.json"))
        assert "{room}" in caught.value.hint

    def test_a_wrong_card_fails_whatever_named_it(self, tmp_path: Path) -> None:
        (tmp_path / "7.json").write_text("{")
        with pytest.raises(InputError, match=r"7\.json is not JSON"):
            in_order(lesson(), load_options(class_file=str(tmp_path / "{room}.json")))

    def test_a_folder_is_no_card(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be read: Is a directory"):
            in_order(lesson(), load_options(class_file=str(tmp_path)))

    def test_two_results_with_different_cards_are_refused(self, tmp_path: Path) -> None:
        for room in "78":
            (tmp_path / f"{room}.json").write_text(f'{{"title": "{room}"}}')
        with pytest.raises(InputError, match="different class cards"):
            find_card([lesson("7"), lesson("8")], load_options(class_file=str(tmp_path / "{room}.json")))


def test_unknown_people_are_shown_unless_the_card_says_otherwise() -> None:
    assert card().unknown is Show.YES
    assert not card(people=[{"id": "a"}]).hides
    assert card(unknown="anonymous").hides
