"""Tables, migrations and sealed values (floor 2).

Families of functions take the open connection first and never commit: ``links.by_remote(unit.connection, ...)``.
"""

from marketplace_plugin.store.accounts import (
    authorizations,
    collections,
    connections,
    credentials,
    grants,
    installations,
    leases,
    server_rules,
    tokens,
)
from marketplace_plugin.store.database import Store, UnitOfWork
from marketplace_plugin.store.log import journal, plans, runs
from marketplace_plugin.store.vault import Vault
from marketplace_plugin.store.work import blocks, conflicts, held, host_positions, intents, links, rounds

__all__ = [
    "Store",
    "UnitOfWork",
    "Vault",
    "authorizations",
    "blocks",
    "collections",
    "conflicts",
    "connections",
    "credentials",
    "grants",
    "held",
    "host_positions",
    "installations",
    "intents",
    "journal",
    "leases",
    "links",
    "plans",
    "rounds",
    "runs",
    "server_rules",
    "tokens",
]
