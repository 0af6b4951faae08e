"""Decisions: what a pass does with one link, by one table for each kind of link.

A table is read like this: the row is what happened in the host since its last showing, the column what happened at the
service since its own. ``touched`` is a change of response, reminder or show-as alone; ``edited`` one of content. Only
an edit beats a deletion, and what the user does not organise is never made again (SYNC.md rules 3, 4 and 16).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from marketplace_plugin.model.change import Access, Found, Gone, HostGone, HostItem
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Event, Series, Status, Unknown
from marketplace_plugin.model.form.canonical import EVENT_FIELDS, restrict
from marketplace_plugin.model.item import Item
from marketplace_plugin.sync.cells import EventItem, Parts
from marketplace_plugin.sync.link import Link, LinkKind, LinkState, Wrote
from marketplace_plugin.sync.merge import (
    CONTENT,
    OWN,
    TOLD,
    Base,
    Clash,
    Flows,
    Merge,
    Policy,
    Showing,
    Winner,
    changed,
    merge,
)
from marketplace_plugin.sync.reason import Reason

SHOWN = frozenset({"reminder", "show_as"})
STRUCTURE = frozenset({"when", "rule", "rdates", "overrides"})
MOST_AUTOMATIC = 3
"""Writes to one link without a user's edit between them; then it is parked (LOOP)."""


class Did(StrEnum):
    """What happened on one side since its last showing."""

    SAME = "same"
    TOUCHED = "touched"  # own response, reminder or show-as
    EDITED = "edited"
    DELETED = "deleted"
    WITHDRAWN = "withdrawn"  # host only: the user is no longer part of it


class Action(StrEnum):
    NOTHING = "nothing"  # at most the showings are written down
    MERGE = "merge"  # write to either side what the other one changed
    CREATE_REMOTE = "create-remote"
    RECREATE_REMOTE = "recreate-remote"  # deleted there, edited here: a new item and a new link
    DELETE_REMOTE = "delete-remote"
    RECREATE_HOST = "recreate-host"  # deleted here, edited there
    DELETE_HOST = "delete-host"
    TO_BLOCK = "to-block"  # a converted event that the user deleted here but may not delete there
    PUT_BLOCK = "put-block"
    DROP_BLOCK = "drop-block"
    ADOPT = "adopt"  # tie the two as they are; differences become conflicts
    REPOINT = "repoint"  # the same link, another remote item
    UNLINK = "unlink"
    DETACH = "detach"
    DECLINE = "decline"
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: Reason


NOTHING = Decision(Action.NOTHING, Reason.EQUAL)
IN = Decision(Action.MERGE, Reason.CHANGED_REMOTE)
OUT = Decision(Action.MERGE, Reason.CHANGED_HOST)
BOTH = Decision(Action.MERGE, Reason.MERGED)
DEL_HOST = Decision(Action.DELETE_HOST, Reason.DELETED_REMOTE)
DEL_REMOTE = Decision(Action.DELETE_REMOTE, Reason.DELETED_HOST)
DEL_LEFT = Decision(Action.DELETE_REMOTE, Reason.WITHDRAWN_HOST)
NEW_REMOTE = Decision(Action.RECREATE_REMOTE, Reason.EDIT_BEATS_DELETION)
NEW_HOST = Decision(Action.RECREATE_HOST, Reason.EDIT_BEATS_DELETION)
UNLINK = Decision(Action.UNLINK, Reason.DELETED_HOST)
DECLINE = Decision(Action.DECLINE, Reason.DELETED_REMOTE)
DETACH = Decision(Action.DETACH, Reason.NOT_ORGANISER)
LEAVE = Decision(Action.DETACH, Reason.WITHDRAWN_HOST)
KEEP = Decision(Action.DETACH, Reason.TARGET_CHANGED)
TO_BLOCK = Decision(Action.TO_BLOCK, Reason.NOT_ORGANISER)
PUT = Decision(Action.PUT_BLOCK, Reason.CHANGED_REMOTE)
DROP = Decision(Action.DROP_BLOCK, Reason.DELETED_REMOTE)

Table = Mapping[Did, tuple[Decision, Decision, Decision, Decision]]
COLUMNS = (Did.SAME, Did.TOUCHED, Did.EDITED, Did.DELETED)
S, T, E, D, W = Did.SAME, Did.TOUCHED, Did.EDITED, Did.DELETED, Did.WITHDRAWN

