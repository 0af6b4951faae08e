"""Step 5, plan: recalled cases become steps by the decision tables; loose host events are adopted or exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.pull import fetch
from marketplace_plugin.engine.steps.recall import Recalled
from marketplace_plugin.errors import CollectionGone, PermissionDenied
from marketplace_plugin.model.change import Access, Found, HostGone, HostItem, Stamp, Upsert
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import connections, journal, links
from marketplace_plugin.store.log import journal as log
from marketplace_plugin.store.log.journal import Entry
from marketplace_plugin.sync.decided import as_decided
from marketplace_plugin.sync.diff import How, Seen
from marketplace_plugin.sync.flows import flows_of
from marketplace_plugin.sync.guard import Braked, Count, Side, brake
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge import Policy, changed
from marketplace_plugin.sync.plan import adopted, decide, eligible
from marketplace_plugin.sync.reason import Reason
from marketplace_plugin.sync.step import Case, Plan, Step
from marketplace_plugin.sync.tables import Action

BULK = "bulk:"
"""How the ``op`` of a ``HostGone`` begins where the user deleted many at once and said so: approved by that act."""

ADOPTABLE = frozenset({Reason.DISCONNECTED})
EXPORTED_ANEW = frozenset({Reason.DISCONNECTED, Reason.TARGET_CHANGED})


@dataclass(frozen=True, slots=True)
class Planned:
    """``go`` is done in this pass; ``held`` waits for the brake. ``orphans``: links of copies that only wait to be
    removed; ``absorbed``: blocks whose place an event takes; ``told``: lines of the journal beside the steps' own."""

    go: Plan
    held: tuple[Step, ...]
    orphans: tuple[Link, ...]
    absorbed: tuple[Link, ...]
    told: tuple[Entry, ...] = ()


def plan(p: Pass, recalled: Recalled) -> Planned:
    """Everything that this pass would do, were all of it approved."""
    policy = Policy(p.connection.policy)
    steps = [_decided(p, case, recalled, policy) for case in recalled.cases]
    steps += [Step(Action.PARK, Reason.AWAITS_SIBLING, link, Case(link)) for link in recalled.waiting]
    steps += [Step(Action.PARK, Reason.STALE, link, Case(link)) for link in recalled.suspects]
    orphans: list[Link] = []
    for seen in recalled.tied.values():
        steps.append(_tie(p, seen, recalled, policy, orphans))
    for item in recalled.loose:
        step = _loose(p, item, recalled.former.get(item.ref, []))
        if step is not None:
            steps.append(step)
    braked = _brake(p, Plan(tuple(steps)), recalled)
    return Planned(braked.go, braked.held, tuple(orphans), tuple(recalled.absorbed))


def _decided(p: Pass, case: Case, recalled: Recalled, policy: Policy) -> Step:
    place = p.place(case.link.collection)
    return as_decided(decide(case, place, policy), place, recalled.approved, recalled.restored)


def _brake(p: Pass, wanted: Plan, recalled: Recalled) -> Braked:
    with p.engine.store.read() as c:
        counted = links.count(c, p.connection.id)
        done = journal.deletions(c, p.connection.id, p.now - timedelta(hours=24))
    live = sum(
        n for (kind, state), n in counted.items() if kind is not LinkKind.BLOCK and state is not LinkState.DETACHED
    )
    count = Count(live, {Side.HOST: done[log.Side.HOST], Side.REMOTE: done[log.Side.REMOTE]})
    by_act = {step.link.id for step in wanted.steps if _asked_for(step)}
    return brake(wanted, count, recalled.approved | by_act)


def _asked_for(step: Step) -> bool:
    """He deleted many at once and said so; or it is a copy whose event went to another target, where he moved it."""
    in_bulk = isinstance(step.case.host, HostGone) and step.case.host.op.startswith(BULK)
    return in_bulk or (step.link.kind is LinkKind.EXPORT and step.link.host_ref is None)


# --- ties ----------------------------------------------------------------------------------------------------------


def _tie(p: Pass, seen: Seen, recalled: Recalled, policy: Policy, orphans: list[Link]) -> Step:
    """A remote item that belongs to a link without being the one it names: a create that arrived, or an invitation."""
    link, host = seen.link, recalled.host.get(seen.link.host_ref or "")
    tied = replace(link, collection=seen.collection, remote_id=seen.found.id, access=seen.found.access)
    if not isinstance(host, HostItem):
        left = replace(tied, host_ref=None, organised=False, remote_base=seen.found.item)
        return decide(Case(left, None, seen.found), p.place(seen.collection), policy)
    reason = Reason.ADOPTED
    if seen.how is How.INVITED:
        reason = Reason.INVITATION_REPLACES_COPY
        orphans.append(orphan(p, link, reason))
    return _adopt(p, tied, host, seen.found, reason)


