"""A small world for the laws: people, their accounts at a service, one host, one store, and a clock that is ours."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings

from marketplace_plugin.bundle.manifest import Auth, AuthType, Category, Integration, Text
from marketplace_plugin.contract.hookspecs import Account, Credentials, ServerSearch, TestStep
from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.acts.preview import approve, current_plan
from marketplace_plugin.engine.context import Engine, RunResult, Trigger
from marketplace_plugin.engine.run import run_pass
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.providers.memory import GOOGLE, MemoryAccount, MemoryProvider, Personality
from marketplace_plugin.store import Store, blocks, collections, connections, links
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState, Policy
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.sync.link import Link
from tests.hosts.host import TestHost
from tests.hosts.same_database import SharedHost
from tests.hosts.separate import SeparateHost
from tests.laws.counting import DONE

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
KEYS = (b"k" * 32,)
TARGET, SOURCE, OTHER = "target", "source", "other"
MEMORY = Integration(
    id="memory",
    name=Text("Speicher", "Memory"),
    summary=Text("", ""),
    points=(),
    service="Memory",
    search=(),
    version="1",
    vendor="",
    category=Category.CALENDAR,
    kinds=(),
    permissions=(),
    requirements=(),
    auth=Auth(AuthType.OAUTH2),
)
"""The reference provider as an entry of the marketplace."""


def _new_folder() -> Path:
    """In memory where the machine has such a place: what is tested survives its process, not a power cut."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="laws-", dir=memory if os.access(memory, os.W_OK) else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _template() -> Path:
    """An empty store, migrated once; each world starts from a copy."""
    path = _new_folder() / "template.db"
    store = Store.open(f"sqlite:///{path}", KEYS)
    store.scrub()
    store.close()
    return path


_IDLE: list[tuple[Path, Store]] = []
"""Folders of worlds that are closed, each with a store that is: its engine still knows the statements it compiled."""


def _empty_store() -> tuple[Path, Store]:
    folder, store = _IDLE.pop() if _IDLE else (_new_folder(), None)
    shutil.copy(_template(), folder / "store.db")
    return folder, store or Store.open(f"sqlite:///{folder / 'store.db'}", KEYS)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)


