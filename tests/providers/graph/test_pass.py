"""Whole passes over Microsoft Graph's provider, real HTTP in between: both ways, faults, and who is mailed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.model.change import Found, HostItem
from marketplace_plugin.model.event import Event, Response, Series, ShowAs
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.sandbox.graph.outlook import access
from marketplace_plugin.store import collections, connections, links
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, LinkState, RemoteShowing
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import World as Shell
from tests.laws.world import event, moved, occurrence, series
from tests.laws.world import timed as timed_at
from tests.providers.graph.world import ANNA, BOSS, Json, World

WORK = "Work"
PASSES = 20


class GraphPlugins:
    """Opens Microsoft Graph for each connection; the rest is as for the memory provider."""

    def __init__(self, graph: World, others: Any) -> None:
        self._graph, self._others = graph, others

    def open_provider(self, integration: str, session: Session) -> Provider:
        return self._graph.open()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._others, name)


class Passes:
    """Ada, whose account is Anna's: her default calendar is read, the calendar ``WORK`` is written."""

    def __init__(self, graph: World) -> None:
        self.graph, self.shell = graph, Shell()
        graph.now = self.shell.clock()
        state = graph.sandbox.state
        work = state.add_calendar(ANNA, WORK)
        self.work = next(s.id for s in access.calendars(state, ANNA) if s.calendar is work)
        object.__setattr__(self.shell.engine, "plugins", GraphPlugins(graph, self.shell.plugins))
        now = self.shell.clock()
        with self.shell.store.begin() as unit:
            c = unit.connection
            connection = Connection(
                id="ada",
                tenant="acme",
                user="ada",
                integration="office365",
                state=ConnectionState.CONNECTED,
                created_at=now,
                account_key="anna",
                connected_at=now,
            )
            connections.add(c, connection)
            collections.refresh(c, "ada", "ada", graph.open().collections())
            collections.choose(c, "ada", self.work, [self.person.calendar().id])
            connections.approve(c, "ada", 0)

    @property
    def person(self) -> Any:
        return self.graph.user(ANNA)

    def run(self, outcome: RunOutcome = RunOutcome.DONE) -> None:
        self.shell.clock.forward(minutes=31)
        self.graph.now = self.shell.clock()
        result = self.shell.sync("ada")
        assert result.outcome is outcome, result

    def settle(self) -> None:
        for _ in range(4):
            self.run()

    def written(self) -> int:
        return sum(r.method != "GET" and not r.path.endswith("$batch") for r in self.graph.requests())

    def copies(self) -> dict[str, Json]:
        return {body["subject"]: body for body in self.person.events(WORK)}

    def there(self, ref: str) -> Event | Series:
        seen = self.shell.host.see("ada", ref)
        assert isinstance(seen, HostItem)
        assert isinstance(seen.item, (Event, Series))
        return seen.item


@pytest.fixture
def passes() -> Iterator[Passes]:
    with World() as graph:
        made = Passes(graph)
        yield made
        made.shell.close()
        assert not graph.sandbox.state.outbox


def timed(subject: str, day: int, hour: int = 9, **more: Any) -> Json:
    start = datetime.fromisoformat(f"2026-03-{day:02}T{hour:02}:00")
    zone = {"timeZone": "W. Europe Standard Time"}
    end = start + timedelta(hours=1)
    edges = {"start": {"dateTime": start.isoformat(), **zone}, "end": {"dateTime": end.isoformat(), **zone}}
    return {"subject": subject, **edges, **more}


def test_a_source_becomes_blocks_and_a_host_event_a_copy(passes: Passes) -> None:
    passes.person.insert(timed("private", 10))
    passes.shell.host.create("ada", event("public"))
    passes.run()
    assert [block.item.title for block in passes.shell.blocks("ada") if isinstance(block.item, Event)] == ["private"]
    assert set(passes.copies()) == {"public"}
    kinds = {(link.kind, link.state) for link in passes.shell.links("ada")}
    assert kinds == {(LinkKind.BLOCK, LinkState.LIVE), (LinkKind.EXPORT, LinkState.LIVE)}


def test_a_pass_without_news_is_one_request_a_calendar(passes: Passes) -> None:
    passes.person.insert(timed("private", 10))
    passes.shell.host.create("ada", event("public"))
    passes.settle()
    passes.graph.sandbox.log.clear()
    passes.run()
    assert [row.path.rpartition("/")[2] for row in passes.graph.requests(path="/me/calendars/")] == ["delta", "delta"]


