"""Worlds of the regressions: the real engine over each personality of the reference provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.providers.memory import PERSONALITIES, Personality
from tests.laws.world import World
from tests.providers.foreign import ForeignPasses, ForeignServer

HOSTED = [(personality, shared) for personality in PERSONALITIES for shared in (True, False)]


def _name(case: tuple[Personality, bool]) -> str:
    return f"{case[0].name}-{'shared' if case[1] else 'separate'}"


@pytest.fixture(params=HOSTED, ids=_name)
def hosted(request: pytest.FixtureRequest) -> Iterator[World]:
    """Over both hosts: one that shares our transaction, and one with a database of its own."""
    personality, shared = request.param
    made = World(personality, shared=shared)
    yield made
    made.close()


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(request.param)
    yield made
    made.close()


@pytest.fixture
def passes(server: ForeignServer) -> Iterator[ForeignPasses]:
    """Whole passes over the server that a file names by its own fixture ``server``."""
    with server.served() as opening:
        made = ForeignPasses(opening, server.work, server.home)
        yield made
        made.close()
