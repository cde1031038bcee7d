"""The live demo: from a request to record to a published playback, without anybody's account."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from assembler.cloud import Steer
from assembler.emulator import live
from assembler.errors import InputError
from assembler.options import load_options


def test_a_class_goes_all_the_way_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = ((1.0, Steer.PAUSE, "a pause"), (2.0, Steer.RESUME, "goes on"), (3.0, Steer.STOP, "over"))
    monkeypatch.setattr(live, "STORY", story)
    before, said = dict(os.environ), list[str]()
    playback = live.show_live(tmp_path / "live", load_options(), said.append)
    assert playback.stat().st_size > 10_000
    told = json.loads((playback.parent / "playback.assets" / "playback.json").read_text("utf-8"))
    assert told["verdict"] == "ok"
    assert 1_500 <= told["length"] <= 2_800  # without its pause
    assert said[0].startswith("http://127.0.0.1:")  # the page comes first
    assert said[-1].endswith(str(playback))
    assert any("job done" in line for line in said)
    assert dict(os.environ) == before
    assert (tmp_path / "live" / ".gitignore").read_text() == "*\n"


def test_settings_that_no_worker_takes_are_refused_before_the_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSEMBLER_LAYOUT", "tiw-3")
    with pytest.raises(InputError, match="tiw-3"):
        live.show_live(tmp_path / "live", load_options(), lambda _: None)
    assert not (tmp_path / "live").exists()