def test_edits_flow_both_ways_and_meet_field_by_field(passes: Passes) -> None:
    ref = passes.shell.host.create("ada", event("one"))
    passes.run()
    copy = passes.copies()["one"]["id"]
    passes.shell.host.edit("ada", ref, title="renamed here")
    passes.person.patch(copy, {"location": {"displayName": "moved there"}})
    passes.settle()
    item = passes.there(ref)
    assert isinstance(item, Event)
    assert (item.title, item.location) == ("renamed here", "moved there")
    shown = passes.copies()["renamed here"]
    assert (shown["id"], shown["location"]["displayName"]) == (copy, "moved there")


def test_a_series_with_exceptions_goes_there_and_comes_back(passes: Passes) -> None:
    host = passes.shell.host
    ref = host.create("ada", series())
    host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "other"))
    host.change_occurrence("ada", ref, occurrence(2), None)
    passes.run()
    master = passes.copies()["Series"]["id"]
    there = passes.person.occurrence(master, occurrence(3).wall.date().isoformat())
    passes.person.patch(there["id"], {"subject": "theirs"})
    host.change_occurrence("ada", ref, occurrence(4), moved(occurrence(4), "ours"))
    passes.settle()
    item = passes.there(ref)
    assert isinstance(item, Series)
    assert [o.event and o.event.title for o in item.overrides] == ["other", None, "theirs", "ours"]


def test_deletions_flow_both_ways(passes: Passes) -> None:
    here = passes.shell.host.create("ada", event("deleted here"))
    there = passes.shell.host.create("ada", event("deleted there"))
    passes.settle()
    passes.shell.host.delete("ada", here)
    passes.person.delete(passes.copies()["deleted there"]["id"])
    passes.settle()
    assert passes.copies() == {}
    assert not isinstance(passes.shell.host.see("ada", there), HostItem)


@pytest.mark.parametrize("knob", ["late_bump", "delta_duplicates", "delta_replays", "delta_without_masters"])
def test_twenty_passes_write_nothing_after_the_first(passes: Passes, knob: str) -> None:
    setattr(passes.graph.sandbox.state.knobs, knob, True)
    passes.person.insert(timed("private", 10))
    passes.shell.host.create("ada", event("public", description="a  b\r\n c \n"))
    passes.shell.host.create("ada", series())
    passes.settle()
    before = passes.written()
    for _ in range(PASSES):
        passes.run()
    assert passes.written() == before
    assert len(passes.copies()) == 2


def test_an_expired_token_loses_and_doubles_nothing(passes: Passes) -> None:
    passes.person.insert(timed("private", 10))
    passes.shell.host.create("ada", event("public"))
    passes.settle()
    before = passes.written()
    passes.graph.sandbox.state.expire_delta_tokens()
    passes.settle()
    assert passes.written() == before
    assert set(passes.copies()) == {"public"}
    assert len(passes.shell.blocks("ada")) == 1


@pytest.mark.parametrize("lost", ["drop_before", "drop_after", "truncate"])
def test_an_answer_that_did_not_come_doubles_nothing(passes: Passes, lost: Any) -> None:
    passes.graph.sandbox.faults.add(lost, method="POST", path="/events")
    ref = passes.shell.host.create("ada", event("one"))
    passes.shell.clock.forward(minutes=31)
    passes.shell.sync("ada")
    passes.settle()
    assert len(passes.person.events(WORK)) == 1
    assert list(passes.shell.host.all_of("ada")) == [ref]


def test_moving_between_calendars_keeps_one_event(passes: Passes) -> None:
    ref = passes.shell.host.create("ada", event("one"))
    passes.run()
    copy = passes.copies()["one"]["id"]
    passes.person.move(copy, passes.person.calendar().id)
    passes.settle()
    assert list(passes.shell.host.all_of("ada")) == [ref]
    everywhere = [*passes.person.events(WORK), *passes.person.events()]
    assert [body["id"] for body in everywhere] == [copy]


def test_a_window_that_moves_on_loses_nothing(passes: Passes) -> None:
    for day in range(10, 16):
        passes.person.insert(timed(f"private {day}", day))
    ref = passes.shell.host.create("ada", event("public"))
    passes.settle()
    written = passes.written()
    passes.shell.clock.forward(days=20)
    passes.settle()
    assert len(passes.shell.blocks("ada")) == 6
    assert passes.written() == written
    assert isinstance(passes.there(ref), Event)


