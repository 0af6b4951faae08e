"""Step 5, plan: recalled cases become steps by the decision tables; loose host events are adopted or exported."""

from __future__ import annotations

from dataclasses import dataclass, replace

from marketplace_plugin.engine.acts.chosen import left
from marketplace_plugin.engine.steps.host_side import at_link
from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.plan.adopting import Standing, adopt, standing, tie
from marketplace_plugin.engine.steps.plan.pairing import EXPORTED_ANEW, Doubt, Paired, is_newcomer, pair
from marketplace_plugin.engine.steps.plan.splits import told_of_tails
from marketplace_plugin.engine.steps.recall import Recalled
from marketplace_plugin.model.change import HostGone, HostItem
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import journal, links
from marketplace_plugin.store.log import journal as log
from marketplace_plugin.store.log.journal import Entry
from marketplace_plugin.sync.diff import How, Invited, Seen
from marketplace_plugin.sync.guard import DELETES, Braked, Count, Side, brake
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.three_way import Policy
from marketplace_plugin.sync.plan.decide import decide, eligible, following
from marketplace_plugin.sync.plan.decided import as_decided
from marketplace_plugin.sync.plan.step import Case, Plan, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


@dataclass(frozen=True, slots=True)
class Planned:
    """``go`` is done in this pass; ``held`` waits for the brake. ``orphans``: links of copies that only wait to be
    removed; ``absorbed``: blocks whose place an event takes; ``told``: lines of the journal beside the steps' own;
    ``doubts``: contacts and tasks that may be one of those that are here."""

    go: Plan
    held: tuple[Step, ...]
    orphans: tuple[Link, ...]
    absorbed: tuple[Link, ...]
    told: tuple[Entry, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def plan(p: Pass, recalled: Recalled) -> Planned:
    """Everything that this pass would do, were all of it approved."""
    policy = Policy(p.connection.policy)
    steps = [_decided(p, case, recalled, policy) for case in recalled.cases if not is_newcomer(case)]
    steps += [Step(Action.PARK, Reason.AWAITS_SIBLING, link, Case(link)) for link in recalled.waiting]
    steps += [Step(Action.PARK, Reason.STALE, link, Case(link)) for link in recalled.suspects]
    orphans: list[Link] = []
    for seen in recalled.tied.values():
        steps.append(_tie(p, seen, recalled, policy, orphans))
    known = standing(p, recalled)
    loose = [_loose(p, item, recalled.former.get(item.ref, []), known) for item in recalled.loose]
    taken_up = [step for step in loose if step is not None]
    again = {step.link.id for step in taken_up}  # also a link at rest whose item has moved, and that is at rest no more
    steps = [step for step in steps if step.link.id not in again] + taken_up
    steps += [_invited(p, one, recalled) for one in recalled.invited.values()]
    paired = pair(p, recalled, policy)
    steps = _without_doubted(steps, paired) + paired.steps
    braked = _brake(p, Plan(tuple(steps)), recalled)
    told = tuple(told_of_tails(p, recalled))
    return Planned(braked.go, braked.held, tuple(orphans), tuple(recalled.absorbed), told, tuple(paired.doubts))


def _without_doubted(steps: list[Step], paired: Paired) -> list[Step]:
    """A create whose answer was lost, where the service can hold no stamp: what may be it is asked about first."""
    tied = {step.link.id for step in paired.steps}
    return [
        s
        for s in steps
        if s.link.id not in tied
        and not (s.action is Action.CREATE_REMOTE and s.link.kind is LinkKind.PAIR and s.link.host_ref in paired.asked)
    ]


def _decided(p: Pass, case: Case, recalled: Recalled, policy: Policy) -> Step:
    place = p.place(case.link.collection)
    return as_decided(decide(case, place, policy), place, recalled.announced, recalled.restored)


def _brake(p: Pass, wanted: Plan, recalled: Recalled) -> Braked:
    if not p.pushing or not any(step.action in DELETES for step in wanted.steps):
        return Braked(wanted, ())  # nothing to hold; or the plan asks for all of it
    with p.engine.store.read() as c:
        counted = links.count(c, p.connection.id)
        done = journal.deletions(c, p.connection.id, p.now)
    live = sum(
        n for (kind, state), n in counted.items() if kind is not LinkKind.BLOCK and state is not LinkState.DETACHED
    )
    count = Count(live, {Side.HOST: done[log.Side.HOST], Side.REMOTE: done[log.Side.REMOTE]})
    by_act = {step.link.id for step in wanted.steps if _asked_for(step) or is_approved(p, step)}
    return brake(wanted, count, recalled.approved | by_act)


def _asked_for(step: Step) -> bool:
    """He deleted many at once and said so; or it is a copy whose event went to another target, where he moved it."""
    in_bulk = isinstance(step.case.host, HostGone) and step.case.host.in_bulk
    return in_bulk or (step.link.kind in (LinkKind.EXPORT, LinkKind.MIRROR) and step.link.host_ref is None)


# --- ties ----------------------------------------------------------------------------------------------------------


def _tie(p: Pass, seen: Seen, recalled: Recalled, policy: Policy, orphans: list[Link]) -> Step:
    """A remote item that belongs to a link without being the one it names: a create that arrived, or an invitation."""
    link, host = seen.link, recalled.host.get(at_link(seen.link))
    tied = replace(link, collection=seen.collection, remote_id=seen.found.id, access=seen.found.access)
    if not isinstance(host, HostItem):
        left = replace(tied, host_ref=None, organised=False, remote_base=seen.found.item)
        return decide(Case(left, None, seen.found), p.place(seen.collection), policy)
    reason = Reason.ADOPTED
    if seen.how is How.INVITED:
        reason = Reason.INVITATION_REPLACES_COPY
        orphans.append(orphan(p, link, reason))
    return tie(p, tied, host, seen.found, reason)


def _invited(p: Pass, one: Invited, recalled: Recalled) -> Step:
    """The service has asked this user to what somebody else organises here: the invitation is his copy of it."""
    host = recalled.host[one.ref]
    if not isinstance(host, HostItem):
        raise TypeError("an invitation to what the user has no part in is a block")
    link = replace(_export(p, host, one.collection), remote_id=one.found.id, access=one.found.access)
    return tie(p, replace(link, state=LinkState.LIVE), host, one.found, Reason.INVITATION_REPLACES_COPY)


def orphan(p: Pass, link: Link, reason: Reason) -> Link:
    """What stays of a copy whose event went elsewhere: it only waits to be removed, if nobody touched it."""
    return replace(
        link,
        id=p.engine.new_id(),
        kind=LinkKind.EXPORT,
        host_ref=None,
        host=None,
        remote=left.last_seen(p.engine, link),
        uid="",
        organised=False,
        state=LinkState.PARKED,
        reason=reason,
        attempts=0,
    )


# --- host events without a link ------------------------------------------------------------------------------------


def _loose(p: Pass, item: HostItem, former: list[Link], known: Standing) -> Step | None:
    """Adopt what is the same event already, else export it into the target; None where it stays where it is."""
    step = adopt(p, item, known)
    if step is not None:
        return step
    target = p.target
    if target is None or any(link.reason not in EXPORTED_ANEW for link in former):
        return None
    reason = _eligible(p, item)
    if reason is not Reason.NEW_HOST:
        p.counts["skipped"] += 1
        return None
    link = _export(p, item, target.remote_id)
    step = following(Step(Action.CREATE_REMOTE, reason, link, Case(link, item, None)), p.place(target.remote_id))
    return step if p.place(target.remote_id).writable else replace(step, action=Action.PARK, reason=Reason.ROLE_DROPPED)


def _eligible(p: Pass, item: HostItem) -> Reason:
    try:
        ends = p.span(item.item)[1]
    except (TypeError, ValueError, KeyError, OverflowError):
        return Reason.UNREADABLE
    return eligible(item, ends, p.connection.connected_at or p.connection.created_at)


def _export(p: Pass, item: HostItem, collection: str) -> Link:
    return Link(
        id=p.engine.new_id(),
        kind=LinkKind.EXPORT,
        user=p.connection.user,
        connection=p.connection.id,
        collection=collection,
        remote_id=None,
        host_kind=Kind.EVENT,
        host_ref=item.ref,
        organised=item.organised,
        state=LinkState.PENDING,
    )


# --- approval ------------------------------------------------------------------------------------------------------


def key_of(step: Step) -> tuple[str, str]:
    """What an approval binds: which event, and what is done to it."""
    return (step.link.host_ref or step.link.id, step.action.value)


def needs_approval(step: Step) -> bool:
    """Steps that a user must have seen: remote writes, and deletions on either side (rule W7)."""
    return step.pushes or step.action is Action.DELETE_HOST


def is_approved(p: Pass, step: Step) -> bool:
    """Named by the plan that is in force. What was approved to be made may be finished too."""
    approved = p.approved.steps if p.approved is not None else ()
    ref, action = key_of(step)
    made = (ref, Action.CREATE_REMOTE.value) if action == Action.MERGE else (ref, action)
    return (ref, action) in approved or made in approved
