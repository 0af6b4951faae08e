"""Whole passes over a service's provider, real HTTP in between: what each service's person says and shows there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.providers.ews.folders import Place
from marketplace_plugin.sandbox.ews.act import weekly
from marketplace_plugin.sandbox.ews.outlook import ids
from marketplace_plugin.sandbox.graph.outlook import access
from marketplace_plugin.store import collections, connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from tests.laws.world import World as Shell
from tests.providers.ews import world as exchange
from tests.providers.google import world as google
from tests.providers.graph import world as graph

WORK = "Work"
ANNA = "anna"
START = "2026-03-{day:02}T09:00"


class Plugins:
    """Opens the service for each connection; the rest is as for the memory provider."""

    def __init__(self, world: Any, others: Any) -> None:
        self._world, self._others = world, others

    def open_provider(self, integration: str, session: Session) -> Provider:
        opened: Provider = self._world.open()
        return opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._others, name)


class Passes(ABC):
    """Ada, whose account is Anna's: the default calendar ``source`` is read, ``target`` is written."""

    integration: ClassVar[str]
    anna: ClassVar[str]
    knobs: ClassVar[Sequence[str]]
    """With which the service shows otherwise what it was told, or tells it twice."""
    news: ClassVar[Sequence[str]]
    """What a pass asks for, of two calendars."""
    lost: ClassVar[dict[str, str]]
    """Writes whose answer may be lost, as a fault has them."""

    def __init__(self, world: Any) -> None:
        self.world, self.shell = world, Shell()
        world.now = self.shell.clock()
        self.source, self.target = self.calendars()
        object.__setattr__(self.shell.engine, "plugins", Plugins(world, self.shell.plugins))
        now = self.shell.clock()
        with self.shell.store.begin() as unit:
            c = unit.connection
            connection = Connection(
                id="ada",
                tenant="acme",
                user="ada",
                integration=self.integration,
                state=ConnectionState.CONNECTED,
                created_at=now,
                account_key=ANNA,
                connected_at=now,
            )
            connections.add(c, connection)
            collections.refresh(c, "ada", "ada", world.open().collections())
            collections.choose(c, "ada", self.target, [self.source])
            connections.approve(c, "ada", 0)

    @property
    def sandbox(self) -> Any:
        return self.world.sandbox

    @property
    def person(self) -> Any:
        return self.world.user(self.anna)

    def run(self, outcome: RunOutcome = RunOutcome.DONE) -> None:
        self.shell.clock.forward(minutes=31)
        self.world.now = self.shell.clock()
        result = self.shell.sync("ada")
        assert result.outcome is outcome, result

    def settle(self) -> None:
        for _ in range(4):
            self.run()

    def there(self, ref: str) -> Event | Series:
        seen = self.shell.host.see("ada", ref)
        assert isinstance(seen, HostItem)
        assert isinstance(seen.item, (Event, Series))
        return seen.item

    def forget_requests(self) -> None:
        self.sandbox.log.clear()

    def lose(self, action: str) -> None:
        self.sandbox.faults.add(action, **self.lost)

    # --- what is at the service ------------------------------------------------------------------------------------

    @abstractmethod
    def calendars(self) -> tuple[str, str]:
        """The ids of the default calendar and of a new one."""

    @abstractmethod
    def written(self) -> int:
        """How many writes came over the wire."""

    @abstractmethod
    def asked(self) -> list[str]:
        """What was asked of calendars."""

    @abstractmethod
    def listed(self, calendar: str) -> dict[str, str]:
        """The single events and masters of a calendar: title by id."""

    @abstractmethod
    def place(self, item_id: str) -> str: ...

    @abstractmethod
    def answer(self, item_id: str) -> str: ...

    @abstractmethod
    def occurrence(self, series: str, original: Zoned) -> str:
        """The title of an occurrence."""

    @property
    def copies(self) -> dict[str, str]:
        """What is in ``target``: id by title."""
        found = self.listed(self.target)
        assert len(set(found.values())) == len(found)
        return {title: item_id for item_id, title in found.items()}

    # --- what the person does --------------------------------------------------------------------------------------

    @abstractmethod
    def insert(self, title: str, day: int, *, repeats: bool = False, text: str = "") -> None:
        """An event of one hour in ``source``, on a day of March 2026 at nine."""

    @abstractmethod
    def invite(self, title: str, day: int) -> None:
        """Somebody else's event with Anna as guest."""

    @abstractmethod
    def put(self, item_id: str, place: str) -> None: ...

    @abstractmethod
    def rename_occurrence(self, series: str, original: Zoned, title: str) -> None: ...

    @abstractmethod
    def delete(self, item_id: str) -> None: ...

    @abstractmethod
    def move(self, item_id: str) -> str:
        """From ``target`` to ``source``; the id that it has there."""

    @abstractmethod
    def expire(self) -> None:
        """All that was told before is forgotten: cursors are no good any more."""


