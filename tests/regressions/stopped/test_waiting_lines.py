"""What waits is told once: each pass wrote another line into the journal, with a sealed copy of the event."""

from __future__ import annotations

from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.collection import Role
from marketplace_plugin.providers.memory import Moment, Request
from marketplace_plugin.store import connections, journal
from marketplace_plugin.store.log.journal import Action, Entry
from marketplace_plugin.sync.link import LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import TARGET, World, event
from tests.regressions.seeing import here, titles


def _lines(world: World, ada: str) -> list[Entry]:
    with world.store.read() as c:
        return [line for link in world.links(ada) for line in journal.of_link(c, link.id)]


def _pass(world: World, ada: str, number: int = 10) -> None:
    for _ in range(number):
        world.clock.forward(minutes=31)
        world.sync(ada)


def _connected(world: World) -> str:
    for number in range(3):
        world.host.create("ada", event(f"e{number}", day=5 + number))
    ada = world.connect("ada", world.account())
    world.settle(ada)
    return ada


def test_what_awaits_an_approval_is_told_once(hosted: World) -> None:
    ada = _connected(hosted)
    with hosted.store.begin() as unit:
        connections.approve(unit.connection, ada, None)
    before = len(_lines(hosted, ada))
    for ref in hosted.host.all_of("ada"):
        hosted.host.edit("ada", ref, title="changed")
    _pass(hosted, ada)
    told = _lines(hosted, ada)[:]
    assert len(told) == before + 3
    held = [line for line in told if line.action is Action.HOLD]
    assert {line.reason for line in held} == {Reason.AWAITS_APPROVAL}
    assert {link.reason for link in hosted.links(ada)} == {Reason.AWAITS_APPROVAL}
    hosted.start(ada, "ada")
    hosted.settle(ada)
    assert titles(hosted.plugins.accounts[ada]) == here(hosted) == ["changed"] * 3


def test_what_waits_for_a_calendar_that_does_not_answer_is_told_once(world: World) -> None:
    ada = _connected(world)
    account = world.plugins.accounts[ada]
    before = len(_lines(world, ada))
    for item in list(account.items(TARGET)):
        account.user.delete(TARGET, item)
    account.faults.add(Moment.BEFORE, frozenset({Request.FIND}), Unavailable("no"), times=500)
    _pass(world, ada)
    assert len(_lines(world, ada)) in (before, before + 3)
    account.faults.clear()
    world.settle(ada)
    assert here(world) == []


def test_what_waits_for_something_else_since_is_told_again(world: World) -> None:
    """The second line says what holds it now."""
    ada = _connected(world)
    with world.store.begin() as unit:
        connections.approve(unit.connection, ada, None)
    for ref in world.host.all_of("ada"):
        world.host.edit("ada", ref, title="changed")
    _pass(world, ada, 2)
    world.plugins.accounts[ada].user.set_role(TARGET, Role.READER)
    world.start(ada, "ada")
    _pass(world, ada, 3)
    held = [line.reason for line in _lines(world, ada) if line.action is Action.HOLD]
    assert {link.state for link in world.links(ada)} & {LinkState.PARKED, LinkState.READ_ONLY}
    assert held.count(Reason.AWAITS_APPROVAL) == 3
