"""The way through a form: search the server, test what was entered, save exactly that.

A password goes to the plugin in a test, and into the vault when the test was passed: for ten minutes as the outcome of
the test, and for good when its owner saves. It is never shown, and what a server refused is not sent again by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection as Database

from marketplace_plugin.bundle.manifest import Auth, AuthType, Integration
from marketplace_plugin.contract.hookspecs import Account, ConnectionRef, Credentials, StepState, TestStep
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.servers import AllowedServers, ServerEntry, named_server
from marketplace_plugin.contract.steps import NO_STEPS, WRONG_PASSWORD
from marketplace_plugin.engine.account import market
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.form import sessions
from marketplace_plugin.engine.ownership import is_open, own
from marketplace_plugin.engine.sign_in import grants
from marketplace_plugin.engine.sign_in.authorize import Authorized, found
from marketplace_plugin.engine.views import Asked
from marketplace_plugin.errors import (
    AccountMismatch,
    AuthorizeError,
    ConfigError,
    InvalidSettings,
    NotAllowed,
    NotFound,
    NotTested,
    ServerHandedOver,
    ServerNotAllowed,
    TooManyRequests,
)
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import collections, connections, credentials, installations, leases, server_rules
from marketplace_plugin.store.accounts.connections import Connection
from marketplace_plugin.store.accounts.credentials import CredentialTest
from marketplace_plugin.store.accounts.installations import RequestState

LIFETIME = timedelta(minutes=10)
LONGEST = 1000  # characters of a field
SERVER, EMAIL = "server", "email"
MOST_ASKED = 10
"""Servers that one user may have asked for at a time."""

Entered = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormView:
    """What the form shows before anything is entered. ``fields`` are the kept ones that are no secrets, ``email`` the
    address to begin with, ``contact`` who helps. ``stored``: there are credentials, which this takes the place of."""

    email: str
    fields: Entered
    contact: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """``server`` is empty where nothing was found. ``refused``: it is not allowed, and could be asked for.
    ``handed_over`` is the integration that its accounts belong to, empty where they belong here."""

    steps: tuple[TestStep, ...]
    server: str = ""
    refused: str = ""
    handed_over: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """``passed``: exactly this can be saved now. ``refused`` and ``handed_over`` as in ``Searched``."""

    steps: tuple[TestStep, ...]
    passed: bool
    refused: str = ""
    handed_over: str = ""


def form(engine: Engine, person: Person, connection_id: str) -> FormView:
    """Raises NotFound."""
    with engine.store.read() as c:
        row, entry = _mine(engine, c, person, connection_id)
        kept = credentials.get(c, row.id)
        rules = server_rules.get(c, person.tenant, entry.id)
    shown = {one.name for one in entry.auth.fields if not one.secret}
    fields = {name: value for name, value in (kept.fields if kept else {}).items() if name in shown}
    return FormView(fields.get(EMAIL) or person.email, fields, rules.contact, kept is not None)


def search(engine: Engine, person: Person, connection_id: str, email: str) -> Searched:
    """Where the server of ``email`` is; no secret is known here. Raises NotFound, NotAllowed, ConfigError."""
    with engine.store.read() as c:
        row, entry = _mine(engine, c, person, connection_id)
        _require_open(c, row)
    session = sessions.session(engine, row, entry, {})
    result = engine.plugins.search_server(entry.id, email, session)
    if not result.server:
        return Searched(result.steps)
    host, port = named_server(result.server)
    allowed = sessions.servers_of(session.settings)
    if allowed.refuses(host):
        return Searched(result.steps, handed_over=_heir(entry.auth))
    refused = "" if allowed.names(host, port) else str(ServerEntry.of(host, port))
    return Searched(result.steps, result.server, refused)


def test(
    engine: Engine, person: Person, connection_id: str, browser_session: str, entered: Entered, *, write: bool
) -> Tried:
    """Try ``entered`` once. ``write``: a throw-away entry may be made. What passed can be saved for ten minutes, in
    this session of the browser. Raises NotFound, NotAllowed (not installed), InvalidSettings (fields), ConfigError."""
    with engine.store.read() as c:
        row, entry = _mine(engine, c, person, connection_id)
        calendars = [one for one in collections.of_connection(c, row.id) if one.info.kind is Kind.EVENT]
        target = next((one.remote_id for one in calendars if one.is_target), None)
        _require_open(c, row)
    fields = _cleaned(entry.auth, entered)
    session = sessions.session(engine, row, entry, fields)
    if failed := _before_sending(entry.auth, fields, sessions.servers_of(session.settings)):
        return failed
    now = engine.now()
    attempt = CredentialTest(
        engine.new_id(), row.id, person.id, _digest(engine, row.id, fields), None, now, now + LIFETIME
    )
    with engine.store.begin() as unit:  # before it is sent: a second press, or a crash, sends nothing twice
        if not credentials.begin_test(unit.connection, attempt, session=browser_session):
            return Tried((TestStep("sign-in", StepState.FAILED, 0, "refused-before", "wait-or-change"),), False)
    steps, kept = _steps(engine, entry, session, target, write=write)
    if any(step.cause == WRONG_PASSWORD for step in steps):
        return _told(entry.auth, steps, passed=False, fields=fields)
    with engine.store.begin() as unit:
        credentials.remove_test(unit.connection, attempt.id)
    if kept is None:
        return _told(entry.auth, steps, passed=False, fields=fields)
    account = engine.plugins.authorized_account(entry.id, kept.claims, session)
    if account is None or not account.subject:
        raise AuthorizeError("the plugin does not know the account")
    if row.account_key not in (None, grants.account_key(engine, entry.id, account.subject)):
        return Tried((*steps, TestStep("account", StepState.FAILED, cause=AccountMismatch.code)), False)
    outcome = {
        "entered": fields,
        "fields": {**fields, **kept.fields},
        "subject": account.subject,
        "label": account.label,
    }
    with engine.store.begin() as unit:
        _require_open(unit.connection, own(unit.connection, person, row.id))  # else the password would outlive its end
        credentials.add_test(unit.connection, replace(attempt, outcome=outcome), session=browser_session)
    return _told(entry.auth, steps, passed=True, fields=fields)


def save(engine: Engine, person: Person, connection_id: str, browser_session: str, entered: Entered) -> Authorized:
    """Keep what passed the test. Secrets may be left out: pages do not show them again. Raises NotFound, NotTested
    (nothing was tested, or something else), AccountMismatch, AuthorizeError; then nothing was stored."""
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        row, entry = _mine(engine, c, person, connection_id)
        proof = credentials.passed_test(c, row.id, user=person.id, session=browser_session, now=now)
        if proof is None or proof.outcome is None:
            raise NotTested("nothing was tested")
        outcome = proof.outcome
        fields = _completed(entry.auth, entered, outcome["entered"])
        if _digest(engine, row.id, fields) != proof.digest:
            raise NotTested("this is not what was tested")
        account = Account(outcome["subject"], outcome["label"])
        key = grants.account_key(engine, entry.id, account.subject)
        if row.account_key not in (None, key):
            raise AccountMismatch("this connection belongs to another account")
        if not is_open(c, row):
            raise AuthorizeError("the integration was uninstalled meanwhile")
        credentials.put(c, row.id, outcome["fields"], now)
        credentials.remove_tests(c, row.id)
        leases.seize(c, row.id, now)  # a pass that runs with the former password writes nothing more
        connections.authorised(c, row.id, key, account.label, now)
    engine.store.scrub()
    if row.connected_at is None:
        reference = ConnectionRef(row.id, row.integration, row.tenant, row.user)
        engine.plugins.announce("connection_added", row.integration, connection=reference)
    return found(engine, person, row.id, account, frozenset())


def ask_for(engine: Engine, person: Person, connection_id: str, server: str) -> None:
    """Ask the tenant's admin to allow a server; asking twice is one request. Raises NotFound, InvalidSettings, and
    TooManyRequests where ``MOST_ASKED`` of his wait for an answer."""
    with engine.store.read() as c:
        row, entry = _mine(engine, c, person, connection_id)
        allowed = sessions.servers_of(sessions.settings_of(engine, c, row.tenant, entry))
        waiting = installations.requests(c, person.tenant, RequestState.OPEN, person.id)
    try:
        host, port = named_server(server)
    except ValueError:
        raise InvalidSettings("this is no server") from None
    if allowed.refuses(host):
        return
    server = str(ServerEntry.of(host, port))
    others = {(one.integration, one.subject) for one in waiting if one.what is Asked.HOST} - {(entry.id, server)}
    if len(others) >= MOST_ASKED:
        raise TooManyRequests("the admin has not answered the others yet")
    market.ask(engine, person, entry.id, Asked.HOST, server)


# ---- on the way ----------------------------------------------------------------------------------------


def _mine(engine: Engine, c: Database, person: Person, connection_id: str) -> tuple[Connection, Integration]:
    row = own(c, person, connection_id)
    try:
        entry = grants.integration_of(engine, row.integration)
    except ConfigError:
        raise NotFound("the integration is disabled or gone") from None
    if entry.auth.type is not AuthType.FORM:
        raise NotFound("this integration has no form")
    return row, entry


def _require_open(c: Database, row: Connection) -> None:
    if not is_open(c, row):
        raise NotAllowed("the integration is not installed")


def _cleaned(auth: Auth, entered: Entered) -> dict[str, str]:
    """Fields that the manifest names, and no others; secrets letter by letter."""
    given = {one.name: entered.get(one.name, "") for one in auth.fields}
    fields = {one.name: given[one.name] if one.secret else given[one.name].strip() for one in auth.fields}
    if any(one.required and not fields[one.name] for one in auth.fields):
        raise InvalidSettings("a field that is needed is empty")
    if any(len(value) > LONGEST for value in fields.values()):
        raise InvalidSettings("a field is too long")
    return fields


def _completed(auth: Auth, entered: Entered, tested: Entered) -> dict[str, str]:
    """``entered`` with the tested secrets where none is given."""
    secret = {one.name for one in auth.fields if one.secret}
    given = {name: value for name, value in entered.items() if name not in secret or value}
    return _cleaned(auth, {**{name: tested[name] for name in secret}, **given})


def _digest(engine: Engine, connection_id: str, fields: Entered) -> str:
    told = json.dumps(["credentials", connection_id, sorted(fields.items())], ensure_ascii=False)
    return engine.store.vault.keyed(told.encode())


def _before_sending(auth: Auth, fields: Entered, allowed: AllowedServers) -> Tried | None:
    """What is not https, takes no passwords, or was allowed by nobody is not even told to the plugin."""
    if SERVER not in fields:
        return None
    if fields[SERVER].lower().startswith("http:"):
        return Tried((TestStep(SERVER, StepState.FAILED, 0, "not-encrypted", "check-server"),), False)
    try:
        host, port = named_server(fields[SERVER])
    except ValueError:
        return Tried((TestStep(SERVER, StepState.FAILED, 0, "no-address", "check-server"),), False)
    if allowed.names(host, port):
        return None
    cause = ServerHandedOver.code if allowed.refuses(host) else ServerNotAllowed.code
    way_out = "" if allowed.refuses(host) else "request-server"
    return _told(auth, (TestStep(SERVER, StepState.FAILED, 0, cause, way_out),), passed=False, fields=fields)


def _steps(
    engine: Engine, entry: Integration, session: Any, target: str | None, *, write: bool
) -> tuple[tuple[TestStep, ...], Credentials | None]:
    steps: list[TestStep] = []
    kept: Credentials | None = None
    for one in engine.plugins.test_credentials(entry.id, session, target, write):
        if isinstance(one, TestStep):
            steps.append(one)
        else:
            kept = one
    if not steps:
        return (NO_STEPS,), None
    failed = any(step.state is StepState.FAILED for step in steps)
    return tuple(steps), None if failed else kept


def _told(auth: Auth, steps: tuple[TestStep, ...], *, passed: bool, fields: Entered) -> Tried:
    causes = {step.cause for step in steps}
    if ServerHandedOver.code in causes:
        return Tried(steps, False, handed_over=_heir(auth))
    if ServerNotAllowed.code not in causes:
        return Tried(steps, passed)
    # A referral may lead to another server than the one that was entered: its step tells which.
    named = (dict(step.facts).get(SERVER, "") for step in steps if step.cause == ServerNotAllowed.code)
    return Tried(steps, False, refused=next(filter(None, named), "") or _entered(fields))


def _heir(auth: Auth) -> str:
    return auth.hand_over.to if auth.hand_over is not None else ""


def _entered(fields: Entered) -> str:
    """Empty for a form that does not ask for a server."""
    return str(ServerEntry.of(*named_server(fields[SERVER]))) if fields.get(SERVER) else ""
