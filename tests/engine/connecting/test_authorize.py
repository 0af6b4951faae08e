"""The way to the service's sign-in and back, over HTTP against the Google sandbox."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.account import market
from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.sign_in import authorize, consent, oauth
from marketplace_plugin.engine.sign_in.authorize import Authorized
from marketplace_plugin.engine.sign_in.grants import oauth_client
from marketplace_plugin.engine.views import Audience
from marketplace_plugin.errors import (
    AccountMismatch,
    AuthorizeError,
    ConfigError,
    ConsentDenied,
    ContractViolation,
    InsecureTransport,
    NotAllowed,
    NotFound,
    ScopeMissing,
    StateMismatch,
    Throttled,
    Unavailable,
)
from marketplace_plugin.sandbox.google.seed import ANNA, ANNA_PRIVATE
from marketplace_plugin.store import collections, connections, grants
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.tables import authorization
from tests.engine.shell import ADMIN, ANNA_HERE, BASE_URL, BROWSER, JONAS_HERE, Browser, World


@pytest.fixture
def connection(world: World) -> str:
    return added(world)


def added(world: World, connection_id: str = "c1", person: Person = ANNA_HERE) -> str:
    with world.engine.store.begin() as unit:
        connections.add(
            unit.connection,
            Connection(connection_id, person.tenant, person.id, "google", ConnectionState.ADDED, world.clock()),
        )
    return connection_id


def begin(world: World, connection_id: str = "c1", person: Person = ANNA_HERE) -> str:
    return authorize.begin(world.engine, person, connection_id, BROWSER)


def finish(world: World, callback: str, person: Person = ANNA_HERE, browser: str = BROWSER) -> Authorized:
    return authorize.finish(world.engine, person, browser, callback)


def stored(world: World, connection_id: str = "c1") -> tuple[ConnectionState, bool]:
    """The connection's state, and whether it holds a grant."""
    with world.engine.store.read() as c:
        found = connections.get(c, connection_id)
        assert found is not None
        return found.state, grants.get(c, connection_id) is not None


def test_the_whole_way(world: World, connection: str) -> None:
    found = finish(world, Browser()(begin(world)))
    assert (found.connection, found.account, found.missing) == ("c1", ANNA, frozenset())
    assert ANNA in [info.id for info in found.collections]
    with world.engine.store.read() as c:
        row = connections.get(c, "c1")
        grant = grants.get(c, "c1")
        listed = collections.of_connection(c, "c1")
    assert row is not None
    assert (row.state, row.account, row.connected_at) == (ConnectionState.CONNECTED, ANNA, world.clock())
    assert row.account_key is not None
    assert ANNA not in row.account_key
    assert grant is not None
    assert grant.refresh is not None
    assert grant.expires_at is not None
    assert not any(one.is_source or one.is_target for one in listed)
    assert [name for name, _, _ in world.plugins.announced] == ["connection_added"]
    assert all(provider.closed for provider in world.plugins.opened)


def test_what_the_service_is_asked(world: World, connection: str) -> None:
    url = begin(world)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(world.sandbox.url + "/o/oauth2/v2/auth?")
    assert asked["redirect_uri"] == f"{BASE_URL}/oauth/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["access_type"], asked["include_granted_scopes"]) == ("offline", "false")
    assert "select_account" in asked["prompt"]
    assert "openid" in asked["scope"].split()
    assert len(asked["state"]) >= 43
    assert asked["state"] not in begin(world)


def test_state_and_session_are_hashed_at_rest(world: World, connection: str, tmp_path: Path) -> None:
    state = parse_qs(urlsplit(begin(world)).query)["state"][0]
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert state.encode() not in raw
    assert BROWSER.encode() not in raw


def test_a_state_is_good_once(world: World, connection: str) -> None:
    callback = Browser()(begin(world))
    finish(world, callback)
    with pytest.raises(StateMismatch):
        finish(world, callback)
    assert stored(world) == (ConnectionState.CONNECTED, True)


def test_a_state_is_good_in_its_browser_only(world: World, connection: str) -> None:
    callback = Browser()(begin(world))
    with pytest.raises(StateMismatch):
        finish(world, callback, browser="another")
    assert stored(world) == (ConnectionState.ADDED, False)


