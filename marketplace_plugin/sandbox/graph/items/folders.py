"""What is stored of a mailbox's contacts and tasks: folders (or lists) with their items and the order of changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.outlook import ids
from marketplace_plugin.sandbox.graph.state import State

Json = dict[str, Any]


class Kind(Enum):
    """Folder's and item's kind of id, and the type's name."""

    CONTACTS = (ids.FOLDER, ids.CONTACT, "microsoft.graph.contact", "Kontakte")
    TASKS = (ids.LIST, ids.TASK, "microsoft.graph.todoTask", "Aufgaben")

    @property
    def folder_id(self) -> int:
        return self.value[0]

    @property
    def item_id(self) -> int:
        return self.value[1]

    @property
    def type_name(self) -> str:
        return self.value[2]


@dataclass
class Item:
    """``fields`` are the properties as they are shown, without those that stand here. Times are aware, UTC."""

    key: int
    folder: int
    placed: int
    fields: Json
    created: datetime
    modified: datetime
    change: int
    extended: dict[str, str] = field(default_factory=dict)
    links: list[Json] = field(default_factory=list)
    """linkedResources of a task."""


@dataclass
class Folder:
    """The first of its kind in a mailbox is the default one."""

    key: int
    mailbox: str
    kind: Kind
    name: str
    default: bool
    items: dict[int, Item] = field(default_factory=dict)
    changes: OrderedDict[int, int] = field(default_factory=OrderedDict)
    """Item key -> number of its last change, deletions too; oldest first."""
    placed: dict[int, int] = field(default_factory=dict)
    """Item key -> its last place here, for the ids of what is gone."""
    epoch: int = 0
    """Raised when all earlier delta tokens end."""

    @property
    def id(self) -> str:
        return ids.item_id(self.kind.folder_id, self.mailbox, 0, self.key)


class Folders:
    """All mailboxes' contacts and tasks."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._all: dict[int, Folder] = {}

    def of(self, mailbox: str, kind: Kind) -> list[Folder]:
        """Those of a mailbox, the default one first."""
        found = [one for one in self._all.values() if (one.mailbox, one.kind) == (mailbox, kind)]
        return found or [self.add(mailbox, kind, kind.value[3], default=True)]

    def add(self, mailbox: str, kind: Kind, name: str, *, default: bool = False) -> Folder:
        if not default:
            self.of(mailbox, kind)  # the default one is there first
        folder = Folder(self._state.next_number(), mailbox, kind, name, default)
        self._all[folder.key] = folder
        return folder

    def get(self, mailbox: str, kind: Kind, folder_id: str | None) -> Folder:
        """None is the default one. Raises GraphError 400, 404."""
        if folder_id is None:
            return self.of(mailbox, kind)[0]
        key = ids.read_item(kind.folder_id, folder_id).key
        found = next((one for one in self.of(mailbox, kind) if one.key == key), None)
        if found is None:
            raise errors.not_found()
        return found

    def remove_folder(self, folder: Folder) -> None:
        del self._all[folder.key]

    def item(self, mailbox: str, kind: Kind, item_id: str, within: Folder | None) -> tuple[Folder, Item]:
        """Raises GraphError 400, 404. An id with a place is good only while the item is there."""
        reference = ids.read_item(kind.item_id, item_id)
        if reference.mailbox != ids.mailbox_mark(mailbox):
            raise errors.not_found()
        for folder in [within] if within is not None else self.of(mailbox, kind):
            found = folder.items.get(reference.key)
            if found is not None and reference.place in (0, found.placed):
                return folder, found
        raise errors.not_found()

    def store(self, folder: Folder, fields: Json) -> Item:
        now, number = self._state.now(), self._state.next_number()
        item = Item(number, folder.key, number, fields, now, now, 0)
        folder.items[item.key] = item
        self.touch(item)
        return item

    def touch(self, item: Item) -> None:
        """A new change key and modification time."""
        item.change, item.modified = self._state.next_tick(), self._state.now()
        self._note(self._all[item.folder], item, item.change)

    def remove(self, item: Item) -> None:
        folder = self._all[item.folder]
        del folder.items[item.key]
        self._note(folder, item, self._state.next_tick())

    def move(self, item: Item, to: Folder) -> None:
        self.remove(item)
        item.folder, item.placed = to.key, self._state.next_number()
        to.items[item.key] = item
        self.touch(item)

    def expire(self, mailbox: str | None = None) -> None:
        for folder in self._all.values():
            if mailbox in (None, folder.mailbox):
                folder.epoch += 1

    @staticmethod
    def _note(folder: Folder, item: Item, change: int) -> None:
        folder.changes[item.key] = change
        folder.changes.move_to_end(item.key)
        folder.placed[item.key] = item.placed


def etag(item: Item) -> str:
    return f'W/"{change_key(item)}"'


def change_key(item: Item) -> str:
    return f"EQAAABYAAA{item.change:010d}"
