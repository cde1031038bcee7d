"""Class cards of jobs: who may put one, what a late one changes, and that what it hides is gone at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from classes import BOARD, USER_1, Class, Stream
from lessons import camera, mix, recording
from synthetic import Recipe
from terminal import until
from workshop import Workshop, body_of, kill, laid

from assembler.class_card import ClassCard, parse_card
from assembler.jobs.class_cards import load_card, look_for_cards, put_card, withdraw
from assembler.jobs.control import Wish, cancel, retry
from assembler.jobs.store.model import JobState
from assembler.jobs.store.tables import JOB
from assembler.network.publish.card import Card
from assembler.network.publish.publish import publish, unpublish
from assembler.options import load_options
from assembler.privacy import hides_more
from assembler.processes import Stop
from assembler.recording import StreamKind
from jobs.web.test_webhook import served

TOKEN = "0123456789abcdef-token"
ZOE, ABE = "hidden-zoe-77", "abe-88"
LESSON = Class(
    [
        Stream("w1", StreamKind.WHITEBOARD, "", 0, Recipe(identity="yellow", seconds=2, fps=5, sound=False), BOARD),
        Stream("a1", StreamKind.CAMERA, ABE, 0, Recipe(identity="red", seconds=2, fps=5), USER_1),
        Stream("z1", StreamKind.CAMERA, ZOE, 0, Recipe(identity="blue", seconds=2, fps=5)),
    ],
    total=2000,
)


def card(**shows: str) -> ClassCard:
    people = [{"id": name.replace("_", "-"), "name": f"Name of {name}", "show": show} for name, show in shows.items()]
    return parse_card(json.dumps({"people": people}).encode())


HIDES = card(hidden_zoe_77="no")
EVERYBODY = parse_card(b'{"unknown": "no"}')


@pytest.fixture
def shop(tmp_path: Path, bundled_ffmpeg: str) -> Iterator[Workshop]:
    settings = laid(tmp_path, LESSON, bundled_ffmpeg)
    with Workshop.opened(tmp_path, quality="draft", **settings) as opened:
        yield opened


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Workshop]:
    """Nothing is rendered here."""
    with Workshop.opened(tmp_path) as opened:
        yield opened


def output(shop: Workshop) -> Path:
    return shop.options.home / "output"


def words_below(folder: Path) -> set[str]:
    """Which of the two are named in any file, or any file's name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        name for name in (ZOE, ABE) for path in files if name.encode() in path.read_bytes() or name in str(path)
    }  # fmt: skip


def put(shop: Workshop, given: ClassCard, task: str = "t1") -> list[str]:
    return put_card(shop.records, shop.engine, shop.options, task, given)


def published(shop: Workshop, *, state: JobState = JobState.DONE, key: str = "t1", **values: Any) -> Path:
    """A job that published something, without a worker."""
    if not shop.records.list_jobs():
        shop.hand_in(body_of(LESSON))
    made = shop.folder / "made" / "playback.mp4"
    assets = made.with_name("playback.assets")
    assets.mkdir(parents=True, exist_ok=True)
    made.write_text("a playback")
    (assets / "report.html").write_text(f"a report on {ZOE}")
    (assets / "hls").mkdir(exist_ok=True)
    (assets / "hls" / "one.ts").write_text(f"{ZOE}")
    told = Card(job="t1", key=f"/{key}", revision=1, digest="d")
    place = publish(made, assets, str(output(shop)), "x/t1", told, shop.options, Stop())
    shop.records.change("t1", state=state, output=place, findings=[f"camera of {ZOE}"], **values)
    shop.records.note("t1", f"said of {ZOE}")
    return Path(place)


