"""What she did at the service while nobody could read it comes here, though its event has left the window meanwhile.

A complete read takes the place of the changes then, and it lists the window of today."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.providers.memory import Crash, MemoryAccount, Moment, Request
from marketplace_plugin.store import connections, held
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, event, moved, occurrence, series
from tests.regressions.seeing import here, only, person, title, titles

MANY = 14
"""More than the brake lets through in a day."""


def expire(world: World, connection: str) -> None:
    with world.store.begin() as unit:
        connections.expire(unit.connection, connection, "authorization-expired")
    world.clock.forward(days=2)


def sign_in(world: World, account: MemoryAccount, connection: str, days: int) -> None:
    world.clock.forward(days=days)
    with world.store.begin() as unit:
        connections.authorised(unit.connection, connection, f"account-{id(account)}", "", world.clock())


def named(account: MemoryAccount) -> dict[str, str]:
    return {title(found.item): name for name, found in account.items(TARGET).items()}


def scene(world: World) -> tuple[MemoryAccount, str]:
    """Nobody reads for some time; on the second day she edits one event and deletes another."""
    account = world.account()
    for number, name in enumerate(("mine", "deleted there", "later")):
        world.host.create("ada", event(name, day=3 + number))
    ada = world.connect("ada", account)
    world.settle(ada)
    ids = named(account)
    expire(world, ada)
    account.user.edit(TARGET, ids["mine"], title="minutes of the meeting")
    account.user.delete(TARGET, ids["deleted there"])
    return account, ada


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize("days", [6, 40, 400])
def test_what_changed_in_an_event_that_ended_meanwhile_comes_here(hosted: World, days: int, forgotten: bool) -> None:
    """The deletion never came, the edit only by chance, and nobody was told."""
    account, ada = scene(hosted)
    if forgotten:
        account.user.expire_cursors(TARGET)
    sign_in(hosted, account, ada, days)
    hosted.settle(ada)
    assert here(hosted) == titles(account) == ["later", "minutes of the meeting"]


def test_so_with_a_converted_event_and_a_series_that_ended(hosted: World) -> None:
    account = hosted.account()
    hosted.host.create("ada", series("weekly", count=3))
    account.user.create(SOURCE, event("private", day=5))
    ada = hosted.connect("ada", account)
    hosted.settle(ada)
    (block,) = hosted.blocks(ada)
    convert(hosted.engine, person(hosted), block.link)
    hosted.settle(ada)
    expire(hosted, ada)
    account.user.edit(SOURCE, only(account, SOURCE).id, title="edited")
    changed = moved(occurrence(1), "minutes")
    account.user.change_occurrence(TARGET, only(account).id, occurrence(1), changed)
    sign_in(hosted, account, ada, 80)
    hosted.settle(ada)
    assert here(hosted) == ["edited", "weekly"]
    mine = next(one.item for one in hosted.host.all_of("ada").values() if title(one.item) == "weekly")
    assert [title(o.event) for o in mine.overrides if o.event is not None] == ["minutes"]  # type: ignore[union-attr]


@pytest.mark.parametrize("request_", [Request.FETCH, Request.PATCH])
@pytest.mark.parametrize("pages", [1, 50])
def test_a_pass_that_dies_asks_again(hosted: World, request_: Request, pages: int) -> None:
    """What was asked for by a pass that committed nothing was known to nobody."""
    account, ada = scene(hosted)
    account.delivery.page_size = pages
    (later,) = (ref for ref, one in hosted.host.all_of("ada").items() if title(one.item) == "later")
    hosted.host.edit("ada", later, location="room")
    for number in range(3):
        account.user.create(TARGET, event("of another", day=30, hour=number))
    sign_in(hosted, account, ada, 40)
    for _ in range(2):
        account.faults.add(Moment.BEFORE, request_, Crash("killed"))
        with pytest.raises(Crash):
            hosted.sync(ada)
        hosted.clock.forward(minutes=11)
    hosted.settle(ada)
    assert here(hosted) == ["later", "minutes of the meeting"]
    assert "deleted there" not in titles(account)


def test_what_a_round_listed_that_died_before_is_asked_for(world: World) -> None:
    """The first pages were read and the others not, for so long that all was read again: they counted as listed."""
    account = world.account()
    account.delivery.page_size = 2
    for number in range(8):
        world.host.create("ada", event(f"{number}", day=3 + number))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.expire_cursors(TARGET)
    account.faults.add(Moment.BEFORE, Request.PAGE, Crash("killed"), skip=4)
    with pytest.raises(Crash):
        world.sync(ada)
    listed = min(account.items(TARGET))
    account.user.delete(TARGET, listed)
    world.clock.forward(days=60)
    world.settle(ada)
    assert here(world) == titles(account)
    assert len(here(world)) == 7


def test_a_calendar_that_does_not_answer_is_asked_again(world: World) -> None:
    account, ada = scene(world)
    account.faults.add(Moment.BEFORE, Request.FETCH, Unavailable("not now"), times=2)
    sign_in(world, account, ada, 40)
    for _ in range(2):
        assert world.sync(ada).counts["collection.failed"] == 1
        world.clock.forward(minutes=31)
    world.settle(ada)
    assert here(world) == titles(account) == ["later", "minutes of the meeting"]


def test_each_is_asked_for_once_and_only_after_an_outage(world: World) -> None:
    """By id, and with no question for what passes have followed to its end."""
    account = world.account()
    for number in range(MANY):
        world.host.create("ada", event(f"{number:02}", day=10 + number))
    ada = world.connect("ada", account)
    world.settle(ada)
    asked = account.requests[Request.FETCH]
    sign_in(world, account, ada, 60)
    world.sync(ada)
    assert account.requests[Request.FETCH] - asked == (0 if world.personality.lists_all else 1)
    with world.store.read() as c:
        assert held.of_connection(c, ada) == []  # they were not expected, so none is missed
    asked = account.requests[Request.FETCH]
    world.settle(ada)
    for _ in range(20):
        world.clock.forward(days=1)
        world.sync(ada)
    assert account.requests[Request.FETCH] == asked


def test_many_that_were_deleted_there_meanwhile_wait_for_her(world: World) -> None:
    """Asked for all the same; but deletions are they all at once."""
    account = world.account()
    for number in range(MANY):
        world.host.create("ada", event(f"{number:02}", day=3 + number))
    ada = world.connect("ada", account)
    world.settle(ada)
    expire(world, ada)
    for remote_id in list(account.items(TARGET)):
        account.user.delete(TARGET, remote_id)
    sign_in(world, account, ada, 60)
    world.settle(ada)
    assert len(here(world)) == MANY
    with world.store.read() as c:
        assert [one.reason for one in held.of_connection(c, ada)] == [Reason.BRAKE] * MANY
