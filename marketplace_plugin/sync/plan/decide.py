"""Decisions: what a pass does with one link. The tables say what, this says where to look in them and what stands in
the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from marketplace_plugin.model.change import Access, Found, Gone, HostGone, HostItem
from marketplace_plugin.model.event import Event, Series, Status, Unknown
from marketplace_plugin.model.item import Item
from marketplace_plugin.sync.link import LinkKind, LinkState, Wrote
from marketplace_plugin.sync.merge import guests
from marketplace_plugin.sync.merge.cells import Parts, Synced, is_blank
from marketplace_plugin.sync.merge.three_way import (
    CONTENT,
    OWN,
    Base,
    Clash,
    Flows,
    Policy,
    Showing,
    Winner,
    changed,
    changed_cells,
    merge,
)
from marketplace_plugin.sync.plan.flows import STRUCTURE, Place, flows_of, wished, writes
from marketplace_plugin.sync.plan.step import Case, Step
from marketplace_plugin.sync.plan.tables import COLUMNS, NOTHING, Action, Did, table_of
from marketplace_plugin.sync.reason import Reason

MOST_AUTOMATIC = 3
"""Writes to one link without a user's edit between them; then it is parked (LOOP)."""


def decide(case: Case, place: Place, policy: Policy) -> Step:
    """The step for one link; never raises on odd combinations, because every cell of every table is filled."""
    if _awakes(case, place):
        case = replace(case, link=replace(case.link, state=LinkState.LIVE, reason=None))
        if case.link.host_ref is None:
            return Step(Action.RECREATE_HOST, Reason.CHANGED_REMOTE, case.link, case, automatic=1)
    case = _as_both_show(case)
    link = case.link
    if link.rests:
        return _at_rest(case)
    if link.remote_id is None:
        return _unborn(case, place)
    if link.kind is LinkKind.PAIR and link.host_ref is None:
        return newcomer(case)
    if case.ours:
        return _deleted_by_us(case)
    flows, full = flows_of(link, place), wished(link, place)
    host, remote = host_did(case, full), remote_did(case, full)
    row = table_of(link).get(host)
    decision = NOTHING if row is None else row[COLUMNS.index(remote)]
    step = following(Step(decision.action, decision.reason, link, case), place)
    if step.action in (Action.MERGE, Action.NOTHING):
        step = _merged(step, flows, policy)
        if step.merged is not None and guests.GUESTS in step.merged.to_remote and decision is NOTHING:
            step = replace(step, action=Action.MERGE, reason=Reason.GUESTS)
    if flows != full and host in (Did.TOUCHED, Did.EDITED):
        step = replace(step, then=Reason.ROLE_DROPPED)
    return _held_back(step, place, host, remote)


def _as_both_show(case: Case) -> Case:
    """Whose it is, and what the account may write of it, is what both sides show now: the organiser may be another one
    since, and what waited for a role goes out now, not with the next change."""
    link, host, found = case.link, case.host, case.remote
    if isinstance(found, Found) and found.access is not Access.NONE:
        link = replace(link, access=found.access)
    if isinstance(host, HostItem) and link.kind is LinkKind.EXPORT and link.host_ref is not None:
        link = replace(link, organised=host.organised)
    return replace(case, link=link)


def _awakes(case: Case, place: Place) -> bool:
    """What an undo took back stays declined until the remote side changes, or comes back (rule U9)."""
    link = case.link
    if link.state is not LinkState.DECLINED or link.reason is not Reason.UNDONE or link.kind is LinkKind.BLOCK:
        return False
    if not isinstance(case.remote, Found):
        return False
    return link.remote is None or remote_did(case, flows_of(replace(link, state=LinkState.LIVE), place)) is not Did.SAME


def _at_rest(case: Case) -> Step:
    """Detached and declined links do nothing, and go when either side is gone. A task that is done is still there: what
    the user no longer wants mirrored is not mirrored again because it is to be done once more. What an undo deleted
    here before it died stays declined, as its own commit would have left it (rule U10)."""
    if case.ours and case.link.reason is Reason.UNDONE:
        return Step(Action.NOTHING, Reason.UNDONE, replace(case.link, host_ref=None, host=None), case)
    kept = case.link.state is LinkState.DECLINED and case.link.kind is not LinkKind.BLOCK
    left = isinstance(case.host, HostGone) and not (case.link.kind is LinkKind.MIRROR and case.host.withdrawn)
    gone = left or (isinstance(case.remote, Gone) and not kept)
    reason = case.link.reason or Reason.DECLINED
    return Step(Action.UNLINK if gone else Action.NOTHING, reason, case.link, case)


