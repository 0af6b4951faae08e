"""Whole passes over Microsoft Graph's provider alone: its window, its tokens, and a service that is never silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.model.change import Found, HostItem
from marketplace_plugin.model.event import Event, Response, ShowAs
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.store import links
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, LinkState, RemoteShowing
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import event
from tests.laws.world import timed as timed_at
from tests.providers.graph.world import ANNA, BOSS
from tests.providers.passes.world import Passes, guest, passes_over, timed


@pytest.fixture
def passes() -> Iterator[Passes]:
    with passes_over("graph") as made:
        yield made


# --- the window ----------------------------------------------------------------------------------------------------


def beyond(title: str, day: int = 10) -> Event:
    """An event of 2028: the window ends a year after March 2026."""
    return replace(event(title, day), when=timed_at(datetime(2028, 3, day, 9)))  # noqa: DTZ001  # a wall time


def test_what_lies_beyond_the_window_is_asked_for_in_turn(passes: Passes) -> None:
    """The service tells nothing of it; after a week each has been asked for once, and a day costs two requests more."""
    passes.sandbox.state.knobs.outside_is_silent = True
    refs = {f"far {n}": passes.shell.host.create("ada", beyond(f"far {n}", n + 1)) for n in range(12)}
    passes.settle()
    copies = passes.copies
    passes.person.delete(copies["far 3"])
    passes.person.patch(copies["far 7"], {"location": {"displayName": "there"}})
    passes.run()
    assert isinstance(passes.there(refs["far 3"]), Event)  # nobody told
    asked = []
    for _ in range(7):
        passes.shell.clock.forward(days=1)
        passes.sandbox.log.clear()
        passes.run()
        asked.append(len([row for row in passes.world.requests() if not row.path.endswith("/delta")]))
        passes.sandbox.log.clear()
        passes.run()
        assert {row.path.rpartition("/")[2] for row in passes.world.requests()} <= {"delta"}
    assert not isinstance(passes.shell.host.see("ada", refs["far 3"]), HostItem)
    moved_there = passes.there(refs["far 7"])
    assert isinstance(moved_there, Event)
    assert moved_there.location == "there"
    assert len(passes.copies) == 11
    assert max(asked) <= 7, asked


def test_what_merely_leaves_the_window_is_not_deleted(passes: Passes) -> None:
    """Moved out of the window at the service, or left behind by time: asked for by id, and kept."""
    knobs = passes.sandbox.state.knobs
    near = passes.shell.host.create("ada", event("moved far away", 20))
    old = passes.shell.host.create("ada", event("soon over", 12))
    passes.settle()
    for reason in ("deleted", "changed"):
        knobs.removed_reason = reason
        edges = (("start", "09"), ("end", "10"))
        far = {name: {"dateTime": f"2029-05-01T{hour}:00:00", "timeZone": "UTC"} for name, hour in edges}
        passes.person.patch(passes.copies["moved far away"], far)
        passes.settle()
    passes.shell.clock.forward(days=60)
    passes.settle()
    assert set(passes.copies) == {"moved far away", "soon over"}
    moved_away, over = passes.there(near), passes.there(old)
    assert isinstance(moved_away, Event)
    assert isinstance(over, Event)
    assert moved_away.when == Timed(*(Zoned(datetime(2029, 5, 1, hour), "UTC") for hour in (9, 10)))  # noqa: DTZ001


@pytest.mark.parametrize(
    "code, status",
    [("SyncStateNotFound", 410), ("syncStateNotFound", 400), ("SyncStateInvalid", 400), ("resyncRequired", 410)],
)
def test_each_way_in_which_a_token_ends_is_a_snapshot(passes: Passes, code: str, status: int) -> None:
    passes.insert("private", 10)
    passes.shell.host.create("ada", event("public"))
    passes.settle()
    passes.person.delete(passes.person.insert(timed("short-lived", 11))["id"])
    passes.sandbox.state.expire_delta_tokens(code=code, status=status)
    passes.sandbox.log.clear()
    passes.run()
    begun = [row for row in passes.world.requests(path="delta") if dict(row.params).get("startDateTime")]
    assert len(begun) == 2  # each calendar reads from the beginning, once
    passes.settle()
    assert passes.written() == 0
    assert set(passes.copies) == {"public"}
    assert len(passes.shell.blocks("ada")) == 1


# --- a guest's own part --------------------------------------------------------------------------------------------


def test_a_guest_s_reminder_goes_there_although_the_service_is_never_silent(passes: Passes) -> None:
    """An invitation that was made visible here: what is his own is written, and nobody hears of it."""
    guests = [guest(ANNA)]
    passes.world.user(BOSS).insert(timed("invited", 11, attendees=guests))
    passes.sandbox.state.outbox.clear()
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
    guests = [guest(BOSS)]
    passes.person.insert(timed("organised", 11, attendees=guests))
    passes.sandbox.state.outbox.clear()
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
    passes.sandbox.state.knobs.keep_declined = kept
    ref = passes.shell.host.create("bob", event("theirs", 11), ["ada"])
    guests = [guest(ANNA)]
    passes.world.user(BOSS).insert(timed("theirs", 11, attendees=guests))
    passes.sandbox.state.outbox.clear()
    (mine,) = passes.person.events()
    (found,) = passes.world.open().fetch(passes.person.calendar().id, [mine["id"]])
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
    assert passes.copies == {}  # and no second copy is made of it
