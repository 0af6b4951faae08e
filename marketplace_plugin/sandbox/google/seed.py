"""The seeded accounts, calendars and events, placed around the sandbox's today."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import times
from marketplace_plugin.sandbox.google.state import Account, State

ANNA = "anna.brandt@gmail.example"
ANNA_PRIVATE = "anna.privat@gmail.example"
JONAS = "jonas.weber@gmail.example"
ACCOUNTS = (
    Account(ANNA, "Anna Brandt", "104729384756102938475"),
    Account(ANNA_PRIVATE, "Anna (privat)", "110394857610293847561"),
    Account(JONAS, "Jonas Weber", "117263549810273645918"),
)

FAMILY = "familie-7f3a@group.calendar.google.com"
SALES = "vertrieb-c41d@group.calendar.google.com"
HOLIDAYS = "de.german#holiday@group.v.calendar.google.com"
OUTSIDE = "petra.kunde@kunde.example"
ZONE = "Europe/Berlin"


def fill(state: State) -> None:
    """Give the seeded accounts their calendars and events."""
    monday = _monday(state)
    _calendars(state)
    _primary(Actor(state, ANNA), monday)
    _series(Actor(state, ANNA), monday)
    _shared(state, monday)
    _invitations(Actor(state, JONAS), Actor(state, ANNA), monday)
    _special_types(Actor(state, ANNA), monday)
    state.outbox.clear()


def _monday(state: State) -> date:
    today = state.now().astimezone(ZoneInfo(ZONE)).date()
    return today - timedelta(days=today.weekday())


def at(day: date, hour: int, minute: int = 0) -> Json:
    """A wall time in Berlin."""
    local = datetime.combine(day, time(hour, minute))
    return {"dateTime": local.isoformat(), "timeZone": ZONE}


def on(day: date) -> Json:
    """A date."""
    return {"date": day.isoformat()}


def timed(summary: str, day: date, hour: int, minutes: int = 60, **more: Any) -> Json:
    """A body of a timed event."""
    end = datetime.combine(day, time(hour)) + timedelta(minutes=minutes)
    return {
        "summary": summary,
        "start": at(day, hour),
        "end": {"dateTime": end.isoformat(), "timeZone": ZONE},
        **more,
    }


def all_day(summary: str, day: date, days: int = 1, **more: Any) -> Json:
    """A body of an event of whole days."""
    return {"summary": summary, "start": on(day), "end": on(day + timedelta(days=days)), **more}


def _calendars(state: State) -> None:
    state.add_calendar(ANNA, calendar_id=FAMILY, summary="Familie", color="17")
    state.set_role(FAMILY, ANNA_PRIVATE, "writer")
    state.add_calendar(
        JONAS,
        calendar_id=SALES,
        summary="Vertrieb",
        description="Gemeinsame Termine des Vertriebs",
        color="8",
        labels=(("kunde", "Kunde"), ("intern", "Intern")),
    )
    state.set_role(SALES, ANNA, "writer")
    state.add_calendar("feiertage@google.example", calendar_id=HOLIDAYS, summary="Feiertage in Deutschland")
    for email in (ANNA, JONAS):
        state.set_role(HOLIDAYS, email, "reader")
    state.set_role(JONAS, ANNA, "freeBusyReader")
    state.lists[ANNA][JONAS].summary_override = "Jonas (frei/belegt)"
    state.lists[ANNA][HOLIDAYS].selected = False


def _day(monday: date, number: int) -> date:
    return monday + timedelta(days=number)


def _primary(anna: Actor, monday: date) -> None:
    anna.insert(timed("Zahnarzt Dr. Ebert", _day(monday, 1), 9, 45, visibility="private"))
    anna.insert(timed("Angebot Nordlicht besprechen", _day(monday, 1), 14, 90, location="Besprechungsraum 2"))
    anna.insert(
        timed("Telefonat mit Petra", _day(monday, 2), 11, 30, description="Unterlagen: <b>Version 3</b><br>Zwei Fragen")
    )
    anna.insert(timed("Fahrt nach Hamburg", _day(monday, 3), 7, 150, transparency="transparent"))
    anna.insert(all_day("Messe Hamburg", _day(monday, 3), 2, location="Hamburg"))
    anna.insert(all_day("Urlaub", _day(monday, 14), 5))
    anna.insert(all_day("Steuererklärung abgeben", _day(monday, 9), transparency="transparent"))
    anna.insert(timed("Spätdienst über Mitternacht", _day(monday, 4), 22, 300))


def _series(anna: Actor, monday: date) -> None:
    begin = monday - timedelta(weeks=4)
    weekly = anna.insert(timed("Jour fixe Vertrieb", begin, 10, 60, recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO"]))
    changed, dropped = monday + timedelta(weeks=1), monday + timedelta(weeks=2)
    anna.patch(
        _instance(weekly["id"], changed, 10),
        timed("Jour fixe Vertrieb (verschoben)", changed + timedelta(days=1), 15, 60),
    )
    anna.delete(_instance(weekly["id"], dropped, 10))
    anna.insert(timed("Yoga", _day(begin, 2), 18, 75, recurrence=["RRULE:FREQ=WEEKLY;BYDAY=WE"], visibility="private"))
    anna.insert(all_day("Miete überweisen", begin, recurrence=["RRULE:FREQ=MONTHLY"], transparency="transparent"))


def _instance(master: str, day: date, hour: int) -> str:
    local = datetime.combine(day, time(hour), tzinfo=ZoneInfo(ZONE))
    return f"{master}_{times.suffix(local.astimezone(ZoneInfo('UTC')))}"


def _shared(state: State, monday: date) -> None:
    anna, jonas = Actor(state, ANNA), Actor(state, JONAS)
    anna.insert(timed("Elternabend", _day(monday, 2), 19, 90), FAMILY)
    anna.insert(all_day("Oma zu Besuch", _day(monday, 5), 2), FAMILY)
    jonas.insert(timed("Quartalsplanung", _day(monday, 8), 13, 120), SALES)
    jonas.insert(timed("Gehaltsgespräch", _day(monday, 8), 16, 60, visibility="private"), SALES)
    jonas.insert(timed("Kundentermin Ostsee", _day(monday, 0), 9, 60))
    jonas.insert(timed("Arzt", _day(monday, 3), 8, 60, visibility="private"))
    _holidays(state, monday.year)


def _holidays(state: State, year: int) -> None:
    """The calendar's owner is no account; its events are put in place."""
    calendar = state.calendars[HOLIDAYS]
    names = {"01-01": "Neujahr", "05-01": "Tag der Arbeit", "10-03": "Tag der Deutschen Einheit",
             "12-25": "Erster Weihnachtstag", "12-26": "Zweiter Weihnachtstag"}  # fmt: skip
    for number in (year, year + 1):
        for day, name in names.items():
            first = date.fromisoformat(f"{number}-{day}")
            event_id = f"{first:%Y%m%d}feiertag"
            person = {"email": HOLIDAYS, "displayName": calendar.summary}
            state.add_event(
                calendar,
                event_id.replace("y", "0"),
                {
                    "status": "confirmed",
                    "eventType": "default",
                    "summary": name,
                    "start": on(first),
                    "end": on(first + timedelta(days=1)),
                    "sequence": 0,
                    "visibility": "public",
                    "transparency": "transparent",
                    "iCalUID": f"{event_id}@google.com",
                    "organizer": person,
                    "creator": person,
                },
            )