def _day(day: int) -> datetime:
    return datetime.fromisoformat(START.format(day=day))


class GooglePasses(Passes):
    integration = "google"
    anna = google.ANNA
    knobs = ("hostile_echo",)
    news = ("GET events", "GET events")
    lost: ClassVar[dict[str, str]] = {"method": "POST"}

    def calendars(self) -> tuple[str, str]:
        work = "work@group.calendar.google.com"
        self.sandbox.state.add_calendar(google.ANNA, calendar_id=work, summary=WORK)
        return google.ANNA, work

    def written(self) -> int:
        return sum(row.method != "GET" for row in self.world.requests())

    def asked(self) -> list[str]:
        return [f"{row.method} {row.path.rpartition('/')[2]}" for row in self.world.requests(path="/events")]

    def listed(self, calendar: str) -> dict[str, str]:
        events = self.person.events(calendar)
        return {event["id"]: event["summary"] for event in events if "recurringEventId" not in event}

    def place(self, item_id: str) -> str:
        return str(self.person.get(item_id, self.target)["location"])

    def answer(self, item_id: str) -> str:
        return str(self.person.get(item_id, self.source)["attendees"][0]["responseStatus"])

    def occurrence(self, series: str, original: Zoned) -> str:
        return str(self.person.get(google.instance_id(series, original.wall), self.target)["summary"])

    def insert(self, title: str, day: int, *, repeats: bool = False, text: str = "") -> None:
        rule: google.Json = {"recurrence": google.WEEKLY} if repeats else {}
        self.person.insert(google.timed(title, _day(day), description=text, **rule))

    def invite(self, title: str, day: int) -> None:
        self.world.user(google.JONAS).insert(google.timed(title, _day(day), attendees=[{"email": google.ANNA}]))

    def put(self, item_id: str, place: str) -> None:
        self.person.patch(item_id, {"location": place}, self.target)

    def rename_occurrence(self, series: str, original: Zoned, title: str) -> None:
        self.person.patch(google.instance_id(series, original.wall), {"summary": title}, self.target)

    def delete(self, item_id: str) -> None:
        self.person.delete(item_id, self.target)

    def move(self, item_id: str) -> str:
        return str(self.person.move(item_id, self.target, self.source)["id"])

    def expire(self) -> None:
        self.sandbox.state.expire_sync_tokens()


class GraphPasses(Passes):
    integration = "office365"
    anna = graph.ANNA
    knobs = ("late_bump", "delta_duplicates", "delta_replays", "delta_without_masters")
    news = ("GET delta", "GET delta")
    lost: ClassVar[dict[str, str]] = {"method": "POST", "path": "/events"}

    def calendars(self) -> tuple[str, str]:
        work = self.sandbox.state.add_calendar(graph.ANNA, WORK)
        seen = access.calendars(self.sandbox.state, graph.ANNA)
        return self.person.calendar().id, next(one.id for one in seen if one.calendar is work)

    def written(self) -> int:
        return sum(r.method != "GET" and not r.path.endswith("$batch") for r in self.world.requests())

    def asked(self) -> list[str]:
        return [f"{row.method} {row.path.rpartition('/')[2]}" for row in self.world.requests(path="/me/calendars/")]

    def listed(self, calendar: str) -> dict[str, str]:
        return {event["id"]: event["subject"] for event in self.person.events(calendar)}

    def place(self, item_id: str) -> str:
        return str(self.person.get(item_id)["location"]["displayName"])

    def answer(self, item_id: str) -> str:
        return str(self.person.get(item_id)["responseStatus"]["response"])

    def occurrence(self, series: str, original: Zoned) -> str:
        return str(self.person.occurrence(series, original.wall.date().isoformat())["subject"])

    def insert(self, title: str, day: int, *, repeats: bool = False, text: str = "") -> None:
        body = timed(title, day, body={"contentType": "html", "content": text})
        if repeats:
            start = _day(day)
            pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [f"{start:%A}".lower()]}
            body["recurrence"] = {
                "pattern": pattern,
                "range": {"type": "noEnd", "startDate": start.date().isoformat()},
            }
        self.person.insert(body)

    def invite(self, title: str, day: int) -> None:
        self.world.user(graph.BOSS).insert(timed(title, day, attendees=[guest(graph.ANNA)]))
        self.sandbox.state.outbox.clear()  # what a person sends is not because of us

    def put(self, item_id: str, place: str) -> None:
        self.person.patch(item_id, {"location": {"displayName": place}})

    def rename_occurrence(self, series: str, original: Zoned, title: str) -> None:
        found = self.person.occurrence(series, original.wall.date().isoformat())
        self.person.patch(found["id"], {"subject": title})

    def delete(self, item_id: str) -> None:
        self.person.delete(item_id)

    def move(self, item_id: str) -> str:
        return str(self.person.move(item_id, self.source)["id"])

    def expire(self) -> None:
        self.sandbox.state.expire_delta_tokens()


