"""Each user for himself: add, look, test, disconnect; an admin is nobody special here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from marketplace_plugin.contract.hookspecs import StepState
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.account import connections as mine
from marketplace_plugin.engine.account.disconnect import Disconnected, disconnect, disconnect_facts
from marketplace_plugin.engine.account.settings import save, settings
from marketplace_plugin.engine.views import (
    Audience,
    ConnectionState,
)
from marketplace_plugin.engine.work import requests
from marketplace_plugin.errors import NotAllowed, NotFound
from marketplace_plugin.model.event import Event
from marketplace_plugin.sandbox.google.seed import ANNA, ANNA_PRIVATE
from marketplace_plugin.store import blocks, collections, connections, grants, plans
from marketplace_plugin.store.log.plans import Plan
from marketplace_plugin.sync.link import LinkKind
from tests.engine.choosing import DAY, calendar, form, opened, put_link
from tests.engine.shell import ADMIN, ANNA_HERE, JONAS_HERE, STRANGER, World, connect, install


def test_who_may_add(world: World) -> None:
    with pytest.raises(NotAllowed):
        mine.add(world.engine, ANNA_HERE, "google")
    install(world, Audience.NOBODY)
    with pytest.raises(NotAllowed):
        mine.add(world.engine, ANNA_HERE, "google")
    install(world)
    first = mine.add(world.engine, ANNA_HERE, "google")
    assert mine.add(world.engine, ANNA_HERE, "google") == first
    with pytest.raises(NotAllowed):
        mine.add(world.engine, STRANGER, "google")
    view = mine.one(world.engine, ANNA_HERE, first)
    assert (view.state, view.account, view.saved, view.started) == (ConnectionState.ADDED, "", False, False)


def test_a_second_account_is_a_second_connection(world: World, connection: str) -> None:
    world.clock.advance(minutes=1)
    other = connect(world, ANNA_HERE, ANNA_PRIVATE)
    assert [view.account for view in mine.mine(world.engine, ANNA_HERE)] == [ANNA, ANNA_PRIVATE]
    assert other != connection


@pytest.mark.parametrize("other", [ADMIN, JONAS_HERE, STRANGER])
def test_nobody_reaches_anothers_connection(world: World, connection: str, other: Person) -> None:
    engine = world.engine
    view = opened(world, connection)
    for attempt in (
        lambda: mine.one(engine, other, connection),
        lambda: mine.examine(engine, other, connection),
        lambda: settings(engine, other, connection),
        lambda: save(engine, other, connection, form(view, None), 0),
        lambda: disconnect_facts(engine, other, connection),
        lambda: disconnect(engine, other, connection),
        lambda: requests.runs_of(engine, other, connection),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert mine.mine(engine, other) == []
    assert requests.request_sync(engine, other) == []


# ---- test ------------------------------------------------------------------------------------------------


def test_the_plugins_steps_with_the_chosen_target(world: World, connection: str) -> None:
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    (step,) = mine.examine(world.engine, ANNA_HERE, connection)
    assert step.facts == (("target", ANNA), ("write", "False"))


def test_a_disabled_integration_is_a_failed_step(world: World, connection: str) -> None:
    world.plugins.entries = []
    (step,) = mine.examine(world.engine, ANNA_HERE, connection)
    assert (step.state, step.cause) == (StepState.FAILED, "config")


# ---- disconnect --------------------------------------------------------------------------------------------


def full(world: World, connection: str) -> None:
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, ANNA), 0)
    put_link(world, connection, "b1", LinkKind.BLOCK, ANNA)
    put_link(world, connection, "k1", LinkKind.CONVERTED, ANNA)
    put_link(world, connection, "e1", LinkKind.EXPORT, ANNA)
    put_link(world, connection, "e2", LinkKind.EXPORT, ANNA)


def test_the_dialog_says_what_goes_and_what_stays(world: World, connection: str) -> None:
    full(world, connection)
    facts = disconnect_facts(world.engine, ANNA_HERE, connection)
    assert (facts.blocks, facts.converted, facts.exported) == (1, 1, 2)
    assert facts.target == calendar(opened(world, connection), ANNA).title


def down(world: World) -> None:
    world.plugins.down = True
    world.sandbox.stop()


@pytest.mark.parametrize("trouble", [lambda world: None, down])
def test_disconnecting_never_needs_the_service(
    world: World, connection: str, trouble: Callable[[World], None], tmp_path: Path
) -> None:
    full(world, connection)
    trouble(world)
    assert disconnect(world.engine, ANNA_HERE, connection) == Disconnected()
    with world.engine.store.read() as c:
        assert grants.get(c, connection) is None
        assert collections.of_connection(c, connection) == []
        assert blocks.count(c, connection) == 0
        row = connections.get(c, connection)
    assert row is not None
    assert (row.state, row.account) == (ConnectionState.REMOVED, "")
    assert mine.mine(world.engine, ANNA_HERE) == []
    assert all(provider.pushed == [] for provider in world.plugins.opened)
    assert world.plugins.announced[-1][0] == "connection_removed"
    with pytest.raises(NotFound):
        disconnect(world.engine, ANNA_HERE, connection)


def test_a_plan_goes_with_its_connection(world: World, connection: str) -> None:
    with world.engine.store.begin() as unit:
        plans.add(unit.connection, Plan("p1", connection, 0, "f", {}, world.clock()))
    disconnect(world.engine, ANNA_HERE, connection)
    with world.engine.store.read() as c:
        assert plans.get(c, "p1") is None


def test_the_grant_is_revoked_with_the_accounts_last_connection(world: World, connection: str) -> None:
    second = connect(world, JONAS_HERE, ANNA)
    disconnect(world.engine, ANNA_HERE, connection)
    assert world.sandbox.requests("POST", "/revoke") == []
    disconnect(world.engine, JONAS_HERE, second)
    assert [row.status for row in world.sandbox.requests("POST", "/revoke")] == [200]


def test_copies_are_deleted_remotely_only_when_ticked_and_unedited(world: World, connection: str) -> None:
    full(world, connection)
    world.plugins.standing = {"remote-e1": Event(when=DAY), "remote-e2": Event(when=DAY)}
    world.plugins.stale = frozenset({"remote-e2"})
    done = disconnect(world.engine, ANNA_HERE, connection, delete_remote=True)
    assert done == Disconnected(deleted=1, left=1)
    pushed = [write for provider in world.plugins.opened for _, write in provider.pushed]
    assert {write.id for write in pushed if hasattr(write, "id")} == {"remote-e1", "remote-e2"}


def test_ticked_with_the_service_down_it_ends_all_the_same(world: World, connection: str) -> None:
    full(world, connection)
    world.plugins.down = True
    assert disconnect(world.engine, ANNA_HERE, connection, delete_remote=True) == Disconnected(left=2)
    assert mine.mine(world.engine, ANNA_HERE) == []


def test_connected_again_it_is_a_new_connection(world: World, connection: str) -> None:
    full(world, connection)
    disconnect(world.engine, ANNA_HERE, connection)
    again = connect(world)
    assert again != connection
    view = opened(world, again)
    assert view.version == 0
    assert not any(one.is_source or one.is_target for one in view.collections)
