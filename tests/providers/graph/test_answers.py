"""A guest's own part through Microsoft Graph: answers by action, told to nobody; what else he may write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from marketplace_plugin.model.change import Access, Found, Gone
from marketplace_plugin.model.event import Event, Response, Series, ShowAs
from marketplace_plugin.model.write import Applied, Delete, Refused, RefusedCode, Stale, Unanswered
from tests.providers.graph.world import ANNA, BOSS, JONAS, GraphServing, World, body_of
from tests.providers.serving import daily, fetch, meeting, push, stale, stored, update


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world
        assert not world.sandbox.state.outbox


@pytest.fixture
def serving(world: World) -> GraphServing:
    return GraphServing(world)


def invited(serving: GraphServing) -> Found:
    found = fetch(serving, serving.invite(serving.calendar, meeting("Einladung")))
    assert found.access is Access.ATTENDEE
    return found


def event_of(found: Found) -> Event:
    assert isinstance(found.item, Event)
    return found.item


def answered(found: Found, response: Response, **more: object) -> Event:
    return replace(event_of(found), response=response, **more)  # type: ignore[arg-type]  # fields of an event


def actions(world: World) -> list[tuple[str, object]]:
    rows = [*world.requests("POST"), *world.sandbox.requests("POST", batched=True)]
    return [(row.path.rpartition("/")[2], row.json) for row in rows if "/events/" in row.path]


@pytest.mark.parametrize(
    "response, action",
    [(Response.ACCEPTED, "accept"), (Response.TENTATIVE, "tentativelyAccept"), (Response.DECLINED, "decline")],
)
def test_an_answer_is_one_action_that_sends_nothing(
    serving: GraphServing, world: World, response: Response, action: str
) -> None:
    world.sandbox.state.knobs.keep_declined = True
    found = invited(serving)
    after = stored(*push(serving, update(found, answered(found, response), "op-u", "response")))
    assert event_of(after).response is response
    assert actions(world) == [(action, {"sendResponse": False})]
    (organized,) = world.user(BOSS).events()
    statuses = {guest["emailAddress"]["address"]: guest["status"]["response"] for guest in organized["attendees"]}
    assert statuses[ANNA] == "none"  # he is not told


def test_a_declined_event_that_is_thrown_away_is_done(serving: GraphServing) -> None:
    found = invited(serving)
    (outcome,) = push(serving, update(found, answered(found, Response.DECLINED), "op-u", "response"))
    assert outcome == Applied("op-u", found.id, None, None)
    assert list(serving.open().fetch(serving.calendar, [found.id])) == [Gone(found.id)]


def test_the_rest_is_written_over_what_the_answer_made(serving: GraphServing) -> None:
    """Accepting shows the time as busy; whoever wants it free gets that, although both come in one write."""
    found = invited(serving)
    wanted = answered(found, Response.ACCEPTED, show_as=ShowAs.FREE, reminder=45)
    after = stored(*push(serving, update(found, wanted, "op-u", "response", "show_as", "reminder")))
    for event in (event_of(after), event_of(fetch(serving, found.id))):
        assert (event.response, event.show_as, event.reminder) == (Response.ACCEPTED, ShowAs.FREE, 45)


def test_a_series_is_answered_whole(serving: GraphServing, world: World) -> None:
    guests = [{"type": "required", "emailAddress": {"address": address}} for address in (ANNA, JONAS)]
    rule = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": "2026-11-23", "numberOfOccurrences": 6},
    }
    world.user(BOSS).insert(body_of(daily().master) | {"recurrence": rule, "attendees": guests})
    world.sandbox.state.outbox.clear()
    (mine,) = world.user().events()
    found = fetch(serving, str(mine["id"]))
    assert isinstance(found.item, Series)
    wanted = replace(found.item, master=replace(found.item.master, response=Response.TENTATIVE))
    after = stored(*push(serving, update(found, wanted, "op-u", "response")))
    assert isinstance(after.item, Series)
    assert after.item.master.response is Response.TENTATIVE
    assert after.revision == fetch(serving, found.id).revision


def test_an_answer_over_an_unseen_change_is_not_given(serving: GraphServing, world: World) -> None:
    found = invited(serving)
    (outcome,) = push(serving, update(stale(found), answered(found, Response.ACCEPTED), "op-u", "response"))
    assert isinstance(outcome, Stale)
    assert actions(world) == []


def test_an_answer_cannot_be_taken_back(serving: GraphServing, world: World) -> None:
    found = invited(serving)
    found = stored(*push(serving, update(found, answered(found, Response.ACCEPTED), "op-u", "response")))
    (outcome,) = push(serving, update(found, answered(found, Response.NEEDS_ACTION), "op-v", "response"))
    assert outcome == Refused("op-v", RefusedCode.UNSUPPORTED)
    assert len(actions(world)) == 1


def test_an_answer_whose_answer_was_lost_is_unknown(serving: GraphServing, world: World) -> None:
    found = invited(serving)
    world.sandbox.faults.add("drop_after", method="POST", path="/accept")
    (outcome,) = push(serving, update(found, answered(found, Response.ACCEPTED), "op-u", "response"))
    assert outcome == Unanswered("op-u")
    assert event_of(fetch(serving, found.id)).response is Response.ACCEPTED


def test_a_reading_that_fails_after_the_answer_is_unknown(serving: GraphServing, world: World) -> None:
    found = invited(serving)
    world.sandbox.faults.add("status", method="GET", path="/events/", status=429, skip=1)
    (outcome,) = push(serving, update(found, answered(found, Response.ACCEPTED), "op-u", "response"))
    assert outcome == Unanswered("op-u")


def test_answers_go_out_together_too(serving: GraphServing, world: World) -> None:
    both = [invited(serving)]
    first = both[0].id
    serving.invite(serving.calendar, meeting("Noch eine", 24))
    (second,) = [str(body["id"]) for body in world.user().events() if body["id"] != first]
    both.append(fetch(serving, second))
    before = len(world.requests())
    outcomes = push(
        serving, *(update(f, answered(f, Response.ACCEPTED), f"op-{n}", "response") for n, f in enumerate(both))
    )
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    assert [row.path.rpartition("/")[2] for row in world.requests()[before + 1 :]] == ["$batch"] * 3


def test_throwing_an_invitation_away_tells_nobody(serving: GraphServing) -> None:
    found = invited(serving)
    (outcome,) = push(serving, Delete("op-d", found.id, found.revision))
    assert isinstance(outcome, Applied)
