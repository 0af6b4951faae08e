"""Occurrences of events and series in a window, from the master, its rule and its overrides (docs/sync.md, R11).

Arithmetic is on wall times: an occurrence starts at the same clock time on each side of a change of summer time. A wall
time in a gap is read with the offset before it, one in an overlap is the first of the two (RFC 5545 3.3.5 through
3.3.10). A timed occurrence lasts exactly as long as the master does, an all-day one the same number of days (3.8.5.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from marketplace_plugin.model.event import Event, Occurrence, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.recurrence_set import GaveUp, last_of, recurrence_set
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Window, Zoned, day_of, span, zone

LIMIT = 10_000

_EARLIEST, _LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
_MARGIN = timedelta(days=2)  # more than the midnights of two zones can lie apart
_TIMED_MARGIN = timedelta(hours=26)  # more than a clock was ever put forward or back


@dataclass(frozen=True, slots=True)
class Expansion:
    """``occurrences`` sorted by start. ``truncated``: there are more, or the rule was too sparse to be walked."""

    occurrences: tuple[Occurrence, ...]
    truncated: bool = False


def occurrences(item: Event | Series, window: Window, viewer_zone: str, limit: int = LIMIT) -> Expansion:
    """What of ``item`` touches ``window``; whole days are days of ``viewer_zone`` (IANA).

    A moved override counts where it is now, not where it was. Cancelled overrides are left out; an event whose status
    is cancelled is not. An override whose original the rule no longer names is shown.
    """
    if isinstance(item, Event):
        touches = window.overlaps(span(item.when, viewer_zone))
        return Expansion((Occurrence(item),) if touches else ())
    truncated = False
    found = [
        Occurrence(o.event, o.original)
        for o in item.overrides
        if o.event is not None and window.overlaps(span(o.event.when, viewer_zone))
    ]
    replaced = {_moment(o.original) for o in item.overrides}
    shift = _Shift(item.master.when)
    regular = 0
    try:
        for original in originals(item, _reach(window, item.master.when)):
            if not shift.overlaps(original, window, viewer_zone) or (replaced and _moment(original) in replaced):
                continue
            if regular == limit:
                truncated = True
                break
            regular += 1
            found.append(Occurrence(replace(item.master, when=shift.to(original)), original))
    except GaveUp:
        truncated = True
    found.sort(key=lambda occurrence: span(occurrence.event.when, viewer_zone))
    return Expansion(tuple(found[:limit]), truncated or len(found) > limit)


def originals(series: Series, window: Window) -> Iterator[Original]:
    """The original starts that the rule and the extra dates name inside ``window`` and a little around it, ascending.

    Overrides are not looked at. Raises GaveUp for a rule that names next to nothing (``recurrence_set``).
    """
    start = series.master.when.start
    named: dict[date | datetime, Original] = {}
    after, before = _walls_around(window, start)
    for original in series.rdates:
        if after <= _wall(original) < before:
            named[_moment(original)] = original
    if series.rule is None and after <= _wall(start) < before:
        named[_moment(start)] = start
    extra = sorted(named.values(), key=_wall)
    for original in _named_by_rule(series.rule, start, after, before) if series.rule is not None else ():
        while extra and _wall(extra[0]) < _wall(original):
            yield extra.pop(0)
        if _moment(original) not in named:
            yield original
    yield from extra


def is_original(series: Series, original: Original) -> bool:
    """Whether the rule or the extra dates name this start."""
    at = _moment(original)
    instant = at if isinstance(at, datetime) else datetime.combine(at, time(), UTC)
    window = Window(instant, instant + timedelta(seconds=1))
    try:
        return any(_moment(named) == at for named in originals(series, window))
    except GaveUp:
        return False


def occurrence_at(series: Series, original: Original) -> Event | None:
    """What stands at ``original`` now: the override's content, or the master moved there; None where cancelled."""
    at = _moment(original)
    for override in series.overrides:
        if _moment(override.original) == at:
            return override.event
    return replace(series.master, when=_Shift(series.master.when).to(original))


def span_of(item: Event | Series, viewer_zone: str) -> tuple[datetime, datetime | None]:
    """Instants [start, end) that all occurrences lie in, UTC; end None where the series has none, or it is too far.

    Includes overrides that were moved out of the rule's range. It may be wider than the occurrences, never narrower.
    """
    if isinstance(item, Event):
        return span(item.when, viewer_zone)
    spans = [span(item.master.when, viewer_zone)]
    spans += [span(o.event.when, viewer_zone) for o in item.overrides if o.event is not None]
    shift = _Shift(item.master.when)
    spans += [span(shift.to(original), viewer_zone) for original in item.rdates]
    start = min(begin for begin, _ in spans)
    end: datetime | None = max(finish for _, finish in spans)
    if item.rule is not None and end is not None:
        last = _end_of_rule(item, viewer_zone)
        end = None if last is None else max(end, last)
    return start, end


