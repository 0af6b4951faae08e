"""One write on its way: the requests that it is made of, what their refusals mean, and what stands there now.

Sources: the reference of user-post-events, event-update, event-delete and event-accept. No body holds attendees, and
nothing that a guest would be mailed about is sent: Graph has no silent write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketplace_plugin.contract.sending import Settled
from marketplace_plugin.errors import AnswerLost, ContractViolation, ProviderError
from marketplace_plugin.model.change import Found, Gone, Revision, Stamp, Unreadable
from marketplace_plugin.model.time import Original
from marketplace_plugin.model.write import Applied, Missing, Outcome, Refused, RefusedCode, Stale
from marketplace_plugin.providers.graph.conversation import Asking
from marketplace_plugin.providers.graph.errors import Refusal, for_connection, for_read, for_write
from marketplace_plugin.providers.graph.read import Reader, carrying, entry, instances, items_of, whole_item
from marketplace_plugin.providers.graph.shape import decode
from marketplace_plugin.providers.graph.shape.decode import Raw, Whole
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable
from marketplace_plugin.providers.graph.transport import Call, Json, segment

_MARKS = "singleValueExtendedProperties"
_EXPANDED = (_MARKS, "exceptionOccurrences", "cancelledOccurrences")
"""What the reply to a write never holds."""


@dataclass(slots=True)
class Attempt:
    """One write in one calendar. ``begun``: something may have changed already.

    What asks the service is a generator of calls (``conversation.Asking``).
    """

    reader: Reader
    collection: str
    op: str
    begun: bool = False

    # --- requests ----------------------------------------------------------------------------------------------

    def insert(self, body: Json) -> Asking[Json]:
        """Raises Refusal where the transactionId was used before; else as ``patch``."""
        return self._event((yield from self._send(Call("POST", self._path(), body=body), creates=True)))

    def patch(self, event: str, etag: str, body: Json) -> Asking[Json]:
        """Raises Settled by what a refusal means, NotSent, AnswerLost, and what concerns the whole connection."""
        call = Call("PATCH", self._path(event), body=body, if_match=decode.precondition(etag))
        return self._event((yield from self._send(call)))

    def delete(self, event: str, etag: str) -> Asking[None]:
        """An event, a series with its exceptions, or one occurrence. Raises as ``patch``."""
        yield from self._send(Call("DELETE", self._path(event), if_match=decode.precondition(etag)))

    def answer(self, event: str, action: str) -> Asking[None]:
        """Answer an invitation without telling the organiser. Raises as ``patch``.

        There is no If-Match and no ``comment``: a silent answer with one is refused, an empty one too.
        """
        yield from self._send(Call("POST", f"{self._path(event)}/{action}", body={"sendResponse": False}))

    def _event(self, reply: Json) -> Json:
        """Raises ContractViolation: that it was done is not said."""
        if not isinstance(reply.get("id"), str):
            raise ContractViolation("the answer to a write is no event")
        return reply

    def _path(self, event: str = "") -> str:
        path = f"/me/calendars/{segment(self.collection)}/events"
        return f"{path}/{segment(event)}" if event else path

    def _send(self, call: Call, *, creates: bool = False) -> Asking[Json]:
        before, self.begun = self.begun, True
        try:
            return (yield call)
        except (AnswerLost, ContractViolation):
            raise
        except Refusal as problem:
            if not problem.broken:
                self.begun = before
            if error := for_connection(problem):
                raise error from problem
            if problem.existing or (creates and problem.status == 409):
                raise
            outcome = yield from self._meaning(problem)
            raise Settled(outcome) from problem
        except ProviderError:  # it was not sent
            self.begun = before
            raise

    def _meaning(self, problem: Refusal) -> Asking[Outcome]:
        if problem.absent:
            yield from self.check()
            return Missing(self.op)
        if problem.status in (409, 412):
            return Stale(self.op, None)
        return for_write(self.op, problem)

    # --- what stands there -------------------------------------------------------------------------------------

    def read(self, call: Call) -> Asking[Json]:
        """Raises what ``errors.for_read`` names."""
        try:
            return (yield call)
        except Refusal as problem:
            raise for_read(problem) from problem

    def check(self) -> Asking[None]:
        """Raises CollectionGone where it is the calendar that is not there."""
        raw = yield from self.read(entry(self.collection))
        self.reader.note(self.collection, raw)

    def look(self, item: str) -> Asking[Raw | None]:
        """An event with all that we read of it. None where there is none."""
        try:
            return (yield whole_item(self.collection, item))
        except Refusal as problem:
            if not problem.absent:
                raise for_read(problem) from problem
        yield from self.check()
        return None

    def raw(self, item: str) -> Asking[Raw]:
        """Raises Settled with Missing."""
        raw = yield from self.look(item)
        if raw is None:
            raise Settled(Missing(self.op))
        return raw

    def whole(self, item: str) -> Asking[Whole]:
        """Raises Settled: Missing, or Stale where it cannot be understood."""
        raw = yield from self.raw(item)
        try:
            return decode.whole(raw)
        except Undecodable as error:
            raise Settled(Stale(self.op, None)) from error

    def expect(self, item: str, revision: Revision) -> Asking[Whole]:
        """The item, which must be as the caller last saw it, exceptions included. Raises Settled."""
        whole = yield from self.whole(item)
        found = self.found(whole)
        if found is None or found.revision != revision:
            raise Settled(Stale(self.op, found))
        return whole

    def marked(self, stamp: Stamp) -> Asking[str]:
        """The id of the event that carries the stamp. Raises Settled where there is none."""
        for raw in items_of((yield from self.read(carrying(self.collection, stamp)))):
            if decode.stamp_of((yield from self.raw(str(raw["id"])))) == stamp:
                return str(raw["id"])
        raise self.refuse(RefusedCode.INVALID, permanent=False)

    def instance(self, master: str, original: Original, of: Whole) -> Asking[Raw | None]:
        """One occurrence of a series as it stands now, found by its original start; None where there is none."""
        call = instances(self.collection, master, original)
        while True:
            answer = yield from self.read(call)
            for raw in items_of(answer):
                if raw.get("originalStart") and decode.original_of(raw, of.master, original) == original:
                    return raw
            link = answer.get("@odata.nextLink")
            if not link:
                return None
            call = self.reader.client.at(str(link))

    def now(self, item: str) -> Asking[Found | Gone | Unreadable]:
        """What stands there now."""
        raw = yield from self.look(item)
        return self.reader.meaning(self.collection, item, raw)

    def found(self, whole: Whole) -> Found | None:
        """What the JSON means; None where it cannot be understood."""
        found = self.reader.understood(str(whole.master["id"]), whole, self.collection)
        return None if isinstance(found, Unreadable) else found

    def applied(self, whole: Whole) -> Applied:
        """Done, and this is how it is stored now."""
        found = self.found(whole)
        revision = found.revision if found else Revision(decode.tag_of(whole.master))
        return Applied(self.op, str(whole.master["id"]), revision, found)

    def told(self, outcome: Outcome, item: str) -> Asking[Outcome]:
        """``outcome``; a Stale one with what stands there now, or Missing where nothing does."""
        if not isinstance(outcome, Stale) or outcome.current is not None:
            return outcome
        now = yield from self.now(item)
        if isinstance(now, Gone):
            return Missing(self.op)
        return Stale(self.op, now if isinstance(now, Found) else None)

    def refuse(self, code: RefusedCode, *, permanent: bool = True) -> Settled:
        return Settled(Refused(self.op, code, permanent))


def merged(reply: Raw, before: Raw, sent: Raw) -> dict[str, Any]:
    """The reply to a write together with what only a request for it would have shown: as it was, or as it was sent."""
    kept: Mapping[str, Any] = {name: before[name] for name in _EXPANDED if name in before}
    marks = [*(before.get(_MARKS) or ()), *(sent.get(_MARKS) or ())]
    latest = {str(mark["id"]).casefold(): mark for mark in marks}
    return {**reply, **kept, _MARKS: list(latest.values())}
