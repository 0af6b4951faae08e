"""A new sandbox for each test, and its account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.ews.world import EwsServing, World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def serving(world: World) -> EwsServing:
    return EwsServing(world)
