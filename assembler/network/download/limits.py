"""Limits: how large a file may be, whether it is one at all, and how much room there is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from assembler.dialects.systems.playlist import MAX_CHARACTERS, PLAYLIST
from assembler.errors import DownloadError
from assembler.recording import Segment

MIB = 1024 * 1024
"""Bytes of a mebibyte."""
HARD_CAP = 20 * 1024 * MIB
"""Maximum size of a file, in bytes, whatever was declared."""
HEAD_BYTES = 512
"""Number of bytes from which a page of text is told from a recording."""
PAGE_TYPES = ("text/html", "application/xhtml+xml", "application/json", "application/xml", "text/xml")
"""Content types of pages and error texts, never of a recording."""
PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml", b"<error", b"{", b"[{")
"""Beginnings of pages and error texts, lower case."""


def split_url(url: str) -> SplitResult:
    """The parts of a URL as they are when it is fetched: a backslash ends the host. Raises ValueError."""
    return urlsplit(url.replace("\\", "/"))


def cap_of(segment: Segment) -> int:
    """Bytes behind which a download is given up.

    The declared size is known to lie low, so the cap is generous: the largest of twice the declared size, 16 MiB
    more than it, and 4 MiB per declared second; never over 20 GiB, which also holds where nothing is declared.
    A playlist has at most 8 MiB.
    """
    if segment.format == PLAYLIST:
        return MAX_CHARACTERS
    size, duration = max(segment.size or 0, 0), max(segment.duration or 0, 0)
    if not size and not duration:
        return HARD_CAP
    return min(HARD_CAP, max(2 * size, size + 16 * MIB, 4 * MIB * duration // 1000))


def size_text(size: int) -> str:
    """``52428800`` -> ``"50.0 MiB"``."""
    for unit, bytes_of_unit in (("GiB", 1024 * MIB), ("MiB", MIB), ("KiB", 1024)):
        if size >= bytes_of_unit:
            return f"{size / bytes_of_unit:.1f} {unit}"
    return f"{size} bytes"


def check_content(path: Path, where: str) -> None:
    """Check a file's first bytes; raises DownloadError where it is empty or a page of text instead of a recording.

    ``where`` begins the sentence: whose file it is.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise DownloadError(
            f"{where} is empty (0 bytes)", hint="Give the file itself with --media-dir, if you have it."
        )
    if _starts_page(head):
        raise not_a_recording(where)


def is_page(path: Path) -> bool:
    """True for a text of the kinds that are not recordings."""
    with path.open("rb") as file:
        return _starts_page(file.read(HEAD_BYTES))


def _starts_page(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGE_STARTS)


def check_type(content_type: str, where: str) -> None:
    """Check the server's Content-Type, likewise."""
    if content_type.partition(";")[0].strip().lower() in PAGE_TYPES:
        raise not_a_recording(where)


def not_a_recording(where: str) -> DownloadError:
    """Make the error for a page in place of a file."""
    return DownloadError(
        f"{where} is a page of text (HTML, XML or JSON), not a recording",
        hint="The link may have expired or ask for a login: take a fresh result, or give the file with --media-dir.",
    )


def free_space(path: Path) -> int:
    """Bytes free where ``path`` is or will be."""
    there = path.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    return shutil.disk_usage(there).free


def needed_bytes(segments: Sequence[Segment], files: Mapping[str, Path]) -> int:
    """Declared bytes of the segments that are not among ``files`` (by video id) yet; an undeclared one counts 0."""
    return sum(_believable(s) for s in segments if s.video_id not in files)


def _believable(segment: Segment) -> int:
    """One absurd number refuses no class: nothing over the cap is fetched, and no recorder writes 64 MiB a second."""
    size = max(segment.size or 0, 0)
    if size > HARD_CAP:
        return 0
    duration = segment.duration or 0
    return min(size, 64 * MIB * (1 + duration // 1000)) if duration > 0 else size


def check_declared(segment: Segment) -> None:
    """Check a file's declared size; raises DownloadError where it is larger than any that is fetched."""
    if (segment.size or 0) > HARD_CAP:
        raise DownloadError(
            f"it is declared as {size_text(segment.size or 0)}, and nothing over {size_text(HARD_CAP)} is fetched",
            hint="Give the file with --media-dir, or correct its size in the result.",
        )


class SumLimit:
    """Limit of the sum of files that are parts of one; the caller holds a lock."""

    def __init__(self, wholes: Mapping[str, Segment]) -> None:
        """``wholes``: by a part's video id, the segment of which it is one, with the declared length of all."""
        self._wholes = wholes
        self._sums: dict[str, int] = {}

    def add(self, video_id: str, size: int) -> None:
        """Count a part that is there."""
        whole = self._wholes.get(video_id)
        if whole is not None:
            self._sums[whole.video_id] = self._sums.get(whole.video_id, 0) + size

    def check(self, video_id: str) -> None:
        """Check before a part is fetched; raises DownloadError where those that are there come to too much."""
        whole = self._wholes.get(video_id)
        if whole is not None and self._sums.get(whole.video_id, 0) > cap_of(whole):
            raise DownloadError(
                f"the parts before it come to more than the file's cap of {size_text(cap_of(whole))}",
                hint="The cap follows the declared duration; give the file with --media-dir if it is right.",
            )
