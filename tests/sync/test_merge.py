"""Three-way merge, cell by cell: what goes where, what clashes, and what is agreed afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.model.event import Event, Override, Response, Series, Status
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.sync.merge.three_way import (
    CONTENT,
    OWN,
    Base,
    Flows,
    Merge,
    Policy,
    Showing,
    Winner,
    absorb,
    agreed,
    merge,
)
from marketplace_plugin.sync.reason import Reason
from tests.sync.made import BASE, EARLY, LATE

FLOWS = Flows(CONTENT | OWN, CONTENT | {"reminder", "show_as"})
START = datetime(2026, 3, 9, 9)  # noqa: DTZ001  # a wall time


def at(start: datetime, minutes: int = 60) -> Timed:
    return Timed(Zoned(start, "Europe/Berlin"), Zoned(start + timedelta(minutes=minutes), "Europe/Berlin"))


SERIES = Series(Event(when=at(START), title="weekly"), RecurrenceRule.parse("FREQ=WEEKLY;COUNT=5"))
ORIGINAL = Zoned(START + timedelta(weeks=1), "Europe/Berlin")


def met(base: Any, here: Any, there: Any, policy: Policy = Policy.NEWEST, flows: Flows = FLOWS) -> Merge:
    pair = base if isinstance(base, Base) else Base(base, base)
    return merge(pair, Showing(here, EARLY), Showing(there, LATE), flows, policy)


def test_moved_here_and_renamed_there_keeps_both() -> None:
    moved = replace(BASE, when=AllDay(date(2026, 4, 1), date(2026, 4, 2)))
    result = met(BASE, moved, replace(BASE, title="renamed"))
    assert result.host == result.remote == replace(moved, title="renamed")
    assert result.to_host == {"title"}
    assert result.to_remote == {"when"}
    assert result.clashes == ()


@pytest.mark.parametrize(
    "policy,winner,reason",
    [
        (Policy.NEWEST, Winner.REMOTE, Reason.CONFLICT_NEWEST),
        (Policy.HOST, Winner.HOST, Reason.CONFLICT_HOST),
        (Policy.REMOTE, Winner.REMOTE, Reason.CONFLICT_REMOTE),
        (Policy.ASK, Winner.NOBODY, Reason.CONFLICT_ASK),
    ],
)
def test_a_clash_is_settled_by_policy_and_always_told(policy: Policy, winner: Winner, reason: Reason) -> None:
    result = met(BASE, replace(BASE, title="here"), replace(BASE, title="there"), policy)
    (clash,) = result.clashes
    assert (clash.cell, clash.winner, clash.reason) == ("title", winner, reason)
    titles = {Winner.HOST: ("here", "here"), Winner.REMOTE: ("there", "there"), Winner.NOBODY: ("here", "there")}
    assert (result.host.title, result.remote.title) == titles[winner]  # type: ignore[union-attr]


def test_the_host_wins_where_a_time_is_missing() -> None:
    result = merge(
        Base(BASE, BASE),
        Showing(replace(BASE, title="here")),
        Showing(replace(BASE, title="there"), LATE),
        FLOWS,
        Policy.NEWEST,
    )
    assert result.clashes[0].winner is Winner.HOST


def test_what_the_service_made_of_the_base_is_no_change() -> None:
    rewritten = replace(BASE, description="a b")
    base = Base(replace(BASE, description="a  b"), rewritten)
    result = met(base, base.host, replace(rewritten, title="renamed there"))
    assert result.to_host == {"title"}
    assert result.host.description == "a  b"  # type: ignore[union-attr]


def test_the_same_change_on_both_sides_is_agreed() -> None:
    result = met(BASE, replace(BASE, title="same"), replace(BASE, title="same "))
    assert (result.to_host, result.to_remote, result.clashes) == (frozenset(), frozenset(), ())
    assert agreed(result, result.host, result.remote).host.title == "same"  # type: ignore[union-attr]


def test_two_occurrences_changed_on_two_sides_meet() -> None:
    second = Zoned(START + timedelta(weeks=2), "Europe/Berlin")
    here = replace(SERIES, overrides=(Override(ORIGINAL, Event(when=at(ORIGINAL.wall), title="one")),))
    there = replace(SERIES, overrides=(Override(second, None),))
    result = met(SERIES, here, there)
    assert result.host == result.remote
    assert isinstance(result.host, Series)
    assert [o.event is None for o in result.host.overrides] == [False, True]


def test_one_occurrence_changed_on_two_sides_meets_field_by_field() -> None:
    changed = Event(when=at(ORIGINAL.wall), title="one")
    base = replace(SERIES, overrides=(Override(ORIGINAL, changed),))
    here = replace(base, overrides=(Override(ORIGINAL, replace(changed, title="here")),))
    there = replace(base, overrides=(Override(ORIGINAL, replace(changed, location="there")),))
    result = met(base, here, there)
    assert result.host == result.remote
    assert isinstance(result.host, Series)
    (override,) = result.host.overrides
    assert override.event is not None
    assert (override.event.title, override.event.location) == ("here", "there")


def changed_there(**changes: Any) -> Series:
    """The series with one of its days changed, as whoever changes it gets it: the master at that time, changed."""
    event = replace(SERIES.master, **{"when": at(ORIGINAL.wall), **changes})
    return replace(SERIES, overrides=(Override(ORIGINAL, event),))


def renamed(item: Series, title: str = "new") -> Series:
    return replace(item, master=replace(item.master, title=title))


LATER = at(ORIGINAL.wall + timedelta(hours=2))


@pytest.mark.parametrize("here_is_renamed", [True, False])
def test_one_day_that_was_moved_is_renamed_with_its_series(here_is_renamed: bool) -> None:
    """A day that one side changed is, in all else, what the other one's series makes of it."""
    moved = changed_there(when=LATER)
    sides = (renamed(SERIES), moved) if here_is_renamed else (moved, renamed(SERIES))
    result = met(SERIES, *sides)
    assert result.host == result.remote == renamed(changed_there(when=LATER, title="new"))
    assert result.clashes == ()
    assert "overrides" in result.to_host & result.to_remote


