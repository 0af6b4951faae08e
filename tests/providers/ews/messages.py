"""Calendar items as Exchange shows them, made of text."""

from __future__ import annotations

from marketplace_plugin.model.collection import Role
from marketplace_plugin.providers.ews.shape.decode import PROPERTY_NAME, PROPERTY_SET, Calendar
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.xml import Element

OWN = Calendar("calendar", Role.OWNER, shared=False)
BERLIN = "W. Europe Standard Time"
STAMP = (
    f'<ExtendedProperty><ExtendedFieldURI PropertySetId="{PROPERTY_SET}" PropertyName="{PROPERTY_NAME}" '
    'PropertyType="String"/><Value>instance-1:link-1</Value></ExtendedProperty>'
)


def element(text: str) -> Element:
    """One element of the namespace of types."""
    return xml.parse(f'<x xmlns="{xml.TYPES}">{text}</x>'.encode())[0]


def item(
    *more: str,
    start: str = "2026-11-23T08:00:00Z",
    end: str = "2026-11-23T09:00:00Z",
    zone: str | None = BERLIN,
    identity: str = "AAMk=",
    key: str = "CQ==",
) -> Element:
    zones = "" if zone is None else f'<StartTimeZone Id="{zone}"/><EndTimeZone Id="{zone}"/>'
    return element(
        f'<CalendarItem><ItemId Id="{identity}" ChangeKey="{key}"/>{"".join(more)}'
        f"<Start>{start}</Start><End>{end}</End>{zones}</CalendarItem>"
    )