def test_a_state_is_good_for_its_person_only(world: World, connection: str) -> None:
    callback = Browser()(begin(world))
    with pytest.raises(StateMismatch):
        finish(world, callback, person=JONAS_HERE)
    assert stored(world) == (ConnectionState.ADDED, False)


def test_a_state_is_good_for_ten_minutes(world: World, connection: str) -> None:
    url = begin(world)
    world.clock.advance(minutes=9)
    callback = Browser()(url)
    world.clock.advance(minutes=1)
    with pytest.raises(StateMismatch):
        finish(world, callback)


def test_a_made_up_answer_is_refused(world: World, connection: str) -> None:
    begin(world)
    for query in ("", "?code=x", "?code=x&state=", "?code=x&state=made-up", "?error=access_denied"):
        with pytest.raises(StateMismatch):
            finish(world, f"{BASE_URL}/oauth/callback{query}")


def test_old_flows_are_swept(world: World, connection: str) -> None:
    begin(world)
    world.clock.advance(minutes=11)
    begin(world)
    with world.engine.store.read() as c:
        assert len(c.execute(select(authorization.c.id)).all()) == 1


def test_denied_consent_stores_nothing(world: World, connection: str) -> None:
    callback = Browser()(begin(world), allow=False)
    with pytest.raises(ConsentDenied):
        finish(world, callback)
    assert stored(world) == (ConnectionState.ADDED, False)
    with pytest.raises(StateMismatch):
        finish(world, callback)


def test_a_half_granted_consent_names_what_is_missing_and_is_given_back(world: World, connection: str) -> None:
    callback = Browser()(begin(world), untick="calendar.events")
    with pytest.raises(ScopeMissing) as caught:
        finish(world, callback)
    assert caught.value.missing == {"https://www.googleapis.com/auth/calendar.events"}
    assert stored(world) == (ConnectionState.ADDED, False)
    assert [row.status for row in world.sandbox.requests("POST", "/revoke")] == [200]


def test_an_optional_scope_degrades_its_feature_only(world: World, connection: str) -> None:
    entry = world.plugins.entries[0]
    scopes = tuple(replace(s, required="calendarlist" not in s.name) for s in entry.auth.scopes)
    world.plugins.entries = [replace(entry, auth=replace(entry.auth, scopes=scopes))]
    found = finish(world, Browser()(begin(world), untick="calendarlist"))
    assert found.missing == {"https://www.googleapis.com/auth/calendar.calendarlist.readonly"}
    assert (found.collections, found.reload_error) == ((), "unavailable")
    assert stored(world) == (ConnectionState.CONNECTED, True)


def test_a_service_without_consent_of_an_admin_has_no_page_for_it(world: World, connection: str) -> None:
    with pytest.raises(NotFound):
        consent.view(world.engine, ANNA_HERE, connection)
    with pytest.raises(NotFound):
        consent.ask(world.engine, ANNA_HERE, connection)


def test_only_the_owner_authorises(world: World, connection: str) -> None:
    for other in (ADMIN, JONAS_HERE):
        with pytest.raises(NotFound):
            begin(world, person=other)
    with pytest.raises(NotFound):
        begin(world, "unknown")


def test_a_paused_connection_cannot_be_authorised(world: World, connection: str) -> None:
    callback = Browser()(begin(world))
    with world.engine.store.begin() as unit:
        connections.set_state(unit.connection, "c1", ConnectionState.PAUSED)
    with pytest.raises(NotAllowed):
        begin(world)
    with pytest.raises(AuthorizeError):
        finish(world, callback)
    assert stored(world) == (ConnectionState.PAUSED, False)


