"""A conversion that is undone, or just made, while something else happens to its event: another tab, a pass, the end of
the connection. An event of hers vanished without a word, or its block kept a time that was long past."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert, stop_importing, undo_conversion
from marketplace_plugin.engine.acts.waiting.conflicts import listed, take
from marketplace_plugin.errors import Conflict, ConversionUnderWay, HostError, OnlyHere
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.write import HostRefused, HostWrite, RefusedCode
from marketplace_plugin.providers.memory import PERSONALITIES, MemoryAccount
from marketplace_plugin.store import intents
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.merge.three_way import Winner
from tests.laws.world import OTHER, SOURCE, TARGET, World, event, timed
from tests.regressions.seeing import blocked, here, master, only, person, titles

LATER = timed(datetime(2026, 3, 20, 15))  # noqa: DTZ001  # a wall time
NOON = timed(datetime(2026, 3, 10, 12))  # noqa: DTZ001  # a wall time


@pytest.fixture
def world(hosted: World) -> World:
    return hosted


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def separate(request: pytest.FixtureRequest) -> Iterator[World]:
    """The host has a database of its own."""
    made = World(request.param, shared=False)
    yield made
    made.close()


def imported(world: World, policy: Policy = Policy.NEWEST) -> tuple[MemoryAccount, str, str]:
    """The account, the connection and the link of one block."""
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account, policy=policy)
    world.settle(ada)
    (block,) = world.blocks(ada)
    return account, ada, block.link


def meanwhile(world: World, happens: Callable[[], object]) -> None:
    """Once, when the host has written and has not answered yet."""

    def once(_: object) -> None:
        world.host.after_apply = None
        happens()

    world.host.after_apply = once


def leaves(world: World, connection: str, *, answered: bool) -> None:
    """She disconnects; the host tells what became of what was begun in it, or does not answer just then."""
    world.host.broken = not answered
    disconnect(world.engine, person(world), connection)
    world.host.broken = False


def test_what_is_imported_no_more_is_not_undone(world: World) -> None:
    account, ada, link = imported(world)
    convert(world.engine, person(world), link)
    world.settle(ada)
    stop_importing(world.engine, person(world), link)
    world.settle(ada)
    with pytest.raises(Conflict):
        undo_conversion(world.engine, person(world), link)
    world.settle(ada)
    assert here(world) == titles(account, SOURCE) == ["private"]
    assert [k.state for k in world.links(ada)] == [LinkState.DETACHED]


@pytest.mark.parametrize("decided", [True, False])
def test_the_block_shows_what_the_service_shows_while_a_clash_waits(world: World, *, decided: bool) -> None:
    """What was agreed is not what the service shows then; the block had that time, or the one that was overruled."""
    account, ada, link = imported(world, Policy.ASK)
    ref = convert(world.engine, person(world), link)
    world.settle(ada)
    world.host.edit("ada", ref, when=NOON)
    account.user.edit(SOURCE, only(account, SOURCE).id, when=LATER)
    world.settle(ada)
    if decided:
        (view,) = listed(world.engine, person(world))
        take(world.engine, person(world), view.id, Winner.REMOTE)
    assert undo_conversion(world.engine, person(world), link)
    world.settle(ada)
    assert [master(block.item).when for block in world.blocks(ada)] == [LATER]


@pytest.mark.parametrize("undone", [True, False])
def test_a_pass_runs_while_the_host_is_asked(separate: World, *, undone: bool) -> None:
    world = separate
    account, ada, link = imported(world)
    if undone:
        convert(world.engine, person(world), link)
        world.settle(ada)

    def moved_there() -> None:
        account.user.edit(SOURCE, only(account, SOURCE).id, when=LATER)
        world.clock.forward(minutes=31)
        world.sync(ada)

    meanwhile(world, moved_there)
    (undo_conversion if undone else convert)(world.engine, person(world), link)
    world.settle(ada)
    shown = [master(block.item).when for block in world.blocks(ada)]
    visible = [master(one.item).when for one in world.host.all_of("ada").values()]
    assert (shown, visible) == (([LATER], []) if undone else ([], [LATER]))


@pytest.mark.parametrize("answered", [True, False])
def test_she_disconnects_while_the_event_is_made_visible(separate: World, *, answered: bool) -> None:
    """It stays as everything that she made visible: without content, and known when she comes back."""
    world = separate
    account, ada, link = imported(world)
    meanwhile(world, lambda: leaves(world, ada, answered=answered))
    ref = convert(world.engine, person(world), link)
    (left,) = world.links(ada)
    assert (left.kind, left.state, left.host_ref) == (LinkKind.CONVERTED, LinkState.DETACHED, ref)
    assert (left.base, left.remote_base, left.remote, left.host) == (None, None, None, None)
    with pytest.raises(Conflict):
        undo_conversion(world.engine, person(world), link)
    again = world.connect("ada", account)
    world.settle(again)
    assert here(world) == titles(account, SOURCE) == ["private"]
    assert titles(account) == blocked(world, again) == []


@pytest.mark.parametrize("answered", [True, False])
def test_she_disconnects_while_the_event_is_made_grey(separate: World, *, answered: bool) -> None:
    world = separate
    account, ada, link = imported(world)
    convert(world.engine, person(world), link)
    world.settle(ada)
    meanwhile(world, lambda: leaves(world, ada, answered=answered))
    assert not undo_conversion(world.engine, person(world), link)
    assert world.links(ada) == []
    assert here(world) == []
    again = world.connect("ada", account)
    world.settle(again)
    assert blocked(world, again) == titles(account, SOURCE) == ["private"]


def test_an_undo_that_is_asked_for_twice_at_once_is_one(separate: World) -> None:
    """The second one found no event in the host, and the block that the first had made went with it."""
    world = separate
    account, ada, link = imported(world)
    convert(world.engine, person(world), link)
    world.settle(ada)
    meanwhile(world, lambda: undo_conversion(world.engine, person(world), link))
    assert undo_conversion(world.engine, person(world), link)
    world.settle(ada)
    assert blocked(world, ada) == titles(account, SOURCE) == ["private"]
    assert here(world) == []


def test_an_undo_that_died_is_asked_for_again(separate: World) -> None:
    world = separate
    account, ada, link = imported(world)
    convert(world.engine, person(world), link)
    world.settle(ada)

    def no_answer() -> None:
        raise HostError("no answer")

    meanwhile(world, no_answer)
    with suppress(HostError):
        undo_conversion(world.engine, person(world), link)
    with pytest.raises(ConversionUnderWay):
        stop_importing(world.engine, person(world), link)  # what it is, is not known yet
    assert undo_conversion(world.engine, person(world), link)
    world.settle(ada)
    assert blocked(world, ada) == titles(account, SOURCE) == ["private"]
    assert here(world) == []


def test_what_the_host_refused_is_not_asked_again_by_a_pass(separate: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """She was told that nothing was made visible; a pass that asked again would make it so behind her back."""
    world = separate
    _, ada, link = imported(world)
    module = type(world.host.modules[world.links(ada)[0].host_kind])
    with monkeypatch.context() as refusing:
        refusing.setattr(
            module, "apply", lambda _s, _o, writes, _u: [HostRefused(w.op, RefusedCode.INVALID) for w in writes]
        )
        with pytest.raises(Conflict):
            convert(world.engine, person(world), link)
    with world.store.read() as c:
        assert intents.open_ones(c, ada) == []
    world.settle(ada)
    assert here(world) == []
    assert blocked(world, ada) == ["private"]


def test_what_the_host_refused_in_a_calendar_that_is_unticked_meanwhile_leaves_no_block(
    separate: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = separate
    _, ada, link = imported(world)
    module = type(world.host.modules[world.links(ada)[0].host_kind])

    def refuse(_module: object, _owner: str, writes: list[HostWrite], _unit: object) -> list[HostRefused]:
        with world.store.begin() as unit:
            choose(world.engine, unit, ada, TARGET, {OTHER})
        return [HostRefused(write.op, RefusedCode.INVALID) for write in writes]

    with monkeypatch.context() as refusing:
        refusing.setattr(module, "apply", refuse)
        with pytest.raises(Conflict):
            convert(world.engine, person(world), link)
    world.settle(ada)
    assert world.links(ada) == []
    assert here(world) == blocked(world, ada) == []


def test_it_is_deleted_there_while_the_host_is_asked(separate: World) -> None:
    world = separate
    account, ada, link = imported(world)

    def deleted_there() -> None:
        account.user.delete(SOURCE, only(account, SOURCE).id)
        world.clock.forward(minutes=31)
        world.settle(ada)

    meanwhile(world, deleted_there)
    with pytest.raises(Conflict):
        convert(world.engine, person(world), link)
    world.settle(ada)
    assert world.links(ada) == []
    assert here(world) == blocked(world, ada) == []


def test_it_is_edited_here_and_synced_while_the_host_is_asked(separate: World) -> None:
    """The undo is refused, by whoever finishes it, and the edit is on both sides."""
    world = separate
    account, ada, link = imported(world)
    ref = convert(world.engine, person(world), link)
    world.settle(ada)

    def edited(_: object) -> None:
        world.host.before_apply = None
        world.host.edit("ada", ref, title="edited here")

    world.host.before_apply = edited
    meanwhile(world, lambda: world.sync(ada))
    with pytest.raises(Conflict):
        undo_conversion(world.engine, person(world), link)
    world.settle(ada)
    assert here(world) == titles(account, SOURCE) == ["edited here"]


@pytest.mark.parametrize("back", ["role", "edit"])
def test_what_could_not_be_written_there_is_not_undone(world: World, back: str) -> None:
    """Its calendar is read alone, so her edit stood here alone, and went with the event when it was made grey again."""
    account, ada, name = imported(world)
    account.user.set_role(SOURCE, Role.READER)
    ref = convert(world.engine, person(world), name)
    world.host.edit("ada", ref, title="edited")
    world.settle(ada)
    with pytest.raises(OnlyHere):
        undo_conversion(world.engine, person(world), name)
    assert here(world) == ["edited"]
    if back == "role":
        account.user.set_role(SOURCE, Role.OWNER)
    else:
        world.host.edit("ada", ref, title="private")
    world.settle(ada)
    undo_conversion(world.engine, person(world), name)
    world.settle(ada)
    assert here(world) == []
    assert blocked(world, ada) == titles(account, SOURCE) == ["edited" if back == "role" else "private"]
