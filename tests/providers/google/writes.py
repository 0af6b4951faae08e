"""What the tests of writing share: items of ours, and the writes that they go through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from marketplace_plugin.model.change import Found
from marketplace_plugin.model.event import (
    Event,
    Override,
    Series,
)
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Outcome,
    Update,
)
from marketplace_plugin.providers.google import GoogleAccount
from tests.providers.google.world import (
    ANNA,
    BERLIN,
    World,
    one,
    series_of,
    stamp,
    when,
)

TEAM = "team@group.calendar.google.com"
WEEKLY = RecurrenceRule.parse("FREQ=WEEKLY")


def wall(day: int, hour: int = 10, month: int = 12) -> datetime:
    return datetime.fromisoformat(f"2026-{month:02}-{day:02}T{hour:02}:00")


def original(day: int, hour: int = 10) -> Zoned:
    return Zoned(wall(day, hour), BERLIN)


OURS = Event(when=when(wall(1)), title="Ours", description="a <b> & c\nd", location="Here", reminder=10)
MOVED = replace(OURS, when=when(wall(9, 15)), title="Moved")
SERIES = Series(OURS, WEEKLY, (Override(original(8), MOVED), Override(original(15), None)))


@contextmanager
def silent_world() -> Iterator[World]:
    """A world with a second calendar of Anna's; at its end nobody was mailed and no conference data written."""
    with World() as world:
        world.sandbox.state.add_calendar(ANNA, calendar_id=TEAM, summary="Team")
        yield world
        assert not world.sandbox.state.outbox
        for row in world.requests():
            if row.method != "GET":
                assert ("sendUpdates", "none") in row.params
                assert b"conferenceData" not in row.body


def stored(outcome: Outcome) -> Found:
    assert isinstance(outcome, Applied), outcome
    assert outcome.stored is not None
    assert outcome.stored.revision == outcome.revision
    return outcome.stored


def create(google: GoogleAccount, item: Event | Series = OURS, op: str = "create") -> Found:
    return stored(one(google, Create(op, stamp("link"), item)))


def update(there: Found, item: Event | Series, *changed: str, op: str = "update") -> Update:
    return Update(op, there.id, there.revision, there.item, item, frozenset(changed))


def master_of(item: Found, **changed: object) -> Series:
    series = series_of(item)
    return replace(series, master=replace(series.master, **changed))  # type: ignore[arg-type]  # names are the test's
