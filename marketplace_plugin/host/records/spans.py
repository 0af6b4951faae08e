"""The instants between which an item can appear, for queries by window. Caches: never compared, never shown (pure).

Whole days float with the viewer's zone, so the span is the widest that any viewer could have. Each row names the
release of the zone database that it was computed with; rows of another release are computed again at start.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from zoneinfo import TZPATH

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.series import expand

_FIRST_MIDNIGHT, _LAST_MIDNIGHT = "Pacific/Kiritimati", "Etc/GMT+12"


@lru_cache(maxsize=1)
def tz_version() -> str:
    """The release of the zone database in use: zoneinfo asks the system's first, then the package tzdata."""
    for folder in TZPATH:
        source = Path(folder, "tzdata.zi")
        if source.is_file():
            with source.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version").strip()[:32]
    return metadata.version("tzdata")


def span_of(item: Event | Series) -> tuple[datetime, datetime | None]:
    """[start, end) in UTC of all that the item shows to anybody; end None where a series has none."""
    start, _ = expand.span_of(item, _FIRST_MIDNIGHT)
    _, end = expand.span_of(item, _LAST_MIDNIGHT)
    return start, end
