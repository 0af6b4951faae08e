"""What a user decided about a held deletion, as the step that a pass takes once it has looked at both sides again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from marketplace_plugin.model.change import Access, Found, HostGone, HostItem
from marketplace_plugin.sync.plan.flows import Place
from marketplace_plugin.sync.plan.step import Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


def as_decided(step: Step, place: Place, announced: Collection[str], restored: Collection[str]) -> Step:
    """``announced`` and ``restored`` are ids of links. What is no deletion any more is not that decision's matter.

    A deletion that a service would announce becomes one here where its owner let it go knowing that. What he let go
    as one of many is another question (rule U6a); the brake lets such through by itself.
    """
    if not deletes(step):
        return step
    if step.link.id in restored:
        return _taken_back(step)
    if step.link.id in announced and step.action is Action.PARK and place.writable:
        withdrawn = isinstance(step.case.host, HostGone) and step.case.host.withdrawn
        return replace(
            step,
            action=Action.DELETE_REMOTE,
            reason=Reason.WITHDRAWN_HOST if withdrawn else Reason.DELETED_HOST,
            automatic=1,
        )
    return step


def deletes(step: Step) -> bool:
    """It deletes on a side, or would if the service did not write to the participants."""
    if step.action is Action.PARK:
        gone = step.link.host_ref is None or isinstance(step.case.host, HostGone)
        return step.reason is Reason.WOULD_MAIL and gone and isinstance(step.case.remote, Found)
    return step.action in (Action.DELETE_HOST, Action.DELETE_REMOTE)


def _taken_back(step: Step) -> Step:
    """Written again from the side that still has it, where the user organises it; else both sides are left alone."""
    link, action = step.link, Action.DETACH
    withdrawn = isinstance(step.case.host, HostGone) and step.case.host.withdrawn
    if step.action is Action.DELETE_HOST:
        if link.access is Access.FULL and link.organised and isinstance(step.case.host, HostItem):
            action = Action.RECREATE_REMOTE
    elif link.organised and link.host_ref is not None and not withdrawn and isinstance(step.case.remote, Found):
        action = Action.RECREATE_HOST
    return replace(step, action=action, reason=Reason.DECIDED, merged=None, clashes=(), automatic=1)
