"""What changed, items by id and by stamp, over real HTTP; and what each costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal

import pytest

from marketplace_plugin.errors import CollectionGone, CursorExpired, PermissionDenied, Throttled, Unavailable
from marketplace_plugin.model.change import Access, Checkpoint, Found, Gone, Unreadable, UnreadableReason
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import UNKNOWN, Event
from marketplace_plugin.model.time import AllDay, Window
from tests.providers.google_world import (
    ANNA,
    JONAS,
    WINDOW,
    Json,
    World,
    at,
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
    when,
)

TEAM = "team@group.calendar.google.com"
WEEKLY = ["RRULE:FREQ=WEEKLY"]


def wall(day: int, hour: int = 10, month: int = 11) -> datetime:
    return datetime.fromisoformat(f"2026-{month:02}-{day:02}T{hour:02}:00")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


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


# --- the first read, and what follows ------------------------------------------------------------------------------


def test_nothing_changed_is_one_request(world: World) -> None:
    world.user().insert(timed("Single", wall(20)))
    world.user().insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    google = world.open()
    first = pages(google)
    assert all(page.snapshot and page.covers == WINDOW for page in first)
    assert set(by_title(changes(first))) == {"Single", "Weekly"}
    world.forget_requests()
    second = pages(google, cursor(first))
    assert changes(second) == []
    assert not second[-1].snapshot
    assert len(world.requests()) == 1


def test_the_first_read_begins_at_the_window_and_a_delta_tells_everything(world: World) -> None:
    old = world.user().insert(timed("Old", wall(1, month=9)))
    google = world.open()
    first = pages(google)
    assert changes(first) == []
    world.user().patch(old["id"], {"summary": "Old but touched"})
    assert set(by_title(changes(pages(google, cursor(first))))) == {"Old but touched"}


def test_all_pages_are_read_short_and_empty_ones_too(world: World) -> None:
    for number in range(7):
        world.user().insert(timed(f"E{number}", wall(20, 8 + number)))
    world.sandbox.state.knobs.max_page_size = 3
    world.sandbox.state.knobs.empty_first_pages = 2
    google = world.open()
    read = pages(google)
    assert [len(page.changes) for page in read] == [0, 0, 3, 3, 1]
    assert all(page.checkpoint is not None for page in read[:-1])
    assert len(pages(google, cursor(read))) == 3  # a delta has its empty pages, too


def test_pages_are_asked_for_one_by_one(world: World) -> None:
    for number in range(4):
        world.user().insert(timed(f"E{number}", wall(20, 8 + number)))
    world.sandbox.state.knobs.max_page_size = 2
    round_ = world.open().pull(ANNA, None, WINDOW)
    assert world.requests() == []
    next(round_)
    assert len(world.requests()) == 1


def test_a_round_goes_on_at_its_checkpoint(world: World) -> None:
    for number in range(6):
        world.user().insert(timed(f"E{number}", wall(20, 8 + number)))
    world.sandbox.state.knobs.max_page_size = 2
    google = world.open()
    first = next(google.pull(ANNA, None, WINDOW))
    rest = pages(world.open(), first.checkpoint)
    assert all(page.snapshot and page.covers == WINDOW for page in rest)
    assert len(found(changes([first, *rest]))) == 6
    world.user().insert(timed("New", wall(21)))
    assert set(by_title(changes(pages(google, cursor(rest))))) == {"New"}
    for number in range(4):
        world.user().insert(timed(f"F{number}", wall(22, 8 + number)))
    delta = next(google.pull(ANNA, cursor(rest), WINDOW))
    rest = pages(world.open(), delta.checkpoint)
    assert not any(page.snapshot for page in rest)
    assert len(found(changes([delta, *rest]))) == 5


def test_a_deleted_event_is_a_tombstone(world: World) -> None:
    event = world.user().insert(timed("Single", wall(20)))
    google = world.open()
    first = pages(google)
    world.user().delete(event["id"])
    assert gone(changes(pages(google, cursor(first)))) == {event["id"]}


def test_types_that_are_no_appointments_are_not_read(world: World) -> None:
    birthday = {"start": {"date": "2026-11-25"}, "end": {"date": "2026-11-26"}, "visibility": "private"}
    world.user().insert(
        {**birthday, "summary": "Opa", "eventType": "birthday", "transparency": "transparent",
         "recurrence": ["RRULE:FREQ=YEARLY"], "birthdayProperties": {"type": "birthday"}}
    )  # fmt: skip
    world.user().insert(
        timed("Home", wall(20), eventType="workingLocation", visibility="public", transparency="transparent",
              workingLocationProperties={"type": "homeOffice", "homeOffice": {}})
    )  # fmt: skip
    world.user().insert(timed("Away", wall(21), eventType="outOfOffice"))
    read = by_title(changes(pages(world.open())))
    assert set(read) == {"Away"}
    assert read["Away"].access is Access.NONE


def test_whole_days_stay_days(world: World) -> None:
    world.user().insert({"summary": "Trip", "start": {"date": "2026-11-21"}, "end": {"date": "2026-11-23"}})
    trip = by_title(changes(pages(world.open())))["Trip"]
    assert event_of(trip).when == AllDay(date(2026, 11, 21), date(2026, 11, 23))


# --- windows -------------------------------------------------------------------------------------------------------


def moved(days: int) -> Window:
    return Window(WINDOW.start + timedelta(days=days), WINDOW.end + timedelta(days=days))


def test_a_window_that_moves_on_needs_no_new_read_for_a_month(world: World) -> None:
    google = world.open()
    first = cursor(pages(google))
    for days in (1, 31):
        again = pages(google, first, window=moved(days))
        assert not again[-1].snapshot
        assert cursor(again).window == WINDOW


def test_what_such_a_window_reaches_was_told_in_the_first_read(world: World) -> None:
    world.user().insert(timed("Soon inside", wall(30) + timedelta(days=365)))
    world.user().insert(timed("Far away", wall(30) + timedelta(days=700)))
    assert set(by_title(changes(pages(world.open())))) == {"Soon inside"}


@pytest.mark.parametrize("window", [moved(32), moved(-1), Window(WINDOW.start, WINDOW.end + timedelta(days=90))])
def test_another_window_is_a_snapshot(world: World, window: Window) -> None:
    google = world.open()
    read = pages(google, cursor(pages(google)), window=window)
    assert all(page.snapshot and page.covers == window for page in read)
    assert cursor(read).window == window


def test_another_fingerprint_is_a_snapshot(world: World) -> None:
    google = world.open()
    mark = cursor(pages(google))
    assert pages(google, replace(mark, fingerprint="other"))[0].snapshot
    world.sandbox.state.add_calendar(ANNA, calendar_id=TEAM, summary="Team")
    assert pages(google, mark, TEAM)[0].snapshot


def test_what_is_dragged_over_the_edge_is_told_and_found_and_not_gone(world: World) -> None:
    inside = world.user().insert(timed("Inside", wall(20)))
    google = world.open()
    first = pages(google)
    world.user().patch(inside["id"], timed("Inside", wall(1, month=3)))
    delta = pages(google, cursor(first))
    assert set(by_title(changes(delta))) == {"Inside"}
    again = pages(google)
    assert changes(again) == []  # absent, so it is asked for by its id:
    assert google.fetch(ANNA, [inside["id"]]) == list(found(changes(delta)).values())


# --- tokens that end -----------------------------------------------------------------------------------------------


def test_an_old_token_is_an_expired_cursor_and_then_one_full_read(world: World) -> None:
    world.user().insert(timed("Single", wall(20)))
    google = world.open()
    first = pages(google)
    world.sandbox.state.expire_sync_tokens(ANNA)
    with pytest.raises(CursorExpired):
        pages(google, cursor(first))
    assert changes(pages(google)) == changes(first)


def test_a_foreign_token_is_an_expired_cursor(world: World) -> None:
    google = world.open()
    mark = cursor(pages(google))
    for token in (mark, Checkpoint("", mark.fingerprint, snapshot=False, window=WINDOW)):
        for text in ("nonsense", '["nonsense","nonsense"]', "[]"):
            with pytest.raises(CursorExpired):
                pages(google, replace(token, token=text))


def test_a_token_that_ends_in_the_middle_breaks_the_round_off(world: World) -> None:
    google = world.open()
    first = cursor(pages(google))
    for number in range(4):
        world.user().insert(timed(f"E{number}", wall(20, 8 + number)))
    world.sandbox.state.knobs.max_page_size = 2
    round_ = google.pull(ANNA, first, WINDOW)
    next(round_)
    world.sandbox.state.expire_sync_tokens(ANNA)
    with pytest.raises(Unavailable):
        next(round_)


def test_a_calendar_that_is_no_longer_shared_is_gone_not_empty(world: World) -> None:
    state = world.sandbox.state
    state.set_role(JONAS, ANNA, "reader")
    event = world.user(JONAS).insert(timed("Single", wall(20)))
    google = world.open()
    first = cursor(pages(google, collection=JONAS))
    state.set_role(JONAS, ANNA, None)
    with pytest.raises(CollectionGone):
        pages(google, first, JONAS)
    with pytest.raises(CollectionGone):
        google.fetch(JONAS, [event["id"]])


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


def test_an_invitation_to_one_occurrence_is_an_orphan(world: World) -> None:
    master = world.user(JONAS).insert(timed("Weekly", wall(2), recurrence=WEEKLY))
    only = instance_id(master["id"], wall(23))
    google = world.open()
    first = pages(google)
    world.user(JONAS).patch(only, {"attendees": [{"email": ANNA}]})
    delta = pages(google, cursor(first))
    assert unreadable(changes(delta)) == {only: UnreadableReason.ORPHAN.value}
    assert google.fetch(ANNA, [only]) == [Unreadable(only, UnreadableReason.ORPHAN)]
    world.user(JONAS).patch(only, {"attendees": []})
    assert gone(changes(pages(google, cursor(delta)))) == {only}


def test_several_rules_are_unreadable_and_the_rest_goes_on(world: World) -> None:
    lines = ["RRULE:FREQ=WEEKLY", "RRULE:FREQ=MONTHLY"]
    odd = world.user().insert(timed("Odd", wall(2), recurrence=lines))
    world.user().insert(timed("Fine", wall(20)))
    read = changes(pages(world.open()))
    assert unreadable(read) == {odd["id"]: UnreadableReason.UNSUPPORTED_RULE.value}
    assert set(by_title(read)) == {"Fine"}


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
    """Free/busy hides the iCalUID: the parts are put together from the list."""
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
