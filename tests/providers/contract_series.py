"""The contract's part that writes series: their occurrences one by one, and none of them that was not asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.form.canonical import normal
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.model.write import Create, Partial, Refused, RefusedCode, Stale, Unanswered
from tests.providers.contract_guests import event_of
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
    stored,
    update,
    whole_days,
)


def moved(title: str, to: Zoned) -> Event:
    return Event(when=Timed(to, replace(to, wall=to.wall + timedelta(hours=1))), title=title)


class SeriesContract:
    """See ``ProviderContract``."""

    def test_overrides_are_added_changed_restored_and_cancelled(self, serving: Serving) -> None:
        found = made(
            serving,
            daily("Stand-up", Override(at(23, 9), meeting("alt", 23, 11)), Override(at(24, 9), meeting("weg", 24, 12))),
        )
        item = daily(
            "Stand-up",
            Override(at(23, 9), meeting("neu", 23, 14)),  # changed
            # 24 November is like the others again
            Override(at(25, 9), meeting("dazu", 25, 15)),  # added
            Override(at(26, 9), None),  # cancelled
        )
        after = stored(*push(serving, update(found, item, "op-u", "overrides")))
        assert equal(serving, after.item, item)
        now = fetch(serving, found.id)
        assert equal(serving, now.item, item)
        assert now.revision == after.revision
        revived = daily("Stand-up", Override(at(26, 9), meeting("doch", 26, 10)))
        after = stored(*push(serving, update(now, revived, "op-v", "overrides")))
        assert equal(serving, fetch(serving, found.id).item, revived)

    def test_a_new_title_keeps_the_overrides(self, serving: Serving) -> None:
        found = made(serving, daily("alt", Override(at(24, 9), meeting("verlegt", 24, 15)), Override(at(26, 9), None)))
        series = _series(found.item)
        item = replace(series, master=replace(series.master, title="neu"))
        stored(*push(serving, update(found, item, "op-u", "title")))
        after = _series(fetch(serving, found.id).item)
        assert after.master.title == "neu"
        assert {o.original for o in after.overrides} == {at(24, 9), at(26, 9)}
        moved = after.override(at(24, 9))
        assert moved is not None
        assert moved.event is not None
        assert moved.event.when == meeting("", 24, 15).when

    def test_an_occurrence_is_as_we_say_whatever_the_series_becomes_with_it(self, serving: Serving) -> None:
        """The series gets a place, and an occurrence of its own a title and none."""
        found = made(serving, daily("Stand-up"))
        series = _series(found.item)
        own = Override(at(24, 9), replace(series.master, when=meeting("", 24, 9).when, title="hier"))
        item = replace(series, master=replace(series.master, location="Raum 1"), overrides=(own,))
        after = stored(*push(serving, update(found, item, "op-u", "location", "overrides")))
        assert equal(serving, after.item, item)
        assert equal(serving, fetch(serving, found.id).item, item)

    @pytest.mark.parametrize(
        "rule", ["FREQ=DAILY;COUNT=8", "FREQ=DAILY;UNTIL=20261127T080000Z", "FREQ=DAILY;INTERVAL=1"]
    )
    def test_a_new_rule_keeps_the_overrides_that_are_wanted(self, serving: Serving, rule: str) -> None:
        overrides = (Override(at(24, 9), meeting("verlegt", 24, 15)), Override(at(26, 9), None))
        found = made(serving, daily("Stand-up", *overrides))
        item = daily("Stand-up", *overrides, rule=rule)
        after = stored(*push(serving, update(found, item, "op-u", "rule")))
        assert equal(serving, after.item, item)
        assert equal(serving, fetch(serving, found.id).item, item)

    def test_a_new_time_moves_the_series_with_its_overrides(self, serving: Serving) -> None:
        found = made(serving, daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))
        item = replace(
            daily("Stand-up", Override(at(24, 10), meeting("verlegt", 24, 15))),
            master=meeting("Stand-up", 23, 10),
        )
        after = stored(*push(serving, update(found, item, "op-u", "when", "overrides")))
        assert equal(serving, after.item, item)
        assert equal(serving, fetch(serving, found.id).item, item)

    def test_an_unseen_edit_of_one_occurrence_is_never_overwritten(self, serving: Serving) -> None:
        found = made(serving, daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))
        for original, hour in ((at(24, 9), 16), (at(26, 9), 17)):
            now = fetch(serving, found.id)
            serving.change_occurrence(
                serving.calendar, found.id, original, meeting("von Hand", original.wall.day, hour)
            )
            item = _series(now.item)
            kept = tuple(o for o in item.overrides if o.original != original)
            wanted = Override(original, meeting("unseres", original.wall.day, 18))
            overrides = tuple(sorted((*kept, wanted), key=lambda o: str(o.original)))
            (outcome,) = push(serving, update(now, replace(item, overrides=overrides), "op-u", "overrides"))
            assert isinstance(outcome, Stale | Partial), outcome
            there = _series(fetch(serving, found.id).item).override(original)
            assert there is not None
            assert there.event is not None
            assert there.event.title == "von Hand"

    def test_an_event_becomes_a_series_and_back(self, serving: Serving) -> None:
        found = made(serving, meeting("Runde"))
        series = Series(event_of(found.item), RecurrenceRule.parse("FREQ=WEEKLY;COUNT=3"))
        after = stored(*push(serving, update(found, series, "op-1a")))
        assert equal(serving, after.item, series)
        single = series.master
        after = stored(*push(serving, update(after, single, "op-1b")))
        assert equal(serving, fetch(serving, found.id).item, single)

    def test_a_rule_that_the_service_cannot_say_is_refused(self, serving: Serving) -> None:
        last_day = Series(whole_days("Abschluss", 30), RecurrenceRule.parse("FREQ=MONTHLY;COUNT=4;BYMONTHDAY=-1"))
        (outcome,) = push(serving, Create("op-1", STAMP, last_day))
        if capabilities(serving).rules:
            assert outcome == Refused("op-1", RefusedCode.UNSUPPORTED)
            assert pull(serving).found() == {}
        else:
            assert equal(serving, stored(outcome).item, last_day)

    @pytest.mark.parametrize(
        "item, passes",
        [
            (daily("weit", Override(at(28, 9), moved("zuletzt", at(23, 9, year=2029)))), False),
            (
                daily(
                    "getauscht",
                    Override(at(23, 9, year=2028), moved("später", at(1, 9, month=12, year=2029))),
                    Override(at(23, 9, year=2030), moved("eher", at(1, 9, year=2029))),
                    rule="FREQ=YEARLY;INTERVAL=2;COUNT=4",
                ),
                True,
            ),
        ],
        ids=["the-last-goes-years-on", "years-apart"],
    )
    def test_occurrences_keep_their_order_where_the_service_asks_for_it(
        self, serving: Serving, item: Series, passes: bool
    ) -> None:
        if capabilities(serving).override_crossing or not passes:
            assert equal(serving, made(serving, item).item, item)
            return
        assert push(serving, Create("op-1", STAMP, item)) == [Refused("op-1", RefusedCode.UNSUPPORTED)]
        assert serving.writes() == 0

    @pytest.mark.parametrize("title", [None, "kürzer"], ids=["cancelled", "changed"])
    def test_occurrences_of_the_night_in_which_clocks_change(self, serving: Serving, title: str | None) -> None:
        """Its end is the clock's at one service, eight hours later at another; neither is somebody's edit."""
        night = Timed(at(23, 22, month=10), at(24, 6, month=10))
        changed = None if title is None else moved(title, at(24, 22, month=10))
        item = Series(
            Event(when=night, title="Nachtwache"),
            RecurrenceRule.parse("FREQ=DAILY;COUNT=4"),
            (Override(at(24, 22, month=10), changed),),
        )
        assert equal(serving, made(serving, item).item, item)

    def test_occurrences_that_end_in_another_zone(self, serving: Serving) -> None:
        """Of two zones that do not change their clocks on one day, the start's is the one that is kept."""
        there = Zoned(at(23, 17, month=10).wall, "America/New_York")
        item = Series(
            Event(when=Timed(at(23, 22, month=10), there), title="Anruf"),
            RecurrenceRule.parse("FREQ=DAILY;COUNT=6"),
            (Override(at(27, 22, month=10), None),),
        )
        assert equal(serving, made(serving, item).item, item)

    def test_a_series_that_stops_half_way_says_what_is_left(self, serving: Serving) -> None:
        found = made(serving, daily())
        item = daily("neu", Override(at(24, 9), meeting("eins", 24, 15)), Override(at(25, 9), meeting("zwei", 25, 15)))
        serving.lose_answer()
        (outcome,) = push(serving, update(found, item, "op-u", "title", "overrides"))
        assert isinstance(outcome, Unanswered | Partial)
        now = fetch(serving, found.id)
        again = stored(*push(serving, update(now, item, "op-v", "title", "overrides")))
        assert equal(serving, again.item, item)


def _series(item: Item) -> Series:
    item = normal(item)
    assert isinstance(item, Series)
    return item
