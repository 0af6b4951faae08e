"""Tasks: status, percentage and dates, and what becomes of a recurring task.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateitem-operation-task
"""

from __future__ import annotations

import calendar
import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from marketplace_plugin.sandbox.ews.items import Item, Recurrence
from marketplace_plugin.sandbox.ews.outlook import recurrence
from marketplace_plugin.sandbox.ews.soap.errors import EwsError
from marketplace_plugin.sandbox.ews.state import State
from marketplace_plugin.sandbox.ews.wire.reading import Change

_DATES = ("StartDate", "DueDate")


def finish(state: State, item: Item, changes: Sequence[Change]) -> None:
    """Status, percentage and completion of a task belong together; the last one that is set decides.

    Source: https://learn.microsoft.com/dotnet/api/exchangewebservices.tasktype.completedate
    """
    fields = item.fields
    fields.setdefault("Status", "NotStarted")
    fields.setdefault("PercentComplete", "0")
    for change in changes:
        if change.operation != "set":
            continue
        if change.path.name == "Status":
            before = "0" if fields["PercentComplete"] == "100" else fields["PercentComplete"]
            fields["Status"] = change.value
            fields["PercentComplete"] = {"Completed": "100", "NotStarted": "0"}.get(change.value, before)
        elif change.path.name == "PercentComplete":
            fields["PercentComplete"] = change.value
            fields["Status"] = _status_of(float(change.value), str(fields["Status"]))
        elif change.path.name == "CompleteDate":
            fields |= {"Status": "Completed", "PercentComplete": "100"}
    due, start = fields.get("DueDate"), fields.get("StartDate")
    if due is not None and start is not None and due < start:
        fields["DueDate"] = start
    if fields["Status"] != "Completed":
        fields.pop("CompleteDate", None)
    elif fields.get("CompleteDate") is None:
        fields["CompleteDate"] = state.now()


def _status_of(percent: float, before: str) -> str:
    """The status that a percentage leads to. Raises EwsError for what is no percentage."""
    if not 0 <= percent <= 100:
        raise EwsError("ErrorInvalidValueForProperty")
    if percent == 100:
        return "Completed"
    if percent == 0:
        return "NotStarted" if before in ("Completed", "InProgress") else before
    return "InProgress" if before in ("Completed", "NotStarted") else before


def split_off(state: State, before: Item, after: Item) -> Item | None:
    """The single task that a change of a recurring one leaves behind; the other one goes on.

    ``after`` is ``before`` with the change made, and becomes the next occurrence. None if nothing
    is split off: a task that does not recur, another change, or the last occurrence.
    """
    rule = before.fields.get("Recurrence")
    if not isinstance(rule, Recurrence) or after.fields.get("Recurrence") != rule:
        return None
    done = after.fields["Status"] == "Completed" and before.fields["Status"] != "Completed"
    moved = any(before.fields.get(name) != after.fields.get(name) for name in _DATES)
    if not done and not (moved and "Regeneration" not in rule.pattern):
        return None
    single = copy.deepcopy(after)
    if not advance(state, after, before):
        return None
    single.key = state.next_number()
    del single.fields["Recurrence"]
    return state.store(single)


def advance(state: State, item: Item, at: Item | None = None) -> bool:
    """Make a recurring task its next occurrence after that of ``at``; False if there is none."""
    fields, dates = item.fields, (item if at is None else at).fields
    rule: Recurrence = fields["Recurrence"]
    here = dates.get("DueDate") or dates.get("StartDate") or rule.first
    following = _regenerated(rule, state.now().date()) if "Regeneration" in rule.pattern else _next(rule, here)
    if following is None:
        return False
    if "Regeneration" in rule.pattern and rule.count is not None:
        fields["Recurrence"] = replace(rule, count=rule.count - 1)
    for name in _DATES:
        if dates.get(name) is not None:
            fields[name] = dates[name] + (following - here)
    fields |= {"Status": "NotStarted", "PercentComplete": "0"}
    fields.pop("CompleteDate", None)
    return True


def _next(rule: Recurrence, here: date) -> date | None:
    return next((day for day in recurrence.days(rule) if day > here), None)


def _regenerated(rule: Recurrence, done: date) -> date | None:
    """So long after it was done."""
    if rule.count is not None and rule.count <= 1:
        return None
    interval = int(rule.values["Interval"])
    if rule.pattern in ("DailyRegeneration", "WeeklyRegeneration"):
        following = done + timedelta(days=interval * (7 if rule.pattern.startswith("Weekly") else 1))
    else:
        months = done.year * 12 + done.month - 1 + interval * (12 if rule.pattern.startswith("Yearly") else 1)
        year, month = months // 12, months % 12 + 1
        following = date(year, month, min(done.day, calendar.monthrange(year, month)[1]))
    return None if rule.until is not None and following > rule.until else following
