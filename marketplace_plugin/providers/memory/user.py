"""What the person (or a colleague) does in the service's own pages: no requests, no preconditions, no mails of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from marketplace_plugin.model.change import Access, Stamp, UnreadableReason
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.event import Event, Override, Series, original_key
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.time import Original
from marketplace_plugin.providers.memory.content import with_override
from marketplace_plugin.providers.memory.record import Record

if TYPE_CHECKING:
    from marketplace_plugin.providers.memory.account import MemoryAccount


class User:
    """Each method is one change, saved at once. Calendars and items are named by their ids."""

    def __init__(self, account: MemoryAccount) -> None:
        self._account = account

    # ---- calendars --------------------------------------------------------------------------------------------

    def add_calendar(
        self,
        calendar: str,
        title: str = "",
        role: Role = Role.OWNER,
        *,
        kind: Kind = Kind.EVENT,
        primary: bool = False,
        zone: str = "Europe/Berlin",
        shared_by: str = "",
    ) -> str:
        """Make (or be given) a calendar. Returns its id."""
        self._account.calendars[calendar] = CollectionInfo(
            id=calendar,
            kind=kind,
            title=title or calendar,
            role=role,
            capabilities=self._account.personality.holds(kind),
            primary=primary,
            zone=zone,
            shared_by=shared_by,
        )
        self._account.save()
        return calendar

    def set_role(self, calendar: str, role: Role) -> None:
        """The owner of a shared calendar gives another role; cursors of the calendar end."""
        account = self._account
        account.calendars[calendar] = replace(account.calendars[calendar], role=role)
        self.expire_cursors(calendar)

    def rename_calendar(self, calendar: str, title: str) -> None:
        account = self._account
        account.calendars[calendar] = replace(account.calendars[calendar], title=title)
        account.save()

    def remove_calendar(self, calendar: str) -> None:
        """Deleted, or no longer shared; its items are gone with it, without tombstones."""
        account = self._account
        del account.calendars[calendar]
        for key in [key for key in account.records if key[0] == calendar]:
            del account.records[key]
        account.save()

    def expire_cursors(self, calendar: str) -> None:
        """The service forgets: each cursor given so far is answered by 410."""
        self._account.seq += 1
        self._account.expired[calendar] = self._account.seq
        self._account.save()

    # ---- items ------------------------------------------------------------------------------------------------

    def create(
        self,
        calendar: str,
        item: Item,
        *,
        uid: str = "",
        access: Access = Access.FULL,
        stamp: Stamp | None = None,
        new_id: str = "",
    ) -> str:
        """A new item, or an invitation that came in (``access`` ATTENDEE, the organiser's ``uid``). Returns its id."""
        account = self._account
        with account.lock:
            own = new_id or account.new_id()
            account.add(
                Record(
                    id=own,
                    collection=calendar,
                    item=item,
                    uid=uid or f"{own}@{account.personality.name}.example",
                    changed=account.now(),
                    access=access,
                    stamp=stamp,
                    edited=True,
                )
            )
            account.save()
            return own

    def edit(self, calendar: str, item_id: str, **changes: Any) -> None:
        """Change fields: an event's, or of a series those of its master and ``rule``, ``rdates``, ``overrides``.

        Another time or rule of a series undoes its exceptions where the service does so.
        """
        record = self._record(calendar, item_id)
        item: Any = record.item
        if isinstance(item, Series):
            own = {name: value for name, value in changes.items() if name in ("rule", "rdates", "overrides")}
            event = {name: value for name, value in changes.items() if name not in own}
            reshaped = bool(own.keys() & {"rule", "rdates"}) or "when" in event
            if reshaped and "overrides" not in own and self._account.personality.reshaping_drops:
                own["overrides"] = ()
            item = replace(item, master=replace(item.master, **event), **own)
        else:
            item = replace(item, **changes)
        self._changed(record, item)

    def put(self, calendar: str, item_id: str, item: Item) -> None:
        """Make ``item`` of it, whole."""
        self._changed(self._record(calendar, item_id), item)

    def change_occurrence(self, calendar: str, item_id: str, original: Original, event: Event | None) -> None:
        """Change one occurrence of a series, or (None) cancel it."""
        self._override(calendar, item_id, original_key(original), Override(original, event))

    def restore_occurrence(self, calendar: str, item_id: str, original: Original) -> None:
        """Make one occurrence like the others again."""
        self._override(calendar, item_id, original_key(original), None)

    def delete(self, calendar: str, item_id: str) -> None:
        record = self._record(calendar, item_id)
        record.deleted = record.edited = True
        self._account.touch(record)
        self._account.save()

    def move(self, calendar: str, item_id: str, to: str) -> str:
        """To another calendar. Returns its id there: the same, or a new one where moving gives new ids."""
        account = self._account
        record = self._record(calendar, item_id)
        new_id = account.new_id() if account.personality.case_ids else record.id
        account.relocate(record, to, new_id).edited = True
        account.save()
        return new_id

    def copy(self, calendar: str, item_id: str, to: str = "") -> str:
        """A second item with all that the first has, our stamp included. Returns its id."""
        record = self._record(calendar, item_id)
        return self.create(to or calendar, record.item, stamp=record.stamp)

    def garble(self, calendar: str, item_id: str, reason: UnreadableReason = UnreadableReason.MALFORMED) -> None:
        """From now on nobody can read it; it is still there."""
        record = self._record(calendar, item_id)
        record.unreadable = reason
        self._changed(record, record.item)

    def mend(self, calendar: str, item_id: str) -> None:
        record = self._record(calendar, item_id)
        record.unreadable = None
        self._changed(record, record.item)

    # ---- parts ------------------------------------------------------------------------------------------------

    def _record(self, calendar: str, item_id: str) -> Record:
        return self._account.record(calendar, item_id)

    def _changed(self, record: Record, item: Item, overrides: Sequence[str] = (), *, master: bool = True) -> None:
        with self._account.lock:
            record.item = item
            record.edited = True
            self._account.touch(record, overrides=tuple(overrides), master=master)
            self._account.save()

    def _override(self, calendar: str, item_id: str, key: str, override: Override | None) -> None:
        record = self._record(calendar, item_id)
        if not isinstance(record.item, Series):
            raise TypeError(f"{item_id} is no series")
        self._changed(record, with_override(record.item, key, override), (key,), master=False)
