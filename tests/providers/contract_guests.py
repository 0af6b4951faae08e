"""The contract's part about rights and guests: a guest writes his own fields, and nobody is ever mailed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace_plugin.model.change import Access, Found, Gone, Stamp
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Response, Series
from marketplace_plugin.model.form.canonical import normal
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Refused,
    RefusedCode,
)
from tests.providers.contract_reading import title
from tests.providers.serving import (
    STAMP,
    Serving,
    at,
    capabilities,
    daily,
    fetch,
    made,
    meeting,
    pull,
    push,
    stored,
    update,
)

GUESTS = (Attendee("guest@elsewhere.example"),)


class GuestsContract:
    """See ``ProviderContract``."""

    # ---- rights -----------------------------------------------------------------------------------------------

    def test_a_calendar_to_read_is_not_written(self, serving: Serving) -> None:
        created = serving.create(serving.read_only, meeting("fremd"))
        found = pull(serving, calendar=serving.read_only).found()[created]
        outcomes = push(
            serving,
            Create("op-1", STAMP, meeting()),
            update(found, replace(event_of(found.item), title="neu")),
            Delete("op-d", found.id, found.revision),
            calendar=serving.read_only,
        )
        for outcome in outcomes:
            assert isinstance(outcome, Refused)
            assert outcome.code is RefusedCode.FORBIDDEN
        assert title(fetch(serving, created, serving.read_only)) == "fremd"

    def test_a_guest_writes_his_own_fields_only(self, serving: Serving) -> None:
        created = serving.invite(serving.calendar, meeting("Einladung"))
        found = fetch(serving, created)
        (refused,) = push(serving, update(found, replace(event_of(found.item), title="meins")))
        assert refused == Refused("op-u", RefusedCode.NOT_ORGANIZER)
        accepted = replace(event_of(found.item), response=Response.ACCEPTED)
        after = stored(*push(serving, update(found, accepted)))
        assert event_of(after.item).response is Response.ACCEPTED
        assert title(fetch(serving, created)) == "Einladung"
        assert serving.mails() == []

    @pytest.mark.parametrize("answer", [Response.ACCEPTED, Response.TENTATIVE, Response.DECLINED])
    def test_an_answer_is_given_in_silence(self, serving: Serving, answer: Response) -> None:
        """Also where the service throws a declined event away."""
        created = serving.invite(serving.calendar, meeting("Einladung"))
        found = fetch(serving, created)
        (outcome,) = push(serving, update(found, replace(event_of(found.item), response=answer), "op-u", "response"))
        assert isinstance(outcome, Applied)
        (now,) = serving.open().fetch(serving.calendar, [created])
        if isinstance(now, Found):
            assert outcome.stored == now
            assert event_of(now.item).response is answer
        else:
            assert outcome == Applied("op-u", created, None, None)
            assert (now, answer) == (Gone(created), Response.DECLINED)
        assert serving.mails() == []

    # ---- nobody is mailed -------------------------------------------------------------------------------------

    def test_nobody_is_ever_mailed(self, serving: Serving) -> None:
        """With guests or without: made, changed, moved in time, deleted. Where silence cannot be had, it is refused."""
        found = made(serving, meeting(attendees=GUESTS))
        own = serving.create(serving.calendar, meeting("mit Gästen", 24, attendees=GUESTS))
        for number, item_id in enumerate((found.id, own)):
            now = fetch(serving, item_id)
            later = replace(event_of(now.item), when=Timed(at(25, 9), at(25, 10)), title="neu")
            outcomes = push(serving, update(now, later, f"op-{number}"))
            assert all(isinstance(o, Applied | Refused) for o in outcomes)
            now = fetch(serving, item_id)
            outcomes += push(serving, Delete(f"op-d{number}", item_id, now.revision))
            for outcome in outcomes:
                assert not isinstance(outcome, Refused) or outcome.code is RefusedCode.WOULD_MAIL
        assert serving.mails() == []

    def test_attendees_are_written_only_where_they_can_be_silent(self, serving: Serving) -> None:
        found = made(serving, meeting(attendees=GUESTS))
        held = capabilities(serving)
        attendees = event_of(found.item).attendees
        assert attendees is not UNKNOWN
        assert bool(attendees) is ("attendees" in held.fields)
        assert held.silent or "attendees" not in held.fields
        assert serving.mails() == []

    def test_guests_are_asked_by_a_write_that_names_them_and_by_no_other(self, serving: Serving) -> None:
        if not capabilities(serving).invites:
            return
        eve, tom = Attendee("eve@elsewhere.example", "Eve"), Attendee("tom@elsewhere.example")
        for found in (made(serving, meeting()), made(serving, daily(), "op-2", Stamp("instance-1", "link-2"))):
            asked = _with_guests(found, eve, tom)
            after = stored(*push(serving, update(found, asked, "op-u", "attendees")))
            assert _guests(after) == {eve.address: Response.NEEDS_ACTION, tom.address: Response.NEEDS_ACTION}
            assert after.access is Access.FULL
            renamed = stored(*push(serving, update(after, _titled(_with_guests(after), "neu"), "op-v", "title")))
            assert _guests(renamed).keys() == {eve.address, tom.address}
            left = stored(*push(serving, update(renamed, _with_guests(renamed, tom), "op-w", "attendees")))
            assert _guests(left).keys() == {tom.address}
            assert title(left) == "neu"
        assert serving.mails() == []


def event_of(item: Item) -> Event:
    item = normal(item)
    assert isinstance(item, Event)
    return item


def _with_guests(found: Found, *guests: Attendee) -> Event | Series:
    item = found.item
    if isinstance(item, Series):
        return replace(item, master=replace(item.master, attendees=guests))
    return replace(event_of(item), attendees=guests)


def _titled(item: Event | Series, name: str) -> Event | Series:
    return (
        replace(item, master=replace(item.master, title=name))
        if isinstance(item, Series)
        else replace(item, title=name)
    )


def _guests(found: Found) -> dict[str, Response]:
    event = found.item.master if isinstance(found.item, Series) else event_of(found.item)
    assert event.attendees is not UNKNOWN
    return {guest.address: guest.response for guest in event.attendees}
