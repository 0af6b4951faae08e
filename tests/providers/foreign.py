"""Whole passes over an account at a server that knows nothing of our stand-ins, and workers that die in the middle.

The servers (``google/foreign.py``, ``graph/foreign.py``, ``ews/foreign.py``) are written from the published contracts
alone. Wherever a contract leaves room they take the variant that our own stand-ins do not. What all of them have to
stand is ``contract_foreign.py``.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

import pytest

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.context import RunOutcome, RunResult
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.store import collections, connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from tests.laws.world import World as Shell

ADA = "ada"
Json = dict[str, Any]
Opening = Callable[[Callable[[], datetime], str], Provider]
"""A new provider on the account, by the clock and the name of our installation."""


def session(now: Callable[[], datetime], instance: str, **more: Any) -> Session:
    """``more``: how the server is reached and signed in to."""
    return Session(connection=ADA, account="anna@foreign.example", instance=instance, now=now, **more)


def bearer(refused: str | None = None) -> str:
    return "token"


class ForeignServer(ABC):
    """One account: what its owner does there, what there is to be seen, and the server's moods."""

    home: ClassVar[str]
    """The calendar that is read."""
    work: ClassVar[str]
    """The calendar that is written."""

    def __init__(self) -> None:
        self.version = 0
        """Counts the changes."""
        self.oldest = 0
        """Who was last told of an older version than this is told no changes any more."""
        self.refuse: list[Callable[..., Any]] = []
        """Answers that stand before the next requests."""
        self.log: list[Any] = []
        """What was asked for, in order."""

    @abstractmethod
    def served(self) -> AbstractContextManager[Opening]:
        """At an address of the loopback, for the block."""

    # ---- what a person does ------------------------------------------------------------------------------------

    @abstractmethod
    def seed(self) -> None:
        """In ``home``, in March 2026: an event on the 10th without a title, "Messe" on the whole days 11 and 12, and
        "Runde" on Mondays from the 9th, cancelled on the 16th and moved on the 23rd."""

    @abstractmethod
    def change_seeded(self) -> None:
        """The event becomes "Titled", "Messe" is deleted, one more occurrence of "Runde" is cancelled."""

    @abstractmethod
    def edit(self, calendar: str, event: str, title: str, hour: int) -> None:
        """Another title, and on 10 March from ``hour`` for an hour."""

    @abstractmethod
    def drop(self, calendar: str, event: str) -> None: ...

    # ---- what is to be seen ------------------------------------------------------------------------------------

    @abstractmethod
    def titles(self, calendar: str) -> dict[str, str]:
        """Of events and series, by id; exceptions are part of their series."""

    @abstractmethod
    def exceptions(self, calendar: str, series: str) -> dict[date, str | None]:
        """By the day of the occurrence: the title there, None where it is cancelled."""

    @abstractmethod
    def writes(self, since: int) -> list[Any]:
        """What of ``log[since:]`` can change something."""

    def named(self, calendar: str, title: str) -> str:
        """The id."""
        (event,) = (event for event, there in self.titles(calendar).items() if there == title)
        return event


@dataclass
class Answer:
    """``body``: what JSON can say, bytes as they are, or None for nothing at all."""

    status: int
    body: Any = None
    headers: list[tuple[str, str]] = field(default_factory=list)

    def start(self, start_response: Any, *, json_is: str, bytes_are: str) -> list[bytes]:
        """Each of the two as this content type."""
        kind = bytes_are if isinstance(self.body, bytes) else json_is
        start_response(f"{self.status} -", [("Content-Type", kind), *self.headers])
        if isinstance(self.body, bytes):
            return [self.body]
        return [b"" if self.body is None else json.dumps(self.body).encode()]


class JsonServer(ForeignServer):
    """Keeps bodies by calendar and id. ``etags``: whether events have one."""

    def __init__(self, *, etags: bool = True) -> None:
        super().__init__()
        self.events: dict[str, dict[str, Json]] = {self.home: {}, self.work: {}}
        self.etags = etags

    def put(self, calendar: str, event: str, body: Json) -> None:
        self.version += 1
        self.events[calendar][event] = {"id": event, **body, "_version": self.version}

    def change(self, calendar: str, event: str, **changes: Any) -> None:
        self.put(calendar, event, {**self.events[calendar][event], **changes})

    def refused(self, method: str, path: str, query: dict[str, str]) -> Answer | None:
        return next(filter(None, (one(method, path, query) for one in list(self.refuse))), None)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


class Mortal:
    """A provider whose worker dies as soon as the first write has been answered."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        for _ in self._provider.push(collection, writes):
            raise Killed
        yield from ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


class ForeignPasses:
    """Ada's account at a foreign server: calendar ``source`` is read, calendar ``target`` is written."""

    def __init__(self, opening: Opening, target: str, source: str) -> None:
        self.shell = Shell()
        self._opening, self._dying = opening, False
        object.__setattr__(self.shell.engine, "plugins", _Plugins(self, self.shell.plugins))
        now = self.shell.clock()
        with self.shell.store.begin() as unit:
            c = unit.connection
            made = Connection(
                id=ADA,
                tenant="acme",
                user=ADA,
                integration="memory",
                state=ConnectionState.CONNECTED,
                created_at=now,
                account_key="anna",
                connected_at=now,
            )
            connections.add(c, made)
            collections.refresh(c, ADA, ADA, self._open().collections())
            collections.choose(c, ADA, target, [source])
            connections.approve(c, ADA, 0)

    def open(self) -> Provider:
        return Mortal(self._open()) if self._dying else self._open()

    def _open(self) -> Provider:
        return self._opening(self.shell.clock, self.shell.engine.instance)

    def close(self) -> None:
        self.shell.close()

    def run(self) -> RunResult:
        self.shell.clock.forward(minutes=31)
        return self.shell.sync(ADA)

    def done(self, times: int = 1) -> None:
        for _ in range(times):
            result = self.run()
            assert result.outcome is RunOutcome.DONE, result

    def die(self) -> None:
        """A pass whose worker is killed behind its first write."""
        self._dying = True
        with pytest.raises(Killed):
            self.run()
        self._dying = False

    def here(self) -> dict[str, Event | Series]:
        """What the host holds, by title."""
        found: dict[str, Event | Series] = {}
        for seen in self.shell.host.all_of(ADA).values():
            item = seen.item
            assert isinstance(item, (Event, Series))
            found[str(item.master.title if isinstance(item, Series) else item.title)] = item
        return found

    def blocks(self) -> dict[str, Event | Series]:
        """What our store holds of the source, by title."""
        found: dict[str, Event | Series] = {}
        for block in self.shell.blocks(ADA):
            item = block.item
            assert isinstance(item, (Event, Series))
            found[str(item.master.title if isinstance(item, Series) else item.title)] = item
        return found


class _Plugins:
    def __init__(self, passes: ForeignPasses, others: Any) -> None:
        self._passes, self._others = passes, others

    def open_provider(self, integration: str, session: Session) -> Provider:
        return self._passes.open()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._others, name)
