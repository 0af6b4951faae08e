"""One target, many sources, a window: what is saved counts at once, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace_plugin.engine.account import connections as mine
from marketplace_plugin.engine.account.settings import save, settings
from marketplace_plugin.engine.views import (
    Policy,
    Saved,
    TargetChange,
)
from marketplace_plugin.errors import Conflict, InvalidSettings, PermissionDenied
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.sandbox.google.seed import ANNA, ANNA_PRIVATE, FAMILY
from marketplace_plugin.store import collections, connections, leases, links
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.engine.choosing import calendar, form, link_of, opened, put_link, title_of
from tests.engine.shell import ANNA_HERE, JONAS_HERE, World, connect, install


def test_opening_reloads_the_list_and_new_calendars_are_unticked(world: World, connection: str) -> None:
    view = opened(world, connection)
    saved = save(world.engine, ANNA_HERE, connection, form(view, ANNA, ANNA), view.version)
    assert (saved.version, saved.asks) == (1, None)
    family = title_of(world, connection, FAMILY)
    with world.engine.store.begin() as unit:
        collections.remove(unit.connection, connection, FAMILY)  # as if it had not been there yet
    view = opened(world, connection, reload=True)
    new = calendar(view, family)
    assert (new.is_new, new.is_source, new.is_target) == (True, False, False)
    primary = calendar(view, ANNA)
    assert (primary.is_new, primary.is_source, primary.is_target) == (False, True, True)
    assert view.reload_error == ""
    assert not calendar(opened(world, connection, reload=True), family).is_new


def test_with_the_service_down_the_last_list_is_shown(world: World, connection: str) -> None:
    world.plugins.down = True
    view = opened(world, connection, reload=True)
    assert view.reload_error == "unavailable"
    assert calendar(view, ANNA).can_be_target


def test_an_added_connection_has_nothing_to_reload(world: World) -> None:
    install(world)
    added = mine.add(world.engine, ANNA_HERE, "google")
    view = opened(world, added, reload=True)
    assert (view.collections, view.reload_error) == ((), "")
    assert world.plugins.opened == []


def test_what_is_saved_is_shown(world: World, connection: str) -> None:
    view = opened(world, connection)
    wanted = form(view, ANNA, ANNA, switches=frozenset({Kind.EVENT, Kind.TASK}), past_days=7, future_days=90)
    save(world.engine, ANNA_HERE, connection, wanted, 0)
    view = opened(world, connection)
    assert (view.version, view.switches, view.past_days, view.future_days) == (
        1,
        frozenset({Kind.EVENT, Kind.TASK}),
        7,
        90,
    )
    assert view.connection.saved
    assert not view.connection.started
    save(world.engine, ANNA_HERE, connection, form(view, None), 1)
    view = opened(world, connection)
    assert not any(one.is_target or one.is_source for one in view.collections)


def test_somebody_who_saves_over_a_newer_version_is_told(world: World, connection: str) -> None:
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    with pytest.raises(Conflict):
        save(world.engine, ANNA_HERE, connection, form(view, None), 0)


def test_a_form_that_cannot_be_is_refused(world: World, connection: str) -> None:
    view = opened(world, connection)
    good = form(view, ANNA)
    for bad in (
        replace(good, target="made up"),
        replace(good, sources=frozenset({"made up"})),
        replace(good, past_days=-1),
        replace(good, future_days=0),
        replace(good, future_days=10**6),
    ):
        with pytest.raises(InvalidSettings):
            save(world.engine, ANNA_HERE, connection, bad, 0)
    assert opened(world, connection).version == 0


@pytest.mark.parametrize("role", [Role.READER, Role.FREE_BUSY, Role.MASKED_WRITER])
def test_a_target_needs_unmasked_write_access(world: World, connection: str, role: Role) -> None:
    with world.engine.store.begin() as unit:
        row = collections.get(unit.connection, connection, FAMILY)
        assert row is not None
        collections.set_role(unit.connection, connection, replace(row.info, role=role))
    view = opened(world, connection)
    with pytest.raises(PermissionDenied):
        save(world.engine, ANNA_HERE, connection, form(view, row.info.title), 0)


def test_an_approval_stays_where_only_reading_changes(world: World, connection: str) -> None:
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    with world.engine.store.begin() as unit:
        connections.approve(unit.connection, connection, 1)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, ANNA), 1)
    assert mine.one(world.engine, ANNA_HERE, connection).started
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, ANNA, switches=frozenset({Kind.EVENT, Kind.TASK})), 2)
    assert not mine.one(world.engine, ANNA_HERE, connection).started


def test_saving_interrupts_a_pass(world: World, connection: str) -> None:
    view, now = opened(world, connection), world.clock()
    with world.engine.store.begin() as unit:
        lease = leases.claim(unit.connection, connection, now, now.replace(year=2027))
    assert lease is not None
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    with world.engine.store.read() as c:
        row = connections.get(c, connection)
    assert row is not None
    assert row.fence > lease.fence
    assert row.lease_until is None


# ---- what becomes of links ------------------------------------------------------------------------------


def test_unticking_takes_that_sources_blocks_and_keeps_the_others(world: World, connection: str) -> None:
    family = title_of(world, connection, FAMILY)
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, None, ANNA, family), 0)
    put_link(world, connection, "b1", LinkKind.BLOCK, ANNA)
    put_link(world, connection, "b2", LinkKind.BLOCK, FAMILY)
    put_link(world, connection, "k1", LinkKind.CONVERTED, FAMILY)
    assert calendar(opened(world, connection), family).blocks == 1
    saved = save(world.engine, ANNA_HERE, connection, form(view, None, ANNA), 1)
    assert saved.blocks_removed == 1
    assert link_of(world, "b1") is not None
    assert link_of(world, "b2") is None
    assert link_of(world, "k1") is not None


def test_another_target_asks_with_the_count_and_saves_nothing(world: World, connection: str) -> None:
    family = title_of(world, connection, FAMILY)
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    put_link(world, connection, "e1", LinkKind.EXPORT, ANNA)
    put_link(world, connection, "e2", LinkKind.EXPORT, ANNA)
    asked = save(world.engine, ANNA_HERE, connection, form(view, family), 1)
    assert asked == Saved(1, asks=2)
    assert calendar(opened(world, connection), ANNA).is_target
    kept = save(world.engine, ANNA_HERE, connection, form(view, family, target_change=TargetChange.KEEP), 1)
    assert (kept.version, kept.asks) == (2, None)
    assert calendar(opened(world, connection), family).is_target
    link = link_of(world, "e1")
    assert link is not None
    assert link.state is LinkState.DETACHED
    back = save(world.engine, ANNA_HERE, connection, form(view, ANNA), 2)
    assert back.asks is None


def test_copies_that_move_leave_a_link_in_the_new_target(world: World, connection: str) -> None:
    family = title_of(world, connection, FAMILY)
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    put_link(world, connection, "e1", LinkKind.EXPORT, ANNA)
    save(world.engine, ANNA_HERE, connection, form(view, family, target_change=TargetChange.MOVE), 1)
    with world.engine.store.read() as c:
        (anew,) = links.by_host(c, ANNA_HERE.id, Kind.EVENT, ["host-e1"])["host-e1"]
    assert (anew.collection, anew.state, anew.remote_id) == (FAMILY, LinkState.PENDING, None)


def test_there_is_one_target_over_all_connections(world: World, connection: str) -> None:
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, ANNA), 0)
    put_link(world, connection, "e1", LinkKind.EXPORT, ANNA)
    other = connect(world, ANNA_HERE, ANNA_PRIVATE)
    there = opened(world, other)
    asked = save(world.engine, ANNA_HERE, other, form(there, ANNA), 0)
    assert asked.asks == 1
    save(world.engine, ANNA_HERE, other, form(there, ANNA, target_change=TargetChange.KEEP), 0)
    assert calendar(opened(world, other), ANNA).is_target
    before = calendar(opened(world, connection), ANNA)
    assert (before.is_target, before.is_source) == (False, True)
    link = link_of(world, "e1")
    assert link is not None
    assert link.state is LinkState.DETACHED


def test_another_users_target_is_none_of_our_business(world: World, connection: str) -> None:
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    his = connect(world, JONAS_HERE, ANNA)
    there = settings(world.engine, JONAS_HERE, his, reload=False)
    save(world.engine, JONAS_HERE, his, form(there, ANNA), 0)
    assert calendar(opened(world, connection), ANNA).is_target


def test_another_policy_is_planned_anew(world: World, connection: str) -> None:
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 0)
    with world.engine.store.begin() as unit:
        connections.approve(unit.connection, connection, 1)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, policy=None), 1)
    assert mine.one(world.engine, ANNA_HERE, connection).started, "what the form does not say stays"
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, policy=Policy.ASK), 2)
    assert opened(world, connection).policy is Policy.ASK
    assert not mine.one(world.engine, ANNA_HERE, connection).started


def test_calendars_without_their_switch_are_refused(world: World, connection: str) -> None:
    view = opened(world, connection)
    with pytest.raises(InvalidSettings):
        save(world.engine, ANNA_HERE, connection, form(view, ANNA, switches=frozenset({Kind.TASK})), 0)
    assert opened(world, connection).version == 0


def can_invite(world: World, connection: str) -> None:
    """The service of these tests lists calendars and offers nothing else."""
    with world.engine.store.begin() as unit:
        for row in collections.of_connection(unit.connection, connection):
            able = replace(row.info, capabilities=replace(row.info.capabilities, invites=True))
            collections.set_role(unit.connection, connection, able)


def test_invitations_are_off_until_they_are_switched_on_and_are_planned_anew(world: World, connection: str) -> None:
    view = opened(world, connection)
    assert (view.can_invite, view.invites) == (False, False)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, invites=True), 0)
    assert not opened(world, connection).invites, "the service was never asked for silence"
    can_invite(world, connection)
    assert opened(world, connection).can_invite
    with world.engine.store.begin() as unit:
        connections.approve(unit.connection, connection, 1)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 1)
    assert mine.one(world.engine, ANNA_HERE, connection).started
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, invites=True), 2)
    assert opened(world, connection).invites
    assert not mine.one(world.engine, ANNA_HERE, connection).started
    save(world.engine, ANNA_HERE, connection, form(view, ANNA), 3)
    assert opened(world, connection).invites, "a form that does not know the switch leaves it as it is"
    save(world.engine, ANNA_HERE, connection, form(view, None), 4)
    assert not opened(world, connection).invites


def test_a_new_target_begins_without_invitations_while_copies_lie_in_the_former(world: World, connection: str) -> None:
    can_invite(world, connection)
    view = opened(world, connection)
    save(world.engine, ANNA_HERE, connection, form(view, ANNA, invites=True), 0)
    put_link(world, connection, "copy", LinkKind.EXPORT, ANNA)
    view = opened(world, connection)
    other = form(view, title_of(world, connection, FAMILY), invites=True, target_change=TargetChange.MOVE)
    save(world.engine, ANNA_HERE, connection, other, 1)
    assert not opened(world, connection).invites
