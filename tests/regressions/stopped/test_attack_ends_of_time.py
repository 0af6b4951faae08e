"""Dates at the ends of time, and numbers without end, in an address or a form: each was answered as our error."""

from __future__ import annotations

import pytest

from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.time import Timed
from tests.host.conftest import ANNA, Browser, anna, app, berlin, clock, grey, prepared, steg, store, told

__all__ = ["anna", "app", "clock", "grey", "prepared", "steg", "store", "told"]
NINE = Event(when=Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00")), title="Messe")
ENDS = ("0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31")


@pytest.mark.parametrize("day", ENDS)
@pytest.mark.parametrize(
    "page",
    [
        "/calendar/of/anna/events.json?days=62&from=",
        "/calendar/several?date=",
        "/calendar/new?date=",
        "/calendar?date=",
    ],
)
def test_a_page_of_such_a_day_opens(anna: Browser, page: str, day: str) -> None:
    assert anna.get(page + day).status_code == 200


@pytest.mark.parametrize("day", ENDS)
def test_what_is_chosen_on_such_a_day_is_asked_about(steg: Steg, anna: Browser, day: str) -> None:
    ref = steg.acts.create_event(ANNA, NINE, [], "events").ref
    assert anna.post("/calendar/several", {"date": day, "event": [f"{ref}:1"]}).status_code == 200


@pytest.mark.parametrize("version", ["9" * 13, "9" * 30, "0" * 12 + "9" * 5000, "9" * 5000])
def test_a_version_that_is_none_chooses_nothing(steg: Steg, anna: Browser, version: str) -> None:
    ref = steg.acts.create_event(ANNA, NINE, [], "events").ref
    posted = {"date": "2026-11-18", "event": [f"{ref}:{version}"], "confirmed": "1"}
    assert anna.post("/calendar/several", posted).status_code == 200
    assert anna.post(f"/calendar/event/{ref}/delete", {"version": version}).status_code < 500
    assert ref in anna.page("/calendar/several?date=2026-11-18")


@pytest.mark.parametrize("value", ["0" * 12 + "9" * 5000, "0" * 12 + "7"])
def test_a_number_is_read_whole_or_not_at_all(value: str) -> None:
    fields = Fields({"version": [value]})
    assert fields.number("version", 0, 10**11, 5) == 5
    assert "version" in fields.errors
