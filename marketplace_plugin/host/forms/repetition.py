"""How an event repeats: between a rule and the fields of the form. A rule that the form cannot say is kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum

from flask_babel import lazy_gettext as _

from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.model.recurrence import WEEKDAYS, Frequency, RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, When, zone

MOST = 999
LAST = -1
DEFAULT_COUNT = 10


class Repeat(StrEnum):
    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY_DATE = "monthly-date"  # on the 18th
    MONTHLY_WEEKDAY = "monthly-weekday"  # on the third Wednesday
    YEARLY = "yearly"
    KEPT = "kept"  # as it is: the form has no words for it


class End(StrEnum):
    NEVER = "never"
    UNTIL = "until"
    COUNT = "count"


_FREQUENCY = {
    Repeat.DAILY: Frequency.DAILY,
    Repeat.WEEKLY: Frequency.WEEKLY,
    Repeat.MONTHLY_DATE: Frequency.MONTHLY,
    Repeat.MONTHLY_WEEKDAY: Frequency.MONTHLY,
    Repeat.YEARLY: Frequency.YEARLY,
}


@dataclass(frozen=True, slots=True)
class Repetition:
    """What the form shows of a rule."""

    repeat: Repeat = Repeat.NONE
    interval: int = 1
    weekdays: tuple[str, ...] = ()
    end: End = End.NEVER
    until: date | None = None
    count: int = DEFAULT_COUNT

    def values(self) -> Mapping[str, object]:
        """As values of the form's fields."""
        return {
            "repeat": self.repeat.value,
            "interval": str(self.interval),
            "weekdays": list(self.weekdays),
            "end": self.end.value,
            "until": self.until.isoformat() if self.until else "",
            "count": str(self.count),
        }


def first_day(when: When) -> date:
    return when.start.wall.date() if isinstance(when, Timed) else when.start


def ordinal_of(day: date) -> int:
    """Which weekday of its month ``day`` is: 1 to 4, or the last one."""
    nth = (day.day - 1) // 7 + 1
    return nth if nth < 5 else LAST


# ---- rule -> form --------------------------------------------------------------------------------------------------


def of_rule(rule: RecurrenceRule | None, when: When) -> Repetition:
    """What the form shows for a rule of an event at ``when``; ``KEPT`` where the form has no words for it."""
    if rule is None:
        return Repetition()
    shown = Repetition(
        repeat=_repeat_of(rule),
        interval=rule.interval,
        weekdays=tuple(day for _ordinal, day in rule.by_day) if rule.freq is Frequency.WEEKLY else (),
        end=End.COUNT if rule.count is not None else End.UNTIL if rule.until is not None else End.NEVER,
        until=_until_day(rule.until, when),
        count=rule.count or DEFAULT_COUNT,
    )
    if shown.repeat is Repeat.WEEKLY and not shown.weekdays:
        shown = replace(shown, weekdays=(WEEKDAYS[first_day(when).weekday()],))
    said = to_rule(shown, when)
    means_the_same = said is not None and _shape(said, when) == _shape(rule, when)
    return shown if means_the_same else replace(shown, repeat=Repeat.KEPT)


def _repeat_of(rule: RecurrenceRule) -> Repeat:
    match rule.freq:
        case Frequency.DAILY:
            return Repeat.DAILY
        case Frequency.WEEKLY:
            return Repeat.WEEKLY
        case Frequency.MONTHLY:
            return Repeat.MONTHLY_WEEKDAY if rule.by_day else Repeat.MONTHLY_DATE
        case Frequency.YEARLY:
            return Repeat.YEARLY
    return Repeat.KEPT


def _shape(rule: RecurrenceRule, when: When) -> RecurrenceRule:
    """What a rule means beside its end. Services write down the weekday, day or month that follows from the start."""
    start = first_day(when)
    implied = {"BYMONTHDAY": (start.day,), "BYMONTH": (start.month,) if rule.freq is Frequency.YEARLY else ()}
    own_day = rule.freq is Frequency.WEEKLY and rule.by_day == ((0, WEEKDAYS[start.weekday()]),)
    return replace(
        rule,
        until=None,
        count=None,
        by=tuple(part for part in rule.by if implied.get(part[0]) != part[1]),
        by_day=() if own_day else rule.by_day,
        week_start="MO" if rule.interval == 1 else rule.week_start,
    )


def _until_day(until: date | datetime | None, when: When) -> date | None:
    if isinstance(until, datetime):
        return until.astimezone(zone(when.start.zone) if isinstance(when, Timed) else UTC).date()
    return until


# ---- form -> rule --------------------------------------------------------------------------------------------------


def read(fields: Fields, when: When, kept: RecurrenceRule | None, kept_when: When) -> RecurrenceRule | None:
    """The rule that the form says for an event at ``when``. ``kept`` is the present one, shown for an event at
    ``kept_when``: where the person touched none of its fields, it is left exactly as it is."""
    repeat = fields.one_of("repeat", Repeat, Repeat.NONE)
    if repeat is Repeat.NONE:
        return None
    if repeat is Repeat.KEPT:
        return kept
    weekdays = tuple(day for day in WEEKDAYS if day in fields.many("weekdays")) if repeat is Repeat.WEEKLY else ()
    end = fields.one_of("end", End, End.NEVER)
    start = first_day(when)
    until = fields.day("until", start) if end is End.UNTIL else None
    if until is not None and until < start:
        fields.wrong("until", _("The repetition ends before the first event. Please choose a later day."))
        until = start
    said = Repetition(
        repeat=repeat,
        interval=fields.number("interval", 1, MOST, 1),
        weekdays=weekdays,
        end=end,
        until=until,
        count=fields.number("count", 1, MOST, DEFAULT_COUNT) if end is End.COUNT else DEFAULT_COUNT,
    )
    if kept is not None and _said_the_same(said, of_rule(kept, kept_when)):
        return kept
    return to_rule(said, when)


def _said_the_same(said: Repetition, shown: Repetition) -> bool:
    count = said.count if said.end is End.COUNT else shown.count
    return replace(said, count=count) == shown


def to_rule(said: Repetition, when: When) -> RecurrenceRule | None:
    """None for no repetition. A weekly one always has the weekday that it starts on."""
    if said.repeat in (Repeat.NONE, Repeat.KEPT):
        return None
    start = first_day(when)
    by_day: tuple[tuple[int, str], ...] = ()
    if said.repeat is Repeat.WEEKLY:
        chosen = {*said.weekdays, WEEKDAYS[start.weekday()]}
        by_day = tuple((0, day) for day in WEEKDAYS if day in chosen) if len(chosen) > 1 else ()
    if said.repeat is Repeat.MONTHLY_WEEKDAY:
        by_day = ((ordinal_of(start), WEEKDAYS[start.weekday()]),)
    return RecurrenceRule(
        freq=_FREQUENCY[said.repeat],
        interval=said.interval,
        count=said.count if said.end is End.COUNT else None,
        until=_until(said.until, when) if said.end is End.UNTIL and said.until is not None else None,
        by_day=by_day,
    )


def _until(day: date, when: When) -> date | datetime:
    """Inclusive: the day itself, or its last second on the clock of the event's zone."""
    if isinstance(when, AllDay):
        return day
    return datetime.combine(day, time(23, 59, 59), zone(when.start.zone)).astimezone(UTC)
