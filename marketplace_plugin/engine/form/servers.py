"""Which servers a tenant's people may enter, which authorities are trusted there, and who helps: an administrator's
part. Users ask for a server; granting the request enters it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection as Database

from marketplace_plugin.bundle.manifest import AuthType, Integration
from marketplace_plugin.contract.authorities import Authority, read_authorities
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.servers import read_entries, read_entry
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.errors import InvalidSettings, NotAllowed, NotFound
from marketplace_plugin.store import server_rules
from marketplace_plugin.store.accounts.server_rules import ServerRules

CONTACT_LENGTH = 500


@dataclass(frozen=True, slots=True)
class ServersView:
    """``deployment`` are entries that the deployment allows for all tenants."""

    integration: Integration
    allowed: tuple[str, ...]
    deployment: tuple[str, ...]
    authorities: tuple[Authority, ...]
    contact: str


def listed(engine: Engine, person: Person) -> Sequence[ServersView]:
    """One for each available integration with a form, as the admin's tenant has it. Raises NotAllowed."""
    _require_admin(person)
    with engine.store.read() as c:
        return [_view(engine, c, person.tenant, entry) for entry in engine.plugins.integrations() if _has_form(entry)]


def save(
    engine: Engine,
    person: Person,
    integration: str,
    allowed: str,
    authorities: str,
    contact: str,
    known: str | None = None,
) -> None:
    """Take the place of what was entered before. ``allowed`` are entries joined by blanks, commas or line ends, and
    ``known`` those that the form began with: what was opened or closed meanwhile by somebody else stays so.
    ``authorities`` are PEM that is added to what is there. Raises NotAllowed, NotFound, InvalidSettings."""
    _require_admin(person)
    entry = _entry(engine, integration)
    try:
        wanted = list(dict.fromkeys(str(one) for one in read_entries(allowed)))
        before = {str(one) for one in read_entries(known or "")}
        added = [one.pem for one in read_authorities(authorities)]
    except ValueError as error:
        raise InvalidSettings(str(error)) from None
    if len(contact) > CONTACT_LENGTH:
        raise InvalidSettings("the contact is too long")
    with engine.store.begin() as unit:
        c = unit.connection
        present = server_rules.get(c, person.tenant, entry.id)
        opened = [] if known is None else [one for one in present.allowed if one not in before]
        closed = before - set(present.allowed)
        entries = tuple(dict.fromkeys(one for one in (*wanted, *opened) if one not in closed))
        held = [one.pem for one in read_authorities(present.authorities)]
        together = "".join(dict.fromkeys([*held, *added]))
        try:
            read_authorities(together)
        except ValueError as error:
            raise InvalidSettings(str(error)) from None  # each may be few, and all of them too many
        rules = ServerRules(entries, together, contact.strip())
        server_rules.put(c, person.tenant, entry.id, rules, person=person.id, now=engine.now())


def distrust(engine: Engine, person: Person, integration: str, fingerprint: str) -> None:
    """Take one authority away. Raises NotAllowed, NotFound."""
    _require_admin(person)
    entry = _entry(engine, integration)
    with engine.store.begin() as unit:
        c = unit.connection
        rules = server_rules.get(c, person.tenant, entry.id)
        held = read_authorities(rules.authorities)
        left = [one.pem for one in held if one.fingerprint != fingerprint]
        if len(left) == len(held):
            raise NotFound("no such authority")
        kept = ServerRules(rules.allowed, "".join(left), rules.contact)
        server_rules.put(c, person.tenant, entry.id, kept, person=person.id, now=engine.now())


def allow(engine: Engine, c: Database, admin: Person, integration: str, server: str) -> None:
    """A request for ``server`` was granted."""
    entry = str(read_entry(server))
    rules = server_rules.get(c, admin.tenant, integration)
    more = ServerRules(tuple(dict.fromkeys([*rules.allowed, entry])), rules.authorities, rules.contact)
    server_rules.put(c, admin.tenant, integration, more, person=admin.id, now=engine.now())


def _view(engine: Engine, c: Database, tenant: str, entry: Integration) -> ServersView:
    rules = server_rules.get(c, tenant, entry.id)
    deployment = engine.settings.integrations.get(entry.id, {}).get("allowed_hosts", "")
    return ServersView(
        entry, rules.allowed, tuple(deployment.split()), tuple(read_authorities(rules.authorities)), rules.contact
    )


def _has_form(entry: Integration) -> bool:
    return entry.available and entry.auth.type is AuthType.FORM


def _entry(engine: Engine, integration: str) -> Integration:
    for entry in engine.plugins.integrations():
        if entry.id == integration and _has_form(entry):
            found: Integration = entry
            return found
    raise NotFound(integration)


def _require_admin(person: Person) -> None:
    if not person.admin:
        raise NotAllowed("only an admin")
