"""Tokens: refreshed once however many ask, ended by invalid_grant of the current ones alone, revoked with the last."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Event

import pytest

from marketplace_plugin.engine.sign_in import grants as engine_grants
from marketplace_plugin.engine.sign_in import oauth
from marketplace_plugin.engine.sign_in.grants import StoredBearer
from marketplace_plugin.errors import AuthorizationExpired, ConfigError, ContractViolation, Throttled, Unavailable
from marketplace_plugin.sandbox.google.seed import ANNA
from marketplace_plugin.store import connections, grants
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.accounts.grants import Grant
from tests.engine.shell import ANNA_HERE, World, google

SCOPES = [s.name for s in google().auth.scopes]


@pytest.fixture
def connection(world: World) -> str:
    return connected(world, "c1")


def connected(world: World, connection_id: str, account: str = "account") -> str:
    """A connection with tokens that the sandbox has issued."""
    with world.engine.store.begin() as unit:
        connections.add(
            unit.connection,
            Connection(connection_id, "t1", ANNA_HERE.id, "google", ConnectionState.ADDED, world.clock()),
        )
    grant_again(world, connection_id, account)
    return connection_id


def grant_again(world: World, connection_id: str, account: str = "account") -> None:
    issued = world.sandbox.issue_tokens(ANNA, SCOPES)
    now = world.clock()
    with world.engine.store.begin() as unit:
        grants.put(
            unit.connection,
            connection_id,
            "google",
            account,
            access=issued.access_token,
            refresh=issued.refresh_token,
            expires_at=now + timedelta(seconds=issued.lifetime),
            scopes=issued.scopes,
            now=now,
        )
        connections.authorised(unit.connection, connection_id, account, ANNA, now)


def grant_of(world: World, connection_id: str = "c1") -> Grant:
    with world.engine.store.read() as c:
        found = grants.get(c, connection_id)
    assert found is not None
    return found


def state_of(world: World) -> ConnectionState:
    with world.engine.store.read() as c:
        found = connections.get(c, "c1")
    assert found is not None
    return found.state


def refreshes(world: World) -> list[int]:
    return [row.status for row in world.sandbox.requests("POST", "/token")]


def test_a_good_token_is_handed_out_as_it_is(world: World, connection: str) -> None:
    assert StoredBearer(world.engine, "c1")() == grant_of(world).access
    assert refreshes(world) == []


def test_a_token_near_its_end_is_refreshed_and_kept(world: World, connection: str) -> None:
    old = grant_of(world)
    world.clock.advance(minutes=58)
    token = StoredBearer(world.engine, "c1")()
    new = grant_of(world)
    assert token == new.access != old.access
    assert (new.version, new.refresh, new.scopes) == (old.version + 1, old.refresh, old.scopes)
    assert new.expires_at is not None
    assert new.expires_at - world.clock() > timedelta(minutes=59)
    assert StoredBearer(world.engine, "c1")() == token
    assert refreshes(world) == [200]


def test_a_refused_token_is_refreshed_once(world: World, connection: str) -> None:
    bearer = StoredBearer(world.engine, "c1")
    first = bearer()
    second = bearer(refused=first)
    assert second != first
    assert bearer(refused=first) == second  # somebody who comes late with the old one
    assert refreshes(world) == [200]


def test_two_workers_refresh_once(world: World, connection: str) -> None:
    refused, barrier, waited = grant_of(world).access, Barrier(2), Event()

    def briefly(_seconds: float) -> None:
        waited.wait(0.02)

    def work(_: int) -> str:
        barrier.wait()
        return StoredBearer(world.engine, "c1", briefly)(refused)

    with ThreadPoolExecutor(2) as threads:
        tokens = set(threads.map(work, range(2)))
    assert tokens == {grant_of(world).access}
    assert refreshes(world) == [200]


def test_a_worker_that_died_while_refreshing_is_replaced(world: World, connection: str) -> None:
    grant = grant_of(world)
    with world.engine.store.begin() as unit:
        assert grants.claim_refresh(
            unit.connection, "c1", grant.version, "dead", world.clock(), world.clock() + engine_grants.REFRESH_LEASE
        )
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        world.clock.advance(seconds=30)

    assert StoredBearer(world.engine, "c1", sleep)(refused=grant.access) != grant.access
    assert len(waits) == 4


def test_a_worker_that_never_ends_makes_the_others_give_up(world: World, connection: str) -> None:
    grant = grant_of(world)
    with world.engine.store.begin() as unit:
        grants.claim_refresh(
            unit.connection, "c1", grant.version, "slow", world.clock(), world.clock() + timedelta(hours=1)
        )
    with pytest.raises(Unavailable):
        StoredBearer(world.engine, "c1", sleep=lambda _seconds: None)(refused=grant.access)
    assert state_of(world) is ConnectionState.CONNECTED


def test_invalid_grant_ends_the_connection_and_is_not_tried_again(world: World, connection: str) -> None:
    world.sandbox.grants.revoke_account(ANNA)
    bearer = StoredBearer(world.engine, "c1")
    refused = grant_of(world).access
    for _ in range(3):
        with pytest.raises(AuthorizationExpired):
            bearer(refused=refused)
    assert refreshes(world) == [400]
    assert state_of(world) is ConnectionState.EXPIRED
    with world.engine.store.read() as c:
        row = connections.get(c, "c1")
    assert row is not None
    assert (row.next_due, row.error) == (None, "authorization-expired")


def test_a_grant_without_refresh_token_ends_with_its_access_token(world: World, connection: str) -> None:
    grant = grant_of(world)
    with world.engine.store.begin() as unit:
        grants.replace(
            unit.connection,
            "c1",
            grant.version,
            access=grant.access,
            refresh=None,
            expires_at=grant.expires_at,
            scopes=grant.scopes,
            now=world.clock(),
        )
    assert StoredBearer(world.engine, "c1")() == grant.access
    world.clock.advance(hours=1)
    with pytest.raises(AuthorizationExpired):
        StoredBearer(world.engine, "c1")()
    assert state_of(world) is ConnectionState.EXPIRED


def test_invalid_grant_of_older_tokens_ends_nothing(
    world: World, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user authorises again while a worker's refresh with the old token is on its way."""
    world.sandbox.grants.revoke_account(ANNA)
    refused = grant_of(world).access
    send = oauth.refresh

    def slow(client: oauth.Client, token: str) -> oauth.Tokens:
        grant_again(world, "c1")
        return send(client, token)

    monkeypatch.setattr(oauth, "refresh", slow)
    token = StoredBearer(world.engine, "c1", sleep=lambda _seconds: None)(refused=refused)
    assert token == grant_of(world).access != refused
    assert refreshes(world) == [400]
    assert state_of(world) is ConnectionState.CONNECTED