def _invitations(jonas: Actor, anna: Actor, monday: date) -> None:
    guests = [{"email": JONAS, "responseStatus": "accepted"}, {"email": ANNA}, {"email": OUTSIDE}]
    jonas.insert(timed("Projektstart Leuchtturm", _day(monday, 7), 10, 60, attendees=guests))
    declined = jonas.insert(timed("Grillabend", _day(monday, 4), 18, 180, attendees=[{"email": ANNA}]))
    anna.patch(declined["id"], {"attendees": [{"email": ANNA, "responseStatus": "declined"}]})
    own = [{"email": ANNA, "responseStatus": "accepted"}, {"email": OUTSIDE, "displayName": "Petra Kunde"}]
    anna.insert(timed("Vertragsgespräch", _day(monday, 10), 15, 60, attendees=own))


def _special_types(anna: Actor, monday: date) -> None:
    anna.insert(
        {
            **all_day("Geburtstag Opa Karl", _day(monday, 11), recurrence=["RRULE:FREQ=YEARLY"]),
            "eventType": "birthday",
            "visibility": "private",
            "transparency": "transparent",
            "birthdayProperties": {"type": "birthday"},
        }
    )
    anna.insert(
        {
            **all_day("Zuhause", _day(monday, 4)),
            "eventType": "workingLocation",
            "visibility": "public",
            "transparency": "transparent",
            "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}},
        }
    )
    away = {"autoDeclineMode": "declineNone"}
    anna.insert(timed("Abwesend", _day(monday, 21), 8, 540, eventType="outOfOffice", outOfOfficeProperties=away))
    anna.insert(timed("Konzept schreiben", _day(monday, 2), 8, 120, eventType="focusTime", focusTimeProperties=away))
