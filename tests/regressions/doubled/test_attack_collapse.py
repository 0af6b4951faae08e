"""One meeting that came by several ways is shown once, and several meetings that share a UID are shown each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.model.change import Access
from marketplace_plugin.model.event import Response, ShowAs, Status
from marketplace_plugin.model.time import Window
from tests.laws.world import SOURCE, World, event
from tests.regressions.seeing import here, person, title

MARCH = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def test_who_is_asked_to_two_occurrences_sees_the_other_one_beside_the_visible_one(world: World) -> None:
    """Both carry the UID of the series: when one was made visible, the other one was gone from her calendar."""
    account = world.account()
    account.user.create(SOURCE, event("one", day=10), uid="series", access=Access.ATTENDEE)
    account.user.create(SOURCE, event("two", day=17), uid="series", access=Access.ATTENDEE)
    ada = world.connect("ada", account)
    world.settle(ada)
    convert(world.engine, person(world), next(b.link for b in world.blocks(ada) if title(b.item) == "one"))
    world.settle(ada)
    assert here(world) == ["one"]
    shown = StoredBlocks(world.engine).blocks("ada", "ada", MARCH)
    assert [view.detail.title for view in shown if view.detail is not None] == ["two"]


@pytest.mark.parametrize(
    "free",
    [{"show_as": ShowAs.FREE}, {"response": Response.DECLINED}, {"status": Status.CANCELLED}],
    ids=["free", "declined", "cancelled"],
)
@pytest.mark.parametrize("free_first", [True, False])
def test_who_is_free_by_one_way_and_busy_by_another_is_busy(
    world: World, free: dict[str, Any], *, free_first: bool
) -> None:
    """Asked twice, and declined with the address that she does not use: colleagues saw nothing where she is busy."""
    first, second = world.account(), world.account()
    first.user.create(SOURCE, event("meeting", **(free if free_first else {})), uid="meeting")
    second.user.create(SOURCE, event("meeting", **(free if not free_first else {})), uid="meeting")
    one = world.connect("ada", first)
    two = world.connect("ada", second, target=None)
    world.settle(one, two)
    for viewer in ("ada", "bob"):
        (view,) = StoredBlocks(world.engine).blocks(viewer, "ada", MARCH)
        assert (view.show_as, view.status) == (ShowAs.BUSY, Status.CONFIRMED)
