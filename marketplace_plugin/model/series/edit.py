"""Edits as functions: what an event or a series becomes when a person, or a merge, changes part of it.

Nothing here knows where the item lives. "This and following" splits a series in two (``change_following``); the first
part keeps the identity, the second is a new series.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from marketplace_plugin.model.event import Event, Override, Series, original_key
from marketplace_plugin.model.form.canonical import EVENT_FIELDS, same
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import WEEKDAYS, Frequency, RecurrenceRule
from marketplace_plugin.model.series.expand import is_original, occurrence_at
from marketplace_plugin.model.series.recurrence_set import recurrence_set
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Zoned, day_of

SHAPE = frozenset({"when", "rule", "rdates", "type"})
"""The fields whose change may take away the occurrence that an override belongs to."""


def patch(current: Item, item: Item, changed: frozenset[str]) -> Item:
    """``current`` with the ``changed`` fields of ``item`` (names as in ``Update.changed``); nothing else is touched.

    A single event becomes a series, or back, only where ``rule`` or ``type`` is named. Overrides that are not named
    stay where their occurrence still exists in the new shape.
    """
    if not isinstance(current, Event | Series) or not isinstance(item, Event | Series):
        values: dict[str, Any] = {name: getattr(item, name) for name in changed if hasattr(item, name)}
        return replace(current, **values)
    new = master_of(item)
    master = replace(master_of(current), **{name: getattr(new, name) for name in changed & EVENT_FIELDS})
    shaped = item if changed & {"type", "rule"} else current
    if not isinstance(shaped, Series):
        return master
    old = current if isinstance(current, Series) else shaped
    bare = Series(
        master,
        shaped.rule if "rule" in changed else old.rule,
        (),
        shaped.rdates if "rdates" in changed else old.rdates,
    )
    source = item if "overrides" in changed else current
    overrides = source.overrides if isinstance(source, Series) else ()
    return replace(bare, overrides=overrides if not changed & SHAPE else fitting(bare, overrides))


def fitting(series: Series, overrides: tuple[Override, ...]) -> tuple[Override, ...]:
    """Those of ``overrides`` whose original start ``series`` names."""
    same_type = type(series.master.when.start)
    return tuple(o for o in overrides if isinstance(o.original, same_type) and is_original(series, o.original))


def says_something(series: Series, override: Override) -> bool:
    """Whether it changes what ``series`` names: an exception that is as the rule has it is none."""
    if override.event is None:
        return is_original(series, override.original)
    regular = occurrence_at(replace(series, overrides=()), override.original)
    return regular is None or not same(regular, override.event) or not is_original(series, override.original)


def differing_originals(
    now: Series, wanted: Series, to_write: Callable[[Event, Event], Collection[str]]
) -> list[Original]:
    """The originals whose occurrences are not as wanted, ascending. ``to_write``: the fields that would be written."""
    changed = {original_key(o.original): o.original for o in (*wanted.overrides, *now.overrides)}
    found: list[Original] = []
    for _, original in sorted(changed.items()):
        here, there = occurrence_at(now, original), occurrence_at(wanted, original)
        if (here is None) != (there is None) or (here is not None and there is not None and to_write(here, there)):
            found.append(original)
    return found


def master_of(item: Event | Series) -> Event:
    """The event itself, or the series' master."""
    return item.master if isinstance(item, Series) else item


def change_this(series: Series, original: Original, event: Event) -> Series:
    """One occurrence becomes ``event``; the others stay. Raises ValueError where the series has no such occurrence."""
    return _with(series, Override(_checked(series, original), event))


def cancel_this(series: Series, original: Original) -> Series:
    """One occurrence is taken out (EXDATE). Raises ValueError where the series has no such occurrence."""
    return _with(series, Override(_checked(series, original), None))


def restore_this(series: Series, original: Original) -> Series:
    """One occurrence is like the others again."""
    key = original_key(original)
    return replace(series, overrides=tuple(o for o in series.overrides if original_key(o.original) != key))


