"""Worlds with an address book and a task list: each personality over both hosts, or Google alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH, Personality
from tests.engine.kinds import KindsWorld


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def personality(request: pytest.FixtureRequest) -> Personality:
    one: Personality = request.param
    return one


@pytest.fixture(params=[True, False], ids=["same database", "own database"])
def world(personality: Personality, request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    world = KindsWorld(personality, shared=request.param)
    yield world
    world.close()


@pytest.fixture
def google() -> Iterator[KindsWorld]:
    world = KindsWorld(GOOGLE)
    yield world
    world.close()
