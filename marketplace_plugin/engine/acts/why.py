"""Why an event is synced as it is, or is not: for its owner, from the link, the journal and the rules. Asks no service.

Whoever asks for somebody else's event gets the same answer as for one that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.waiting import conflicts, held
from marketplace_plugin.engine.acts.waiting.conflicts import ConflictView
from marketplace_plugin.engine.acts.waiting.held import HeldView
from marketplace_plugin.engine.acts.waiting.subject import headline, own_link, subjects
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.steps.plan.pairing import EXPORTED_ANEW
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.change import Access, HostItem
from marketplace_plugin.model.event import UNKNOWN, Event, Series
from marketplace_plugin.model.form.outline import hidden_whole
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.expand import occurrences, span_of
from marketplace_plugin.model.time import AllDay, When, Window
from marketplace_plugin.store import blocks, collections, connections, journal, links, runs
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.log.journal import Action, Side
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.plan.decide import eligible
from marketplace_plugin.sync.reason import Reason

LINES = 12
_DAY = timedelta(days=1)
_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE, Action.MOVE})


class What(StrEnum):
    """What an event is to the sync."""

    BLOCK = "block"  # from a connected calendar; colleagues see "busy"
    COPY = "copy"  # made here, copied into the target calendar
    SHARED = "shared"  # a colleague's event here, copied into the own target calendar
    INVITATION = "invitation"  # made here; the service's own invitation is the copy
    CONVERTED = "converted"  # from a connected calendar, made visible
    CLOSED = "closed"  # likewise, and private: colleagues see "busy" all the same
    MIRROR = "mirror"  # a task or call, shown in the target calendar
    PAIR = "pair"  # a contact or task, the same on both sides
    ALONE = "alone"  # here only


@dataclass(frozen=True, slots=True)
class WhyLine:
    """One line of the event's own log. ``run`` is empty for what was done outside of a run."""

    at: datetime
    side: Side
    action: Action
    reason: Reason
    run: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """``reasons``: which rules hide, skip, hold or limit it now, the weightiest first; empty where it is simply synced.
    ``last`` is the last write, ``clashes`` say which side won which field. ``elsewhere``: other calendars that hold the
    same meeting. ``parked``: another try can be asked for.

    ``when`` is that of the event; of a series that of its first occurrence, with ``repeats``, its ``rule`` (None where
    it has extra dates alone) and ``occurrence``, the one that was asked about."""

    what: What
    title: str
    when: When | None
    repeats: bool = False
    rule: RecurrenceRule | None = None
    occurrence: When | None = None
    ref: str = ""
    link: str = ""
    connection: str = ""
    integration: str = ""
    account: str = ""
    calendar: str = ""
    reasons: tuple[Reason, ...] = ()
    last: WhyLine | None = None
    lines: tuple[WhyLine, ...] = ()
    clashes: tuple[ConflictView, ...] = ()
    held: tuple[HeldView, ...] = ()
    elsewhere: tuple[str, ...] = ()
    parked: bool = False


def of_event(
    engine: Engine, person: Person, ref: str, kind: Kind = Kind.EVENT, at: date | datetime | None = None
) -> Why:
    """An item of the host, as this person has it; ``at`` is where the occurrence that he looks at starts: its first
    day, or an aware instant. Raises NotFound where he has no part in it."""
    if kind not in engine.host.modules:
        raise NotFound("the host has no such module")
    (item,) = engine.host.modules[kind].get(person.id, [ref])
    if not isinstance(item, HostItem):
        raise NotFound("no such event of yours")
    with engine.store.read() as c:
        tied = links.by_host(c, person.id, kind, [ref]).get(ref, [])
        alive = {row.id for row in connections.of_user(c, person.id)}
        live = [k for k in tied if k.state is not LinkState.DETACHED and k.connection in alive]
    if live:
        return _of_series(_tied(engine, person, live[0], item), item.item, person, at)
    title, when = headline(item.item)
    with engine.store.read() as c:
        reasons = _left_out(c, person, item, tied) if kind is Kind.EVENT else ()
    return _of_series(Why(What.ALONE, title, when, ref=ref, reasons=reasons), item.item, person, at)


def of_block(engine: Engine, person: Person, link_id: str, at: date | datetime | None = None) -> Why:
    """A grey block; ``at`` as above. Raises NotFound for one that is not this person's."""
    with engine.store.read() as c:
        link = own_link(c, person.id, link_id)
        block = blocks.get(c, [link_id]).get(link_id)
    if link.kind is not LinkKind.BLOCK:
        raise NotFound("no such block of yours")
    told = _tied(engine, person, link, None)
    return told if block is None else _of_series(told, block.item, person, at)


def _of_series(told: Why, item: Item, person: Person, at: date | datetime | None) -> Why:
    if not isinstance(item, Series):
        return told
    return replace(told, repeats=True, rule=item.rule, occurrence=_occurrence(item, person, at))


def _occurrence(series: Series, person: Person, at: date | datetime | None) -> When | None:
    """That of the occurrences that starts there; None where none does."""
    if at is None or not MINYEAR < at.year < MAXYEAR:
        return None
    start = at if isinstance(at, datetime) else datetime.combine(at, time(), UTC)
    around = occurrences(series, Window(start - _DAY, start + _DAY), person.zone)
    found = (one.event.when for one in around.occurrences)
    return next((when for when in found if at == _start(when)), None)


