"""Conflicts: both values are shown to the owner, and he takes the one he wants; over both hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.waiting import conflicts
from marketplace_plugin.engine.acts.waiting.conflicts import ConflictView
from marketplace_plugin.errors import Conflict, NotAllowed, NotFound
from marketplace_plugin.providers.memory import MemoryAccount
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import TARGET, World, event, moved, occurrence, series


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(shared=request.param)
    yield made
    made.close()


class Clashing:
    """Ada renamed one event differently on both sides, and a pass has seen it."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.world, self.account = world, world.account()
        self.ref = world.host.create("ada", event("before", location="Room 1"))
        self.connection = world.connect("ada", self.account, policy=policy)
        world.sync(self.connection)
        (self.copy,) = self.account.items(TARGET)
        world.host.edit("ada", self.ref, title="here")
        self.account.user.edit(TARGET, self.copy, title="there")
        world.sync(self.connection)

    @property
    def titles(self) -> tuple[str, str]:
        return title(self.world.host.see("ada", self.ref)), title(self.account.items(TARGET)[self.copy])

    def shown(self) -> ConflictView:
        (view,) = self.listed()
        return view

    def listed(self) -> list[ConflictView]:
        return conflicts.listed(self.world.engine, person(self.world))

    def again(self, word: str) -> None:
        """Once more, with other values."""
        self.world.clock.forward(minutes=5)
        self.world.host.edit("ada", self.ref, title=f"here {word}")
        self.account.user.edit(TARGET, self.copy, title=f"there {word}")
        self.world.sync(self.connection)

    def take(self, side: Winner) -> None:
        conflicts.take(self.world.engine, person(self.world), self.shown().id, side)
        self.world.sync(self.connection)


def person(world: World, name: str = "ada") -> Person:
    found = world.host.person(name)
    assert found is not None
    return found


def title(shown: Any) -> str:
    return str(shown.item.title)


def mailed(account: MemoryAccount) -> bool:
    return bool(account.outbox)


@pytest.mark.parametrize(
    "policy, kept, titles",
    [
        (Policy.HOST, Winner.HOST, ("here", "here")),
        (Policy.REMOTE, Winner.REMOTE, ("there", "there")),
        (Policy.ASK, Winner.NOBODY, ("here", "there")),
    ],
)
def test_both_values_are_listed_with_who_won(
    world: World, policy: Policy, kept: Winner, titles: tuple[str, str]
) -> None:
    clash = Clashing(world, policy)
    view = clash.shown()
    assert (view.cell, view.here, view.there, view.kept) == ("title", "here", "there", kept)
    assert view.about.calendar == TARGET
    assert view.about.host_ref == clash.ref
    assert clash.titles == titles


@pytest.mark.parametrize(
    "policy, side, wanted",
    [
        (Policy.HOST, Winner.REMOTE, "there"),
        (Policy.REMOTE, Winner.HOST, "here"),
        (Policy.ASK, Winner.HOST, "here"),
        (Policy.ASK, Winner.REMOTE, "there"),
    ],
)
def test_the_other_value_is_taken_on_both_sides(world: World, policy: Policy, side: Winner, wanted: str) -> None:
    clash = Clashing(world, policy)
    clash.take(side)
    assert clash.titles == (wanted, wanted)
    assert conflicts.listed(world.engine, person(world)) == []
    assert world.settle(clash.connection) == 0
    assert not mailed(clash.account)


