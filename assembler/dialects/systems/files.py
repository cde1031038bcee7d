"""Files that another system recorded, to a Recording: placed by their instants, screen shares told by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from assembler.dialects.body import Json, shortened, shown
from assembler.dialects.dialect import APP, Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.result import error_finding, refuse_empty
from assembler.dialects.segments import UnusableEntry, collect
from assembler.dialects.systems.instants import place_by_wall
from assembler.dialects.systems.playlist import PLAYLIST
from assembler.findings import note
from assembler.recording import Recording, Segment, StreamKind, VendorError
from assembler.times import Ms, PlayMs, WallMs

SHARES = re.compile(r"(?i)(?<![a-z])(screen|share|sharing|screenshare|desktop|aux)(?![a-z])")
"""Words in the name of a stream that make a screen share of it; nothing else tells."""
HOLD = Ms(2_000)
"""Maximum time for which a camera that was switched off is still seen, in ms."""
HLS = "hls"
"""Format of a playlist, as systems call it."""
MAX_PATH = 1024
"""Maximum length, in characters, of a path in which a person is looked for, as buckets have it."""


class SystemFile(NamedTuple):
    """One file, as far as its system tells."""

    path: str
    """Field that tells of it."""
    name: str
    """Name of the file."""
    kind: StreamKind
    """Kind of the stream."""
    user: str
    """User id; "" for a mixed stream."""
    at: WallMs | None
    """Instant of its beginning; None where its own stamps say where it belongs."""
    stream: str = ""
    """Id of the stream; "" where it is the user's."""
    label: str = ""
    """Name of the person."""
    duration: Ms | None = None
    """Declared length."""
    size: int | None = None
    """Declared bytes."""
    url: str | None = None
    """Address; None where there is none that can be fetched without more."""
    sides: tuple[int | None, int | None] = (None, None)
    """Declared width and height in pixels."""


def build_recording(
    fields: Fields,
    query: Query,
    dialect: str,
    files: Sequence[SystemFile | UnusableEntry],
    *,
    task: str | None,
    room: str | None,
    app: str | None = None,
    start: WallMs | None = None,
    stop: WallMs | None = None,
    error: VendorError | None = None,
    where: str,
    hint: str,
) -> Recording:
    """Build the recording of these files; the first of them begins the playback, whenever the recorder began.

    ``start``: instant of the stamp 0 of files that are placed by their stamps. ``where``: field with the files.
    Raises what ``refuse_empty`` does where no file is usable.
    """
    usable = [file for file in files if isinstance(file, SystemFile)]
    instants = [file.at for file in usable if file.at is not None]
    places: Iterator[PlayMs] = iter(())
    if instants:
        start, placed = place_by_wall(instants, start if len(instants) < len(usable) else None)
        places = iter(placed)
    segments = {
        number: _segment(file, next(places) if file.at is not None else None)
        for number, file in enumerate(files)
        if isinstance(file, SystemFile)
    }
    entries: list[tuple[str, Json]] = [(file.path, number) for number, file in enumerate(files)]

    def read(_: str, number: Json) -> Segment | UnusableEntry:
        assert isinstance(number, int)
        file = files[number]
        return segments[number] if isinstance(file, SystemFile) else file

    name = f"task {shortened(task, 60)}" if task else f"room {shortened(room, 60)}" if room else "the recording"
    found, refused = collect(entries, read, "start", fields.findings)
    if not found:
        refuse_empty(name, where, error, refused, hint)
    if error is not None:
        fields.findings.append(error_finding(error))
    return Recording(
        dialect=dialect, task_id=task, app_id=app or query.get(APP), room_id=room, group_id=None, record_user_id=None,
        start=start, stop=stop, total=None, segments=found, omissions=(), finish_reason=None, exception_count=0,
        interrupts=(), error=error, longest_hold=HOLD, findings=tuple(fields.findings),
    )  # fmt: skip


def _segment(file: SystemFile, place: PlayMs | None) -> Segment:
    path = PurePosixPath(file.name)
    form = path.suffix.lower().removeprefix(".")
    address = (file.url or "").partition("?")[0].partition("#")[0]
    is_list = form == HLS or address.lower().endswith(f".{PLAYLIST}")
    return Segment(
        video_id=path.stem if path.suffix[1:].isalnum() else path.name,
        kind=file.kind,
        user=file.user,
        stream_id=file.stream or file.user,
        play_time=place if place is not None else PlayMs(0),
        duration=file.duration,
        size=file.size,
        format=PLAYLIST if is_list else form,
        url=file.url,
        width=file.sides[0],
        height=file.sides[1],
        name=file.label,
        is_stamped=place is None,
    )


def find_share(fields: Fields, name: str) -> bool:
    """Tell whether the name of a stream in this field is that of a screen share, and say so."""
    stream = fields.text(name) or ""
    if not SHARES.search(stream):
        return False
    fields.findings.append(note(fields.at(name), f"{shown(stream)} was taken for a screen share, by its name."))
    return True


def read_length(fields: Fields, name: str) -> Ms | None:
    """Read a declared length in ms; None where it is missing or not positive."""
    length = whole(fields.get(name))
    return Ms(length) if length is not None and length > 0 else None


def read_url(fields: Fields, name: str) -> str | None:
    """Read an address that can be fetched; None for any other."""
    url = fields.text(name)
    return url if url is not None and url.startswith(("https://", "http://")) else None
