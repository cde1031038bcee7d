"""The recorded files of a result: one bad entry never spoils the others, and none is skipped without a word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assembler.dialects.body import Json, JsonObject, shown
from assembler.dialects.fields import Fields, whole
from assembler.dialects.spelling import Spelling
from assembler.errors import InputError
from assembler.findings import Finding, note, warning
from assembler.recording import Segment, StreamKind
from assembler.times import Ms, PlayMs

LONGEST = Ms(48 * 3600 * 1000)
"""Maximum length of a class, in ms: the vendor ends a recording after 24 h, and a pause may be as long again."""
MOST_SEGMENTS = 20_000
"""Maximum number of segments: three hours of twenty users who all reconnect every minute are 3,600."""
LARGEST = 2**39
"""Maximum declared size, in bytes: 48 h at 25 Mbit/s."""

KINDS = {
    0: StreamKind.CAMERA,
    1: StreamKind.SCREEN,
    2: StreamKind.WHITEBOARD,
    3: StreamKind.MIX,
    4: StreamKind.AUDIO,
}
"""The vendor's VideoType."""

SCREEN_PREFIX = "tic_substream_"
"""Prefix of the user of a screen share in the newer dialects."""
WEB_SHARE = "desktop_sharing_"
"""Prefix of the room, in the user id under which a web page's screen share joins as if it were a camera."""
MOST_OVERLAP = Ms(1000)
"""Maximum overlap of two files of one nameless person, in ms: times are known to a second."""


@dataclass(frozen=True)
class UnusableEntry:
    """Reason why an entry cannot be used."""

    path: str
    """Path of the field in the body."""
    value: str
    """Value as a message shows it; "missing" where there is none."""
    expected: str
    """Description of what was expected."""

    @property
    def sentence(self) -> str:
        """Sentence for a message."""
        state = "is missing" if self.value == "missing" else f"is {self.value}"
        return f"{self.path} {state}, expected {self.expected}"


Reader = Callable[[str, Json], Segment | UnusableEntry]


def collect(
    entries: Iterable[tuple[str, Json]], read: Reader, play_time: str, findings: list[Finding]
) -> tuple[tuple[Segment, ...], list[UnusableEntry]]:
    """Every usable segment, in the order of the entries and with ids that are unique, and what was refused.

    ``play_time`` is how the dialect spells that field. Raises InputError where there are absurdly many entries.
    """
    found: list[tuple[int, str, Segment]] = []
    refused: list[UnusableEntry] = []
    for number, (path, entry) in enumerate(entries, start=1):
        if number > MOST_SEGMENTS:
            raise InputError(f"{path}: a result with over {MOST_SEGMENTS} segments is not a class")
        segment = read(path, entry)
        if isinstance(segment, Segment):
            segment = _within_limits(path, segment, play_time, findings)
        if isinstance(segment, UnusableEntry):
            refused.append(segment)
            findings.append(warning(path, f"The segment was skipped: {segment.sentence}."))
        else:
            found.append((number, path, segment))
    return _tell_apart(_with_unique_ids(_without_repeats(found, findings), findings), findings), refused


