"""Exchange's calendars for the pages by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from marketplace_plugin.sandbox.ews.act import Actor
from marketplace_plugin.sandbox.ews.outlook import access, ids, times
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap.errors import EwsError, SoapFault
from marketplace_plugin.sandbox.ews.state import Folder, State
from marketplace_plugin.sandbox.frame import browse
from marketplace_plugin.sandbox.frame.browse import AHEAD, PAST, Chosen, Form, Row, Shown


class Calendars(browse.Calendars):
    """Times are shown as the account's zone has them."""

    service = "Exchange"
    accounts_are = "Postfächer / Mailboxes"
    event_is = "appointment"
    event_field = "item"
    edit_rule = "/u/<email>/edit"
    refusals = (EwsError, SoapFault)

    def __init__(self, state: State) -> None:
        self._state = state

    def accounts(self) -> Mapping[str, str]:
        people = self._state.accounts.items()
        return {email: f"{account.name} ({email}, {account.domain}\\{account.user})" for email, account in people}

    def shown(self, email: str) -> Iterable[Shown]:
        """The account's own calendars first."""
        folders = [item for item in self._state.folders.values() if item.kind == "CalendarItem"]
        seen = [folder for folder in folders if access.rights(folder, email).read]
        return [self._calendar(email, folder) for folder in sorted(seen, key=lambda folder: folder.mailbox != email)]

    def _calendar(self, email: str, folder: Folder) -> Shown:
        actor, now, rights = Actor(self._state, email), self._state.now(), access.rights(folder, email)
        identity = ids.folder_id(folder.mailbox, folder.key)
        rows = [_row(actor, found) for found in actor.view(now - PAST, now + AHEAD, identity)]
        owner = "" if folder.mailbox == email else f" – {folder.mailbox}"
        return Shown(identity, folder.name + owner, rights.level, rights.modify, rows)

    def form(self, at: Chosen) -> Form:
        actor = Actor(self._state, at.email)
        if not at.event:
            return browse.new_form(times.wall(self._state.now(), actor.zone))
        found = actor.find(at.event)
        start, end = (f"{edge:%Y-%m-%dT%H:%M}" for edge in _edges(actor, found))
        return Form(found.id, _subject(actor, found), start, end, found.item.calendar.all_day)

    def save(self, at: Chosen, given: Mapping[str, str]) -> None:
        actor, whole = Actor(self._state, at.email), "all_day" in given
        start, end = (datetime.fromisoformat(given[name]) for name in ("start", "end"))
        if at.event:
            actor.update(at.event, start, end, Subject=given["title"], IsAllDayEvent="true" if whole else "false")
        else:
            edges = (start.date(), end.date()) if whole else (start, end)
            actor.create(given["title"], *edges, folder=at.calendar or None)

    def delete(self, at: Chosen) -> None:
        Actor(self._state, at.email).delete(at.event)


def _row(actor: Actor, found: Found) -> Row:
    when = " – ".join(f"{edge:%Y-%m-%d %H:%M}" for edge in _edges(actor, found))
    return Row(found.id, _subject(actor, found), when, found.occurrence is not None)


def _subject(actor: Actor, found: Found) -> str:
    return str(actor.get(found.id).fields.get("Subject", ""))


def _edges(actor: Actor, found: Found) -> tuple[datetime, datetime]:
    """Start and end as wall times of the account's zone."""
    at = found.item.calendar if found.occurrence is None else found.occurrence
    return times.wall(at.start, actor.zone), times.wall(at.end, actor.zone)
