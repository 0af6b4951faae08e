"""Hypothesis strategies of everything that can be tied by a link; shared by all tests.

Times lie from 2024 to 2028 in zones whose rules differ in kind (no summer time, half an hour, an offset that goes back
in Ramadan), and often right beside a change of the offset. Series have overrides on real occurrences.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from marketplace_plugin.model.contact import Contact, Labelled, PostalAddress
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Override,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
    original_key,
)
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import WEEKDAYS, Frequency, RecurrenceRule
from marketplace_plugin.model.task import Call, Priority, Task, TaskStatus
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Window, Zoned

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "UTC",
)
EDGES = (  # wall times in or beside a gap or an overlap of some zone above
    datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 - naive wall times, here and below
    datetime(2026, 10, 25, 2, 30),  # noqa: DTZ001
    datetime(2026, 3, 8, 2, 30),  # noqa: DTZ001
    datetime(2026, 11, 1, 1, 30),  # noqa: DTZ001
    datetime(2026, 10, 4, 2, 15),  # noqa: DTZ001
    datetime(2026, 4, 5, 1, 45),  # noqa: DTZ001
)

zones = st.sampled_from(ZONES)
dates = st.dates(date(2024, 1, 1), date(2028, 12, 31)) | st.sampled_from(
    [date(2024, 2, 29), date(2026, 1, 31), date(2026, 3, 29), date(2026, 12, 31)]
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
titles = texts | st.sampled_from(["Zahnarzt", "Straße  42", "Cafe\u0301", "Zeile\r\nzwei ", "Übergabe\t"])
addresses = st.sampled_from(["ada@example.org", "bob@example.org", "cem@example.net", "dee@example.com"])
walls = st.builds(
    lambda day, minutes: datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes),
    dates,
    st.integers(0, 24 * 60 - 1),
) | st.sampled_from(EDGES)
durations = st.sampled_from([timedelta(minutes=m) for m in (0, 15, 30, 60, 90, 24 * 60, 26 * 60, 3 * 24 * 60)])


@st.composite
def zoneds(draw: st.DrawFn) -> Zoned:
    return Zoned(draw(walls), draw(zones), draw(st.sampled_from([0, 0, 0, 1])))


@st.composite
def timed(draw: st.DrawFn) -> Timed:
    """Ends in the zone of its start, or (one in four) in another one, as a flight does."""
    start = draw(zoneds())
    other = draw(st.sampled_from([start.zone] * 3 + [draw(zones)]))
    return Timed(start, Zoned.at(start.instant() + draw(durations), other))


@st.composite
def all_day(draw: st.DrawFn) -> AllDay:
    start = draw(dates)
    return AllDay(start, start + timedelta(days=draw(st.integers(1, 4))))


whens: st.SearchStrategy[When] = timed() | all_day()


@st.composite
def attendees(draw: st.DrawFn) -> tuple[Attendee, ...]:
    found = draw(st.lists(addresses, max_size=3, unique=True))
    return tuple(
        Attendee(address, draw(texts), draw(st.sampled_from(Response)), draw(st.booleans())) for address in found
    )


@st.composite
def events(draw: st.DrawFn, when: st.SearchStrategy[When] = whens, masked: bool = False) -> Event:
    """``masked``: some fields may be UNKNOWN."""

    def field(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.just(UNKNOWN) | strategy if masked else strategy)

    return Event(
        when=draw(when),
        title=field(titles),
        description=field(texts),
        location=field(texts),
        show_as=field(st.sampled_from(ShowAs)),
        sensitivity=field(st.sampled_from(Sensitivity)),
        status=draw(st.sampled_from(Status)),
        reminder=field(st.none() | st.integers(0, 40320)),
        organizer=draw(st.none() | st.builds(Attendee, addresses)),
        attendees=field(attendees()),
        response=draw(st.none() | st.sampled_from(Response)),
        conference=draw(st.sampled_from(["", "https://meet.example.org/abc"])),
    )


plain_events = st.builds(Event, when=whens, title=titles, location=texts, show_as=st.sampled_from(ShowAs))
"""Without attendees: events that any service may be given."""


@st.composite
def ends(draw: st.DrawFn, start: Original) -> dict[str, Any]:
    """COUNT, UNTIL (an instant for a timed series, often just beside an occurrence's start) or neither."""
    kind = draw(st.sampled_from(["never", "count", "until"]))
    if kind == "never":
        return {}
    if kind == "count":
        return {"count": draw(st.integers(1, 20))}
    days = draw(st.integers(0, 400))
    if isinstance(start, Zoned):
        wall = Zoned(start.wall + timedelta(days=days), start.zone).instant()
        return {"until": wall + timedelta(seconds=draw(st.sampled_from([-1, 0, 1, 3600])))}
    return {"until": start + timedelta(days=days)}


@st.composite
def rules(draw: st.DrawFn, start: Original) -> RecurrenceRule:
    """A rule of any date-based kind whose first occurrence need not be the start."""
    return replace(draw(shapes()), **draw(ends(start)))


@st.composite
def shapes(draw: st.DrawFn) -> RecurrenceRule:
    """A rule without an end."""
    freq = draw(st.sampled_from([Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY, Frequency.YEARLY]))
    by: dict[str, tuple[int, ...]] = {}
    by_day: tuple[tuple[int, str], ...] = ()
    week_start = "MO"
    days = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True)

    def plain(names: list[str]) -> tuple[tuple[int, str], ...]:
        return tuple((0, name) for name in sorted(names, key=WEEKDAYS.index))

    if freq is Frequency.DAILY and draw(st.booleans()):
        by_day = plain(draw(days))
    elif freq is Frequency.WEEKLY:
        week_start = draw(st.sampled_from(["MO", "SU", "WE"]))
        by_day = plain(draw(days)) if draw(st.booleans()) else ()
    elif freq is Frequency.MONTHLY:
        kind = draw(st.sampled_from(["start", "days", "nth", "last-workday"]))
        if kind == "days":
            by["BYMONTHDAY"] = tuple(
                sorted(draw(st.sets(st.sampled_from([1, 15, 28, 29, 30, 31, -1, -2]), min_size=1)))
            )
        elif kind == "nth":
            by_day = ((draw(st.sampled_from([1, 2, 3, 4, 5, -1, -2])), draw(st.sampled_from(WEEKDAYS))),)
        elif kind == "last-workday":
            by_day = plain(["MO", "TU", "WE", "TH", "FR"])
            by["BYSETPOS"] = (draw(st.sampled_from([1, 2, -1])),)
    elif freq is Frequency.YEARLY and draw(st.booleans()):
        by["BYMONTH"] = (draw(st.integers(1, 12)),)
        if draw(st.booleans()):
            by_day = ((draw(st.sampled_from([1, 2, -1])), draw(st.sampled_from(WEEKDAYS))),)
        else:
            by["BYMONTHDAY"] = (draw(st.sampled_from([1, 28, 29, 30, 31, -1])),)
    return RecurrenceRule(
        freq, draw(st.integers(1, 4)), by_day=by_day, by=tuple(sorted(by.items())), week_start=week_start
    )


