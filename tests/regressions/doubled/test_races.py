"""Somebody edits in between, another worker takes over, or the server talks back; and no ping-pong comes of it."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.providers.memory import PERSONALITIES, Crash, Moment, Personality, Request, Rewrite
from marketplace_plugin.store import conflicts
from marketplace_plugin.store.accounts.connections import Policy
from tests.laws.world import SOURCE, TARGET, World, event, moved, occurrence, series
from tests.regressions.seeing import blocked, here, only, shown, titles


def test_an_edit_in_between_is_not_overwritten(world: World) -> None:
    """What somebody wrote between our reading and our writing was overwritten, and nobody was told."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    remote = only(account).id
    world.host.edit("ada", ref, title="ours", location="here")
    account.faults.add(
        Moment.BEFORE, Request.PATCH, lambda: account.user.edit(TARGET, remote, title="theirs", description="more")
    )
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert titles(account) == ["theirs"]
    world.settle(ada)
    mine, there = shown(world, ref), only(account).item
    assert isinstance(mine, Event)
    assert isinstance(there, Event)
    assert (mine.title, mine.location, mine.description) == (there.title, there.location, there.description)
    assert (mine.location, mine.description) == ("here", "more")
    with world.store.read() as c:
        (told,) = conflicts.of_user(c, "ada")
    assert told.field == "title"
    assert {str(one.title) for one in (told.host, told.remote) if isinstance(one, Event)} == {"ours", "theirs"}


def test_an_occurrence_edited_in_between_keeps_its_series_from_deletion(world: World) -> None:
    """A series was deleted although somebody had just written into one of its occurrences."""
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    ada = world.connect("ada", account)
    world.settle(ada)
    remote = only(account).id
    world.host.delete("ada", ref)
    change = moved(occurrence(1), "theirs")
    account.faults.add(
        Moment.BEFORE,
        Request.DELETE,
        lambda: account.user.change_occurrence(TARGET, remote, occurrence(1), change),
    )
    world.clock.forward(minutes=31)
    world.sync(ada)
    there = only(account).item
    assert isinstance(there, Series)
    assert [o.event for o in there.overrides] != []
    world.settle(ada)
    assert here(world) == titles(account) == ["weekly"]


def test_a_worker_that_was_overtaken_writes_nothing(world: World) -> None:
    """A sync hung, a second one began, and both wrote: everything stood there twice."""
    account = world.account()
    world.host.create("ada", event("one"))
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)

    def second_worker() -> None:
        world.clock.forward(minutes=11)
        assert world.sync(ada).outcome is RunOutcome.DONE

    account.faults.add(Moment.AFTER, Request.PAGE, second_worker)
    assert world.sync(ada).outcome is RunOutcome.LEASE_LOST
    assert titles(account) == ["one"]
    assert [request for request, _, _ in account.writes].count(Request.INSERT) == 1
    world.settle(ada)
    assert titles(account) == here(world) == ["one"]
    assert blocked(world, ada) == ["private"]


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
def test_a_crash_after_the_host_wrote_makes_no_second_event(personality: Personality) -> None:
    """The groupware had made the event, we died before we knew, and it was made once more."""
    world = World(personality, shared=False)
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.delete("ada", ref)
    account.user.edit(TARGET, only(account).id, title="edited there")

    def die(_: object) -> None:
        world.host.after_apply = None
        raise Crash("killed")

    world.host.after_apply = die
    world.clock.forward(minutes=31)
    with pytest.raises(Crash):
        world.sync(ada)
    world.clock.forward(minutes=11)
    world.settle(ada)
    assert titles(account) == here(world) == ["edited there"]
    world.close()


def test_a_worker_that_was_overtaken_half_way_makes_nothing_more(world: World) -> None:
    """Two workers were at work: the second looked up what was made and made the rest, then the first made it too."""
    account = world.account()
    for number in range(3):
        world.host.create("ada", event(f"event {number}", 10 + number))
    ada = world.connect("ada", account)

    def other_worker() -> None:
        world.clock.forward(minutes=11)
        world.sync(ada)

    account.faults.add(Moment.AFTER, Request.INSERT, other_worker)
    world.sync(ada)
    assert titles(account) == here(world)
    world.settle(ada)
    assert titles(account) == here(world)


def test_a_server_that_puts_its_own_text_in_place_of_ours_has_the_last_word_once(world: World) -> None:
    """The service put its own text in place of ours after each write, we put ours back, and so on for months."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account, policy=Policy.HOST)
    world.settle(ada)
    remote = only(account).id
    turn = iter(range(100))
    account.faults.add(
        Moment.AFTER,
        Request.PATCH,
        lambda: account.user.edit(TARGET, remote, title=f"theirs {next(turn)}"),
        times=100,
    )
    for edit in range(3):
        written = len(account.writes)
        world.host.edit("ada", ref, title=f"ours {edit}")
        world.settle(ada)
        assert len(account.writes) == written + 1
        assert titles(account) == here(world) == [f"theirs {edit}"]


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
def test_a_server_that_rewrites_our_text_is_not_corrected(personality: Personality) -> None:
    """The service cleaned up white space, zones and order; that was taken for a change, and written back and forth."""
    world = World(personality, rewrites=frozenset(Rewrite), late_bumps=True)
    account = world.account()
    text = "two  blanks \nand a line \n\n"
    ref = world.host.create("ada", event("one", description=text))
    account.user.create(SOURCE, event("private", description=text))
    ada = world.connect("ada", account)
    world.sync(ada)
    text = f"more  {text}"
    world.host.edit("ada", ref, description=text)
    world.clock.forward(minutes=31)
    world.sync(ada)
    written = list(account.writes)
    for _ in range(5):
        world.clock.forward(minutes=31)
        world.sync(ada)
    assert account.writes == written
    assert world.host.applied == []
    assert shown(world, ref).description == text  # type: ignore[union-attr]  # a single event
    world.close()


def test_what_is_read_anew_without_a_change_is_no_news(world: World) -> None:
    """Each full read changed every event, and everybody's calendar flickered."""
    account = world.account()
    account.user.create(SOURCE, event("private"))
    account.user.create(SOURCE, series("weekly"))
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    for calendar in (SOURCE, TARGET):
        account.user.expire_cursors(calendar)
    world.clock.forward(minutes=31)
    assert world.quiet(world.sync(ada))
