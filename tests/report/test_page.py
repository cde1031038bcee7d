"""report.html: everything that is known of a playback, for people, safe whatever the ids are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from lessons import board, camera, omission, recording
from manifests import manifest_of

from assembler.choices import Role
from assembler.findings import note, warning
from assembler.options import load_options
from assembler.people import Person
from assembler.pipeline.decide import plan_only
from assembler.plan.manifest import Activity
from assembler.recording import Interrupt, Recording, vendor_report
from assembler.report.page import SCRIPT, STYLE, report_page
from assembler.report.recordings import describe_recordings
from assembler.report.text import talk_text
from assembler.times import Ms, span

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def report(lesson: Recording, name: str = "class.mp4", **changes: Any) -> str:
    """The page of a playback as planned."""
    manifest, timeline = manifest_of(lesson, **changes)
    return report_page(manifest, timeline, name)


def seen(page: str) -> str:
    """All text outside of style and script."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL))


LESSON = recording(
    [board("w1", 0, 60_000), camera("a1", "ann", 5000, 20_000), camera("a2", "ann", 30_000, 30_000)],
    total=60_000, stop=120_000, omissions=[omission(30_000, 30_000, 90_000)],
)  # fmt: skip


def test_it_says_what_was_made_from_what_and_why() -> None:
    page = seen(report(LESSON))
    for words in ("degraded", "a1", "camera of ann", "at 0:05, 0:20 long", "1 234 567 B", "used", "tiw-2",
                  "there is a board", "Break of 1:00", "board: whiteboard", "1.0 MiB"):  # fmt: skip
        assert words in page, words
    assert '<a href="index.html">' in report(LESSON), "it leads to the page for everybody"


def test_it_says_who_spoke_how_long_and_when() -> None:
    spoke = (
        Activity(user="ann", talk=Ms(12_400), spans=(span(6000, 12_400), span(54_000, 60_000))),
        Activity(user=EVIL, talk=Ms(20_000), spans=(span(20_000, 40_000),)),
        Activity(user="bob", talk=Ms(0), spans=()),
    )
    people = (Person(user="ann", name="Ann Lee", role=Role.TEACHER),)
    page = report(LESSON, activity=spoke, people=people)
    words = seen(page)
    assert re.search(r"Ann Lee\s+0:12 \(21 %\)\s+0:06\s", words)
    assert re.search(r"bob\s+0:00 \(0 %\)\s+never", words)
    assert re.search(r"0:20 \(33 %\).*Ann Lee", words, re.DOTALL)
    assert EVIL not in page
    assert 'd="M100 0h107v1H100zM900 0h100v1H900z"' in page
    assert "Who spoke" not in report(LESSON)
    assert "3 people" in page
    assert "1 person" in report(LESSON, activity=spoke[:1])
    assert talk_text(manifest_of(LESSON, activity=spoke, people=people)[0]) == f"{EVIL} 0:20, Ann Lee 0:12"


def test_it_says_where_every_second_of_a_file_went() -> None:
    ledgers = {
        "picture": {"length": 60_000, "lengths": {"shown": 40_000, "covered": 20_000}},
        "sound": {"length": 60_000, "lengths": {"heard": 59_000, "lost": 1_000}},
    }
    page = seen(report(LESSON, accounts=({"video_id": "w1", **ledgers},)))
    assert "picture 0:40 shown, 0:20 covered; sound 0:59 heard, 0:01 lost" in page


def test_findings_come_warnings_first_with_their_places_to_click_on() -> None:
    page = report(LESSON, findings=(note("", "A note."), warning("a2", "Its sound is missing.")))
    found = page[page.index("<h2>Findings") : page.index("<h2>What it")]
    assert found.index("Its sound is missing.") < found.index("A note.")
    assert '<a data-at="30.000" href="../class.mp4#t=30.000">0:30</a>' in found


