"""The vendor's CustomLayout JSON as a layout (its MixStream parameter, as it is)."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from assembler.choices import Fill
from assembler.errors import InputError
from assembler.layout.builtin import LAYOUTS
from assembler.layout.model import Accepts, Canvas, Layout, Rect, Slot
from assembler.layout.row import Needs

BLACK = "#000000"
"""Background that the vendor's MixStream has where it names none."""
BOARD, SCREEN, MIX = "tic_record_user", "tic_substream", "tic_mixstream"
"""Prefixes of the vendor's users that stand for a board, a share and a mixed stream."""
COLOUR = re.compile(r"(?:#|0[xX])?([0-9a-fA-F]{6})")
"""Pattern of a colour of six digits, with "#", "0x" or neither."""
SHORT_COLOUR = re.compile(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])")
"""Pattern of a colour of three digits."""
SNAKE_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
"""Pattern of a key in the older spelling."""
LONGEST_SHOWN = 60
"""Maximum length of a value in a message, in characters."""


def _number(value: object) -> object:
    """Null stands for the default, 0; true and false are not numbers."""
    if isinstance(value, bool):
        raise ValueError("a whole number was expected")
    return 0 if value is None else value


def _text(value: str) -> str:
    if not value.isprintable():  # half a surrogate pair cannot even be written down again
        raise ValueError("printable text was expected")
    return value


_Length = Annotated[int, Field(ge=2, le=3000), BeforeValidator(_number)]
_Offset = Annotated[int, Field(ge=0, le=3000), BeforeValidator(_number)]