def _adopt(p: Pass, link: Link, host: HostItem, found: Found, reason: Reason) -> Step:
    step = Step(Action.ADOPT, reason, link, Case(link, host, found))
    if not isinstance(host.item, Event | Series) or not isinstance(found.item, Event | Series):
        return step
    flows = flows_of(link, p.place(link.collection))
    return replace(step, clashes=adopted(host.item, found.item, flows, reason))


def orphan(p: Pass, link: Link, reason: Reason) -> Link:
    """What stays of a copy whose event went elsewhere: it only waits to be removed, if nobody touched it."""
    return replace(
        link,
        id=p.engine.new_id(),
        kind=LinkKind.EXPORT,
        host_ref=None,
        host=None,
        uid="",
        organised=False,
        state=LinkState.PARKED,
        reason=reason,
        attempts=0,
    )


# --- host events without a link ------------------------------------------------------------------------------------


def _loose(p: Pass, item: HostItem, former: list[Link]) -> Step | None:
    """Adopt what is the same event already, else export it into the target; None where it stays where it is."""
    step = _readopt(p, item, former) or _same_meeting(p, item)
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
    step = Step(Action.CREATE_REMOTE, reason, link, Case(link, item, None))
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


def _readopt(p: Pass, item: HostItem, former: list[Link]) -> Step | None:
    """The same account was connected again: what it exported and converted is known by its old link (rule 7)."""
    for link in former:
        with p.engine.store.read() as c:
            before = connections.get(c, link.connection)
        same_account = before is not None and before.account_key == p.connection.account_key
        if link.reason in ADOPTABLE and same_account and link.collection in p.collections:
            found = _left_behind(p, link)
            if found is not None and (found.stamp is None or found.stamp.link == link.id):
                back = replace(link, connection=p.connection.id, access=found.access, state=LinkState.LIVE, reason=None)
                return _adopt(p, replace(back, remote_id=found.id), item, found, Reason.ADOPTED)
    return None


def _left_behind(p: Pass, link: Link) -> Found | None:
    """The remote item of a link that ended; by our stamp where its making was interrupted by the end."""
    if link.remote_id is not None:
        return _fetch_one(p, link.collection, link.remote_id)
    stamp = Stamp(p.engine.instance, link.id)
    try:
        carried = p.provider.find(link.collection, [stamp]).get(stamp, ())
    except (CollectionGone, PermissionDenied) as error:
        p.failed(link.collection, error)
        return None
    return min(carried, key=lambda found: (found.changed or p.now, found.id), default=None)


def _same_meeting(p: Pass, item: HostItem) -> Step | None:
    """A block of this connection that is this very event: same UID, organiser and times (rule 7)."""
    with p.engine.store.read() as c:
        by_uid = links.by_uid(c, p.connection.user, item.uids)
    for block in [k for known in by_uid.values() for k in known]:
        if block.kind is LinkKind.BLOCK and block.connection == p.connection.id and block.remote_id is not None:
            found = _fetch_one(p, block.collection, block.remote_id)
            if found is not None and _alike(item, found):
                kind = LinkKind.CONVERTED if item.organised else LinkKind.EXPORT
                tied = replace(block, kind=kind, host_ref=item.ref, organised=item.organised, access=found.access)
                return _adopt(p, tied, item, found, Reason.ADOPTED)
    return None


def _alike(item: HostItem, found: Found) -> bool:
    """Equal organiser and times: the user's own here and there, or somebody else's here and there."""
    if not isinstance(item.item, Event | Series) or not isinstance(found.item, Event | Series):
        return False
    same_times = not changed(item.item, found.item, frozenset({"when"}))
    return same_times and item.organised == (found.access is Access.FULL)


def _fetch_one(p: Pass, collection: str, remote_id: str) -> Found | None:
    """None where it is gone, or its calendar is. Where the service does not answer, the pass ends with its error: not
    to know of an event must not make another one."""
    try:
        changes = fetch(p, collection, [remote_id])
    except (CollectionGone, PermissionDenied) as error:
        p.failed(collection, error)
        return None
    return next((change.found for change in changes if isinstance(change, Upsert)), None)


# --- approval ------------------------------------------------------------------------------------------------------


def key_of(step: Step) -> tuple[str, str]:
    """What an approval binds: which event, and what is done to it."""
    return (step.link.host_ref or step.link.id, step.action.value)


def needs_approval(step: Step) -> bool:
    """Steps that a user must have seen: remote writes, and deletions on either side (rule 18)."""
    return step.pushes or step.action is Action.DELETE_HOST


def unapproved(wanted: Plan, approved: Mapping[tuple[str, str], object]) -> tuple[Step, ...]:
    return tuple(step for step in wanted.steps if needs_approval(step) and key_of(step) not in approved)
