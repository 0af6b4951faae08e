"""What a link is after its step: every outcome of the service and of the host has an answer here (rules W2 to W6).

A change that was not carried out is parked whole, tombstones too, and its showings stay as they were: so the side that
changed still counts as changed when the link is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from marketplace_plugin.model.change import Found, HostItem, Revision
from marketplace_plugin.model.event import Event, Masked, Override, Series, original_key
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.write import (
    Applied,
    Deferred,
    HostApplied,
    HostMissing,
    HostOutcome,
    HostRefused,
    Missing,
    Outcome,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
)
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, LinkState, RemoteShowing, Wrote
from marketplace_plugin.sync.merge.cells import Parts, Synced, overlay
from marketplace_plugin.sync.merge.three_way import CONTENT, Base, agreed, changed
from marketplace_plugin.sync.plan import pairs
from marketplace_plugin.sync.plan.flows import SHOWN
from marketplace_plugin.sync.plan.step import Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason

Digest = Callable[[Item], str]

RETRY = frozenset(
    {
        Reason.STALE,
        Reason.PARTIAL,
        Reason.UNANSWERED,
        Reason.DEFERRED,
        Reason.AWAITS_SIBLING,
        Reason.AWAITS_APPROVAL,
        Reason.TARGET_CHANGED,
        Reason.INVITATION_REPLACES_COPY,
        Reason.DECIDED,
        Reason.GUESTS,
    }
)
"""Links with these reasons are looked at again by each pass; all others wait for a newer change or for the user."""

UNFINISHED = RETRY - {Reason.AWAITS_APPROVAL}
"""A pass that leaves one of these comes back soon. An approval brings a pass of its own."""

_WAITING = frozenset(
    {Reason.DEFERRED, Reason.AWAITS_SIBLING, Reason.AWAITS_APPROVAL, Reason.TARGET_CHANGED, Reason.DOUBTFUL}
)
GIVE_UP = 5
"""Attempts after which a link is no longer looked at by itself; it stays visible with its reason."""

_AT_REST = {Action.DETACH: LinkState.DETACHED, Action.DECLINE: LinkState.DECLINED}
_TAKE_BACK = frozenset(
    {Action.DROP_BLOCK, Action.DELETE_REMOTE, Action.DELETE_HOST, Action.RECREATE_HOST, Action.CREATE_REMOTE}
)
_REFUSALS = {
    RefusedCode.WOULD_MAIL: Reason.WOULD_MAIL,
    RefusedCode.FORBIDDEN: Reason.ROLE_DROPPED,
    RefusedCode.NOT_ORGANIZER: Reason.NOT_ORGANISER,
    RefusedCode.UNSUPPORTED: Reason.UNSUPPORTED_RULE,
}


def why_not(outcome: Outcome | None) -> Reason:
    """The reason that a link is parked with; None is a write that was never sent."""
    match outcome:
        case Stale() | Missing():
            return Reason.STALE
        case Partial():
            return Reason.PARTIAL
        case Refused(code=code):
            return _REFUSALS.get(code, Reason.REFUSED)
        case Unanswered():
            return Reason.UNANSWERED
        case Applied() | Deferred() | None:
            return Reason.DEFERRED


def arrived(step: Step, pushed: Outcome | None) -> bool:
    """The service shows what the step wanted. Deleting what is gone already is done."""
    if not step.pushes:
        return True
    return isinstance(pushed, Applied) or (step.action is Action.DELETE_REMOTE and isinstance(pushed, Missing))


def parked(link: Link, reason: Reason) -> Link:
    """Held with its reason; showings and base stay, so nothing of the change is forgotten."""
    attempts = link.attempts if reason in _WAITING else link.attempts + 1
    state = LinkState.PENDING if link.remote_id is None else LinkState.PARKED
    return replace(link, state=state, reason=reason, attempts=attempts)


def after(step: Step, pushed: Outcome | None, applied: HostOutcome | None, digest: Digest) -> Link | None:
    """The link after its step, None where it is removed. ``applied`` is None where the host was not written."""
    link = step.link
    if step.reason is Reason.UNDONE and step.action in _TAKE_BACK:
        return _after_undo(step, pushed, applied, digest)
    if step.action is Action.CREATE_REMOTE and isinstance(pushed, Partial) and pushed.current is not None:
        return _half_created(step, pushed.current, digest)
    if not arrived(step, pushed):
        met_itself = step.action is Action.CREATE_REMOTE and isinstance(pushed, Stale)  # its stamp is looked up first
        return parked(link, Reason.UNANSWERED if met_itself else why_not(pushed))
    match step.action:
        case Action.DELETE_REMOTE | Action.UNLINK | Action.DROP_BLOCK:
            return None
        case Action.DELETE_HOST:
            return None if isinstance(applied, HostApplied | HostMissing) else parked(link, _host_reason(applied))
        case Action.DETACH | Action.DECLINE:
            return replace(link, state=_AT_REST[step.action], reason=step.reason)
        case Action.PARK:
            return parked(link, step.reason)
        case Action.MERGE | Action.NOTHING:
            return _merged(step, pushed, applied, digest)
        case Action.CREATE_REMOTE | Action.RECREATE_HOST | Action.ADOPT:
            return _tied(step, pushed, applied, digest)
        case Action.TO_BLOCK | Action.PUT_BLOCK:
            return as_block(link, step.case.remote if isinstance(step.case.remote, Found) else None, digest)
        case Action.RECREATE_REMOTE | Action.REPOINT:
            return link


def declined(link: Link) -> Link:
    """Taken back by an undo: not written again until the remote side changes (rule U9)."""
    return replace(link, state=LinkState.DECLINED, reason=Reason.UNDONE, attempts=0)


def _after_undo(step: Step, pushed: Outcome | None, applied: HostOutcome | None, digest: Digest) -> Link | None:
    """What could not be taken back stays as it was; what may have been deleted is never taken for a deletion by the
    user."""
    link = step.link
    match step.action:
        case Action.DROP_BLOCK:
            return declined(link)
        case Action.DELETE_REMOTE:
            unknown = isinstance(pushed, Unanswered)
            return declined(link) if unknown or arrived(step, pushed) else link
        case Action.DELETE_HOST if isinstance(applied, HostApplied | HostMissing):
            return declined(replace(link, host_ref=None, host=None))
        case Action.DELETE_HOST:
            return link
        case Action.RECREATE_HOST if isinstance(applied, HostApplied) and applied.stored is not None:
            made = replace(_showing(link, None, applied.stored, digest), host_ref=applied.ref)
            return declined(replace(made, base=applied.stored.item, remote_base=None))
        case Action.CREATE_REMOTE if isinstance(pushed, Applied) and pushed.stored is not None:
            made = replace(_showing(link, pushed.stored, None, digest), remote_id=pushed.stored.id)
            return declined(replace(made, base=pushed.stored.item, remote_base=None))
        case Action.CREATE_REMOTE if isinstance(pushed, Unanswered):
            return parked(link, Reason.UNANSWERED)
    return None


def _host_reason(applied: HostOutcome | None) -> Reason:
    return Reason.REFUSED if isinstance(applied, HostRefused) else Reason.STALE


def _live(link: Link, then: Reason | None = None) -> Link:
    state = LinkState.READ_ONLY if link.state is LinkState.READ_ONLY else LinkState.LIVE
    return replace(link, state=LinkState.PARKED if then else state, reason=then, attempts=0)


def _merged(step: Step, pushed: Outcome | None, applied: HostOutcome | None, digest: Digest) -> Link:
    link, case, merged = step.link, step.case, step.merged
    if link.rests or link.remote_id is None:
        return link
    reply = pushed.stored if isinstance(pushed, Applied) else None
    found = reply or (case.remote if isinstance(case.remote, Found) else None)
    host = applied.stored if isinstance(applied, HostApplied) else None
    shown = host or (case.host if isinstance(case.host, HostItem) else None)
    host_done = not step.applies or host is not None
    if merged is not None:
        base = agreed(merged, _item(shown, merged.seen.host) if host_done else None, _item(found, merged.seen.remote))
        link = replace(link, base=base.host, remote_base=_differs(base))
    if not host_done:  # both showings stay as they were: what was read there has not come here, and still is news
        return parked(_wrote(link, step.pushes, False, step.automatic), _host_reason(applied))
    link = _showing(link, found, shown, digest)
    return _live(_wrote(link, step.pushes, step.applies, step.automatic), step.then)


def _item(side: Found | HostItem | None, otherwise: Synced) -> Synced:
    return side.item if side is not None and isinstance(side.item, Synced) else otherwise


def _differs(base: Base) -> Synced | None:
    return None if base.remote == base.host else base.remote


def _showing(link: Link, found: Found | None, host: HostItem | None, digest: Digest) -> Link:
    if found is not None:
        link = replace(link, remote=RemoteShowing(found.revision, digest(found.item)), uid=found.uid or link.uid)
        link = replace(link, access=found.access)
    if host is not None:
        link = replace(link, host=HostShowing(host.version, digest(host.item)), organised=host.organised)
    return link


def _wrote(link: Link, remote: bool, host: bool, automatic: int) -> Link:
    if not remote and not host:
        return link
    where = Wrote.BOTH if remote and host else Wrote.REMOTE if remote else Wrote.HOST
    return replace(link, wrote=where, automatic=automatic)


def _tied(step: Step, pushed: Outcome | None, applied: HostOutcome | None, digest: Digest) -> Link:
    if step.action is Action.CREATE_REMOTE:
        return _created(step, pushed, digest)
    return _recreated(step, applied, digest) if step.action is Action.RECREATE_HOST else tied(step, digest)


def _created(step: Step, pushed: Outcome | None, digest: Digest) -> Link:
    host = step.case.host
    if not isinstance(pushed, Applied) or pushed.stored is None or not isinstance(host, HostItem):
        return parked(step.link, Reason.UNANSWERED)
    link = replace(step.link, remote_id=pushed.stored.id)
    link = _showing(link, pushed.stored, host, digest)
    link = replace(link, base=host.item, remote_base=pushed.stored.item)
    return _live(_wrote(link, True, False, 1), step.then)


def _half_created(step: Step, found: Found, digest: Digest) -> Link:
    """A series is several requests: what did not arrive counts as not yet said, so the next pass says it. What else is
    different there was done by somebody meanwhile, and comes back as his edit."""
    sent = step.case.host.item if isinstance(step.case.host, HostItem) else found.item
    said = without_missing(sent, found.item)
    link = replace(_showing(step.link, found, None, digest), remote_id=found.id)
    link = replace(link, remote=RemoteShowing(Revision(""), ""), base=said, remote_base=as_said(said, found.item))
    return parked(_wrote(link, True, False, 1), Reason.PARTIAL)


def as_said(said: Item, found: Item, written: frozenset[str] = CONTENT | SHOWN) -> Item:
    """``found`` with all that we write as we said it: against that, whatever else it shows is somebody's edit since."""
    if not isinstance(said, Event | Series) or not isinstance(found, Event | Series):
        return pairs.as_said(said, found)
    ours, theirs = Parts.of(said), Parts.of(found)
    return replace(ours, master=overlay(theirs.event, ours.event, written)).item()