def test_invalid_grant_leaves_a_paused_connection_paused(world: World, connection: str) -> None:
    """A pass goes on for a moment while an administrator uninstalls. An expired one would ask for a new sign-in."""
    world.sandbox.grants.revoke_account(ANNA)
    with world.engine.store.begin() as unit:
        connections.set_state(unit.connection, "c1", ConnectionState.PAUSED)
    with pytest.raises(AuthorizationExpired):
        StoredBearer(world.engine, "c1")(refused=grant_of(world).access)
    assert state_of(world) is ConnectionState.PAUSED


@pytest.mark.parametrize(
    "fault, expected",
    [
        ({"action": "status", "status": 500}, Unavailable),
        ({"action": "status", "status": 503}, Unavailable),
        ({"action": "status", "status": 429}, Throttled),
        ({"action": "drop_before"}, Unavailable),
        ({"action": "drop_after"}, Unavailable),
        ({"action": "truncate"}, ContractViolation),
    ],
)
def test_trouble_at_the_token_server_is_not_expiry(
    world: World, connection: str, fault: dict[str, object], expected: type[Exception]
) -> None:
    refused = grant_of(world).access
    world.sandbox.faults.add(path="/token", **fault)  # type: ignore[arg-type]  # by name
    with pytest.raises(expected):
        StoredBearer(world.engine, "c1")(refused=refused)
    assert state_of(world) is ConnectionState.CONNECTED
    assert StoredBearer(world.engine, "c1")(refused=refused) != refused  # and the right to refresh was given back


def test_a_wrong_client_secret_is_not_expiry(world: World, connection: str) -> None:
    facts = {**world.engine.settings.integrations["google"], "client_secret": "rotated"}
    engine = replace(world.engine, settings=replace(world.engine.settings, integrations={"google": facts}))
    with pytest.raises(ConfigError):
        StoredBearer(engine, "c1")(refused=grant_of(world).access)
    assert state_of(world) is ConnectionState.CONNECTED


def test_a_rotated_refresh_token_takes_the_place_of_the_old_one(
    world: World, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = oauth.refresh
    monkeypatch.setattr(oauth, "refresh", lambda client, token: replace(send(client, token), refresh="rotated"))
    StoredBearer(world.engine, "c1")(refused=grant_of(world).access)
    assert grant_of(world).refresh == "rotated"


def test_without_a_grant_there_is_no_token(world: World) -> None:
    with pytest.raises(AuthorizationExpired):
        StoredBearer(world.engine, "nowhere")()


def test_a_plugin_gets_no_secret_of_the_deployment(world: World, connection: str) -> None:
    with world.engine.store.read() as c:
        row = connections.get(c, "c1")
    assert row is not None
    session = engine_grants.session_for(world.engine, row)
    assert "client_secret" not in session.settings
    assert session.settings["api_root"] == world.sandbox.url
    assert (session.account, session.instance) == (ANNA, world.engine.instance)
    assert session.granted == grant_of(world).scopes
    assert session.bearer is not None
    assert session.bearer() == grant_of(world).access
    assert grant_of(world).access not in repr(session)


# ---- giving back ----------------------------------------------------------------------------------------


def withdraw(world: World, connection_id: str) -> engine_grants.Revocation | None:
    with world.engine.store.begin() as unit:
        return engine_grants.withdraw(unit.connection, connection_id)


def test_the_last_connection_of_an_account_revokes(world: World, connection: str) -> None:
    connected(world, "c2")
    connected(world, "c3", account="another")
    first = withdraw(world, "c1")
    assert first is None
    last = withdraw(world, "c2")
    assert last is not None
    assert last.token not in repr(last)
    assert engine_grants.revoke(world.engine, last)
    assert [row.status for row in world.sandbox.requests("POST", "/revoke")] == [200]
    assert withdraw(world, "c2") is None


def test_a_dead_grant_is_not_revoked(world: World, connection: str) -> None:
    with world.engine.store.begin() as unit:
        grants.expire(unit.connection, "c1", 1, world.clock())
    assert withdraw(world, "c1") is None


def no_client(world: World) -> engine_grants.Revocation:
    return engine_grants.Revocation("gone", "token")


def unknown_token(world: World) -> engine_grants.Revocation:
    return engine_grants.Revocation("google", "token that nobody knows")


def service_down(world: World) -> engine_grants.Revocation:
    world.sandbox.faults.add("drop_before", path="/revoke")
    return engine_grants.Revocation("google", grant_of(world).access)


@pytest.mark.parametrize("trouble", [no_client, unknown_token, service_down])
def test_revoking_never_raises(
    world: World, connection: str, trouble: Callable[[World], engine_grants.Revocation]
) -> None:
    assert not engine_grants.revoke(world.engine, trouble(world))
