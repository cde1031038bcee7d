"""A plan written in parts reads as one written whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from lessons import board, camera, recording
from strategies import recordings

from assembler.errors import InputError
from assembler.options import Options
from assembler.pipeline.decide import plan_only
from assembler.plan.json_parts import json_parts
from assembler.recording import Recording


@given(recordings())
def test_the_parts_of_any_plan_are_its_json(lesson: Recording) -> None:
    try:
        plan = plan_only(lesson, Options())[1]
    except InputError:
        return
    assert "".join(json_parts(plan)) == plan.model_dump_json()


@pytest.mark.parametrize("user", ['","scenes":[],"', '"shown":[', "\\", "好\u202e"])
def test_names_like_json_are_no_parts(user: str) -> None:
    lesson = recording([camera(user, user, 0, 9000), board("b", 3000, 3000)])
    plan = plan_only(lesson, Options())[1]
    assert "".join(json_parts(plan)) == plan.model_dump_json()
