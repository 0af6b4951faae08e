"""Zone names: Windows <-> IANA, and which names mean the same rules. The tables lie in ``windows_zones.py``.

Many IANA names share one Windows name, so the way there and back may end elsewhere: Europe/Madrid becomes Romance
Standard Time and then Europe/Paris. ``back_to_iana`` keeps the name that we had. Source: CLDR windowsZones, territory
001 for Windows -> IANA.

A zone may be renamed: Europe/Kiev is Europe/Kyiv since 2022. Both names are understood, and both mean the same
(``same_rules``). What goes out by its IANA name goes out by the older one: databases keep it for good as a link, CLDR
and ICU never change it, and a service with an older database knows no other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from marketplace_plugin.model.names.windows_zones import IANA_OF, WINDOWS_OF
from marketplace_plugin.model.time import zone

_BEFORE_RENAMED = {
    "America/Nuuk": "America/Godthab",  # 2020
    "Pacific/Kanton": "Pacific/Enderbury",  # 2021
    "Europe/Kyiv": "Europe/Kiev",  # 2022
}
"""The renamings since 2020, from ``backward`` of the zone database."""

_WHOLE_HOURS = re.compile(r"GMT([+-])(\d\d):00")

_COMPARED = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC))
_STEP = timedelta(days=5)  # shorter than any time that a zone kept an offset in those years


def is_iana(name: str) -> bool:
    """Whether the zone database knows ``name``."""
    try:
        zone(name)
    except (KeyError, ValueError, OSError):  # OSError: a name that is a folder of the database, such as "Europe"
        return False
    return True


def to_iana(windows: str) -> str | None:
    """The IANA zone of a Windows name, None where CLDR does not list it. ``UTC`` and its like are names in both."""
    return IANA_OF.get(windows)


def to_windows(iana: str) -> str | None:
    """The Windows name of an IANA zone, None where there is none."""
    return WINDOWS_OF.get(iana)


def resolve(name: str) -> str | None:
    """The IANA zone that a service means by ``name``: IANA, Windows or whole hours from GMT. None for an unknown name.

    An unknown name is kept and reported by whoever asked (``UnreadableReason.UNKNOWN_ZONE``), never replaced by UTC.
    """
    return name if is_iana(name) else to_iana(name) or _of_whole_hours(name)


def _of_whole_hours(name: str) -> str | None:
    """``GMT+01:00`` is ``Etc/GMT-1``, whose sign is POSIX's; other offsets have no zone."""
    found = _WHOLE_HOURS.fullmatch(name)
    fixed = f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}" if found else ""
    return fixed if fixed and is_iana(fixed) else None


def back_to_iana(windows: str, kept: str | None) -> str | None:
    """Like ``to_iana``, but ``kept`` (the zone that we last had) where it goes by this Windows name."""
    return kept if kept is not None and to_windows(kept) == windows else to_iana(windows)


def well_known(iana: str) -> str:
    """The name to send for a zone: the one that it had before it was renamed lately."""
    return _BEFORE_RENAMED.get(iana, iana)


def same_rules(a: str, b: str) -> bool:
    """Whether clocks in both zones agree from 2000 to 2040: two names of one thing. False where either is unknown."""
    if a == b:
        return True
    return is_iana(a) and is_iana(b) and _offsets(a) == _offsets(b)


@lru_cache(maxsize=1024)
def _offsets(name: str) -> tuple[tuple[datetime, timedelta], ...]:
    """Each change of the offset in the compared years: the instant (to the second) and the offset from then on."""
    tz = zone(name)

    def offset(instant: datetime) -> timedelta:
        return instant.astimezone(tz).utcoffset() or timedelta()

    at, last = _COMPARED
    found = [(at, offset(at))]
    while at < last:
        following = at + _STEP
        if offset(following) != found[-1][1]:
            before, after = at, following
            while after - before > timedelta(seconds=1):
                middle = before + (after - before) // 2
                before, after = (middle, after) if offset(middle) == found[-1][1] else (before, middle)
            found.append((after, offset(after)))
            at = after
        else:
            at = following
    return tuple(found)
