"""The memory provider's account, as the provider contract drives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.errors import Throttled, Unavailable
from marketplace_plugin.model.change import Access
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Attendee, Event, Response, Series
from marketplace_plugin.model.time import Original
from marketplace_plugin.providers.memory import Delivery, MemoryAccount, MemoryProvider, Moment, Personality, Request
from marketplace_plugin.providers.memory.faults import WRITES
from tests.providers.serving import Serving

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class MemoryServing(Serving):
    calendar, sibling, read_only, free_busy = "main", "second", "colleague", "busy"

    def __init__(self, personality: Personality, **moods: Any) -> None:
        self.account = MemoryAccount(personality, lambda: NOW, **moods)
        user = self.account.user
        user.add_calendar(self.calendar, "Kalender", primary=True)
        user.add_calendar(self.sibling, "Zweiter")
        user.add_calendar(self.read_only, "Kollegin", Role.READER)
        user.add_calendar(self.free_busy, "Frei/Belegt", Role.FREE_BUSY)

    def open(self) -> Provider:
        return MemoryProvider(self.account)

    def create(self, calendar: str, item: Event | Series) -> str:
        return self.account.user.create(calendar, item)

    def invite(self, calendar: str, item: Event) -> str:
        invitation = replace(item, organizer=Attendee("boss@elsewhere.example", "Boss"), response=Response.NEEDS_ACTION)
        return self.account.user.create(calendar, invitation, uid="uid-of-boss", access=Access.ATTENDEE)

    def edit(self, calendar: str, item_id: str, **changes: Any) -> None:
        self.account.user.edit(calendar, item_id, **changes)

    def change_occurrence(self, calendar: str, item_id: str, original: Original, event: Event | None) -> None:
        self.account.user.change_occurrence(calendar, item_id, original, event)

    def delete(self, calendar: str, item_id: str) -> None:
        self.account.user.delete(calendar, item_id)

    def move(self, calendar: str, item_id: str, to: str) -> str:
        return self.account.user.move(calendar, item_id, to)

    def copy(self, calendar: str, item_id: str) -> str:
        return self.account.user.copy(calendar, item_id)

    def garble(self, calendar: str, item_id: str) -> None:
        self.account.user.garble(calendar, item_id)

    def small_pages(self) -> None:
        self.account.delivery = Delivery(page_size=2, empty_pages=True, duplicates=True)

    def expire_cursors(self, calendar: str) -> None:
        self.account.user.expire_cursors(calendar)

    def throttle(self) -> None:
        pause = Throttled("slow down", timedelta(seconds=30))
        self.account.faults.add(Moment.BEFORE, frozenset(Request), pause)

    def lose_answer(self) -> None:
        self.account.faults.add(Moment.AFTER, WRITES, Unavailable("no answer"))

    def mails(self) -> Sequence[str]:
        return self.account.outbox

    def requests(self) -> int:
        return sum(self.account.requests.values())

    def writes(self) -> int:
        return len(self.account.writes)
