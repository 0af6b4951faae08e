"""Pages of FindItem and FindFolder.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/indexedpageitemview
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace_plugin.sandbox.ews.operations.calls import MOST_FOUND, Call
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import boolean, find


@dataclass(frozen=True)
class Page:
    """A slice of ``total`` found objects; ``end`` is exclusive."""

    offset: int
    end: int
    total: int

    def attributes(self) -> dict[str, str]:
        """Of RootFolder."""
        return {
            "IndexedPagingOffset": str(self.end),
            "TotalItemsInView": str(self.total),
            "IncludesLastItemInRange": boolean(self.end >= self.total),
        }


_BEFORE_2013 = ("Exchange2007", "Exchange2010")
_MOST_RESTRICTED = 250
"""EWSFindCountLimit of searches with a restriction, since Exchange 2013."""


def page_of(call: Call, total: int, view: str) -> Page:
    """The page that a request asks for. Raises SoapFault for numbers that are none."""
    element = find(call.operation, view)
    old = call.state.knobs.version.startswith(_BEFORE_2013)
    restricted = find(call.operation, "m:Restriction") is not None and not old
    most_found = _MOST_RESTRICTED if restricted else MOST_FOUND
    if element is None:
        if total > most_found and old:
            raise errors.EwsError("ErrorExceededFindCountLimit")
        return Page(0, min(total, most_found), total)
    most, offset, base = element.get("MaxEntriesReturned"), element.get("Offset", ""), element.get("BasePoint", "")
    if not offset.isdecimal() or (most is not None and not most.isdecimal()) or base not in ("Beginning", "End"):
        raise errors.invalid_schema("The element 'IndexedPageItemView' has invalid attributes.")
    limit = most_found if most is None else min(int(most), most_found)
    if limit < 1:
        raise errors.EwsError("ErrorInvalidPagingMaxRows", "Paging max rows must be greater than zero.")
    begin = min(int(offset), total) if base == "Beginning" else max(0, total - int(offset) - limit)
    return Page(begin, min(begin + limit, total), total)
