"""Google's provider keeps the contract of all providers, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.model.change import Found
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import UNKNOWN, Event, Series
from marketplace_plugin.model.form.canonical import changed_fields, project, same
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.expand import is_original, occurrence_at, originals
from marketplace_plugin.model.time import Original, Window, Zoned, span
from marketplace_plugin.model.write import Applied, Create, Delete, Update
from marketplace_plugin.providers.google.shape import encode
from tests.model import strategies
from tests.providers.contract import ProviderContract
from tests.providers.google.world import ANNA, JONAS, World, one, stamp
from tests.providers.serving import Serving

BOSS = "boss@elsewhere.example"
SECOND = "second@group.calendar.google.com"
SHARED = "shared@group.calendar.google.com"
HELD = Capabilities(fields=encode.FIELDS)
Json = dict[str, Any]


class GoogleServing(Serving):
    """Anna's account. Jonas shares one calendar to read and another as free/busy."""

    calendar, sibling, read_only, free_busy = ANNA, SECOND, JONAS, SHARED

    def __init__(self, world: World) -> None:
        self.world = world
        state = world.sandbox.state
        state.add_calendar(ANNA, calendar_id=SECOND, summary="Second")
        state.add_calendar(JONAS, calendar_id=SHARED, summary="Shared")
        state.set_role(JONAS, ANNA, "reader")
        state.set_role(SHARED, ANNA, "freeBusyReader")

    def open(self) -> Provider:
        return self.world.open()

    def _person(self, calendar: str) -> Any:
        return self.world.user(ANNA if calendar in (ANNA, SECOND) else JONAS)

    def create(self, calendar: str, item: Event | Series) -> str:
        event = item.master if isinstance(item, Series) else item
        body = _body(event) | ({"recurrence": encode.rules(item)} if isinstance(item, Series) else {})
        created = str(self._person(calendar).insert(body, calendar)["id"])
        for override in item.overrides if isinstance(item, Series) else ():
            if override.event is not None:
                self.change_occurrence(calendar, created, override.original, override.event)
        return created

    def invite(self, calendar: str, item: Event) -> str:
        body = _body(item) | {"attendees": [{"email": calendar}, {"email": JONAS}]}
        return str(self.world.user(BOSS).insert(body)["id"])

    def edit(self, calendar: str, item_id: str, **changes: Any) -> None:
        there = self._found(calendar, item_id)
        event = there.item.master if isinstance(there.item, Series) else there.item
        assert isinstance(event, Event)
        body = encode.fields(replace(event, **changes), changes.keys(), patch=True)
        self._person(calendar).patch(item_id, body, calendar)

    def change_occurrence(self, calendar: str, item_id: str, original: Original, event: Event | None) -> None:
        at = original.instant().strftime("%Y%m%dT%H%M%SZ") if isinstance(original, Zoned) else f"{original:%Y%m%d}"
        if event is None:
            self._person(calendar).delete(f"{item_id}_{at}", calendar)
        else:
            body = encode.fields(event, encode.COPIED, patch=True)
            self._person(calendar).patch(f"{item_id}_{at}", body, calendar)

    def delete(self, calendar: str, item_id: str) -> None:
        self._person(calendar).delete(item_id, calendar)

    def move(self, calendar: str, item_id: str, to: str) -> str:
        return str(self._person(calendar).move(item_id, calendar, to)["id"])

    def copy(self, calendar: str, item_id: str) -> str:
        shown = self._person(calendar).get(item_id, calendar)
        names = ("summary", "description", "location", "start", "end", "recurrence", "extendedProperties", "reminders")
        body = {name: shown[name] for name in names if name in shown}
        return str(self._person(calendar).insert(body, calendar)["id"])

    def garble(self, calendar: str, item_id: str) -> None:
        rules = ["RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY;COUNT=3"]
        self._person(calendar).patch(item_id, {"recurrence": rules}, calendar)

    def small_pages(self) -> None:
        self.world.sandbox.state.knobs.max_page_size = 2
        self.world.sandbox.state.knobs.empty_first_pages = 1

    def expire_cursors(self, calendar: str) -> None:
        self.world.sandbox.state.expire_sync_tokens(calendar)

    def throttle(self) -> None:
        self.world.sandbox.faults.add("status", status=403, reason="rateLimitExceeded", retry_after=30)

    def lose_answer(self) -> None:
        self.world.sandbox.faults.add("drop_after", method="POST|PATCH|DELETE")

    def mails(self) -> Sequence[str]:
        return [address for mail in self.world.sandbox.state.outbox for address in mail.to]

    def requests(self) -> int:
        return len(self.world.requests())

    def writes(self) -> int:
        return sum(row.method != "GET" for row in self.world.requests())

    def _found(self, calendar: str, item_id: str) -> Found:
        (answer,) = self.world.open(ANNA if calendar in (ANNA, SECOND) else JONAS).fetch(calendar, [item_id])
        assert isinstance(answer, Found)
        return answer