def without_missing(sent: Item, found: Item) -> Item:
    """``sent`` without the changed occurrences that the service does not show so: one that it shows otherwise may have
    been changed there before ours came, and then nobody there has seen ours."""
    if not isinstance(sent, Series):
        return sent
    there = {original_key(o.original): o for o in found.overrides} if isinstance(found, Series) else {}
    return replace(sent, overrides=tuple(o for o in sent.overrides if _shows(there.get(original_key(o.original)), o)))


def _shows(there: Override | None, said: Override) -> bool:
    """In what we write; a service may space a text otherwise."""
    if there is None or there.event is None or said.event is None:
        return there is not None and there.event is said.event
    return not changed(_squeezed(said.event), _squeezed(there.event), CONTENT | SHOWN)


def _squeezed(event: Event) -> Event:
    return replace(
        event,
        title=_spaced(event.title),
        description=_spaced(event.description),
        location=_spaced(event.location),
    )


def _spaced(text: str | Masked) -> str | Masked:
    return " ".join(text.split()) if isinstance(text, str) else text


def _recreated(step: Step, applied: HostOutcome | None, digest: Digest) -> Link:
    found = step.case.remote
    if not isinstance(applied, HostApplied) or applied.stored is None:
        return parked(step.link, _host_reason(applied))
    link = _showing(step.link, found if isinstance(found, Found) else None, applied.stored, digest)
    remote = found.item if isinstance(found, Found) else link.remote_base
    link = replace(link, host_ref=applied.ref, base=applied.stored.item, remote_base=remote)
    return _live(_wrote(link, False, True, step.automatic))


