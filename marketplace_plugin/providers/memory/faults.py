"""Faults at the boundaries of requests: before the service acts, or after it acted and before the answer arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Crash(BaseException):
    """The process dies here. Not an ``Exception``, so that nobody catches it by accident."""


class Request(StrEnum):
    """The requests that a provider makes; ``OVERRIDE`` is one exception of a series."""

    CALENDARS = "calendars"
    PAGE = "page"
    FETCH = "fetch"
    FIND = "find"
    INSERT = "insert"
    PATCH = "patch"
    OVERRIDE = "override"
    DELETE = "delete"
    MOVE = "move"


WRITES = frozenset({Request.INSERT, Request.PATCH, Request.OVERRIDE, Request.DELETE, Request.MOVE})


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class _Fault:
    moment: Moment
    requests: frozenset[Request]
    act: BaseException | Callable[[], object]
    skip: int
    times: int


@dataclass(slots=True)
class Faults:
    """What goes wrong, in the order it was added. A fault that has happened ``times`` times is gone."""

    _waiting: list[_Fault] = field(default_factory=list)

    def add(
        self,
        moment: Moment,
        requests: Request | frozenset[Request],
        act: BaseException | Callable[[], object],
        *,
        skip: int = 0,
        times: int = 1,
    ) -> None:
        """At ``moment`` of these requests, after ``skip`` of them, raise ``act`` or call it (a racing edit)."""
        wanted = frozenset({requests}) if isinstance(requests, Request) else requests
        self._waiting.append(_Fault(moment, wanted, act, skip, times))

    def clear(self) -> None:
        self._waiting.clear()

    def meet(self, moment: Moment, request: Request) -> None:
        """Called by the service at each boundary."""
        for fault in list(self._waiting):
            if fault.moment is not moment or request not in fault.requests:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times == 0:
                self._waiting.remove(fault)
            if isinstance(fault.act, BaseException):
                raise fault.act
            fault.act()
