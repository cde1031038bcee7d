"""Identity of a synthetic stream: a colour for the eye, a pitch for the ear, both far from those of every other
stream."""

from __future__ import annotations

from assembler.values import Value

BEEP_SECONDS = 0.08
"""Length of the beep at the start of each second, in s."""


class Identity(Value):
    """Colour and pitch of one synthetic stream."""

    name: str
    """Name of the colour; a recipe names it."""
    colour: str
    """Colour around the counter, ``#RRGGBB``."""
    pitch: float
    """Hz. All pitches are whole multiples of 1 / BEEP_SECONDS, so that beeps sounding together do not disturb each
    other, and none is an overtone of another, so that a limiter does not invent one."""

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, each 0 to 255."""
        return int(self.colour[1:3], 16), int(self.colour[3:5], 16), int(self.colour[5:7], 16)


_COLOURS = {
    "red": "#C81E1E",
    "green": "#1E8C1E",
    "blue": "#1E3CDC",
    "yellow": "#E6C81E",
    "magenta": "#C81EC8",
    "cyan": "#1EC8C8",
    "orange": "#E67814",
    "purple": "#6E1EA0",
    "pink": "#F08CB4",
    "lime": "#8CDC28",
    "brown": "#78461E",
    "sky": "#78B4F0",
}

IDENTITIES: dict[str, Identity] = {
    name: Identity(name=name, colour=colour, pitch=437.5 + 187.5 * place)
    for place, (name, colour) in enumerate(_COLOURS.items())
}
"""Identities by name; none is black, white or the dark grey of a canvas."""
