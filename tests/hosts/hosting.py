"""How a suite reaches a host under test: a person at work on its pages, and short ways to its modules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

from marketplace_plugin.contract.module import Host, HostModule, UnitOfWork
from marketplace_plugin.model.change import HostCursor, HostGone, HostItem
from marketplace_plugin.model.event import Event, Override, Response, Series
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.model.write import (
    HostOutcome,
    HostUpdate,
    HostWrite,
)


def at(day: int, hour: int, *, zone: str = "Europe/Berlin") -> Zoned:
    return Zoned(datetime(2026, 11, day, hour), zone)  # noqa: DTZ001 - a wall time


def meeting(title: str = "Runde", day: int = 23, hour: int = 9, **more: Any) -> Event:
    return Event(when=Timed(at(day, hour), at(day, hour + 1)), title=title, **more)


def daily(title: str = "Stand-up", *overrides: Override) -> Series:
    return Series(meeting(title), RecurrenceRule.parse("FREQ=DAILY;COUNT=5"), overrides)


class Hosting:
    """What the suite needs of a host under test, beside its contract: a person at work on the host's own pages."""

    host: Host
    organiser: str  # a person id
    guest: str  # another one of the same tenant

    @abstractmethod
    def create(self, person: str, item: Item, guests: Sequence[str] = (), *, kind: Kind = Kind.EVENT) -> str:
        """Returns the ref."""

    @abstractmethod
    def edit(self, person: str, ref: str, **changes: Any) -> None: ...

    @abstractmethod
    def invite(self, person: str, ref: str, guests: Sequence[str]) -> None: ...

    @abstractmethod
    def respond(self, person: str, ref: str, response: Response) -> None: ...

    @abstractmethod
    def delete(self, person: str, ref: str) -> None: ...

    @abstractmethod
    def unit(self) -> AbstractContextManager[UnitOfWork | None]:
        """Our transaction, or None for a host with a database of its own."""

    @abstractmethod
    def mails(self) -> Sequence[str]:
        """What was sent so far."""


def module_of(hosting: Hosting) -> HostModule:
    return hosting.host.modules[Kind.EVENT]


def read(
    hosting: Hosting, person: str, since: HostCursor | None = None, *, limit: int = 100
) -> tuple[list[HostItem | HostGone], HostCursor]:
    """All pages since a cursor."""
    found: list[HostItem | HostGone] = []
    while True:
        page = module_of(hosting).changes(person, since, limit)
        found += page.changes
        since = page.cursor
        if not page.more:
            return found, since


def apply(hosting: Hosting, *writes: HostWrite, owner: str = "") -> list[HostOutcome]:
    with hosting.unit() as unit:
        outcomes = list(module_of(hosting).apply(owner or hosting.organiser, writes, unit))
    assert [outcome.op for outcome in outcomes] == [write.op for write in writes]
    return outcomes


def current(hosting: Hosting, ref: str, person: str = "") -> HostItem:
    (item,) = module_of(hosting).get(person or hosting.organiser, [ref])
    assert isinstance(item, HostItem)
    return item


def update(seen: HostItem, item: Item, *changed: str) -> HostUpdate:
    return HostUpdate("op-u", seen.ref, seen.version, item, frozenset(changed))


def event_of(seen: HostItem | HostGone) -> Event:
    assert isinstance(seen, HostItem)
    assert isinstance(seen.item, Event | Series)
    return seen.item.master if isinstance(seen.item, Series) else seen.item


def title_of(seen: HostItem | HostGone) -> object:
    return event_of(seen).title


def replace_event(item: Item, **changes: Any) -> Event:
    assert isinstance(item, Event)
    return replace(item, **changes)
