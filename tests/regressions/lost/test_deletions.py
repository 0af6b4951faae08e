"""Nothing is deleted because it was not seen, not understood, out of the window, or gone from an empty answer."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.waiting.held import approve
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import HostGone
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Series
from marketplace_plugin.providers.memory import Crash, MemoryAccount, Moment, Request
from marketplace_plugin.store import held
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import OTHER, SOURCE, TARGET, World, event, moved, occurrence, series, timed
from tests.regressions.seeing import blocked, here, only, person, shown, titles

MANY = 14
"""More than the brake lets through in a day."""


def exported(world: World, number: int) -> tuple[MemoryAccount, str]:
    account = world.account()
    for n in range(number):
        world.host.create("ada", event(f"event {n:02}", day=10, hour=n % 20))
    ada = world.connect("ada", account)
    world.settle(ada)
    assert len(account.items(TARGET)) == number
    return account, ada


def test_a_service_that_lost_everything_does_not_empty_the_host(world: World) -> None:
    """The calendar at the service was emptied by mistake, and the next sync emptied the other side too."""
    account, ada = exported(world, MANY)
    for remote_id in list(account.items(TARGET)):
        account.user.delete(TARGET, remote_id)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert len(here(world)) == MANY
    with world.store.read() as c:
        waiting = held.of_connection(c, ada)
    assert {one.reason for one in waiting} == {Reason.BRAKE}
    assert len(waiting) == MANY
    approve(world.engine, person(world), [one.id for one in waiting])
    world.settle(ada)
    assert here(world) == []


def test_a_host_that_lost_everything_does_not_empty_the_service(world: World) -> None:
    """The groupware lost its rows, and the next sync deleted the remote calendar."""
    account, ada = exported(world, MANY)
    for ref in list(world.host.all_of("ada")):
        world.host.delete("ada", ref)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert len(account.items(TARGET)) == MANY
    with world.store.read() as c:
        assert len(held.of_connection(c, ada)) == MANY


def test_many_that_were_deleted_here_in_one_confirmed_act_go_at_once(world: World) -> None:
    """He had just said how many; and then he was asked again for each of them."""
    account = world.account()
    refs = [world.host.create("ada", event(f"{number}", day=10 + number)) for number in range(15)]
    stays = world.host.create("ada", event("stays"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.delete_many("ada", refs)
    world.settle(ada)
    assert titles(account) == ["stays"]
    with world.store.read() as c:
        assert held.of_connection(c, ada) == []
    assert list(world.host.all_of("ada")) == [stays]


def test_an_empty_answer_deletes_nothing_and_asks_for_nothing(world: World) -> None:
    """A complete read came back empty by a fault of the service; all was deleted, or asked for one by one."""
    account, ada = exported(world, MANY)
    account.user.expire_cursors(TARGET)
    hidden = {key: account.records.pop(key) for key in list(account.records) if key[0] == TARGET}
    asked = account.requests[Request.FETCH]
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert account.requests[Request.FETCH] == asked
    account.records.update(hidden)
    world.settle(ada)
    assert len(here(world)) == len(account.items(TARGET)) == MANY
    assert all(link.state is LinkState.LIVE for link in world.links(ada))


def test_what_a_complete_read_leaves_out_is_asked_for(world: World) -> None:
    """A read after an expired cursor left out an event that was still there, and it was deleted here."""
    account, ada = exported(world, 2)
    account.user.expire_cursors(TARGET)
    key = next(key for key in account.records if key[0] == TARGET)
    hidden = account.records.pop(key)
    account.faults.add(Moment.BEFORE, Request.FETCH, lambda: account.records.update({key: hidden}))
    world.settle(ada)
    assert len(here(world)) == len(account.items(TARGET)) == 2


def test_deleted_while_the_cursor_was_lost_is_deleted_and_stays_so(world: World) -> None:
    """The service forgot the cursor; what had been deleted there meanwhile stayed here as a ghost, or came back."""
    account, ada = exported(world, 2)
    account.user.create(SOURCE, event("private"))
    world.settle(ada)
    for calendar in (TARGET, SOURCE):
        account.user.expire_cursors(calendar)
        account.user.delete(calendar, min(account.items(calendar)))
    world.settle(ada)
    assert len(here(world)) == len(account.items(TARGET)) == 1
    assert blocked(world, ada) == []
    assert world.settle(ada) == 0


def test_an_expired_cursor_is_one_snapshot_and_not_a_loop(world: World) -> None:
    """The answer "gone" to an old cursor was taken for an empty one, or asked for again without end."""
    account, ada = exported(world, 1)
    account.user.expire_cursors(TARGET)
    account.user.create(SOURCE, event("private"))
    before = account.requests[Request.PAGE]
    world.clock.forward(minutes=31)
    assert world.sync(ada).outcome is RunOutcome.DONE
    assert account.requests[Request.PAGE] - before <= 4  # two calendars; the expired one twice
    assert blocked(world, ada) == ["private"]
    assert world.quiet(world.sync(ada))


def test_unreadable_is_not_deleted(world: World) -> None:
    """An event with an occurrence that could not be read was taken for deleted, on both sides in the end."""
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    account.user.create(SOURCE, series("private"))
    ada = world.connect("ada", account)
    world.settle(ada)
    for calendar in (TARGET, SOURCE):
        account.user.garble(calendar, only(account, calendar).id)
    world.clock.forward(minutes=31)
    result = world.sync(ada)
    assert (result.outcome, result.counts["unreadable"]) == (RunOutcome.INCOMPLETE, 2)
    assert here(world) == ["weekly"]
    assert blocked(world, ada) == ["private"]
    remote = next(key for key in account.records if key[0] == TARGET)
    account.user.mend(*remote)
    world.settle(ada)
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    assert titles(account) == ["renamed"]


def test_dragged_out_of_the_window_is_not_deleted(world: World) -> None:
    """An event was moved to a day far outside of what is synced, left the read, and was deleted on the other side."""
    account = world.account()
    ref = world.host.create("ada", event("far away"))
    account.user.create(SOURCE, event("converted"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (block,) = world.blocks(ada)
    mine = convert(world.engine, person(world), block.link)
    world.settle(ada)
    far = event("x", day=10).when
    decade = timed(far.start.wall.replace(year=2039))  # type: ignore[union-attr]  # a timed event
    for calendar in (TARGET, SOURCE):
        account.user.edit(calendar, only(account, calendar).id, when=decade)
    world.settle(ada)
    assert not isinstance(world.host.see("ada", ref), HostGone)
    assert not isinstance(world.host.see("ada", mine), HostGone)
    assert titles(account) == ["far away"]
    assert titles(account, SOURCE) == ["converted"]


def test_time_that_goes_by_deletes_nothing(world: World) -> None:
    """The window moved on with the calendar, and what it left behind was taken for deleted."""
    account, ada = exported(world, MANY)
    account.user.create(SOURCE, event("private"))
    account.user.create(SOURCE, series("weekly", count=60))
    world.settle(ada)
    asked = account.requests[Request.FETCH]
    for _ in range(4):
        world.clock.forward(days=40)
        world.sync(ada)
    world.settle(ada)
    assert len(here(world)) == len(account.items(TARGET)) == MANY
    assert titles(account, SOURCE) == ["private", "weekly"]
    assert "weekly" in blocked(world, ada)
    assert all(link.state is LinkState.LIVE for link in world.links(ada))
    with world.store.read() as c:
        assert held.of_connection(c, ada) == []
    if not world.personality.capabilities.windowed:  # a windowed service says "removed", and that has to be asked about
        asked_once = account.requests[Request.FETCH]
        assert asked_once - asked <= 1  # what ended while no pass ran: the single events of the calendars, at once
        for _ in range(4):
            world.clock.forward(minutes=31)
            world.sync(ada)
        assert account.requests[Request.FETCH] == asked_once


def test_a_cancelled_occurrence_is_gone_and_the_others_are_not(world: World) -> None:
    """A cancelled occurrence was still shown, or it broke the whole series off."""
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    account.user.create(SOURCE, series("private"))
    ada = world.connect("ada", account)
    world.settle(ada)
    for calendar in (TARGET, SOURCE):
        account.user.change_occurrence(calendar, only(account, calendar).id, occurrence(2), None)
    world.settle(ada)
    (block,) = world.blocks(ada)
    for item in (shown(world, ref), block.item):
        assert isinstance(item, Series)
        assert [(o.original.wall, o.event) for o in item.overrides] == [(occurrence(2).wall, None)]  # type: ignore[union-attr]
    assert here(world) == ["weekly"]


def test_exceptions_survive_on_both_sides(world: World) -> None:
    """Exceptions of a series were lost on the way, or deleted on both sides at the next sync."""
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    world.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "ours"))
    ada = world.connect("ada", account)
    world.settle(ada)
    remote = only(account).id
    account.user.change_occurrence(TARGET, remote, occurrence(3), moved(occurrence(3), "theirs"))
    world.settle(ada)
    account.user.expire_cursors(TARGET)
    world.settle(ada)
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    for item in (shown(world, ref), account.items(TARGET)[remote].item):
        assert isinstance(item, Series)
        assert item.master.title == "renamed"
        assert [o.event.title for o in item.overrides if o.event is not None] == ["ours", "theirs"]


def test_a_changed_exception_counts_though_its_series_is_older(world: World) -> None:
    """A changed exception was passed over because its series had not been touched since the last read."""
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    world.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "before"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.change_occurrence(TARGET, only(account).id, occurrence(1), moved(occurrence(1), "after"))
    world.settle(ada)
    item = shown(world, ref)
    assert isinstance(item, Series)
    assert [o.event.title for o in item.overrides if o.event is not None] == ["after"]


def test_a_crash_after_reading_loses_nothing_of_what_was_read(world: World) -> None:
    """The cursor was stored before its changes were taken in; after a crash they never came again."""
    account, ada = exported(world, 1)
    ref = next(iter(world.host.all_of("ada")))
    account.user.edit(TARGET, only(account).id, title="renamed there")
    account.user.create(SOURCE, event("private"))
    world.host.create("ada", event("new here", day=12))
    account.faults.add(Moment.BEFORE, Request.INSERT, Crash("killed"))
    with pytest.raises(Crash):
        world.sync(ada)
    world.clock.forward(minutes=11)
    world.settle(ada)
    assert shown(world, ref).title == "renamed there"  # type: ignore[union-attr]
    assert blocked(world, ada) == ["private"]
    assert titles(account) == ["new here", "renamed there"]


def test_nothing_is_concluded_from_half_a_round(world: World) -> None:
    """Reading broke off in the middle, and what had not been listed yet was taken for deleted."""
    account, ada = exported(world, 6)
    account.delivery.page_size = 2
    account.user.expire_cursors(TARGET)
    gone = min(account.items(TARGET))
    account.user.delete(TARGET, gone)
    account.faults.add(Moment.BEFORE, Request.PAGE, Unavailable("no answer"), skip=2, times=2)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert len(here(world)) == 6
    world.settle(ada)
    assert len(here(world)) == len(account.items(TARGET)) == 5


def test_a_move_is_no_deletion_while_the_other_calendar_cannot_be_read(world: World) -> None:
    """An event was moved while the other calendar did not answer: it was deleted here, and came in as a new one."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account, sources=(SOURCE, OTHER))
    world.settle(ada)
    account.user.move(TARGET, only(account).id, OTHER)
    account.user.set_role(OTHER, Role.NONE)
    world.clock.forward(minutes=31)
    assert world.sync(ada).counts["collection.failed"] == 1
    assert list(world.host.all_of("ada")) == [ref]
    account.user.set_role(OTHER, Role.OWNER)
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    assert titles(account, OTHER) == ["one"]
    assert [link.kind for link in world.links(ada)] == [LinkKind.EXPORT]


def test_all_pages_count_and_an_empty_one_is_not_the_end(world: World) -> None:
    """Reading stopped at the first empty page, or at the first full one; the rest was never seen."""
    account = world.account()
    account.delivery.page_size, account.delivery.empty_pages, account.delivery.duplicates = 2, True, True
    for n in range(7):
        account.user.create(SOURCE, event(f"private {n}", hour=n))
    ada = world.connect("ada", account)
    world.settle(ada)
    assert len(blocked(world, ada)) == 7
