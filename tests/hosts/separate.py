"""A host with a database of its own: each write is done at once and for good, whatever becomes of our transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine

from marketplace_plugin.contract.module import UnitOfWork
from tests.hosts import rows
from tests.hosts.host import TestHost


class SeparateHost(TestHost):
    """``path`` is its SQLite file; another process, or the same after a crash, finds there what was acknowledged."""

    shares_transaction = False

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self._engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        with self._engine.begin() as connection:
            rows.metadata.create_all(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, unit: UnitOfWork | None = None) -> Iterator[Connection]:
        if unit is not None:
            raise AssertionError("a host with its own database is given no unit of work")
        with self._engine.begin() as connection:
            yield connection
