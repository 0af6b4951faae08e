"""Series of whole days at Microsoft Graph: an occurrence's original start is the mailbox's midnight, told in UTC."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay
from tests.providers.foreign import ADA, ForeignPasses
from tests.providers.graph.foreign import BERLIN, Foreign

MONDAY = date(2026, 3, 9)


@pytest.fixture
def server() -> Foreign:
    return Foreign()


def whole(day: date, title: str) -> Event:
    return Event(when=AllDay(day, day + timedelta(days=1)), title=title)


def edge(day: date) -> dict[str, str]:
    return {"dateTime": f"{day}T00:00:00.0000000", "timeZone": "UTC"}


def overrides(item: Event | Series) -> list[tuple[Any, str | None]]:
    assert isinstance(item, Series)
    return [(o.original, str(o.event.title) if o.event else None) for o in item.overrides]


@pytest.mark.parametrize("zone", [BERLIN, "", None])
def test_a_changed_day_is_shown_on_its_day(server: Foreign, passes: ForeignPasses, zone: str | None) -> None:
    """It stood beside the one that it replaces, and the day before had gone."""
    pattern = {"type": "daily", "interval": 1}
    extent = {"type": "numbered", "startDate": "2026-03-09", "numberOfOccurrences": 8, "recurrenceTimeZone": zone}
    times = {"start": edge(MONDAY), "end": edge(MONDAY + timedelta(days=1))}
    body = {"subject": "Kur", "isAllDay": True, "isOrganizer": True, **times}
    server.put(server.home, "kur", body | {"recurrence": {"pattern": pattern, "range": extent}})
    changed = server._regular(server.events[server.home]["kur"], date(2026, 3, 12))
    server.put(server.home, changed["id"], changed | {"type": "exception", "subject": "Anreise"})
    passes.done()
    assert overrides(passes.blocks()["Kur"]) == [(date(2026, 3, 12), "Anreise")]


def test_what_is_changed_here_is_changed_there_on_the_same_day(server: Foreign, passes: ForeignPasses) -> None:
    """The day after was cancelled there, and then here too."""
    passes.shell.host.create(ADA, Series(whole(MONDAY, "Urlaub"), RecurrenceRule.parse("FREQ=DAILY;COUNT=8")))
    passes.done()
    (series,), (ref,) = server.titles(server.work), passes.shell.host.all_of(ADA)
    cancelled, other = Override(date(2026, 3, 12), None), Override(date(2026, 3, 14), whole(date(2026, 3, 14), "Probe"))
    passes.shell.host.edit(ADA, ref, overrides=(cancelled,))
    passes.done(3)
    assert server.exceptions(server.work, series) == {date(2026, 3, 12): None}
    passes.shell.host.edit(ADA, ref, overrides=(cancelled, other))
    passes.done(3)
    assert server.exceptions(server.work, series) == {date(2026, 3, 12): None, date(2026, 3, 14): "Probe"}
    assert overrides(passes.here()["Urlaub"]) == [(date(2026, 3, 12), None), (date(2026, 3, 14), "Probe")]
