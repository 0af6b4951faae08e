"""Steg's modules: the log, compare-and-set, operation keys, and whose content is whose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from marketplace_plugin.contract.module import HostModule
from marketplace_plugin.errors import HostError
from marketplace_plugin.host.acts import Saved
from marketplace_plugin.host.records import events, tables
from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.change import HostCursor, HostGone, HostItem
from marketplace_plugin.model.event import (
    Attendee,
    Event,
    Override,
    Response,
    Series,
    ShowAs,
)
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import AllDay, Timed, Window
from marketplace_plugin.model.write import (
    HostApplied,
    HostCreate,
    HostDelete,
    HostMissing,
    HostOutcome,
    HostRefused,
    HostStale,
    HostUpdate,
    HostWrite,
    RefusedCode,
)
from tests.host.conftest import ANNA, JONAS, MIRA, NOW, Clock, Told, berlin

NINE = Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00"))
MEETING = Event(when=NINE, title="Jour fixe", location="Raum Pegnitz")
WEEKLY = Series(MEETING, RecurrenceRule.parse("FREQ=WEEKLY;COUNT=4"))
SECOND = berlin("2026-11-25 09:00")


@pytest.fixture
def calendar(steg: Steg) -> HostModule:
    return steg.modules[Kind.EVENT]


def do(steg: Steg, owner: str, *writes: HostWrite, kind: Kind = Kind.EVENT) -> list[HostOutcome]:
    with steg.database.begin() as unit:
        return list(steg.modules[kind].apply(owner, writes, unit))


def create(steg: Steg, item: Item = MEETING, op: str = "op-create", uids: tuple[str, ...] = ()) -> HostItem:
    (done,) = do(steg, ANNA.id, HostCreate(op, item, uids))
    assert isinstance(done, HostApplied)
    assert done.stored is not None
    return done.stored


def invite(steg: Steg, item: Event | Series = MEETING) -> str:
    """Anna's event with Jonas, made on Steg's page."""
    asked = (Attendee(JONAS.email, JONAS.name),)
    if isinstance(item, Series):
        item = replace(item, master=replace(item.master, attendees=asked))
    else:
        item = replace(item, attendees=asked)
    return steg.acts.create_event(ANNA, item, [JONAS.id], "events").ref


def seen(calendar: HostModule, who: str, ref: str) -> HostItem:
    (item,) = calendar.get(who, [ref])
    assert isinstance(item, HostItem)
    return item


def event_of(item: HostItem) -> Event:
    assert isinstance(item.item, Event)
    return item.item


def series_of(item: HostItem) -> Series:
    assert isinstance(item.item, Series)
    return item.item


def test_nothing_at_first(calendar: HostModule) -> None:
    page = calendar.changes(ANNA.id, None, 10)
    assert page.changes == ()
    assert not page.more
    assert calendar.changes(ANNA.id, page.cursor, 10) == page


def test_unknown_person_and_foreign_cursor_are_errors(calendar: HostModule) -> None:
    with pytest.raises(HostError):
        calendar.changes("nobody", None, 10)
    with pytest.raises(HostError):
        calendar.changes(ANNA.id, HostCursor("no cursor of ours"), 10)


def test_create_update_delete_move_the_version_and_the_log(steg: Steg, calendar: HostModule) -> None:
    start = calendar.changes(ANNA.id, None, 10).cursor
    made = create(steg)
    assert (made.version, made.op, made.item, made.organised) == (1, "op-create", MEETING, True)
    assert calendar.changes(ANNA.id, start, 10).changes == (made,)

    new = replace(MEETING, title="Jour fixe Einkauf", location="lost")
    (done,) = do(steg, ANNA.id, HostUpdate("op-2", made.ref, 1, new, frozenset({"title"})))
    assert isinstance(done, HostApplied)
    assert done.stored is not None
    assert event_of(done.stored).title == "Jour fixe Einkauf"
    assert event_of(done.stored).location == "Raum Pegnitz"  # not named, so not written
    page = calendar.changes(ANNA.id, start, 10)
    assert page.changes == (done.stored,)  # once, with its newest state

    (gone,) = do(steg, ANNA.id, HostDelete("op-3", made.ref, 2))
    assert gone == HostApplied("op-3", made.ref, 3, None)
    assert calendar.changes(ANNA.id, page.cursor, 10).changes == (HostGone(made.ref, 3, op="op-3"),)
    assert list(calendar.get(ANNA.id, [made.ref, "never"])) == [HostGone(made.ref, 3, op="op-3"), HostGone("never")]
    # Who reads from the beginning hears of what is there, not of what was.
    assert calendar.changes(ANNA.id, None, 10).changes == ()


def test_pages_are_cut_and_go_on(steg: Steg, calendar: HostModule) -> None:
    refs = [create(steg, op=f"op{n}").ref for n in range(5)]
    do(steg, ANNA.id, HostDelete("del", refs[0], 1))
    got: list[str] = []
    cursor, more = None, True
    while more:
        page = calendar.changes(ANNA.id, cursor, 2)
        assert len(page.changes) <= 2
        got += [change.ref for change in page.changes]
        cursor, more = page.cursor, page.more
    assert got == refs[1:]
    assert calendar.changes(ANNA.id, cursor, 2).changes == ()


def test_a_change_between_two_pages_is_not_missed(steg: Steg, calendar: HostModule) -> None:
    refs = [create(steg, op=f"op{n}").ref for n in range(3)]
    page = calendar.changes(ANNA.id, None, 2)
    do(steg, ANNA.id, HostUpdate("late", refs[0], 1, replace(MEETING, title="later"), frozenset({"title"})))
    do(steg, ANNA.id, HostDelete("del", refs[1], 1))
    rest = calendar.changes(ANNA.id, page.cursor, 10)
    assert [change.ref for change in rest.changes] == [refs[2], refs[0], refs[1]]
    assert isinstance(rest.changes[2], HostGone)


def test_the_same_operation_again_changes_nothing(steg: Steg, calendar: HostModule) -> None:
    made = create(steg)
    again = create(steg)
    assert again.ref == made.ref
    assert len(calendar.changes(ANNA.id, None, 10).changes) == 1

    update = HostUpdate("up", made.ref, 1, replace(MEETING, title="A"), frozenset({"title"}))
    first = do(steg, ANNA.id, update)
    do(steg, ANNA.id, HostUpdate("up2", made.ref, 2, replace(MEETING, title="B"), frozenset({"title"})))
    (repeated,) = do(steg, ANNA.id, update)
    assert isinstance(repeated, HostApplied)
    assert repeated.version == 2
    assert repeated.stored is not None
    assert event_of(repeated.stored).title == "A"  # what that write made, not what came after
    assert isinstance(first[0], HostApplied)
    assert event_of(seen(calendar, ANNA.id, made.ref)).title == "B"

    delete = HostDelete("del", made.ref, 3)
    assert do(steg, ANNA.id, delete) == do(steg, ANNA.id, delete)
    # The content of what was deleted is not kept for the sake of a repetition.
    (repeated,) = do(steg, ANNA.id, update)
    assert repeated == HostApplied("up", made.ref, 2, None)
    with pytest.raises(HostError):
        do(steg, JONAS.id, delete)


def test_operation_keys_are_forgotten_after_a_month(steg: Steg, clock: Clock) -> None:
    create(steg, op="old")
    clock.at = NOW + timedelta(days=31)
    create(steg, op="new")
    with steg.database.read() as c:
        assert c.execute(sa.select(tables.applied.c.op)).scalars().all() == ["new"]


def test_stale_and_missing(steg: Steg, calendar: HostModule) -> None:
    made = create(steg)
    do(steg, ANNA.id, HostUpdate("up", made.ref, 1, replace(MEETING, title="A"), frozenset({"title"})))
    (stale,) = do(steg, ANNA.id, HostUpdate("up2", made.ref, 1, MEETING, frozenset({"title"})))
    assert stale == HostStale("up2", seen(calendar, ANNA.id, made.ref))
    assert isinstance(do(steg, ANNA.id, HostDelete("del", made.ref, 1))[0], HostStale)
    assert do(steg, ANNA.id, HostDelete("del2", "never", 1)) == [HostMissing("del2")]
    assert do(steg, JONAS.id, HostDelete("del3", made.ref, 2)) == [HostMissing("del3")]  # not his


def test_an_operation_that_was_refused_may_be_tried_again(steg: Steg) -> None:
    made = create(steg)
    (stale,) = do(steg, ANNA.id, HostDelete("del", made.ref, 7))
    assert isinstance(stale, HostStale)
    (done,) = do(steg, ANNA.id, HostDelete("del", made.ref, 1))
    assert isinstance(done, HostApplied)


def test_a_rolled_back_unit_leaves_nothing(steg: Steg, calendar: HostModule) -> None:
    def fail() -> None:
        with steg.database.begin() as unit:
            calendar.apply(ANNA.id, [HostCreate("op", MEETING)], unit)
            raise RuntimeError("the engine could not commit")

    with pytest.raises(RuntimeError):
        fail()
    assert calendar.changes(ANNA.id, None, 10).changes == ()
    assert create(steg, op="op").version == 1


def test_without_a_unit_it_commits_by_itself(steg: Steg, calendar: HostModule) -> None:
    calendar.apply(ANNA.id, [HostCreate("op", MEETING)], None)
    assert len(calendar.changes(ANNA.id, None, 10).changes) == 1


def test_wrong_kind_and_impossible_results_are_refused(steg: Steg) -> None:
    assert do(steg, ANNA.id, HostCreate("a", Task(title="x"))) == [HostRefused("a", RefusedCode.INVALID)]
    made = create(steg, WEEKLY)
    day = replace(MEETING, when=AllDay(date(2026, 11, 18), date(2026, 11, 19)))
    cut = Series(MEETING, None, rdates=(SECOND,))
    # Its rule taken away and no extra dates given: no series.
    (refused,) = do(steg, ANNA.id, HostUpdate("b", made.ref, 1, cut, frozenset({"rule"})))
    assert refused == HostRefused("b", RefusedCode.INVALID)
    (moved,) = do(steg, ANNA.id, HostUpdate("c", made.ref, 1, Series(day, WEEKLY.rule), frozenset({"when"})))
    assert isinstance(moved, HostApplied)


def test_a_series_is_written_by_parts(steg: Steg) -> None:
    made = create(steg, WEEKLY)
    moved = replace(WEEKLY, overrides=(Override(SECOND, replace(MEETING, title="verlegt")),))
    (done,) = do(steg, ANNA.id, HostUpdate("a", made.ref, 1, moved, frozenset({"overrides"})))
    assert isinstance(done, HostApplied)
    assert done.stored is not None
    (override,) = series_of(done.stored).overrides
    assert override.event == replace(MEETING, title="verlegt")
    (done,) = do(steg, ANNA.id, HostUpdate("b", made.ref, 2, MEETING, frozenset({"rule"})))
    assert isinstance(done, HostApplied)
    assert done.stored is not None
    assert event_of(done.stored) == MEETING  # it repeats no more


def test_all_uids_are_kept_as_aliases(steg: Steg, calendar: HostModule) -> None:
    made = create(steg, uids=("a@x", ""))
    assert made.uids == ("a@x",)
    do(steg, ANNA.id, HostUpdate("up", made.ref, 1, MEETING, frozenset(), ("b@y", "a@x")))
    assert seen(calendar, ANNA.id, made.ref).uids == ("a@x", "b@y")


def test_a_participant_has_the_same_event_as_his_own(steg: Steg, calendar: HostModule, told: Told) -> None:
    ref = invite(steg)
    assert {owner for owner, _, _ in told.calls} == {ANNA.id, JONAS.id}
    his = seen(calendar, JONAS.id, ref)
    assert not his.organised
    assert event_of(his).organizer == Attendee(ANNA.email, ANNA.name)
    assert event_of(his).response is Response.NEEDS_ACTION
    assert event_of(seen(calendar, ANNA.id, ref)).organizer is None
    assert calendar.get(MIRA.id, [ref]) == [HostGone(ref)]


def test_a_participant_writes_his_own_fields_alone(steg: Steg, calendar: HostModule) -> None:
    ref = invite(steg)
    his = seen(calendar, JONAS.id, ref)
    (refused,) = do(
        steg, JONAS.id, HostUpdate("a", ref, his.version, replace(event_of(his), title="x"), frozenset({"title"}))
    )
    assert refused == HostRefused("a", RefusedCode.NOT_ORGANIZER)

    before = calendar.changes(ANNA.id, None, 10).cursor
    his_view = replace(event_of(his), reminder=30, show_as=ShowAs.FREE)
    (done,) = do(steg, JONAS.id, HostUpdate("b", ref, his.version, his_view, frozenset({"reminder", "show_as"})))
    assert isinstance(done, HostApplied)
    assert done.version > his.version
    hers = event_of(seen(calendar, ANNA.id, ref))
    assert (hers.reminder, hers.show_as) == (None, ShowAs.BUSY)
    assert calendar.changes(ANNA.id, before, 10).changes == ()  # it concerns him alone

    accepted = replace(his_view, response=Response.ACCEPTED)
    (done,) = do(steg, JONAS.id, HostUpdate("c", ref, done.version, accepted, frozenset({"response"})))
    assert isinstance(done, HostApplied)
    (news,) = calendar.changes(ANNA.id, before, 10).changes
    assert isinstance(news, HostItem)
    assert news.op == ""  # not her operation
    assert event_of(news).attendees == (Attendee(JONAS.email, JONAS.name, Response.ACCEPTED),)
    assert event_of(seen(calendar, JONAS.id, ref)).reminder == 30


def test_the_organisers_change_reaches_the_participant(steg: Steg, calendar: HostModule) -> None:
    ref = invite(steg)
    cursor = calendar.changes(JONAS.id, None, 10).cursor
    version = seen(calendar, JONAS.id, ref).version
    do(steg, ANNA.id, HostUpdate("a", ref, 1, replace(MEETING, title="neu"), frozenset({"title"})))
    (news,) = calendar.changes(JONAS.id, cursor, 10).changes
    assert isinstance(news, HostItem)
    assert news.version > version
    assert (event_of(news).title, news.op) == ("neu", "")
    mine = HostUpdate("b", ref, version, event_of(news), frozenset({"response"}))
    assert isinstance(do(steg, JONAS.id, mine)[0], HostStale)


def test_a_participant_leaves_alone(steg: Steg, calendar: HostModule) -> None:
    ref = invite(steg)
    cursors = {who: calendar.changes(who, None, 10).cursor for who in (ANNA.id, JONAS.id)}
    his = seen(calendar, JONAS.id, ref)
    (done,) = do(steg, JONAS.id, HostDelete("a", ref, his.version))
    assert isinstance(done, HostApplied)
    assert calendar.changes(JONAS.id, cursors[JONAS.id], 10).changes == (
        HostGone(ref, done.version, withdrawn=True, op="a"),
    )
    (news,) = calendar.changes(ANNA.id, cursors[ANNA.id], 10).changes
    assert isinstance(news, HostItem)
    assert event_of(news).attendees == (Attendee(JONAS.email, JONAS.name, Response.DECLINED),)


def test_invited_again_goes_on_above_the_version_when_he_left(steg: Steg, calendar: HostModule) -> None:
    ref = invite(steg)
    his = seen(calendar, JONAS.id, ref)
    for n in range(5):
        view = replace(event_of(his), reminder=n)
        (done,) = do(steg, JONAS.id, HostUpdate(f"r{n}", ref, his.version + n, view, frozenset({"reminder"})))
        assert isinstance(done, HostApplied)
    item = event_of(seen(calendar, ANNA.id, ref))
    assert isinstance(steg.acts.change_event(ANNA, ref, 1, item, invited=[]), Saved)
    (left,) = calendar.get(JONAS.id, [ref])
    assert isinstance(left, HostGone)
    assert left.withdrawn
    assert isinstance(steg.acts.change_event(ANNA, ref, 2, item, invited=[JONAS.id]), Saved)
    assert seen(calendar, JONAS.id, ref).version > left.version > his.version


def test_taken_out_by_the_service_means_taken_out_here(steg: Steg, calendar: HostModule) -> None:
    ref = invite(steg)
    version = seen(calendar, ANNA.id, ref).version
    mail = replace(MEETING, attendees=(Attendee("mira.sommer@nordwerk.example"),))
    do(steg, ANNA.id, HostUpdate("a", ref, version, mail, frozenset({"attendees"})))
    (left,) = calendar.get(JONAS.id, [ref])
    assert isinstance(left, HostGone)
    assert left.withdrawn
    assert calendar.get(MIRA.id, [ref]) == [HostGone(ref)]  # a name in the item; nobody is invited by a sync


def test_the_event_ends_for_all(steg: Steg, calendar: HostModule) -> None:
    ref = invite(steg)
    do(steg, ANNA.id, HostDelete("a", ref, 1))
    (his,) = calendar.get(JONAS.id, [ref])
    assert his == HostGone(ref, 2)


def test_one_occurrence_answered_and_one_left(steg: Steg, calendar: HostModule) -> None:
    ref = invite(steg, WEEKLY)
    his = seen(calendar, JONAS.id, ref)
    view = series_of(his)
    third = berlin("2026-12-02 09:00")
    second_when = Timed(SECOND, berlin("2026-11-25 10:00"))
    answered = replace(
        view,
        overrides=(
            Override(SECOND, replace(view.master, when=second_when, response=Response.DECLINED)),
            Override(third, None),
        ),
    )
    (done,) = do(steg, JONAS.id, HostUpdate("a", ref, his.version, answered, frozenset({"overrides"})))
    assert isinstance(done, HostApplied)
    assert done.stored is not None
    assert done.stored.item == answered
    assert series_of(seen(calendar, ANNA.id, ref)).overrides == ()  # hers is whole
    again = HostUpdate("b", ref, done.version, view, frozenset({"overrides"}))
    (done,) = do(steg, JONAS.id, again)
    assert isinstance(done, HostApplied)
    assert done.stored is not None
    assert series_of(done.stored).overrides == ()


@pytest.mark.parametrize(
    "kind, item, new, changed",
    [
        (Kind.TASK, Task(title="Reisekosten"), Task(title="Reisekosten", status=TaskStatus.COMPLETED), "status"),
        (Kind.CALL, Call(title="Hr. Vogel", when=NINE), Call(title="Hr. Vogel", when=NINE, done=True), "done"),
    ],
)
def test_tasks_and_calls(steg: Steg, kind: Kind, item: Item, new: Item, changed: str) -> None:
    module = steg.modules[kind]
    (made,) = do(steg, ANNA.id, HostCreate("a", item), kind=kind)
    assert isinstance(made, HostApplied)
    (done,) = do(steg, ANNA.id, HostUpdate("b", made.ref, 1, new, frozenset({changed})), kind=kind)
    assert isinstance(done, HostApplied)
    assert module.changes(ANNA.id, None, 5).changes == (done.stored,)
    assert do(steg, JONAS.id, HostDelete("c", made.ref, 2), kind=kind) == [HostMissing("c")]
    (gone,) = do(steg, ANNA.id, HostDelete("d", made.ref, 2), kind=kind)
    assert isinstance(gone, HostApplied)
    assert module.get(ANNA.id, [made.ref]) == [HostGone(made.ref, 3, op="d")]
    refused = do(steg, ANNA.id, HostCreate("e", MEETING), kind=kind)
    assert refused == [HostRefused("e", RefusedCode.INVALID)]


def test_reading_changes_is_by_index(steg: Steg) -> None:
    with steg.database.read() as c:
        plan = c.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM steg_change WHERE owner='a' AND kind='event' AND seq>5 ORDER BY seq"
        ).all()
    assert "ix_steg_change_owner_kind_seq" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_spans_are_made_again_for_another_zone_database(steg: Steg) -> None:
    ref = create(steg, WEEKLY).ref
    window = Window(NOW + timedelta(days=20), NOW + timedelta(days=22))
    with steg.database.begin() as unit:
        unit.connection.execute(sa.update(tables.event).values(tz_version="1999a", span_end=NOW))
        assert events.in_window(unit.connection, ANNA.id, window) == []
        assert events.refresh_spans(unit.connection) == 1
        assert events.refresh_spans(unit.connection) == 0
        assert [r.ref for r in events.in_window(unit.connection, ANNA.id, window)] == [ref]