def test_what_was_uninstalled_cannot_be_authorised_whatever_its_state(
    world: World, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An uninstall was interrupted. The tokens of a sign-in that was under way are given back."""
    callback = Browser()(begin(world))
    monkeypatch.setattr(market, "disconnect", lambda *_: None)
    market.uninstall(world.engine, ADMIN, "google")
    with world.engine.store.begin() as unit:
        connections.set_state(unit.connection, "c1", ConnectionState.EXPIRED)
    with pytest.raises(NotAllowed):
        begin(world)
    with pytest.raises(AuthorizeError):
        finish(world, callback)
    assert stored(world) == (ConnectionState.EXPIRED, False)
    assert [row.status for row in world.sandbox.requests("POST", "/revoke")] == [200]
    market.install(world.engine, ADMIN, "google", Audience.ALL)
    finish(world, Browser()(begin(world)))
    assert stored(world) == (ConnectionState.CONNECTED, True)


def test_the_tokens_of_a_sign_in_are_given_back_where_she_disconnects_meanwhile(
    world: World, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = Browser()(begin(world))
    exchange = oauth.exchange

    def slow(*given: Any) -> oauth.Tokens:
        tokens = exchange(*given)
        disconnect(world.engine, ANNA_HERE, "c1")
        return tokens

    monkeypatch.setattr(oauth, "exchange", slow)
    with pytest.raises(NotFound):
        finish(world, callback)
    assert stored(world) == (ConnectionState.REMOVED, False)
    assert [row.status for row in world.sandbox.requests("POST", "/revoke")] == [200]


def test_authorised_again_with_the_same_account(world: World, connection: str) -> None:
    finish(world, Browser()(begin(world)))
    with world.engine.store.begin() as unit:
        connections.set_state(unit.connection, "c1", ConnectionState.EXPIRED)
    world.clock.advance(days=1)
    finish(world, Browser()(begin(world)))
    with world.engine.store.read() as c:
        row, grant = connections.get(c, "c1"), grants.get(c, "c1")
    assert row is not None
    assert row.state is ConnectionState.CONNECTED
    assert row.connected_at != world.clock()
    assert grant is not None
    assert grant.version == 2
    assert len(world.plugins.announced) == 1


def test_another_account_is_refused_and_the_old_grant_stands(world: World, connection: str) -> None:
    finish(world, Browser()(begin(world)))
    with world.engine.store.read() as c:
        before = grants.get(c, "c1")
    with pytest.raises(AccountMismatch):
        finish(world, Browser(ANNA_PRIVATE)(begin(world)))
    with world.engine.store.read() as c:
        assert grants.get(c, "c1") == before
    assert [row.status for row in world.sandbox.requests("POST", "/revoke")] == [200]
    assert before is not None
    assert before.refresh is not None
    oauth.refresh(oauth_client(world.engine, "google"), before.refresh)


def test_what_is_refused_is_not_revoked_where_another_connection_has_the_account(world: World, connection: str) -> None:
    added(world, "c2")
    finish(world, Browser(ANNA_PRIVATE)(begin(world, "c2")))
    finish(world, Browser()(begin(world)))
    with pytest.raises(AccountMismatch):
        finish(world, Browser(ANNA_PRIVATE)(begin(world)))
    assert world.sandbox.requests("POST", "/revoke") == []


def test_a_refresh_token_that_came_once_is_kept(world: World, connection: str) -> None:
    finish(world, Browser()(begin(world)))
    entry = world.plugins.entries[0]
    params = tuple((name, "select_account" if name == "prompt" else value) for name, value in entry.auth.params)
    world.plugins.entries = [replace(entry, auth=replace(entry.auth, params=params))]
    url = begin(world)
    with world.engine.store.read() as c:
        before = grants.get(c, "c1")
    callback = silent(url)
    finish(world, callback)
    with world.engine.store.read() as c:
        after = grants.get(c, "c1")
    assert before is not None
    assert after is not None
    assert (after.version, after.refresh) == (2, before.refresh)
    assert after.access != before.access


def silent(url: str) -> str:
    """The sign-in of somebody who has consented before: choosing the account is all."""
    with requests.Session() as http:
        http.trust_env = False
        page = http.get(url, timeout=10)
        (flow,) = re.findall(r'name="flow" value="([^"]+)"', page.text)[:1]
        answer = http.post(
            url.partition("?")[0] + "/account",
            data={"flow": flow, "account": ANNA},
            allow_redirects=False,
            timeout=10,
        )
    return answer.headers["Location"]


@pytest.mark.parametrize(
    "fault, expected",
    [
        ({"action": "status", "status": 500}, Unavailable),
        ({"action": "status", "status": 429, "retry_after": 7}, Throttled),
        ({"action": "drop_after"}, Unavailable),
        ({"action": "truncate"}, ContractViolation),
    ],
)
def test_a_failing_token_endpoint_stores_nothing(
    world: World, connection: str, fault: dict[str, Any], expected: type[Exception]
) -> None:
    callback = Browser()(begin(world))
    world.sandbox.faults.add(path="/token", **fault)
    with pytest.raises(expected):
        finish(world, callback)
    assert stored(world) == (ConnectionState.ADDED, False)


def test_a_wrong_secret_of_the_deployment_is_a_matter_of_configuration(world: World, connection: str) -> None:
    callback = Browser()(begin(world))
    google = {**world.engine.settings.integrations["google"], "client_secret": "wrong"}
    engine = replace(world.engine, settings=replace(world.engine.settings, integrations={"google": google}))
    with pytest.raises(ConfigError, match="invalid_client"):
        authorize.finish(engine, ANNA_HERE, BROWSER, callback)


def test_a_deployment_without_access_data_says_which_are_missing(world: World, connection: str) -> None:
    engine = replace(world.engine, settings=replace(world.engine.settings, integrations={}))
    with pytest.raises(ConfigError, match="MARKETPLACE_GOOGLE_CLIENT_ID"):
        authorize.begin(engine, ANNA_HERE, "c1", BROWSER)


def test_plain_http_is_refused_before_anything_is_sent(world: World, connection: str) -> None:
    for settings in (
        replace(world.engine.settings, base_url="http://steg.example.org"),
        replace(
            world.engine.settings,
            integrations={
                "google": {
                    **world.engine.settings.integrations["google"],
                    "authorize_url": "http://service.example/auth",
                }
            },
        ),
    ):
        with pytest.raises(InsecureTransport):
            authorize.begin(replace(world.engine, settings=settings), ANNA_HERE, "c1", BROWSER)


def test_no_token_is_logged_at_debug(world: World, connection: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    callback = Browser()(begin(world))
    finish(world, callback)
    with world.engine.store.read() as c:
        grant = grants.get(c, "c1")
    assert grant is not None
    code = parse_qs(urlsplit(callback).query)["code"][0]
    for secret in (grant.access, str(grant.refresh), code, "sandbox-secret"):
        assert secret not in caplog.text


# ---- the id_token ---------------------------------------------------------------------------------------


def test_the_plugin_may_refuse_the_account(world: World, connection: str) -> None:
    world.plugins.account = lambda claims: None
    with pytest.raises(AuthorizeError):
        finish(world, Browser()(begin(world)))
    assert stored(world) == (ConnectionState.ADDED, False)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda claims: {**claims, "iss": "https://evil.example"}, "issuer"),
        (lambda claims: {**claims, "aud": "another client"}, "audience"),
        (lambda claims: {**claims, "aud": [claims["aud"], "another"], "azp": "another"}, "authorised party"),
        (lambda claims: {**claims, "exp": claims["exp"] - 8000}, "time"),
        (lambda claims: {**claims, "nonce": "another"}, "nonce"),
        (lambda claims: {**claims, "sub": ""}, "subject"),
        (lambda claims: {name: value for name, value in claims.items() if name != "exp"}, "cannot be read"),
        (lambda claims: {**claims, "exp": 1e400}, "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_an_id_token_that_does_not_fit_is_refused(
    world: World, change: Callable[[dict[str, Any]], dict[str, Any]] | None, said: str
) -> None:
    client = oauth_client(world.engine, "google")
    good = {
        "iss": "accounts.google.com",
        "aud": client.client_id,
        "sub": "1",
        "exp": world.clock().timestamp() + 3600,
        "nonce": oauth.nonce_of("verifier"),
    }

    def tokens(claims: dict[str, Any]) -> oauth.Tokens:
        part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        return oauth.Tokens("access", None, None, None, f"e30.{part}.")

    assert oauth.claims_of(client, tokens(good), "verifier", world.clock()) == good
    bad = tokens(change(good)) if change is not None else oauth.Tokens("access", None, None, None, "no token")
    with pytest.raises(AuthorizeError, match=said):
        oauth.claims_of(client, bad, "verifier", world.clock())


def test_no_secret_shows_in_a_repr(world: World) -> None:
    client = oauth_client(world.engine, "google")
    assert "sandbox-secret" not in repr(client)
    assert "x-secret" not in repr(oauth.Tokens("x-secret", "x-secret", None, None, "x-secret"))
