"""Google's calendars for the pages by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from marketplace_plugin.sandbox.frame import browse
from marketplace_plugin.sandbox.frame.browse import AHEAD, PAST, Chosen, Form, Row, Shown
from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.event import writes
from marketplace_plugin.sandbox.google.state import State


class Calendars(browse.Calendars):
    """Times are shown as the calendar's zone has them."""

    service = "Google"
    title_field = "summary"
    delete_rule = "/u/<email>/<calendar>/delete"
    refusals = (errors.ApiError,)

    def __init__(self, state: State) -> None:
        self._state = state

    def accounts(self) -> Mapping[str, str]:
        return {email: f"{account.name} ({email})" for email, account in self._state.accounts.items()}

    def shown(self, email: str) -> Iterable[Shown]:
        actor = Actor(self._state, email)
        return [self._calendar(actor, key) for key, item in self._state.lists[email].items() if not item.deleted]

    def _calendar(self, actor: Actor, calendar: str) -> Shown:
        access, now = actor.access(calendar), self._state.now()
        events = actor.events(calendar, singleEvents=True, orderBy="startTime", timeMin=now - PAST, timeMax=now + AHEAD)
        name = self._state.lists[actor.email][calendar].summary_override or access.calendar.summary
        return Shown(calendar, name, access.role, writes.may_write(access), [_row(event) for event in events])

    def form(self, at: Chosen) -> Form:
        actor = Actor(self._state, at.email)
        zone = actor.access(at.calendar).calendar.time_zone
        if not at.event:
            return browse.new_form(self._state.now().astimezone(ZoneInfo(zone)))
        found = actor.get(at.event, at.calendar)
        start, end = (
            f"{edge['date']}T00:00" if "date" in edge else edge["dateTime"][:16]
            for edge in (found["start"], found["end"])
        )
        return Form(found["id"], found.get("summary", ""), start, end, "date" in found["start"])

    def save(self, at: Chosen, given: Mapping[str, str]) -> None:
        actor = Actor(self._state, at.email)
        body = _body(given, actor.access(at.calendar).calendar.time_zone)
        if at.event:
            actor.patch(at.event, body, at.calendar)
        else:
            actor.insert(body, at.calendar)

    def delete(self, at: Chosen) -> None:
        Actor(self._state, at.email).delete(at.event, at.calendar)


def _row(event: dict[str, Any]) -> Row:
    when = f"{_when(event['start'])} – {_when(event['end'])}"
    return Row(event["id"], event.get("summary", "Belegt / Busy"), when, "recurringEventId" in event)


def _when(value: dict[str, str]) -> str:
    if "date" in value:
        return value["date"]
    return datetime.fromisoformat(value["dateTime"]).strftime("%Y-%m-%d %H:%M")


def _body(given: Mapping[str, str], zone: str) -> dict[str, Any]:
    body: dict[str, Any] = {"summary": given["title"]}
    for name in ("start", "end"):
        text = given.get(name, "")
        if given.get("all_day"):
            body[name] = {"date": text[:10], "dateTime": None, "timeZone": None}
        else:
            body[name] = {"dateTime": f"{text[:16]}:00", "timeZone": zone, "date": None}
    return body
