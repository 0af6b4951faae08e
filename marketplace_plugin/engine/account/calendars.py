"""The calendars of an account as the service lists them now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.engine.account.grants import session_for
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.store import collections
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.store.accounts.connections import Connection


@contextmanager
def opened(engine: Engine, connection: Connection) -> Iterator[Provider]:
    """The connection's account, closed again at the end. Raises what the plugin raises, and ConfigError."""
    provider = engine.plugins.open_provider(connection.integration, session_for(engine, connection))
    try:
        yield provider
    finally:
        provider.close()


def reload(engine: Engine, connection: Connection) -> list[Collection]:
    """Ask the service and keep its list: new calendars come unticked, ticks and cursors stay. Raises ProviderError."""
    with opened(engine, connection) as provider:
        infos = provider.collections()
    with engine.store.begin() as unit:
        return collections.refresh(unit.connection, connection.id, connection.user, infos)
