"""Address books and task lists of the reference provider keep their contracts, in each of its personalities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.errors import Throttled, Unavailable
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import (
    EWS,
    GOOGLE,
    GRAPH,
    Delivery,
    MemoryAccount,
    MemoryProvider,
    Moment,
    Personality,
    Request,
)
from marketplace_plugin.providers.memory.faults import WRITES
from tests.providers.contract_contacts import ContactContract
from tests.providers.contract_tasks import TaskContract
from tests.providers.item_serving import ItemServing, Kept
from tests.providers.memory.serving import NOW


class MemoryItems(ItemServing):
    collection, read_only = "own", "colleague"

    def __init__(self, personality: Personality, kind: Kind) -> None:
        self.account = MemoryAccount(personality, lambda: NOW)
        self.account.user.add_calendar(self.collection, "Eigene", kind=kind, primary=True)
        self.account.user.add_calendar(self.read_only, "Kollegin", Role.READER, kind=kind)

    def open(self) -> Provider:
        return MemoryProvider(self.account)

    def create(self, item: Kept) -> str:
        return self.account.user.create(self.collection, item)

    def edit(self, item_id: str, **changes: Any) -> None:
        self.account.user.edit(self.collection, item_id, **changes)

    def delete(self, item_id: str) -> None:
        self.account.user.delete(self.collection, item_id)

    def garble(self, item_id: str) -> None:
        self.account.user.garble(self.collection, item_id)

    def small_pages(self) -> None:
        self.account.delivery = Delivery(page_size=2, empty_pages=True, duplicates=True)

    def expire_cursors(self) -> None:
        self.account.user.expire_cursors(self.collection)

    def throttle(self) -> None:
        pause = Throttled("slow down", timedelta(seconds=30))
        self.account.faults.add(Moment.BEFORE, frozenset(Request), pause)

    def lose_answer(self) -> None:
        self.account.faults.add(Moment.AFTER, WRITES, Unavailable("no answer"))

    def mails(self) -> Sequence[str]:
        return self.account.outbox

    def writes(self) -> int:
        return len(self.account.writes)


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def personality(request: pytest.FixtureRequest) -> Personality:
    one: Personality = request.param
    return one


class TestContacts(ContactContract):
    @pytest.fixture
    def serving(self, personality: Personality) -> ItemServing:
        return MemoryItems(personality, Kind.CONTACT)


class TestTasks(TaskContract):
    @pytest.fixture
    def serving(self, personality: Personality) -> ItemServing:
        return MemoryItems(personality, Kind.TASK)
