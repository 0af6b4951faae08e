"""What waits for its owner: deletions over the brake or that a service would announce, suspects, and parked items.

He lets a deletion go, or takes it back; either is carried out by the next pass, which looks at both sides again first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.chosen.purge import restart
from marketplace_plugin.engine.acts.waiting.conflicts import wake
from marketplace_plugin.engine.acts.waiting.subject import Subject, own_link, subjects
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.steps.recall import APPROVED, RESTORED
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.time import span
from marketplace_plugin.store import collections, connections, held, journal, leases, links
from marketplace_plugin.store.log.journal import Side
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.sync.guard import limit
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason

_DELETIONS = frozenset({What.HOST_DELETION, What.REMOTE_DELETION, What.SUSPECT})
_LISTED_AS_HELD = frozenset({Reason.BRAKE, Reason.WOULD_MAIL, Reason.DOUBTFUL})
_WAITS_BY_ITSELF = frozenset({Reason.DECIDED, Reason.AWAITS_APPROVAL, Reason.TARGET_CHANGED, Reason.GUESTS})


@dataclass(frozen=True, slots=True)
class HeldView:
    """A deletion that waits. ``side`` is where it would be done; ``decided``: the next pass carries the decision out.
    ``announced``: the service may write to the participants, so it is an act of its own and never part of "all"."""

    id: str
    about: Subject
    side: Side
    reason: Reason
    at: datetime
    decided: bool = False

    @property
    def announced(self) -> bool:
        return self.reason is Reason.WOULD_MAIL


@dataclass(frozen=True, slots=True)
class BrakeView:
    """Deletions on one side of a connection: ``done`` in the last 24 hours, ``held`` now, and how many are let through
    without asking."""

    connection: str
    integration: str
    account: str
    side: Side
    done: int
    held: int
    limit: int


@dataclass(frozen=True, slots=True)
class ParkedView:
    """An item that is not synced at present. ``id`` is a link's, or of what could not be read: then ``about`` is None,
    because nobody knows what it is."""

    id: str
    connection: str
    integration: str
    account: str
    calendar: str
    reason: Reason
    attempts: int
    about: Subject | None = None


def deletions(engine: Engine, person: Person, link: str | None = None) -> list[HeldView]:
    """The person's held deletions, oldest first, those of one pass as they lie in time; ``link``: of one event only."""
    with engine.store.read() as c:
        rows = [one for one in _rows(c, person) if one.what in _DELETIONS and link in (None, one.link)]
        known = links.get(c, {one.link for one in rows if one.link is not None})
        about = subjects(engine, c, known.values())
    found = [
        HeldView(one.id, about[one.link], _side(one), one.reason, one.created_at, one.detail in (APPROVED, RESTORED))
        for one in rows
        if one.link in known and one.link is not None
    ]
    return sorted(found, key=_in_time)


def _in_time(one: HeldView) -> tuple[datetime, datetime, str]:
    """What has no time comes first."""
    when = one.about.when
    return one.at, datetime.min.replace(tzinfo=UTC) if when is None else span(when, "UTC")[0], one.about.title


def brakes(engine: Engine, person: Person) -> list[BrakeView]:
    """The counts of each connection and side that has held deletions which nobody has decided about."""
    found: list[BrakeView] = []
    now = engine.now()
    with engine.store.read() as c:
        for row in connections.of_user(c, person.id):
            braked = [one for one in held.of_connection(c, row.id) if one.reason is Reason.BRAKE]
            waiting = [one for one in braked if one.detail not in (APPROVED, RESTORED)]
            done, most = journal.deletions(c, row.id, now), limit(_live(c, row.id))
            numbers = Counter(_side(one) for one in waiting)
            found += [
                BrakeView(row.id, row.integration, row.account, side, done[side], number, most)
                for side, number in numbers.items()
            ]
    return found


def parked(engine: Engine, person: Person) -> list[ParkedView]:
    """What is not synced at present, but what is listed elsewhere or goes on by itself."""
    views = []
    with engine.store.read() as c:
        for row in connections.of_user(c, person.id):
            titles = {one.remote_id: one.info.title for one in collections.of_connection(c, row.id)}
            resting = [k for k in links.of_connection(c, row.id, states=_PARKED) if _is_parked(k)]
            about = subjects(engine, c, resting)
            for link in resting:
                reason = link.reason or Reason.DEFERRED
                views.append(
                    ParkedView(
                        link.id,
                        row.id,
                        row.integration,
                        row.account,
                        titles.get(link.collection, ""),
                        reason,
                        link.attempts,
                        about[link.id],
                    )
                )
            for one in held.of_connection(c, row.id, (What.UNREADABLE,)):
                title = titles.get(one.collection, "")
                views.append(ParkedView(one.id, row.id, row.integration, row.account, title, one.reason, one.attempts))
    return views


def approve(engine: Engine, person: Person, ids: Collection[str]) -> int:
    """Let these deletions go; the next pass checks each again. Returns how many were found."""
    return _mark(engine, person, ids, APPROVED)


def restore(engine: Engine, person: Person, ids: Collection[str]) -> int:
    """Take these deletions back: what was deleted on one side is written there again from the other, where the user
    organises it; otherwise both sides are left as they are. Returns how many were found."""
    return _mark(engine, person, ids, RESTORED)


def again(engine: Engine, person: Person, parked_id: str) -> None:
    """Try a parked item once more, from the beginning of its attempts. Raises NotFound."""
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        unreadable = next((one for one in _rows(c, person) if one.id == parked_id), None)
        if unreadable is not None and unreadable.what is What.UNREADABLE:
            connection = unreadable.connection
            leases.seize(c, connection, now)
            held.remove(c, [unreadable.id])
            restart(c, connection, unreadable.collection)  # a delta tells of an item once: read all of them again
        else:
            link = own_link(c, person.id, parked_id)
            if link.state not in _PARKED:
                raise NotFound("it is not parked")
            connection = link.connection
            leases.seize(c, connection, now)
            links.put(c, [replace(link, reason=Reason.DECIDED, attempts=0, automatic=0)], now)
    wake(engine, connection)


def _mark(engine: Engine, person: Person, ids: Collection[str], decision: str) -> int:
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        chosen = [one for one in _rows(c, person) if one.id in ids and one.what in _DELETIONS]
        for connection in {one.connection for one in chosen}:
            leases.seize(c, connection, now)
        back = [one for one in chosen if decision == RESTORED and one.what is What.SUSPECT]
        held.remove(c, [one.id for one in back])  # nothing was done yet, so there is nothing to take back
        held.put(c, [replace(one, detail=decision) for one in chosen if one not in back])
    for connection in sorted({one.connection for one in chosen}):
        wake(engine, connection)
    return len(chosen)


# --- rows ---------------------------------------------------------------------------------------------------------

_PARKED = (LinkState.PARKED, LinkState.PENDING)


def _rows(c: Database, person: Person) -> Sequence[Held]:
    return [one for row in connections.of_user(c, person.id) for one in held.of_connection(c, row.id)]


def _is_parked(link: Link) -> bool:
    deletion = link.reason in _LISTED_AS_HELD and link.kind is not LinkKind.BLOCK
    return link.reason is not None and link.reason not in _WAITS_BY_ITSELF and not deletion


def _side(one: Held) -> Side:
    return Side.REMOTE if one.what is What.REMOTE_DELETION else Side.HOST


def _live(c: Database, connection: str) -> int:
    counted = links.count(c, connection)
    return sum(
        n for (kind, state), n in counted.items() if kind is not LinkKind.BLOCK and state is not LinkState.DETACHED
    )
