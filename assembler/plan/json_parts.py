"""The JSON of a plan in parts: in a class of thousands of scenes the same picture is written a hundred times."""

from __future__ import annotations

from collections.abc import Iterator

from assembler.plan.model import Plan, Shown

SCENES, SHOWN = '"scenes":[', '"shown":['
"""Keys at which the JSON is split; no string in JSON holds them: a quotation mark inside one is escaped."""


def json_parts(plan: Plan) -> Iterator[str]:
    """Yields what ``plan.model_dump_json()`` returns, a scene a part: whole it may be over 100 MB.

    ``build_scenes`` gives a picture that stays in its slot as one value to all its scenes: it is written out once.
    """
    before, behind = plan.model_copy(update={"scenes": ()}).model_dump_json().split(SCENES, 1)
    yield before + SCENES
    written: dict[int, str] = {}
    for place, scene in enumerate(plan.scenes):
        start, end = scene.model_copy(update={"shown": ()}).model_dump_json().split(SHOWN, 1)
        shown = ",".join([written.get(id(one)) or _written(one, written) for one in scene.shown])
        yield f"{',' if place else ''}{start}{SHOWN}{shown}{end}"
    yield behind


def _written(one: Shown, written: dict[int, str]) -> str:
    """Write a picture out once, found by identity, which is fast: the plan holds every picture, so that no id comes
    again."""
    return written.setdefault(id(one), one.model_dump_json())
