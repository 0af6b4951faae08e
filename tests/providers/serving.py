"""What the provider contract needs of a service under test, beside the provider: its users, its moods, its counters.

Times lie in November and December 2026, in Europe/Berlin; ``WINDOW`` is what is asked for.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.errors import CursorExpired
from marketplace_plugin.model.change import (
    Change,
    Checkpoint,
    Cursor,
    Found,
    Page,
    Revision,
    Stamp,
    Tombstone,
    Unreadable,
    Upsert,
)
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.form.canonical import changed_fields, normal, project, same
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import AllDay, Original, Timed, Window, Zoned
from marketplace_plugin.model.write import Applied, Create, Outcome, Update, Write

WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
STAMP = Stamp("instance-1", "link-1")


def at(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> Zoned:
    return Zoned(datetime(year, month, day, hour, minute), "Europe/Berlin")  # noqa: DTZ001 - a wall time


def meeting(title: str = "Runde", day: int = 23, hour: int = 9, **more: Any) -> Event:
    return Event(when=Timed(at(day, hour), at(day, hour + 1)), title=title, **more)


def whole_days(title: str = "Messe", first: int = 23, days: int = 1) -> Event:
    start = date(2026, 11, first)
    return Event(when=AllDay(start, start + timedelta(days=days)), title=title)


def daily(title: str = "Stand-up", *overrides: Override, rule: str = "FREQ=DAILY;COUNT=6") -> Series:
    """On 23 to 28 November at nine."""
    return Series(meeting(title), RecurrenceRule.parse(rule), overrides)


class Serving:
    """One account at the service, as its tests see it.

    ``calendar`` and ``sibling`` can be written, ``read_only`` and ``free_busy`` are somebody else's. All are empty.
    """

    calendar: str
    sibling: str
    read_only: str
    free_busy: str

    @abstractmethod
    def open(self) -> Provider:
        """A new provider on the account."""

    # ---- the person in the service's own pages ----------------------------------------------------------------

    @abstractmethod
    def create(self, calendar: str, item: Event | Series) -> str:
        """Also in calendars that only their owner writes. Returns the id."""

    @abstractmethod
    def invite(self, calendar: str, item: Event) -> str:
        """An invitation by somebody else comes in. Returns the id."""

    @abstractmethod
    def edit(self, calendar: str, item_id: str, **changes: Any) -> None:
        """Fields of an event or of a series' master."""

    @abstractmethod
    def change_occurrence(self, calendar: str, item_id: str, original: Original, event: Event | None) -> None: ...

    @abstractmethod
    def delete(self, calendar: str, item_id: str) -> None: ...

    @abstractmethod
    def move(self, calendar: str, item_id: str, to: str) -> str:
        """Returns the id there."""

    @abstractmethod
    def copy(self, calendar: str, item_id: str) -> str:
        """With all that a copy in the service's own pages takes along. Returns the copy's id."""

    @abstractmethod
    def garble(self, calendar: str, item_id: str) -> None:
        """From now on it cannot be understood."""

    # ---- the service's moods ----------------------------------------------------------------------------------

    @abstractmethod
    def small_pages(self) -> None:
        """Two entries a page, empty pages and repetitions where the service has such."""

    @abstractmethod
    def expire_cursors(self, calendar: str) -> None: ...

    @abstractmethod
    def throttle(self) -> None:
        """The next request is refused with a wish for a pause."""

    @abstractmethod
    def lose_answer(self) -> None:
        """The next write is done, but its answer does not come."""

    # ---- counters ---------------------------------------------------------------------------------------------

    @abstractmethod
    def mails(self) -> Sequence[str]:
        """All that the service has sent because of us."""

    @abstractmethod
    def requests(self) -> int:
        """All requests so far."""

    @abstractmethod
    def writes(self) -> int:
        """All requests that changed something, so far."""


