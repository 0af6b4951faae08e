"""Which series a collection can hold: the shape of its rule, and overrides that pass their neighbours.

``Capabilities.rules`` holds names that ``shape_of`` gives. Exchange and Graph know the six of ``Shape`` up to
``RELATIVE_YEARLY``; all others are RFC 5545 only. Never map one shape to another: say that it cannot be expressed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.recurrence import WEEKDAYS, Frequency, RecurrenceRule
from marketplace_plugin.model.series.expand import originals
from marketplace_plugin.model.series.recurrence_set import GaveUp
from marketplace_plugin.model.time import Original, Window, Zoned, day_of

_REACHES = [timedelta(days=days) for days in (400, 4_000, 40_000)]
"""How far neighbours are looked for, until there is one on both sides: a hundred years are enough for any rule."""
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


class Shape(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    ABSOLUTE_MONTHLY = "absolute-monthly"  # day 1 to 28: later days are clamped there, skipped in RFC 5545
    RELATIVE_MONTHLY = "relative-monthly"
    ABSOLUTE_YEARLY = "absolute-yearly"
    RELATIVE_YEARLY = "relative-yearly"
    LATE_MONTHLY = "late-monthly"  # a single day 29 to 31, RFC 5545's meaning
    OTHER = "other"


def shape_of(rule: RecurrenceRule, start: Original) -> Shape:
    """The shape of a rule whose DTSTART is ``start``. COUNT, UNTIL and INTERVAL play no part."""
    day = day_of(start)
    parts = {name for name, _ in rule.by}
    match rule.freq:
        case Frequency.DAILY if not parts and not rule.by_day:
            return Shape.DAILY
        case Frequency.WEEKLY if not parts:
            return Shape.WEEKLY
        case Frequency.MONTHLY:
            return _monthly(rule, day, parts)
        case Frequency.YEARLY:
            return _yearly(rule, day, parts)
        case _:
            return Shape.OTHER


def expressible(series: Series, capabilities: Capabilities) -> bool:
    """Whether a collection with these capabilities can hold the rule as it is. Extra dates need all of RFC 5545."""
    if not capabilities.rules:
        return True
    if series.rule is None or series.rdates:
        return False
    return shape_of(series.rule, series.master.when.start).value in capabilities.rules


def crosses(series: Series) -> Original | None:
    """The first override that was moved to or past the day of a neighbour: where that was, or where it is now (Exchange
    and Graph: ErrorOccurrenceCrossingBoundary, whichever of the two is written first).

    Sources: PidLidAppointmentRecur, and [MS-OXCICAL] 2.1.3.1.1.20.18: no instance is moved before the one before it,
    after the one after it, or to the day of another. No distance is named: the first and the last go as far as they
    like, and neighbours may be years apart. Days are those of the series' zone ([MS-OXOCAL], creating an exception).
    Whether a cancelled occurrence is still in the way is not said; here it is.
    """
    anchor = series.master.when.start
    moved = {
        _day_at(anchor, o.original): _day_at(anchor, o.event.when.start)
        for o in series.overrides
        if o.event is not None
    }
    for override in series.overrides:
        if override.event is None:
            continue
        here = _day_at(anchor, override.original)
        try:
            earlier, later = _neighbours(series, here)
        except GaveUp:
            return override.original
        first = date.min if earlier is None else max(earlier, moved.get(earlier, earlier))
        last = date.max if later is None else min(later, moved.get(later, later))
        if not first < moved[here] < last:
            return override.original
    return None


def _neighbours(series: Series, here: date) -> tuple[date | None, date | None]:
    """The days of the occurrences before and after ``here``, by the rule; None at either end. Raises GaveUp."""
    noon = datetime.combine(here, time(12), UTC)
    earlier: date | None = None
    later: date | None = None
    for reach in _REACHES:
        start, end = max(noon, _FIRST + reach) - reach, min(noon, _LAST - reach) + reach
        if earlier is None and start < noon:
            earlier = max((d for d in map(day_of, originals(series, Window(start, noon))) if d < here), default=None)
        if later is None and noon < end:
            later = next((d for d in map(day_of, originals(series, Window(noon, end))) if d > here), None)
    return earlier, later


def _day_at(anchor: Original, start: Original) -> date:
    """The day of ``start`` where the series is at home."""
    if isinstance(start, Zoned) and isinstance(anchor, Zoned) and start.zone != anchor.zone:
        return Zoned.at(start.instant(), anchor.zone).wall.date()
    return day_of(start)


def _monthly(rule: RecurrenceRule, day: date, parts: set[str]) -> Shape:
    if rule.by_day:
        return Shape.RELATIVE_MONTHLY if _relative(rule, parts) else Shape.OTHER
    if parts <= {"BYMONTHDAY"}:
        return _absolute(rule.part("BYMONTHDAY") or (day.day,), Shape.ABSOLUTE_MONTHLY)
    return Shape.OTHER


def _yearly(rule: RecurrenceRule, day: date, parts: set[str]) -> Shape:
    months = rule.part("BYMONTH") or ((day.month,) if not rule.by_day else ())
    if len(months) != 1:
        return Shape.OTHER
    rest = parts - {"BYMONTH"}
    if rule.by_day:
        return Shape.RELATIVE_YEARLY if _relative(rule, rest) else Shape.OTHER
    if rest <= {"BYMONTHDAY"}:
        days = rule.part("BYMONTHDAY") or (day.day,)
        exists_always = len(days) == 1 and 1 <= days[0] <= (28 if months[0] == 2 else 30 if months[0] in _SHORT else 31)
        return Shape.ABSOLUTE_YEARLY if exists_always else Shape.OTHER
    return Shape.OTHER


_SHORT = (4, 6, 9, 11)


def _absolute(days: tuple[int, ...], shape: Shape) -> Shape:
    if len(days) != 1 or days[0] < 1:
        return Shape.OTHER
    return shape if days[0] <= 28 else Shape.LATE_MONTHLY


def _relative(rule: RecurrenceRule, parts: set[str]) -> bool:
    """First to fourth or last: of one weekday, or of any day, the workdays or the weekend by BYSETPOS."""
    allowed = {1, 2, 3, 4, -1}
    if not parts:
        return len(rule.by_day) == 1 and rule.by_day[0][0] in allowed
    if parts != {"BYSETPOS"} or any(n for n, _ in rule.by_day):
        return False
    positions = rule.part("BYSETPOS")
    names = tuple(name for _, name in rule.by_day)
    group = names in (WEEKDAYS, WEEKDAYS[:5], WEEKDAYS[5:]) or len(names) == 1
    return len(positions) == 1 and positions[0] in allowed and group
