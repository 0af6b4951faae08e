"""The names of a contact that follow from others.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/fileasmapping
"""

from __future__ import annotations

from typing import Any

from marketplace_plugin.sandbox.ews.items import Item


def name(item: Item) -> None:
    """Fill DisplayName once, and FileAs by its mapping after each write."""
    fields = item.fields
    whole = " ".join(
        part for part in (_of(fields, "GivenName"), _of(fields, "MiddleName"), _of(fields, "Surname")) if part
    )
    if "DisplayName" not in fields and (whole or _of(fields, "CompanyName")):
        fields["DisplayName"] = whole or fields["CompanyName"]
    mapping = fields.get("FileAsMapping", "None")
    if mapping != "None":
        fields["FileAs"] = _mapped(mapping, fields)
    elif "FileAs" not in fields:
        fields["FileAs"] = _mapped("LastCommaFirst", fields) or _of(fields, "DisplayName")


def _of(fields: dict[str, Any], element: str) -> str:
    return str(fields.get(element, ""))


def _mapped(mapping: str, fields: dict[str, Any]) -> str:
    first, last, company = (_of(fields, name) for name in ("GivenName", "Surname", "CompanyName"))
    suffix, middle = _of(fields, "Generation"), _of(fields, "MiddleName")
    comma = ", ".join(part for part in (last, first) if part)
    space = " ".join(part for part in (last, first) if part)
    return {
        "LastCommaFirst": comma,
        "FirstSpaceLast": " ".join(part for part in (first, last) if part),
        "Company": company,
        "LastCommaFirstCompany": f"{comma}\r\n{company}".strip(),
        "CompanyLastFirst": f"{company}\r\n{last}{first}".strip(),
        "LastFirst": last + first,
        "LastFirstCompany": f"{last}{first}\r\n{company}".strip(),
        "CompanyLastCommaFirst": f"{company}\r\n{comma}".strip(),
        "LastFirstSuffix": last + first + suffix,
        "LastSpaceFirstCompany": f"{space}\r\n{company}".strip(),
        "CompanyLastSpaceFirst": f"{company}\r\n{space}".strip(),
        "LastSpaceFirst": space,
        "DisplayName": _of(fields, "DisplayName"),
        "FirstName": first,
        "LastFirstMiddleSuffix": last + first + middle + suffix,
        "LastName": last,
    }.get(mapping, "")
