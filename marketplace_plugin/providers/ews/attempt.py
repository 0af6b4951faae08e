"""One write on its way: the requests that it is made of, what their refusals mean, and what stands there now.

Sources: the reference of CreateItem, UpdateItem and DeleteItem. Each request says SendToNone, and each change that
nothing is overwritten; what is deleted goes to the bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace_plugin.contract.sending import Settled
from marketplace_plugin.errors import ContractViolation, NotSent, Throttled
from marketplace_plugin.model.change import Found, Gone, Revision, Unreadable
from marketplace_plugin.model.write import Missing, Outcome, Refused, RefusedCode, Stale
from marketplace_plugin.providers.ews.folders import Place
from marketplace_plugin.providers.ews.read import Reader, item_id
from marketplace_plugin.providers.ews.shape import decode
from marketplace_plugin.providers.ews.shape.decode import Whole
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import Refusal, SignInRefused, for_write
from marketplace_plugin.providers.ews.soap.xml import Element, make


@dataclass(frozen=True, slots=True)
class Key:
    """An item and the state of it that a write is meant for."""

    id: str
    change_key: str

    @classmethod
    def of(cls, item: Element) -> Key:
        """Raises ContractViolation for an item without an id: what a write has made is looked up by its mark then."""
        try:
            return cls(decode.id_of(item), decode.change_key_of(item))
        except Undecodable as error:
            raise ContractViolation("an item without an id") from error

    @property
    def element(self) -> Element:
        return item_id(self.id, self.change_key)


@dataclass(slots=True)
class Attempt:
    """One write in one calendar. ``begun``: something may have changed already."""

    reader: Reader
    collection: str
    op: str
    begun: bool = False

    # --- requests ----------------------------------------------------------------------------------------------

    def insert(self, item: Element) -> Key:
        """A new item. Raises Settled by what a refusal means, NotSent, AnswerLost, and what concerns everything."""
        request = make(
            "m:CreateItem",
            make("m:SavedItemFolderId", Place.of(self.collection).element),
            make("m:Items", item),
            MessageDisposition="SaveOnly",
            SendMeetingInvitations="SendToNone",
        )
        return self._key(self._send(request), None)

    def update(self, key: Key, changes: Sequence[Element]) -> Key:
        """Set and delete fields of an item that is still as ``key`` says. Raises as ``insert``."""
        request = make(
            "m:UpdateItem",
            make("m:ItemChanges", make("t:ItemChange", key.element, make("t:Updates", *changes))),
            ConflictResolution="NeverOverwrite",
            MessageDisposition="SaveOnly",
            SendMeetingInvitationsOrCancellations="SendToNone",
        )
        return self._key(self._send(request), key)

    def delete(self, key: Key) -> None:
        """An event, a series with its exceptions, or one occurrence; into the bin. Raises as ``insert``."""
        request = make(
            "m:DeleteItem",
            make("m:ItemIds", key.element),
            DeleteType="MoveToDeletedItems",
            SendMeetingCancellations="SendToNone",
        )
        self._send(request)

    def answer(self, key: Key, name: str) -> Key:
        """Answer an invitation without a word to the organiser: the answer is saved, not sent. Raises as ``insert``.

        The server may put another item in its place, whose key this is.
        """
        reference = make("t:ReferenceItemId", Id=key.id, ChangeKey=key.change_key)
        request = make(
            "m:CreateItem",
            make("m:Items", make(name, reference)),
            MessageDisposition="SaveOnly",
            SendMeetingInvitations="SendToNone",
        )
        return self._key(self._send(request), key)

    def _key(self, message: Element, before: Key | None) -> Key:
        """What the answer names; the first event of several."""
        for item in xml.children(message, "m:Items"):
            if xml.local(item) == "CalendarItem":
                return Key.of(item)
        if before is None:
            raise ContractViolation("a creation without an id")
        return before

    def _send(self, request: Element) -> Element:
        before, self.begun = self.begun, True
        try:
            return self.reader.client.one(request)
        except (NotSent, SignInRefused):
            self.begun = before
            raise
        except Refusal as problem:
            if not problem.transient:
                self.begun = before
            if problem.throttled:
                raise Throttled(str(problem), problem.pause) from problem
            raise Settled(self._meaning(problem)) from problem

    def _meaning(self, problem: Refusal) -> Outcome:
        if problem.absent:
            self.reader.check(self.collection)  # raises CollectionGone where it is the calendar that is not there
            return Missing(self.op)
        return for_write(self.op, problem)

    # --- what stands there -------------------------------------------------------------------------------------

    def whole(self, item: str) -> Whole:
        """Raises Settled with Missing, or with Stale where it is not to be had."""
        (whole,) = self.reader.wholes(self.collection, [item])
        if isinstance(whole, Refusal):
            raise Settled(self._meaning(whole) if whole.absent else Stale(self.op, None))
        return whole

    def expect(self, item: str, revision: Revision) -> Whole:
        """The item, which must be as the caller last saw it, exceptions included. Raises Settled."""
        whole = self.whole(item)
        meant = self.reader.meaning(self.collection, item, whole)
        if isinstance(meant, Gone):
            raise Settled(Missing(self.op))
        if isinstance(meant, Unreadable) or meant.revision != revision:
            raise Settled(Stale(self.op, meant if isinstance(meant, Found) else None))
        return whole

    def found(self, whole: Whole) -> Found | None:
        """What an item means; None where it cannot be understood, or is no longer in the calendar."""
        meant = self.reader.meaning(self.collection, decode.id_of(whole.master), whole)
        return meant if isinstance(meant, Found) else None

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
