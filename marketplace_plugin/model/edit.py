"""Edits as functions: what an event or a series becomes when a person, or a merge, changes part of it.

Nothing here knows where the item lives. "This and following" splits a series in two (``change_following``); the first
part keeps the identity, the second is a new series.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from marketplace_plugin.model.canonical import EVENT_FIELDS
from marketplace_plugin.model.event import Event, Override, Series, original_key
from marketplace_plugin.model.expand import is_original
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.recurrence_set import recurrence_set
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Zoned

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
    """All occurrences change as this one does: ``event`` is the occurrence at ``original`` after the edit.

    A move is applied as a shift of the whole series: by days and to the new clock time, overrides' originals with it.
    Overrides keep their own content. ``rule`` replaces the rule; without it, a rule that names weekdays or days of the
    month moves with a shift of days where that is unambiguous, and else is kept.
    """
    when, keys = _shifted(series, original, event.when)
    new_rule = rule or _moved_rule(series.rule, original, event.when)
    moved = Series(replace(event, when=when), new_rule, (), tuple(keys(o) for o in series.rdates))
    overrides = tuple(
        sorted((Override(keys(o.original), o.event) for o in series.overrides), key=lambda o: original_key(o.original))
    )
    return replace(moved, overrides=fitting(moved, overrides))


def change_following(
    series: Series, original: Original, event: Event, rule: RecurrenceRule | None = None
) -> tuple[Series | None, Series]:
    """Split at ``original``: what was before (None where nothing is), and a new series from ``event`` on.

    COUNT is shared out, UNTIL ends the first part just before the split, overrides and extra dates go to their side.
    ``rule`` is the new part's where the person changed it. Raises ValueError where there is no such occurrence.
    """
    _checked(series, original)
    before = end_before(series, original)
    rest = _from(series, original)
    return before, change_all(rest, original, event, rule)


def end_before(series: Series, original: Original) -> Series | None:
    """The part of ``series`` before the occurrence at ``original``; None where that is the first one."""
    cut = _wall(original)
    start = series.master.when.start
    if cut <= _wall(start):
        return None
    rule = series.rule
    if rule is not None:
        rule = replace(rule, count=_number_before(series, cut), until=None) if rule.count else _until(rule, original)
    return replace(
        series,
        rule=rule,
        overrides=tuple(o for o in series.overrides if _wall(o.original) < cut),
        rdates=tuple(o for o in series.rdates if _wall(o) < cut),
    )


# ---- parts --------------------------------------------------------------------------------------------------------


def _from(series: Series, original: Original) -> Series:
    """The part of ``series`` from the occurrence at ``original`` on, unchanged."""
    cut = _wall(original)
    rule = series.rule
    if rule is not None and rule.count is not None:
        rule = replace(rule, count=max(1, rule.count - _number_before(series, cut)))
    return Series(
        replace(series.master, when=moved_to(series.master.when, original)),
        rule,
        tuple(o for o in series.overrides if _wall(o.original) >= cut),
        tuple(o for o in series.rdates if _wall(o) >= cut),
    )


def _number_before(series: Series, cut: datetime) -> int:
    """How many occurrences the rule names before ``cut``, cancelled ones too: COUNT counts them (RFC 5545 3.3.10)."""
    if series.rule is None:
        return 0
    start = _wall(series.master.when.start)
    return sum(1 for _ in recurrence_set(series.rule, start, start, cut))


def _until(rule: RecurrenceRule, original: Original) -> RecurrenceRule:
    """Ends just before ``original``: the second before it (an instant in UTC), or the day before it."""
    if isinstance(original, Zoned):
        return replace(rule, until=original.instant() - timedelta(seconds=1))
    return replace(rule, until=original - timedelta(days=1))


def moved_to(when: When, original: Original) -> When:
    """``when`` with another start, as long as before: in elapsed time, or in days."""
    if isinstance(when, AllDay):
        day = original.wall.date() if isinstance(original, Zoned) else original
        return AllDay(day, day + timedelta(days=when.days))
    if not isinstance(original, Zoned):
        original = Zoned(datetime.combine(original, when.start.wall.time()), when.start.zone)
    return Timed(original, Zoned.at(original.instant() + when.duration, when.end.zone))


def _checked(series: Series, original: Original) -> Original:
    if series.override(original) is None and not is_original(series, original):
        raise ValueError(f"the series has no occurrence at {original_key(original)}")
    return original


def _with(series: Series, override: Override) -> Series:
    kept = restore_this(series, override.original).overrides
    return replace(series, overrides=tuple(sorted((*kept, override), key=lambda o: original_key(o.original))))


def _shifted(series: Series, original: Original, when: When) -> tuple[When, Any]:
    """The master's new span, and how originals move with it."""
    start = series.master.when.start
    days = _date(when.start) - _date(original)
    zoned = when.start if isinstance(when, Timed) else None

    def key(old: Original) -> Original:
        day = _date(old) + days
        return day if zoned is None else Zoned(datetime.combine(day, zoned.wall.time()), zoned.zone)

    return moved_to(when, key(start)), key


def _moved_rule(rule: RecurrenceRule | None, original: Original, when: When) -> RecurrenceRule | None:
    if rule is None:
        return None
    days = (_date(when.start) - _date(original)).days
    if days and rule.by_day and not any(n for n, _ in rule.by_day):
        from marketplace_plugin.model.recurrence import WEEKDAYS

        moved = {WEEKDAYS[(WEEKDAYS.index(name) + days) % 7] for _, name in rule.by_day}
        rule = replace(rule, by_day=tuple((0, name) for name in WEEKDAYS if name in moved))
    if days and rule.part("BYMONTHDAY") == (_date(original).day,):
        parts = dict(rule.by) | {"BYMONTHDAY": (_date(when.start).day,)}
        rule = replace(rule, by=tuple(sorted(parts.items())))
    return _until_of_type(rule, original, when, days)


def _until_of_type(rule: RecurrenceRule, original: Original, when: When, days: int) -> RecurrenceRule:
    """UNTIL moves along, and stays of the type of the start: an instant for a timed series, a date for whole days."""
    until = rule.until
    if until is None:
        return rule
    if isinstance(until, datetime) and isinstance(original, Zoned):
        last = Zoned.at(until, original.zone).wall.date()
    else:
        last = until.date() if isinstance(until, datetime) else until
    last += timedelta(days=days)
    if isinstance(when, AllDay):
        return replace(rule, until=last)
    end_of_day = Zoned(datetime.combine(last, time(23, 59, 59)), when.start.zone)
    return replace(rule, until=end_of_day.instant())


def _wall(original: Original) -> datetime:
    return original.wall if isinstance(original, Zoned) else datetime.combine(original, time())


def _date(original: Original) -> date:
    return original.wall.date() if isinstance(original, Zoned) else original
