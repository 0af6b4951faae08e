"""The contract's half that reads: collections, rounds, fetches, stamps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from marketplace_plugin.errors import ProviderError, Throttled, Unavailable
from marketplace_plugin.model.change import Access, Found, Gone, Stamp, Unreadable, Upsert
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import UNKNOWN, Event, Override, Sensitivity, Series
from marketplace_plugin.model.form.canonical import normal
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, When, Window, Zoned
from tests.providers.serving import (
    STAMP,
    WINDOW,
    Serving,
    at,
    capabilities,
    daily,
    equal,
    fetch,
    made,
    meeting,
    pull,
    whole_days,
)

SERIES = [
    pytest.param(daily(), id="plain"),
    pytest.param(daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))), id="changed"),
    pytest.param(daily("Stand-up", Override(at(25, 9), None)), id="cancelled"),
    pytest.param(
        daily("Stand-up", Override(at(24, 9), meeting("später", 24, 11)), Override(at(26, 9), None)), id="both"
    ),
    pytest.param(
        Series(
            whole_days("Urlaub"),
            RecurrenceRule.parse("FREQ=WEEKLY;COUNT=5"),
            (Override(date(2026, 11, 30), whole_days("länger", 30, 2)), Override(date(2026, 12, 7), None)),
        ),
        id="all-day",
    ),
    pytest.param(
        Series(
            Event(when=Timed(at(20, 9, month=3), at(20, 10, month=3)), title="über die Zeitumstellung"),
            RecurrenceRule.parse("FREQ=WEEKLY;UNTIL=20261218T080000Z"),
        ),
        id="dst",
    ),
    pytest.param(
        Series(meeting("Beirat", 2), RecurrenceRule.parse("FREQ=MONTHLY;COUNT=3;BYDAY=1MO")), id="relative-monthly"
    ),
]


class ReadingContract:
    """See ``ProviderContract``."""

    # ---- collections ------------------------------------------------------------------------------------------

    def test_collections_and_roles(self, serving: Serving) -> None:
        infos = {info.id: info for info in serving.open().collections()}
        assert {serving.calendar, serving.sibling, serving.read_only, serving.free_busy} <= infos.keys()
        assert infos[serving.calendar].role >= Role.WRITER
        assert infos[serving.calendar].can_be_target
        assert infos[serving.read_only].role is Role.READER
        assert not infos[serving.read_only].can_be_target
        assert infos[serving.free_busy].role is Role.FREE_BUSY
        assert infos[serving.free_busy].masked
        for calendar in (serving.calendar, serving.sibling, serving.read_only, serving.free_busy):
            assert infos[calendar].kind is Kind.EVENT
            assert {"title", "when"} <= infos[calendar].capabilities.fields

    # ---- snapshots --------------------------------------------------------------------------------------------

    def test_an_empty_calendar_is_a_snapshot_with_a_cursor(self, serving: Serving) -> None:
        told = pull(serving)
        assert told.snapshot
        assert told.last == {}
        assert pull(serving, told.cursor).last == {}

    def test_a_snapshot_tells_all_in_the_window(self, serving: Serving) -> None:
        inside = {serving.create(serving.calendar, meeting(f"Termin {n}", 20 + n)) for n in range(5)}
        far = meeting("fern")
        outside = serving.create(serving.calendar, replace(far, when=Timed(at(1, 9, year=2029), at(1, 10, year=2029))))
        told = pull(serving)
        assert told.snapshot
        assert inside <= told.found().keys()
        assert told.found().keys() - inside <= {outside}
        assert all(page.covers == WINDOW for page in told.pages)

    @pytest.mark.parametrize(
        "item",
        [
            meeting("Straße 42 – Café", description="Zeile 1\nZeile 2", location="Raum <4> & 5", reminder=10),
            whole_days("ein Tag"),
            whole_days("drei Tage", 23, 3),
            Event(when=Timed(at(23, 22), at(25, 6)), title="Nachtzug"),
            Event(when=Timed(at(23, 9), Zoned(at(23, 12).wall, "America/New_York")), title="Flug"),
            meeting("vertraulich", sensitivity=Sensitivity.PRIVATE),
            meeting(""),
        ],
        ids=["text", "day", "days", "overnight", "two-zones", "private", "no-title"],
    )
    def test_events_are_read_as_the_person_made_them(self, serving: Serving, item: Event) -> None:
        created = serving.create(serving.calendar, item)
        found = pull(serving).found()[created]
        assert equal(serving, found.item, item)
        assert found == replace(fetch(serving, created), item=found.item)
        assert found.access is Access.FULL
        assert found.changed is not None
        assert found.changed.tzinfo is not None

    @pytest.mark.parametrize("series", SERIES)
    def test_series_are_read_whole(self, serving: Serving, series: Series) -> None:
        created = serving.create(serving.calendar, series)
        told = pull(serving)
        assert told.found().keys() == {created}
        assert equal(serving, told.found()[created].item, series)
        assert equal(serving, fetch(serving, created).item, series)

    # ---- increments -------------------------------------------------------------------------------------------

    def test_an_increment_tells_what_changed_and_nothing_else(self, serving: Serving) -> None:
        kept = serving.create(serving.calendar, meeting("bleibt", 20))
        changed = serving.create(serving.calendar, meeting("vorher", 21))
        deleted = serving.create(serving.calendar, meeting("weg", 22))
        cursor = pull(serving).cursor
        serving.edit(serving.calendar, changed, title="nachher")
        serving.delete(serving.calendar, deleted)
        new = serving.create(serving.calendar, meeting("neu", 24))
        told = pull(serving, cursor)
        assert not told.snapshot
        assert told.found().keys() == {changed, new}
        assert title(told.found()[changed]) == "nachher"
        assert told.gone().keys() == {deleted}
        assert kept not in told.last
        assert pull(serving, told.cursor).last == {}

    def test_a_changed_occurrence_tells_the_whole_series(self, serving: Serving) -> None:
        created = serving.create(serving.calendar, daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))
        first = pull(serving)
        serving.change_occurrence(serving.calendar, created, at(26, 9), meeting("auch", 26, 16))
        second = pull(serving, first.cursor)
        assert second.found().keys() == {created}
        found = second.found()[created]
        assert found.revision != first.found()[created].revision
        assert isinstance(found.item, Series)
        assert {o.original for o in found.item.overrides} == {at(24, 9), at(26, 9)}
        serving.change_occurrence(serving.calendar, created, at(25, 9), None)
        third = pull(serving, second.cursor).found()[created]
        assert isinstance(third.item, Series)
        assert third.item.override(at(25, 9)) == Override(at(25, 9), None)
        assert third.revision != found.revision

    def test_a_deleted_series_is_one_tombstone(self, serving: Serving) -> None:
        created = serving.create(serving.calendar, daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))
        cursor = pull(serving).cursor
        serving.delete(serving.calendar, created)
        told = pull(serving, cursor)
        assert told.gone().keys() == {created}
        assert told.found() == {}

    def test_moved_out_of_the_window_is_never_a_confirmed_deletion(self, serving: Serving) -> None:
        created = serving.create(serving.calendar, meeting())
        cursor = pull(serving).cursor
        later = Timed(at(1, 9, year=2029), at(1, 10, year=2029))
        serving.edit(serving.calendar, created, when=later)
        told = pull(serving, cursor)
        assert not any(tombstone.confirmed for tombstone in told.gone().values())
        (answer,) = serving.open().fetch(serving.calendar, [created])
        assert isinstance(answer, Found)
        serving.edit(serving.calendar, created, when=meeting().when)
        assert pull(serving, told.cursor).found().keys() == {created}

    def test_moved_to_a_sibling_and_found_there(self, serving: Serving) -> None:
        found = made(serving, meeting())
        here, there = pull(serving).cursor, pull(serving, calendar=serving.sibling).cursor
        new_id = serving.move(serving.calendar, found.id, serving.sibling)
        assert pull(serving, here).gone().keys() == {found.id}
        told = pull(serving, there, calendar=serving.sibling).found()
        assert told.keys() == {new_id}
        moved = told[new_id]
        assert new_id == found.id or moved.uid == found.uid or moved.stamp == STAMP

    # ---- pages, checkpoints, cursors --------------------------------------------------------------------------

    def test_all_pages_are_read_though_some_are_empty(self, serving: Serving) -> None:
        serving.small_pages()
        created = {serving.create(serving.calendar, meeting(f"Termin {n}", 10 + n)) for n in range(7)}
        told = pull(serving)
        assert len(told.pages) > 1
        assert told.found().keys() == created
        for item_id in created:
            serving.edit(serving.calendar, item_id, title="geändert")
        again = pull(serving, told.cursor)
        assert {key: title(found) for key, found in again.found().items()} == dict.fromkeys(created, "geändert")

    def test_a_round_goes_on_from_its_checkpoint(self, serving: Serving) -> None:
        serving.small_pages()
        created = {serving.create(serving.calendar, meeting(f"Termin {n}", 10 + n)) for n in range(7)}
        seen: set[str] = set()
        for page in serving.open().pull(serving.calendar, None, WINDOW):
            seen |= {change.id for change in page.changes}
            if page.checkpoint is not None and seen:
                rest = pull(serving, page.checkpoint)
                assert rest.snapshot
                assert seen | rest.last.keys() == created
                return
        pytest.fail("no page of several had a checkpoint")

    def test_an_edit_during_a_round_is_told_then_or_the_next_time(self, serving: Serving) -> None:
        serving.small_pages()
        created = [serving.create(serving.calendar, meeting(f"Termin {n}", 10 + n)) for n in range(6)]
        provider = serving.open()
        pages = provider.pull(serving.calendar, None, WINDOW)
        first = next(pages)
        for item_id in created:
            serving.edit(serving.calendar, item_id, title="inzwischen")
        rest = list(pages)
        cursor = rest[-1].cursor
        known = {c.id: c.found for page in [first, *rest] for c in page.changes if isinstance(c, Upsert)}
        known |= pull(serving, cursor).found()
        assert {key: title(found) for key, found in known.items()} == dict.fromkeys(created, "inzwischen")

    def test_an_expired_cursor_ends_in_one_snapshot(self, serving: Serving) -> None:
        created = serving.create(serving.calendar, meeting())
        cursor = pull(serving).cursor
        serving.expire_cursors(serving.calendar)
        told = pull(serving, cursor)
        assert told.snapshot
        assert told.found().keys() == {created}

    def test_a_cursor_of_another_window_or_calendar_is_never_an_increment(self, serving: Serving) -> None:
        created = serving.create(serving.calendar, meeting())
        other = serving.create(serving.sibling, meeting())
        cursor = pull(serving).cursor
        wider = Window(WINDOW.start, WINDOW.end + timedelta(days=30))
        told = pull(serving, cursor, window=wider)
        assert told.snapshot
        assert told.found().keys() == {created}
        assert all(page.covers == wider for page in told.pages)
        told = pull(serving, cursor, calendar=serving.sibling)
        assert told.snapshot
        assert told.found().keys() == {other}

    def test_a_pause_is_asked_for_by_name(self, serving: Serving) -> None:
        cursor = pull(serving).cursor
        provider = serving.open()
        provider.collections()
        serving.throttle()
        with pytest.raises(Throttled):
            list(provider.pull(serving.calendar, cursor, WINDOW))
        assert pull(serving, cursor).last == {}

    # ---- unreadable and masked --------------------------------------------------------------------------------

    def test_what_cannot_be_read_is_not_gone(self, serving: Serving) -> None:
        fine = serving.create(serving.calendar, meeting("gut"))
        bad = serving.create(serving.calendar, meeting("schlecht", 24))
        cursor = pull(serving).cursor
        serving.garble(serving.calendar, bad)
        told = pull(serving, cursor)
        assert told.unreadable() == {bad}
        assert told.gone() == {}
        snapshot = pull(serving)
        assert snapshot.unreadable() == {bad}
        assert snapshot.found().keys() == {fine}
        (answer,) = serving.open().fetch(serving.calendar, [bad])
        assert isinstance(answer, Unreadable)

    def test_free_busy_shows_times_and_nothing_else(self, serving: Serving) -> None:
        secret = meeting("GEHEIM", location="GEHEIM", description="GEHEIM")
        serving.create(serving.free_busy, secret)
        (found,) = pull(serving, calendar=serving.free_busy).found().values()
        assert isinstance(found.item, Event)
        assert found.item.when == secret.when
        for name in ("title", "description", "location", "reminder", "sensitivity", "attendees"):
            assert getattr(found.item, name) is UNKNOWN, name
        assert found.access is Access.NONE
        assert "GEHEIM" not in repr(found)

    def test_a_calendar_to_read_gives_items_to_read(self, serving: Serving) -> None:
        created = serving.create(serving.read_only, meeting("Feier"))
        found = pull(serving, calendar=serving.read_only).found()[created]
        assert title(found) == "Feier"
        assert found.access is Access.NONE

    def test_an_invitation_is_the_guests(self, serving: Serving) -> None:
        created = serving.invite(serving.calendar, meeting("Einladung"))
        found = pull(serving).found()[created]
        assert found.access is Access.ATTENDEE
        assert isinstance(found.item, Event)
        assert found.item.organizer is not None
        assert found.item.response is not None

    def test_a_calendar_that_is_gone(self, serving: Serving) -> None:
        with pytest.raises(ProviderError) as caught:
            pull(serving, calendar="no-such-calendar")
        assert not isinstance(caught.value, Unavailable | Throttled)

    # ---- fetch and find ---------------------------------------------------------------------------------------

    def test_fetch_answers_each_id_once(self, serving: Serving) -> None:
        here = serving.create(serving.calendar, meeting())
        gone = serving.create(serving.calendar, meeting("weg", 24))
        serving.delete(serving.calendar, gone)
        unknown = made(serving, meeting("anderswo")).id + "0"
        answers = {a.id: a for a in serving.open().fetch(serving.calendar, [here, gone, unknown, here])}
        assert isinstance(answers[here], Found)
        assert isinstance(answers[gone], Gone)
        assert isinstance(answers[unknown], Gone)

    def test_fetch_of_nothing_asks_nothing_of_the_items(self, serving: Serving) -> None:
        assert list(serving.open().fetch(serving.calendar, [])) == []
        assert dict(serving.open().find(serving.calendar, [])) == {}

    def test_stamps_are_read_back_and_found(self, serving: Serving) -> None:
        first = made(serving, meeting("eins"), "op-1", Stamp("instance-1", "link-1"))
        second = made(serving, daily(), "op-2", Stamp("instance-1", "link-2"))
        serving.create(serving.calendar, meeting("von Hand"))
        told = pull(serving).found()
        assert told[first.id].stamp == Stamp("instance-1", "link-1")
        assert told[second.id].stamp == Stamp("instance-1", "link-2")
        wanted = [Stamp("instance-1", "link-1"), Stamp("instance-1", "link-2"), Stamp("instance-1", "link-3")]
        found = serving.open().find(serving.calendar, wanted)
        assert {stamp: [f.id for f in items] for stamp, items in found.items()} == {
            wanted[0]: [first.id],
            wanted[1]: [second.id],
        }
        assert isinstance(found[wanted[1]][0].item, Series)

    def test_a_copy_carries_the_stamp_under_another_id(self, serving: Serving) -> None:
        original = made(serving, meeting())
        copy = serving.copy(serving.calendar, original.id)
        assert copy != original.id
        found = serving.open().find(serving.calendar, [STAMP]).get(STAMP, [])
        assert {f.id for f in found} == {original.id, copy}

    def test_a_deleted_item_is_found_by_no_stamp(self, serving: Serving) -> None:
        found = made(serving, meeting())
        serving.delete(serving.calendar, found.id)
        assert not serving.open().find(serving.calendar, [STAMP]).get(STAMP)

    def test_ids_are_compared_letter_by_letter(self, serving: Serving) -> None:
        ids = [serving.create(serving.calendar, meeting(f"Termin {n}", 10 + n)) for n in range(8)]
        assert len(set(ids)) == 8
        for number, item_id in enumerate(ids):
            assert title(fetch(serving, item_id)) == f"Termin {number}"

    def test_times_do_not_drift(self, serving: Serving) -> None:
        """Nine o'clock stays nine o'clock in winter and summer; a wall time is what comes back."""
        whens: list[When] = [
            Timed(at(29, 1, 30, month=3), at(29, 3, 30, month=3)),
            Timed(at(25, 1, 30, month=10), at(25, 4, month=10)),
            Timed(at(1, 9, month=7), at(1, 10, month=7)),
            AllDay(date(2026, 3, 29), date(2026, 3, 30)),
        ]
        for number, when in enumerate(whens):
            found = made(serving, Event(when=when, title="Zeit"), f"op-{number}", Stamp("instance-1", f"link-{number}"))
            assert isinstance(found.item, Event)
            assert found.item.when == when
            assert isinstance(fetched := fetch(serving, found.id).item, Event)
            assert fetched.when == when

    def test_only_readers_read(self, serving: Serving) -> None:
        assert capabilities(serving).fields
        before = serving.writes()
        pull(serving)
        pull(serving, calendar=serving.free_busy)
        assert serving.writes() == before


def title(found: Found) -> object:
    """In normal form: a server may write it in another way."""
    item = normal(found.item)
    assert isinstance(item, Event | Series)
    return item.master.title if isinstance(item, Series) else item.title
