"""People whom nobody names are told apart where one track would show only one of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.dialects import parse
from assembler.dialects.segments import MOST_OVERLAP
from assembler.options import load_options
from assembler.pipeline.decide import decide
from assembler.pipeline.timelines import in_order
from assembler.recording import Recording
from assembler.segment_files import SegmentFiles


def read(*files: tuple[str, int, int | None], **more: Any) -> Recording:
    entries = [
        {"kind": "camera", "video_id": name, "play_time": at, **({"duration": length} if length else {}), **more}
        for name, at, length in files
    ]
    return parse(json.dumps({"segments": entries}))


def users(recording: Recording) -> dict[str, str]:
    return {segment.video_id: segment.user for segment in recording.segments}


@pytest.mark.parametrize(
    ("files", "called"),
    [
        ([("a", 0, 5000), ("b", 5000, 5000)], {"a": "", "b": ""}),
        ([("a", 0, 5000), ("b", 5000 - MOST_OVERLAP, 5000)], {"a": "", "b": ""}),
        ([("a", 0, 5000), ("b", 5000 - MOST_OVERLAP - 1, 5000)], {"a": "", "b": "b"}),
        ([("b", 2000, 9000), ("a", 0, 5000), ("c", 6000, 1000)], {"a": "", "b": "b", "c": ""}),
        (
            [("a", 0, 9000), ("b", 0, 2000), ("c", 3000, 2000), ("d", 3000, 2000)],
            {"a": "", "b": "b", "c": "b", "d": "d"},
        ),
        ([("a", 0, None), ("b", 3000, None)], {"a": "", "b": ""}),
    ],
)
def test_who_overlaps_is_another(files: list[tuple[str, int, int | None]], called: dict[str, str]) -> None:
    recording = read(*files)
    assert users(recording) == called
    said = [finding.where for finding in recording.findings if "another person's" in finding.sentence]
    assert said == [name for name, user in called.items() if user == name]
    assert parse(recording.model_dump_json()) == recording


def test_who_has_a_name_and_what_is_nobodys_stays() -> None:
    assert users(read(("a", 0, 5000), ("b", 0, 5000), user="ann")) == {"a": "ann", "b": "ann"}
    board = {"kind": "mix", "play_time": 0, "duration": 5000}
    recording = parse(json.dumps({"segments": [{**board, "video_id": "a"}, {**board, "video_id": "b"}]}))
    assert users(recording) == {"a": "", "b": ""}


def test_nobody_is_called_as_somebody_who_has_a_name() -> None:
    named = {"kind": "camera", "play_time": 0, "duration": 5000, "user": "b", "video_id": "c"}
    nameless = [{"kind": "camera", "play_time": 0, "duration": 5000, "video_id": name} for name in "ab"]
    assert users(parse(json.dumps({"segments": [named, *nameless]}))) == {"c": "b", "a": "", "b": "b'"}


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 30_000)), min_size=1, max_size=8))
def test_nothing_of_a_nameless_camera_is_left_out(places: list[tuple[int, int]]) -> None:
    recording = read(*((f"v{n}", at, length) for n, (at, length) in enumerate(places)))
    options = load_options(layout="grid")
    timeline, _ = decide(in_order(recording, options), SegmentFiles(), options)
    shown: dict[str, int] = {}
    for _, clip in timeline.clips():
        shown[clip.video_id] = shown.get(clip.video_id, 0) + clip.span.length
    for segment in recording.segments:
        assert shown.get(segment.video_id, 0) >= (segment.duration or 0) - 2 * MOST_OVERLAP
