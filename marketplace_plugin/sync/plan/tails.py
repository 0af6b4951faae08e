"""What a split at the service (this and following) leaves there: the later occurrences, as an item of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from marketplace_plugin.model.event import Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.expand import originals
from marketplace_plugin.model.series.recurrence_set import GaveUp
from marketplace_plugin.model.time import Original, Window, Zoned


def is_tail(before: Item | None, after: Item | None, item: Item) -> bool:
    """Whether ``item`` is a series that begins on a day of ``before`` from which on ``after``, the same series now, has
    none. Where a series is only made shorter, no other begins there."""
    if not (isinstance(before, Series) and isinstance(after, Series) and isinstance(item, Series)):
        return False
    if before.rule == after.rule and before.rdates == after.rdates:
        return False
    day = _day(item.master.when.start)
    try:
        return _names_a_day(before, day, day) and not _names_a_day(after, day, day + timedelta(days=366))
    except GaveUp:
        return False


def _names_a_day(series: Series, first: date, last: date) -> bool:
    window = Window(datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC) + timedelta(days=1))
    return any(first <= _day(original) <= last for original in originals(series, window))


def _day(original: Original) -> date:
    return original.wall.date() if isinstance(original, Zoned) else original
