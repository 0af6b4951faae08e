"""Our side: the Provider contract over a ``MemoryAccount``. Reading is here, writing in ``push.py``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from marketplace_plugin.errors import ContractViolation
from marketplace_plugin.model.change import (
    Change,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    Page,
    Stamp,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.providers.memory.account import MemoryAccount
from marketplace_plugin.providers.memory.faults import Request
from marketplace_plugin.providers.memory.push import push
from marketplace_plugin.providers.memory.record import Record


class MemoryProvider:
    """See ``contract.provider.Provider``. Holds no state of its own: all of it is the account's."""

    def __init__(self, account: MemoryAccount) -> None:
        self._account = account

    def collections(self) -> Sequence[CollectionInfo]:
        return self._account.list_calendars()

    def pull(self, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
        fingerprint = self._fingerprint(collection, window)
        if since is not None and since.fingerprint != fingerprint:
            since = None
        place = _Place.of(since)
        first = True
        while True:
            with self._account.request(Request.PAGE):
                if first:
                    self._account.check_cursor(collection, place.since)
                    upto = self._account.begin_round(collection)
                    place = place if place.upto is not None else _Place(place.since, upto)
                    first = False
                page, place = self._page(collection, place, window, fingerprint)
            yield page
            if page.cursor is not None:
                return

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Found | Gone | Unreadable]:
        return self._account.fetch(collection, ids)

    def find(self, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        return self._account.find(collection, stamps)

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        return push(self._account, collection, writes)

    def close(self) -> None:
        """Nothing is held."""

    # ---- parts ------------------------------------------------------------------------------------------------

    def _fingerprint(self, collection: str, window: Window) -> str:
        dated = self._dated(collection)
        text = f"1|{collection}|{window.start.isoformat()}|{window.end.isoformat()}" if dated else f"1|{collection}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _dated(self, collection: str) -> bool:
        """Address books and task lists are read whole, whatever the window."""
        info = self._account.calendars.get(collection)
        return info is None or info.kind is Kind.EVENT

    def _page(self, collection: str, place: _Place, window: Window, fingerprint: str) -> tuple[Page, _Place]:
        account, delivery = self._account, self._account.delivery
        snapshot = place.since is None
        entries = [
            (key, record)
            for record in account.listed(collection, place.since, window)
            for key in _keys(record, exceptions_first=delivery.exceptions_first)
        ]
        entries.sort(key=lambda entry: entry[0])
        again = [entry for entry in entries if delivery.duplicates and entry[0] == place.after]
        ahead = [entry for entry in entries if entry[0] > place.after]
        empty = delivery.empty_pages and not place.was_empty
        told = [] if empty else ahead[: delivery.page_size]
        after = told[-1][0] if told else place.after
        place = _Place(place.since, place.upto, after, was_empty=empty)
        last = not empty and len(told) == len(ahead)
        held = window if self._dated(collection) else None
        page = Page(
            changes=tuple(self._change(key, record, window) for key, record in [*([] if empty else again), *told]),
            snapshot=snapshot,
            covers=held if snapshot else None,
            checkpoint=None if last else Checkpoint(place.token, fingerprint, snapshot, held),
            cursor=Cursor(str(place.upto), fingerprint, held) if last else None,
        )
        return page, place

    def _change(self, key: str, record: Record, window: Window) -> Change:
        account = self._account
        windowed = account.windowed(record.collection)
        if record.deleted or (windowed and not account.visible(record, window)):
            return Tombstone(record.id, confirmed=not windowed)
        if record.unreadable is not None:
            return Unreadable(record.id, record.unreadable)
        if key.startswith(_EXCEPTION):
            return Unreadable(record.id, UnreadableReason.ORPHAN)
        return Upsert(account.show(record))


_EXCEPTION, _WHOLE = "0", "1"  # sort keys: exceptions are told in a first run, whole items in a second


def _keys(record: Record, *, exceptions_first: bool) -> list[str]:
    item = record.item
    alone = exceptions_first and isinstance(item, Series) and bool(item.overrides) and not record.deleted
    return [_EXCEPTION + record.id, _WHOLE + record.id] if alone else [_WHOLE + record.id]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a round stands: since which log position, up to which one, and the key that was told last."""

    since: int | None
    upto: int | None = None
    after: str = ""
    was_empty: bool = False

    @property
    def token(self) -> str:
        return f"{'' if self.since is None else self.since}|{self.upto}|{int(self.was_empty)}|{self.after}"

    @classmethod
    def of(cls, since: Cursor | Checkpoint | None) -> _Place:
        try:
            match since:
                case None:
                    return cls(None)
                case Cursor():
                    return cls(int(since.token))
                case Checkpoint():
                    start, upto, was_empty, after = since.token.split("|", 3)
                    return cls(int(start) if start else None, int(upto), after, was_empty == "1")
        except ValueError as error:
            raise ContractViolation("a token that this service never gave") from error
