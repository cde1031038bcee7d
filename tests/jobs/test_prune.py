"""What `jobs prune` forgets and removes, and what it never touches."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lessons import camera, recording
from terminal import Desk, three_streams
from workshop import Workshop, body_of, laid

from assembler.jobs.control import cancel
from assembler.jobs.intake.bodies import recording_of
from assembler.jobs.intake.tasks import expect, missing
from assembler.jobs.prune import prune, remove_outputs, remove_work
from assembler.jobs.store.model import JobState
from assembler.media.run import Run
from assembler.pipeline.decide import work_digest
from assembler.pipeline.timelines import in_order
from assembler.workspace import Workspace
from jobs.intake.test_once import event, names
from jobs.intake.test_tasks import WARNED

LESSON = three_streams(3)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        yield opened


class TestTasks:
    @pytest.mark.parametrize("state", [state for state in JobState if state.is_over])
    def test_nothing_is_missing_afterwards(self, shop: Workshop, state: JobState) -> None:
        shop.hand_in(WARNED, event(), event(video={"VideoId": "v2"}), event("other", kind="OnlineRecordStarted"))
        expect(shop.records, ["t1", "never"])
        for name in names(shop):
            shop.records.change(name, state=state)
        before = [task.task for task in missing(shop.records)]
        assert prune(shop.records, shop.engine, shop.options, 0) == 2
        assert [task.task for task in missing(shop.records)] == before
        assert set(before) == {"other", "never"}

    def test_a_task_stays_known_while_one_of_its_jobs_does(self, shop: Workshop) -> None:
        shop.hand_in(WARNED, event(), event(video={"VideoId": "v2"}))
        shop.records.change("t1", state=JobState.SUPERSEDED)
        prune(shop.records, shop.engine, shop.options, 0)
        assert (names(shop), missing(shop.records)) == (["t1.2"], [])


class TestWorkFolders:
    def folder(self, shop: Workshop, name: str, age_days: float, task: str | None = None) -> Path:
        folder = Workspace(shop.options.home).work(name)
        (folder / "chunks").mkdir()
        (folder / "chunks" / "1.mp4").write_bytes(b"x" * 1000)
        if task is not None:
            (folder / "recording-1.json").write_text(recording_of(shop.records, shop.job(task).event).model_dump_json())
        long_ago = time.time() - age_days * 86_400
        for path in [*folder.rglob("*"), folder]:
            os.utime(path, (long_ago, long_ago))
        return folder

    @pytest.fixture
    def three(self, shop: Workshop) -> Workshop:
        shop.hand_in(*(body_of(LESSON, task) for task in ("t1", "t2")))
        for name, state in (("t1", JobState.CANCELLED), ("t2", JobState.RUNNING)):
            shop.records.change(name, state=state)
        return shop

    @pytest.mark.parametrize("state", [state for state in JobState if state.is_over])
    def test_of_a_job_that_is_over_goes(self, three: Workshop, state: JobState) -> None:
        three.records.change("t1", state=state)
        folder = self.folder(three, "a" * 32, 8, "t1")
        assert remove_work(three.records, three.options, 7) == (1, 1000 + len(recording_json(three)))
        assert not folder.exists()

    def test_goes_though_nothing_in_it_names_the_job(self, three: Workshop) -> None:
        three.records.change("t2", state=JobState.FAILED)
        digest = work_digest(in_order(LESSON.recording(), three.options), Run(three.options))
        folder = self.folder(three, digest, 8)
        assert (remove_work(three.records, three.options, 7)[0], folder.exists()) == (1, False)

    def test_stays_where_somebody_may_need_it(self, three: Workshop) -> None:
        digest = work_digest(in_order(LESSON.recording(), three.options), Run(three.options))
        kept = [
            self.folder(three, "b" * 32, 6, "t1"),  # touched
            self.folder(three, "c" * 32, 8, "t2"),  # under way
            self.folder(three, "d" * 32, 8),  # of a run
            self.folder(three, digest, 8),  # of both jobs
            self.folder(three, "f" * 32, 8, "t1"),  # locked
        ]
        other = Workspace(three.options.home)
        (kept[2] / "recording-1.json").write_text(recording([camera("z", "ann", 0, 1000)], task="z").model_dump_json())
        os.utime(kept[2] / "recording-1.json", (0, 0))
        os.utime(kept[2], (0, 0))
        with other.free("f" * 32) as held:
            assert held is not None
            assert remove_work(three.records, three.options, 7) == (0, 0)
        assert [folder.exists() for folder in kept] == [True] * 5
        assert remove_work(three.records, three.options, 7)[0] == 1, "nobody holds it any more"
        assert remove_work(three.records, three.options, 5)[0] == 1


def recording_json(shop: Workshop) -> str:
    return recording_of(shop.records, shop.job().event).model_dump_json()


def test_published_playbacks_go_only_when_asked_and_only_ours(tmp_path: Path, bundled_ffmpeg: str) -> None:
    with Workshop.opened(tmp_path, **laid(tmp_path, LESSON, bundled_ffmpeg)) as shop, shop.worker():
        shop.hand_in(body_of(LESSON), body_of(LESSON, "t2"))
        videos = [Path(shop.wait(JobState.DONE, name).output) for name in ("t1", "t2")]
        card = videos[1].parent / "job.json"
        card.write_text(card.read_text().replace('"t2"', '"another"', 1))
        (videos[0].parent / "notes.txt").write_text("mine")
        desk = Desk(shop.folder, LESSON)
        assert desk.say("jobs", "prune").out == "0 jobs forgotten\n"
        assert remove_outputs(shop.records, shop.options, 1) == 0, "published today"
        assert desk.say("jobs", "prune", "--outputs", "0").out == "1 playbacks removed\n0 jobs forgotten\n"
        assert [p.name for p in videos[0].parent.iterdir()] == ["notes.txt"]
        assert videos[1].exists(), "another job has taken its place"
        assert (shop.job().state, shop.job().output) == (JobState.DONE, "")
        (shop.folder / "again.json").write_bytes(body_of(LESSON))
        assert desk.say("batch", "again.json").code == 0
        assert shop.job().state is JobState.DONE, "it is not made again by itself"
        assert missing(shop.records) == []


def test_a_cancelled_job_is_forgotten_with_what_it_made(shop: Workshop) -> None:
    shop.hand_in(event())
    made = shop.options.home / "made" / "t1"
    made.mkdir(parents=True)
    cancel(shop.records, shop.engine, shop.job())
    prune(shop.records, shop.engine, shop.options, 0)
    assert (names(shop), made.exists()) == ([], False)
