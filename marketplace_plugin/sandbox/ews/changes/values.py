"""Applying changes to an item's fields, and what one field does to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketplace_plugin.sandbox.ews.changes import contacts, tasks
from marketplace_plugin.sandbox.ews.changes.span import RESHAPING
from marketplace_plugin.sandbox.ews.items import Attendee, Event, Item, Override, Property
from marketplace_plugin.sandbox.ews.outlook import bodies
from marketplace_plugin.sandbox.ews.soap.errors import EwsError
from marketplace_plugin.sandbox.ews.state import State
from marketplace_plugin.sandbox.ews.wire import schema
from marketplace_plugin.sandbox.ews.wire.reading import Change
from marketplace_plugin.sandbox.exchange_html import as_text

_BY_THE_SPAN = RESHAPING - {"Recurrence"}
_REQUIRED = ("UID", "ItemClass", "Sensitivity", "Importance", "LegacyFreeBusyStatus")


def apply(state: State, item: Item, override: Override | None, changes: Sequence[Change]) -> None:
    """Make all changes but those of the times; on the exception if there is one.

    Raises:
        EwsError: for what cannot be deleted, appended to or set to that value.
    """
    fields = item.fields if override is None else override.fields
    extended = item.extended if override is None else override.extended
    for change in changes:
        name = change.path.name
        if change.path.extended is not None:
            _set_extended(extended, change.path.extended, change)
        elif name in schema.ATTENDEES:
            _set_attendees(item.calendar, override, change)
        elif name == "Recurrence" and item.event is not None:
            item.event.recurrence = change.value
        elif name == "UID":
            if change.operation == "delete" or (change.value and change.value != item.calendar.uid):
                raise EwsError("ErrorInvalidPropertySet")
        elif name not in _BY_THE_SPAN:
            inherited = item.fields if override is not None else {}
            _set_field(fields, inherited, change)
    if item.kind == "Task":
        tasks.finish(state, item, changes)
    elif item.kind == "Contact":
        contacts.name(item)


def _set_extended(extended: dict[Property, Any], name: Property, change: Change) -> None:
    if change.operation == "append":
        raise EwsError("ErrorInvalidPropertyAppend")
    if change.operation == "delete":
        extended.pop(name, None)
    else:
        extended[name] = change.value


def _set_attendees(event: Event, override: Override | None, change: Change) -> None:
    role, given = change.path.name, list[Attendee](change.value or [])
    before = event.attendees if override is None or override.attendees is None else override.attendees
    others = [item for item in before if item.role != role]
    mine = [item for item in before if item.role == role] if change.operation == "append" else []
    known = {item.address.casefold(): item for item in before}
    for item in given:
        old = known.get(item.address.casefold())
        if old is not None:
            item.response, item.replied = old.response, old.replied
    if override is None:
        event.attendees = others + mine + given
    else:
        override.attendees = others + mine + given


def _set_field(fields: dict[str, Any], inherited: dict[str, Any], change: Change) -> None:
    path, name = change.path, change.path.name
    if path.key:
        _set_entry(fields, change)
    elif change.operation == "delete":
        if name in _REQUIRED:
            raise EwsError("ErrorInvalidPropertyDelete")
        if name in inherited:
            fields[name] = type(inherited[name])()
        else:
            fields.pop(name, None)
    elif change.operation == "append":
        if name == "Body":
            text = as_text(fields.get(name, inherited.get(name, ""))) + as_text(change.value)
            fields[name] = bodies.rewritten(text, "Text")
        else:
            raise EwsError("ErrorInvalidPropertyAppend")
    else:
        fields[name] = change.value


def _set_entry(fields: dict[str, Any], change: Change) -> None:
    """One entry of a contact's mail addresses, phone numbers or postal addresses."""
    path = change.path
    entries: dict[str, Any] = fields.setdefault(path.name, {})
    value = None if change.value is None else change.value.get(path.key)
    if path.part:
        value = None if value is None else value.get(path.part)
        entries = entries.setdefault(path.key, {})
    key = path.part or path.key
    if change.operation == "delete" or not value:
        entries.pop(key, None)
    else:
        entries[key] = value
