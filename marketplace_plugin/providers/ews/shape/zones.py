"""Zones of items: by their Windows names, or by their rules where a client made up a name.

Source: TimeZoneDefinitionType in types.xsd. "Customized Time Zone" is what telephones and other programs leave: no
name, but the offsets and the days on which they change. A zone of the database with the same offsets on both sides of
each change, for years, is the same zone to everybody; where there is none, the zone is not known, and never guessed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from marketplace_plugin.model.names.windows_zones import IANA_OF
from marketplace_plugin.model.names.zones import resolve
from marketplace_plugin.model.time import zone
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.xml import Element

YEARS = range(2025, 2031)
"""Compared. Rules of earlier years, where a definition has several groups, play no part."""
_NEAR = timedelta(minutes=5)
"""Some servers write a change at midnight as a moment before it."""
_UTC_NAMES = frozenset({"UTC", "tzone://Microsoft/Utc"})
_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


@dataclass(frozen=True, slots=True)
class _Change:
    """From ``at`` (a wall time of the offset before, by its rule) on, the offset is ``after``."""

    month: int
    weekday: int
    occurrence: int  # 1 to 4, or -1 for the last
    since_midnight: timedelta
    after: timedelta

    def wall(self, year: int) -> datetime:
        length = monthrange(year, self.month)[1]
        days = [d for d in range(1, length + 1) if date(year, self.month, d).weekday() == self.weekday]
        day = days[self.occurrence - 1 if self.occurrence > 0 else -1]
        return datetime.combine(date(year, self.month, day), time()) + self.since_midnight


def zone_of(definition: Element) -> str | None:
    """The IANA zone of a definition; None for one that is not known, or for no definition."""
    if definition is None:
        return None
    name = str(definition.get("Id") or "")
    if name in _UTC_NAMES:
        return "UTC"
    return (resolve(name) if name else None) or _by_rules(xml.written(definition))


@lru_cache(maxsize=256)
def _by_rules(definition: bytes) -> str | None:
    """A zone that Windows has a name for, with these rules; always the same one of several."""
    try:
        probes = list(_probes(xml.parse(definition)))
    except (LookupError, ValueError, AttributeError, OverflowError):
        return None
    if not probes:
        return None
    fitting = (name for name in sorted(set(IANA_OF.values())) if _fits(name, probes))
    return next(fitting, None)


def _fits(name: str, probes: list[tuple[datetime, timedelta]]) -> bool:
    try:
        there = zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return all(instant.astimezone(there).utcoffset() == offset for instant, offset in probes)


def _probes(definition: Element) -> Iterator[tuple[datetime, timedelta]]:
    """Instants, and the offsets that the rules give them. Raises what a definition that is none leads to."""
    offsets = {str(period.get("Id")): -_duration(str(period.get("Bias"))) for period in _all(definition, "Period")}
    groups = _all(definition, "TransitionsGroup")
    if not groups:
        return
    wanted = str(xml.find_all(definition, "t:Transitions/*")[-1].findtext("{*}To"))
    group = next((one for one in groups if one.get("Id") == wanted), None)
    if group is None:
        return
    changes = [_change(one, offsets) for one in group if xml.local(one) == "RecurringDayTransition"]
    if len(changes) != len(group):  # a single offset for good, or changes on dates, of which we know no example
        (only,) = group
        fixed = offsets[str(only.findtext("{*}To"))]
        yield from ((datetime(year, month, 1, tzinfo=UTC), fixed) for year in YEARS for month in range(1, 13))
        return
    if len(changes) != 2:
        return
    for year in YEARS:
        walls = sorted((change.wall(year), change.after) for change in changes)
        before = walls[-1][1]  # the year begins as the one before it ended
        last = datetime(year, 1, 1, tzinfo=UTC)
        for wall, after in walls:
            instant = (wall - before).replace(tzinfo=UTC)
            yield from ((at, before) for at in (last + (instant - last) / 2, instant - _NEAR))
            yield instant + _NEAR, after
            before, last = after, instant
        yield datetime(year, 12, 30, tzinfo=UTC), before


def _change(transition: Element, offsets: dict[str, timedelta]) -> _Change:
    return _Change(
        month=int(xml.text(transition, "t:Month")),
        weekday=_WEEK.index(xml.text(transition, "t:DayOfWeek")),
        occurrence=int(xml.text(transition, "t:Occurrence")),
        since_midnight=_duration(xml.text(transition, "t:TimeOffset")),
        after=offsets[xml.text(transition, "t:To")],
    )


def _all(definition: Element, name: str) -> list[Element]:
    return list(definition.iter(f"{{*}}{name}"))


def _duration(text: str) -> timedelta:
    """xs:duration without years and months. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or text.strip().endswith(("P", "T")):
        raise ValueError(f"no duration: {text!r}")
    parts = {name: float(value) for name, value in found.groupdict().items() if name != "sign" and value}
    return timedelta(**parts) * (-1 if found["sign"] else 1)
