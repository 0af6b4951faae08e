"""Time zones and dateTimeTimeZone values.

Exchange keeps Windows zones: an IANA name that it knows becomes the Windows zone of the same
rules. Known are the Windows names and the one IANA name that CLDR gives each of them; others are
refused, as in https://learn.microsoft.com/graph/api/resources/datetimetimezone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from marketplace_plugin.sandbox.graph import errors

Json = dict[str, Any]

CUSTOM = "tzone://Microsoft/Custom"
_WINDOWS = {name.lower(): name for name in win_tz}
_OF_IANA = {iana.lower(): windows for windows, iana in win_tz.items()} | {
    "etc/utc": "UTC",
    "etc/gmt": "UTC",
    "tzone://microsoft/utc": "UTC",
    "europe/paris": "Romance Standard Time",
    "asia/kolkata": "India Standard Time",
    "europe/kyiv": "FLE Standard Time",
}
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?")


def windows_name(name: str) -> str:
    """The Windows zone that a name of a request means. Raises GraphError 400 for an unknown one."""
    found = _WINDOWS.get(name.lower()) or _OF_IANA.get(name.lower())
    if found is None:
        raise errors.unsupported_zone(name)
    return found


def zone_of(name: str) -> ZoneInfo:
    """The rules of a zone name of a request."""
    windows = windows_name(name)
    return ZoneInfo("UTC" if windows == "UTC" else win_tz[windows])


def instant(wall: datetime, zone: str) -> datetime:
    """A wall time of a zone as an aware instant in UTC; the earlier one where a wall time comes twice."""
    return wall.replace(tzinfo=zone_of(zone)).astimezone(UTC)


def parse(value: Any, name: str) -> tuple[datetime, str]:
    """A dateTimeTimeZone of a request as naive wall time and Windows zone.

    Raises:
        GraphError: 400 for a wrong shape, an unreadable time or an unknown zone.
    """
    if not isinstance(value, dict):
        raise errors.unreadable_body(f"The value of '{name}' is not a microsoft.graph.dateTimeTimeZone.")
    unknown = set(value) - {"dateTime", "timeZone", "@odata.type"}
    if unknown:
        raise errors.unknown_property(min(unknown), "microsoft.graph.dateTimeTimeZone")
    text, zone = value.get("dateTime"), value.get("timeZone")
    found = _DATE_TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None or not isinstance(zone, str):
        raise errors.invalid_property()
    day, clock, fraction, offset = found.groups()
    try:
        wall = datetime.fromisoformat(
            f"{day}T{clock}.{(fraction or '0')[:6]:0<6}" if len(clock) > 5 else f"{day}T{clock}"
        )
        if offset:
            aware = datetime.fromisoformat(f"{wall.isoformat()}{offset.replace('Z', '+00:00')}")
            wall = aware.astimezone(zone_of(zone)).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise errors.invalid_property() from error
    return wall, windows_name(zone)


def render(wall: datetime, zone: str, shown_in: str, *, floating: bool) -> Json:
    """A dateTimeTimeZone of a reply, in the zone that the request prefers.

    ``floating`` times (whole days) stay at midnight whatever the zone.
    """
    if not floating:
        wall = instant(wall, zone).astimezone(zone_of(shown_in)).replace(tzinfo=None)
    return {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.{wall.microsecond:06}0", "timeZone": shown_in}


def stamp(moment: datetime) -> str:
    """An instant as in createdDateTime."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}0Z"


def parse_instant(text: str) -> datetime:
    """startDateTime, endDateTime or a literal of $filter; UTC where no offset is given.

    Raises:
        ValueError: for what is no time.
    """
    cleaned = re.sub(r"(\.\d{6})\d+", r"\1", text.strip().replace(" ", "+").replace("Z", "+00:00"))
    moment = datetime.fromisoformat(cleaned)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
