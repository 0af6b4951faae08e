"""The elements that tasks alone have."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from marketplace_plugin.sandbox.ews.outlook import times
from marketplace_plugin.sandbox.ews.soap.names import Element, add, boolean
from marketplace_plugin.sandbox.ews.wire.patterns import write_recurrence

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.ews.views.item import Shown, View

_DATES = ("DueDate", "StartDate")
NAMES = frozenset(
    [
        *_DATES,
        "CompleteDate",
        "Recurrence",
        "IsComplete",
        "IsRecurring",
        "IsTeamTask",
        "ChangeCount",
        "DelegationState",
        "Owner",
    ]
)


def element(view: View, outer: Element, what: Shown, name: str) -> None:
    """Add one element of a task, if the task has a value for it."""
    fields = what.fields
    value = fields.get(name)
    if name in _DATES:
        if value is not None:
            add(outer, f"t:{name}", view.moment(times.instant(value, time(0), view.wall_zone)))
    elif name == "CompleteDate":
        if value is not None:
            add(outer, f"t:{name}", view.moment(value))
    elif name == "Recurrence":
        if value is not None:
            write_recurrence(outer, value, view.wall_zone)
    elif name == "IsComplete":
        add(outer, f"t:{name}", boolean(fields.get("Status") == "Completed"))
    elif name == "IsRecurring":
        add(outer, f"t:{name}", boolean(fields.get("Recurrence") is not None))
    elif name == "IsTeamTask":
        add(outer, f"t:{name}", "false")
    elif name == "ChangeCount":
        add(outer, f"t:{name}", "1")
    elif name == "DelegationState":
        add(outer, f"t:{name}", "NoMatch")
    else:
        account = view.state.accounts.get(what.found.item.mailbox)
        add(outer, f"t:{name}", "" if account is None else account.name)
