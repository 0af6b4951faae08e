"""A world whose account has an address book and a task list beside its calendars, and whose host has all modules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.chosen.purge import purge_connection
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.providers.memory import MemoryAccount
from marketplace_plugin.store import collections, connections
from marketplace_plugin.store.accounts.connections import ConnectionState, Policy
from marketplace_plugin.sync.link import Link, LinkKind
from tests.laws.world import SOURCE, TARGET, World

BOOK, SECOND, LIST = "book", "second-book", "list"
ADA = "ada"


def contact(name: str = "Ada King", mail: str = "", **more: Any) -> Contact:
    given, _, family = name.partition(" ")
    emails = (Labelled("work", mail),) if mail else ()
    return Contact(**{"given_name": given, "family_name": family, "emails": emails} | more)


def span(day: int, hour: int, until: int | None = None) -> Timed:
    """In March 2026, in Berlin."""
    ends = hour + 1 if until is None else until
    return Timed(
        Zoned(datetime(2026, 3, day, hour), "Europe/Berlin"),  # noqa: DTZ001 - wall times
        Zoned(datetime(2026, 3, day, ends), "Europe/Berlin"),  # noqa: DTZ001
    )


def task(title: str = "Angebot", due: date | Timed | None = date(2026, 3, 10), **more: Any) -> Task:
    return Task(title=title, due=due, **more)


def call(title: str = "Lindner KG", day: int = 10, hour: int = 9, **more: Any) -> Call:
    return Call(title=title, when=span(day, hour), phone="+49 911 5550142", **more)


class KindsWorld(World):
    """``book`` ... is what the account holds; ``here`` what the host holds."""

    def account(self) -> MemoryAccount:
        made = super().account()
        made.user.add_calendar(BOOK, kind=Kind.CONTACT)
        made.user.add_calendar(SECOND, kind=Kind.CONTACT)
        made.user.add_calendar(LIST, kind=Kind.TASK)
        return made

    def join(
        self,
        account: MemoryAccount,
        *switches: Kind,
        user: str = ADA,
        targets: Sequence[str] = (),
        sources: Sequence[str] = (),
        approved: bool = True,
        policy: Policy = Policy.NEWEST,
        timed_only: bool = False,
    ) -> str:
        """A connection with these kinds switched on. ``targets`` and ``sources`` beside the calendars."""
        name = self.connect(user, account, approved=approved, policy=policy)
        self.switch(name, *switches, targets=targets, sources=sources, timed_only=timed_only)
        if approved:
            self.approve(name)
        return name

    def approve(self, connection: str) -> None:
        """As if its plan had been."""
        with self.store.begin() as unit:
            row = connections.get(unit.connection, connection)
            assert row is not None
            connections.approve(unit.connection, connection, row.settings_version)

    def switch(
        self,
        connection: str,
        *switches: Kind,
        calendar: str | None = TARGET,
        targets: Sequence[str] = (),
        sources: Sequence[str] = (),
        timed_only: bool = False,
    ) -> None:
        with self.store.begin() as unit:
            c = unit.connection
            collections.choose(c, connection, calendar, [SOURCE, *sources], others=targets)
            row = connections.get(c, connection)
            assert row is not None
            named = {kind.value: True for kind in switches} | ({"timed_only": True} if timed_only else {})
            connections.save_settings(
                c,
                connection,
                row.settings_version,
                policy=row.policy,
                past_days=row.past_days,
                future_days=row.future_days,
                switches=named,
            )

    def here(self, kind: Kind, user: str = ADA) -> dict[str, Item]:
        """What the user has in the host, by ref."""
        page = self.host.modules[kind].changes(user, None, 1000)
        return {one.ref: one.item for one in page.changes if isinstance(one, HostItem)}

    def there(self, account: MemoryAccount, collection: str) -> dict[str, Item]:
        return {key: found.item for key, found in account.items(collection).items()}

    def of_kind(self, connection: str, kind: LinkKind) -> list[Link]:
        return [link for link in self.links(connection) if link.kind is kind]

    def person(self, user: str = ADA) -> Person:
        person = self.host.person(user)
        assert person is not None
        return person

    def disconnect(self, connection: str) -> None:
        with self.store.begin() as unit:
            purge_connection(self.engine, unit, connection)
            collections.choose(unit.connection, connection, None, ())
            connections.set_state(unit.connection, connection, ConnectionState.REMOVED)
