"""The API told what the pages hid, and the pages what was promised to stay with who takes part."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.change import HostItem
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
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import Timed, Window, Zoned
from marketplace_plugin.web.api.events import entries
from tests.host.conftest import ANNA, JONAS, app, berlin, clock, grey, prepared, signed_in, steg, store, told

__all__ = ["app", "clock", "grey", "prepared", "steg", "store", "told"]
NOVEMBER = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
WEEKLY = Event(
    when=Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00")), title="Planted series", location="Planted place"
)
CHANGED = replace(WEEKLY, when=Timed(berlin("2026-11-25 11:00"), berlin("2026-11-25 12:00")), title="Planted day")
TOKYO = Timed(*(Zoned(datetime.fromisoformat(f"2026-11-19T{hour}:00"), "Asia/Tokyo") for hour in (10, 11)))
BUSY = {"id", "type", "all_day", "start", "end", "zone", "end_zone", "show_as", "status"}
VIEWS = ("day", "week", "month", "agenda")


def asked(viewer: Any, item: Event | Series) -> list[dict[str, Any]]:
    return entries(viewer, ANNA.id, (), [HostItem("planted-ref", 1, item)], NOVEMBER, lambda _name: "key")[0]


def weekly(series: Sensitivity = Sensitivity.NORMAL, day: Sensitivity = Sensitivity.NORMAL) -> Series:
    override = Override(berlin("2026-11-25 09:00"), replace(CHANGED, sensitivity=day))
    return Series(replace(WEEKLY, sensitivity=series), RecurrenceRule.parse("FREQ=WEEKLY;COUNT=2"), (override,))


@pytest.mark.parametrize("sensitivity", [Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL])
def test_the_api_hides_the_stricter_of_series_and_day(sensitivity: Sensitivity) -> None:
    """A series became private after one of its days had been changed: colleagues asked the API for that day."""
    hidden = asked(JONAS, weekly(series=sensitivity))
    assert [set(one) for one in hidden] == [BUSY, BUSY]
    assert "lanted" not in repr(hidden)
    first, second = asked(JONAS, weekly(day=sensitivity))
    assert (first["title"], set(second)) == ("Planted series", BUSY)
    assert [one["title"] for one in asked(ANNA, weekly(series=sensitivity))] == ["Planted series", "Planted day"]


def test_the_api_tells_of_a_hidden_event_that_its_owner_is_busy_and_no_more() -> None:
    """Where she is, that she is out of office and that it may not come about were told with the times."""
    journey = Event(when=TOKYO, title="Planted", sensitivity=Sensitivity.PRIVATE, show_as=ShowAs.OUT_OF_OFFICE)
    (shown,) = asked(JONAS, replace(journey, status=Status.TENTATIVE))
    assert (shown["zone"], shown["end_zone"], shown["start"]) == (JONAS.zone, JONAS.zone, "2026-11-19T02:00:00")
    assert (shown["show_as"], shown["status"]) == (ShowAs.BUSY, Status.CONFIRMED)
    free = replace(journey, show_as=ShowAs.FREE)
    cancelled, declined = replace(journey, status=Status.CANCELLED), replace(journey, response=Response.DECLINED)
    assert [asked(JONAS, one) for one in (free, cancelled, declined)] == [[], [], []]
    (masked,) = asked(JONAS, replace(journey, sensitivity=UNKNOWN, show_as=UNKNOWN))
    assert set(masked) == BUSY


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("of", ["series", "day"])
def test_a_page_tells_no_more_than_the_api(app: Flask, steg: Steg, view: str, of: str) -> None:
    """Both ask one rule."""
    item = weekly(**{of: Sensitivity.PRIVATE})
    ref = steg.acts.create_event(ANNA, item, [], "events").ref
    colleague = signed_in(app, JONAS)
    shown = colleague.page(f"/calendar/of/anna?view={view}&date=2026-11-25")
    shown += colleague.page(f"/calendar?with=anna&view={view}&date=2026-11-25")
    shown += colleague.get("/calendar/of/anna/events.json?from=2026-11-25&days=1").text
    assert "Planted day" not in shown
    assert colleague.get(f"/calendar/event/{ref}?at=2026-11-25T09:00:00").status_code == 404
    assert colleague.get(f"/calendar/event/{ref}").status_code == (404 if of == "series" else 200)


def test_a_colleague_is_not_told_who_asked_her_to_a_meeting(app: Flask, steg: Steg) -> None:
    """She made an invitation visible, and was told that colleagues see title, time and place: they read the address of
    its organiser, who works elsewhere."""
    doctor = Attendee("doctor@planted.example", "Dr. Planted")
    visible = Event(when=WEEKLY.when, title="Visible", organizer=doctor, attendees=(doctor, Attendee(ANNA.email)))
    ref = steg.acts.create_event(ANNA, visible, [], "events").ref
    owner, colleague = signed_in(app, ANNA), signed_in(app, JONAS)
    assert "Dr. Planted" in owner.page(f"/calendar/event/{ref}")
    pages = [f"/calendar/event/{ref}", f"/calendar/event/{ref}/menu", "/calendar/of/anna/events.json?from=2026-11-18"]
    pages += [f"/calendar/of/anna?view={view}&date=2026-11-18" for view in VIEWS]
    for page in pages:
        shown = colleague.get(page)
        assert shown.status_code == 200
        assert "Visible" in shown.text
        assert "lanted" not in shown.text, page


def test_a_colleague_reads_no_task_and_no_call(app: Flask, steg: Steg) -> None:
    """What came from the to-do list of her own account, and whom she calls under which number, stood in her calendar
    for everybody."""
    steg.acts.create_todo(ANNA, Kind.TASK, Task(title="Planted task", due=berlin("2026-11-18 09:00").wall.date()))
    steg.acts.create_todo(ANNA, Kind.TASK, Task(title="Planted hour", due=WEEKLY.when))  # type: ignore[arg-type]  # timed
    steg.acts.create_todo(ANNA, Kind.CALL, Call(title="Planted call", when=CHANGED.when, phone="0911-planted"))  # type: ignore[arg-type]  # timed
    owner, colleague = signed_in(app, ANNA), signed_in(app, JONAS)
    assert "Planted hour" in owner.page("/calendar?view=day&date=2026-11-18")
    for view in VIEWS:
        query = f"view={view}&date=2026-11-18"
        for page in (f"/calendar/of/anna?{query}", f"/calendar?with=anna&{query}"):
            assert "lanted" not in colleague.page(page)
    answer = colleague.get("/calendar/of/anna/events.json?from=2026-11-16&days=14")
    assert "lanted" not in answer.text
    assert [(one["title"], one["busy"]) for one in answer.json["events"]] == [("", True), ("", True)]  # type: ignore[index]