def read_vendor_segment(
    path: str, entry: Json, spelling: Spelling, findings: list[Finding], *, is_failed: bool = False
) -> Segment | UnusableEntry:
    """One entry of VideoInfos or video_info. Its limits and its id are checked by ``collect``.

    ``is_failed``: the result says that the recording failed.
    """
    if not isinstance(entry, dict):
        return UnusableEntry(path, shown(entry), "an object")
    fields = Fields(entry, path, findings)
    number = whole(entry.get(spelling.kind))
    kind = KINDS.get(number) if number is not None else None
    if _is_hollow(entry, spelling, is_failed=is_failed):
        return UnusableEntry(fields.at(spelling.url), shown(entry[spelling.url]), "a file: nothing was recorded in it")
    if kind is None:
        return _refuse(fields, spelling.kind, "0 camera, 1 screen share, 2 whiteboard, 3 mixed stream or 4 audio only")
    play_time = whole(entry.get(spelling.play_time))
    if play_time is None:
        return _refuse(fields, spelling.play_time, "ms from the start of the playback")
    stream_id = fields.text(spelling.user) or ""
    if not stream_id and kind in (StreamKind.CAMERA, StreamKind.SCREEN, StreamKind.AUDIO):
        findings.append(note(fields.at(spelling.user), f"The {kind.value} segment names no user."))
    if kind is StreamKind.CAMERA and stream_id.startswith(WEB_SHARE):
        kind = StreamKind.SCREEN
        findings.append(note(fields.at(spelling.user), f"{shown(stream_id)} is the screen share of a web page."))
    size = fields.number(spelling.size, -LARGEST, LARGEST, "bytes")
    url = entry.get(spelling.url)
    if url is not None and not isinstance(url, str):
        findings.append(warning(fields.at(spelling.url), f"{shown(url)} was ignored; expected a URL."))
        url = None
    return Segment(
        video_id=fields.text(spelling.video_id) or "",
        kind=kind,
        user=person(kind, stream_id),
        stream_id=stream_id,
        play_time=PlayMs(play_time),
        duration=_duration(fields, spelling.duration),
        size=size if size is not None and size >= 0 else None,
        format=(fields.text(spelling.format) or "").strip().lower().removeprefix("."),
        url=url or None,
        width=read_side(fields, spelling.width),
        height=read_side(fields, spelling.height),
    )


def _is_hollow(entry: JsonObject, spelling: Spelling, *, is_failed: bool) -> bool:
    """True if it says itself that there is no file: a failed recording lists what it would have made."""
    if not is_failed and not entry.get(spelling.url):
        return False  # an address is to be had elsewhere
    url = entry.get(spelling.url, "://")
    lengths = (entry.get(spelling.duration, 1), entry.get(spelling.size, 0))
    has_url = isinstance(url, str) and "://" in url
    return not has_url and all(length is None or (whole(length) or 0) <= 0 for length in lengths)


def person(kind: StreamKind, stream_id: str) -> str:
    """Return the person whose stream it is: the vendor's prefix removed; "" where it is nobody's (board, mixed
    stream)."""
    match kind:
        case StreamKind.WHITEBOARD | StreamKind.MIX:
            return ""
        case StreamKind.SCREEN | StreamKind.SCREEN_AUDIO:
            return stream_id.removeprefix(SCREEN_PREFIX)
        case StreamKind.CAMERA | StreamKind.AUDIO:
            return stream_id


def _refuse(fields: Fields, name: str, expected: str) -> UnusableEntry:
    value = fields.get(name)
    return UnusableEntry(fields.at(name), "missing" if value is None else shown(value), expected)


def _duration(fields: Fields, name: str) -> Ms | None:
    value = fields.number(name, -(10**18), 10**18, "ms")
    return Ms(value) if value is not None else None


def read_side(fields: Fields, name: str) -> int | None:
    """Read a declared width or height in pixels; None where it is missing, 0 or absurd."""
    value = fields.number(name, 0, 100_000, "pixels")
    return value or None


def _within_limits(path: str, segment: Segment, play_time: str, findings: list[Finding]) -> Segment | UnusableEntry:
    """The segment without absurd times: an absurd length is forgotten, an absurd place cannot be."""
    if abs(segment.play_time) > LONGEST:
        return UnusableEntry(f"{path}.{play_time}", shown(segment.play_time), "ms, at most 48 h")
    if segment.size is not None and not 0 <= segment.size <= LARGEST:
        findings.append(warning(path, f"Its declared size of {shown(segment.size)} bytes is absurd and was ignored."))
        segment = segment.model_copy(update={"size": None})
    if segment.duration is None or 0 < segment.duration <= LONGEST:
        return segment
    if segment.duration > LONGEST:
        sentence = f"Its declared length of {shown(segment.duration)} ms is over 48 h and was ignored; the file rules."
        findings.append(warning(path, sentence))
    elif segment.duration < -1:  # which is how some say that it is not known
        sentence = f"Its declared length of {shown(segment.duration)} ms is below 0 and was ignored; the file rules."
        findings.append(warning(path, sentence))
    return segment.model_copy(update={"duration": None})