# fmt: off
EXPORT_ORGANISED: Table = {  # the host event is the user's own; the copy at the service is ours
    # host    | remote: same     touched      edited       deleted
    S:                 (NOTHING,    IN,          IN,          DEL_HOST),
    T:                 (OUT,        BOTH,        BOTH,        DEL_HOST),
    E:                 (OUT,        BOTH,        BOTH,        NEW_REMOTE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  NEW_HOST,    UNLINK),
    W:                 (DEL_LEFT,   DEL_LEFT,    DEL_LEFT,    UNLINK),
}
EXPORT_PARTICIPANT: Table = {  # somebody else organises it in the host: a deletion concerns this user's copy alone
    S:                 (NOTHING,    IN,          IN,          DECLINE),
    T:                 (OUT,        BOTH,        BOTH,        DECLINE),
    E:                 (OUT,        BOTH,        BOTH,        DECLINE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  DEL_REMOTE,  UNLINK),
    W:                 (DEL_LEFT,   DEL_LEFT,    DEL_LEFT,    UNLINK),
}
EXPORT_INVITATION: Table = {  # an invitation took the place of our copy: it belongs to who sent it
    S:                 (NOTHING,    IN,          IN,          DECLINE),
    T:                 (OUT,        BOTH,        BOTH,        DECLINE),
    E:                 (OUT,        BOTH,        BOTH,        DECLINE),
    D:                 (LEAVE,      LEAVE,       LEAVE,       UNLINK),
    W:                 (LEAVE,      LEAVE,       LEAVE,       UNLINK),
}
LEFT_COPY: Table = {  # its event went elsewhere: removed, unless somebody wrote something into it
    D:                 (DEL_REMOTE, DEL_REMOTE,  KEEP,        UNLINK),
}
CONVERTED_FULL: Table = {  # both ways; the user organises it at the service
    S:                 (NOTHING,    IN,          IN,          DEL_HOST),
    T:                 (OUT,        BOTH,        BOTH,        DEL_HOST),
    E:                 (OUT,        BOTH,        BOTH,        NEW_REMOTE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  NEW_HOST,    UNLINK),
    W:                 (TO_BLOCK,   TO_BLOCK,    TO_BLOCK,    UNLINK),
}
CONVERTED_ATTENDEE: Table = {  # he takes part there: deleting it here must not decline it there
    S:                 (NOTHING,    IN,          IN,          DEL_HOST),
    T:                 (OUT,        BOTH,        BOTH,        DEL_HOST),
    E:                 (OUT,        BOTH,        BOTH,        DETACH),
    D:                 (TO_BLOCK,   TO_BLOCK,    TO_BLOCK,    UNLINK),
    W:                 (TO_BLOCK,   TO_BLOCK,    TO_BLOCK,    UNLINK),
}
MIRROR: Table = {  # a task or call shown in the target; deleted there means "no longer mirrored", for good
    S:                 (NOTHING,    IN,          IN,          DECLINE),
    T:                 (OUT,        BOTH,        BOTH,        DECLINE),
    E:                 (OUT,        BOTH,        BOTH,        DECLINE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  DEL_REMOTE,  UNLINK),
    W:                 (DEL_LEFT,   DEL_LEFT,    DEL_LEFT,    UNLINK),
}
BLOCK: Table = {  # never writes anywhere
    S:                 (NOTHING,    PUT,         PUT,         DROP),
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Case:
    """One link with what is known of both sides now; None where nothing is news there."""

    link: Link
    host: HostItem | HostGone | None = None
    remote: Found | Gone | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The collection of a link: what it can hold, and whether the account may write there (rule 6)."""

    capabilities: Capabilities
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One decision. ``link`` is as it stands before it; for ADOPT, REPOINT and creates as it shall stand."""

    action: Action
    reason: Reason
    link: Link
    case: Case
    merged: Merge | None = None
    clashes: tuple[Clash, ...] = ()
    automatic: int = 0  # writes to this link since a user's last edit, this one counted
    then: Reason | None = None  # what is left undone after this step, so that the link stays parked
    restored: EventItem | None = None  # what an undo puts back where the run deleted it

    @property
    def pushes(self) -> bool:
        """Whether it writes to the service."""
        if self.action is Action.MERGE:
            return self.merged is not None and bool(self.merged.to_remote)
        return self.action in (Action.CREATE_REMOTE, Action.RECREATE_REMOTE, Action.DELETE_REMOTE)

    @property
    def applies(self) -> bool:
        """Whether it writes to the host."""
        if self.action is Action.MERGE:
            return self.merged is not None and bool(self.merged.to_host)
        return self.action in (Action.RECREATE_HOST, Action.DELETE_HOST)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass will do, in order."""

    steps: tuple[Step, ...] = ()

    @property
    def conflicts(self) -> tuple[Clash, ...]:
        return tuple(clash for step in self.steps for clash in step.clashes)


def table_of(link: Link) -> Table:
    match link.kind:
        case LinkKind.BLOCK:
            return BLOCK
        case _ if link.host_ref is None:
            return LEFT_COPY
        case LinkKind.MIRROR:
            return MIRROR
        case LinkKind.CONVERTED:
            return CONVERTED_FULL if link.access is Access.FULL else CONVERTED_ATTENDEE
        case LinkKind.EXPORT if link.access is Access.ATTENDEE:
            return EXPORT_INVITATION
        case LinkKind.EXPORT:
            return EXPORT_ORGANISED if link.organised else EXPORT_PARTICIPANT


def flows_of(link: Link, place: Place) -> Flows:
    """Which fields go where on this link, under what the collection can hold.

    Attendees never go out, and never come in either: in the host they would become participants who see the event.
    """
    match link.kind:
        case LinkKind.EXPORT:
            own = link.organised or link.host_ref is None
            inward = CONTENT | OWN | {"status"} if own else OWN
        case LinkKind.CONVERTED:
            inward = CONTENT | SHOWN | {"status", "conference"}
        case LinkKind.MIRROR:
            inward = frozenset({"when"})
        case LinkKind.BLOCK:
            inward = CONTENT | OWN | TOLD
    outward = CONTENT | SHOWN if link.access is Access.FULL else OWN
    if link.kind is LinkKind.CONVERTED and link.access is not Access.FULL:
        outward = SHOWN  # the host event is the user's own there, so it has no response to carry
    if link.kind is LinkKind.BLOCK or link.access is Access.NONE or not _writes(link, place):
        outward = frozenset()
    held = place.capabilities.fields | STRUCTURE
    return Flows(inward & held, outward & held)


def _writes(link: Link, place: Place) -> bool:
    return place.writable and link.state is not LinkState.READ_ONLY


def outgoing(item: EventItem, place: Place, link: Link) -> EventItem:
    """What of a host item is sent for a new copy: the fields that may go out, all others at their defaults."""
    sent = restrict(item, flows_of(link, place).outward & EVENT_FIELDS)
    if not isinstance(sent, Event | Series):
        raise TypeError("a copy is an event or a series")
    return sent


def decide(case: Case, place: Place, policy: Policy) -> Step:
    """The step for one link; never raises on odd combinations, because every cell of every table is filled."""
    if _awakes(case, place):
        case = replace(case, link=replace(case.link, state=LinkState.LIVE, reason=None))
        if case.link.host_ref is None:
            return Step(Action.RECREATE_HOST, Reason.CHANGED_REMOTE, case.link, case, automatic=1)
    case = _regained(case)
    link = case.link
    if link.state in (LinkState.DETACHED, LinkState.DECLINED):
        return _at_rest(case)
    if link.remote_id is None:
        return _unborn(case)
    flows, wished = flows_of(link, place), _wished(link, place)
    host, remote = host_did(case, wished), remote_did(case, wished)
    row = table_of(link).get(host)
    decision = NOTHING if row is None else row[COLUMNS.index(remote)]
    step = Step(decision.action, decision.reason, link, case)
    if step.action in (Action.MERGE, Action.NOTHING):
        step = _merged(step, flows, policy)
    if flows != wished and host in (Did.TOUCHED, Did.EDITED):
        step = replace(step, then=Reason.ROLE_DROPPED)
    return _held_back(step, place, host, remote)


def _wished(link: Link, place: Place) -> Flows:
    """The flows with the role that the link was made with: a change after a drop must not count as sent."""
    access = Access.FULL if link.access is Access.NONE else link.access
    return flows_of(replace(link, state=LinkState.LIVE, access=access), Place(place.capabilities))


def _regained(case: Case) -> Case:
    """The account may write the item again: what waited goes out now, not with the next change."""
    link, found = case.link, case.remote
    if link.access is not Access.NONE or not isinstance(found, Found) or found.access is Access.NONE:
        return case
    return replace(case, link=replace(link, access=found.access))


def _awakes(case: Case, place: Place) -> bool:
    """What an undo took back stays declined until the remote side changes, or comes back (rule 19)."""
    link = case.link
    if link.state is not LinkState.DECLINED or link.reason is not Reason.UNDONE or link.kind is LinkKind.BLOCK:
        return False
    if not isinstance(case.remote, Found):
        return False
    return link.remote is None or remote_did(case, flows_of(replace(link, state=LinkState.LIVE), place)) is not Did.SAME


def _at_rest(case: Case) -> Step:
    """Detached and declined links do nothing, and go when either side is gone."""
    kept = case.link.state is LinkState.DECLINED and case.link.kind is not LinkKind.BLOCK
    gone = isinstance(case.host, HostGone) or (isinstance(case.remote, Gone) and not kept)
    reason = case.link.reason or Reason.DECLINED
    return Step(Action.UNLINK if gone else Action.NOTHING, reason, case.link, case)


def _unborn(case: Case) -> Step:
    """The copy was never made, or the answer says that it was not."""
    if isinstance(case.host, HostGone) or case.link.host_ref is None:
        return Step(Action.UNLINK, Reason.DELETED_HOST, case.link, case)
    if case.host is None:
        return Step(Action.NOTHING, Reason.EQUAL, case.link, case)
    return Step(Action.CREATE_REMOTE, Reason.NEW_HOST, case.link, case)


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
            return _what_changed(link.base, item, flows.outward)


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
            return _what_changed(case.link.remote_base or case.link.base, item, flows.inward)


def _what_changed(base: object, item: object, fields: frozenset[str]) -> Did:
    if not isinstance(item, Event | Series) or not isinstance(base, Event | Series):
        return Did.EDITED
    names = changed(base, item, fields) & (fields | STRUCTURE)
    if not names:
        return Did.SAME
    return Did.EDITED if names & (CONTENT | {"status"}) else Did.TOUCHED


def _merged(step: Step, flows: Flows, policy: Policy) -> Step:
    link, case = step.link, step.case
    base_host, base_remote = _event(link.base), _event(link.remote_base or link.base)
    if base_host is None or base_remote is None:
        return replace(step, action=Action.NOTHING, reason=Reason.EQUAL)
    host, remote = Showing(base_host), Showing(base_remote)
    if isinstance(case.host, HostItem):
        host = Showing(_event(case.host.item) or base_host, case.host.changed)
    if isinstance(case.remote, Found):
        remote = Showing(_event(case.remote.item) or base_remote, case.remote.changed)
    result = merge(Base(base_host, base_remote), host, remote, flows, policy)
    reason = result.clashes[0].reason if result.clashes else step.reason
    return replace(step, reason=reason, merged=result, clashes=result.clashes)


def _event(item: Item | None) -> EventItem | None:
    return item if isinstance(item, Event | Series) else None


# --- what stands in the way ----------------------------------------------------------------------------------------


def _held_back(step: Step, place: Place, host: Did, remote: Did) -> Step:
    """The same step, or why it is not done."""
    link = step.link
    if step.action is Action.DELETE_REMOTE and not _writes(link, place):
        return replace(step, action=Action.DETACH, reason=Reason.ROLE_DROPPED)
    if step.action is Action.DELETE_REMOTE and invites_others(step):
        return replace(step, action=Action.PARK, reason=Reason.WOULD_MAIL)
    if step.pushes and not place.capabilities.silent and invites_others(step):
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
    shown = found.item if isinstance(found, Found) else step.link.remote_base or step.link.base
    if not isinstance(shown, Event | Series):
        return False
    parts = Parts.of(shown)
    events = [parts.master, *(o.event for o in parts.overrides.values() if o.event is not None)]
    return any(isinstance(e.attendees, Unknown) or bool(e.attendees) for e in events)


def automatic_writes(step: Step, host: Did, remote: Did) -> int:
    """Writes to this link since a user's last edit, this one counted.

    A change of the host is a user's unless it names an operation. A change at the service is a user's unless our last
    write went there: then it may be the service's answer to it.
    """
    link, case = step.link, step.case
    here = host is not Did.SAME and getattr(case.host, "op", "") == ""
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
    master = Parts.of(event).master
    if master.status is Status.CANCELLED:
        return Reason.CANCELLED_HOST
    if ends is not None and ends <= connected:
        return Reason.BEFORE_CONNECTED
    if not item.organised and str(master.response or "") == "declined":
        return Reason.DECLINED
    return Reason.NEW_HOST


def adopted(host: EventItem, found: EventItem, flows: Flows, reason: Reason) -> tuple[Clash, ...]:
    """The fields in which two items differ that are tied as they are: conflicts for the user, never overwrites."""
    names = changed(host, found, flows.inward & flows.outward)
    return tuple(Clash(name, Winner.NOBODY, reason) for name in sorted(names))
