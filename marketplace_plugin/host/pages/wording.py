"""What the pages call things: choices of forms, names of fields, sentences about repetition and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import LazyString, lazy_gettext, ngettext
from flask_babel import gettext as _

from marketplace_plugin.host.calendar import words
from marketplace_plugin.host.forms.event import REMINDERS, Scope
from marketplace_plugin.host.forms.repetition import End, Repeat, Repetition, first_day, of_rule, ordinal_of
from marketplace_plugin.host.pages.page import locale
from marketplace_plugin.host.records import events
from marketplace_plugin.model.event import Event, Response, Series, ShowAs, Unknown
from marketplace_plugin.model.recurrence import WEEKDAYS
from marketplace_plugin.model.task import TaskStatus

SHOW_AS: Mapping[str, LazyString] = {
    ShowAs.BUSY.value: lazy_gettext("Busy"),
    ShowAs.FREE.value: lazy_gettext("Free"),
    ShowAs.TENTATIVE.value: lazy_gettext("Tentative"),
    ShowAs.OUT_OF_OFFICE.value: lazy_gettext("Out of office"),
    ShowAs.ELSEWHERE.value: lazy_gettext("Working elsewhere"),
}
ANSWERS: Mapping[str, LazyString] = {
    Response.NEEDS_ACTION.value: lazy_gettext("No answer yet"),
    Response.ACCEPTED.value: lazy_gettext("Accepted"),
    Response.TENTATIVE.value: lazy_gettext("Tentatively accepted"),
    Response.DECLINED.value: lazy_gettext("Declined"),
}
STATUSES: Mapping[str, LazyString] = {
    TaskStatus.NOT_STARTED.value: lazy_gettext("Not started"),
    TaskStatus.IN_PROGRESS.value: lazy_gettext("In progress"),
    TaskStatus.WAITING.value: lazy_gettext("Waiting"),
    TaskStatus.DEFERRED.value: lazy_gettext("Deferred"),
    TaskStatus.COMPLETED.value: lazy_gettext("Done"),
}
CONTACT_LABELS: Mapping[str, LazyString] = {
    "work": lazy_gettext("at work"),
    "home": lazy_gettext("at home"),
    "mobile": lazy_gettext("mobile"),
    "fax": lazy_gettext("fax"),
    "pager": lazy_gettext("pager"),
    "main": lazy_gettext("main number"),
    "other": lazy_gettext("other"),
}
CALENDARS: Mapping[str, LazyString] = {
    "events": lazy_gettext("Events"),
    "sales": lazy_gettext("Sales"),
    "fairs": lazy_gettext("Trade fairs"),
}
SCOPES: Mapping[str, LazyString] = {
    Scope.THIS.value: lazy_gettext("Only this event"),
    Scope.FOLLOWING.value: lazy_gettext("This and the following"),
    Scope.ALL.value: lazy_gettext("All"),
}
ENDS: Mapping[str, LazyString] = {
    End.NEVER.value: lazy_gettext("Never"),
    End.UNTIL.value: lazy_gettext("On a day"),
    End.COUNT.value: lazy_gettext("After a number of times"),
}
LABELS: Mapping[str, LazyString] = {
    "title": lazy_gettext("Title"),
    "place": lazy_gettext("Place"),
    "description": lazy_gettext("Description"),
    "all_day": lazy_gettext("All day"),
    "start_day": lazy_gettext("First day"),
    "start_time": lazy_gettext("Begins"),
    "end_day": lazy_gettext("Last day"),
    "end_time": lazy_gettext("Ends at"),
    "zone": lazy_gettext("Time zone"),
    "show_as": lazy_gettext("Show as"),
    "private": lazy_gettext("Private"),
    "reminder": lazy_gettext("Reminder"),
    "calendar": lazy_gettext("Calendar"),
    "invited": lazy_gettext("Participants"),
    "repeat": lazy_gettext("Repetition"),
    "response": lazy_gettext("Your answer"),
}
_COMMON_ZONES = (
    "Europe/Berlin",
    "Europe/Vienna",
    "Europe/Zurich",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Paris",
    "Europe/Warsaw",
    "Europe/Athens",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Africa/Johannesburg",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "UTC",
)


@dataclass(frozen=True, slots=True)
class Choices:
    """The entries of the event form's lists, each as (value, text)."""

    show_as: Sequence[tuple[str, object]]
    reminders: Sequence[tuple[str, object]]
    answers: Sequence[tuple[str, object]]
    calendars: Sequence[tuple[str, object]]
    repeats: Sequence[tuple[str, object]]
    weekdays: Sequence[tuple[str, str]]
    ends: Sequence[tuple[str, object]]
    scopes: Sequence[tuple[str, object]]
    zones: Sequence[str]


def choices(values: Mapping[str, Any]) -> Choices:
    """With the present values among them, also where the form would not offer them."""
    minutes = sorted({*REMINDERS, *([int(r)] if (r := str(values.get("reminder", ""))).isdigit() else [])})
    zones = dict.fromkeys([*(str(values.get(name) or "") for name in ("zone", "end_zone")), *_COMMON_ZONES])
    return Choices(
        show_as=list(SHOW_AS.items()),
        reminders=[("", _("None")), *((str(m), _reminder(m)) for m in minutes)],
        answers=list(ANSWERS.items()),
        calendars=list(CALENDARS.items()),
        repeats=_repeats(values),
        weekdays=[(day, words.weekday(date(2026, 11, 16 + n), locale())) for n, day in enumerate(WEEKDAYS)],
        ends=list(ENDS.items()),
        scopes=list(SCOPES.items()),
        zones=[zone for zone in zones if zone],
    )