def _body(event: Event) -> Json:
    guests = event.attendees if event.attendees is not UNKNOWN else ()
    attendees = {"attendees": [{"email": guest.address} for guest in guests]} if guests else {}
    return encode.fields(event, encode.COPIED, patch=False) | attendees


class TestGoogle(ProviderContract):
    @pytest.fixture
    def serving(self) -> Iterator[Serving]:
        with World((ANNA, JONAS, BOSS)) as world:
            yield GoogleServing(world)
            assert not world.sandbox.state.outbox


# --- any series becomes any other ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World((ANNA,)) as world:
        yield world


def exists(at: Original) -> bool:
    """Not in a gap: such a wall time comes back as the one that a clock shows."""
    return not isinstance(at, Zoned) or Zoned.at(at.instant(), at.zone) == at


def holdable(series: Series) -> bool:
    """Some occurrences are left, and every time exists."""
    spans = [series.master.when, *(o.event.when for o in series.overrides if o.event is not None)]
    times = [o.original for o in series.overrides] + [end for when in spans for end in (when.start, when.end)]
    begin, _ = span(series.master.when, "UTC")
    named = islice(originals(series, Window(begin - timedelta(days=2), begin + timedelta(days=200))), 5)
    left = len(list(named)) - sum(o.event is None for o in series.overrides)
    return left > 0 and is_original(series, series.master.when.start) and all(exists(at) for at in times)


def held(item: Item) -> Item:
    """As Google holds it: without an answer, and without overrides that change nothing."""
    item = project(item, HELD)
    if isinstance(item, Series):
        bare = replace(item, overrides=())
        said = (o for o in item.overrides if o.event is None or not same(o.event, regular(bare, o.original)))
        return replace(item, overrides=tuple(said))
    return item


def regular(bare: Series, original: Original) -> Event:
    event = occurrence_at(bare, original)
    assert event is not None
    return event


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(before=strategies.series(), after=strategies.series())
def test_any_series_becomes_any_other(world: World, before: Series, after: Series) -> None:
    assume(holdable(before) and holdable(after))
    google, wanted = world.open(), (held(before), held(after))
    number = world.sandbox.state.tick
    created = one(google, Create(f"op-{number}", stamp("link"), wanted[0]))
    assert isinstance(created, Applied), created
    assert created.stored is not None
    assert created.revision is not None
    assert same(held(created.stored.item), wanted[0])
    changed = changed_fields(held(created.stored.item), wanted[1])
    updated = one(google, Update("op-u", created.id, created.revision, wanted[0], wanted[1], changed))
    assert isinstance(updated, Applied), updated
    assert updated.stored is not None
    assert same(held(updated.stored.item), wanted[1])
    assert list(google.fetch(ANNA, [created.id])) == [updated.stored]
    assert updated.revision is not None
    assert isinstance(one(google, Delete("op-d", created.id, updated.revision)), Applied)