@pytest.mark.parametrize("here_is_renamed", [True, False])
def test_what_was_said_of_one_day_stands_above_what_was_said_of_all(here_is_renamed: bool) -> None:
    special = changed_there(title="special")
    sides = (renamed(SERIES), special) if here_is_renamed else (special, renamed(SERIES))
    result = met(SERIES, *sides, Policy.ASK)
    assert result.host == result.remote == renamed(special)
    assert result.clashes == ()


@pytest.mark.parametrize("policy", [Policy.HOST, Policy.REMOTE])
def test_a_day_that_says_nothing_of_its_own_follows_what_becomes_of_its_series(policy: Policy) -> None:
    there = renamed(changed_there(when=LATER, title="theirs"), "theirs")
    result = met(SERIES, renamed(SERIES, "ours"), there, policy)
    assert [clash.cell for clash in result.clashes] == ["title"]
    won = "ours" if policy is Policy.HOST else "theirs"
    assert result.host == result.remote == renamed(changed_there(when=LATER, title=won), won)


def test_one_day_that_both_sides_changed_first_meets_field_by_field() -> None:
    moved = changed_there(when=LATER)
    result = met(SERIES, moved, changed_there(location="there"), Policy.ASK)
    assert result.clashes == ()
    (one,) = result.host.overrides  # type: ignore[union-attr]
    assert result.host == result.remote
    assert one.event == replace(SERIES.master, when=LATER, location="there")
    asked = met(SERIES, changed_there(title="ours", location="x"), changed_there(title="theirs"), Policy.ASK)
    assert [clash.cell.rpartition("/")[2] for clash in asked.clashes] == ["title"]


def test_a_day_that_is_renamed_with_its_series_waits_for_each_write_that_was_not_done() -> None:
    moved = changed_there(when=LATER)
    result = met(SERIES, renamed(SERIES), moved)
    not_here = met(agreed(result, None, result.remote), renamed(SERIES), result.remote, Policy.ASK)
    assert (not_here.host, not_here.remote, not_here.clashes) == (result.host, result.remote, ())
    not_there = met(agreed(result, result.host, None), result.host, moved, Policy.ASK)
    assert (not_there.host, not_there.remote, not_there.clashes) == (result.host, result.remote, ())
    base = absorb(Base(SERIES, SERIES), moved, result.remote, result.remote, FLOWS)
    unheard = met(base, renamed(SERIES), result.remote, Policy.ASK)
    assert (unheard.host, unheard.remote, unheard.clashes) == (result.host, result.remote, ())
    arrived = replace(moved, overrides=result.remote.overrides)  # type: ignore[union-attr]  # the day, and not the series
    base = absorb(Base(SERIES, SERIES), moved, result.remote, arrived, FLOWS)
    in_part = met(base, renamed(SERIES), arrived, Policy.ASK)
    assert (in_part.host, in_part.remote, in_part.clashes) == (result.host, result.remote, ())


