"""The versions of Exchange that the sandbox can be, and which schema a request may ask for.

Builds: https://learn.microsoft.com/exchange/new-features/build-numbers-and-release-dates; schemas:
https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-schema-versions-in-exchange
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMAS = (
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
)
"""Names for RequestServerVersion, oldest first."""


@dataclass(frozen=True)
class Server:
    """A version: its build, its name in ServerVersionInfo, and its newest schema."""

    build: tuple[int, int, int, int]
    shown: str
    newest: str


SERVERS = {
    "Exchange2007": Server((8, 0, 685, 25), "Exchange2007", "Exchange2007"),
    "Exchange2007_SP1": Server((8, 3, 83, 6), "Exchange2007_SP1", "Exchange2007_SP1"),
    "Exchange2010": Server((14, 0, 639, 21), "Exchange2010", "Exchange2010"),
    "Exchange2010_SP1": Server((14, 1, 218, 15), "Exchange2010_SP1", "Exchange2010_SP1"),
    "Exchange2010_SP2": Server((14, 2, 247, 5), "Exchange2010_SP2", "Exchange2010_SP2"),
    "Exchange2010_SP3": Server((14, 3, 123, 4), "Exchange2010_SP2", "Exchange2010_SP2"),
    "Exchange2013": Server((15, 0, 516, 32), "Exchange2013", "Exchange2013"),
    "Exchange2013_SP1": Server((15, 0, 1497, 2), "V2_23", "Exchange2013_SP1"),
    "Exchange2016": Server((15, 1, 2507, 6), "V2017_07_11", "Exchange2016"),
    "Exchange2019": Server((15, 2, 1118, 7), "V2018_01_08", "Exchange2016"),
    "ExchangeSE": Server((15, 2, 2562, 17), "V2018_01_08", "Exchange2016"),
}

_SINCE = {
    "StartTimeZone": "Exchange2010",
    "EndTimeZone": "Exchange2010",
    "UniqueBody": "Exchange2010",
    "Flag": "Exchange2013",
    "StoreEntryId": "Exchange2010_SP2",
    "InstanceKey": "Exchange2013",
    "NormalizedBody": "Exchange2013",
    "EnhancedLocation": "Exchange2013",
    "StartWallClock": "Exchange2013",
    "EndWallClock": "Exchange2013",
    "StartTimeZoneId": "Exchange2013",
    "EndTimeZoneId": "Exchange2013",
    "IntendedFreeBusyStatus": "Exchange2013",
    "JoinOnlineMeetingUrl": "Exchange2013",
    "OnlineMeetingSettings": "Exchange2013",
    "IsOrganizer": "Exchange2013",
    "Preview": "Exchange2013",
    "TextBody": "Exchange2013",
    "IconIndex": "Exchange2013",
    "GetServerTimeZones": "Exchange2010",
    "WorkingElsewhere": "Exchange2013",
}
"""The first schema with an element, a path, an operation or a value; others have been there always."""


def knows(schema: str, name: str) -> bool:
    """Whether a schema has the name of an element, path, operation or value."""
    first = _SINCE.get(name)
    return first is None or SCHEMAS.index(schema) >= SCHEMAS.index(first)


def accepted(server: Server, schema: str) -> bool:
    """Whether a server takes requests in a schema."""
    return schema in SCHEMAS and SCHEMAS.index(schema) <= SCHEMAS.index(server.newest)
