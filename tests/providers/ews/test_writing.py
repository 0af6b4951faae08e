"""Writing to Exchange: silent, under the change key, only what is named, and never more than what is wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import Found, Stamp
from marketplace_plugin.model.event import Attendee, Event, Override, Response, Series, ShowAs
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
    Update,
)
from marketplace_plugin.providers.ews import ExchangeAccount
from tests.providers.ews.world import EwsServing, World
from tests.providers.serving import (
    STAMP,
    at,
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

GUEST = "guest@elsewhere.example"


def asked(world: World, operation: str) -> list[Any]:
    """The requests of an operation, oldest first."""
    return [next(etree.fromstring(row.body).iter(f"{{*}}{operation}")) for row in world.requests(operation)]


def fields(request: Any) -> set[str]:
    """What an update sets or deletes."""
    named = request.iter("{*}FieldURI", "{*}ExtendedFieldURI")
    return {str(one.get("FieldURI") or one.get("PropertyName")) for one in named}


# ---- in silence ---------------------------------------------------------------------------------------------------


def test_every_write_says_that_nobody_is_mailed_and_nothing_overwritten(world: World, serving: EwsServing) -> None:
    created = serving.create(serving.calendar, daily("mit Gästen"))
    world.user().update(created, attendees=[GUEST], send=False)
    found = fetch(serving, created)
    item = replace(daily("neu", Override(at(24, 9), meeting("x", 24, 15)), Override(at(25, 9), None)))
    stored(*push(serving, update(found, item, "op-u", "title", "overrides")))
    invited = fetch(serving, serving.invite(serving.calendar, meeting("Einladung")))
    assert isinstance(invited.item, Event)
    answer = replace(invited.item, response=Response.ACCEPTED)
    push(serving, update(invited, answer, "op-a", "response"))
    now = fetch(serving, created)
    push(serving, Delete("op-d", now.id, now.revision))
    made(serving, meeting(), "op-c", Stamp("instance-1", "c"))
    for request in asked(world, "UpdateItem"):
        assert request.get("SendMeetingInvitationsOrCancellations") == "SendToNone"
        assert request.get("ConflictResolution") == "NeverOverwrite"
    for request in asked(world, "CreateItem"):
        assert (request.get("SendMeetingInvitations"), request.get("MessageDisposition")) == ("SendToNone", "SaveOnly")
    for request in asked(world, "DeleteItem"):
        assert request.get("SendMeetingCancellations") == "SendToNone"
        assert request.get("DeleteType") == "MoveToDeletedItems"
    assert serving.mails() == []


def test_what_is_deleted_lies_in_the_bin(world: World, serving: EwsServing) -> None:
    found = made(serving, meeting("weg"))
    push(serving, Delete("op-d", found.id, found.revision))
    assert [item.item.fields["Subject"] for item in world.user().items("Gelöschte Elemente")] == ["weg"]


def test_a_declined_invitation_is_gone_and_said_to_be(world: World, serving: EwsServing) -> None:
    found = fetch(serving, serving.invite(serving.calendar, meeting("Einladung")))
    assert isinstance(found.item, Event)
    declined = replace(found.item, response=Response.DECLINED)
    (outcome,) = push(serving, update(found, declined, "op-u", "response"))
    assert outcome == Applied("op-u", found.id, None, None)
    assert serving.mails() == []
    organizers = world.user("boss@nordwerk.example").items()[0].item.calendar.attendees
    assert {guest.response for guest in organizers} == {"Unknown"}


# ---- only what is named -------------------------------------------------------------------------------------------


def test_an_update_names_the_changed_fields_alone(world: World, serving: EwsServing) -> None:
    found = made(serving, meeting(description="alt", reminder=5))
    item = found.item
    assert isinstance(item, Event)
    world.forget()
    found = stored(*push(serving, update(found, replace(item, title="neu"))))
    (request,) = asked(world, "UpdateItem")
    assert fields(request) == {"item:Subject"}
    world.forget()
    later = Timed(at(24, 9), at(24, 10))
    stored(*push(serving, update(found, replace(item, title="neu", when=later))))
    (request,) = asked(world, "UpdateItem")
    assert fields(request) == {
        f"calendar:{name}" for name in ("Start", "End", "IsAllDayEvent", "StartTimeZone", "EndTimeZone")
    }


def test_categories_importance_and_attachments_are_left_alone(world: World, serving: EwsServing) -> None:
    start, end = at(23, 9).wall, at(23, 10).wall
    created = world.user().create("alt", start, end, Categories=["Rot", "Kunde"], Importance="High")
    found = fetch(serving, created)
    assert isinstance(found.item, Event)
    whole = replace(found.item, title="neu", description="Text", location="Raum", show_as=ShowAs.OUT_OF_OFFICE)
    stored(*push(serving, update(found, whole)))
    there = world.user().get(created).fields
    assert there["Subject"] == "neu"
    assert (there["Categories"], there["Importance"]) == (["Rot", "Kunde"], "High")


def test_a_body_that_was_html_is_written_only_when_it_is_named(world: World, serving: EwsServing) -> None:
    created = world.user().create("alt", at(23, 9).wall, at(23, 10).wall, Body="eins\nzwei")
    before = world.user().get(created).fields["Body"]
    found = fetch(serving, created)
    assert isinstance(found.item, Event)
    assert found.item.description == "eins\nzwei"
    stored(*push(serving, update(found, replace(found.item, title="neu"))))
    assert world.user().get(created).fields["Body"] == before


def test_a_stamp_is_written_with_an_update_that_adopts(world: World, serving: EwsServing) -> None:
    created = serving.create(serving.calendar, meeting())
    found = fetch(serving, created)
    after = stored(*push(serving, Update("op-u", found.id, found.revision, found.item, found.item, frozenset(), STAMP)))
    assert after.stamp == STAMP
    assert serving.open().find(serving.calendar, [STAMP])[STAMP][0].id == created


def test_a_new_item_has_our_uid_and_its_guests_are_nobody(world: World, serving: EwsServing) -> None:
    found = made(serving, meeting(attendees=(Attendee(GUEST),)))
    other = made(serving, meeting(), "op-2", Stamp("instance-1", "link-2"))
    assert found.uid
    assert found.uid != other.uid
    assert not any(item.item.calendar.attendees for item in world.user().items())


# ---- times --------------------------------------------------------------------------------------------------------


def test_whole_days_are_midnights_of_the_users_zone(world: World, serving: EwsServing) -> None:
    """Outlook shows whole days that begin at another zone's midnight on two days."""
    made(serving, whole_days("Messe", 23, 2))
    (item,) = world.user().items()
    event = item.item.calendar
    assert event.start == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert event.end == datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert event.all_day
    assert {event.start_zone, event.end_zone} == {"W. Europe Standard Time"}


