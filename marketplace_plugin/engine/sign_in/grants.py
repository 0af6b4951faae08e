"""Access tokens for a connection: kept, refreshed by one worker at a time, given back when the last connection goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection as Database

from marketplace_plugin.bundle.manifest import AuthType, Integration
from marketplace_plugin.contract.provider import Bearer, Session
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.form.sessions import stored_session
from marketplace_plugin.engine.sign_in import oauth
from marketplace_plugin.errors import (
    AuthorizationExpired,
    ConfigError,
    InsecureTransport,
    MarketplaceError,
    Unavailable,
)
from marketplace_plugin.store import connections, grants
from marketplace_plugin.store.accounts.connections import Connection
from marketplace_plugin.store.accounts.grants import Grant

REFRESH_EARLY = timedelta(minutes=2)  # a token that ends sooner is not handed out: a request may take that long
REFRESH_LEASE = timedelta(minutes=2)  # longer than a request to the token endpoint can take
_WAITS = 100
_WAIT_SECONDS = 0.3


def integration_of(engine: Engine, name: str) -> Integration:
    """Raises ConfigError for one that is disabled or gone: its connections wait."""
    for entry in engine.plugins.integrations():
        if isinstance(entry, Integration) and entry.id == name:
            return entry
    raise ConfigError(f"the integration {name} is not available")


def oauth_client(engine: Engine, name: str) -> oauth.Client:
    """The client with all scopes, those of features too. Raises ConfigError where the deployment has not set it up."""
    entry = integration_of(engine, name)
    features = frozenset(scope.feature for scope in entry.auth.scopes)
    return oauth.client_of(entry, engine.settings.integrations.get(name, {}), features)


def account_key(engine: Engine, integration: str, subject: str) -> str:
    """The service's account id, keyed: equal for the same account, and tells nothing."""
    return engine.store.vault.keyed(f"account\0{integration}\0{subject}".encode())


def session_for(engine: Engine, connection: Connection) -> Session:
    """What a plugin opens a provider with. Raises ConfigError, AuthorizationExpired (credentials that do not count)."""
    entry = integration_of(engine, connection.integration)
    if entry.auth.type is AuthType.FORM:
        return stored_session(engine, connection, entry)
    with engine.store.read() as c:
        grant = grants.get(c, connection.id)
    secret = {setting.name for setting in entry.settings if setting.secret}
    values = engine.settings.integrations.get(entry.id, {})
    return Session(
        connection=connection.id,
        account=connection.account,
        instance=engine.instance,
        now=engine.now,
        bearer=StoredBearer(engine, connection.id),
        settings={name: value for name, value in values.items() if name not in secret},
        granted=grant.scopes if grant is not None else frozenset(),
    )


@dataclass(frozen=True, slots=True)
class StoredBearer(Bearer):
    """The tokens of one connection, as ``contract.provider.Bearer``. Safe to call from several processes at once."""

    engine: Engine = field(repr=False)
    connection: str
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __call__(self, refused: str | None = None) -> str:
        for _ in range(_WAITS):
            grant = self._current()
            if self._is_good(grant, refused):
                return grant.access
            fresh = self._refresh(grant)
            if fresh is not None:
                return fresh
            self.sleep(_WAIT_SECONDS)  # another worker refreshes
        raise Unavailable("another worker refreshes the tokens and does not come to an end")

    def _current(self) -> Grant:
        with self.engine.store.read() as c:
            grant = grants.get(c, self.connection)
        if grant is None or not grant.alive:
            raise AuthorizationExpired("there is no grant that still counts")
        return grant

    def _is_good(self, grant: Grant, refused: str | None) -> bool:
        if grant.access == refused:
            return False
        return grant.expires_at is None or grant.expires_at - self.engine.now() > REFRESH_EARLY

    def _refresh(self, grant: Grant) -> str | None:
        """The new access token; None where another worker has the lease, or has been faster."""
        engine, now, holder = self.engine, self.engine.now(), self.engine.new_id()
        with engine.store.begin() as unit:
            if not grants.claim_refresh(
                unit.connection, self.connection, grant.version, holder, now, now + REFRESH_LEASE
            ):
                return None
        if grant.refresh is None:
            self._expired(grant)
            return None
        try:
            tokens = oauth.refresh(oauth_client(engine, grant.integration), grant.refresh)
        except AuthorizationExpired:
            self._expired(grant)
            return None
        except MarketplaceError:
            with engine.store.begin() as unit:
                grants.release_refresh(unit.connection, self.connection, holder)
            raise
        now = engine.now()
        with engine.store.begin() as unit:
            kept = grants.replace(
                unit.connection,
                self.connection,
                grant.version,
                access=tokens.access,
                refresh=tokens.refresh or grant.refresh,
                expires_at=now + tokens.lifetime if tokens.lifetime is not None else None,
                scopes=tokens.scopes if tokens.scopes is not None else grant.scopes,
                now=now,
            )
        return tokens.access if kept else None

    def _expired(self, grant: Grant) -> None:
        """The service refused: that counts for the tokens that were refused (then it raises AuthorizationExpired),
        and for no newer ones (rule W12)."""
        with self.engine.store.begin() as unit:
            c = unit.connection
            counted = grants.expire(c, self.connection, grant.version, self.engine.now())
            if counted:
                connections.expire(c, self.connection, AuthorizationExpired.code)
        if counted:
            raise AuthorizationExpired("the service does not accept the grant any more")


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is left to tell a service once our own rows are gone."""

    integration: str
    token: str = field(repr=False)


def withdraw(c: Database, connection_id: str) -> Revocation | None:
    """Delete a connection's grant, in the caller's transaction. What to revoke where it was the account's last one:
    many services end all grants of a deployment at once, and other connections may hold one."""
    grant = grants.get(c, connection_id)
    if grant is None:
        return None
    last = grants.count_of_account(c, grant.integration, grant.account_key) == 1
    grants.remove(c, connection_id)
    return Revocation(grant.integration, grant.refresh or grant.access) if last and grant.alive else None


def revoke(engine: Engine, revocation: Revocation) -> bool:
    """After the commit. Never raises: a disconnect works with the service down; False where it could not be told."""
    try:
        return oauth.revoke(oauth_client(engine, revocation.integration), revocation.token)
    except (ConfigError, InsecureTransport):
        return False
