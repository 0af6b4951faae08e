"""Reading what changed, over real HTTP: pages, windows, tokens that end; and what each costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from marketplace_plugin.errors import CollectionGone, CursorExpired, Unavailable
from marketplace_plugin.model.change import Access, Checkpoint
from marketplace_plugin.model.time import AllDay, Window
from tests.providers.google.world import (
    ANNA,
    JONAS,
    TEAM,
    WEEKLY,
    World,
    by_title,
    changes,
    cursor,
    event_of,
    found,
    gone,
    pages,
    timed,
    wall,
)
from tests.providers.world import WINDOW


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


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
