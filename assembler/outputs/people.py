"""People: one mp4 for each person, on the axis of the class: as long as the playback, and in step with it."""

from __future__ import annotations

import re
from pathlib import Path

from assembler.choices import Names
from assembler.errors import VerifyError
from assembler.layout import arrange
from assembler.media.choose_encoder import choose_encoder
from assembler.media.compose import CopyRefused, compose, finished_digest
from assembler.media.verify.verify import verify
from assembler.outputs.material import Material, hold
from assembler.plan.build import build_plan
from assembler.plan.manifest import Manifest
from assembler.timeline.join import cut_window
from assembler.timeline.model import Timeline

LONGEST_NAME = 60
"""Maximum length of a person's part in a file name, in characters."""
ALONE = {
    "teacher": None, "mix_user": None, "size": None, "reflow": False, "names": Names.OFF, "speaker_frame": False,
}  # fmt: skip
"""Options of a class that mean nothing for one person."""
_UNSAFE = re.compile(r"[^\w.-]+")


def make_people(material: Material, folder: Path) -> None:
    """Compose each person's streams alone, copied where they can be, and check each file against its plan."""
    users = _users(material.timeline)
    hold(bool(users), "no stream of this class names its user")
    for number, user in enumerate(users, 1):
        named = _UNSAFE.sub("_", material.recorded.cast.name_of(user))[:LONGEST_NAME]
        part = folder / f"{number:02d}-{named}.mp4"
        try:
            verify(part, _compose(material, user, part, may_copy=True), stop=material.run.stop)
        except (CopyRefused, VerifyError):
            part.unlink(missing_ok=True)
            verify(part, _compose(material, user, part, may_copy=False), stop=material.run.stop)


def check_people(material: Material, folder: Path) -> None:
    """Check that everybody has a file; each was held against its plan when it was made."""
    made, due = len(list(folder.glob("*.mp4"))), len(_users(material.timeline))
    hold(made == due, f"{made} of {due} people have a file")


def _users(timeline: Timeline) -> list[str]:
    """List those who are seen or heard, by the start of their first stream."""
    there = [track for track in timeline.tracks if track.user and any(c.picture or c.sound for c in track.clips)]
    return list(dict.fromkeys(track.user for track in sorted(there, key=lambda track: track.span.start)))


def _compose(material: Material, user: str, part: Path, *, may_copy: bool) -> Manifest:
    tracks = tuple(track for track in material.whole.tracks if track.user == user)
    kinds = {track.kind for track in tracks if any(clip.picture is not None for clip in track.clips)}
    layout = "stage" if len(kinds) == 1 else "auto"  # one stream as it is, and copied where it can be; else both
    options = material.run.options.model_copy(update={**ALONE, "layout": layout})
    alone = material.whole.model_copy(update={"tracks": tracks, "findings": ()})
    recordings = [
        recording.model_copy(update={"segments": tuple(s for s in recording.segments if s.user == user)})
        for recording in material.recorded.recordings
    ]
    segments = [segment for recording in recordings for segment in recording.segments]
    sizes = {s.video_id: (s.width, s.height) if s.width and s.height else None for s in segments}
    cast = material.recorded.cast.model_copy(update={"teacher": None})
    arrangement = arrange(alone, material.got.facts, sizes, options, cast)
    plan = build_plan(alone, arrangement, material.got.facts, options, segments=segments, cast=cast, may_copy=may_copy)
    choice = choose_encoder(plan, options, material.run.ffmpeg)
    digest = finished_digest(plan, material.got.files, choice, material.run)
    return compose(
        plan, cut_window(alone, options.start, options.end), material.got, digest, part,
        folder=material.work, choice=choice, recordings=recordings, run=material.run,
    )  # fmt: skip
