"""Messages between our processes: frozen dataclasses, written as JSON and read back equal.

No ``Value``, which is for what lasts and what people write: pydantic is a third of the start of a child, and a class is
made by five of them.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

PLAIN = (str, int, bool, NoneType)
"""Types that JSON keeps as they are."""


@dataclass(frozen=True)
class Message:
    """Base of them. A field may be a str, int, bool, Fraction, Path, another message, None, or a tuple of such."""

    def to_json(self) -> str:
        """One line of JSON: field names as keys, fractions and paths as text."""
        return json.dumps(self, default=_plain, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it back; raises ValueError where the text is not a whole one: a child that died may have written
        anything."""
        try:
            message: Self = _read(cls, json.loads(text))
        except (ZeroDivisionError, RecursionError) as exc:
            raise ValueError(f"not a {cls.__name__}: {exc}") from exc
        return message


def _plain(value: object) -> object:
    if isinstance(value, Message):
        return vars(value)
    if isinstance(value, (Fraction, Path)):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be told to another process")


def _read(kind: Any, value: Any) -> Any:
    kind = getattr(kind, "__supertype__", kind)  # FileMs is an int
    if kind in PLAIN:
        return _checked(kind, value)
    if kind is Fraction or kind is Path:
        return kind(_checked(str, value))
    if get_origin(kind) in (Union, UnionType):
        (real,) = (option for option in get_args(kind) if option is not NoneType)
        return None if value is None else _read(real, value)
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind), _checked(list, value))
    return _read_message(kind, _checked(dict, value))


def _checked(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"not of type {kind.__name__}")
    return value


def _read_tuple(kinds: tuple[Any, ...], values: list[Any]) -> tuple[Any, ...]:
    if kinds[1:] != (...,):
        return tuple(_read(kind, value) for kind, value in zip(kinds, values, strict=True))
    if kinds[0] in PLAIN and all(type(value) is kinds[0] for value in values):
        return tuple(values)  # stamps, hundreds of thousands of them
    return tuple(_read(kinds[0], value) for value in values)


def _read_message(kind: type[Message], given: dict[str, Any]) -> Message:
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy takes a class for one of its instances
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    if not needed <= given.keys() <= hints.keys():
        raise ValueError(f"not a {kind.__name__}")
    return kind(**{name: _read(hints[name], value) for name, value in given.items()})


@cache
def _hints(kind: type[Message]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