def _unborn(case: Case, place: Place) -> Step:
    """The copy was never made, or the answer says that it was not."""
    if isinstance(case.host, HostGone) or case.link.host_ref is None:
        return Step(Action.UNLINK, Reason.DELETED_HOST, case.link, case)
    if case.host is None:
        return Step(Action.NOTHING, Reason.EQUAL, case.link, case)
    return following(Step(Action.CREATE_REMOTE, Reason.NEW_HOST, case.link, case), place)


def following(step: Step, place: Place) -> Step:
    """A new copy is made without guests, who are asked to it when its UID is known: so that an invitation which arrives
    at another user's account is recognised as this event (rule G4)."""
    if step.action not in (Action.CREATE_REMOTE, Action.RECREATE_REMOTE) or not isinstance(step.case.host, HostItem):
        return step
    item = _synced(step.case.host.item)
    asks = item is not None and bool(guests.addresses(item)) and flows_of(step.link, place).guests
    return replace(step, then=Reason.GUESTS) if asks else step


def newcomer(case: Case) -> Step:
    """A contact or a task of the service that is not here yet: its link was made before it was, and waited."""
    match case.remote:
        case Found():
            return Step(Action.RECREATE_HOST, Reason.NEW_REMOTE, case.link, case, automatic=1)
        case Gone():
            return Step(Action.UNLINK, Reason.DELETED_REMOTE, case.link, case)
        case None:
            return Step(Action.NOTHING, Reason.EQUAL, case.link, case)


def _deleted_by_us(case: Case) -> Step:
    """A pass deleted it here and died, or was overtaken. That is nobody's wish: what stands there was restored there,
    and comes back; where that is not known it waits (rule D10)."""
    match case.remote:
        case Found():
            return Step(Action.RECREATE_HOST, Reason.CHANGED_REMOTE, case.link, case, automatic=1)
        case Gone():
            return Step(Action.UNLINK, Reason.DELETED_REMOTE, case.link, case)
        case None:
            return Step(Action.PARK, Reason.AWAITS_SIBLING, case.link, case)


def host_did(case: Case, flows: Flows) -> Did:
    link = case.link
    if link.kind is not LinkKind.BLOCK and link.host_ref is None:
        return Did.DELETED  # a copy without its event: it only waits to be removed
    match case.host:
        case None:
            return Did.SAME
        case HostGone(withdrawn=withdrawn):
            return Did.WITHDRAWN if withdrawn else Did.DELETED
        case HostItem(item=item):
            did = _what_changed(link.base, item, flows.outward)
            return Did.TOUCHED if did is Did.SAME and flows.guests and _others(link.base, item) else did


def remote_did(case: Case, flows: Flows) -> Did:
    match case.remote:
        case None:
            return Did.SAME
        case Gone():
            return Did.DELETED
        case Found(item=item, revision=revision):
            shown = case.link.remote
            if shown is not None and shown.revision == revision and case.link.kind is not LinkKind.BLOCK:
                return Did.SAME
            return _what_changed(case.link.agreed_there, item, flows.inward)


def _what_changed(base: object, item: object, fields: frozenset[str]) -> Did:
    if not isinstance(item, Synced) or not isinstance(base, Synced):
        return Did.EDITED
    names = changed(base, item, fields) & (fields | STRUCTURE)
    if not names:
        return Did.SAME
    if not isinstance(item, Event | Series):
        return Did.EDITED
    return Did.EDITED if names & (CONTENT | {"status"}) else Did.TOUCHED


def _others(base: object, item: object) -> bool:
    """Whether others take part than before."""
    if not isinstance(item, Event | Series) or not isinstance(base, Event | Series):
        return False
    return guests.addresses(base) != guests.addresses(item)


