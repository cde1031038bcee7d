"""What a job published, over HTTP: its own files, in ranges, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from manifests import manifest_of
from terminal import three_streams
from workshop import Workshop

from assembler.choices import PackageName
from assembler.jobs.store.model import JobState
from assembler.network.publish.card import Card
from assembler.plan.manifest import Package, PackageFile
from assembler.report.watch import policy
from jobs.intake.test_once import event
from jobs.web.test_webhook import served

VIDEO = bytes(range(256)) * 40


def put(shop: Workshop, below: str = "a/1/t1", *, job: str = "t1", report: bool = True) -> Path:
    """What ``publish`` leaves in the output folder."""
    folder = shop.options.home / "output" / below
    (folder / "playback.assets").mkdir(parents=True, exist_ok=True)
    (folder / "playback.mp4").write_bytes(VIDEO)
    if report:
        (folder / "playback.assets/report.html").write_text("<h1>report</h1>")
        (folder / "playback.assets/playback.json").write_text("{}")
    (folder / "job.json").write_text(Card(job=job, key="/t1", revision=1, digest="d").model_dump_json())
    return folder / "playback.mp4"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        opened.hand_in(event())
        opened.records.change("t1", state=JobState.DONE, verdict="ok", output=str(put(opened)))
        yield opened


@pytest.fixture
def url(shop: Workshop) -> Iterator[str]:
    with served() as url:
        yield url


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=10)


def test_the_video_comes_whole_or_in_ranges(url: str) -> None:
    whole = get(f"{url}/jobs/t1/video")
    assert (whole.status_code, whole.content) == (200, VIDEO)
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    part = get(f"{url}/jobs/t1/playback.mp4", Range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, VIDEO[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(VIDEO)}"
    assert get(f"{url}/jobs/t1/video", Range=f"bytes={len(VIDEO)}-").status_code == 416
    assert requests.head(f"{url}/jobs/t1/video", timeout=10).headers["Content-Length"] == str(len(VIDEO))


def test_the_report_lies_beside_its_video_and_may_run_its_own_script_only(url: str) -> None:
    report = get(f"{url}/jobs/t1/report")
    assert report.text == "<h1>report</h1>"
    assert report.url == f"{url}/jobs/t1/playback.assets/report.html"
    beside = get(f"{url}/jobs/t1/playback.assets/playback.json")  # to which it links
    assert (beside.json(), beside.headers["Content-Type"]) == ({}, "application/json")
    policy = report.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy.split("script-src")[1].split(";")[0]


def test_a_class_is_watched_on_a_page_made_of_its_manifest_whatever_lies_there(shop: Workshop, url: str) -> None:
    assert get(f"{url}/jobs/t1/watch").status_code == 404, "its manifest is not one"
    assets = shop.options.home / "output" / "a/1/t1" / "playback.assets"
    files = (PackageFile(path="audio/a.m4a", size=3), PackageFile(path="../job.json", size=3))
    package = Package(name=PackageName.AUDIO, digest="d", files=files)
    manifest, _ = manifest_of(three_streams().recording(), packages=(package,), title="Roots")
    (assets / "playback.json").write_text(manifest.model_dump_json())
    (assets / "index.html").write_text("<script>alert(1)</script>")
    (assets / "audio").mkdir()
    (assets / "audio" / "a.m4a").write_bytes(b"abc")
    (assets / "mine.txt").write_text("mine")
    page = get(f"{url}/jobs/t1/watch")
    assert page.url == f"{url}/jobs/t1/playback.assets/index.html"
    assert "<h1><bdi>Roots</bdi></h1>" in page.text
    assert "alert(1)" not in page.text
    assert page.headers["Content-Security-Policy"] == f"{policy()}; frame-ancestors 'none'"
    sound = get(f"{url}/jobs/t1/playback.assets/audio/a.m4a", Range="bytes=1-1")
    assert (sound.status_code, sound.content, sound.headers["Content-Type"]) == (206, b"b", "audio/mp4")
    assert sound.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for name in ("mine.txt", "..%2Fjob.json", "chapters.vtt", "audio"):
        assert get(f"{url}/jobs/t1/playback.assets/{name}").status_code == 404, name


def test_the_page_links_to_what_is_there(shop: Workshop, url: str) -> None:
    assert 'href="/jobs/t1/report"' in get(f"{url}/jobs/t1").text
    assert 'href="/jobs/t1/video"' in get(url).text
    put(shop).parent.joinpath("playback.assets/report.html").unlink()
    assert "made without a report" in get(f"{url}/jobs/t1").text
    assert get(f"{url}/jobs/t1/report").status_code == 404


def test_nothing_is_given_that_this_job_did_not_publish(shop: Workshop, url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "playback.mp4").write_text("secret")
    (secret / "job.json").write_text(Card(job="t1", key="/t1", revision=1, digest="d").model_dump_json())
    link = put(shop, "a/1/link")
    link.unlink()
    link.symlink_to(secret / "playback.mp4")
    folder_link, circle, no_file = (link.parent.with_name(name) for name in ("folder", "circle", "no-file"))
    folder_link.symlink_to(secret)
    circle.symlink_to(circle)
    put(shop, "a/1/no-file").unlink()
    (no_file / "playback.mp4").mkdir()
    others = [
        str(secret / "playback.mp4"),  # outside of the output folder
        str(link),
        str(put(shop, "a/1/t2", job="t2")),  # another job's, or taken by a later revision
        str(folder_link / "playback.mp4"),
        str(circle / "playback.mp4"),
        str(no_file / "playback.mp4"),
        str(shop.options.home / "output/a/1/../../../../secret/playback.mp4"),
        str(shop.options.home / "output/a/1/%2e%2e/playback.mp4"),
        str(shop.options.home / "output/a/1/t1/job.json"),
        str(shop.options.home / "output/a/1/gone/playback.mp4"),
        "s3://bucket/a/1/t1/playback.mp4",
    ]
    for output in others:
        shop.records.change("t1", output=output)
        for path in ("video", "report", "playback.mp4", "playback.assets/playback.json"):
            answer = get(f"{url}/jobs/t1/{path}")
            assert answer.status_code == 404, output
            assert "secret" not in answer.text.replace(str(tmp_path), "").replace("/secret/", "")
        assert 'href="/jobs/t1/video"' not in get(f"{url}/jobs/t1").text
    assert "s3://bucket/a/1/t1/playback.mp4" in get(f"{url}/jobs/t1").text


def test_a_symlink_in_place_of_an_asset_is_not_followed(shop: Workshop, url: str, tmp_path: Path) -> None:
    (tmp_path / "secret.html").write_text("secret")
    for name in ("report.html", "playback.json"):
        path = put(shop).with_name("playback.assets") / name
        path.unlink()
        path.symlink_to(tmp_path / "secret.html")
        assert get(f"{url}/jobs/t1/playback.assets/{name}").status_code == 404


def test_no_path_comes_from_outside(shop: Workshop, url: str) -> None:
    for path in ("t1/../../../etc/passwd", "t1/playback.assets/..%2f..%2fjob.json", "..%2fjobs.sqlite/video",
                 "t1/job.json", "t1/playback.assets/job.json", "none/video"):  # fmt: skip
        request = requests.Request("GET", url).prepare()
        request.url = f"{url}/jobs/{path}"  # as written, not tidied up
        with requests.Session() as session:
            assert session.send(request, timeout=10).status_code == 404, path


def test_a_job_under_way_has_no_file(shop: Workshop, url: str) -> None:
    shop.records.change("t1", state=JobState.RUNNING)
    answer = get(f"{url}/jobs/t1/video")
    assert (answer.status_code, "not done yet" in answer.text) == (404, True)
    assert "<script" not in answer.text  # it would fetch the video again and again


def test_what_lies_in_a_bucket_has_no_link_here(shop: Workshop, url: str) -> None:
    shop.records.change("t1", output="s3://bucket/a/<b>/playback.mp4")
    for address in (url, f"{url}/jobs/t1", f"{url}/jobs/t1/video"):
        text = get(address).text
        assert "In object storage, not shown here: <code>s3://bucket/a/&lt;b&gt;/playback.mp4</code>" in text
        assert '/video"' not in text