class _JsonPart(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Size(_JsonPart):
    Width: _Length
    Height: _Length


class _Place(_Size):
    X: _Offset = 0
    Y: _Offset = 0
    ZOrder: Annotated[int, BeforeValidator(_number)] = 0


class _Canvas(_JsonPart):
    LayoutParams: _Size
    BackgroundColor: str | None = None


class _Stream(_JsonPart):
    InputStreamId: Annotated[str, AfterValidator(_text)] | None = None
    LayoutParams: _Place
    BackgroundColor: str | None = None
    FillMode: Annotated[int, Field(ge=0, le=1), BeforeValidator(_number)] = 0


class _Custom(_JsonPart):
    Canvas: _Canvas
    InputStreamList: list[_Stream]


def load_custom(text: str, name: str) -> Layout:
    """A layout from CustomLayout JSON; ``name`` is what the layout is called.

    Odd canvases grow to even at right and bottom; every edge of a slot on an odd pixel moves by one to the right or
    down, so that slots that touch still touch and none begins to overlap. Raises InputError naming field, value and
    what was expected; a rectangle outside the canvas is refused.
    """
    try:
        body = _camel(json.loads(text))
    except (ValueError, RecursionError) as exc:
        raise InputError(f"layout {name} is not JSON: {exc}", hint="Give the vendor's CustomLayout JSON.") from exc
    inner = _unwrapped(body)
    teacher = _teacher(inner)
    model = _model(inner, name)
    if model is not None:
        return model.model_copy(update={"teacher": teacher})
    try:
        custom = _Custom.model_validate(_custom(inner))
    except ValidationError as exc:
        raise InputError(
            f"layout {name}: {_complaint(exc.errors(include_url=False)[0])}",
            hint="Look at the vendor's MixStream: ModelId, or Custom{Canvas, InputStreamList[]{LayoutParams}}.",
        ) from exc
    size = custom.Canvas.LayoutParams
    canvas = Canvas(
        width=_even(size.Width),
        height=_even(size.Height),
        background=colour_of(custom.Canvas.BackgroundColor or BLACK, f"layout {name}: Canvas.BackgroundColor"),
    )
    slots: list[Slot] = []
    for index, stream in enumerate(custom.InputStreamList):
        slots.append(_slot(stream, size, f"layout {name}: InputStreamList.{index}", {s.name for s in slots}))
    return Layout(name=name, canvas=canvas, slots=tuple(slots), teacher=teacher)


def custom_of(layout: Layout) -> dict[str, Any]:
    """CustomLayout of a layout, for the vendor to mix by: what ``load_custom`` reads as the same places."""
    streams = []
    for slot in layout.slots:
        rect = slot.rect
        place = {"Width": rect.width, "Height": rect.height, "X": rect.x, "Y": rect.y, "ZOrder": slot.z}
        prefix = {Accepts.WHITEBOARD: BOARD, Accepts.SCREEN: SCREEN, Accepts.MIX: MIX, Accepts.USER: ""}[slot.accepts]
        fill = {"BackgroundColor": slot.background, "FillMode": int(slot.fill is Fill.CROP)}
        who = "_".join(part for part in (prefix, slot.user) if part)
        streams.append({"LayoutParams": place, **({"InputStreamId": who} if who else {}), **fill})
    size = {"Width": layout.canvas.width, "Height": layout.canvas.height}
    canvas = {"LayoutParams": size, "BackgroundColor": layout.canvas.background}
    return {"Canvas": canvas, "InputStreamList": streams}


def _camel(value: Any) -> Any:
    """The names of v1 (``input_stream_list``) as the newer API writes them."""
    if isinstance(value, list):
        return [_camel(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        "".join(part.capitalize() for part in key.split("_")) if SNAKE_NAME.fullmatch(key) else key: _camel(entry)
        for key, entry in value.items()
    }


def _unwrapped(body: Any) -> Any:
    """The MixStream parameter, also where a whole request was given; the layout itself where that is all there is."""
    inner = body.get("MixStream") if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else body


def _custom(stream: Any) -> Any:
    for key in ("Custom", "CustomLayout"):
        if isinstance(stream, dict) and "Canvas" not in stream and key in stream:
            stream = stream[key]
    return stream


def _teacher(stream: Any) -> str:
    value = stream.get("TeacherId") if isinstance(stream, dict) else None
    return value if isinstance(value, str) and value.isprintable() else ""


def _model(stream: Any, name: str) -> Layout | None:
    """The vendor's own layout that a MixStream names by its number; None where it brings one."""
    if not isinstance(stream, dict) or stream.get("Custom") or stream.get("Canvas") or stream.get("CustomLayout"):
        return None
    number = stream.get("ModelId")
    if number in (None, "", 0):
        return None
    known = {f"{model}": f"tiw-{model}" for model in (1, 2)}
    if f"{number}" not in known:
        shown = repr(number)[:LONGEST_SHOWN]
        raise InputError(f"layout {name}: ModelId is {shown}, expected 1 or 2", hint="Or give a Custom layout.")
    return LAYOUTS[known[f"{number}"]].divide(Needs())


def _complaint(error: ErrorDetails) -> str:
    """The first thing wrong: field, what was expected, value."""
    field = ".".join(str(part) for part in error["loc"]) or "the whole"
    if error["type"] == "missing":
        return f"{field} is missing"
    expected = (
        "input should be an object" if error["type"] == "model_type" else error["msg"].removeprefix("Value error, ")
    )
    value = repr(error["input"])
    shown = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "..."
    return f"{field}: {expected[:1].lower()}{expected[1:]} (got {shown})"


def _slot(stream: _Stream, size: _Size, field: str, taken: set[str]) -> Slot:
    place = stream.LayoutParams
    if place.X + place.Width > size.Width or place.Y + place.Height > size.Height:
        raise InputError(
            f"{field}.LayoutParams: the rectangle ({place.X}, {place.Y}, {place.Width}, {place.Height}) lies outside"
            f" the canvas of {size.Width} x {size.Height}",
            hint="Move it inside, or make the canvas larger.",
        )
    accepts, title, user = _accepts(stream.InputStreamId or "")
    return Slot(
        name=_unused(title, taken, is_numbered=title == "user" and not user),
        rect=_even_rect(place),
        z=place.ZOrder,
        accepts=accepts,
        user=user,
        fill=Fill.CROP if stream.FillMode == 1 else Fill.FIT,
        background=colour_of(stream.BackgroundColor or BLACK, f"{field}.BackgroundColor"),
    )


def _accepts(who: str) -> tuple[Accepts, str, str]:
    """Return what a slot accepts, what it is called, and the prefix of the user ids it is for."""
    for prefix, accepts, title in (
        (BOARD, Accepts.WHITEBOARD, "board"),
        (SCREEN, Accepts.SCREEN, "screen"),
        (MIX, Accepts.MIX, "mix"),
    ):
        if who == prefix or who.startswith(f"{prefix}_"):
            return accepts, title, who[len(prefix) + 1 :] if accepts is Accepts.SCREEN else ""
    return Accepts.USER, who or "user", who


def _unused(title: str, taken: set[str], *, is_numbered: bool) -> str:
    """The title, with a number where the name is taken (free slots are numbered from the first)."""
    number = 1
    name = f"{title} 1" if is_numbered else title
    while name in taken:
        number += 1
        name = f"{title} {number}"
    return name


def _even_rect(place: _Place) -> Rect:
    """Both edges by one rule (an odd one moves up by one), so no two slots come to overlap; the canvas grew so too."""
    x, y = _even(place.X), _even(place.Y)
    return Rect(x=x, y=y, width=_even(place.X + place.Width) - x, height=_even(place.Y + place.Height) - y)


def _even(edge: int) -> int:
    return edge + edge % 2


def colour_of(text: str, what: str) -> str:
    """``#RRGGBB`` of a colour written as #RRGGBB, 0xRRGGBB, RRGGBB or #RGB; raises InputError naming ``what``."""
    match = COLOUR.fullmatch(text.strip())
    if match is not None:
        return f"#{match.group(1).upper()}"
    short = SHORT_COLOUR.fullmatch(text.strip())
    if short is not None:
        return "#" + "".join(2 * digit for digit in short.groups()).upper()
    shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."
    raise InputError(f"{what}: {shown!r} is not a colour as #RRGGBB", hint="Write it as #RRGGBB, such as #34363B.")
