"""The calendars of an account as the service lists them now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DBAPIError

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.engine.account.closing import close
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.sign_in.grants import session_for
from marketplace_plugin.errors import (
    AuthorizationExpired,
    ContractViolation,
    HookError,
    MarketplaceError,
    NotFound,
    place_of,
)
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.store import collections, connections, credentials
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState

_log = structlog.get_logger(__name__)


@contextmanager
def opened(engine: Engine, connection: Connection) -> Iterator[Provider]:
    """The connection's account, closed again at the end. Raises what the plugin raises, and ConfigError."""
    with counting(engine, connection):
        provider = engine.plugins.open_provider(connection.integration, session_for(engine, connection))
        try:
            yield provider
        finally:
            close(provider, connection)


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
    infos = _listed(engine, connection)
    with engine.store.begin() as unit:
        c = unit.connection
        current = connections.get(c, connection.id)
        if current is None or current.state is ConnectionState.REMOVED:
            raise NotFound("the connection has ended meanwhile")
        return collections.refresh(c, connection.id, connection.user, infos)


def _listed(engine: Engine, connection: Connection) -> Sequence[CollectionInfo]:
    """What the plugin lists. Raises ContractViolation for no list, for one calendar listed twice, and in the place of
    what no provider may raise; what it may comes through, and ConfigError."""
    try:
        with opened(engine, connection) as provider:
            infos = list(provider.collections())
    except HookError:
        raise ContractViolation("the plugin opens no account") from None
    except (MarketplaceError, DBAPIError):  # the latter is our own database
        raise
    except Exception as error:  # noqa: BLE001  # told as the plugin's fault, and logged without its text
        kind, at = type(error).__name__, place_of(error)
        _log.warning("listing failed", kind=kind, at=at, connection=connection.id, integration=connection.integration)
        raise ContractViolation("the plugin cannot list the calendars") from None
    if not all(isinstance(info, CollectionInfo) for info in infos):
        raise ContractViolation("the plugin lists what is no calendar")
    if len({info.id for info in infos}) < len(infos):
        raise ContractViolation("the plugin lists a calendar twice")
    return infos