def timed(subject: str, day: int, **more: Any) -> graph.Json:
    """A body of Graph's: one hour of a day in March 2026, from nine."""
    zone = {"timeZone": "W. Europe Standard Time"}
    start, end = _day(day), _day(day) + timedelta(hours=1)
    edges = {"start": {"dateTime": start.isoformat(), **zone}, "end": {"dateTime": end.isoformat(), **zone}}
    return {"subject": subject, **edges, **more}


def guest(address: str) -> graph.Json:
    return {"type": "required", "emailAddress": {"address": address}}


class EwsPasses(Passes):
    integration = "exchange"
    anna = exchange.ANNA
    knobs = ("late_bump", "sync_replays")
    news = ("SyncFolderItems", "SyncFolderItems")
    lost: ClassVar[dict[str, str]] = {"operation": "CreateItem"}

    def calendars(self) -> tuple[str, str]:
        default, work = self.person.folder(), self.person.add_folder(WORK)
        return ids.folder_id(default.mailbox, default.key), ids.folder_id(work.mailbox, work.key)

    def written(self) -> int:
        return sum(row.operation in exchange.WRITES for row in self.world.requests())

    def asked(self) -> list[str]:
        return [row.operation for row in self.world.requests()]

    def listed(self, calendar: str) -> dict[str, str]:
        found = self.person.items(Place.of(calendar).folder)
        return {one.id: one.item.fields["Subject"] for one in found}

    def place(self, item_id: str) -> str:
        return str(self.person.get(item_id).fields["Location"])

    def answer(self, item_id: str) -> str:
        return str(self.person.find(item_id).item.calendar.response)

    def occurrence(self, series: str, original: Zoned) -> str:
        found = self.person.occurrence(series, original.wall.date())
        return str(self.person.get(found).fields["Subject"])

    def insert(self, title: str, day: int, *, repeats: bool = False, text: str = "") -> None:
        rule = weekly(_day(day).date()) if repeats else None
        self.person.create(title, _day(day), rule=rule, Body=text)

    def invite(self, title: str, day: int) -> None:
        self.world.user(exchange.BOSS).create(title, _day(day), attendees=[exchange.ANNA])
        self.sandbox.state.outbox.clear()  # what a person sends is not because of us

    def put(self, item_id: str, place: str) -> None:
        self.person.update(item_id, Location=place)

    def rename_occurrence(self, series: str, original: Zoned, title: str) -> None:
        self.person.update(self.person.occurrence(series, original.wall.date()), Subject=title)

    def delete(self, item_id: str) -> None:
        self.person.delete(item_id)

    def move(self, item_id: str) -> str:
        return str(self.person.move(item_id, self.source))

    def expire(self) -> None:
        self.sandbox.state.expire_sync_states()


SERVICES: dict[str, tuple[type[Passes], Any]] = {
    "google": (GooglePasses, google.World),
    "graph": (GraphPasses, graph.World),
    "ews": (EwsPasses, exchange.World),
}


@contextmanager
def passes_over(service: str) -> Iterator[Passes]:
    """At the end nobody was mailed, and no exchange has broken the service's contract."""
    made, world = SERVICES[service]
    with world() as opened:
        passes = made(opened)
        yield passes
        passes.shell.close()
        assert not opened.sandbox.state.outbox
