"""Expansion agrees with two independent programs on generated series: recurring-ical-events and ical.

``ORACLE_SERIES=5000 pytest tests/model/test_expand_oracles.py`` runs more of them. Where the programs differ from us,
or from each other, the case is kept out here and settled in ``test_expand_goldens.py`` by the RFC's own words:

* Ends are not compared: both add durations to wall times, RFC 5545 3.8.5.3 asks for the exact duration.
* A start inside a DST gap or in an overlap is compared in the goldens.
* DTSTART is one that the rule names ("SHOULD be synchronized", 3.8.5.3), and UNTIL is not before it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import icalendar
import pytest
import recurring_ical_events
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream

from marketplace_plugin.model.event import Event, Override, Series, original_key
from marketplace_plugin.model.series.expand import is_original, occurrences, originals, span_of
from marketplace_plugin.model.series.recurrence_set import recurrence_set
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Window, Zoned, span, zone
from tests.model import strategies
from tests.model.icalendar_text import calendar

SERIES = int(os.environ.get("ORACLE_SERIES", "150"))

Start = date | datetime
Oracle = Callable[[Series, Window], list[tuple[Start, str]]]


def by_recurring_ical_events(series: Series, window: Window) -> list[tuple[Start, str]]:
    parsed = icalendar.Calendar.from_ical(calendar(series))
    told = recurring_ical_events.of(parsed).between(window.start - timedelta(days=2), window.end + timedelta(days=2))
    return [(_start(event["DTSTART"].dt), str(event["SUMMARY"])) for event in told]


def by_ical(series: Series, window: Window) -> list[tuple[Start, str]]:
    parsed = IcsCalendarStream.calendar_from_ics(calendar(series))
    told = parsed.timeline_tz(UTC).overlapping(window.start - timedelta(days=2), window.end + timedelta(days=2))
    return [(_start(event.dtstart), event.summary or "") for event in told if event.dtstart is not None]


def _start(at: date | datetime) -> Start:
    return at.astimezone(UTC) if isinstance(at, datetime) else at


def ours(series: Series, window: Window) -> list[tuple[Start, str]]:
    told = occurrences(series, Window(window.start - timedelta(days=2), window.end + timedelta(days=2)), "UTC")
    assert not told.truncated
    return [
        (o.event.when.start.instant() if isinstance(o.event.when, Timed) else o.event.when.start, str(o.event.title))
        for o in told.occurrences
    ]


def within(told: list[tuple[Start, str]], window: Window) -> list[tuple[Start, str]]:
    """Those that start inside: what only reaches into the window depends on the ends."""

    def inside(at: Start) -> bool:
        if isinstance(at, datetime):
            return window.start <= at < window.end
        return window.start.date() <= at < window.end.date()

    return sorted((entry for entry in told if inside(entry[0])), key=str)


def is_plain(at: Original) -> bool:
    """Neither in a gap nor in an overlap."""
    if not isinstance(at, Zoned):
        return True
    tz = zone(at.zone)
    return at.wall.replace(tzinfo=tz, fold=0).utcoffset() == at.wall.replace(tzinfo=tz, fold=1).utcoffset()


@st.composite
def cases(draw: st.DrawFn) -> tuple[Series, Window]:
    when: When = draw(strategies.timed() | strategies.all_day())
    if isinstance(when, Timed):  # to the second, and short enough not to overlap itself
        start = replace(when.start, wall=when.start.wall.replace(second=0), fold=0)
        when = Timed(start, Zoned.at(start.instant() + timedelta(minutes=30), start.zone))
    rule = draw(strategies.shapes())
    wall = when.start.wall if isinstance(when.start, Zoned) else datetime.combine(when.start, datetime.min.time())
    named = list(islice(recurrence_set(rule, wall, wall, wall + timedelta(days=366 * 9)), 2))
    assume(len(named) == 2)
    when = _at(when, named[1])  # the first one that the rule itself names
    rule = replace(rule, **draw(strategies.ends(when.start)))
    bare = Series(Event(when=when, title="regulär"), rule)
    assume(is_original(bare, when.start))
    begin = span(when, "UTC")[0] + timedelta(days=draw(st.integers(-40, 900)))
    window = Window(begin, begin + timedelta(days=draw(st.sampled_from([1, 8, 40, 400]))))
    around = list(islice(originals(bare, window), 60))
    chosen = draw(st.lists(st.sampled_from(around), max_size=3, unique_by=original_key)) if around else []
    overrides = [Override(o, draw(st.none() | st.just(_changed(bare, o, draw(st.integers(-3, 3)))))) for o in chosen]
    series = replace(bare, overrides=tuple(sorted(overrides, key=lambda o: original_key(o.original))))
    starts = [*around, *(o.event.when.start for o in overrides if o.event is not None), when.start]
    assume(all(is_plain(start) for start in starts))
    return series, window


def _at(when: When, wall: datetime) -> When:
    if isinstance(when, AllDay):
        return AllDay(wall.date(), wall.date() + timedelta(days=when.days))
    start = Zoned(wall, when.start.zone)
    return Timed(start, Zoned.at(start.instant() + when.duration, start.zone))


def _changed(series: Series, original: Original, days: int) -> Event:
    wall = original.wall if isinstance(original, Zoned) else datetime.combine(original, datetime.min.time())
    return replace(series.master, when=_at(series.master.when, wall + timedelta(days=days)), title="geändert")


@pytest.mark.parametrize("oracle", [by_recurring_ical_events, by_ical])
def test_expansion_agrees(oracle: Oracle) -> None:
    @settings(max_examples=SERIES)
    @given(cases())
    def agrees(case: tuple[Series, Window]) -> None:
        series, window = case
        assert within(ours(series, window), window) == within(oracle(series, window), window)

    agrees()


@settings(max_examples=SERIES)
@given(cases())
def test_the_span_index_holds_every_occurrence(case: tuple[Series, Window]) -> None:
    series, window = case
    start, end = span_of(series, "Europe/Berlin")
    for occurrence in occurrences(series, window, "Europe/Berlin").occurrences:
        begin, finish = span(occurrence.event.when, "Europe/Berlin")
        assert start <= begin
        assert end is None or finish <= end


@settings(max_examples=SERIES)
@given(cases(), st.integers(1, 300))
def test_two_windows_side_by_side_tell_what_one_tells(case: tuple[Series, Window], days: int) -> None:
    """Moving the start forward loses nothing and invents nothing."""
    series, window = case
    middle = window.start + (window.end - window.start) * min(days, 299) / 300
    assume(window.start < middle < window.end)

    def keys(part: Window) -> set[str]:
        told = occurrences(series, part, "Europe/Berlin").occurrences
        return {original_key(o.original) for o in told if o.original is not None}

    assert keys(window) == keys(Window(window.start, middle)) | keys(Window(middle, window.end))
