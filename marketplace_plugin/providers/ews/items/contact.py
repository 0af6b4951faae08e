"""A contact of Exchange and a Contact, and the way between them. Pure.

Source: the elements of Contact in the reference of EWS. There is room for three mail addresses without labels, two
numbers each at work and at home, one of each other label, one address of each label, one web page. What a mail address
is labelled here is kept in an extended property of ours. A title before the name can be read and not be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType

import orjson

from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled, PostalAddress, full_name, own_name
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS
from marketplace_plugin.providers.ews.items.moment import day_of, noon
from marketplace_plugin.providers.ews.shape.decode import PROPERTY_SET
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.xml import Element, make

LABELS = "MarketplaceLabels"
"""The labels of mail addresses, as a JSON object by address."""
FIELDS = CONTACT_FIELDS - {"prefix"}
MAILS = ("EmailAddress1", "EmailAddress2", "EmailAddress3")
NO_YEAR = 1604
"""What Outlook writes for a birthday without its year: a leap year."""

_TEXTS = {
    "given_name": "GivenName",
    "middle_name": "MiddleName",
    "company": "CompanyName",
    "department": "Department",
    "suffix": "Generation",
    "job_title": "JobTitle",
    "family_name": "Surname",
}
_PLACES = {"home": "Home", "work": "Business", "other": "Other"}
_PARTS = {
    "street": "Street",
    "city": "City",
    "region": "State",
    "country": "CountryOrRegion",
    "postal_code": "PostalCode",
}
_PHONES = {
    "work": ("BusinessPhone", "BusinessPhone2"),
    "home": ("HomePhone", "HomePhone2"),
    "mobile": ("MobilePhone",),
    "fax": ("BusinessFax", "HomeFax", "OtherFax"),
    "pager": ("Pager",),
    "main": ("PrimaryPhone", "CompanyMainPhone"),
    "other": ("OtherTelephone",),
}
PATHS = (
    "item:Body",
    "contacts:DisplayName",
    "contacts:GivenName",
    "contacts:MiddleName",
    "contacts:CompanyName",
    "contacts:EmailAddresses",
    "contacts:PhysicalAddresses",
    "contacts:PhoneNumbers",
    "contacts:Birthday",
    "contacts:BusinessHomePage",
    "contacts:Department",
    "contacts:Generation",
    "contacts:JobTitle",
    "contacts:Surname",
)
ORDER = (
    "Body",
    "ExtendedProperty",
    "DisplayName",
    "GivenName",
    "MiddleName",
    "CompanyName",
    "EmailAddresses",
    "PhysicalAddresses",
    "PhoneNumbers",
    "Birthday",
    "BusinessHomePage",
    "Department",
    "Generation",
    "JobTitle",
    "Surname",
)
"""Of the elements that we write, as the schema has them."""
_NAME = frozenset({"given_name", "middle_name", "family_name", "suffix", "display_name", "company", "emails"})


# --- reading -----------------------------------------------------------------------------------------------------


def read(item: Element) -> Contact:
    """Raises ValueError for what is no contact."""
    texts = {ours: xml.text(item, f"t:{theirs}") for ours, theirs in _TEXTS.items()}
    page = xml.text(item, "t:BusinessHomePage")
    bare = Contact(
        **texts,
        emails=tuple(_mails(item)),
        phones=tuple(_numbers(item)),
        addresses=tuple(_addresses(item)),
        websites=(page,) if page else (),
        birthday=_birthday(xml.text(item, "t:Birthday")),
        notes=xml.text(item, "t:Body"),
    )
    name = own_name(xml.text(item, "t:DisplayName"), bare)
    return Contact(**{field: getattr(bare, field) for field in CONTACT_FIELDS - {"display_name"}}, display_name=name)


def _entries(item: Element, name: str) -> dict[str, Element]:
    return {str(entry.get("Key")): entry for entry in xml.children(item, f"t:{name}")}


def _told(item: Element, name: str) -> dict[str, str]:
    found = {key: str(entry.text or "").strip() for key, entry in _entries(item, name).items()}
    return {key: value for key, value in found.items() if value}


def _mails(item: Element) -> Iterator[Labelled]:
    labels, told = _labels(item), _told(item, "EmailAddresses")
    yield from (Labelled(labels.get(told[key].lower(), ""), told[key]) for key in MAILS if key in told)


def _numbers(item: Element) -> Iterator[Labelled]:
    told = _told(item, "PhoneNumbers")
    for label, keys in _PHONES.items():
        yield from (Labelled(label, told[key]) for key in keys if key in told)


def _addresses(item: Element) -> Iterator[PostalAddress]:
    entries = _entries(item, "PhysicalAddresses")
    for label, key in _PLACES.items():
        entry = entries.get(key)
        if entry is None:
            continue
        told = {ours: xml.text(entry, f"t:{theirs}").replace("\r\n", "\n") for ours, theirs in _PARTS.items()}
        if any(told.values()):
            yield PostalAddress(label=label, **told)


def _labels(item: Element) -> dict[str, str]:
    text = extended(item, LABELS)
    try:
        labels = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return {str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}


def extended(item: Element, name: str) -> str:
    """One of our extended properties; empty where there is none."""
    for prop in xml.find_all(item, "t:ExtendedProperty"):
        uri = xml.find(prop, "t:ExtendedFieldURI")
        if uri is not None and uri.get("PropertyName") == name:
            return xml.text(prop, "t:Value")
    return ""


def _birthday(text: str) -> date | None:
    day = day_of(text)
    return day.replace(year=YEARLESS) if day is not None and day.year == NO_YEAR else day


# --- writing -----------------------------------------------------------------------------------------------------


def held(item: Contact, there: Element | None = None) -> Contact:
    """What Exchange has room for of ``item``; ``there`` is the contact that it is written over."""
    told = {} if there is None else _told(there, "PhoneNumbers")
    return read(make("t:Contact", *creation(item, told)))


def creation(item: Contact, told: Mapping[str, str] = MappingProxyType({})) -> list[Element]:
    """The elements of a new contact; ``told`` are the numbers that stand there by their keys."""
    parts = [make(f"t:{theirs}", getattr(item, ours)) for ours, theirs in _TEXTS.items() if getattr(item, ours)]
    if item.notes:
        parts.append(make("t:Body", item.notes, BodyType="Text"))
    if item.emails:
        parts += [_dictionary("EmailAddresses", _addressed(item)), labelled(item)]
    if numbers := slots(item.phones, told):
        parts.append(_dictionary("PhoneNumbers", numbers))
    if places := {_PLACES[label]: _place(one) for label, one in _by_label(item).items()}:
        parts.append(make("t:PhysicalAddresses", *(make("t:Entry", *part, Key=key) for key, part in places.items())))
    if item.birthday is not None:
        parts.append(make("t:Birthday", _noon(item.birthday)))
    if item.websites:
        parts.append(make("t:BusinessHomePage", item.websites[0]))
    if name := shown_name(item):
        parts.append(make("t:DisplayName", name))
    return parts


def updates(there: Element, item: Contact, changed: frozenset[str]) -> list[Element]:
    """SetItemField and DeleteItemField for the fields ``changed``; ``there`` is the contact as it stands."""
    made: list[Element] = []
    for ours, theirs in _TEXTS.items():
        if ours in changed:
            made.append(put(f"contacts:{theirs}", make(f"t:{theirs}", getattr(item, ours)), getattr(item, ours)))
    if "notes" in changed:
        made.append(put("item:Body", make("t:Body", item.notes, BodyType="Text"), item.notes))
    if "websites" in changed:
        page = next(iter(item.websites), "")
        made.append(put("contacts:BusinessHomePage", make("t:BusinessHomePage", page), page))
    if "birthday" in changed:
        day = _noon(item.birthday) if item.birthday else ""
        made.append(put("contacts:Birthday", make("t:Birthday", day), day))
    if "emails" in changed:
        made += _indexed("contacts:EmailAddress", "EmailAddresses", _told(there, "EmailAddresses"), _addressed(item))
        made.append(setting(extended_path(LABELS), labelled(item)))
    if "phones" in changed:
        told = _told(there, "PhoneNumbers")
        made += _indexed("contacts:PhoneNumber", "PhoneNumbers", told, slots(item.phones, told))
    if "addresses" in changed:
        made += _moved(there, item)
    if changed & _NAME:
        name = shown_name(item)
        made.append(put("contacts:DisplayName", make("t:DisplayName", name), name))
    return made


def slots(phones: Sequence[Labelled], told: Mapping[str, str]) -> dict[str, str]:
    """Numbers by their keys. A number stays where it is; what there is no room for is left out."""
    taken: dict[str, str] = {}
    for label, keys in _PHONES.items():
        wanted = [entry.value for entry in phones if (entry.label if entry.label in _PHONES else "other") == label]
        for key in keys:
            if told.get(key) in wanted:
                wanted.remove(told[key])
                taken[key] = told[key]
        taken |= dict(zip((key for key in keys if key not in taken), wanted, strict=False))
    return taken


def shown_name(item: Contact) -> str:
    """Sent with each change of a part: Exchange makes it once, and never anew. Without the title, which is not held."""
    first = next((entry.value for entry in item.emails), "")
    return item.display_name or full_name(replace(item, prefix="")) or item.company or first


def labelled(item: Contact) -> Element:
    labels = {entry.value.lower(): entry.label for entry in item.emails[: len(MAILS)] if entry.label}
    return make("t:ExtendedProperty", extended_path(LABELS), make("t:Value", orjson.dumps(labels).decode()))


def extended_path(name: str) -> Element:
    return make("t:ExtendedFieldURI", PropertySetId=PROPERTY_SET, PropertyName=name, PropertyType="String")


def setting(path: Element, part: Element) -> Element:
    return make("t:SetItemField", path, make("t:Contact", part))


def put(path: str, part: Element, value: str) -> Element:
    """Set a field, or take it away where there is no ``value``."""
    field = make("t:FieldURI", FieldURI=path)
    return setting(field, part) if value else make("t:DeleteItemField", field)


def _addressed(item: Contact) -> dict[str, str]:
    return dict(zip(MAILS, (entry.value for entry in item.emails), strict=False))


def _dictionary(name: str, entries: dict[str, str]) -> Element:
    return make(f"t:{name}", *(make("t:Entry", value, Key=key) for key, value in entries.items()))


def _indexed(path: str, name: str, told: dict[str, str], wanted: dict[str, str]) -> list[Element]:
    made: list[Element] = []
    for key in dict.fromkeys((*told, *wanted)):
        if told.get(key) == wanted.get(key) or (key not in wanted and key not in _KNOWN[name]):
            continue
        field = make("t:IndexedFieldURI", FieldURI=path, FieldIndex=key)
        if key in wanted:
            made.append(setting(field, _dictionary(name, {key: wanted[key]})))
        else:
            made.append(make("t:DeleteItemField", field))
    return made


_KNOWN = {
    "EmailAddresses": frozenset(MAILS),
    "PhoneNumbers": frozenset(key for keys in _PHONES.values() for key in keys),
}
"""Keys that we read; others (a car phone, a telex) are left as they are."""


def _by_label(item: Contact) -> dict[str, PostalAddress]:
    """The first address of each label that there is room for."""
    found: dict[str, PostalAddress] = {}
    for one in item.addresses:
        label = one.label if one.label in _PLACES else "other"
        found.setdefault(label, one)
    return found


def _place(one: PostalAddress) -> list[Element]:
    return [make(f"t:{theirs}", getattr(one, ours)) for ours, theirs in _PARTS.items() if getattr(one, ours)]


def _moved(there: Element, item: Contact) -> list[Element]:
    made: list[Element] = []
    entries, wanted = _entries(there, "PhysicalAddresses"), _by_label(item)
    for label, key in _PLACES.items():
        entry = entries.get(key)
        for ours, theirs in _PARTS.items():
            before = "" if entry is None else xml.text(entry, f"t:{theirs}").replace("\r\n", "\n")
            after = getattr(wanted[label], ours) if label in wanted else ""
            if before == after:
                continue
            field = make("t:IndexedFieldURI", FieldURI=f"contacts:PhysicalAddress:{theirs}", FieldIndex=key)
            part = make("t:PhysicalAddresses", make("t:Entry", make(f"t:{theirs}", after), Key=key))
            made.append(setting(field, part) if after else make("t:DeleteItemField", field))
    return made


def _noon(day: date) -> str:
    return noon(day.replace(year=NO_YEAR) if day.year == YEARLESS else day)
