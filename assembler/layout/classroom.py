"""The layouts that follow what happens: their canvas is divided anew whenever somebody joins or leaves."""

from __future__ import annotations

from assembler.layout.divide import SLATE, stage_slots, user_slots, usual_shape
from assembler.layout.divisions import (
    Crowd,
    divide_classroom,
    divide_grid,
    divide_presenter,
    divide_speaker,
    most_beside,
    most_in_rows,
    most_one,
)
from assembler.layout.model import Canvas, Layout
from assembler.layout.presence import stage_shape
from assembler.layout.reflow import Reflow
from assembler.layout.row import Needs

SIZE = 1600, 900
"""Size of the canvas of ``classroom`` and ``speaker`` where none is asked for, in pixels."""
CLASSROOM = Reflow(SIZE, divide_classroom, most_beside, enlarges_teacher=True, enlarges_speaker=True)
"""Rules of ``classroom``."""
SPEAKER = Reflow(SIZE, divide_speaker, most_one, enlarges_speaker=True, is_for_one=True)
"""Rules of ``speaker``."""
PRESENTER = Reflow(
    (1920, 1080), divide_presenter, most_in_rows, is_always=False, enlarges_teacher=True, keeps_large=True
)
"""Rules of ``presenter`` where it is re-flowed."""
GRID = Reflow((1280, 720), divide_grid, most_in_rows, is_always=False, has_stage=False)
"""Rules of ``grid`` where it is re-flowed."""


def classroom(needs: Needs) -> Layout:
    """Stage with a filmstrip beside it, as it is when most people are there."""
    return _divided("classroom", CLASSROOM, needs)


def speaker(needs: Needs) -> Layout:
    """Stage with who speaks beside it."""
    return _divided("speaker", SPEAKER, needs)


def _divided(name: str, rules: Reflow, needs: Needs) -> Layout:
    crowd = Crowd(rules.size, usual_shape(needs.camera), 0, stage_shape(needs.stage) if needs.has_stage else None)
    number = min(needs.users, rules.most(crowd))
    division = rules.divide(Crowd(crowd.canvas, crowd.camera, number, crowd.stage))
    staged = stage_slots(division.stage) if division.stage is not None else ()
    canvas = Canvas(width=rules.size[0], height=rules.size[1], background=SLATE)
    return Layout(name=name, canvas=canvas, slots=(*staged, *user_slots(list(division.users))))