def change_all(series: Series, original: Original, event: Event, rule: RecurrenceRule | None = None) -> Series:
    """All occurrences change as this one does: ``event`` is the regular occurrence at ``original`` after the edit.

    A move is a shift of the whole series, by days and to the new clock time: originals and extra dates go with it, and
    so do overrides that were not moved themselves. Overrides keep all else that is their own; those whose occurrence
    is gone with the new rule are dropped. ``rule`` replaces the rule; without it, weekdays, days of the month and UNTIL
    move too.
    """
    old, shift = series.master.when, _Shift(original, event.when)
    moved = Series(
        master=replace(event, when=moved_to(event.when, shift.of(old.start))),
        rule=rule or (series.rule and shift.rule(series.rule, old)),
        rdates=tuple(shift.of(o) for o in series.rdates),
    )
    overrides = []
    for override in series.overrides:
        key, content = shift.of(override.original), override.event
        if content is not None and content.when == moved_to(old, override.original):
            content = replace(content, when=moved_to(moved.master.when, key))
        overrides.append(Override(key, content))
    overrides.sort(key=lambda o: original_key(o.original))
    return replace(moved, overrides=fitting(moved, tuple(overrides)))


def change_following(
    series: Series, original: Original, event: Event, rule: RecurrenceRule | None = None
) -> tuple[Series | None, Series]:
    """Split at ``original``: what was before (None where nothing is), and a new series from ``event`` on.

    COUNT is shared out, UNTIL ends the first part just before the split, overrides and extra dates go to their side.
    ``rule`` is the new part's where the person changed it. Raises ValueError where there is no such occurrence.
    """
    _checked(series, original)
    return end_before(series, original), change_all(start_at(series, original), original, event, rule)


def end_before(series: Series, original: Original) -> Series | None:
    """The part of ``series`` before the occurrence at ``original``; None where that is the first one."""
    cut = _wall(original)
    if cut <= _wall(series.master.when.start):
        return None
    rule = series.rule
    if rule is not None:
        rule = replace(rule, count=_number_before(series, cut)) if rule.count else _until_before(rule, original)
    return _part(
        series,
        rule,
        tuple(o for o in series.overrides if _wall(o.original) < cut),
        tuple(o for o in series.rdates if _wall(o) < cut),
    )


def start_at(series: Series, original: Original) -> Series:
    """The part of ``series`` from the occurrence at ``original`` on, which becomes its first."""
    cut = _wall(original)
    rule = series.rule
    if rule is not None and rule.count is not None:
        rule = replace(rule, count=max(1, rule.count - _number_before(series, cut)))
    return _part(
        replace(series, master=replace(series.master, when=moved_to(series.master.when, original)), overrides=()),
        rule,
        tuple(o for o in series.overrides if _wall(o.original) >= cut),
        tuple(o for o in series.rdates if _wall(o) > cut),
    )


def moved_to(when: When, original: Original) -> When:
    """``when`` with another start, as long as before: in elapsed time, or in days."""
    if isinstance(when, AllDay):
        day = day_of(original)
        return AllDay(day, day + timedelta(days=when.days))
    if not isinstance(original, Zoned):
        original = Zoned(datetime.combine(original, when.start.wall.time()), when.start.zone)
    return Timed(original, Zoned.at(original.instant() + when.duration, when.end.zone))


# ---- parts --------------------------------------------------------------------------------------------------------


def _part(
    series: Series,
    rule: RecurrenceRule | None,
    overrides: tuple[Override, ...],
    rdates: tuple[Original, ...],
) -> Series:
    """A series is never without rule and dates: what has one occurrence left is said by COUNT=1."""
    if rule is None and not rdates:
        rule = RecurrenceRule(Frequency.DAILY, count=1)
    return replace(series, rule=rule, overrides=overrides, rdates=rdates)


def _number_before(series: Series, cut: datetime) -> int:
    """How many occurrences the rule names before ``cut``, cancelled ones too: COUNT counts them (RFC 5545 3.3.10)."""
    if series.rule is None:
        return 0
    start = _wall(series.master.when.start)
    return sum(1 for _ in recurrence_set(series.rule, start, start, cut))


def _until_before(rule: RecurrenceRule, original: Original) -> RecurrenceRule:
    """Ends just before ``original``: the second before it (an instant in UTC), or the day before it."""
    if isinstance(original, Zoned):
        return replace(rule, until=original.instant() - timedelta(seconds=1))
    return replace(rule, until=original - timedelta(days=1))


