"""Calendars, masked events, items by id and by stamp, refusals; over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest

from marketplace_plugin.errors import ContractViolation, PermissionDenied, Throttled, Unavailable
from marketplace_plugin.model.change import Access, Found, Gone, Tombstone
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import UNKNOWN
from marketplace_plugin.model.time import Timed, Zoned
from tests.providers.google.world import (
    ANNA,
    JONAS,
    TEAM,
    WEEKLY,
    Json,
    World,
    at,
    changes,
    cursor,
    event_of,
    found,
    gone,
    instance_id,
    pages,
    series_of,
    stamp,
    timed,
    wall,
    when,
)
from tests.providers.world import WINDOW


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def test_the_last_page_of_the_calendars_may_be_empty(world: World) -> None:
    google = world.open()
    call, pages_ = google._client.call, [{"items": [{"id": ANNA, "accessRole": "owner"}], "nextPageToken": "2"}, {}]
    google._client.call = lambda *_, **__: pages_.pop(0)  # type: ignore[method-assign]
    assert [info.id for info in google.collections()] == [ANNA]
    pages_ += [{}]
    with pytest.raises(ContractViolation):
        google.collections()
    google._client.call = call  # type: ignore[method-assign]


# --- calendars -----------------------------------------------------------------------------------------------------


def test_every_calendar_with_its_role(world: World) -> None:
    state = world.sandbox.state
    state.add_calendar(JONAS, calendar_id=TEAM, summary="Team", time_zone="America/New_York")
    state.set_role(TEAM, ANNA, "writerWithoutPrivateAccess")
    state.set_role(JONAS, ANNA, "freeBusyReader")
    for number in range(255):  # more than a page
        state.add_calendar(ANNA, calendar_id=f"c{number}@group.calendar.google.com", summary=f"C {number}")
    state.lists[ANNA][TEAM].hidden = True
    state.lists[ANNA][TEAM].summary_override = "Our team"
    listed = {info.id: info for info in world.open().collections()}
    assert len(listed) == 258
    own, team, jonas = listed[ANNA], listed[TEAM], listed[JONAS]
    assert (own.role, own.primary, own.masked, own.can_be_target, own.shared_by) == (Role.OWNER, True, False, True, "")
    assert (team.role, team.masked, team.can_be_target) == (Role.MASKED_WRITER, True, False)
    assert (team.title, team.zone, team.shared_by) == ("Our team", "America/New_York", JONAS)
    assert (jonas.role, jonas.masked, jonas.shared_by) == (Role.FREE_BUSY, True, JONAS)
    assert own.capabilities.move
    assert not team.capabilities.move


# --- masked --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["freeBusyReader", "reader", "writerWithoutPrivateAccess"])
def test_masked_events_are_unknown(world: World, role: str) -> None:
    world.sandbox.state.set_role(JONAS, ANNA, role)
    world.user(JONAS).insert(timed("Secret", wall(20), visibility="private", description="Hidden"))
    (item,) = found(changes(pages(world.open(), collection=JONAS))).values()
    event = event_of(item)
    assert event.title is event.description is event.location is event.attendees is UNKNOWN
    assert item.access is Access.NONE


def test_a_series_of_a_free_busy_calendar_is_whole(world: World) -> None:
    """Where the service tells it as such: free/busy hides the iCalUID, so the parts are put together from the list."""
    world.sandbox.state.knobs.free_busy_series = True
    world.sandbox.state.set_role(JONAS, ANNA, "freeBusyReader")
    user = world.user(JONAS)
    master = user.insert(timed("Secret", wall(2), recurrence=WEEKLY))
    user.delete(instance_id(master["id"], wall(16)))
    user.insert(timed("Secret, too", wall(20)))
    google = world.open()
    world.sandbox.state.knobs.max_page_size = 1
    read = pages(google, collection=JONAS)
    assert [o.event for o in series_of(found(changes(read))[master["id"]]).overrides] == [None]
    assert len(changes(read)) == 2
    user.patch(instance_id(master["id"], wall(23)), timed("Secret", wall(24)))
    delta = pages(google, cursor(read), JONAS)
    overrides = series_of(found(changes(delta))[master["id"]]).overrides
    assert [o.event and o.event.when for o in overrides] == [None, when(wall(24))]
    (whole,) = google.fetch(JONAS, [master["id"]])
    assert isinstance(whole, Found)
    assert whole.item == found(changes(delta))[master["id"]].item


def test_the_days_of_a_series_of_a_free_busy_calendar_are_events(world: World) -> None:
    """As the service tells them: each by itself, with the id of a series that nobody may read."""
    world.sandbox.state.set_role(JONAS, ANNA, "freeBusyReader")
    user = world.user(JONAS)
    master = user.insert(timed("Secret", wall(2), recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"]))["id"]
    user.delete(instance_id(master, wall(16)))
    google = world.open()
    world.sandbox.state.knobs.max_page_size = 1
    read = pages(google, collection=JONAS)
    days = {instance_id(master, wall(day)) for day in (2, 9, 23, 30)}
    told = found(changes(read))
    assert set(told) == days
    assert {item.access for item in told.values()} == {Access.NONE}
    assert all(event_of(item).title is UNKNOWN for item in told.values())
    assert google.fetch(JONAS, sorted(days)) == [told[day] for day in sorted(days)]
    moved = instance_id(master, wall(23))
    user.patch(moved, timed("Secret", wall(24)))
    delta = pages(google, cursor(read), JONAS)
    assert event_of(found(changes(delta))[moved]).when == when(wall(24))
    user.delete(master)
    assert gone(changes(pages(google, cursor(delta), JONAS))) >= days


def test_the_days_of_an_endless_series_end_with_the_window(world: World) -> None:
    world.sandbox.state.set_role(JONAS, ANNA, "freeBusyReader")
    google = world.open()
    first = pages(google, collection=JONAS)
    world.user(JONAS).insert(timed("Secret", wall(2), recurrence=WEEKLY))
    told = changes(pages(google, cursor(first), JONAS))
    last = max(event_of(item).when.start for item in found(told).values() if isinstance(event_of(item).when, Timed))
    assert isinstance(last, Zoned)
    assert last.instant() < WINDOW.end + timedelta(days=31)
    assert set(found(told)) == set(found(changes(pages(google, collection=JONAS))))
    assert not any(change.confirmed for change in told if isinstance(change, Tombstone))


# --- by id and by stamp --------------------------------------------------------------------------------------------


def test_fetch_tells_each_item_once(world: World) -> None:
    user, google = world.user(), world.open()
    single = user.insert(timed("Single", wall(20)))
    master = user.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    other = instance_id(master["id"], wall(23))
    user.patch(other, {"summary": "Other"})
    deleted = user.insert(timed("Deleted", wall(20)))
    user.delete(deleted["id"])
    ids = [single["id"], master["id"], deleted["id"], "neverseen", other, single["id"]]
    answers = google.fetch(ANNA, ids)
    read = found(changes(pages(google)))
    assert answers == [
        read[single["id"]],
        read[master["id"]],
        Gone(deleted["id"]),
        Gone("neverseen"),
        Gone(other),  # a part of its series, no item
    ]


def test_find_tells_copies_too(world: World) -> None:
    user, google = world.user(), world.open()
    mark: Json = {"extendedProperties": {"private": {"marketplaceStamp": str(stamp("link-1"))}}}
    one = user.insert(timed("One", wall(20), **mark))
    copy = user.insert(timed("One", wall(21), recurrence=WEEKLY, **mark))
    user.patch(instance_id(copy["id"], wall(28)), {"summary": "Other"})
    user.insert(timed("Without", wall(22)))
    deleted = user.insert(timed("Deleted", wall(20), **mark))
    user.delete(deleted["id"])
    answer = google.find(ANNA, [stamp("link-1"), stamp("link-2")])
    assert set(answer) == {stamp("link-1")}
    items = {item.id: item for item in answer[stamp("link-1")]}
    assert set(items) == {one["id"], copy["id"]}
    assert len(series_of(items[copy["id"]]).overrides) == 1


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, reason",
    [(429, "rateLimitExceeded"), (403, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (403, "quotaExceeded")],
)
def test_a_limit_carries_its_pause(world: World, status: int, reason: str) -> None:
    world.sandbox.faults.add("status", status=status, reason=reason, retry_after=90)
    with pytest.raises(Throttled) as error:
        pages(world.open())
    assert error.value.retry_after == timedelta(seconds=90)


def test_a_missing_scope_is_no_permission(world: World) -> None:
    token = world.sandbox.issue_tokens(ANNA, ["https://www.googleapis.com/auth/calendar.calendarlist.readonly"])
    google = world.open(bearer=lambda refused=None: token.access_token)
    assert len(google.collections()) == 1
    with pytest.raises(PermissionDenied):
        pages(google)


def test_a_500_in_the_middle_of_paging_leaves_no_cursor(world: World) -> None:
    for number in range(4):
        world.user().insert(timed(f"E{number}", wall(20, 8 + number)))
    world.sandbox.state.knobs.max_page_size = 2
    world.sandbox.faults.add("status", status=500, skip=1)
    google = world.open()
    round_ = google.pull(ANNA, None, WINDOW)
    first = next(round_)
    assert first.cursor is None
    with pytest.raises(Unavailable):
        next(round_)
    assert len(found(changes([first, *pages(google, first.checkpoint)]))) == 4


@pytest.mark.parametrize("action", ["truncate", "drop_before", "drop_after"])
def test_an_answer_that_broke_off_is_no_empty_one(
    world: World, action: Literal["truncate", "drop_before", "drop_after"]
) -> None:
    world.user().insert(timed("Single", wall(20)))
    world.sandbox.faults.add(action)
    google = world.open()
    with pytest.raises(Unavailable):
        pages(google)
    assert len(changes(pages(google))) == 1


def test_times_are_the_calendars_where_the_event_names_none(world: World) -> None:
    world.sandbox.state.add_calendar(ANNA, calendar_id=TEAM, summary="Team", time_zone="America/New_York")
    utc = [{"dateTime": at(wall(20, hour))["dateTime"]} for hour in (10, 11)]
    world.user().insert({"summary": "x", "start": utc[0], "end": utc[1]}, TEAM)
    (item,) = found(changes(pages(world.open(), collection=TEAM))).values()
    assert event_of(item).when == when(wall(20, 4), zone="America/New_York")
