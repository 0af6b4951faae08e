"""One event stays one event: over passes, lost answers, two services, several users, reconnects, copies and moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.chosen.purge import purge_connection
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.event import Override, Series
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.memory import GOOGLE, GRAPH, MemoryAccount, Moment, Request
from marketplace_plugin.store import connections
from marketplace_plugin.sync.link import LinkKind
from tests.laws.world import OTHER, SOURCE, TARGET, World, all_day, event, moved, occurrence, series
from tests.regressions.seeing import blocked, here, only, person, shown, titles

MARCH = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def test_passes_make_no_further_copies(world: World) -> None:
    """Each sync left one more copy of everything."""
    account = world.account()
    world.host.create("ada", event("one"))
    world.host.create("ada", series("weekly"))
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    for _ in range(5):
        world.clock.forward(minutes=31)
        world.sync(ada)
    assert titles(account) == ["one", "weekly"]
    assert blocked(world, ada) == ["private"]
    assert here(world) == ["one", "weekly"]


def test_a_lost_answer_makes_no_second_copy(world: World) -> None:
    """The service had made the event, its answer was lost, and the repetition made another one."""
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    account.faults.add(Moment.AFTER, Request.INSERT, Unavailable("the answer did not come"))
    world.sync(ada)
    world.settle(ada)
    assert titles(account) == ["one"]
    assert here(world) == ["one"]


def test_a_lost_answer_is_looked_up_though_the_service_lists_it_late(world: World) -> None:
    """What the service had made was not in its next list yet, so it was made once more."""
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    account.faults.add(Moment.AFTER, Request.INSERT, Unavailable("the answer did not come"))
    world.sync(ada)
    late = {key: account.records[key] for key in account.records if key[0] == TARGET}
    account.faults.add(Moment.BEFORE, Request.PAGE, lambda: [account.records.pop(key, None) for key in late], times=2)
    account.faults.add(Moment.AFTER, Request.PAGE, lambda: account.records.update(late), times=2)
    world.clock.forward(minutes=31)
    world.sync(ada)
    world.settle(ada)
    assert titles(account) == here(world) == ["one"]


def test_several_days_are_not_made_again_by_each_pass(world: World) -> None:
    """Events over several days were recognised by date and title, so each run made them anew."""
    account = world.account()
    world.host.create("ada", all_day("fair", days=4))
    account.user.create(SOURCE, all_day("leave", day=20, days=5))
    long = event("night train", minutes=60 * 30)
    world.host.create("ada", long)
    ada = world.connect("ada", account)
    world.sync(ada)
    written, ids = list(account.writes), set(account.items(TARGET))
    links = {link.id for link in world.links(ada)}
    for _ in range(4):
        world.clock.forward(minutes=31)
        assert world.quiet(world.sync(ada))
    assert account.writes == written
    assert set(account.items(TARGET)) == ids
    assert {link.id for link in world.links(ada)} == links


def test_equal_titles_and_times_are_two_events(world: World) -> None:
    """Two events of the same title and time were taken for one, and one of them was deleted."""
    account = world.account()
    for _ in range(2):
        world.host.create("ada", event("lunch"))
        account.user.create(SOURCE, event("private lunch"))
    ada = world.connect("ada", account)
    world.settle(ada)
    assert titles(account) == ["lunch", "lunch"]
    assert blocked(world, ada) == ["private lunch", "private lunch"]
    assert here(world) == ["lunch", "lunch"]


@pytest.fixture
def two_services() -> Iterator[tuple[World, MemoryAccount, MemoryAccount]]:
    world = World(GOOGLE)
    first = world.account()
    second = MemoryAccount(GRAPH, world.clock)
    for calendar in (TARGET, SOURCE, OTHER):
        second.user.add_calendar(calendar)
    yield world, first, second
    world.close()


def test_a_meeting_in_two_services_is_shown_once(
    two_services: tuple[World, MemoryAccount, MemoryAccount],
) -> None:
    """The same meeting came in through two services and multiplied; it must also outlive the loss of either."""
    world, first, second = two_services
    ids = [one.user.create(SOURCE, event("meeting"), uid="meeting@elsewhere.example") for one in (first, second)]
    assert ids[0] != ids[1]
    names = [world.connect("ada", first, target=None), world.connect("ada", second, target=None)]
    world.settle(*names)
    blocks = StoredBlocks(world.engine)
    assert len(blocks.blocks("ada", "ada", MARCH)) == len(blocks.blocks("bob", "ada", MARCH)) == 1
    with world.store.begin() as unit:
        purge_connection(world.engine, unit, names[0])
    assert len(blocks.blocks("ada", "ada", MARCH)) == 1


def test_what_one_connection_brought_is_not_written_into_the_other(
    two_services: tuple[World, MemoryAccount, MemoryAccount],
) -> None:
    """An event that came from one account was copied into the other, came back from there, and so on."""
    world, first, second = two_services
    first.user.create(SOURCE, event("meeting"))
    source = world.connect("ada", first, target=None)
    target = world.connect("ada", second, sources=())
    world.settle(source, target)
    (block,) = world.blocks(source)
    convert(world.engine, person(world), block.link)
    world.settle(source, target)
    assert second.writes == []
    assert here(world) == ["meeting"]
    assert titles(first, SOURCE) == ["meeting"]


def test_a_group_meeting_is_one_event_for_everybody(world: World) -> None:
    """Three people were invited: there were three events, or the second one did not see his."""
    ref = world.host.create("ada", event("meeting"), guests=["bob", "cem"])
    accounts = {user: world.account() for user in ("ada", "bob", "cem")}
    names = {user: world.connect(user, account) for user, account in accounts.items()}
    world.settle(*names.values())
    for user, account in accounts.items():
        assert list(world.host.all_of(user)) == [ref]
        assert titles(account) == ["meeting"]
        (link,) = world.links(names[user])
        assert (link.host_ref, link.organised) == (ref, user == "ada")
    world.host.edit("ada", ref, title="renamed")
    world.settle(*names.values())
    assert all(titles(account) == ["renamed"] for account in accounts.values())


def test_connecting_again_takes_up_what_was_there(world: World) -> None:
    """After disconnecting and connecting the same account again, everything stood there twice."""
    account = world.account()
    ref = world.host.create("ada", event("public"))
    account.user.create(SOURCE, event("private"))
    old = world.connect("ada", account)
    world.settle(old)
    before = set(account.items(TARGET))
    with world.store.begin() as unit:
        purge_connection(world.engine, unit, old)
        choose(world.engine, unit, old, None, ())
        connections.forget_account(unit.connection, old)
    new = world.connect("ada", account)
    world.settle(new)
    assert set(account.items(TARGET)) == before
    assert list(world.host.all_of("ada")) == [ref]
    assert blocked(world, new) == ["private"]
    world.host.edit("ada", ref, title="renamed")
    world.settle(new)
    assert titles(account) == ["renamed"]


def test_connecting_again_asks_in_batches(world: World) -> None:
    """Each event that stood there was asked for by a request of its own."""
    account = world.account()
    for number in range(40):
        world.host.create("ada", event(f"{number}", day=10 + number % 15))
    first = world.connect("ada", account)
    world.settle(first)
    with world.store.begin() as unit:
        purge_connection(world.engine, unit, first)
        choose(world.engine, unit, first, None, ())
        connections.forget_account(unit.connection, first)
    before = account.requests[Request.FETCH]
    second = world.connect("ada", account)
    world.sync(second)
    assert account.requests[Request.FETCH] - before <= 3
    assert len(account.items(TARGET)) == 40
    assert len([link for link in world.links(second) if link.kind is LinkKind.EXPORT]) == 40


@pytest.mark.parametrize("calendar", [TARGET, SOURCE])
def test_a_copied_event_does_not_take_the_originals_place(world: World, calendar: str) -> None:
    """Somebody copied an exported event in the service's pages; our mark was copied too, and the original died."""
    account = world.account()
    ref = world.host.create("ada", event("original"))
    ada = world.connect("ada", account)
    world.settle(ada)
    original = only(account)
    copy = account.user.copy(TARGET, original.id, calendar)
    account.user.edit(calendar, copy, title="the copy")
    world.settle(ada)
    link = next(k for k in world.links(ada) if k.kind is LinkKind.EXPORT)
    assert (link.remote_id, link.host_ref) == (original.id, ref)
    assert here(world) == ["original"]
    account.user.delete(calendar, copy)
    world.settle(ada)
    assert here(world) == ["original"]
    assert original.id in account.items(TARGET)


