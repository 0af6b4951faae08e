"""A mirrored call to which its user has asked guests at the service: nobody is mailed, whatever becomes of it here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marketplace_plugin.model.event import Attendee, Event
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH
from tests.engine.kinds import ADA, KindsWorld, call, span
from tests.engine.other_kinds.test_choosing_kinds import save
from tests.laws.world import TARGET

EVE = Attendee("eve@elsewhere.example", "Eve")


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def world(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    world = KindsWorld(request.param)
    yield world
    world.close()


def asked(world: KindsWorld) -> tuple[Any, str, str]:
    account = world.account()
    ref = world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.CALL)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.edit(TARGET, there, attendees=(EVE,))
    world.settle(name)
    return account, name, ref


@pytest.mark.parametrize("act", ["done", "deleted", "moved", "renamed", "switched off"])
def test_nobody_is_mailed(world: KindsWorld, act: str) -> None:
    """A customer gets a cancellation of his own call because it was ticked off here."""
    account, name, ref = asked(world)
    account.outbox.clear()
    if act == "done":
        world.host.edit(ADA, ref, done=True)
    elif act == "deleted":
        world.host.delete(ADA, ref)
    elif act == "moved":
        world.host.edit(ADA, ref, when=span(11, 15))
    elif act == "renamed":
        world.host.edit(ADA, ref, title="Lindner AG")
    else:
        save(world, name)
    world.settle(name)
    assert account.outbox == []
    for item in world.there(account, TARGET).values():
        assert isinstance(item, Event)
        assert item.attendees == (EVE,), "whom he has asked stays asked"
