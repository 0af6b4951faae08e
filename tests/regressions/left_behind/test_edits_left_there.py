"""What somebody wrote into a copy and has not come here: it stands at the service alone, so the copy stays there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.engine.account.disconnect import Disconnected, disconnect
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.undo import undo
from marketplace_plugin.engine.acts.waiting import conflicts
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Attendee
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import HostOutcome, HostRefused, HostWrite, RefusedCode
from marketplace_plugin.store import conflicts as rows
from marketplace_plugin.store import connections, journal, runs
from marketplace_plugin.store.accounts.connections import Policy
from tests.hosts.host import TestModule
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import here, only, person, titles

THERE = "written there"


class _Refuses(TestModule):
    """The events of a host that takes no write."""

    def apply(self, owner: str, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
        return [HostRefused(write.op, RefusedCode.INVALID) for write in writes]


def _connected(world: World, policy: Policy = Policy.NEWEST) -> str:
    world.host.create("ada", event("one"))
    ada = world.connect("ada", world.account(), policy=policy)
    world.settle(ada)
    return ada


def _write_there(world: World, ada: str, text: str = THERE) -> None:
    account = world.plugins.accounts[ada]
    world.clock.forward(minutes=1)
    account.user.edit(TARGET, only(account).id, title=text)


def _unread(world: World) -> str:
    ada = _connected(world)
    _write_there(world, ada)
    return ada


def _refused(world: World) -> str:
    """The host does not take it: the change is parked."""
    ada = _connected(world)
    _write_there(world, ada)
    world.host.modules = {**world.host.modules, Kind.EVENT: _Refuses(world.host, Kind.EVENT)}
    world.sync(ada)
    assert here(world) == ["one"]
    return ada


def _asked_about(world: World) -> str:
    """Both sides have changed it, and she is asked."""
    ada = _connected(world, Policy.ASK)
    (ref,) = world.host.all_of("ada")
    world.host.edit("ada", ref, title="written here")
    _write_there(world, ada)
    world.settle(ada)
    return ada


def _left_as_it_is(world: World) -> str:
    """Both sides have changed it, and she wants both to stay."""
    ada = _asked_about(world)
    (waits,) = conflicts.listed(world.engine, person(world))
    conflicts.leave(world.engine, person(world), waits.id)
    world.settle(ada)
    return ada


def _taken_back(world: World) -> str:
    """It came here, and she took that back."""
    ada = _unread(world)
    world.sync(ada)
    assert here(world) == [THERE]
    with world.store.read() as c:
        done = runs.of_connection(c, ada, limit=1)
    world.clock.forward(minutes=1)
    world.sync(ada, Trigger.UNDO, undo(world.engine, person(world), done[0].id))
    assert here(world) == ["one"]
    return ada


def _tied_as_they_are(world: World) -> str:
    """It was written while nobody was connected: she was told of the difference when she came back."""
    ada = _connected(world)
    account = world.plugins.accounts[ada]
    disconnect(world.engine, person(world), ada)
    account.user.edit(TARGET, only(account).id, title=THERE)
    new = world.connect("ada", account)
    world.settle(new)
    assert here(world) == ["one"]
    return new


def _awaiting_a_plan(world: World) -> str:
    ada = _connected(world)
    with world.store.begin() as unit:
        connections.approve(unit.connection, ada, None)
    _write_there(world, ada)
    world.sync(ada)
    assert here(world) == ["one"]
    return ada


def _a_participants(world: World) -> str:
    """What he writes into his copy of somebody's meeting is his alone."""
    world.host.create("bob", event("one"), guests=["ada"])
    ada = world.connect("ada", world.account())
    world.settle(ada)
    _write_there(world, ada)
    world.settle(ada)
    assert here(world) == ["one"]
    return ada


def _a_participants_who_came_back(world: World) -> str:
    """At the return his words counted as agreed, and went with the next disconnect."""
    ada = _a_participants(world)
    disconnect(world.engine, person(world), ada)
    new = world.connect("ada", world.plugins.accounts[ada])
    world.settle(new)
    assert here(world) == ["one"]
    return new


STATES = [
    _unread,
    _refused,
    _asked_about,
    _left_as_it_is,
    _taken_back,
    _tied_as_they_are,
    _awaiting_a_plan,
    _a_participants,
    _a_participants_who_came_back,
]
each = pytest.mark.parametrize("state", STATES, ids=lambda made: made.__name__[1:])
for_good = pytest.mark.parametrize("state", STATES[1:], ids=lambda made: made.__name__[1:])
"""All but the first: what nobody has read comes here with the next pass."""


