"""Fields of an event and their values as a person reads them: what a conflict is about, and what each side says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from flask_babel import LazyString, gettext, lazy_gettext, ngettext

from marketplace_plugin.model.contact import YEARLESS, Labelled, PostalAddress
from marketplace_plugin.model.event import UNKNOWN, Override, Response, Sensitivity, ShowAs, Status
from marketplace_plugin.model.recurrence import Frequency, RecurrenceRule
from marketplace_plugin.model.task import Priority, TaskStatus
from marketplace_plugin.model.time import AllDay, When, Zoned
from marketplace_plugin.sync.merge.cells import OVERRIDES, Parts
from marketplace_plugin.sync.merge.entries import LISTS


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


FIELDS: Mapping[str, LazyString] = {
    "title": lazy_gettext("Title"),
    "when": lazy_gettext("Time"),
    "location": lazy_gettext("Place"),
    "description": lazy_gettext("Description"),
    "show_as": lazy_gettext("Shown as"),
    "sensitivity": lazy_gettext("Privacy"),
    "status": lazy_gettext("State"),
    "reminder": lazy_gettext("Reminder"),
    "response": lazy_gettext("Answer"),
    "organizer": lazy_gettext("Organised by"),
    "attendees": lazy_gettext("Participants"),
    "conference": lazy_gettext("Online meeting"),
    "recurrence": lazy_gettext("Time and repetition"),
    "display_name": lazy_gettext("Shown as"),
    "given_name": lazy_gettext("First name"),
    "middle_name": lazy_gettext("Middle name"),
    "family_name": lazy_gettext("Last name"),
    "prefix": lazy_gettext("Title before the name"),
    "suffix": lazy_gettext("Suffix"),
    "company": lazy_gettext("Company"),
    "job_title": lazy_gettext("Position"),
    "department": lazy_gettext("Department"),
    "emails": lazy_gettext("E-mail address"),
    "phones": lazy_gettext("Phone number"),
    "addresses": lazy_gettext("Address"),
    "websites": lazy_gettext("Website"),
    "birthday": lazy_gettext("Birthday"),
    "notes": lazy_gettext("Notes"),
    "due": lazy_gettext("Due on"),
    "priority": lazy_gettext("Priority"),
    "completed": lazy_gettext("Done on"),
}
TASK_STATUSES: Mapping[TaskStatus, LazyString] = {
    TaskStatus.NOT_STARTED: lazy_gettext("Not started"),
    TaskStatus.IN_PROGRESS: lazy_gettext("In progress"),
    TaskStatus.WAITING: lazy_gettext("Waiting"),
    TaskStatus.DEFERRED: lazy_gettext("Deferred"),
    TaskStatus.COMPLETED: lazy_gettext("Done"),
}
PRIORITIES: Mapping[Priority, LazyString] = {
    Priority.LOW: lazy_gettext("Low"),
    Priority.NORMAL: lazy_gettext("Normal"),
    Priority.HIGH: lazy_gettext("High"),
}
SHOWN_AS: Mapping[ShowAs, LazyString] = {
    ShowAs.FREE: lazy_gettext("Free"),
    ShowAs.TENTATIVE: lazy_gettext("Tentative"),
    ShowAs.BUSY: lazy_gettext("Busy"),
    ShowAs.OUT_OF_OFFICE: lazy_gettext("Out of office"),
    ShowAs.ELSEWHERE: lazy_gettext("Working elsewhere"),
}
SENSITIVITIES: Mapping[Sensitivity, LazyString] = {
    Sensitivity.NORMAL: lazy_gettext("Normal"),
    Sensitivity.PRIVATE: lazy_gettext("Private"),
    Sensitivity.CONFIDENTIAL: lazy_gettext("Confidential"),
}
STATUSES: Mapping[Status, LazyString] = {
    Status.CONFIRMED: lazy_gettext("Confirmed"),
    Status.TENTATIVE: lazy_gettext("Tentative"),
    Status.CANCELLED: lazy_gettext("Cancelled"),
}
RESPONSES: Mapping[Response, LazyString] = {
    Response.NEEDS_ACTION: lazy_gettext("Not answered"),
    Response.ACCEPTED: lazy_gettext("Accepted"),
    Response.TENTATIVE: lazy_gettext("Tentative"),
    Response.DECLINED: lazy_gettext("Declined"),
}
_WORDS: Mapping[type, Mapping[Any, LazyString]] = {
    ShowAs: SHOWN_AS,
    Sensitivity: SENSITIVITIES,
    Status: STATUSES,
    Response: RESPONSES,
    TaskStatus: TASK_STATUSES,
    Priority: PRIORITIES,
}
FREQUENCIES: Mapping[Frequency, LazyString] = {
    Frequency.YEARLY: lazy_gettext("every year"),
    Frequency.MONTHLY: lazy_gettext("every month"),
    Frequency.WEEKLY: lazy_gettext("every week"),
    Frequency.DAILY: lazy_gettext("every day"),
}


def field(cell: str, locale: Locale) -> str:
    """``Titel``; of one occurrence of a series ``Titel am 16. März 2026``."""
    top, _slash, rest = cell.partition("/")
    if top in LISTS:
        return str(FIELDS[top])
    if top != OVERRIDES:
        return str(FIELDS.get(cell, cell))
    key, _slash, inner = rest.partition("/")
    day = format_date(date.fromisoformat(key[:10]), "long", locale=locale)
    if not inner:
        return _("Occurrence on %(day)s", day=day)
    return _("%(field)s on %(day)s", field=FIELDS.get(inner, inner), day=day)


def value(told: Any, zone: str, locale: Locale) -> str:
    """One value of the model. Never empty: nothing is told in words."""
    if type(told) in _WORDS:
        return str(_WORDS[type(told)][told])
    match told:
        case tuple():
            return "; ".join(value(entry, zone, locale) for entry in told)
        case Labelled() | PostalAddress() | Zoned() | date():
            return _of_an_entry(told, zone, locale)
        case str():
            return told or _("(empty)")
        case int():
            return str(ngettext("%(num)d minute before", "%(num)d minutes before", told))
        case Override(event=None):
            return _("Cancelled")
        case Override(event=event) if event is not None:
            return f"{value(event.title, zone, locale)}, {when(event.when, zone, locale)}"
        case Parts():
            return _of_a_series(told, zone, locale)
        case None:
            return _("(none)")
    if told is UNKNOWN:
        return _("(hidden)")
    return when(told, zone, locale)


def _of_a_series(told: Parts, zone: str, locale: Locale) -> str:
    """Times and repetition, and below them each changed occurrence."""
    said = when(told.event.when, zone, locale)
    first = f"{said}, {repetition(told.rule)}" if told.rule is not None else said
    changed = [
        f"{field(f'{OVERRIDES}/{key}', locale)}: {value(override, zone, locale)}"
        for key, override in sorted(told.overrides.items())
    ]
    return "\n".join([first, *changed])


def _of_an_entry(told: Labelled | PostalAddress | Zoned | date, zone: str, locale: Locale) -> str:
    """What contacts and tasks hold beside texts."""
    match told:
        case Labelled(value=text):
            return text
        case PostalAddress():
            parts = (told.street, f"{told.postal_code} {told.city}".strip(), told.region, told.country)
            return ", ".join(part for part in parts if part) or _("(empty)")
        case Zoned():
            local = told.instant().astimezone(ZoneInfo(zone))
            return f"{_day(local.date(), locale)}, {_clock(local, locale)}"
    return format_date(told, "long" if told.year != YEARLESS else "d. MMMM", locale=locale)


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


def repetition(rule: RecurrenceRule | None) -> str:
    """In short: how often; None are single days without a rule."""
    if rule is None:
        return _("on single days")
    often = FREQUENCIES.get(rule.freq, lazy_gettext("repeated"))
    return (
        str(often) if rule.interval == 1 else _("%(often)s, each %(number)d. time", often=often, number=rule.interval)
    )


def _day(day: date, locale: Locale) -> str:
    return format_date(day, "full", locale=locale)


def _clock(at: datetime, locale: Locale) -> str:
    return format_time(at.time(), "HH:mm", locale=locale)
