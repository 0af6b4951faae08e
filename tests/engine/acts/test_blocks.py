"""What a host's calendar page gets of imported events: everything for the owner, times alone for colleagues."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as listening

from marketplace_plugin.contract.module import BlockView, Person
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.errors import ContentUnknown
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Override, Sensitivity, Series, ShowAs, Status
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import Frequency, RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Window, Zoned
from marketplace_plugin.sandbox.google.seed import ANNA
from marketplace_plugin.store import blocks, links
from marketplace_plugin.store.vault import Vault
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from tests.engine.shell import ADMIN, ANNA_HERE, JONAS_HERE, STRANGER, World

PLANTED = "Planted-5c21"
WEEK = Window(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC))


def wall(day: int, hour: int) -> Zoned:
    return Zoned(datetime(2026, 11, day, hour), "Europe/Berlin")  # noqa: DTZ001 - a wall time


def at(day: int, hour: int, title: str = f"{PLANTED} title") -> Event:
    return Event(
        when=Timed(wall(day, hour), wall(day, hour + 1)),
        title=title,
        location=f"{PLANTED} place",
        description=f"{PLANTED} text",
        attendees=(Attendee(f"{PLANTED}@x"),),
        sensitivity=Sensitivity.PRIVATE,
    )


def put(
    world: World,
    connection: str,
    name: str,
    item: Event | Series,
    *,
    uid: str = "",
    kind: LinkKind = LinkKind.BLOCK,
    state: LinkState = LinkState.LIVE,
    span: tuple[datetime, datetime | None] = (WEEK.start, WEEK.end),
) -> None:
    now = world.clock()
    link = Link(
        name,
        kind,
        ANNA_HERE.id,
        connection,
        ANNA,
        f"remote-{name}",
        Kind.EVENT,
        None if kind is LinkKind.BLOCK else f"host-{name}",
        uid=uid,
        state=state,
    )
    with world.engine.store.begin() as unit:
        links.put(unit.connection, [link], now)
        if kind is LinkKind.BLOCK:
            shown = Block(name, ANNA_HERE.id, connection, ANNA, span, item, uid, f"https://{PLANTED}", "z", now)
            blocks.put(unit.connection, [shown])


def seen(world: World, viewer: str, window: Window = WEEK) -> list[BlockView]:
    return list(StoredBlocks(world.engine).blocks(viewer, ANNA_HERE.id, window))


def test_the_owner_sees_what_it_is(world: World, connection: str) -> None:
    put(world, connection, "b1", at(24, 9))
    (view,) = seen(world, ANNA_HERE.id)
    assert view.detail is not None
    assert (view.detail.title, view.detail.location, view.detail.description) == (
        f"{PLANTED} title",
        f"{PLANTED} place",
        f"{PLANTED} text",
    )
    assert (view.detail.link, view.detail.integration, view.detail.account) == ("b1", "Google Kalender", ANNA)
    assert view.detail.calendar
    assert view.detail.convertible


@pytest.mark.parametrize("viewer", [JONAS_HERE, ADMIN])
def test_a_colleague_sees_when_and_nothing_else(
    world: World, connection: str, viewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, connection, "the-link", replace(at(24, 9), show_as=ShowAs.OUT_OF_OFFICE, status=Status.TENTATIVE))
    put(world, connection, "free", replace(at(25, 9), show_as=ShowAs.FREE))
    put(world, connection, "cancelled", replace(at(26, 9), status=Status.CANCELLED))

    def closed(*_: object) -> bytes:
        raise AssertionError("the vault is opened on behalf of a colleague")

    monkeypatch.setattr(Vault, "open", closed)
    (view,) = seen(world, viewer.id)
    assert (view.when, view.show_as, view.status, view.detail) == (
        at(24, 9).when,
        ShowAs.BUSY,
        Status.CONFIRMED,
        None,
    )
    assert PLANTED not in repr(view)
    assert "the-link" not in repr(view)


@pytest.mark.parametrize("viewer", [STRANGER.id, "nobody"])
def test_who_may_not_look_sees_nothing(world: World, connection: str, viewer: str) -> None:
    put(world, connection, "b1", at(24, 9))
    assert seen(world, viewer) == []
    assert list(StoredBlocks(world.engine).blocks(viewer, "nobody", WEEK)) == []


def test_keys_differ_by_viewer_and_occurrence(world: World, connection: str) -> None:
    put(world, connection, "b1", Series(at(23, 9), RecurrenceRule.parse("FREQ=DAILY")))
    own = {view.key for view in seen(world, ANNA_HERE.id)}
    others = {view.key for view in seen(world, JONAS_HERE.id)}
    assert len(own) == len(others) == 7
    assert not own & others


def test_a_series_is_expanded_with_what_became_of_each_occurrence(world: World, connection: str) -> None:
    moved = replace(at(24, 14, f"{PLANTED} moved"), show_as=ShowAs.FREE)
    series = Series(
        at(23, 9),
        RecurrenceRule.parse("FREQ=DAILY;COUNT=3"),
        (Override(wall(24, 9), moved), Override(wall(25, 9), None)),
    )
    put(world, connection, "b1", series)
    views = seen(world, ANNA_HERE.id)
    assert [(view.when, view.show_as) for view in views] == [
        (at(23, 9).when, ShowAs.BUSY),
        (moved.when, ShowAs.FREE),
    ]
    assert [view.detail.title for view in views if view.detail] == [f"{PLANTED} title", f"{PLANTED} moved"]
    assert [view.when for view in seen(world, JONAS_HERE.id)] == [at(23, 9).when]  # then she is free


def test_sorted_by_start_with_whole_days_in_the_owners_zone(world: World, connection: str) -> None:
    put(world, connection, "b1", at(24, 9))
    put(world, connection, "b2", Event(when=AllDay(date(2026, 11, 24), date(2026, 11, 25))))
    put(world, connection, "b3", at(23, 22))
    assert [view.detail.link for view in seen(world, ANNA_HERE.id) if view.detail] == ["b3", "b2", "b1"]


def test_the_same_meeting_by_two_ways_is_one_block(world: World, connection: str) -> None:
    weekly = Series(at(24, 9), RecurrenceRule.parse("FREQ=WEEKLY"))
    put(world, connection, "b1", weekly, uid="uid@x")
    put(world, connection, "b2", weekly, uid="uid@x")
    put(world, connection, "b3", at(24, 9), uid="other@x")
    put(world, connection, "b4", at(24, 9))
    put(world, connection, "b5", at(24, 9))
    for viewer in (ANNA_HERE, JONAS_HERE):
        assert len(seen(world, viewer.id)) == 4
    with world.engine.store.begin() as unit:
        links.remove(unit.connection, ["b1"], world.clock())
    assert len(seen(world, ANNA_HERE.id)) == 4  # the other way still shows it


def test_what_stands_in_the_owners_calendar_is_not_shown_to_him_twice(world: World, connection: str) -> None:
    put(world, connection, "b1", at(24, 9), uid="uid@x")
    put(world, connection, "k1", at(24, 9), uid="uid@x", kind=LinkKind.CONVERTED)
    assert seen(world, ANNA_HERE.id) == []
    assert len(seen(world, JONAS_HERE.id)) == 1  # whether he may see the event is the host's to say
    put(world, connection, "k1", at(24, 9), uid="uid@x", kind=LinkKind.CONVERTED, state=LinkState.DETACHED)
    assert len(seen(world, ANNA_HERE.id)) == 1


def test_masked_and_parked_ones_cannot_be_converted(world: World, connection: str) -> None:
    put(world, connection, "b1", replace(at(24, 9), title=UNKNOWN, location=UNKNOWN, show_as=UNKNOWN))
    put(world, connection, "b2", at(25, 9), state=LinkState.PARKED)
    masked, parked = seen(world, ANNA_HERE.id)
    assert masked.detail is not None
    assert (masked.detail.title, masked.detail.location, masked.show_as) == ("", "", ShowAs.BUSY)
    assert not masked.detail.convertible
    assert parked.detail is not None
    assert not parked.detail.convertible


@pytest.mark.parametrize("name", ["title", "description", "location", "show_as", "sensitivity"])
@pytest.mark.parametrize("where", ["event", "one day of a series"])
def test_what_the_service_keeps_back_is_not_offered(world: World, connection: str, name: str, where: str) -> None:
    """It was offered, and then refused."""
    changes: dict[str, Any] = {name: UNKNOWN}
    kept_back = replace(at(24, 9), **changes)
    item: Event | Series = kept_back
    if where != "event":
        item = Series(
            at(23, 9), RecurrenceRule(Frequency.DAILY, count=3), overrides=(Override(wall(24, 9), kept_back),)
        )
    put(world, connection, "b1", item)
    assert {view.detail.convertible for view in seen(world, ANNA_HERE.id) if view.detail} == {False}
    with pytest.raises(ContentUnknown):
        convert(world.engine, ANNA_HERE, "b1")


def test_a_window_beside_the_block_is_empty(world: World, connection: str) -> None:
    put(world, connection, "b1", at(24, 9))
    later = Window(WEEK.end - timedelta(days=1), WEEK.end)
    assert seen(world, ANNA_HERE.id, later) == []


def test_when_something_last_changed(world: World, connection: str) -> None:
    view = StoredBlocks(world.engine)
    assert view.changed_at(ANNA_HERE.id) is None
    put(world, connection, "b1", at(24, 9))
    assert view.changed_at(ANNA_HERE.id) == world.clock()


def test_a_month_of_blocks_is_a_handful_of_queries(world: World, connection: str) -> None:
    for number in range(40):
        put(world, connection, f"b{number}", at(24, 9), uid=f"uid-{number}")
    statements: list[str] = []

    def count(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    listening.listen(world.engine.store.engine, "before_cursor_execute", count)
    assert len(seen(world, ANNA_HERE.id)) == 40
    mine = len([one for one in statements if one.startswith("SELECT")])
    statements.clear()
    assert len(seen(world, JONAS_HERE.id)) == 40
    assert mine <= 6
    assert len([one for one in statements if one.startswith("SELECT")]) == 1
