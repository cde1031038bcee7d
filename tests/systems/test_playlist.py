"""Playlists of a recorder: what they name, when their runs began, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.dialects.systems.playlist import BREAK_GAP, GAP, MAX_CHARACTERS, MAX_PARTS, read_calendar, read_playlist
from assembler.errors import InputError
from assembler.times import WallMs

FIXTURE = Path(__file__).parents[2] / "fixtures/systems/agora-video.m3u8"
AT = WallMs(1_789_908_700_400)
"""2026-09-20 12:51:40.400 UTC."""
START = "#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=VIDEO,TIME="


def playlist(*lines: str) -> str:
    return "\n".join(["#EXTM3U", *lines, "#EXT-X-ENDLIST"])


def test_an_example_of_agora_has_a_run_for_each_stretch_without_a_gap() -> None:
    read = read_playlist(FIXTURE.read_text())
    assert read.is_ended
    assert not read.findings
    first, second = read.runs
    assert (first.length, second.length) == (6_332, 17_442)
    assert first.wall == int(datetime(2019, 9, 20, 12, 51, 42, tzinfo=UTC).timestamp()) * 1000 + 485
    assert second.wall is not None
    assert second.wall - first.wall == 6_689  # by the name: 357 ms behind the end of the first
    assert [len(run.names) for run in read.runs] == [1, 1]


@pytest.mark.parametrize("time", ["20260920125140400", "1789908700400"])
def test_an_instant_is_read_in_calendar_digits_and_since_1970(time: str) -> None:
    assert read_playlist(playlist(START + time, "#EXTINF:15.019000", "a.ts")).runs == (
        (AT, 15_019, ("a.ts",), (0,), (15_019,)),
    )


def test_a_part_begins_at_the_instant_in_its_name_however_its_lengths_are_rounded() -> None:
    parts = [line for at in ("400", "405", "410") for line in ("#EXTINF:4.990", f"v_20260920125{at}000.webm")]
    (run,) = read_playlist(playlist(START + "20260920125400000", *parts)).runs
    assert (run.starts, run.ends, run.length) == ((0, 5_000, 10_000), (4_990, 9_990, 14_990), 14_970)
    parts[3] = "v_20260920125405101.webm"
    (run,) = read_playlist(playlist(START + "20260920125400000", *parts)).runs
    assert run.starts == (0, 4_990, 10_000), "a name that is too far away tells nothing"


@pytest.mark.parametrize("digits", ["20261340125140120", "00000000000000000", "99999999999999999", "0", ""])
def test_digits_that_are_no_instant_are_none(digits: str) -> None:
    assert read_calendar(digits) is None


@pytest.mark.parametrize(
    ("late", "tag", "runs"),
    [
        (0, "#", 1), (GAP, "#", 1), (GAP + 1, "#", 2), (-GAP - 1, "#", 2), (60_000, "#", 2),
        (BREAK_GAP, "#EXT-X-DISCONTINUITY", 1), (BREAK_GAP + 1, "#EXT-X-DISCONTINUITY", 2),
    ],
)  # fmt: skip
def test_a_date_begins_a_new_run_only_where_it_tells_of_a_gap(late: int, tag: str, runs: int) -> None:
    def dated(at: int) -> str:
        return f"#EXT-X-PROGRAM-DATE-TIME:{datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec='milliseconds')}"

    text = playlist(dated(AT), "#EXTINF:2,", "a.ts", tag, dated(AT + 2_000 + late), "#EXTINF:2,", "b.ts")
    read = read_playlist(text)
    assert len(read.runs) == runs
    assert read.runs[-1].wall == (AT if runs == 1 else AT + 2_000 + late)


def test_a_discontinuity_without_a_gap_begins_no_run_and_a_start_always_does() -> None:
    parts = ["#EXTINF:6.0,", "v_20260920125140400.ts", "#EXT-X-DISCONTINUITY", "#EXTINF:4.0,", "v_20260920125146400.ts"]
    assert read_playlist(playlist(START + "20260920125140400", *parts)).runs == (
        (AT, 10_000, (parts[1], parts[4]), (0, 6_000), (6_000, 10_000)),
    )
    parts[2] = f"{START}20260920125146400"
    assert len(read_playlist(playlist(START + "20260920125140400", *parts)).runs) == 2


def test_lengths_are_rounded_once_a_run_and_a_playlist_without_instants_is_one() -> None:
    lines = [line for n in range(300) for line in ("#EXTINF:0.0005,", f"{n}.ts")]
    assert [(run.wall, run.length) for run in read_playlist("\ufeff" + playlist(*lines)).runs] == [(None, 150)]


def test_a_turned_picture_is_a_note_and_a_missing_end_is_told() -> None:
    text = "#EXTM3U\r\n#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=480,ROTATE=90,TIME=1\r\n#EXTINF:1\r\na.ts\r\n"
    read = read_playlist(text)
    assert [finding.where for finding in read.findings] == ["line 2"]
    assert "90 degrees" in read.findings[0].sentence
    assert not read.is_ended


@pytest.mark.parametrize(
    "name",
    ["../a.ts", "..", ".", ".hidden", "/etc/passwd", "sub/a.ts", "a\\b.ts", "https://x.example/a.ts", "file:a.ts",
     "a.ts?sig=1", "a%2f..ts", "a\x00.ts", "a\u202e.ts", "a\u2028.ts", "a" * 256],
)  # fmt: skip
def test_only_plain_names_of_its_own_folder_are_taken(name: str) -> None:
    with pytest.raises(InputError, match="line 3 is no plain name"):
        read_playlist(playlist("#EXTINF:1,", name))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (['#EXT-X-KEY:METHOD=AES-128,URI="https://k.example/?t=1"', "#EXTINF:1,", "a.ts"], "line 2 .*encrypted"),
        (['#EXT-X-MAP:URI="i.mp4"', "#EXTINF:1,", "a.m4s"], "lack their beginning"),
        (["#EXTINF:1,", "#EXT-X-BYTERANGE:10@0", "a.ts"], "ranges of a file"),
        (["#EXT-X-STREAM-INF:BANDWIDTH=1", "low.m3u8"], "other playlists"),
        (['#EXT-X-MAP:URI="i.mp4",METHOD=NONE', "#EXTINF:1,", "a.m4s"], "lack their beginning"),
        (["#EXTINF:1,", "a.ts", "#EXTINF:1,", "a.ts"], "line 5 names a part again"),
        (["a.ts"], "without its length"),
        (["#EXTINF:nan,", "a.ts"], "no length"),
        (["#EXTINF:-1,", "a.ts"], "no length"),
        (["#EXTINF:" + "9" * 5000 + ",", "a.ts"], "no length"),
        ([], "names no part"),
    ],
)
def test_what_is_not_read_is_refused_by_a_sentence_that_names_it(lines: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        read_playlist(playlist(*lines))
    assert "k.example" not in str(refused.value)


@pytest.mark.slow
def test_a_flood_of_lines_parts_or_characters_ends_at_its_limit() -> None:
    assert len(read_playlist(playlist("#EXTINF:1", "a.ts", *["#"] * 1_000_000)).runs) == 1
    many = [line for n in range(MAX_PARTS + 1) for line in ("#EXTINF:15", f"{n}.ts")]
    assert len(read_playlist(playlist(*many[:-2])).runs[0].names) == MAX_PARTS
    with pytest.raises(InputError, match="more than 20,000 parts"):
        read_playlist(playlist(*many))
    with pytest.raises(InputError, match="8 MiB"):
        read_playlist("#EXTM3U\n" + "a" * MAX_CHARACTERS)


LINES = st.sampled_from(
    ["#EXTINF:1.5", "#EXTINF:", "#EXT-X-DISCONTINUITY", START, START + "20260920125140400", "a.ts", "b.ts", "c/d.ts",
     "x_20260920125150400.ts", "#EXT-X-PROGRAM-DATE-TIME:2026-09-20T12:51:40Z", "#EXT-X-ENDLIST", "#EXT-X-KEY:"],
)  # fmt: skip


@given(st.lists(LINES | st.text(max_size=20), max_size=40))
def test_any_lines_are_read_in_order_or_refused(lines: list[str]) -> None:
    try:
        read = read_playlist("\n".join(["#EXTM3U", *lines]))
    except InputError:
        return
    names = [name for run in read.runs for name in run.names]
    said = [line.strip() for text in lines for line in text.split("\n")]
    assert names == [line for line in said if line and not line.startswith("#")]
    assert all(run.names for run in read.runs)
