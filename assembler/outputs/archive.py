"""Archive: one mkv in which every source stream is a track of its own, copied and placed on the playback axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from assembler.errors import without_queries
from assembler.outputs.material import Material, hold, read_contents, remux
from assembler.outputs.order import Contents, CopiedPart, CopiedTrack, Remux
from assembler.recording import Recording
from assembler.timeline.model import Clip, Track, stream_name
from assembler.times import Span, clock_text
from assembler.workspace import write_whole

ARCHIVE = "archive.mkv"
"""Name of the file."""
REPORT = "archive.json"
"""Name of the report of what was written, among what is thrown away."""
PLACE_MS = 1
"""Maximum difference of a stamp between what was written and what is read, in ms: matroska's clock."""


class _Kind(NamedTuple):
    """Properties that all parts of one track share."""

    content: str
    container: str
    codec: str
    size: tuple[int, int]
    number: int


def make_archive(material: Material, folder: Path) -> None:
    """Copy all streams of all files that are on the timeline; the recordings are attached as `assembler run` reads
    them."""
    attached = []
    (material.work / "attached").mkdir(exist_ok=True)
    for number, recording in enumerate(material.recorded.recordings, 1):
        attached.append(material.work / "attached" / f"recording-{number}.json")
        write_whole(attached[-1], _attached(material, recording).model_dump_json(indent=1))
    order = Remux(
        out=str(folder.absolute() / ARCHIVE),
        format="matroska",
        title=material.title,
        tracks=tuple(_tracks(material)),
        chapters=tuple((int(chapter.at), chapter.title) for chapter in material.plan.chapters),
        length=material.plan.length,
        attachments=tuple(map(str, attached)),
    )
    (written,) = remux(material, order)
    write_whole(material.work / REPORT, written.to_json())


def check_archive(material: Material, folder: Path) -> None:
    """Check that every packet is in the file, at its place."""
    written = Contents.from_json((material.work / REPORT).read_text("utf-8"))
    (found,) = read_contents(material, folder / ARCHIVE)
    hold(len(found.streams) == len(written.streams), f"{len(found.streams)} of {len(written.streams)} tracks are there")
    for due, there in zip(written.streams, found.streams, strict=True):
        hold(there.packets == due.packets, f"{there.packets} of {due.packets} packets of {due.title!r} are there")
        for one, other in ((there.first, due.first), (there.last, due.last)):
            hold(abs(one - other) * 1000 <= PLACE_MS, f"{due.title!r} is {float(one - other):.3f} s late")
    hold(found.attachments == len(material.recorded.recordings), "the recordings are not attached")
    hold(found.chapters == written.chapters, "its chapters are not those of the playback")


def describe_late(material: Material) -> str:
    """Say how much of the pictures is not in the file because no key frame is in front of it; "" for nothing."""
    written = Contents.from_json((material.work / REPORT).read_text("utf-8"))
    late = [f"{stream.title} lacks {clock_text(stream.late)}" for stream in written.streams if stream.late]
    return f"Pictures are copied from a key frame on: {', '.join(late)}." if late else ""


def _attached(material: Material, recording: Recording) -> Recording:
    """Return a recording fit for everybody: without queries of addresses, and without all addresses of people who may
    not be named."""
    segments = []
    for segment in recording.segments:
        person = material.recorded.cast.find(segment.user)
        is_known = not segment.hides_picture and not segment.file_id and not (person and person.is_anonymous)
        url = without_queries(segment.url) if segment.url and is_known else None
        if url is not None and material.recorded.redaction.names(url):
            url = None
        names = segment.parts if is_known and not any(map(material.recorded.redaction.names, segment.parts)) else ()
        segments.append(segment.model_copy(update={"url": url, "file_id": "", "parts": names}))
    return recording.model_copy(update={"segments": tuple(segments)})


def _tracks(material: Material) -> Iterator[CopiedTrack]:
    """List the tracks: pictures of each stream, then its sound; what differs in codec or size has one of its own."""
    for track in material.timeline.tracks:
        found: dict[_Kind, list[CopiedPart]] = {}
        for clip in track.clips:
            for kind, part in parts_of(material, clip, clip.picture, clip.sound):
                found.setdefault(kind, []).append(part)
        for kind, parts in sorted(found.items(), key=lambda row: row[0].content, reverse=True):
            yield CopiedTrack(f"{title_of(material, track)} ({kind.content})", tuple(parts))


def title_of(material: Material, track: Track) -> str:
    """Name a stream for people, with the name of its person."""
    return stream_name(track.kind, material.recorded.cast.name_of(track.user), track.stream_id)


def parts_of(
    material: Material, clip: Clip, picture: Span | None, sound: Span | None
) -> Iterable[tuple[_Kind, CopiedPart]]:
    """List the streams of a clip's file with the ranges that are kept; a picture that may not be seen is none."""
    path, known = material.got.files.get(clip.video_id), material.got.facts.get(clip.video_id)
    if path is None or known is None:
        return
    offset = Fraction(clip.span.start - clip.file_start, 1000) - known.origin
    name = str(path.resolve())
    if picture is not None and known.picture is not None:
        video = known.picture
        kind = _Kind("video", known.container, video.codec, video.stretches[0].display_size, 0)
        yield kind, CopiedPart(name, known.container, video.stream, offset, picture.start, picture.end)
    if sound is not None:
        for number, audio in enumerate(known.sounds):
            kind = _Kind("audio", known.container, audio.codec, (audio.rate, audio.channels), number)
            yield kind, CopiedPart(name, known.container, audio.index, offset, sound.start, sound.end)
