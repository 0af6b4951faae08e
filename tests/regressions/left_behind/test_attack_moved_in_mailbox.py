"""An event that Outlook moved into another calendar is answered by its id all the same: what was tied to it stayed."""

from __future__ import annotations

import pytest

from tests.laws.world import event
from tests.providers.foreign import ADA, ForeignPasses
from tests.providers.graph.foreign import Foreign, at

THIRD = "AAMk/third"
"""A calendar that is neither read nor written."""


@pytest.fixture
def server() -> Foreign:
    made = Foreign()
    made.events[THIRD] = {}
    return made


@pytest.fixture
def mine(server: Foreign, passes: ForeignPasses) -> str:
    """An exported event, by its id there."""
    passes.shell.host.create(ADA, event("mine"))
    passes.done(2)
    return server.named(server.work, "mine")


def test_it_is_followed_into_a_calendar_that_is_read(server: Foreign, passes: ForeignPasses, mine: str) -> None:
    server.move(mine, server.home)
    passes.done(2)
    assert list(passes.here()) == ["mine"]
    assert list(passes.blocks()) == []
    server.edit(server.home, mine, "edited there", 11)
    passes.done(3)
    assert list(passes.here()) == ["edited there"]
    server.drop(server.home, mine)
    passes.done(3)
    assert list(passes.here()) == []


def test_where_nobody_looks_it_is_gone(server: Foreign, passes: ForeignPasses, mine: str) -> None:
    server.move(mine, THIRD)
    passes.done(2)
    server.drop(THIRD, mine)
    passes.done(3)
    assert list(passes.here()) == []


def test_a_block_goes_with_what_she_took_out_of_sight(server: Foreign, passes: ForeignPasses) -> None:
    """It went on to tell what became of the event in a calendar that she does not show."""
    server.put(server.home, "x", {"subject": "Arzt", "start": at(12), "end": at(12, 10), "isOrganizer": True})
    passes.done()
    server.move("x", THIRD)
    passes.done(2)
    assert list(passes.blocks()) == []
    server.edit(THIRD, "x", "Befund", 11)
    for _ in range(4):
        passes.shell.clock.forward(days=4)
        passes.run()
    assert list(passes.blocks()) == []
