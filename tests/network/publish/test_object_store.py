"""A playback in object storage appears whole, and never over somebody else's; real S3 requests, a real server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest
import requests
from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]  # it has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from lessons import camera, recording
from storage import KEYS, Storage, Wire, first, serving
from terminal import until

from assembler.doctor import Symptom
from assembler.doctor import _bucket as examine_bucket
from assembler.errors import PublishError
from assembler.network.download.addresses import with_addresses
from assembler.network.download.download import fetch_all
from assembler.network.publish import s3 as object_store
from assembler.network.publish import s3_rules
from assembler.network.publish.card import Card
from assembler.network.publish.publish import check_output, publish, unpublish
from assembler.network.publish.s3 import MIB, Bucket
from assembler.network.publish.s3_rules import removes_parts
from assembler.options import Options, load_options
from assembler.processes import Stop, Stopped
from assembler.progress import Silent

from ..conftest import card

PLACE = "s3://lessons/played"


@pytest.fixture(scope="module")
def served() -> Iterator[Storage]:
    with serving() as storage:
        yield storage


@pytest.fixture
def storage(served: Storage, monkeypatch: pytest.MonkeyPatch) -> Storage:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ASSEMBLER_S3_ENDPOINT", served.url)
    monkeypatch.setattr(object_store, "PART_BYTES", 5 * MIB)
    monkeypatch.setattr(object_store, "RETRIES", 2)
    monkeypatch.setattr(object_store, "RETRY_SECONDS", 5.0)
    served.empty()
    return served


@pytest.fixture
def made(made: Path) -> Path:
    deep = made.parent / "playback.assets/deep"
    deep.mkdir()
    (deep / "a b.txt").write_text("")
    return made


def put(made: Path, card: Card, below: str = "a/t1", stop: Stop | None = None, output: str = PLACE) -> str:
    assets = made.with_name("playback.assets")
    return publish(made, assets, output, below, card, load_options(), stop or Stop())


def large(made: Path, size: int = 20 * MIB) -> None:
    made.write_bytes(os.urandom(MIB) * (size // MIB))


FILE, CARD = "played/a/t1/playback.mp4", "played/a/t1/job.json"


class TestWhatIsThere:
    def test_file_assets_and_card_and_the_card_comes_last(self, storage: Storage, made: Path) -> None:
        assert put(made, card()) == f"s3://lessons/{FILE}"
        written = [path.removeprefix("/lessons/") for method, path, _ in storage.asked if method == "PUT"]
        assets = ["played/a/t1/playback.assets/deep/a b.txt", "played/a/t1/playback.assets/playback.json"]
        assert written == [*assets, FILE, CARD]
        assert storage.get(FILE) == b"film"
        assert json.loads(storage.get(CARD) or b"")["job"] == "t1"

    def test_a_browser_is_told_what_it_is(self, storage: Storage, made: Path) -> None:
        put(made, card())
        assert storage.kind(FILE) == "video/mp4"

    def test_ids_are_names_and_no_paths(self, storage: Storage, made: Path) -> None:
        put(made, card(), below="..%2F..%2Fetc/%2E%2E/课 ~a@1.2")
        assert "played/..%2F..%2Fetc/%2E%2E/课 ~a@1.2/job.json" in storage.names()

    def test_without_a_prefix_it_lies_at_the_top(self, storage: Storage, made: Path) -> None:
        assert put(made, card(), output="s3://lessons/") == "s3://lessons/a/t1/playback.mp4"
        assert "a/t1/job.json" in storage.names()

    def test_a_large_file_goes_in_parts_and_comes_out_the_same(self, storage: Storage, made: Path) -> None:
        large(made)
        put(made, card())
        assert storage.parts() == 4
        assert storage.get(FILE) == made.read_bytes()
        assert storage.uploads() == 0


class TestRemoved:
    def test_it_goes_with_all_that_is_its_own_and_nothing_else(self, storage: Storage, made: Path) -> None:
        place = put(made, card())
        storage.put("played/a/t1/notes.txt", b"mine")
        storage.put("played/a/t1/playback.assetsx/other", b"mine")
        assert not unpublish(place, "playback.assets", "another", load_options())
        assert storage.get(FILE) == b"film"
        assert unpublish(place, "playback.assets", "t1", load_options())
        assert storage.names() == ["played/a/t1/notes.txt", "played/a/t1/playback.assetsx/other"]
        assert not unpublish(place, "playback.assets", "t1", load_options())

    def test_what_is_claimed_by_nobody_does_not_appear(self, storage: Storage, made: Path) -> None:
        def cancelled() -> None:
            raise Stopped

        with pytest.raises(Stopped):
            publish(made, made.with_name("playback.assets"), PLACE, "a/t1", card(), load_options(), Stop(), cancelled)
        assert storage.get(FILE) is None


class TestWhoseItIs:
    def test_a_later_revision_takes_the_place_and_an_earlier_one_does_not(self, storage: Storage, made: Path) -> None:
        put(made, card())
        made.write_bytes(b"second")
        put(made, card(revision=2))
        made.write_bytes(b"first again")
        assert put(made, card(revision=1)) == f"s3://lessons/{FILE}"
        assert storage.get(FILE) == b"second"
        assert json.loads(storage.get(CARD) or b"")["revision"] == 2

    def test_another_tasks_place_is_left_alone(self, storage: Storage, made: Path) -> None:
        put(made, card())
        made.write_bytes(b"other")
        with pytest.raises(PublishError, match="another task") as caught:
            put(made, card(key="/t2"))
        assert not caught.value.retry
        assert storage.get(FILE) == b"film"

    def test_what_is_no_card_of_ours_is_left_alone(self, storage: Storage, made: Path) -> None:
        storage.put(CARD, b"<html>")
        with pytest.raises(PublishError, match="was not written by assembler"):
            put(made, card())
        assert storage.names() == [CARD]

    @pytest.mark.parametrize(("there", "is_error"), [({"revision": 2}, False), ({"key": "/t2"}, True)])
    def test_whoever_came_while_we_uploaded_stays(
        self, storage: Storage, made: Path, there: dict[str, Any], is_error: bool
    ) -> None:
        large(made, 30 * MIB)  # more parts than are sent at once
        theirs = card(**there).model_dump_json().encode()

        def comes(environ: dict[str, Any]) -> None:
            if "partNumber" in environ["QUERY_STRING"] and CARD not in storage.names():
                storage.put(CARD, theirs)

        storage.rules.append(comes)
        if is_error:
            with pytest.raises(PublishError, match="another task"):
                put(made, card())
        else:
            put(made, card())
        assert storage.get(CARD) == theirs
        assert storage.get(FILE) is None
        assert storage.uploads() == 0

    def test_a_repetition_sends_nothing_anew(self, storage: Storage, made: Path) -> None:
        put(made, card())
        storage.asked.clear()
        assert put(made, card()) == f"s3://lessons/{FILE}"
        assert {method for method, _, _ in storage.asked} == {"GET", "HEAD"}

    def test_but_a_file_that_is_gone_comes_back(self, storage: Storage, made: Path) -> None:
        put(made, card())
        storage.remove(FILE)
        put(made, card())
        assert storage.get(FILE) == b"film"


class TestWhatGoesWrong:
    def test_an_overloaded_storage_is_asked_again(self, storage: Storage, made: Path) -> None:
        large(made)
        storage.rules.append(first(2, "503 Slow Down"))
        put(made, card())
        assert storage.get(FILE) == made.read_bytes()

    def test_one_that_stays_overloaded_is_tried_again_later(self, storage: Storage, made: Path) -> None:
        storage.rules.append(first(99, "503 Slow Down"))
        with pytest.raises(PublishError, match="503") as caught:
            put(made, card())
        assert caught.value.retry
        assert storage.names() == []

    def test_a_part_that_is_refused_aborts_the_upload(self, storage: Storage, made: Path) -> None:
        large(made)
        storage.rules.append(lambda e: "403 Forbidden" if "partNumber=3" in e["QUERY_STRING"] else None)
        with pytest.raises(PublishError) as caught:
            put(made, card())
        assert not caught.value.retry
        assert FILE not in storage.names()
        assert CARD not in storage.names()
        assert storage.uploads() == 0

    def test_told_to_stop_it_aborts_the_upload(self, storage: Storage, made: Path) -> None:
        large(made)
        stop = Stop()
        storage.rules.append(lambda e: stop.set() if "partNumber" in e["QUERY_STRING"] else None)
        with pytest.raises(Stopped):
            put(made, card(), stop=stop)
        assert FILE not in storage.names()
        assert storage.uploads() == 0

    def test_a_cut_wire_is_mended(self, storage: Storage, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        large(made)
        with Wire(storage.port, after=3 * MIB, times=2) as wire:
            monkeypatch.setenv("ASSEMBLER_S3_ENDPOINT", wire.url)
            put(made, card())
            assert wire.left == 0
        assert storage.get(FILE) == made.read_bytes()
        assert storage.uploads() == 0

    def test_a_wire_that_is_always_cut_leaves_nothing_under_a_final_name(
        self, storage: Storage, made: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        large(made)
        with Wire(storage.port, after=3 * MIB, times=1000) as wire:
            monkeypatch.setenv("ASSEMBLER_S3_ENDPOINT", wire.url)
            with pytest.raises(PublishError, match="cuts the connection") as caught:
                put(made, card())
        assert caught.value.retry
        assert FILE not in storage.names()
        assert CARD not in storage.names()

    def test_nobody_there(self, storage: Storage, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSEMBLER_S3_ENDPOINT", "http://127.0.0.1:1")
        with pytest.raises(PublishError, match="cannot be reached") as caught:
            put(made, card())
        assert caught.value.retry

    def test_a_missing_bucket_is_named(self, storage: Storage, made: Path) -> None:
        with pytest.raises(PublishError, match=r"no bucket 'other-lessons' \(NoSuchBucket\)") as caught:
            put(made, card(), output="s3://other-lessons")
        assert not caught.value.retry

    def test_wrong_keys_are_told_without_being_repeated(self, storage: Storage, made: Path) -> None:
        requests.post(f"{storage.url}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
        try:
            with pytest.raises(PublishError, match=r"denies access to 'lessons' \(InvalidAccessKeyId\)") as caught:
                put(made, card())
        finally:
            requests.post(f"{storage.url}/moto-api/reset-auth", data="Infinity", timeout=10)
        assert not caught.value.retry
        told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
        assert not [value for value in KEYS.values() if value in told and value != "us-east-1"]
        assert "http" not in str(caught.value)

    def test_no_keys_at_all_are_told(self, storage: Storage, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"{storage.url}/169.254.169.254")
        with pytest.raises(PublishError, match="no keys") as caught:
            put(made, card())
        assert "AWS_ACCESS_KEY_ID" in caught.value.hint

    def test_a_file_that_cannot_be_read_is_told(self, storage: Storage, made: Path) -> None:
        made.unlink()
        with pytest.raises(PublishError, match="cannot be read"):
            put(made, card())


UPLOAD = r"""
import re, sys
from pathlib import Path
from assembler.network.publish.card import Card
from assembler.network.publish.publish import check_output, publish
from assembler.options import load_options
from assembler.processes import Stop
made, options = Path(sys.argv[1]), load_options()
check_output("s3://lessons/played", options)
def peak():  # ru_maxrss would count what our parent was
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
card = Card(job="t1", key="/t1", revision=1, digest="d")
publish(made, made.with_name("playback.assets"), "s3://lessons/played", "a/t1", card, options, Stop())
print((peak() - before) // 1024)
"""


class TestInAProcess:
    def test_killed_in_the_middle_nothing_has_its_final_name_and_the_next_one_goes_through(
        self, storage: Storage, made: Path
    ) -> None:
        large(made)
        storage.rules.append(lambda e: time.sleep(30) if "partNumber=3" in e["QUERY_STRING"] else None)
        child = subprocess.Popen([sys.executable, "-c", UPLOAD, str(made)])
        until(lambda: storage.parts() >= 3, 20)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        assert FILE not in storage.names()
        assert CARD not in storage.names()
        storage.rules.clear()
        put(made, card())
        assert storage.get(FILE) == made.read_bytes()

    def test_memory_does_not_grow_with_the_file(self, storage: Storage, made: Path) -> None:
        grown = []
        for size in (24, 88):
            with made.open("wb") as file:
                file.truncate(size * MIB)
            done = subprocess.run([sys.executable, "-c", UPLOAD, str(made)], capture_output=True, text=True, check=True)
            grown.append(int(done.stdout))
            assert len(storage.get(FILE) or b"") == size * MIB
        assert grown[1] < 64, f"MiB: {grown}"


class TestSettings:
    @pytest.fixture(autouse=True)
    def _plain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")

    def url(self, **settings: Any) -> str:
        """Where a file would be asked for."""
        store = Bucket.opened("s3://lessons-1250000000", Options(**settings)).store
        return obstore.sign(store, "GET", "x", timedelta(minutes=1))

    @pytest.mark.parametrize(
        ("settings", "place"),
        [
            ({}, "https://s3.us-east-1.amazonaws.com/lessons-1250000000/x?"),
            ({"s3_virtual_hosted": True}, "https://lessons-1250000000.s3.us-east-1.amazonaws.com/x?"),
            (
                {"s3_endpoint": "https://cos.ap-guangzhou.myqcloud.com"},
                "https://lessons-1250000000.cos.ap-guangzhou.myqcloud.com/x?",
            ),
            (
                {"s3_endpoint": "https://lessons-1250000000.cos.ap-guangzhou.myqcloud.com/"},
                "https://lessons-1250000000.cos.ap-guangzhou.myqcloud.com/x?",
            ),
            ({"s3_endpoint": "https://minio.lan:9000"}, "https://minio.lan:9000/lessons-1250000000/x?"),
            (
                {"s3_endpoint": "https://oss.example.com", "s3_virtual_hosted": True},
                "https://lessons-1250000000.oss.example.com/x?",
            ),
        ],
    )
    def test_the_bucket_is_where_the_storage_looks_for_it(self, settings: dict[str, Any], place: str) -> None:
        assert self.url(**settings).startswith(place)

    def test_tencents_region_is_read_from_its_address_unless_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        address = "https://cos.ap-guangzhou.myqcloud.com"
        assert "ap-guangzhou%2Fs3" in self.url(s3_endpoint=address)
        monkeypatch.setenv("AWS_REGION", "elsewhere")
        assert "elsewhere%2Fs3" in self.url(s3_endpoint=address)

    def test_our_setting_is_stronger_than_an_address_in_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere.example.com")
        assert self.url().startswith("https://elsewhere.example.com/")
        assert self.url(s3_endpoint="https://minio.lan").startswith("https://minio.lan/")

    @pytest.mark.parametrize(
        "output",
        ["s3://", "s3:///x", "s3://UPPER/x", "s3://ab", "s3://lessons/a/../b", "s3://lessons//a//b", "s3://[x/y"],
    )
    def test_what_names_no_bucket_is_refused(self, output: str) -> None:
        with pytest.raises(PublishError, match="bucket"):
            check_output(output, Options())

    @pytest.mark.parametrize("output", ["s3://key:5ecret@lessons/x", "s3://lessons/x?secret=5ecret"])
    def test_a_secret_in_the_address_is_refused_and_not_repeated(self, output: str) -> None:
        with pytest.raises(PublishError) as caught:
            check_output(output, Options())
        assert "5ecret" not in "".join(traceback.format_exception(caught.value)) + caught.value.hint

    @pytest.mark.parametrize("endpoint", ["minio.lan:9000", "ftp://x", "https://k:s@x", "https://", "https://[x"])
    def test_what_is_no_address_of_a_storage_is_refused(self, endpoint: str) -> None:
        with pytest.raises(PublishError, match="ASSEMBLER_S3_ENDPOINT"):
            check_output("s3://lessons", Options(s3_endpoint=endpoint))

    @pytest.mark.parametrize("verb", ["work", "serve", "batch"])
    def test_without_the_extra_every_verb_that_would_need_it_says_so_at_its_start(
        self, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        from assembler.cli.main import main

        for name in [name for name in sys.modules if re.match(r"obstore(\.|$)", name)]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "obstore", None)  # as if it was not installed
        monkeypatch.setenv("ASSEMBLER_OUTPUT", PLACE)
        monkeypatch.setattr(
            sys, "argv", ["assembler", verb, *{"batch": [str(tmp_path)], "serve": ["--insecure"]}.get(verb, [])]
        )
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == PublishError.exit_code
        said = capsys.readouterr().err
        assert "needs the extra `s3`" in said
        assert "pip install 'assembler[s3]'" in said
        assert not (tmp_path / "home").exists()


ABORTS = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}


def test_doctor_looks_for_the_rule_that_removes_what_killed_uploads_leave(storage: Storage) -> None:
    options = load_options(output=PLACE)

    def found() -> Symptom:
        return next(one for one in examine_bucket(options))

    assert not found().is_well
    assert "lifecycle rule that aborts incomplete" in found().hint
    storage.rule("played/", Expiration={"Days": 9})
    assert not removes_parts(PLACE, options), "that one removes whole objects"
    storage.rule("other/", **ABORTS)
    assert not removes_parts(PLACE, options), "that one is for other objects"
    for prefix in ("", "play", "played/"):
        storage.rule(prefix, **ABORTS)
        assert removes_parts(PLACE, options)
    assert found().is_well
    storage.rules.append(first(9, "403 Forbidden", method="GET"))
    assert "does not tell the lifecycle rules" in found().text
    assert examine_bucket(load_options(output="a-folder")) == []


@pytest.mark.parametrize("token", [None, "a-session-token"])
def test_its_question_is_signed_as_the_storages_own_client_does(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    headers = s3_rules._signed("127.0.0.1:9000", "/a-bucket", "eu-west-1")
    auth = S3SigV4Auth(Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], token), "s3", "eu-west-1")
    sent = {name: value for name, value in headers.items() if name != "authorization"}
    request = AWSRequest("GET", "http://127.0.0.1:9000/a-bucket?lifecycle=", headers=sent)
    request.context["timestamp"] = headers["x-amz-date"]
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert headers["authorization"].endswith(f"Signature={auth.signature(text, request)}")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(PublishError, match="keys of the environment"):
        removes_parts(PLACE, load_options())


def test_recorded_files_in_a_bucket_are_fetched_by_signed_addresses(storage: Storage, tmp_path: Path) -> None:
    video = b"\0\0\0\x18ftypisom" + bytes(2000)
    storage.put("raw/ann is here.mp4", video)
    options = load_options(media_base="s3://lessons/raw/", allow_hosts="127.0.0.1")
    named = camera("ann is here", "ann", 0, 1000).model_copy(update={"url": None})
    (segment,) = with_addresses(recording([named]), options).segments
    assert "X-Amz-Signature=" in (segment.url or "")
    fetched = fetch_all([segment], cache=tmp_path, options=options, progress=Silent())
    assert fetched.files["ann is here"].read_bytes() == video


def test_a_playlist_in_a_bucket_and_its_parts_are_fetched_by_signed_addresses(storage: Storage, tmp_path: Path) -> None:
    storage.put("raw/ann.m3u8", b"#EXTM3U\n#EXTINF:2\na b.ts\n#EXTINF:2\n1.ts\n#EXT-X-ENDLIST\n")
    for name, byte in (("a b.ts", b"G"), ("1.ts", b"H")):
        storage.put(f"raw/{name}", byte * 188)
    options = load_options(media_base="s3://lessons/raw/", allow_hosts="127.0.0.1")
    named = camera("ann", "ann", 0, 1000).model_copy(update={"url": None, "format": "m3u8"})
    (segment,) = with_addresses(recording([named]), options).segments
    fetched = fetch_all([segment], cache=tmp_path, options=options, progress=Silent())
    assert fetched.failures == {}
    assert fetched.files["ann"].read_bytes() == b"G" * 188 + b"H" * 188