def tied(step: Step, digest: Digest) -> Link:
    """Two items tied as they are: what differs stays different until one side changes it (rule M7)."""
    found, host = step.case.remote, step.case.host
    link = step.link
    if isinstance(found, Found):
        link = replace(_showing(link, found, None, digest), remote_id=found.id, remote_base=found.item)
    if isinstance(host, HostItem):
        link = replace(_showing(link, None, host, digest), base=host.item)
        if isinstance(found, Found) and link.kind is LinkKind.EXPORT and not host.organised:
            link = replace(link, remote_base=_without_his_words(host.item, found.item))
    return _live(link)


def _without_his_words(said: Item, found: Item) -> Item:
    """What a participant has written into his copy came from nobody here, so it is never agreed, and stays his."""
    if not isinstance(said, Event | Series) or not isinstance(found, Event | Series):
        return found
    here, there = (_squeezed(Parts.of(item).event) for item in (said, found))
    return as_said(said, found, CONTENT) if changed(here, there, CONTENT) else found


def as_block(link: Link, found: Found | None, digest: Digest) -> Link:
    """The link of a grey block: no host item, no base, a keyed digest (rule L9)."""
    shown = link.remote
    if found is not None:
        shown = RemoteShowing(found.revision, digest(found.item))
    elif link.remote is not None and link.agreed_there is not None:
        shown = RemoteShowing(link.remote.revision, "")
    bare = replace(link, kind=LinkKind.BLOCK, host_ref=None, host=None, base=None, remote_base=None, remote=shown)
    bare = replace(bare, wrote=Wrote.NOTHING, automatic=0, organised=True)
    if found is not None:
        bare = replace(bare, uid=found.uid, access=found.access)
    return _live(bare)
