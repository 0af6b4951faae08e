"""What Microsoft's change tracking tells in its odd shapes, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from marketplace_plugin.errors import ContractViolation, PermissionDenied
from marketplace_plugin.model.change import Access, Found, Gone, Unreadable
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import UNKNOWN, Event, Override, Sensitivity, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.providers.graph import GraphAccount
from marketplace_plugin.providers.graph.shape.recurrence import pattern_of
from marketplace_plugin.sandbox.graph.outlook import access
from tests.providers.graph.world import ANNA, JONAS, SCOPES, GraphServing, World, body_of
from tests.providers.serving import WINDOW, at, daily, fetch, made, meeting, pull
from tests.providers.world import Token


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def serving(world: World) -> GraphServing:
    return GraphServing(world)


def shared(world: World, role: str) -> str:
    """A calendar of Jonas's, as Anna has it."""
    state = world.sandbox.state
    calendar = state.add_calendar(JONAS, f"Jonas {role}")
    share = state.share(calendar, ANNA, role)
    assert share is not None
    return next(s.id for s in access.calendars(state, ANNA) if s.share is share)


def put(world: World, role: str, item: Event | Series, **more: Any) -> None:
    event = item.master if isinstance(item, Series) else item
    rule = {"recurrence": pattern_of(item)} if isinstance(item, Series) else {}
    person = world.user(JONAS)
    series = person.insert({**body_of(event), **rule, **more}, f"Jonas {role}")
    for override in item.overrides if isinstance(item, Series) else ():
        assert isinstance(override.original, Zoned)
        occurrence = person.occurrence(str(series["id"]), override.original.wall.date().isoformat())
        if override.event is None:
            person.delete(str(occurrence["id"]))
        else:
            person.patch(str(occurrence["id"]), body_of(override.event))


@pytest.mark.parametrize(
    "role, expected",
    [
        ("write", Role.MASKED_WRITER),
        ("delegateWithoutPrivateEventAccess", Role.MASKED_WRITER),
        ("delegateWithPrivateEventAccess", Role.WRITER),
        ("read", Role.FREE_BUSY),
    ],
)
def test_roles_of_empty_calendars(world: World, role: str, expected: Role) -> None:
    collection = shared(world, role)
    (info,) = [info for info in world.open().collections() if info.id == collection]
    assert info.role is expected
    assert info.shared_by == JONAS


def test_without_the_permission_for_shared_calendars_the_own_ones_are_listed(world: World) -> None:
    collection = shared(world, "read")
    put(world, "read", meeting())
    account = world.open(bearer=Token(world.token(scopes=SCOPES - {"Calendars.ReadWrite.Shared"})))
    roles = {info.id: info.role for info in account.collections()}
    assert roles == {collection: Role.FREE_BUSY, world.user().calendar().id: Role.OWNER}
    with pytest.raises(PermissionDenied):
        list(account.pull(collection, None, WINDOW))


@pytest.mark.parametrize("granted", [{"Calendars.ReadWrite"}, {"https://graph.microsoft.com/Calendars.ReadWrite"}])
def test_what_could_not_be_read_is_not_offered(world: World, granted: set[str]) -> None:
    shared(world, "write")
    account = GraphAccount(replace(world.session(), granted=frozenset(granted)))
    assert [info.id for info in account.collections()] == [world.user().calendar().id]


def test_who_signs_in_under_another_name_than_his_mailbox_keeps_his_calendars(world: World) -> None:
    birthdays = world.sandbox.state.add_calendar(ANNA, "Geburtstage")
    birthdays.read_only = True
    session = replace(world.session(), account="a.brandt@alias.example", granted=frozenset({"Calendars.ReadWrite"}))
    found = {info.title: info.shared_by for info in GraphAccount(session).collections()}
    assert found == {"Kalender": "", "Geburtstage": ""}


def test_reading_shows_itself_by_the_first_event(world: World) -> None:
    collection = shared(world, "read")
    put(world, "read", meeting())
    assert world.open().reads(collection) is Role.READER


@pytest.mark.parametrize("role", ["read", "write"])
def test_a_private_event_of_somebody_else_is_a_masked_time(serving: GraphServing, world: World, role: str) -> None:
    collection = shared(world, role)
    put(world, role, meeting("GEHEIM", location="GEHEIM", sensitivity=Sensitivity.PRIVATE))
    put(world, role, meeting("offen", 24))
    found = pull(serving, calendar=collection).found()
    masked = [f for f in found.values() if isinstance(f.item, Event) and f.item.title is UNKNOWN]
    assert len(found) == 2
    assert len(masked) == 1
    assert masked[0].access is Access.NONE
    assert "GEHEIM" not in repr(masked)


def test_a_private_series_of_somebody_else_keeps_its_shape(serving: GraphServing, world: World) -> None:
    collection = shared(world, "read")
    put(world, "read", meeting("offen", 20))
    overrides = (Override(at(25, 9), None),)
    series = replace(daily("GEHEIM", *overrides), master=meeting("GEHEIM", sensitivity=Sensitivity.PRIVATE))
    put(world, "read", series)
    (item,) = [f.item for f in pull(serving, calendar=collection).found().values() if isinstance(f.item, Series)]
    assert item.master.title is UNKNOWN
    assert [o.original for o in item.overrides] == [at(25, 9)]
    assert "GEHEIM" not in repr(item)