def test_an_invitation_is_a_block_and_nobody_hears_of_it(passes: Passes) -> None:
    guests = [{"type": "required", "emailAddress": {"address": ANNA}}]
    passes.graph.user(BOSS).insert(timed("invited", 11, attendees=guests))
    passes.graph.sandbox.state.outbox.clear()
    passes.settle()
    assert len(passes.shell.blocks("ada")) == 1
    assert passes.written() == 0


# --- the window ----------------------------------------------------------------------------------------------------


def beyond(title: str, day: int = 10) -> Event:
    """An event of 2028: the window ends a year after March 2026."""
    return replace(event(title, day), when=timed_at(datetime(2028, 3, day, 9)))  # noqa: DTZ001  # a wall time


def test_what_lies_beyond_the_window_is_asked_for_in_turn(passes: Passes) -> None:
    """The service tells nothing of it; after a week each has been asked for once, and a day costs one request more."""
    passes.graph.sandbox.state.knobs.outside_is_silent = True
    refs = {f"far {n}": passes.shell.host.create("ada", beyond(f"far {n}", n + 1)) for n in range(12)}
    passes.settle()
    copies = passes.copies()
    passes.person.delete(copies["far 3"]["id"])
    passes.person.patch(copies["far 7"]["id"], {"location": {"displayName": "there"}})
    passes.run()
    assert isinstance(passes.there(refs["far 3"]), Event)  # nobody told
    asked = []
    for _ in range(7):
        passes.shell.clock.forward(days=1)
        passes.graph.sandbox.log.clear()
        passes.run()
        asked.append(len([row for row in passes.graph.requests() if not row.path.endswith("/delta")]))
        passes.graph.sandbox.log.clear()
        passes.run()
        assert {row.path.rpartition("/")[2] for row in passes.graph.requests()} <= {"delta"}
    assert not isinstance(passes.shell.host.see("ada", refs["far 3"]), HostItem)
    moved_there = passes.there(refs["far 7"])
    assert isinstance(moved_there, Event)
    assert moved_there.location == "there"
    assert len(passes.copies()) == 11
    assert max(asked) <= 6, asked


def test_what_merely_leaves_the_window_is_not_deleted(passes: Passes) -> None:
    """Moved out of the window at the service, or left behind by time: asked for by id, and kept."""
    knobs = passes.graph.sandbox.state.knobs
    near = passes.shell.host.create("ada", event("moved far away", 20))
    old = passes.shell.host.create("ada", event("soon over", 12))
    passes.settle()
    for reason in ("deleted", "changed"):
        knobs.removed_reason = reason
        edges = (("start", "09"), ("end", "10"))
        far = {name: {"dateTime": f"2029-05-01T{hour}:00:00", "timeZone": "UTC"} for name, hour in edges}
        passes.person.patch(passes.copies()["moved far away"]["id"], far)
        passes.settle()
    passes.shell.clock.forward(days=60)
    passes.settle()
    assert set(passes.copies()) == {"moved far away", "soon over"}
    moved_away, over = passes.there(near), passes.there(old)
    assert isinstance(moved_away, Event)
    assert isinstance(over, Event)
    assert moved_away.when == Timed(*(Zoned(datetime(2029, 5, 1, hour), "UTC") for hour in (9, 10)))  # noqa: DTZ001


@pytest.mark.parametrize(
    "code, status",
    [("SyncStateNotFound", 410), ("syncStateNotFound", 400), ("SyncStateInvalid", 400), ("resyncRequired", 410)],
)
def test_each_way_in_which_a_token_ends_is_a_snapshot(passes: Passes, code: str, status: int) -> None:
    passes.person.insert(timed("private", 10))
    passes.shell.host.create("ada", event("public"))
    passes.settle()
    passes.person.delete(passes.person.insert(timed("short-lived", 11))["id"])
    passes.graph.sandbox.state.expire_delta_tokens(code=code, status=status)
    passes.graph.sandbox.log.clear()
    passes.run()
    begun = [row for row in passes.graph.requests(path="delta") if dict(row.params).get("startDateTime")]
    assert len(begun) == 2  # each calendar reads from the beginning, once
    passes.settle()
    assert passes.written() == 0
    assert set(passes.copies()) == {"public"}
    assert len(passes.shell.blocks("ada")) == 1


