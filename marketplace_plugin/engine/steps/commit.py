"""Step 8, commit: host writes, links, blocks, journal, conflicts, cursors and the next due time, in ONE transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from marketplace_plugin.engine.others import wake_others
from marketplace_plugin.engine.steps import clashes, host_side
from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.plan.pairing import ask_about
from marketplace_plugin.engine.steps.plan.planning import Planned
from marketplace_plugin.engine.steps.pull.intake import block_of, park_unreadable, put_blocks
from marketplace_plugin.engine.steps.pull.reading import Round
from marketplace_plugin.engine.steps.pull.strays import hold_unclear
from marketplace_plugin.engine.steps.push import Work
from marketplace_plugin.engine.steps.recall import Recalled
from marketplace_plugin.engine.steps.written import count_name, entry, held_id, held_rows, lines
from marketplace_plugin.model.change import Found
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    HostApplied,
    HostOutcome,
    Missing,
    Outcome,
    Partial,
    Stale,
    Unanswered,
)
from marketplace_plugin.store import (
    UnitOfWork,
    blocks,
    collections,
    conflicts,
    held,
    host_positions,
    intents,
    journal,
    links,
    plans,
    rounds,
)
from marketplace_plugin.store.log.journal import Action as Deed
from marketplace_plugin.store.log.journal import Entry, Side
from marketplace_plugin.store.work.intents import IntentState
from marketplace_plugin.sync.diff import BlockSeen
from marketplace_plugin.sync.link import Link, LinkKind, LinkState, Wrote
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.sync.outcome import UNFINISHED, after, arrived, parked
from marketplace_plugin.sync.plan.step import Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason

SOON = timedelta(minutes=1)


@dataclass(slots=True)
class Result:
    """What the links are after their steps. ``untold``: lines of what was to be overruled, and was not."""

    kept: list[Link] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    to_block: list[tuple[Link, Step]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    done: list[clashes.Done] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    mails: list[Step] = field(default_factory=list)


def apply_apart(p: Pass, work: Work) -> dict[str, HostOutcome]:
    """The host writes of a host with a database of its own: idempotent by operation key, before our commit."""
    if p.engine.host.shares_transaction:
        return {}
    return _apply(p, work, None)


def commit(
    p: Pass,
    planned: Planned,
    work: Work,
    recalled: Recalled,
    rounds_: Mapping[str, Round],
    applied: dict[str, HostOutcome],
    finish: Callable[[Connection], None],
) -> None:
    """Everything that this pass has learnt and done, or nothing of it. Raises LeaseLost."""
    with p.write() as unit:
        if p.engine.host.shares_transaction:
            applied = _apply(p, work, unit)
        result = _results(p, work, applied)
        gone = set(result.gone)
        c = unit.connection
        _links(c, p, planned, result)
        _blocks(c, p, recalled, result)
        journal.add(c, [*result.entries, *planned.told])
        conflicts.remove(c, result.untold)
        clashes.settle(p, c, result.done)
        clashes.end(p, c, (step for step in work.steps if step.link.id in gone))
        _held(c, p, planned, result)
        _intents(c, p, work)
        wake_others(c, p.engine, p.person, _changed_here(work, applied))
        _positions(c, p, recalled, rounds_)
        _forget(c, p)
        if p.approved is not None and p.pushing:
            plans.finish(c, p.approved.id)
        finish(c)


def _apply(p: Pass, work: Work, unit: UnitOfWork | None) -> dict[str, HostOutcome]:
    due = [step.link for step in work.steps if step.link.id in work.host and _comes_in(step, work.pushed(step))]
    writes = {link.id: work.host[link.id] for link in due}
    return host_side.apply(p, writes, {link.id: link.host_kind for link in due}, unit)


def _comes_in(step: Step, pushed: Outcome | None) -> bool:
    """Half a write may have undone what was read there (new times make Exchange forget the days that were changed): the
    host takes it in all the same, for it stands nowhere else. What is agreed stays as it was."""
    return arrived(step, pushed) or (step.action is Action.MERGE and isinstance(pushed, Partial))


def _changed_here(work: Work, applied: Mapping[str, HostOutcome]) -> Iterator[object]:
    """The host items that were written, before and after."""
    for step in work.steps:
        write = work.host.get(step.link.id)
        outcome = applied.get(write.op) if write is not None else None
        if isinstance(outcome, HostApplied):
            yield from (step.case.host, outcome.stored)


def _results(p: Pass, work: Work, applied: Mapping[str, HostOutcome]) -> Result:
    result = Result()
    for step in work.steps:
        pushed = work.pushed(step)
        host_write = work.host.get(step.link.id)
        done = applied.get(host_write.op) if host_write is not None else None
        link = after(step, pushed, done, p.digest)
        _count(p, step, link, isinstance(pushed, Applied), isinstance(done, HostApplied))
        if link is None:
            result.gone.append(step.link.id)
        else:
            result.kept.append(link)
            p.again = p.again or (link.state is not LinkState.LIVE and link.reason in UNFINISHED)
        if step.action in (Action.TO_BLOCK, Action.PUT_BLOCK) and link is not None:
            result.to_block.append((link, step))
        if _would_mail(step, link):
            result.mails.append(step)
        result.entries += lines(p, step, link, isinstance(pushed, Applied), isinstance(done, HostApplied))
        result.done.append(clashes.Done(step, pushed, done))
    result.untold += _untold(p, work, result.done)
    return result


def _would_mail(step: Step, after: Link | None) -> bool:
    """It waits for its owner, because the service would tell others: so it was seen beforehand, or the service says so.
    Whatever he had decided before, he is asked about that."""
    waits = after is not None and after.reason is Reason.WOULD_MAIL
    return waits and step.action in (Action.PARK, Action.DELETE_REMOTE)


def _untold(p: Pass, work: Work, done: Sequence[clashes.Done]) -> Iterator[str]:
    """Lines of this pass whose value was not overruled after all. Of a push that was answered in part, or not at all,
    or by "not now", some may stand there."""
    by_link = {one.step.link.id: one for one in done}
    for row in work.told:
        one = by_link[row.link]
        doubtful = row.winner == Winner.HOST and (isinstance(one.pushed, Partial | Unanswered) or _put_off(one.pushed))
        if row.run == p.run and not doubtful and not one.carried_out(Winner(row.winner)):
            yield row.id


def _count(p: Pass, step: Step, link: Link | None, pushed: bool, applied: bool) -> None:
    if step.action is Action.MERGE:
        p.counts["remote.update"] += pushed
        p.counts["host.update"] += applied
        p.counts["parked"] += (step.pushes and not pushed) or (step.applies and not applied)
    elif link is not None and _is_held(link):
        p.counts["parked"] += 1
    elif count_name(step) != "same":
        p.counts[count_name(step)] += 1
        p.touched.add(step.link.collection)


def _is_held(link: Link) -> bool:
    """Its step waits; a new copy whose guests follow is done so far."""
    return link.reason not in (None, Reason.GUESTS) and link.state in (LinkState.PARKED, LinkState.PENDING)


def _links(c: Connection, p: Pass, planned: Planned, result: Result) -> None:
    """Removed first, so that no two live links ever name one item."""
    ids = {link.id for link in result.kept}
    taken = {(link.collection, link.remote_id or "") for link in result.kept if link.remote_id}
    there = links.by_remote(c, p.connection.id, [remote_id for _, remote_id in taken])
    displaced = [
        k.id
        for ks in there.values()
        for k in ks
        if k.kind is LinkKind.BLOCK and k.id not in ids and (k.collection, k.remote_id) in taken
    ]
    links.remove(c, [*result.gone, *displaced, *(k.id for k in planned.absorbed if k.id not in ids)], p.now)
    links.put(c, result.kept, p.now)
    links.put(c, planned.orphans, p.now)
    _listed(c, p, result.kept)
    links.put(c, [parked(step.link, Reason.BRAKE) for step in planned.held], p.now)
    hidden = [k.id for k in result.kept if k.kind is not LinkKind.BLOCK or k.state is LinkState.DECLINED]
    blocks.remove(c, hidden, p.now)


def _listed(c: Connection, p: Pass, kept: Sequence[Link]) -> None:
    """What came in was listed by this very round, so nobody has to ask for it by id."""
    came = [link for link in kept if link.kind is LinkKind.PAIR and link.wrote is not Wrote.REMOTE]
    for collection in {link.collection for link in came}:
        here = [link.remote_id for link in came if link.collection == collection and link.remote_id is not None]
        links.mark_seen(c, p.connection.id, collection, here, p.run)


def _blocks(c: Connection, p: Pass, recalled: Recalled, result: Result) -> None:
    for link, step in result.to_block:
        item = step.case.remote.item if isinstance(step.case.remote, Found) else step.link.agreed_there
        shown = step.case.remote if isinstance(step.case.remote, Found) else None
        if shown is None and item is not None and link.remote is not None:
            shown = Found(link.remote_id or "", link.remote.revision, item, link.uid)
        block = block_of(p, link, shown) if shown is not None else None
        blocks.put(c, [block] if block is not None else [])
    tied = {(link.collection, link.remote_id) for link in result.kept}
    for fresh in recalled.fresh:
        row = p.collections.get(fresh.collection)
        is_calendar = row is not None and row.info.kind is Kind.EVENT
        adopted = (fresh.collection, fresh.found.id) in tied  # by this very pass: an event, and no block beside it
        if row is not None and is_calendar and row.is_source and not fresh.kept_copy and not adopted:
            put_blocks(c, p, fresh.collection, [BlockSeen(fresh.found, fresh.block, Reason.COPY_OF_STAMPED)])
    for puzzle in recalled.puzzling:
        park_unreadable(c, p, puzzle.collection, puzzle.item)
    hold_unclear(c, p, recalled.unclear, recalled.cleared)


def _held(c: Connection, p: Pass, planned: Planned, result: Result) -> None:
    freed = [*result.gone, *(link.id for link in result.kept if link.state is not LinkState.PARKED)]
    held.remove_for(c, freed)
    held.remove(c, [held_id(step.link, Reason.WOULD_MAIL) for step in planned.held])
    held.remove(c, [held_id(step.link, Reason.BRAKE) for step in result.mails])
    held.put(c, held_rows(p, planned.held, Reason.BRAKE))
    held.put(c, held_rows(p, result.mails, Reason.WOULD_MAIL))
    ask_about(c, p, planned.doubts)
    p.counts["held"] += len(planned.held) + len(result.mails) + len(planned.doubts)
    journal.add(c, [entry(p, step.link, Side.REMOTE, Deed.HOLD, Reason.BRAKE) for step in planned.held])


def _intents(c: Connection, p: Pass, work: Work) -> None:
    """Answered intents are closed. One whose answer did not come stays open, and a create of which something may have
    come although its answer says otherwise: the stamp is looked up before anything is sent again."""
    done: list[str] = []
    dropped: list[str] = []
    for write in work.remote.values():
        outcome = work.outcomes.get(write.op)
        if isinstance(outcome, Unanswered) or (isinstance(write, Create) and _may_be_there(outcome)):
            continue
        (done if isinstance(outcome, Applied) else dropped).append(write.op)
    done += [write.op for write in work.host.values()]
    intents.settle(c, done, IntentState.DONE, p.now)
    intents.settle(c, dropped, IntentState.DROPPED, p.now)


def _may_be_there(outcome: Outcome | None) -> bool:
    """It met an item of its own key; or one that is gone, and may have been moved; or the service said "not now"."""
    return isinstance(outcome, Stale | Missing) or _put_off(outcome)


def _put_off(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Deferred) and outcome.sent


def _positions(c: Connection, p: Pass, recalled: Recalled, rounds_: Mapping[str, Round]) -> None:
    """Cursors commit with the links of their complete round; the host's position with what was decided on it."""
    ended = [name for name, round_ in rounds_.items() if round_.complete and name in p.collections]
    if ended:
        read = ((p.collections[name], p.cursors[name]) for name in ended)
        done = (replace(row, cursor=cursor, checkpoint=None, round=None, read_at=p.now) for row, cursor in read)
        collections.set_progress(c, done)
        rounds.drop(c, p.connection.id, *ended)
    for kind, reached in recalled.host_cursors.items() if p.pushing else ():
        host_positions.put(c, p.connection.id, kind, reached)


