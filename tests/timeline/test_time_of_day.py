"""Times of day: where they lie in a class, and what cannot be said."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import START
from timeline.test_properties import clocks

from assembler.errors import InputError
from assembler.timeline import wall_at
from assembler.timeline.model import Clock, Jump
from assembler.timeline.time_of_day import Moment, Zone, choose_zone, find_moment, load_zone, moment_at
from assembler.times import Ms, PlayMs, WallMs, parse_clock

HOUR = 3_600_000
SHANGHAI = Zone(load_zone("Asia/Shanghai"), "option")


def at(text: str) -> WallMs:
    return WallMs(round(datetime.fromisoformat(text).timestamp() * 1000))


def clock_of(start: str, *pauses: tuple[int, int | None], is_exact: bool = True) -> Clock:
    jumps = [
        Jump(at=PlayMs(when), length=None if length is None else Ms(length), pause=None, reason="omission")
        for when, length in pauses
    ]
    return Clock(start=at(start), is_exact=is_exact, jumps=tuple(jumps))


MORNING = clock_of("2019-05-23T10:00:00+08:00", (10 * 60_000, 4 * 60_000))
"""An hour of playback from 10:00 in Shanghai, with a break from 10:10 to 10:14."""


def found(text: str, clock: Clock = MORNING, hours: float = 1, zone: Zone = SHANGHAI) -> Moment:
    return find_moment(text, clock, PlayMs(round(hours * HOUR)), zone)


@pytest.mark.parametrize(
    ("text", "playback"),
    [
        ("10:00", "0:00"),
        ("10:09:59.999", "9:59.999"),
        ("10:10", "10:00"),
        ("10:12:34", "10:00"),
        ("10:14", "10:00"),
        ("10:35:20", "31:20"),
        ("2019-05-23 10:35:20", "31:20"),
        ("2019-05-23T10:35:20,5", "31:20.5"),
        ("02:35:20Z", "31:20"),
        ("2019-05-23 04:35:20+02:00", "31:20"),
        ("22:35 -0400", "31:00"),
        ("11:04", "1:00:00"),
    ],
)
def test_a_time_of_day_is_found_through_the_pauses(text: str, playback: str) -> None:
    assert found(text).playback == parse_clock(playback)


def test_a_time_is_meant_as_exactly_as_it_is_written() -> None:
    late = clock_of("2019-05-23T10:00:12.250+08:00")
    assert [found(text, late).playback for text in ("10:00", "10:00:12", "10:00:13", "10:01")] == [0, 0, 750, 47_750]
    assert found("10:00", late).wall == late.start
    for text in ("10:00:11", "10:00:12.249", "09:59"):
        with pytest.raises(InputError, match="outside of the class"):
            found(text, late)


def test_inside_a_pause_the_pause_is_named() -> None:
    pause = found("10:12").pause
    assert pause is not None
    assert (pause.start, pause.end) == (at("2019-05-23T10:10:00+08:00"), at("2019-05-23T10:14:00+08:00"))
    assert found("10:15").pause is None


@pytest.mark.parametrize("text", ["noon", "25:00", "10:61", "10", "2019-02-30 10:00", "10:35 PM", "2019-05-23", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a time of day"):
        found(text)


@pytest.mark.parametrize("text", ["09:59:59", "11:04:01", "2019-05-24 10:35:20", "10:35:20Z"])
def test_a_time_outside_of_the_class_is_told_with_both_its_ends(text: str) -> None:
    with pytest.raises(InputError) as caught:
        found(text)
    assert "2019-05-23 10:00:00.000 +08:00 (Asia/Shanghai)" in caught.value.sentence
    assert "2019-05-23 11:04:00.000 +08:00 (Asia/Shanghai)" in caught.value.sentence


def test_a_bare_time_that_is_there_on_two_days_is_told_with_both_dates() -> None:
    long = clock_of("2019-05-23T22:00:00+08:00")
    with pytest.raises(InputError, match=r"more than once: at 2019-05-23 23:00.* and at 2019-05-24 23:00"):
        found("23:00", long, 26)
    assert found("2019-05-24 23:00", long, 26).playback == 25 * HOUR
    assert found("01:00", long, 26).playback == 3 * HOUR


def test_an_hour_that_the_clocks_put_back_is_there_twice_and_one_put_forward_never() -> None:
    berlin = Zone(ZoneInfo("Europe/Berlin"), "class card")
    autumn = clock_of("2026-10-25T00:00:00+00:00")
    with pytest.raises(InputError, match=r"at 2026-10-25 02:30:00.000 \+02:00 .* and at .* \+01:00"):
        found("02:30", autumn, 3, berlin)
    assert found("02:30 +01:00", autumn, 3, berlin).playback == 1.5 * HOUR
    spring = clock_of("2026-03-29T00:00:00+00:00")
    with pytest.raises(InputError, match="outside of the class"):
        found("02:30", spring, 3, berlin)
    assert found("03:30", spring, 3, berlin).playback == 1.5 * HOUR


def test_a_clock_known_to_the_second_reaches_a_second_beyond_its_ends() -> None:
    rough = clock_of("2019-05-23T10:00:00+08:00", is_exact=False)
    assert found("09:59:59", rough).playback == 0
    assert found("11:00:01", rough).playback == HOUR
    with pytest.raises(InputError, match="outside of the class"):
        found("09:59:58.9", rough)


def test_behind_a_pause_of_unknown_length_nobody_knows() -> None:
    doubtful = clock_of("2019-05-23T10:00:00+08:00", (10 * 60_000, None))
    assert found("10:09", doubtful).playback == 9 * 60_000
    with pytest.raises(InputError, match=r"to 2019-05-23 10:10.* unknown length"):
        found("10:30", doubtful)
    with pytest.raises(InputError, match="unknown length"):
        moment_at(PlayMs(30 * 60_000), doubtful, PlayMs(HOUR), SHANGHAI)
    unknown = Clock(start=None, is_exact=False, jumps=())
    for ask in (lambda: found("10:30", unknown), lambda: moment_at(PlayMs(0), unknown, PlayMs(HOUR), SHANGHAI)):
        with pytest.raises(InputError, match="names its start"):
            ask()


def test_a_playback_instant_behind_the_end_is_refused() -> None:
    with pytest.raises(InputError, match="1:00:00 long"):
        moment_at(PlayMs(HOUR + 1), MORNING, PlayMs(HOUR), SHANGHAI)


@given(clocks, st.integers(0, 200_000), st.sampled_from(["Asia/Shanghai", "America/St_Johns", "UTC"]))
def test_every_playback_instant_is_found_again_by_its_time_of_day(clock: Clock, after: int, name: str) -> None:
    zone, length = Zone(ZoneInfo(name), "option"), PlayMs(200_000)
    moment = moment_at(PlayMs(after), clock, length, zone)
    assert moment.wall == wall_at(clock, PlayMs(after))
    again = find_moment(f"{zone.local(moment.wall):%H:%M:%S}.{moment.wall % 1000:03d}", clock, length, zone)
    assert (again.playback, again.wall, again.pause) == (after, moment.wall, moment.pause)
    assert datetime.fromisoformat(moment.local) == datetime.fromtimestamp(moment.wall / 1000, UTC)


def test_the_option_wins_over_the_class_card_and_that_over_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_zone("Asia/Tokyo", "Asia/Shanghai").name(WallMs(START)) == "Asia/Tokyo"
    assert choose_zone(None, "Asia/Shanghai").source == "class card"
    machine = choose_zone(None, None)
    assert machine.local(WallMs(START)).utcoffset() == datetime.fromtimestamp(START / 1000).astimezone().utcoffset()
    assert machine.name(WallMs(START)).endswith("the time zone of this machine")


@pytest.mark.parametrize("name", ["Asia/Shangai", "../etc/passwd", "/etc/localtime", "America", "", "a\0b"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="is not a time zone"):
        load_zone(name)