# --- a guest's own part --------------------------------------------------------------------------------------------


def test_a_guest_s_reminder_goes_there_although_the_service_is_never_silent(passes: Passes) -> None:
    """An invitation that was made visible here: what is his own is written, and nobody hears of it."""
    guests = [{"type": "required", "emailAddress": {"address": ANNA}}]
    passes.graph.user(BOSS).insert(timed("invited", 11, attendees=guests))
    passes.graph.sandbox.state.outbox.clear()
    passes.settle()
    (link,) = passes.shell.links("ada")
    person = passes.shell.host.person("ada")
    assert person is not None
    ref = convert(passes.shell.engine, person, link.id)
    passes.shell.host.edit("ada", ref, show_as=ShowAs.FREE, reminder=45)
    passes.settle()
    (mine,) = passes.person.events()
    assert (mine["showAs"], mine["reminderMinutesBeforeStart"], mine["subject"]) == ("free", 45, "invited")
    (link,) = passes.shell.links("ada")
    assert (link.kind, link.state) == (LinkKind.CONVERTED, LinkState.LIVE)
    before = passes.written()
    passes.settle()
    assert passes.written() == before


def test_an_organised_meeting_with_guests_is_not_written(passes: Passes) -> None:
    """The user's own meeting there: Graph would mail its guests, so the change waits with its reason."""
    guests = [{"type": "required", "emailAddress": {"address": BOSS}}]
    passes.person.insert(timed("organised", 11, attendees=guests))
    passes.graph.sandbox.state.outbox.clear()
    passes.settle()
    (link,) = passes.shell.links("ada")
    person = passes.shell.host.person("ada")
    assert person is not None
    ref = convert(passes.shell.engine, person, link.id)
    passes.shell.host.edit("ada", ref, title="renamed here")
    for _ in range(3):
        passes.shell.clock.forward(minutes=31)
        passes.shell.sync("ada")
    assert [event["subject"] for event in passes.person.events()] == ["organised"]
    (link,) = passes.shell.links("ada")
    assert (link.state, link.reason) == (LinkState.PARKED, Reason.WOULD_MAIL)
    assert passes.written() == 0


@pytest.mark.parametrize("kept", [True, False], ids=["declined events are kept", "declined events are thrown away"])
@pytest.mark.parametrize("answer", [Response.ACCEPTED, Response.DECLINED])
def test_an_answer_that_is_given_here_goes_there_in_silence(passes: Passes, answer: Response, kept: bool) -> None:
    """Bob's meeting, to which Ada has an invitation at the service: her answer here is her answer there."""
    passes.graph.sandbox.state.knobs.keep_declined = kept
    ref = passes.shell.host.create("bob", event("theirs", 11), ["ada"])
    guests = [{"type": "required", "emailAddress": {"address": ANNA}}]
    passes.graph.user(BOSS).insert(timed("theirs", 11, attendees=guests))
    passes.graph.sandbox.state.outbox.clear()
    (mine,) = passes.person.events()
    (found,) = passes.graph.open().fetch(passes.person.calendar().id, [mine["id"]])
    here = passes.shell.host.see("ada", ref)
    assert isinstance(found, Found)
    assert isinstance(here, HostItem)
    tied = Link(
        id="tied",
        kind=LinkKind.EXPORT,
        user="ada",
        connection="ada",
        collection=passes.person.calendar().id,
        remote_id=found.id,
        host_kind=Kind.EVENT,
        host_ref=ref,
        uid=found.uid,
        organised=False,
        access=found.access,
        remote=RemoteShowing(found.revision, ""),
        host=HostShowing(here.version, ""),
        base=here.item,
        remote_base=found.item,
    )
    with passes.shell.store.begin() as unit:
        links.put(unit.connection, [tied], passes.shell.clock())
    passes.settle()
    passes.shell.host.respond("ada", ref, answer)
    passes.settle()
    shown = {body["responseStatus"]["response"] for body in passes.person.events()}
    thrown_away = answer is Response.DECLINED and not kept
    assert shown == (set() if thrown_away else {answer.value})
    (link,) = passes.shell.links("ada")
    assert link.state is (LinkState.DECLINED if thrown_away else LinkState.LIVE)
    still = passes.there(ref)
    assert isinstance(still, Event)
    assert still.response is answer
    assert passes.copies() == {}  # and no second copy is made of it
