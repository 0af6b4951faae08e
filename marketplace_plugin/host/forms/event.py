"""The form of an event: values for its fields, and back into an ``Event``.

What the form does not show (a meeting's link, guests from outside, the answer of an account) stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext as _

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.calendar.entries import CALENDARS, text
from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.model.event import Attendee, Event, Response, Sensitivity, ShowAs, Unknown
from marketplace_plugin.model.form.outline import hidden
from marketplace_plugin.model.time import AllDay, Timed, When, Zoned

TITLE, PLACE, DESCRIPTION = 300, 500, 20_000
LONGEST_REMINDER = 40_320  # minutes: four weeks, what services hold
REMINDERS = (0, 5, 10, 15, 30, 60, 120, 1440, 2880)


class Scope(StrEnum):
    """What of a series an edit concerns."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


Values = Mapping[str, object]


def new_values(day: date, start: datetime, zone: str) -> dict[str, object]:
    """Of an empty form: an hour on ``day``. ``start`` is a naive wall time."""
    begins = datetime.combine(day, start.time())
    when = Timed(Zoned(begins, zone), Zoned(begins + timedelta(hours=1), zone))
    return values_of(Event(when=when), zone, invited=(), calendar="events")


def values_of(event: Event, viewer_zone: str, invited: Sequence[str], calendar: str) -> dict[str, object]:
    return {
        "title": text(event.title),
        "place": text(event.location),
        "description": text(event.description),
        "show_as": "" if isinstance(event.show_as, Unknown) else event.show_as.value,
        "private": "1" if hidden(event) else "",
        "reminder": "" if event.reminder is None or isinstance(event.reminder, Unknown) else str(event.reminder),
        "invited": list(invited),
        "calendar": calendar,
        "response": event.response.value if event.response is not None else "",
        **_when_values(event.when, viewer_zone),
    }


def _when_values(when: When, viewer_zone: str) -> dict[str, object]:
    if isinstance(when, AllDay):
        last = when.end - timedelta(days=1)  # people name the last day, not the one after
        return {
            "all_day": "1",
            "start_day": when.start.isoformat(),
            "end_day": last.isoformat(),
            "start_time": "09:00",
            "end_time": "10:00",
            "zone": viewer_zone,
            "end_zone": "",
        }
    return {
        "all_day": "",
        "start_day": when.start.wall.date().isoformat(),
        "start_time": when.start.wall.strftime("%H:%M"),
        "end_day": when.end.wall.date().isoformat(),
        "end_time": when.end.wall.strftime("%H:%M"),
        "zone": when.start.zone,
        "end_zone": when.end.zone if when.end.zone != when.start.zone else "",
    }


# ---- reading -------------------------------------------------------------------------------------------------------


def read(fields: Fields, before: Event, colleagues: Sequence[Person]) -> Event:
    """The event that the form says, over ``before``. Look at ``fields.errors`` before using it."""
    return replace(
        before,
        when=read_when(fields, before.when),
        title=fields.text("title", TITLE, missing=_("Please enter a title.")),
        location=fields.text("place", PLACE),
        description=fields.text("description", DESCRIPTION),
        show_as=read_show_as(fields, before),
        sensitivity=_sensitivity(fields, before),
        reminder=read_reminder(fields),
        attendees=_attendees(before, fields.many("invited"), colleagues),
    )


def read_own(fields: Fields, before: Event) -> Event:
    """What a participant may say: his answer, his reminder, how his time counts."""
    response = fields.one_of("response", Response, before.response or Response.NEEDS_ACTION)
    return replace(before, response=response, reminder=read_reminder(fields), show_as=read_show_as(fields, before))


def read_calendar(fields: Fields) -> str:
    value = fields.raw("calendar")
    return value if value in CALENDARS else next(iter(CALENDARS))


def read_show_as(fields: Fields, before: Event) -> ShowAs:
    known = ShowAs.BUSY if isinstance(before.show_as, Unknown) else before.show_as
    return fields.one_of("show_as", ShowAs, known)


def read_reminder(fields: Fields) -> int | None:
    return fields.number("reminder", 0, LONGEST_REMINDER, 0) if fields.raw("reminder") else None


def read_when(fields: Fields, before: When) -> When:
    if fields.ticked("all_day"):
        start = fields.day("start_day", _first(before))
        last = fields.day("end_day", start)
        if last < start:
            fields.wrong("end_day", _("The event ends before it begins. Please choose a later day."))
            last = start
        return AllDay(start, last + timedelta(days=1))
    known = before if isinstance(before, Timed) else None
    zone = fields.zone("zone", known.start.zone if known else "UTC")
    end_zone = fields.zone("end_zone", zone)
    otherwise = datetime.combine(_first(before), datetime.min.time())
    start_at = _zoned(fields.moment("start_day", "start_time", otherwise), zone, known.start if known else None)
    end_at = _zoned(fields.moment("end_day", "end_time", start_at.wall), end_zone, known.end if known else None)
    if end_at.instant() < start_at.instant():
        if not fields.errors:
            fields.wrong("end_time", _("The event ends before it begins. Please choose a later time."))
        end_at = start_at
    return Timed(start_at, end_at)


def _zoned(wall: datetime, zone: str, before: Zoned | None) -> Zoned:
    """An unchanged wall time keeps which of two equal ones it is."""
    same = before is not None and (before.wall.replace(second=0), before.zone) == (wall, zone)
    return before if same and before is not None else Zoned(wall, zone)


def _first(when: When) -> date:
    return when.start.wall.date() if isinstance(when, Timed) else when.start


def _sensitivity(fields: Fields, before: Event) -> Sensitivity:
    if not fields.ticked("private"):
        return Sensitivity.NORMAL
    known = before.sensitivity
    return Sensitivity.PRIVATE if isinstance(known, Unknown) or known is Sensitivity.NORMAL else known


def _attendees(before: Event, invited: Sequence[str], colleagues: Sequence[Person]) -> tuple[Attendee, ...]:
    known = () if isinstance(before.attendees, Unknown) else before.attendees
    of_steg = {person.email: person for person in colleagues}
    stay = tuple(a for a in known if a.address not in of_steg or of_steg[a.address].id in invited)
    there = {a.address for a in stay}
    new = tuple(Attendee(p.email, p.name) for p in colleagues if p.id in invited and p.email not in there)
    return stay + new
