"""The calendars of an account as the service lists them now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.sign_in.grants import session_for
from marketplace_plugin.errors import AuthorizationExpired, NotFound
from marketplace_plugin.store import collections, connections, credentials
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState


@contextmanager
def opened(engine: Engine, connection: Connection) -> Iterator[Provider]:
    """The connection's account, closed again at the end. Raises what the plugin raises, and ConfigError."""
    with counting(engine, connection):
        provider = engine.plugins.open_provider(connection.integration, session_for(engine, connection))
        try:
            yield provider
        finally:
            provider.close()


@contextmanager
def counting(engine: Engine, connection: Connection) -> Iterator[None]:
    """Credentials that the service refuses count no more (tokens see to it themselves): nothing is sent again until
    their owner acts. Raises what was raised."""
    with engine.store.read() as c:
        version = credentials.version(c, connection.id)
    try:
        yield
    except AuthorizationExpired:
        expire(engine, connection.id, version)
        raise


def expire(engine: Engine, connection_id: str, version: int) -> None:
    """The service refuses the credentials of ``version``; newer ones stand (rule W12)."""
    with engine.store.begin() as unit:
        c = unit.connection
        if version and credentials.version(c, connection_id) == version:
            connections.expire(c, connection_id, AuthorizationExpired.code)


def reload(engine: Engine, connection: Connection) -> list[Collection]:
    """Ask the service and keep its list: new calendars come unticked, ticks and cursors stay. Raises ProviderError, and
    NotFound where the connection has ended while the service was asked: then nothing is kept."""
    with opened(engine, connection) as provider:
        infos = provider.collections()
    with engine.store.begin() as unit:
        c = unit.connection
        current = connections.get(c, connection.id)
        if current is None or current.state is ConnectionState.REMOVED:
            raise NotFound("the connection has ended meanwhile")
        return collections.refresh(c, connection.id, connection.user, infos)
