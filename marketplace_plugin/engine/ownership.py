"""A connection belongs to one person. Whoever asks for another's gets the same answer as for one that does not
exist."""

from __future__ import annotations

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person
from marketplace_plugin.errors import NotFound
from marketplace_plugin.store import connections, installations
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.accounts.installations import InstallationState


def own(c: Database, person: Person, connection_id: str) -> Connection:
    """The connection, where it is this person's own; being an admin changes nothing.

    Raises NotFound for an unknown or removed one, and for somebody else's.
    """
    found = connections.get(c, connection_id)
    if found is None or found.user != person.id or found.state is ConnectionState.REMOVED:
        raise NotFound("no such connection")
    return found


def is_open(c: Database, connection: Connection) -> bool:
    """Whether its owner may sign in: it is not paused, and its integration was not uninstalled."""
    found = installations.get(c, connection.tenant, connection.integration)
    ended = found is not None and found.state is InstallationState.UNINSTALLED
    return not ended and connection.state is not ConnectionState.PAUSED