def _merged(step: Step, flows: Flows, policy: Policy) -> Step:
    link, case = step.link, step.case
    base_host, base_remote = _synced(link.base), _synced(link.agreed_there)
    if base_host is None or base_remote is None:
        return replace(step, action=Action.NOTHING, reason=Reason.EQUAL)
    host, remote = Showing(base_host), Showing(base_remote)
    if isinstance(case.host, HostItem):
        host = Showing(_synced(case.host.item) or base_host, case.host.changed)
    if isinstance(case.remote, Found):
        remote = Showing(_synced(case.remote.item) or base_remote, case.remote.changed)
    if is_blank(base_host):
        policy = Policy.ASK  # two that were tied without anything agreed: neither is overwritten by the other
    result = merge(Base(base_host, base_remote), host, remote, flows, policy)
    reason = result.clashes[0].reason if result.clashes else step.reason
    return replace(step, reason=reason, merged=result, clashes=result.clashes)


def _synced(item: Item | None) -> Synced | None:
    return item if isinstance(item, Synced) else None


# --- what stands in the way ----------------------------------------------------------------------------------------


def _held_back(step: Step, place: Place, host: Did, remote: Did) -> Step:
    """The same step, or why it is not done."""
    link = step.link
    if step.action is Action.TO_BLOCK and not place.shows:
        return replace(step, action=Action.DETACH)
    if step.action is Action.DELETE_REMOTE and not writes(link, place):
        return replace(step, action=Action.DETACH, reason=Reason.ROLE_DROPPED)
    if step.action is Action.DELETE_REMOTE and invites_others(step):
        return replace(step, action=Action.PARK, reason=Reason.WOULD_MAIL)
    if step.pushes and not place.capabilities.silent and invites_others(step) and not _is_his_own_part(step):
        return replace(step, action=Action.PARK, reason=Reason.WOULD_MAIL, merged=None, clashes=())
    if not step.pushes and not step.applies:
        return replace(step, automatic=link.automatic)
    step = replace(step, automatic=automatic_writes(step, host, remote))
    if step.automatic > MOST_AUTOMATIC:
        return replace(step, action=Action.PARK, reason=Reason.LOOP, merged=None, clashes=())
    return step


def invites_others(step: Step) -> bool:
    """Somebody else takes part in the remote item, so the service could write to him."""
    found = step.case.remote
    shown = found.item if isinstance(found, Found) else step.link.agreed_there
    if not isinstance(shown, Event | Series):
        return False
    parts = Parts.of(shown)
    events = [parts.event, *(o.event for o in parts.overrides.values() if o.event is not None)]
    return any(isinstance(e.attendees, Unknown) or bool(e.attendees) for e in events)


def _is_his_own_part(step: Step) -> bool:
    """A guest's answer, reminder and show-as: every service takes them in silence, whatever else it would announce."""
    return step.link.access is Access.ATTENDEE and step.merged is not None and step.merged.to_remote <= OWN


def automatic_writes(step: Step, host: Did, remote: Did) -> int:
    """Writes to this link since a user's last edit, this one counted.

    A change of the host is a user's unless it names an operation. A change at the service is a user's unless our last
    write went there: then it may be the service's answer to it.
    """
    link, case = step.link, step.case
    ours = getattr(case.host, "op", "") != "" and not (isinstance(case.host, HostGone) and case.host.in_bulk)
    here = host is not Did.SAME and not ours
    there = remote is not Did.SAME and link.wrote not in (Wrote.REMOTE, Wrote.BOTH)
    return 1 if here or there else link.automatic + 1


# --- what is tied to nothing yet -----------------------------------------------------------------------------------


def eligible(item: HostItem, ends: datetime | None, connected: datetime) -> Reason:
    """NEW_HOST where a host event without a link is exported, else why not.

    ``ends``: aware UTC, None where it repeats without end; ``connected``: when the connection was made.
    """
    event = item.item
    if not isinstance(event, Event | Series):
        return Reason.OUT_OF_WINDOW
    master = Parts.of(event).event
    if master.status is Status.CANCELLED:
        return Reason.CANCELLED_HOST
    if ends is not None and ends <= connected:
        return Reason.BEFORE_CONNECTED
    if not item.organised and str(master.response or "") == "declined":
        return Reason.DECLINED
    return Reason.NEW_HOST


def adopted(host: Synced, found: Synced, flows: Flows, reason: Reason) -> tuple[Clash, ...]:
    """The cells in which two items differ that are tied as they are: conflicts for the user, never overwrites."""
    names = {cell.name for cell in changed_cells(host, found, flows.inward & flows.outward)}
    return tuple(Clash(name, Winner.NOBODY, reason) for name in sorted(names))
