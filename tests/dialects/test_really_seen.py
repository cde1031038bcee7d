"""What results really contain: none of it refuses a class, and nothing is skipped without a word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assembler.dialects import parse
from assembler.errors import InputError
from assembler.findings import Severity, Verdict, judge
from assembler.recording import Omission, Recording, StreamKind
from assembler.times import PlayMs, WallMs
from dialects.bodies import online, video

START = 1_600_000_000
YEARS = 10 * 365 * 86_400_000


def warnings(recording: Recording) -> list[tuple[str, str]]:
    return [(f.where, f.sentence) for f in recording.findings if f.severity is Severity.WARNING]


def ids(recording: Recording) -> list[str]:
    return [s.video_id for s in recording.segments]


def test_null_lists_and_extra_keys_are_no_news() -> None:
    recording = parse(online(video(Extra=[1]), OmittedDurations=None, Interrupts=None, Error=None, ReplayUrl=None))
    assert recording.findings == ()
    assert (recording.omissions, recording.interrupts, recording.error) == ((), (), None)


def test_numbers_may_be_strings_or_floats() -> None:
    entry = video(VideoDuration="900000", VideoPlayTime="25915", VideoSize=1e6, VideoType="2", Width="320")
    recording = parse(online(entry, RecordStartTime=str(START), TotalTime=" 18317 ", RoomId=880528.0))
    [segment] = recording.segments
    assert (segment.duration, segment.play_time, segment.size, segment.width) == (900_000, 25_915, 1_000_000, 320)
    assert segment.kind is StreamKind.WHITEBOARD
    assert (recording.start, recording.total, recording.room_id) == (START * 1000, 18_317, "880528")
    assert recording.findings == ()


@pytest.mark.parametrize(("told", "read"), [(900_000.0, 900_000), (900_000.7, 900_001), (899_999.5, 900_000)])
def test_a_fraction_of_a_millisecond_is_rounded(told: float, read: int) -> None:
    assert parse(online(video(VideoDuration=told, VideoPlayTime=told))).segments[0].duration == read
    assert parse(online(video(VideoDuration=told, VideoPlayTime=told))).segments[0].play_time == read


def test_a_start_of_zero_is_unknown_and_stop_may_equal_start() -> None:
    assert parse(online(RecordStartTime=0, RecordStopTime=0)).start is None
    recording = parse(online(RecordStartTime=START, RecordStopTime=START))
    assert recording.start == recording.stop == START * 1000
    assert recording.findings == ()


@pytest.mark.parametrize("total", [0, -5, None])
def test_a_total_of_nothing_is_unknown(total: object) -> None:
    recording = parse(online(TotalTime=total))
    assert (recording.total, recording.findings) == (None, ())


@pytest.mark.parametrize("duration", [0, -1, None, ...])
def test_without_a_declared_length_the_file_rules(duration: Any) -> None:
    recording = parse(online(video(VideoDuration=duration)))
    assert (recording.segments[0].duration, recording.findings) == (None, ())


def test_a_small_negative_play_time_is_kept() -> None:
    assert parse(online(video(VideoPlayTime=-40))).segments[0].play_time == -40


def test_a_total_far_beyond_the_last_video_is_for_the_timeline_to_judge() -> None:
    recording = parse(online(TotalTime=5 * 3_600_000))
    assert (recording.total, recording.findings) == (5 * 3_600_000, ())


def test_a_length_of_ten_years_is_forgotten_with_a_warning() -> None:
    recording = parse(online(video(VideoDuration=YEARS)))
    assert recording.segments[0].duration is None
    assert warnings(recording)[0][0] == "EventData.VideoInfos[0]"
    assert "over 48 h" in warnings(recording)[0][1]


def test_a_segment_placed_ten_years_later_is_skipped_with_a_warning() -> None:
    recording = parse(online(video(VideoPlayTime=YEARS), video(VideoId="v2")))
    assert ids(recording) == ["v2"]
    assert f"VideoPlayTime is {YEARS}, expected ms, at most 48 h" in warnings(recording)[0][1]


def test_a_start_and_a_total_of_nonsense_are_unknown_with_a_warning() -> None:
    recording = parse(online(RecordStartTime=10**15, TotalTime=YEARS, RecordStopTime="soon"))
    assert (recording.start, recording.stop, recording.total) == (None, None, None)
    assert {where for where, _ in warnings(recording)} == {
        "EventData.RecordStartTime",
        "EventData.RecordStopTime",
        "EventData.TotalTime",
    }


BAD_ENTRIES: list[tuple[object, str]] = [
    (video(VideoType=9), "EventData.VideoInfos[0].VideoType is 9, expected 0 camera"),
    (video(VideoType=...), "EventData.VideoInfos[0].VideoType is missing"),
    (video(VideoType=True), "EventData.VideoInfos[0].VideoType is true"),
    (video(VideoPlayTime=...), "EventData.VideoInfos[0].VideoPlayTime is missing, expected ms"),
    (video(VideoPlayTime="soon"), 'EventData.VideoInfos[0].VideoPlayTime is "soon"'),
    (video(VideoPlayTime=YEARS), "EventData.VideoInfos[0].VideoPlayTime is"),
    ("http://files.example.com/a.mp4?sign=secret", "EventData.VideoInfos[0] is"),
    (None, "EventData.VideoInfos[0] is null, expected an object"),
    ([], "EventData.VideoInfos[0] is a list, expected an object"),
]


@pytest.mark.parametrize(("entry", "sentence"), BAD_ENTRIES)
def test_one_bad_segment_does_not_spoil_the_class(entry: object, sentence: str) -> None:
    recording = parse(online(entry, video(VideoId="good")))
    assert ids(recording) == ["good"]
    [(where, told)] = warnings(recording)
    assert where == "EventData.VideoInfos[0]"
    assert sentence in told
    assert "secret" not in told
    assert judge(recording.findings) is Verdict.DEGRADED


@pytest.mark.parametrize(("entry", "sentence"), BAD_ENTRIES)
def test_a_result_of_bad_segments_alone_is_refused_by_the_first(entry: object, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(online(entry, video(VideoType=8)))
    assert sentence in str(caught.value)
    assert "none of the 2 segments is usable" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_segment_repeated_as_it_is_is_used_once() -> None:
    again = video(VideoUrl="http://files.example.com/v1.mp4?sign=newer")
    recording = parse(online(video(), video(), again))
    assert ids(recording) == ["v1"]
    assert [(f.severity, f.where) for f in recording.findings] == [
        (Severity.NOTE, "EventData.VideoInfos[1]"),
        (Severity.NOTE, "EventData.VideoInfos[2]"),
    ]


def test_different_segments_of_one_id_are_told_apart() -> None:
    entries = [video(), video(UserId="bob"), video(UserId="cyd"), video(UserId="dan", VideoId="v1-2")]
    recording = parse(online(*entries))
    assert ids(recording) == ["v1", "v1-3", "v1-4", "v1-2"]
    assert [s.user for s in recording.segments] == ["ann", "bob", "cyd", "dan"]
    assert [where for where, _ in warnings(recording)] == ["EventData.VideoInfos[1]", "EventData.VideoInfos[2]"]


def test_a_segment_without_an_id_gets_one_with_a_note() -> None:
    recording = parse(online(video(VideoId="segment-2"), video(VideoId="", UserId="bob"), video(VideoId=...)))
    assert ids(recording) == ["segment-2", "segment-3", "segment-4"]
    assert {f.severity for f in recording.findings} == {Severity.NOTE}
    assert ids(parse(online(video(VideoId=...)))) == ["segment-1"]


def test_a_numeric_video_id_is_its_text() -> None:
    assert ids(parse(online(video(VideoId=5285890781570653827)))) == ["5285890781570653827"]


@pytest.mark.parametrize(
    ("kind", "user_id", "user"),
    [
        (0, "ann", "ann"),
        (0, "tic_substream_ann", "tic_substream_ann"),
        (1, "tic_substream_ann", "ann"),
        (1, "ann", "ann"),
        (2, "", ""),
        (2, "tic_record_user_1", ""),
        (3, "tic_mixstream_880528_101", ""),
        (3, "", ""),
        (4, "ann", "ann"),
    ],
)
def test_the_person_is_named_without_the_vendors_prefixes(kind: int, user_id: str, user: str) -> None:
    [segment] = parse(online(video(VideoType=kind, UserId=user_id))).segments
    assert (segment.user, segment.stream_id) == (user, user_id)


def test_a_camera_of_nobody_is_used_with_a_note() -> None:
    recording = parse(online(video(UserId=None)))
    assert (recording.segments[0].user, [f.severity for f in recording.findings]) == ("", [Severity.NOTE])


def test_no_url_is_for_the_download_to_judge() -> None:
    assert parse(online(video(VideoUrl=""))).segments[0].url is None
    assert parse(online(video(VideoUrl=...))).findings == ()
    assert warnings(parse(online(video(VideoUrl=["http://a"]))))[0][0] == "EventData.VideoInfos[0].VideoUrl"


def test_the_format_is_lower_case_without_a_dot() -> None:
    assert parse(online(video(VideoFormat=".MP4"))).segments[0].format == "mp4"
    assert parse(online(video(VideoFormat=None))).segments[0].format == ""


@pytest.mark.parametrize(
    ("told", "read"),
    [("auto", "AUTO"), ("usercall", "USER_CALL"), ("USER_CALL", "USER_CALL"), ("Odd", "ODD"), ("", None), (None, None)],
)
def test_the_finish_reason_is_written_one_way(told: str | None, read: str | None) -> None:
    body = {"video_info": [{"video_type": 2, "video_play_time": 0}], "finish_reason": told}
    assert parse(json.dumps(body)).finish_reason == read


def test_omissions_are_read_in_their_order_and_an_open_one_has_no_end() -> None:
    pauses = [
        {"VideoTime": 900_000, "PauseTime": 1_600_000_900_000, "ResumeTime": "1600000960000"},
        {"VideoTime": 1_000_000, "PauseTime": 1_600_001_060_000, "ResumeTime": -1},
        {"PauseTime": 1_600_001_070_000},
    ]
    recording = parse(online(OmittedDurations=pauses, RecordStartTime=START))
    assert recording.findings == ()
    assert recording.omissions == (
        Omission(at=PlayMs(900_000), pause=WallMs(1_600_000_900_000), resume=WallMs(1_600_000_960_000)),
        Omission(at=PlayMs(1_000_000), pause=WallMs(1_600_001_060_000), resume=None),
        Omission(at=None, pause=WallMs(1_600_001_070_000), resume=None),
    )


@pytest.mark.parametrize(
    "omission",
    [
        {"VideoTime": 5, "ResumeTime": 1_600_000_960_000},
        {"PauseTime": "noon"},
        {"PauseTime": 0},
        {"PauseTime": 10**30},
        {"PauseTime": 1_600_000_900 + YEARS // 1000},
        {"PauseTime": START * 1000 + YEARS},
        "a pause",
        None,
    ],
)
def test_a_malformed_omission_is_a_finding_and_no_refusal(omission: object) -> None:
    recording = parse(online(OmittedDurations=[omission], RecordStartTime=START))
    assert recording.omissions == ()
    assert [where for where, _ in warnings(recording)] == ["EventData.OmittedDurations[0]"]


@pytest.mark.parametrize("omissions", ["all", 7, True])
def test_omissions_that_are_no_list_are_a_finding(omissions: object) -> None:
    assert warnings(parse(online(OmittedDurations=omissions)))[0][0] == "EventData.OmittedDurations"


def test_interrupts_are_counted_and_malformed_ones_noted() -> None:
    recording = parse(online(Interrupts=[{"UserId": "ann", "Count": "3"}, {"UserId": "bob"}, 4], ExceptionCnt="5"))
    assert [(i.user, i.count) for i in recording.interrupts] == [("ann", 3)]
    assert recording.exception_count == 5
    assert [f.where for f in recording.findings] == ["EventData.Interrupts[1]", "EventData.Interrupts[2]"]


def test_one_video_as_a_bare_object_is_a_list_of_one() -> None:
    body = {"Response": {"Status": "FINISHED", "VideoInfos": video()}}
    assert ids(parse(json.dumps(body))) == ["v1"]


def test_the_old_and_the_new_list_of_a_generation_task_are_read_together() -> None:
    body = {"Response": {"Status": "FINISHED", "VideoInfos": video(), "VideoInfoList": [video(), video(VideoId="b")]}}
    assert ids(parse(json.dumps(body))) == ["v1", "b"]


def test_control_characters_and_lone_surrogates_do_not_get_through() -> None:
    recording = parse(online(video(UserId="a\x1b[2J\ud800b\nc")))
    assert recording.segments[0].user == "a\ufffd[2J\ufffdb c"
    assert parse(recording.model_dump_json()) == recording


def test_a_neutral_recording_may_be_written_by_hand() -> None:
    body = {"segments": [{"kind": "camera", "user": "ann", "play_time": 0, "url": "https://a.example/x.mp4"}]}
    recording = parse(json.dumps(body))
    assert (recording.dialect, recording.segments[0].stream_id, ids(recording)) == ("neutral", "ann", ["segment-1"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"colour": "red"}, "colour is a field nobody knows"),
        ({"start": "noon"}, 'start is "noon", expected'),
        ({"omissions": [{"pause": 1}]}, "omissions[0].at is missing"),
    ],
)
def test_a_mistake_in_a_neutral_recording_names_the_field(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(json.dumps({"segments": [{"kind": "camera", "play_time": 0}], **change}))
    assert sentence in str(caught.value)


def test_a_mistyped_field_of_a_neutral_segment_is_named_before_the_missing_one() -> None:
    with pytest.raises(InputError) as caught:
        parse(json.dumps({"segments": [{"kind": "camera", "playtime": 0}]}))
    assert "segments[0].playtime is a field nobody knows" in str(caught.value)


def test_one_bad_segment_of_a_neutral_recording_is_skipped_too() -> None:
    entries = [
        {"kind": "hologram", "play_time": 0},
        {"kind": "camera", "play_time": YEARS},
        {"kind": "mix", "play_time": 1},
    ]
    recording = parse(json.dumps({"segments": entries, "start": 10**20, "total": YEARS}))
    assert [s.kind for s in recording.segments] == [StreamKind.MIX]
    assert {where for where, _ in warnings(recording)} == {"segments[0]", "segments[1]", "start", "total"}
