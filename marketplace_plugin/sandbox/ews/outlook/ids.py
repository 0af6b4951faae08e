"""Ids of folders, items and occurrences, and change keys.

An id names mailbox, item and (for an occurrence) the original day. As at the real service
ids are case-sensitive (two items of a mailbox can have ids that differ in the case of one letter),
an item that moves gets another one, and nothing in them is for clients to read. Source:
https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-identifiers-in-exchange
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from datetime import date

from marketplace_plugin.sandbox.ews.soap.errors import EwsError

_FOLDER, _ITEM = 1, 2
_PREFIX, _OCCURRENCE, _SUFFIX = "AAMkAGI1", "AFRAAgIA", "AAA="
_FORM = struct.Struct(">B5s4xII")
_LENGTH = 24
_CHANGE_PREFIX = "DwAAABYA"
_CHANGE = struct.Struct(">5sI")


@dataclass(frozen=True)
class Reference:
    """What an id names."""

    kind: int
    mailbox: bytes
    key: int
    day: date | None = None


def mailbox_mark(email: str) -> bytes:
    """The part that all ids of a mailbox share."""
    return hashlib.blake2s(email.encode(), digest_size=5).digest()


def folder_id(mailbox: str, key: int) -> str:
    """The id of a folder, which never changes."""
    return _write(_FOLDER, mailbox, key, None)


def item_id(mailbox: str, key: int, day: date | None = None) -> str:
    """The id of an item, or of the occurrence on ``day``."""
    return _write(_ITEM, mailbox, key, day)


def change_key(mailbox: str, change: int) -> str:
    """The version of an item or a folder."""
    return _CHANGE_PREFIX + base64.b64encode(_CHANGE.pack(mailbox_mark(mailbox), change)).decode()


def read_folder(text: str) -> Reference:
    """Raises EwsError for what is no id of a folder."""
    found = _read(text)
    if found.kind != _FOLDER:
        raise EwsError("ErrorCannotUseItemIdForFolderId")
    return found


def read_item(text: str) -> Reference:
    """Raises EwsError for what is no id of an item."""
    found = _read(text)
    if found.kind != _ITEM:
        raise EwsError("ErrorCannotUseFolderIdForItemId")
    return found


def read_change(text: str) -> int:
    """Raises EwsError for what is no change key."""
    try:
        packed = base64.b64decode(text.removeprefix(_CHANGE_PREFIX), validate=True)
        _, change = _CHANGE.unpack(packed)
    except (binascii.Error, ValueError, struct.error) as error:
        raise EwsError("ErrorInvalidChangeKey") from error
    found: int = change
    return found


def _write(kind: int, mailbox: str, key: int, day: date | None) -> str:
    packed = _FORM.pack(kind, mailbox_mark(mailbox), 0 if day is None else day.toordinal(), key)
    return _PREFIX + (_OCCURRENCE if day else "") + base64.b64encode(packed).decode() + _SUFFIX


def _read(text: str) -> Reference:
    if not text:
        raise EwsError("ErrorInvalidIdEmpty")
    payload = text.removeprefix(_PREFIX).removesuffix(_SUFFIX).removeprefix(_OCCURRENCE)
    if not text.startswith(_PREFIX) or not text.endswith(_SUFFIX) or len(payload) != _LENGTH:
        raise EwsError("ErrorInvalidIdMalformed")
    try:
        packed = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EwsError("ErrorInvalidIdMalformed") from error
    kind, mark, ordinal, key = _FORM.unpack(packed)
    if kind not in (_FOLDER, _ITEM) or ordinal > date.max.toordinal():
        raise EwsError("ErrorInvalidIdMalformed")
    return Reference(kind, mark, key, date.fromordinal(ordinal) if ordinal else None)
