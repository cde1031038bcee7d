"""The vendor's CustomLayout JSON as a layout (its MixStream parameter, as it is)."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assembler.errors import InputError
from assembler.layout.model import Accepts, Canvas, Layout, Rect, Slot
from assembler.options import Fill

BOARD_PREFIX = "tic_record_user"
SCREEN_PREFIX = "tic_substream"
MIX_PREFIX = "tic_mixstream"
COLOUR = re.compile(r"(?:#|0[xX])?([0-9a-fA-F]{6})")
SHORT_COLOUR = re.compile(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])")


class _Size(BaseModel):
    model_config = ConfigDict(extra="ignore")
    Width: int = Field(ge=2, le=3000)
    Height: int = Field(ge=2, le=3000)


class _Place(_Size):
    X: int = Field(default=0, ge=0, le=3000)
    Y: int = Field(default=0, ge=0, le=3000)
    ZOrder: int = 0


class _Canvas(BaseModel):
    LayoutParams: _Size
    BackgroundColor: str | None = None


class _Stream(BaseModel):
    InputStreamId: str | None = ""
    LayoutParams: _Place
    BackgroundColor: str | None = None
    FillMode: int = Field(default=0, ge=0, le=1)


class _Custom(BaseModel):
    Canvas: _Canvas
    InputStreamList: list[_Stream]


def load_custom(text: str, name: str) -> Layout:
    """A layout from CustomLayout JSON; ``name`` is what the layout is called.

    Odd canvases grow to even at right and bottom; slots are rounded to even. Raises InputError naming field, value
    and what was expected; a rectangle outside the canvas is refused.
    """
    try:
        custom = _Custom.model_validate(_unwrapped(json.loads(text)))
    except (json.JSONDecodeError, RecursionError) as exc:
        raise InputError(f"layout {name} is not JSON: {exc}", hint="Give the vendor's CustomLayout JSON.") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"layout {name}: {field}: {first['msg'][:1].lower()}{first['msg'][1:]}"
            + ("" if first["type"] == "missing" else f" (got {first['input']!r})"),
            hint="Look at the vendor's CustomLayout: Canvas{LayoutParams}, InputStreamList[]{LayoutParams}.",
        ) from exc
    size = custom.Canvas.LayoutParams
    canvas = Canvas(
        width=size.Width + size.Width % 2,
        height=size.Height + size.Height % 2,
        background=colour_of(custom.Canvas.BackgroundColor or "#000000", f"layout {name}: Canvas.BackgroundColor"),
    )
    names: dict[str, int] = {}
    slots = [_slot(stream, size, index, name, names) for index, stream in enumerate(custom.InputStreamList)]
    return Layout(name=name, canvas=canvas, slots=tuple(slots))


def _unwrapped(body: Any) -> Any:
    """The layout itself, also where the whole MixStream parameter was given."""
    for key in ("MixStream", "Custom", "CustomLayout"):
        if isinstance(body, dict) and "Canvas" not in body and key in body:
            body = body[key]
    return body


def _slot(stream: _Stream, size: _Size, index: int, layout: str, names: dict[str, int]) -> Slot:
    place, who = stream.LayoutParams, stream.InputStreamId or ""
    field = f"layout {layout}: InputStreamList.{index}"
    if place.X + place.Width > size.Width or place.Y + place.Height > size.Height:
        raise InputError(
            f"{field}: the rectangle ({place.X}, {place.Y}, {place.Width}, {place.Height}) lies outside the canvas"
            f" of {size.Width} x {size.Height}",
            hint="Move it inside, or make the canvas larger.",
        )
    accepts, title, user = _accepts(who)
    names[title] = names.get(title, 0) + 1
    is_first = names[title] == 1 and title != "user"
    return Slot(
        name=title if is_first else f"{title} {names[title]}",
        rect=_even_rect(place),
        z=place.ZOrder,
        accepts=accepts,
        user=user,
        fill=Fill.CROP if stream.FillMode == 1 else Fill.FIT,
        background=colour_of(stream.BackgroundColor or "#000000", f"{field}.BackgroundColor"),
    )


def _accepts(who: str) -> tuple[Accepts, str, str]:
    if who.startswith(BOARD_PREFIX):
        return Accepts.WHITEBOARD, "board", ""
    if who.startswith(SCREEN_PREFIX):
        return Accepts.SCREEN, "screen", who[len(SCREEN_PREFIX) :].lstrip("_")
    if who.startswith(MIX_PREFIX):
        return Accepts.MIX, "mix", ""
    return Accepts.USER, who or "user", who


def _even_rect(place: _Place) -> Rect:
    """Rounded to even numbers that still lie inside the canvas grown to even."""
    x, y = place.X // 2 * 2, place.Y // 2 * 2
    right, bottom = place.X + place.Width, place.Y + place.Height
    return Rect(x=x, y=y, width=max(2, (right + right % 2) - x), height=max(2, (bottom + bottom % 2) - y))


def colour_of(text: str, what: str) -> str:
    """``#RRGGBB`` of a colour written as #RRGGBB, #RGB or 0xRRGGBB; raises InputError naming ``what``."""
    match = COLOUR.fullmatch(text.strip())
    if match is not None:
        return f"#{match.group(1).upper()}"
    short = SHORT_COLOUR.fullmatch(text.strip())
    if short is not None:
        return "#" + "".join(2 * digit for digit in short.groups()).upper()
    raise InputError(f"{what}: {text!r} is no colour", hint="Write it as #RRGGBB, such as #34363B.")
