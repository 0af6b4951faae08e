"""Leases with a fencing token: a worker that lost its lease writes nothing. Rows decide what is due."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Connection as Database

from marketplace_plugin.errors import Conflict, LeaseLost
from marketplace_plugin.store import Store, connections, leases
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState, Policy
from marketplace_plugin.store.accounts.leases import Lease
from tests.store.conftest import NOW

MINUTE = timedelta(minutes=1)


def claim(store: Store, now: datetime = NOW) -> Lease | None:
    with store.begin() as unit:
        return leases.claim(unit.connection, "c1", now, now + 10 * MINUTE)


def state(store: Store, connection: str = "c1") -> Connection:
    with store.read() as c:
        found = connections.get(c, connection)
    assert found is not None
    return found


def test_a_lease_excludes_others_until_it_ends(store: Store, connected: str) -> None:
    first = claim(store)
    assert first == Lease("c1", 1, NOW + 10 * MINUTE)
    assert claim(store, NOW + 9 * MINUTE) is None
    second = claim(store, NOW + 10 * MINUTE)
    assert second is not None
    assert second.fence == 2
    with store.begin() as unit:
        with pytest.raises(LeaseLost):
            leases.check_fence(unit.connection, first)
        leases.check_fence(unit.connection, second)


def test_nobody_leases_what_does_not_exist(store: Store) -> None:
    assert claim(store) is None


def test_of_two_workers_one_gets_the_lease(store: Store, connected: str) -> None:
    barrier = Barrier(2)

    def race(_: int) -> Lease | None:
        barrier.wait()
        return claim(store)

    with ThreadPoolExecutor(2) as threads:
        for round_number in range(10):
            won = [lease for lease in threads.map(race, range(2)) if lease is not None]
            assert [lease.fence for lease in won] == [round_number + 1]
            with store.begin() as unit:
                leases.release(unit.connection, won[0], NOW, None)


def test_a_late_worker_cannot_commit_beside_the_new_one(store: Store, connected: str) -> None:
    """Both write in a loop; what the loser wrote is never there."""
    old = claim(store)
    new = claim(store, NOW + 10 * MINUTE)
    assert old is not None
    assert new is not None
    barrier = Barrier(2)

    def work(lease: Lease, label: str) -> int:
        barrier.wait()
        lost = 0
        for _ in range(20):
            try:
                with store.begin() as unit:
                    connections.authorised(unit.connection, "c1", label, "", NOW)
                    leases.check_fence(unit.connection, lease)
            except LeaseLost:
                lost += 1
        return lost

    with ThreadPoolExecutor(2) as threads:
        losses = list(threads.map(work, [old, new], ["old", "new"]))
    assert losses == [20, 0]
    assert state(store).account_key == "new"


def test_release_says_when_it_is_due_again(store: Store, connected: str) -> None:
    lease = claim(store)
    assert lease is not None
    with store.begin() as unit:
        dirty = leases.release(
            unit.connection, lease, NOW, NOW + 30 * MINUTE, backoff_until=NOW + MINUTE, failures=2, error="throttled"
        )
    after = state(store)
    assert not dirty
    assert (after.next_due, after.lease_until, after.backoff_until) == (NOW + 30 * MINUTE, None, NOW + MINUTE)
    assert (after.failures, after.error, after.last_run_at) == (2, "throttled", NOW)


def test_a_change_during_the_pass_makes_it_due_at_once(store: Store, connected: str) -> None:
    lease = claim(store)
    assert lease is not None
    with store.begin() as unit:
        leases.mark_dirty(unit.connection, ["c1"], NOW)
    with store.begin() as unit:
        assert leases.release(unit.connection, lease, NOW, NOW + 30 * MINUTE)
    assert state(store).next_due == NOW
    again = claim(store)
    assert again is not None
    assert not state(store).dirty
    with store.begin() as unit, pytest.raises(LeaseLost):
        leases.release(unit.connection, lease, NOW, None)


def test_a_lease_can_be_extended_while_it_is_the_newest(store: Store, connected: str) -> None:
    lease = claim(store)
    assert lease is not None
    with store.begin() as unit:
        longer = leases.extend(unit.connection, lease, NOW + 20 * MINUTE)
    assert claim(store, NOW + 15 * MINUTE) is None
    assert claim(store, NOW + 20 * MINUTE) is not None
    with store.begin() as unit, pytest.raises(LeaseLost):
        leases.extend(unit.connection, longer, NOW + 40 * MINUTE)


def add(store: Store, connection: str, due: datetime | None, now_state: ConnectionState) -> None:
    with store.begin() as unit:
        connections.add(unit.connection, Connection(connection, "t1", "u1", "google", now_state, NOW, next_due=due))


def due(store: Store, now: datetime = NOW, limit: int = 10) -> list[str]:
    with store.begin() as unit:
        return [one.id for one in leases.claim_due(unit.connection, now, now + 5 * MINUTE, limit)]


def test_what_is_due(store: Store) -> None:
    add(store, "late", NOW - MINUTE, ConnectionState.CONNECTED)
    add(store, "later", NOW - 2 * MINUTE, ConnectionState.CONNECTED)
    add(store, "soon", NOW + MINUTE, ConnectionState.CONNECTED)
    add(store, "never", None, ConnectionState.CONNECTED)
    add(store, "expired", NOW, ConnectionState.EXPIRED)
    add(store, "paused", NOW, ConnectionState.PAUSED)
    assert due(store, limit=1) == ["later"]
    assert due(store) == ["late"]
    assert due(store) == []
    assert due(store, NOW + 5 * MINUTE) == ["soon", "late", "later"]  # jobs that were lost come back


def test_a_leased_or_paused_connection_is_left(store: Store, connected: str) -> None:
    with store.begin() as unit:
        leases.mark_dirty(unit.connection, ["c1"], NOW)
    lease = claim(store)
    assert lease is not None
    assert due(store) == []
    with store.begin() as unit:
        leases.release(unit.connection, lease, NOW, NOW, backoff_until=NOW + MINUTE)
    assert due(store) == []
    assert due(store, NOW + MINUTE) == ["c1"]


def test_two_sweepers_never_take_the_same(store: Store) -> None:
    for number in range(20):
        add(store, f"c{number}", NOW, ConnectionState.CONNECTED)
    with ThreadPoolExecutor(2) as threads:
        taken = [one for batch in threads.map(lambda _: due(store, limit=5), range(6)) for one in batch]
    assert len(taken) == len(set(taken)) == 20


def test_dirty_brings_the_time_forward_and_never_back(store: Store, connected: str) -> None:
    with store.begin() as unit:
        leases.mark_dirty(unit.connection, ["c1"], NOW + MINUTE)
        leases.mark_dirty(unit.connection, ["c1"], NOW + 2 * MINUTE)
    assert state(store).next_due == NOW + MINUTE
    with store.begin() as unit:
        connections.expire(unit.connection, "c1", "authorization-expired")
        leases.mark_dirty(unit.connection, ["c1"], NOW)
    assert state(store).next_due is None


def test_an_expired_connection_is_not_due_after_its_pass(store: Store, connected: str) -> None:
    lease = claim(store)
    assert lease is not None
    with store.begin() as unit:
        connections.set_state(unit.connection, "c1", ConnectionState.EXPIRED)
        leases.release(unit.connection, lease, NOW, NOW + MINUTE)
    assert state(store).next_due is None


def test_settings_are_saved_over_the_version_that_was_read(store: Store, connected: str) -> None:
    with store.begin() as unit:
        version = connections.save_settings(
            unit.connection, "c1", 0, policy=Policy.ASK, past_days=7, future_days=90, switches={"tasks": True}
        )
    saved = state(store)
    assert version == saved.settings_version == 1
    assert (saved.policy, saved.past_days, saved.future_days, saved.switches) == (Policy.ASK, 7, 90, {"tasks": True})
    with store.begin() as unit, pytest.raises(Conflict):
        connections.save_settings(unit.connection, "c1", 0, policy=Policy.ASK, past_days=7, future_days=90, switches={})


def test_a_removed_connection_keeps_the_keyed_account_alone(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        connections.authorised(c, "c1", "key", "me@example.org", NOW)
        connections.authorised(c, "c1", "key", "me@example.org", NOW + MINUTE)
        assert state_of(c).connected_at == NOW
        connections.forget_account(c, "c1")
        gone = state_of(c)
        assert (gone.state, gone.account, gone.account_key, gone.next_due) == (ConnectionState.REMOVED, "", "key", None)
        assert connections.of_user(c, "u1") == []
        assert connections.of_tenant(c, "t1", "google") == []
        assert connections.of_user(c, "u1", removed=True) == [gone]


def state_of(c: Database) -> Connection:
    found = connections.get(c, "c1")
    assert found is not None
    return found
