"""OpenTimelineIO: the class as an editor's timeline, with its media beside it (the extra ``otio``)."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

from assembler.outputs.archive import parts_of, title_of
from assembler.outputs.material import Material, hold, read_contents, remux
from assembler.outputs.order import CopiedTrack, Remux
from assembler.timeline.model import Clip, Track
from assembler.times import Frame, Span, frame_at, frame_stamp, span

TIMELINE = "class.otio"
"""Name of the timeline."""
MEDIA = "media"
"""Folder of the media beside it."""
IN_MP4 = {"h264", "hevc", "av1", "aac", "mp3"}
"""Codecs of media that become an mp4, which editors read best; others become mkv."""


def make_otio(material: Material, folder: Path) -> None:
    """Write the timeline, and a copy of each file that it names whose time 0 is the file's first frame or sample."""
    import opentimelineio as otio

    (folder / MEDIA).mkdir()
    media = _copy_media(material, folder)
    made = otio.schema.Timeline(material.title)
    for track in material.timeline.tracks:
        for kind in (otio.schema.TrackKind.Video, otio.schema.TrackKind.Audio):
            clips = [(clip, part) for clip in track.clips if (part := _part(clip, kind)) and clip.video_id in media]
            if clips:
                made.tracks.append(_track(material, track, kind, clips, media))
    for chapter in material.plan.chapters:
        at = _time(frame_at(chapter.at, material.plan.fps), material)
        marked = otio.opentime.TimeRange(at, _time(0, material))
        made.tracks.markers.append(otio.schema.Marker(chapter.title, marked))
    otio.adapters.write_to_file(made, str(folder / TIMELINE))


def check_otio(material: Material, folder: Path) -> None:
    """Check that its own library reads it, and that each clip's media holds what the clip shows."""
    import opentimelineio as otio

    made = otio.adapters.read_from_file(str(folder / TIMELINE))
    clips = made.find_clips()
    paths = sorted({folder / MEDIA / str(clip.metadata["assembler"]["file"]) for clip in clips})
    for path, found in zip(paths, read_contents(material, *paths), strict=True):
        hold(any(stream.packets for stream in found.streams), f"{path.name} holds nothing")
    for clip in clips:
        wanted, there = clip.source_range, clip.media_reference.available_range
        reach = otio.opentime.RationalTime(1, there.duration.rate)
        hold(wanted.end_time_exclusive() <= there.end_time_exclusive() + reach, f"{clip.name} ends behind its media")
    length = frame_at(material.plan.length, material.plan.fps)
    hold(made.duration().value <= length, f"the timeline lasts {made.duration().value} frames, the class {length}")


def _part(clip: Clip, kind: str) -> Span | None:
    return clip.picture if kind == "Video" else clip.sound


def _track(material: Material, track: Track, kind: str, clips: list[tuple[Clip, Span]], media: dict[str, str]) -> Any:
    """Build one track of whole frames; what is shown at each stays exact to the ms."""
    import opentimelineio as otio

    made, at, fps = otio.schema.Track(title_of(material, track), kind=kind), 0, material.plan.fps
    for clip, part in clips:
        length, ahead = material.got.facts[clip.video_id].end, clip.file_start - clip.span.start
        first = max(at, math.ceil(part.start * fps / 1000))
        end = min(frame_at(part.end, fps), math.floor((length - ahead) * fps / 1000))  # a held picture is not in a file
        if end <= first:
            continue
        if first > at:
            made.append(otio.schema.Gap(duration=_time(first - at, material)))
        begins = frame_stamp(Frame(first), fps) + Fraction(ahead, 1000)
        whole = otio.opentime.TimeRange(_time(0, material), _time(length * fps / 1000, material))
        reference = otio.schema.ExternalReference(quote(f"{MEDIA}/{media[clip.video_id]}"), whole)
        kept = otio.opentime.TimeRange(_time(begins * fps, material), _time(end - first, material))
        known = {"assembler": {"video_id": clip.video_id, "file": media[clip.video_id]}}
        made.append(otio.schema.Clip(title_of(material, track), reference, kept, metadata=known))
        at = end
    return made


def _time(frames: Fraction | int, material: Material) -> Any:
    import opentimelineio as otio

    return otio.opentime.RationalTime(float(frames), float(material.plan.fps))


def _copy_media(material: Material, folder: Path) -> dict[str, str]:
    """Copy the files; returns their names by video id. The picture of a person who may not be seen is in none."""
    clips: dict[str, list[tuple[Track, Clip]]] = {}
    for track, clip in material.timeline.clips():
        if clip.video_id in material.got.facts:
            clips.setdefault(clip.video_id, []).append((track, clip))
    names: dict[str, str] = {}
    orders = []
    for video_id, same in clips.items():
        track, first = same[0]
        whole = span(0, material.got.facts[video_id].end)
        at_zero = first.model_copy(update={"span": whole, "file_start": 0})
        seen, heard = any(clip.picture for _, clip in same), any(clip.sound for _, clip in same)
        rows = list(parts_of(material, at_zero, whole if seen else None, whole if heard else None))
        if rows:
            suffix = "mp4" if {kind.codec for kind, _ in rows} <= IN_MP4 else "mkv"
            names[video_id] = f"{len(names) + 1:03d}-{track.kind.value}.{suffix}"
            orders.append(
                Remux(
                    out=str(folder.absolute() / MEDIA / names[video_id]),
                    format="mp4" if suffix == "mp4" else "matroska",
                    tracks=tuple(CopiedTrack(kind.content, (replace(part, end=None),)) for kind, part in rows),
                )
            )
    remux(material, *orders)
    return names
