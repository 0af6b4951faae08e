"""The wall times that a rule names (RFC 5545 3.3.10), in order, starting near any moment without walking there.

Everything here is naive: the wall time of the series' own zone, or midnight of a date for an all-day series. UNTIL
needs a zone and is applied in ``expand.py``. Points where readers of the RFC differ:

* DTSTART is the first instance and counts for COUNT even where the rule does not name it (3.8.5.3).
* A date that does not exist (31 April, 29 February) is skipped, never moved (3.3.10).
* What a BY part leaves open comes from DTSTART, so YEARLY;BYWEEKNO=20 is one day of that week (3.3.10).
* An ordinal in BYDAY counts within the month where BYMONTH stands in a yearly rule, else within the year.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count

from marketplace_plugin.model.recurrence import WEEKDAYS, Frequency, RecurrenceRule

PATIENCE = 50_000
"""So many periods and times are looked at in one call before it gives up: bounds rules that name next to nothing."""

_DAY = timedelta(days=1)
_END = datetime(9999, 12, 31)  # noqa: DTZ001 - naive like all here
_SECONDS = {
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.MINUTELY: timedelta(minutes=1),
    Frequency.SECONDLY: timedelta(seconds=1),
}


class GaveUp(Exception):
    """``PATIENCE`` was used up before the end was reached."""


def recurrence_set(rule: RecurrenceRule, start: datetime, after: datetime, before: datetime) -> Iterator[datetime]:
    """The wall times in [after, before), ascending, each once; COUNT is honoured, UNTIL is not.

    ``start`` is DTSTART. Where a COUNT has to be counted, all times from the start on are walked, but only those from
    ``after`` on are given. Raises GaveUp for a rule that is too sparse or too far away.
    """
    steady = _steady_step(rule, start)
    if steady is not None:
        yield from _steady(start, steady, rule.count, after, before)
        return
    if start >= before:
        return
    if start >= after:
        yield start
    number = 1
    counted = rule.count is not None
    for wall in _walls(rule, start, start if counted else max(start, after), before):
        if wall <= start:
            continue
        if wall >= before:
            return
        number += 1
        if rule.count is not None and number > rule.count:
            return
        if wall >= after:
            yield wall


def last_of(rule: RecurrenceRule, start: datetime) -> datetime | None:
    """The last wall time of a rule with COUNT, None where the calendar ends first. Raises GaveUp."""
    if rule.count is None:
        return None
    steady = _steady_step(rule, start)
    if steady is not None:
        try:
            return start + steady * (rule.count - 1)
        except OverflowError:
            return None
    last = start
    for number, wall in enumerate(recurrence_set(rule, start, start, _END), 1):
        last = wall
        if number == rule.count:
            return last
    return last


def _steady_step(rule: RecurrenceRule, start: datetime) -> timedelta | None:
    """The distance of neighbours where it is always the same: rules that are counted without walking."""
    if rule.by or rule.by_day not in ((), ((0, WEEKDAYS[start.weekday()]),)):
        return None
    if rule.freq is Frequency.WEEKLY:
        return _times_interval(7 * _DAY, rule)
    if rule.by_day:
        return None
    if rule.freq is Frequency.DAILY:
        return _times_interval(_DAY, rule)
    return _times_interval(_SECONDS[rule.freq], rule) if rule.freq in _SECONDS else None


def _times_interval(unit: timedelta, rule: RecurrenceRule) -> timedelta:
    """So long that it leaves the calendar at once, where INTERVAL is beyond all measure."""
    try:
        return unit * rule.interval
    except OverflowError:
        return timedelta.max


def _steady(
    start: datetime, step: timedelta, total: int | None, after: datetime, before: datetime
) -> Iterator[datetime]:
    first = max(0, -((start - after) // step)) if after > start else 0
    for number in count(first):
        if total is not None and number >= total:
            return
        try:
            wall = start + step * number
        except OverflowError:  # year 10000
            return
        if wall >= before:
            return
        if wall >= after:
            yield wall


def _walls(rule: RecurrenceRule, start: datetime, after: datetime, before: datetime) -> Iterator[datetime]:
    """Wall times of whole periods, beginning at or before ``after``; ends with the period that reaches ``before``."""
    periods = _sub_daily(rule, start, after) if rule.freq in _SECONDS else _daily(rule, start, after)
    positions = rule.part("BYSETPOS")
    looked_at = 0
    for begin, walls in periods:
        if begin >= before:
            return
        looked_at += 1 + len(walls)
        if looked_at > PATIENCE:
            raise GaveUp
        if positions:
            walls = sorted({walls[p - 1 if p > 0 else p] for p in positions if 0 < abs(p) <= len(walls)})  # noqa: PLW2901
        yield from walls


# ---- periods of days and more -------------------------------------------------------------------------------------


def _daily(rule: RecurrenceRule, start: datetime, after: datetime) -> Iterator[tuple[datetime, list[datetime]]]:
    """(begin of the period, its wall times) for YEARLY, MONTHLY, WEEKLY and DAILY rules."""
    days = _DayFilter(rule, start.date())
    times = _times(rule, start)
    try:
        for begin, candidates in _periods(rule, start.date(), after.date(), days):
            named = [day for day in candidates if days.names(day)]
            yield datetime.combine(begin, time()), [datetime.combine(day, at) for day in named for at in times]
    except (OverflowError, ValueError):  # the calendar ends with the year 9999
        return


def _periods(
    rule: RecurrenceRule, start: date, after: date, days: _DayFilter
) -> Iterator[tuple[date, Iterator[date] | list[date]]]:
    step = rule.interval
    if rule.freq is Frequency.DAILY:
        for number in count(max(0, (after - start).days // step)):
            day = start + _DAY * (step * number)
            yield day, [day]
    elif rule.freq is Frequency.WEEKLY:
        week = start - _DAY * ((start.weekday() - WEEKDAYS.index(rule.week_start)) % 7)
        for number in count(max(0, (after - week).days // (7 * step))):
            monday = week + 7 * _DAY * (step * number)
            yield monday, [monday + _DAY * n for n in range(7)]
    elif rule.freq is Frequency.MONTHLY:
        months = start.year * 12 + start.month - 1
        for number in count(max(0, (after.year * 12 + after.month - 1 - months) // step)):
            year, month = divmod(months + step * number, 12)
            yield date(year, month + 1, 1), days.of_month(year, month + 1)
    else:
        for number in count(max(0, (after.year - start.year) // step)):
            year = start.year + step * number
            months_of_year = sorted(days.months) or range(1, 13)
            yield date(year, 1, 1), [day for month in months_of_year for day in days.of_month(year, month)]


def _times(rule: RecurrenceRule, start: datetime) -> list[time]:
    hours = rule.part("BYHOUR") or (start.hour,)
    minutes = rule.part("BYMINUTE") or (start.minute,)
    seconds = rule.part("BYSECOND") or (start.second,)
    return [
        time(hour, minute, min(second, 59), start.microsecond)  # a leap second is read as the one before (3.3.12)
        for hour in sorted(set(hours))
        for minute in sorted(set(minutes))
        for second in sorted(set(seconds))
    ]


class _DayFilter:
    """The BY parts that name days, with what they leave open taken from DTSTART."""

    def __init__(self, rule: RecurrenceRule, start: date) -> None:
        self.months = set(rule.part("BYMONTH"))
        self.month_days = set(rule.part("BYMONTHDAY"))
        self.year_days = set(rule.part("BYYEARDAY"))
        self.weeks = set(rule.part("BYWEEKNO"))
        self.week_start = WEEKDAYS.index(rule.week_start)
        numbered = rule.freq in (Frequency.MONTHLY, Frequency.YEARLY) and not self.weeks
        self.weekdays = {WEEKDAYS.index(name) for n, name in rule.by_day if not (numbered and n)}
        self.ordinals = {(n, WEEKDAYS.index(name)) for n, name in rule.by_day if numbered and n}
        self.within_year = rule.freq is Frequency.YEARLY and not self.months
        self._take_from_start(rule.freq, start)

    def _take_from_start(self, freq: Frequency, start: date) -> None:
        if self.weekdays or self.ordinals or self.month_days or self.year_days:
            return
        if freq is Frequency.WEEKLY or (freq is Frequency.YEARLY and self.weeks):
            self.weekdays = {start.weekday()}
        elif freq in (Frequency.MONTHLY, Frequency.YEARLY):
            self.month_days = {start.day}
            if freq is Frequency.YEARLY and not self.months:
                self.months = {start.month}

    def of_month(self, year: int, month: int) -> list[date]:
        """Days of a month, narrowed by BYMONTHDAY where that is cheap."""
        last = monthrange(year, month)[1]
        if not self.month_days:
            return [date(year, month, day) for day in range(1, last + 1)]
        days = {day if day > 0 else last + 1 + day for day in self.month_days}
        return [date(year, month, day) for day in sorted(days) if 1 <= day <= last]

    def names(self, day: date) -> bool:
        if self.months and day.month not in self.months:
            return False
        if self.month_days and not self._month_day(day):
            return False
        if self.year_days and not self._year_day(day):
            return False
        if self.weeks and not self._week(day):
            return False
        if not (self.weekdays or self.ordinals):
            return True
        return day.weekday() in self.weekdays or self._ordinal(day)

    def _month_day(self, day: date) -> bool:
        return day.day in self.month_days or day.day - monthrange(day.year, day.month)[1] - 1 in self.month_days

    def _year_day(self, day: date) -> bool:
        number = day.timetuple().tm_yday
        return number in self.year_days or number - _year_length(day.year) - 1 in self.year_days

    def _week(self, day: date) -> bool:
        """Weeks begin on WKST; week 1 is the first with four days in the year. A day belongs to its week's year."""
        begin = day - _DAY * ((day.weekday() - self.week_start) % 7)
        year = (begin + 3 * _DAY).year
        number = (begin - _first_week(year, self.week_start)).days // 7 + 1
        total = (_first_week(year + 1, self.week_start) - _first_week(year, self.week_start)).days // 7
        return number in self.weeks or number - total - 1 in self.weeks

    def _ordinal(self, day: date) -> bool:
        if self.within_year:
            position, length = day.timetuple().tm_yday, _year_length(day.year)
        else:
            position, length = day.day, monthrange(day.year, day.month)[1]
        from_start, from_end = (position - 1) // 7 + 1, -((length - position) // 7 + 1)
        weekday = day.weekday()
        return (from_start, weekday) in self.ordinals or (from_end, weekday) in self.ordinals