def _forget(c: Connection, p: Pass) -> None:
    """What has outlived its use, locally: blocks that left the window, old lines of the journal and of the list of
    conflicts, settled intents."""
    passed = blocks.before(c, p.connection.id, p.window().start - timedelta(days=7), 1000)
    links.remove(c, passed, p.now)
    held.remove_for(c, passed)
    kept = p.now - p.engine.settings.journal_kept
    journal.forget(c, p.connection.id, kept)
    conflicts.forget(c, p.connection.id, kept)
    intents.forget(c, p.connection.id, p.now - timedelta(days=1))


def waiting_only(planned: Planned) -> Planned:
    """While a plan waits: blocks and looking things up go on; nothing is written on either side."""
    return replace(planned, go=replace(planned.go, steps=tuple(_postponed(s) for s in planned.go.steps if _stays(s))))


def _stays(step: Step) -> bool:
    return step.action is not Action.CREATE_REMOTE or step.link.remote_id is not None


def _postponed(step: Step) -> Step:
    if step.pushes or step.applies:
        return Step(Action.PARK, Reason.AWAITS_APPROVAL, step.link, step.case)
    return step


def next_due(p: Pass) -> datetime:
    """Half an hour from now, a little earlier or later by connection, so that not all come at once. Where something is
    left, sooner: after a minute, then two, four and so on for as long as passes in a row leave something."""
    if p.paused is not None:
        return p.paused
    if p.again:
        return p.now + min(p.engine.settings.period, SOON * (1 << min(p.connection.failures, 10)))
    spread = int(p.connection.id.encode().hex(), 16) % 1000 / 1000 - 0.5
    return p.now + p.engine.settings.period * (1 + spread / 5)
