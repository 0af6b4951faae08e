"""The form of an event, as tests fill it in and read it back."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.test import TestResponse

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.records import events
from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.event import (
    Series,
)
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Timed
from tests.host.conftest import ANNA, Browser, berlin

NINE = Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00"))
FORM = {
    "title": "Jour fixe",
    "place": "Raum 1",
    "description": "Zeile 1\r\nZeile 2",
    "start_day": "2026-11-18",
    "start_time": "09:00",
    "end_day": "2026-11-18",
    "end_time": "10:00",
    "zone": "Europe/Berlin",
    "show_as": "busy",
    "reminder": "15",
    "calendar": "sales",
    "repeat": "none",
    "interval": "1",
    "end": "never",
    "count": "10",
}
THIRD = berlin("2026-12-02 09:00")  # of the weekly series


def made(steg: Steg, owner: Person = ANNA) -> events.Record:
    """The newest event."""
    page = steg.modules[Kind.EVENT].changes(owner.id, None, 100)
    return record(steg, page.changes[-1].ref)


def record(steg: Steg, ref: str) -> events.Record:
    with steg.database.read() as c:
        found = events.one(c, ref)
    assert found is not None
    return found


def series_of(steg: Steg, ref: str) -> Series:
    item = record(steg, ref).item
    assert isinstance(item, Series)
    return item


def values_of(page: str) -> dict[str, Any]:
    """What the form of a page would post."""
    values: dict[str, Any] = {}
    for tag in re.findall(r"<(?:input)[^>]*>", page):
        at = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        ticks = at.get("type") in ("checkbox", "radio")
        if "name" not in at or " disabled" in tag or (ticks and " checked" not in tag):
            continue
        if at["name"] in ("weekdays", "invited"):
            values.setdefault(at["name"], []).append(at["value"])
        else:
            values[at["name"]] = at.get("value", "")
    for name, off, body in re.findall(r'<select[^>]*name="(\w+)"([^>]*)>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body) or re.search(r'<option value="([^"]*)"', body)
        if " disabled" not in off and chosen is not None:
            values[name] = chosen[1]
    for name, off, body in re.findall(r'<textarea[^>]*name="(\w+)"([^>]*)>(.*?)</textarea>', page, re.DOTALL):
        values |= {} if " disabled" in off else {name: body}
    return values


def edit(browser: Browser, ref: str, at: str = "", **changes: Any) -> TestResponse:
    """Open the form, change fields, save."""
    url = f"/calendar/event/{ref}/edit"
    values = values_of(browser.page(url, query_string={"at": at} if at else None))
    return browser.post(url, {**values, **changes})
