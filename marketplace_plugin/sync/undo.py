"""Taking back what one run did to one link, or why it is left alone (docs/sync.md, U8).

| the run        | is taken back by                            | only while                             |
|----------------|---------------------------------------------|----------------------------------------|
| changed a side | writing there what stood there before; both | that side is as the run left it        |
|                | sides may differ until somebody edits one   |                                        |
| made an item   | deleting it there; the link is DECLINED     | it is as the run left it, no online    |
|                |                                             | meeting, and nobody else takes part    |
| deleted an item| making it there again; it is DECLINED       | nobody else took part in it            |
| made a block   | removing it; the link is DECLINED           | the remote item is as it was then      |

DECLINED for UNDONE means: not written again until the remote side changes. A write to a service is never made where
somebody else takes part: it could mail him.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from marketplace_plugin.model.change import Access, Found, HostItem, Revision
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.merge.cells import Parts, Synced, cells, told
from marketplace_plugin.sync.merge.three_way import Base, Merge
from marketplace_plugin.sync.plan.decide import invites_others
from marketplace_plugin.sync.plan.flows import Place, flows_of
from marketplace_plugin.sync.plan.step import Case, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


class Did(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Deed:
    """What a run did on one side. ``before`` is what stood there, None where nothing did or it is not kept. ``host``
    and ``remote`` are where the sides stood afterwards. ``alone``: no later run wrote to the link. ``fields``: what an
    update wrote; empty in older lines, which kept no pre-image but of what had just been read."""

    did: Did
    before: Item | None
    host: int | None = None
    remote: Revision | None = None
    alone: bool = True
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deeds:
    """What one run did to one link, by side; ``reason`` is why."""

    reason: Reason
    host: Deed | None = None
    remote: Deed | None = None
    block: Deed | None = None


def undone(case: Case, deeds: Deeds, place: Place) -> Step | Reason:
    """The step that takes it back, with reason UNDONE, or why it is left alone. ``case`` holds both sides as they are
    now; its link is the one that there was, or a bare one where the run removed it."""
    if deeds.block is not None:
        return _block(case, deeds)
    made = _made(deeds)
    if made is not None and case.link.rests:
        return Reason.CHANGED_SINCE
    if deeds.remote is not None and deeds.remote.did is not Did.UPDATE:
        return _remote(case, deeds.remote, deeds.reason, place)
    if deeds.host is not None and deeds.host.did is not Did.UPDATE:
        return _host(case, deeds.host)
    return _updates(case, deeds, place)


def _made(deeds: Deeds) -> Deed | None:
    return next((d for d in (deeds.host, deeds.remote) if d is not None and d.did is not Did.DELETE), None)


def _block(case: Case, deeds: Deeds) -> Step | Reason:
    link, found = case.link, case.remote
    if deeds.block is None or deeds.block.did is not Did.CREATE or deeds.reason not in _IMPORTS:
        return Reason.NOT_KEPT
    if link.kind is not LinkKind.BLOCK or link.state is LinkState.DECLINED or not isinstance(found, Found):
        return Reason.CHANGED_SINCE
    if not (deeds.block.alone or found.revision == deeds.block.remote):
        return Reason.CHANGED_SINCE
    return Step(Action.DROP_BLOCK, Reason.UNDONE, link, case)


_IMPORTS = frozenset({Reason.NEW_REMOTE, Reason.COPY_OF_STAMPED, Reason.CHANGED_REMOTE, Reason.CANCELLED_REMOTE})


# --- what was made or deleted ----------------------------------------------------------------------------------------


def _remote(case: Case, deed: Deed, reason: Reason, place: Place) -> Step | Reason:
    if not place.writable:
        return Reason.ROLE_DROPPED
    if deed.did is Did.DELETE:
        return _restore_remote(case, deed, reason)
    found = case.remote
    if case.link.access is not Access.FULL:
        return Reason.NOT_ORGANISER
    if not isinstance(found, Found) or not _remote_stands(case, found, deed):
        return Reason.CHANGED_SINCE
    step = Step(Action.DELETE_REMOTE, Reason.UNDONE, case.link, case)
    return _risk(found.item, step) or step


def _restore_remote(case: Case, deed: Deed, reason: Reason) -> Step | Reason:
    before = deed.before
    if not isinstance(before, Synced):
        return Reason.NOT_KEPT
    if reason is Reason.WITHDRAWN_HOST:
        return Reason.NOT_ORGANISER
    bare = replace(case.link, remote_id=None, host_ref=None, remote=None, host=None, state=LinkState.PENDING)
    step = Step(Action.CREATE_REMOTE, Reason.UNDONE, bare, Case(bare, None, Found("", Revision(""), before)))
    return _risk(before, step) or replace(step, case=Case(bare), restored=before)


def _host(case: Case, deed: Deed) -> Step | Reason:
    if deed.did is Did.DELETE:
        if not isinstance(deed.before, Synced):
            return Reason.NOT_KEPT
        bare = replace(case.link, host_ref=None, host=None, remote=None, state=LinkState.DECLINED)
        return Step(Action.RECREATE_HOST, Reason.UNDONE, bare, Case(bare), restored=deed.before)
    if not isinstance(case.host, HostItem) or case.host.version != deed.host:
        return Reason.CHANGED_SINCE
    return Step(Action.DELETE_HOST, Reason.UNDONE, case.link, case)


def _risk(item: Item, step: Step) -> Reason | None:
    """Somebody could be mailed, or the link of an online meeting would never come back."""
    if invites_others(step):
        return Reason.WOULD_MAIL
    return Reason.ONLINE_MEETING if _meets_online(item) else None


def _meets_online(item: Item) -> bool:
    if not isinstance(item, Event | Series):
        return False
    parts = Parts.of(item)
    return any(e.conference for e in (parts.event, *(o.event for o in parts.overrides.values() if o.event)))


def _remote_stands(case: Case, found: Found, deed: Deed) -> bool:
    """It is as the run left it. A tag that the service bumped later tells nothing while both sides are agreed on it."""
    if found.revision == deed.remote:
        return True
    shown = case.link.remote
    return deed.alone and shown is not None and shown.revision == found.revision


# --- what was changed ------------------------------------------------------------------------------------------------


def _updates(case: Case, deeds: Deeds, place: Place) -> Step | Reason:
    link, host, found = case.link, case.host, case.remote
    if not isinstance(host, HostItem) or not isinstance(found, Found):
        return Reason.CHANGED_SINCE
    here, there, base, base_there = map(_synced, (host.item, found.item, link.base, link.agreed_there))
    if here is None or there is None or base is None or base_there is None:
        return Reason.CHANGED_SINCE
    if deeds.host is not None and host.version != deeds.host.host:
        return Reason.CHANGED_SINCE
    if deeds.remote is not None and not _remote_stands(case, found, deeds.remote):
        return Reason.CHANGED_SINCE
    flows = flows_of(link, place)
    new_here, to_host = _back(here, deeds.host, flows.inward)
    new_there, to_remote = _back(there, deeds.remote, flows.outward)
    if not to_host and not to_remote:
        return Reason.NOT_KEPT if _forgotten(deeds.host) or _forgotten(deeds.remote) else Reason.EQUAL
    seen = Base(here, there)
    # No verdicts: from then on what each side shows counts as agreed, although it differs.
    merged = Merge(new_here, new_there, to_host, to_remote, (), {}, Base(base, base_there), seen, flows)
    step = Step(Action.MERGE, Reason.UNDONE, link, case, merged=merged)
    return Reason.WOULD_MAIL if to_remote and invites_others(step) else step


def _back(now: Synced, deed: Deed | None, held: frozenset[str]) -> tuple[Synced, frozenset[str]]:
    """``now`` with the fields that the deed wrote as they were before it, and their names."""
    before = _synced(deed.before) if deed is not None else None
    if deed is None or before is None:
        return now, frozenset()
    present, former = Parts.of(now), Parts.of(before)
    result, names = present, set[str]()
    written = deed.fields or held
    for cell in cells([present, former], held):
        value = cell.get(former)
        if cell.fields <= held & written and told(value) and not cell.equal(cell.get(present), value):
            result = cell.put(result, value, held)
            names |= cell.fields
    return result.item(), frozenset(names)


def _forgotten(deed: Deed | None) -> bool:
    return deed is not None and _synced(deed.before) is None


def _synced(item: object) -> Synced | None:
    return item if isinstance(item, Synced) else None