def _reminder(minutes: int) -> str:
    if minutes == 0:
        return str(_("At the start"))
    if minutes % 1440 == 0:
        days = minutes // 1440
        return str(ngettext("%(num)d day before", "%(num)d days before", days))
    if minutes % 60 == 0:
        return str(ngettext("%(num)d hour before", "%(num)d hours before", minutes // 60))
    return str(ngettext("%(num)d minute before", "%(num)d minutes before", minutes))


def _repeats(values: Mapping[str, Any]) -> list[tuple[str, object]]:
    """The start names the day of a monthly repetition."""
    try:
        start = date.fromisoformat(str(values.get("start_day", "")))
    except ValueError:
        start = date(2026, 1, 1)
    entries: list[tuple[str, object]] = [
        (Repeat.NONE.value, _("Does not repeat")),
        (Repeat.DAILY.value, _("Daily")),
        (Repeat.WEEKLY.value, _("Weekly")),
        (Repeat.MONTHLY_DATE.value, _("Monthly on day %(day)d", day=start.day)),
        (Repeat.MONTHLY_WEEKDAY.value, _monthly_weekday(start)),
        (Repeat.YEARLY.value, _("Yearly")),
    ]
    if values.get("repeat") == Repeat.KEPT.value:
        entries.append((Repeat.KEPT.value, _("As it is (own rule)")))
    return entries


def _monthly_weekday(start: date) -> str:
    name = words.weekday_name(start, locale())
    said = {
        1: _("Monthly on the first %(weekday)s", weekday=name),
        2: _("Monthly on the second %(weekday)s", weekday=name),
        3: _("Monthly on the third %(weekday)s", weekday=name),
        4: _("Monthly on the fourth %(weekday)s", weekday=name),
    }
    return str(said.get(ordinal_of(start), _("Monthly on the last %(weekday)s", weekday=name)))


def repetition(series: Series | None) -> str:
    """A sentence such as “Every 2 weeks on Mo, We until 18 December 2026”; empty for a single event."""
    if series is None:
        return ""
    when = series.master.when
    shown = of_rule(series.rule, when)
    if shown.repeat in (Repeat.NONE, Repeat.KEPT):
        return str(_("Repeats by a rule of its own"))
    return " ".join(part for part in (_every(shown, first_day(when)), _until(shown)) if part)


def _every(shown: Repetition, start: date) -> str:
    n = shown.interval
    match shown.repeat:
        case Repeat.DAILY:
            return str(ngettext("Every day", "Every %(num)d days", n))
        case Repeat.WEEKLY:
            days = ", ".join(text for day, text in choices({}).weekdays if day in shown.weekdays)
            return str(ngettext("Every week on %(days)s", "Every %(num)d weeks on %(days)s", n, days=days))
        case Repeat.MONTHLY_DATE:
            return str(ngettext("Every month on day %(day)d", "Every %(num)d months on day %(day)d", n, day=start.day))
        case Repeat.MONTHLY_WEEKDAY:
            how = _monthly_weekday(start)
            return how if n == 1 else str(ngettext("%(how)s, every month", "%(how)s, every %(num)d months", n, how=how))
    return str(ngettext("Every year", "Every %(num)d years", n))


def _until(shown: Repetition) -> str:
    if shown.end is End.COUNT:
        return str(ngettext("(%(num)d time)", "(%(num)d times)", shown.count))
    if shown.until is not None:
        return str(_("until %(day)s", day=words.full_day(shown.until, locale())))
    return ""


def birthday(day: date, *, with_year: bool) -> str:
    """``18. November 1990``, or ``18. November`` where nobody knows the year."""
    return words.full_day(day, locale()) if with_year else words.day_of_a_year(day, locale())


def people(event: Event, record: events.Record) -> list[tuple[str, str, object]]:
    """(name, initials' source, answer) of everyone asked, the organiser left out."""
    attendees = () if isinstance(event.attendees, Unknown) else event.attendees
    return [(a.name or a.address, a.address, ANSWERS[a.response.value]) for a in attendees if a != record.organizer]


def differences(present: Mapping[str, Any], typed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name of the field, its present value) where the present state differs from what was typed."""
    found = []
    for name, label in LABELS.items():
        now, mine = present.get(name) or "", typed.get(name) or ""
        if name in ("start_time", "end_time", "zone") and present.get("all_day"):
            continue
        if now != mine and not (isinstance(now, list) and set(now) == set(mine)):
            found.append((str(label), _said(name, now)))
    return found


def _said(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ngettext("%(num)d person", "%(num)d people", len(value)) if value else str(_("nobody"))
    lists = {"show_as": SHOW_AS, "calendar": CALENDARS, "response": ANSWERS}
    if name in lists:
        return str(lists[name].get(value, value))
    if name in ("all_day", "private"):
        return str(_("yes") if value else _("no"))
    if name == "reminder":
        return _reminder(int(value)) if value else str(_("None"))
    if name == "repeat":
        return str(dict(_repeats({})).get(value, value))
    return str(value) or str(_("empty"))
