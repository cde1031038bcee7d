"""The neutral dialect written by hand, and bodies that are absurd or full of one mistake."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from assembler.dialects import DIALECTS, parse
from assembler.dialects.neutral import FORMS
from assembler.errors import InputError
from assembler.findings import Severity
from assembler.options import load_options
from assembler.pipeline.timelines import timeline_only
from assembler.report.recordings import describe_recordings
from assembler.timeline import build_timeline
from assembler.timeline.build import NoLength
from dialects.bodies import online, video

LEAST = {"kind": "camera", "user": "ann", "play_time": 0, "url": "https://a.example/1.mp4"}


@pytest.mark.parametrize("told", [1999.9999999999998, 2000.4, 1999.5])
def test_fractions_are_rounded(told: float) -> None:
    [segment] = parse(json.dumps({"segments": [{**LEAST, "play_time": told, "duration": told}]})).segments
    assert (segment.play_time, segment.duration) == (2000, 2000)
    assert parse(json.dumps({"segments": [LEAST], "total": told, "start": told})).total == 2000


def test_the_least_form_can_be_looked_at() -> None:
    recording = parse(json.dumps({"segments": [LEAST]}))
    with pytest.raises(NoLength):
        timeline_only(recording, load_options())
    assert "camera of ann: from 0:00 [segment-1]" in describe_recordings([recording], None)


def refused(**changed: object) -> InputError:
    with pytest.raises(InputError) as caught:
        parse(json.dumps({"dialect": "neutral", "segments": [LEAST], **changed}))
    return caught.value


@pytest.mark.parametrize(
    ("changed", "sentence", "hint"),
    [
        ({"start": "2024-06-10T09:00:00Z"}, 'start is "2024-06-10T09:00:00Z", expected a whole number', '"start": 17'),
        ({"total": "x"}, 'total is "x", expected a whole number', '"total": 15000 (ms)'),
        ({"room_id": 7}, "room_id is 7, expected text", '"room_id": "'),
        ({"omissions": 7}, "omissions is 7, expected a list", '"omissions": [{"at": '),
        ({"omissions": [{"at": 5, "pause": 6}]}, "omissions[0].resume is missing", '"resume": 17'),
        ({"segments": [{**LEAST, "play_time": "abc"}]}, 'play_time is "abc", expected a whole number', '"play_time": '),
        ({"segments": [{**LEAST, "user": 7}]}, "segments[0].user is 7, expected text", '"user": "ann"'),
        ({"segments": [{"kind": "camera"}]}, "play_time is missing, expected ms on the playback; or wall", '"wall": "'),
        ({"segments": [{**LEAST, "parts": {"a": 1}}]}, "parts is an object, expected a list", '"parts": ["'),
        ({"segments": [[1]]}, "segments[0] is a list, expected an object", "The least one:"),
        ({"segments": {}}, "segments is an object, expected a list", "The least one:"),
        ({"segments": []}, "segments is empty or missing", "The least one:"),
    ],
)  # fmt: skip
def test_a_mistake_shows_how_that_field_is_written(changed: dict[str, object], sentence: str, hint: str) -> None:
    error = refused(**changed)
    assert sentence in error.sentence
    assert hint in error.hint
    assert "vendor" not in error.hint


def test_every_field_that_may_be_written_by_hand_has_an_example() -> None:
    table = (
        (Path(__file__).parents[2] / "README.md")
        .read_text()
        .partition("### Recordings of another system")[2]
        .partition("\n### ")[0]
    )
    cells = re.findall(r"^\| (`.*?`(?:, `\w+`)*) \|", table, re.MULTILINE)
    names = {name for cell in cells for name in re.findall(r"(?:segments\[\]\.)?(\w+)(?:\[\])?`", cell)}
    assert {"wall", "duration", "stop", "longest_hold"} <= names
    assert names <= FORMS.keys() | {"segments"}, "what the README's table names"
    assert FORMS.keys() >= {"at", "pause", "resume"}


@pytest.mark.parametrize("at", [1e300, -1e300, 10**15])
def test_an_absurd_place_of_a_pause_is_a_finding(at: float) -> None:
    pause = {"at": at, "pause": 1_568_949_378_000, "resume": 1_568_949_388_000}
    told = {"segments": [{**LEAST, "duration": 9000}], "start": 1_568_949_369_000, "total": 9000, "omissions": [pause]}
    recording = parse(json.dumps(told))
    assert [o.at for o in recording.omissions] == [None]
    assert "omissions[0].at" in {f.where for f in recording.findings}
    assert build_timeline(recording).length == 9000


@pytest.mark.parametrize("told", ["-1000", "1e400", "-1e400"])
@pytest.mark.parametrize("field", ["duration", "total", "start"])
def test_what_is_no_length_or_instant_is_ignored_and_told(field: str, told: str) -> None:
    body: dict[str, Any] = {"segments": [{**LEAST, "video_id": "a"}]}
    (body["segments"][0] if field == "duration" else body)[field] = "HERE"
    recording = parse(json.dumps(body).replace('"HERE"', told))
    assert (recording.segments[0].duration, recording.total, recording.start) == (None, None, None)
    (found,) = recording.findings
    assert found.severity is Severity.WARNING
    assert "ignored" in found.sentence


def test_a_dialect_that_nobody_knows_is_refused_and_every_known_one_is_read() -> None:
    error = refused(dialect="neutrall")
    assert error.sentence == 'dialect is "neutrall", no dialect of this version'
    assert error.hint.startswith("Did you mean neutral? ")
    assert "Did you mean" not in refused(dialect="of my own").hint
    for row in DIALECTS:
        assert parse(json.dumps({"dialect": row.name, "segments": [LEAST]})).dialect == row.name


@pytest.mark.parametrize("size", [10**12, 1e300, -(10**12)])
def test_an_absurd_size_is_forgotten_and_the_class_is_read(size: float) -> None:
    recording = parse(online(video(), video(VideoId="v2", VideoSize=size, UserId="bob")))
    assert [s.size for s in recording.segments][1] is None
    recording = parse(json.dumps({"segments": [{**LEAST, "size": size}]}))
    assert recording.segments[0].size is None
    assert recording.findings


def test_a_start_in_seconds_is_told() -> None:
    recording = parse(json.dumps({"segments": [LEAST], "start": 1_718_010_000}))
    assert recording.start == 1_718_010_000
    [finding] = [f for f in recording.findings if f.where == "start"]
    assert finding.severity is Severity.WARNING
    assert "1970-01-20" in finding.sentence
    assert "by 1000" in finding.sentence
    right = parse(json.dumps({"segments": [LEAST], "start": 1_718_010_000_000}))
    assert [f for f in right.findings if f.where == "start"] == []


def test_many_findings_of_one_kind_are_folded() -> None:
    recording = parse(online(video(), *[{"VideoType": 77}] * 519))
    assert len(recording.findings) == 21
    assert "And 499 more" in recording.findings[-1].sentence
    assert parse(recording.model_dump_json()) == recording


class TestWall:
    """Instants in place of play times."""

    def placed(self, *walls: object, **more: object) -> tuple[int | None, list[int]]:
        segments = [{**LEAST, "video_id": f"v{n}", "wall": wall} for n, wall in enumerate(walls)]
        for one in segments:
            del one["play_time"]
        recording = parse(json.dumps({"segments": segments, **more}))
        return recording.start, [s.play_time for s in recording.segments]

    def test_the_first_file_begins_the_playback_whatever_the_unit(self) -> None:
        at = 1_790_000_000_400
        walls = (at + 5_000, at, str(at * 1000 + 250_000), at * 10**6 + 1, "2026-09-21T14:14:41.400Z", 1_790_000_003)
        assert self.placed(*walls) == (at, [5_000, 0, 250, 0, 81_000, 2_600])

    def test_a_start_before_it_counts_one_behind_it_loses_nothing(self) -> None:
        at = 1_790_000_000_400
        assert self.placed(at, start=at - 400) == (at - 400, [400])
        assert self.placed(at, start=at + 400) == (at, [0])

    @pytest.mark.parametrize("wall", ["soon", "2026-09-21T13:33:21", True, None, -5, 1e300, 10**25, []])
    def test_what_is_no_instant_is_refused_by_name(self, wall: object) -> None:
        with pytest.raises(InputError, match=r"segments\[0\].wall .* expected Unix s, ms"):
            self.placed(wall)

    def test_both_places_are_one_too_many(self) -> None:
        with pytest.raises(InputError, match="play_time or wall, not both"):
            parse(json.dumps({"segments": [{**LEAST, "wall": 1_790_000_000}]}))


def test_what_other_systems_tell_is_read_and_kept() -> None:
    told = {**LEAST, "kind": "screen_audio", "name": "Ann", "is_stamped": True}
    recording = parse(json.dumps({"segments": [told], "longest_hold": 2000}))
    (segment,) = recording.segments
    assert (segment.kind.is_sound, segment.name, segment.is_stamped, recording.longest_hold) == (
        True,
        "Ann",
        True,
        2000,
    )
    again = parse(recording.model_dump_json())
    assert again == recording
