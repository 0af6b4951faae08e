"""The tenants and accounts of ``make run`` and of the tests, and calendars around the clock's today."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.outlook.time import times
from marketplace_plugin.sandbox.graph.state import PERSONAL_TENANT, Account, State, Tenant

Json = dict[str, Any]

ZONE = "W. Europe Standard Time"
NORDWERK, STRIKT, OUTLOOK = "nordwerk.example", "strikt.example", "outlook.example"
ANNA, JONAS = f"anna.brandt@{NORDWERK}", f"jonas.weber@{NORDWERK}"
NORDWERK_ADMIN = f"it@{NORDWERK}"
LENA, STRIKT_ADMIN = f"lena.hoffmann@{STRIKT}", f"admin@{STRIKT}"
ANNA_PRIVATE = f"anna.brandt@{OUTLOOK}"
OUTSIDE = "petra.kunde@example.com"
FAMILY, SALES, HOLIDAYS = "Familie", "Vertrieb", "Feiertage in Deutschland"

TENANTS = (
    Tenant("7d1f3a52-6a0e-4b5c-8c56-0d2b6f0a1101", NORDWERK, "Nordwerk GmbH"),
    Tenant("c2f0b9ab-2d0c-47ce-9b8b-5f3a9e0c2202", STRIKT, "Strikt AG", consent="calendars_by_admin"),
    Tenant(PERSONAL_TENANT, OUTLOOK, "Microsoft-Konten"),
)
ACCOUNTS = (
    Account(ANNA, "Anna Brandt", "0f6b9a4e-5d1e-4a55-9d0e-6f1f00000001", NORDWERK),
    Account(JONAS, "Jonas Weber", "0f6b9a4e-5d1e-4a55-9d0e-6f1f00000002", NORDWERK),
    Account(NORDWERK_ADMIN, "Ina Tech", "0f6b9a4e-5d1e-4a55-9d0e-6f1f00000003", NORDWERK, admin=True),
    Account(LENA, "Lena Hoffmann", "0f6b9a4e-5d1e-4a55-9d0e-6f1f00000004", STRIKT),
    Account(STRIKT_ADMIN, "Adam Min", "0f6b9a4e-5d1e-4a55-9d0e-6f1f00000005", STRIKT, admin=True),
    Account(ANNA_PRIVATE, "Anna Brandt", "00000000-0000-0000-9d0e-6f1f00000006", OUTLOOK),
)


def fill(state: State) -> None:
    """Calendars, shares, series with exceptions, invitations, private and all-day events."""
    monday = _monday(state)
    _calendars(state)
    _default(Actor(state, ANNA), monday)
    _series(Actor(state, ANNA), monday)
    _shared(state, monday)
    _invitations(Actor(state, JONAS), Actor(state, ANNA), monday)
    Actor(state, LENA).insert(timed("Audit vorbereiten", _day(monday, 2), 10))
    state.outbox.clear()


def _monday(state: State) -> date:
    today = state.now().astimezone(times.zone_of(ZONE)).date()
    return today - timedelta(days=today.weekday())


def _day(monday: date, number: int) -> date:
    return monday + timedelta(days=number)


def at(moment: datetime) -> Json:
    """A wall time in Berlin."""
    return {"dateTime": moment.isoformat(), "timeZone": ZONE}


def timed(subject: str, day: date, hour: int, minutes: int = 60, **more: Any) -> Json:
    """A body of a timed event."""
    start = datetime.combine(day, time(hour))
    return {"subject": subject, "start": at(start), "end": at(start + timedelta(minutes=minutes)), **more}


def all_day(subject: str, day: date, days: int = 1, **more: Any) -> Json:
    """A body of an event of whole days."""
    start = datetime.combine(day, time(0))
    end = at(start + timedelta(days=days))
    return {"subject": subject, "start": at(start), "end": end, "isAllDay": True, **more}


def weekly(day: date, name: str, **range_more: Any) -> Json:
    """A recurrence without end."""
    return {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [name], "firstDayOfWeek": "monday"},
        "range": {"type": "noEnd", "startDate": day.isoformat(), **range_more},
    }


def _calendars(state: State) -> None:
    state.add_calendar(ANNA, FAMILY, color="lightGreen")
    sales = state.add_calendar(JONAS, SALES, color="lightBlue")
    state.share(sales, ANNA, "write")
    state.share(state.default_calendar(JONAS), ANNA, "freeBusyRead")


def _default(anna: Actor, monday: date) -> None:
    anna.insert(timed("Zahnarzt Dr. Ebert", _day(monday, 1), 9, 45, sensitivity="private"))
    room = {"displayName": "Besprechungsraum 2"}
    anna.insert(timed("Angebot Nordlicht besprechen", _day(monday, 1), 14, 90, location=room))
    text = {"contentType": "html", "content": "<p>Unterlagen: <b>Version 3</b></p><p>Zwei Fragen</p>"}
    anna.insert(timed("Telefonat mit Petra", _day(monday, 2), 11, 30, body=text))
    anna.insert(timed("Fahrt nach Hamburg", _day(monday, 3), 7, 150, showAs="free"))
    anna.insert(all_day("Messe Hamburg", _day(monday, 3), 2, location={"displayName": "Hamburg"}))
    anna.insert(all_day("Urlaub", _day(monday, 14), 5, showAs="oof"))
    anna.insert(all_day("Steuererklärung abgeben", _day(monday, 9), showAs="free"))
    anna.insert(timed("Spätdienst über Mitternacht", _day(monday, 4), 22, 300))
    anna.insert(timed("Abstimmung Vertrieb online", _day(monday, 3), 13, 30, isOnlineMeeting=True))
    anna.insert(timed("Anruf aus Lissabon", _day(monday, 8), 11, 30), custom_zone=True)


def _series(anna: Actor, monday: date) -> None:
    begin = monday - timedelta(weeks=4)
    meeting = anna.insert(timed("Jour fixe Vertrieb", begin, 10, 60, recurrence=weekly(begin, "monday")))
    changed, dropped = monday + timedelta(weeks=1), monday + timedelta(weeks=2)
    moved = timed("Jour fixe Vertrieb (verschoben)", changed + timedelta(days=1), 15)
    anna.patch(anna.occurrence(meeting["id"], changed.isoformat())["id"], moved)
    anna.delete(anna.occurrence(meeting["id"], dropped.isoformat())["id"])
    wednesday = _day(begin, 2)
    anna.insert(timed("Yoga", wednesday, 18, 75, recurrence=weekly(wednesday, "wednesday"), sensitivity="private"))
    last = date(monday.year, 1, 31)
    pattern = {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}
    rule = {"pattern": pattern, "range": {"type": "noEnd", "startDate": last.isoformat()}}
    anna.insert(all_day("Miete überweisen", last, showAs="free", recurrence=rule))


def _shared(state: State, monday: date) -> None:
    anna, jonas = Actor(state, ANNA), Actor(state, JONAS)
    anna.insert(timed("Elternabend", _day(monday, 2), 19, 90), FAMILY)
    anna.insert(all_day("Oma zu Besuch", _day(monday, 5), 2), FAMILY)
    jonas.insert(timed("Quartalsplanung", _day(monday, 8), 13, 120), SALES)
    jonas.insert(timed("Gehaltsgespräch", _day(monday, 8), 16, sensitivity="private"), SALES)
    jonas.insert(timed("Kundentermin Ostsee", monday, 9))
    jonas.insert(timed("Arzt", _day(monday, 3), 8, sensitivity="private"))
    holidays = state.add_calendar(ANNA, HOLIDAYS)
    names = {"01-01": "Neujahr", "05-01": "Tag der Arbeit", "10-03": "Tag der Deutschen Einheit",
             "12-25": "Erster Weihnachtstag", "12-26": "Zweiter Weihnachtstag"}  # fmt: skip
    for year in (monday.year, monday.year + 1):
        for day, name in names.items():
            anna.insert(all_day(name, date.fromisoformat(f"{year}-{day}"), showAs="free"), HOLIDAYS)
    holidays.read_only = True


def _invitations(jonas: Actor, anna: Actor, monday: date) -> None:
    guests = [_guest(ANNA, "Anna Brandt"), _guest(OUTSIDE, "Petra Kunde")]
    jonas.insert(timed("Projektstart Leuchtturm", _day(monday, 7), 10, attendees=guests))
    jonas.insert(timed("Grillabend", _day(monday, 4), 18, 180, attendees=[_guest(ANNA, "Anna Brandt")]))
    invited = next(event for event in anna.events() if event["subject"] == "Grillabend")
    anna.respond(invited["id"], "declined", keep=True)
    anna.insert(timed("Vertragsgespräch", _day(monday, 10), 15, attendees=[_guest(OUTSIDE, "Petra Kunde")]))


def _guest(address: str, name: str) -> Json:
    return {"type": "required", "emailAddress": {"address": address, "name": name}}
