"""Playlists (m3u8) that a recorder wrote: which parts make up a file, and when each of its runs began.

Pure: nothing is opened here. A playlist found in a file that was probed is never followed; this one was named by a
result, and may name nothing but plain files of its own folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import NamedTuple

from assembler.dialects.body import shown
from assembler.dialects.systems.instants import read_instant
from assembler.errors import InputError
from assembler.findings import Finding, fold, note
from assembler.times import Ms, WallMs, round_ms

PLAYLIST = "m3u8"
"""Format of a segment whose file is a playlist."""
MAX_PARTS = 20_000
"""Maximum number of parts: 80 hours in parts of 15 s."""
MAX_CHARACTERS = 8 * 2**20
"""Maximum length of a playlist, in characters: over 400 for each of as many parts."""
MAX_NAME = 255
"""Maximum length of a part's name, in characters, as file systems have it."""
GAP = Ms(100)
"""Maximum difference, in ms, between the end of a run and the instant told for what follows without a break; the clock
of a recorder and the sum of its lengths part slowly."""
BREAK_GAP = Ms(20)
"""Maximum difference likewise where the playlist tells of a break: half a frame, and no run more than it has breaks."""
REFUSED = {
    "#EXT-X-KEY": "encrypted parts",
    "#EXT-X-SESSION-KEY": "encrypted parts",
    "#EXT-X-MAP": "parts that lack their beginning",
    "#EXT-X-BYTERANGE": "parts that are ranges of a file",
    "#EXT-X-STREAM-INF": "other playlists",
    "#EXT-X-MEDIA:": "other playlists",
}
"""Tags of playlists that are not read, with what they stand for."""
UNENCRYPTED = ("#EXT-X-KEY:METHOD=NONE", "#EXT-X-SESSION-KEY:METHOD=NONE")
"""Tags of a key that say that there is none."""

_LENGTH = re.compile(r"#EXTINF:\s*([0-9]{1,6}(?:\.[0-9]{1,12})?)\s*(?:,.*)?", re.ASCII)
_START = re.compile(r"#EXT-X-AGORA-TRACK-EVENT:(?=.*\bEVENT=START\b)(?:.*\bTIME=([0-9]{1,20}))?", re.ASCII)
_NAMED_AT = re.compile(r"_([0-9]{17})\.\w{1,5}", re.ASCII)
_PLAIN = re.compile(r"[^./\\:?#%\s][^/\\:?#%]*")
_TURNED = re.compile(r"#EXT-X-AGORA-ROTATE:.*\bROTATE=0*([1-9][0-9]{0,3})\b", re.ASCII)


class Run(NamedTuple):
    """Parts that follow each other without a gap."""

    wall: WallMs | None
    """Instant of its beginning; None where the playlist does not tell."""
    length: Ms
    """Sum of the declared lengths."""
    names: tuple[str, ...]
    """Names of its parts in the playlist's folder, in order."""
    starts: tuple[Ms, ...]
    """Time of each part after the run's beginning: by the instant in its name, else by the declared lengths."""
    ends: tuple[Ms, ...]
    """Time of each part's end, likewise."""


class Playlist(NamedTuple):
    """Content of a playlist."""

    runs: tuple[Run, ...]
    """Runs in order; at least one, each with a part."""
    is_ended: bool
    """True if the recorder wrote its end."""
    findings: tuple[Finding, ...]
    """Notes on what is told but not followed."""