@pytest.mark.parametrize("zone", ["", "Europe", "W. Europe Standard Time", "Mars/Olympus"])
def test_without_a_zone_of_his_own_a_user_is_at_home_in_utc(world: World, serving: EwsServing, zone: str) -> None:
    session = world.session()
    provider = ExchangeAccount(replace(session, settings={**session.settings, "zone": zone}))
    (outcome,) = provider.push(serving.calendar, [Create("op", STAMP, whole_days("Messe", 23, 2))])
    provider.close()
    item = stored(outcome).item
    assert isinstance(item, Event)
    assert item.when == whole_days("Messe", 23, 2).when
    assert world.user().items()[0].item.calendar.start == datetime(2026, 11, 23, tzinfo=UTC)


def test_zones_that_windows_does_not_know(world: World, serving: EwsServing) -> None:
    troll = Timed(Zoned(at(23, 9).wall, "Antarctica/Troll"), Zoned(at(23, 10).wall, "Antarctica/Troll"))
    single = made(serving, replace(meeting(), when=troll))
    assert isinstance(single.item, Event)
    assert isinstance(single.item.when, Timed)
    assert single.item.when.start.instant() == troll.start.instant()
    series = Series(replace(meeting(), when=troll), RecurrenceRule.parse("FREQ=DAILY"))
    (outcome,) = push(serving, Create("op-2", Stamp("instance-1", "link-2"), series))
    assert outcome == Refused("op-2", RefusedCode.UNSUPPORTED)


def test_an_hour_that_comes_twice(world: World, serving: EwsServing) -> None:
    second = Zoned(datetime(2026, 10, 25, 2, 30), "Europe/Berlin", 1)  # noqa: DTZ001  # a wall time
    found = made(serving, replace(meeting(), when=Timed(second, Zoned(datetime(2026, 10, 25, 4), "Europe/Berlin"))))  # noqa: DTZ001  # a wall time
    assert isinstance(found.item, Event)
    assert found.item.when.start == second


def test_working_elsewhere_is_newer_than_exchange_2010(serving: EwsServing) -> None:
    assert isinstance(push(serving, Create("op", STAMP, meeting(show_as=ShowAs.ELSEWHERE)))[0], Applied)
    with World("Exchange2010") as world:
        old = EwsServing(world)
        assert push(old, Create("op", STAMP, meeting(show_as=ShowAs.ELSEWHERE))) == [
            Refused("op", RefusedCode.UNSUPPORTED)
        ]


