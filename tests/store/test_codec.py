"""What is sealed comes back equal, in value and in type."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from marketplace_plugin.model.change import (
    Access,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    HostGone,
    HostItem,
    Revision,
    Stamp,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Override, Response, Series, ShowAs
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import AllDay, Timed, Window, Zoned
from marketplace_plugin.model.write import Create, Delete, HostCreate, HostDelete, HostUpdate, Move, Update
from marketplace_plugin.store import codec
from marketplace_plugin.sync.reason import Reason

NOON = datetime(2026, 11, 21, 12, 0)  # noqa: DTZ001 - a wall time
TIMED = Timed(Zoned(NOON, "Europe/Berlin"), Zoned(NOON.replace(hour=13, fold=1), "Europe/Berlin"))
EVENT = Event(
    when=TIMED,
    title="Zahnarzt 🦷",
    location=UNKNOWN,
    attendees=(Attendee("a@example.org", response=Response.DECLINED),),
)
ALL_DAY = Event(when=AllDay(date(2026, 11, 21), date(2026, 11, 23)), show_as=ShowAs.FREE, reminder=0)
SERIES = Series(EVENT, RecurrenceRule.parse("FREQ=WEEKLY;COUNT=5"), (Override(Zoned(NOON, "Europe/Berlin"), None),))
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
REVISION = Revision('"e1"', (("2026-11-21", '"e2"'),))
FOUND = Found(
    "ID-a", REVISION, SERIES, "uid", Stamp("i", "l"), Access.ATTENDEE, datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC)
)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        "text",
        date(2026, 2, 28),
        datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=UTC),
        timedelta(microseconds=-5),
        (1, ("a", None)),
        frozenset({"b", "a"}),
        {"a": EVENT, Kind.TASK: 1},
        Reason.BRAKE,
        EVENT,
        ALL_DAY,
        SERIES,
        Contact(given_name="Ada", phones=(Labelled("work", "+49"),), birthday=date(4, 2, 29)),
        Task(title="x", due=date(2026, 1, 1)),
        Call(title="y", when=TIMED),
        Upsert(FOUND),
        Tombstone("x", confirmed=False),
        Unreadable("x", UnreadableReason.UNKNOWN_ZONE),
        Gone("x"),
        Cursor("t", "f", WINDOW),
        Checkpoint("t", "f", True, None),
        HostItem("7", 3, EVENT, uids=("u",)),
        HostGone("7", withdrawn=True),
        CollectionInfo("me@example.org", Kind.EVENT, "Privat", Role.OWNER, Capabilities(frozenset({"title"}))),
        Create("op", Stamp("i", "l"), EVENT),
        Update("op", "id", REVISION, EVENT, ALL_DAY, frozenset({"title"})),
        Delete("op", "id", REVISION),
        Move("op", "id", REVISION, "to"),
        HostCreate("op", EVENT, ("u",)),
        HostUpdate("op", "7", 3, EVENT, frozenset({"when"})),
        HostDelete("op", "7", 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_round_trip(value: Any) -> None:
    back = codec.decode(codec.encode(value))
    assert back == value
    assert type(back) is type(value)


def test_a_field_at_its_default_takes_no_place() -> None:
    assert "confirmed" not in codec.to_plain(Tombstone("x"))


def test_what_is_not_of_the_model_is_refused() -> None:
    with pytest.raises(TypeError, match="no value of the model"):
        codec.encode(object())
    with pytest.raises(ValueError, match="no class of the model"):
        codec.decode(b'{"$": "Popen", "args": "ls"}')