def _without_repeats(found: list[tuple[int, str, Segment]], findings: list[Finding]) -> list[tuple[int, str, Segment]]:
    """Each segment once. The same file under a newly signed URL is the same segment."""
    first: dict[tuple[object, ...], str] = {}
    kept: list[tuple[int, str, Segment]] = []
    for number, path, segment in found:
        unsigned = tuple(str(value or "").partition("?")[0] if name == "url" else value for name, value in segment)
        if unsigned in first:
            findings.append(note(path, f"The same segment as {first[unsigned]}; it is used once."))
        else:
            first[unsigned] = path
            kept.append((number, path, segment))
    return kept


def _with_unique_ids(found: list[tuple[int, str, Segment]], findings: list[Finding]) -> tuple[Segment, ...]:
    """The segments, each with an id of its own: a missing one is made up, a repeated one gets a suffix."""
    taken = {segment.video_id for _, _, segment in found}
    used: set[str] = set()
    counts: dict[str, int] = {}
    unique: list[Segment] = []
    for number, path, segment in found:
        video_id = segment.video_id
        if not video_id:
            counts["segment"] = max(number, counts.get("segment", 0))
            video_id = _free("segment", counts, taken)
            findings.append(note(path, f"The segment has no id; it is called {video_id}."))
        elif video_id in used:
            counts.setdefault(video_id, 2)
            video_id = _free(video_id, counts, taken)
            old = shown(segment.video_id)
            findings.append(warning(path, f"Another segment has the id {old} too; this one is {shown(video_id)}."))
        used.add(video_id)
        is_own = video_id == segment.video_id
        unique.append(segment if is_own else segment.model_copy(update={"video_id": video_id}))
    return tuple(unique)


def _free(stem: str, counts: dict[str, int], taken: set[str]) -> str:
    """``stem-<n>`` with the next number for this stem that no other segment has; it is taken then."""
    while f"{stem}-{counts[stem]}" in taken:
        counts[stem] += 1
    video_id = f"{stem}-{counts[stem]}"
    counts[stem] += 1
    taken.add(video_id)
    return video_id


def _tell_apart(segments: Sequence[Segment], findings: list[Finding]) -> tuple[Segment, ...]:
    """Call the second of two nameless people who are there at once by the id of its file; one track would have room for
    one of them only. Where a length is not declared nothing is known to overlap."""
    ends: dict[StreamKind, dict[str, tuple[int, str]]] = {}
    called: dict[str, str] = {}
    named = {s.user for s in segments if s.user}
    nameless = [s for s in segments if not s.user and s.kind not in (StreamKind.WHITEBOARD, StreamKind.MIX)]
    for segment in sorted(nameless, key=lambda s: s.play_time):
        people = ends.setdefault(segment.kind, {})
        free = [user for user, (end, _) in people.items() if segment.play_time >= end - MOST_OVERLAP]
        user = free[0] if free else _own_name(segment, named) if people else ""
        if user not in people and people:
            other = people[""][1]
            sentence = (
                f"It overlaps {other}, and neither names a user: it is taken for another person's, called {user}."
            )
            findings.append(note(segment.video_id, sentence))
        people[user] = segment.play_time + (segment.duration or 0), segment.video_id
        called[segment.video_id] = user
    return tuple(
        segment.model_copy(update={"user": user, "stream_id": segment.stream_id or user})
        if (user := called.get(segment.video_id, ""))
        else segment
        for segment in segments
    )


def _own_name(segment: Segment, named: set[str]) -> str:
    """Name somebody by a file, as nobody else is called, and note the name."""
    name = segment.video_id
    while name in named:
        name += "'"
    named.add(name)
    return name
