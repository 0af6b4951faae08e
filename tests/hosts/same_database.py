"""A host whose tables lie in our database: its writes are part of our transaction, and vanish with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.store.database import Store
from tests.hosts import rows
from tests.hosts.host import TestHost


class SharedHost(TestHost):
    """Makes its tables in the store's database where they are missing."""

    shares_transaction = True

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self._store = store
        with store.begin() as unit:
            rows.metadata.create_all(unit.connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._store.read() as connection:
            yield connection

    @contextmanager
    def writing(self, unit: UnitOfWork | None = None) -> Iterator[Connection]:
        if unit is not None:
            yield unit.connection
            return
        with self._store.begin() as own:
            yield own.connection
