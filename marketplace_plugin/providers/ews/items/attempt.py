"""One write of a contact or a task: what stands there is compared, then the change key guards the write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

from marketplace_plugin.contract.sending import Settled, broken_off
from marketplace_plugin.errors import ContractViolation, NotSent, Throttled, Unavailable
from marketplace_plugin.model.change import Access, Found, Gone, Revision, Stamp, Unreadable
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Missing,
    Outcome,
    Refused,
    RefusedCode,
    Stale,
    Update,
    Write,
)
from marketplace_plugin.providers.ews.items import contact, task
from marketplace_plugin.providers.ews.items.place import CONTACTS, TASKS, Place, id_of, key_of, meaning, only
from marketplace_plugin.providers.ews.read import item_id
from marketplace_plugin.providers.ews.shape.encode import stamp_path, stamped
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.client import Client
from marketplace_plugin.providers.ews.soap.errors import Refusal, SignInRefused, for_write
from marketplace_plugin.providers.ews.soap.xml import Element, make


class Reading(Protocol):
    """The reading half; ``serve.Items``."""

    def elements(self, place: Place, ids: Sequence[str]) -> list[Element | Refusal]: ...
    def read(self, place: Place, ids: Sequence[str]) -> list[Found | Gone | Unreadable]: ...


@dataclass(slots=True)
class Attempt:
    """One write. ``begun``: something may have changed already."""

    items: Reading
    client: Client
    place: Place
    op: str
    begun: bool = False

    def outcome(self, write: Write) -> Outcome:
        """Raises only what concerns the whole connection or folder."""
        try:
            return self._carry_out(write)
        except Settled as end:
            return end.outcome
        except Refusal as problem:
            return Missing(self.op) if problem.absent else for_write(self.op, problem)
        except (Throttled, Unavailable, ContractViolation) as error:
            return broken_off(self.op, error, begun=self.begun)

    def _carry_out(self, write: Write) -> Outcome:
        match write:
            case Create():
                return self._create(write)
            case Update():
                return self._update(write)
            case Delete():
                return self._delete(write)
            case _:
                return Refused(self.op, RefusedCode.UNSUPPORTED)

    def _create(self, write: Create) -> Outcome:
        parts = self._parts(write.item)
        if parts is None:
            return Refused(self.op, RefusedCode.UNSUPPORTED)
        parts.append(stamped(write.stamp))
        body = make(f"t:{self.place.sort.element}", *sorted(parts, key=self._order))
        request = make(
            "m:CreateItem",
            make("m:SavedItemFolderId", self.place.element),
            make("m:Items", body),
            MessageDisposition="SaveOnly",
        )
        made = only(self._send(request))
        known = Found(id_of(made), Revision(key_of(made)), _held(write.item, None), stamp=write.stamp)
        return self._stored(known.id, known)

    def _update(self, write: Update) -> Outcome:
        there, now = self._expect(write)
        if now is None or there is None:
            return Missing(self.op) if there is None else Stale(self.op, None)
        if now.revision != write.revision:
            return Stale(self.op, now)
        if now.access is not Access.FULL:
            return Refused(self.op, RefusedCode.FORBIDDEN)
        changes = self._changes(there, write)
        if changes is None:
            return Refused(self.op, RefusedCode.UNSUPPORTED)
        if not changes:  # nothing that is held there is to be changed
            return Applied(self.op, now.id, now.revision, now)
        key = item_id(write.id, write.revision.master)
        request = make(
            "m:UpdateItem",
            make("m:ItemChanges", make("t:ItemChange", key, make("t:Updates", *changes))),
            ConflictResolution="NeverOverwrite",
            MessageDisposition="SaveOnly",
        )
        made = only(self._send(request))
        item = _written(now.item, _held(write.item, there), write.changed)
        return self._stored(write.id, replace(now, revision=Revision(key_of(made)), item=item))

    def _delete(self, write: Delete) -> Outcome:
        there, now = self._expect(write)
        if there is None:
            return Missing(self.op)
        if now is None or now.revision != write.revision:
            return Stale(self.op, now)
        if now.access is not Access.FULL:
            return Refused(self.op, RefusedCode.FORBIDDEN)
        tasks = {"AffectedTaskOccurrences": "AllOccurrences"} if self.place.sort is TASKS else {}
        key = item_id(write.id, write.revision.master)
        self._send(make("m:DeleteItem", make("m:ItemIds", key), DeleteType="MoveToDeletedItems", **tasks))
        return Applied(self.op, write.id, None, None)

    def _expect(self, write: Update | Delete) -> tuple[Element | None, Found | None]:
        """The item as it stands, and what it means; None where it is not there, or cannot be understood.

        Raises Settled where it is not to be had.
        """
        (there,) = self.items.elements(self.place, [write.id])
        meant = meaning(self.place, write.id, there)
        if isinstance(meant, Gone):
            return None, None
        if isinstance(there, Refusal):  # it stands there all the same
            raise Settled(Stale(self.op, None))
        return there, meant if isinstance(meant, Found) else None

    def _stored(self, identity: str, known: Found) -> Outcome:
        """What stands there now; what was kept of what was sent, where it cannot be read or moved on."""
        try:
            (now,) = self.items.read(self.place, [identity])
        except (Throttled, Unavailable, ContractViolation):
            now = known
        stored = now if isinstance(now, Found) and now.revision == known.revision else known
        return Applied(self.op, stored.id, stored.revision, stored)

    def _parts(self, item: object) -> list[Element] | None:
        match item:
            case Contact() if self.place.sort is CONTACTS:
                return contact.creation(item)
            case Task() if self.place.sort is TASKS:
                return task.creation(item)
            case _:
                return None

    def _changes(self, there: Element, write: Update) -> list[Element] | None:
        mark = [] if write.stamp is None else [self._marked(write.stamp)]
        match write.item:
            case Contact() as item if self.place.sort is CONTACTS:
                return [*contact.updates(there, item, write.changed), *mark]
            case Task() as item if self.place.sort is TASKS:
                return [*task.updates(item, write.changed), *mark]
            case _:
                return None

    def _marked(self, stamp: Stamp) -> Element:
        return make("t:SetItemField", stamp_path(), make(f"t:{self.place.sort.element}", stamped(stamp)))

    def _order(self, part: Element) -> int:
        return self.place.sort.order.index(xml.local(part))

    def _send(self, request: Element) -> Element:
        before, self.begun = self.begun, True
        try:
            return self.client.one(request)
        except (NotSent, SignInRefused):
            self.begun = before
            raise
        except Refusal as problem:
            if not problem.transient:
                self.begun = before
            raise


def _held(item: Item, there: Element | None) -> Item:
    """What there is room for: told as stored, the rest would be missing at the next look and be taken away here."""
    match item:
        case Contact():
            return contact.held(item, there)
        case Task():
            return task.held(item)
        case _:
            return item


def _written(before: Item, kept: Item, changed: frozenset[str]) -> Item:
    names = {field.name for field in fields(kept)} & changed
    return replace(before, **{name: getattr(kept, name) for name in names})