@st.composite
def series(draw: st.DrawFn, master: st.SearchStrategy[Event] = plain_events) -> Series:
    """A daily or weekly series with up to three overrides on its occurrences: changed, moved or cancelled."""
    event = draw(master)
    start = event.when.start
    weekly = draw(st.booleans())
    freq, unit = (Frequency.WEEKLY, 7) if weekly else (Frequency.DAILY, 1)
    rule = RecurrenceRule(freq, draw(st.integers(1, 3)), **draw(ends(start)))
    step = timedelta(days=unit * rule.interval)
    if rule.count is not None:
        last = rule.count - 1
    elif rule.until is not None:
        last = max(0, _steps_until(start, rule.until, step))
    else:
        last = 20
    chosen = draw(st.sets(st.integers(0, min(last, 20)), max_size=3))
    originals = [_shift(start, step * n) for n in chosen]
    overrides = [Override(o, draw(st.none() | _overriding(event, o))) for o in originals]
    return Series(event, rule, tuple(sorted(overrides, key=lambda o: original_key(o.original))))


def _steps_until(start: Original, until: date | datetime, step: timedelta) -> int:
    steps = 0
    while steps < 30:
        following = _shift(start, step * (steps + 1))
        at: date | datetime = following.instant() if isinstance(following, Zoned) else following
        if at > until:
            break
        steps += 1
    return steps


def _shift(start: Original, by: timedelta) -> Original:
    return Zoned(start.wall + by, start.zone) if isinstance(start, Zoned) else start + by


def _overriding(event: Event, original: Original) -> st.SearchStrategy[Event]:
    """What a changed occurrence may be: another title, moved by some hours or days, or (seldom) of another kind."""

    def moved(by: timedelta, title: str) -> Event:
        if isinstance(original, Zoned):
            start = Zoned(original.wall + by, original.zone)
            return replace(
                event, when=Timed(start, Zoned.at(start.instant() + timedelta(hours=1), start.zone)), title=title
            )
        day = original + timedelta(days=by.days)
        return replace(event, when=AllDay(day, day + timedelta(days=1)), title=title)

    shifts = st.sampled_from(
        [timedelta(0), timedelta(hours=2), timedelta(days=1), timedelta(days=-2), timedelta(days=40)]
    )
    other_kind = whens.map(lambda when: replace(event, when=when))
    return st.builds(moved, shifts, titles) | other_kind


contacts = st.builds(
    Contact,
    given_name=titles,
    family_name=titles,
    company=texts,
    emails=st.lists(st.builds(Labelled, st.sampled_from(["work", "home"]), addresses), max_size=2).map(tuple),
    display_name=texts,
    phones=st.lists(st.builds(Labelled, st.just("mobile"), st.just("+49 30 123456")), max_size=2).map(tuple),
    addresses=st.lists(
        st.builds(PostalAddress, label=st.sampled_from(["work", "home"]), street=texts, city=titles), max_size=2
    ).map(tuple),
    websites=st.lists(st.just("https://example.org"), max_size=1).map(tuple),
    birthday=st.none() | dates | st.just(date(4, 2, 29)),
    notes=texts,
)
tasks = st.builds(
    Task,
    title=titles,
    notes=texts,
    due=st.none() | dates | timed(),
    status=st.sampled_from(TaskStatus),
    priority=st.sampled_from(Priority),
    reminder=st.none() | zoneds(),
    completed=st.none() | dates,
)
calls = st.builds(Call, title=titles, when=timed(), phone=texts, notes=texts, done=st.booleans())

items: st.SearchStrategy[Item] = (
    events(masked=True) | series(master=events(masked=True)) | plain_events | series() | contacts | tasks | calls
)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = datetime.combine(draw(dates), datetime.min.time(), UTC)
    return Window(start, start + timedelta(days=draw(st.sampled_from([1, 7, 31, 395]))))
