"""Published files of a job: found by what is on record, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from assembler.jobs.store.model import Job, JobState
from assembler.jobs.web.published_files import Published, find_published, headers, is_in_folder
from assembler.network.publish.card import CARD, Card
from assembler.options import Options
from assembler.times import WallMs


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(home=tmp_path / "home", output=str(tmp_path / "output"))


def publish(options: Options, below: str = "a/t1", *, job: str = "t1") -> Path:
    folder = Path(options.output or "") / below
    (folder / "playback.assets").mkdir(parents=True)
    for name in ("playback.mp4", "playback.assets/report.html", "playback.assets/playback.json"):
        (folder / name).write_text(name)
    (folder / CARD).write_text(Card(job=job, key="k", revision=1, digest="d").model_dump_json())
    return folder / "playback.mp4"


def job(output: object, state: JobState = JobState.DONE) -> Job:
    return Job(
        id="t1", key="t1", slot="", revision=1, task="t1", app=None, room=None, segments="s", event=1,
        state=state, output=str(output), created=WallMs(0), updated=WallMs(0),
    )  # fmt: skip


def test_only_a_finished_playback_that_is_a_file_lies_in_a_folder() -> None:
    assert is_in_folder(job("/somewhere/playback.mp4"))
    assert not is_in_folder(job(""))
    assert not is_in_folder(job("s3://bucket/playback.mp4"))
    assert not is_in_folder(job("/somewhere/playback.mp4", JobState.RUNNING))


def test_a_playback_is_found_with_what_lies_beside_it(options: Options) -> None:
    video = publish(options)
    assets = video.parent / "playback.assets"
    assert find_published(job(video), options) == Published(video, assets / "report.html", assets / "playback.json")
    (assets / "report.html").unlink()
    (assets / "playback.json").unlink()
    (assets / "playback.json").symlink_to(video)
    assert find_published(job(video), options) == Published(video, None, None)


def test_what_is_not_this_jobs_or_not_in_the_output_folder_is_not_found(options: Options, tmp_path: Path) -> None:
    video = publish(options)
    outside = options.model_copy(update={"output": str(tmp_path / "elsewhere")})
    assert find_published(job(video), outside) is None
    (tmp_path / "elsewhere").mkdir()
    assert find_published(job(video), outside) is None
    assert find_published(job(video), options.model_copy(update={"output": "s3://bucket"})) is None
    assert find_published(job(publish(options, "a/t2", job="t2")), options) is None
    assert find_published(job(video.parent / CARD), options) is None
    assert find_published(job(video, JobState.CANCELLED), options) is None
    (video.parent / CARD).write_text("{}")
    assert find_published(job(video), options) is None
    video.unlink()
    assert find_published(job(video), options) is None


def test_the_script_of_a_report_runs_and_nothing_else_does() -> None:
    report, other = (headers(is_report=is_report) for is_report in (True, False))
    assert other["Content-Security-Policy"] == "default-src 'none'; media-src 'self'"
    assert "script-src 'sha256-" in report["Content-Security-Policy"]
    assert "style-src 'unsafe-inline'" in report["Content-Security-Policy"], "older reports have another style"
    assert report["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert {**report, **other} == other, "all else is alike"
