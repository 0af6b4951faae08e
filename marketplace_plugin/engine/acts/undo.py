"""A run is taken back by a run of its own: an ordinary pass with steps from the journal's sealed pre-images (rule U8).

What is asked for stands in the journal's lines themselves (``undone_by``), so it survives a lost job. The pass looks at
both sides first; whatever has news is left alone, and each line that is left says why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.waiting.subject import headline, subjects
from marketplace_plugin.engine.context import Engine, RunOutcome, Trigger
from marketplace_plugin.engine.ownership import own
from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.plan.planning import Planned
from marketplace_plugin.engine.steps.recall import Recalled
from marketplace_plugin.engine.steps.written import entry
from marketplace_plugin.errors import Conflict, NotFound
from marketplace_plugin.model.change import Found, Revision
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import When
from marketplace_plugin.store import journal, leases, links, runs
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.store.log.runs import Run
from marketplace_plugin.sync.link import Link, LinkState
from marketplace_plugin.sync.plan.step import Case, Plan, Step
from marketplace_plugin.sync.plan.tables import Action as Does
from marketplace_plugin.sync.reason import Reason
from marketplace_plugin.sync.undo import Deed, Deeds, Did, undone

_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})
_TAKEN_BACK = frozenset({RunOutcome.DONE, RunOutcome.INCOMPLETE})


@dataclass(frozen=True, slots=True)
class UndoFacts:
    """What a run wrote, by side and action, and until when that can be taken back (aware UTC). ``undone_by``: the run
    that did so, empty for none."""

    run: str
    connection: str
    at: datetime
    until: datetime
    counts: Mapping[tuple[Side, Action], int] = field(default_factory=dict)
    undone_by: str = ""
    possible: bool = False


@dataclass(frozen=True, slots=True)
class UndoLine:
    """One thing that the run did, and for what was left alone the reason. ``title`` is empty where it is not known."""

    title: str
    when: When | None
    side: Side
    action: Action
    reason: Reason = Reason.UNDONE


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of an undo. ``of`` is the run that was taken back; ``finished`` is False while it runs or waits."""

    run: str
    of: str
    connection: str
    finished: bool
    failed: bool
    taken: tuple[UndoLine, ...]
    left: tuple[UndoLine, ...]


def facts(engine: Engine, person: Person, run_id: str) -> UndoFacts:
    """Raises NotFound."""
    with engine.store.read() as c:
        return _facts(engine, c, person, run_id)


def _facts(engine: Engine, c: Database, person: Person, run_id: str) -> UndoFacts:
    run, connection = _own_run(c, person, run_id)
    lines = _lines(c, run_id)
    by = next((line.undone_by for line in lines if line.undone_by), "") or ""
    by = by if _is_done(c, by) else ""
    at = run.finished_at or run.queued_at
    until = at + engine.settings.journal_kept
    possible = bool(lines) and not by and _may_write(connection) and run.finished_at is not None
    return UndoFacts(
        run_id,
        connection.id,
        at,
        until,
        Counter((line.side, line.action) for line in lines),
        by,
        possible and run.trigger != Trigger.UNDO and engine.now() < until,
    )


def undo(engine: Engine, person: Person, run_id: str) -> str:
    """Have a run taken back, and return the id of the run that does it. Raises NotFound, and Conflict where there is
    nothing to take back, it was done before, or the connection may not write at present."""
    new, now = engine.new_id(), engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        told = _facts(engine, c, person, run_id)  # in here: a second press finds what the first has written
        if not told.possible:
            raise Conflict("this run cannot be taken back")
        journal.mark_undone(c, [line.id for line in _lines(c, run_id)], new)
        runs.add(c, Run(new, told.connection, person.id, Trigger.UNDO, now))
        leases.mark_dirty(c, [told.connection], now)
    if engine.runner is not None:
        payload = {"connection": told.connection, "run": new, "trigger": Trigger.UNDO.value}
        engine.runner.submit("sync", told.connection, payload, priority=100)
    return new


