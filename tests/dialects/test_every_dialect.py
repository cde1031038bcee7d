from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import VENDOR_KINDS, WRITERS, examples, recordings, write_body

from assembler.dialects import DIALECTS, detect, parse
from assembler.dialects.systems import SYSTEMS
from assembler.errors import InputError
from assembler.findings import Severity
from assembler.recording import Recording, Segment

EVERY_FORM = [(name, variant) for name, forms in WRITERS.items() for variant in range(len(forms))]


def essence(segment: Segment) -> tuple[object, ...]:
    """What every dialect says about a segment."""
    s = segment
    return (s.video_id, s.kind, s.user, s.play_time, s.duration, s.format, s.size, s.url)


def test_every_dialect_of_the_table_is_written_by_these_tests() -> None:
    assert set(WRITERS) == {dialect.name for dialect in DIALECTS if dialect not in SYSTEMS}, (
        "those have tests of their own"
    )


@pytest.mark.parametrize(("name", "variant"), EVERY_FORM)
class TestEveryDialect:
    @given(recording=recordings(kinds=VENDOR_KINDS))
    @examples(25)
    def test_the_same_lesson_agrees(self, name: str, variant: int, recording: Recording) -> None:
        parsed = parse(write_body(name, recording, variant))
        assert [essence(s) for s in parsed.segments] == [essence(s) for s in recording.segments]
        assert (parsed.room_id, parsed.start, parsed.total) == (recording.room_id, recording.start, recording.total)
        assert [f for f in parsed.findings if f.severity is Severity.WARNING] == []

    @given(recording=recordings(kinds=VENDOR_KINDS))
    @examples(10)
    def test_it_is_recognised(self, name: str, variant: int, recording: Recording) -> None:
        body = write_body(name, recording, variant)
        assert detect(json.loads(body)).name == name
        assert parse(body).dialect == name

    @given(recording=recordings(kinds=VENDOR_KINDS), data=st.data())
    @examples(10)
    def test_the_order_of_the_segments_means_nothing(
        self, name: str, variant: int, recording: Recording, data: st.DataObject
    ) -> None:
        shuffled = recording.model_copy(update={"segments": tuple(data.draw(st.permutations(recording.segments)))})
        one, other = parse(write_body(name, recording, variant)), parse(write_body(name, shuffled, variant))
        assert set(one.segments) == set(other.segments)

    @given(recording=recordings(kinds=VENDOR_KINDS))
    @examples(10)
    def test_what_it_parses_to_is_read_back_equal(self, name: str, variant: int, recording: Recording) -> None:
        parsed = parse(write_body(name, recording, variant))
        assert parse(parsed.model_dump_json()) == parsed


@given(recording=recordings(kinds=VENDOR_KINDS))
@examples(30)
def test_the_dialects_that_know_omissions_agree_on_them(recording: Recording) -> None:
    for name in ("online-event", "api-response", "api-object", "record-search", "neutral"):
        parsed = parse(write_body(name, recording))
        assert parsed.omissions == recording.omissions
        assert (parsed.stop, parsed.finish_reason) == (recording.stop, recording.finish_reason)
        assert (parsed.exception_count, parsed.interrupts) == (recording.exception_count, recording.interrupts)


def test_two_levels_with_videos_are_ambiguous() -> None:
    result = {"video_info": [{"video_type": 0, "video_play_time": 0}]}
    wrapped = {"VideoInfos": [{"VideoType": 0, "VideoPlayTime": 0}]}
    with pytest.raises(InputError, match=r"ambiguous: video_info and Response\.VideoInfos"):
        parse(json.dumps({**result, "Response": wrapped}))


def test_both_spellings_with_videos_are_ambiguous() -> None:
    data = {"VideoInfos": [{"VideoType": 0}], "video_info": [{"video_type": 0}]}
    with pytest.raises(InputError, match=r"EventData\.video_info and EventData\.VideoInfos both carry videos"):
        parse(json.dumps({"EventType": "OnlineRecordFinished", "EventData": data}))


def test_a_second_list_that_is_empty_is_not_ambiguous() -> None:
    body = {"video_info": [], "Response": {"VideoInfos": [{"VideoType": 2, "VideoPlayTime": 0, "VideoId": "a"}]}}
    assert [s.video_id for s in parse(json.dumps(body)).segments] == ["a"]


def test_an_event_whose_data_is_spelled_as_in_v1_is_read() -> None:
    data = {"task_id": "t", "video_info": [{"video_type": 2, "video_play_time": 7, "video_id": "a"}]}
    recording = parse(json.dumps({"EventType": "OnlineRecordFinished", "EventData": data}))
    assert (recording.task_id, recording.segments[0].play_time) == ("t", 7)


def test_an_event_of_an_unknown_type_with_videos_is_read_with_a_note() -> None:
    data = {"TaskId": "t", "VideoInfos": [{"VideoType": 2, "VideoPlayTime": 0, "VideoId": "a"}]}
    recording = parse(json.dumps({"EventType": "VideoGenerated", "EventData": data}))
    assert [(f.severity, f.where) for f in recording.findings] == [(Severity.NOTE, "EventType")]
