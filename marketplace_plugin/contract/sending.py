"""Sending writes: what providers tell alike of a write that ends early, of a pause, and of answers that do not come.

A provider counts for itself whether a write has begun: whether something may have changed at the service already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from marketplace_plugin.errors import ContractViolation, NotSent, Throttled, Unavailable
from marketplace_plugin.model.write import Deferred, DeferScope, Outcome, Unanswered, Write

PATIENCE = 3
"""So many answers in a row may fail to come before the rest is given up."""
LONGEST_PAUSE = timedelta(days=7)
"""Whoever asks for more is asked again after that."""


class Settled(Exception):
    """A write ends here with this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def one_by_one(writes: Sequence[Write], carry_out: Callable[[Write], Outcome]) -> Iterator[Outcome]:
    """One outcome a write, in their order. After a request for a pause nothing more is sent, and the rest is deferred.

    Raises Unavailable where ``PATIENCE`` answers in a row did not come, and what ``carry_out`` raises.
    """
    pause: Deferred | None = None
    lost = 0
    for write in writes:
        if pause is not None:
            yield replace(pause, op=write.op, sent=False)
            continue
        if lost >= PATIENCE:
            raise Unavailable(f"{PATIENCE} answers in a row did not come")
        outcome = carry_out(write)
        silent = isinstance(outcome, Unanswered) or (isinstance(outcome, Deferred) and outcome.scope is DeferScope.ITEM)
        lost = lost + 1 if silent else 0
        if isinstance(outcome, Deferred) and not silent:
            pause = outcome
        yield outcome


def broken_off(op: str, error: Throttled | Unavailable | ContractViolation, *, begun: bool) -> Outcome:
    """What is told of a write that could not go on: done or not is unknown once it has begun, else it was not done.

    Raises ``error`` where no connection came about for a write that has not begun: the others would not fare better.
    """
    if begun:
        return Unanswered(op)
    match error:
        case NotSent():
            raise error
        case Throttled():
            return Deferred(op, error.retry_after)
        case _:
            return Deferred(op, None, DeferScope.ITEM)


def pause_of(retry_after: str | None, now: datetime | None) -> timedelta | None:
    """Retry-After (RFC 9110 10.2.3) as a span from ``now`` (aware, UTC), a week at most; None where absent or
    unreadable, and for a date where ``now`` is None."""
    if not retry_after:
        return None
    seconds = retry_after.strip()
    if seconds.isdecimal():
        return min(timedelta(seconds=int(seconds)), LONGEST_PAUSE) if len(seconds) < 9 else LONGEST_PAUSE
    at = http_date(retry_after)
    return None if at is None or now is None else min(max(timedelta(), at - now), LONGEST_PAUSE)


def http_date(text: str | None) -> datetime | None:
    """The aware instant that a header names; None where absent or unreadable."""
    try:
        at = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
