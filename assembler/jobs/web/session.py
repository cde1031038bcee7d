"""Session of somebody who showed the token of the pages."""

from __future__ import annotations

from typing import NamedTuple


class Session(NamedTuple):
    """Person, or program, that showed the token."""

    field: str
    """Value of the hidden field of forms; "" of a program, whose requests no browser makes by itself."""
    where: str
    """Address it comes from."""
