"""Text that people typed, made fit to be drawn on one line: cleaned, and split into what must not be parted."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

LONGEST = 120
"""Maximum number of clusters that are looked at; no tile is wide enough for more."""
LONGEST_RAW = 4000
"""Maximum number of code points that are read at all."""
MOST_MARKS, MOST_JOINED = 3, 12
"""Maximum number of code points behind the first one of a cluster: marks, or parts of an emoji."""
ZWNJ, ZWJ = "\u200c", "\u200d"
"""Joiners: they decide how letters and emoji next to them are shaped, and have no width."""
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that show nothing; spaces to us."""

_COMPLEX = (
    (0x0590, 0x10A0), (0x1700, 0x18B0), (0x1900, 0x1AB0), (0x1B00, 0x1C80), (0xA800, 0xA830), (0xA840, 0xA900),
    (0xA930, 0xAB00), (0xABC0, 0xAC00), (0xFB1D, 0xFE00), (0xFE70, 0xFF00), (0x10800, 0x12000), (0x1E800, 0x1F000),
)  # fmt: skip
"""Ranges of scripts whose letters change with their neighbours or run to the left."""
_STARTS = [start for start, _ in _COMPLEX]


def clean_text(text: str) -> str:
    """Clean a text for one line: without controls, overrides of direction, private and unknown characters."""
    kept = "".join(map(_kept, unicodedata.normalize("NFC", text[:LONGEST_RAW])))
    return "".join(split_clusters(re.sub(" +", " ", kept).strip(f" {ZWJ}{ZWNJ}"))[:LONGEST]).strip()


def _kept(char: str) -> str:
    category = unicodedata.category(char)
    if char in "\t\n\r\v\f\x85" or category[0] == "Z" or char in BLANKS:
        return " "
    is_tag = "\U000e0020" <= char <= "\U000e007f"  # of the flags of England, Scotland and Wales
    return char if category[0] != "C" or char in (ZWJ, ZWNJ) or is_tag else ""


def split_clusters(text: str) -> list[str]:
    """Split a text into clusters: a letter with its marks, an emoji with all that it is joined from."""
    clusters: list[str] = []
    for char in text:
        if clusters and _continues(clusters[-1], char):
            marks = len(clusters[-1])
            if marks <= (MOST_JOINED if is_emoji(clusters[-1]) else MOST_MARKS):
                clusters[-1] += char
        else:
            clusters.append(char)
    return clusters


def _continues(cluster: str, char: str) -> bool:
    is_flag = _is_regional(char) and _is_regional(cluster)
    is_part = unicodedata.category(char)[0] == "M" or char in (ZWJ, ZWNJ) or "\U000e0020" <= char <= "\U000e007f"
    is_joined = cluster[-1] == ZWJ and is_emoji(cluster) and is_emoji(char)
    return is_part or is_flag or is_joined or "\U0001f3fb" <= char <= "\U0001f3ff"


def _is_regional(char: str) -> bool:
    return len(char) == 1 and "\U0001f1e6" <= char <= "\U0001f1ff"


def is_emoji(cluster: str) -> bool:
    """Tell whether a cluster is a pictograph, not a letter."""
    return unicodedata.category(cluster[0]) in ("So", "Sk") or "\ufe0f" in cluster or "\u20e3" in cluster


def is_complex(cluster: str) -> bool:
    """Tell whether a cluster is of a script that must be shaped."""
    return any((place := bisect_right(_STARTS, ord(c))) and ord(c) < _COMPLEX[place - 1][1] for c in cluster)


def script_of(cluster: str) -> str:
    """Name the script of a cluster for people: "Arabic", "CJK", "Emoji"."""
    if is_emoji(cluster):
        return "Emoji"
    word = unicodedata.name(cluster[0], "unknown").split()[0]
    return word if word in ("CJK", "NKO") else word.capitalize()


def find_initials(text: str) -> str:
    """Find what stands for a name in a circle: two letters of a name in capitals and small letters, else its first
    cluster."""
    words = [split_clusters(word) for word in text.split()]
    first = [next((c for c in word if c[0].isalnum()), word[0]) for word in words]
    if len(first) > 1 and all(c[0].lower() != c[0].upper() for c in (first[0], first[-1])):
        return (first[0] + first[-1]).upper()
    return first[0].upper() if first else ""