def test_a_class_of_a_thousand_files_stays_readable_and_nothing_of_it_is_left_out() -> None:
    cuts = [omission(1000 * i, 2000 * i, 2000 * i + 1000) for i in range(1, 100)]
    crowd = [camera(f"c{i}", f"u{i}", 100 * i, 120_000) for i in range(1000)]
    parts = [board(f"w{i}", 1000 * i, 1000) for i in range(220)]
    outcomes = [{"video_id": "c7", "fate": "repaired", "how": "Its end was held."}]
    outcomes += [{"video_id": s.video_id, "fate": "used", "how": ""} for s in (*crowd, *parts) if s.video_id != "c7"]
    page = report(recording([*crowd, *parts], total=220_000, stop=319_000, omissions=cuts), outcomes=outcomes)
    opened = re.sub(r"<details>.*?</details>(?!</td>)", "", page, flags=re.DOTALL)
    rows = [row for row in opened.split("<tr>") if "<td" in row]
    assert ("1 not used as declared" in opened, "Its end was held." in opened) == (True, True)
    assert len(rows) < 20
    assert all(f"<b>{s.video_id}</b>" in page for s in (*crowd, *parts))
    assert page.count("<li>Pause of 0:01") == page.count(">Break of 0:01 (") == 99
    assert "1220 files" in seen(page)


def test_it_plays_the_file_beside_its_folder_whatever_its_name() -> None:
    page = report(LESSON, 'my #1 "class"?.mp4')
    assert 'src="../my%20%231%20%22class%22%3F.mp4"' in page
    assert 'src="../caf%E9.mp4"' in report(LESSON, "caf\udce9.mp4")  # a name that is not UTF-8


def test_it_loads_nothing_else_and_runs_only_its_own_script() -> None:
    page = report(LESSON)
    assert set(re.findall(r'(?:src|href)="([^"#]*)', page)) == {"../class.mp4", "playback.json", "index.html", "data:,"}
    assert "default-src 'none'" in page
    assert page.count("<script>") == page.count(f"<script>{SCRIPT}</script>") == 1
    assert page.count("<style>") == page.count(f"<style>{STYLE}</style>") == 1
    assert not re.search(r"<[^>]+ (style|on\w+)=", page)


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


def test_whatever_ids_and_sentences_say_never_becomes_markup() -> None:
    lesson = recording([camera(EVIL, EVIL, 0, 1000), board("w", 0, 1000)], task=EVIL)
    page = report(
        lesson, f"{EVIL}.mp4", findings=(warning(EVIL, EVIL),), layout_reason=EVIL, mode_reason=EVIL, made_by=EVIL,
        ffmpeg=EVIL, sound_reason=EVIL, encoder=EVIL, play_times=EVIL, layout=EVIL,
    )  # fmt: skip
    elements = _Elements()
    elements.feed(page)
    assert elements.names.count("script") == 1
    assert "img" not in elements.names
    assert seen(page).count("alert(1)") > 8


TOLD = {
    "group_id": "grp_7", "record_user_id": "tic_record_user_7_x", "finish_reason": "FORCE_STOP", "request_id": "r-1",
    "random": "526919", "interrupts": (Interrupt(user="ann", count=2), Interrupt(user="bob", count=0)),
}  # fmt: skip


def test_what_the_vendor_said_of_a_recording_is_on_the_page_in_the_terminal_and_in_the_manifest() -> None:
    lesson = LESSON.model_copy(update=TOLD)
    page = seen(report(lesson, recordings=(vendor_report(lesson),)))
    terminal = describe_recordings([lesson], plan_only(lesson, load_options())[0])
    for words in ("grp_7", "tic_record_user_7_x", "FORCE_STOP", "r-1", "526919", "ann 2x"):
        assert words in page, words
        assert words in terminal, words
    assert "bob" not in page + terminal
    assert vendor_report(lesson).model_dump()["interrupts"][0] == {"user": "ann", "count": 2}


def test_what_the_vendor_said_cannot_break_the_page() -> None:
    lesson = LESSON.model_copy(update={"group_id": EVIL, "interrupts": (Interrupt(user=EVIL, count=1),)})
    page = report(lesson, recordings=(vendor_report(lesson),))
    assert EVIL not in page
    assert "grp" not in page


def test_a_crowd_of_broken_streams_is_folded() -> None:
    lesson = LESSON.model_copy(update={"interrupts": tuple(Interrupt(user=f"u{n}", count=1) for n in range(5000))})
    assert "u19 1x, and 4980 more" in seen(report(lesson, recordings=(vendor_report(lesson),)))
