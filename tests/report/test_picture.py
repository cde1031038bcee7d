"""The timeline as a picture: what is where, and what it says to whoever cannot see it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as Xml

import pytest
from lessons import board, camera, omission, recording, screen

from assembler.findings import Fate
from assembler.options import load_options
from assembler.pipeline.timelines import timeline_only
from assembler.recording import Recording, Segment
from assembler.report.picture import FEW, MANY, Unused, draw_picture
from assembler.timeline.model import Timeline
from assembler.times import span


def timeline_of(lesson: Recording) -> Timeline:
    return timeline_only(lesson, load_options())


def drawn(segments: Iterable[Segment], **more: object) -> Xml.Element:
    """It has to be well-formed, whatever is in it."""
    return Xml.fromstring(draw_picture(timeline_of(recording(segments, **more))))  # type: ignore[arg-type]


def bars(svg: Xml.Element, kind: str) -> list[tuple[str, str]]:
    return [(e.attrib["x"], e.attrib["width"]) for e in svg.iter("rect") if kind in e.attrib["class"].split()]


def words(svg: Xml.Element) -> str:
    return " ".join(svg.itertext())


def test_every_clip_is_to_scale_in_the_row_of_its_track() -> None:
    svg = drawn([board("w", 0, 8000), camera("a1", "ann", 2000, 2000), camera("a2", "ann", 6000, 1000)])
    assert bars(svg, "whiteboard") == [("0.000%", "100.000%")]
    assert bars(svg, "camera") == [("25.000%", "25.000%"), ("75.000%", "12.500%")]
    assert len({e.attrib["y"] for e in svg.iter("rect") if "camera" in e.attrib["class"]}) == 1
    assert len(bars(svg, "rail")) == 2
    assert "camera of ann, a2, 0:06–0:07" in words(svg)


def test_it_tells_its_story_in_words() -> None:
    lesson = recording(
        [camera("a1", "ann", 0, 10_000), camera("a2", "ann", 10_000, 10_000), screen("s", "bob", 3000, 1000),
         screen("s2", "bob", 8000, 2000), board("w", 0, 10_000), board("w2", 10_000, 10_000)],
        total=20_000, stop=80_000, omissions=[omission(10_000, 10_000, 70_000)],
    )  # fmt: skip
    svg = Xml.fromstring(draw_picture(timeline_of(lesson)))
    story = svg.findtext("svg/desc") or ""
    assert story.startswith("A playback of 0:20.")
    assert "camera of ann: 0:00–0:10, 0:10–0:20." in story
    assert "screen of bob: 0:03–0:04, 0:08–0:10. Missing between: 0:04–0:08." in story
    assert "A pause of 1:00 is skipped at 0:10." in story
    assert [e.attrib["x1"] for e in svg.iter("line") if e.attrib["class"] == "pause"] == ["50.000%"]
    assert "chapter “Break of 1:00” at 0:10" in words(svg)


def test_what_was_repaired_or_not_used_is_seen() -> None:
    timeline = timeline_of(recording([camera("a1", "ann", 0, 4000), camera("a2", "ann", 4000, 4000)]))
    unused = [Unused("camera of bob", "b1", span(2000, 4000))]
    svg = Xml.fromstring(draw_picture(timeline, {"a2": Fate.REPAIRED}, unused))
    assert bars(svg, "repaired") == [("50.000%", "50.000%")]
    assert bars(svg, "hollow") == [("25.000%", "25.000%")]
    assert "camera of bob, not used: 0:02–0:04." in (svg.findtext("svg/desc") or "")
    assert "a2, 0:04–0:08, repaired" in words(svg)


@pytest.mark.parametrize("length", [1, 999, 61_000, 900_000, 5_400_000, 10_800_001, 86_400_000 * 30])
def test_the_axis_has_a_few_labels_whatever_the_length(length: int) -> None:
    labels = [e for e in drawn([camera("a", "ann", 0, length)]).iter("text") if "tick" in e.get("class", "")]
    narrow = [e for e in labels if "wide" not in e.attrib["class"]]
    assert 2 <= len(narrow) <= FEW + 2
    assert len(labels) <= MANY + FEW + 2


def test_the_shortest_clip_is_still_drawn() -> None:
    ((_, width),) = bars(drawn([camera("a", "ann", 5000, 1), board("w", 0, 86_400_000)]), "camera")
    assert width == "0.000%"  # and a pixel of stroke around it


EVIL = '"><script>alert(1)</script>&\x00\x1b\ud800\u202e'


def test_names_never_become_markup() -> None:
    text = draw_picture(timeline_of(recording([camera(EVIL, EVIL, 0, 1000)])))
    assert "<script" not in text
    assert not re.search("[\x00\x1b\ud800\u202e]", text)
    assert "script" in words(Xml.fromstring(text))
