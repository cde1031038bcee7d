"""One line of text in several fonts and directions, cut to a width."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import groupby

from PIL import Image, ImageDraw

from assembler.media.artwork.fonts import Face, can_shape, find_face, load_font
from assembler.media.artwork.text import ZWJ, ZWNJ, is_complex, is_emoji, script_of, split_clusters

ELLIPSIS = "…"
"""Sign behind a text that was cut."""


class Undrawable(Exception):
    """Raised for a text that cannot be drawn here, with the reason for people and their next step."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True)
class Run:
    """Text of one face and one direction."""

    text: str
    """Text, in the order in which it is read."""
    face: Face
    """Face that has all of it."""
    level: int
    """Embedding level (Unicode annex 9): odd runs to the left."""


@dataclass(frozen=True)
class Line:
    """Runs from left to right, at a size."""

    runs: tuple[Run, ...]
    """Runs, in the order in which they stand."""
    size: int
    """Size of the letters, in pixels."""

    @property
    def width(self) -> float:
        """Width in pixels."""
        return sum(self._length(run) for run in self.runs)

    def draw(self, image: Image.Image, x: float, baseline: float, colour: str) -> None:
        """Draw it over an image, its left end at ``x``."""
        layer = Image.new("RGBA", image.size, colour)
        mask = Image.new("L", image.size, 0)
        pen = ImageDraw.Draw(mask)
        for run in self.runs:
            font = load_font(run.face, self.size)
            pen.text((x, baseline), run.text, 255, font, anchor="ls", direction=_direction(run))
            x += self._length(run)
        layer.putalpha(mask)
        image.alpha_composite(layer)

    def _length(self, run: Run) -> float:
        return load_font(run.face, self.size).getlength(run.text, direction=_direction(run))


def _direction(run: Run) -> str | None:
    if not can_shape():
        return None
    return "rtl" if run.level % 2 else "ltr"


def fit_line(text: str, size: int, width: float) -> Line:
    """Lay out a text, cut where it is wider than this, with an ellipsis; without runs where nothing fits.

    Raises Undrawable.
    """
    clusters = split_clusters(text)
    whole = lay_out(text, size)
    if whole.width <= width:
        return whole
    fits, too_wide = 0, len(clusters)
    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        if _cut(clusters, middle, size).width <= width:
            fits = middle
        else:
            too_wide = middle
    return _cut(clusters, fits, size) if fits else Line((), size)


def _cut(clusters: list[str], count: int, size: int) -> Line:
    return lay_out("".join(clusters[:count]).rstrip() + ELLIPSIS, size)


def lay_out(text: str, size: int) -> Line:
    """Lay out a cleaned text. Raises Undrawable where a script has no font here, or cannot be shaped."""
    clusters = split_clusters(text)
    faces: list[Face] = []
    for before, cluster in zip(["", *clusters], clusters, strict=False):
        is_behind_letter = bool(before) and not is_emoji(before)  # whose font has spaces as wide as pictures
        faces.append(_face_of(cluster, faces[-1] if is_behind_letter else None))
    parts = zip(clusters, faces, find_levels(clusters), strict=True)
    runs = [
        Run("".join(cluster for cluster, _, _ in group), face, level)
        for (face, level), group in groupby(parts, key=lambda part: part[1:])
    ]
    if not can_shape():
        runs = [Run(run.text.replace(ZWJ, "").replace(ZWNJ, ""), run.face, run.level) for run in runs]
    return Line(tuple(_in_sight(runs)), size)


def find_refusal(text: str) -> Undrawable | None:
    """Find why a cleaned text cannot be drawn here; None where it can."""
    try:
        lay_out(text, 16)
    except Undrawable as exc:
        return exc
    return None


def _face_of(cluster: str, before: Face | None) -> Face:
    if is_complex(cluster) and not can_shape():
        reason = f"{script_of(cluster)} letters cannot be shaped here (FriBiDi is missing)"
        raise Undrawable(reason, "Install FriBiDi (Debian: libfribidi0).")
    is_any = not cluster[0].isalpha() and before is not None and before.has(cluster)  # no change of font for a space
    face = before if is_any else find_face(cluster)
    if face is None:
        hint = "pip install 'assembler[fonts]' brings Chinese, Japanese and Korean; others: a font of the system."
        raise Undrawable(f"no font here has {script_of(cluster)} letters", hint)
    return face


def find_levels(clusters: list[str]) -> list[int]:
    """Find the embedding level of each cluster (Unicode annex 9, without explicit marks: those were taken out)."""
    kinds = [_kind(cluster) for cluster in clusters]
    for place in range(1, len(kinds) - 1):  # a separator within a number
        if (
            unicodedata.bidirectional(clusters[place][0]) in ("CS", "ES")
            and kinds[place - 1] == kinds[place + 1] == "N"
        ):
            kinds[place] = "N"
    base = next((kind for kind in kinds if kind in "LR"), "L")
    of = {"L": 0, "R": 1, "N": 2} if base == "L" else {"L": 2, "R": 1, "N": 2}
    strong, sides = base, []
    for kind in kinds:  # a number behind a letter to the right is like one
        strong = kind if kind in "LR" else strong
        sides.append("L" if kind == "N" and strong == "L" else kind)
    levels: list[int] = []
    before = base
    for place, side in enumerate(sides):
        if side == " ":
            after = next((s for s in sides[place:] if s != " "), base)
            levels.append(of[before if before == after.replace("N", "R") else base])
        else:
            levels.append(of[side])
            before = side.replace("N", "R")
    return levels


def _kind(cluster: str) -> str:
    """Left or right, number, or a blank for what takes the direction of its neighbours."""
    kind = unicodedata.bidirectional(cluster[0])
    return {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "N"}.get(kind, " ")


def _in_sight(runs: list[Run]) -> list[Run]:
    """Order runs from left to right (rule L2)."""
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        ordered: list[Run] = []
        for is_turned, group in groupby(runs, key=lambda run: run.level >= level):
            ordered += [*group][:: -1 if is_turned else 1]
        runs = ordered
    return runs
