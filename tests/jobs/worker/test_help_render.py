"""A worker that looks for chunks to render beside its jobs: when it looks, and what it says of what it cannot do."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from terminal import until

from assembler.jobs.worker import help_render
from assembler.jobs.worker.help_render import helping
from assembler.options import Options
from assembler.processes import Stop
from assembler.workspace import Workspace


@pytest.fixture
def options(tmp_path: Path, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.setattr(help_render, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(help_render, "END_SECONDS", 60.0)
    return Options(home=tmp_path / "home", ffmpeg=bundled_ffmpeg, processes=1)


class Looks:
    """Answers whether the worker is idle, and counts the questions."""

    def __init__(self, *, is_idle: bool) -> None:
        self.is_idle, self.count = is_idle, 0

    def __call__(self) -> bool:
        self.count += 1
        return self.is_idle

    def again(self) -> None:
        """Wait for two more."""
        before = self.count
        until(lambda: self.count >= before + 2, 30)


def offer(options: Options, text: str) -> Path:
    place = Workspace(options.home).shared / "class.json"
    part = place.with_suffix(".new")
    part.write_text(text)
    os.replace(part, place)
    return place


def test_an_offer_that_cannot_be_taken_is_told_once_and_a_newer_one_is_looked_at(options: Options) -> None:
    offer(options, "{}")
    said: list[str] = []
    looks = Looks(is_idle=True)
    with helping(options, "w1", looks, Stop(), said.append):
        until(lambda: said, 30)
        offer(options, '{"newer": 1}')
        until(lambda: len(said) == 2, 30)
        Workspace(options.home).shared.joinpath("other.json").write_text("{}")
        until(lambda: len(said) == 3, 30)
    sentence = "warning: worker w1 cannot help with class: another version of assembler made it"
    assert said == [sentence, sentence, sentence.replace("class", "other")]


def test_a_busy_worker_helps_nobody_and_one_that_ends_does_not_look(options: Options) -> None:
    offer(options, "{}")
    said: list[str] = []
    looks, stop = Looks(is_idle=False), Stop()
    with helping(options, "w1", looks, stop, said.append):
        looks.again()
    stop.set()
    ended, before = Looks(is_idle=True), threading.active_count()
    with helping(options, "w1", ended, stop, said.append):
        until(lambda: threading.active_count() <= before, 30)
    assert (said, ended.count) == ([], 0)


def test_an_offer_that_was_taken_back_is_nothing_to_tell(options: Options) -> None:
    offer(options, "")
    said: list[str] = []
    looks = Looks(is_idle=True)
    with helping(options, "w1", looks, Stop(), said.append):
        looks.again()
    assert said == []
