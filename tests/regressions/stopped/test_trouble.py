"""Trouble is told, paused for, tried again and given up; it stops neither the rest nor anybody else, and is not
forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as listening

from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import AuthorizationExpired, HostError, Throttled, Unavailable
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import Refused, RefusedCode
from marketplace_plugin.providers.memory import MemoryAccount, Moment, Request
from marketplace_plugin.store import connections, links
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.outcome import GIVE_UP
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, titles


@pytest.mark.parametrize("moment", Moment)
def test_a_write_that_failed_is_not_forgotten(world: World, moment: Moment) -> None:
    """The service answered a write with an error, it was marked as done all the same, and both sides differed for
    ever."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    gone = world.host.create("ada", event("two", day=11))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.edit("ada", ref, title="renamed")
    world.host.delete("ada", gone)
    world.host.create("ada", event("three", day=12))
    for request in (Request.PATCH, Request.DELETE, Request.INSERT):
        account.faults.add(moment, request, Unavailable("500"))
    world.clock.forward(minutes=31)
    result = world.sync(ada)
    assert result.again_at is not None
    world.settle(ada)
    assert titles(account) == here(world) == ["renamed", "three"]


def test_a_failed_host_leaves_everything_as_it_was(world: World) -> None:
    """The groupware did not answer in the middle of a sync, and the change that had been read was lost."""
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.edit(TARGET, next(iter(account.items(TARGET))), title="renamed")
    world.host.broken = True
    world.clock.forward(minutes=31)
    assert world.sync(ada).outcome is RunOutcome.FAILED
    world.host.broken = False
    world.settle(ada)
    assert here(world) == ["renamed"]


def test_what_the_host_told_before_it_failed_is_told_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place in the list of changes was noted when it was read; the sync failed, and those changes never came."""
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.edit(TARGET, next(iter(account.items(TARGET))), location="there")
    world.host.create("ada", event("two", day=11))

    def fail(*_: Any) -> Any:
        raise HostError("the host does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.host.modules[Kind.EVENT], "get", fail)
        world.clock.forward(minutes=31)
        assert world.sync(ada).outcome is RunOutcome.FAILED
    world.settle(ada)
    assert titles(account) == here(world) == ["one", "two"]


def test_a_pause_that_was_asked_for_is_kept(world: World) -> None:
    """A quota was taken for the end of the account, or the service was asked again at once, and again."""
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    account.faults.add(Moment.BEFORE, Request.PAGE, Throttled("slow down", timedelta(minutes=20)))
    result = world.sync(ada)
    assert result.outcome is RunOutcome.DEFERRED
    assert result.again_at == world.clock() + timedelta(minutes=20)
    asked = account.requests.total()
    world.clock.forward(minutes=10)
    assert world.sync(ada).outcome is RunOutcome.DEFERRED
    assert account.requests.total() == asked
    world.clock.forward(minutes=11)
    assert world.sync(ada).outcome is RunOutcome.DONE
    assert blocked(world, ada) == ["private"]


def test_connections_do_not_all_come_due_at_once(world: World) -> None:
    """All accounts of an installation asked the service in the same second of each half hour."""
    names = [world.connect("ada", world.account(), target=None) for _ in range(8)]
    due = set()
    for name in names:
        world.sync(name)
        with world.store.read() as c:
            row = connections.get(c, name)
        assert row is not None
        assert row.next_due is not None
        due.add(row.next_due)
        assert abs(row.next_due - world.clock() - timedelta(minutes=30)) <= timedelta(minutes=3)
    assert len(due) == len(names)


def test_one_bad_event_stops_no_other(world: World) -> None:
    """One event that could not be read ended the whole sync."""
    account = world.account()
    for n in range(4):
        account.user.create(SOURCE, event(f"private {n}", hour=n))
    account.user.garble(SOURCE, sorted(account.items(SOURCE))[1])
    world.host.create("ada", event("public"))
    ada = world.connect("ada", account)
    assert world.sync(ada).outcome is RunOutcome.INCOMPLETE
    assert len(blocked(world, ada)) == 3
    assert titles(account) == ["public"]


def test_one_bad_calendar_stops_no_other(world: World) -> None:
    """One calendar that was no longer shared ended the sync of all of them."""
    account = world.account()
    account.user.add_calendar("shared")
    account.user.create("shared", event("theirs"))
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account, sources=(SOURCE, "shared"))
    world.settle(ada)
    account.user.remove_calendar("shared")
    world.host.create("ada", event("public"))
    account.user.create(SOURCE, event("more", day=12))
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert titles(account) == ["public"]
    assert {"more", "private"} <= set(blocked(world, ada))


def test_one_bad_account_stops_nobody_else(world: World) -> None:
    """The expired sign-in of one user stopped the nightly sync of all."""
    accounts = {user: world.account() for user in ("ada", "bob")}
    names = {user: world.connect(user, account) for user, account in accounts.items()}
    accounts["ada"].faults.add(Moment.BEFORE, Request.PAGE, AuthorizationExpired("no longer valid"))
    accounts["bob"].user.create(SOURCE, event("private"))
    assert world.sync(names["ada"]).outcome is RunOutcome.EXPIRED
    assert world.sync(names["bob"]).outcome is RunOutcome.DONE
    assert blocked(world, names["bob"]) == ["private"]
    with world.store.read() as c:
        row = connections.get(c, names["ada"])
    assert row is not None
    assert (row.state, row.next_due) == (ConnectionState.EXPIRED, None)


@contextmanager
def refusing(code: RefusedCode) -> Iterator[list[str]]:
    """The service refuses each change of an item, for good."""
    from marketplace_plugin.providers.memory import push

    tried: list[str] = []
    update = push._update

    def refuse(_account: MemoryAccount, _collection: str, write: Any) -> Refused:
        tried.append(write.op)
        return Refused(write.op, code)

    push._update = refuse  # type: ignore[assignment]  # an outcome, like the function's own
    try:
        yield tried
    finally:
        push._update = update


def test_a_refused_change_is_kept_shown_and_not_repeated_for_ever(world: World) -> None:
    """What the service refused was tried again by each pass, for months, or was dropped without a word."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    with refusing(RefusedCode.INVALID) as tried:
        world.host.edit("ada", ref, title="renamed")
        for _ in range(GIVE_UP + 5):
            world.clock.forward(minutes=31)
            world.sync(ada)
        assert 1 <= len(tried) <= GIVE_UP
        (link,) = world.links(ada)
        assert (link.state, link.reason) == (LinkState.PARKED, Reason.REFUSED)
    assert titles(account) == ["one"]
    world.host.edit("ada", ref, location="there")
    world.settle(ada)
    assert titles(account) == here(world) == ["renamed"]


