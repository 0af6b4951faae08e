"""The contacts of a tenant, to look up; editing and syncing them comes with a module of their own."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from marketplace_plugin.host.records.tables import contact
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.form import codec


def of_tenant(c: sa.Connection, tenant: str) -> Sequence[Contact]:
    """Sorted by family name."""
    rows = c.execute(sa.select(contact.c.item).where(contact.c.tenant == tenant)).scalars()
    found = [item for text in rows if isinstance(item := codec.loads(text.encode()), Contact)]
    return sorted(found, key=lambda one: (one.family_name, one.given_name, one.company))


def add(c: sa.Connection, tenant: str, ref: str, item: Contact) -> None:
    c.execute(sa.insert(contact).values(ref=ref, tenant=tenant, item=codec.dumps(item).decode()))
