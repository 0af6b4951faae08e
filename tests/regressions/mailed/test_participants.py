"""What a pass changes here, others take part in: they hear of it at once, not with their next turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from marketplace_plugin.engine.acts.waiting import conflicts
from marketplace_plugin.model.event import Response, Series
from marketplace_plugin.model.write import HostUpdate
from marketplace_plugin.store import connections
from marketplace_plugin.sync.merge.three_way import Winner
from tests.laws.world import TARGET, World, event, moved, occurrence, series
from tests.regressions.seeing import only, person, titles


def due(world: World, connection: str) -> datetime | None:
    with world.store.read() as c:
        row = connections.get(c, connection)
    assert row is not None
    return row.next_due


def both(world: World) -> tuple[str, str]:
    """Ada and Bob, each with a copy of the meeting that Ada organises."""
    world.host.create("ada", event("meeting"), guests=["bob"])
    ada, bob = (world.connect(user, world.account()) for user in ("ada", "bob"))
    world.settle(ada, bob)
    return ada, bob


def test_what_the_organiser_changes_at_his_service_makes_the_others_due(world: World) -> None:
    ada, bob = both(world)
    account = world.plugins.accounts[ada]
    account.user.edit(TARGET, only(account).id, title="renamed")
    world.clock.forward(minutes=1)
    world.sync(ada)
    assert due(world, bob) == world.clock()
    world.sync(bob)
    assert titles(world.plugins.accounts[bob]) == ["renamed"]


def test_a_deletion_makes_the_others_due(world: World) -> None:
    ada, bob = both(world)
    account = world.plugins.accounts[ada]
    account.user.delete(TARGET, only(account).id)
    world.clock.forward(minutes=1)
    world.sync(ada)
    assert due(world, bob) == world.clock()
    world.sync(bob)
    assert titles(world.plugins.accounts[bob]) == []


def test_an_answer_of_a_participant_makes_the_organiser_due(world: World) -> None:
    ada, bob = both(world)
    account = world.plugins.accounts[bob]
    account.user.edit(TARGET, only(account).id, response=Response.ACCEPTED)
    world.clock.forward(minutes=1)
    world.sync(bob)
    assert due(world, ada) == world.clock()


def test_what_is_his_alone_wakes_nobody(world: World) -> None:
    ada, bob = both(world)
    account = world.plugins.accounts[ada]
    world.host.create("ada", event("alone", day=12))
    world.settle(ada, bob)
    (alone,) = [one.id for one in account.items(TARGET).values() if "alone" in str(one.item)]
    account.user.edit(TARGET, alone, title="still alone")
    world.clock.forward(minutes=1)
    world.sync(ada)
    later = due(world, bob)
    assert later is not None
    assert later > world.clock()


def test_a_conflict_that_is_turned_makes_the_others_due(world: World) -> None:
    ada, bob = both(world)
    account = world.plugins.accounts[ada]
    (ref,) = world.host.all_of("ada")
    world.host.edit("ada", ref, title="from here")
    account.user.edit(TARGET, only(account).id, title="from there")
    world.clock.forward(minutes=1)
    world.sync(ada)
    world.settle(ada, bob)
    (row,) = conflicts.listed(world.engine, person(world))
    other = next(side for side in (Winner.HOST, Winner.REMOTE) if side is not row.kept)
    conflicts.take(world.engine, person(world), row.id, other)
    assert due(world, bob) == world.clock()


def test_an_answer_to_one_changed_occurrence_is_known_here(world: World) -> None:
    ref = world.host.create("ada", series("weekly"), guests=["bob"])
    world.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "moved", 1))
    ada, bob = (world.connect(user, world.account()) for user in ("ada", "bob"))
    world.settle(ada, bob)
    account = world.plugins.accounts[bob]
    copy = only(account)
    assert isinstance(copy.item, Series)
    (changed,) = copy.item.overrides
    assert changed.event is not None
    answer = replace(changed.event, response=Response.ACCEPTED, title="as I call it")
    account.user.change_occurrence(TARGET, copy.id, occurrence(1), answer)
    world.settle(ada, bob)
    written = [one for one in world.host.applied if isinstance(one, HostUpdate)]
    assert [one.changed for one in written] == [frozenset({"overrides"})]
    (mine,) = [o.event for one in written if isinstance(one.item, Series) for o in one.item.overrides]
    assert mine is not None
    assert (mine.response, mine.title) == (Response.ACCEPTED, "moved")


def test_a_reminder_of_the_series_is_not_said_of_the_day_that_has_its_own(world: World) -> None:
    """A host may say one for all; written by a sync, the series is the series, so both sides go on showing the same."""
    ref = world.host.create("ada", series("weekly"), guests=["bob"])
    world.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "moved", 1))
    ada, bob = (world.connect(user, world.account()) for user in ("ada", "bob"))
    world.settle(ada, bob)
    account = world.plugins.accounts[bob]
    account.user.edit(TARGET, only(account).id, reminder=5)
    world.settle(ada, bob)
    for item in (world.host.all_of("bob")[ref].item, only(account).item):
        assert isinstance(item, Series)
        assert item.master.reminder == 5
        assert [o.event.reminder for o in item.overrides if o.event is not None] == [None]
