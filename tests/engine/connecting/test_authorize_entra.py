"""The way to Entra's sign-in and back: issuers for each directory, scopes in any writing, consent by an admin."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

import pytest

from marketplace_plugin.bundle.manifest import ScopeMatch
from marketplace_plugin.engine.account import connections, disconnect, market, settings
from marketplace_plugin.engine.sign_in import authorize, consent, oauth
from marketplace_plugin.engine.sign_in.grants import oauth_client
from marketplace_plugin.engine.views import Asked
from marketplace_plugin.errors import (
    AccountMismatch,
    AdminConsentNeeded,
    AuthorizeError,
    ConfigError,
    ConsentDenied,
    InsecureTransport,
    NotFound,
    StateMismatch,
    Unavailable,
)
from marketplace_plugin.sandbox.graph.entra.grants import ending
from marketplace_plugin.sandbox.graph.seed import (
    ANNA,
    ANNA_PRIVATE,
    JONAS,
    LENA,
    NORDWERK,
    SALES,
    STRIKT,
    STRIKT_ADMIN,
    TENANTS,
)
from marketplace_plugin.store.accounts.connections import ConnectionState, Policy, save_settings
from marketplace_plugin.store.accounts.installations import RequestState
from tests.engine.entra import CALLBACK, OFFICE, EntraWorld, Visitor, entra_world
from tests.engine.shell import ADMIN, ANNA_HERE, BROWSER, JONAS_HERE, STRANGER

NORDWERK_ID, STRIKT_ID = TENANTS[0].id, TENANTS[1].id


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EntraWorld]:
    with entra_world(tmp_path) as made:
        yield made


@pytest.fixture
def connection(world: EntraWorld) -> str:
    return world.add()


def nothing_stored(world: EntraWorld, connection: str) -> bool:
    return world.row(connection).state is ConnectionState.ADDED and world.grant(connection) is None


# ---- there and back -----------------------------------------------------------------------------------


def test_the_whole_way(world: EntraWorld, connection: str) -> None:
    found = world.finish(world.begin(connection).account(ANNA).decide("accept").back)
    assert (found.connection, found.account, found.missing, found.reload_error) == (connection, ANNA, frozenset(), "")
    assert "Kalender" in [info.title for info in found.collections]
    grant = world.grant(connection)
    assert grant is not None
    assert grant.refresh is not None
    assert grant.scopes >= {"https://graph.microsoft.com/Calendars.ReadWrite"}, "as Entra writes them"
    assert world.row(connection).state is ConnectionState.CONNECTED
    assert [step.state.value for step in connections.examine(world.engine, ANNA_HERE, connection)][:3] == ["passed"] * 3


def test_what_entra_is_asked(world: EntraWorld, connection: str) -> None:
    url = urlsplit(authorize.begin(world.engine, ANNA_HERE, connection, BROWSER))
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.path == "/common/oauth2/v2.0/authorize"
    assert asked["scope"].split() == ["openid", "profile", "offline_access", "Calendars.ReadWrite"]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["prompt"], asked["redirect_uri"]) == ("select_account", CALLBACK)
    assert asked["nonce"]


def test_a_personal_account_has_an_issuer_of_its_own(world: EntraWorld, connection: str) -> None:
    found = world.finish(world.begin(connection).account(ANNA_PRIVATE).decide("accept").back)
    assert found.account == ANNA_PRIVATE


@pytest.mark.parametrize("tenant", [NORDWERK_ID, NORDWERK_ID.upper(), NORDWERK, "organizations"])
def test_a_deployment_for_a_directory(world: EntraWorld, connection: str, tenant: str) -> None:
    world.set_up(tenant=tenant)
    found = world.finish(world.begin(connection).account(ANNA).decide("accept").back)
    assert found.account == ANNA
    assert world.sandbox.requests("POST", f"/{tenant}/oauth2/v2.0/token")


def test_an_account_of_another_directory_is_refused_where_one_is_set(world: EntraWorld, connection: str) -> None:
    """By whatever way its token came: here the addresses are those of all directories."""
    root = f"{world.sandbox.url}/common/oauth2/v2.0"
    world.set_up(tenant=STRIKT_ID, authorize_url=f"{root}/authorize", token_url=f"{root}/token")
    with pytest.raises(AuthorizeError, match="tenant"):
        world.finish(world.begin(connection).account(ANNA).decide("accept").back)
    assert nothing_stored(world, connection)


def test_each_address_can_be_set_whole(world: EntraWorld, connection: str) -> None:
    """Also without the authority: the issuer is the one that issues the token."""
    root = f"{world.sandbox.url}/organizations"
    world.set_up(
        authority="https://login.microsoftonline.com",
        authorize_url=f"{root}/oauth2/v2.0/authorize",
        token_url=f"{root}/oauth2/v2.0/token",
        admin_consent_url=f"{world.sandbox.url}/{STRIKT}/v2.0/adminconsent",
    )
    assert world.finish(world.begin(connection).account(ANNA).decide("accept").back).account == ANNA
    assert f"/{STRIKT}/v2.0/adminconsent?" in consent.view(world.engine, ANNA_HERE, connection).address


def test_plain_http_is_refused_for_each_address(world: EntraWorld, connection: str) -> None:
    world.set_up(authority="http://login.microsoftonline.com")
    with pytest.raises(InsecureTransport):
        authorize.begin(world.engine, ANNA_HERE, connection, BROWSER)
    with pytest.raises(InsecureTransport):
        consent.view(world.engine, ANNA_HERE, connection)


@pytest.mark.parametrize(
    "claims, said",
    [
        ({"tid": STRIKT_ID}, "issuer"),
        ({"tid": "../.."}, "issuer"),
        ({"tid": 7}, "issuer"),
        ({"iss": "https://login.microsoftonline.com/{tid}/v2.0"}, "issuer"),
    ],
)
def test_issuer_and_directory_belong_together(world: EntraWorld, claims: dict[str, object], said: str) -> None:
    client = oauth_client(world.engine, OFFICE)
    good = {
        "iss": f"{world.sandbox.url}/{NORDWERK_ID}/v2.0",
        "tid": NORDWERK_ID,
        "aud": client.client_id,
        "sub": "1",
        "exp": (world.clock() + timedelta(hours=1)).timestamp(),
        "nonce": oauth.nonce_of("verifier"),
    }
    assert oauth.claims_of(client, tokens(good), "verifier", world.clock()) == good
    with pytest.raises(AuthorizeError, match=said):
        oauth.claims_of(client, tokens(good | claims), "verifier", world.clock())


def tokens(claims: dict[str, object]) -> oauth.Tokens:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return oauth.Tokens("access", None, None, None, f"e30.{part}.")


def test_scopes_are_compared_by_their_last_part(world: EntraWorld) -> None:
    client = oauth_client(world.engine, OFFICE)
    for granted in ("Calendars.ReadWrite", "calendars.readwrite", "https://graph.microsoft.us/Calendars.ReadWrite"):
        assert client.missing(frozenset({granted, "openid"}), required=True) == frozenset()
    assert client.missing(frozenset({"Calendars.Read"}), required=True) == {"Calendars.ReadWrite"}
    optional = {"Calendars.ReadWrite.Shared", "Contacts.ReadWrite", "Tasks.ReadWrite"}
    assert client.missing(frozenset(), required=False) == optional
    exact = replace(client, scope_match=ScopeMatch.EXACT)
    assert exact.missing(frozenset({"calendars.readwrite"}), required=True) == {"Calendars.ReadWrite"}


# ---- the same account ---------------------------------------------------------------------------------


def test_the_account_is_the_person_in_the_directory_not_the_address(world: EntraWorld) -> None:
    connection = world.connect()
    state = world.sandbox.state
    renamed = replace(state.accounts[ANNA], name="Anna Neumann")
    state.accounts[ANNA] = renamed
    assert world.finish(world.begin(connection).account(ANNA).back).connection == connection
    with pytest.raises(AccountMismatch):
        world.finish(chosen(world, connection, JONAS))
    other = state.accounts.pop(JONAS)
    state.accounts[JONAS] = replace(other, oid=renamed.oid)  # an id is the directory's: elsewhere it is another person
    with pytest.raises(AccountMismatch):
        world.finish(chosen(world, connection, ANNA_PRIVATE))


def chosen(world: EntraWorld, connection: str, email: str) -> str:
    visitor = world.begin(connection).account(email)
    return visitor.decide("accept").back if "decision" in visitor.text else visitor.back


# ---- shared calendars ---------------------------------------------------------------------------------


def test_shared_calendars_are_asked_for_by_wish_and_stay(world: EntraWorld) -> None:
    connection = world.connect()
    first = world.grant(connection)
    assert first is not None
    assert not [scope for scope in first.scopes if "Shared" in scope]
    assert SALES not in [one.title for one in settings.settings(world.engine, ANNA_HERE, connection, False).collections]
    found = world.finish(world.begin(connection, ANNA_HERE, "shared").account(ANNA).decide("accept").back)
    assert found.missing == frozenset()
    assert SALES in [info.title for info in found.collections]
    second = world.grant(connection)
    assert second is not None
    assert "https://graph.microsoft.com/Calendars.ReadWrite.Shared" in second.scopes
    again = parse_qs(urlsplit(authorize.begin(world.engine, ANNA_HERE, connection, BROWSER)).query)["scope"][0]
    assert "Calendars.ReadWrite.Shared" in again.split(), "authorising again loses nothing"


def test_who_may_not_consent_to_shared_calendars_keeps_his_own(world: EntraWorld) -> None:
    connection = world.connect()
    before = world.grant(connection)
    world.sandbox.state.set_policy(NORDWERK, consent="calendars_by_admin")
    with pytest.raises(AdminConsentNeeded):
        world.finish(world.begin(connection, ANNA_HERE, "shared").account(ANNA).decide("back").back)
    assert world.grant(connection) == before
    assert world.row(connection).state is ConnectionState.CONNECTED


# ---- consent ------------------------------------------------------------------------------------------


def test_the_user_may_say_no(world: EntraWorld, connection: str) -> None:
    with pytest.raises(ConsentDenied):
        world.finish(world.begin(connection).account(ANNA).decide("cancel").back)
    with pytest.raises(ConsentDenied):
        world.finish(world.begin(connection).press("account", decision="back").back)
    assert nothing_stored(world, connection)


@pytest.mark.parametrize("how", ["page", "redirect", "workflow"])
def test_a_policy_that_wants_an_admin_is_no_refusal_of_the_user(world: EntraWorld, connection: str, how: str) -> None:
    world.sandbox.state.set_policy(STRIKT, blocked=how)
    visitor = world.begin(connection).account(LENA)
    if how == "page":
        visitor.decide("back")
    if how == "workflow":
        visitor.decide("request").decide("leave")
    with pytest.raises(AdminConsentNeeded) as caught:
        world.finish(visitor.back)
    assert caught.value.connection == connection
    assert "AADSTS" not in str(caught.value)
    assert nothing_stored(world, connection)


@pytest.mark.parametrize(
    "error, description, expected",
    [
        ("access_denied", "AADSTS90094: only an admin can grant", AdminConsentNeeded),
        ("access_denied", "AADSTS90095: an admin has been asked", AdminConsentNeeded),
        ("access_denied", "AADSTS90093: set by policy", AdminConsentNeeded),
        ("invalid_client", "AADSTS65001: has not consented", AdminConsentNeeded),
        ("consent_required", "in another language", AdminConsentNeeded),
        ("consent_required", "AADSTS65004: User declined to consent", ConsentDenied),
        ("access_denied", "AADSTS65004: User declined to consent", ConsentDenied),
        ("access_denied", "the user denied", ConsentDenied),
        ("access_denied", "", ConsentDenied),
        ("invalid_client", "AADSTS650012: another number", ConfigError),
        ("server_error", "", Unavailable),
        ("temporarily_unavailable", "", Unavailable),
        ("interaction_required", "AADSTS50076: more is needed", AuthorizeError),
    ],
)
def test_whom_a_refusal_waits_for(
    world: EntraWorld, connection: str, error: str, description: str, expected: type[Exception]
) -> None:
    url = authorize.begin(world.engine, ANNA_HERE, connection, BROWSER)
    state = parse_qs(urlsplit(url).query)["state"][0]
    with pytest.raises(expected) as caught:
        world.finish(f"{CALLBACK}?error={error}&error_description={description}&state={state}")
    assert type(caught.value) is expected
    assert nothing_stored(world, connection)


@pytest.mark.parametrize("number, expected", [(65001, AdminConsentNeeded), (70008, AuthorizeError)])
def test_the_code_may_be_refused_for_want_of_consent(
    world: EntraWorld, connection: str, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception]
) -> None:
    back = world.begin(connection).account(ANNA).decide("accept").back

    def refuse(*_: object) -> NoReturn:
        raise ending(number)

    monkeypatch.setattr(world.sandbox.grants, "exchange", refuse)
    with pytest.raises(expected) as caught:
        world.finish(back)
    assert type(caught.value) is expected
    assert nothing_stored(world, connection)


def test_a_refusal_of_another_shape_is_one_too(world: EntraWorld, connection: str) -> None:
    """As Graph words its errors: an object where OAuth has a word."""
    back = world.begin(connection).account(ANNA).decide("accept").back
    world.sandbox.faults.add(path="/token", action="status", status=400, code="invalid_grant")
    with pytest.raises(AuthorizeError):
        world.finish(back)
    assert nothing_stored(world, connection)


def test_the_address_for_the_admin_and_the_way_back(world: EntraWorld, connection: str) -> None:
    view = consent.view(world.engine, ANNA_HERE, connection)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(view.address).query).items()}
    assert view.address.startswith(f"{world.sandbox.url}/organizations/v2.0/adminconsent?")
    assert asked["redirect_uri"] == CALLBACK
    assert {"Calendars.ReadWrite", "Calendars.ReadWrite.Shared", "offline_access"} <= set(asked["scope"].split())
    with pytest.raises(AdminConsentNeeded):
        world.finish(world.begin(connection).account(LENA).decide("back").back)

    given = Visitor(view.address).account(STRIKT_ADMIN).decide("accept").answer
    answer = consent.answer(world.engine, given)
    assert (answer.connection, answer.integration, answer.owner) == (connection, OFFICE, ANNA_HERE.id)
    assert (answer.tenant, answer.given) == (ANNA_HERE.tenant, True)
    assert nothing_stored(world, connection), "the way back changes nothing"
    found = world.finish(world.begin(connection).account(LENA).back)
    assert found.account == LENA


def test_the_admin_is_asked_for_what_its_owner_has_switched_on(world: EntraWorld, connection: str) -> None:
    """Else whoever may not consent himself is sent to his admin for contacts, who consents, and nothing changes."""
    before = consent.view(world.engine, ANNA_HERE, connection).address
    with world.engine.store.begin() as unit:
        switches = {"contact": True, "task": False}
        save_settings(
            unit.connection, connection, 0, policy=Policy.NEWEST, past_days=30, future_days=365, switches=switches
        )
    after = consent.view(world.engine, ANNA_HERE, connection).address
    scopes = [set(parse_qs(urlsplit(address).query)["scope"][0].split()) for address in (before, after)]
    assert scopes[1] - scopes[0] == {"Contacts.ReadWrite"}


def test_an_admin_who_says_no_or_is_none(world: EntraWorld, connection: str) -> None:
    address = consent.view(world.engine, ANNA_HERE, connection).address
    assert not consent.answer(world.engine, Visitor(address).account(STRIKT_ADMIN).decide("cancel").answer).given
    assert not consent.answer(world.engine, Visitor(address).account(LENA).decide("back").answer).given


def test_a_way_back_that_nobody_was_sent_is_refused(world: EntraWorld, connection: str) -> None:
    view = consent.view(world.engine, ANNA_HERE, connection)
    state = parse_qs(urlsplit(view.address).query)["state"][0]
    assert consent.answer(world.engine, {"state": state, "admin_consent": "True"}).given
    assert not consent.answer(world.engine, {"state": state}).given
    other = world.add(JONAS_HERE)
    for made_up in ("", "x", "consent.", f"consent.{connection}", f"consent.{other}.{state.rpartition('.')[2]}", "ü.ü"):
        with pytest.raises(StateMismatch):
            consent.answer(world.engine, {"state": made_up, "admin_consent": "True"})
    with pytest.raises(StateMismatch):
        world.finish(f"{CALLBACK}?code=x&state={state}")


def test_consent_counts_at_the_service_also_where_the_connection_has_ended(world: EntraWorld, connection: str) -> None:
    address = consent.view(world.engine, ANNA_HERE, connection).address
    disconnect.disconnect(world.engine, ANNA_HERE, connection)
    answer = consent.answer(world.engine, Visitor(address).account(STRIKT_ADMIN).decide("accept").answer)
    assert (answer.given, answer.owner, answer.tenant) == (True, "", ""), "there is nothing of his to go on with"


def test_the_request_to_the_tenants_admin(world: EntraWorld, connection: str) -> None:
    consent.ask(world.engine, ANNA_HERE, connection)
    consent.ask(world.engine, ANNA_HERE, connection)
    view = consent.view(world.engine, ANNA_HERE, connection)
    assert view.request is RequestState.OPEN
    (row,) = market.open_requests(world.engine, ADMIN)
    assert (row.person, row.integration, row.what, row.detail) == (ANNA_HERE.id, OFFICE, Asked.CONSENT, view.address)
    market.settle_request(world.engine, ADMIN, row.id, grant=True)
    assert consent.view(world.engine, ANNA_HERE, connection).request is RequestState.GRANTED


def test_only_the_owner_sees_and_asks(world: EntraWorld, connection: str) -> None:
    for other in (ADMIN, JONAS_HERE, STRANGER):
        with pytest.raises(NotFound):
            consent.view(world.engine, other, connection)
        with pytest.raises(NotFound):
            consent.ask(world.engine, other, connection)
