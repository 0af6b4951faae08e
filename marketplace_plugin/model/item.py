"""Item: whatever can be tied by a link."""

from __future__ import annotations

from enum import StrEnum

from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.task import Call, Task

Item = Event | Series | Contact | Task | Call


class Kind(StrEnum):
    """The host's modules, and what a collection holds."""

    EVENT = "event"
    CONTACT = "contact"
    TASK = "task"
    CALL = "call"


def kind_of(item: Item) -> Kind:
    match item:
        case Event() | Series():
            return Kind.EVENT
        case Contact():
            return Kind.CONTACT
        case Task():
            return Kind.TASK
        case Call():
            return Kind.CALL
