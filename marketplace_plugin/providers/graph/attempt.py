"""One write on its way: the requests that it is made of, what their refusals mean, and what stands there now.

Sources: the reference of user-post-events, event-update, event-delete and event-accept. No body holds attendees, and
nothing that a guest would be mailed about is sent: Graph has no silent write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketplace_plugin.model.change import Found, Gone, Revision, Unreadable
from marketplace_plugin.model.write import Applied, Missing, Outcome, Refused, RefusedCode, Stale
from marketplace_plugin.providers.graph.errors import NotSent, Refusal, for_connection, for_write
from marketplace_plugin.providers.graph.read import Reader
from marketplace_plugin.providers.graph.shape import decode
from marketplace_plugin.providers.graph.shape.decode import Raw, Whole
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable
from marketplace_plugin.providers.graph.transport import Call, Json, segment

_EXPANDED = ("singleValueExtendedProperties", "exceptionOccurrences", "cancelledOccurrences")
"""What the reply to a write never holds."""


class Settled(Exception):
    """The attempt ends here with this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


@dataclass(slots=True)
class Attempt:
    """One write in one calendar. ``begun``: something may have changed already."""

    reader: Reader
    collection: str
    op: str
    begun: bool = False

    # --- requests ----------------------------------------------------------------------------------------------

    def insert(self, body: Json) -> Json:
        """Raises Refusal where the transactionId was used before; else as ``patch``."""
        return self._send(Call("POST", self._path(), body=body))

    def patch(self, event: str, etag: str, body: Json) -> Json:
        """Raises Settled by what a refusal means, NotSent, AnswerLost, and what concerns the whole connection."""
        return self._send(Call("PATCH", self._path(event), body=body, if_match=etag))

    def delete(self, event: str, etag: str) -> None:
        """An event, a series with its exceptions, or one occurrence. Raises as ``patch``."""
        self._send(Call("DELETE", self._path(event), if_match=etag))

    def answer(self, event: str, action: str) -> None:
        """Answer an invitation without telling the organiser. Raises as ``patch``."""
        self._send(Call("POST", f"/me/events/{segment(event)}/{action}", body={"sendResponse": False}))

    def _path(self, event: str = "") -> str:
        path = f"/me/calendars/{segment(self.collection)}/events"
        return f"{path}/{segment(event)}" if event else path

    def _send(self, call: Call) -> Json:
        before, self.begun = self.begun, True
        try:
            return self.reader.client.call(call)
        except NotSent:
            self.begun = before
            raise
        except Refusal as problem:
            if problem.status < 500 or problem.throttled:
                self.begun = before
            if error := for_connection(problem):
                raise error from problem
            if problem.existing:
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

    def raw(self, item: str) -> Raw:
        """Raises Settled with Missing."""
        (raw,) = self.reader.raws(self.collection, [item])
        if raw is None:
            self.reader.check(self.collection)
            raise Settled(Missing(self.op))
        return raw

    def whole(self, item: str) -> Whole:
        """Raises Settled: Missing, or Stale where it cannot be understood."""
        try:
            return decode.whole(self.raw(item))
        except Undecodable as error:
            raise Settled(Stale(self.op, None)) from error

    def expect(self, item: str, revision: Revision) -> Whole:
        """The item, which must be as the caller last saw it, exceptions included. Raises Settled."""
        whole = self.whole(item)
        found = self.found(whole)
        if found is None or found.revision != revision:
            raise Settled(Stale(self.op, found))
        return whole

    def found(self, whole: Whole) -> Found | None:
        """What the JSON means; None where it cannot be understood."""
        found = self.reader.understood(str(whole.master["id"]), whole, self.collection)
        return None if isinstance(found, Unreadable) else found

    def applied(self, whole: Whole) -> Applied:
        """Done, and this is how it is stored now."""
        found = self.found(whole)
        revision = found.revision if found else Revision(str(whole.master["@odata.etag"]))
        return Applied(self.op, str(whole.master["id"]), revision, found)

    def told(self, outcome: Outcome, item: str) -> Outcome:
        """``outcome``; a Stale one with what stands there now, or Missing where nothing does."""
        if not isinstance(outcome, Stale) or outcome.current is not None:
            return outcome
        (now,) = self.reader.fetch(self.collection, [item])
        if isinstance(now, Gone):
            return Missing(self.op)
        return Stale(self.op, now if isinstance(now, Found) else None)

    def refuse(self, code: RefusedCode, *, permanent: bool = True) -> Settled:
        return Settled(Refused(self.op, code, permanent))


def merged(reply: Raw, before: Raw, **sent: Any) -> dict[str, Any]:
    """The reply to a write together with what only a request for it would have shown: as it was, or as it was sent."""
    kept: Mapping[str, Any] = {name: before[name] for name in _EXPANDED if name in before}
    return {**reply, **kept, **sent}
