"""Fonts that are here: those of our packages, then the machine's; and which characters each has."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont, TTLibError
from PIL import ImageFont, features

from assembler.media.artwork.text import ZWJ, ZWNJ

PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
"""Packages that hold font files: Noto Sans of most scripts with Noto Emoji, and the extra ``fonts``: Chinese, Japanese
and Korean."""
FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts",
)  # fmt: skip
"""Folders in which a machine has its fonts."""
MOST_SEARCHED = 400
"""Maximum number of a machine's fonts that are opened to look for a character (5 ms each)."""
WEIGHT = 500
"""Weight of letters, of fonts that have several: a little stronger than text on paper."""
NOT_NEEDED = frozenset(map(ord, (ZWJ, ZWNJ, "\ufe0e", "\ufe0f")))
"""Characters that a font may lack, as they show nothing."""
_UNLIKELY = re.compile(r"italic|oblique|bold|black|light|thin|mono|serif|condensed|math|symbol", re.IGNORECASE)
_BROKEN = (OSError, TTLibError, ValueError, KeyError, IndexError, AssertionError, struct.error)


@dataclass(frozen=True)
class Face:
    """One face of a font file."""

    path: Path
    """Font file."""
    index: int
    """Number of the face within a collection; 0 in a file of one."""

    def has(self, cluster: str) -> bool:
        """Tell whether it has all that is to be seen of a cluster."""
        known = _characters(self)
        return all(ord(char) in known or ord(char) in NOT_NEEDED for char in cluster)


def find_face(cluster: str) -> Face | None:
    """Find the first face that has a cluster; None where no font here has it."""
    # the machine's are looked for only where ours do not have it
    return next((face for face in chain(_packaged(), map(_face, _files())) if face.has(cluster)), None)


def can_shape() -> bool:
    """Tell whether letters can be shaped and run to the left (Raqm with FriBiDi)."""
    return bool(features.check("raqm"))


@cache
def load_font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    """Load a face at a size in pixels."""
    engine = ImageFont.Layout.RAQM if can_shape() else ImageFont.Layout.BASIC
    font = ImageFont.truetype(str(face.path), size, index=face.index, layout_engine=engine)
    try:
        axes = font.get_variation_axes()
    except OSError:  # a font of one weight
        return font
    font.set_variation_by_axes([_place(axis) for axis in axes])
    return font


def _place(axis: ImageFont.Axis) -> float:
    if axis["name"] not in (b"Weight", "Weight"):
        return float(axis["default"] or 0)
    return float(min(max(WEIGHT, axis["minimum"] or 0), axis["maximum"] or WEIGHT))


@cache
def _packaged() -> tuple[Face, ...]:
    found: list[Face] = []
    for package in PACKAGES:
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or () if spec is not None else ():
            # the upright Latin one first: it has most names alone
            files = sorted(Path(folder).glob("*.[to]t[fc]"), key=lambda p: (p.name[:9] != "NotoSans[", p.name))
            found += (_face(path) for path in files if "Italic" not in path.name)
    return tuple(found)


@cache
def _files() -> tuple[Path, ...]:
    """Files of the machine's fonts, plain ones first."""
    found: list[Path] = []
    for folder in FOLDERS:
        for place, _, names in os.walk(os.path.expanduser(folder)):
            found += (Path(place, name) for name in names if name.lower().endswith((".ttf", ".otf", ".ttc")))
    by_use = sorted(found, key=lambda p: (_UNLIKELY.search(p.stem) is not None, "Sans" not in p.stem, str(p)))
    return tuple(by_use[:MOST_SEARCHED])


@cache
def _face(path: Path) -> Face:
    """Choose a face of a file: of a collection for several languages the one for simplified Chinese."""
    if path.suffix.lower() != ".ttc":
        return Face(path, 0)
    try:
        with TTCollection(path, lazy=True) as collection:
            names = [font["name"].getDebugName(1) or "" for font in collection.fonts]
    except _BROKEN:
        return Face(path, 0)
    return Face(path, next((i for i, name in enumerate(names) if re.search(r"\bSC\b", name)), 0))


@cache
def _characters(face: Face) -> frozenset[int]:
    """Read the characters of a face; none of one that is broken, or made of coloured bitmaps."""
    try:
        with TTFont(face.path, fontNumber=face.index, lazy=True) as font:
            is_outlined = any(table in font for table in ("glyf", "CFF ", "CFF2"))
            is_coloured = any(table in font for table in ("COLR", "CBDT", "sbix"))
            return frozenset(font.getBestCmap() or ()) if is_outlined and not is_coloured else frozenset()
    except _BROKEN:
        return frozenset()
