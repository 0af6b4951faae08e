"""The end of a provider: whatever happens there, what was done before stands."""

from __future__ import annotations

import structlog

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.store.accounts.connections import Connection

_log = structlog.get_logger(__name__)


def close(provider: Provider, connection: Connection) -> None:
    """Never raises; the log gets the kind of error, never its text."""
    try:
        provider.close()
    except Exception as error:  # noqa: BLE001  # logged; a plugin's mishap at the end undoes nothing
        kind = type(error).__name__
        _log.warning("closing failed", kind=kind, connection=connection.id, integration=connection.integration)
