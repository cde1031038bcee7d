"""What was fetched is kept, and found again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assembler.network import http as hosts
from assembler.network.download import revalidate
from assembler.network.download.cache import Entry, entry_of
from assembler.network.download.download import on_disk
from assembler.network.download.limits import needed_bytes
from assembler.options import Options

from ..conftest import Answer, Downloads, FileServer, media, segment, status, whole

BODY, OTHER = media(300_000), media(300_000, seed=9)


@pytest.fixture
def v1(server: FileServer) -> str:
    server.bodies["/v1.mp4"] = BODY
    return server.url("/v1.mp4")


@pytest.fixture
def _always_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revalidate, "FRESH_SECONDS", 0.0)


def the_entry(download: Downloads, url: str) -> Entry:
    entry = entry_of(download.cache, segment(url=url))
    assert entry is not None
    return entry


def test_a_second_run_asks_nothing(server: FileServer, download: Downloads, v1: str) -> None:
    first = download(segment(url=v1))
    assert download(segment(url=v1)) == first
    assert len(server.requests) == 1


def test_a_new_signature_is_the_same_file(server: FileServer, download: Downloads, v1: str) -> None:
    first = download(segment(url=v1))
    assert download(segment(url=v1.replace("?", "?again=1&"))) == first
    assert len(server.requests) == 1


def test_another_path_or_video_id_is_another_file(server: FileServer, download: Downloads, v1: str) -> None:
    server.bodies["/other/v1.mp4"] = OTHER
    paths = [
        download(segment(video_id, url)).files[video_id]
        for video_id, url in (("v1", v1), ("v1", server.url("/other/v1.mp4")), ("v2", v1))
    ]
    assert len(set(paths)) == 3
    assert [p.read_bytes() for p in paths] == [BODY, OTHER, BODY]


@pytest.mark.usefixtures("_always_ask")
class TestWhenTheServerIsAskedAgain:
    def test_an_unchanged_file_is_confirmed_without_its_bytes(
        self, server: FileServer, download: Downloads, v1: str
    ) -> None:
        first = download(segment(url=v1))
        sent = server.sent
        assert download(segment(url=v1)) == first
        assert server.sent == sent
        assert server.requests[1][1]["if-none-match"].startswith('"')

    @pytest.mark.parametrize("body", [OTHER, media(400_000), media(200_000)])
    def test_a_changed_file_is_fetched_again(
        self, server: FileServer, download: Downloads, v1: str, body: bytes
    ) -> None:
        download(segment(url=v1))
        server.bodies["/v1.mp4"] = body
        assert download(segment(url=v1)).files["v1"].read_bytes() == body

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"ETag": '"a"'}, {"ETag": '"b"'}),
            ({}, {"ETag": '"b"'}),
            ({"Last_Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}, {"Last_Modified": "Thu, 02 Jan 2025 00:00:00 GMT"}),
        ],
    )
    def test_a_server_that_knows_no_conditions_is_believed_by_its_marks(
        self, server: FileServer, download: Downloads, v1: str, before: dict[str, str], after: dict[str, str]
    ) -> None:
        server.always["/v1.mp4"] = whole(**before)
        download(segment(url=v1))
        assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
        assert len(server.requests) == 2
        server.bodies["/v1.mp4"] = OTHER
        server.always["/v1.mp4"] = whole(**after)
        assert download(segment(url=v1)).files["v1"].read_bytes() == OTHER

    def test_last_modified_is_a_condition_where_there_is_no_etag(
        self, server: FileServer, download: Downloads, v1: str
    ) -> None:
        server.always["/v1.mp4"] = whole(Last_Modified="Wed, 01 Jan 2025 00:00:00 GMT")
        download(segment(url=v1))
        server.scripts["/v1.mp4"] = [status(304)]
        assert not download(segment(url=v1)).findings
        assert server.requests[1][1]["if-modified-since"] == "Wed, 01 Jan 2025 00:00:00 GMT"

    @pytest.mark.parametrize(
        "behave",
        [
            status(404),
            status(403),
            status(503),
            status(302, Location="http://10.0.0.1/"),
            whole(Content_Type="text/html"),
        ],
    )
    def test_what_was_fetched_is_kept_when_the_server_does_not_confirm_it(
        self, server: FileServer, download: Downloads, v1: str, behave: Callable[[Answer], None]
    ) -> None:
        download(segment(url=v1))
        server.always["/v1.mp4"] = behave
        fetched = download(segment(url=v1))
        assert fetched.files["v1"].read_bytes() == BODY
        (finding,) = fetched.findings
        assert (finding.severity, finding.where) == ("note", "v1")
        assert "could not confirm" in finding.sentence

    def test_a_silent_host_is_waited_for_once_not_once_per_file(
        self, server: FileServer, download: Downloads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        segments = [segment(f"v{n}", server.url(f"/{n}")) for n in range(8)]
        for n in range(8):
            server.bodies[f"/{n}"] = BODY
            server.scripts[f"/{n}"] = [whole(), lambda a: time.sleep(0.4)]
        download(*segments)
        monkeypatch.setattr(revalidate, "TIMEOUT_SECONDS", (0.2, 0.2))
        began = time.monotonic()
        fetched = download(*segments, parallel=1)
        assert time.monotonic() - began < 1
        assert len(fetched.files) == len(fetched.findings) == 8

    def test_a_changed_file_that_cannot_be_fetched_leaves_the_old_one_and_a_warning(
        self, server: FileServer, download: Downloads, v1: str
    ) -> None:
        download(segment(url=v1))
        server.bodies["/v1.mp4"] = OTHER
        server.scripts["/v1.mp4"] = [whole(), status(404)]
        fetched = download(segment(url=v1))
        assert fetched.files["v1"].read_bytes() == BODY
        assert [f.severity for f in fetched.findings] == ["warning"]


def test_a_clock_set_back_does_not_make_files_fresh_for_ever(server: FileServer, download: Downloads, v1: str) -> None:
    download(segment(url=v1))
    entry = the_entry(download, v1)
    known = entry.whole()
    assert known is not None
    sidecar = entry.file.with_name(entry.file.name + ".json")
    sidecar.write_text(known.model_copy(update={"checked": time.time() + 10_000}).model_dump_json())
    download(segment(url=v1))
    assert len(server.requests) == 2


@pytest.mark.parametrize("sidecar", ["", "{", "[]", '{"size": "x"}', json.dumps({"size": 300000, "more": 1})])
def test_a_whole_file_whose_sidecar_was_lost_is_asked_for_and_kept_when_it_is_gone(
    server: FileServer, download: Downloads, v1: str, sidecar: str
) -> None:
    file = download(segment(url=v1)).files["v1"]
    file.with_name(file.name + ".json").write_text(sidecar)
    server.always["/v1.mp4"] = status(404)
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY


def test_a_cached_file_that_somebody_cut_is_fetched_again(server: FileServer, download: Downloads, v1: str) -> None:
    file = download(segment(url=v1)).files["v1"]
    os.truncate(file, 1000)
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY


def test_a_part_that_was_complete_when_the_run_died_needs_no_request(
    server: FileServer, download: Downloads, v1: str
) -> None:
    file = download(segment(url=v1)).files["v1"]
    file.rename(the_entry(download, v1).part)
    file.with_name(file.name + ".json").rename(file.with_name(file.name + ".part.json"))
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_part_longer_than_its_file_is_thrown_away(server: FileServer, download: Downloads, v1: str) -> None:
    file = download(segment(url=v1)).files["v1"]
    file.with_name(file.name + ".json").rename(file.with_name(file.name + ".part.json"))
    file.unlink()
    the_entry(download, v1).part.write_bytes(BODY + b"x")
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY


def test_what_is_on_disk_is_known_without_asking(
    server: FileServer, download: Downloads, v1: str, tmp_path: Path
) -> None:
    (tmp_path / "v2.mp4").write_bytes(BODY)
    segments = [segment("v1", v1, size=300_000), segment("v2", size=5), segment("v3", v1, size=700), segment("v4")]
    options = Options(media_dir=tmp_path)
    assert set(on_disk(segments, cache=download.cache, options=options)) == {"v2"}
    download(segments[0])
    asked = len(server.requests)
    files = on_disk(segments, cache=download.cache, options=options)
    assert set(files) == {"v1", "v2"}
    assert files["v1"].read_bytes() == BODY
    assert needed_bytes(segments, files) == 700
    assert len(server.requests) == asked


def test_a_host_that_cannot_be_reached_gets_all_retries_only_once(
    download: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real = hosts.Session.get

    def counted(session: hosts.Session, url: str, **given: Any) -> Any:
        calls.append(url)
        return real(session, url, **given)

    monkeypatch.setattr(hosts.Session, "get", counted)
    segments = [segment(f"v{n}", f"http://127.0.0.1:1/{n}") for n in range(10)]
    fetched = download(*segments, parallel=1)
    assert len(fetched.failures) == 10
    assert all("cannot be reached" in f.sentence and f.retry for f in fetched.failures.values())
    assert len(calls) == 5 + 9
