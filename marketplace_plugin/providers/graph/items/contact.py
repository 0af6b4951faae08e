"""A contact of Outlook and a Contact, and the way between them. Pure.

Source: the resource contact. Outlook has room for three mail addresses without labels, two numbers each at work and at
home and a mobile one, one address of each label, one web page. What a mail address is labelled here is kept in an
extended property of ours. A birthday is an instant there; noon in UTC is the same date in every zone of people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from marketplace_plugin.model.change import Access, Found, Revision, Stamp
from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled, PostalAddress, full_name, own_name
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS
from marketplace_plugin.providers.graph.shape.decode import STAMP, entries, tag_of
from marketplace_plugin.providers.graph.transport import Json

LABELS = "String {6c0b5e0d-4a2f-4f0c-9d5e-8f9f1d6a2b73} Name MarketplaceLabels"
"""The labels of mail addresses, as a JSON object by address."""
MARKS = "singleValueExtendedProperties"
QUERY = {"$expand": f"{MARKS}($filter=id eq '{STAMP}' or id eq '{LABELS}')"}
FIELDS = CONTACT_FIELDS
MAILS = 3
_NEAREST = timedelta(hours=12) - timedelta(seconds=1)
"""To the day that is nearest to an instant; noon itself stays on its day."""
NO_YEAR = 1604
"""What Outlook writes for a birthday without its year: a leap year."""

_TEXTS = {
    "prefix": "title",
    "given_name": "givenName",
    "middle_name": "middleName",
    "family_name": "surname",
    "suffix": "generation",
    "company": "companyName",
    "job_title": "jobTitle",
    "department": "department",
    "notes": "personalNotes",
}
_PARTS = {
    "street": "street",
    "postal_code": "postalCode",
    "city": "city",
    "region": "state",
    "country": "countryOrRegion",
}
_PLACES = {"work": "businessAddress", "home": "homeAddress", "other": "otherAddress"}
_PHONES = {"work": ("businessPhones", 2), "home": ("homePhones", 2)}
NAME = frozenset({"prefix", "given_name", "middle_name", "family_name", "suffix", "display_name", "company", "emails"})
"""Fields whose change makes Outlook name the contact anew unless the name is sent with it."""

Raw = Json


class Undecodable(Exception):
    """The contact cannot be understood."""


# --- reading -----------------------------------------------------------------------------------------------------


def found(raw: Raw) -> Found:
    """Raises Undecodable."""
    try:
        return Found(
            id=str(raw["id"]),
            revision=Revision(tag_of(raw, raw.keys())),
            item=contact(raw),
            stamp=Stamp.parse(mark(raw, STAMP)),
            access=Access.FULL,
            changed=_instant(raw.get("lastModifiedDateTime")),
        )
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Undecodable from error


def contact(raw: Raw) -> Contact:
    """Raises LookupError, TypeError or ValueError for what is no contact."""
    texts = {ours: str(raw.get(theirs) or "") for ours, theirs in _TEXTS.items()}
    read = Contact(
        **texts,
        emails=tuple(_mails(raw)),
        phones=tuple(_numbers(raw)),
        addresses=tuple(_places(raw)),
        websites=(str(raw["businessHomePage"]),) if raw.get("businessHomePage") else (),
        birthday=_birthday(raw.get("birthday")),
    )
    return _named(read, own_name(str(raw.get("displayName") or ""), read))


def _named(read: Contact, name: str) -> Contact:
    return Contact(**{field: getattr(read, field) for field in CONTACT_FIELDS - {"display_name"}}, display_name=name)


def mark(raw: Mapping[str, Any], name: str) -> str:
    """One of our extended properties; empty where there is none, or it was not asked for."""
    for entry in entries(raw, MARKS):
        if str(entry.get("id", "")).casefold() == name.casefold():
            return str(entry.get("value") or "")
    return ""


def _labels(raw: Raw) -> dict[str, str]:
    text = mark(raw, LABELS)
    try:
        labels = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return labels if isinstance(labels, dict) else {}


def _mails(raw: Raw) -> Iterator[Labelled]:
    labels = _labels(raw)
    for entry in entries(raw, "emailAddresses"):
        address = str(entry.get("address") or "")
        if address:
            yield Labelled(str(labels.get(address.lower(), "")), address)


def _numbers(raw: Raw) -> Iterator[Labelled]:
    for label, (name, _) in _PHONES.items():
        yield from (Labelled(label, str(number)) for number in raw.get(name) or () if number)
    if raw.get("mobilePhone"):
        yield Labelled("mobile", str(raw["mobilePhone"]))


def _places(raw: Raw) -> Iterator[PostalAddress]:
    for label, name in _PLACES.items():
        told = {ours: str((raw.get(name) or {}).get(theirs) or "") for ours, theirs in _PARTS.items()}
        if any(told.values()):
            yield PostalAddress(label=label, **told)


def _birthday(text: Any) -> date | None:
    """Outlook writes 11:59 in UTC; others midnight where they are, some of them noon."""
    if not text:
        return None
    at = datetime.fromisoformat(text.upper())
    day = ((at.astimezone(UTC) if at.tzinfo else at) + _NEAREST).date()
    return day.replace(year=YEARLESS) if day.year == NO_YEAR else day


def _instant(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    at = datetime.fromisoformat(text.upper())
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# --- writing -----------------------------------------------------------------------------------------------------


def fields(item: Contact, changed: frozenset[str]) -> Raw:
    """The properties to write for the fields ``changed``; null, or an empty list, takes away."""
    body: Raw = {_TEXTS[name]: getattr(item, name) or None for name in _TEXTS if name in changed}
    if "emails" in changed:
        mails = item.emails[:MAILS]
        body["emailAddresses"] = [{"address": entry.value, "name": entry.value} for entry in mails]
        labels = {entry.value.lower(): entry.label for entry in mails if entry.label}
        body[MARKS] = [{"id": LABELS, "value": orjson.dumps(labels).decode()}]
    if "phones" in changed:
        for label, (name, room) in _PHONES.items():
            body[name] = [entry.value for entry in item.phones if entry.label == label][:room]
        body["mobilePhone"] = next((entry.value for entry in item.phones if entry.label == "mobile"), None)
    if "addresses" in changed:
        body |= {name: _place(item, label) for label, name in _PLACES.items()}
    if "websites" in changed:
        body["businessHomePage"] = next(iter(item.websites), None)
    if "birthday" in changed:
        body["birthday"] = _noon(item.birthday)
    if changed & NAME:
        body["displayName"] = shown_name(item)
    return body


def stamped(body: Raw, stamp: Stamp | None) -> Raw:
    """``body`` with our mark among its extended properties."""
    if stamp is None:
        return body
    return {**body, MARKS: [*body.get(MARKS, ()), {"id": STAMP, "value": str(stamp)}]}


def shown_name(item: Contact) -> str | None:
    """Sent with each change of a part: Outlook would make another one, and never change an own one back."""
    first = next((entry.value for entry in item.emails), "")
    return item.display_name or full_name(item) or item.company or first or None


def _place(item: Contact, label: str) -> Raw:
    place = next((entry for entry in item.addresses if (entry.label or "other") == label), None)
    if place is None:
        return {}
    return {theirs: getattr(place, ours) for ours, theirs in _PARTS.items() if getattr(place, ours)}


def _noon(day: date | None) -> str | None:
    if day is None:
        return None
    year = NO_YEAR if day.year == YEARLESS else day.year
    return f"{year:04d}-{day:%m-%d}T11:59:00Z"
