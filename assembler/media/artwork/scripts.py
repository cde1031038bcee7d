"""Scripts in which names can be drawn on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from assembler.media.artwork.line import Undrawable, find_refusal

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


def check_scripts() -> Mapping[str, Undrawable | None]:
    """Check which scripts can be drawn: for each why not, None where it can."""
    return {script: find_refusal(sample) for script, sample in SAMPLES.items()}
