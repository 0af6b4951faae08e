"""Rows that tell what a pass did: lines of the journal, and what is held for the owner."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.model.change import Found, HostGone, HostItem
from marketplace_plugin.model.item import Item
from marketplace_plugin.store.log.journal import Action as Deed
from marketplace_plugin.store.log.journal import Entry, Side
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.sync.link import Link, LinkState
from marketplace_plugin.sync.plan.step import Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


def entry(
    p: Pass,
    link: Link,
    side: Side,
    deed: Deed,
    reason: Reason,
    pre_image: object = None,
    fields: frozenset[str] = frozenset(),
) -> Entry:
    """One line of the journal. Blocks leave no pre-image (rule L9). ``fields``: those that an update wrote."""
    return Entry(
        id=p.engine.new_id(),
        run=p.run,
        connection=p.connection.id,
        user=p.connection.user,
        link=link.id,
        link_kind=link.kind,
        side=side,
        action=deed,
        reason=reason,
        at=p.now,
        versions=versions(link) | ({"fields": sorted(fields)} if fields else {}),
        pre_image=pre_image,
    )


def versions(link: Link) -> dict[str, object]:
    """Where both sides stand after a step, and what they are called there: an undo needs both."""
    shown = link.remote.revision if link.remote is not None else None
    return {
        "host": link.host.version if link.host is not None else None,
        "remote": [shown.master, [list(pair) for pair in shown.overrides]] if shown is not None else None,
        "host_ref": link.host_ref,
        "host_kind": link.host_kind,
        "collection": link.collection,
        "remote_id": link.remote_id,
    }


DEEDS: dict[Action, tuple[Side, Deed]] = {
    Action.CREATE_REMOTE: (Side.REMOTE, Deed.CREATE),
    Action.RECREATE_REMOTE: (Side.REMOTE, Deed.CREATE),
    Action.DELETE_REMOTE: (Side.REMOTE, Deed.DELETE),
    Action.RECREATE_HOST: (Side.HOST, Deed.CREATE),
    Action.DELETE_HOST: (Side.HOST, Deed.DELETE),
    Action.PUT_BLOCK: (Side.BLOCK, Deed.UPDATE),
    Action.DROP_BLOCK: (Side.BLOCK, Deed.DELETE),
    Action.TO_BLOCK: (Side.BLOCK, Deed.CREATE),
    Action.ADOPT: (Side.REMOTE, Deed.LINK),
    Action.REPOINT: (Side.REMOTE, Deed.MOVE),
    Action.UNLINK: (Side.REMOTE, Deed.LINK),
    Action.DETACH: (Side.REMOTE, Deed.LINK),
    Action.DECLINE: (Side.REMOTE, Deed.LINK),
    Action.PARK: (Side.REMOTE, Deed.HOLD),
}


def lines(p: Pass, step: Step, after: Link | None, pushed: bool, applied: bool) -> list[Entry]:
    """What one step did, with what it took away. A step that changed nothing on either side leaves no line, and what
    goes on waiting for the same reason none but the first."""
    link = after or step.link
    if step.action is Action.MERGE and step.merged is not None:
        made, merged = [], step.merged
        if pushed:
            there = _remote_before(step)
            made.append(entry(p, link, Side.REMOTE, Deed.UPDATE, step.reason, there, merged.to_remote))
        if applied:
            made.append(entry(p, link, Side.HOST, Deed.UPDATE, step.reason, _host_before(step), merged.to_host))
        return made
    if step.action not in DEEDS or (step.pushes and not pushed) or (step.applies and not applied) or _is_told(step):
        return []
    side, deed = DEEDS[step.action]
    return [entry(p, link, side, deed, step.reason, _pre_image(step, side))]


def _is_told(step: Step) -> bool:
    waited = step.link.state in (LinkState.PARKED, LinkState.PENDING) and step.link.reason is step.reason
    return step.action is Action.PARK and waited


def _pre_image(step: Step, side: Side) -> Item | None:
    if side is Side.BLOCK:
        return None
    return _host_before(step) if side is Side.HOST else _remote_before(step)


def _host_before(step: Step) -> Item | None:
    return step.case.host.item if isinstance(step.case.host, HostItem) else step.link.base


def _remote_before(step: Step) -> Item | None:
    """Where nobody asked, what both sides agreed on. What stays a participant's own in his copy is not in there; so an
    undo writes back no field but those that the run wrote."""
    if step.action in (Action.CREATE_REMOTE, Action.RECREATE_REMOTE):
        return None
    return step.case.remote.item if isinstance(step.case.remote, Found) else step.link.agreed_there


def held_rows(p: Pass, steps: Sequence[Step], reason: Reason) -> list[Held]:
    """Deletions that wait for their owner; one row per link."""
    return [
        Held(
            id=held_id(step.link, reason),
            connection=p.connection.id,
            collection=step.link.collection,
            what=_what(step),
            reason=reason,
            created_at=p.now,
            link=step.link.id,
            remote_id=step.link.remote_id,
            host_ref=step.link.host_ref,
        )
        for step in steps
    ]


def held_id(link: Link, reason: Reason) -> str:
    """Names the question: an answer to a page that is not up to date any more never counts for another one."""
    return f"{'announced' if reason is Reason.WOULD_MAIL else 'deletion'}:{link.id}"


def _what(step: Step) -> What:
    if step.action is Action.DELETE_HOST:
        return What.HOST_DELETION
    gone = step.link.host_ref is None or isinstance(step.case.host, HostGone)
    return What.REMOTE_DELETION if gone else What.HOST_CHANGE


def count_name(step: Step) -> str:
    """The name under which a step counts in the run and in the plan: ``remote.create``, ``block.delete`` ..."""
    if step.action not in DEEDS:
        return "same"
    side, deed = DEEDS[step.action]
    return f"{side}.{deed}"