def _year_length(year: int) -> int:
    return 366 if monthrange(year, 2)[1] == 29 else 365


def _first_week(year: int, week_start: int) -> date:
    fourth = date(year, 1, 4)
    return fourth - _DAY * ((fourth.weekday() - week_start) % 7)


# ---- hours, minutes, seconds --------------------------------------------------------------------------------------


def _sub_daily(rule: RecurrenceRule, start: datetime, after: datetime) -> Iterator[tuple[datetime, list[datetime]]]:
    """Like ``_daily`` for HOURLY, MINUTELY and SECONDLY rules; days that the rule does not name are skipped whole."""
    days = _DayFilter(rule, start.date())
    step = _times_interval(_SECONDS[rule.freq], rule)
    base = start.replace(
        minute=start.minute if rule.freq is not Frequency.HOURLY else 0,
        second=start.second if rule.freq is Frequency.SECONDLY else 0,
    )
    hours, minutes, seconds = (set(rule.part(name)) for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    number = max(0, (after - base) // step)
    try:
        while True:
            begin = base + step * number
            if not days.names(begin.date()):
                midnight = datetime.combine(begin.date() + _DAY, time())
                number = max(number + 1, -((base - midnight) // step))
                yield begin, []
                continue
            yield begin, _times_within(rule.freq, begin, start, (hours, minutes, seconds))
            number += 1
    except (OverflowError, ValueError):
        return


def _times_within(
    freq: Frequency, begin: datetime, start: datetime, parts: tuple[set[int], set[int], set[int]]
) -> list[datetime]:
    hours, minutes, seconds = parts
    if hours and begin.hour not in hours:
        return []
    if freq is Frequency.HOURLY:
        at_minutes = sorted(minutes) or [start.minute]
    else:
        at_minutes = [begin.minute] if not minutes or begin.minute in minutes else []
    if freq is Frequency.SECONDLY:
        at_seconds = [begin.second] if not seconds or begin.second in seconds else []
    else:
        at_seconds = sorted(seconds) or [start.second]
    return [begin.replace(minute=m, second=min(s, 59)) for m in at_minutes for s in at_seconds]
