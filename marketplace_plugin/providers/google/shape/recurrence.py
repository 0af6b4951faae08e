"""``Event.recurrence``: RRULE, RDATE and EXDATE lines (RFC 5545 3.8.5), to and from the model.

Google accepts more than we can hold: EXRULE, several RRULEs and RDATE periods are unreadable, never approximated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.model.event import original_key
from marketplace_plugin.model.names.zones import resolve, well_known
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Original, Zoned
from marketplace_plugin.model.time import zone as known_zone

_UNTIL = re.compile(r"(?<=UNTIL=)(\d{8})(T\d{6})?(Z)?", re.IGNORECASE)


class Undecodable(Exception):
    """The item cannot be understood; becomes ``Unreadable`` with this reason."""

    def __init__(self, reason: UnreadableReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What the lines say. Originals are in the zone of the series' start."""

    rule: RecurrenceRule | None
    rdates: tuple[Original, ...]
    exdates: tuple[Original, ...]


def parse(lines: Sequence[str], start: Original) -> Recurrence:
    """Read the lines of a series that starts at ``start``. Raises Undecodable."""
    rules: list[str] = []
    rdates: dict[str, Original] = {}
    exdates: dict[str, Original] = {}
    for line in lines:
        head, sep, value = str(line).strip().partition(":")
        name, *params = head.upper().split(";")
        if not sep or name not in ("RRULE", "RDATE", "EXDATE"):
            raise Undecodable(UnreadableReason.UNSUPPORTED_RULE)
        if name == "RRULE":
            rules.append(value)
            continue
        into = rdates if name == "RDATE" else exdates
        into.update((original_key(o), o) for o in _dates(value, _zone_of(head, params, start), start))
    if len(rules) > 1:
        raise Undecodable(UnreadableReason.UNSUPPORTED_RULE)
    rule = _rule(rules[0], start) if rules else None
    return Recurrence(rule, tuple(rdates[k] for k in sorted(rdates)), tuple(exdates[k] for k in sorted(exdates)))


def lines(rule: RecurrenceRule | None, rdates: Iterable[Original], exdates: Iterable[Original]) -> list[str]:
    """The lines that say so; for a whole series, not for one that ends up without occurrences."""
    written = [f"RRULE:{rule}"] if rule else []
    return written + _date_lines("RDATE", rdates) + _date_lines("EXDATE", exdates)


def moved_to(value: date | datetime, start: Original) -> Original:
    """An original as the series that starts at ``start`` names it: a date, or a wall time in the start's zone.

    ``value`` is a date, or an aware instant, whose date is that of its own zone. Where a series became whole-day (or
    the other way round) after an exception was made, its date is what the two have in common.
    """
    if isinstance(start, Zoned):
        if isinstance(value, datetime):
            return Zoned.at(value, start.zone)
        return Zoned(datetime.combine(value, start.wall.time()), start.zone)
    return value.date() if isinstance(value, datetime) else value


def _rule(text: str, start: Original) -> RecurrenceRule:
    try:
        return RecurrenceRule.parse(_UNTIL.sub(lambda until: _until(until, start), text))
    except ValueError as error:
        raise Undecodable(UnreadableReason.UNSUPPORTED_RULE) from error


def _until(until: re.Match[str], start: Original) -> str:
    """UNTIL in the type of the start (RFC 5545 3.3.10); clients write the other one, and Google passes it on."""
    day, clock, utc = until[1], (until[2] or "").upper(), until[3]
    if not isinstance(start, Zoned):
        return day
    if clock and utc:
        return until[0].upper()
    if not clock:  # a date bounds a timed series with its last second
        wall = datetime.combine(_date(day), time(23, 59, 59))
    else:
        wall = _wall(day + clock)
    return Zoned(wall, start.zone).instant().strftime("%Y%m%dT%H%M%SZ")


def _zone_of(head: str, params: Sequence[str], start: Original) -> str | None:
    """The zone of wall times on this line, None where it holds dates."""
    if "VALUE=PERIOD" in params:
        raise Undecodable(UnreadableReason.UNSUPPORTED_RULE)
    for param in head.split(";")[1:]:
        name, _, value = param.partition("=")
        if name.upper() == "TZID":
            if zone := resolve(value.strip('"')):
                return zone
            raise Undecodable(UnreadableReason.UNKNOWN_ZONE)
    return start.zone if isinstance(start, Zoned) else None


def _dates(value: str, zone: str | None, start: Original) -> Iterable[Original]:
    for piece in value.split(","):
        text = piece.strip().upper()
        try:
            if len(text) == 8:
                yield moved_to(_date(text), start)
            elif text.endswith("Z"):
                instant = _wall(text[:-1]).replace(tzinfo=UTC)
                yield moved_to(instant.astimezone(known_zone(zone)) if zone else instant, start)
            elif zone is None or not isinstance(start, Zoned):
                yield moved_to(_wall(text).date(), start)
            else:
                yield moved_to(Zoned(_wall(text), zone).instant(), start)
        except ValueError as error:
            raise Undecodable(UnreadableReason.UNSUPPORTED_RULE) from error


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _wall(text: str) -> datetime:
    wall = datetime.fromisoformat(text)
    if wall.tzinfo is not None:
        raise ValueError(text)
    return wall


def _date_lines(name: str, originals: Iterable[Original]) -> list[str]:
    grouped: dict[str, list[str]] = {}
    for original in sorted(originals, key=original_key):
        if not isinstance(original, Zoned):
            grouped.setdefault(f"{name};VALUE=DATE", []).append(original.strftime("%Y%m%d"))
        elif original.fold:  # a wall time alone would name the first of the two
            grouped.setdefault(name, []).append(original.instant().strftime("%Y%m%dT%H%M%SZ"))
        else:
            head = f"{name};TZID={well_known(original.zone)}"
            grouped.setdefault(head, []).append(original.wall.strftime("%Y%m%dT%H%M%S"))
    return [f"{head}:{','.join(values)}" for head, values in grouped.items()]
