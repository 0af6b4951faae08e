"""Each kind of write and each of its ends, over real HTTP; and that nobody is mailed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from marketplace_plugin.errors import CollectionGone
from marketplace_plugin.model.change import Access, Found, Revision
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
)
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Missing,
    Move,
    Refused,
    RefusedCode,
    Stale,
)
from marketplace_plugin.providers.google import GoogleAccount
from tests.providers.google.world import (
    ANNA,
    JONAS,
    Json,
    World,
    by_title,
    changes,
    event_of,
    found,
    instance_id,
    one,
    pages,
    series_of,
    stamp,
    timed,
    when,
)
from tests.providers.google.writes import OURS, SERIES, TEAM, create, silent_world, stored, update, wall


@pytest.fixture
def world() -> Iterator[World]:
    with silent_world() as world:
        yield world


@pytest.fixture
def google(world: World) -> GoogleAccount:
    return world.open()


# --- create --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [OURS, replace(OURS, when=AllDay(date(2026, 12, 1), date(2026, 12, 3))), SERIES])
def test_what_is_created_is_what_is_read(google: GoogleAccount, item: Event | Series) -> None:
    there = create(google, item)
    assert (there.item, there.stamp, there.access) == (item, stamp("link"), Access.FULL)
    assert found(changes(pages(google))) == {there.id: there}


def test_creating_again_makes_no_second_one(world: World, google: GoogleAccount) -> None:
    items: dict[str, Event | Series] = {"op1": OURS, "op2": SERIES}
    for op, item in items.items():
        assert create(google, item, op) == create(google, item, op)
    assert len(found(changes(pages(google)))) == 2
    assert world.requests("POST")[1].status == 409


def test_an_edit_made_before_the_repetition_stays(world: World, google: GoogleAccount) -> None:
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


def test_a_repetition_does_not_bring_back_what_was_deleted_since(world: World, google: GoogleAccount) -> None:
    there = create(google)
    world.user().delete(there.id)
    assert one(google, Create("create", stamp("link"), OURS)) == Missing("create")
    assert create(google, OURS, "another operation").id != there.id


def test_what_was_deleted_since_need_not_show_its_stamp(google: GoogleAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    create(google)
    monkeypatch.setattr(google._reader, "raw", lambda _, item: {"id": item, "status": "cancelled", "etag": '"3"'})
    assert one(google, Create("create", stamp("link"), OURS)) == Missing("create")


def test_masked_fields_are_never_written(world: World, google: GoogleAccount) -> None:
    masked = replace(OURS, title=UNKNOWN)
    assert one(google, Create("op", stamp("link"), masked)) == Refused("op", RefusedCode.INVALID)
    for item in (OURS, SERIES):
        there = create(google, item, f"create {type(item).__name__}")
        wanted = replace(item, master=masked) if isinstance(item, Series) else masked
        assert one(google, update(there, wanted, "title")) == Refused("update", RefusedCode.INVALID)


def test_an_id_that_somebody_else_took_is_refused(world: World, google: GoogleAccount) -> None:
    there = create(google)
    world.user().patch(there.id, {"extendedProperties": {"private": {"marketplaceStamp": "other:link"}}})
    assert one(google, Create("create", stamp("link"), OURS)) == Refused("create", RefusedCode.INVALID, permanent=False)


def test_a_new_event_has_no_guests_and_organiser_and_conference_are_never_written(
    world: World, google: GoogleAccount
) -> None:
    guests = (Attendee("petra@example.org"), Attendee(JONAS))
    meeting = replace(OURS, attendees=guests, organizer=Attendee(JONAS), conference="https://meet.example/x")
    there = event_of(create(google, meeting))
    assert (there.attendees, there.organizer, there.conference) == ((), None, "")
    item = create(google, OURS, "op2")
    changed = one(google, update(item, meeting, "organizer", "conference"))
    assert stored(changed) == item
    assert "attendees" not in world.user().get(item.id)


def test_what_google_cannot_hold_is_refused(world: World, google: GoogleAccount) -> None:
    cancelled = Create("op", stamp("link"), replace(OURS, status=Status.CANCELLED))
    assert one(google, cancelled) == Refused("op", RefusedCode.UNSUPPORTED)
    long = Create("op", stamp("x" * 1100), OURS)
    assert one(google, long) == Refused("op", RefusedCode.UNSUPPORTED)
    assert world.requests() == []


def test_long_texts_are_not_cut(google: GoogleAccount) -> None:
    long = replace(OURS, title="t" * 900, location="ü" * 900, description="d <b>\n" * 900)
    assert create(google, long).item == long


# --- update --------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_sent(world: World, google: GoogleAccount) -> None:
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
def test_each_field_goes_there_and_back(google: GoogleAccount, field: str, value: object) -> None:
    there = create(google, replace(OURS, show_as=ShowAs.OUT_OF_OFFICE))
    wanted = replace(event_of(there), **{field: value})  # type: ignore[arg-type]  # names are the test's
    after = stored(one(google, update(there, wanted, field)))
    assert after.item == wanted
    back = stored(one(google, update(after, event_of(there), field)))
    assert back.item == there.item


def test_a_meetings_link_and_guests_outlive_an_update(world: World, google: GoogleAccount) -> None:
    meet = {"createRequest": {"requestId": "r", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}
    event = world.user().insert(timed("Meeting", wall(1), attendees=[{"email": JONAS}], conferenceData=meet))
    there = by_title(changes(pages(google)))["Meeting"]
    assert event_of(there).conference
    after = stored(
        one(google, update(there, replace(event_of(there), title="New", when=when(wall(2))), "title", "when"))
    )
    assert event_of(after).conference == event_of(there).conference
    assert world.user().get(event["id"])["attendees"] == event["attendees"]


def test_an_event_that_somebody_changed_is_stale(world: World, google: GoogleAccount) -> None:
    there = create(google)
    world.user().patch(there.id, {"location": "Elsewhere"})
    outcome = one(google, update(there, replace(OURS, title="New"), "title"))
    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert event_of(outcome.current) == replace(OURS, location="Elsewhere")
    assert world.user().get(there.id)["summary"] == "Ours"


def test_an_event_that_somebody_deleted_is_missing(world: World, google: GoogleAccount) -> None:
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


def test_a_calendar_that_is_gone_is_not_a_missing_event(world: World, google: GoogleAccount) -> None:
    world.sandbox.state.set_role(JONAS, ANNA, "writer")
    event = world.user(JONAS).insert(timed("Single", wall(1)))
    there = found(changes(pages(google, collection=JONAS)))[event["id"]]
    world.sandbox.state.set_role(JONAS, ANNA, None)
    for write in (update(there, replace(OURS, title="New"), "title"), Delete("delete", there.id, there.revision)):
        with pytest.raises(CollectionGone):
            one(google, write, JONAS)


def test_a_role_that_dropped_refuses_for_now(world: World, google: GoogleAccount) -> None:
    world.sandbox.state.set_role(JONAS, ANNA, "reader")
    assert one(google, Create("op", stamp("link"), OURS), JONAS) == Refused(
        "op", RefusedCode.FORBIDDEN, permanent=False
    )


# --- guests --------------------------------------------------------------------------------------------------------


def test_guests_whom_a_write_names_are_asked_and_the_rest_of_the_list_stays(
    world: World, google: GoogleAccount
) -> None:
    lines: list[Json] = [{"email": JONAS, "comment": "late", "additionalGuests": 1, "responseStatus": "accepted"}]
    event = world.user().insert(timed("Meeting", wall(1), attendees=lines))
    there = found(changes(pages(google)))[event["id"]]
    petra = Attendee("petra@example.org", "Petra", optional=True)
    asked = replace(event_of(there), attendees=(*event_of(there).attendees, petra))  # type: ignore[misc]  # they are known
    after = stored(one(google, update(there, asked, "attendees")))
    now = world.user().get(event["id"])["attendees"]
    assert now[0] == event["attendees"][0]
    assert (now[1]["email"], now[1]["displayName"], now[1]["optional"]) == ("petra@example.org", "Petra", True)
    assert now[1]["responseStatus"] == "needsAction"
    stored(one(google, update(after, replace(event_of(after), attendees=(petra,)), "attendees")))
    assert [line["email"] for line in world.user().get(event["id"])["attendees"]] == ["petra@example.org"]


def test_guests_of_a_series_are_those_of_its_changed_occurrences_too(world: World, google: GoogleAccount) -> None:
    """Whoever is asked to the series alone sees a moved occurrence where it was."""
    there = create(google, SERIES)
    master = there.item
    assert isinstance(master, Series)
    asked = replace(master, master=replace(master.master, attendees=(Attendee("petra@example.org", "Petra"),)))
    after = stored(one(google, update(there, asked, "attendees")))
    assert isinstance(after.item, Series)
    lists = [o.event.attendees for o in after.item.overrides if o.event is not None]
    assert [[a.address for a in guests] for guests in lists if guests is not UNKNOWN] == [["petra@example.org"]]
    left = stored(one(google, update(after, replace(after.item, master=master.master), "attendees")))
    assert isinstance(left.item, Series)
    assert [o.event.attendees for o in left.item.overrides if o.event is not None] == [()]


def test_guests_of_somebody_elses_meeting_are_not_ours_to_name(google: GoogleAccount, invitation: Found) -> None:
    asked = replace(event_of(invitation), attendees=(Attendee("eve@example.org"),))
    assert one(google, update(invitation, asked, "attendees")) == Refused("update", RefusedCode.NOT_ORGANIZER)


# --- invitations ---------------------------------------------------------------------------------------------------


@pytest.fixture
def invitation(world: World, google: GoogleAccount) -> Found:
    guests: list[Json] = [{"email": ANNA}, {"email": "petra@example.net", "comment": "late", "additionalGuests": 1}]
    world.user(JONAS).insert(timed("Meeting", wall(1), attendees=guests))
    return by_title(changes(pages(google)))["Meeting"]


def test_a_guest_answers_and_nothing_else_of_the_list_changes(
    world: World, google: GoogleAccount, invitation: Found
) -> None:
    assert (invitation.access, event_of(invitation).response) == (Access.ATTENDEE, Response.NEEDS_ACTION)
    before = world.user(JONAS).get(invitation.id)["attendees"]
    wanted = replace(event_of(invitation), response=Response.TENTATIVE, reminder=5, show_as=ShowAs.FREE)
    after = event_of(stored(one(google, update(invitation, wanted, "response", "reminder", "show_as"))))
    assert (after.response, after.reminder, after.show_as) == (Response.TENTATIVE, 5, ShowAs.FREE)
    now = world.user(JONAS).get(invitation.id)["attendees"]
    assert now[0]["responseStatus"] == "tentative"
    assert now[1:] == before[1:]


def test_a_guest_cannot_change_what_is_the_organisers(google: GoogleAccount, invitation: Found) -> None:
    outcome = one(google, update(invitation, replace(event_of(invitation), title="New"), "title"))
    assert outcome == Refused("update", RefusedCode.NOT_ORGANIZER)


def test_only_what_has_no_guests_is_moved(world: World, google: GoogleAccount, invitation: Found) -> None:
    move = Move("move", invitation.id, invitation.revision, TEAM)
    assert one(google, move) == Refused("move", RefusedCode.NOT_ORGANIZER)
    own = world.user().insert(timed("Own", wall(1), attendees=[{"email": JONAS}]))
    there = found(changes(pages(google)))[own["id"]]
    assert one(google, Move("move", there.id, there.revision, TEAM)) == Refused("move", RefusedCode.WOULD_MAIL)


# --- delete and move -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [OURS, SERIES])
def test_delete(google: GoogleAccount, item: Event | Series) -> None:
    there = create(google, item)
    assert one(google, Delete("delete", there.id, there.revision)) == Applied("delete", there.id, None, None)
    assert found(changes(pages(google))) == {}


def test_an_edited_occurrence_keeps_its_series_from_deletion(world: World, google: GoogleAccount) -> None:
    there = create(google, SERIES)
    world.user().patch(instance_id(there.id, wall(22)), {"summary": "Edited"})
    outcome = one(google, Delete("delete", there.id, there.revision))
    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert len(series_of(outcome.current).overrides) == 3


@pytest.mark.parametrize("item", [OURS, SERIES])
def test_move_keeps_the_identity(google: GoogleAccount, item: Event | Series) -> None:
    there = create(google, item)
    moved = stored(one(google, Move("move", there.id, there.revision, TEAM)))
    assert (moved.id, moved.uid, moved.stamp, moved.item) == (there.id, there.uid, there.stamp, item)
    assert found(changes(pages(google))) == {}
    assert found(changes(pages(google, collection=TEAM))) == {there.id: moved}
    assert isinstance(one(google, Move("again", there.id, there.revision, TEAM)), Missing)
