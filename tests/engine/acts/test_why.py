"""Why an event is synced as it is: for each kind of event its source, its rules, its log; for its owner alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts import undo, why
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.waiting import held
from marketplace_plugin.engine.acts.why import What, Why
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Response, Series, Status
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.store.log.journal import Action, Side
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import OTHER, SOURCE, TARGET, World, all_day, event, moved, occurrence, series


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def person(world: World, name: str = "ada") -> Person:
    found = world.host.person(name)
    assert found is not None
    return found


def of_event(world: World, ref: str, name: str = "ada") -> Why:
    return why.of_event(world.engine, person(world, name), ref)


def of_block(world: World, connection: str) -> Why:
    (block,) = world.blocks(connection)
    return why.of_block(world.engine, person(world), block.link)


# ---- what is tied to a service -------------------------------------------------------------------------------------


def test_a_block_names_its_calendar_and_its_last_change(world: World) -> None:
    account = world.account()
    remote = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    world.clock.forward(minutes=31)
    account.user.edit(SOURCE, remote, location="Room 1")
    run = world.sync(ada).run
    told = of_block(world, ada)
    assert (told.what, told.title, told.calendar, told.reasons) == (What.BLOCK, "private", SOURCE, ())
    assert told.last is not None
    assert (told.last.side, told.last.action, told.last.reason, told.last.run) == (
        Side.BLOCK,
        Action.UPDATE,
        Reason.CHANGED_REMOTE,
        run,
    )
    assert [line.reason for line in told.lines] == [Reason.CHANGED_REMOTE, Reason.NEW_REMOTE]


def test_a_copy_names_its_target_and_who_won(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("before"))
    ada = world.connect("ada", account, policy=Policy.HOST)
    world.sync(ada)
    (copy,) = account.items(TARGET)
    world.clock.forward(minutes=31)
    world.host.edit("ada", ref, title="here")
    account.user.edit(TARGET, copy, title="there")
    world.sync(ada)
    told = of_event(world, ref)
    assert (told.what, told.calendar, told.reasons) == (What.COPY, TARGET, ())
    (clash,) = told.clashes
    assert (clash.cell, clash.kept, clash.here, clash.there) == ("title", Winner.HOST, "here", "there")
    assert told.last is not None
    assert told.last.reason is Reason.CONFLICT_HOST


def test_a_series_names_itself_and_the_occurrence_that_was_asked_about(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    world.host.change_occurrence("ada", ref, occurrence(2), moved(occurrence(2), "later", hours=3))
    account.user.create(SOURCE, series("private"))
    ada = world.connect("ada", account)
    alone = of_event(world, ref)
    assert (alone.what, alone.repeats, alone.occurrence) == (What.ALONE, True, None)
    world.sync(ada)
    me = person(world)
    (block,) = world.blocks(ada)
    second = occurrence(1).instant()
    for told in (
        why.of_event(world.engine, me, ref, at=second),
        why.of_block(world.engine, me, block.link, at=second),
    ):
        assert (told.repeats, told.rule, told.when) == (True, series().rule, series().master.when)
        assert isinstance(told.occurrence, Timed)
        assert told.occurrence.start == occurrence(1)
    third = why.of_event(world.engine, me, ref, at=occurrence(2).instant() + timedelta(hours=3)).occurrence
    assert isinstance(third, Timed)
    assert third.start.wall == occurrence(2).wall + timedelta(hours=3)
    for nowhere in (second + timedelta(minutes=1), date(2026, 3, 16), date(1, 1, 1), date(9999, 12, 31)):
        assert why.of_event(world.engine, me, ref, at=nowhere).occurrence is None


def test_an_occurrence_of_whole_days_is_named_by_its_day(world: World) -> None:
    rule = RecurrenceRule.parse("FREQ=DAILY;COUNT=3")
    ref = world.host.create("ada", Series(all_day("days"), rule))
    first = all_day("days").when
    assert isinstance(first, AllDay)
    told = why.of_event(world.engine, person(world), ref, at=first.start + timedelta(days=1))
    assert isinstance(told.occurrence, AllDay)
    assert told.occurrence.start == first.start + timedelta(days=1)
    single = world.host.create("ada", event("single"))
    assert not of_event(world, single).repeats


def test_an_event_that_was_made_visible_says_so(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    world.clock.forward(minutes=1)
    ref = convert(world.engine, person(world), of_block(world, ada).link)
    told = of_event(world, ref)
    assert (told.what, told.calendar) == (What.CONVERTED, SOURCE)
    assert told.last is not None
    assert told.last.reason is Reason.CONVERTED
    assert told.last.run == "", "it was no run that did it"


def test_a_participant_hears_what_flows_back(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    world.host.respond("bob", ref, Response.ACCEPTED)
    bob = world.connect("bob", account)
    world.sync(bob)
    told = of_event(world, ref, "bob")
    assert (told.what, told.reasons) == (What.SHARED, (Reason.NOT_ORGANISER,))
    assert of_event(world, ref, "ada").reasons == (Reason.NO_CONNECTION,)


def test_a_held_deletion_says_so(world: World) -> None:
    account = world.account()
    refs = [world.host.create("ada", event(f"event {n}", day=10 + n)) for n in range(14)]
    ada = world.connect("ada", account)
    world.sync(ada)
    for remote_id in list(account.items(TARGET)):
        account.user.delete(TARGET, remote_id)
    world.sync(ada)
    told = of_event(world, refs[0])
    assert Reason.BRAKE in told.reasons
    assert [one.side for one in told.held] == [Side.HOST]
    assert held.deletions(world.engine, person(world), told.link) == list(told.held)
    assert not told.parked


def test_a_calendar_that_may_only_be_read_says_so(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("mine"))
    ada = world.connect("ada", account)
    world.sync(ada)
    account.user.set_role(TARGET, Role.READER)
    account.user.expire_cursors(TARGET)
    world.sync(ada)
    assert Reason.ROLE_DROPPED in of_event(world, ref).reasons


def test_masked_content_says_so(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("hidden"))
    account.user.set_role(SOURCE, Role.FREE_BUSY)
    ada = world.connect("ada", account)
    world.sync(ada)
    told = of_block(world, ada)
    assert (told.title, told.reasons) == ("", (Reason.MASKED,))


def test_one_meeting_in_two_calendars_says_where_else(world: World) -> None:
    account = world.account()
    for calendar in (SOURCE, OTHER):
        account.user.create(calendar, event("twice"), uid="one@meeting.example")
    ada = world.connect("ada", account, sources=(SOURCE, OTHER))
    world.sync(ada)
    found = [why.of_block(world.engine, person(world), block.link) for block in world.blocks(ada)]
    assert {(one.calendar, one.elsewhere) for one in found} == {(SOURCE, (OTHER,)), (OTHER, (SOURCE,))}
    assert all(one.reasons == (Reason.SAME_MEETING_ELSEWHERE,) for one in found)


def test_what_an_undo_took_back_says_so(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("mine"))
    ada = world.connect("ada", account)
    run = world.sync(ada).run
    world.clock.forward(minutes=1)
    new = undo.undo(world.engine, person(world), run)
    world.sync(ada, Trigger.UNDO, new)
    told = of_event(world, ref)
    assert told.reasons == (Reason.UNDONE,)
    assert told.last is not None
    assert (told.last.action, told.last.reason) == (Action.DELETE, Reason.UNDONE)


# ---- what is tied to nothing ---------------------------------------------------------------------------------------


def test_each_rule_that_leaves_an_event_here_is_named(world: World) -> None:
    old = world.host.create("ada", event("over", day=1))
    cancelled = world.host.create("ada", event("cancelled", status=Status.CANCELLED))
    assert of_event(world, old).reasons == (Reason.NO_CONNECTION,)
    account = world.account()
    ada = world.connect("ada", account, target=None)
    assert of_event(world, old).reasons == (Reason.NO_TARGET,)
    bob = world.connect("bob", world.account())
    for ref, reason in ((old, Reason.BEFORE_CONNECTED), (cancelled, Reason.CANCELLED_HOST)):
        mine = world.host.create("bob", world.host.see("ada", ref).item)  # type: ignore[union-attr]
        assert of_event(world, mine, "bob").reasons == (reason,)
    invited = world.host.create("ada", event("no thanks"), guests=["bob"])
    world.host.respond("bob", invited, Response.DECLINED)
    assert of_event(world, invited, "bob").reasons == (Reason.DECLINED,)
    fresh = world.host.create("bob", event("fresh"))
    assert of_event(world, fresh, "bob").reasons == (Reason.NEW_HOST,)
    with world.store.begin() as unit:
        connections.approve(unit.connection, bob, None)
    told = of_event(world, fresh, "bob")
    assert (told.what, told.title, told.reasons) == (What.ALONE, "fresh", (Reason.AWAITS_APPROVAL,))
    assert ada


# ---- for nobody else -----------------------------------------------------------------------------------------------


def test_a_colleague_gets_nothing(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ref = world.host.create("ada", event("mine"))
    ada = world.connect("ada", account)
    world.sync(ada)
    link = of_block(world, ada).link
    for name in ("bob", "dee"):
        with pytest.raises(NotFound):
            why.of_block(world.engine, person(world, name), link)
        with pytest.raises(NotFound):
            of_event(world, ref, name)
    with pytest.raises(NotFound):
        why.of_block(world.engine, person(world), of_event(world, ref).link)
    with pytest.raises(NotFound):
        of_event(world, "event-99")
