"""Drawn pictures as PNG: labels, name cards, silhouettes, and frames around who speaks.

Shapes are drawn four times as large and made smaller, for smooth edges; letters at their own size.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageDraw

from assembler.media.artwork.line import Line, Undrawable, fit_line
from assembler.media.artwork.text import clean_text, find_initials, is_emoji, split_clusters
from assembler.plan.artwork import LOWEST, NARROWEST, Artwork, ArtworkKind, label_height, label_margin

SMOOTH = 4
"""Number of pixels to a pixel of a smooth shape, in each direction."""
LETTERS = 0.64
"""Size of letters to the height of their label."""
CAPITAL = 0.714
"""Height of a capital letter to the size of letters."""
SHADE = 160
"""Opacity of a label's ground, of 255: white letters on it are to be read over white pictures too."""
GROUND, WHITE, SPEAKS = "#3C3F47", "#FFFFFF", "#3DDC84"
"""Colours: ground of cards, letters, frame around who speaks."""
DISC, FIGURE = "#565B66", "#A3A9B5"
"""Colours of a silhouette: the circle and the figure in it."""
PALETTE = ("#C2185B", "#7B4FC9", "#3F63D2", "#1F7FB8", "#1E8A7A", "#3C8C40", "#A8660F", "#B9502B")
"""Colours of circles with initials; white letters on them have a contrast of 4 to 1 at least."""


@dataclass(frozen=True)
class Drawing:
    """Drawn picture."""

    png: bytes
    """PNG with alpha; sides are even."""
    refused: str
    """Reason why the user id, or nothing, stands in place of the name; "" where the name is drawn."""


def draw_artwork(artwork: Artwork) -> Drawing:
    """Draw a picture; the same one from the same fonts."""
    match artwork.kind:
        case ArtworkKind.LABEL:
            image, refused = _draw_label(artwork)
        case ArtworkKind.FRAME:
            image, refused = _draw_frame(artwork.width, artwork.height), ""
        case ArtworkKind.CARD | ArtworkKind.SILHOUETTE:
            image, refused = _draw_card(artwork)
    out = BytesIO()
    image.save(out, "PNG")
    return Drawing(out.getvalue(), refused)


def _texts(artwork: Artwork) -> list[str]:
    """Clean the name, and the id that stands for it where it cannot be drawn; without what shows nothing."""
    return [text for text in map(clean_text, (artwork.text, artwork.user)) if text]


def _fit_name(artwork: Artwork, size: int, width: float) -> tuple[Line, str]:
    """Lay out the name, or the id where the name cannot be drawn, and why."""
    refused = ""
    for text in _texts(artwork):
        try:
            return fit_line(text, size, width), refused
        except Undrawable as exc:
            refused = refused or str(exc)
    return Line((), size), refused


def _draw_label(artwork: Artwork) -> tuple[Image.Image, str]:
    height = artwork.height
    side = round(0.36 * height)
    line, refused = _fit_name(artwork, round(LETTERS * height), artwork.width - 2 * side)
    if not line.runs:
        return Image.new("RGBA", (2, 2)), refused
    width = min(artwork.width, int(line.width + 2 * side + 1.999) // 2 * 2)
    ground = Image.new("L", (width * SMOOTH, height * SMOOTH), 0)
    ImageDraw.Draw(ground).rounded_rectangle(
        (0, 0, width * SMOOTH - 1, height * SMOOTH - 1), height * SMOOTH // 5, fill=SHADE
    )
    image = Image.new("RGBA", (width, height))
    image.putalpha(ground.resize((width, height), Image.Resampling.BOX))
    line.draw(image, side, _baseline(height / 2, line.size), WHITE)
    return image, refused


def _baseline(middle: float, size: int) -> float:
    """Find the baseline of letters whose capitals stand around a height."""
    return round(middle + CAPITAL * size / 2)


def _draw_card(artwork: Artwork) -> tuple[Image.Image, str]:
    width, height = artwork.width, artwork.height
    has_text = width >= NARROWEST and height >= LOWEST and bool(artwork.text)
    tall = label_height(width, height)
    line, refused = Line((), 1), ""
    if has_text:
        line, refused = _fit_name(artwork, round(LETTERS * tall), width - 4 * label_margin(height))
    across = max(2, min(height, width) // 4 * 2)
    gap = tall // 3
    top = (height - across - (gap + tall if line.runs else 0)) // 2
    image = Image.new("RGBA", (width, height), GROUND)
    is_figure = artwork.kind is ArtworkKind.SILHOUETTE
    disc = _figure(across) if is_figure else _initials(artwork, across)
    image.alpha_composite(disc, ((width - across) // 2, top))
    if line.runs:
        line.draw(image, (width - line.width) / 2, _baseline(top + across + gap + tall / 2, line.size), WHITE)
    return image, refused


def _disc(across: int, colour: str) -> Image.Image:
    mask = Image.new("L", (across * SMOOTH, across * SMOOTH), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, across * SMOOTH - 1, across * SMOOTH - 1), fill=255)
    image = Image.new("RGBA", (across, across), colour)
    image.putalpha(mask.resize((across, across), Image.Resampling.BOX))
    return image


def _initials(artwork: Artwork, across: int) -> Image.Image:
    image, size = _disc(across, _colour_of(artwork.user)), round(0.4 * across)
    for text in _texts(artwork):
        initials = find_initials(text)
        try:
            line = fit_line(initials, size, 0.9 * across)
        except Undrawable:
            continue
        is_picture = is_emoji(split_clusters(initials)[0])
        middle = across / 2 + (0.02 * size if is_picture else 0)
        line.draw(image, (across - line.width) / 2, _baseline(middle, size), WHITE)
        break
    return image


def _colour_of(user: str) -> str:
    return PALETTE[sha256(user.encode("utf-8", "replace")).digest()[0] % len(PALETTE)]


def _figure(across: int) -> Image.Image:
    """Draw a head and shoulders in a circle."""
    image, side = _disc(across, DISC), across * SMOOTH
    mask = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(mask)
    pen.ellipse((0.33 * side, 0.2 * side, 0.67 * side, 0.54 * side), fill=255)
    pen.ellipse((0.17 * side, 0.6 * side, 0.83 * side, 1.3 * side), fill=255)
    figure = Image.new("RGBA", (across, across), FIGURE)
    figure.putalpha(mask.resize((across, across), Image.Resampling.BOX))
    layer = Image.composite(figure, Image.new("RGBA", (across, across)), image.getchannel("A"))
    image.alpha_composite(layer)
    return image


def _draw_frame(width: int, height: int) -> Image.Image:
    image, thick = Image.new("RGBA", (width, height)), 2 if height < 100 else min(6, max(4, height // 90 * 2))
    ImageDraw.Draw(image).rectangle((0, 0, width - 1, height - 1), outline=SPEAKS, width=thick)
    return image