# ---- who was there meanwhile --------------------------------------------------------------------------------------


def test_an_edit_since_we_read_is_never_written_over(world: World, serving: EwsServing) -> None:
    """Of one occurrence too: the exception has a change key of its own."""
    found = made(serving, daily("a", Override(at(24, 9), meeting("x", 24, 15))))
    serving.change_occurrence(serving.calendar, found.id, at(24, 9), meeting("von Hand", 24, 16))
    for write in (update(found, daily("b"), "op-u", "title"), Delete("op-d", found.id, found.revision)):
        (outcome,) = push(serving, write)
        assert isinstance(outcome, Stale)
        assert "von Hand" in repr(outcome.current)
    assert "von Hand" in repr(fetch(serving, found.id))


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem"])
def test_an_edit_between_our_requests_is_not_taken_for_ours(world: World, serving: EwsServing, operation: str) -> None:
    found = made(serving, meeting())
    item = found.item
    assert isinstance(item, Event)
    world.sandbox.faults.add("bump", operation=operation)
    (outcome,) = push(serving, update(found, replace(item, title="neu")))
    if operation == "GetItem":
        assert isinstance(outcome, Stale)
        return
    after = stored(outcome)  # the server's own touch, nothing else changed
    assert after == fetch(serving, found.id)


@pytest.mark.parametrize(
    "item",
    [meeting("alt"), daily("alt"), daily("alt", Override(at(24, 9), meeting("x", 24, 15)))],
    ids=["event", "series", "exception"],
)
def test_what_somebody_writes_right_after_us_is_found_again(
    world: World, serving: EwsServing, item: Event | Series
) -> None:
    """The answer holds our own change, under a key that the next round knows to be old."""
    found = made(serving, item)
    cursor = pull(serving).cursor
    provider = serving.open()
    client: Any = provider._reader.client  # type: ignore[attr-defined]  # the real one
    one = client.one

    def and_somebody(payload: Any) -> Any:
        answer = one(payload)
        if etree.QName(payload).localname == "UpdateItem":
            world.user().update(found.id, Location="von Hand")
        return answer

    client.one = and_somebody
    wanted = titled(found.item, "unseres")
    (outcome,) = provider.push(serving.calendar, [update(found, wanted, "op-u", "title")])
    if isinstance(outcome, Partial):  # the exception shows it too, and is not written over
        assert "von Hand" in repr(outcome.current)
        return
    after = stored(outcome)
    assert equal(serving, after.item, wanted)
    (now,) = pull(serving, cursor).found().values()
    assert "von Hand" in repr(now)
    assert now.revision != after.revision


def titled(item: Any, title: str) -> Any:
    return (
        replace(item, master=replace(item.master, title=title))
        if isinstance(item, Series)
        else replace(item, title=title)
    )


def test_a_late_change_key_is_no_edit(world: World, serving: EwsServing) -> None:
    world.sandbox.state.knobs.late_bump = True
    found = made(serving, daily("a", Override(at(24, 9), meeting("x", 24, 15))))
    assert found == fetch(serving, found.id)
    item = daily("b", Override(at(24, 9), meeting("x", 24, 15)), Override(at(26, 9), None))
    after = stored(*push(serving, update(found, item, "op-u", "title", "overrides")))
    assert after == fetch(serving, found.id)


# ---- many ---------------------------------------------------------------------------------------------------------


def test_three_answers_that_do_not_come_end_the_rest(world: World, serving: EwsServing) -> None:
    world.sandbox.faults.add("drop_after", operation="CreateItem", times=3)
    writes = [Create(f"op-{n}", Stamp("instance-1", f"link-{n}"), meeting(f"T {n}")) for n in range(5)]
    outcomes = serving.open().push(serving.calendar, writes)
    told = [next(outcomes) for _ in range(3)]
    with pytest.raises(Unavailable):
        next(outcomes)
    assert told == [Unanswered(f"op-{n}") for n in range(3)]
    assert len(world.user().items()) == 3


def test_a_creation_whose_reading_fails_is_known_all_the_same(world: World, serving: EwsServing) -> None:
    """The id is told: else it would be looked up, and where that fails too, made twice."""
    provider = serving.open()
    provider.collections()
    world.sandbox.faults.add("fault", operation="GetItem", code="ErrorServerBusy")
    (outcome,) = provider.push(serving.calendar, [Create("op", STAMP, meeting())])
    assert isinstance(outcome, Applied)
    assert isinstance(outcome.stored, Found)
    now = fetch(serving, outcome.id)
    assert outcome.revision == now.revision
    assert (outcome.stored.uid, outcome.stored.stamp) == (now.uid, now.stamp)
