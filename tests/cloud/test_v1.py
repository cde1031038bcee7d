"""Generation 1: what is sent equals the vendor's page, and every code it answers says what to do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from dialects.bodies import vendor as example
from werkzeug import Response

from assembler.cloud import Api, Kind, Steer
from assembler.cloud.bodies import Generation, Start, checked
from assembler.cloud.choose import open_cloud
from assembler.cloud.client import Cloud, Request
from assembler.cloud.fetch import ask
from assembler.cloud.v1 import SIGNED_SECONDS, url_parameters
from assembler.dialects.signature import sign
from assembler.dialects.vendor_errors import ADVICE
from assembler.errors import CloudError, InputError, RecordingFailed
from assembler.options import Options, load_options
from cloud.conftest import OK, TICKEY, Vendor

TASK = "g68cee8e90jcq4ogg8jb"
CALLBACK = "https://iclass.api.qcloud.com/task/callback"


def start_as_printed() -> Start:
    return checked(Start, json.loads(example("v1-start-request.json")))


EXAMPLES: dict[str, Callable[[Cloud], Request]] = {
    "start": lambda cloud: cloud.start(start_as_printed()),
    "stop": lambda cloud: cloud.steer(Steer.STOP, TASK),
    "pause": lambda cloud: cloud.steer(Steer.PAUSE, TASK),
    "resume": lambda cloud: cloud.steer(Steer.RESUME, TASK),
    "query": lambda cloud: cloud.query(TASK, Kind.ONLINE),
    "set-callback": lambda cloud: cloud.set_callback(CALLBACK, Kind.ONLINE),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_request_equals_the_example_of_the_vendors_page(v1: Cloud, vendor: Vendor, name: str) -> None:
    vendor.answers = [OK]
    v1.send(EXAMPLES[name](v1))
    (came,) = vendor.came
    printed = f"v1-{name}-request{'-missing-comma' if name == 'start' else ''}.txt"
    url, header = re.findall(r"https?://\S+|Content-Type:[^\"\s]+", example(printed).decode())[:2]
    assert came.method == "POST"
    assert came.path == f"/base{urlsplit(url).path}"
    assert set(came.args) == set(parse_qs(urlsplit(url).query))
    assert came.args["sdkappid"] == parse_qs(urlsplit(url).query)["sdkappid"][0]
    assert header == f"Content-Type:{came.headers['Content-Type']}"
    assert vendor.body == json.loads(example(f"v1-{name}-request.json"))


def test_the_signature_is_that_of_the_vendors_page() -> None:
    options = Options(sdk_app_id=1, tickey=TICKEY)
    made = url_parameters(options, 1548247837 - SIGNED_SECONDS)
    assert (made["expire_time"], made["sign"]) == ("1548247837", "5400bac77ba6467a8f8ac056f1769f45")


def test_what_arrives_is_signed_and_has_a_random_of_its_own(v1: Cloud, vendor: Vendor) -> None:
    vendor.answers = [OK]
    for _ in range(3):
        v1.send(v1.query(TASK, Kind.ONLINE))
    for came in vendor.came:
        assert came.args["sign"] == sign(TICKEY, came.args["expire_time"])
        assert time.time() < int(came.args["expire_time"]) <= time.time() + SIGNED_SECONDS
        assert 1 <= int(came.args["random"]) <= 2147483647
    assert len({came.args["random"] for came in vendor.came}) == 3


def test_offline_recordings_have_paths_of_their_own(v1: Cloud, vendor: Vendor) -> None:
    vendor.answers = [OK]
    v1.send(v1.generate(checked(Generation, {"room_id": 5, "group_id": "g", "mix_stream": {"model_id": 1}})))
    assert vendor.body == {"room_id": 5, "group_id": "g", "mix_stream": {"enabled": True, "model_id": 1}}
    v1.send(v1.query(TASK, Kind.OFFLINE))
    v1.send(v1.set_callback("", Kind.OFFLINE))
    assert vendor.body == {"callback": ""}
    assert [came.path.split("/v1/")[1] for came in vendor.came] == [
        "offline/create",
        "offline/query",
        "offline/callback",
    ]


def test_the_codes_are_those_of_the_vendors_pages() -> None:
    recording, offline = {40000, 40001, 40002, 40004, 40005, 49999}, {-1, 2003, 2004, 2005, 2007, 20010}
    requests = {*range(20000, 20006), 20011, 20013, *range(20090, 20100)}
    assert set(ADVICE) == recording | offline | requests


@pytest.mark.parametrize("number", sorted(ADVICE))
def test_every_code_of_the_tables_is_a_cloud_error_with_advice_and_random(
    v1: Cloud, vendor: Vendor, number: int
) -> None:
    vendor.answers = [{"error_code": number, "error_msg": "went wrong"}]
    with pytest.raises(CloudError) as caught:
        v1.send(v1.steer(Steer.PAUSE, TASK))
    assert caught.value.hint == ADVICE[number]
    assert f"refused to pause task {TASK}: {number}: went wrong" in caught.value.sentence
    assert f"(random {vendor.came[0].args['random']})" in caught.value.sentence
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("number", [n for n in sorted(ADVICE) if not 20000 <= n < 30000])
def test_a_code_of_the_task_that_is_asked_for_is_a_failed_recording(v1: Cloud, vendor: Vendor, number: int) -> None:
    vendor.answers = [{"error_code": number, "error_msg": "no", "task_id": TASK, "status": "finished"}]
    problem = ask(v1, TASK).problem
    assert isinstance(problem, RecordingFailed)
    assert problem.hint == ADVICE[number]
    assert f"random {vendor.came[0].args['random']}" in problem.sentence


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (Response("<html>bad gateway</html>", 502), True),
        (Response("<html>not here</html>", 404), False),
        (Response("{}", 200), False),
        (Response("", 200), False),
        (Response("", 302, {"Location": "http://127.0.0.1:1/"}), False),
    ],
)
def test_an_answer_that_is_not_the_vendors_says_so(v1: Cloud, vendor: Vendor, answer: Response, retry: bool) -> None:
    vendor.answers = [answer]
    with pytest.raises(CloudError, match=r"not as the vendor's API does \(random \d+\)") as caught:
        v1.send(v1.query(TASK, Kind.ONLINE))
    assert caught.value.retry is retry
    assert "sign" not in str(caught.value)


def test_a_host_that_is_not_there_is_a_cloud_error(v1: Cloud) -> None:
    options = load_options(cloud_base="http://127.0.0.1:1")
    with open_cloud(options, Api.V1) as cloud, pytest.raises(CloudError, match="cannot be reached") as caught:
        cloud.send(cloud.query(TASK, Kind.ONLINE))
    assert caught.value.retry


@pytest.mark.parametrize("base", ["ftp://a.example", "iclass.api.qcloud.com"])
def test_a_base_that_is_no_address_is_refused(v1: Cloud, base: str) -> None:
    with pytest.raises(InputError, match="ASSEMBLER_CLOUD_BASE"), open_cloud(load_options(cloud_base=base), Api.V1):
        pass


def test_what_only_generation_3_can_is_said(v1: Cloud) -> None:
    newer = start_as_printed().model_copy(update={"auto_stop_timeout": 300})
    asked: list[Callable[[], object]] = [
        lambda: v1.start(newer),
        lambda: v1.running(0),
        lambda: v1.show_callback(Kind.ONLINE),
        lambda: v1.set_callback_key("k", Kind.ONLINE),
        lambda: v1.generate(checked(Generation, {"online_record_task_id": TASK})),
    ]
    for one in asked:
        with pytest.raises(InputError, match="generation 1"):
            one()