# ---- steps --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Round:
    """One whole round, folded: the last word on each id."""

    pages: list[Page] = field(default_factory=list)
    last: dict[str, Change] = field(default_factory=dict)

    @property
    def cursor(self) -> Cursor:
        cursor = self.pages[-1].cursor
        assert cursor is not None
        return cursor

    @property
    def snapshot(self) -> bool:
        return self.pages[0].snapshot

    def found(self) -> dict[str, Found]:
        return {key: change.found for key, change in self.last.items() if isinstance(change, Upsert)}

    def gone(self) -> dict[str, Tombstone]:
        return {key: change for key, change in self.last.items() if isinstance(change, Tombstone)}

    def unreadable(self) -> set[str]:
        return {key for key, change in self.last.items() if isinstance(change, Unreadable)}


def pull(
    serving: Serving,
    since: Cursor | Checkpoint | None = None,
    *,
    calendar: str = "",
    window: Window = WINDOW,
    provider: Provider | None = None,
) -> Round:
    """A whole round, as the engine runs it: after an expired cursor without one, once. Checks what always holds."""
    provider = provider or serving.open()
    calendar = calendar or serving.calendar
    try:
        pages = list(provider.pull(calendar, since, window))
    except CursorExpired:
        pages = list(provider.pull(calendar, None, window))
    result = Round(pages)
    assert pages, "a round has at least one page"
    assert all(page.cursor is None for page in pages[:-1]), "the cursor stands on the last page only"
    assert pages[-1].cursor is not None
    assert len({page.snapshot for page in pages}) == 1
    for page in pages:
        assert (page.covers is not None) is page.snapshot
        result.last.update({change.id: change for change in page.changes})
    return result


def fetch(serving: Serving, item_id: str, calendar: str = "") -> Found:
    (answer,) = serving.open().fetch(calendar or serving.calendar, [item_id])
    assert isinstance(answer, Found), answer
    return answer


def push(serving: Serving, *writes: Write, calendar: str = "") -> list[Outcome]:
    """The outcomes in the order of the writes; exactly one each."""
    told = list(serving.open().push(calendar or serving.calendar, writes))
    by_op = {outcome.op: outcome for outcome in told}
    assert len(told) == len(writes)
    assert by_op.keys() == {write.op for write in writes}
    return [by_op[write.op] for write in writes]


def made(serving: Serving, item: Item, op: str = "op-1", stamp: Stamp = STAMP) -> Found:
    """Written by us, and applied."""
    (outcome,) = push(serving, Create(op, stamp, item))
    return stored(outcome)


def stored(outcome: Outcome) -> Found:
    assert isinstance(outcome, Applied), outcome
    assert outcome.stored is not None
    assert outcome.stored.id == outcome.id
    assert outcome.stored.revision == outcome.revision
    return outcome.stored


def update(found: Found, item: Item, op: str = "op-u", *names: str) -> Update:
    """From what was found to ``item``: the changed fields, or the named ones."""
    changed = frozenset(names) or changed_fields(found.item, item)
    return Update(op, found.id, found.revision, found.item, item, changed)


def stale(found: Found) -> Found:
    """As if it had been read before somebody wrote."""
    return replace(found, revision=Revision('"0"', found.revision.overrides))


def capabilities(serving: Serving, calendar: str = "") -> Capabilities:
    infos = {info.id: info for info in serving.open().collections()}
    return infos[calendar or serving.calendar].capabilities


def equal(serving: Serving, a: Item, b: Item) -> bool:
    """Equal as far as the service can hold it, occurrence by occurrence: an exception that says nothing new is none."""
    held = capabilities(serving)
    a, b = normal(project(a, held)), normal(project(b, held))
    if isinstance(a, Series) and isinstance(b, Series):
        bare = same(replace(a, overrides=()), replace(b, overrides=()))
        return bare and _shown(a) == _shown(b)
    return same(a, b)


def _shown(series: Series) -> list[tuple[object, ...]]:
    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
    told = occurrences(series, window, "Europe/Berlin").occurrences
    return [
        (o.event.when, o.event.title, o.event.location, o.event.description, o.event.show_as, o.event.reminder)
        for o in told
    ]
