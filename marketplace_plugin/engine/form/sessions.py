"""What a plugin is given for an account behind a form: the secrets that were entered, and where they may be sent.

Known settings of the manifest: ``allowed_hosts`` (entries of ``contract.servers``), ``ca_file`` (a PEM file) and
``resolver``. The first two are joined with what the tenant's administrators have entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection as Database

from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.contract.authorities import read_authorities
from marketplace_plugin.contract.provider import Session
from marketplace_plugin.contract.servers import AllowedServers
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.errors import AuthorizationExpired, ConfigError
from marketplace_plugin.store import credentials, server_rules
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState


def stored_session(engine: Engine, connection: Connection, entry: Integration) -> Session:
    """With the credentials that are kept. Raises AuthorizationExpired where there are none that still count: a password
    that was refused once is not sent again before its owner acts (an account would be locked). Raises ConfigError."""
    with engine.store.read() as c:
        kept = credentials.get(c, connection.id)
    if kept is None or connection.state is ConnectionState.EXPIRED:
        raise AuthorizationExpired("there are no credentials that still count")
    return session(engine, connection, entry, kept.fields)


def session(engine: Engine, connection: Connection, entry: Integration, secrets: Mapping[str, str]) -> Session:
    """Raises ConfigError where a file of the deployment cannot be read."""
    with engine.store.read() as c:
        settings = settings_of(engine, c, connection.tenant, entry)
    person = engine.host.person(connection.user)
    return Session(
        connection=connection.id,
        account=connection.account,
        instance=engine.instance,
        now=engine.now,
        secrets=dict(secrets),
        settings=settings if person is None else {**settings, "zone": person.zone},
    )


def settings_of(engine: Engine, c: Database, tenant: str, entry: Integration) -> dict[str, str]:
    """The deployment's settings and the tenant's rules as one. Raises ConfigError for entries and files that are none,
    before a plugin meets them."""
    rules = server_rules.get(c, tenant, entry.id)
    given = dict(engine.settings.integrations.get(entry.id, {}))
    secret = {setting.name for setting in entry.settings if setting.secret}
    settings = {name: value for name, value in given.items() if name not in secret and name != "ca_file"}
    settings["allowed_hosts"] = " ".join([*given.get("allowed_hosts", "").split(), *rules.allowed])
    settings["refused_hosts"] = " ".join(entry.auth.hand_over.hosts) if entry.auth.hand_over is not None else ""
    settings["ca"] = "\n".join(filter(None, [_file(given.get("ca_file", "")), rules.authorities]))
    servers_of(settings)
    return settings


def servers_of(settings: Mapping[str, str]) -> AllowedServers:
    """Raises ConfigError."""
    try:
        return AllowedServers.read(settings["allowed_hosts"], settings["refused_hosts"])
    except ValueError as error:
        raise ConfigError(f"an entry of the allowed hosts cannot be read: {error}") from None


def _file(path: str) -> str:
    if not path:
        return ""
    try:
        text = Path(path).read_text(encoding="ascii")
        read_authorities(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the file of certificate authorities cannot be used: {type(error).__name__}") from None
    return text
