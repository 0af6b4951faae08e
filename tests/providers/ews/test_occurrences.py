"""Writing series to Exchange: the master, its rule, and each occurrence by its number and its start."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from lxml import etree

from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.event import Event, Override, Series, original_key
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.model.write import Applied, Create, Partial, Refused, RefusedCode, Stale
from tests.providers.ews.world import EwsServing, World
from tests.providers.serving import (
    STAMP,
    at,
    daily,
    equal,
    fetch,
    made,
    meeting,
    pull,
    push,
    stored,
    update,
    whole_days,
)


def test_a_new_rule_writes_the_exceptions_anew(world: World, serving: EwsServing) -> None:
    overrides = (Override(at(24, 9), meeting("verlegt", 24, 15)), Override(at(26, 9), None))
    found = made(serving, daily("Stand-up", *overrides))
    world.forget()
    item = daily("Stand-up", *overrides, rule="FREQ=DAILY;COUNT=10")
    after = stored(*push(serving, update(found, item, "op-u", "rule")))
    assert equal(serving, after.item, item)
    assert world.counts()["UpdateItem"] == 2  # the master, the exception
    assert world.counts()["DeleteItem"] == 1


def test_exceptions_that_cannot_be_written_anew_are_told(world: World, serving: EwsServing) -> None:
    overrides = (Override(at(24, 9), meeting("verlegt", 24, 15)), Override(at(25, 9), meeting("auch", 25, 16)))
    found = made(serving, daily("Stand-up", *overrides))
    world.sandbox.faults.add("error", operation="UpdateItem", code="ErrorItemSave", skip=2)
    item = daily("Stand-up", *overrides, rule="FREQ=DAILY;COUNT=10")
    (outcome,) = push(serving, update(found, item, "op-u", "rule"))
    assert isinstance(outcome, Partial)
    assert outcome.left == (original_key(at(25, 9)),)
    assert outcome.current is not None
    again = stored(*push(serving, update(outcome.current, item, "op-v", "rule", "overrides")))
    assert equal(serving, again.item, item)


def test_a_new_series_whose_exceptions_got_lost_is_there_and_told(world: World, serving: EwsServing) -> None:
    item = daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15)))
    world.sandbox.faults.add("drop_after", operation="UpdateItem")
    (outcome,) = push(serving, Create("op", STAMP, item))
    assert isinstance(outcome, Partial)
    assert len(serving.open().find(serving.calendar, [STAMP])[STAMP]) == 1


def test_the_number_of_an_occurrence_is_checked_by_its_start(world: World, serving: EwsServing) -> None:
    """Should the server count otherwise than we do, nothing is written at the wrong place."""
    found = made(serving, daily())
    provider = serving.open()
    reader: Any = provider._reader  # type: ignore[attr-defined]  # the real one
    items = reader.items

    def counts_otherwise(collection: str, ids: Any) -> Any:
        for one in ids:
            if one.get("InstanceIndex"):
                one.set("InstanceIndex", str(int(one.get("InstanceIndex")) + 1))
        return items(collection, ids)

    reader.items = counts_otherwise
    item = daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15)))
    (outcome,) = provider.push(serving.calendar, [update(found, item, "op-u", "overrides")])
    assert isinstance(outcome, Stale)
    assert equal(serving, fetch(serving, found.id).item, daily())


def test_an_occurrence_that_somebody_deleted_meanwhile_is_left_deleted(world: World, serving: EwsServing) -> None:
    found = made(serving, daily())
    item = daily("Stand-up", Override(at(24, 9), meeting("a", 24, 15)), Override(at(25, 9), meeting("b", 25, 15)))
    provider = serving.open()
    client: Any = provider._reader.client  # type: ignore[attr-defined]  # the real one
    one = client.one

    def and_somebody(payload: Any) -> Any:
        answer = one(payload)
        if etree.QName(payload).localname == "UpdateItem":
            user = world.user()
            if at(25, 9).wall.date() not in user.find(found.id).item.calendar.deleted:
                user.delete(user.occurrence(found.id, date(2026, 11, 25)))
        return answer

    client.one = and_somebody
    (outcome,) = provider.push(serving.calendar, [update(found, item, "op-u", "overrides")])
    assert isinstance(outcome, Partial)
    assert outcome.left == (original_key(at(25, 9)),)
    now = fetch(serving, found.id).item
    assert isinstance(now, Series)
    assert now.override(at(25, 9)) == Override(at(25, 9), None)


def test_occurrences_far_out_and_of_whole_days(world: World, serving: EwsServing) -> None:
    far = Zoned(datetime(2031, 3, 3, 9), "Europe/Berlin")  # noqa: DTZ001  # a wall time
    endless = Series(
        meeting("Montags"),
        RecurrenceRule.parse("FREQ=WEEKLY"),
        (Override(far, replace(meeting("später"), when=Timed(far, replace(far, wall=far.wall.replace(hour=12))))),),
    )
    assert equal(serving, made(serving, endless).item, endless)
    moved = Event(when=AllDay(date(2026, 11, 28), date(2026, 11, 29)), title="x")
    days = Series(
        whole_days("Urlaub"),
        RecurrenceRule.parse("FREQ=DAILY;INTERVAL=2;COUNT=5"),
        (Override(date(2026, 11, 25), None), Override(date(2026, 11, 27), moved)),
    )
    assert equal(serving, made(serving, days, "op-2", Stamp("instance-1", "link-2")).item, days)


@pytest.mark.parametrize("day", [22, 24])
def test_an_occurrence_never_passes_its_neighbour(world: World, serving: EwsServing, day: int) -> None:
    moved = daily("Stand-up", Override(at(23, 9), meeting("x", day, 15)))
    if day == 22:  # nothing before it
        assert isinstance(push(serving, Create("op", STAMP, moved))[0], Applied)
        return
    assert push(serving, Create("op", STAMP, moved)) == [Refused("op", RefusedCode.UNSUPPORTED)]
    assert pull(serving).last == {}
