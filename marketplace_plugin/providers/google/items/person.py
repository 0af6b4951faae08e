"""A person of the People API and a Contact, and the way between them. Pure.

Only fields of the source CONTACT are read and written: what a person's own profile adds is shown by Google, not ours.
A write replaces a whole list, so what our lists cannot say of an entry is taken from the entry that stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from marketplace_plugin.model.change import Access, Found, Revision, Stamp
from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled, PostalAddress
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS
from marketplace_plugin.providers.google.shape.text import plain
from marketplace_plugin.providers.google.transport import Json

STAMP = "marketplace"
"""The key of our mark in ``clientData``, which no page shows."""
FIELDS = CONTACT_FIELDS - {"display_name"}
"""What a person holds. The name that is shown is made by Google, of the parts."""

_NAMES = {
    "prefix": "honorificPrefix",
    "given_name": "givenName",
    "middle_name": "middleName",
    "family_name": "familyName",
    "suffix": "honorificSuffix",
}
_WORK = {"company": "name", "job_title": "title", "department": "department"}
_ADDRESS = {"postal_code": "postalCode", "city": "city", "region": "region", "country": "country"}
MASK = {
    **dict.fromkeys(_NAMES, "names"),
    **dict.fromkeys(_WORK, "organizations"),
    "emails": "emailAddresses",
    "phones": "phoneNumbers",
    "addresses": "addresses",
    "websites": "urls",
    "birthday": "birthdays",
    "notes": "biographies",
}
"""Our field -> the one that is replaced for it."""
PERSON_FIELDS = ",".join(sorted({*MASK.values(), "clientData", "metadata"}))
_LABELS = {
    "homeFax": "fax",
    "workFax": "fax",
    "otherFax": "fax",
    "workMobile": "mobile",
    "workPager": "pager",
}
_COMPUTED = ("metadata", "formattedType", "formattedValue", "canonicalForm", "displayName", "displayNameLastFirst")

Raw = Json
Entry = TypeVar("Entry")


class Undecodable(Exception):
    """The person cannot be understood."""


# --- reading -----------------------------------------------------------------------------------------------------


def found(raw: Raw) -> Found:
    """Raises Undecodable."""
    try:
        source = own_source(raw)
        return Found(
            id=str(raw["resourceName"]),
            revision=Revision(str(source["etag"] if source else raw["etag"])),
            item=contact(raw),
            stamp=stamp_of(raw),
            access=Access.FULL if source else Access.NONE,
            changed=_instant(source.get("updateTime") if source else None),
            href=f"https://contacts.google.com/person/{str(raw['resourceName']).partition('/')[2]}",
        )
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Undecodable from error


def own_source(raw: Raw) -> Raw | None:
    """The contact among the sources; what an update has to bring."""
    sources = (raw.get("metadata") or {}).get("sources") or ()
    return next((source for source in sources if source.get("type") == "CONTACT"), None)


def contact(raw: Raw) -> Contact:
    """Raises LookupError, TypeError or ValueError for what is no person."""
    names = next(iter(_own(raw, "names")), {})
    work = _work(raw)
    return Contact(
        **{ours: str(names.get(theirs) or "") for ours, theirs in _NAMES.items()},
        **{ours: str(work.get(theirs) or "") for ours, theirs in _WORK.items()},
        emails=tuple(_labelled(entry) for entry in _own(raw, "emailAddresses")),
        phones=tuple(_labelled(entry) for entry in _own(raw, "phoneNumbers")),
        addresses=tuple(_address(entry) for entry in _own(raw, "addresses")),
        websites=tuple(str(entry.get("value") or "") for entry in _own(raw, "urls")),
        birthday=_birthday(raw),
        notes=_notes(raw),
    )


def stamp_of(raw: Raw) -> Stamp | None:
    for entry in raw.get("clientData") or ():
        if entry.get("key") == STAMP:
            return Stamp.parse(str(entry.get("value") or ""))
    return None


def _own(raw: Raw, name: str) -> list[Raw]:
    """The entries that belong to the contact. Raises TypeError for what is no list of objects."""
    entries = raw.get(name) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise TypeError(name)
    return [entry for entry in entries if _source_type(entry) in ("", "CONTACT")]


def _source_type(entry: Raw) -> str:
    return str(((entry.get("metadata") or {}).get("source") or {}).get("type", ""))


def _work(raw: Raw) -> Raw:
    """The employer among the organisations: the first that is called work, else the first."""
    entries = _own(raw, "organizations")
    return next((entry for entry in entries if entry.get("type") == "work"), next(iter(entries), {}))


def _label(kind: str) -> str:
    return _LABELS.get(kind, kind)


def _labelled(entry: Raw) -> Labelled:
    return Labelled(_label(str(entry.get("type") or "")), str(entry.get("value") or ""))


def _address(entry: Raw) -> PostalAddress:
    street = [str(entry[part]) for part in ("poBox", "streetAddress", "extendedAddress") if entry.get(part)]
    told = {ours: str(entry.get(theirs) or "") for ours, theirs in _ADDRESS.items()}
    if not street and not any(told.values()):
        street = [str(entry.get("formattedValue") or "")]
    return PostalAddress(label=_label(str(entry.get("type") or "")), street="\n".join(street), **told)


def _birthday(raw: Raw) -> date | None:
    """None for a day that is told as text alone, or without its month or day."""
    told: Raw = next((entry["date"] for entry in _own(raw, "birthdays") if entry.get("date")), {})
    if not told.get("month") or not told.get("day"):
        return None
    return date(int(told.get("year") or YEARLESS), int(told["month"]), int(told["day"]))


def _notes(raw: Raw) -> str:
    entry = next(iter(_own(raw, "biographies")), {})
    text = str(entry.get("value") or "")
    return plain(text) if entry.get("contentType") == "TEXT_HTML" else text


def _instant(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    at = datetime.fromisoformat(text.upper())
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# --- writing -----------------------------------------------------------------------------------------------------


def creation(item: Contact, stamp: Stamp) -> Raw:
    """The body of createContact. A name of its own is given where there are no parts of one."""
    body = {name: entries for name in sorted(set(MASK.values())) if (entries := _entries(name, item, {}))}
    if "names" not in body and item.display_name:
        body["names"] = [{"unstructuredName": item.display_name}]
    return body | {"clientData": [{"key": STAMP, "value": str(stamp)}]}


def update(raw: Raw, item: Contact, changed: frozenset[str], stamp: Stamp | None) -> Raw:
    """The fields to replace (``updatePersonFields`` names them all), made of ``item`` over ``raw``; may be empty."""
    body = {name: _entries(name, item, raw) for name in sorted({MASK[field] for field in changed & MASK.keys()})}
    if stamp is not None:
        others = [_bare(entry) for entry in raw.get("clientData") or () if entry.get("key") != STAMP]
        body["clientData"] = [*others, {"key": STAMP, "value": str(stamp)}]
    return body


def _entries(name: str, item: Contact, raw: Raw) -> list[Raw]:
    there = _own(raw, name)
    match name:
        case "names":
            return _parts(_NAMES, item, next(iter(there), {}), drop=("unstructuredName",))
        case "organizations":
            mine = _work(raw)
            others = [_bare(entry) for entry in there if entry is not mine]
            return [*_parts(_WORK, item, mine, new={"type": "work"}), *others]
        case "emailAddresses":
            return _list(item.emails, there, _labelled, _from_labelled)
        case "phoneNumbers":
            return _list(item.phones, there, _labelled, _from_labelled)
        case "addresses":
            return _list(item.addresses, there, _address, _from_address)
        case "urls":
            return _list(item.websites, there, lambda entry: str(entry.get("value") or ""), lambda url: {"value": url})
        case "birthdays":
            return [] if item.birthday is None else [{"date": _day(item.birthday)}]
        case _:
            return [{"value": item.notes, "contentType": "TEXT_PLAIN"}] if item.notes else []


def _parts(
    table: dict[str, str], item: Contact, there: Raw, *, drop: Sequence[str] = (), new: Raw | None = None
) -> list[Raw]:
    """One entry with its parts as ours, and the rest of it as it stands there; none where nothing is left."""
    kept = {k: v for k, v in _bare(there).items() if k not in drop and k not in table.values()}
    parts = {theirs: getattr(item, ours) for ours, theirs in table.items() if getattr(item, ours)}
    entry = {**(kept if there else new or {}), **parts}
    return [entry] if parts or set(entry) - {"type"} else []


def _list(
    wanted: Sequence[Entry], there: Sequence[Raw], decode: Callable[[Raw], Entry], encode: Callable[[Entry], Raw]
) -> list[Raw]:
    """Each entry as it stands there where it says the same, else made anew; in the order of ``wanted``."""
    left = list(there)
    entries: list[Raw] = []
    for one in wanted:
        same = next((entry for entry in left if decode(entry) == one), None)
        if same is not None:
            left.remove(same)
        entries.append(_bare(same) if same is not None else encode(one))
    return entries


def _from_labelled(entry: Labelled) -> Raw:
    return {"value": entry.value, **({"type": entry.label} if entry.label else {})}


def _from_address(address: PostalAddress) -> Raw:
    told = {theirs: getattr(address, ours) for ours, theirs in _ADDRESS.items() if getattr(address, ours)}
    street = {"streetAddress": address.street} if address.street else {}
    return {**street, **told, **({"type": address.label} if address.label else {})}


def _day(day: date) -> Raw:
    told = {"month": day.month, "day": day.day}
    return told if day.year == YEARLESS else {"year": day.year, **told}


def _bare(entry: Raw) -> Raw:
    """Without what Google makes of it. An address that is one text alone keeps it."""
    structured = any(entry.get(part) for part in ("streetAddress", "city", "postalCode", "country", "poBox"))
    skip = _COMPUTED if structured or "value" in entry else tuple(k for k in _COMPUTED if k != "formattedValue")
    return {key: value for key, value in entry.items() if key not in skip}
