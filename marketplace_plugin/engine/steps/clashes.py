"""The list of conflicts as a pass writes it: a line for each settled clash, and one question a field (rule U1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.model.change import Found, HostItem
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.write import HostApplied, HostOutcome, Outcome
from marketplace_plugin.store import conflicts
from marketplace_plugin.store.work.conflicts import Conflict, ConflictState
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.merge.cells import EVERY_FIELD, Cell, is_blank, named, shown
from marketplace_plugin.sync.merge.three_way import Clash, Verdict, Winner
from marketplace_plugin.sync.outcome import arrived
from marketplace_plugin.sync.plan.step import Step
from marketplace_plugin.sync.reason import Reason

_WON = {Verdict.OUT: Winner.HOST, Verdict.IN: Winner.REMOTE}


@dataclass(frozen=True, slots=True)
class Done:
    """A step with what became of its writes; None where there was none on that side."""

    step: Step
    pushed: Outcome | None
    applied: HostOutcome | None

    def carried_out(self, winner: Winner) -> bool:
        """Whether the side that lost shows the value that won. Until it does, both values stand where they stood."""
        kept_here = self.step.applies and not isinstance(self.applied, HostApplied)
        return arrived(self.step, self.pushed) and not (winner is Winner.REMOTE and kept_here)


# --- with the intents ------------------------------------------------------------------------------------------------


def tell(p: Pass, c: Connection, step: Step, *, there: bool, here: bool) -> list[Conflict]:
    """What the writes of this step, ``there`` and ``here``, overrule before the pass commits. Once they are sent,
    nobody else knows it. What a host that shares our transaction is given stands only with the commit."""
    here = here and not p.engine.host.shares_transaction
    lost = {winner for winner, sent in ((Winner.HOST, there), (Winner.REMOTE, here)) if sent}
    told = _rows(p, c, [(step, clash) for clash in step.clashes if clash.winner in lost])
    conflicts.put(c, told)
    return told


# --- with their outcomes ---------------------------------------------------------------------------------------------


def settle(p: Pass, c: Connection, done: Iterable[Done]) -> None:
    """Put down what was settled and what waits, and drop the questions that have another answer by now."""
    steps = [one for one in done if one.step.merged is not None or one.step.clashes]
    clashes = [(one.step, clash) for one in steps for clash in one.step.clashes if one.carried_out(clash.winner)]
    by_link = {one.step.link.id: one for one in steps}
    asked = conflicts.of_links(c, by_link, ConflictState.OPEN)
    clashes += [found for row in asked if (found := _overtaken(row, by_link[row.link]))]
    told = _rows(p, c, clashes)
    conflicts.put(c, told)
    anew = {(row.link, row.field): row.id for row in told}
    void = {row.id for row in asked if _is_answered(row, by_link[row.link].step)}
    void |= {row.id for row in asked if anew.get((row.link, row.field), row.id) != row.id}
    conflicts.remove(c, void)


def end(p: Pass, c: Connection, steps: Iterable[Step]) -> None:
    """Their links are gone: nobody can be asked any more, and what was asked about is told as long as all else."""
    for step in steps:
        if step.link.kind is not LinkKind.BLOCK:
            conflicts.answer(c, step.link.id, Winner.HOST, step.reason, p.now)


def _overtaken(row: Conflict, done: Done) -> tuple[Step, Clash] | None:
    """What differed when two items were tied stays a question until one side is edited: that overrules the other."""
    verdict = done.step.merged.verdicts.get(row.field) if done.step.merged is not None else None
    if not tied_as_they_are(row) or verdict not in _WON or not done.carried_out(_WON[verdict]):
        return None
    return done.step, Clash(row.field, _WON[verdict], Reason.CONFLICT_NEWEST)


def _is_answered(row: Conflict, step: Step) -> bool:
    """No clash any more: who saw one side made it what was agreed, or what the other side shows. Only where both sides
    were looked at."""
    if step.merged is None or not isinstance(step.case.host, HostItem) or not isinstance(step.case.remote, Found):
        return False
    verdict = step.merged.verdicts.get(row.field)
    if tied_as_they_are(row):
        return verdict is Verdict.AGREED
    return verdict in (Verdict.KEPT, Verdict.AGREED, Verdict.OUT, Verdict.IN)


def tied_as_they_are(row: Conflict) -> bool:
    """Nothing was agreed: both sides keep their own, and the base knows it."""
    return row.reason is Reason.ADOPTED or is_blank(row.base)


# --- lines -----------------------------------------------------------------------------------------------------------


def _rows(p: Pass, c: Connection, clashes: Sequence[tuple[Step, Clash]]) -> list[Conflict]:
    """A line for each, with both showings whole. The very same clash (what was agreed is the same, and so are both
    values) is the same line, however often a pass meets it before it is settled."""
    known: dict[tuple[str, str], list[Conflict]] = defaultdict(list)
    for row in conflicts.of_links(c, {step.link.id for step, _ in clashes}):
        known[row.link, row.field].append(row)
    return [_row(p, step, clash, known[step.link.id, clash.cell]) for step, clash in clashes]


def _row(p: Pass, step: Step, clash: Clash, known: Sequence[Conflict]) -> Conflict:
    waits = clash.winner is Winner.NOBODY
    host, remote = _both(step)
    new = Conflict(
        id=p.engine.new_id(),
        connection=p.connection.id,
        user=step.link.user,
        link=step.link.id,
        run=p.run,
        field=clash.cell,
        winner="" if waits else clash.winner,
        reason=clash.reason,
        created_at=p.now,
        state=ConflictState.OPEN if waits else ConflictState.SETTLED,
        base=step.link.base,
        host=host,
        remote=remote,
    )
    cell = named(clash.cell, step.merged.flows.held if step.merged is not None else EVERY_FIELD)
    same = next((row for row in known if row.state is new.state and _is_same(cell, row, new)), None)
    return new if same is None else replace(new, id=same.id, run=same.run, created_at=same.created_at)


def _is_same(cell: Cell, a: Conflict, b: Conflict) -> bool:
    """Compared as the merge does: what a service rewrites without meaning anything by it is the same."""
    pairs = zip((a.base, a.host, a.remote), (b.base, b.host, b.remote), strict=True)
    return all(_is_alike(cell, shown(cell, one), shown(cell, other)) for one, other in pairs)


def _is_alike(cell: Cell, one: object, other: object) -> bool:
    return one == other or (one is not None and other is not None and cell.equal(one, other))


def _both(step: Step) -> tuple[Item | None, Item | None]:
    """What both sides showed before the step."""
    if step.merged is not None:
        return step.merged.seen.host, step.merged.seen.remote
    host, remote = step.case.host, step.case.remote
    return (host.item if isinstance(host, HostItem) else None), (remote.item if isinstance(remote, Found) else None)