class Ids:
    """Ids that grow, so that a failing example says the same each time."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> str:
        self.last += 1
        return f"{self.last:032x}"


@dataclass
class Plugins:
    """The registry's part: opens the memory provider of an account, by the connection's id."""

    accounts: dict[str, MemoryAccount] = field(default_factory=dict)
    announced: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def open_provider(self, integration: str, session: Session) -> Provider:
        return MemoryProvider(self.accounts[session.connection])

    def test_connection(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep]:
        return ()

    def search_server(self, integration: str, email: str, session: Session) -> ServerSearch:
        return ServerSearch(())

    def test_credentials(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep | Credentials]:
        return ()

    def authorized_account(self, integration: str, claims: Mapping[str, Any], session: Session) -> Account | None:
        return None

    def announce(self, hook_name: str, integration: str, **arguments: Any) -> None:
        self.announced.append((hook_name, arguments))

    def integrations(self) -> Sequence[Any]:
        return (MEMORY,)


class World:
    """``folder`` is its own until ``close``. ``shared``: the host shares our transaction."""

    def __init__(self, personality: Personality = GOOGLE, *, shared: bool = True, **account: Any) -> None:
        self.folder, self._opened = _empty_store()
        self.store = Store(self._opened.engine, self._opened.vault, self._opened.instance_id)
        self.path = self.folder / "store.db"
        self.personality = personality
        self.account_options = account
        self.clock = Clock()
        self.host: TestHost = (
            SharedHost(self.store, self.clock) if shared else SeparateHost(self.folder / "host.db", self.clock)
        )
        self.plugins = Plugins()
        self.engine = Engine(
            store=self.store,
            host=self.host,
            plugins=self.plugins,
            now=self.clock,
            instance=self.store.instance_id,
            new_id=Ids(),
            session=_session,
        )

    def close(self) -> None:
        self.store.close()
        for path in self.folder.iterdir():
            path.unlink()
        _IDLE.append((self.folder, self._opened))

    # --- setting up ------------------------------------------------------------------------------------------------

    def account(self) -> MemoryAccount:
        """A fresh account with three calendars."""
        made = MemoryAccount(self.personality, self.clock, **self.account_options)
        for calendar in (TARGET, SOURCE, OTHER):
            made.user.add_calendar(calendar)
        return made

    def connect(
        self,
        user: str,
        account: MemoryAccount,
        *,
        target: str | None = TARGET,
        sources: Sequence[str] = (SOURCE,),
        approved: bool = True,
        policy: Policy = Policy.NEWEST,
    ) -> str:
        """A connection of ``user`` that is ready to sync. Returns its id."""
        name = f"{user}-{len(self.plugins.accounts)}"
        self.plugins.accounts[name] = account
        now = self.clock()
        with self.store.begin() as unit:
            c = unit.connection
            connections.add(
                c,
                Connection(
                    id=name,
                    tenant="acme",
                    user=user,
                    integration="memory",
                    state=ConnectionState.CONNECTED,
                    created_at=now,
                    account_key=f"account-{id(account)}",
                    connected_at=now,
                    policy=policy,
                ),
            )
            collections.refresh(c, name, user, MemoryProvider(account).collections())
            collections.choose(c, name, target, sources)
            if approved:
                connections.approve(c, name, 0)
        return name

    # --- running ---------------------------------------------------------------------------------------------------

    def sync(self, connection: str, trigger: Trigger = Trigger.BUTTON, run: str = "") -> RunResult:
        DONE.passes += 1
        result = run_pass(self.engine, connection, trigger, run or self.engine.new_id())
        assert result.error != "internal", "a pass met an error that nobody named"
        return result

    def start(self, connection: str, person: str) -> RunResult:
        """Approve what waits, and run it."""
        plan = current_plan(self.engine, connection)
        owner = self.host.person(person)
        self.clock.forward(minutes=1)
        assert plan is not None
        assert owner is not None
        return self.sync(connection, Trigger.START, approve(self.engine, plan.id, owner))

    def settle(self, *names: str, most: int = 12) -> int:
        """Passes until nothing happens any more. Returns how many it took; fails where it does not end."""
        for number in range(most):
            self.clock.forward(minutes=31)
            quiet = [self.quiet(self.sync(name)) for name in names]
            if all(quiet):
                return number
        raise AssertionError(f"no rest after {most} passes")

    @staticmethod
    def quiet(result: RunResult) -> bool:
        busy = [
            name for name, n in result.counts.items() if n and name.partition(".")[0] in ("block", "remote", "host")
        ]
        return not busy and result.again_at is None

    # --- looking ---------------------------------------------------------------------------------------------------

    def links(self, connection: str) -> list[Link]:
        with self.store.read() as c:
            return list(links.of_connection(c, connection))

    def blocks(self, connection: str) -> list[Block]:
        with self.store.read() as c:
            return list(blocks.get(c, [link.id for link in links.of_connection(c, connection)]).values())


def _session(engine: Engine, connection: Connection) -> Session:
    return Session(connection.id, connection.account, engine.instance, engine.now)


# --- items -----------------------------------------------------------------------------------------------------------


def event(title: str = "Event", day: int = 10, hour: int = 9, minutes: int = 60, **more: Any) -> Event:
    """A timed event in March 2026, Berlin."""
    start = datetime(2026, 3, day, hour)  # noqa: DTZ001  # a wall time
    return Event(when=timed(start, minutes), title=title, **more)


def timed(start: datetime, minutes: int = 60) -> Timed:
    end = start + timedelta(minutes=minutes)
    return Timed(Zoned(start, "Europe/Berlin"), Zoned(end, "Europe/Berlin"))


def all_day(title: str = "Day", day: int = 10, days: int = 1) -> Event:
    start = date(2026, 3, day)
    return Event(when=AllDay(start, start + timedelta(days=days)), title=title)


def series(title: str = "Series", day: int = 9, count: int = 6, rule: str = "FREQ=WEEKLY") -> Series:
    return Series(event(title, day), RecurrenceRule.parse(f"{rule};COUNT={count}"))


def occurrence(number: int, day: int = 9) -> Zoned:
    """The original start of one occurrence of ``series``."""
    return Zoned(datetime(2026, 3, day, 9) + timedelta(weeks=number), "Europe/Berlin")  # noqa: DTZ001  # a wall time


def moved(original: Zoned, title: str, hours: int = 2) -> Event:
    return Event(when=timed(original.wall + timedelta(hours=hours)), title=title)


def is_long() -> bool:
    """Whether this is ``make laws``."""
    return settings.default is not None and settings.default.max_examples > 50


def sample(share: float = 1.0) -> settings:
    """How many examples a law runs: a share of the profile's in ``make laws``, a few in ``make test``."""
    given = settings.default.max_examples if settings.default is not None else 50
    return settings(max_examples=int(given * share) if is_long() else max(2, int(6 * share)))


__all__ = [
    "OTHER",
    "SOURCE",
    "TARGET",
    "World",
    "all_day",
    "event",
    "is_long",
    "moved",
    "occurrence",
    "replace",
    "sample",
    "series",
    "timed",
]
