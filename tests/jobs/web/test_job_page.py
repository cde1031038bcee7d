"""The page of one job: what it says in each state, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from workshop import Workshop

from assembler.jobs.intake.tasks import Task
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.web.job_page import draw_job, job_page
from assembler.jobs.web.published_files import Published
from assembler.times import WallMs
from jobs.intake.test_once import event

HERE = Published(Path("playback.mp4"), Path("report.html"), None)
ALONE = Published(Path("playback.mp4"), None, None)


def job(**changed: Any) -> Job:
    told = {"id": "t 1", "key": "t1", "slot": "", "revision": 2, "task": "<t1>", "app": "7", "room": None}
    times = {"segments": "s", "event": 1, "created": WallMs(0), "updated": WallMs(61_000), "begun": WallMs(1000)}
    return Job(**{**told, **times, "state": JobState.DONE, **changed})


def page(
    changed: dict[str, Any] | None = None,
    *,
    task: Task | None = None,
    log: tuple[tuple[WallMs, str], ...] = (),
    drawn: str = "",
    published: Published | None = None,
) -> str:
    return job_page(job(**(changed or {})), task, log, drawn, published, WallMs(100_000))


def test_what_a_body_says_is_text_and_its_id_an_address() -> None:
    shown = page()
    assert "<h1>t 1</h1>" in shown
    assert "&lt;t1&gt;" in shown
    assert 'href="/jobs/t%201.json"' in shown
    assert "0:01:00" in shown, "that long it took"
    assert "<p>Nothing yet.</p>" in shown
    assert "<h2>Timeline" not in shown
    assert "<h2>Findings" not in shown
    assert "<h2>What events told" not in shown


@pytest.mark.parametrize(
    ("state", "classes"),
    [(JobState.FAILED, "box failed"), (JobState.POISON, "box failed"), (JobState.DELAYED, "box")],
)
def test_the_reason_of_a_failure_is_marked_as_one(state: JobState, classes: str) -> None:
    shown = page({"state": state, "reason": "no <way>"})
    assert f'<div class="{classes}"><p>no &lt;way&gt;</p>' in shown


@pytest.mark.parametrize(
    ("output", "published", "there", "missing"),
    [
        ("/out/playback.mp4", HERE, ("/video", "/report"), ()),
        ("/out/playback.mp4", ALONE, ("/video", "without a report"), ("/report",)),
        ("/out/playback.mp4", None, ("no longer, in this server's output folder",), ("/video", "/report")),
        ("s3://b/playback.mp4", None, ("In object storage, not shown here",), ("/video", "/report")),
        ("", None, (), ("/video", "/report")),
    ],
)  # fmt: skip
def test_links_lead_to_what_is_there(
    output: str, published: Published | None, there: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    shown = page({"output": output}, published=published)
    assert all(part in shown for part in there)
    assert not any(part in shown for part in missing)


def test_findings_events_timeline_and_log_are_shown_where_there_are_any() -> None:
    task = Task(
        task="t1", app="7", room=None, kind="expected", sent=None, progress=None, pause=None, stop=None,
        is_expected=True, updated=WallMs(0), error="no <licence>", started=WallMs(0),
    )  # fmt: skip
    log = ((WallMs(1000), "begun <now>"), (WallMs(2000), "Traceback\n  line"))
    shown = page({"findings": ("a1: a <hole>",)}, task=task, log=log, drawn="<svg></svg>")
    assert "<h2>Findings</h2>" in shown
    assert "a &lt;hole&gt;" in shown
    assert "<h2>What events told</h2>" in shown
    assert "no &lt;licence&gt;" in shown
    assert "as the result declares it</h2><svg></svg>" in shown
    assert '<span class="nowrap">1970-01-01 00:00:01</span></td><td>begun &lt;now&gt;' in shown
    assert "<pre>Traceback\n  line</pre>" in shown


def test_a_class_is_drawn_from_its_result_and_a_failure_is_not(tmp_path: Path) -> None:
    failed = event("t2", Exceptions=1, VideoInfos=None)
    with Workshop.opened(tmp_path) as shop:
        jobs = shop.hand_in(event(), failed)
        drawn = draw_job(shop.records, jobs[0], shop.options)
        assert drawn.count("<svg") == 1
        assert "<summary>As text</summary><pre>" in drawn
        assert "15:00" in drawn
        assert len(jobs) == 2
        assert draw_job(shop.records, jobs[1], shop.options) == ""
