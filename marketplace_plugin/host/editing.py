"""What a form makes of an event or a series: of this occurrence, this and the following, or all (pure).

The splitting and moving itself is ``model/series/edit.py``; here is what a person means by it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from marketplace_plugin.host.forms.event import Scope
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.form.canonical import changed_fields
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.edit import (
    cancel_this,
    change_all,
    change_following,
    change_this,
    end_before,
    moved_to,
)
from marketplace_plugin.model.series.expand import occurrence_at
from marketplace_plugin.model.time import Original, Timed, When, Zoned

Edited = tuple[Event | Series, Event | Series | None]
"""What the event is now, and the new event that a split makes of the rest."""


def with_change(
    item: Event | Series, original: Original | None, event: Event, rule: RecurrenceRule | None, scope: Scope
) -> Edited:
    """``event`` is the occurrence at ``original`` (None: the first) as the person wants it, ``rule`` how it repeats.

    Raises ValueError where the series has no such occurrence any more, or would have none.
    """
    if isinstance(item, Event):
        return (event if rule is None else Series(event, rule)), None
    at = original if original is not None else item.master.when.start
    if scope is Scope.THIS:
        return change_this(item, at, event), None
    if rule is None and item.rule is not None:  # it repeats no more
        before = end_before(item, at) if scope is Scope.FOLLOWING else None
        return (event, None) if before is None else (before, event)
    changed = changed_fields(_at(item, at), event) - {"when"}
    meant = _meant(item, at, event)
    new_rule = rule if rule != item.rule else None
    if scope is Scope.FOLLOWING:
        before, rest = change_following(item, at, meant, new_rule)
        rest = _carried(rest, item.master, meant, changed)
        return (rest, None) if before is None else (before, rest)
    return _carried(change_all(item, at, meant, new_rule), item.master, meant, changed), None


def _at(series: Series, at: Original) -> Event:
    found = occurrence_at(series, at)
    if found is None:
        raise ValueError("the occurrence was cancelled")
    return found


def _meant(series: Series, at: Original, event: Event) -> Event:
    """The regular occurrence at ``at`` with what was changed in the shown one, which may be an exception itself."""
    shown = _at(series, at)
    regular = replace(series.master, when=moved_to(series.master.when, at))
    return only(regular, event, changed_fields(shown, event))


def _carried(series: Series, old: Event, new: Event, changed: frozenset[str]) -> Series:
    """What was changed for all also reaches the exceptions that had it like all the others."""

    def carry(override: Override) -> Override:
        if override.event is None:
            return override
        names = {name for name in changed if getattr(override.event, name) == getattr(old, name)}
        return replace(override, event=only(override.event, new, frozenset(names)))

    return replace(series, overrides=tuple(carry(override) for override in series.overrides))


def without(series: Series, original: Original, scope: Scope) -> Series | None:
    """The series without this occurrence, or without it and the following; None where nothing would be left."""
    return cancel_this(series, original) if scope is Scope.THIS else end_before(series, original)


def only(before: Event, after: Event, names: frozenset[str]) -> Event:
    """``before`` with the named fields of ``after``."""
    values: dict[str, Any] = {name: getattr(after, name) for name in names}
    return replace(before, **values)


def regular_when(item: Event | Series, original: Original | None, shown: When) -> When:
    """When the chosen occurrence is by the rule alone; a single event is when it is."""
    return moved_to(item.master.when, original) if isinstance(item, Series) and original is not None else shown


def an_hour(start: datetime, zone: str) -> Timed:
    """From a naive wall time on."""
    return Timed(Zoned(start, zone), Zoned(start + timedelta(hours=1), zone))
