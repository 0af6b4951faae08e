"""The exact form keeps everything; the normal form forgets what services rewrite, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Override, Response, Series
from marketplace_plugin.model.form.canonical import (
    EVENT_FIELDS,
    changed_fields,
    decode,
    digest,
    dumps,
    encode,
    loads,
    normal,
    project,
    same,
)
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from tests.model import strategies

DAY = AllDay(date(2026, 11, 21), date(2026, 11, 22))
NINE = Zoned(datetime(2026, 11, 21, 9), "Europe/Berlin")  # noqa: DTZ001 - a wall time
TEN = Zoned(datetime(2026, 11, 21, 10), "Europe/Berlin")  # noqa: DTZ001


@given(strategies.items)
def test_exact_form_round_trips(item: Item) -> None:
    assert decode(encode(item)) == item
    assert loads(dumps(item)) == item
    assert dumps(loads(dumps(item))) == dumps(item)


@given(strategies.items)
def test_exact_form_is_plain_json(item: Item) -> None:
    assert json.loads(dumps(item)) == encode(item)


@given(strategies.items)
def test_normal_form_is_idempotent_and_equal(item: Item) -> None:
    once = normal(item)
    assert normal(once) == once
    assert digest(once) == digest(item)
    assert same(item, once)
    assert changed_fields(item, once) == frozenset()


@given(strategies.events(masked=True), st.sampled_from(sorted(EVENT_FIELDS)))
def test_digest_of_one_field_sees_that_field_only(event: Event, name: str) -> None:
    default: Any = getattr(Event(when=event.when), name)
    other = replace(event, **{name: default})
    differs = normal(event) != normal(other)
    assert (digest(event, frozenset({name})) != digest(other, frozenset({name}))) is differs
    assert digest(event, EVENT_FIELDS - {name}) == digest(other, EVENT_FIELDS - {name})
    assert (digest(event) != digest(other)) is differs
    assert changed_fields(event, other) == (frozenset({name}) if differs else frozenset())


@pytest.mark.parametrize(
    "a, b",
    [
        ("eins\r\nzwei", "eins\nzwei"),
        ("eins  \nzwei\t", "eins\nzwei"),
        ("eins\n\n", "eins"),
        ("Cafe\u0301", "Café"),
    ],
)
def test_rewritten_text_is_the_same_text(a: str, b: str) -> None:
    assert digest(Event(when=DAY, description=a)) == digest(Event(when=DAY, description=b))


@pytest.mark.parametrize("a, b", [("eins zwei", "eins  zwei"), (" eins", "eins"), ("Eins", "eins"), ("", UNKNOWN)])
def test_other_text_is_another_text(a: Any, b: Any) -> None:
    assert digest(Event(when=DAY, title=a)) != digest(Event(when=DAY, title=b))


def test_attendees_have_no_order_and_addresses_no_case() -> None:
    ada, bob = Attendee("ada@example.org", "Ada"), Attendee("bob@example.org", response=Response.ACCEPTED)
    there = (bob, replace(ada, address="Ada@Example.org", name="Ada "))
    assert same(Event(when=DAY, attendees=(ada, bob)), Event(when=DAY, attendees=there))
    answered = (ada, replace(bob, response=Response.DECLINED))
    assert changed_fields(Event(when=DAY, attendees=(ada, bob)), Event(when=DAY, attendees=answered)) == {"attendees"}


def test_a_zone_with_the_same_rules_is_no_change() -> None:
    here = Event(when=Timed(NINE, TEN))
    there = Event(when=Timed(replace(NINE, zone="Europe/Busingen"), replace(TEN, zone="Europe/Busingen")))
    elsewhere = Event(when=Timed(replace(NINE, zone="Africa/Lagos"), replace(TEN, zone="Africa/Lagos")))
    assert same(here, there)
    assert changed_fields(here, elsewhere) == {"when"}


def test_the_second_of_two_equal_wall_times_is_another_time() -> None:
    first = Zoned(datetime(2026, 10, 25, 2, 30), "Europe/Berlin")  # noqa: DTZ001
    end = Zoned(datetime(2026, 10, 25, 4), "Europe/Berlin")  # noqa: DTZ001
    assert changed_fields(Event(when=Timed(first, end)), Event(when=Timed(replace(first, fold=1), end))) == {"when"}


def test_a_projection_reaches_the_overrides() -> None:
    changed = Event(when=DAY, title="verlegt", location="Raum 2")
    series = Series(
        Event(when=DAY, title="Runde", location="Raum 1"),
        RecurrenceRule.parse("FREQ=DAILY;COUNT=3"),
        (Override(date(2026, 11, 21), changed), Override(date(2026, 11, 22), None)),
    )
    held = project(series, Capabilities(fields=frozenset({"title"})))
    assert isinstance(held, Series)
    assert held.master == Event(when=DAY, title="Runde")
    assert held.overrides == (
        Override(date(2026, 11, 21), Event(when=DAY, title="verlegt")),
        Override(date(2026, 11, 22), None),
    )
    assert project(held, Capabilities(fields=frozenset({"title"}))) == held


def test_event_and_series_differ_in_type() -> None:
    event = Event(when=DAY, title="Runde")
    series = Series(event, RecurrenceRule.parse("FREQ=DAILY"))
    assert changed_fields(event, series) == {"type", "rule", "rdates", "overrides"}
    assert changed_fields(series, event) == {"type"}
    assert not same(event, series)
    assert digest(event) != digest(series)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"v": 2, "type": "event"},
        {"v": 1, "type": "meeting"},
        {"v": 1, "type": "event"},
        {**encode(Event(when=DAY)), "when": ["2026-11-21"]},
        {**encode(Event(when=DAY)), "when": ["2026-11-21", "2026-11-21"]},
        {**encode(Event(when=DAY)), "show_as": "asleep"},
        {**encode(Event(when=DAY)), "attendees": [["ada@example.org"]]},
    ],
)
def test_malformed_form_is_a_value_error(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(data)


@pytest.mark.parametrize("text", [b"[]", b"null", b"{", b"\xff"])
def test_malformed_bytes_are_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_a_digest_stays_what_it_was() -> None:
    """Stored digests outlive releases: whoever changes the form raises ``VERSION`` and migrates."""
    event = Event(when=Timed(NINE, TEN), title="Zahnarzt")
    assert digest(event) == "b7845dbeab091f3ac3b65756c201d722bc7e8e281f2685720a79692b2f87eda1"
