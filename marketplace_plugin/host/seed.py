"""A tenant to try Steg with: Nordwerk GmbH, four people, and a month of work around a given day. Always the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.records import contacts, events, persons, todos
from marketplace_plugin.host.records.tables import Database
from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.event import Attendee, Event, Sensitivity, Series, ShowAs
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.edit import cancel_this, change_this
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import AllDay, Timed, Zoned

TENANT = "nordwerk"
ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in, for whoever starts the demonstration."""

    name: str
    email: str
    password: str
    admin: bool


def _person(name: str, department: str, *, admin: bool = False) -> tuple[Person, str]:
    first, last = name.split()
    email = f"{first}.{last}@nordwerk.example".lower()
    return Person(first.lower(), TENANT, name, email, ZONE, "de", admin), department


SABINE, ANNA, JONAS, MIRA = PEOPLE = (
    _person("Sabine Keller", "IT", admin=True),
    _person("Anna Brandt", "Vertrieb"),
    _person("Jonas Weber", "Vertrieb"),
    _person("Mira Sommer", "Einkauf"),
)


def accounts() -> Sequence[Account]:
    return [Account(p.name, p.email, f"{p.id}-demo", p.admin) for p, _department in PEOPLE]


def seed(database: Database, hasher: PasswordHasher, today: date) -> Sequence[Account]:
    """Fill an empty database; one that has this tenant already is left as it is."""
    with database.begin() as unit:
        if not persons.of_tenant(unit.connection, TENANT):
            for (person, department), account in zip(PEOPLE, accounts(), strict=True):
                persons.add(unit.connection, person, hasher.hash(account.password), department)
            _Month(unit.connection, today).fill()
    return accounts()


