"""The migrations make the tables that the code speaks of, once, also when several processes start together."""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from marketplace_plugin import store as store_package
from marketplace_plugin.errors import ConfigError, SealBroken
from marketplace_plugin.model.change import HostCursor
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import Store, database, host_positions, installations
from marketplace_plugin.store.accounts.installations import Asked, RequestState
from marketplace_plugin.store.database import one_at_a_time, snapshots
from marketplace_plugin.store.tables import metadata
from tests.store.conftest import KEY, NOW


def test_migrations_and_metadata_agree(store: Store) -> None:
    with store.read() as c:
        context = MigrationContext.configure(c, opts={"version_table": "marketplace_version", "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_partial_indices_have_the_conditions_of_the_metadata(store: Store) -> None:
    expected = {
        str(index.name): str(index.dialect_options["sqlite"]["where"])
        for table in metadata.sorted_tables
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    with store.read() as c:
        rows = c.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
        made = {name: sql.partition(" WHERE ")[2] for name, sql in rows}
    assert made == expected
    assert len(made) == 6


def test_opening_again_keeps_the_instance(database: str, store: Store) -> None:
    again = Store.open(database, [KEY])
    assert again.instance_id == store.instance_id
    assert again.vault.keyed(b"x") == store.vault.keyed(b"x")
    again.close()


def test_two_first_starts_at_once_make_one_instance(database: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: Store.open(database, [KEY]), range(2))
    assert first.instance_id == second.instance_id
    first.close()
    second.close()


def settings_of_alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(store_package.__file__).parent / "migrations"))
    return config


def test_a_request_of_the_first_tables_is_one_for_the_integration(database: str) -> None:
    config = settings_of_alembic()
    engine = create_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            'INSERT INTO marketplace_request (id, tenant, "user", integration, state, created_at) '
            "VALUES ('r1', 't1', 'u1', 'google', 'open', 1)"
        )
    engine.dispose()
    store = Store.open(database, [KEY])
    with store.begin() as unit:
        (row,) = installations.requests(unit.connection, "t1", RequestState.OPEN)
        assert (row.id, row.what, row.subject, row.detail) == ("r1", Asked.INSTALL, "", "")
        assert installations.ask(unit.connection, "t1", "u1", "google", NOW) == "r1"
    store.close()


def test_mirrored_tasks_and_calls_are_read_anew_and_nothing_else_is(
    database: str, store: Store, connected: str
) -> None:
    with store.begin() as unit:
        for kind in Kind:
            host_positions.put(unit.connection, connected, kind, HostCursor("7"))
        unit.connection.exec_driver_sql("UPDATE marketplace_version SET version_num = '0003'")
    store = Store.open(database, [KEY])
    with store.read() as c:
        kept = {kind for kind in Kind if host_positions.get(c, connected, kind) is not None}
    assert kept == {Kind.EVENT, Kind.CONTACT}
    store.close()


def test_other_tables_in_the_database_stay(database: str, store: Store) -> None:
    with store.begin() as unit:
        unit.connection.exec_driver_sql("CREATE TABLE host_thing (id TEXT)")
    Store.open(database, [KEY]).close()
    with store.read() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM host_thing").scalar_one() == 0


def test_a_wrong_key_is_said_at_the_start(database: str, store: Store) -> None:
    with pytest.raises(SealBroken, match="not configured"):
        Store.open(database, [bytes(32)])


@pytest.mark.parametrize(
    "url, said",
    [
        ("nonsense", "cannot be read"),
        ("mysql://localhost/x", "SQLite or PostgreSQL"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////proc/nowhere/x.db", "cannot be made"),
    ],
)
def test_an_unusable_database_is_named(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Store.open(url, [KEY])


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "not.db"
    path.write_bytes(b"x" * 4096)
    with pytest.raises(ConfigError, match="cannot be opened"):
        Store.open(f"sqlite:///{path}", [KEY])
    assert path.read_bytes() == b"x" * 4096


def test_only_the_owner_may_read_the_file(tmp_path: Path, store: Store) -> None:
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


def test_pragmas(store: Store) -> None:
    with store.read() as c:
        values = {
            name: c.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "foreign_keys", "secure_delete", "synchronous", "busy_timeout")
        }
    assert values == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "secure_delete": 1,
        "synchronous": 2,
        "busy_timeout": 30000,
    }


def test_the_tables_can_be_made_on_postgresql_and_compare_ids_by_byte() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    for table in metadata.sorted_tables:
        made = str(CreateTable(table).compile(dialect=dialect))
        texts = [line for line in made.splitlines() if " TEXT" in line]
        assert all('COLLATE "C"' in line for line in texts), made
        for index in table.indexes:
            str(CreateIndex(index).compile(dialect=dialect))


def test_each_migration_can_be_written_for_postgresql() -> None:
    """Its names are 63 characters at most: one that was longer, and given by hand, opened no database there."""
    written = StringIO()
    options = {"as_sql": True, "output_buffer": written, "target_metadata": metadata}
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    with Operations.context(MigrationContext.configure(dialect=dialect, opts=options)):
        for revision in reversed(list(ScriptDirectory.from_config(settings_of_alembic()).walk_revisions())):
            revision.module.upgrade()
    made = set(re.findall(r"CREATE TABLE (\w+)", written.getvalue()))
    assert made == {table.name for table in metadata.sorted_tables}


def test_reads_are_snapshots_on_postgresql_alone(store: Store) -> None:
    driver = SimpleNamespace(__version__="1.31.0", paramstyle="format", Error=Exception)  # installed is none
    there = create_engine("postgresql+pg8000://user@host/name", module=driver)
    assert snapshots(there).get_execution_options() == {"isolation_level": "REPEATABLE READ"}
    assert snapshots(store.engine) is store.engine  # a read transaction of SQLite is one by itself


def test_writers_of_postgresql_are_alone_as_those_of_sqlite_are() -> None:
    """They read before they write: two of them would read the same, and both write."""
    asked: list[str] = []
    there: Any = SimpleNamespace(dialect=postgresql.dialect(), execute=lambda text: asked.append(str(text)))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    one_at_a_time(there)
    assert [text for text in asked if "pg_advisory_xact_lock" in text] == asked[-1:]


def test_a_unit_of_work_waits_before_its_first_statement(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(database, "one_at_a_time", lambda c: seen.append(c.in_transaction()))
    with store.begin():
        assert seen == [True]
