"""The entries of a result: each is a segment or is refused with a sentence, whatever the others are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.dialects import segments
from assembler.dialects.segments import LARGEST, LONGEST, UnusableEntry, collect, read_vendor_segment
from assembler.dialects.spelling import CAMEL
from assembler.errors import InputError
from assembler.findings import Finding, Severity
from assembler.recording import Segment, StreamKind
from dialects.bodies import video


def read(entry: Any, **how: bool) -> tuple[Segment | UnusableEntry, list[Finding]]:
    findings: list[Finding] = []
    return read_vendor_segment("videos[0]", entry, CAMEL, findings, **how), findings


def segment(**changes: Any) -> Segment:
    found, _ = read(video(**changes))
    assert isinstance(found, Segment)
    return found


def collected(*found: Segment | UnusableEntry) -> tuple[tuple[Segment, ...], list[UnusableEntry], list[Finding]]:
    findings: list[Finding] = []
    entries = {f"videos[{n}]": one for n, one in enumerate(found)}
    kept, refused = collect(((path, None) for path in entries), lambda path, _: entries[path], "PlayTime", findings)
    return kept, refused, findings


@given(st.lists(st.tuples(st.sampled_from(["", "a", "a-2", "segment", "segment-1", "segment-2"]), st.integers(0, 2))))
def test_every_segment_is_kept_once_under_an_id_of_its_own(given_ids: list[tuple[str, int]]) -> None:
    kept, refused, findings = collected(*(segment(VideoId=name, VideoPlayTime=at) for name, at in given_ids))
    names = [s.video_id for s in kept]
    assert not refused
    assert len(set(names)) == len(names)
    assert "" not in names
    wanted = list(dict.fromkeys(given_ids))  # what is repeated as it is is one segment
    assert [s.play_time for s in kept] == [at for _, at in wanted]
    firsts = {name: n for n, (name, _) in reversed(list(enumerate(wanted))) if name}
    assert all(names[n] == name for name, n in firsts.items()), "the first of an id keeps it"
    assert len(findings) == len(given_ids) - len(firsts), "each other one is a finding"


def test_the_same_file_under_a_newly_signed_url_is_one_segment_and_another_path_is_not() -> None:
    urls = ["http://h/v.mp4?sign=1", "http://h/v.mp4?sign=2", "http://h/w.mp4?sign=1"]
    kept, _, findings = collected(*(segment(VideoUrl=url) for url in urls))
    assert [(s.video_id, s.url) for s in kept] == [("v1", urls[0]), ("v1-2", urls[2])]
    assert [(f.where, f.severity) for f in findings] == [
        ("videos[1]", Severity.NOTE), ("videos[2]", Severity.WARNING),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "kept", "is_told"),
    [
        ("duration", LONGEST, LONGEST, False),
        ("duration", LONGEST + 1, None, True),
        ("duration", 0, None, False),
        ("size", LARGEST, LARGEST, False),
        ("size", LARGEST + 1, None, True),
    ],
)
def test_an_absurd_length_or_size_costs_only_itself(name: str, value: int, kept: int | None, is_told: bool) -> None:
    found, refused, findings = collected(segment().model_copy(update={name: value}))
    assert not refused
    assert getattr(found[0], name) == kept
    assert bool(findings) is is_told


@pytest.mark.parametrize(("at", "is_kept"), [(LONGEST, True), (LONGEST + 1, False), (-LONGEST - 1, False)])
def test_an_absurd_place_costs_the_segment(at: int, is_kept: bool) -> None:
    found, refused, findings = collected(segment(VideoPlayTime=at), segment(VideoId="other"))
    assert [s.video_id for s in found] == ["v1", "other"][not is_kept :]
    assert [f.where for f in findings] == ["videos[0]"] * len(refused) == ["videos[0]"] * (not is_kept)


def test_too_many_entries_are_refused_before_all_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MOST_SEGMENTS", 3)
    assert len(collected(*(segment(VideoId=name) for name in "abc"))[0]) == 3
    with pytest.raises(InputError, match=r"videos\[3\]: a result with over 3 segments"):
        collected(*(segment(VideoId=name) for name in "abcd"))


@pytest.mark.parametrize(
    ("empty", "is_failed", "is_read"),
    [
        ({"VideoUrl": ""}, True, True),  # 900 s and 13 kB of something
        ({"VideoUrl": "", "VideoDuration": 0}, True, True),
        ({"VideoUrl": "", "VideoDuration": 0, "VideoSize": 0}, True, False),
        ({"VideoUrl": "", "VideoDuration": 0, "VideoSize": 0}, False, True),  # the address is to be had elsewhere
        ({"VideoUrl": "null", "VideoDuration": 0, "VideoSize": 0}, False, False),
        ({"VideoDuration": 0, "VideoSize": 0}, True, True),
        ({"VideoUrl": ..., "VideoDuration": 0, "VideoSize": 0}, True, True),
    ],
)
def test_an_entry_is_hollow_only_where_address_length_and_size_all_say_so(
    empty: dict[str, Any], is_failed: bool, is_read: bool
) -> None:
    found, _ = read(video(**empty), is_failed=is_failed)
    assert isinstance(found, Segment) is is_read
    if isinstance(found, UnusableEntry):
        assert found.path == "videos[0].VideoUrl"
        assert "nothing was recorded in it" in found.sentence


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ([1], "videos[0] is a list, expected an object"),
        (video(VideoType=...), "videos[0].VideoType is missing, expected 0 camera"),
        (video(VideoType=5), "videos[0].VideoType is 5, expected 0 camera"),
        (video(VideoPlayTime="soon"), 'videos[0].VideoPlayTime is "soon", expected ms from the start'),
    ],
)
def test_what_cannot_be_used_says_where_what_and_what_was_expected(entry: Any, sentence: str) -> None:
    found, _ = read(entry)
    assert isinstance(found, UnusableEntry)
    assert found.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("number", "stream", "kind", "user", "noted"),
    [
        (0, "ann", StreamKind.CAMERA, "ann", False),
        (0, "desktop_sharing_7", StreamKind.SCREEN, "desktop_sharing_7", True),
        (1, "tic_substream_ann", StreamKind.SCREEN, "ann", False),
        (1, "", StreamKind.SCREEN, "", True),
        (2, "board", StreamKind.WHITEBOARD, "", False),
        (3, "", StreamKind.MIX, "", False),
        (4, "tic_substream_x", StreamKind.AUDIO, "tic_substream_x", False),
        (4, "desktop_sharing_7", StreamKind.AUDIO, "desktop_sharing_7", False),
        (4, "", StreamKind.AUDIO, "", True),
    ],
)
def test_whose_stream_it_is(number: int, stream: str, kind: StreamKind, user: str, noted: bool) -> None:
    found, findings = read(video(VideoType=number, UserId=stream))
    assert isinstance(found, Segment)
    assert (found.kind, found.user, found.stream_id) == (kind, user, stream)
    assert bool(findings) is noted