def test_what_asks_is_written_nowhere_while_the_rest_goes_on(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    world.host.edit("ada", clash.ref, location="Room 2")
    world.sync(clash.connection)
    assert clash.titles == ("here", "there")
    assert clash.account.items(TARGET)[clash.copy].item.location == "Room 2"  # type: ignore[union-attr]
    assert world.settle(clash.connection) == 0
    assert len(conflicts.listed(world.engine, person(world))) == 1


def test_a_settled_conflict_is_not_turned_over_a_later_edit(world: World) -> None:
    clash = Clashing(world, Policy.HOST)
    conflict = clash.shown().id
    world.host.edit("ada", clash.ref, title="edited since")
    with pytest.raises(Conflict):
        conflicts.take(world.engine, person(world), conflict, Winner.REMOTE)
    world.sync(clash.connection)
    assert clash.titles == ("edited since", "edited since")


def test_an_edit_here_after_the_list_was_shown_is_not_overruled(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    conflict = clash.shown().id
    world.host.edit("ada", clash.ref, title="edited since")
    with pytest.raises(Conflict):
        conflicts.take(world.engine, person(world), conflict, Winner.HOST)


@pytest.mark.parametrize("side", [Winner.HOST, Winner.REMOTE])
def test_an_edit_there_after_the_decision_is_a_new_conflict_or_what_was_chosen(world: World, side: Winner) -> None:
    clash = Clashing(world, Policy.ASK)
    conflict = clash.shown().id
    clash.account.user.edit(TARGET, clash.copy, title="edited there since")
    conflicts.take(world.engine, person(world), conflict, side)
    world.sync(clash.connection)
    if side is Winner.HOST:
        assert clash.titles == ("here", "edited there since")
        assert clash.shown().there == "edited there since"
    else:
        assert clash.titles == ("edited there since", "edited there since")


def test_what_waits_is_one_question_with_its_last_values(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    world.clock.forward(minutes=31)
    clash.account.user.edit(TARGET, clash.copy, title="there again")
    world.sync(clash.connection)
    assert clash.shown().there == "there again"
    assert conflicts.waiting(world.engine, person(world)) == 1
    clash.take(Winner.REMOTE)
    assert conflicts.waiting(world.engine, person(world)) == 0
    assert conflicts.listed(world.engine, person(world)) == []


@pytest.mark.parametrize("policy", [Policy.HOST, Policy.REMOTE])
def test_each_clash_that_was_settled_is_a_line_of_its_own(world: World, policy: Policy) -> None:
    """The value that was overruled first was nowhere any more when its field clashed again."""
    clash = Clashing(world, policy)
    clash.again("two")
    told = [(view.here, view.there, view.kept.value) for view in clash.listed()]
    assert told == [("here two", "there two", policy.value), ("here", "there", policy.value)]
    assert [view.at for view in clash.listed()] == sorted((view.at for view in clash.listed()), reverse=True)
    assert world.settle(clash.connection) == 0
    assert len(clash.listed()) == 2


def test_lines_of_one_field_stand_together(world: World) -> None:
    clash = Clashing(world, Policy.HOST)
    world.clock.forward(minutes=5)
    world.host.edit("ada", clash.ref, location="Room 2")
    clash.account.user.edit(TARGET, clash.copy, location="Room 3")
    world.sync(clash.connection)
    clash.again("two")
    assert [view.cell for view in clash.listed()] == ["title", "title", "location"]


def test_a_line_is_turned_or_left_alone_and_the_others_stay(world: World) -> None:
    clash = Clashing(world, Policy.HOST)
    for word in ("two", "three"):
        clash.again(word)
    conflicts.leave(world.engine, person(world), clash.listed()[1].id)
    assert [view.there for view in clash.listed()] == ["there three", "there"]
    conflicts.take(world.engine, person(world), clash.listed()[0].id, Winner.REMOTE)
    world.sync(clash.connection)
    assert clash.titles == ("there three",) * 2
    assert [view.there for view in clash.listed()] == ["there"]


def test_an_older_line_is_turned_only_where_its_winner_still_stands(world: World) -> None:
    clash = Clashing(world, Policy.HOST)
    clash.again("two")
    older = clash.listed()[1].id
    with pytest.raises(Conflict):
        conflicts.take(world.engine, person(world), older, Winner.REMOTE)
    assert clash.titles == ("here two",) * 2
    world.host.edit("ada", clash.ref, title="here")
    world.sync(clash.connection)
    conflicts.take(world.engine, person(world), older, Winner.REMOTE)
    world.sync(clash.connection)
    assert clash.titles == ("there",) * 2
    assert [view.there for view in clash.listed()] == ["there two"]


def test_a_question_is_answered_by_who_makes_both_sides_equal(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    clash.account.user.edit(TARGET, clash.copy, title="here")
    world.clock.forward(minutes=31)
    world.sync(clash.connection)
    assert clash.titles == ("here", "here")
    assert clash.listed() == []


def test_another_policy_settles_the_question(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    with world.store.begin() as unit:
        row = connections.get(unit.connection, clash.connection)
        assert row is not None
        saved = connections.save_settings(
            unit.connection,
            row.id,
            row.settings_version,
            policy=Policy.REMOTE,
            past_days=row.past_days,
            future_days=row.future_days,
            switches=row.switches,
        )
        connections.approve(unit.connection, row.id, saved)
    world.clock.forward(minutes=31)
    world.sync(clash.connection)
    assert clash.titles == ("there", "there")
    assert (clash.shown().here, clash.shown().kept) == ("here", Winner.REMOTE)


def test_what_was_settled_goes_with_its_time_and_a_question_stays(world: World) -> None:
    clash = Clashing(world, Policy.HOST)
    until = clash.shown().until
    assert until == clash.shown().at + world.engine.settings.journal_kept
    world.clock.forward(days=29)
    world.sync(clash.connection)
    assert clash.shown().there == "there"
    world.clock.forward(days=2)
    world.sync(clash.connection)
    assert clash.listed() == []


def test_a_question_has_no_end(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    assert clash.shown().until is None
    world.clock.forward(days=40)
    world.sync(clash.connection)
    assert clash.shown().waits


def test_what_was_overruled_outlives_its_event(world: World) -> None:
    clash = Clashing(world, Policy.HOST)
    world.host.delete("ada", clash.ref)
    world.sync(clash.connection)
    assert clash.account.items(TARGET) == {}
    view = clash.shown()
    assert (view.here, view.there, view.about.title, view.takes) == ("here", "there", "here", frozenset())
    with pytest.raises(NotFound):
        conflicts.take(world.engine, person(world), view.id, Winner.REMOTE)
    conflicts.leave(world.engine, person(world), view.id)
    assert clash.listed() == []


def test_a_question_about_an_event_that_is_gone_waits_no_longer(world: World) -> None:
    clash = Clashing(world, Policy.HOST)
    disconnect(world.engine, person(world), clash.connection, delete_remote=False)
    world.host.edit("ada", clash.ref, title="since")
    connection = world.connect("ada", clash.account, policy=Policy.HOST)
    world.sync(connection)
    assert clash.shown().waits
    world.clock.forward(minutes=31)
    world.host.delete("ada", clash.ref)
    world.sync(connection)
    assert clash.account.items(TARGET) == {}
    view = clash.shown()
    assert (view.here, view.there, view.waits, view.reason) == ("since", "here", False, Reason.DELETED_HOST)
    assert view.until is not None


def test_an_edit_of_what_was_tied_as_it_was_keeps_the_other_value_in_the_list(world: World) -> None:
    """It overrules a value that its author never saw."""
    clash = Clashing(world, Policy.HOST)
    disconnect(world.engine, person(world), clash.connection, delete_remote=False)
    world.host.edit("ada", clash.ref, title="since")
    connection = world.connect("ada", clash.account, policy=Policy.HOST)
    world.sync(connection)
    assert (clash.shown().here, clash.shown().there, clash.shown().waits) == ("since", "here", True)
    world.clock.forward(minutes=31)
    world.host.edit("ada", clash.ref, title="edited")
    world.sync(connection)
    assert clash.titles == ("edited",) * 2
    view = clash.shown()
    assert (view.here, view.there, view.kept) == ("edited", "here", Winner.HOST)
    conflicts.take(world.engine, person(world), view.id, Winner.REMOTE)
    world.sync(connection)
    assert clash.titles == ("here",) * 2


@pytest.mark.parametrize("policy", [Policy.ASK, Policy.HOST])
def test_leaving_it_changes_nothing_and_does_not_come_back(world: World, policy: Policy) -> None:
    clash = Clashing(world, policy)
    before = clash.titles
    conflicts.leave(world.engine, person(world), clash.shown().id)
    world.host.edit("ada", clash.ref, location="Room 3")
    world.sync(clash.connection)
    assert world.settle(clash.connection) == 0
    assert clash.titles == before
    assert conflicts.listed(world.engine, person(world)) == []


def test_a_changed_occurrence_is_taken_alone(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", series())
    ada = world.connect("ada", account, policy=Policy.ASK)
    world.sync(ada)
    (copy,) = account.items(TARGET)
    world.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "ours", hours=2))
    account.user.change_occurrence(TARGET, copy, occurrence(1), moved(occurrence(1), "theirs", hours=4))
    world.sync(ada)
    views = {view.cell.rpartition("/")[2]: view for view in conflicts.listed(world.engine, person(world))}
    assert {view.cell.rpartition("/")[0] for view in views.values()} == {"overrides/2026-03-16T09:00:00"}
    assert views.keys() == {"title", "when"}

    conflicts.take(world.engine, person(world), views["title"].id, Winner.REMOTE)
    conflicts.take(world.engine, person(world), views["when"].id, Winner.HOST)
    world.settle(ada)
    expected = moved(occurrence(1), "theirs", hours=2)
    for item in (world.host.see("ada", ref).item, account.items(TARGET)[copy].item):  # type: ignore[union-attr]
        (override,) = item.overrides  # type: ignore[union-attr]
        assert override.event is not None
        assert (override.event.title, override.event.when) == (expected.title, expected.when)
    assert conflicts.listed(world.engine, person(world)) == []
    assert world.settle(ada) == 0


def test_a_conflict_is_its_owner_s_alone(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    conflict = clash.shown().id
    bob = person(world, "bob")
    assert conflicts.listed(world.engine, bob) == []
    for act in (conflicts.leave, lambda e, p, i: conflicts.take(e, p, i, Winner.HOST)):
        with pytest.raises(NotFound):
            act(world.engine, bob, conflict)
    with world.store.read() as c:
        held = c.connection.dbapi_connection.execute("select sides from marketplace_conflict").fetchall()  # type: ignore[union-attr]
    assert held
    assert not any(b"there" in bytes(row[0]) for row in held)


def test_a_side_that_cannot_be_written_to_is_not_offered(world: World) -> None:
    clash = Clashing(world, Policy.ASK)
    clash.account.user.set_role(TARGET, clash.account.calendars[TARGET].role.READER)
    world.clock.forward(minutes=31)
    clash.account.user.expire_cursors(TARGET)
    world.sync(clash.connection)
    view = clash.shown()
    assert view.takes == frozenset()
    with pytest.raises(NotAllowed):
        conflicts.take(world.engine, person(world), view.id, Winner.HOST)


def test_a_decision_is_a_user_s_edit(world: World) -> None:
    """However often he turns it, it is no loop (rule L8)."""
    clash = Clashing(world, Policy.HOST)
    for number in range(4):
        world.clock.forward(minutes=5)
        clash.take(Winner.REMOTE)
        world.host.edit("ada", clash.ref, title=f"here {number}")
        clash.account.user.edit(TARGET, clash.copy, title=f"there {number}")
        world.sync(clash.connection)
        assert clash.titles == (f"here {number}",) * 2
    assert not [link for link in world.links(clash.connection) if link.reason is Reason.LOOP]
