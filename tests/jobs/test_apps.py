"""Jobs of several apps on one machine: each app's files are its own, and none is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from workshop import Workshop

from assembler.jobs.intake.bodies import recording_of
from assembler.jobs.sources import fetch_sources, remove_sources
from assembler.jobs.store.model import JobState
from assembler.network.download.cache import Entry, entry_of
from assembler.network.download.owners import note_apps
from assembler.options import load_options
from assembler.processes import Stop
from assembler.progress import Silent
from assembler.workspace import Workspace
from jobs.intake.test_once import event


@pytest.fixture
def shop(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Two jobs of two apps, with the same video id and the same path; only the first one's signature opens it."""
    monkeypatch.setattr("assembler.network.download.fetch.ATTEMPTS", 1)
    with Workshop.opened(tmp_path, allow_hosts=httpserver.host) as opened:
        opened.options = load_options()
        httpserver.expect_request("/v.mp4", query_string="sign=1").respond_with_data(b"x" * 1000)
        httpserver.expect_request("/v.mp4").respond_with_data(b"", status=403)
        for task, app, sign in (("t1", 1400, 1), ("t2", 1500, 2)):
            url = httpserver.url_for(f"/v.mp4?sign={sign}")
            opened.hand_in(event(task, app=app, video={"VideoUrl": url, "VideoSize": 1000}))
        yield opened


def failures(shop: Workshop, job: str) -> set[str]:
    return set(fetch_sources(shop.records, job, shop.options, Silent(), Stop()).failures)


def old_entry(shop: Workshop, body: bytes) -> Entry:
    """Where it lay before files were kept by app, with this in it."""
    (segment,) = recording_of(shop.records, shop.job("t1").event).segments
    entry = entry_of(Workspace(shop.options.home).cache, segment, None)
    assert entry is not None
    entry.file.write_bytes(body)
    return entry


def test_one_apps_job_never_gets_the_file_another_apps_link_opened(shop: Workshop) -> None:
    assert failures(shop, "t1") == set()
    assert failures(shop, "t2") == {"v1"}


def test_what_lay_there_before_goes_to_a_job_that_waited_for_it_and_to_no_later_one(
    shop: Workshop, httpserver: HTTPServer
) -> None:
    note_apps(Workspace(shop.options.home).cache, ["1400", "1500"])
    old_entry(shop, b"y" * 1000)
    assert failures(shop, "t1") == set()
    old_entry(shop, b"z" * 1000)
    shop.hand_in(event("t3", app=1500, video={"VideoUrl": httpserver.url_for("/v.mp4?sign=3")}))
    assert failures(shop, "t3") == {"v1"}


def test_both_apps_files_and_what_lay_there_before_are_removed_with_their_jobs(shop: Workshop) -> None:
    assert failures(shop, "t1") == set()
    old_entry(shop, b"y" * 1000)
    shop.records.change("t1", state=JobState.DONE)
    assert remove_sources(shop.records, shop.options, 0) == (1, 1000), "what has no app may be the other one's"
    shop.records.change("t2", state=JobState.DONE)
    assert remove_sources(shop.records, shop.options, 0) == (1, 1000)
    assert not list(Workspace(shop.options.home).cache.glob("?" * 40))


def test_files_without_an_address_are_fetched_below_the_base_and_removed_with_their_job(
    shop: Workshop, httpserver: HTTPServer
) -> None:
    shop.options = shop.options.model_copy(update={"media_base": httpserver.url_for("/x")})
    httpserver.expect_request("/x/v1.mp4").respond_with_data(b"x" * 900)
    shop.hand_in(event("t3", app=1600, video={"VideoUrl": None}))
    assert failures(shop, "t3") == set()
    shop.records.change("t3", state=JobState.DONE)
    assert remove_sources(shop.records, shop.options, 0) == (1, 900)


def test_slices_put_together_for_a_job_are_removed_with_it(shop: Workshop, tmp_path: Path) -> None:
    media = tmp_path / "slices"
    media.mkdir()
    shop.options = shop.options.model_copy(update={"media_dir": media})
    for n in range(2):
        (media / f"{n}.ts").write_bytes(b"G" * 188)
    (media / "v1.m3u8").write_text("#EXTM3U\n#EXTINF:2\n0.ts\n#EXTINF:2\n1.ts\n#EXT-X-ENDLIST\n")
    shop.hand_in(event("t3", app=1600, video={"VideoUrl": None, "VideoFormat": "m3u8"}))
    assert failures(shop, "t3") == set()
    assert remove_sources(shop.records, shop.options, 0) == (0, 0), "the job still wants it"
    shop.records.change("t3", state=JobState.DONE)
    assert remove_sources(shop.records, shop.options, 0) == (1, 2 * 188)


def test_a_playlist_and_its_parts_are_fetched_for_a_job_and_removed_with_it(
    shop: Workshop, httpserver: HTTPServer
) -> None:
    listed = "#EXTM3U\n#EXTINF:2\n0.ts\n#EXTINF:2\n1.ts\n#EXTINF:2\n2.ts\n#EXT-X-ENDLIST\n"
    httpserver.expect_request("/x/v1.m3u8").respond_with_data(listed)
    for n in (0, 1):
        httpserver.expect_request(f"/x/{n}.ts").respond_with_data(b"G" * 188)
    httpserver.expect_oneshot_request("/x/2.ts").respond_with_data(b"", status=404)
    url = httpserver.url_for("/x/v1.m3u8?sign=1")
    shop.hand_in(event("t3", app=1600, video={"VideoUrl": url, "VideoFormat": "m3u8"}))
    found = fetch_sources(shop.records, "t3", shop.options, Silent(), Stop())
    assert 'its part "2.ts": localhost answered 404' in found.failures["v1"].sentence
    assert remove_sources(shop.records, shop.options, 0) == (0, 0), "the job still wants them"
    httpserver.expect_request("/x/2.ts").respond_with_data(b"G" * 376)
    assert failures(shop, "t3") == set()
    assert found.received + 376 == len(listed) + 4 * 188
    shop.records.change("t3", state=JobState.DONE)
    assert remove_sources(shop.records, shop.options, 0) == (2, len(listed) + 4 * 188)
    assert not list(Workspace(shop.options.home).cache.glob("?" * 40))
