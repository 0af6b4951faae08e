"""Recurrence lines: what the service accepts, and the occurrences that they give (RFC 5545).

Occurrences are computed on wall times in the series' own zone; dates for all-day series.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import times
from marketplace_plugin.sandbox.google.event.times import Original

HORIZON = timedelta(days=365 * 14)
"""How far an endless series is expanded: singleEvents=true without timeMax returns all of it."""

_LINE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Z]+=[^:;]+)*):(.+)")
_WEEKDAYS = r"(?:[+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)"
_NUMBERS = r"[+-]?\d{1,3}(?:,[+-]?\d{1,3})*"
_PARTS = {
    "FREQ": r"SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d*",
    "COUNT": r"[1-9]\d*",
    "UNTIL": r"\d{8}(?:T\d{6}Z?)?",
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
    "BYDAY": rf"{_WEEKDAYS}(?:,{_WEEKDAYS})*",
    **dict.fromkeys(
        ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND"),
        _NUMBERS,
    ),
}


@dataclass(frozen=True)
class Line:
    """One line of ``recurrence``."""

    name: str
    params: dict[str, str]
    value: str


def _bad() -> errors.ApiError:
    return errors.invalid("Invalid recurrence rule.")


def accept(lines: Sequence[str], start: Json) -> list[str]:
    """Check the lines of a series that starts at ``start`` (kept form).

    Raises:
        ApiError: 400 for DTSTART and unknown lines, unknown or contradicting rule parts, an
            UNTIL or a date that is not of the kind of the start, and a series without occurrence.
    """
    for line in lines:
        parsed = _parse(line)
        if parsed.name in ("RRULE", "EXRULE"):
            _check_rule(parsed.value, all_day="date" in start)
        else:
            _dates(parsed, start)
    if not any(_parse(line).name in ("RRULE", "RDATE") for line in lines):
        raise _bad()
    try:
        next(originals(list(lines), start, _start_of(start) + HORIZON))
    except StopIteration:
        raise _bad() from None
    except ValueError as error:
        raise _bad() from error
    return list(lines)


def _parse(line: str) -> Line:
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise _bad()
    params = dict(part.split("=", 1) for part in match[2].split(";")[1:])
    return Line(match[1], params, match[3])


def _check_rule(rule: str, *, all_day: bool) -> None:
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        key, _, value = part.partition("=")
        if key not in _PARTS or key in parts or not re.fullmatch(_PARTS[key], value):
            raise _bad()
        parts[key] = value
    if "FREQ" not in parts or ("COUNT" in parts and "UNTIL" in parts):
        raise _bad()
    until = parts.get("UNTIL")
    if until is not None and (len(until) == 8) != all_day:
        raise _bad()
    if until is not None and not all_day and not until.endswith("Z"):
        raise _bad()


def _dates(line: Line, start: Json) -> Iterator[Original] | list[Original]:
    """The values of an RDATE or EXDATE line."""
    if line.params.get("VALUE", "DATE-TIME") not in ("DATE", "DATE-TIME"):
        raise _bad()
    zone = line.params.get("TZID")
    if zone is not None and not times.is_zone(zone):
        raise _bad()
    found: list[Original] = []
    for text in line.value.split(","):
        try:
            found.append(_date_value(text, zone))
        except ValueError as error:
            raise _bad() from error
        if isinstance(found[-1], datetime) == ("date" in start):
            raise _bad()
    return found


def _date_value(text: str, zone: str | None) -> Original:
    if re.fullmatch(r"\d{8}", text):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError(text)
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


def _start_of(start: Json) -> datetime:
    return times.compare_key(times.value_of(start))


def originals(lines: Sequence[str], start: Json, until: datetime) -> Iterator[Original]:
    """The original starts of a series in order, up to and without ``until`` (aware, UTC)."""
    zone = ZoneInfo(start["timeZone"]) if "dateTime" in start else None
    parsed = [_parse(line) for line in lines]
    excluded: set[Original] = set()
    streams: list[Iterator[Original]] = []
    for line in parsed:
        if line.name == "RRULE":
            streams.append(_rule(line.value, start, zone, until))
        elif line.name == "RDATE":
            streams.append(iter(sorted(_dates(line, start))))
        elif line.name == "EXRULE":
            excluded.update(_rule(line.value, start, zone, until))
        else:
            excluded.update(_dates(line, start))
    if not any(line.name == "RRULE" for line in parsed):
        streams.append(iter([times.value_of(start)]))
    last: Original | None = None
    for value in heapq.merge(*streams):
        if times.compare_key(value) >= until:
            return
        if value != last and value not in excluded:
            yield value
        last = value


def _rule(rule: str, start: Json, zone: ZoneInfo | None, until: datetime) -> Iterator[Original]:
    """The occurrences of one rule before ``until``."""
    first = times.value_of(start)
    if isinstance(first, datetime):
        naive = first.astimezone(zone).replace(tzinfo=None)
    else:
        naive = datetime.combine(first, time())
    for moment in rrulestr(_local_until(rule, zone), dtstart=naive):
        value: Original = moment.date()
        if zone is not None:
            value = moment.replace(tzinfo=zone).astimezone(UTC)
        if times.compare_key(value) >= until:
            return
        yield value


def _local_until(rule: str, zone: ZoneInfo | None) -> str:
    """The rule with its UNTIL as a wall time, for an expansion on wall times."""
    match = re.search(r"UNTIL=(\d{8}T\d{6})Z", rule)
    if match is None or zone is None:
        return rule
    instant = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return rule.replace(match[0], f"UNTIL={instant.astimezone(zone):%Y%m%dT%H%M%S}")