def result(engine: Engine, person: Person, undo_run: str) -> Undone:
    """What was taken back and what was left alone. Raises NotFound."""
    with engine.store.read() as c:
        run, connection = _own_run(c, person, undo_run)
        asked = journal.asked_back(c, connection.id, undo_run)
        if run.trigger != Trigger.UNDO:
            raise NotFound("no such undo")
        told = journal.of_run(c, undo_run)
        known = links.get(c, {line.link for line in asked})
        titles = subjects(engine, c, known.values())
    back = {(line.link, line.side) for line in told if line.reason is Reason.UNDONE and line.action in _WRITES}
    why = {line.link: line.reason for line in told if line.action is Action.HOLD}
    taken, left = [], []
    for line in asked:
        title, when = headline(line.pre_image)
        if not title and line.link in titles:
            title, when = titles[line.link].title, titles[line.link].when
        if (line.link, line.side) in back:
            taken.append(UndoLine(title, when, line.side, line.action))
        else:
            reason = why.get(line.link) or _not_done(known.get(line.link))
            left.append(UndoLine(title, when, line.side, line.action, reason))
    of = asked[0].run if asked else ""
    failed = run.outcome is not None and run.outcome not in _TAKEN_BACK
    finished = run.finished_at is not None
    return Undone(undo_run, of, connection.id, finished, failed, tuple(taken), tuple(left) if finished else ())


def _not_done(link: Link | None) -> Reason:
    """Why a step that was tried is not among those that were done."""
    if link is None or link.reason is None:
        return Reason.STALE
    return Reason.UNANSWERED if link.reason is Reason.UNDONE else link.reason


# --- inside a pass ---------------------------------------------------------------------------------------------------


def asked_back(p: Pass) -> dict[str, list[Entry]]:
    """What this pass is to take back, by link; empty for every pass that is no undo."""
    with p.engine.store.read() as c:
        run = runs.get(c, p.run)
        asked = journal.asked_back(c, p.connection.id, p.run) if run is not None and run.trigger == Trigger.UNDO else []
    by_link: dict[str, list[Entry]] = defaultdict(list)
    for line in asked:
        by_link[line.link].append(line)
    return dict(by_link)


def take_back(p: Pass, planned: Planned, recalled: Recalled, asked: Mapping[str, Sequence[Entry]]) -> Planned:
    """The plan with the steps that take back what was asked; what is left alone is told in the journal."""
    if not asked:
        return planned
    cases = {case.link.id: case for case in recalled.cases}
    ordinary = {step.link.id: step for step in planned.go.steps}
    held = {step.link.id for step in planned.held}
    steps: dict[str, Step] = {}
    told: list[Entry] = []
    with p.engine.store.read() as c:
        known = links.get(c, asked)
        later = {link for link, lines in asked.items() if journal.written_since(c, link, lines[-1])}
        for link_id, lines in asked.items():
            deeds = _deeds(lines, alone=link_id not in later)
            if not p.pushing:
                step: Step | Reason = Reason.AWAITS_APPROVAL
            elif link_id in held:
                step = Reason.BRAKE
            elif link_id in ordinary and _has_news(p, ordinary[link_id]):
                step = Reason.CHANGED_SINCE
            elif link_id in known:
                step = _standing(p, cases.get(link_id), deeds)
            else:
                step = _removed(c, p, lines[-1], deeds)
            if isinstance(step, Step):
                steps[link_id] = step
            else:
                told.append(_told(p, known.get(link_id), lines[-1], step))
    p.counts["left"] += len(told)
    rest = [s for s in planned.go.steps if s.link.id not in steps]  # what is left alone may have moved all the same
    return replace(planned, go=Plan((*rest, *steps.values())), told=(*planned.told, *told))


