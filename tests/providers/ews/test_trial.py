"""The throw-away entry of the connection test: made, read, and gone for good."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from marketplace_plugin.errors import PermissionDenied, ProviderError
from tests.providers.ews.world import ANNA, JONAS, EwsServing, World


def test_the_trial_leaves_nothing_behind(world: World, serving: EwsServing) -> None:
    provider = world.open()
    provider.try_write(serving.calendar)
    provider.try_write(serving.sibling)
    state = world.sandbox.state
    assert state.items_of(ANNA) == []
    assert list(state.outbox) == []
    for row in world.requests("CreateItem"):
        starts = [one.text for one in etree.fromstring(row.body).iter("{*}Start")]
        assert starts == ["2001-01-01T12:00:00Z"]


@pytest.mark.parametrize(
    "operation, action", [("CreateItem", "drop_after"), ("CreateItem", "truncate"), ("GetItem", "drop_before")]
)
def test_a_trial_that_breaks_off_takes_back_what_it_made(
    world: World, serving: EwsServing, operation: str, action: Any
) -> None:
    world.sandbox.faults.add(action, operation=operation)
    with pytest.raises(ProviderError):
        world.open().try_write(serving.calendar)
    assert world.sandbox.state.items_of(ANNA) == []


def test_a_calendar_that_cannot_be_written_is_told(world: World, serving: EwsServing) -> None:
    with pytest.raises(PermissionDenied):
        world.open().try_write(serving.read_only)
    assert world.sandbox.state.items_of(JONAS) == []
