"""Which items a folder holds, and what one of them means."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from marketplace_plugin.errors import ContractViolation
from marketplace_plugin.model.change import Access, Found, Gone, Revision, Unreadable, UnreadableReason
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task
from marketplace_plugin.providers.ews.items import contact, task
from marketplace_plugin.providers.ews.items.moment import instant
from marketplace_plugin.providers.ews.shape.decode import stamp_of
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import Refusal
from marketplace_plugin.providers.ews.soap.xml import Element, make

_CONTACTS, _TASKS = "contacts:", "tasks:"
"""How the ids of collections begin; the folder's id follows."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One kind of items: its element, folder class, paths to read and order of the elements that we write."""

    kind: Kind
    prefix: str
    element: str
    folder_class: str
    distinguished: str
    paths: tuple[str, ...]
    order: tuple[str, ...]
    fields: frozenset[str]


CONTACTS = Sort(
    Kind.CONTACT, _CONTACTS, "Contact", "IPF.Contact", "contacts", contact.PATHS, contact.ORDER, contact.FIELDS
)
TASKS = Sort(Kind.TASK, _TASKS, "Task", "IPF.Task", "tasks", task.PATHS, task.ORDER, task.FIELDS)


@dataclass(frozen=True, slots=True)
class Place:
    """A collection: a folder, and what lies in it."""

    sort: Sort
    folder: str

    @classmethod
    def of(cls, collection: str) -> Place | None:
        """None for a calendar."""
        sort = next((one for one in (CONTACTS, TASKS) if collection.startswith(one.prefix)), None)
        return None if sort is None else cls(sort, collection.removeprefix(sort.prefix))

    @property
    def element(self) -> Element:
        return make("t:FolderId", Id=self.folder)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"1 {self.sort.prefix}{self.folder}".encode()).hexdigest()[:16]


def meaning(place: Place, key: str, item: Element | Refusal) -> Found | Gone | Unreadable:
    """An item as it stands now. What was thrown away keeps its id for a while, in the bin."""
    if isinstance(item, Refusal):
        return Gone(key) if item.absent else Unreadable(key, UnreadableReason.REFUSED)
    parent = xml.find(item, "t:ParentFolderId")
    if xml.local(item) != place.sort.element or (parent is not None and parent.get("Id") != place.folder):
        return Gone(key)
    try:
        read: Contact | Task = contact.read(item) if place.sort is CONTACTS else task.read(item)
        changed, href = xml.text(item, "t:LastModifiedTime"), xml.text(item, "t:WebClientReadFormQueryString")
        return Found(
            key,
            Revision(key_of(item)),
            read,
            stamp=stamp_of(item),
            access=Access.NONE if place.sort is TASKS and task.repeats(item) else Access.FULL,
            changed=instant(changed) if changed else None,
            href=href if href.startswith("https://") else "",
        )
    except (ValueError, OverflowError):
        return Unreadable(key, UnreadableReason.MALFORMED)


def only(message: Element) -> Element:
    items = xml.children(message, "m:Items")
    if len(items) != 1:
        raise ContractViolation("not one item for one id")
    return items[0]


def id_of(item: Element) -> str:
    """Raises ContractViolation for an item without one."""
    found = xml.find(item, "t:ItemId")
    if found is None or not found.get("Id"):
        raise ContractViolation("an item without an id")
    return str(found.get("Id"))


def key_of(item: Element) -> str:
    found = xml.find(item, "t:ItemId")
    return "" if found is None else str(found.get("ChangeKey") or "")