def touches(item: Event | Series, window: Window, viewer_zone: str) -> bool:
    """Whether at least one occurrence lies in ``window``."""
    return bool(occurrences(item, window, viewer_zone, limit=1).occurrences)


# ---- parts --------------------------------------------------------------------------------------------------------


class _Shift:
    """Moves the master's span to another start."""

    def __init__(self, when: When) -> None:
        self.when = when
        self.length = when.end - when.start if isinstance(when, AllDay) else when.duration

    def to(self, original: Original) -> When:
        if isinstance(self.when, Timed):
            if not isinstance(original, Zoned):  # a date among the extra dates of a timed series: its own clock time
                original = Zoned(datetime.combine(original, self.when.start.wall.time()), self.when.start.zone)
            return Timed(original, Zoned.at(original.instant() + self.length, self.when.end.zone))
        day = day_of(original)
        return AllDay(day, day + self.length)

    def overlaps(self, original: Original, window: Window, viewer_zone: str) -> bool:
        """Whether the span that starts at ``original`` touches ``window``."""
        if isinstance(self.when, Timed) and isinstance(original, Zoned):
            start = original.instant()
            return window.overlaps((start, start + self.length))
        return window.overlaps(span(self.to(original), viewer_zone))


def _named_by_rule(rule: RecurrenceRule, start: Original, after: datetime, before: datetime) -> Iterator[Original]:
    for wall in recurrence_set(rule, _wall(start), after, before):
        if isinstance(start, Zoned):
            original: Original = start if wall == start.wall else Zoned(wall, start.zone)
        else:
            original = wall.date()
        if rule.until is not None and _is_after(original, rule.until):
            return
        yield original


def _is_after(original: Original, until: date | datetime) -> bool:
    """UNTIL is inclusive. One of the other type than DTSTART (3.3.10 forbids it) is read as the day that it names."""
    if isinstance(original, Zoned):
        return original.instant() > until if isinstance(until, datetime) else original.wall.date() > until
    return original > (until.date() if isinstance(until, datetime) else until)


def _wall(original: Original) -> datetime:
    return original.wall if isinstance(original, Zoned) else datetime.combine(original, time())


def _moment(original: Original) -> date | datetime:
    """What two spellings of one original start have in common: the instant, or the date."""
    return original.instant() if isinstance(original, Zoned) else original


def _reach(window: Window, when: When) -> Window:
    """``window`` widened to the starts of what still lasts into it."""
    length = timedelta(days=when.days) if isinstance(when, AllDay) else when.duration
    earliest = _EARLIEST + _MARGIN
    return Window(max(window.start, earliest + length) - length, max(window.end, earliest + length + _MARGIN))


def _walls_around(window: Window, start: Original) -> tuple[datetime, datetime]:
    """Wall times of the series' zone that surely hold all starts in ``window``."""
    tz, margin = (zone(start.zone), _TIMED_MARGIN) if isinstance(start, Zoned) else (UTC, _MARGIN)
    after = max(window.start, _EARLIEST + _MARGIN).astimezone(tz).replace(tzinfo=None) - margin
    before = min(window.end, _LATEST - _MARGIN).astimezone(tz).replace(tzinfo=None) + margin
    return after, max(after, before)


def _end_of_rule(series: Series, viewer_zone: str) -> datetime | None:
    rule, when = series.rule, series.master.when
    if rule is None or (rule.count is None and rule.until is None):
        return None
    shift = _Shift(when)
    if rule.until is not None:
        if isinstance(rule.until, datetime) and isinstance(when, Timed):
            return rule.until + when.duration
        day = rule.until.date() if isinstance(rule.until, datetime) else rule.until
        return span(AllDay(day, day + timedelta(days=1)), viewer_zone)[1] + _MARGIN + _length(when)
    try:
        wall = last_of(rule, _wall(when.start))
    except GaveUp:
        return None
    if wall is None:
        return None
    last = Zoned(wall, when.start.zone, when.start.fold) if isinstance(when, Timed) else wall.date()
    return span(shift.to(last), viewer_zone)[1]


def _length(when: When) -> timedelta:
    return timedelta(days=when.days) if isinstance(when, AllDay) else when.duration
