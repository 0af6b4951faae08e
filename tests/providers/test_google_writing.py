"""Each kind of write and each of its ends, over real HTTP; and that nobody is mailed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal

import pytest

from marketplace_plugin.errors import AuthorizationExpired, CollectionGone, Unavailable
from marketplace_plugin.model.canonical import same
from marketplace_plugin.model.change import Access, Found, Revision
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Override,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
)
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Zoned
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    DeferScope,
    Delete,
    Missing,
    Move,
    Outcome,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
    Update,
)
from marketplace_plugin.providers.google import GoogleCalendar
from tests.providers.google_world import (
    ANNA,
    BERLIN,
    JONAS,
    Json,
    Token,
    World,
    by_title,
    changes,
    event_of,
    found,
    instance_id,
    one,
    pages,
    push,
    series_of,
    stamp,
    timed,
    when,
)

TEAM = "team@group.calendar.google.com"
WEEKLY = RecurrenceRule.parse("FREQ=WEEKLY")


def wall(day: int, hour: int = 10, month: int = 12) -> datetime:
    return datetime.fromisoformat(f"2026-{month:02}-{day:02}T{hour:02}:00")


def original(day: int, hour: int = 10) -> Zoned:
    return Zoned(wall(day, hour), BERLIN)


OURS = Event(when=when(wall(1)), title="Ours", description="a <b> & c\nd", location="Here", reminder=10)
MOVED = replace(OURS, when=when(wall(9, 15)), title="Moved")
SERIES = Series(OURS, WEEKLY, (Override(original(8), MOVED), Override(original(15), None)))


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.sandbox.state.add_calendar(ANNA, calendar_id=TEAM, summary="Team")
        yield world
        assert not world.sandbox.state.outbox
        for row in world.requests():
            if row.method != "GET":
                assert ("sendUpdates", "none") in row.params
                assert b"conferenceData" not in row.body


@pytest.fixture
def google(world: World) -> GoogleCalendar:
    return world.open()


def stored(outcome: Outcome) -> Found:
    assert isinstance(outcome, Applied), outcome
    assert outcome.stored is not None
    assert outcome.stored.revision == outcome.revision
    return outcome.stored


def create(google: GoogleCalendar, item: Event | Series = OURS, op: str = "create") -> Found:
    return stored(one(google, Create(op, stamp("link"), item)))


def update(there: Found, item: Event | Series, *changed: str, op: str = "update") -> Update:
    return Update(op, there.id, there.revision, there.item, item, frozenset(changed))


def master_of(item: Found, **changed: object) -> Series:
    series = series_of(item)
    return replace(series, master=replace(series.master, **changed))  # type: ignore[arg-type]  # names are the test's


# --- create --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [OURS, replace(OURS, when=AllDay(date(2026, 12, 1), date(2026, 12, 3))), SERIES])
def test_what_is_created_is_what_is_read(google: GoogleCalendar, item: Event | Series) -> None:
    there = create(google, item)
    assert (there.item, there.stamp, there.access) == (item, stamp("link"), Access.FULL)
    assert found(changes(pages(google))) == {there.id: there}


def test_creating_again_makes_no_second_one(world: World, google: GoogleCalendar) -> None:
    items: dict[str, Event | Series] = {"op1": OURS, "op2": SERIES}
    for op, item in items.items():
        assert create(google, item, op) == create(google, item, op)
    assert len(found(changes(pages(google)))) == 2
    assert world.requests("POST")[1].status == 409


def test_an_edit_made_before_the_repetition_stays(world: World, google: GoogleCalendar) -> None:
    write = Create("create", stamp("link"), SERIES)
    there = stored(one(google, write))
    world.user().patch(instance_id(there.id, wall(22)), {"summary": "Edited"})
    outcome = one(google, write)
    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert series_of(outcome.current).overrides[2].event == replace(OURS, when=when(wall(22)), title="Edited")
    world.user().patch(there.id, {"summary": "Edited, too"})
    assert isinstance(one(google, write), Stale)
    assert world.user().get(there.id)["summary"] == "Edited, too"


def test_a_repetition_does_not_bring_back_what_was_deleted_since(world: World, google: GoogleCalendar) -> None:
    there = create(google)
    world.user().delete(there.id)
    assert one(google, Create("create", stamp("link"), OURS)) == Missing("create")
    assert create(google, OURS, "another operation").id != there.id


def test_masked_fields_are_never_written(world: World, google: GoogleCalendar) -> None:
    masked = replace(OURS, title=UNKNOWN)
    assert one(google, Create("op", stamp("link"), masked)) == Refused("op", RefusedCode.INVALID)
    for item in (OURS, SERIES):
        there = create(google, item, f"create {type(item).__name__}")
        wanted = replace(item, master=masked) if isinstance(item, Series) else masked
        assert one(google, update(there, wanted, "title")) == Refused("update", RefusedCode.INVALID)


def test_an_id_that_somebody_else_took_is_refused(world: World, google: GoogleCalendar) -> None:
    there = create(google)
    world.user().patch(there.id, {"extendedProperties": {"private": {"marketplaceStamp": "other:link"}}})
    assert one(google, Create("create", stamp("link"), OURS)) == Refused("create", RefusedCode.INVALID, permanent=False)


def test_guests_organiser_and_conference_are_never_written(world: World, google: GoogleCalendar) -> None:
    guests = (Attendee("petra@example.org"), Attendee(JONAS))
    meeting = replace(OURS, attendees=guests, organizer=Attendee(JONAS), conference="https://meet.example/x")
    there = event_of(create(google, meeting))
    assert (there.attendees, there.organizer, there.conference) == ((), None, "")
    item = create(google, OURS, "op2")
    changed = one(google, update(item, meeting, "attendees", "organizer", "conference"))
    assert stored(changed) == item
    assert "attendees" not in world.user().get(item.id)


def test_what_google_cannot_hold_is_refused(world: World, google: GoogleCalendar) -> None:
    cancelled = Create("op", stamp("link"), replace(OURS, status=Status.CANCELLED))
    assert one(google, cancelled) == Refused("op", RefusedCode.UNSUPPORTED)
    long = Create("op", stamp("x" * 1100), OURS)
    assert one(google, long) == Refused("op", RefusedCode.UNSUPPORTED)
    assert world.requests() == []


def test_long_texts_are_not_cut(google: GoogleCalendar) -> None:
    long = replace(OURS, title="t" * 900, location="ü" * 900, description="d <b>\n" * 900)
    assert create(google, long).item == long


# --- update --------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_sent(world: World, google: GoogleCalendar) -> None:
    event = world.user().insert(timed("Single", wall(1), description="<b>bold</b>", colorId="5"))
    there = found(changes(pages(google)))[event["id"]]
    world.forget_requests()
    result = stored(one(google, update(there, replace(event_of(there), title="New", description="x"), "title")))
    (request,) = world.requests()
    assert (request.method, request.json) == ("PATCH", {"summary": "New"})
    assert dict(request.headers)["If-Match"] == there.revision.master
    assert event_of(result) == replace(event_of(there), title="New")
    now = world.user().get(event["id"])
    assert (now["description"], now["colorId"]) == ("<b>bold</b>", "5")


@pytest.mark.parametrize(
    "field, value",
    [
        ("when", AllDay(date(2026, 12, 2), date(2026, 12, 4))),
        ("when", when(wall(2), zone="America/New_York")),
        ("title", ""),
        ("description", ""),
        ("location", ""),
        ("show_as", ShowAs.FREE),
        ("show_as", ShowAs.ELSEWHERE),
        ("sensitivity", Sensitivity.PRIVATE),
        ("status", Status.TENTATIVE),
        ("reminder", None),
        ("reminder", 45),
    ],
)
def test_each_field_goes_there_and_back(google: GoogleCalendar, field: str, value: object) -> None:
    there = create(google, replace(OURS, show_as=ShowAs.OUT_OF_OFFICE))
    wanted = replace(event_of(there), **{field: value})  # type: ignore[arg-type]  # names are the test's
    after = stored(one(google, update(there, wanted, field)))
    assert after.item == wanted
    back = stored(one(google, update(after, event_of(there), field)))
    assert back.item == there.item


def test_a_meetings_link_and_guests_outlive_an_update(world: World, google: GoogleCalendar) -> None:
    meet = {"createRequest": {"requestId": "r", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}
    event = world.user().insert(timed("Meeting", wall(1), attendees=[{"email": JONAS}], conferenceData=meet))
    there = by_title(changes(pages(google)))["Meeting"]
    assert event_of(there).conference
    after = stored(
        one(google, update(there, replace(event_of(there), title="New", when=when(wall(2))), "title", "when"))
    )
    assert event_of(after).conference == event_of(there).conference
    assert world.user().get(event["id"])["attendees"] == event["attendees"]


def test_an_event_that_somebody_changed_is_stale(world: World, google: GoogleCalendar) -> None:
    there = create(google)
    world.user().patch(there.id, {"location": "Elsewhere"})
    outcome = one(google, update(there, replace(OURS, title="New"), "title"))
    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert event_of(outcome.current) == replace(OURS, location="Elsewhere")
    assert world.user().get(there.id)["summary"] == "Ours"


def test_an_event_that_somebody_deleted_is_missing(world: World, google: GoogleCalendar) -> None:
    there = create(google)
    world.user().delete(there.id)
    for write in (
        update(there, replace(OURS, title="New"), "title"),
        update(there, replace(OURS, reminder=5), "reminder"),
        Delete("delete", there.id, there.revision),
        Move("move", there.id, there.revision, TEAM),
    ):
        assert one(google, write) == Missing(write.op)
    never = Delete("delete", "neverseen", Revision('"1"'))
    assert one(google, never) == Missing("delete")


def test_a_calendar_that_is_gone_is_not_a_missing_event(world: World, google: GoogleCalendar) -> None:
    world.sandbox.state.set_role(JONAS, ANNA, "writer")
    event = world.user(JONAS).insert(timed("Single", wall(1)))
    there = found(changes(pages(google, collection=JONAS)))[event["id"]]
    world.sandbox.state.set_role(JONAS, ANNA, None)
    for write in (update(there, replace(OURS, title="New"), "title"), Delete("delete", there.id, there.revision)):
        with pytest.raises(CollectionGone):
            one(google, write, JONAS)


def test_a_role_that_dropped_refuses_for_now(world: World, google: GoogleCalendar) -> None:
    world.sandbox.state.set_role(JONAS, ANNA, "reader")
    assert one(google, Create("op", stamp("link"), OURS), JONAS) == Refused(
        "op", RefusedCode.FORBIDDEN, permanent=False
    )


# --- invitations ---------------------------------------------------------------------------------------------------


@pytest.fixture
def invitation(world: World, google: GoogleCalendar) -> Found:
    guests: list[Json] = [{"email": ANNA}, {"email": "petra@example.net", "comment": "late", "additionalGuests": 1}]
    world.user(JONAS).insert(timed("Meeting", wall(1), attendees=guests))
    return by_title(changes(pages(google)))["Meeting"]


def test_a_guest_answers_and_nothing_else_of_the_list_changes(
    world: World, google: GoogleCalendar, invitation: Found
) -> None:
    assert (invitation.access, event_of(invitation).response) == (Access.ATTENDEE, Response.NEEDS_ACTION)
    before = world.user(JONAS).get(invitation.id)["attendees"]
    wanted = replace(event_of(invitation), response=Response.TENTATIVE, reminder=5, show_as=ShowAs.FREE)
    after = event_of(stored(one(google, update(invitation, wanted, "response", "reminder", "show_as"))))
    assert (after.response, after.reminder, after.show_as) == (Response.TENTATIVE, 5, ShowAs.FREE)
    now = world.user(JONAS).get(invitation.id)["attendees"]
    assert now[0]["responseStatus"] == "tentative"
    assert now[1:] == before[1:]


def test_a_guest_cannot_change_what_is_the_organisers(google: GoogleCalendar, invitation: Found) -> None:
    outcome = one(google, update(invitation, replace(event_of(invitation), title="New"), "title"))
    assert outcome == Refused("update", RefusedCode.NOT_ORGANIZER)


def test_only_what_has_no_guests_is_moved(world: World, google: GoogleCalendar, invitation: Found) -> None:
    move = Move("move", invitation.id, invitation.revision, TEAM)
    assert one(google, move) == Refused("move", RefusedCode.NOT_ORGANIZER)
    own = world.user().insert(timed("Own", wall(1), attendees=[{"email": JONAS}]))
    there = found(changes(pages(google)))[own["id"]]
    assert one(google, Move("move", there.id, there.revision, TEAM)) == Refused("move", RefusedCode.WOULD_MAIL)


# --- delete and move -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [OURS, SERIES])
def test_delete(google: GoogleCalendar, item: Event | Series) -> None:
    there = create(google, item)
    assert one(google, Delete("delete", there.id, there.revision)) == Applied("delete", there.id, None, None)
    assert found(changes(pages(google))) == {}


def test_an_edited_occurrence_keeps_its_series_from_deletion(world: World, google: GoogleCalendar) -> None:
    there = create(google, SERIES)
    world.user().patch(instance_id(there.id, wall(22)), {"summary": "Edited"})
    outcome = one(google, Delete("delete", there.id, there.revision))
    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert len(series_of(outcome.current).overrides) == 3


@pytest.mark.parametrize("item", [OURS, SERIES])
def test_move_keeps_the_identity(google: GoogleCalendar, item: Event | Series) -> None:
    there = create(google, item)
    moved = stored(one(google, Move("move", there.id, there.revision, TEAM)))
    assert (moved.id, moved.uid, moved.stamp, moved.item) == (there.id, there.uid, there.stamp, item)
    assert found(changes(pages(google))) == {}
    assert found(changes(pages(google, collection=TEAM))) == {there.id: moved}
    assert isinstance(one(google, Move("again", there.id, there.revision, TEAM)), Missing)


# --- series --------------------------------------------------------------------------------------------------------


def test_a_new_title_leaves_the_exceptions_alone(google: GoogleCalendar) -> None:
    there = create(google, SERIES)
    wanted = master_of(there, title="New")
    after = stored(one(google, update(there, wanted, "title")))
    assert after.item == wanted


def test_occurrences_are_changed_cancelled_and_restored(google: GoogleCalendar) -> None:
    there = create(google, SERIES)
    other = replace(OURS, when=when(wall(22, 11)), description="Other")
    wanted = replace(SERIES, overrides=(Override(original(8), None), Override(original(22), other)))
    after = stored(one(google, update(there, wanted, "overrides")))
    assert after.item == wanted
    back = stored(one(google, update(after, SERIES, "overrides")))
    assert back.item == SERIES
    none = stored(one(google, update(back, replace(SERIES, overrides=()), "overrides")))
    assert series_of(none).overrides == ()


def test_an_occurrence_cancelled_at_google_is_restored(world: World, google: GoogleCalendar) -> None:
    there = create(google, replace(SERIES, overrides=()))
    world.user().delete(instance_id(there.id, wall(8)))
    now = found(changes(pages(google)))[there.id]
    assert [o.event for o in series_of(now).overrides] == [None]
    after = stored(one(google, update(now, replace(SERIES, overrides=()), "overrides")))
    assert series_of(after).overrides == ()


def test_a_series_that_moves_takes_its_exceptions_along(google: GoogleCalendar) -> None:
    """The service drops exceptions whose original start the series no longer has: they are written again."""
    there = create(google, SERIES)
    later = Series(
        replace(OURS, when=when(wall(1, 12))),
        WEEKLY,
        (Override(original(8, 12), MOVED), Override(original(15, 12), None)),
    )
    after = stored(one(google, update(there, later, "when", "overrides")))
    assert after.item == later


def test_a_rule_that_changes(google: GoogleCalendar) -> None:
    there = create(google, SERIES)
    wanted = replace(SERIES, rule=RecurrenceRule.parse("FREQ=DAILY;COUNT=30"), rdates=(original(31, 18),))
    after = stored(one(google, update(there, wanted, "rule", "rdates")))
    assert after.item == wanted


def test_a_single_event_becomes_a_series_and_single_again(google: GoogleCalendar) -> None:
    there = create(google)
    series = Series(OURS, WEEKLY, (Override(original(8), None),))
    repeated = stored(one(google, update(there, series, "rule", "overrides", "type")))
    assert repeated.item == series
    single = stored(one(google, update(repeated, OURS, "rule", "overrides", "type")))
    assert single.item == OURS


def test_whole_day_series_with_exceptions(google: GoogleCalendar) -> None:
    day = replace(OURS, when=AllDay(date(2026, 12, 1), date(2026, 12, 2)))
    moved = replace(day, when=AllDay(date(2026, 12, 9), date(2026, 12, 11)), title="Longer")
    series = Series(day, WEEKLY, (Override(date(2026, 12, 8), moved), Override(date(2026, 12, 15), None)))
    there = create(google, series)
    assert there.item == series
    wanted = replace(series, overrides=(Override(date(2026, 12, 22), None),))
    assert stored(one(google, update(there, wanted, "overrides"))).item == wanted


def test_an_edited_occurrence_makes_the_series_stale(world: World, google: GoogleCalendar) -> None:
    there = create(google, SERIES)
    world.user().patch(instance_id(there.id, wall(22)), {"summary": "Edited"})
    outcome = one(google, update(there, master_of(there, title="New"), "title"))
    assert isinstance(outcome, Stale)
    assert world.user().get(there.id)["summary"] == "Ours"


def test_no_other_occurrence_is_taken_for_one_that_is_not_there(world: World, google: GoogleCalendar) -> None:
    there = create(google, replace(SERIES, overrides=()))
    wanted = replace(SERIES, overrides=(Override(original(9), replace(MOVED, title="No Tuesday")),))
    outcome = one(google, update(there, wanted, "overrides"))
    assert outcome == Refused("update", RefusedCode.INVALID)
    assert all(event["summary"] == "Ours" for event in world.user().events())


def test_a_series_write_that_stops_half_way_is_partial(world: World, google: GoogleCalendar) -> None:
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


def test_a_creation_that_stops_half_way_is_finished_by_its_repetition(world: World, google: GoogleCalendar) -> None:
    world.sandbox.faults.add("status", status=503, method="PATCH")
    outcome = one(google, Create("create", stamp("link"), SERIES))
    assert isinstance(outcome, Partial)
    assert outcome.left == ("2026-12-08T10:00:00",)
    assert create(google, SERIES).item == SERIES


# --- answers that do not come --------------------------------------------------------------------------------------

Lost = Literal["drop_before", "drop_after", "truncate"]


@pytest.mark.parametrize("lost", ["drop_before", "drop_after", "truncate"])
def test_an_answer_that_did_not_come_is_found_by_its_stamp(world: World, google: GoogleCalendar, lost: Lost) -> None:
    world.sandbox.faults.add(lost, method="POST")
    assert one(google, Create("create", stamp("link"), OURS)) == Unanswered("create")
    there = google.find(ANNA, [stamp("link")])
    assert len(there) == (0 if lost == "drop_before" else 1)
    create(google)
    assert len(found(changes(pages(google)))) == 1


@pytest.mark.parametrize("lost", ["drop_before", "drop_after", "truncate"])
def test_an_update_whose_answer_did_not_come_is_unknown(world: World, google: GoogleCalendar, lost: Lost) -> None:
    there = create(google)
    write = update(there, replace(OURS, title="New"), "title")
    world.sandbox.faults.add(lost, method="PATCH")
    assert one(google, write) == Unanswered("update")
    again = one(google, write)
    assert isinstance(again, Applied if lost == "drop_before" else Stale)


def test_a_500_on_a_write_is_unknown(world: World, google: GoogleCalendar) -> None:
    world.sandbox.faults.add("status", status=500, method="POST")
    assert one(google, Create("create", stamp("link"), OURS)) == Unanswered("create")


def test_one_item_that_cannot_be_read_does_not_stop_the_others(world: World, google: GoogleCalendar) -> None:
    there = create(google, SERIES)
    world.sandbox.faults.add("status", status=500, method="GET")
    outcomes = push(google, Delete("d", there.id, there.revision), Create("op2", stamp("link2"), OURS))
    assert outcomes[0] == Deferred("d", None, DeferScope.ITEM)
    assert isinstance(outcomes[1], Applied)


def test_a_service_that_answers_nothing_is_given_up(world: World, google: GoogleCalendar) -> None:
    world.sandbox.faults.add("drop_before", method="POST", times=9)
    writes = [Create(f"op{number}", stamp(f"link{number}"), OURS) for number in range(9)]
    outcomes: list[Outcome] = []
    with pytest.raises(Unavailable):
        outcomes.extend(google.push(ANNA, writes))
    assert len(world.requests("POST")) == 3


def test_a_service_that_is_not_reached_stops_the_rest(world: World, google: GoogleCalendar) -> None:
    world.sandbox.stop()
    with pytest.raises(Unavailable):
        push(google, Create("op", stamp("link"), OURS))
    world.sandbox.start()


# --- pauses and sign-in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, reason, scope",
    [
        (429, "rateLimitExceeded", DeferScope.CONNECTION),
        (403, "rateLimitExceeded", DeferScope.CONNECTION),
        (403, "userRateLimitExceeded", DeferScope.CONNECTION),
        (403, "quotaExceeded", DeferScope.CONNECTION),
        (403, "dailyLimitExceeded", DeferScope.PROJECT),
    ],
)
def test_a_pause_holds_for_all_that_follows(
    world: World, google: GoogleCalendar, status: int, reason: str, scope: DeferScope
) -> None:
    world.sandbox.faults.add("status", status=status, reason=reason, retry_after=60, method="POST")
    writes = [Create(f"op{number}", stamp(f"link{number}"), OURS) for number in range(3)]
    outcomes = push(google, *writes)
    assert outcomes == [Deferred(write.op, timedelta(seconds=60), scope) for write in writes]
    assert len(world.requests("POST")) == 1


def test_a_pause_while_reading_first_is_a_pause(world: World, google: GoogleCalendar) -> None:
    there = create(google, SERIES)
    world.sandbox.faults.add("status", status=429, retry_after=60, method="GET")
    assert one(google, Delete("d", there.id, there.revision)) == Deferred("d", timedelta(seconds=60))


def test_a_grant_that_ended_stops_the_rest(world: World) -> None:
    google = world.open(bearer=Token("unknown", "unknown too", "and this"))
    with pytest.raises(AuthorizationExpired):
        push(google, Create("op", stamp("link"), OURS))


# --- a server that rewrites ----------------------------------------------------------------------------------------


def test_a_hostile_echo_is_read_as_it_was_answered(world: World, google: GoogleCalendar) -> None:
    """The server rewrites zones, HTML and order, and moves the ETag once more: the reply's content is what stays."""
    world.sandbox.state.knobs.hostile_echo = True
    there = create(google, SERIES)
    (read,) = found(changes(pages(google))).values()
    assert read.item == there.item
    assert same(read.item, SERIES)
    after = stored(one(google, update(read, master_of(read, title="New"), "title")))
    (read,) = found(changes(pages(google))).values()
    assert read.item == after.item
