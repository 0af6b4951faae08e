"""What a person does to one event or series, as a function of what he sees; the same on either side.

``edited`` gives what the item is now, and for "this and following" the new series beside it. Each edit brings tokens of
its own from the ledger.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.edit import (
    cancel_this,
    change_all,
    change_following,
    change_this,
    master_of,
    moved_to,
    restore_this,
)
from marketplace_plugin.model.series.expand import is_original
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Zoned, start_of
from tests.laws.ledger import Ledger

EventItem = Event | Series
Edited = tuple[EventItem | None, Series | None]
"""The item as it is now (None: nothing is left of it), and the new series that a split makes."""


class Edit(StrEnum):
    TITLE = "title"
    PLACE = "place"
    LENGTH = "length"
    DAY = "day"  # a day later, and with it the whole series
    WHOLE_DAYS = "whole-days"  # timed becomes all-day, and back
    ZONE = "zone"
    RULE = "rule"
    OCCURRENCE = "occurrence"
    PASS = "pass"  # an occurrence goes past its neighbour
    CANCEL = "cancel"
    RESTORE = "restore"
    SPLIT = "split"  # this and following


OF_ANY = (Edit.TITLE, Edit.PLACE, Edit.LENGTH, Edit.DAY, Edit.WHOLE_DAYS, Edit.ZONE)
OF_SERIES = (Edit.RULE, Edit.OCCURRENCE, Edit.PASS, Edit.CANCEL, Edit.RESTORE, Edit.SPLIT)


def edited(item: EventItem, edit: Edit, number: int, ledger: Ledger) -> Edited | None:
    """``number`` chooses the occurrence. None where this edit has no meaning for the item."""
    if isinstance(item, Series) and edit in OF_SERIES:
        return _series_edited(item, edit, number, ledger)
    master = master_of(item)
    match edit:
        case Edit.TITLE:
            return _with(item, replace(master, title=ledger.word())), None
        case Edit.PLACE:
            return _with(item, replace(master, location=ledger.word())), None
        case Edit.LENGTH if isinstance(master.when, Timed):
            return _timed(item, _long(master.when, ledger)), None
        case Edit.DAY:
            return _timed(item, moved_to(master.when, _later(start_of(master.when), 1))), None
        case Edit.WHOLE_DAYS:
            return _timed(item, _other_kind(master.when, ledger)), None
        case Edit.ZONE if isinstance(master.when, Timed):
            zone = "Europe/Berlin" if master.when.start.zone != "Europe/Berlin" else "America/New_York"
            start = Zoned(master.when.start.wall, zone)
            return _timed(item, Timed(start, Zoned.at(start.instant() + master.when.duration, zone))), None
    return None


def _series_edited(series: Series, edit: Edit, number: int, ledger: Ledger) -> Edited | None:
    if edit is Edit.RULE:
        rule = RecurrenceRule.parse(f"FREQ=WEEKLY;COUNT={3 + number % 6}")
        start = start_of(series.master.when)
        return change_all(series, start, series.master, rule), None
    original = _later(start_of(series.master.when), 7 * (number % 5))
    known = series.override(original)
    if edit is Edit.RESTORE:
        return (restore_this(series, original), None) if known is not None else None
    if not is_original(series, original) or (known is not None and known.event is None):
        return None
    shown = known.event if known is not None and known.event is not None else _regular(series, original)
    match edit:
        case Edit.CANCEL:
            return cancel_this(series, original), None
        case Edit.OCCURRENCE:
            when = _long(shown.when, ledger) if isinstance(shown.when, Timed) else shown.when
            return change_this(series, original, replace(shown, when=when, title=ledger.word())), None
        case Edit.PASS:
            there = moved_to(shown.when, _later(original, 8))
            return change_this(series, original, replace(shown, when=there, title=ledger.word())), None
    event = replace(_regular(series, original), title=ledger.word(), description=ledger.birth())
    if isinstance(event.when, Timed):
        event = replace(event, when=_long(event.when, ledger))
    return change_following(series, original, event)


def _regular(series: Series, original: Original) -> Event:
    return replace(series.master, when=moved_to(series.master.when, original))


def _with(item: EventItem, master: Event) -> EventItem:
    return replace(item, master=master) if isinstance(item, Series) else master


def _timed(item: EventItem, when: When) -> EventItem:
    """The item at another time; a series whole, as a calendar does it."""
    if isinstance(item, Event):
        return replace(item, when=when)
    return change_all(item, start_of(item.master.when), replace(item.master, when=when))


def _long(when: Timed, ledger: Ledger) -> Timed:
    end = when.start.instant() + timedelta(minutes=ledger.minutes())
    return Timed(when.start, Zoned.at(end, when.start.zone))


def _other_kind(when: When, ledger: Ledger) -> When:
    if isinstance(when, Timed):
        day = when.start.wall.date()
        return AllDay(day, day + timedelta(days=1))
    nine = Zoned(datetime.combine(when.start, datetime.min.time()).replace(hour=9), "Europe/Berlin")
    return _long(Timed(nine, nine), ledger)


def _later(start: Original, days: int) -> Original:
    if isinstance(start, Zoned):
        return Zoned(start.wall + timedelta(days=days), start.zone)
    return start + timedelta(days=days)