def test_a_lost_answer_that_never_comes_is_given_up_in_sight(world: World) -> None:
    """A write whose answer never came was repeated by each pass without end."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.edit("ada", ref, title="renamed")
    before = account.requests[Request.PATCH]
    account.faults.add(Moment.BEFORE, Request.PATCH, Unavailable("no answer"), times=100)
    for _ in range(GIVE_UP + 5):
        world.clock.forward(minutes=31)
        world.sync(ada)
    assert account.requests[Request.PATCH] - before <= GIVE_UP
    (link,) = world.links(ada)
    assert (link.state, link.reason) == (LinkState.PARKED, Reason.UNANSWERED)


def test_renaming_a_calendar_keeps_its_links(world: World) -> None:
    """The calendar got another name at the service, and with it everything was forgotten and made again."""
    account = world.account()
    world.host.create("ada", event("public"))
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.settle(ada)
    before = {link.id for link in world.links(ada)}
    for calendar in (TARGET, SOURCE):
        account.user.rename_calendar(calendar, "another name")
        account.user.expire_cursors(calendar)
    world.settle(ada)
    assert {link.id for link in world.links(ada)} == before
    assert titles(account) == ["public"]


def test_the_clock_of_this_machine_decides_nothing_about_what_is_new(world: World) -> None:
    """What had changed was found by the local clock; a clock that was wrong by minutes lost changes."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    service_time = world.clock()
    account.now = lambda: service_time - timedelta(days=2)  # far behind ours
    account.user.edit(TARGET, next(iter(account.items(TARGET))), location="there")
    account.user.create(SOURCE, event("private"))
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    assert titles(account) == here(world) == ["renamed"]
    assert blocked(world, ada) == ["private"]


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    listening.listen(world.store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listening.remove(world.store.engine, "before_cursor_execute", note)


def test_a_page_costs_the_same_however_much_is_on_it(world: World) -> None:
    """Each event cost a query of its own, and every tenth one a commit."""
    costs = []
    for number in (5, 50):
        account = world.account()
        account.delivery.page_size = 100
        for n in range(number):
            account.user.create(SOURCE, event(f"private {n}", minutes=10 + n))
        ada = world.connect("ada", account, target=None)
        with statements(world) as seen:
            world.sync(ada)
        assert len(blocked(world, ada)) == number
        costs.append((len(seen), sum(text.startswith("BEGIN IMMEDIATE") for text in seen)))
    assert costs[0] == costs[1]


def test_a_host_change_is_only_forgotten_with_what_was_made_of_it(world: World) -> None:
    """The mark "has to be synced" was taken off before the change was carried out."""
    account = world.account()
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.create("ada", event("one"))
    account.faults.add(Moment.BEFORE, Request.PAGE, Unavailable("no answer"), times=2)
    account.faults.add(Moment.BEFORE, Request.INSERT, Throttled("slow down", timedelta(minutes=1)))
    world.clock.forward(minutes=31)
    world.sync(ada)
    world.settle(ada)
    assert titles(account) == ["one"]
    with world.store.read() as c:
        assert [k.kind for k in links.of_connection(c, ada)] == [LinkKind.EXPORT]
