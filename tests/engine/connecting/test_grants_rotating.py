"""Refresh tokens that the service renews with each refresh, as Entra does: none is lost, whatever is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from marketplace_plugin.engine.sign_in import grants as engine_grants
from marketplace_plugin.engine.sign_in.grants import StoredBearer
from marketplace_plugin.errors import AuthorizationExpired, ContractViolation, Unavailable
from marketplace_plugin.sandbox.graph.seed import ANNA
from marketplace_plugin.store import grants
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.store.accounts.grants import Grant
from tests.engine.entra import EntraWorld, entra_world


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EntraWorld]:
    with entra_world(tmp_path) as made:
        yield made


@pytest.fixture
def connection(world: EntraWorld) -> str:
    return world.connect()


def grant_of(world: EntraWorld, connection: str) -> Grant:
    found = world.grant(connection)
    assert found is not None
    return found


def refreshes(world: EntraWorld) -> list[str]:
    """The refresh tokens that were sent."""
    return [sent["refresh_token"] for sent in world.token_requests() if sent["grant_type"] == "refresh_token"]


def test_each_refresh_brings_the_token_for_the_next(world: EntraWorld, connection: str) -> None:
    seen = [grant_of(world, connection)]
    for _ in range(3):
        world.clock.advance(hours=2)
        access = StoredBearer(world.engine, connection)()
        seen.append(grant_of(world, connection))
        assert access == seen[-1].access
    assert len({grant.refresh for grant in seen}) == 4
    assert refreshes(world) == [grant.refresh for grant in seen[:3]], "each with the newest"
    assert {grant.scopes for grant in seen} == {seen[0].scopes}


def test_a_crash_between_the_answer_and_the_commit_loses_nothing(
    world: EntraWorld, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = grant_of(world, connection)
    world.clock.advance(hours=2)

    def crash(*_: Any, **__: Any) -> bool:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(grants, "replace", crash)
        with pytest.raises(Crash):
            StoredBearer(world.engine, connection)()
    left = grant_of(world, connection)
    assert (left.access, left.refresh, left.version) == (before.access, before.refresh, before.version)

    def wait(_seconds: float) -> None:
        world.clock.advance(seconds=30)

    assert StoredBearer(world.engine, connection, wait)() == grant_of(world, connection).access
    assert refreshes(world) == [before.refresh, before.refresh], "the old one stays good at the service"
    assert grant_of(world, connection).refresh != before.refresh
    assert world.row(connection).state is ConnectionState.CONNECTED


def test_an_answer_that_never_came_is_asked_for_again(world: EntraWorld, connection: str) -> None:
    before = grant_of(world, connection)
    world.clock.advance(hours=2)
    world.sandbox.faults.add(path="/token", action="drop_after")
    bearer = StoredBearer(world.engine, connection)
    with pytest.raises(Unavailable):
        bearer()
    assert bearer() == grant_of(world, connection).access
    assert refreshes(world)[-1] == before.refresh


def test_two_workers_send_one_refresh_and_keep_its_token(world: EntraWorld, connection: str) -> None:
    world.clock.advance(hours=2)
    barrier, waited = Barrier(2), Event()

    def briefly(_seconds: float) -> None:
        waited.wait(0.02)

    def work(_: int) -> str:
        barrier.wait()
        return StoredBearer(world.engine, connection, briefly)()

    with ThreadPoolExecutor(2) as threads:
        assert set(threads.map(work, range(2))) == {grant_of(world, connection).access}
    assert len(refreshes(world)) == 1


@pytest.mark.parametrize("number", [50173, 700082, 65001, 50076, 53003, 50057])
def test_what_only_the_user_can_mend_ends_the_connection_until_he_does(
    world: EntraWorld, connection: str, number: int
) -> None:
    """invalid_grant, and interaction_required too: no later attempt could bring more."""
    world.clock.advance(hours=2)
    world.sandbox.grants.end(ANNA, number)
    with pytest.raises(AuthorizationExpired):
        StoredBearer(world.engine, connection)()
    assert world.row(connection).state is ConnectionState.EXPIRED
    assert not grant_of(world, connection).alive
    visitor = world.begin(connection).account(ANNA)
    world.finish(visitor.decide("accept").back if number == 65001 else visitor.back)
    assert world.row(connection).state is ConnectionState.CONNECTED


def test_a_refusal_that_says_nothing_of_the_grant_leaves_it(world: EntraWorld, connection: str) -> None:
    world.clock.advance(hours=2)
    world.sandbox.faults.add(path="/token", action="status", status=400, code="invalid_grant")
    with pytest.raises(ContractViolation):
        StoredBearer(world.engine, connection)()
    assert world.row(connection).state is ConnectionState.CONNECTED
    assert StoredBearer(world.engine, connection)()


def test_the_lease_outlasts_a_request(world: EntraWorld) -> None:
    connect, read = 5.0, 30.0
    assert engine_grants.REFRESH_LEASE.total_seconds() > connect + read
