"""The form of a contact. Its lists stand there as rows; a row without a value is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _

from marketplace_plugin.host.forms.event import DESCRIPTION, TITLE
from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled, PostalAddress, called

PLAIN = (
    "prefix",
    "given_name",
    "middle_name",
    "family_name",
    "suffix",
    "display_name",
    "company",
    "job_title",
    "department",
)
ADDRESS = ("street", "postal_code", "city", "region", "country")
LISTED = (
    *(f"{name}_{part}" for name in ("email", "phone") for part in ("label", "value")),
    *(f"address_{part}" for part in ("label", *ADDRESS)),
    "website",
)
"""Fields that stand there once a row."""
LINE = 200
SPARE = {"email": 1, "phone": 1, "address": 1, "website": 1}
"""Empty rows below the filled ones."""


def contact_values(contact: Contact) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(contact, name) for name in PLAIN}
    for name, entries in (("email", contact.emails), ("phone", contact.phones)):
        values[f"{name}_label"] = [entry.label for entry in entries]
        values[f"{name}_value"] = [entry.value for entry in entries]
    for part in ("label", *ADDRESS):
        values[f"address_{part}"] = [getattr(address, part) for address in contact.addresses]
    values["website"] = list(contact.websites)
    born = contact.birthday
    values["birthday"] = "" if born is None else born.isoformat() if born.year != YEARLESS else born.strftime("--%m-%d")
    values["notes"] = contact.notes
    return values


def rows(values: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """The lists of the form as rows, with an empty one below."""
    found = {name: _rows(values, name, ("label", "value")) for name in ("email", "phone")} | {
        "address": _rows(values, "address", ("label", *ADDRESS))
    }
    return found | {"website": [{"value": text} for text in (*values.get("website", ()), "")]}


def read_contact(fields: Fields, before: Contact) -> Contact:
    """``before`` as the form wants it; a contact has to be called something."""
    read = replace(
        before,
        **{name: fields.text(name, TITLE) for name in PLAIN},
        emails=_labelled(fields, "email"),
        phones=_labelled(fields, "phone"),
        addresses=_addresses(fields),
        websites=tuple(text for text in (_cut(fields, "website", one) for one in fields.many("website")) if text),
        birthday=_birthday(fields, before),
        notes=fields.text("notes", DESCRIPTION),
    )
    for entry in read.emails:
        if "@" not in entry.value:
            fields.wrong("email", _("Please enter an e-mail address, for example anna@example.org."))
    if not called(read):
        fields.wrong("family_name", _("Please enter a name, a company or an e-mail address."))
    return read


def _labelled(fields: Fields, name: str) -> tuple[Labelled, ...]:
    pairs = zip(fields.many(f"{name}_label"), fields.many(f"{name}_value"), strict=False)
    read = (Labelled(_cut(fields, name, label), _cut(fields, name, value)) for label, value in pairs)
    return tuple(entry for entry in read if entry.value)


def _addresses(fields: Fields) -> tuple[PostalAddress, ...]:
    columns = [fields.many(f"address_{part}") for part in ("label", *ADDRESS)]
    read = []
    for row in zip(*columns, strict=False):
        label, *parts = (_cut(fields, "address", text) for text in row)
        if any(parts):
            read.append(PostalAddress(label=label, **dict(zip(ADDRESS, parts, strict=True))))
    return tuple(read)


def _birthday(fields: Fields, before: Contact) -> date | None:
    """A date, or ``--02-29`` where the year is not known."""
    text = fields.raw("birthday")
    if not text:
        return None
    if text.startswith("--"):
        try:
            return date.fromisoformat(f"{YEARLESS:04}-{text[2:]}")
        except ValueError:
            fields.wrong("birthday", _("Please enter a date, for example 1990-11-18, or --11-18 without a year."))
            return before.birthday
    return fields.day("birthday", before.birthday or date.min)


def _cut(fields: Fields, name: str, text: str) -> str:
    value = text.strip().replace("\r\n", "\n").replace("\0", "")
    if len(value) > LINE:
        fields.wrong(name, _("Please shorten this to %(limit)d characters.", limit=LINE))
    return value


def _rows(values: Mapping[str, Any], name: str, parts: tuple[str, ...]) -> list[dict[str, str]]:
    columns = [list(values.get(f"{name}_{part}", ())) for part in parts]
    filled = [dict(zip(parts, row, strict=True)) for row in zip(*columns, strict=False)]
    return [*(row for row in filled if any(row[part] for part in parts if part != "label")), dict.fromkeys(parts, "")]
