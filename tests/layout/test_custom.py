"""The vendor's CustomLayout JSON as a layout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.choices import Fill
from assembler.errors import InputError
from assembler.layout import load_custom
from assembler.layout.custom import colour_of
from assembler.layout.model import Accepts, Layout, Rect
from layout.arranging import LAYOUT_FILES


def load(name: str) -> Layout:
    return load_custom((LAYOUT_FILES / f"{name}.json").read_text("utf-8"), name)


def body(place: dict[str, Any] | None = None, **stream: Any) -> dict[str, Any]:
    """A layout with one slot."""
    params = {"X": 0, "Y": 0, "Width": 320, "Height": 240, "ZOrder": 0, **(place or {})}
    canvas = {"LayoutParams": {"Width": 640, "Height": 480}, "BackgroundColor": "#000000"}
    return {"Canvas": canvas, "InputStreamList": [{"InputStreamId": "", "LayoutParams": params, **stream}]}


def loaded(given_body: Any) -> Layout:
    return load_custom(json.dumps(given_body), "mine")


@pytest.mark.parametrize("path", sorted(LAYOUT_FILES.glob("*.json")), ids=lambda path: path.stem)
def test_every_example_is_even_and_inside_its_canvas(path: Any) -> None:
    layout = load(path.stem)
    whole = Rect(x=0, y=0, width=layout.canvas.width, height=layout.canvas.height)
    rects = [slot.rect for slot in layout.slots]
    assert rects
    assert all(whole.covers(rect) for rect in rects)
    assert all(n % 2 == 0 for r in [whole, *rects] for n in (r.x, r.y, r.width, r.height))


class TestAClassOfFour:
    layout = load("class-of-four")

    def test_stream_ids_say_who_may_take_a_slot(self) -> None:
        assert [(s.name, s.accepts, s.user) for s in self.layout.slots] == [
            ("board", Accepts.WHITEBOARD, ""),
            ("screen", Accepts.SCREEN, ""),
            ("teacher", Accepts.USER, "teacher"),
            ("user 1", Accepts.USER, ""),
            ("user 2", Accepts.USER, ""),
        ]

    def test_fill_modes(self) -> None:
        assert [s.fill for s in self.layout.slots] == [Fill.FIT, Fill.FIT, Fill.CROP, Fill.FIT, Fill.FIT]

    def test_colours_are_black_where_none_is_given(self) -> None:
        assert self.layout.canvas.background == "#34363B"
        assert [s.background for s in self.layout.slots] == ["#000000", "#102030", "#000000", "#000000", "#000000"]

    def test_places_and_order_are_as_written(self) -> None:
        assert [(s.rect.x, s.rect.y, s.rect.width, s.rect.height, s.z) for s in self.layout.slots[1:4]] == [
            (0, 0, 960, 720, 2),
            (960, 0, 320, 240, 3),
            (960, 240, 320, 240, 3),
        ]


class TestOddNumbers:
    def test_an_odd_canvas_grows_at_right_and_bottom(self) -> None:
        canvas = load("odd").canvas
        assert (canvas.width, canvas.height) == (642, 362)

    def test_slots_that_touch_on_an_odd_pixel_still_touch(self) -> None:
        board, upper, lower = (slot.rect for slot in load("odd").slots)
        assert board.right == upper.x == lower.x
        assert upper.bottom == lower.y
        assert (lower.right, lower.bottom) == (642, 362)

    @given(st.lists(st.tuples(st.integers(0, 598), st.integers(2, 600)), min_size=2, max_size=6))
    def test_slots_that_did_not_overlap_do_not_begin_to(self, columns: list[tuple[int, int]]) -> None:
        ranges = [(x, min(width, 600 - x)) for x, width in columns]
        places = [{"InputStreamId": "", "LayoutParams": {"X": x, "Width": w, "Height": 2}} for x, w in ranges]
        canvas = {"LayoutParams": {"Width": 600, "Height": 2}}
        rects = [slot.rect for slot in loaded({"Canvas": canvas, "InputStreamList": places}).slots]
        for (x, w), rect in zip(ranges, rects, strict=True):
            assert abs(rect.x - x) <= 1
            assert abs(rect.right - (x + w)) <= 1
            for (other_x, other_w), other in zip(ranges, rects, strict=True):
                if x + w <= other_x or other_x + other_w <= x:
                    assert not rect.meets(other)


class TestStreamIds:
    @pytest.mark.parametrize(
        ("stream_id", "accepts", "user"),
        [
            ("tic_record_user", Accepts.WHITEBOARD, ""),
            ("tic_record_user_1234_01", Accepts.WHITEBOARD, ""),
            ("tic_substream", Accepts.SCREEN, ""),
            ("tic_substream_ann", Accepts.SCREEN, "ann"),
            ("tic_substream__ann", Accepts.SCREEN, "_ann"),
            ("tic_mixstream_7_3", Accepts.MIX, ""),
            ("tic_substreamer", Accepts.USER, "tic_substreamer"),
            ("tic", Accepts.USER, "tic"),
            ("", Accepts.USER, ""),
            (None, Accepts.USER, ""),
        ],
    )
    def test_say_who_may_take_the_slot(self, stream_id: str | None, accepts: Accepts, user: str) -> None:
        slot = loaded(body(InputStreamId=stream_id)).slots[0]
        assert (slot.accepts, slot.user) == (accepts, user)

    @given(st.lists(st.sampled_from(["", "user", "user 1", "user 2", "board", "board 2", "tic_record_user", "ann"])))
    def test_never_give_two_slots_one_name(self, stream_ids: list[str]) -> None:
        given_body = body()
        stream = given_body["InputStreamList"][0]
        given_body["InputStreamList"] = [{**stream, "InputStreamId": stream_id} for stream_id in stream_ids]
        names = [slot.name for slot in loaded(given_body).slots]
        assert len(set(names)) == len(stream_ids)


class TestTolerated:
    def test_the_parameter_around_it(self) -> None:
        assert loaded({"MixStream": {"Enabled": True, "Custom": body()}}) == loaded(body())

    def test_what_is_not_ours_and_null_where_there_is_a_default(self) -> None:
        full = body(RenderMode=3)
        stream = full["InputStreamList"][0] | {"FillMode": None, "BackgroundColor": None}
        stream["LayoutParams"] |= {"X": None, "ZOrder": None}
        assert loaded({**full, "InputStreamList": [stream], "Version": 2}) == loaded(body())

    def test_the_smallest_and_the_largest(self) -> None:
        for side in (2, 3000):
            given_body = body({"Width": side, "Height": side})
            given_body["Canvas"]["LayoutParams"] = {"Width": side, "Height": side}
            assert loaded(given_body).canvas.width == side


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in body().items() if name != key}


class TestRefused:
    @pytest.mark.parametrize(
        ("given_body", "parts"),
        [
            (without("Canvas"), ["Canvas is missing"]),
            (without("InputStreamList"), ["InputStreamList is missing"]),
            (body({"Width": 1}), ["InputStreamList.0.LayoutParams.Width", "2", "got 1"]),
            (body({"Height": 3001}), ["InputStreamList.0.LayoutParams.Height", "3000", "got 3001"]),
            (body({"X": -1}), ["InputStreamList.0.LayoutParams.X", "0", "got -1"]),
            (body({"X": 321}), ["InputStreamList.0.LayoutParams", "(321, 0, 320, 240)", "outside", "640 x 480"]),
            (body({"Y": 242}), ["InputStreamList.0.LayoutParams", "(0, 242, 320, 240)", "outside", "640 x 480"]),
            (body({"Width": "wide"}), ["InputStreamList.0.LayoutParams.Width", "integer", "'wide'"]),
            (body({"Width": True}), ["InputStreamList.0.LayoutParams.Width", "whole number", "True"]),
            (body(FillMode=2), ["InputStreamList.0.FillMode", "1", "got 2"]),
            (body(BackgroundColor="red"), ["InputStreamList.0.BackgroundColor", "'red'", "#RRGGBB"]),
            (body(BackgroundColor=7), ["InputStreamList.0.BackgroundColor", "string", "got 7"]),
            (body(InputStreamId="\ud800"), ["InputStreamList.0.InputStreamId", "\\ud800"]),
            ([1], ["the whole", "object", "[1]"]),
            ({**body(), "Canvas": 5}, ["Canvas", "object", "got 5"]),
            ({**body(), "InputStreamList": "x" * 999}, ["InputStreamList", "list", "xxx..."]),
        ],
    )
    def test_names_field_value_and_what_was_expected(self, given_body: Any, parts: list[str]) -> None:
        with pytest.raises(InputError) as caught:
            loaded(given_body)
        assert caught.value.sentence.startswith("layout mine: ")
        assert [part for part in parts if part not in caught.value.sentence] == []
        assert len(caught.value.sentence) < 250
        assert caught.value.hint

    @pytest.mark.parametrize("text", ["", "{", "{'Canvas': 1}", "[" * 100_000, "9" * 5000])
    def test_what_is_not_json_says_so(self, text: str) -> None:
        with pytest.raises(InputError, match="layout mine"):
            load_custom(text, "mine")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["Canvas", "LayoutParams", "InputStreamList", "Width", "Custom"]), inner
                )
            ),
        )
    )
    def test_any_other_json_is_an_input_error(self, value: Any) -> None:
        with pytest.raises(InputError):
            loaded(value)


class TestColours:
    @pytest.mark.parametrize(
        ("text", "colour"),
        [
            ("#34363B", "#34363B"),
            ("#34363b", "#34363B"),
            ("0x34363B", "#34363B"),
            ("0X34363b", "#34363B"),
            ("34363B", "#34363B"),
            ("#abc", "#AABBCC"),
            (" #000000 ", "#000000"),
        ],
    )
    def test_are_read_in_every_way_they_are_written(self, text: str, colour: str) -> None:
        assert colour_of(text, "background") == colour

    @pytest.mark.parametrize("text", ["", "red", "#12345", "#1234567", "0x12", "#GGGGGG", "rgb(1,2,3)", "#000000:x=1"])
    def test_are_refused_where_they_are_none(self, text: str) -> None:
        with pytest.raises(InputError, match=r"background: .* is not a colour as #RRGGBB"):
            colour_of(text, "background")
