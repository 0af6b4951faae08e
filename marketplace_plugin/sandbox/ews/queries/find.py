"""FindItem: lists without details, and calendar views with the occurrences of series.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation
and calendarview
"""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace_plugin.sandbox.ews.operations.calls import MOST_FOUND, Call, answer, folder_of
from marketplace_plugin.sandbox.ews.outlook import access, series, times
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.queries.paging import page_of
from marketplace_plugin.sandbox.ews.queries.restrictions import item_restriction, sorted_by
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, add, boolean, children, find
from marketplace_plugin.sandbox.ews.state import Folder
from marketplace_plugin.sandbox.ews.views.item import item

_LONGEST_VIEW = timedelta(days=2 * 366)


def find_item(call: Call) -> Element:
    shape = call.shape("ItemShape")
    call.attribute("Traversal", ("Shallow", "SoftDeleted", "Associated"), required=True)
    window = find(call.operation, "m:CalendarView")

    def one(message: Element, element: Element) -> None:
        folder = access.readable(folder_of(call, element), call.email)
        if call.operation.get("Traversal") != "Shallow":
            found, attributes = list[Found](), {"TotalItemsInView": "0", "IncludesLastItemInRange": "true"}
        elif window is not None:
            found, attributes = _calendar_view(call, window, folder)
        else:
            accepts = item_restriction(call)
            matching = sorted_by(call, [f for f in _all(call, folder) if accepts(f)])
            page = page_of(call, len(matching), "m:IndexedPageItemView")
            found, attributes = matching[page.offset : page.end], page.attributes()
        root = add(message, "m:RootFolder", **attributes)
        several = add(root, "t:Items")
        for one_found in found:
            several.append(item(call.view(details=False), one_found, shape))

    return answer(call, children(call.child("ParentFolderIds")), one)


def _all(call: Call, folder: Folder) -> list[Found]:
    return [Found(call.email, folder, found) for found in folder.items.values()]


def _calendar_view(call: Call, window: Element, folder: Folder) -> tuple[list[Found], dict[str, str]]:
    """Single items and occurrences in the window, by start; no masters."""
    if folder.kind != "CalendarItem":
        raise errors.EwsError("ErrorCalendarFolderIsInvalidForCalendarView", "The folder is no calendar.")
    if find(call.operation, "m:Restriction") is not None or find(call.operation, "m:SortOrder") is not None:
        raise errors.EwsError("ErrorInvalidOperation", "A calendar view takes no restriction and no sort order.")
    begin, until = (times.parse(window.get(name, ""), call.zone) for name in ("StartDate", "EndDate"))
    if until < begin:
        raise errors.EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if until - begin > _LONGEST_VIEW:
        raise errors.EwsError("ErrorCalendarViewRangeTooBig")
    most = window.get("MaxEntriesReturned")
    if most is not None and (not most.isdecimal() or int(most) < 1):
        raise errors.EwsError("ErrorInvalidPagingMaxRows", "Paging max rows must be greater than zero.")
    found = expanded(call.email, folder, begin, until)
    limit = MOST_FOUND if most is None else min(int(most), MOST_FOUND)
    attributes = {"TotalItemsInView": str(len(found)), "IncludesLastItemInRange": boolean(len(found) <= limit)}
    return found[:limit], attributes


def expanded(email: str, folder: Folder, begin: datetime, until: datetime) -> list[Found]:
    """What of a calendar is in the window [begin, until), by start."""
    found = list[tuple[datetime, Found]]()
    for entry in folder.items.values():
        event = entry.calendar
        if event.recurrence is not None:
            found += [(o.start, Found(email, folder, entry, o)) for o in series.between(event, begin, until)]
        elif series.overlaps(event.start, event.end, begin, until):
            found.append((event.start, Found(email, folder, entry)))
    return [item for _, item in sorted(found, key=lambda pair: pair[0])]
