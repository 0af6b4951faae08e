"""Whose an event is stays whose it is, and what is private stays private."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.errors import Conflict, ContentUnknown
from marketplace_plugin.model.change import Access, HostItem
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Override, Response, Sensitivity, Series, ShowAs
from marketplace_plugin.model.time import Window
from marketplace_plugin.store import Store
from tests.laws.world import KEYS, SOURCE, TARGET, World, event, moved, occurrence, series
from tests.regressions.seeing import here, master, only, person, shown, titles

MARCH = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
EVE = Attendee("eve@elsewhere.example", "Eve")
ADA = Attendee("ada@acme.example", "Ada", Response.DECLINED)


def test_a_participant_who_syncs_does_not_become_the_organiser(world: World) -> None:
    """A participant's account wrote a meeting back, and the meeting was his from then on, with his times."""
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    account = world.account()
    bob = world.connect("bob", account)
    world.settle(bob)
    copy = only(account).id
    account.user.edit(TARGET, copy, title="taken over", when=event("x", day=20).when, show_as=ShowAs.FREE)
    world.settle(bob)
    hers, his = world.host.see("ada", ref), world.host.see("bob", ref)
    assert isinstance(hers, HostItem)
    assert isinstance(his, HostItem)
    assert (hers.organised, his.organised) == (True, False)
    assert master(hers.item).title == "meeting"
    assert master(hers.item).when == event("meeting").when
    assert master(hers.item).show_as is ShowAs.BUSY
    assert master(his.item).show_as is ShowAs.FREE


def test_a_participants_deletion_concerns_him_alone(world: World) -> None:
    """A participant deleted his copy, and the meeting was deleted for everybody."""
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    account = world.account()
    bob = world.connect("bob", account)
    world.settle(bob)
    account.user.delete(TARGET, only(account).id)
    world.settle(bob)
    assert here(world, "ada") == ["meeting"]
    assert isinstance(world.host.see("bob", ref), HostItem)
    world.host.edit("ada", ref, title="renamed")
    world.settle(bob)
    assert titles(account) == []  # not made again


def test_what_is_masked_is_neither_emptied_nor_written(world: World) -> None:
    """A calendar showed free and busy only, and the empty titles overwrote the real ones."""
    account = world.account()
    ref = world.host.create("ada", event("public", location="here"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.set_role(TARGET, Role.FREE_BUSY)
    world.settle(ada)
    assert shown(world, ref).title == "public"  # type: ignore[union-attr]  # a single event
    world.host.edit("ada", ref, title="renamed")
    world.clock.forward(minutes=31)
    world.sync(ada)
    account.user.set_role(TARGET, Role.OWNER)
    world.settle(ada)
    assert titles(account) == here(world) == ["renamed"]
    assert master(only(account).item).location == "here"


def test_a_masked_block_cannot_be_made_visible(world: World) -> None:
    """An event of which only the time was known was shown as a visible event without a title."""
    account = world.account()
    account.user.create(SOURCE, event("secret"))
    account.user.set_role(SOURCE, Role.FREE_BUSY)
    ada = world.connect("ada", account)
    world.settle(ada)
    (block,) = world.blocks(ada)
    assert master(block.item).title is UNKNOWN
    with pytest.raises(ContentUnknown):
        convert(world.engine, person(world), block.link)
    assert here(world) == []


def test_private_events_are_their_owners_and_nobody_elses(world: World) -> None:
    """Imported private events were readable by colleagues, or belonged to whoever had set the sync up."""
    account = world.account()
    account.user.create(SOURCE, event("at the doctor's", location="secret place", sensitivity=Sensitivity.PRIVATE))
    account.user.create(SOURCE, event("yoga", day=12))
    ada = world.connect("ada", account)
    world.settle(ada)
    blocks = StoredBlocks(world.engine)
    assert {view.detail.title for view in blocks.blocks("ada", "ada", MARCH) if view.detail} == {
        "at the doctor's",
        "yoga",
    }
    seen = blocks.blocks("bob", "ada", MARCH)
    assert len(seen) == 2
    assert all(view.detail is None for view in seen)
    assert "doctor" not in repr(seen)
    assert blocks.blocks("dee", "ada", MARCH) == ()
    assert here(world, "ada") == here(world, "bob") == []
    with pytest.raises(Conflict):
        convert(world.engine, person(world, "bob"), world.blocks(ada)[0].link)


def test_what_is_free_blocks_nobody(world: World) -> None:
    """Events that are marked as free, and cancelled ones, made their owner busy."""
    account = world.account()
    account.user.create(SOURCE, event("free", show_as=ShowAs.FREE))
    account.user.create(SOURCE, event("busy", day=12))
    ada = world.connect("ada", account)
    world.settle(ada)
    seen = StoredBlocks(world.engine).blocks("bob", "ada", MARCH)
    assert [view.when for view in seen] == [event("x", day=12).when]


def test_a_declined_invitation_blocks_nobody(world: World) -> None:
    """An invitation that its owner had declined still made him busy for his colleagues."""
    account = world.account()
    invitation: dict[str, Any] = {"organizer": EVE, "attendees": (EVE, ADA)}
    declined = event("declined", response=Response.DECLINED, **invitation)
    account.user.create(SOURCE, declined, access=Access.ATTENDEE)
    accepted = event("accepted", day=12, response=Response.ACCEPTED, **invitation)
    account.user.create(SOURCE, accepted, access=Access.ATTENDEE)
    weekly = series("weekly", day=9, count=2)
    no = Event(when=moved(occurrence(1), "x").when, title="weekly", response=Response.DECLINED)
    account.user.create(SOURCE, Series(weekly.master, weekly.rule, (Override(occurrence(1), no),)))
    ada = world.connect("ada", account)
    world.settle(ada)
    blocks = StoredBlocks(world.engine)
    assert [view.when for view in blocks.blocks("bob", "ada", MARCH)] == [weekly.master.when, accepted.when]
    told = {view.detail.title for view in blocks.blocks("ada", "ada", MARCH) if view.detail is not None}
    assert told == {"declined", "accepted", "weekly"}


@pytest.fixture
def clone() -> Iterator[tuple[World, World]]:
    """Two installations of the same software over one remote account."""
    pair = World(), World()
    object.__setattr__(pair[1].engine, "instance", "another")  # worlds are copies of one store
    yield pair
    for one in pair:
        one.close()


def test_another_installation_touches_nothing_of_ours(clone: tuple[World, World]) -> None:
    """A test installation was connected to the same calendar: it took the entries of the real one for its own."""
    ours, other = clone
    account = ours.account()
    ours.host.create("ada", event("real"))
    ada = ours.connect("ada", account)
    ours.settle(ada)
    written = list(account.writes)
    theirs = other.connect("ada", account, sources=(TARGET, SOURCE))
    other.settle(theirs)
    assert here(other) == []
    assert account.writes == written
    other.host.create("ada", event("staging"))
    other.settle(theirs)
    ours.settle(ada)
    assert titles(account) == ["real", "staging"]
    assert here(ours) == ["real"]


def test_a_second_store_is_a_second_installation(world: World) -> None:
    """Two installations had the same name, so each took what the other had written for its own."""
    second = Store.open(f"sqlite:///{world.folder / 'second.db'}", KEYS)
    assert second.instance_id != world.store.instance_id
    second.close()