@each
def test_disconnecting_with_the_copies_leaves_it(world: World, state: Callable[[World], str]) -> None:
    """The copy was deleted with what stood nowhere else; what had been read was taken for what we had written."""
    ada = state(world)
    account = world.plugins.accounts[ada]
    assert disconnect(world.engine, person(world), ada, delete_remote=True) == Disconnected(left=1)
    assert titles(account) == [THERE]
    assert account.outbox == []


@each
def test_another_target_leaves_it(world: World, state: Callable[[World], str]) -> None:
    """A new copy is made in the new target; this one stays where it is."""
    ada = state(world)
    account = world.plugins.accounts[ada]
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, [SOURCE, TARGET], keep=False)
        connections.approve(unit.connection, ada, 0)
    world.settle(ada)
    assert titles(account) == [THERE]
    assert len(titles(account, OTHER)) == 1
    assert world.blocks(ada) == []


@each
def test_it_stays_when_she_leaves_the_target_and_then_the_service(world: World, state: Callable[[World], str]) -> None:
    ada = state(world)
    account = world.plugins.accounts[ada]
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, [SOURCE, TARGET], keep=False)
    disconnect(world.engine, person(world), ada)
    new = world.connect("ada", account, target=OTHER, sources=(SOURCE, TARGET))
    world.settle(new)
    assert titles(account) == [THERE]
    assert len(titles(account, OTHER)) == 1
    assert world.blocks(new) == []


def _months_later(world: World, ada: str) -> None:
    """Beyond the time for which the journal is kept."""
    for _ in range(2):
        world.clock.forward(days=40)
        world.settle(ada)


@for_good
@pytest.mark.parametrize("copies", ["with the copies", "another target"])
def test_it_stays_when_the_journal_has_forgotten_the_rest(
    hosted: World, state: Callable[[World], str], copies: str
) -> None:
    """What was taken back, or left as it is, was known by a line that went after 30 days; then the copy was deleted."""
    ada = state(hosted)
    account = hosted.plugins.accounts[ada]
    stands = here(hosted)
    _months_later(hosted, ada)
    assert (here(hosted), titles(account)) == (stands, [THERE])
    if copies == "with the copies":
        assert disconnect(hosted.engine, person(hosted), ada, delete_remote=True) == Disconnected(left=1)
    else:
        with hosted.store.begin() as unit:
            choose(hosted.engine, unit, ada, OTHER, [SOURCE, TARGET], keep=False)
            connections.approve(unit.connection, ada, 0)
        hosted.settle(ada)
        assert len(titles(account, OTHER)) == 1
    assert titles(account) == [THERE]
    assert account.outbox == []


@pytest.mark.parametrize("state", [_left_as_it_is, _taken_back], ids=lambda made: made.__name__[1:])
def test_what_is_kept_for_it_has_no_content_and_goes_with_it(world: World, state: Callable[[World], str]) -> None:
    ada = state(world)
    (link,) = world.links(ada)
    _months_later(world, ada)
    with world.store.read() as c:
        lines = journal.of_link(c, link.id)
        left = rows.of_links(c, [link.id])
    assert len(lines) + len(left) == 1
    assert all(line.pre_image is None for line in lines)
    assert all((row.base, row.host, row.remote) == (None, None, None) for row in left)
    world.host.delete("ada", min(world.host.all_of("ada")))
    world.settle(ada)
    _months_later(world, ada)
    with world.store.read() as c:
        assert (journal.of_link(c, link.id), rows.of_links(c, [link.id])) == ([], [])


@pytest.mark.parametrize("role", [Role.OWNER, Role.READER])
def test_what_came_here_is_no_reason_to_leave_a_copy(world: World, role: Role) -> None:
    """What has come here stands here. Where the account may not write any more the copy stays, and is told to."""
    ada = _unread(world)
    account = world.plugins.accounts[ada]
    world.settle(ada)
    assert here(world) == [THERE]
    account.user.set_role(TARGET, role)
    done = disconnect(world.engine, person(world), ada, delete_remote=True)
    assert done == (Disconnected(deleted=1) if role is Role.OWNER else Disconnected(left=1))
    assert titles(account) == ([] if role is Role.OWNER else [THERE])


def test_a_copy_to_which_others_were_asked_is_left(world: World) -> None:
    """To delete it would cancel the meeting to them, where the service writes by itself."""
    ada = _connected(world)
    account = world.plugins.accounts[ada]
    account.user.edit(TARGET, only(account).id, attendees=(Attendee("eve@elsewhere.example"),))
    world.settle(ada)
    assert disconnect(world.engine, person(world), ada, delete_remote=True) == Disconnected(left=1)
    assert titles(account) == ["one"]
    assert account.outbox == []
