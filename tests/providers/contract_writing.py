"""The contract's half that writes: every outcome by its name, nothing written that was not asked, nobody mailed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from marketplace_plugin.model.change import Gone, Stamp
from marketplace_plugin.model.event import (
    UNKNOWN,
    Event,
    Override,
    Series,
    ShowAs,
)
from marketplace_plugin.model.time import AllDay, Timed
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    Delete,
    Missing,
    Move,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
)
from tests.providers.contract_guests import event_of
from tests.providers.contract_reading import SERIES, title
from tests.providers.serving import (
    STAMP,
    Serving,
    at,
    capabilities,
    daily,
    equal,
    fetch,
    made,
    meeting,
    pull,
    push,
    stale,
    stored,
    update,
    whole_days,
)


class WritingContract:
    """See ``ProviderContract``."""

    # ---- create -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "item",
        [
            meeting("Straße 42", description="a\nb", location="Raum 4", reminder=15, show_as=ShowAs.FREE),
            whole_days("drei Tage", 23, 3),
            Event(when=Timed(at(23, 22), at(25, 6)), title="Nachtzug"),
        ],
        ids=["timed", "all-day", "overnight"],
    )
    def test_what_was_written_is_there(self, serving: Serving, item: Event) -> None:
        cursor = pull(serving).cursor
        found = made(serving, item)
        assert found.stamp == STAMP
        assert equal(serving, found.item, item)
        told = pull(serving, cursor).found()
        assert told.keys() == {found.id}
        assert told[found.id].revision == found.revision
        assert equal(serving, fetch(serving, found.id).item, item)

    @pytest.mark.parametrize("series", SERIES)
    def test_series_are_written_whole(self, serving: Serving, series: Series) -> None:
        found = made(serving, series)
        assert equal(serving, found.item, series)
        now = fetch(serving, found.id)
        assert equal(serving, now.item, series)
        assert now.revision == found.revision

    def test_a_repeated_create_makes_no_second_item_where_that_is_promised(self, serving: Serving) -> None:
        first = made(serving, meeting())
        if not capabilities(serving).idempotent_create:
            assert [f.id for f in serving.open().find(serving.calendar, [STAMP])[STAMP]] == [first.id]
            return
        again = made(serving, meeting())
        assert again.id == first.id
        assert pull(serving).found().keys() == {first.id}

    def test_a_repeated_create_does_not_take_an_edit_for_its_own(self, serving: Serving) -> None:
        first = made(serving, meeting())
        if not capabilities(serving).idempotent_create:
            return
        serving.edit(serving.calendar, first.id, title="von Hand")
        (outcome,) = push(serving, Create("op-1", STAMP, meeting()))
        assert isinstance(outcome, Stale)
        assert outcome.current is not None
        assert title(outcome.current) == "von Hand"
        assert title(fetch(serving, first.id)) == "von Hand"

    def test_a_lost_answer_is_unknown_and_its_stamp_is_found(self, serving: Serving) -> None:
        serving.lose_answer()
        (outcome,) = push(serving, Create("op-1", STAMP, meeting()))
        assert outcome == Unanswered("op-1")
        (found,) = serving.open().find(serving.calendar, [STAMP])[STAMP]
        assert title(found) == "Runde"

    # ---- update -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "changes",
        [
            {"title": "neu"},
            {"title": ""},
            {"description": "Text", "location": "Raum 9"},
            {"when": Timed(at(24, 14), at(24, 15))},
            {"reminder": 30},
            {"reminder": None},
            {"show_as": ShowAs.FREE},
        ],
        ids=lambda changes: "-".join(changes),
    )
    def test_an_update_writes_its_fields(self, serving: Serving, changes: dict[str, Any]) -> None:
        found = made(serving, meeting(reminder=10, description="alt"))
        item = replace(event_of(found.item), **changes)
        after = stored(*push(serving, update(found, item)))
        assert after.id == found.id
        assert after.revision != found.revision
        assert after.stamp == STAMP
        assert equal(serving, after.item, item)
        assert equal(serving, fetch(serving, found.id).item, item)

    def test_an_edit_of_another_field_survives(self, serving: Serving) -> None:
        found = made(serving, meeting(location="Raum 1"))
        serving.edit(serving.calendar, found.id, location="Raum 2")
        now = fetch(serving, found.id)
        stored(*push(serving, update(now, replace(event_of(found.item), title="neu"), "op-u", "title")))
        event = event_of(fetch(serving, found.id).item)
        assert (event.title, event.location) == ("neu", "Raum 2")

    def test_an_unseen_edit_is_never_overwritten(self, serving: Serving) -> None:
        found = made(serving, meeting())
        serving.edit(serving.calendar, found.id, title="von Hand")
        outcomes = push(
            serving,
            update(found, replace(event_of(found.item), title="unseres")),
            Delete("op-d", found.id, found.revision),
        )
        for outcome in outcomes:
            assert isinstance(outcome, Stale)
            assert outcome.current is None or title(outcome.current) == "von Hand"
        assert title(fetch(serving, found.id)) == "von Hand"

    def test_the_revision_that_a_write_gave_is_good_for_the_next(self, serving: Serving) -> None:
        found = made(serving, meeting())
        for number in range(3):
            item = replace(event_of(found.item), title=f"Fassung {number}")
            found = stored(*push(serving, update(found, item, f"op-{number}")))
        (outcome,) = push(serving, Delete("op-d", found.id, found.revision))
        assert outcome == Applied("op-d", found.id, None, None)

    def test_timed_and_all_day_turn_into_each_other(self, serving: Serving) -> None:
        found = made(serving, meeting())
        days = replace(event_of(found.item), when=AllDay(date(2026, 11, 23), date(2026, 11, 25)))
        found = stored(*push(serving, update(found, days, "op-1a")))
        assert event_of(found.item).when == days.when
        timed = replace(days, when=Timed(at(25, 9), at(25, 10)))
        found = stored(*push(serving, update(found, timed, "op-1b")))
        assert event_of(fetch(serving, found.id).item).when == timed.when

    def test_unknown_is_never_written(self, serving: Serving) -> None:
        found = made(serving, meeting(location="Raum 1"))
        masked = replace(event_of(found.item), location=UNKNOWN)
        create, change = push(
            serving, Create("op-2", Stamp("instance-1", "link-2"), masked), update(found, masked, "op-u", "location")
        )
        assert create == Refused("op-2", RefusedCode.INVALID)
        assert change == Refused("op-u", RefusedCode.INVALID)
        assert event_of(fetch(serving, found.id).item).location == "Raum 1"

    def test_what_is_not_named_may_be_unknown(self, serving: Serving) -> None:
        found = made(serving, meeting(location="Raum 1"))
        masked = replace(event_of(found.item), location=UNKNOWN, title="neu")
        stored(*push(serving, update(found, masked, "op-u", "title")))
        event = event_of(fetch(serving, found.id).item)
        assert (event.title, event.location) == ("neu", "Raum 1")

    # ---- delete and move --------------------------------------------------------------------------------------

    def test_deleted_is_gone(self, serving: Serving) -> None:
        items: list[Event | Series] = [meeting(), daily("Stand-up", Override(at(24, 9), meeting("x", 24, 15)))]
        for number, item in enumerate(items):
            found = made(serving, item, f"op-{number}", Stamp("instance-1", f"link-{number}"))
            (outcome,) = push(serving, Delete("op-d", found.id, found.revision))
            assert outcome == Applied("op-d", found.id, None, None)
            assert list(serving.open().fetch(serving.calendar, [found.id])) == [Gone(found.id)]

    def test_what_is_gone_is_missing(self, serving: Serving) -> None:
        found = made(serving, meeting())
        serving.delete(serving.calendar, found.id)
        outcomes = push(
            serving, update(found, replace(event_of(found.item), title="neu")), Delete("op-d", found.id, found.revision)
        )
        assert outcomes == [Missing("op-u"), Missing("op-d")]

    def test_a_move_keeps_the_item(self, serving: Serving) -> None:
        found = made(serving, daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))
        (outcome,) = push(serving, Move("op-m", found.id, found.revision, serving.sibling))
        if not capabilities(serving).move:
            assert outcome == Refused("op-m", RefusedCode.UNSUPPORTED)
            return
        moved = stored(outcome)
        assert moved.stamp == STAMP
        assert moved.uid == found.uid
        assert equal(serving, moved.item, found.item)
        assert pull(serving).found() == {}
        assert pull(serving, calendar=serving.sibling).found()[moved.id].revision == moved.revision

    def test_an_unseen_edit_is_never_moved(self, serving: Serving) -> None:
        found = made(serving, meeting())
        serving.edit(serving.calendar, found.id, title="von Hand")
        (outcome,) = push(serving, Move("op-m", found.id, found.revision, serving.sibling))
        assert isinstance(outcome, Stale | Refused)
        assert fetch(serving, found.id).id == found.id

    # ---- batches ----------------------------------------------------------------------------------------------

    def test_one_outcome_for_each_write(self, serving: Serving) -> None:
        found = made(serving, meeting("alt"))
        gone = made(serving, meeting("weg", 24), "op-2", Stamp("instance-1", "link-2"))
        serving.delete(serving.calendar, gone.id)
        creates = [Create(f"op-c{n}", Stamp("instance-1", f"c{n}"), meeting(f"neu {n}", 10 + n)) for n in range(5)]
        outcomes = push(
            serving,
            *creates,
            Delete("op-gone", gone.id, gone.revision),
            update(stale(found), replace(event_of(found.item), title="neu")),
        )
        assert [type(o) for o in outcomes] == [Applied] * 5 + [Missing, Stale]

    def test_a_pause_defers_what_is_left(self, serving: Serving) -> None:
        found = made(serving, meeting())
        serving.throttle()
        outcomes = push(
            serving,
            update(found, replace(event_of(found.item), title="neu")),
            Create("op-2", Stamp("instance-1", "link-2"), meeting("zwei", 24)),
        )
        assert all(isinstance(outcome, Deferred) for outcome in outcomes)
        assert title(fetch(serving, found.id)) == "Runde"
        assert not serving.open().find(serving.calendar, [Stamp("instance-1", "link-2")])

    def test_nothing_to_write_writes_nothing(self, serving: Serving) -> None:
        before = serving.writes()
        assert push(serving) == []
        assert serving.writes() == before
