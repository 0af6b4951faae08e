"""Worlds of the regressions: the real engine over each personality of the reference provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.providers.memory import PERSONALITIES
from tests.laws.world import World


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(request.param)
    yield made
    made.close()
