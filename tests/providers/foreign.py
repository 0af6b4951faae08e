"""Whole passes over an account at a server that knows nothing of our stand-ins, and workers that die in the middle.

The servers (``google/foreign.py``, ``graph/foreign.py``, ``ews/foreign.py``) are written from the published contracts
alone. Wherever a contract leaves room they take the variant that our own stand-ins do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.context import RunOutcome, RunResult
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.store import collections, connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from tests.laws.world import World as Shell

ADA = "ada"


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

    def __init__(self, opening: Callable[[Shell], Provider], target: str, source: str) -> None:
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
            collections.refresh(c, ADA, ADA, self._opening(self.shell).collections())
            collections.choose(c, ADA, target, [source])
            connections.approve(c, ADA, 0)

    def open(self) -> Provider:
        provider = self._opening(self.shell)
        return Mortal(provider) if self._dying else provider

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
