"""Drawn pictures as files of a work folder, named by their content."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from assembler.findings import Finding, warning
from assembler.media.artwork.text import clean_text
from assembler.plan.artwork import Artwork
from assembler.workspace import ARTWORK, write_whole

MOST_NAMED = 5
"""Maximum number of users that a finding names."""


def drawing_identity(names: Iterable[str]) -> tuple[str, ...]:
    """List what decides how these names come out: the versions of packages that draw them, and those of them that
    cannot be drawn here, which a font or FriBiDi may change."""
    # only a run with names needs to import Pillow
    from assembler.media.artwork.line import find_refusal

    found = [name for name in sorted(names) if find_refusal(clean_text(name)) is not None]
    for name in ("pillow", "manimgx-fonts", "manimgx-fonts-cjk"):
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return tuple(found)


@dataclass(frozen=True)
class Drawings:
    """Pictures that were drawn so far; each is drawn once, whichever thread asks first."""

    _names: dict[Artwork, str] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)
    """Reasons why a name was not drawn, by user id."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, artwork: Artwork, folder: Path) -> str:
        """Draw a picture into a work folder and return its name there, which tells how it looks."""
        with self._lock:
            if artwork not in self._names:
                # only a run with names needs to import Pillow
                from assembler.media.artwork.draw import draw_artwork

                drawing = draw_artwork(artwork)
                name = f"{ARTWORK}/{sha256(drawing.png).hexdigest()[:32]}.png"
                (folder / ARTWORK).mkdir(exist_ok=True)
                if not (folder / name).exists():
                    write_whole(folder / name, drawing.png)
                if drawing.refused:
                    self._refused[artwork.user] = drawing.refused
                self._names[artwork] = name
            return self._names[artwork]

    def findings(self) -> Iterable[Finding]:
        """Tell whose names could not be drawn: a warning for each reason."""
        for why in sorted(set(self._refused.values())):
            users = sorted(user for user, reason in self._refused.items() if reason == why)
            more = f" and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else ""
            whose = f"{', '.join(users[:MOST_NAMED])}{more}"
            sentence = f"User ids are drawn instead of the names of {whose}: {why}; `assembler doctor` says what to do."
            yield warning("names", sentence)