def _start(when: When) -> date | datetime:
    return when.start if isinstance(when, AllDay) else when.start.instant()


# --- what is tied to a service ---------------------------------------------------------------------------------------


def _tied(engine: Engine, person: Person, link: Link, item: HostItem | None) -> Why:
    with engine.store.read() as c:
        about = subjects(engine, c, [link], {link.id: item.item} if item is not None else None)[link.id]
        lines = _lines(c, link)
        others = _elsewhere(c, link)
        reasons = [*_state(c, link), *_limits(c, link), *([Reason.SAME_MEETING_ELSEWHERE] if others else [])]
    return Why(
        what=_what(link, item),
        title=about.title,
        when=about.when,
        ref=link.host_ref or "",
        link=link.id,
        connection=about.connection,
        integration=about.integration,
        account=about.account,
        calendar=about.calendar,
        reasons=tuple(dict.fromkeys(reasons)),
        last=next((line for line in lines if line.action in _WRITES), None),
        lines=tuple(lines[:LINES]),
        clashes=tuple(conflicts.listed(engine, person, link.id)),
        held=tuple(held.deletions(engine, person, link.id)),
        elsewhere=others,
        parked=any(one.id == link.id for one in held.parked(engine, person)),
    )


def _what(link: Link, item: HostItem | None) -> What:
    match link.kind:
        case LinkKind.BLOCK:
            return What.BLOCK
        case LinkKind.CONVERTED:
            return What.CLOSED if item is not None and hidden_whole(item.item) else What.CONVERTED
        case LinkKind.MIRROR:
            return What.MIRROR
        case LinkKind.PAIR:
            return What.PAIR
        case LinkKind.EXPORT if link.access is not Access.FULL:
            return What.INVITATION
        case LinkKind.EXPORT:
            return What.COPY if link.organised else What.SHARED


def _state(c: Database, link: Link) -> list[Reason]:
    """What holds it at present."""
    row = connections.get(c, link.connection)
    found = []
    if link.reason is not None and link.state is not LinkState.LIVE:
        found.append(link.reason)
    if link.state is LinkState.PENDING and link.reason is None:
        found.append(Reason.NEW_HOST)
    if row is not None and link.kind is not LinkKind.BLOCK and not _writes(row):
        found.append(Reason.AWAITS_APPROVAL)
    return found


def _limits(c: Database, link: Link) -> list[Reason]:
    """Which fields may not flow, and why."""
    row = collections.get(c, link.connection, link.collection)
    found = []
    if link.kind is LinkKind.BLOCK:
        block = blocks.get(c, [link.id]).get(link.id)
        master = block.item.master if block is not None and isinstance(block.item, Series) else block and block.item
        if isinstance(master, Event) and master.title is UNKNOWN:
            found.append(Reason.MASKED)
        return found
    if link.access is Access.ATTENDEE or (link.kind is LinkKind.EXPORT and not link.organised):
        found.append(Reason.NOT_ORGANISER)
    elif link.access is Access.NONE:
        found.append(Reason.NOT_WRITABLE)
    if row is not None and not row.info.can_be_target:
        found.append(Reason.ROLE_DROPPED)
    return found


def _lines(c: Database, link: Link) -> list[WhyLine]:
    """Newest first."""
    found = []
    for line in journal.of_link(c, link.id):
        run = line.run if runs.get(c, line.run) is not None else ""
        found.append(WhyLine(line.at, line.side, line.action, line.reason, run))
    return found


def _elsewhere(c: Database, link: Link) -> tuple[str, ...]:
    """The titles of other calendars of the same person that hold this meeting (rule L11)."""
    if not link.uid:
        return ()
    same = [k for k in links.by_uid(c, link.user, [link.uid]).get(link.uid, ()) if k.id != link.id]
    titles = []
    for other in same:
        row = collections.get(c, other.connection, other.collection)
        if other.state is not LinkState.DETACHED and row is not None:
            titles.append(row.info.title)
    return tuple(dict.fromkeys(titles))


# --- what is tied to nothing -----------------------------------------------------------------------------------------


def _left_out(c: Database, person: Person, item: HostItem, former: Sequence[Link]) -> tuple[Reason, ...]:
    """The rule that leaves a host event where it is. NEW_HOST: none does, and the next sync writes it."""
    mine = [row for row in connections.of_user(c, person.id) if row.state is not ConnectionState.ADDED]
    if not mine:
        return (Reason.NO_CONNECTION,)
    target = collections.target(c, person.id, Kind.EVENT)
    row = next((one for one in mine if target is not None and one.id == target.connection), None)
    if target is None or row is None:
        return (Reason.NO_TARGET,)
    stopped = tuple(k.reason for k in former if k.reason is not None and k.reason not in EXPORTED_ANEW)
    if stopped:
        return stopped
    reason = eligible(item, _ends(person, item), row.connected_at or row.created_at)
    if reason is not Reason.NEW_HOST:
        return (reason,)
    if not target.info.can_be_target:
        return (Reason.ROLE_DROPPED,)
    return (Reason.NEW_HOST,) if _writes(row) else (Reason.AWAITS_APPROVAL,)


def _ends(person: Person, item: HostItem) -> datetime | None:
    if not isinstance(item.item, Event | Series):
        return None
    return span_of(item.item, person.zone)[1]


def _writes(row: Connection) -> bool:
    return row.approved_version is not None and row.approved_version == row.settings_version
