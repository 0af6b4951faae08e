"""Reading posted fields. Every reader notes at most one error a field and returns something to go on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from typing import TypeVar

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from marketplace_plugin.model.names.zones import is_iana

E = TypeVar("E", bound=StrEnum)
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
DIGITS = 12


def is_number(text: str) -> bool:
    """Whether it is one that any database can hold."""
    return text.isascii() and text.isdigit() and len(text) <= DIGITS


class Fields:
    """``posted`` is a form as lists of strings. ``errors`` holds the first error of each field."""

    def __init__(self, posted: Mapping[str, Sequence[str]]) -> None:
        self._posted = posted
        self.errors: dict[str, LazyString | str] = {}

    def wrong(self, name: str, why: LazyString | str) -> None:
        self.errors.setdefault(name, why)

    def raw(self, name: str) -> str:
        return next(iter(self._posted.get(name, ())), "").strip()

    def many(self, name: str) -> tuple[str, ...]:
        return tuple(self._posted.get(name, ()))

    def ticked(self, name: str) -> bool:
        return bool(self.raw(name))

    def text(self, name: str, limit: int, *, missing: LazyString | None = None) -> str:
        """A text of at most ``limit`` characters; ``missing`` is the error for an empty one."""
        value = self.raw(name).replace("\r\n", "\n").replace("\0", "")
        if not value and missing is not None:
            self.wrong(name, missing)
        if len(value) > limit:
            self.wrong(name, _("Please shorten this to %(limit)d characters.", limit=limit))
        return value

    def day(self, name: str, otherwise: date) -> date:
        value = self.raw(name)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.wrong(name, _("Please enter a date, for example 2026-11-18."))
            return otherwise
        if not EARLIEST <= day <= LATEST:
            self.wrong(name, _("Please enter a date between 1900 and 2199."))
            return otherwise
        return day

    def clock(self, name: str, otherwise: time) -> time:
        try:
            value = time.fromisoformat(self.raw(name))
        except ValueError:
            self.wrong(name, _("Please enter a time, for example 09:30."))
            return otherwise
        return value.replace(microsecond=0, tzinfo=None)

    def moment(self, day: str, clock: str, otherwise: datetime) -> datetime:
        """A naive wall time out of two fields."""
        return datetime.combine(self.day(day, otherwise.date()), self.clock(clock, otherwise.time()))

    def number(self, name: str, lowest: int, highest: int, otherwise: int) -> int:
        value = self.raw(name)
        if not is_number(value) or not lowest <= int(value) <= highest:
            self.wrong(name, _("Please enter a number from %(lowest)d to %(highest)d.", lowest=lowest, highest=highest))
            return otherwise
        return int(value)

    def zone(self, name: str, otherwise: str) -> str:
        value = self.raw(name) or otherwise
        if not is_iana(value):
            self.wrong(name, _("This time zone is not known. Please choose one from the list."))
            return otherwise
        return value

    def one_of(self, name: str, kind: type[E], otherwise: E) -> E:
        value = self.raw(name)
        if value not in kind.__members__.values():
            if value:
                self.wrong(name, _("Please choose one of the entries."))
            return otherwise
        return kind(value)
