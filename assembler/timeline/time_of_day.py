"""Times of day in a time zone, and where they lie in a class: what people write and read of the wall clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from assembler.errors import InputError
from assembler.timeline.clock import playback_at, wall_at, wall_before
from assembler.timeline.model import Clock
from assembler.times import Ms, PlayMs, WallMs, clock_text
from assembler.values import Value

TOLERANCE = Ms(1000)
"""Error of a clock that is not exact, in ms: results name their start in whole seconds."""
_TIME = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)[T ]\s*)?(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,3}))?)?\s*(?:(Z)|([+-])(\d\d):?(\d\d))?"
)


def load_zone(name: str) -> ZoneInfo:
    """Load a time zone by its IANA name; raises InputError where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:  # a name may also be a folder of the system's, or none of its paths
        raise InputError(
            f"{name!r} is not a time zone", hint="Write an IANA name, such as Asia/Shanghai or Europe/Berlin."
        ) from exc


@dataclass(frozen=True)
class Zone:
    """Time zone in which times of day are told."""

    info: tzinfo | None
    """Rules of the zone; None for those of this machine."""
    source: str
    """Source of the choice: "option", "class card" or "machine"."""

    def local(self, wall: WallMs) -> datetime:
        """Return this instant's local time."""
        exact = datetime.fromtimestamp(wall // 1000, UTC) + timedelta(milliseconds=wall % 1000)
        return exact.astimezone(self.info)

    def name(self, wall: WallMs) -> str:
        """Name the zone, for people, at this instant: its IANA name, else what the machine calls it."""
        if isinstance(self.info, ZoneInfo):
            return self.info.key
        return f"{self.local(wall).tzname()}, the time zone of this machine"

    def text(self, wall: WallMs) -> str:
        """Write an instant for people: ``2019-05-23 20:05:40.000 +08:00 (Asia/Shanghai)``."""
        local = self.local(wall)
        offset = local.strftime("%z")
        return f"{local:%Y-%m-%d %H:%M:%S}.{wall % 1000:03d} {offset[:3]}:{offset[3:5]} ({self.name(wall)})"


def choose_zone(option: str | None, card: str | None) -> Zone:
    """Choose the option's time zone, else the class card's, else the machine's; raises InputError for a wrong name."""
    if option is not None:
        return Zone(load_zone(option), "option")
    return Zone(load_zone(card), "class card") if card is not None else Zone(None, "machine")


class WallSpan(Value):
    """Range on the wall clock."""

    start: WallMs
    """Start, Unix ms."""
    end: WallMs
    """End, Unix ms."""


class Moment(Value):
    """One instant of a class on both axes."""

    playback: PlayMs
    """Playback instant, ms."""
    wall: WallMs
    """Wall instant, Unix ms; of a playback instant at which a pause is skipped, the one at which the class went on."""
    local: str
    """Wall instant as ISO 8601 with the zone's offset."""
    timezone: str
    """Name of the time zone."""
    timezone_from: str
    """Source of the time zone: "option", "class card" or "machine"."""
    is_exact: bool
    """True if the pairing of both axes is known to the ms; else to +-1 s."""
    pause: WallSpan | None
    """Pause that the playback skips at this instant; None where it skips none."""


def find_moment(text: str, clock: Clock, length: PlayMs, zone: Zone) -> Moment:
    """Find a time of day, such as ``10:35`` or ``2019-05-23 10:35:20``, in a class of this length.

    Raises InputError where the text is no time, where it is outside of the class, where a time without a date is there
    twice, and where nobody knows.
    """
    class_starts, class_ends = _known(clock, length)
    slack = 0 if clock.is_exact else TOLERANCE
    candidates = _candidates(text, zone, class_starts, class_ends)
    unit = _unit(text)  # a class that began at 09:00:12 began at 09:00
    begun = [class_starts if wall < class_starts < wall + unit else wall for wall in candidates]
    inside = [wall for wall in begun if class_starts - slack <= wall <= class_ends + slack]
    if len(inside) > 1:
        both = " and at ".join(zone.text(wall) for wall in inside)
        raise InputError(f"{text} is in this class more than once: at {both}", hint="Write the date and the offset.")
    if not inside:
        lasted = f"the class lasted from {zone.text(class_starts)} to {zone.text(class_ends)}"
        behind = wall_at(clock, length) is None
        rest = ", then came a pause of unknown length, and nobody knows when it went on" if behind else ""
        raise InputError(f"{text} is outside of the class: {lasted}{rest}", hint="Write a time within it.")
    at = playback_at(clock, inside[0])
    assert at is not None  # it is before the first pause of unknown length
    return _moment(PlayMs(min(max(at, 0), length)), inside[0], clock, zone)


def moment_at(at: PlayMs, clock: Clock, length: PlayMs, zone: Zone) -> Moment:
    """Find the time of day of a playback instant; raises InputError where it is behind the end, or unknown."""
    if at > length:
        raise InputError(
            f"the playback is {clock_text(length)} long, {clock_text(at)} is behind its end",
            hint="Name an earlier one.",
        )
    _known(clock, length)
    wall = wall_at(clock, at)
    if wall is None:
        raise InputError(
            f"nobody knows the time of day at {clock_text(at)}: a pause of unknown length was before it",
            hint="Name an earlier one.",
        )
    return _moment(at, wall, clock, zone)


def _moment(at: PlayMs, wall: WallMs, clock: Clock, zone: Zone) -> Moment:
    stops, goes_on = wall_before(clock, at), wall_at(clock, at)
    pause = None
    if stops is not None and goes_on is not None and stops < goes_on:
        pause = WallSpan(start=stops, end=goes_on)
    return Moment(
        playback=at,
        wall=wall,
        local=zone.local(wall).isoformat(timespec="milliseconds"),
        timezone=zone.name(wall),
        timezone_from=zone.source,
        is_exact=clock.is_exact,
        pause=pause,
    )


def _known(clock: Clock, length: PlayMs) -> tuple[WallMs, WallMs]:
    """Find the wall instants between which the class is known to lie; raises InputError where no start is known."""
    if clock.start is None:
        raise InputError(
            "no result of this class names its start, so nobody knows its times of day",
            hint="Write the start into the result (`start`; the vendor's RecordStartTime) and make the playback anew.",
        )
    end = wall_at(clock, length)
    if end is None:  # up to the first pause of unknown length
        end = wall_before(clock, next(jump.at for jump in clock.jumps if jump.length is None))
    assert end is not None
    return clock.start, end


def _candidates(text: str, zone: Zone, start: WallMs, end: WallMs) -> list[WallMs]:
    """List the instants that a time may mean: without a date one of each day of the class and the days beside it."""
    day, hour, minute, second, rest, is_utc, sign, hours, minutes = _matched(text)
    info = zone.info
    if is_utc:
        info = UTC
    elif sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        info = timezone(offset if sign == "+" else -offset)
    try:
        fixed = date.fromisoformat(day) if day else None
        written = datetime.strptime(
            f"{hour}:{minute}:{second or 0}.{(rest or '0').ljust(3, '0')}", "%H:%M:%S.%f"
        ).time()
    except ValueError as exc:
        raise _no_time(text) from exc
    first, last = (Zone(info, "").local(wall).date() for wall in (start, end))
    days = [fixed] if fixed else [first + timedelta(days=n) for n in range(-1, (last - first).days + 2)]
    found = set()
    for on in days:
        for fold in (0, 1):  # an hour that a clock put back has twice
            local = datetime.combine(on, written, tzinfo=info).replace(fold=fold)
            exact = local.astimezone(UTC)
            if exact.astimezone(info).replace(tzinfo=None) == local.replace(tzinfo=None):  # else put forward over it
                found.add(WallMs(round(exact.timestamp() * 1000)))
    return sorted(found)


def _unit(text: str) -> int:
    """Find what a time is given to: a minute, a second or a ms, in ms."""
    _, _, _, second, rest, *_ = _matched(text)
    return 1 if rest else 1000 if second else 60_000


def _matched(text: str) -> tuple[str, ...]:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise _no_time(text)
    return match.groups(default="")


def _no_time(text: str) -> InputError:
    return InputError(f"{text!r} is not a time of day", hint="Write 10:35, 10:35:20 or '2019-05-23 10:35:20'.")