def _has_news(p: Pass, step: Step) -> bool:
    found, shown = step.case.remote, step.link.remote
    if step.action is Does.PUT_BLOCK and isinstance(found, Found) and shown is not None:
        return p.digest_found(found) != shown.digest  # a block is compared by its digest alone
    return step.pushes or step.applies or step.action not in (Does.NOTHING, Does.MERGE)


def _standing(p: Pass, case: Case | None, deeds: Deeds) -> Step | Reason:
    """The link is still there."""
    if case is None:
        return Reason.AWAITS_SIBLING
    if any(deed is not None and deed.did is Did.DELETE for deed in (deeds.host, deeds.remote)):
        return Reason.CHANGED_SINCE
    return undone(case, deeds, p.place(case.link.collection))


def _removed(c: Database, p: Pass, line: Entry, deeds: Deeds) -> Step | Reason:
    """The run deleted one side, and the link went with it; or it went later."""
    deed = deeds.host or deeds.remote
    if deed is None or deed.did is not Did.DELETE:
        return Reason.NOT_KEPT if deeds.block is not None else Reason.CHANGED_SINCE
    link = _bare(p, line)
    if line.side is Side.REMOTE:
        if link.host_ref is None:
            return Reason.TARGET_CHANGED  # the copy that a new target or an invitation has replaced
        tied = links.by_host(c, p.connection.user, link.host_kind, [link.host_ref]).get(link.host_ref, ())
        if any(one.state is not LinkState.DETACHED for one in tied):
            return Reason.HAS_LIVE_LINK
    elif link.remote_id is not None and links.by_remote(c, p.connection.id, [link.remote_id], link.collection):
        link = replace(link, remote_id=None)
    return undone(Case(link), deeds, p.place(link.collection))


def _bare(p: Pass, line: Entry) -> Link:
    return Link(
        id=line.link,
        kind=line.link_kind,
        user=p.connection.user,
        connection=p.connection.id,
        collection=line.versions.get("collection") or "",
        remote_id=line.versions.get("remote_id"),
        host_kind=Kind(line.versions.get("host_kind") or Kind.EVENT),
        host_ref=line.versions.get("host_ref"),
        state=LinkState.DECLINED,
        reason=Reason.UNDONE,
    )


def _deeds(lines: Sequence[Entry], *, alone: bool) -> Deeds:
    def of(side: Side) -> Deed | None:
        here = [line for line in lines if line.side is side]
        if not here:
            return None
        did = {line.action for line in here}
        what = next(Did(action) for action in (Action.CREATE, Action.DELETE, Action.UPDATE) if action in did)
        last = here[-1].versions
        remote = last.get("remote")
        shown = Revision(remote[0], tuple((key, tag) for key, tag in remote[1])) if remote else None
        fields = frozenset(name for line in here for name in line.versions.get("fields", ()))
        return Deed(what, here[0].pre_image, last.get("host"), shown, alone, fields)

    return Deeds(lines[0].reason, of(Side.HOST), of(Side.REMOTE), of(Side.BLOCK))


def _told(p: Pass, link: Link | None, line: Entry, reason: Reason) -> Entry:
    return entry(p, link or _bare(p, line), line.side, Action.HOLD, reason)


# --- rows ------------------------------------------------------------------------------------------------------------


def _own_run(c: Database, person: Person, run_id: str) -> tuple[Run, Connection]:
    run = runs.get(c, run_id)
    if run is None:
        raise NotFound("no such run")
    return run, own(c, person, run.connection)


def _lines(c: Database, run_id: str) -> list[Entry]:
    return _written(journal.of_run(c, run_id))


def _written(lines: Iterable[Entry]) -> list[Entry]:
    return [line for line in lines if line.action in _WRITES]


def _is_done(c: Database, undo_run: str) -> bool:
    run = runs.get(c, undo_run) if undo_run else None
    return run is not None and (run.finished_at is None or run.outcome in _TAKEN_BACK)


def _may_write(connection: Connection) -> bool:
    approved = connection.approved_version
    return connection.state is ConnectionState.CONNECTED and approved == connection.settings_version
