"""`assembler record`, `fetch` and `run --task`, as somebody types them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dialects.bodies import vendor as example
from terminal import START, until
from werkzeug import Response

from assembler.cloud.fetch import MOST_UNREAD
from assembler.dialects.vendor_errors import ADVICE
from cloud.conftest import OK, SECRET_KEY, TICKEY, V1, V3, Vendor, granted, refusal

Say = Callable[..., Any]
TASK = "g68cee8e90jcq4ogg8jb"
STARTED = {**OK, "task_id": TASK}
FINISHED = Response(example("v1-query-response.json"), content_type="application/json")


def v1_state(status: str, **more: Any) -> dict[str, Any]:
    return {**OK, "task_id": TASK, "status": status, **more}


class TestRecord:
    def test_start_prints_the_task_alone(self, say: Say, vendor: Vendor) -> None:
        vendor.answers = [STARTED]
        said = say("record", "start", "1234", usersig_key="k")
        assert (said.code, said.out, said.err) == (0, f"{TASK}\n", "")
        assert vendor.body["user_id"].startswith("tic_record_user_1234_")
        vendor.answers = [granted(TaskId=TASK)]
        said = say("record", "start", "1234", "--api", "v3", usersig_key="k", credentials=V3)
        assert (said.code, said.out, said.err) == (0, f"{TASK}\n", "")

    def test_start_takes_what_it_is_given(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        vendor.answers = [STARTED]
        (tmp_path / "more.json").write_text('{"Concat": {"Enabled": true, "Image": "https://a.example/b.png"}}')
        user = ["--user-id", "tic_record_user_1234_01", "--user-sig", "-", "--group", "1234"]
        board = ["--board", "1280x960", "--init-param", '{"ratio": "16:9"}', "--with", "more.json"]
        said = say("record", "start", "1234", *user, *board, "--mix", "tiw-1", stdin="valid usersig\n")
        assert said.code == 0, said.err
        printed = json.loads(example("v1-start-request.json"))
        mix = {"mix_stream": {"enabled": True, "model_id": 1}, "extra": ["MIX_STREAM"]}
        concat = {"enabled": True, "image": "https://a.example/b.png"}
        assert vendor.body == {**printed, **mix, "concat": concat}

    @pytest.mark.parametrize("credentials", [V1, V3], ids=["v1", "v3"])
    def test_a_dry_run_asks_nobody_and_shows_no_secret(
        self, say: Say, vendor: Vendor, tmp_path: Path, credentials: dict[str, str]
    ) -> None:
        (tmp_path / "sig").write_text("eJwt0sig")
        user = ["--user-id", "tic_record_user_5_a", "--user-sig", "sig"]
        said = say("record", "start", "5", *user, "--concat", "--dry-run", credentials=credentials)
        shown = json.loads(said.out)
        body = {name.lower().replace("_", ""): value for name, value in shown["body"].items()}
        assert body["roomid"] == 5
        assert "***" in (body.get("usersig"), body.get("recordusersig"))
        assert not any(secret in said.out for secret in ("eJwt0sig", TICKEY, SECRET_KEY))
        assert shown["parameters"].get("sign", "***") == "***"
        assert vendor.came == []

    @pytest.mark.parametrize("how", ["stop", "pause", "resume"])
    def test_a_recording_is_steered(self, say: Say, vendor: Vendor, how: str) -> None:
        vendor.answers = [OK]
        said = say("record", how, TASK)
        assert (said.code, said.out) == (0, "")
        assert f"{how} was taken" in said.err
        assert vendor.came[-1].path.endswith(f"/online/{how}")

    def test_query_prints_the_state_in_one_word(self, say: Say, vendor: Vendor) -> None:
        vendor.answers = [v1_state("recording"), FINISHED, granted(TaskId=TASK, Status="PAUSED")]
        assert say("record", "query", TASK).out == "RECORDING\n"
        assert say("record", "query", TASK).out == "FINISHED\n"
        said = say("record", "query", TASK, "--api", "v3", "--json", credentials=V3)
        assert json.loads(said.out)["Status"] == "PAUSED"

    def test_the_callback_address_is_set_deleted_and_shown(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        vendor.answers = [OK]
        assert say("record", "set-callback", "https://a.example/callback").code == 0
        assert vendor.body == {"callback": "https://a.example/callback"}
        assert say("record", "set-callback", "--delete").code == 0
        assert vendor.body == {"callback": ""}
        (tmp_path / "key").write_text("k3y\n")
        vendor.answers = [granted(Callback="https://a.example/callback", CallbackKey="k3y")]
        said = say("record", "set-callback", "--key", "key", "--api", "v3", credentials=V3)
        assert (said.code, said.out, vendor.body["CallbackKey"]) == (0, "", "k3y")
        said = say("record", "set-callback", "--api", "v3", credentials=V3)
        assert (said.out, said.err) == ("https://a.example/callback\n", "a key is set\n")
        vendor.answers = [granted(Callback="", CallbackKey="")]
        said = say("record", "set-callback", "--api", "v3", credentials=V3)
        assert (said.out, said.err) == ("", "no address is set\nno key is set\n")

    def test_all_running_tasks_are_listed_page_by_page(self, say: Say, vendor: Vendor) -> None:
        rows = [{"TaskID": f"t{n}", "RoomID": n, "Status": "PROCESSING", "CreateTime": "2026"} for n in range(3)]
        vendor.answers = [granted(Total=3, Tasks=rows[:2]), granted(Total=3, Tasks=rows[2:])]
        said = say("record", "running", credentials=V3)
        assert [line.split()[0] for line in said.out.splitlines()] == ["t0", "t1", "t2"]
        assert [json.loads(came.get_data())["Offset"] for came in vendor.came] == [0, 2]

    def test_files_are_made_after_class(self, say: Say, vendor: Vendor) -> None:
        vendor.answers = [STARTED]
        assert say("record", "generate", "--room", "5").out == f"{TASK}\n"
        assert (vendor.came[-1].path, vendor.body) == ("/base/record/v1/offline/create", {"room_id": 5})


class TestFetch:
    def test_the_result_is_what_the_vendor_gave_byte_by_byte(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        vendor.answers = [FINISHED]
        said = say("fetch", TASK, "-o", "result.json")
        assert (said.code, said.out, said.err) == (0, "result.json\n", "")
        assert (tmp_path / "result.json").read_bytes() == example("v1-query-response.json")
        assert say("inspect", "result.json").code == 0
        videos = '[{"VideoId":"v","VideoType":2,"VideoPlayTime":0,"VideoUrl":"http://a.example/课?sign=1"}]'
        odd = f'{{"Response":  {{"RequestId":"r", "Status":"FINISHED","VideoInfos":{videos}}}}}\n'.encode()
        vendor.answers = [Response(odd, content_type="application/json")]
        assert say("fetch", "t", "--api", "v3", credentials=V3).out == "t.json\n"
        assert (tmp_path / "t.json").read_bytes() == odd

    def test_it_replaces_an_earlier_answer_and_nothing_else(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        vendor.answers = [FINISHED]
        assert [say("fetch", TASK, "-o", "new/folder/result.json").code for _ in range(2)] == [0, 0]
        (tmp_path / "diary.txt").write_text("of a year")
        came = len(vendor.came)
        for place, part in (("diary.txt", "not an answer"), (".", "not a plain file"), ("diary.txt/x", "cannot be")):
            said = say("fetch", TASK, "--wait", "-o", place)
            assert (said.code, part in said.err) == (2, True), said.err
        assert len(vendor.came) == came, "said before the wait"
        assert (tmp_path / "diary.txt").read_text() == "of a year"

    def test_it_waits_and_shows_each_state_once(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        states = ["prepared", "recording", "recording", "paused", "stopped"]
        vendor.answers = [*map(v1_state, states), Response("", 503), {"error_code": 20099, "error_msg": ""}, FINISHED]
        said = say("fetch", TASK, "--wait", "--every", "0.01")
        assert said.code == 0, said.err
        told = [line.split(": ")[-1] for line in said.err.splitlines()]
        assert told[:4] == ["PREPARED", "RECORDING", "PAUSED", "STOPPED"]
        assert len(told) == 6
        assert all(line.endswith("; asking again") for line in told[4:])
        assert (tmp_path / f"{TASK}.json").exists()

    def test_it_does_not_wait_for_what_will_never_be_granted(self, say: Say, vendor: Vendor) -> None:
        vendor.answers = [v1_state("recording"), {"error_code": 20002, "error_msg": "sign"}]
        assert say("fetch", TASK, "--wait", "--every", "0.01").code == 3
        vendor.answers = [Response("", 503)]
        said = say("fetch", TASK, "--wait", "--every", "0.01")
        assert (said.code, len(vendor.came)) == (3, 3), "what never answered is not waited for"

    def test_a_task_that_is_kept_no_longer_is_said_at_once_and_not_asked_for_an_hour(
        self, say: Say, vendor: Vendor
    ) -> None:
        gone = {"error_code": 20005, "error_msg": "no data"}
        vendor.answers = [v1_state("recording"), gone, v1_state("recording"), gone]
        said = say("fetch", TASK, "--wait", "--every", "0.01")
        told = [line for line in said.err.splitlines() if "asking again" in line]
        assert (said.code, len(told), len(vendor.came)) == (3, 1 + MOST_UNREAD, 3 + MOST_UNREAD + 1)
        assert all("the task may be kept no longer" in line for line in told)
        assert [line.split("asking again ")[1][:4] for line in told[:3]] == ["10 t", "10 t", "9 ti"]
        assert "deleted after three days" in said.err.splitlines()[-1]

    def test_an_unfinished_one_leaves_no_file(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        vendor.answers = [v1_state("recording")]
        said = say("fetch", TASK)
        assert said.code == 2
        assert f"task {TASK} is not finished" in said.err
        assert f"random {vendor.came[0].args['random']}" in said.err
        assert list(tmp_path.glob("*.json")) == []

    def test_a_failed_one_is_kept_with_what_it_says(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        vendor.answers = [refusal("FailedOperation.Record", "code: 40002, msg: no file")]
        said = say("fetch", TASK, "--api", "v3", "--wait", credentials=V3)
        assert said.code == 2
        assert ADVICE[40002] in said.err
        assert json.loads((tmp_path / f"{TASK}.json").read_text()) == vendor.answers[0]
        assert say("record", "query", TASK, "--api", "v3", credentials=V3).code == 2

    def test_ctrl_c_ends_the_wait_without_a_traceback(self, say: Say, vendor: Vendor, tmp_path: Path) -> None:
        vendor.answers = [v1_state("recording")]
        assert say("record", "query", TASK).code == 0  # the settings are in the environment now
        words = [*START, "fetch", TASK, "--wait", "--every", "60"]
        waiting = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == f"task {TASK}: RECORDING\n"
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=30)
        assert (waiting.returncode, out, err.splitlines()[0]) == (130, "", "stopped")
        until(lambda: waiting.poll() is not None)


class TestRunOfATask:
    def test_its_result_is_asked_for(self, say: Say, vendor: Vendor) -> None:
        vendor.answers = [FINISHED]
        said = say("run", "--task", TASK, "--media-dir", "nowhere", "-o", "class.mp4")
        assert vendor.body == {"task_id": TASK}
        assert "the media folder 'nowhere' cannot be read" in said.err

    def test_an_unfinished_one_says_so(self, say: Say, vendor: Vendor) -> None:
        vendor.answers = [v1_state("paused")]
        said = say("run", "--task", TASK)
        assert said.code == 2
        assert "the recording is paused" in said.err
        assert f"`assembler fetch {TASK} --wait` asks until it is" in said.err

    def test_nothing_named_is_a_mistake(self, say: Say) -> None:
        said = say("run")
        assert said.code == 2
        assert "--task" in said.err


class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "code", "part"),
        [
            (["record", "start", "0"], 2, "room_id"),
            (["record", "start", "4294967296"], 2, "room_id"),
            (["record", "start", "north"], 2, "ROOM"),
            (["record", "start", "5", "--user-id", "ann"], 2, "tic_record_user_5_"),
            (["record", "start", "5", "--user-sig", "lost"], 2, "lost cannot be read"),
            (["record", "start", "5", "--board", "large"], 2, "--board 1280x960"),
            (["record", "start", "5", "--board", "1x"], 2, "--board 1280x960"),
            (["record", "start", "5", "--teacher", "ann"], 2, "--mix tiw-1"),
            (["record", "start", "5", "--auto-stop", "600"], 2, "knows no auto_stop_timeout (--auto-stop)"),
            (["record", "start", "5", "--auto-stop", "299"], 2, "--auto-stop"),
            (["record", "start", "5", "--with", "lost.json"], 2, "lost.json cannot be read"),
            (["record", "stop", "a/b"], 2, "not a task id"),
            (["record", "set-callback", "a.example"], 2, "http:// or https://"),
            (["record", "set-callback", "https://a.example", "--delete"], 2, "at once"),
            (["record", "set-callback"], 2, "--api v3"),
            (["record", "running"], 2, "--api v3"),
            (["record", "generate", TASK], 2, "room"),
            (["fetch", "../x"], 2, "not a task id"),
        ],
    )
    def test_it_is_refused_before_anybody_is_asked(
        self, say: Say, vendor: Vendor, words: list[str], code: int, part: str
    ) -> None:
        said = say(*words, usersig_key="k")
        assert (said.code, said.out, vendor.came) == (code, "", [])
        assert part in said.err

    @pytest.mark.parametrize(
        ("words", "answer", "hint"),
        [
            (["start", "5"], 20013, "another user id"),
            (["start", "5"], 20010, "still being recorded"),
            (["start", "5"], 20000, "apply for it"),
            (["start", "5"], 20002, "TicKey"),
            (["start", "5"], 20001, "clock"),
            (["stop", TASK], 20011, "already ended"),
            (["pause", TASK], 20005, "TaskId"),
        ],
    )
    def test_what_generation_1_refuses_says_what_to_do(
        self, say: Say, vendor: Vendor, words: list[str], answer: int, hint: str
    ) -> None:
        vendor.answers = [{"error_code": answer, "error_msg": "refused"}]
        said = say("record", *words, usersig_key="k")
        assert (said.code, said.out) == (3, "")
        assert hint in said.err
        assert "random " in said.err
        assert TICKEY not in said.err

    @pytest.mark.parametrize(
        ("words", "answer", "hint"),
        [
            (["start", "5"], "ResourceInUse.RecordUserId", "another user id"),
            (["start", "5"], "UnauthorizedOperation.SdkAppId", "SdkAppId"),
            (["start", "5"], "AuthFailure.SignatureExpire", "clock"),
            (["stop", TASK], "UnsupportedOperation.TaskHasAlreadyStopped", "fetch its result"),
            (["pause", TASK], "UnsupportedOperation.InvalidTaskStatus", "pause only what is recorded"),
            (["resume", TASK], "InvalidParameter.TaskNotFound", "three days"),
        ],
    )
    def test_what_generation_3_refuses_says_what_to_do(
        self, say: Say, vendor: Vendor, words: list[str], answer: str, hint: str
    ) -> None:
        vendor.answers = [refusal(answer, "refused")]
        said = say("record", *words, usersig_key="k", credentials=V3)
        assert (said.code, said.out) == (3, "")
        assert hint in said.err
        assert "RequestId req-1" in said.err
        assert SECRET_KEY not in said.err

    @pytest.mark.parametrize(
        ("credentials", "words", "parts"),
        [
            ({}, [], ["there are no credentials", "ASSEMBLER_TICKEY", "TENCENTCLOUD_SECRET_ID"]),
            ({**V1, **V3}, [], ["both generations", "--api v1 or --api v3"]),
            (V1, ["--api", "v3"], ["no credentials for --api v3", "TENCENTCLOUD_SECRET_KEY"]),
            (V3, ["--api", "v1"], ["no credentials for --api v1", "ASSEMBLER_TICKEY"]),
            ({"TENCENTCLOUD_SECRET_ID": "AKID"}, [], ["TENCENTCLOUD_SECRET_KEY is not set"]),
            ({**V1, "ASSEMBLER_SDK_APP_ID": ""}, [], ["ASSEMBLER_SDK_APP_ID"]),
            ({**V3, "TENCENTCLOUD_SECRET_KEY": " spaced "}, [], ["secret key should not contain spaces"]),
        ],
    )
    def test_credentials_that_are_missing_or_too_many_are_named(
        self, say: Say, vendor: Vendor, credentials: dict[str, str], words: list[str], parts: list[str]
    ) -> None:
        said = say("record", "stop", TASK, *words, credentials=credentials)
        assert (said.code, vendor.came) == (2, [])
        for part in parts:
            assert part in said.err

    def test_both_credentials_and_a_generation_ask_that_one(self, say: Say, vendor: Vendor) -> None:
        vendor.answers = [v1_state("recording"), granted(Status="PAUSED")]
        assert say("record", "query", TASK, "--api", "v1", credentials={**V1, **V3}).out == "RECORDING\n"
        assert say("record", "query", TASK, "--api", "v3").out == "PAUSED\n"

    def test_the_names_of_the_verbs_cost_no_library(self) -> None:
        code = "import sys, assembler.cli.record; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert not {"tencentcloud", "stamina", "requests", "assembler.cloud.bodies"} & set(loaded)
