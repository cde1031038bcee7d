"""The neutral dialect written by hand, and bodies that are absurd or full of one mistake."""

from __future__ import annotations

import json

import pytest

from assembler.dialects import parse
from assembler.errors import InputError
from assembler.options import load_options
from assembler.pipeline.decide import timeline_only
from assembler.report.text import describe_recordings
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


def test_a_mistake_shows_how_the_dialect_is_written() -> None:
    with pytest.raises(InputError) as caught:
        parse(json.dumps({"segments": [{**LEAST, "play_time": "soon"}]}))
    assert caught.value.hint.startswith("The least one:")
    assert "vendor" not in caught.value.hint


@pytest.mark.parametrize("at", [1e300, -1e300, 10**15])
def test_an_absurd_place_of_a_pause_is_a_finding(at: float) -> None:
    pause = {"at": at, "pause": 1_568_949_378_000, "resume": 1_568_949_388_000}
    told = {"segments": [{**LEAST, "duration": 9000}], "start": 1_568_949_369_000, "total": 9000, "omissions": [pause]}
    recording = parse(json.dumps(told))
    assert [o.at for o in recording.omissions] == [None]
    assert "omissions[0].at" in {f.where for f in recording.findings}
    assert build_timeline(recording).length == 9000


@pytest.mark.parametrize("size", [10**12, 1e300, -(10**12)])
def test_an_absurd_size_is_forgotten_and_the_class_is_read(size: float) -> None:
    recording = parse(online(video(), video(VideoId="v2", VideoSize=size, UserId="bob")))
    assert [s.size for s in recording.segments][1] is None
    recording = parse(json.dumps({"segments": [{**LEAST, "size": size}]}))
    assert recording.segments[0].size is None
    assert recording.findings


def test_many_findings_of_one_kind_are_folded() -> None:
    recording = parse(online(video(), *[{"VideoType": 77}] * 519))
    assert len(recording.findings) == 21
    assert "And 499 more" in recording.findings[-1].sentence
    assert parse(recording.model_dump_json()) == recording
