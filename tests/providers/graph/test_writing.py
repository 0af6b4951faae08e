"""Writing to Microsoft Graph: silent, guarded, repeatable; series that forget what became of their occurrences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Override, Series, Status
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
)
from tests.providers.graph.world import GraphServing, World
from tests.providers.serving import STAMP, at, daily, equal, fetch, made, meeting, pull, push, stored, update

GUEST = (Attendee("guest@elsewhere.example"),)
TWO = (Override(at(24, 9), meeting("eins", 24, 15)), Override(at(26, 9), None))


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world
        assert not world.sandbox.state.outbox
        for row in [*world.requests(path="/events"), *world.sandbox.requests(path="/events", batched=True)]:
            assert b"attendees" not in row.body
            assert b"isOnlineMeeting" not in row.body


@pytest.fixture
def serving(world: World) -> GraphServing:
    return GraphServing(world)


def renamed(item: Any, title: str) -> Any:
    if isinstance(item, Series):
        return replace(item, master=replace(item.master, title=title))
    return replace(item, title=title)


# --- creating ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, 400, 409])
def test_a_repeated_creation_finds_what_is_there(serving: GraphServing, world: World, status: int | None) -> None:
    world.sandbox.state.knobs.duplicate_transaction_status = status
    series = daily("Stand-up", *TWO)
    first = [made(serving, meeting(), "op-1"), made(serving, series, "op-2", Stamp("instance-1", "link-2"))]
    again = [made(serving, meeting(), "op-1"), made(serving, series, "op-2", Stamp("instance-1", "link-2"))]
    assert [f.id for f in again] == [f.id for f in first]
    assert [f.revision for f in again] == [f.revision for f in first]
    assert len(pull(serving).found()) == 2


def test_a_series_that_was_created_half_way_is_finished(serving: GraphServing, world: World) -> None:
    world.sandbox.faults.add("status", method="PATCH", path="/events/", status=500)
    (outcome,) = push(serving, Create("op-1", STAMP, daily("Stand-up", *TWO)))
    assert isinstance(outcome, Partial)
    assert outcome.left == ("2026-11-24T09:00:00",)
    (found,) = serving.open().find(serving.calendar, [STAMP])[STAMP]
    assert outcome.current == found
    after = made(serving, daily("Stand-up", *TWO))
    assert after.id == found.id
    assert equal(serving, after.item, daily("Stand-up", *TWO))


def test_a_repeat_that_a_person_edited_is_stale(serving: GraphServing) -> None:
    first = made(serving, daily())
    serving.change_occurrence(serving.calendar, first.id, at(25, 9), meeting("von Hand", 25, 16))
    (outcome,) = push(serving, Create("op-1", STAMP, daily()))
    assert isinstance(outcome, Stale)
    assert outcome.current == fetch(serving, first.id)


@pytest.mark.parametrize(
    "rule",
    ["FREQ=MONTHLY;BYMONTHDAY=23,24", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=HOURLY", "FREQ=WEEKLY;BYDAY=TU;COUNT=3"],
)
def test_what_cannot_be_said_is_refused_and_not_written(serving: GraphServing, rule: str) -> None:
    (outcome,) = push(serving, Create("op-1", STAMP, daily(rule=rule)))
    assert outcome == Refused("op-1", RefusedCode.UNSUPPORTED)
    assert serving.writes() == 0


@pytest.mark.parametrize(
    "overrides",
    [
        [Override(at(24, 9), meeting("x", 26, 15))],
        [Override(at(24, 9), Event(when=Timed(at(24, 9, year=2024), at(24, 10, year=2024))))],
        [
            Override(at(23, 9), meeting("past the other's new day", 28, 9)),
            Override(at(30, 9), meeting("earlier", 27, 9)),
        ],
    ],
    ids=["past-a-neighbour", "far-away", "past-each-other"],
)
def test_an_occurrence_that_passes_its_neighbour_is_refused_before_anything_is_written(
    serving: GraphServing, overrides: list[Override]
) -> None:
    rule = "FREQ=WEEKLY;COUNT=4" if len(overrides) == 2 else "FREQ=DAILY;COUNT=6"
    (outcome,) = push(serving, Create("op-1", STAMP, daily("x", *overrides, rule=rule)))
    assert outcome == Refused("op-1", RefusedCode.UNSUPPORTED)
    assert serving.writes() == 0


def test_an_unknown_reminder_is_left_to_the_calendar(serving: GraphServing, world: World) -> None:
    found = made(serving, meeting(reminder=UNKNOWN))
    assert isinstance(found.item, Event)
    assert found.item.reminder == 15
    assert "isReminderOn" not in world.requests("POST", "/events")[0].json


def test_a_cancelled_event_is_not_made(serving: GraphServing) -> None:
    cancelled = replace(meeting(), status=Status.CANCELLED)
    (outcome,) = push(serving, Create("op-2", STAMP, cancelled))
    assert outcome == Refused("op-2", RefusedCode.UNSUPPORTED)
    assert serving.writes() == 0


def test_a_zone_that_windows_does_not_know_keeps_the_instant(serving: GraphServing) -> None:
    there = Zoned(at(23, 9).wall, "Antarctica/Troll")
    found = made(serving, Event(when=Timed(there, there), title="fern " * 60, status=Status.TENTATIVE))
    assert isinstance(found.item, Event)
    assert isinstance(found.item.when, Timed)
    assert found.item.when.start.instant() == there.instant()


# --- guests and online meetings ------------------------------------------------------------------------------------


def test_a_meeting_with_guests_is_not_written(serving: GraphServing) -> None:
    created = serving.create(serving.calendar, meeting("mit Gästen", attendees=GUEST))
    found = fetch(serving, created)
    before = serving.writes()
    for changes in ({"title": "neu"}, {"reminder": 5}, {"when": meeting("", 24).when}):
        item = replace(found.item, **changes)
        assert push(serving, update(found, item)) == [Refused("op-u", RefusedCode.WOULD_MAIL)]
    assert push(serving, Delete("op-d", created, found.revision)) == [Refused("op-d", RefusedCode.WOULD_MAIL)]
    assert serving.writes() == before


def test_a_series_with_a_guest_of_one_occurrence_is_not_written(serving: GraphServing, world: World) -> None:
    """The series itself shows none (microsoft-graph-docs#1795), and he would be mailed about it all the same."""
    found = made(serving, daily())
    invite_to_one(world, found.id)
    now = fetch(serving, found.id)
    assert isinstance(now.item, Series)
    (override,) = now.item.overrides
    assert override.event is not None
    assert [guest.address for guest in override.event.attendees or ()] == ["guest@elsewhere.example"]  # type: ignore[union-attr]  # known
    renamed = replace(now.item, master=replace(now.item.master, title="neu"))
    cancelled = replace(now.item, overrides=(Override(at(25, 9), None),))
    for item in (renamed, cancelled):
        assert push(serving, update(now, item)) == [Refused("op-u", RefusedCode.WOULD_MAIL)]
    assert push(serving, Delete("op-d", now.id, now.revision)) == [Refused("op-d", RefusedCode.WOULD_MAIL)]
    world.sandbox.state.outbox.remove(world.sandbox.state.outbox[0])  # the person's own
    assert not world.sandbox.state.outbox


def test_what_was_made_and_has_a_guest_since_is_stale(serving: GraphServing, world: World) -> None:
    """A creation that is repeated goes on with its single occurrences, and finds somebody there."""
    item = daily("Runde", *(Override(at(day, 9), meeting("anders", day)) for day in (24, 25)))
    world.sandbox.faults.add("status", method="GET", path="/instances", status=500, skip=1)
    (first,) = push(serving, Create("op-1", STAMP, item))
    assert isinstance(first, Partial | Unanswered)
    (created,) = world.user().events()
    invite_to_one(world, str(created["id"]))
    world.sandbox.state.outbox.clear()
    (again,) = push(serving, Create("op-1", STAMP, item))
    assert isinstance(again, Stale)
    assert not world.sandbox.state.outbox


def invite_to_one(world: World, series: str) -> None:
    guest = {"type": "required", "emailAddress": {"address": "guest@elsewhere.example"}}
    occurrence = world.user().occurrence(series, "2026-11-24")
    world.user().patch(str(occurrence["id"]), {"attendees": [guest]})


def test_guests_who_came_since_make_it_stale(serving: GraphServing, world: World) -> None:
    found = made(serving, meeting())
    guests = [{"type": "required", "emailAddress": {"address": "guest@elsewhere.example"}}]
    world.user().patch(found.id, {"attendees": guests})
    world.sandbox.state.outbox.clear()
    (changed,) = push(serving, update(found, renamed(found.item, "neu")))
    (deleted,) = push(serving, Delete("op-d", found.id, found.revision))
    assert isinstance(changed, Stale)
    assert isinstance(deleted, Stale)


def test_a_guest_deletes_his_copy_in_silence(serving: GraphServing) -> None:
    created = serving.invite(serving.calendar, meeting("Einladung"))
    found = fetch(serving, created)
    assert push(serving, Delete("op-d", created, found.revision)) == [Applied("op-d", created, None, None)]


def test_the_text_of_an_online_meeting_is_left_whole(serving: GraphServing, world: World) -> None:
    found = made(serving, meeting("online", description="Text"))
    world.user().patch(found.id, {"isOnlineMeeting": True})
    now = fetch(serving, found.id)
    assert isinstance(now.item, Event)
    assert now.item.conference.startswith("https://")
    (refused,) = push(serving, update(now, replace(now.item, description="neu")))
    assert refused == Refused("op-u", RefusedCode.UNSUPPORTED)
    after = stored(*push(serving, update(now, replace(now.item, title="neu"), "op-v")))
    assert isinstance(after.item, Event)
    assert (after.item.conference, after.item.description) == (now.item.conference, now.item.description)


# --- preconditions and answers that do not come --------------------------------------------------------------------


def test_change_keys_that_move_late_are_no_edit(serving: GraphServing, world: World) -> None:
    world.sandbox.state.knobs.late_bump = True
    found = made(serving, daily("Stand-up", *TWO))
    now = fetch(serving, found.id)
    assert now.item == found.item
    after = stored(*push(serving, update(now, renamed(now.item, "neu"))))
    assert equal(serving, after.item, daily("neu", *TWO))


def test_an_edit_between_reading_and_writing_is_not_overwritten(serving: GraphServing, world: World) -> None:
    found = made(serving, meeting())
    world.sandbox.faults.add("bump_etag", method="GET", path=f"/events/{found.id[:20]}")
    (outcome,) = push(serving, update(found, renamed(found.item, "neu")))
    assert isinstance(outcome, Applied | Stale)


@pytest.mark.parametrize("action, kind", [("drop_after", Unanswered), ("drop_before", Unanswered)])
def test_a_lost_answer_is_unknown(serving: GraphServing, world: World, action: Any, kind: type) -> None:
    found = made(serving, meeting())
    world.sandbox.faults.add(action, method="PATCH", path="/events/")
    (outcome,) = push(serving, update(found, renamed(found.item, "neu")))
    assert isinstance(outcome, kind)


# --- series --------------------------------------------------------------------------------------------------------


def test_a_reshaped_series_gets_its_occurrences_anew(serving: GraphServing) -> None:
    found = made(serving, daily("Stand-up", *TWO))
    longer = daily("Stand-up", *TWO, rule="FREQ=DAILY;COUNT=9")
    after = stored(*push(serving, update(found, longer, "op-u", "rule")))
    assert equal(serving, after.item, longer)
    assert fetch(serving, found.id).revision == after.revision


def test_a_reshape_that_stops_half_way_is_partial_and_can_be_finished(serving: GraphServing, world: World) -> None:
    found = made(serving, daily("Stand-up", *TWO))
    longer = daily("Stand-up", *TWO, rule="FREQ=DAILY;COUNT=9")
    world.sandbox.faults.add("status", method="DELETE", path="/events/", status=500)
    (outcome,) = push(serving, update(found, longer, "op-u", "rule"))
    assert isinstance(outcome, Partial)
    assert outcome.left == ("2026-11-26T09:00:00", "2026-11-24T09:00:00")
    assert outcome.current is not None
    (outcome,) = push(serving, update(outcome.current, longer, "op-v", "overrides"))
    assert equal(serving, stored(outcome).item, longer)


def test_a_new_title_sends_no_rule(serving: GraphServing, world: World) -> None:
    found = made(serving, daily("alt", *TWO))
    before = len(world.requests("PATCH"))
    stored(*push(serving, update(found, renamed(found.item, "neu"), "op-u", "title")))
    (row,) = world.requests("PATCH")[before:]
    assert row.json == {"subject": "neu"}


def test_a_new_text_of_one_occurrence_sends_that_alone(serving: GraphServing, world: World) -> None:
    found = made(serving, daily("Stand-up", *TWO))
    assert isinstance(found.item, Series)
    overrides = (Override(at(24, 9), meeting("zwei", 24, 15)), TWO[1])
    before = len(world.requests("PATCH"))
    stored(*push(serving, update(found, replace(found.item, overrides=overrides), "op-u", "overrides")))
    (row,) = world.requests("PATCH")[before:]
    assert row.json == {"subject": "zwei"}


def test_a_rule_that_cannot_be_said_leaves_the_series(serving: GraphServing) -> None:
    found = made(serving, daily("Stand-up", *TWO))
    item = replace(daily("Stand-up"), rule=RecurrenceRule.parse("FREQ=HOURLY;COUNT=3"))
    assert push(serving, update(found, item, "op-u", "rule")) == [Refused("op-u", RefusedCode.UNSUPPORTED)]
    assert fetch(serving, found.id) == found


def test_what_somebody_writes_meanwhile_is_not_taken_for_ours(
    serving: GraphServing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketplace_plugin.providers.graph.attempt import Attempt

    found = made(serving, daily("Stand-up"))
    item = daily("Stand-up", TWO[0])
    plain = Attempt.patch

    def edited_right_after(attempt: Attempt, event: str, etag: str, body: Any) -> Any:
        reply = yield from plain(attempt, event, etag, body)
        world.user().patch(found.id, {"subject": "von Hand"})
        return reply

    monkeypatch.setattr(Attempt, "patch", edited_right_after)
    after = stored(*push(serving, update(found, item, "op-u", "overrides")))
    assert isinstance(after.item, Series)
    assert after.item.master.title == "Stand-up"
    assert after.revision != fetch(serving, found.id).revision
