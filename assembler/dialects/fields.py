"""Reading one JSON object field by field: tolerant, and every oddity is stated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from assembler.dialects.body import Json, JsonObject, shown
from assembler.errors import InputError
from assembler.findings import Finding, note, warning

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,2})?")


def whole(value: Json) -> int | None:
    """The value as an integer, half a unit rounded up; None where it is not a finite number.

    Numbers as strings are really seen ("900000"), and so are floats.
    """
    match value:
        case bool():
            return None
        case int():
            return value
        case float():
            return math.floor(value + 0.5) if math.isfinite(value) else None
        case str() if _NUMBER.fullmatch(value.strip()):
            digits = value.strip()
            return int(digits) if digits.lstrip("+-").isdigit() else whole(float(digits))
        case _:
            return None


class Fields:
    """One object of a body; ``path`` says where it stands, and what is odd in it is added to ``findings``."""

    def __init__(self, values: JsonObject, path: str, findings: list[Finding]) -> None:
        self.values = values
        self.path = path
        self.findings = findings

    def at(self, name: str) -> str:
        """The path of a field: ``EventData.VideoInfos``."""
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Json:
        """Return the raw value; None where it is missing."""
        return self.values.get(name)

    def text(self, name: str) -> str | None:
        """A text, or a number as text; None where it is missing or empty."""
        value = self.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        number = whole(value)
        if number is None:
            self.findings.append(note(self.at(name), f"{shown(value)} is not text; it was ignored."))
            return None
        return str(number)

    def number(self, name: str, least: int, most: int, meaning: str) -> int | None:
        """A whole number; None where it is missing, and with a warning where it is none or out of bounds.

        ``meaning`` completes "expected ...", such as "ms, at most 48 h".
        """
        value = self.get(name)
        if value is None or value == "":
            return None
        number = whole(value)
        if number is not None and least <= number <= most:
            return number
        self.findings.append(warning(self.at(name), f"{shown(value)} was ignored; expected {meaning}."))
        return None

    def first(self, names: Sequence[str]) -> str:
        """The first of these names that has a value other than null, "" and 0; the first of all where none has."""
        return next((name for name in names if self.get(name)), names[0])

    def child(self, name: str) -> Fields | None:
        """The object in this field; None where there is none."""
        value = self.get(name)
        return Fields(value, self.at(name), self.findings) if isinstance(value, dict) else None

    def require(self, name: str) -> Fields:
        """The object in this field. Raises InputError naming path, value and what was expected."""
        child = self.child(name)
        if child is None:
            state = f"is {shown(self.get(name))}" if name in self.values else "is missing"
            raise InputError(f"{self.at(name)} {state}, expected an object")
        return child

    def entries(self, name: str) -> Iterator[tuple[str, Json]]:
        """(path, value) of each entry of a list; a lone object counts as a list of one, null as an empty one."""
        value = self.get(name)
        if isinstance(value, list):
            yield from ((f"{self.at(name)}[{i}]", entry) for i, entry in enumerate(value))
        elif isinstance(value, dict):
            if value:
                yield self.at(name), value
        elif value is not None and value != "":
            self.findings.append(warning(self.at(name), f"{shown(value)} was ignored; expected a list."))