def test_a_day_that_was_made_regular_again_is_so_on_both_sides() -> None:
    special = changed_there(title="special")
    result = met(special, SERIES, renamed(special))
    assert result.host == result.remote == renamed(SERIES)


def test_an_edited_occurrence_beats_a_cancelled_one() -> None:
    here = replace(SERIES, overrides=(Override(ORIGINAL, None),))
    there = replace(SERIES, overrides=(Override(ORIGINAL, Event(when=at(ORIGINAL.wall), title="edited")),))
    result = met(SERIES, here, there, Policy.HOST)
    assert result.host == result.remote == there
    assert result.clashes[0].reason is Reason.EDIT_BEATS_DELETION


def test_another_shape_takes_the_occurrences_with_it_and_tells_what_was_overruled() -> None:
    later = replace(SERIES, master=replace(SERIES.master, when=at(START + timedelta(hours=3))))
    there = replace(SERIES, overrides=(Override(ORIGINAL, Event(when=at(ORIGINAL.wall), title="edited")),))
    result = met(SERIES, later, there, Policy.HOST)
    assert result.remote == later
    assert [(clash.cell, clash.winner) for clash in result.clashes] == [("recurrence", Winner.HOST)]


def test_an_event_becomes_a_series() -> None:
    single = SERIES.master
    result = met(single, SERIES, replace(single, title="renamed"))
    assert result.remote == replace(SERIES, master=replace(single, title="renamed"))
    assert {"rule", "overrides"} <= result.to_remote


def test_a_participant_gives_back_his_own_alone() -> None:
    flows = Flows(OWN, CONTENT | {"reminder", "show_as"})
    result = met(BASE, BASE, replace(BASE, title="mine", reminder=5), flows=flows)
    assert result.to_host == {"reminder"}
    later = agreed(result, result.host, result.seen.remote)
    assert later.remote.title == "base"  # type: ignore[union-attr]  # what he calls his copy stays his


PARTICIPANT = Flows(OWN, CONTENT | {"reminder", "show_as"})
CHANGED = Event(when=at(ORIGINAL.wall), title="one", response=Response.NEEDS_ACTION)
INVITED = replace(SERIES, overrides=(Override(ORIGINAL, CHANGED),))


def of_occurrence(**changes: Any) -> Series:
    return replace(INVITED, overrides=(Override(ORIGINAL, replace(CHANGED, **changes)),))


def test_a_participants_answer_to_a_changed_occurrence_flows_and_nothing_else_of_it() -> None:
    result = met(INVITED, INVITED, of_occurrence(response=Response.ACCEPTED, title="mine"), flows=PARTICIPANT)
    assert result.to_host == {"overrides"}
    assert result.host == of_occurrence(response=Response.ACCEPTED)
    assert not result.to_remote
    answered_here = met(INVITED, of_occurrence(response=Response.DECLINED), INVITED, flows=PARTICIPANT)
    assert not answered_here.to_remote, "an answer that was given here is no news for a copy that invites nobody"


def test_a_participants_answer_to_an_unchanged_occurrence_stays_where_it_was_given() -> None:
    """Only a changed occurrence has a name that both sides know, and his copy may have moved it."""
    there = of_occurrence(response=Response.ACCEPTED)
    result = met(SERIES, SERIES, there, flows=PARTICIPANT)
    assert (result.to_host, result.to_remote, result.clashes) == (frozenset(), frozenset(), ())
    after = agreed(result, result.host, result.remote)
    later = met(after, replace(SERIES, master=replace(SERIES.master, title="renamed")), there, flows=PARTICIPANT)
    assert later.to_remote == {"title"}
    assert later.remote == replace(there, master=replace(there.master, title="renamed"))


def test_a_status_of_an_occurrence_never_goes_out() -> None:
    """Written to some services, it cancels the occurrence for everybody."""
    flows = Flows(CONTENT | OWN | {"status"}, CONTENT | {"reminder", "show_as"})
    result = met(INVITED, of_occurrence(status=Status.CANCELLED), INVITED, flows=flows)
    assert not result.to_remote
    back = met(INVITED, INVITED, of_occurrence(status=Status.TENTATIVE), flows=flows)
    assert back.to_host == {"overrides"}


