"""Bodies of other recording systems: whose files they are, where each belongs, and what is refused."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from assembler.dialects import parse, read_event
from assembler.dialects.systems import SYSTEMS
from assembler.errors import InputError, NotFinished, RecordingFailed
from assembler.findings import Severity
from assembler.jobs.store.model import claim_of
from assembler.pipeline.read_results import read_recordings
from assembler.recording import Recording, StreamKind

SAMPLES = Path(__file__).parents[2] / "fixtures" / "systems"
CAMERA, SCREEN, AUDIO = StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.AUDIO
AT = 1601221459830
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
    "trtc-310": ("-m9-TASK", "20015", 1622186279145, [
        (CAMERA, "ann", "", 0, 3_000, ""), (CAMERA, "bob", "", 8, 3_000, ""),
    ]),
    "trtc-311": ("-m9-TASK", "20015", 1622186279153, [(CAMERA, "ann", "", 0, 3_000, "http")]),
    "trtc-311-2022": ("-m9-TASK", "20015", 1622186279000, [(CAMERA, "anchor1", "", 0, None, "http")]),
    "agora-stop": ("38f8e3cfdc474cd56fc1ceba380d7e1a", "class7", 1562724971300, [
        (CAMERA, "123", "", 326, None, ""), (AUDIO, "123", "", 0, None, ""),
    ]),
    "agora-uploaded-31": ("38f8e3cfdc474cd56fc1ceba380d7e1a", "class7", 1619172871089, [
        (AUDIO, "57297", "", 0, None, ""), (CAMERA, "57297", "", 300, None, ""), (AUDIO, "10230", "", 10, None, ""),
    ]),
    "livekit-egress_ended": ("RM_1", "algebra-7b", 1790000000400, [(CAMERA, "ann", "", 0, None, "https")]),
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
    assert [one for one in told(recording) if "The event 312" not in one] == []
    assert told(recording, Severity.NOTE)[0].startswith("Read as ")
    assert {s.is_stamped for s in recording.segments} == {name.startswith("twilio")}


def test_every_system_has_a_sample() -> None:
    assert {parse(json.dumps(body(name))).dialect for name in READ} == {system.name for system in SYSTEMS}
    assert {path.stem for path in SAMPLES.glob("*.json")} == {*READ, "livekit-manifest"}


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

    def test_an_absurd_side_is_ignored_and_said(self) -> None:
        found = self.changed(file_ResolutionWidth=10**9)
        assert found.segments[0].width is None
        assert "1000000000 was ignored" in told(found)[0]

    @pytest.mark.parametrize("at", [AT, str(AT), "1601221459.830", AT * 1000, AT * 10**6])
    def test_the_unit_of_an_instant_is_told_by_its_size(self, at: object) -> None:
        assert self.changed(file_BeginTimestamp=at).start == AT


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
            ('{"id": 7, "name": ["x"]}', ("7", "")), (r'{"name": "\ud800"}', ("\ufffd", "\ufffd")),
            ("[" * 99_999, ("[" * 99_999, "")),
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


class TestParts:
    """Systems whose bodies tell of one file each, or of some."""

    def read(self, tmp_path: Path, *bodies: Any) -> Recording:
        (tmp_path / "bodies.jsonl").write_text("\n".join(json.dumps(one) for one in bodies))
        (found,) = read_recordings([str(tmp_path)], BytesIO())
        return found

    def test_all_bodies_of_a_task_are_one_recording_in_whatever_they_lie(self, tmp_path: Path) -> None:
        one, closed = body("trtc-311"), {**body("trtc-311"), "EventType": 312}
        other = body("trtc-311")
        other["EventInfo"]["Payload"]["TencentVod"] |= {
            "UserId": "", "CacheFile": "1_2_UserId_s_Ym9i_UserId_e_aux_2.mp4", "StartTimeStamp": 1622186279000,
            "TrackType": "audio", "MediaId": "",
        }  # fmt: skip
        found = self.read(tmp_path, closed, one, other, one)
        assert told(found) == []
        assert [(s.user, s.kind, s.play_time) for s in found.segments] == [
            ("ann", CAMERA, 153), ("bob", StreamKind.SCREEN_AUDIO, 0),
        ]  # fmt: skip
        for n, given in enumerate((closed, one, other)):
            (tmp_path / f"{n}.json").write_text(json.dumps(given))
        names = [str(tmp_path / f"{n}.json") for n in range(3)]
        assert [r.segments for r in read_recordings(names, BytesIO())] == [found.segments]
        listed = json.dumps([closed, one, other]).encode()
        assert [r.segments for r in read_recordings(["-"], BytesIO(listed))] == [found.segments]

    def test_two_rooms_are_no_class(self, tmp_path: Path) -> None:
        other = body("trtc-311")
        other["EventInfo"] |= {"RoomId": "7", "TaskId": "x"}
        with pytest.raises(InputError, match="the bodies are of 2 rooms: 20015, 7"):
            self.read(tmp_path, body("trtc-311"), other)

    def test_a_failed_upload_is_said_and_without_a_file_it_is_not_finished(self, tmp_path: Path) -> None:
        failed = body("trtc-311")
        failed["EventInfo"]["Payload"] |= {"Status": 1, "Errmsg": "no space"}
        assert "TRTC reports status 1 of the files: no space." in told(self.read(tmp_path, failed))
        with pytest.raises(NotFinished, match="no event tells of a file yet"):
            self.read(tmp_path, {**failed, "EventType": 301})

    def test_who_it_is_stands_in_livekits_manifest_and_when_in_the_event(self, tmp_path: Path) -> None:
        ended, manifest = body("livekit-egress_ended"), body("livekit-manifest")
        ended["egressInfo"]["track"]["file"]["filepath"] = "x"
        manifest |= {"publisher_identity": "zoe", "track_source": "screen_share_audio"}
        found = self.read(tmp_path, manifest, ended)
        assert [(s.user, s.kind) for s in found.segments] == [("zoe", StreamKind.SCREEN_AUDIO)]
        assert found.start == 1790000000400
        alone = self.read(tmp_path, ended)
        assert [(s.user, s.kind) for s in alone.segments] == [("TR_VCann1", CAMERA)]
        assert "by its ending" in told(alone, Severity.NOTE)[1]

    def test_what_sdks_print_is_the_same(self, tmp_path: Path) -> None:
        info = body("livekit-egress_ended")["egressInfo"]
        (result,) = info["fileResults"]
        printed = {
            "egress_id": "EG_a1", "room_id": "RM_1", "room_name": "algebra-7b", "status": "EGRESS_LIMIT_REACHED",
            "track": {"track_id": "T", "file": info["track"]["file"]},
            "file_results": [{**result, "started_at": int(result["startedAt"]), "startedAt": None}],
        }  # fmt: skip
        del printed["file_results"][0]["startedAt"]
        found = self.read(tmp_path, printed)
        assert found.segments == self.read(tmp_path, body("livekit-egress_ended")).segments
        assert told(found) == ["Egress EG_a1 was ended by a limit: what came after is missing."]

    def test_what_runs_failed_or_has_only_a_manifest_is_said(self, tmp_path: Path) -> None:
        ended = body("livekit-egress_ended")
        running = {
            "egressInfo": {**ended["egressInfo"], "egressId": "EG_2", "status": "EGRESS_ACTIVE", "fileResults": []}
        }
        failed = {
            "egressInfo": {**running["egressInfo"], "egressId": "EG_3", "status": "EGRESS_FAILED", "error": "oom"}
        }
        lone = {**body("livekit-manifest"), "egress_id": "EG_4"}
        with pytest.raises(NotFinished):
            self.read(tmp_path, running)
        with pytest.raises(RecordingFailed, match="oom"):
            self.read(tmp_path, failed)
        said = told(self.read(tmp_path, ended, running, failed, lone))
        assert len(said) == 3
        assert "EG_2 was still running" in said[0]
        assert "EG_4 there is only the manifest" in said[1]
        assert "oom" in said[2]

    def test_a_room_composite_is_a_mixed_stream_and_a_participant_has_both(self, tmp_path: Path) -> None:
        info = body("livekit-egress_ended")["egressInfo"]
        del info["track"]
        for request, kind, user in (
            ({"roomComposite": {"roomName": "x"}}, StreamKind.MIX, ""),
            ({"participant": {"identity": "ann", "screenShare": True}}, SCREEN, "ann"),
            ({"participant": {"identity": "ann"}}, CAMERA, "ann"),
        ):
            found = self.read(tmp_path, {"egressInfo": {**info, **request}})
            assert [(s.kind, s.user) for s in found.segments] == [(kind, user)]

    @pytest.mark.parametrize(
        ("filepath", "filename", "user"),
        [
            ("{room_name}-{publisher_identity}-{time}", "algebra-7b-ann-b-2026-09-21T142640.webm", "ann-b"),
            ("{track_id}-{publisher_identity}", "TR_VCann1-ann@school.example.webm", "ann@school.example"),
            ("{publisher_identity}{publisher_identity}", "annann.webm", "TR_VCann1"),
            ("{a}-{b}-{c}-{d}-{publisher_identity}", "-" * 999, "TR_VCann1"),
            ("{publisher_identity}", "x" * 2000, "TR_VCann1"),
        ],
    )
    def test_without_a_manifest_the_path_that_was_asked_for_tells_who_it_is(
        self, tmp_path: Path, filepath: str, filename: str, user: str
    ) -> None:
        ended = body("livekit-egress_ended")
        ended["egressInfo"]["track"]["file"]["filepath"] = filepath
        ended["egressInfo"]["fileResults"][0]["filename"] = filename
        assert [s.user for s in self.read(tmp_path, ended).segments] == [user]

    @pytest.mark.parametrize(
        ("coded", "user"),
        [("YW5u", "ann"), ("\u00e9", "\u00e9"), ("YQpi", "a b"), ("UserId_s_" * 50_000, "")],
        ids=["base64", "not", "two lines", "long"],
    )
    def test_the_name_of_trtcs_file_tells_who_it_is(self, tmp_path: Path, coded: str, user: str) -> None:
        event = body("trtc-311")
        told = event["EventInfo"]["Payload"]["TencentVod"]
        del told["UserId"]
        told["CacheFile"] = f"1400000000_20015_UserId_s_{coded}_UserId_e_main.mp4"
        assert [s.user for s in self.read(tmp_path, event).segments] == [user]

    def test_a_part_says_whose_it_is_as_its_recording_does(self) -> None:
        for name in ("trtc-311", "livekit-egress_ended"):
            one, both = (claim_of(json.dumps(given).encode()) for given in (body(name), {"parts": [body(name)] * 2}))
            assert (one.key, one.system) == (both.key, both.system) == (READ[name][0], name.partition("-")[0])
            assert one.segments == both.segments

    def test_bodies_of_two_recordings_are_no_body(self) -> None:
        with pytest.raises(InputError, match="of 2 recordings"):
            parse(json.dumps({"parts": [body("trtc-311"), body("livekit-egress_ended")]}))
        for read in (parse, read_event):
            with pytest.raises(InputError):
                read('{"parts":[' * 450 + json.dumps(body("trtc-311")) + "]}" * 450)
        with pytest.raises(InputError, match="each is whole"):
            parse(json.dumps({"parts": [body("zego-callback-1")] * 2}))


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


@pytest.mark.parametrize("change", [{"status": 5}, {"uploadingStatus": "unknown"}])
def test_an_agora_recording_that_is_not_over_is_to_be_asked_for_later(change: Any) -> None:
    given = body("agora-stop")
    with pytest.raises(NotFinished, match="38f8e3"):
        parse(json.dumps({**given, "serverResponse": {**given["serverResponse"], **change}}))


def test_files_on_agora_s_backup_and_joint_tracks_are_told_apart() -> None:
    given = body("agora-stop")
    video, sound = given["serverResponse"]["fileList"]
    odd = {**video, "uid": ["1"], "trackType": ["audio_and_video"]}
    joint = {**video, "fileName": "dir1/both.m3u8", "trackType": "audio_and_video"}
    listed = {"fileList": [video, sound, joint, odd], "uploadingStatus": "backuped", "status": 8}
    recording = parse(json.dumps({**given, "serverResponse": listed}))
    assert [(s.video_id, s.kind, s.format) for s in recording.segments] == [("both", CAMERA, "m3u8")]
    assert any("backup" in sentence for sentence in told(recording))
    assert any("trackType" in finding.where for finding in recording.findings)


def test_files_that_zego_and_trtc_keep_as_hls_are_playlists() -> None:
    data = body("zego-describe")
    for file in data["Data"]["RecordFiles"]:
        file |= {"FileId": file["FileId"].removesuffix(".mp4"), "OutputFileFormat": "hls", "FileUrl": ""}
    assert [s.format for s in parse(json.dumps(data)).segments] == ["m3u8", "m3u8"]
    event = body("trtc-311")
    event["EventInfo"]["Payload"]["TencentVod"]["VideoUrl"] = "https://vod.example/a/playlist.m3u8?sign=1"
    assert parse(json.dumps(event)).segments[0].format == "m3u8"
