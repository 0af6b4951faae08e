"""The accounts of ``make run`` and of the tests, and calendars around the clock's today."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marketplace_plugin.sandbox.ews.act import Actor, monthly, weekly
from marketplace_plugin.sandbox.ews.items import Event, Item
from marketplace_plugin.sandbox.ews.outlook import times
from marketplace_plugin.sandbox.ews.state import Account, Folder, State
from marketplace_plugin.sandbox.ews.wire import schema

ZONE = "W. Europe Standard Time"
DOMAIN, HOST = "NORDWERK", "nordwerk.example"
ANNA, JONAS, IT = f"anna.brandt@{HOST}", f"jonas.weber@{HOST}", f"it@{HOST}"
CLOUD = f"lena.hoffmann@{HOST}"
"""Somebody whose mailbox is in Exchange Online: autodiscover leads to outlook.office365.com."""
OUTSIDE = "petra.kunde@example.com"
PASSWORD = "Fischmarkt-2026"
PROJECT, SALES = "Projekt Leuchtturm", "Vertrieb"
CLOUD_URL = "https://outlook.office365.com/EWS/Exchange.asmx"


def accounts() -> tuple[Account, ...]:
    """New accounts, as they count wrong passwords."""
    return (
        Account(ANNA, "Anna Brandt", "anna.brandt", DOMAIN, PASSWORD),
        Account(JONAS, "Jonas Weber", "jonas.weber", DOMAIN, PASSWORD),
        Account(IT, "Ina Tech", "it", DOMAIN, PASSWORD),
        Account(CLOUD, "Lena Hoffmann", "lena.hoffmann", DOMAIN, PASSWORD, settings_url=CLOUD_URL),
    )


def fill(state: State) -> None:
    """Calendars, shares, series with exceptions, invitations, private and all-day items."""
    today = state.now().astimezone(times.zone_of(ZONE)).date()
    monday = today - timedelta(days=today.weekday())
    anna, jonas = Actor(state, ANNA), Actor(state, JONAS)
    anna.add_folder(PROJECT)
    sales = jonas.add_folder(SALES)
    state.share(sales, ANNA, "Editor")
    state.share(state.distinguished(JONAS, "calendar"), ANNA, "Reviewer")
    state.share(state.distinguished(IT, "calendar"), ANNA, "FreeBusyTimeOnly")
    _default(anna, monday)
    _series(anna, monday)
    _shared(anna, jonas, monday)
    _invitations(anna, jonas, monday)
    _people_and_tasks(anna, monday)
    state.outbox.clear()


def _at(day: date, hour: int, minutes: int = 60) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(hour))
    return start, start + timedelta(minutes=minutes)


def _day(monday: date, number: int) -> date:
    return monday + timedelta(days=number)


def _default(anna: Actor, monday: date) -> None:
    anna.create("Zahnarzt Dr. Ebert", *_at(_day(monday, 1), 9, 45), Sensitivity="Private")
    anna.create("Angebot Nordlicht besprechen", *_at(_day(monday, 1), 14, 90), Location="Besprechungsraum 2")
    anna.create("Telefonat mit Petra", *_at(_day(monday, 2), 11, 30), Body="Unterlagen: Version 3\nZwei Fragen")
    anna.create("Fahrt nach Hamburg", *_at(_day(monday, 3), 7, 150), LegacyFreeBusyStatus="Free")
    anna.create("Messe Hamburg", _day(monday, 3), _day(monday, 5), Location="Hamburg")
    anna.create("Urlaub", _day(monday, 14), _day(monday, 19), LegacyFreeBusyStatus="OOF")
    anna.create("Steuererklärung abgeben", _day(monday, 9), LegacyFreeBusyStatus="Free")
    anna.create("Spätdienst über Mitternacht", *_at(_day(monday, 4), 22, 300))
    anna.create("Anruf aus Lissabon", *_at(_day(monday, 8), 11, 30), zone="GMT Standard Time", custom_zone=True)


def _series(anna: Actor, monday: date) -> None:
    begin = monday - timedelta(weeks=4)
    meeting = anna.create("Jour fixe Vertrieb", *_at(begin, 10), rule=weekly(begin))
    changed, dropped = monday + timedelta(weeks=1), monday + timedelta(weeks=2)
    moved = anna.occurrence(meeting, changed)
    anna.update(moved, *_at(changed + timedelta(days=1), 15), Subject="Jour fixe Vertrieb (verschoben)")
    anna.delete(anna.occurrence(meeting, dropped))
    wednesday = _day(begin, 2)
    anna.create("Yoga", *_at(wednesday, 18, 75), rule=weekly(wednesday), Sensitivity="Private")
    last = date(monday.year, 1, 31)
    anna.create("Miete überweisen", last, rule=monthly(last), LegacyFreeBusyStatus="Free")


def _shared(anna: Actor, jonas: Actor, monday: date) -> None:
    anna.create("Leuchtturm: Bauabnahme", *_at(_day(monday, 2), 15, 90), folder=PROJECT)
    jonas.create("Quartalsplanung", *_at(_day(monday, 8), 13, 120), folder=SALES)
    jonas.create("Gehaltsgespräch", *_at(_day(monday, 8), 16), folder=SALES, Sensitivity="Private")
    jonas.create("Kundentermin Ostsee", *_at(monday, 9))
    jonas.create("Arzt", *_at(_day(monday, 3), 8), Sensitivity="Private")


def _invitations(anna: Actor, jonas: Actor, monday: date) -> None:
    jonas.create("Projektstart Leuchtturm", *_at(_day(monday, 7), 10), attendees=[ANNA, OUTSIDE])
    jonas.create("Grillabend", *_at(_day(monday, 4), 18, 180), attendees=[ANNA])
    anna.respond(anna.named("Grillabend"), "Decline")
    anna.create("Vertragsgespräch", *_at(_day(monday, 10), 15), attendees=[OUTSIDE])


def _people_and_tasks(anna: Actor, monday: date) -> None:
    address = {"Street": "Hafenstraße 7", "City": "Kiel", "PostalCode": "24103", "CountryOrRegion": "Deutschland"}
    anna.create_contact(
        GivenName="Petra",
        Surname="Kunde",
        CompanyName="Kunde & Söhne",
        JobTitle="Einkauf",
        EmailAddresses={"EmailAddress1": OUTSIDE},
        PhoneNumbers={"BusinessPhone": "+49 431 5550101", "MobilePhone": "+49 171 5550102"},
        PhysicalAddresses={"Business": address},
        Birthday=datetime(1984, 3, 29, 11, 59, tzinfo=UTC),
        Body="Mag keine Anrufe vor neun.",
    )
    # Old Outlooks kept a birthday as midnight of their zone, newer ones as 11:59 UTC.
    born = datetime(1951, 11, 29, 23, 0, tzinfo=UTC)
    home = {"HomePhone": "+49 431 5550199"}
    anna.create_contact(GivenName="Holger", Surname="Brandt", PhoneNumbers=home, Birthday=born)
    anna.create_group("Bauherren", [("Petra Kunde", OUTSIDE), ("Jonas Weber", JONAS)])
    due = _day(monday, 4)
    anna.create_task("Angebot Nordlicht schreiben", DueDate=due, Status="InProgress", PercentComplete="50")
    anna.create_task("Reisekosten abrechnen", DueDate=due + timedelta(days=7), Importance="High")
    anna.create_task("Vertrag Ostsee prüfen", Status="Completed")
    anna.create_task("Blumen gießen", DueDate=due, Recurrence=weekly(due))


def many(state: State, email: str, count: int, folder: Folder | None = None, **fields: Any) -> None:
    """Appointments of half an hour each, one after the other, by a short way: for measurements."""
    with state.lock:
        target = state.distinguished(email, "calendar") if folder is None else folder
        begin = state.now().replace(minute=0, second=0, microsecond=0)
        for number in range(count):
            start = begin + timedelta(minutes=30 * number)
            key, now = state.next_number(), state.now()
            own = {"Subject": f"Termin {number + 1}", "ItemClass": schema.CLASSES["CalendarItem"], **_PLAIN, **fields}
            item = Item(key, target.mailbox, target.key, "CalendarItem", own, now, now, email)
            uid = f"040000008200E00074C5B7101A82E008{key:080X}"
            item.event = Event(uid, start, start + timedelta(minutes=30), ZONE, ZONE, target.mailbox)
            state.store(item)


_PLAIN = {"Sensitivity": "Normal", "Importance": "Normal", "LegacyFreeBusyStatus": "Busy", "ReminderIsSet": "false"}
