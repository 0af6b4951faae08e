"""Ids of calendars, events and occurrences as a mailbox shows them.

An id names mailbox, place, item and (for an occurrence) the original day. Two events of a
mailbox can have ids that differ in nothing but the case of one letter, or in "-" and "_": as at
the real service, ids are case-sensitive. With ``Prefer: IdType="ImmutableId"`` the place is left
out, so a move between calendars does not change the id. Both forms are understood in requests.
Source: https://learn.microsoft.com/graph/outlook-immutable-id
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from datetime import date

from marketplace_plugin.sandbox.graph import errors

_CALENDAR, _EVENT = 1, 2
_MUTABLE, _IMMUTABLE = "AAMkAGI1", "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A"
_OCCURRENCE = "AFRAAgI"
_SUFFIX = "AAA="
_FORM = struct.Struct(">B5sII")
_LENGTH = 24


@dataclass(frozen=True)
class Reference:
    """What an id names; ``place`` is 0 in an immutable id."""

    mailbox: bytes
    place: int
    key: int
    day: date | None = None


def mailbox_mark(email: str) -> bytes:
    """The part that all ids of a mailbox share."""
    return hashlib.blake2s(email.encode(), digest_size=5).digest()


def calendar_id(mailbox: str, key: int) -> str:
    """The id of a calendar, which never changes."""
    return _write(_CALENDAR, mailbox, 0, key, None, _MUTABLE)


def event_id(mailbox: str, place: int, key: int, day: date | None = None, *, immutable: bool = False) -> str:
    """The id of an event, or of the occurrence on ``day``."""
    return _write(_EVENT, mailbox, 0 if immutable else place, key, day, _IMMUTABLE if immutable else _MUTABLE)


def read_calendar(text: str) -> Reference:
    """Raises GraphError 400 for what is no id of a calendar."""
    return _read(_CALENDAR, text)


def read_event(text: str) -> Reference:
    """Raises GraphError 400 for what is no id of an event."""
    return _read(_EVENT, text)


FOLDER, CONTACT, LIST, TASK = 3, 4, 5, 6
"""Kinds of ids beside calendars and events."""


def item_id(kind: int, mailbox: str, place: int, key: int, *, immutable: bool = False) -> str:
    """The id of a contact, a task, or (``place`` 0) of what holds them."""
    return _write(kind, mailbox, 0 if immutable else place, key, None, _IMMUTABLE if immutable else _MUTABLE)


def read_item(kind: int, text: str) -> Reference:
    """Raises GraphError 400 for what is no id of this kind."""
    return _read(kind, text)


def _write(kind: int, mailbox: str, place: int, key: int, day: date | None, prefix: str) -> str:
    packed = _FORM.pack(kind, mailbox_mark(mailbox), place, 0 if day is None else day.toordinal())
    packed += key.to_bytes(4, "big")
    return prefix + (_OCCURRENCE if day else "") + base64.urlsafe_b64encode(packed).decode() + _SUFFIX


def _read(kind: int, text: str) -> Reference:
    prefix = next((p for p in (_MUTABLE, _IMMUTABLE) if text.startswith(p)), None)
    if prefix is None or not text.endswith(_SUFFIX):
        raise errors.malformed_id()
    payload = text[len(prefix) : -len(_SUFFIX)].removeprefix(_OCCURRENCE)
    if len(payload) != _LENGTH:
        raise errors.malformed_id()
    try:
        packed = base64.b64decode(payload, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.malformed_id() from error
    found, mark, place, ordinal = _FORM.unpack(packed[: _FORM.size])
    if found != kind:
        raise errors.malformed_id()
    day = date.fromordinal(ordinal) if 0 < ordinal < date.max.toordinal() else None
    return Reference(mark, place, int.from_bytes(packed[_FORM.size :], "big"), day)
