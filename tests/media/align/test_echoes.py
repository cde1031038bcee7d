"""Files of speech that hold each other's sound are found to be where they were really recorded, and others stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from echoing import Hears, Room
from lessons import recording, segment

from assembler.choices import Align
from assembler.media.run import Run
from assembler.options import load_options
from assembler.pipeline.decide import in_order, timeline_of
from assembler.pipeline.gather import gather, with_alignment
from assembler.recording import StreamKind
from assembler.segment_files import SegmentFiles

NEAR = 10
"""Maximum distance of a file from its true place, in ms."""


def aligned(room: Room, wrong: Mapping[str, int], folder: Path) -> SegmentFiles:
    """Align the files of a room that are declared wrong by so many ms."""
    media = room.write(folder / "media")
    segments = [segment(u, StreamKind.AUDIO, u, at + wrong.get(u, 0), None) for u, at in room.starts.items()]
    options = load_options(media_dir=media, home=folder / "home", align=Align.SOUND)
    run = Run(options)
    recorded = in_order(recording(segments), options)
    got = gather(recorded.recordings, run)
    return with_alignment(got, recorded, timeline_of(recorded, got, options), run)


def moved(got: SegmentFiles) -> dict[str, int]:
    for one in got.findings:
        print(one.where, one.sentence)
    return {one.video_ids[0]: one.moved for one in got.alignments if one.moved}


START = {"ann": 0, "bob": 1_240}


@pytest.mark.parametrize("wrong", [80, -313, 900])
@pytest.mark.parametrize(
    "codec",
    [{}, {"ann": "opus", "bob": "opus webm"}, {"ann": "aac at 44.1 kHz", "bob": "mp3 at 16 kHz"}],
    ids=["aac", "opus at 24 kbit/s", "other rates"],
)
def test_an_echo_in_one_microphone_tells_where_its_file_belongs(
    wrong: int, codec: dict[str, str], tmp_path: Path
) -> None:
    room = Room(START, hears=[Hears("bob", "ann")], codec=codec)
    assert moved(aligned(room, {"bob": wrong}, tmp_path)) == {"bob": pytest.approx(-wrong, abs=NEAR)}
