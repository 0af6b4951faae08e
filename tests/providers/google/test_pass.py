"""Whole passes over Google's provider, real HTTP in between: both ways, a hostile echo, faults, and who is mailed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.store import collections, connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.laws.world import World as Shell
from tests.laws.world import event, moved, occurrence, series
from tests.providers.google.world import ANNA, JONAS, Json, World, instance_id, timed

WORK = "work@group.calendar.google.com"
PASSES = 20


class GooglePlugins:
    """Opens Google for each connection; the rest is as for the memory provider."""

    def __init__(self, google: World, others: Any) -> None:
        self._google, self._others = google, others

    def open_provider(self, integration: str, session: Session) -> Provider:
        return self._google.open(ANNA)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._others, name)


class Passes:
    """Ada, whose account is Anna's: her primary calendar is read, the calendar ``WORK`` is written."""

    def __init__(self, google: World) -> None:
        self.google, self.shell = google, Shell()
        google.now = self.shell.clock()
        google.sandbox.state.add_calendar(ANNA, calendar_id=WORK, summary="Work")
        object.__setattr__(self.shell.engine, "plugins", GooglePlugins(google, self.shell.plugins))
        now = self.shell.clock()
        with self.shell.store.begin() as unit:
            c = unit.connection
            connection = Connection(
                id="ada",
                tenant="acme",
                user="ada",
                integration="google",
                state=ConnectionState.CONNECTED,
                created_at=now,
                account_key="anna",
                connected_at=now,
            )
            connections.add(c, connection)
            collections.refresh(c, "ada", "ada", google.open().collections())
            collections.choose(c, "ada", WORK, [ANNA])
            connections.approve(c, "ada", 0)

    @property
    def person(self) -> Any:
        return self.google.user(ANNA)

    def run(self, outcome: RunOutcome = RunOutcome.DONE) -> None:
        self.shell.clock.forward(minutes=31)
        self.google.now = self.shell.clock()
        result = self.shell.sync("ada")
        assert result.outcome is outcome, result

    def settle(self) -> None:
        for _ in range(4):
            self.run()

    def written(self) -> int:
        return sum(row.method != "GET" for row in self.google.requests())

    def copies(self) -> dict[str, Json]:
        return {body["summary"]: body for body in self.person.events(WORK) if "summary" in body}

    def there(self, ref: str) -> Event | Series:
        seen = self.shell.host.see("ada", ref)
        assert isinstance(seen, HostItem)
        assert isinstance(seen.item, (Event, Series))
        return seen.item


@pytest.fixture
def passes() -> Iterator[Passes]:
    with World() as google:
        made = Passes(google)
        yield made
        made.shell.close()
        assert not google.sandbox.state.outbox


def wall(day: int, hour: int = 9) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02}T{hour:02}:00")


def test_a_source_becomes_blocks_and_a_host_event_a_copy(passes: Passes) -> None:
    passes.person.insert(timed("private", wall(10)))
    passes.shell.host.create("ada", event("public"))
    passes.run()
    assert [block.item.title for block in passes.shell.blocks("ada") if isinstance(block.item, Event)] == ["private"]
    assert set(passes.copies()) == {"public"}
    kinds = {(link.kind, link.state) for link in passes.shell.links("ada")}
    assert kinds == {(LinkKind.BLOCK, LinkState.LIVE), (LinkKind.EXPORT, LinkState.LIVE)}


def test_a_pass_without_news_is_one_request_a_calendar(passes: Passes) -> None:
    passes.person.insert(timed("private", wall(10), recurrence=["RRULE:FREQ=WEEKLY"]))
    passes.shell.host.create("ada", event("public"))
    passes.settle()
    passes.google.forget_requests()
    passes.run()
    assert [row.method for row in passes.google.requests(path="/events")] == ["GET", "GET"]


def test_edits_flow_both_ways_and_meet_field_by_field(passes: Passes) -> None:
    ref = passes.shell.host.create("ada", event("one"))
    passes.run()
    copy = passes.copies()["one"]["id"]
    passes.shell.host.edit("ada", ref, title="renamed here")
    passes.person.patch(copy, {"location": "moved there"}, WORK)
    passes.settle()
    item = passes.there(ref)
    assert isinstance(item, Event)
    assert (item.title, item.location) == ("renamed here", "moved there")
    shown = passes.copies()["renamed here"]
    assert (shown["id"], shown["location"]) == (copy, "moved there")


