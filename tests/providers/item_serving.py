"""What the contracts of contacts and tasks need of a service under test, beside the provider."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.errors import CursorExpired
from marketplace_plugin.model.change import Change, Checkpoint, Cursor, Found, Page, Tombstone, Upsert
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.form.canonical import changed_fields, project, same
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.time import Window
from marketplace_plugin.model.write import Applied, Create, Outcome, Update, Write
from tests.providers.serving import STAMP

WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
ANOTHER = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC))
Kept = Contact | Task


class ItemServing:
    """One account. ``collection`` is an address book (or task list) that can be written, ``read_only`` one that cannot
    or empty where the service has no such; both are empty of items."""

    collection: str
    read_only: str = ""

    @abstractmethod
    def open(self) -> Provider:
        """A new provider on the account."""

    @abstractmethod
    def create(self, item: Kept) -> str:
        """By the person, in the service's own pages. Returns the id."""

    @abstractmethod
    def edit(self, item_id: str, **changes: Any) -> None: ...

    @abstractmethod
    def delete(self, item_id: str) -> None: ...

    @abstractmethod
    def garble(self, item_id: str) -> None:
        """From now on it cannot be understood."""

    @abstractmethod
    def small_pages(self) -> None: ...

    @abstractmethod
    def expire_cursors(self) -> None: ...

    @abstractmethod
    def throttle(self) -> None:
        """The next request is refused with a wish for a pause."""

    @abstractmethod
    def lose_answer(self) -> None:
        """The next write is done, but its answer does not come."""

    @abstractmethod
    def mails(self) -> Sequence[str]: ...

    @abstractmethod
    def writes(self) -> int:
        """All requests that changed something, so far."""


@dataclass(slots=True)
class Told:
    """One whole round, folded: the last word on each id."""

    pages: list[Page] = field(default_factory=list)
    last: dict[str, Change] = field(default_factory=dict)

    @property
    def cursor(self) -> Cursor:
        cursor = self.pages[-1].cursor
        assert cursor is not None
        return cursor

    @property
    def snapshot(self) -> bool:
        return self.pages[0].snapshot

    def found(self) -> dict[str, Found]:
        return {key: change.found for key, change in self.last.items() if isinstance(change, Upsert)}

    def gone(self) -> dict[str, Tombstone]:
        return {key: change for key, change in self.last.items() if isinstance(change, Tombstone)}


def read(serving: ItemServing, since: Cursor | Checkpoint | None = None, *, window: Window = WINDOW) -> Told:
    """A whole round, as the engine runs it; checks what always holds."""
    provider = serving.open()
    try:
        pages = list(provider.pull(serving.collection, since, window))
    except CursorExpired:
        pages = list(provider.pull(serving.collection, None, window))
    result = Told(pages)
    assert pages, "a round has at least one page"
    assert all(page.cursor is None for page in pages[:-1]), "the cursor stands on the last page only"
    assert result.cursor.window is None, "address books and lists have no window"
    assert len({page.snapshot for page in pages}) == 1
    for page in pages:
        assert page.covers is None, "what is read is the whole collection, not a window of it"
        result.last.update({change.id: change for change in page.changes})
    return result


def capabilities(serving: ItemServing) -> Capabilities:
    return next(info for info in serving.open().collections() if info.id == serving.collection).capabilities


def equal(serving: ItemServing, a: object, b: object) -> bool:
    """Equal as far as the service can hold it."""
    assert isinstance(a, Contact | Task)
    assert isinstance(b, Contact | Task)
    return same(project(a, capabilities(serving)), project(b, capabilities(serving)))


def send(serving: ItemServing, *writes: Write) -> list[Outcome]:
    """The outcomes in the order of the writes; exactly one each."""
    told = list(serving.open().push(serving.collection, writes))
    assert len(told) == len(writes)
    by_op = {outcome.op: outcome for outcome in told}
    return [by_op[write.op] for write in writes]


def applied(outcome: Outcome) -> Found:
    assert isinstance(outcome, Applied), outcome
    assert outcome.stored is not None
    assert (outcome.stored.id, outcome.stored.revision) == (outcome.id, outcome.revision)
    return outcome.stored


def written(serving: ItemServing, item: Kept, op: str = "op-1") -> Found:
    return applied(send(serving, Create(op, STAMP, item))[0])


def changing(found: Found, item: Kept, op: str = "op-u") -> Update:
    return Update(op, found.id, found.revision, found.item, item, changed_fields(found.item, item))
