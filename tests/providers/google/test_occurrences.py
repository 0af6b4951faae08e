"""Writing series over real HTTP: the master, its rule, and each occurrence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from marketplace_plugin.model.event import (
    Override,
    Series,
)
from marketplace_plugin.model.form.canonical import same
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.model.write import (
    Create,
    Partial,
    Refused,
    RefusedCode,
    Stale,
)
from marketplace_plugin.providers.google import GoogleAccount
from tests.providers.google.world import (
    ANNA,
    World,
    changes,
    found,
    instance_id,
    one,
    pages,
    series_of,
    stamp,
    when,
)
from tests.providers.google.writes import (
    MOVED,
    OURS,
    SERIES,
    WEEKLY,
    create,
    master_of,
    original,
    silent_world,
    stored,
    update,
    wall,
)


@pytest.fixture
def world() -> Iterator[World]:
    with silent_world() as world:
        yield world


@pytest.fixture
def google(world: World) -> GoogleAccount:
    return world.open()


# --- series --------------------------------------------------------------------------------------------------------


def test_a_new_title_leaves_the_exceptions_alone(google: GoogleAccount) -> None:
    there = create(google, SERIES)
    wanted = master_of(there, title="New")
    after = stored(one(google, update(there, wanted, "title")))
    assert after.item == wanted


def test_occurrences_are_changed_cancelled_and_restored(google: GoogleAccount) -> None:
    there = create(google, SERIES)
    other = replace(OURS, when=when(wall(22, 11)), description="Other")
    wanted = replace(SERIES, overrides=(Override(original(8), None), Override(original(22), other)))
    after = stored(one(google, update(there, wanted, "overrides")))
    assert after.item == wanted
    back = stored(one(google, update(after, SERIES, "overrides")))
    assert back.item == SERIES
    none = stored(one(google, update(back, replace(SERIES, overrides=()), "overrides")))
    assert series_of(none).overrides == ()


def test_an_occurrence_cancelled_at_google_is_restored(world: World, google: GoogleAccount) -> None:
    there = create(google, replace(SERIES, overrides=()))
    world.user().delete(instance_id(there.id, wall(8)))
    now = found(changes(pages(google)))[there.id]
    assert [o.event for o in series_of(now).overrides] == [None]
    after = stored(one(google, update(now, replace(SERIES, overrides=()), "overrides")))
    assert series_of(after).overrides == ()


def test_a_series_that_moves_takes_its_exceptions_along(google: GoogleAccount) -> None:
    """The service drops exceptions whose original start the series no longer has: they are written again."""
    there = create(google, SERIES)
    later = Series(
        replace(OURS, when=when(wall(1, 12))),
        WEEKLY,
        (Override(original(8, 12), MOVED), Override(original(15, 12), None)),
    )
    after = stored(one(google, update(there, later, "when", "overrides")))
    assert after.item == later


def test_an_exception_that_a_rule_left_behind_is_removed_not_made_regular(world: World, google: GoogleAccount) -> None:
    there = create(google, Series(OURS, WEEKLY, (Override(original(8), MOVED),)))
    master = world.sandbox.state.calendars[ANNA].events[there.id]
    master.body["recurrence"] = ["RRULE:FREQ=MONTHLY"]  # as if the service kept what no longer belongs
    world.sandbox.state.touch(master)
    now = found(changes(pages(google)))[there.id]
    assert len(series_of(now).overrides) == 1
    wanted = replace(series_of(now), overrides=())
    after = stored(one(google, update(now, wanted, "overrides")))
    assert after.item == wanted
    assert world.user().get(instance_id(there.id, wall(8)))["status"] == "cancelled"


def test_a_rule_that_changes(google: GoogleAccount) -> None:
    there = create(google, SERIES)
    wanted = replace(SERIES, rule=RecurrenceRule.parse("FREQ=DAILY;COUNT=30"), rdates=(original(31, 18),))
    after = stored(one(google, update(there, wanted, "rule", "rdates")))
    assert after.item == wanted


def test_a_single_event_becomes_a_series_and_single_again(google: GoogleAccount) -> None:
    there = create(google)
    series = Series(OURS, WEEKLY, (Override(original(8), None),))
    repeated = stored(one(google, update(there, series, "rule", "overrides", "type")))
    assert repeated.item == series
    single = stored(one(google, update(repeated, OURS, "rule", "overrides", "type")))
    assert single.item == OURS


def test_whole_day_series_with_exceptions(google: GoogleAccount) -> None:
    day = replace(OURS, when=AllDay(date(2026, 12, 1), date(2026, 12, 2)))
    moved = replace(day, when=AllDay(date(2026, 12, 9), date(2026, 12, 11)), title="Longer")
    series = Series(day, WEEKLY, (Override(date(2026, 12, 8), moved), Override(date(2026, 12, 15), None)))
    there = create(google, series)
    assert there.item == series
    wanted = replace(series, overrides=(Override(date(2026, 12, 22), None),))
    assert stored(one(google, update(there, wanted, "overrides"))).item == wanted


def test_an_edited_occurrence_makes_the_series_stale(world: World, google: GoogleAccount) -> None:
    there = create(google, SERIES)
    world.user().patch(instance_id(there.id, wall(22)), {"summary": "Edited"})
    outcome = one(google, update(there, master_of(there, title="New"), "title"))
    assert isinstance(outcome, Stale)
    assert world.user().get(there.id)["summary"] == "Ours"


def test_no_other_occurrence_is_taken_for_one_that_is_not_there(world: World, google: GoogleAccount) -> None:
    there = create(google, replace(SERIES, overrides=()))
    wanted = replace(SERIES, overrides=(Override(original(9), replace(MOVED, title="No Tuesday")),))
    outcome = one(google, update(there, wanted, "overrides"))
    assert outcome == Refused("update", RefusedCode.INVALID)
    assert all(event["summary"] == "Ours" for event in world.user().events())


def test_a_series_write_that_stops_half_way_is_partial(world: World, google: GoogleAccount) -> None:
    there = create(google, replace(SERIES, overrides=()))
    wanted = replace(SERIES, overrides=(Override(original(8), MOVED), Override(original(22), MOVED)))
    world.sandbox.faults.add("status", status=403, reason="rateLimitExceeded", method="PATCH", path="20261222T")
    outcome = one(google, update(there, wanted, "overrides"))
    assert isinstance(outcome, Partial)
    assert outcome.left == ("2026-12-22T10:00:00",)
    assert outcome.current is not None
    assert series_of(outcome.current).overrides == wanted.overrides[:1]
    after = stored(one(google, update(outcome.current, wanted, "overrides")))
    assert after.item == wanted


def test_a_creation_that_stops_half_way_is_finished_by_its_repetition(world: World, google: GoogleAccount) -> None:
    world.sandbox.faults.add("status", status=503, method="PATCH")
    outcome = one(google, Create("create", stamp("link"), SERIES))
    assert isinstance(outcome, Partial)
    assert outcome.left == ("2026-12-08T10:00:00",)
    assert create(google, SERIES).item == SERIES


# --- a server that rewrites ----------------------------------------------------------------------------------------


def test_a_hostile_echo_is_read_as_it_was_answered(world: World, google: GoogleAccount) -> None:
    """The server rewrites zones, HTML and order, and moves the ETag once more: the reply's content is what stays."""
    world.sandbox.state.knobs.hostile_echo = True
    there = create(google, SERIES)
    (read,) = found(changes(pages(google))).values()
    assert read.item == there.item
    assert same(read.item, SERIES)
    after = stored(one(google, update(read, master_of(read, title="New"), "title")))
    (read,) = found(changes(pages(google))).values()
    assert read.item == after.item
