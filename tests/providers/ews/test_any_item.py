"""Whatever an item holds that Microsoft's schema allows: it is understood or unreadable, and stops nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from marketplace_plugin.model.change import Found
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.form.canonical import digest, normal
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.ews.items.place import CONTACTS, TASKS, Place, meaning
from marketplace_plugin.providers.ews.shape import decode
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable
from marketplace_plugin.providers.ews.soap import xml
from tests.providers.ews.any_item import AnyItem, T

WINDOW = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
EXAMPLES = settings(max_examples=200)
SEEDS = st.integers(0, 2**32)
ROLES = (Role.OWNER, Role.READER, Role.MASKED_WRITER)


def usable(found: Found) -> None:
    """What the engine does with everything that it has read."""
    digest(found.item)
    normal(found.item)
    assert found.revision.master
    assert found.changed is None or found.changed.tzinfo is not None
    if isinstance(found.item, (Event, Series)):
        occurrences(found.item, WINDOW, "Europe/Berlin", limit=20)


def timed(item: etree._Element, random: Random) -> None:
    """Most have times, so that the rest is looked at too."""
    if random.random() < 0.3:
        return
    for name, hour in (("Start", 9), ("End", 10)):
        for old in item.findall(f"{{{T}}}{name}"):
            item.remove(old)
        etree.SubElement(item, f"{{{T}}}{name}").text = f"2026-03-10T{hour:02}:00:00.0000000+01:00"
    for old in item.findall(f"{{{T}}}StartTimeZone"):
        old.set("Id", "W. Europe Standard Time")


@EXAMPLES
@given(SEEDS)
def test_a_calendar_item(seed: int) -> None:
    random = Random(seed)
    make = AnyItem(random)
    item, *exceptions = (make.of("CalendarItemType", "CalendarItem") for _ in range(random.randrange(1, 4)))
    for one in (item, *exceptions):
        timed(one, random)
        decode.stamp_of(one)
        decode.is_own(one)
        decode.anchor_of(one)
        decode.exception_ids(one)
    shared = random.random() < 0.5
    calendar = decode.Calendar("a", random.choice(ROLES), shared, not shared or random.random() < 0.5)
    read = xml.parse(etree.tostring(item))
    try:
        found = decode.found(decode.Whole(read, tuple(exceptions)), calendar)
    except Undecodable:
        return
    usable(found)


@EXAMPLES
@given(SEEDS)
def test_a_contact_and_a_task(seed: int) -> None:
    make = AnyItem(Random(seed))
    for sort, kind in ((CONTACTS, "ContactItemType"), (TASKS, "TaskType")):
        told = meaning(Place(sort, "folder"), "a", make.of(kind, sort.element))
        if isinstance(told, Found):
            digest(told.item)
            normal(told.item)
