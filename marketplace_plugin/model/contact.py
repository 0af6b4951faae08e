"""Contacts as values. Lists keep the service's order; what a service cannot hold stays on the side that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

YEARLESS = 4
"""The year of a birthday whose year is not known: a leap year, so 29 February can be held."""

LABELS = ("work", "home", "mobile", "fax", "pager", "main", "other")
"""The words that every service is mapped to. A label of the person's own making is kept as the service tells it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A mail address or phone number with its label: one of ``LABELS``, a word of the person's, or empty."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """``street`` may have several lines; ``country`` is a name as it was typed, no code."""

    label: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """``display_name`` is what the contact is called where that is not made of its parts, else empty: see ``own_name``.

    ``birthday`` is a date, never an instant; without its year, the year is ``YEARLESS``. ``notes`` are plain text.
    """

    display_name: str = ""
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    prefix: str = ""
    suffix: str = ""
    company: str = ""
    job_title: str = ""
    department: str = ""
    emails: tuple[Labelled, ...] = ()
    phones: tuple[Labelled, ...] = ()
    addresses: tuple[PostalAddress, ...] = ()
    websites: tuple[str, ...] = ()
    birthday: date | None = None
    notes: str = ""


def full_name(contact: Contact) -> str:
    """The parts of the name in one line, ``Dr. Ada Byron King Jr.``; empty where there are none."""
    parts = (contact.prefix, contact.given_name, contact.middle_name, contact.family_name, contact.suffix)
    return _joined(*parts)


def called(contact: Contact) -> str:
    """What a list shows: the own name, else the parts', else the company, else a mail address or a number; may be
    empty."""
    first = next((entry.value for entry in (*contact.emails, *contact.phones) if entry.value), "")
    return contact.display_name or full_name(contact) or contact.company or first


def own_name(told: str, contact: Contact) -> str:
    """``display_name`` of a contact that a service shows as ``told``: empty where that is made of its parts, in the
    orders that services use. Graph and Exchange make such a name anew with each change of a part; taken for the
    person's own it would never change again."""
    given, middle, family = contact.given_name, contact.middle_name, contact.family_name
    forward, plain = _joined(given, middle, family), _joined(given, family)
    made = {full_name(contact), forward, plain, _joined(contact.prefix, plain), _joined(plain, contact.suffix)}
    made |= {_filed(family, first) for first in (_joined(given, middle), given)}
    made |= {f"{_filed(family, first)} {contact.suffix}".strip() for first in (_joined(given, middle), given)}
    if not plain:
        made |= {contact.company, *(entry.value for entry in contact.emails)}
    text = " ".join(told.split())
    return "" if text in made else text


def _joined(*parts: str) -> str:
    return " ".join(" ".join(part.split()) for part in parts if part.strip())


def _filed(family: str, first: str) -> str:
    return ", ".join(part for part in (_joined(family), first) if part)
