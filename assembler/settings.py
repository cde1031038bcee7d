"""Settings as they are found: the settings file, environment variables, former names of options, and values as people
write them."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import platformdirs
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

FORMER = {"jobs": "processes"}
"""Former names of options, read as before with a ``FormerName`` warning."""
SHORT = {"class_file": "ASSEMBLER_CLASS"}
"""Environment variables that are named like the flag, not like the option: ``class`` is a word of Python."""


class FormerName(DeprecationWarning):
    """An option was given by its former name."""


class FoundSettings(PydanticBaseSettingsSource):
    """Source of settings that are read already: pydantic's own take 8 ms to look at the type of each field."""

    def __init__(self, settings: type[BaseSettings], found: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._found = with_present_names(found)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return a field's value, its name, and that it needs no decoding (pydantic asks for this method)."""
        return self._found.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all that was found."""
        return self._found


def settings_file() -> Path:
    """``ASSEMBLER_CONFIG``, or settings.toml in the platform's configuration folder."""
    named = os.environ.get("ASSEMBLER_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir("assembler")) / "settings.toml"


def variable_of(option: str) -> str:
    """Name of an option's environment variable."""
    return SHORT.get(option, f"ASSEMBLER_{option.upper()}")


def from_environment(options: Iterable[str]) -> dict[str, str]:
    """Read the environment variables of these options that are not empty, in whatever case they are written."""
    given = {variable.upper(): value for variable, value in os.environ.items() if value}
    variables = {name: (variable_of(name), f"ASSEMBLER_{name.upper()}") for name in options}
    return {name: given[one] for name, names in variables.items() for one in reversed(names) if one in given}


def with_present_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of one source, a former name replaced by today's and warned of."""
    renamed = dict(given)
    for former, name in FORMER.items():
        if former in renamed:
            where = f"--{former}, {variable_of(former)} or the settings file"
            warnings.warn(f"{former} is called {name} now: change {where}", FormerName, stacklevel=2)
            renamed.setdefault(name, renamed.pop(former))
    return renamed


def frame_rate(text: object) -> Fraction:
    """``15``, ``29.97`` or ``30000/1001`` as a rate that mp4 can carry; raises ValueError for anything else."""
    try:
        rate = Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 120 or rate.denominator > 1001:
        raise ValueError(f"{str(text)!r} is not a frame rate: write 15, 29.97 or 30000/1001, from 1 to 120")
    return rate


def canvas_size(given: object) -> tuple[int, int]:
    """``1600x900`` as width and height; raises ValueError for anything else, and for what is too small, too large or
    odd."""
    text = "x".join(map(str, given)) if isinstance(given, (tuple, list)) else str(given)
    match = re.fullmatch(r"(\d{2,4})[xX*](\d{2,4})", text.strip(), re.ASCII)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if width % 2 or height % 2 or not (320 <= width <= 3840 and 180 <= height <= 3840):
        raise ValueError(f"{text!r} is not a size: write 1600x900, two even numbers, from 320x180 to 3840x3840")
    return width, height
