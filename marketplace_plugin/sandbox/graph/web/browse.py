"""Outlook's calendars for the pages by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from marketplace_plugin.sandbox.frame import browse
from marketplace_plugin.sandbox.frame.browse import AHEAD, PAST, Chosen, Form, Row, Shown
from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.outlook import access
from marketplace_plugin.sandbox.graph.outlook.access import Seen
from marketplace_plugin.sandbox.graph.outlook.time import times
from marketplace_plugin.sandbox.graph.state import State


class Calendars(browse.Calendars):
    """Times are shown as the account's zone has them."""

    service = "Microsoft"
    refusals = (errors.GraphError,)

    def __init__(self, state: State) -> None:
        self._state = state

    def accounts(self) -> Mapping[str, str]:
        return {email: f"{account.name} ({email})" for email, account in self._state.accounts.items()}

    def shown(self, email: str) -> Iterable[Shown]:
        return [self._calendar(Actor(self._state, email), seen) for seen in access.calendars(self._state, email)]

    def _calendar(self, actor: Actor, seen: Seen) -> Shown:
        now = self._state.now()
        owner = "" if seen.share is None else f" – {seen.calendar.mailbox}"
        rows = [_row(event) for event in actor.view(now - PAST, now + AHEAD, seen.id)]
        return Shown(seen.id, seen.calendar.name + owner, seen.role, seen.can_edit, rows)

    def form(self, at: Chosen) -> Form:
        if not at.event:
            return browse.new_form(self._state.now().astimezone(times.zone_of(self._zone(at.email))))
        found = Actor(self._state, at.email).get(at.event)
        start, end = (found[name]["dateTime"][:16] for name in ("start", "end"))
        return Form(found["id"], found["subject"], start, end, found["isAllDay"])

    def save(self, at: Chosen, given: Mapping[str, str]) -> None:
        actor, body = Actor(self._state, at.email), _body(given, self._zone(at.email))
        if at.event:
            actor.patch(at.event, body)
        else:
            actor.insert(body, at.calendar)

    def delete(self, at: Chosen) -> None:
        Actor(self._state, at.email).delete(at.event)

    def _zone(self, email: str) -> str:
        return self._state.accounts[email].time_zone


def _row(event: dict[str, Any]) -> Row:
    when = " – ".join(event[name]["dateTime"][:16].replace("T", " ") for name in ("start", "end"))
    return Row(event["id"], event["subject"], when, event["seriesMasterId"] is not None)


def _body(given: Mapping[str, str], zone: str) -> dict[str, Any]:
    all_day = given.get("all_day") == "on"
    try:
        moments = [datetime.fromisoformat(given[name]) for name in ("start", "end")]
    except (KeyError, ValueError) as error:
        raise errors.invalid_property() from error
    if all_day:
        moments = [moment.replace(hour=0, minute=0) for moment in moments]
    start, end = ({"dateTime": moment.isoformat(), "timeZone": zone} for moment in moments)
    return {"subject": given["title"], "start": start, "end": end, "isAllDay": all_day}
