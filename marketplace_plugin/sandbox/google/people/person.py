"""A contact's fields: what may be written, what the service makes of it, how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import shape
from marketplace_plugin.sandbox.google.event.shape import B, Each, I, S

SOURCE: Final = {"etag": S, "id": S, "profileMetadata": "any", "type": S, "updateTime": S}
FIELD: Final = {"primary": B, "source": SOURCE, "sourcePrimary": B, "verified": B}
DATE: Final = {"day": I, "month": I, "year": I}
METADATA: Final = {
    "deleted": B,
    "linkedPeopleResourceNames": Each(S),
    "objectType": S,
    "previousResourceNames": Each(S),
    "sources": Each(SOURCE),
}
ADDRESS: Final = {
    "city": S,
    "country": S,
    "countryCode": S,
    "extendedAddress": S,
    "formattedType": S,
    "formattedValue": S,
    "metadata": FIELD,
    "poBox": S,
    "postalCode": S,
    "region": S,
    "streetAddress": S,
    "type": S,
}
NAME: Final = {
    "displayName": S,
    "displayNameLastFirst": S,
    "familyName": S,
    "givenName": S,
    "honorificPrefix": S,
    "honorificSuffix": S,
    "metadata": FIELD,
    "middleName": S,
    "phoneticFamilyName": S,
    "phoneticFullName": S,
    "phoneticGivenName": S,
    "phoneticHonorificPrefix": S,
    "phoneticHonorificSuffix": S,
    "phoneticMiddleName": S,
    "unstructuredName": S,
}
ORGANIZATION: Final = {
    "costCenter": S,
    "current": B,
    "department": S,
    "domain": S,
    "endDate": DATE,
    "formattedType": S,
    "fullTimeEquivalentMillipercent": I,
    "jobDescription": S,
    "location": S,
    "metadata": FIELD,
    "name": S,
    "phoneticName": S,
    "startDate": DATE,
    "symbol": S,
    "title": S,
    "type": S,
}
STRUCTURED: Final[Mapping[str, Mapping[str, Any]]] = {
    "addresses": ADDRESS,
    "biographies": {"contentType": S, "metadata": FIELD, "value": S},
    "birthdays": {"date": DATE, "metadata": FIELD, "text": S},
    "clientData": {"key": S, "metadata": FIELD, "value": S},
    "emailAddresses": {"displayName": S, "formattedType": S, "metadata": FIELD, "type": S, "value": S},
    "names": NAME,
    "organizations": ORGANIZATION,
    "phoneNumbers": {"canonicalForm": S, "formattedType": S, "metadata": FIELD, "type": S, "value": S},
    "urls": {"formattedType": S, "metadata": FIELD, "type": S, "value": S},
}
"""Fields that are looked into. The others are kept as they come."""
_KEPT = (
    "calendarUrls",
    "events",
    "externalIds",
    "fileAses",
    "genders",
    "imClients",
    "interests",
    "locales",
    "locations",
    "memberships",
    "miscKeywords",
    "nicknames",
    "occupations",
    "relations",
    "sipAddresses",
    "skills",
    "userDefined",
)
_SHOWN_ONLY = ("ageRanges", "coverPhotos", "photos")
PERSON: Final[Mapping[str, Any]] = {
    **{name: Each(item) for name, item in STRUCTURED.items()},
    **dict.fromkeys((*_KEPT, *_SHOWN_ONLY), "any"),
    **dict.fromkeys(("ageRange", "braggingRights", "relationshipInterests", "relationshipStatuses"), "any"),
    **dict.fromkeys(("residences", "taglines"), "any"),
    "etag": S,
    "metadata": METADATA,
    "resourceName": S,
}
CONNECTIONS: Final = {
    "connections": Each(PERSON),
    "nextPageToken": S,
    "nextSyncToken": S,
    "totalItems": I,
    "totalPeople": I,
}
WRITABLE: Final = frozenset({*STRUCTURED, *_KEPT} - {"fileAses", "skills"})
"""What ``updatePersonFields`` may name."""
READABLE: Final = frozenset({*STRUCTURED, *_KEPT, *_SHOWN_ONLY, "metadata"} - {"fileAses"})
"""What ``personFields`` may name."""
SINGLETONS: Final = ("biographies", "birthdays", "genders", "names")
_COMPUTED: Final = {
    "names": ("displayName", "displayNameLastFirst"),
    "addresses": ("formattedType",),
    "emailAddresses": ("formattedType",),
    "phoneNumbers": ("formattedType", "canonicalForm"),
    "organizations": ("formattedType",),
    "urls": ("formattedType",),
}
CLIENT_DATA_LIMIT = 100


def mask(text: str | None, allowed: frozenset[str], name: str) -> list[str]:
    """The fields of a field mask. Raises ApiError 400 for none, or one that there is not."""
    if not text:
        raise invalid_argument(f"{name} mask is required. Please specify one or more valid paths.")
    found = [part.strip() for part in text.split(",")]
    for part in found:
        if part.split(".")[0] not in allowed:
            raise invalid_argument(f'Invalid {name} mask path: "{part}".')
    return [part.split(".")[0] for part in found]


def accepted(given: Json, names: Sequence[str]) -> Json:
    """The fields ``names`` of a request, as they are stored.

    Raises:
        ApiError: 400 for an unknown field, a singleton given twice, or a value that cannot be.
    """
    shape.check(given, PERSON, "")
    body: Json = {}
    for name in names:
        entries = given.get(name) or []
        if name in SINGLETONS and len(entries) > 1:
            raise invalid_argument(f"More than one {name} is not allowed on a contact.")
        if kept := [_stored(name, entry) for entry in entries if _filled(entry)]:
            body[name] = kept
    return body


def _filled(entry: Any) -> bool:
    return not isinstance(entry, dict) or any(value not in ("", None) for key, value in entry.items() if key != "type")


def _stored(name: str, entry: Json) -> Json:
    found = {k: v for k, v in entry.items() if k not in ("metadata", *_COMPUTED.get(name, ())) and v not in ("", None)}
    if name == "birthdays":
        _birthday(found)
    if name == "biographies":
        found.setdefault("contentType", "TEXT_PLAIN")
    if name == "addresses":
        found.setdefault("formattedValue", _lines(found))
    if name == "names" and "unstructuredName" in found and not {"givenName", "familyName"} & set(found):
        first, _, last = str(found["unstructuredName"]).rpartition(" ")
        found |= {"givenName": first or last} | ({"familyName": last} if first else {})
    return found


def _birthday(entry: Json) -> None:
    """Raises ApiError 400 for a day that there is not. A year may be missing."""
    day = entry.get("date")
    if not day:
        return
    try:
        date(day.get("year") or 4, day.get("month") or 1, day.get("day") or 1)
    except (TypeError, ValueError) as error:
        raise invalid_argument("Request contains an invalid argument.") from error
    if not day.get("year"):
        day.pop("year", None)


def _lines(address: Json) -> str:
    place = " ".join(filter(None, (address.get("postalCode"), address.get("city"))))
    parts = (address.get("streetAddress"), address.get("extendedAddress"), place, address.get("country"))
    return "\n".join(filter(None, parts))


def shown(body: Mapping[str, Any], source: Json, names: Sequence[str]) -> Json:
    """The fields ``names`` with what the service computes for them."""
    found: Json = {}
    for name in names:
        entries = body.get(name)
        if not entries:
            continue
        found[name] = [
            {"metadata": _metadata(source, at), **entry, **_computed(name, entry)} if isinstance(entry, dict) else entry
            for at, entry in enumerate(entries)
        ]
    return found


def _metadata(source: Json, at: int) -> Json:
    """Metadata that came with the entry (a profile's) wins, as it is written after this."""
    first: Json = {"primary": True, "sourcePrimary": True} if at == 0 else {}
    return {**first, "source": {"type": source["type"], "id": source["id"]}}


def _computed(name: str, entry: Json) -> Json:
    match name:
        case "names":
            parts = ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")
            whole = " ".join(entry[part] for part in parts if entry.get(part))
            first = " ".join(entry[part] for part in ("givenName", "middleName") if entry.get(part))
            last = ", ".join(filter(None, (entry.get("familyName"), first)))
            return {"displayName": whole, "displayNameLastFirst": last, "unstructuredName": whole}
        case "phoneNumbers":
            digits = "".join(c for c in entry.get("value", "") if c.isdigit())
            canonical = {"canonicalForm": f"+{digits}"} if entry.get("value", "").startswith("+") else {}
            return {**canonical, **_formatted(entry)}
        case "emailAddresses" | "addresses" | "urls" | "organizations":
            return _formatted(entry)
        case _:
            return {}


def _formatted(entry: Json) -> Json:
    return {"formattedType": str(entry["type"]).capitalize()} if entry.get("type") else {}


def invalid_argument(message: str) -> errors.ApiError:
    """400 as the newer APIs tell it."""
    return errors.ApiError(400, "badRequest", message, extra={"status": "INVALID_ARGUMENT"})


def failed_precondition(message: str, reason: str | None = None) -> errors.ApiError:
    """400 for an etag or a sync token that no longer holds."""
    extra: Json = {"status": "FAILED_PRECONDITION"}
    if reason is not None:
        info = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "people.googleapis.com",
        }
        extra["details"] = [info]
    return errors.ApiError(400, "failedPrecondition", message, extra=extra)


def not_found() -> errors.ApiError:
    return errors.ApiError(404, "notFound", "Requested entity was not found.", extra={"status": "NOT_FOUND"})