def _checked(series: Series, original: Original) -> Original:
    if series.override(original) is None and not is_original(series, original):
        raise ValueError(f"the series has no occurrence at {original_key(original)}")
    return original


def _with(series: Series, override: Override) -> Series:
    kept = restore_this(series, override.original).overrides
    return replace(series, overrides=tuple(sorted((*kept, override), key=lambda o: original_key(o.original))))


class _Shift:
    """How a whole series moves when one of its occurrences, at ``original``, becomes ``when``."""

    def __init__(self, original: Original, when: When) -> None:
        self.when = when
        self.stays = original == when.start
        self.by = _wall(when.start) - _wall(original)
        self.days = (day_of(when.start) - day_of(original)).days
        self.same_kind = isinstance(original, Zoned) is isinstance(when, Timed)
        self.original = original

    def of(self, old: Original) -> Original:
        """Where another original start goes. Whole days become timed ones at the new clock time, and back."""
        if self.stays:
            return old
        if isinstance(self.when, AllDay):
            return day_of(old) + timedelta(days=self.days)
        if self.same_kind:
            return Zoned(_wall(old) + self.by, self.when.start.zone)
        clock = self.when.start.wall.time()
        return Zoned(datetime.combine(day_of(old) + timedelta(days=self.days), clock), self.when.start.zone)

    def rule(self, rule: RecurrenceRule, old: When) -> RecurrenceRule:
        if self.stays:
            return rule
        if self.days:
            rule = self._days_of_month(self._weekdays(rule))
        return rule if rule.until is None else replace(rule, until=self._until(rule.until, old))

    def _weekdays(self, rule: RecurrenceRule) -> RecurrenceRule:
        """Plain weekdays turn by the days; a single "second Tuesday" becomes what the new date is in its month."""
        if not rule.by_day or rule.part("BYSETPOS") or rule.part("BYWEEKNO"):
            return rule
        day = day_of(self.when.start)
        if not any(number for number, _ in rule.by_day):
            turned = {WEEKDAYS[(WEEKDAYS.index(name) + self.days) % 7] for _, name in rule.by_day}
            return replace(rule, by_day=tuple((0, name) for name in WEEKDAYS if name in turned))
        if len(rule.by_day) != 1 or (rule.freq is Frequency.YEARLY and not rule.part("BYMONTH")):
            return rule
        is_last = (day + timedelta(days=7)).month != day.month
        number = -1 if rule.by_day[0][0] < 0 and is_last else (day.day - 1) // 7 + 1
        return self._month(replace(rule, by_day=((number, WEEKDAYS[day.weekday()]),)))

    def _days_of_month(self, rule: RecurrenceRule) -> RecurrenceRule:
        if rule.part("BYMONTHDAY") != (day_of(self.original).day,):
            return rule
        return self._month(_with_part(rule, "BYMONTHDAY", day_of(self.when.start).day))

    def _month(self, rule: RecurrenceRule) -> RecurrenceRule:
        if rule.part("BYMONTH") != (day_of(self.original).month,):
            return rule
        return _with_part(rule, "BYMONTH", day_of(self.when.start).month)

    def _until(self, until: date | datetime, old: When) -> date | datetime:
        """The last day moves along. Of a timed series it is the end of that day, of whole days the date (3.3.10)."""
        last = until.date() if isinstance(until, datetime) else until
        if isinstance(until, datetime) and isinstance(old, Timed):
            last = Zoned.at(until, old.start.zone).wall.date()
            if Zoned(datetime.combine(last, old.start.wall.time()), old.start.zone).instant() > until:
                last -= timedelta(days=1)  # the last day's occurrence came after it
        last += timedelta(days=self.days)
        if isinstance(self.when, AllDay):
            return last
        return Zoned(datetime.combine(last, time(23, 59, 59)), self.when.start.zone).instant()


def _with_part(rule: RecurrenceRule, name: str, value: int) -> RecurrenceRule:
    return replace(rule, by=tuple(sorted((dict(rule.by) | {name: (value,)}).items())))


def _wall(original: Original) -> datetime:
    return original.wall if isinstance(original, Zoned) else datetime.combine(original, time())