def test_a_series_with_exceptions_goes_there_and_comes_back(passes: Passes) -> None:
    host = passes.shell.host
    ref = host.create("ada", series())
    host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "other"))
    host.change_occurrence("ada", ref, occurrence(2), None)
    passes.run()
    master = passes.copies()["Series"]["id"]
    passes.person.patch(instance_id(master, occurrence(3).wall), {"summary": "theirs"}, WORK)
    host.change_occurrence("ada", ref, occurrence(4), moved(occurrence(4), "ours"))
    passes.settle()
    item = passes.there(ref)
    assert isinstance(item, Series)
    assert [o.event and o.event.title for o in item.overrides] == ["other", None, "theirs", "ours"]
    assert {"Series", "other", "theirs", "ours"} <= passes.copies().keys()
    assert [body["id"] for body in passes.person.events(WORK) if "recurrence" in body] == [master]


def test_deletions_flow_both_ways(passes: Passes) -> None:
    here = passes.shell.host.create("ada", event("deleted here"))
    passes.shell.host.create("ada", series("deleted there"))
    passes.run()
    passes.shell.host.delete("ada", here)
    passes.person.delete(passes.copies()["deleted there"]["id"], WORK)
    passes.settle()
    assert passes.copies() == {}
    assert passes.shell.host.all_of("ada") == {}
    assert passes.shell.links("ada") == []


def test_a_hostile_echo_is_written_to_once(passes: Passes) -> None:
    """HTML, zones, order and ETags come back otherwise: twenty passes, no write after the first."""
    passes.google.sandbox.state.knobs.hostile_echo = True
    passes.person.insert(timed("private", wall(11), description="a<br/>b &amp; c"))
    lines = "one\n\n two <three> & four"
    refs = [
        passes.shell.host.create("ada", event("single", description=lines)),
        passes.shell.host.create("ada", series()),
    ]
    passes.shell.host.change_occurrence("ada", refs[1], occurrence(1), moved(occurrence(1), "other"))
    passes.run()
    before = [passes.there(ref) for ref in refs]
    written = passes.written()
    for _ in range(PASSES):
        passes.run()
    assert passes.written() == written
    assert [passes.there(ref) for ref in refs] == before


def test_moving_between_calendars_keeps_one_event(passes: Passes) -> None:
    ref = passes.shell.host.create("ada", event("one"))
    passes.run()
    copy = passes.copies()["one"]["id"]
    passes.person.move(copy, WORK, ANNA)
    passes.settle()
    assert list(passes.shell.host.all_of("ada")) == [ref]
    everywhere = [*passes.person.events(WORK), *passes.person.events(ANNA)]
    assert [body["id"] for body in everywhere] == [copy]


@pytest.mark.parametrize("lost", ["drop_before", "drop_after", "truncate"])
def test_an_answer_that_did_not_come_doubles_nothing(passes: Passes, lost: Any) -> None:
    passes.google.sandbox.faults.add(lost, method="POST")
    ref = passes.shell.host.create("ada", event("one"))
    passes.shell.clock.forward(minutes=31)
    passes.shell.sync("ada")
    passes.settle()
    assert len(passes.person.events(WORK)) == 1
    assert list(passes.shell.host.all_of("ada")) == [ref]


def test_an_expired_token_and_a_window_that_moves_on_lose_nothing(passes: Passes) -> None:
    for day in range(10, 16):
        passes.person.insert(timed(f"private {day}", wall(day)))
    ref = passes.shell.host.create("ada", event("public"))
    passes.settle()
    written = passes.written()
    passes.google.sandbox.state.expire_sync_tokens()
    passes.settle()
    passes.shell.clock.forward(days=20)
    passes.settle()
    assert len(passes.shell.blocks("ada")) == 6
    assert passes.written() == written
    assert isinstance(passes.there(ref), Event)


def test_an_invitation_is_a_block_and_its_answer_stays_the_owners(passes: Passes) -> None:
    invitation = timed("meeting", wall(12), attendees=[{"email": ANNA}])
    passes.google.user(JONAS).insert(invitation)
    passes.settle()
    (block,) = passes.shell.blocks("ada")
    assert isinstance(block.item, Event)
    assert block.item.when == event("x", 12).when
    assert passes.person.events(ANNA)[0]["attendees"][0]["responseStatus"] == "needsAction"
    assert passes.written() == 0
