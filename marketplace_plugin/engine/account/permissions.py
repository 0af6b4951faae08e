"""Which kinds a connection can sync, and which of them still lack a permission at the service.

A scope with a ``feature`` is asked for when that kind is switched on, and not before.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection as Database

from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.sign_in import grants
from marketplace_plugin.errors import MarketplaceError
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import grants as stored_grants
from marketplace_plugin.store.accounts.connections import Connection

_MIRRORED = frozenset({Kind.TASK, Kind.CALL})


def offered(engine: Engine, integration: str) -> frozenset[Kind]:
    """What the integration's manifest names and the host has; tasks and calls wherever there is a calendar, because
    that shows them."""
    entry = next((one for one in engine.plugins.integrations() if one.id == integration), None)
    named = frozenset(Kind(kind) for kind in entry.kinds) if entry is not None else frozenset({Kind.EVENT})
    with_mirrors = named | _MIRRORED if Kind.EVENT in named else named
    return frozenset(kind for kind in with_mirrors if kind in engine.host.modules)


def has_lists(engine: Engine, integration: str) -> bool:
    """Tasks can be synced with a list of the service."""
    entry = next((one for one in engine.plugins.integrations() if one.id == integration), None)
    return entry is not None and Kind.TASK.value in entry.kinds and Kind.TASK in engine.host.modules


def missing(engine: Engine, c: Database, connection: Connection, kinds: Collection[Kind]) -> frozenset[Kind]:
    """The kinds among these that the service has not been asked about, or that were refused there. Tasks and calls are
    shown in the calendar, which needs nothing more; a list is asked for when it is wanted."""
    entry = next((one for one in engine.plugins.integrations() if one.id == connection.integration), None)
    if entry is None or not any(scope.feature in set(Kind) for scope in entry.auth.scopes):
        return frozenset()
    held = stored_grants.get(c, connection.id)
    if held is None:
        return frozenset()
    try:
        client = grants.oauth_client(engine, connection.integration)
    except MarketplaceError:
        return frozenset()  # not set up by the deployment: said where it matters
    have = client.among(held.scopes)
    return frozenset(
        kind
        for kind in set(kinds) - _MIRRORED
        if any(s.feature == kind.value and s.name not in have for s in client.scopes)
    )
