"""Contacts as values. Lists keep the service's order; what a service cannot hold stays on the side that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Labelled:
    """A mail address, phone number or postal address with the label it carries (work, home, mobile, other)."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """``birthday`` may lack its year: then the year is 4 (a leap year, so 29 February can be held)."""

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
    addresses: tuple[Labelled, ...] = ()
    websites: tuple[str, ...] = ()
    birthday: date | None = None
    notes: str = ""
