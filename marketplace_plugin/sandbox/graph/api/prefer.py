"""The Prefer header: page size, time zone, body type, immutable ids.

Source: https://learn.microsoft.com/graph/use-the-api and
https://learn.microsoft.com/graph/api/user-list-events (optional headers).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from marketplace_plugin.sandbox.graph.outlook.time import times
from marketplace_plugin.sandbox.graph.outlook.view import Shape

_ITEM = re.compile(r"\s*([\w.-]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^,;]*)))?\s*(?:[,;]|$)")


@dataclass(frozen=True)
class Preferences:
    """What was asked, and what of it is applied (for Preference-Applied)."""

    shape: Shape = field(default_factory=Shape)
    page_size: int | None = None
    applied: tuple[str, ...] = ()


def parse(headers: list[str]) -> Preferences:
    """All Prefer headers of a request; unknown preferences are read over.

    Raises:
        GraphError: 400 for a time zone that the mailbox server does not know.
    """
    zone, text, immutable, size = "UTC", False, False, None
    applied: list[str] = []
    for header in headers:
        for name, quoted, plain in _ITEM.findall(header):
            value = (quoted or plain).strip()
            if name.lower() == "outlook.timezone":
                times.zone_of(value)
                zone = value
                applied.append(f'outlook.timezone="{value}"')
            elif name.lower() == "outlook.body-content-type" and value.lower() in ("text", "html"):
                text = value.lower() == "text"
                applied.append(f'outlook.body-content-type="{value.lower()}"')
            elif name.lower() == "idtype" and value == "ImmutableId":
                immutable = True
                applied.append('IdType="ImmutableId"')
            elif name.lower() == "odata.maxpagesize" and value.isdigit() and int(value) > 0:
                size = int(value)
                applied.append(f"odata.maxpagesize={value}")
    return Preferences(Shape(zone, text, immutable), size, tuple(applied))
