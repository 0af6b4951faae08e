"""Conflicts as their owner sees them, with both values, and what he makes of them (docs/sync.md, U1 to U4).

Each clash that was settled is a line of its own until he takes it off the list, or until it is as old as what a run may
be taken back; a clash that waits is one line a field, because it is one question.

Nothing here writes to a service. A conflict that was settled is turned by one write to the host, made over the version
that was looked at; the next pass carries it out like any edit. One that waits is decided in what counts as agreed: the
value that is overruled becomes the base of both sides, so only the chosen side has changed, and the next pass merges as
ever: over the current revisions, with every guard, and with a new conflict where a side has changed meanwhile.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import HostModule, Person, UnitOfWork
from marketplace_plugin.engine.acts.waiting.subject import Subject, headline, host_item, own_link, subjects
from marketplace_plugin.engine.context import Engine, Trigger
from marketplace_plugin.engine.kinds import module_now
from marketplace_plugin.engine.others import wake_others
from marketplace_plugin.engine.steps.clashes import tied_as_they_are
from marketplace_plugin.engine.work.jobs import BUTTON, SYNC
from marketplace_plugin.errors import Conflict, NotAllowed, NotFound
from marketplace_plugin.model.change import HostItem, Revision
from marketplace_plugin.model.write import HostApplied, HostOutcome, HostUpdate
from marketplace_plugin.store import collections, conflicts, connections, journal, leases, links
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.store.work.conflicts import Conflict as Row
from marketplace_plugin.store.work.conflicts import ConflictState
from marketplace_plugin.sync.link import AT_REST, Link, LinkKind, LinkState, RemoteShowing, Wrote
from marketplace_plugin.sync.merge.cells import (
    EVERY_FIELD,
    OVERRIDES,
    Cell,
    Parts,
    Synced,
    named,
    recurs,
    same_shape,
    shown,
)
from marketplace_plugin.sync.merge.three_way import Flows, Winner
from marketplace_plugin.sync.plan.flows import Place, flows_of
from marketplace_plugin.sync.reason import Reason

_NOT_SEEN = RemoteShowing(Revision(""), "")
"""No revision is like it, so the next pass compares what the service shows with the base."""


@dataclass(frozen=True, slots=True)
class ConflictView:
    """``cell`` names the field (``sync/merge/cells.py``); ``here`` and ``there`` are its two values, of the model.
    ``kept`` is the side that won, NOBODY while it waits. ``takes`` are the sides whose value may be taken now.
    ``until``: when it goes from the list by itself (aware UTC); None while it waits."""

    id: str
    about: Subject
    cell: str
    here: Any
    there: Any
    kept: Winner
    reason: Reason
    at: datetime
    takes: frozenset[Winner]
    until: datetime | None = None

    @property
    def waits(self) -> bool:
        return self.kept is Winner.NOBODY


def listed(engine: Engine, person: Person, link: str | None = None) -> list[ConflictView]:
    """The person's conflicts, field by field of an event: fields with a question first, then the one that clashed last;
    the lines of one field newest first. ``link``: of one event only."""
    with engine.store.read() as c:
        if link is None:
            rows = conflicts.of_user(c, person.id, ConflictState.OPEN, ConflictState.SETTLED)
        else:
            found = conflicts.of_links(c, [link])[::-1]
            rows = [row for row in found if row.user == person.id and row.state is not ConflictState.CLOSED]
        known = links.get(c, {row.link for row in rows})
        about = subjects(engine, c, known.values())
        flows = {name: _flows(c, one) for name, one in known.items()}
        gone = {row.id: _of_gone(c, row) for row in rows if row.link not in known}
    views: dict[tuple[str, str], list[ConflictView]] = {}
    for row in rows:
        lines = views.setdefault((row.link, row.field), [])
        if row.state is ConflictState.OPEN and any(one.waits for one in lines):
            continue
        takes = _takes(row, known[row.link], flows[row.link]) if row.link in known else frozenset()
        lines.append(_view(row, gone.get(row.id) or about[row.link], takes, engine.settings.journal_kept))
    fields = [sorted(lines, key=lambda view: not view.waits) for lines in views.values()]
    return [view for lines in sorted(fields, key=lambda lines: not lines[0].waits) for view in lines]


def waiting(engine: Engine, person: Person) -> int:
    """How many questions are in the list."""
    with engine.store.read() as c:
        return conflicts.count_waiting(c, person.id)


def take(engine: Engine, person: Person, conflict_id: str, side: Winner) -> None:
    """Let this side's value count on both sides.

    Raises NotFound, NotAllowed where that side may not be written to, and Conflict where the event was changed since:
    then nothing is written, and the list shows the present state.
    """
    with engine.store.read() as c:
        row, link = _own(c, person, conflict_id)
        flows = _flows(c, link)
    cell = _cell(row)
    if side not in _takes(row, link, flows):
        raise NotAllowed("this value cannot be taken")
    if row.state is ConflictState.OPEN:
        _decide(engine, person, row, cell, side)
    elif side.value != row.winner:
        _turn(engine, person, row, link, cell, side)
    wake(engine, link.connection)


def leave(engine: Engine, person: Person, conflict_id: str) -> None:
    """This line off the list, everything as it is: where both sides still differ, they go on differing until one is
    edited. Raises NotFound."""
    with engine.store.begin() as unit:
        c = unit.connection
        row = _own_row(c, person, conflict_id)
        link = links.get(c, [row.link]).get(row.link)
        if row.state is ConflictState.OPEN and row.reason is not Reason.ADOPTED and link is not None:
            leases.seize(c, link.connection, engine.now())
            with suppress(Conflict):  # no such occurrence any more: what clashes now is asked by its new name
                base = _put(link.base, _cell(row), row.host)
                remote_base = _put(link.agreed_there, _cell(row), row.remote)
                links.put(c, [replace(link, base=base, remote_base=remote_base)], engine.now())
        conflicts.close(c, [row.id], row.winner, engine.now())


def wake(engine: Engine, connection: str) -> None:
    """Have the decision carried out now, where somebody carries out jobs; else it is due and waits for the sweeper."""
    if engine.runner is not None:
        payload = {"connection": connection, "trigger": Trigger.HOST_CHANGE.value}
        engine.runner.submit(SYNC, connection, payload, BUTTON)


# --- one that waits --------------------------------------------------------------------------------------------------


def _decide(engine: Engine, person: Person, row: Row, cell: Cell, side: Winner) -> None:
    with engine.store.begin() as unit:
        c = unit.connection
        row, link = _own(c, person, row.id)
        if side is Winner.HOST:
            now = host_item(engine, link)
            if now is None or not _shows(cell, now.item, row.host):
                raise Conflict("the event was changed here since")
        elif tied_as_they_are(row) and not _shows(cell, link.agreed_there, row.remote):
            raise Conflict("the event was changed there since")
        leases.seize(c, link.connection, engine.now())
        links.put(c, [_decided(link, cell, row.remote if side is Winner.HOST else row.host)], engine.now())
        conflicts.close(c, [row.id], side, engine.now())
        journal.add(c, [_line(engine, row, link, Action.LINK)])


def _decided(link: Link, cell: Cell, overruled: Any) -> Link:
    """Both sides count as having agreed on the overruled value; the next pass looks at the link again."""
    return replace(
        link,
        base=_put(link.base, cell, overruled),
        remote_base=_put(link.agreed_there, cell, overruled),
        remote=_NOT_SEEN,
        state=LinkState.PARKED,
        reason=Reason.DECIDED,
        attempts=0,
        automatic=0,
        wrote=Wrote.NOTHING,
    )


def _put(base: object, cell: Cell, showing: Any) -> Synced:
    """``base`` with the cell as ``showing`` has it. Raises Conflict where the two have other occurrences by now."""
    onto, shows = Parts.of(_synced(base)), Parts.of(_synced(showing))
    by_occurrence = cell.name == "when" or cell.name.startswith(f"{OVERRIDES}/")
    if by_occurrence and (recurs(onto) or recurs(shows)) and not same_shape(onto, shows):
        raise Conflict("the series was changed since")  # its occurrences have other names by now
    try:
        return cell.put(onto, cell.get(shows), EVERY_FIELD).item()
    except KeyError:
        raise Conflict("the series was changed since") from None


# --- one that was settled --------------------------------------------------------------------------------------------


def _turn(engine: Engine, person: Person, row: Row, link: Link, cell: Cell, side: Winner) -> None:
    now = host_item(engine, link)
    kept, wanted = (row.host, row.remote) if side is Winner.REMOTE else (row.remote, row.host)
    if now is None or not _shows(cell, now.item, kept):
        raise Conflict("the event was changed since")
    item = _put(now.item, cell, wanted)
    write = HostUpdate(engine.new_id(), now.ref, now.version, item, cell.fields)
    # A host with a database of its own is written to first: should we die then, the change is there like any edit.
    module = module_now(engine, link)
    applied = None if engine.host.shares_transaction else _apply(module, person, write, None)
    with engine.store.begin() as unit:
        c = unit.connection
        row, link = _own(c, person, row.id)
        leases.seize(c, link.connection, engine.now())
        applied = applied or _apply(module, person, write, unit)
        if not isinstance(applied, HostApplied):
            raise Conflict("the event was changed since")
        links.put(c, [replace(link, automatic=0, wrote=Wrote.NOTHING)], engine.now())  # a user's edit (rule U7)
        conflicts.close(c, [row.id], side, engine.now())
        wake_others(c, engine, person, (now, applied.stored))
        journal.add(c, [_line(engine, row, link, Action.UPDATE, now)])


def _apply(module: HostModule, person: Person, write: HostUpdate, unit: UnitOfWork | None) -> HostOutcome:
    (outcome,) = module.apply(person.id, [write], unit)
    return outcome


# --- rows ------------------------------------------------------------------------------------------------------------


def _own_row(c: Database, person: Person, conflict_id: str) -> Row:
    row = conflicts.get(c, conflict_id)
    if row is None or row.user != person.id or row.state is ConflictState.CLOSED:
        raise NotFound("no such conflict of yours")
    return row


def _own(c: Database, person: Person, conflict_id: str) -> tuple[Row, Link]:
    row = _own_row(c, person, conflict_id)
    return row, own_link(c, person.id, row.link)


def _line(engine: Engine, row: Row, link: Link, action: Action, before: HostItem | None = None) -> Entry:
    return Entry(
        id=engine.new_id(),
        run=f"{Reason.DECIDED}:{row.id}",
        connection=link.connection,
        user=link.user,
        link=link.id,
        link_kind=link.kind,
        side=Side.HOST,
        action=action,
        reason=Reason.DECIDED,
        at=engine.now(),
        pre_image=before.item if before is not None else None,
    )


def _view(row: Row, about: Subject, takes: frozenset[Winner], kept_for: timedelta) -> ConflictView:
    cell = _cell(row)
    here, there = shown(cell, row.host), shown(cell, row.remote)
    kept = Winner(row.winner) if row.winner else Winner.NOBODY
    until = None if kept is Winner.NOBODY else row.created_at + kept_for
    return ConflictView(row.id, about, row.field, here, there, kept, row.reason, row.created_at, takes, until)


def _of_gone(c: Database, row: Row) -> Subject:
    """The event is no longer synced; what was overruled is told all the same."""
    title, when = headline(row.host if row.winner == Winner.HOST else row.remote)
    connection = connections.get(c, row.connection)
    return Subject(
        link=row.link,
        title=title,
        when=when,
        kind=LinkKind.EXPORT,
        host_ref=None,
        connection=row.connection,
        integration=connection.integration if connection is not None else "",
        account=connection.account if connection is not None else "",
        calendar="",
    )


def _takes(row: Row, link: Link, flows: Flows) -> frozenset[Winner]:
    """What is chosen must be able to get to the other side."""
    cell = _cell(row)
    if link.state in AT_REST or link.host_ref is None or link.remote_id is None:
        return frozenset()
    out, inward = bool(cell.fields & flows.outward), bool(cell.fields & flows.inward)
    if row.state is ConflictState.OPEN:
        return frozenset({Winner.HOST} if out else set()) | frozenset({Winner.REMOTE} if inward else set())
    if not (out and inward):
        return frozenset()
    return frozenset({Winner.HOST, Winner.REMOTE}) - {Winner(row.winner)}


def _flows(c: Database, link: Link) -> Flows:
    row = collections.get(c, link.connection, link.collection)
    if row is None:
        return Flows(frozenset(), frozenset())
    return flows_of(replace(link, state=LinkState.LIVE), Place(row.info.capabilities, row.info.can_be_target))


def _cell(row: Row) -> Cell:
    return named(row.field, EVERY_FIELD)


def _shows(cell: Cell, now: object, showing: object) -> bool:
    """Whether the cell is now as it was shown."""
    try:
        return cell.equal(cell.get(Parts.of(_synced(now))), cell.get(Parts.of(_synced(showing))))
    except KeyError:
        return False


def _synced(item: object) -> Synced:
    if not isinstance(item, Synced):
        raise Conflict("what was shown is not kept any more")
    return item
