"""Zones and dates on the way to Microsoft Graph and back: names stay, whole days are the same dates for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from marketplace_plugin.model.change import Found, Stamp, Unreadable, UnreadableReason
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.names.zones import same_rules, to_windows
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.model.write import Refused, RefusedCode
from marketplace_plugin.providers.graph.shape import decode
from marketplace_plugin.providers.graph.shape.decode import ZONES, Calendar
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable
from tests.providers.graph.world import GraphServing, World
from tests.providers.serving import fetch, made, push, stored, update

SHARED = [
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Kyiv",
    "Europe/Helsinki",
    "America/Argentina/Cordoba",
    "Asia/Kolkata",
]
"""Zones that share their Windows name with others, and the one that CLDR gives back for it."""
EDGES = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/St_Johns", "UTC"]
NAMELESS = "Antarctica/Troll"
OWN = Calendar("own", Role.OWNER, shared=False, private=True)


@pytest.fixture
def serving() -> Iterator[GraphServing]:
    with World() as world:
        yield GraphServing(world)


def timed(zone: str, end_zone: str = "", day: int = 23) -> Event:
    start, end = datetime(2026, 11, day, 9), datetime(2026, 11, day, 11)  # noqa: DTZ001 - wall times
    return Event(when=Timed(Zoned(start, zone), Zoned(end, end_zone or zone)), title="Runde")


def weekly(event: Event, *overrides: Override) -> Series:
    return Series(event, RecurrenceRule.parse("FREQ=WEEKLY;COUNT=4"), overrides)


def when(found: Found) -> Any:
    item = found.item.master if isinstance(found.item, Series) else found.item
    assert isinstance(item, Event)
    return item.when


def edges(hour: int, zone: str, day: int = 23) -> dict[str, Any]:
    hours = (("start", hour), ("end", hour + 1))
    return {name: {"dateTime": f"2026-11-{day}T{h:02}:00:00", "timeZone": zone} for name, h in hours}


@pytest.mark.parametrize("zone", [*SHARED, *EDGES])
def test_a_zone_keeps_its_name(serving: GraphServing, zone: str) -> None:
    single = made(serving, timed(zone))
    series = made(serving, weekly(timed(zone)), "op-2", Stamp("instance-1", "link-2"))
    for found in (single, fetch(serving, single.id), series, fetch(serving, series.id)):
        assert when(found) == timed(zone).when


def test_an_event_between_two_zones_of_one_windows_name(serving: GraphServing) -> None:
    flight = timed("Europe/Madrid", "Europe/Paris")
    assert when(fetch(serving, made(serving, flight).id)) == flight.when


def test_an_occurrence_has_its_series_zone(serving: GraphServing) -> None:
    original = Zoned(datetime(2026, 11, 30, 9), "Europe/Madrid")  # noqa: DTZ001 - a wall time
    item = weekly(timed("Europe/Madrid"), Override(original, replace(timed("Europe/Madrid", day=30), title="anders")))
    found = made(serving, item)
    for shown in (found.item, fetch(serving, found.id).item):
        assert isinstance(shown, Series)
        (override,) = shown.overrides
        assert override.original == original
        assert override.event is not None
        assert override.event.when == timed("Europe/Madrid", day=30).when


def test_another_time_in_the_same_zone_keeps_the_name(serving: GraphServing) -> None:
    found = made(serving, timed("Europe/Madrid"))
    serving.world.user().patch(found.id, edges(14, "Romance Standard Time"))
    moved = when(fetch(serving, found.id))
    assert (moved.start.zone, moved.start.wall.hour) == ("Europe/Madrid", 14)


def test_another_zone_is_taken_over(serving: GraphServing) -> None:
    found = made(serving, timed("Europe/Madrid"))
    serving.world.user().patch(found.id, edges(9, "FLE Standard Time"))
    assert same_rules(when(fetch(serving, found.id)).start.zone, "Europe/Kyiv")  # CLDR still says Europe/Kiev


def test_a_new_zone_of_ours_takes_the_place_of_the_old_one(serving: GraphServing) -> None:
    found = made(serving, timed("Europe/Madrid"))
    after = stored(*push(serving, update(found, timed("Europe/Paris"), "op-u", "when")))
    assert when(after) == when(fetch(serving, found.id)) == timed("Europe/Paris").when
    assert after.stamp == found.stamp
    assert fetch(serving, found.id).stamp == found.stamp


def test_what_changes_no_time_names_no_zone(serving: GraphServing) -> None:
    found = made(serving, timed("Europe/Madrid"))
    assert isinstance(found.item, Event)
    stored(*push(serving, update(found, replace(found.item, title="neu"))))
    (row,) = serving.world.requests("PATCH")
    assert ZONES not in row.body.decode()


def test_a_zone_without_a_windows_name(serving: GraphServing) -> None:
    """A single event is written in UTC, the same instant, and shown in its zone again. A series would drift."""
    assert to_windows(NAMELESS) is None
    found = made(serving, timed(NAMELESS))
    assert serving.world.user().get(found.id)["originalStartTimeZone"] == "UTC"
    assert when(fetch(serving, found.id)) == timed(NAMELESS).when
    (outcome,) = push(serving, update(found, weekly(timed(NAMELESS)), "op-u", "type", "rule"))
    assert outcome == Refused("op-u", RefusedCode.UNSUPPORTED)


def test_a_zone_without_a_name_is_no_guess(serving: GraphServing) -> None:
    """A single event is still exact, as an instant; a series is not read as if it were in UTC."""
    person = serving.world.user()
    single = person.insert({"subject": "x", **edges(9, "W. Europe Standard Time")}, custom_zone=True)
    rule = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
        "range": {"type": "noEnd", "startDate": "2026-11-23"},
    }
    body = {"subject": "x", **edges(9, "W. Europe Standard Time"), "recurrence": rule}
    series = person.insert(body, custom_zone=True)
    shown = when(fetch(serving, str(single["id"])))
    assert (shown.start.zone, shown.start.wall.hour) == ("UTC", 8)
    (answer,) = serving.open().fetch(serving.calendar, [str(series["id"])])
    assert answer == Unreadable(str(series["id"]), UnreadableReason.UNKNOWN_ZONE)


NAMED = "W. Europe Standard Time"


@pytest.mark.parametrize("told", ["tzone://Microsoft/Custom", "Customized Time Zone"])
def test_a_zone_without_a_name_is_the_one_that_the_rule_names(told: str) -> None:
    """As a last resort, for an exception as for its series."""
    times = edges(8, "UTC")
    rule = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
        "range": {"type": "numbered", "startDate": "2026-11-23", "numberOfOccurrences": 4, "recurrenceTimeZone": NAMED},
    }
    zones = {"originalStartTimeZone": told, "originalEndTimeZone": told}
    changed = {"id": "b", "subject": "b", "seriesMasterId": "a", "originalStart": "2026-11-30T08:00:00Z"}
    changed |= edges(9, "UTC", 30) | zones
    master = {"id": "a", "recurrence": rule, **zones, **times}
    item = decode.found(decode.whole({**master, "exceptionOccurrences": [changed]}), OWN).item
    assert isinstance(item, Series)
    assert isinstance(item.master.when, Timed)
    assert item.master.when.start == Zoned(datetime(2026, 11, 23, 9), "Europe/Berlin")  # noqa: DTZ001 - a wall time
    (override,) = item.overrides
    assert override.event is not None
    assert override.event.when == Timed(
        Zoned(datetime(2026, 11, 30, 10), "Europe/Berlin"),  # noqa: DTZ001 - a wall time
        Zoned(datetime(2026, 11, 30, 11), "Europe/Berlin"),  # noqa: DTZ001 - a wall time
    )
    nowhere = {**rule, "range": {**rule["range"], "recurrenceTimeZone": told}}
    with pytest.raises(Undecodable):
        decode.found(decode.whole({**master, "recurrence": nowhere}), OWN)


# --- whole days ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "zone",
    ["Line Islands Standard Time", "Samoa Standard Time", "Hawaiian Standard Time", "UTC", "Romance Standard Time"],
)
@pytest.mark.parametrize("days", [1, 3])
def test_whole_days_are_the_same_dates_wherever_they_were_made(serving: GraphServing, zone: str, days: int) -> None:
    first = date(2026, 11, 23)
    both = {"start": first, "end": first + timedelta(days=days)}
    body = {name: {"dateTime": f"{day}T00:00:00", "timeZone": zone} for name, day in both.items()}
    there = serving.world.user().insert({"subject": "Tag", "isAllDay": True, **body})
    assert when(fetch(serving, str(there["id"]))) == AllDay(first, first + timedelta(days=days))


@pytest.mark.parametrize("days", [1, 3])
def test_whole_days_of_ours_are_the_same_dates_to_everybody(serving: GraphServing, days: int) -> None:
    """Midnight to midnight of one zone, as Graph demands; shown at midnight in the zone of whoever looks."""
    first = date(2026, 11, 23)
    found = made(serving, Event(when=AllDay(first, first + timedelta(days=days)), title="Tag"))
    shown = serving.world.user().get(found.id)  # German time
    assert shown["isAllDay"]
    assert shown["start"]["timeZone"] == shown["end"]["timeZone"]
    assert [shown[edge]["dateTime"][:19] for edge in ("start", "end")] == [
        f"{day}T00:00:00" for day in (first, first + timedelta(days=days))
    ]
    (row,) = [row for row in serving.world.requests("POST") if row.path.endswith("/events")]
    assert {row.json[edge]["timeZone"] for edge in ("start", "end")} == {"UTC"}
    assert when(fetch(serving, found.id)) == AllDay(first, first + timedelta(days=days))


MAILBOXES = {
    "W. Europe Standard Time": "Europe/Berlin",
    "Pacific Standard Time": "America/Los_Angeles",
    "Tokyo Standard Time": "Asia/Tokyo",
    "GMT Standard Time": "Europe/London",
    "New Zealand Standard Time": "Pacific/Auckland",
    "India Standard Time": "Asia/Kolkata",
}


@pytest.mark.parametrize("day", [date(2026, 1, 12), date(2026, 7, 13), date(2026, 3, 29)])
@pytest.mark.parametrize("name", MAILBOXES)
def test_an_original_day_is_the_mailboxs_midnight(name: str, day: date) -> None:
    """The event names the zone that was asked for, the rule its own, or none (microsoft-graph-docs#2804, #7163)."""
    midnight = Zoned(datetime.combine(day, time()), MAILBOXES[name]).instant().astimezone(UTC)
    raw = {"originalStart": f"{midnight:%Y-%m-%dT%H:%M:%SZ}"}
    told = [(name, "UTC"), (name, name), ("", name)]
    if midnight.date() == day or midnight.hour >= 12:  # else it may be the midnight of a zone on the other side
        told.append(("", "UTC"))
    for rule, event in told:
        master = {"originalStartTimeZone": event, "recurrence": {"range": {"recurrenceTimeZone": rule}}}
        assert decode.original_of(raw, master, day) == day, (rule, event)


@pytest.mark.parametrize("name", ["UTC", *MAILBOXES])
def test_an_original_day_in_utc(name: str) -> None:
    master = {"originalStartTimeZone": name, "recurrence": {"range": {"recurrenceTimeZone": name}}}
    assert decode.original_of({"originalStart": "2026-03-09T00:00:00Z"}, master, date(2026, 3, 9)) == date(2026, 3, 9)


def test_a_series_of_whole_days_keeps_its_dates_and_exceptions(serving: GraphServing) -> None:
    first = date(2026, 11, 23)
    day = Event(when=AllDay(first, first + timedelta(days=1)), title="Tag")
    moved = Override(
        date(2026, 11, 30), replace(day, when=AllDay(date(2026, 12, 1), date(2026, 12, 3)), title="anders")
    )
    item = weekly(day, moved, Override(date(2026, 12, 7), None))
    found = made(serving, item)
    for shown in (found.item, fetch(serving, found.id).item):
        assert isinstance(shown, Series)
        assert shown.master.when == day.when
        assert [(o.original, o.event and o.event.when) for o in shown.overrides] == [
            (o.original, o.event and o.event.when) for o in item.overrides
        ]
