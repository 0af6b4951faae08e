"""Held deletions: listed for their owner, let go or taken back, and looked at again by the pass; over both hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.waiting import held
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.event import Attendee
from marketplace_plugin.store import links
from marketplace_plugin.store.log.journal import Side
from marketplace_plugin.sync.link import LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, event

MANY = 14
"""More than the brake lets through."""


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(shared=request.param)
    yield made
    made.close()


class Braked:
    """Ada exported many events and deleted all of them: ``here`` in the host, else at the service."""

    def __init__(self, world: World, *, here: bool) -> None:
        self.world, self.account = world, world.account()
        self.refs = [world.host.create("ada", event(f"event {n:02}", day=10 + n)) for n in range(MANY)]
        self.connection = world.connect("ada", self.account)
        world.sync(self.connection)
        if here:
            for ref in self.refs:
                world.host.delete("ada", ref)
        else:
            for remote_id in list(self.account.items(TARGET)):
                self.account.user.delete(TARGET, remote_id)
        other = world.host.create("ada", event("goes on", day=30))
        world.sync(self.connection)
        self.person = person(world)
        self.other = other

    @property
    def here(self) -> set[str]:
        return {str(one.item.title) for one in self.world.host.all_of("ada").values()}  # type: ignore[union-attr]

    @property
    def there(self) -> set[str]:
        return {str(one.item.title) for one in self.account.items(TARGET).values()}  # type: ignore[union-attr]

    def sync(self) -> None:
        self.world.clock.forward(minutes=31)
        self.world.sync(self.connection)


def person(world: World, name: str = "ada") -> Person:
    found = world.host.person(name)
    assert found is not None
    return found


ALL = {f"event {n:02}" for n in range(MANY)}


@pytest.mark.parametrize("here", [True, False])
def test_the_list_says_what_where_and_how_many_while_the_rest_goes_on(world: World, here: bool) -> None:
    braked = Braked(world, here=here)
    listed = held.deletions(world.engine, braked.person)
    side = Side.REMOTE if here else Side.HOST
    assert [one.about.title for one in listed] == sorted(ALL), "as they lie in time"
    assert {(one.side, one.reason, one.announced) for one in listed} == {(side, Reason.BRAKE, False)}
    (brake,) = held.brakes(world.engine, braked.person)
    assert (brake.side, brake.held, brake.done, brake.limit) == (side, MANY, 0, 10)
    assert "goes on" in braked.there
    assert (braked.there if here else braked.here) >= ALL


@pytest.mark.parametrize("here", [True, False])
def test_what_is_let_go_is_deleted_and_the_rest_stays_held(world: World, here: bool) -> None:
    braked = Braked(world, here=here)
    some = [one for one in held.deletions(world.engine, braked.person) if one.about.title < "event 05"]
    assert held.approve(world.engine, braked.person, [one.id for one in some]) == len(some)
    assert {one.about.title for one in held.deletions(world.engine, braked.person) if one.decided} == {
        one.about.title for one in some
    }
    (brake,) = held.brakes(world.engine, braked.person)
    assert brake.held == MANY - len(some)
    braked.sync()
    left = {one.about.title for one in held.deletions(world.engine, braked.person)}
    assert left == ALL - {one.about.title for one in some}
    assert (braked.there if here else braked.here) == left | {"goes on"}


@pytest.mark.parametrize("here", [True, False])
def test_what_is_taken_back_is_written_again_on_the_other_side(world: World, here: bool) -> None:
    braked = Braked(world, here=here)
    every = [one.id for one in held.deletions(world.engine, braked.person)]
    held.restore(world.engine, braked.person, every)
    braked.sync()
    assert held.deletions(world.engine, braked.person) == []
    assert braked.here == braked.there == ALL | {"goes on"}
    assert world.settle(braked.connection) <= 1
    assert braked.here == braked.there == ALL | {"goes on"}
    assert braked.account.outbox == []


def test_approval_checks_each_again(world: World) -> None:
    """Somebody wrote into a copy meanwhile: only an edit beats a deletion."""
    braked = Braked(world, here=True)
    edited = next(iter(braked.account.items(TARGET)))
    braked.account.user.edit(TARGET, edited, title="edited meanwhile")
    held.approve(world.engine, braked.person, [one.id for one in held.deletions(world.engine, braked.person)])
    braked.sync()
    braked.sync()
    assert "edited meanwhile" in braked.here
    assert "edited meanwhile" in braked.there
    assert held.deletions(world.engine, braked.person) == []


def test_nobody_else_sees_or_decides(world: World) -> None:
    braked = Braked(world, here=True)
    bob = person(world, "bob")
    every = [one.id for one in held.deletions(world.engine, braked.person)]
    for look in (held.deletions, held.brakes, held.parked):
        assert look(world.engine, bob) == []
    assert held.approve(world.engine, bob, every) == held.restore(world.engine, bob, every) == 0
    braked.sync()
    assert braked.there >= ALL


class Announced:
    """A converted meeting with guests, which Ada organises at the service and has deleted here."""

    def __init__(self, world: World) -> None:
        self.world, self.account = world, world.account()
        self.remote = self.account.user.create(SOURCE, event("meeting", attendees=(Attendee("guest@else.example"),)))
        self.connection = world.connect("ada", self.account)
        world.sync(self.connection)
        (link,) = world.links(self.connection)
        self.person = person(world)
        self.ref = convert(world.engine, self.person, link.id)
        world.host.delete("ada", self.ref)
        world.sync(self.connection)

    def sync(self) -> None:
        self.world.clock.forward(minutes=31)
        self.world.sync(self.connection)


def test_a_deletion_that_the_service_would_announce_is_held_and_offered(world: World) -> None:
    meeting = Announced(world)
    (one,) = held.deletions(world.engine, meeting.person)
    assert one.announced
    assert (one.about.title, one.side, one.reason) == ("meeting", Side.REMOTE, Reason.WOULD_MAIL)
    meeting.sync()
    assert meeting.remote in meeting.account.items(SOURCE)
    held.approve(world.engine, meeting.person, [one.id])
    meeting.sync()
    assert meeting.remote not in meeting.account.items(SOURCE)
    assert held.deletions(world.engine, meeting.person) == []
    assert meeting.account.outbox == [], "the request asked the service for silence"


def test_an_announced_deletion_taken_back_brings_the_event_back(world: World) -> None:
    meeting = Announced(world)
    held.restore(world.engine, meeting.person, [one.id for one in held.deletions(world.engine, meeting.person)])
    meeting.sync()
    assert [one.item.title for one in world.host.all_of("ada").values()] == ["meeting"]  # type: ignore[union-attr]
    assert meeting.remote in meeting.account.items(SOURCE)
    assert world.settle(meeting.connection) <= 1


def test_what_cannot_be_read_is_listed_and_tried_again(world: World) -> None:
    account = world.account()
    remote = account.user.create(SOURCE, event("garbled"))
    account.user.garble(SOURCE, remote)
    ada = world.connect("ada", account)
    world.sync(ada)
    (one,) = held.parked(world.engine, person(world))
    assert (one.reason, one.about, one.calendar) == (Reason.UNREADABLE, None, SOURCE)
    account.user.mend(SOURCE, remote)
    held.again(world.engine, person(world), one.id)
    world.sync(ada)
    assert held.parked(world.engine, person(world)) == []
    assert len(world.blocks(ada)) == 1


def test_a_parked_item_is_tried_again_from_the_beginning(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("mine"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (link,) = world.links(ada)
    park(world, link.id)
    (one,) = held.parked(world.engine, person(world))
    assert (one.reason, one.attempts) == (Reason.LOOP, 5)
    assert one.about is not None
    assert one.about.title == "mine"
    held.again(world.engine, person(world), one.id)
    world.sync(ada)
    assert held.parked(world.engine, person(world)) == []
    assert [link.state for link in world.links(ada)] == [LinkState.LIVE]
    with pytest.raises(NotFound):
        held.again(world.engine, person(world), one.id)


def park(world: World, link_id: str) -> None:
    with world.store.begin() as unit:
        link = links.get(unit.connection, [link_id])[link_id]
        parked = replace(link, state=LinkState.PARKED, reason=Reason.LOOP, attempts=5, automatic=4)
        links.put(unit.connection, [parked], world.clock())
