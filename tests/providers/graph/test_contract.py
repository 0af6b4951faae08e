"""Microsoft Graph's provider keeps the contract of all providers, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.contract import ProviderContract
from tests.providers.graph.world import GraphServing, World
from tests.providers.serving import Serving


class TestGraph(ProviderContract):
    @pytest.fixture
    def serving(self) -> Iterator[Serving]:
        with World() as world:
            yield GraphServing(world)
