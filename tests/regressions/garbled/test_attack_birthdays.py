"""Birthdays are days: whatever zone this machine is in, and whoever wrote them there, they stay on their day."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date

import pytest

from marketplace_plugin.model.contact import YEARLESS, Contact
from marketplace_plugin.providers.ews.items import moment
from marketplace_plugin.providers.google.items import person, tasks
from marketplace_plugin.providers.graph.items import contact as outlook
from marketplace_plugin.providers.graph.items import todo

DAYS = [date(1990, 11, 18), date(2000, 2, 29), date(YEARLESS, 2, 29), date(1899, 12, 31), date(2026, 1, 1)]


@pytest.fixture(params=["Pacific/Auckland", "America/Los_Angeles", "Pacific/Kiritimati", "UTC"], autouse=True)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with monkeypatch.context() as here:
        here.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize("day", DAYS)
def test_there_and_back(day: date) -> None:
    """A user in Auckland congratulates a day late, and each pass moves the birthday by one more."""
    item = Contact(given_name="Ada", birthday=day)
    assert outlook.contact(outlook.fields(item, frozenset({"birthday"}))).birthday == day
    raw = person.update({}, item, frozenset({"birthday"}), None)
    assert person.contact(raw).birthday == day
    assert moment.day_of(moment.noon(day)) == day


@pytest.mark.parametrize(
    "told",
    [
        "1990-11-18T11:59:00Z",  # Outlook
        "1990-11-18T00:00:00Z",
        "1990-11-18T12:00:00Z",
        "1990-11-17T23:00:00Z",  # midnight in Berlin, by a phone
        "1990-11-17T22:00:00Z",
        "1990-11-18T08:00:00Z",  # midnight in Los Angeles
        "1990-11-18T00:00:00",
        "1990-11-18T00:00:00.0000000Z",
    ],
)
def test_whoever_wrote_it(told: str) -> None:
    """A birthday that a phone wrote as midnight of its owner stood on the day before here."""
    assert outlook.contact({"givenName": "Ada", "birthday": told}).birthday == date(1990, 11, 18)


def test_a_day_beyond_all_calendars_is_one_unreadable_entry() -> None:
    """One entry with a date at the end of time stopped every sync of its account, for good."""
    end = "9999-12-31T23:59:59Z"
    with pytest.raises(outlook.Undecodable):
        outlook.found({"id": "1", "@odata.etag": "e", "birthday": end})
    due = {"dateTime": end[:-1], "timeZone": "UTC"}
    born = [{"date": {"year": 10**12, "month": 1, "day": 1}}]
    with pytest.raises(todo.Undecodable):
        todo.found({"id": "1", "@odata.etag": "e", "lastModifiedDateTime": "2026-01-01T00:00:00Z", "dueDateTime": due})
    with pytest.raises(person.Undecodable):
        person.found({"resourceName": "people/1", "etag": "e", "birthdays": born})
    with pytest.raises(tasks.Undecodable):
        tasks.found({"id": "1", "etag": "e", "updated": "0001-01-01T00:00:00+14:00"})