def read_playlist(text: str) -> Playlist:
    """Read a playlist: a new run begins where a track starts, and where an instant tells of a gap.

    Raises InputError naming the line where it is none, or holds what is not read.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refusal(f"it has more than {MAX_CHARACTERS >> 20} MiB")
    reader = _Reader()
    lines = _lines(text)
    if next(lines, (0, ""))[1] != "#EXTM3U":
        raise _refusal("it does not begin with #EXTM3U")
    for number, line in lines:
        if line.startswith("#"):
            reader.read_tag(number, line)
        else:
            reader.add_part(number, line)
    if not reader.runs:
        raise _refusal("it names no part")
    return Playlist(tuple(run.read() for run in reader.runs), reader.is_ended, tuple(fold(reader.findings)))


def find_begin(playlist: Playlist) -> WallMs | None:
    """Find the instant at which a playlist begins: as it tells, else by its first part's name; None where neither
    does."""
    first = playlist.runs[0]
    named = _NAMED_AT.search(first.names[0]) if first.wall is None else None
    return read_calendar(named[1]) if named is not None else first.wall


def read_calendar(digits: str) -> WallMs | None:
    """Read an instant in 17 calendar digits of UTC (20260920125140120), or as a number since 1970; None for neither."""
    if len(digits) != 17:
        return read_instant(digits)
    try:
        seconds = datetime.strptime(digits[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return WallMs(int(seconds) * 1000 + int(digits[14:])) if seconds > 0 else None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    stripped = ((number, line.strip()) for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1))
    return ((number, line) for number, line in stripped if line)


def _refusal(why: str) -> InputError:
    return InputError(
        f"the playlist cannot be read: {why}",
        hint="It has to name plain files of its own folder, whole and not encrypted; else join them into one file.",
    )


@dataclass
class _Run:
    wall: WallMs | None
    seconds: Fraction = Fraction(0)
    names: list[str] = field(default_factory=list)
    starts: list[Ms] = field(default_factory=list)
    ends: list[Ms] = field(default_factory=list)
    end: Fraction = Fraction(0)

    def add(self, name: str, length: Fraction) -> None:
        named = _NAMED_AT.search(name)
        at = read_calendar(named[1]) if named is not None else None
        if at is not None and self.wall is not None and abs(at - self.wall - round_ms(self.end)) <= GAP:
            self.end = Fraction(at - self.wall, 1000)  # lengths that are rounded add up to seconds in an hour
        self.names.append(name)
        self.starts.append(Ms(round_ms(self.end)))
        self.seconds += length
        self.end += length
        self.ends.append(Ms(round_ms(self.end)))

    def read(self) -> Run:
        length = Ms(round_ms(self.seconds))
        return Run(self.wall, length, tuple(self.names), tuple(self.starts), tuple(self.ends))


@dataclass
class _Reader:
    """State between two lines."""

    runs: list[_Run] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    is_ended: bool = False
    length: Fraction | None = None
    told: WallMs | None = None
    is_start: bool = False
    is_break: bool = False

    def read_tag(self, number: int, line: str) -> None:
        """Take a tag in; unknown ones and remarks mean nothing."""
        refused = next((what for tag, what in REFUSED.items() if line.startswith(tag)), None)
        if refused is not None and line not in UNENCRYPTED:
            raise _refusal(f"line {number} ({line.partition(':')[0][:40]}) tells of {refused}")
        if line.startswith("#EXTINF"):
            if (length := _LENGTH.fullmatch(line)) is None:
                raise _refusal(f"line {number} has no length in s: {shown(line)}")
            self.length = Fraction(length[1])
        elif line == "#EXT-X-DISCONTINUITY":
            self.is_break = True
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            self.told = read_instant(line.partition(":")[2].strip())
        elif (start := _START.match(line)) is not None:
            self.is_start, self.told = True, read_calendar(start[1]) if start[1] else None
        elif (turned := _TURNED.match(line)) is not None:
            sentence = f"The picture was turned by {turned[1]} degrees from here on; it is shown as it was recorded."
            self.findings.append(note(f"line {number}", sentence))
        elif line == "#EXT-X-ENDLIST":
            self.is_ended = True

    def add_part(self, number: int, name: str) -> None:
        """Put a part at the end of its run."""
        if _PLAIN.fullmatch(name) is None or len(name) > MAX_NAME or not name.isprintable():
            raise _refusal(f"line {number} is no plain name of a file in its folder: {shown(name)}")
        if self.length is None:
            raise _refusal(f"line {number} names a part without its length")
        if name in self.names:
            raise _refusal(f"line {number} names a part again: {shown(name)}")
        if len(self.names) == MAX_PARTS:
            raise _refusal(f"it names more than {MAX_PARTS:,} parts")
        at = self.told
        if at is None and (self.is_start or self.is_break) and (named := _NAMED_AT.search(name)) is not None:
            at = read_calendar(named[1])
        if not self.runs or self.is_start or self._is_gap(at):
            self.runs.append(_Run(at))
        self.runs[-1].add(name, self.length)
        self.names.add(name)
        self.length, self.told, self.is_start, self.is_break = None, None, False, False

    def _is_gap(self, at: WallMs | None) -> bool:
        last = self.runs[-1]
        most = BREAK_GAP if self.is_break else GAP
        return at is not None and (last.wall is None or abs(at - last.wall - round_ms(last.seconds)) > most)
