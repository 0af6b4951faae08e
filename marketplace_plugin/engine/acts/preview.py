"""The plan that a user sees before anything is written, and his approval (docs/sync.md, W7).

A preview is a pass that pushes nothing: the same code, up to the plan. An approval binds each step to its event and to
what is done to it; a step that adds a remote write or a deletion is asked again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.context import Engine, RunOutcome, RunResult, Trigger
from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.plan.planning import Planned, is_approved, key_of, needs_approval
from marketplace_plugin.engine.steps.written import count_name
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import blocks, connections, host_positions, leases, links, plans, runs
from marketplace_plugin.store.log.plans import PlanState
from marketplace_plugin.store.log.runs import Run
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.merge.guests import GUESTS
from marketplace_plugin.sync.plan.step import Case, Plan, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What is shown above "Starten". ``counts``: ``remote.create``, ``remote.update``, ``remote.delete``, and the same
    for ``host``; ``blocks`` come in anyway. ``guests``: so many of the events written there name those who take part in
    them (the service is asked for silence). ``mails`` is always 0: nobody is ever mailed.
    ``kinds``: of all these, those of contacts, tasks and calls."""

    id: str
    connection: str
    created_at: datetime
    counts: Mapping[str, int]
    blocks: int
    waiting: bool = True
    guests: int = 0
    mails: int = 0
    kinds: Mapping[Kind, Mapping[str, int]] = field(default_factory=dict)


WITH_GUESTS = "remote.guests"
COUNTED = ("remote.create", "remote.update", "remote.delete", "host.create", "host.update", "host.delete")


def preview(engine: Engine, connection_id: str) -> PlanSummary | RunResult:
    """Read both sides and plan, writing nothing but blocks. The RunResult tells why where no plan came about."""
    from marketplace_plugin.engine.run import run_pass

    result = run_pass(engine, connection_id, Trigger.BUTTON, engine.new_id())
    summary = current_plan(engine, connection_id)
    # One that was approved before says nothing of settings that are new: where the pass could not run, there is none.
    if summary is None or not summary.waiting or result.outcome is RunOutcome.FAILED:
        return result
    return summary


def current_plan(engine: Engine, connection_id: str) -> PlanSummary | None:
    """The plan that waits for its owner, or was approved last."""
    with engine.store.read() as c:
        plan = plans.current(c, connection_id)
        shown = blocks.count(c, connection_id)
    if plan is None:
        return None
    counts = {name: plan.counts.get(name, 0) for name in COUNTED}
    return PlanSummary(
        plan.id,
        connection_id,
        plan.created_at,
        counts,
        shown,
        waiting=plan.state is PlanState.WAITING,
        guests=plan.counts.get(WITH_GUESTS, 0),
        kinds={kind: told for kind in Kind if (told := _of_kind(plan.counts, kind))},
    )


def _of_kind(counts: Mapping[str, int], kind: Kind) -> dict[str, int]:
    return {name: n for name in COUNTED if (n := counts.get(f"{kind}:{name}", 0))}


def approve(engine: Engine, plan_id: str, person: Person) -> str:
    """Let the plan go, and return the id of the run that does it. A pass that runs with the plan waiting loses its
    lease: it would ask once more. Raises Conflict where the plan no longer waits, the settings have changed, or the
    connection is not the person's own."""
    run_id, now = engine.new_id(), engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        plan = plans.get(c, plan_id)
        connection = connections.get(c, plan.connection) if plan is not None else None
        if plan is None or connection is None or connection.user != person.id:
            raise Conflict("there is no such plan")
        if plan.settings_version != connection.settings_version:
            raise Conflict("the settings were changed after this plan was made")
        if not plans.approve(c, plan_id, person.id, run_id, now):
            raise Conflict("this plan no longer waits")
        if connection.approved_version != plan.settings_version:
            host_positions.drop(c, connection.id)
        connections.approve(c, connection.id, plan.settings_version)
        leases.seize(c, connection.id, now)
        runs.add(c, Run(run_id, connection.id, connection.user, Trigger.START, now))
    if engine.runner is not None:
        payload = {"connection": connection.id, "run": run_id, "trigger": Trigger.START.value}
        engine.runner.submit("sync", connection.id, payload, priority=100)
    return run_id


# --- inside a pass -------------------------------------------------------------------------------------------------


def in_force(engine: Engine, connection_id: str) -> tuple[bool, plans.Plan | None]:
    """Whether a plan waits for its owner; and the one that he approved and that no pass has carried out: the run that
    was to do it may have died."""
    with engine.store.read() as c:
        waiting, approved = plans.in_force(c, connection_id)
    return waiting is not None, approved


def ask(p: Pass, wanted: Plan) -> None:
    """Write the plan down for its owner, unless the same one waits already."""
    steps = [step for step in wanted.steps if needs_approval(step) or step.applies]
    known = {step.link.id for step in steps}
    _store(p, [*steps, *(step for step in _coming(p) if step.link.id not in known)])


def _coming(p: Pass) -> list[Step]:
    """What an earlier pass has read and is to be made here: the service tells of it only once."""
    with p.engine.store.read() as c:
        parked = links.of_connection(c, p.connection.id, kinds=(LinkKind.PAIR,), states=(LinkState.PARKED,))
        waiting = [k for k in parked if k.reason is Reason.AWAITS_APPROVAL and k.host_ref is None]
    return [Step(Action.RECREATE_HOST, Reason.NEW_REMOTE, link, Case(link)) for link in waiting]


def bound(p: Pass, planned: Planned) -> Planned:
    """Until a pass has carried an approved plan out, whichever it is: what was not in the plan waits, and is asked.
    What was asked goes on waiting."""
    waits = [step for step in planned.go.steps if _waits(p, step)]
    if not waits:
        return planned
    if p.approved is not None:
        _store(p, waits)
    parked = [Step(Action.PARK, Reason.AWAITS_APPROVAL, step.link, step.case) for step in waits]
    late = {step.link.id for step in waits}
    kept = [step for step in planned.go.steps if step.link.id not in late]
    return replace(planned, go=Plan((*kept, *parked)))


def _waits(p: Pass, step: Step) -> bool:
    asked = p.asks and step.link.reason is Reason.AWAITS_APPROVAL
    return needs_approval(step) and (asked or (p.approved is not None and not is_approved(p, step)))


def _store(p: Pass, steps: Sequence[Step]) -> None:
    keys = tuple(sorted(key_of(step) for step in steps))
    fingerprint = p.engine.store.vault.keyed(repr((p.connection.settings_version, keys)).encode())
    with p.write() as unit:
        c = unit.connection
        there = plans.current(c, p.connection.id)
        if there is not None and there.state is PlanState.WAITING and there.fingerprint == fingerprint:
            return
        plans.add(
            c,
            plans.Plan(
                id=p.engine.new_id(),
                connection=p.connection.id,
                settings_version=p.connection.settings_version,
                fingerprint=fingerprint,
                counts=_counts(steps),
                created_at=p.now,
                steps=keys,
            ),
        )


def _counted(step: Step) -> dict[str, int]:
    if step.action is Action.MERGE:
        return {"remote.update": int(step.pushes), "host.update": int(step.applies)}
    return {count_name(step): 1}


def _counts(steps: Sequence[Step]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for step in steps:
        for name, number in _counted(step).items():
            counts[name] += number
            if step.link.host_kind is not Kind.EVENT:
                counts[f"{step.link.host_kind}:{name}"] += number
        named = step.merged is not None and GUESTS in step.merged.to_remote
        counts[WITH_GUESTS] += named or step.then is Reason.GUESTS
    return {name: number for name, number in counts.items() if number}
