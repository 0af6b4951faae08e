"""One write on its way: the requests that it is made of, what their refusals mean, and what stands there now.

Sources: the reference of events.insert, patch, delete and move.

``sendUpdates=none`` and ``conferenceDataVersion=1`` stand on every write that knows them. No body holds conference
data, and none holds guests unless the write names them: online meetings and guest lists stay as they are (a patch
changes only what it names).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketplace_plugin.contract.sending import Settled
from marketplace_plugin.errors import ContractViolation, NotSent, Unavailable
from marketplace_plugin.model.change import Found, Gone, Revision, Unreadable
from marketplace_plugin.model.event import Event, Unknown
from marketplace_plugin.model.write import Applied, Missing, Outcome, Stale
from marketplace_plugin.providers.google.errors import Refusal, for_connection, for_write
from marketplace_plugin.providers.google.read import Reader, Whole
from marketplace_plugin.providers.google.shape import decode, encode
from marketplace_plugin.providers.google.shape.decode import COLUMNS, Raw
from marketplace_plugin.providers.google.transport import Json


@dataclass(slots=True)
class Attempt:
    """One write in one calendar. ``begun``: something may have changed already."""

    reader: Reader
    collection: str
    op: str
    begun: bool = False

    # --- requests ----------------------------------------------------------------------------------------------

    def insert(self, body: Json) -> Json:
        """Raises Refusal with status 409 where the id is taken; else as ``patch``."""
        return self._send("insert", "", body=body, conferenceDataVersion=1, fields=COLUMNS)

    def patch(self, event: str, etag: str, body: Json) -> Json:
        """Raises Settled by what a refusal means, NotSent, AnswerLost, and what concerns the whole connection."""
        return self._send("patch", etag, eventId=event, body=body, conferenceDataVersion=1, fields=COLUMNS)

    def delete(self, event: str, etag: str) -> None:
        """An event, a series with its exceptions, or one occurrence. Raises as ``patch``."""
        self._send("delete", etag, eventId=event)

    def move(self, event: str, etag: str, to: str) -> Json:
        """Raises as ``patch``."""
        return self._send("move", etag, eventId=event, destination=to, fields=COLUMNS)

    def _send(self, method: str, etag: str, **parameters: Any) -> Json:
        build = getattr(self.reader.client.events, method)
        request = build(calendarId=self.collection, sendUpdates="none", **parameters)
        before, self.begun = self.begun, True
        try:
            reply = self.reader.client.call(request, if_match=decode.precondition(etag))
            if method != "delete" and not isinstance(reply.get("id"), str):
                raise ContractViolation("the answer to a write is no event")
            return reply
        except NotSent:
            self.begun = before
            raise
        except Refusal as problem:
            if problem.status < 500:
                self.begun = before
            if error := for_connection(problem):
                raise error from problem
            if problem.status == 409 and method == "insert":
                raise
            raise Settled(self._meaning(problem)) from problem

    def _meaning(self, problem: Refusal) -> Outcome:
        if problem.absent:
            self.reader.check(self.collection)  # raises CollectionGone where it is the calendar that is not there
            return Missing(self.op)
        if problem.status in (409, 412):
            return Stale(self.op, None)
        return for_write(self.op, problem)

    # --- what stands there -------------------------------------------------------------------------------------

    def whole(self, item: str, uid: str = "") -> Whole:
        """Raises Settled with Missing."""
        whole = self.reader.whole(self.collection, item, uid)
        if isinstance(whole, Whole):
            return whole
        self.reader.check(self.collection)
        raise Settled(Missing(self.op))

    def expect(self, item: str, revision: Revision) -> Whole:
        """The item, which must be as the caller last saw it, exceptions included. Raises Settled."""
        whole = self.whole(item)
        found = self.found(whole)
        if found is None or found.revision != revision:
            raise Settled(Stale(self.op, found))
        return whole

    def reread(self, before: Raw, replies: Mapping[str, Raw]) -> Whole:
        """A series after writes, with the replies to them (by event id) in place of what a list may still show.

        ``before`` is its master as it was.
        """
        item = str(before["id"])
        whole = self.reader.whole(self.collection, item, str(before.get("iCalUID") or ""))
        if not isinstance(whole, Whole):
            raise Unavailable("what was just written cannot be read")
        exceptions = {str(raw["id"]): raw for raw in whole.exceptions} | dict(replies)
        master = exceptions.pop(item, whole.master)
        return Whole(master, tuple(exceptions.values()))

    def found(self, whole: Whole) -> Found | None:
        """What the JSON means; None where it cannot be understood."""
        found = self.reader.understood(str(whole.master["id"]), whole, self.collection)
        return None if isinstance(found, Unreadable) else found

    def applied(self, whole: Whole) -> Applied:
        """Done, and this is how it is stored now."""
        found = self.found(whole)
        revision = found.revision if found else Revision(decode.tag_of(whole.master))
        return Applied(self.op, str(whole.master["id"]), revision, found)

    def told(self, outcome: Outcome, item: str) -> Outcome:
        """``outcome``; a Stale one with what stands there now, or Missing where nothing does."""
        if not isinstance(outcome, Stale) or outcome.current is not None:
            return outcome
        now = self.reader.one(self.collection, item)
        if isinstance(now, Gone):
            return Missing(self.op)
        return Stale(self.op, now if isinstance(now, Found) else None)


def personal(raw: Raw, before: Event, after: Event, changed: frozenset[str]) -> Json:
    """The account's own reminder and answer, and its guests, which are written over what stands there now (``raw``)."""
    body: Json = {}
    if "reminder" in changed and not isinstance(after.reminder, Unknown):
        body["reminders"] = encode.reminders(raw.get("reminders") or {}, before.reminder, after.reminder)
    if "response" in changed and after.response is not None and not (raw.get("organizer") or {}).get("self"):
        body |= encode.answer(raw, after.response)
    elif "attendees" in changed:
        body |= encode.guests(raw, before, after)
    return body