class TestLateCards:
    def test_one_that_comes_after_publishing_is_a_new_revision_and_withdraws_what_it_hides(
        self, shop: Workshop
    ) -> None:
        shop.hand_in(body_of(LESSON))
        with shop.worker():
            first = shop.wait(JobState.DONE)
            assert words_below(output(shop)) == {ZOE, ABE}
            assert put(shop, HIDES) == ["t1.2"]
            assert not Path(first.output).exists(), "gone before the new one is begun"
            assert words_below(output(shop)) <= {ABE}
            second = shop.wait(JobState.DONE, "t1.2")
            shop.wait(JobState.SUPERSEDED)
            assert put(shop, HIDES) == [], "the same card again"
        assert words_below(output(shop)) == {ABE}
        assert json.loads((Path(second.output).parent / "job.json").read_text())["job"] == "t1.2"
        told = [sentence for _, sentence in shop.records.log_of("t1")]
        assert "Withdrawn: nothing of it is published any more." in told
        assert shop.job().output == ""
        said = json.dumps([job.model_dump(mode="json") for job in shop.records.list_jobs()])
        assert ZOE not in said + json.dumps([shop.records.log_of(name) for name in ("t1", "t1.2")])

    def test_one_that_is_there_is_taken_when_the_job_starts(self, shop: Workshop) -> None:
        assert put(shop, HIDES) == []
        shop.hand_in(body_of(LESSON))
        with shop.worker():
            shop.wait(JobState.DONE)
        assert words_below(output(shop)) == {ABE}
        assert [job.id for job in shop.records.list_jobs()] == ["t1"]

    def test_one_that_hides_nobody_more_leaves_the_playback_until_the_new_one_is_there(self, idle: Workshop) -> None:
        place = published(idle)
        assert put(idle, card(abe_88="yes")) == ["t1.2"]
        assert place.exists()
        assert idle.job().state is JobState.DONE
        assert idle.job("t1.2").state is JobState.WAITING

    @pytest.mark.parametrize("given", [HIDES, EVERYBODY], ids=["one", "everybody"])
    def test_what_was_kept_in_words_is_rewritten(self, idle: Workshop, given: ClassCard) -> None:
        published(idle)
        put(idle, given)
        assert idle.job().findings == ("camera of (hidden)",)
        assert "said of (hidden)" in [sentence for _, sentence in idle.records.log_of("t1")]

    def test_so_is_the_log_of_a_job_that_published_nothing(self, idle: Workshop) -> None:
        idle.hand_in(body_of(LESSON))
        idle.records.change("t1", state=JobState.CANCELLED, reason=f"camera of {ZOE} is lost")
        idle.records.note("t1", f"said of {ZOE}")
        assert put(idle, HIDES) == []
        assert (idle.job().state, idle.job().reason) == (JobState.CANCELLED, "camera of (hidden) is lost")
        assert idle.records.log_of("t1")[-1][1] == "said of (hidden)"

    def test_a_repeated_result_belongs_to_the_new_revision(self, idle: Workshop) -> None:
        published(idle)
        put(idle, HIDES)
        assert [job.id for job in idle.hand_in(body_of(LESSON))] == ["t1.2"]
        assert {job.id for job in idle.records.list_jobs()} == {"t1", "t1.2"}

    @pytest.mark.parametrize("state", [JobState.DELAYED, JobState.FAILED])
    def test_what_waits_or_failed_is_tried_with_it(self, idle: Workshop, state: JobState) -> None:
        idle.hand_in(body_of(LESSON))
        idle.records.change("t1", state=state, reason="no class card yet")
        assert put(idle, HIDES) == ["t1"]
        assert (idle.job().state, idle.job().tries) == (JobState.WAITING, 2)

    def test_a_job_under_way_is_overtaken_and_publishes_nothing(self, idle: Workshop) -> None:
        idle.hand_in(body_of(LESSON))
        idle.records.change("t1", state=JobState.RUNNING, is_held=True)
        assert put(idle, HIDES) == ["t1.2"]
        assert idle.job().state is JobState.SUPERSEDED
        assert not idle.records.change("t1", only=[JobState.RUNNING], during=1, placing=True), "it may not publish"

    def test_a_playback_that_is_to_be_repaired_is_withdrawn_as_well(self, idle: Workshop) -> None:
        place = published(idle, state=JobState.WAITING, lacking=1)
        assert put(idle, HIDES) == []
        assert not place.exists()
        assert (idle.job().state, idle.job().output) == (JobState.WAITING, "")


