"""A contact's properties: what may be written, and what Outlook makes of it.

Source: https://learn.microsoft.com/graph/api/resources/contact: the display name is made anew
with each change of a part unless it is sent with it; a birthday is an instant, and its time of day is not kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.items.folders import Item, Json
from marketplace_plugin.sandbox.graph.outlook import fields as outlook

TYPE = "microsoft.graph.contact"
TEXTS = (
    "assistantName",
    "businessHomePage",
    "companyName",
    "department",
    "displayName",
    "fileAs",
    "generation",
    "givenName",
    "initials",
    "jobTitle",
    "manager",
    "middleName",
    "mobilePhone",
    "nickName",
    "officeLocation",
    "personalNotes",
    "profession",
    "spouseName",
    "surname",
    "title",
    "yomiCompanyName",
    "yomiGivenName",
    "yomiSurname",
)
LISTS = {"businessPhones": 2, "homePhones": 2, "imAddresses": 3, "children": 100, "categories": 100}
"""Lists of texts, and how many Outlook has room for."""
ADDRESSES = ("businessAddress", "homeAddress", "otherAddress")
_PARTS = ("city", "countryOrRegion", "postalCode", "state", "street")
_SLOTS = ("primaryEmailAddress", "secondaryEmailAddress", "tertiaryEmailAddress")
MAILS = 3
_READ_ONLY = ("id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId")
_MARKS = "singleValueExtendedProperties"
_NAME = ("title", "givenName", "middleName", "surname", "generation")
SHOWN = frozenset([*_READ_ONLY, *TEXTS, *LISTS, *ADDRESSES, *_SLOTS, "birthday", "emailAddresses", _MARKS])
EMPTY: Json = {
    **dict.fromkeys(TEXTS),
    **{name: list[Any]() for name in LISTS},
    **{name: dict[str, Any]() for name in ADDRESSES},
    "birthday": None,
    "emailAddresses": list[Any](),
}


def apply(item: Item | None, given: Any) -> tuple[Json, dict[str, str]]:
    """The properties and extended properties after a POST (``item`` None) or a PATCH.

    Raises:
        GraphError: 400.
    """
    if not isinstance(given, dict):
        raise errors.unreadable_body("A JSON object is expected.")
    found = {**EMPTY, **(item.fields if item else {})}
    marks = dict(item.extended) if item else {}
    for name, value in given.items():
        if name.startswith("@odata.") or name in _READ_ONLY:
            continue  # read over, as the gateway does
        if name == _MARKS:
            marks = _marked(marks, outlook.extended(value))
        elif name not in SHOWN:
            raise errors.unknown_property(name, TYPE)
        elif name in _SLOTS:
            raise errors.invalid_property("Mail addresses are written by emailAddresses.")
        else:
            found[name] = _value(name, value)
    if set(given) & set(_NAME) and "displayName" not in given:
        found["displayName"] = " ".join(found[part] for part in ("givenName", "middleName", "surname") if found[part])
    if not found["displayName"]:
        made = " ".join(found[part] for part in ("givenName", "middleName", "surname") if found[part])
        found["displayName"] = made or found["companyName"] or next((m["address"] for m in found["emailAddresses"]), "")
    found["fileAs"] = found["fileAs"] or found["displayName"]
    return found, marks


def _marked(before: dict[str, str], given: dict[str, str | None]) -> dict[str, str]:
    """``before`` with what is given; null takes one away."""
    merged: dict[str, str | None] = {**before, **given}
    return {key: value for key, value in merged.items() if value is not None}


def _value(name: str, value: Any) -> Any:
    if name in TEXTS:
        return _text(name, value)
    if name in LISTS:
        if not isinstance(value, list) or len(value) > LISTS[name]:
            raise errors.invalid_property(name)
        return [_text(name, entry) for entry in value]
    if name in ADDRESSES:
        if not isinstance(value, dict) or set(value) - set(_PARTS):
            raise errors.invalid_property(name)
        return {part: _text(name, text) for part, text in value.items() if text}
    if name == "emailAddresses":
        return _mails(value)
    return _birthday(value)


def _text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise errors.unreadable_body(f"Cannot convert the literal of '{name}' to the expected type 'Edm.String'.")
    return value or None


def _mails(value: Any) -> list[Json]:
    if not isinstance(value, list) or len(value) > MAILS:
        raise errors.invalid_property("emailAddresses")
    for entry in value:
        if not isinstance(entry, dict) or set(entry) - {"name", "address"}:
            raise errors.invalid_property("emailAddresses")
    return [{"name": e.get("name") or e.get("address"), "address": e.get("address")} for e in value if e.get("address")]


def _birthday(value: Any) -> str | None:
    """Kept as a day: midnight in UTC of its date in UTC."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise errors.unreadable_body("Cannot convert a value to the expected type 'Edm.DateTimeOffset'.") from error
    if at.tzinfo is None:
        raise errors.unreadable_body("Cannot convert a value to the expected type 'Edm.DateTimeOffset'.")
    return f"{at.astimezone(UTC):%Y-%m-%d}T11:59:00Z"


def shown(item: Item) -> Json:
    """The properties as they are sent; the three mail addresses stand once more by themselves."""
    mails = item.fields["emailAddresses"]
    return {**item.fields, **{slot: mails[at] if at < len(mails) else None for at, slot in enumerate(_SLOTS)}}
