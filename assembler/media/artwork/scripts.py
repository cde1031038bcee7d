"""Scripts in which names can be drawn on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from assembler.media.artwork.line import Undrawable, lay_out

SAMPLES = {
    "Latin": "Aễ",
    "Greek": "Ωά",
    "Cyrillic": "Жї",
    "Chinese": "王龍",
    "Japanese": "たカ",
    "Korean": "김",
    "Arabic": "محگ",
    "Hebrew": "דנ",
    "Hindi": "शर्मा",
    "Bengali": "বাংলা",
    "Tamil": "தமிழ்",
    "Thai": "สมชาย",
    "Emoji": "🦊👍🏽",
}
"""Names of scripts, each with letters of it."""


def check_scripts() -> Mapping[str, str]:
    """Check which scripts can be drawn: for each the reason why not, "" where it can."""
    return {script: _refusal(sample) for script, sample in SAMPLES.items()}


def _refusal(sample: str) -> str:
    try:
        lay_out(sample, 16)
    except Undrawable as exc:
        return str(exc)
    return ""