class TestFiles:
    def test_one_that_comes_or_changes_at_its_place_makes_a_new_revision(
        self, idle: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASSEMBLER_CLASS", str(tmp_path / "{room}.json"))
        options = load_options()
        place = published(idle, begun=1)
        look_for_cards(idle.records, idle.engine, options)
        assert [job.id for job in idle.records.list_jobs()] == ["t1"]
        (tmp_path / "7.json").write_text("{")
        for _ in range(2):
            look_for_cards(idle.records, idle.engine, options)
        told = [sentence for _, sentence in idle.records.log_of("t1")]
        assert sum("The class card was not taken" in sentence for sentence in told) == 1
        assert place.exists()
        (tmp_path / "7.json").write_text(HIDES.model_dump_json())
        look_for_cards(idle.records, idle.engine, options)
        assert idle.job("t1.2").state is JobState.WAITING
        assert not place.exists()

    def test_a_wrong_card_fails_the_job(self, shop: Workshop, tmp_path: Path) -> None:
        (tmp_path / "7.json").write_text('{"poeple": []}')
        shop.hand_in(body_of(LESSON))
        with shop.worker(**{"class": str(tmp_path / "{room}.json")}):
            assert "no key 'poeple'" in shop.wait(JobState.FAILED).reason

    def test_a_required_one_is_waited_for(self, shop: Workshop, tmp_path: Path) -> None:
        shop.hand_in(body_of(LESSON))
        shop.records.change("t1", failures=50)
        with shop.worker(**{"class": str(tmp_path / "{room}.json"), "class_required": "yes"}):
            assert "has no class card yet" in shop.wait(JobState.DELAYED).reason
            put(shop, HIDES)
            shop.wait(JobState.DONE)
        assert words_below(output(shop)) == {ABE}


class TestDeaths:
    @pytest.mark.leaves_parts
    def test_killed_between_withdrawal_and_the_new_revision(self, shop: Workshop, tmp_path: Path) -> None:
        """The card is put by a process that dies before it has removed anything, or put the new job into the queue."""
        shop.hand_in(body_of(LESSON))
        with shop.worker():
            first = shop.wait(JobState.DONE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("assembler.jobs.class_cards._go_on", lambda *_: None)
            put(shop, HIDES)
        assert Path(first.output).exists()
        assert shop.job().state is JobState.SUPERSEDED, "nobody is shown it by a page"
        halted = shop.start_halting("assembler.jobs.worker.steps:publish", "before")
        until(lambda: not Path(first.output).exists())
        kill(halted)
        assert words_below(output(shop)) <= {ABE}
        with shop.worker():
            shop.wait(JobState.DONE, "t1.2")
        assert words_below(output(shop)) == {ABE}

    @pytest.mark.leaves_parts
    def test_killed_while_the_old_playback_is_put_in_place(self, shop: Workshop) -> None:
        shop.hand_in(body_of(LESSON))
        halted = shop.start_halting("assembler.network.publish.folder:write_whole", "before")
        assert words_below(output(shop)) == {ZOE, ABE}
        put(shop, HIDES)
        kill(halted)
        with shop.worker():
            shop.wait(JobState.DONE, "t1.2")
            until(lambda: words_below(output(shop)) == {ABE})
        assert not shop.job().is_held

    def test_a_removal_that_was_broken_off_goes_on(self, idle: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        place = published(idle)
        real = shutil.rmtree
        monkeypatch.setattr("shutil.rmtree", lambda *_, **__: (_ for _ in ()).throw(OSError(5, "broken off")))
        put(idle, HIDES)
        withdraw(idle.records, idle.options)
        told = [sentence for _, sentence in idle.records.log_of("t1")]
        assert ["Not withdrawn yet" in sentence for sentence in told[-2:]] == [False, True], "said once"
        monkeypatch.setattr("shutil.rmtree", real)
        withdraw(idle.records, idle.options)
        assert not place.parent.exists()
        with idle.records.reading() as connection:
            assert connection.execute(sa.select(JOB.c.withdrawn).where(JOB.c.id == "t1")).scalar() is None

    def test_a_half_playback_is_only_removed_where_it_may_be(self, idle: Workshop) -> None:
        place = published(idle)
        (place.parent / "job.json").unlink()
        assert not unpublish(str(place), "playback.assets", "t1", idle.options)
        assert unpublish(str(place), "playback.assets", "t1", idle.options, is_half=True)
        assert not place.parent.exists()


class TestWeb:
    @pytest.fixture
    def url(self, idle: Workshop) -> Iterator[str]:
        with served(api_token=TOKEN, callback_key="some key") as found:
            yield found

    def put(self, url: str, body: bytes, token: str = TOKEN) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.put(f"{url}/tasks/t1/class", data=body, headers=headers, timeout=10)

    def test_a_card_that_is_put_is_stored_and_taken(self, url: str, idle: Workshop) -> None:
        place = published(idle)
        answer = self.put(url, HIDES.model_dump_json().encode())
        assert (answer.status_code, answer.json()) == (202, {"task": "t1", "status": "stored"})
        assert load_card(idle.records, "t1", LESSON.recording(), idle.options) == HIDES
        assert idle.job("t1.2").state is JobState.WAITING
        assert not place.exists()

    @pytest.mark.parametrize(
        ("body", "status", "said"),
        [
            (b'{"poeple": []}', 400, "Did you mean people"),
            (b"no JSON", 400, "is not JSON"),
            (b" " * (2**20 + 1), 413, ""),
        ],
    )
    def test_a_wrong_one_is_refused_and_changes_nothing(
        self, url: str, idle: Workshop, body: bytes, status: int, said: str
    ) -> None:
        answer = self.put(url, body)
        assert answer.status_code == status
        assert said in answer.json()["error"]
        assert load_card(idle.records, "t1", LESSON.recording(), idle.options) is None

    def test_nobody_else_may_put_one(self, url: str, idle: Workshop) -> None:
        assert self.put(url, b"{}", token="x" * 16).status_code == 401

    def test_the_pages_of_a_job_name_nobody_who_is_hidden(self, url: str, idle: Workshop) -> None:
        published(idle)
        pages = ("/", "/jobs/t1", "/jobs/t1.json", "/jobs/t1/report", "/jobs/t1/playback.assets/report.html")
        assert ZOE in "".join(requests.get(url + page, timeout=10).text for page in pages)
        self.put(url, HIDES.model_dump_json().encode())
        for page in (*pages, "/jobs/t1.2", "/jobs/t1.2.json"):
            assert ZOE not in requests.get(url + page, timeout=10).text, page
        assert ABE in requests.get(f"{url}/jobs/t1.2", timeout=10).text
        assert requests.get(f"{url}/jobs/t1/video", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        (None, card(zoe="no"), True),
        (None, card(zoe="anonymous"), True),
        (card(zoe="anonymous"), card(zoe="no"), True),
        (card(zoe="no"), card(zoe="anonymous"), False),
        (card(zoe="no"), card(zoe="no", pat="no"), False),
        (None, card(pat="no"), False),
        (card(zoe="no"), ClassCard(), False),
        (card(zoe="no"), EVERYBODY, True),
    ],
)
def test_a_card_hides_more_where_somebody_who_is_there_is_shown_less(
    before: ClassCard | None, after: ClassCard, more: bool
) -> None:
    lesson = recording([camera("a", "zoe", 0, 1000), camera("b", "abe", 0, 1000)])
    assert hides_more([lesson], before, after) is more


def test_a_mixed_stream_may_have_shown_anybody() -> None:
    lesson = recording([camera("a", "zoe", 0, 1000), mix("m", 0, 1000)])
    assert hides_more([lesson], None, card(pat="no"))
    assert not hides_more([lesson], card(pat="no"), card(pat="no", kim="no"))


def test_a_layout_chosen_by_hand_wins_over_the_card_and_the_settings_and_a_title_names_nobody_who_is_hidden(
    shop: Workshop,
) -> None:
    named = json.dumps({"title": f"Maths with {ZOE}", "layout": "tiw-2", "people": [{"id": ZOE, "show": "no"}]})
    shop.hand_in(body_of(LESSON))
    cancel(shop.records, shop.engine, shop.job())
    wish = Wish(layout="stage", card=named.encode())
    assert retry(shop.records, shop.engine, shop.options, shop.job(), wish, "a test")[1]
    title = shop.job().title or ""
    assert (title.startswith("Maths with "), ZOE in title) == (True, False)
    with shop.worker():
        done = shop.wait(JobState.DONE)
    manifest = json.loads((Path(done.output).with_name("playback.assets") / "playback.json").read_text())
    assert (manifest["layout"], done.title) == ("stage", title)
    assert put(shop, card(abe_88="no")) == ["t1.2"]
    assert (shop.job("t1.2").choice, shop.job("t1.2").title) == ({"layout": "stage"}, None)
