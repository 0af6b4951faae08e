"""Exchange's provider keeps the contract of all providers, over real HTTPS, on the oldest and the newest server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.contract import ProviderContract
from tests.providers.ews.world import EwsServing, World
from tests.providers.serving import Serving


class TestExchange2010(ProviderContract):
    @pytest.fixture
    def serving(self) -> Iterator[Serving]:
        with World("Exchange2010") as world:
            yield EwsServing(world)


class TestExchangeSubscriptionEdition(ProviderContract):
    @pytest.fixture
    def serving(self) -> Iterator[Serving]:
        with World("ExchangeSE") as world:
            yield EwsServing(world)
