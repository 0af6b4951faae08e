"""Authorising a connection: out to the service's sign-in and back, for the person himself in the browser he began
in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from marketplace_plugin.contract.hookspecs import Account, ConnectionRef
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.provider import Bearer, Session
from marketplace_plugin.engine.account import calendars
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.ownership import is_open, own
from marketplace_plugin.engine.sign_in import grants, oauth
from marketplace_plugin.engine.sign_in.oauth import Client, Tokens
from marketplace_plugin.errors import (
    AccountMismatch,
    AdminConsentNeeded,
    AuthorizationExpired,
    AuthorizeError,
    NotAllowed,
    NotFound,
    ProviderError,
    ScopeMissing,
    StateMismatch,
)
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.store import authorizations, connections, leases
from marketplace_plugin.store import grants as stored_grants
from marketplace_plugin.store.accounts.authorizations import Authorization
from marketplace_plugin.store.accounts.connections import Connection

CALLBACK = "/oauth/callback"
LIFETIME = timedelta(minutes=10)
_BITS = 32  # bytes of randomness of a state


@dataclass(frozen=True, slots=True)
class Authorized:
    """What was found. ``missing`` are optional scopes that were not granted. ``collections`` is what the account
    reaches; empty with ``reload_error`` (a code) where the service did not list it yet."""

    connection: str
    account: str
    collections: tuple[CollectionInfo, ...]
    missing: frozenset[str] = frozenset()
    reload_error: str = ""


def redirect_uri(engine: Engine) -> str:
    """To be registered at the service, letter by letter."""
    return engine.settings.base_url.rstrip("/") + CALLBACK


def begin(
    engine: Engine,
    person: Person,
    connection_id: str,
    browser_session: str,
    features: frozenset[str] = frozenset(),
) -> str:
    """The address at the service where the person signs in. ``browser_session`` is a secret of his browser's session.
    ``features``: what to ask for beside what every connection needs and what this one was granted before.

    Raises NotFound where the connection is not his, NotAllowed while it is paused or its integration is not installed,
    ConfigError, InsecureTransport.
    """
    with engine.store.read() as c:
        connection = own(c, person, connection_id)
        held = stored_grants.get(c, connection_id)
        may = is_open(c, connection)
    if not may:
        raise NotAllowed("the integration is not installed")
    client = grants.oauth_client(engine, connection.integration)
    before = client.among(held.scopes) if held is not None else frozenset()
    scopes = (s for s in client.scopes if not s.feature or s.feature in features or s.name in before)
    client = replace(client, scopes=tuple(scopes))
    state, verifier = secrets.token_urlsafe(_BITS), oauth.new_verifier()
    hint = {"login_hint": connection.account} if connection.account else {}
    url = oauth.authorization_url(client, redirect_uri(engine), state, verifier, hint)
    now = engine.now()
    flow = Authorization(engine.new_id(), connection.id, person.id, verifier, frozenset(client.names))
    with engine.store.begin() as unit:
        authorizations.sweep(unit.connection, now)
        authorizations.add(
            unit.connection, flow, state=state, session=browser_session, created_at=now, expires_at=now + LIFETIME
        )
    return url


def finish(engine: Engine, person: Person, browser_session: str, callback_url: str) -> Authorized:
    """Take the answer that the service sent the browser back with. Only its query is read: which address a proxy
    shows us is not the point.

    Raises StateMismatch, ConsentDenied, AdminConsentNeeded, ScopeMissing, AccountMismatch, AuthorizeError, ConfigError,
    Unavailable, Throttled, ContractViolation; whatever it raises, nothing was stored and an existing grant stands.
    NotFound where the connection has ended meanwhile.
    """
    query = urlsplit(callback_url).query
    state = parse_qs(query).get("state", [""])[0]
    with engine.store.begin() as unit:
        flow = authorizations.use(
            unit.connection, state=state, session=browser_session, user=person.id, now=engine.now()
        )
    if flow is None:
        raise StateMismatch("the state is unknown, used, expired, or belongs to another session")
    with engine.store.read() as c:
        connection = own(c, person, flow.connection)
    client = grants.oauth_client(engine, connection.integration)
    client = replace(client, scopes=tuple(s for s in client.scopes if s.name in flow.scopes))
    home = redirect_uri(engine)
    try:
        tokens = oauth.exchange(client, home, f"{home}?{query}", state, flow.verifier)
    except AuthorizationExpired:
        raise AuthorizeError("the service does not accept the code") from None
    except AdminConsentNeeded:
        raise AdminConsentNeeded("an admin of the organisation has to consent first", connection.id) from None
    granted = tokens.scopes if tokens.scopes is not None else frozenset(client.names)
    claims = oauth.claims_of(client, tokens, flow.verifier, engine.now())
    account = _account(engine, connection, tokens, claims, granted)
    key = grants.account_key(engine, connection.integration, account.subject)
    try:
        if missing := client.missing(granted, required=True):
            raise ScopeMissing("a permission that is needed was not granted", missing)
        first = _store(engine, person, connection, tokens, granted, account, key)
    except (AuthorizeError, NotFound):
        _give_back(engine, client, connection.integration, tokens, key)
        raise
    if first:
        reference = ConnectionRef(connection.id, connection.integration, connection.tenant, connection.user)
        engine.plugins.announce("connection_added", connection.integration, connection=reference)
    return found(engine, person, connection.id, account, client.missing(granted, required=False))


def _account(
    engine: Engine, connection: Connection, tokens: Tokens, claims: Mapping[str, Any], granted: frozenset[str]
) -> Account:
    """Who signed in, as the plugin tells it."""
    template = grants.session_for(engine, connection)
    session = Session(
        connection=connection.id,
        account="",
        instance=engine.instance,
        now=engine.now,
        bearer=_Fresh(tokens.access),
        settings=template.settings,
        granted=granted,
    )
    account = engine.plugins.authorized_account(connection.integration, claims, session)
    if account is None or not account.subject:
        raise AuthorizeError("the plugin does not know the account")
    return account


def _store(
    engine: Engine,
    person: Person,
    connection: Connection,
    tokens: Tokens,
    granted: frozenset[str],
    account: Account,
    key: str,
) -> bool:
    """One transaction; True where the connection had no grant before."""
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        current = own(c, person, connection.id)
        if current.account_key not in (None, key):
            raise AccountMismatch("this connection belongs to another account")
        if not is_open(c, current):
            raise AuthorizeError("the integration was uninstalled meanwhile")
        held = stored_grants.get(c, connection.id)
        stored_grants.put(
            c,
            connection.id,
            connection.integration,
            key,
            access=tokens.access,
            # Some services send a refresh token with the first consent only.
            refresh=tokens.refresh or (held.refresh if held is not None else None),
            expires_at=now + tokens.lifetime if tokens.lifetime is not None else None,
            scopes=granted,
            now=now,
        )
        leases.seize(c, connection.id, now)  # a pass that still meets the former grant's end says nothing of this
        connections.authorised(c, connection.id, key, account.label, now)
    return current.connected_at is None


def _give_back(engine: Engine, client: Client, integration: str, tokens: Tokens, key: str) -> None:
    """Tokens that are not kept are ended, unless another connection of the same account would end with them."""
    with engine.store.read() as c:
        used = stored_grants.count_of_account(c, integration, key)
    if not used:
        oauth.revoke(client, tokens.refresh or tokens.access)


def found(engine: Engine, person: Person, connection_id: str, account: Account, missing: frozenset[str]) -> Authorized:
    """The account's calendars, where the service lists them now; it is authorised either way. Raises NotFound where the
    connection has ended meanwhile."""
    with engine.store.read() as c:
        connection = own(c, person, connection_id)
    try:
        rows = calendars.reload(engine, connection)
    except ProviderError as error:
        return Authorized(connection_id, account.label, (), missing, error.code)
    return Authorized(connection_id, account.label, tuple(row.info for row in rows if row.listed), missing)


@dataclass(frozen=True, slots=True)
class _Fresh(Bearer):
    """A token that was issued a moment ago and is in no row yet."""

    token: str

    def __repr__(self) -> str:
        return "_Fresh()"

    def __call__(self, refused: str | None = None) -> str:
        if refused is not None:
            raise AuthorizationExpired("the service refuses the token that it has just issued")
        return self.token
