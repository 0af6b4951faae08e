"""Reading series over real HTTP: always whole, whatever part of them was touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from marketplace_plugin.model.change import Access, Gone, Unreadable, UnreadableReason
from marketplace_plugin.model.event import Event
from tests.providers.google.world import (
    ANNA,
    JONAS,
    WEEKLY,
    Json,
    World,
    by_title,
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
    unreadable,
    wall,
    when,
)
from tests.providers.world import WINDOW


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


# --- series --------------------------------------------------------------------------------------------------------


def test_a_touched_exception_brings_the_whole_series(world: World) -> None:
    user, google = world.user(), world.open()
    master = user.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    first = pages(google)
    user.patch(instance_id(master["id"], wall(23)), timed("Moved", wall(24, 15)))
    user.delete(instance_id(master["id"], wall(30)))
    world.forget_requests()
    delta = pages(google, cursor(first))
    (series,) = map(series_of, found(changes(delta)).values())
    assert [o.event and (o.event.title, o.event.when) for o in series.overrides] == [
        ("Moved", when(wall(24, 15))),
        None,
    ]
    assert len(world.requests()) == 2  # the delta, and the series whole
    assert series.master.title == "Weekly"
    world.forget_requests()
    assert changes(pages(google, cursor(delta))) == []


def test_a_cancelled_instance_alone_brings_the_whole_series(world: World) -> None:
    """It carries no iCalUID, so its master is asked for first."""
    user, google = world.user(), world.open()
    master = user.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    first = pages(google)
    user.delete(instance_id(master["id"], wall(30)))
    world.forget_requests()
    (series,) = map(series_of, found(changes(pages(google, cursor(first)))).values())
    assert [o.event for o in series.overrides] == [None]
    assert len(world.requests()) == 3


def test_exceptions_before_the_window_belong_to_the_series(world: World) -> None:
    user = world.user()
    master = user.insert(timed("Weekly", datetime.fromisoformat("2026-01-05T10:00"), recurrence=WEEKLY))
    user.delete(instance_id(master["id"], datetime.fromisoformat("2026-03-02T10:00")))
    user.patch(instance_id(master["id"], wall(23)), timed("To the past", datetime.fromisoformat("2026-02-01T09:00")))
    series = series_of(by_title(changes(pages(world.open())))["Weekly"])
    assert [o.event and o.event.title for o in series.overrides] == [None, "To the past"]


def test_a_series_is_told_once_however_its_parts_are_spread(world: World) -> None:
    user = world.user()
    master = user.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    for day in (9, 16, 23, 30):
        user.patch(instance_id(master["id"], wall(day)), {"summary": f"On the {day}th"})
    world.sandbox.state.knobs.max_page_size = 1
    told = [change.id for change in changes(pages(world.open()))]
    assert told == [master["id"]]


def test_a_deleted_series_is_a_tombstone_whatever_is_told_of_its_exceptions(world: World) -> None:
    user, google = world.user(), world.open()
    master = user.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    user.patch(instance_id(master["id"], wall(23)), {"summary": "Other"})
    first = pages(google)
    user.delete(master["id"])
    delta = changes(pages(google, cursor(first)))
    assert master["id"] in gone(delta)
    assert len(gone(delta)) == len(delta)


def test_a_series_that_ends_its_repeating_is_a_single_event(world: World) -> None:
    user, google = world.user(), world.open()
    master = user.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    first = pages(google)
    user.patch(master["id"], {"recurrence": None})
    assert isinstance(by_title(changes(pages(google, cursor(first))))["Weekly"].item, Event)


def test_summer_time_keeps_the_wall_time(world: World) -> None:
    world.user().insert(timed("Weekly", datetime.fromisoformat("2026-10-20T10:00"), recurrence=WEEKLY))
    master = event_of(by_title(changes(pages(world.open())))["Weekly"])
    assert master.when == when(datetime.fromisoformat("2026-10-20T10:00"))


def test_an_invitation_to_one_occurrence_is_an_event_that_is_only_read(world: World) -> None:
    """Its iCalUID is that of the series, for whose copy it must not be taken."""
    master = world.user(JONAS).insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    only = instance_id(master["id"], wall(23))
    google = world.open()
    first = pages(google)
    world.user(JONAS).patch(only, {"attendees": [{"email": ANNA}]})
    delta = pages(google, cursor(first))
    (told,) = found(changes(delta)).values()
    assert (told.id, event_of(told).when, told.access) == (only, when(wall(23)), Access.NONE)
    assert told.uid
    assert google.fetch(ANNA, [only]) == [told]
    world.user(JONAS).patch(only, {"attendees": []})
    assert gone(changes(pages(google, cursor(delta)))) == {only}


def test_a_series_takes_the_place_of_the_occurrence_that_stood_alone(world: World) -> None:
    jonas, google = world.user(JONAS), world.open()
    master = jonas.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    only = instance_id(master["id"], wall(23))
    jonas.patch(only, {"attendees": [{"email": ANNA}]})
    first = pages(google)
    assert set(found(changes(first))) == {only}
    jonas.patch(master["id"], {"attendees": [{"email": ANNA}]})
    delta = changes(pages(google, cursor(first)))
    assert set(found(delta)) == {master["id"]}
    assert gone(delta) == {only}
    assert google.fetch(ANNA, [only]) == [Gone(only)]


@pytest.mark.parametrize("resumed", [False, True])
def test_a_series_that_comes_while_the_list_is_read_takes_its_occurrences_place(world: World, *, resumed: bool) -> None:
    jonas, google = world.user(JONAS), world.open()
    master = jonas.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    only = instance_id(master["id"], wall(23))
    jonas.patch(only, {"attendees": [{"email": ANNA}]})
    world.user().insert(timed("Single", wall(20)))
    world.sandbox.state.knobs.max_page_size = 1
    round_ = google.pull(ANNA, None, WINDOW)
    page = next(round_)
    assert set(found(list(page.changes))) == {only}
    jonas.patch(master["id"], {"attendees": [{"email": ANNA}]})
    rest = changes(pages(google, page.checkpoint) if resumed else list(round_))
    assert set(by_title(rest)) == {"Single", "Weekly"}
    assert gone(rest) == {only}


def test_the_days_that_are_left_of_a_series_take_its_place(world: World) -> None:
    jonas, google = world.user(JONAS), world.open()
    master = jonas.insert(timed("Weekly", wall(2), recurrence=WEEKLY, attendees=[{"email": ANNA}]))
    only = instance_id(master["id"], wall(23))
    jonas.patch(only, {"summary": "Left"})
    first = pages(google)
    assert set(found(changes(first))) == {master["id"]}
    jonas.patch(master["id"], {"attendees": []})
    second = pages(google, cursor(first))
    (told,) = found(changes(second)).values()
    assert (told.id, event_of(told).title, told.access) == (only, "Left", Access.NONE)
    assert gone(changes(second)) == {master["id"]}
    assert google.fetch(ANNA, [master["id"], only]) == [Gone(master["id"]), told]
    assert set(found(changes(pages(world.open())))) == {only}
    jonas.patch(only, {"attendees": []})
    assert only in gone(changes(pages(google, cursor(second))))
    assert google.fetch(ANNA, [only]) == [Gone(only)]


def test_our_own_exception_without_its_series_is_an_orphan(world: World) -> None:
    mark: Json = {"extendedProperties": {"private": {"marketplaceStamp": str(stamp("link-1"))}}}
    master = world.user().insert(timed("Weekly", wall(2), recurrence=WEEKLY, **mark))
    only = instance_id(master["id"], wall(23))
    world.user().patch(only, {"summary": "Other"})
    world.sandbox.faults.add("status", method="GET", path=rf"/events/{master['id']}\?", status=404, reason="notFound")
    google = world.open()
    whole = google.fetch(ANNA, [only])
    assert whole == [Unreadable(only, UnreadableReason.ORPHAN)]


def test_an_exception_with_a_uid_of_its_own_leaves_the_others(world: World) -> None:
    user, google = world.user(), world.open()
    master = user.insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    for day in (16, 23):
        user.patch(instance_id(master["id"], wall(day)), {"summary": f"On the {day}th"})
    other = world.sandbox.state.calendars[ANNA].events[instance_id(master["id"], wall(23))]
    first = pages(google)
    other.body["iCalUID"] = "other@example.org"
    user.patch(other.id, {"summary": "Renamed"})
    (series,) = map(series_of, found(changes(pages(google, cursor(first)))).values())
    assert [o.event and o.event.title for o in series.overrides] == ["On the 16th", "Renamed"]


def test_several_rules_are_unreadable_and_the_rest_goes_on(world: World) -> None:
    lines = ["RRULE:FREQ=WEEKLY", "RRULE:FREQ=MONTHLY"]
    odd = world.user().insert(timed("Odd", wall(2), recurrence=lines))
    world.user().insert(timed("Fine", wall(20)))
    read = changes(pages(world.open()))
    assert unreadable(read) == {odd["id"]: UnreadableReason.UNSUPPORTED_RULE.value}
    assert set(by_title(read)) == {"Fine"}


def test_a_series_that_is_refused_is_not_taken_for_a_malformed_one(world: World) -> None:
    """What is malformed stays so until it is written again; what was refused is asked for again."""
    master = world.user().insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    fault = {"status": 403, "reason": "forbidden"}
    world.sandbox.faults.add("status", method="GET", path=r"[?&]iCalUID=", **fault)
    world.sandbox.faults.add("status", method="GET", path=rf"/events/{master['id']}\?", **fault)
    google = world.open()
    assert unreadable(changes(pages(google))) == {master["id"]: UnreadableReason.REFUSED.value}
    assert google.fetch(ANNA, [master["id"]]) == [Unreadable(master["id"], UnreadableReason.REFUSED)]


def test_a_malformed_event_is_set_aside_and_the_rest_goes_on(world: World) -> None:
    for number in range(3):
        world.user().insert(timed(f"E{number}", wall(20, 8 + number)))
    # Its series is read again before anything is said of it, so that answer is spoilt as well.
    world.sandbox.faults.add("malformed_event", method="GET", path="/events?", index=1)
    world.sandbox.faults.add("malformed_event", method="GET", path="iCalUID")
    google = world.open()
    read = changes(pages(google))
    assert len(found(read)) + len(unreadable(read)) == 3
    assert len(found(read)) >= 2
