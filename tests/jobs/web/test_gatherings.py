"""What was accepted and makes no job (yet) is shown: on the page, at every width, by `jobs list` and in the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from browser import PROGRAM, browsing
from workshop import Workshop

from assembler.cli.job_list import _list_gatherings
from jobs.intake.test_gather import call, finished, quiet, trtc
from jobs.web.test_webhook import served

EVIL = "<img src=x onerror=alert(1)>"
LONG = "-m9-" + "x" * 90


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with Workshop.opened(tmp_path) as opened:
        call(opened, trtc(task=LONG), trtc(301, task=EVIL), trtc(312, task="empty"), trtc(304, task="aside"))
        call(opened, trtc(task="made"), trtc(312, task="made"), trtc(user="bob", task="made"), finished("room_started"))
        yield opened


def test_each_says_what_it_waits_for(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    assert _list_gatherings(shop.records, False) == 0
    said = {line.split()[1].rstrip(":"): line for line in capsys.readouterr().out.splitlines()}
    assert "1 part since" in said[LONG]
    assert "if nothing more comes" in said[LONG]
    assert "Still being recorded" in said["<img"]
    assert "Nothing is made of it" in said["empty"]
    assert "all of it was told. Job made is made anew then." in said["made"]
    with served() as url:
        figures = requests.get(f"{url}/metrics", timeout=10).text.splitlines()
    assert "assembler_results_gathering 4.0" in figures
    assert "assembler_other_events 2.0" in figures
    quiet(shop)
    assert _list_gatherings(shop.records, False) == 0
    assert "made:" not in capsys.readouterr().out


@pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")
def test_the_page_lists_them_and_runs_nothing_of_theirs(shop: Workshop) -> None:
    with served() as url, browsing() as browser:
        for width in (390, 1440):
            browser.open(f"{url}/", width=width)
            assert "4 told of in parts" in browser.text
            assert EVIL in browser.text
            assert browser.ask("document.documentElement.scrollWidth") <= width
        assert browser.alerts == []
