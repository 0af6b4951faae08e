"""What a calendar address asks for: whose calendar, which view, which day, and what is filtered out (pure).

All of it stands in the URL, so that a page can be bookmarked and goes back with the browser's button.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from marketplace_plugin.host.calendar import views
from marketplace_plugin.host.calendar.entries import Entry, Sort

EARLIEST, LATEST = date(1900, 1, 2), date(2199, 12, 30)
TASKS_AND_CALLS = "todos"
"""The filter of tasks and calls."""


class View(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    AGENDA = "agenda"


@dataclass(frozen=True, slots=True)
class Asked:
    """``owner`` is a person id, empty for one's own calendar. ``beside`` are the colleagues laid over it."""

    view: View
    day: date
    owner: str = ""
    hidden: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()

    @classmethod
    def parse(cls, args: Mapping[str, Sequence[str]], today: date, owner: str = "") -> Asked:
        """What cannot be read is the default: an old bookmark still opens."""

        def first(name: str) -> str:
            return next(iter(args.get(name, ())), "")

        view = first("view")
        try:
            day = day_of(first("date"))
        except ValueError:
            day = today
        return cls(
            view=View(view) if view in View.__members__.values() else View.WEEK,
            day=day,
            owner=owner,
            hidden=frozenset(args.get("hide", ())),
            beside=tuple(dict.fromkeys(args.get("with", ()))),
        )

    def params(self, **changes: object) -> dict[str, Any]:
        """The arguments of the address, with ``view`` or ``day`` changed. Empty ones are left out."""
        asked = replace(self, **changes)  # type: ignore[arg-type]  # the names of fields, checked by replace
        params: dict[str, Any] = {"view": asked.view.value, "date": asked.day.isoformat()}
        if asked.hidden:
            params["hide"] = sorted(asked.hidden)
        if asked.beside:
            params["with"] = list(asked.beside)
        return params

    @property
    def first(self) -> date:
        """The first day that is shown."""
        match self.view:
            case View.WEEK:
                return views.monday_of(self.day)
            case View.MONTH:
                return views.month_days(self.day)[0]
        return self.day

    @property
    def days(self) -> int:
        """How many days are read."""
        match self.view:
            case View.DAY:
                return 1
            case View.WEEK:
                return 7
            case View.MONTH:
                return views.month_days(self.day)[1]
            case View.AGENDA:
                return views.AGENDA_REACH

    @property
    def previous(self) -> date:
        if self.view is View.MONTH:
            return (self.day.replace(day=1) - timedelta(days=1)).replace(day=1)
        return self.day - timedelta(days={View.DAY: 1, View.WEEK: 7}.get(self.view, views.AGENDA_DAYS))

    @property
    def following(self) -> date:
        if self.view is View.MONTH:
            return (self.day.replace(day=1) + timedelta(days=31)).replace(day=1)
        return self.day + timedelta(days={View.DAY: 1, View.WEEK: 7}.get(self.view, views.AGENDA_DAYS))

    def shows(self, entry: Entry) -> bool:
        return filter_of(entry) not in self.hidden


def day_of(text: str) -> date:
    """The day that is asked for, or the nearest one that a calendar shows. Raises ValueError."""
    return min(max(date.fromisoformat(text), EARLIEST), LATEST)


def filter_of(entry: Entry) -> str:
    """The filter that an entry belongs to; of an imported one it tells nothing of the calendar's name."""
    if entry.sort in (Sort.TASK, Sort.CALL):
        return TASKS_AND_CALLS
    if entry.source:
        return source_key(entry.source)
    return entry.calendar


def source_key(source: str) -> str:
    return "s" + hashlib.blake2s(source.encode(), digest_size=6).hexdigest()
