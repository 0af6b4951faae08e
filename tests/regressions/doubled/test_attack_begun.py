"""A host with a database of its own has made an event, or written one, and the pass died behind it. Then its owner acts
before the next one comes: nobody knew of what stood there, so it was made again, or a link at rest came to life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.account.settings import save, settings
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert, stop_importing, undo_conversion
from marketplace_plugin.engine.acts.undo import undo
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.engine.views import SettingsForm, TargetChange
from marketplace_plugin.errors import HostError
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import PERSONALITIES, Crash, MemoryAccount
from marketplace_plugin.store import connections
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.laws.world import OTHER, SOURCE, TARGET, World, event, timed
from tests.regressions.seeing import blocked, here, only, person, titles


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The host has a database of its own."""
    made = World(request.param, shared=False)
    yield made
    made.close()


def dies(world: World, act: Callable[[], object], *, applied: bool = True) -> None:
    """``act`` dies behind its write into the host, or before it."""

    def die(_: object) -> None:
        world.host.before_apply = world.host.after_apply = None
        raise Crash

    if applied:
        world.host.after_apply = die
    else:
        world.host.before_apply = die
    with suppress(Crash):
        act()
    world.host.before_apply = world.host.after_apply = None


def made_again(world: World, *, applied: bool = True) -> tuple[MemoryAccount, str]:
    """Deleted here and edited there: a pass has made it again here, and died."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.delete("ada", ref)
    account.user.edit(TARGET, only(account).id, title="edited there")
    world.clock.forward(minutes=31)
    dies(world, lambda: world.sync(ada), applied=applied)
    assert here(world) == (["edited there"] if applied else [])
    return account, ada


def save_target(world: World, ada: str, change: TargetChange) -> None:
    view = settings(world.engine, person(world), ada, reload=False)
    ids = {one.title: one.id for one in view.collections}
    form = SettingsForm(ids[OTHER], frozenset({ids[SOURCE]}), frozenset({Kind.EVENT}), target_change=change)
    saved = save(world.engine, person(world), ada, form, view.version)
    with world.store.begin() as unit:
        connections.approve(unit.connection, ada, saved.version)


@pytest.mark.parametrize("applied", [True, False])
def test_who_comes_back_finds_one_copy(world: World, *, applied: bool) -> None:
    account, ada = made_again(world, applied=applied)
    disconnect(world.engine, person(world), ada)
    world.clock.forward(minutes=5)
    again = world.connect("ada", account)
    world.settle(again)
    assert here(world) == titles(account) == ["edited there"]
    (link,) = world.links(again)
    assert link.state is LinkState.LIVE


@pytest.mark.parametrize("change", TargetChange)
def test_another_target_has_the_one_copy_or_a_new_one_beside_what_is_kept(world: World, change: TargetChange) -> None:
    account, ada = made_again(world)
    save_target(world, ada, change)
    world.settle(ada)
    assert here(world) == titles(account, OTHER) == ["edited there"]
    assert titles(account) == (["edited there"] if change is TargetChange.KEEP else [])
    world.host.edit("ada", next(iter(world.host.all_of("ada"))), title="later")
    world.settle(ada)
    assert titles(account, OTHER) == ["later"]
    assert titles(account) == (["edited there"] if change is TargetChange.KEEP else [])  # it came to life


@pytest.mark.parametrize("keep", [True, False])
def test_while_the_host_does_not_answer_its_copy_stays_where_it_is(world: World, *, keep: bool) -> None:
    account, ada = made_again(world)
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, {SOURCE}, keep=keep)
    world.settle(ada)
    assert here(world) == ["edited there"]
    assert titles(account) + titles(account, OTHER) == ["edited there"]


@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("applied", [True, False])
def test_what_was_just_made_visible_is_known_to_who_comes_back(world: World, *, applied: bool, moved: bool) -> None:
    account = world.account()
    remote = account.user.create(SOURCE, event("hers"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (block,) = world.blocks(ada)
    dies(world, lambda: convert(world.engine, person(world), block.link), applied=applied)
    disconnect(world.engine, person(world), ada)
    if moved:
        account.user.edit(SOURCE, remote, when=timed(datetime(2026, 3, 20, 15)))  # noqa: DTZ001  # a wall time
    again = world.connect("ada", account)
    world.settle(again)
    assert here(world) == titles(account, SOURCE) == ["hers"]
    assert blocked(world, again) == titles(account) == []


def test_what_was_just_made_grey_again_is_a_block_for_who_comes_back(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("hers"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (block,) = world.blocks(ada)
    convert(world.engine, person(world), block.link)
    world.settle(ada)
    dies(world, lambda: undo_conversion(world.engine, person(world), block.link))
    disconnect(world.engine, person(world), ada)
    again = world.connect("ada", account)
    world.settle(again)
    assert blocked(world, again) == titles(account, SOURCE) == ["hers"]
    assert here(world) == titles(account) == []


def test_what_is_imported_no_more_while_an_undo_dies_stays_so(world: World) -> None:
    account = world.account()
    remote = account.user.create(SOURCE, event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (block,) = world.blocks(ada)
    convert(world.engine, person(world), block.link)
    world.settle(ada)
    account.user.edit(SOURCE, remote, title="two")
    world.clock.forward(minutes=31)
    ran = world.sync(ada)
    taken_back = undo(world.engine, person(world), ran.run)
    dies(world, lambda: world.sync(ada, Trigger.UNDO, taken_back))
    stop_importing(world.engine, person(world), block.link)
    world.settle(ada)
    account.user.edit(SOURCE, remote, title="three")
    world.settle(ada)
    assert here(world) == ["one"]
    (link,) = world.links(ada)
    assert (link.kind, link.state) == (LinkKind.CONVERTED, LinkState.DETACHED)


def test_a_disconnect_needs_no_host_either(world: World) -> None:
    _, ada = made_again(world)

    def no_answer(_: object) -> None:
        raise HostError("no answer")

    world.host.before_apply = no_answer
    disconnect(world.engine, person(world), ada)
    world.host.before_apply = None
    assert here(world) == ["edited there"]
    assert all(link.state is LinkState.DETACHED for link in world.links(ada))
