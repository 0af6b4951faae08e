"""Dates and times of events: what the service accepts, keeps and sends.

Kept: ``{"date": "2026-11-21"}``, or ``{"dateTime": "2026-11-21T08:00:00Z", "timeZone": "Europe/Berlin"}``
with the instant in UTC beside the event's own zone. Sent: the instant in the *reader's* zone
(the calendar's, or the parameter ``timeZone``) beside the event's own zone, so the offset that is
read need not belong to the zone beside it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.errors import Json

Original = date | datetime
"""The start of an occurrence: a date (all-day), or an aware instant in UTC."""

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether ``name`` is in the IANA database."""
    return name in _zones()


def accept(value: Json | None, label: str, default_zone: str, *, recurring: bool) -> Json:
    """Bring an EventDateTime of a request into the kept form; ``label`` is start or end.

    Raises:
        ApiError: 400 with the service's own message.
    """
    if not value or not (value.get("date") or value.get("dateTime")):
        raise errors.required(f"Missing {label} time.")
    if value.get("date") and value.get("dateTime"):
        raise errors.invalid(f"Invalid {label} time.")
    if value.get("date"):
        return {"date": _parse_date(value["date"], label).isoformat()}
    zone = value.get("timeZone")
    if zone is not None and not is_zone(zone):
        raise errors.invalid(f"Invalid time zone definition for {label} time.")
    match = _RFC3339.fullmatch(value["dateTime"])
    if match is None:
        raise errors.invalid(f"Invalid {label} time.")
    if zone is None and (recurring or match[2] is None):
        raise errors.required(f"Missing time zone definition for {label} time.")
    try:
        moment = datetime.fromisoformat(match[1] + (match[2] or ""))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone or default_zone))
        instant = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.invalid(f"Invalid {label} time.") from error
    return {"dateTime": stamp(instant), "timeZone": zone or default_zone}


def _parse_date(text: str, label: str) -> date:
    try:
        if not _DATE.fullmatch(text):
            raise errors.invalid(f"Invalid {label} time.")
        return date.fromisoformat(text)
    except ValueError as error:
        raise errors.invalid(f"Invalid {label} time.") from error


def check_span(start: Json, end: Json) -> None:
    """An all-day event lasts a day or more, a timed one may be of no length.

    Raises:
        ApiError: 400 for mixed kinds or an end before the start.
    """
    if ("date" in start) != ("date" in end):
        raise errors.invalid("Start and end times must either both be date or both be dateTime.")
    first, last = value_of(start), value_of(end)
    if compare_key(last) < compare_key(first) or ("date" in start and first == last):
        raise errors.time_range_empty()


def stamp(instant: datetime) -> str:
    """An aware instant as RFC 3339 in UTC, whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis(instant: datetime) -> str:
    """As the service writes ``created`` and ``updated``."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def value_of(kept: Json) -> Original:
    """The date, or the instant in UTC, of a kept EventDateTime."""
    if "date" in kept:
        return date.fromisoformat(kept["date"])
    return datetime.fromisoformat(kept["dateTime"])


def keep(value: Original, zone: str | None) -> Json:
    """The kept form of an occurrence's start or end."""
    if isinstance(value, datetime):
        return {"dateTime": stamp(value), "timeZone": zone}
    return {"date": value.isoformat()}


def compare_key(value: Original, zone: str = "UTC") -> datetime:
    """An instant to compare by: a date is its midnight in ``zone``."""
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def render(kept: Json, reader_zone: str) -> Json:
    """A kept EventDateTime as the service sends it to a reader in ``reader_zone``."""
    if "date" in kept:
        return {"date": kept["date"]}
    local = datetime.fromisoformat(kept["dateTime"]).astimezone(ZoneInfo(reader_zone))
    text = local.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"dateTime": text, "timeZone": kept["timeZone"]}


def suffix(original: Original) -> str:
    """The last part of an instance's id."""
    if isinstance(original, datetime):
        return original.strftime("%Y%m%dT%H%M%SZ")
    return original.strftime("%Y%m%d")


def parse_suffix(text: str) -> Original | None:
    """The original start that an instance's id names."""
    try:
        if re.fullmatch(r"\d{8}T\d{6}Z", text):
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if re.fullmatch(r"\d{8}", text):
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return None


def parse_bound(text: Any, name: str) -> datetime:
    """A query parameter that must be RFC 3339 with an offset.

    Raises:
        ApiError: 400 for anything else.
    """
    match = _RFC3339.fullmatch(str(text))
    if match is None or match[2] is None:
        raise errors.ApiError(400, "badRequest", "Bad Request", location=name)
    try:
        return datetime.fromisoformat(match[1] + match[2]).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.ApiError(400, "badRequest", "Bad Request", location=name) from error


def length(start: Json, end: Json) -> timedelta:
    """The exact duration; of dates, whole days."""
    first, last = value_of(start), value_of(end)
    if isinstance(first, datetime) and isinstance(last, datetime):
        return last - first
    return timedelta(days=(last - first).days)