def test_a_participant_is_asked_about_what_flows_both_ways_and_about_nothing_else() -> None:
    here, there = replace(BASE, reminder=5, title="new title"), replace(BASE, reminder=10, title="mine")
    result = met(BASE, here, there, Policy.ASK, flows=PARTICIPANT)
    assert {clash.cell: clash.winner for clash in result.clashes} == {
        "reminder": Winner.NOBODY,
        "title": Winner.HOST,
    }
    assert result.to_remote == {"title"}
    assert not result.to_host


def test_a_write_that_was_not_done_stays_to_do() -> None:
    result = met(BASE, replace(BASE, title="here"), replace(BASE, location="there"))
    base = agreed(result, None, result.remote)
    again = met(base, result.seen.host, result.remote)
    assert again.to_host == {"location"}
    assert not again.to_remote
    base = agreed(result, result.host, None)
    again = met(base, result.host, result.seen.remote)
    assert not again.to_host
    assert again.to_remote == {"title"}


def test_a_push_whose_answer_was_lost_is_agreed_where_it_arrived() -> None:
    sent = replace(BASE, title="sent", location="sent")
    there = replace(BASE, title="sent", location="edited there")
    base = absorb(Base(BASE, BASE), BASE, sent, there, FLOWS)
    result = met(base, sent, there)
    assert [clash.cell for clash in result.clashes] == ["location"]


def test_what_a_lost_push_took_over_from_the_service_is_still_news() -> None:
    sent = replace(BASE, title="ours", location="theirs")
    base = absorb(Base(BASE, BASE), replace(BASE, location="theirs"), sent, sent, FLOWS)
    result = met(base, replace(BASE, title="ours"), sent)
    assert result.to_host == {"location"}
    assert not result.to_remote


TEXTS = st.sampled_from(["", "a", "b", "c"])
EVENTS = st.builds(
    lambda title, location, day, reminder: replace(
        BASE, title=title, location=location, when=AllDay(date(2026, 3, day), date(2026, 3, day + 1)), reminder=reminder
    ),
    TEXTS,
    TEXTS,
    st.integers(1, 4),
    st.sampled_from([None, 5]),
)
MOVED = "moved"
OVERRIDES = st.lists(
    st.tuples(st.integers(0, 3), st.one_of(st.none(), st.just(MOVED), TEXTS)),
    max_size=3,
    unique_by=lambda pair: pair[0],
)


def _series(changes: list[tuple[int, str | None]], name: str) -> Series:
    made = []
    for week, what in sorted(changes, key=lambda change: change[0]):
        original = Zoned(START + timedelta(weeks=week), "Europe/Berlin")
        regular = replace(SERIES.master, title=name, when=at(original.wall))
        changed = replace(regular, when=at(original.wall + timedelta(hours=2))) if what == MOVED else None
        made.append(Override(original, None if what is None else changed or replace(regular, title=what)))
    return renamed(replace(SERIES, overrides=tuple(made)), name)


ITEMS = st.one_of(EVENTS, st.builds(_series, OVERRIDES, st.sampled_from(["weekly", "new"])))


@given(ITEMS, ITEMS, ITEMS, st.sampled_from([Policy.NEWEST, Policy.HOST, Policy.REMOTE]))
def test_both_sides_are_equal_after_it_and_a_second_time_finds_nothing(
    base: Any, here: Any, there: Any, policy: Policy
) -> None:
    result = met(base, here, there, policy)
    assert result.host == result.remote
    after = agreed(result, result.host, result.remote)
    again = met(after, result.host, result.remote, policy)
    assert (again.to_host, again.to_remote, again.clashes) == (frozenset(), frozenset(), ())


@given(ITEMS, ITEMS, ITEMS)
def test_a_side_that_did_not_change_overrules_nobody(base: Any, here: Any, there: Any) -> None:
    assert met(base, base, there).host == there
    assert met(base, here, base).remote == here
    assert met(base, here, base).clashes == ()


@given(ITEMS, ITEMS, ITEMS)
def test_asking_leaves_the_disputed_cells_as_they_are(base: Any, here: Any, there: Any) -> None:
    result = met(base, here, there, Policy.ASK)
    after = agreed(result, result.host, result.remote)
    again = met(after, result.host, result.remote, Policy.ASK)
    assert (again.to_host, again.to_remote) == (frozenset(), frozenset())
    open_before = {clash.cell for clash in result.clashes if clash.winner is Winner.NOBODY}
    assert open_before == {clash.cell for clash in again.clashes}
