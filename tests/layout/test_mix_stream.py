"""The vendor's MixStream as a layout, and which users are screen shares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dialects.bodies import online, vendor, video
from lessons import board, camera, mix, recording

from assembler.dialects import parse
from assembler.errors import InputError
from assembler.findings import Severity
from assembler.layout import load_custom
from assembler.layout.model import Arrangement
from assembler.options import load_options
from assembler.pipeline.timelines import timeline_only
from assembler.recording import StreamKind
from layout.arranging import arranged

STREAMS = [camera("a", "ann", 0, 9_000), camera("b", "bob", 1_000, 8_000), board("w", 0, 9_000)]


class TestMixStream:
    """The vendor's whole MixStream parameter, in either spelling, by itself or in a request."""

    def given(self, tmp_path: Path, body: object) -> Arrangement:
        path = tmp_path / "layout.json"
        path.write_text(json.dumps(body), "utf-8")
        return arranged(STREAMS, layout=str(path))

    @pytest.mark.parametrize(
        "body",
        [
            {"MixStream": {"Enabled": True, "ModelId": 1, "Custom": None, "TeacherId": "bob"}},
            {"mix_stream": {"enabled": True, "model_id": "1", "teacher_id": "bob"}},
            {"room_id": 7, "mix_stream": {"model_id": 1, "custom": {}, "teacher_id": "bob"}},
            {"ModelId": 1, "TeacherId": "bob"},
        ],
    )
    def test_a_model_is_the_vendors_own_layout_with_its_teacher_first(self, tmp_path: Path, body: object) -> None:
        got = self.given(tmp_path, body)
        assert got.layout.name == "tiw-1"
        assert {p.video_id: p.slot for p in got.placements} == {"a": "user 2", "b": "user 1", "w": "board"}

    def test_an_unknown_model_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="ModelId is 7, expected 1 or 2"):
            self.given(tmp_path, {"MixStream": {"ModelId": 7}})

    def test_a_teacher_who_is_not_there_is_told_and_nobody_waits_for_a_place(self, tmp_path: Path) -> None:
        got = self.given(tmp_path, {"ModelId": 2, "TeacherId": "zoe"})
        assert {p.video_id: p.slot for p in got.placements} == {"a": "user 1", "b": "user 2", "w": "board"}
        assert [f.sentence for f in got.findings] == ["Its TeacherId 'zoe' is nobody of this class."]

    def test_the_spelling_of_v1_is_the_same_layout(self) -> None:
        size = {"width": 1280, "height": 960}
        place = {**size, "x": 4, "y": 0, "width": 100, "z_order": 2}
        stream = {
            "input_stream_id": "tic_record_user",
            "layout_params": place,
            "background_color": "#fff",
            "fill_mode": 1,
        }
        snake = {"mix_stream": {"custom": {"canvas": {"layout_params": size}, "input_stream_list": [stream]}}}
        size = {"Width": 1280, "Height": 960}
        place = {**size, "X": 4, "Y": 0, "Width": 100, "ZOrder": 2}
        stream = {"InputStreamId": "tic_record_user", "LayoutParams": place, "BackgroundColor": "#fff", "FillMode": 1}
        camel = {"Canvas": {"LayoutParams": size}, "InputStreamList": [stream]}
        assert load_custom(json.dumps(snake), "x") == load_custom(json.dumps(camel), "x")


@pytest.mark.parametrize(("wanted", "stream"), [("1", "101"), ("tic_mixstream_7_1", "101"), ("01", "1"), ("2", "12")])
def test_a_number_is_not_taken_for_a_part_of_another(wanted: str, stream: str) -> None:
    mixes = [mix("m", 0, 9_000, stream=f"tic_mixstream_7_{stream}"), mix("n", 0, 9_000, stream="tic_mixstream_7_3")]
    with pytest.raises(InputError, match=f"no mixed stream matches '{wanted}'"):
        arranged(mixes, layout="mix", mix_user=wanted)


def test_a_web_screen_share_that_joined_as_a_user_is_a_screen_share() -> None:
    told = parse(vendor("api-object-desktop-sharing.json"))
    assert [s.kind for s in told.segments] == [StreamKind.CAMERA, StreamKind.WHITEBOARD, StreamKind.SCREEN]
    [noted] = [f for f in told.findings if "screen share of a web page" in f.sentence]
    assert noted.severity is Severity.NOTE


@pytest.mark.parametrize(("kind", "read"), [(1, StreamKind.SCREEN), (4, StreamKind.AUDIO), (2, StreamKind.WHITEBOARD)])
def test_only_a_camera_of_such_a_user_is_one(kind: int, read: StreamKind) -> None:
    [segment] = parse(online(video(VideoType=kind, UserId="desktop_sharing_7"))).segments
    assert segment.kind is read


@pytest.mark.parametrize("users", ["share_7", "zoe, share_7", "share_7,"])
def test_other_users_can_be_named_as_screen_shares(users: str) -> None:
    lesson = recording([camera("a", "ann", 0, 9_000), camera("s", "share_7", 0, 9_000), board("w", 0, 9_000)])
    tracks = timeline_only(lesson, load_options(screen_users=users)).tracks
    assert [track.name for track in tracks] == ["camera of ann", "screen of share_7", "whiteboard"]
