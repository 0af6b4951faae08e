"""Contacts and tasks that live on both sides: how two become one, and what a lost answer leaves agreed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marketplace_plugin.model.change import Found, HostItem
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.task import Task, due_day, is_done
from marketplace_plugin.sync.link import Link
from marketplace_plugin.sync.merge.entries import LISTS, keyed
from marketplace_plugin.sync.merge.three_way import Policy
from marketplace_plugin.sync.plan.decide import decide
from marketplace_plugin.sync.plan.flows import Place
from marketplace_plugin.sync.plan.step import Case, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


def united(link: Link, host: HostItem, found: Found, place: Place, policy: Policy) -> Step:
    """The two as one: what only one of them tells goes to the other, and where both tell something else both keep it
    until the user has decided (``decide`` asks while nothing is agreed). ``link`` ties them."""
    blank = Task(title="") if isinstance(found.item, Task) else Contact()
    tied = replace(link, host_ref=host.ref, remote_id=found.id, access=found.access, base=blank, remote_base=None)
    step = decide(Case(tied, host, found), place, policy)
    return replace(step, reason=Reason.ADOPTED) if step.action is Action.MERGE else step


def as_said(sent: Item, found: Item) -> Item:
    """What the service is taken to have made of ``sent`` when it shows ``found``: whatever else it shows is news.

    An entry of a list that is not there may have had no room, so its absence says nothing; a day and a state are all
    that a list of tasks is known to hold.
    """
    match sent, found:
        case Contact(), Contact():
            plain: dict[str, Any] = {
                name: getattr(sent, name) for name in CONTACT_FIELDS - LISTS if getattr(found, name)
            }
            lists: dict[str, Any] = {name: _of_both(name, sent, found) for name in LISTS}
            return replace(found, **plain, **lists)
        case Task(), Task():
            status = found.status if is_done(found) == is_done(sent) else sent.status
            return replace(found, title=sent.title, notes=sent.notes, due=due_day(sent), status=status)
    return found


def _of_both(name: str, sent: Contact, found: Contact) -> tuple[object, ...]:
    ours = keyed(name, getattr(sent, name))
    there = keyed(name, getattr(found, name))
    return tuple(entry for key, group in there.items() if key in ours for entry in group)