class _Month:
    """Writes the month around ``today``; days are counted from the Monday of that week."""

    def __init__(self, c: sa.Connection, today: date) -> None:
        self.c = c
        self.monday = today - timedelta(days=today.weekday())
        self.at = datetime.combine(self.monday - timedelta(days=30), time(8), UTC)
        self.numbers = itertools.count(1)

    def ref(self) -> str:
        return f"demo{next(self.numbers):04}"

    def day(self, n: int) -> date:
        return self.monday + timedelta(days=n)

    def clock(self, n: int, clock: str) -> Zoned:
        return Zoned(datetime.combine(self.day(n), time.fromisoformat(clock)), ZONE)

    def span(self, n: int, start: str, end: str, until: int | None = None) -> Timed:
        return Timed(self.clock(n, start), self.clock(n if until is None else until, end))

    # ---- kinds of entries

    def event(
        self, owner: tuple[Person, str], item: Event | Series, calendar: str = "events", *guests: tuple[Person, str]
    ) -> None:
        asked = tuple(Attendee(p.email, p.name) for p, _department in guests)
        if isinstance(item, Series):
            item = replace(item, master=replace(item.master, attendees=asked))
        else:
            item = replace(item, attendees=asked)
        invited = [p.id for p, _department in guests]
        events.insert(self.c, owner[0].id, self.ref(), item, self.at, invited=invited, calendar=calendar)

    def days(self, owner: tuple[Person, str], n: int, last: int, title: str, calendar: str, place: str = "") -> None:
        away = ShowAs.OUT_OF_OFFICE if title == "Urlaub" else ShowAs.BUSY
        when = AllDay(self.day(n), self.day(last + 1))
        self.event(owner, Event(when=when, title=title, location=place, show_as=away), calendar)

    def task(self, title: str, due: date | Timed | None, status: TaskStatus = TaskStatus.NOT_STARTED) -> None:
        task = Task(title=title, due=due, status=status)
        todos.insert(self.c, Kind.TASK, ANNA[0].id, self.ref(), task, self.at)

    def call(self, n: int, start: str, end: str, title: str, phone: str) -> None:
        call = Call(title=title, when=self.span(n, start, end), phone=phone)
        todos.insert(self.c, Kind.CALL, ANNA[0].id, self.ref(), call, self.at)

    # ---- the month

    def fill(self) -> None:
        self.series()
        self.this_week()
        self.other_weeks()
        self.others()
        self.todos()
        self.contacts()

    def series(self) -> None:
        """One with a moved and a cancelled occurrence, one that others organise, one monthly."""
        start = Event(when=self.span(-14, "09:00", "09:45"), title="Wochenstart Vertrieb", location="Raum Rednitz")
        week = Series(start, RecurrenceRule.parse("FREQ=WEEKLY"))
        late = replace(start, when=self.span(7, "10:00", "10:45"), location="Raum Pegnitz")
        week = change_this(week, self.clock(7, "09:00"), late)
        week = cancel_this(week, self.clock(14, "09:00"))
        self.event(ANNA, week, "sales", JONAS)

        weekly = RecurrenceRule.parse("FREQ=WEEKLY")
        pipeline = Event(
            when=self.span(-10, "08:30", "10:00"), title="Pipeline-Durchsprache", location="Videokonferenz"
        )
        self.event(ANNA, Series(pipeline, weekly), "sales", JONAS)
        buying = Event(when=self.span(-12, "08:00", "09:00"), title="Jour fixe Einkauf", location="Videokonferenz")
        self.event(MIRA, Series(buying, weekly), "sales", ANNA)
        board = Event(when=self.span(-20, "16:00", "17:00"), title="Monatsabschluss", location="Raum Regnitz")
        nth = (board.when.start.wall.day - 1) // 7 + 1 if isinstance(board.when, Timed) else 1
        monthly = RecurrenceRule.parse(f"FREQ=MONTHLY;BYDAY={nth if nth < 5 else -1}TU;COUNT=12")
        self.event(SABINE, Series(board, monthly), "events", ANNA, MIRA)

    def this_week(self) -> None:
        for n, start, end, title, place, calendar in (
            (0, "10:30", "12:00", "Angebot Müller Maschinenbau", "Raum Rednitz", "events"),
            (0, "15:30", "16:30", "Rückblick letzter Monat", "", "sales"),
            (1, "08:30", "09:30", "Abstimmung Messe", "", "fairs"),
            (1, "11:00", "12:30", "Vorführung Lindner KG", "Lindner KG, Fürth", "events"),
            (2, "14:30", "15:30", "Angebot prüfen", "", "events"),
            (3, "09:00", "10:00", "Vertrag Sonnenhof", "Sonnenhof, Erlangen", "events"),
            (4, "11:00", "12:00", "Nachfassen Messekontakte", "", "fairs"),
        ):
            self.event(ANNA, Event(when=self.span(n, start, end), title=title, location=place), calendar)
        first = Event(when=self.span(2, "09:30", "11:00"), title="Erstgespräch Hafenbau Nord", location="Raum Rednitz")
        self.event(JONAS, first, "events", ANNA)
        prices = Event(when=self.span(3, "10:00", "11:30"), title="Schulung neue Preisliste", location="Raum Pegnitz")
        self.event(ANNA, prices, "sales", JONAS, MIRA)
        self.days(ANNA, 1, 3, "Fachmesse Nürnberg, Halle 7", "fairs", "Messezentrum Nürnberg")

    def other_weeks(self) -> None:
        for n, start, end, title, calendar in (
            (-14, "13:00", "14:30", "Planung nächstes Quartal", "sales"),
            (-12, "10:00", "11:00", "Angebot Sonnenhof", "events"),
            (-6, "13:00", "14:00", "Vorführung Hafenbau Nord", "events"),
            (-4, "09:00", "10:30", "Lieferanten", "sales"),
            (8, "14:00", "16:00", "Abnahme Lindner KG", "events"),
            (10, "10:00", "11:00", "Preisgespräch Vogel", "sales"),
            (15, "11:00", "12:00", "Nachbereitung Messe", "fairs"),
        ):
            self.event(ANNA, Event(when=self.span(n, start, end), title=title), calendar)
        self.days(ANNA, 9, 11, "Inventur", "fairs")

    def others(self) -> None:
        self.days(JONAS, 3, 4, "Urlaub", "events")
        for n, start, end, title, place in (
            (2, "15:00", "16:00", "Kundentermin", ""),
            (3, "13:30", "15:00", "Werksbesuch", "Schwabach"),
            (7, "09:00", "10:00", "Angebot Nordlicht", ""),
        ):
            self.event(JONAS, Event(when=self.span(n, start, end), title=title, location=place))
        night = Event(when=self.span(12, "22:00", "02:00", 13), title="Umzug der Server", location="Rechenzentrum")
        self.event(SABINE, night)
        self.days(MIRA, -10, -7, "Urlaub", "events")
        private = Event(when=self.span(3, "15:30", "16:30"), title="Gehaltsgespräch", sensitivity=Sensitivity.PRIVATE)
        self.event(MIRA, private, "events", SABINE)

    def todos(self) -> None:
        self.task("Angebot senden", self.day(0), TaskStatus.COMPLETED)
        self.task("Reisekosten", self.day(2))
        self.task("Vertrag prüfen", self.day(3), TaskStatus.IN_PROGRESS)
        self.task("Wochenbericht", self.day(4))
        self.task("Unterlagen für Vogel", self.span(8, "09:00", "09:30"))
        self.task("Messestand für nächstes Jahr", None, TaskStatus.WAITING)
        self.call(0, "13:15", "13:30", "Lindner KG", "+49 911 5550142")
        self.call(2, "11:30", "11:45", "Hr. Vogel", "+49 9131 5550177")
        self.call(3, "16:15", "16:30", "Sonnenhof", "+49 9131 5550119")
        self.call(4, "10:30", "10:45", "Hafenbau", "+49 40 5550163")
        self.call(8, "15:30", "15:45", "Fr. Petersen", "+49 40 5550163")  # still to come, whichever day it is

    def contacts(self) -> None:
        for contact in _contacts():
            contacts.insert(self.c, ANNA[0], self.ref(), contact, self.at, shared=True)


def _contacts() -> Iterable[Contact]:
    for given, family, company, mail, phone in (
        ("Petra", "Lindner", "Lindner KG", "lindner@lindner-kg.example", "+49 911 5550142"),
        ("Klaus", "Müller", "Müller Maschinenbau GmbH", "k.mueller@mueller-mb.example", "+49 911 5550188"),
        ("Hans", "Vogel", "Vogel & Sohn", "vogel@vogel-sohn.example", "+49 9131 5550177"),
        ("Ines", "Petersen", "Hafenbau Nord AG", "petersen@hafenbau-nord.example", "+49 40 5550163"),
        ("Rita", "Sonne", "Sonnenhof Betriebe", "r.sonne@sonnenhof.example", "+49 9131 5550119"),
    ):
        yield Contact(
            given_name=given,
            family_name=family,
            company=company,
            emails=(Labelled("work", mail),),
            phones=(Labelled("work", phone),),
        )
