"""Times of the messages, and the Windows zones.

Exchange knows Windows names only. A time with an offset is an instant; one without is a wall time
of the zone beside it, else of the request's TimeZoneContext, else UTC. Replies always have an
offset. Source: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/time-zones-and-ews-in-exchange
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from marketplace_plugin.sandbox.ews.soap import errors

CUSTOM = "Customized Time Zone"
_WINDOWS = {name.casefold(): name for name in win_tz}
_DATE_TIME = re.compile(r"-?(\d{4,})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:Z|[+-]\d\d:\d\d)?")


def names() -> list[str]:
    """All Windows zones."""
    return sorted(win_tz)


def windows_name(name: str) -> str:
    """The Windows zone of a request. Raises EwsError for any other name, IANA's too."""
    found = _WINDOWS.get(name.casefold())
    if found is None:
        raise errors.EwsError("ErrorTimeZone")
    return found


def zone_of(name: str) -> ZoneInfo:
    """The rules of a Windows zone."""
    windows = windows_name(name)
    return ZoneInfo("UTC" if windows == "UTC" else win_tz[windows])


def parse(text: str, zone: str) -> datetime:
    """An xs:dateTime as an instant; without an offset a wall time of ``zone``.

    Raises:
        SoapFault: for what is no xs:dateTime.
        EwsError: for a zone that is no Windows zone.
    """
    found = _DATE_TIME.fullmatch(text.strip())
    if found is None:
        raise errors.invalid_schema(f"The value '{text}' is invalid according to its datatype 'dateTime'.")
    year, month, day, clock, fraction, offset = found.groups()
    digits = f".{fraction[:6]:0<6}" if fraction else ""
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{digits}{offset or ''}")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone_of(zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.invalid_schema(f"The value '{text}' is invalid according to its datatype 'dateTime'.") from error


def as_written(text: str) -> datetime:
    """The wall time of an xs:dateTime, whatever its offset; naive. Of a text that ``parse`` took."""
    return datetime.fromisoformat(text.strip()[: len("2026-01-01T00:00:00")])


def parse_date(text: str) -> date:
    """An xs:date, whose offset says nothing. Raises SoapFault for anything else."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise errors.invalid_schema(f"The value '{text}' is invalid according to its datatype 'date'.")
    try:
        return date(*(int(part) for part in found.groups()))
    except ValueError as error:
        raise errors.invalid_schema(f"The value '{text}' is invalid according to its datatype 'date'.") from error


def render(moment: datetime, zone: str | None, fractions: int = 0) -> str:
    """An instant as Exchange writes it: in UTC, or with the offset of the request's zone."""
    shown = moment.astimezone(UTC if zone is None else zone_of(zone))
    digits = f".{shown.microsecond:06}0"[: fractions + 1] if fractions else ""
    offset = "Z" if zone is None else f"{shown:%z}"[:3] + ":" + f"{shown:%z}"[3:5]
    return f"{shown:%Y-%m-%dT%H:%M:%S}{digits}{offset}"


def render_date(day: date, zone: str) -> str:
    """A day with its zone's offset, as the dates of recurrence ranges come."""
    offset = datetime.combine(day, time(0), zone_of(zone)).strftime("%z")
    return f"{day.isoformat()}{offset[:3]}:{offset[3:5]}" if offset != "+0000" else f"{day.isoformat()}Z"


def wall(moment: datetime, zone: str) -> datetime:
    """The wall time of an instant; aware, in the zone."""
    return moment.astimezone(zone_of(zone))


def instant(day: date, clock: time, zone: str) -> datetime:
    """The instant of a wall time; the earlier one where it comes twice."""
    return datetime.combine(day, clock, zone_of(zone)).astimezone(UTC)


def midnight_before(moment: datetime, zone: str) -> datetime:
    """The last midnight of the zone that is not after an instant."""
    return instant(wall(moment, zone).date(), time(0), zone)


def midnight_after(moment: datetime, zone: str) -> datetime:
    """The first midnight of the zone that is not before an instant."""
    day = wall(moment, zone)
    if (day.hour, day.minute, day.second, day.microsecond) == (0, 0, 0, 0):
        return moment
    return instant(date.fromordinal(day.toordinal() + 1), time(0), zone)