@pytest.mark.parametrize("knob", ["delta_duplicates", "delta_replays", "delta_without_masters"])
def test_odd_rounds_tell_the_same(serving: GraphServing, world: World, knob: str) -> None:
    event, series = serving.create(serving.calendar, meeting("eins")), serving.create(serving.calendar, daily("zwei"))
    setattr(world.sandbox.state.knobs, knob, True)
    told = pull(serving)
    assert told.found().keys() == {event, series}
    serving.edit(serving.calendar, series, title="drei")
    again = pull(serving, told.cursor)
    assert series in again.found()
    assert again.gone() == {}


@pytest.mark.parametrize("reason", ["deleted", "changed"])
def test_what_is_removed_is_asked_for_first(serving: GraphServing, world: World, reason: str) -> None:
    created = serving.create(serving.calendar, meeting())
    cursor = pull(serving).cursor
    world.sandbox.state.knobs.removed_reason = reason  # type: ignore[assignment]  # one of the two
    later = Timed(at(1, 9, year=2029), at(1, 10, year=2029))
    serving.edit(serving.calendar, created, when=later)
    (tombstone,) = pull(serving, cursor).gone().values()
    assert not tombstone.confirmed
    assert isinstance(fetch(serving, created), Found)


def test_a_broken_event_does_not_stop_the_others(serving: GraphServing, world: World) -> None:
    created = {serving.create(serving.calendar, meeting(f"Termin {n}", 20 + n)) for n in range(3)}
    world.sandbox.faults.add("malformed_event", path="calendarView/delta", index=1)
    assert pull(serving).found().keys() == created  # the delta is a signal; the item itself is whole


def test_an_occurrence_is_no_item_of_its_own(serving: GraphServing, world: World) -> None:
    created = serving.create(serving.calendar, daily())
    occurrence = str(world.user().occurrence(created, "2026-11-24")["id"])
    assert list(world.open().fetch(serving.calendar, [occurrence])) == [Gone(occurrence)]


def test_what_lies_in_another_calendar_is_not_here(serving: GraphServing, world: World) -> None:
    """Microsoft answers for it all the same, whatever calendar stands before its id."""
    for item in (meeting("eins"), daily("zwei")):
        created = serving.create(serving.calendar, item)
        assert isinstance(fetch(serving, created), Found)
        assert serving.move(serving.calendar, created, serving.sibling) == created
        assert list(world.open().fetch(serving.calendar, [created])) == [Gone(created)]
        (found,) = world.open().fetch(serving.sibling, [created])
        assert isinstance(found, Found)


def test_a_list_that_is_not_to_be_had_by_uid_says_nothing(serving: GraphServing, world: World) -> None:
    created = [serving.create(serving.calendar, meeting(f"Termin {n}", 20 + n)) for n in range(3)]
    world.sandbox.faults.add("status", method="GET", path="/events$", status=400, times=9)
    assert [type(one) for one in world.open().fetch(serving.calendar, created)] == [Found] * 3


def test_clamped_months_are_shown_and_left_alone(serving: GraphServing, world: World) -> None:
    body = {
        "subject": "Miete",
        "isAllDay": True,
        "start": {"dateTime": "2026-10-31T00:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-01T00:00:00", "timeZone": "UTC"},
        "recurrence": {
            "pattern": {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31},
            "range": {"type": "noEnd", "startDate": "2026-10-31"},
        },
    }
    created = str(world.user().insert(body)["id"])
    found = pull(serving).found()[created]
    assert found.access is Access.NONE
    assert isinstance(found.item, Series)
    assert found.item.rule == RecurrenceRule.parse("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1")


def test_a_custom_zone(serving: GraphServing, world: World) -> None:
    times = {
        "start": {"dateTime": "2026-11-23T09:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-11-23T10:00:00", "timeZone": "W. Europe Standard Time"},
    }
    created = str(world.user().insert({"subject": "anderswo", **times}, custom_zone=True)["id"])
    item = pull(serving).found()[created].item
    assert isinstance(item, Event)
    assert isinstance(item.when, Timed)
    assert item.when.start == Zoned(datetime.fromisoformat("2026-11-23T08:00"), "UTC")
    serving.garble(serving.calendar, created)
    (answer,) = world.open().fetch(serving.calendar, [created])
    assert isinstance(answer, Unreadable)


def test_a_page_that_leads_elsewhere_is_not_followed(
    serving: GraphServing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        world.sandbox.deltas,
        "page",
        lambda *_: {"value": [], "@odata.nextLink": "https://evil.example/v1.0/me/calendarView/delta?$skiptoken=1"},
    )
    with pytest.raises(ContractViolation):
        list(world.open().pull(serving.calendar, None, WINDOW))


def test_a_stamp_survives_what_a_person_edits(serving: GraphServing) -> None:
    found = made(serving, daily())
    serving.change_occurrence(serving.calendar, found.id, at(24, 9), meeting("verlegt", 24, 15))
    assert fetch(serving, found.id).stamp == found.stamp


def test_all_day_originals_are_dates(serving: GraphServing, world: World) -> None:
    zone = {"timeZone": "Tokyo Standard Time"}
    body = {
        "subject": "Urlaub",
        "isAllDay": True,
        "start": {"dateTime": "2026-11-23T00:00:00", **zone},
        "end": {"dateTime": "2026-11-24T00:00:00", **zone},
        "recurrence": {
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "numbered", "startDate": "2026-11-23", "numberOfOccurrences": 4},
        },
    }
    created = str(world.user().insert(body)["id"])
    world.user().patch(str(world.user().occurrence(created, "2026-11-24")["id"]), {"subject": "anders"})
    world.user().delete(str(world.user().occurrence(created, "2026-11-25")["id"]))
    item = fetch(serving, created).item
    assert isinstance(item, Series)
    assert [o.original for o in item.overrides] == [date(2026, 11, 24), date(2026, 11, 25)]
