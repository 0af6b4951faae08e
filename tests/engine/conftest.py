"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.shell import World, a_world, connect, install


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


@pytest.fixture
def connection(world: World) -> str:
    """A connection of Anna's, authorised at the sandbox; nothing chosen yet."""
    install(world)
    return connect(world)
