"""Steps 6 and 7: what will be written is committed as intents, then pushed; every outcome has a name (rules W2, W3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from marketplace_plugin.engine.context import Phase
from marketplace_plugin.engine.steps import clashes
from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    PermissionDenied,
    ProviderError,
    Throttled,
)
from marketplace_plugin.model.change import Found, HostItem, Revision, Stamp
from marketplace_plugin.model.write import (
    Create,
    Deferred,
    Delete,
    HostCreate,
    HostDelete,
    HostUpdate,
    HostWrite,
    Outcome,
    Refused,
    RefusedCode,
    Unanswered,
    Update,
    Write,
)
from marketplace_plugin.store import conflicts, held, intents, links
from marketplace_plugin.store.work.conflicts import Conflict
from marketplace_plugin.store.work.intents import Intent
from marketplace_plugin.sync.link import Link, LinkKind, LinkState, RemoteShowing
from marketplace_plugin.sync.merge.cells import Synced
from marketplace_plugin.sync.merge.three_way import Base, Policy, Showing, merge
from marketplace_plugin.sync.outcome import declined
from marketplace_plugin.sync.plan.flows import flows_of, outgoing
from marketplace_plugin.sync.plan.step import Plan, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason

_HOST_DEEDS = (Action.DELETE_HOST, Action.RECREATE_HOST)


@dataclass(slots=True)
class Work:
    """The steps of this pass with their writes, by link id, and what the service answered, by operation key. ``told``:
    what the writes overrule, in the list of conflicts already."""

    steps: list[Step] = field(default_factory=list)
    remote: dict[str, Write] = field(default_factory=dict)
    host: dict[str, HostWrite] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    told: list[Conflict] = field(default_factory=list)

    def pushed(self, step: Step) -> Outcome | None:
        write = self.remote.get(step.link.id)
        return self.outcomes.get(write.op) if write is not None else None


def intend(p: Pass, plan: Plan) -> Work:
    """Commit what will be written, with its preconditions, what it overrules, and the links of items to be made."""
    work = Work()
    made: list[Link] = []
    replaced: dict[str, str] = {}
    for planned in plan.steps:
        step = planned
        if step.action is Action.RECREATE_REMOTE:
            step = _anew(p, step)
            replaced[planned.link.id] = step.link.id
        if step.action is Action.CREATE_REMOTE:
            made.append(step.link)
        elif _arrives(step) and not p.engine.host.shares_transaction:
            made.append(_arriving(p, step))  # should we die after the host has it, it is tied and not made twice
        elif step.reason is Reason.UNDONE and step.action in (Action.DELETE_REMOTE, *_HOST_DEEDS):
            made.append(declined(step.link))  # should we die after it, nobody takes it for a deletion by the user
        work.steps.append(step)
        _write(p, step, work)
    if not (replaced or made or work.remote or work.host):
        return work
    with p.write() as unit:
        c = unit.connection
        links.remove(c, replaced, p.now)
        held.remove_for(c, replaced)
        for old, new in replaced.items():
            conflicts.follow(c, old, new, Reason.EDIT_BEATS_DELETION, p.now)
        links.put(c, made, p.now)
        intents.put(c, _intents(p, work))
        for step in work.steps:
            there, here = step.link.id in work.remote, step.link.id in work.host
            work.told += clashes.tell(p, c, step, there=there, here=here)
    return work


def _anew(p: Pass, step: Step) -> Step:
    """Deleted there, edited here: a new item under a new link, so that its stamp and operation key are new too."""
    link = step.link.anew(p.engine.new_id(), step.link.collection)
    return replace(step, action=Action.CREATE_REMOTE, link=link, case=replace(step.case, link=link, remote=None))


def _arrives(step: Step) -> bool:
    """A contact or task of the service is made here for the first time."""
    new = step.link.kind is LinkKind.PAIR and step.link.host_ref is None
    return new and step.action is Action.RECREATE_HOST and step.reason is Reason.NEW_REMOTE


def _arriving(p: Pass, step: Step) -> Link:
    """Its link, with what the service shows of it."""
    found = step.case.remote
    if not isinstance(found, Found):
        return step.link
    shown = RemoteShowing(found.revision, p.digest(found.item))
    waiting = replace(step.link, state=LinkState.PARKED, reason=Reason.DEFERRED)
    return replace(waiting, remote=shown, remote_base=found.item)


def _write(p: Pass, step: Step, work: Work) -> None:
    remote, host = _remote_write(p, step), _host_write(p, step)
    if remote is not None:
        work.remote[step.link.id] = remote
    if host is not None:
        work.host[step.link.id] = host


def _remote_write(p: Pass, step: Step) -> Write | None:
    link, case = step.link, step.case
    op, remote_id = p.engine.new_id(), link.remote_id or ""
    match step.action:
        case Action.CREATE_REMOTE if step.restored is not None:
            item = outgoing(step.restored, p.place(link.collection), link)
            return Create(op, Stamp(p.engine.instance, link.id), item)  # the link's own key was used up once
        case Action.CREATE_REMOTE if isinstance(case.host, HostItem):
            item = outgoing(_synced(case.host.item), p.place(link.collection), link)
            used_up = link.reason is Reason.STALE  # what was made under it is gone again, says the service
            return Create(op if used_up else link.id, Stamp(p.engine.instance, link.id), item)
        case Action.DELETE_REMOTE:
            return Delete(op, remote_id, _revision(step))
        case Action.MERGE if step.merged is not None and step.merged.to_remote:
            merged = step.merged
            return Update(op, remote_id, _revision(step), merged.seen.remote, merged.remote, merged.to_remote)
    return None


def _host_write(p: Pass, step: Step) -> HostWrite | None:
    link, case, op = step.link, step.case, p.engine.new_id()
    version = case.host.version if isinstance(case.host, HostItem) else link.host.version if link.host else 0
    match step.action:
        case Action.DELETE_HOST:
            return HostDelete(op, link.host_ref or "", version)
        case Action.RECREATE_HOST if step.restored is not None:
            return HostCreate(op, step.restored)
        case Action.RECREATE_HOST if isinstance(case.remote, Found):
            return HostCreate(op, _restored(p, step, case.remote), (case.remote.uid,) if case.remote.uid else ())
        case Action.MERGE if step.merged is not None and step.merged.to_host:
            return HostUpdate(op, link.host_ref or "", version, step.merged.host, step.merged.to_host)
    return None


def _restored(p: Pass, step: Step, found: Found) -> Synced:
    """The host event as it was, with what the service changed since: nothing that only the host held is lost."""
    link = step.link
    if not isinstance(link.base, Synced):
        return _synced(found.item)
    base = Base(link.base, _synced(link.agreed_there))
    flows = flows_of(link, p.place(link.collection))
    return merge(base, Showing(link.base), Showing(_synced(found.item)), flows, Policy.REMOTE).host


def _synced(item: object) -> Synced:
    if not isinstance(item, Synced):
        raise TypeError("a call is sent as the event that it is mirrored as")
    return item


def _revision(step: Step) -> Revision:
    if isinstance(step.case.remote, Found):
        return step.case.remote.revision
    return step.link.remote.revision if step.link.remote is not None else Revision("")


def _intents(p: Pass, work: Work) -> list[Intent]:
    """Host writes are intents too where the host has a database of its own."""
    made = []
    for step in work.steps:
        writes: list[Write | HostWrite] = []
        if step.link.id in work.remote:
            writes.append(work.remote[step.link.id])
        if step.link.id in work.host and not p.engine.host.shares_transaction:
            writes.append(work.host[step.link.id])
        made += [
            Intent(w.op, p.connection.id, step.link.collection, step.link.id, p.run, step.reason, w, p.now)
            for w in writes
        ]
    return made


# --- push ----------------------------------------------------------------------------------------------------------


def push(p: Pass, work: Work) -> None:
    """Send what was intended, batch by batch. Never raises for what a service answers: commit comes next, always."""
    grouped: dict[str, list[Write]] = defaultdict(list)
    order = {Create: 0, Update: 1, Delete: 2}
    by_link = {step.link.id: step for step in work.steps}
    for link_id, write in sorted(work.remote.items(), key=lambda pair: order.get(type(pair[1]), 3)):
        grouped[by_link[link_id].link.collection].append(write)
    total, done = len(work.remote), 0
    for collection, writes in grouped.items():
        for start in range(0, len(writes), p.engine.settings.batch):
            batch = writes[start : start + p.engine.settings.batch]
            _send(p, collection, batch, work)
            done += len(batch)
            p.tell(Phase.WRITE, done, total)


def _send(p: Pass, collection: str, batch: Sequence[Write], work: Work) -> None:
    p.still_ours()
    if p.expired or p.paused is not None:
        work.outcomes |= {write.op: Deferred(write.op, None, sent=False) for write in batch}
        return
    told: set[str] = set()
    repeatable = p.place(collection).capabilities.idempotent_create
    try:
        for outcome in p.provider.push(collection, batch):
            work.outcomes[outcome.op] = outcome
            told.add(outcome.op)
            if not repeatable:  # whoever took over has looked up what was made, and made the rest
                p.still_ours()
            if isinstance(outcome, Deferred):
                p.pause(outcome.retry_after)
            if isinstance(outcome, Refused) and outcome.code is RefusedCode.FORBIDDEN:
                p.refused = True
    except ProviderError as error:
        _blame(p, collection, error, [write for write in batch if write.op not in told], work)
        return
    work.outcomes |= {write.op: Unanswered(write.op) for write in batch if write.op not in told}


def _blame(p: Pass, collection: str, error: ProviderError, rest: Sequence[Write], work: Work) -> None:
    """What an error says about the writes that got no outcome of their own."""
    p.expired = p.expired or isinstance(error, AuthorizationExpired)
    if not isinstance(error, AuthorizationExpired):
        p.failed(collection, error)
    for number, write in enumerate(rest):
        match error:
            case AuthorizationExpired() | CollectionGone():
                work.outcomes[write.op] = Deferred(write.op, None, sent=False)
            case Throttled(retry_after=retry_after):
                work.outcomes[write.op] = Deferred(write.op, retry_after, sent=number == 0)
            case PermissionDenied():
                work.outcomes[write.op] = Refused(write.op, RefusedCode.FORBIDDEN, permanent=False)
            case _:
                work.outcomes[write.op] = Unanswered(write.op)
