"""Bodies of other recording systems: whose files they are, where each belongs, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assembler.dialects import parse
from assembler.dialects.systems import SYSTEMS
from assembler.errors import InputError, NotFinished, RecordingFailed
from assembler.findings import Severity
from assembler.recording import Recording, StreamKind

SAMPLES = Path(__file__).parents[2] / "fixtures" / "systems"
CAMERA, SCREEN, AUDIO = StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.AUDIO
STREAM = "6996f52c-daf6-4945-b8e0-e99c531754fe"
DAILY_CAM = "1790000000000-00000000-0000-4000-8000-00000000000a-cam-video-1790000000633"


def body(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def told(recording: Recording, *severities: Severity) -> list[str]:
    return [f.sentence for f in recording.findings if f.severity in (severities or (Severity.WARNING,))]


READ = {
    "zego-describe": (None, "class7", 1601221459830, [
        (CAMERA, "ann", "Ann", 0, 33_874, "https"), (SCREEN, "ann", "Ann", 5_170, 20_000, "https"),
    ]),
    "zego-callback-1": ("X3CgNeE4I1qAAABN", "class7", 1601221459830, [(CAMERA, "ann", "Ann", 0, 33_874, "https")]),
    "vonage-archive": ("145e08ee-8ba5-4063-8e48-000000000000", "2_MX4...", 1490984250300, [
        (CAMERA, "ann", "ann", 262, 372_594, ""), (SCREEN, "bob", "bob", 0, 373_440, ""),
    ]),
    "daily-event": (None, "room", 1790000000633, [(CAMERA, "ann", "Ann", 0, None, "")]),
    "twilio-recordings": ("RMx", "RMx", None, [(AUDIO, "PAann", "", 0, None, ""), (CAMERA, "PAann", "", 0, None, "")]),
}  # fmt: skip
"""Task, room, start and files (kind, user, name, play time, duration, scheme) of each sample."""


@pytest.mark.parametrize("name", READ)
def test_a_sample_is_read_and_its_system_named(name: str) -> None:
    recording = parse(json.dumps(body(name)))
    task, room, start, files = READ[name]
    assert (recording.task_id, recording.room_id, recording.start) == (task, room, start)
    assert [
        (s.kind, s.user, s.name, s.play_time, s.duration, (s.url or "").partition(":")[0]) for s in recording.segments
    ] == files
    assert told(recording) == []
    assert told(recording, Severity.NOTE)[0].startswith("Read as ")
    assert {s.is_stamped for s in recording.segments} == {name.startswith("twilio")}


def test_every_system_has_a_sample() -> None:
    assert {parse(json.dumps(body(name))).dialect for name in READ} == {system.name for system in SYSTEMS}
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(READ)


def test_a_file_is_found_in_a_folder_by_its_own_name() -> None:
    assert [s.video_id for s in parse(json.dumps(body("twilio-recordings"))).segments] == ["RTa2", "RTa1"]
    assert [(s.video_id, s.format) for s in parse(json.dumps(body("daily-event"))).segments] == [(DAILY_CAM, "webm")]


class TestZego:
    def changed(self, **changes: Any) -> Recording:
        data = body("zego-describe")
        for place, value in changes.items():
            where, _, key = place.partition("_")
            target = {"data": data["Data"], "file": data["Data"]["RecordFiles"][0]}[where]
            target[key] = value
        return parse(json.dumps(data))

    @pytest.mark.parametrize("status", [1, 2, 5, "2"])
    def test_one_that_is_not_over_is_not_finished(self, status: object) -> None:
        with pytest.raises(NotFinished, match='room "class7" is not finished'):
            self.changed(data_Status=status)

    @pytest.mark.parametrize("kind", [5, 201, 202, None])
    def test_other_callbacks_tell_of_no_files(self, kind: object) -> None:
        told = {**body("zego-callback-1"), "event_type": kind}
        del told["detail"]
        with pytest.raises(NotFinished, match="tells of no files"):
            parse(json.dumps(told))

    def test_one_that_ended_badly_is_degraded_or_failed(self) -> None:
        found = self.changed(data_Status=4)
        assert found.error is not None
        assert told(found)
        with pytest.raises(RecordingFailed, match="ended abnormally"):
            self.changed(data_Status=4, data_RecordFiles=[])

    def test_what_was_not_uploaded_is_missing_and_what_is_on_the_backup_said(self) -> None:
        lost = self.changed(file_Status=5)
        assert [s.kind for s in lost.segments] == [SCREEN]
        assert "expected a file that was uploaded" in told(lost)[0]
        assert "deleted after three days" in told(self.changed(file_Status=4))[0]

    def test_a_screenshot_is_no_stream_and_a_mix_is_nobodys(self) -> None:
        assert [s.kind for s in self.changed(file_OutputFileFormat="jpg").segments] == [SCREEN]
        mixed = self.changed(data_RecordMode=2)
        assert {(s.kind, s.user) for s in mixed.segments} == {(StreamKind.MIX, "")}

    def test_sound_alone_is_a_microphone(self) -> None:
        assert self.changed(file_MediaTrackType=1).segments[0].kind is AUDIO

    @pytest.mark.parametrize("at", [1601221459830, "1601221459830", 1601221459830 * 1000, 1601221459830 * 10**6])
    def test_the_unit_of_an_instant_is_told_by_its_size(self, at: object) -> None:
        assert self.changed(file_BeginTimestamp=at).start == 1601221459830


class TestVonage:
    def changed(self, **changes: Any) -> Recording:
        data = body("vonage-archive")
        data["files"][0] |= changes
        return parse(json.dumps(data))

    @pytest.mark.parametrize(
        ("data", "person"),
        [
            ('{"userId": "u7", "name": "Ann"}', ("u7", "Ann")), ("ann@school", ("ann@school", "")),
            ("", (STREAM, "")), ("[1]", ("[1]", "")), (None, (STREAM, "")),
        ],
    )  # fmt: skip
    def test_a_person_is_who_the_connection_was_said_to_be(self, data: object, person: tuple[str, str]) -> None:
        segment = self.changed(connectionData=data).segments[0]
        assert (segment.user, segment.name) == person

    def test_an_archive_that_is_not_over_is_not_finished(self) -> None:
        for status in ("started", "paused", "stopped"):
            with pytest.raises(NotFinished):
                parse(json.dumps({**body("vonage-archive"), "status": status}))

    def test_a_file_without_a_place_is_left_out_and_said(self) -> None:
        assert (
            told(self.changed(startTimeOffset=None))
            == ["The segment was skipped: files[0].startTimeOffset is missing, expected ms from createdAt."]
            or "expected ms from createdAt" in told(self.changed(startTimeOffset=None))[0]
        )


class TestTwilio:
    def test_shares_are_told_by_their_names_and_what_fails_is_said(self) -> None:
        data = body("twilio-recordings")
        data["recordings"][1]["track_name"] = "screen-7"
        data["recordings"].append({**data["recordings"][0], "sid": "RTx", "status": "failed"})
        data["meta"]["next_page_url"] = "https://video.twilio.com/v1/Recordings?Page=1"
        found = parse(json.dumps(data))
        assert [s.kind for s in found.segments] == [AUDIO, SCREEN]
        assert sorted(told(found))[1].startswith("There are more pages of this list")
        assert "expected completed" in told(found)[0] + told(found)[1]

    def test_rooms_are_not_mixed_and_what_is_processed_is_awaited(self) -> None:
        data = body("twilio-recordings")
        data["recordings"][0]["grouping_sids"] = {"room_sid": "RMy", "participant_sid": "PAbob"}
        with pytest.raises(InputError, match="recordings of 2 rooms"):
            parse(json.dumps(data))
        data["recordings"][0] |= {"grouping_sids": data["recordings"][1]["grouping_sids"], "status": "processing"}
        with pytest.raises(NotFinished):
            parse(json.dumps(data))


def test_a_track_of_daily_without_a_file_is_said() -> None:
    data = body("daily-event")
    data["events"].append({**data["events"][0], "data": {"trackSessionNum": 2, "trackType": "cam-audio"}})
    assert told(parse(json.dumps(data))) == ['Of track "2" there is no file.']


@pytest.mark.parametrize(
    ("given", "system"),
    [
        ({"recording_files": [], "uuid": "x"}, "Zoom"), ({"object": {"recording_files": []}}, "Zoom"),
        ({"type": "beam.recording.success"}, "100ms"), ({"MediaPipelineId": "x"}, "Amazon Chime"),
    ],
)  # fmt: skip
def test_a_system_that_is_known_and_not_read_is_named(given: object, system: str) -> None:
    with pytest.raises(InputError, match=f"is a result of {system}, which is not read") as caught:
        parse(json.dumps(given))
    assert "neutral form" in caught.value.hint
