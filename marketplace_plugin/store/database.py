"""Store: one database, its transactions, its migrations, its vault. Functions of the families get the open
connection."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Lock, local
from time import monotonic, sleep
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import (
    BindParameter,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from marketplace_plugin.errors import ConfigError
from marketplace_plugin.store.columns import Sealed
from marketplace_plugin.store.tables import instance, metadata
from marketplace_plugin.store.vault import Vault

CHUNK = 2000  # rows of one executemany
IN_LIST = 1000  # values of one IN (...)
POOL = {"pool_size": 20, "max_overflow": 40}  # the server's and the runner's threads, each with a read beside its write
VERSION_TABLE = "marketplace_version"
_BUSY_SECONDS = 30
_WRITES = "marketplace_writes"
_VAULT = "marketplace_vault"
_MIGRATING = Lock()  # alembic's context is one for the process
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """One write transaction. It commits when its block ends, and rolls back where the block raises."""

    connection: Connection


class Store:
    """Open it once per process, with ``Store.open``; it is safe to share between threads."""

    def __init__(self, engine: Engine, vault: Vault, instance_id: str) -> None:
        self.engine = engine.execution_options(**{_VAULT: vault})
        self.vault = vault
        self.instance_id = instance_id
        self._snapshots = snapshots(self.engine)
        self._writing = local()

    @classmethod
    def open(cls, url: str, keys: Sequence[bytes]) -> Store:
        """Connect, bring the tables up to date, and read (or make) this installation's identity.

        Raises ConfigError for a URL that cannot be used, and SealBroken where ``keys`` do not open what is there.
        """
        engine = connect(url)
        migrate(engine)
        vault = Vault(keys)
        with engine.execution_options(**{_WRITES: True}).begin() as c:
            one_at_a_time(c)
            instance_id, secret = _identity(c, vault)
        return cls(engine, vault.with_index(secret), instance_id)

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """One write transaction; a second writer waits up to 30 s. SQLite takes its one write lock at the start (BEGIN
        IMMEDIATE), so it never dies of a late upgrade, and PostgreSQL a lock that stands for it. Raises RuntimeError
        inside a unit of work of the same thread, which would wait for itself."""
        if getattr(self._writing, "now", False):
            raise RuntimeError("a unit of work is open already in this thread")
        self._writing.now = True
        try:
            with self.engine.execution_options(**{_WRITES: True}).begin() as connection:
                one_at_a_time(connection)
                yield UnitOfWork(connection)
        finally:
            self._writing.now = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot; whatever was written in it is rolled back."""
        with self._snapshots.connect() as connection:
            yield connection

    def scrub(self) -> None:
        """After a purge: no freed page, and no page of the write-ahead log, keeps what was deleted."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def reseal(self, limit: int = 1000) -> int:
        """Seal again, with the current key, up to ``limit`` values of each sealed column. 0 when nothing is left."""
        done = 0
        for table in metadata.sorted_tables:
            for column in [c.name for c in table.columns if isinstance(c.type, Sealed)]:
                done += self._reseal_column(table, column, limit)
        return done

    def _reseal_column(self, table: Table, column: str, limit: int) -> int:
        key, family = next(iter(table.primary_key)), family_of(table)
        head = func.substr(table.c[column], 1, 5)
        current = self.vault.seal("", "", "", b"")[:5]
        with self.begin() as unit:
            stale = unit.connection.execute(
                select(key, table.c[column]).where(table.c[column].is_not(None), head != current).limit(limit)
            ).all()
            for row_id, sealed in stale:
                plain = self.vault.open(family, column, row_id, sealed)
                again = self.vault.seal(family, column, row_id, plain)
                unit.connection.execute(update(table).where(key == row_id).values({column: again}))
        return len(stale)

    def close(self) -> None:
        self.engine.dispose()


def connect(url: str) -> Engine:
    """An engine as the store needs it: SQLite in a file, or PostgreSQL by psycopg."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("the database URL cannot be read; expected sqlite:///path or postgresql://...") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True, **POOL
        )
    if backend != "sqlite":
        raise ConfigError(f"the database is SQLite or PostgreSQL, not {backend}")
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError("SQLite needs a file: threads would not see each other's memory")
    path = Path(str(parsed.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise ConfigError(f"the database file cannot be made: {error.strerror}") from None
    # hide_parameters: an error of the database must not carry content into a log.
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True, **POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def snapshots(engine: Engine) -> Engine:
    """The same engine, whose transactions see one state of the database from their first statement to their last."""
    there = engine.dialect.name == "postgresql"  # SQLite's are so by themselves
    return engine.execution_options(isolation_level="REPEATABLE READ") if there else engine


def _prepare_sqlite(raw: Any, _entry: ConnectionPoolEntry) -> None:
    raw.isolation_level = None  # the driver begins nothing by itself; _begin_sqlite does
    for pragma in (
        f"busy_timeout={_BUSY_SECONDS * 1000}",
        "synchronous=FULL",  # an intent that was committed before a push is still there after a power cut
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        raw.execute(f"PRAGMA {pragma}").close()
    _keep_write_ahead_log(raw)


def _keep_write_ahead_log(raw: Any) -> None:
    """The one change that does not wait for others by itself; the file remembers it, so it is made once."""
    deadline = monotonic() + _BUSY_SECONDS
    while raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            raw.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if monotonic() > deadline:
                raise
            sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision; of several processes that start at once, one does it."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with _MIGRATING, engine.execution_options(**{_WRITES: True}).begin() as connection:
            one_at_a_time(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise ConfigError(f"the database cannot be opened: {type(error.orig).__name__}") from error


_WAIT = text(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS}s'")
_ALONE = text("SELECT pg_advisory_xact_lock(5173002)")


def one_at_a_time(c: Connection) -> None:
    """Writers read before they write, so each is alone until its transaction ends. SQLite gives them its write lock."""
    if c.dialect.name == "postgresql":
        c.execute(_WAIT)
        c.execute(_ALONE)


def _identity(c: Connection, vault: Vault) -> tuple[str, bytes]:
    row = c.execute(select(instance.c.id, instance.c.index_secret)).one_or_none()
    if row is not None:
        return row.id, vault.open("instance", "index_secret", row.id, row.index_secret)
    instance_id, secret = uuid.uuid4().hex, os.urandom(32)
    sealed = vault.seal("instance", "index_secret", instance_id, secret)
    now = datetime.now(UTC)  # when this database was made: for people, decides nothing
    c.execute(insert(instance).values(id=instance_id, index_secret=sealed, created_at=now))
    return instance_id, secret


# ---- what the families share -----------------------------------------------------------------------


def family_of(table: Table) -> str:
    """The name under which values of a table are sealed."""
    return table.name.removeprefix("marketplace_")


def vault_of(c: Connection) -> Vault:
    """The vault of the store that ``c`` was opened by."""
    vault = c.get_execution_options().get(_VAULT)
    if not isinstance(vault, Vault):
        raise TypeError("this connection was not opened by a Store")
    return vault


ANY: BindParameter[str] = bindparam("any", expanding=True)
"""One chunk of values, in a statement that is built once: ``column.in_(ANY)``."""


def in_chunks(values: Iterable[T], size: int = IN_LIST) -> Iterator[list[T]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def upsert(
    c: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, keep: frozenset[str] = frozenset()
) -> None:
    """Insert the rows, or write over those with the same primary key, by executemany. ``keep``: columns that an
    existing row does not change."""
    for chunk in in_chunks(rows, CHUNK):
        c.execute(_upsert(c.dialect.name, table, tuple(chunk[0]), keep), chunk)


@cache
def _upsert(dialect: str, table: Table, names: tuple[str, ...], keep: frozenset[str]) -> Any:
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    key = [column.name for column in table.primary_key]
    written = {name: statement.excluded[name] for name in names if name not in key and name not in keep}
    return statement.on_conflict_do_update(index_elements=key, set_=written)