def test_a_move_to_another_calendar_is_followed(world: World) -> None:
    """An event was moved to another calendar: it was deleted here, and came in a second time from there."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.move(TARGET, only(account).id, OTHER)
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    assert titles(account) == []
    assert titles(account, OTHER) == ["one"]
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    assert titles(account, OTHER) == ["renamed"]


def test_a_series_that_was_moved_stays_one_with_its_exceptions(world: World) -> None:
    """A series got another time in the service's pages: it came in a second time, and its exceptions lost their
    series."""
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    world.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "other"))
    ada = world.connect("ada", account)
    world.settle(ada)
    remote = only(account)
    later = replace(occurrence(1), wall=occurrence(1).wall.replace(hour=14))
    kept = (Override(later, moved(later, "other")),)
    account.user.edit(TARGET, remote.id, when=event("x", day=9, hour=14).when, overrides=kept)
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    assert only(account).id == remote.id
    mine, theirs = shown(world, ref), only(account).item
    assert isinstance(mine, Series)
    assert isinstance(theirs, Series)
    assert mine.master.when == theirs.master.when == event("x", day=9, hour=14).when
    assert [o.original for o in mine.overrides] == [o.original for o in theirs.overrides] == [later]


def test_a_new_target_takes_the_copies_along(world: World) -> None:
    """After another target was chosen, the old calendar kept its copies for ever."""
    account = world.account()
    world.host.create("ada", event("moves"))
    world.host.create("ada", event("edited there", day=11))
    ada = world.connect("ada", account)
    world.settle(ada)
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, [SOURCE], keep=False)
        connections.approve(unit.connection, ada, 0)
    world.settle(ada)
    assert titles(account, OTHER) == ["edited there", "moves"]
    assert titles(account) == []
    assert here(world) == ["edited there", "moves"]


def test_copies_that_are_kept_never_come_back_as_blocks(world: World) -> None:
    """The former target became a source, and everything that we had written there came in as foreign events."""
    account = world.account()
    world.host.create("ada", event("kept"))
    ada = world.connect("ada", account)
    world.settle(ada)
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, [SOURCE, TARGET], keep=True)
        connections.approve(unit.connection, ada, 0)
    world.settle(ada)
    assert titles(account) == ["kept"]
    assert blocked(world, ada) == []
    assert here(world) == ["kept"]
