"""Fields of an event and their values as a person reads them: what a conflict is about, and what each side says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from flask_babel import LazyString, gettext, ngettext
from flask_babel import lazy_gettext as _l

from marketplace_plugin.model.event import UNKNOWN, Override, Response, Sensitivity, ShowAs, Status
from marketplace_plugin.model.recurrence import Frequency, RecurrenceRule
from marketplace_plugin.model.time import AllDay, When
from marketplace_plugin.sync.cells import OVERRIDES, Parts


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


FIELDS: Mapping[str, LazyString] = {
    "title": _l("Title"),
    "when": _l("Time"),
    "location": _l("Place"),
    "description": _l("Description"),
    "show_as": _l("Shown as"),
    "sensitivity": _l("Privacy"),
    "status": _l("State"),
    "reminder": _l("Reminder"),
    "response": _l("Answer"),
    "organizer": _l("Organised by"),
    "attendees": _l("Participants"),
    "conference": _l("Online meeting"),
    "recurrence": _l("Time and repetition"),
}
SHOWN_AS: Mapping[ShowAs, LazyString] = {
    ShowAs.FREE: _l("Free"),
    ShowAs.TENTATIVE: _l("Tentative"),
    ShowAs.BUSY: _l("Busy"),
    ShowAs.OUT_OF_OFFICE: _l("Out of office"),
    ShowAs.ELSEWHERE: _l("Working elsewhere"),
}
SENSITIVITIES: Mapping[Sensitivity, LazyString] = {
    Sensitivity.NORMAL: _l("Normal"),
    Sensitivity.PRIVATE: _l("Private"),
    Sensitivity.CONFIDENTIAL: _l("Confidential"),
}
STATUSES: Mapping[Status, LazyString] = {
    Status.CONFIRMED: _l("Confirmed"),
    Status.TENTATIVE: _l("Tentative"),
    Status.CANCELLED: _l("Cancelled"),
}
RESPONSES: Mapping[Response, LazyString] = {
    Response.NEEDS_ACTION: _l("Not answered"),
    Response.ACCEPTED: _l("Accepted"),
    Response.TENTATIVE: _l("Tentative"),
    Response.DECLINED: _l("Declined"),
}
FREQUENCIES: Mapping[Frequency, LazyString] = {
    Frequency.YEARLY: _l("every year"),
    Frequency.MONTHLY: _l("every month"),
    Frequency.WEEKLY: _l("every week"),
    Frequency.DAILY: _l("every day"),
}


def field(cell: str, locale: Locale) -> str:
    """``Titel``; of one occurrence of a series ``Titel am 16. März 2026``."""
    top, _slash, rest = cell.partition("/")
    if top != OVERRIDES:
        return str(FIELDS.get(cell, cell))
    key, _slash, inner = rest.partition("/")
    day = format_date(date.fromisoformat(key[:10]), "long", locale=locale)
    if not inner:
        return _("Occurrence on %(day)s", day=day)
    return _("%(field)s on %(day)s", field=FIELDS.get(inner, inner), day=day)


def value(told: Any, zone: str, locale: Locale) -> str:
    """One value of the model. Never empty: nothing is told in words."""
    match told:
        case ShowAs():
            return str(SHOWN_AS[told])
        case Sensitivity():
            return str(SENSITIVITIES[told])
        case Status():
            return str(STATUSES[told])
        case Response():
            return str(RESPONSES[told])
        case str():
            return told or _("(empty)")
        case int():
            return str(ngettext("%(num)d minute before", "%(num)d minutes before", told))
        case Override(event=None):
            return _("Cancelled")
        case Override(event=event) if event is not None:
            return f"{value(event.title, zone, locale)}, {when(event.when, zone, locale)}"
        case Parts():
            said = when(told.master.when, zone, locale)
            return f"{said}, {repetition(told.rule)}" if told.rule is not None else said
        case None:
            return _("(none)")
    if told is UNKNOWN:
        return _("(hidden)")
    return when(told, zone, locale)


def when(told: When, zone: str, locale: Locale) -> str:
    """``Dienstag, 10. März 2026, 09:00 bis 10:00`` in the reader's zone; whole days without times."""
    if isinstance(told, AllDay):
        last = told.end - timedelta(days=1)
        if last == told.start:
            return _("%(day)s, all day", day=_day(told.start, locale))
        return _("%(first)s to %(last)s, all day", first=_day(told.start, locale), last=_day(last, locale))
    start, end = (at.instant().astimezone(ZoneInfo(zone)) for at in (told.start, told.end))
    if start.date() == end.date():
        return _(
            "%(day)s, %(start)s to %(end)s",
            day=_day(start.date(), locale),
            start=_clock(start, locale),
            end=_clock(end, locale),
        )
    first, last_at = (f"{_day(at.date(), locale)}, {_clock(at, locale)}" for at in (start, end))
    return _("%(first)s to %(last)s", first=first, last=last_at)


def repetition(rule: RecurrenceRule) -> str:
    """In short: how often."""
    often = FREQUENCIES.get(rule.freq, _l("repeated"))
    return (
        str(often) if rule.interval == 1 else _("%(often)s, each %(number)d. time", often=often, number=rule.interval)
    )


def _day(day: date, locale: Locale) -> str:
    return format_date(day, "full", locale=locale)


def _clock(at: datetime, locale: Locale) -> str:
    return format_time(at.time(), "HH:mm", locale=locale)
