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


def page_of(call: Call, total: int, view: str) -> Page:
    """The page that a request asks for. Raises SoapFault for numbers that are none."""
    element = find(call.operation, view)
    if element is None:
        if total > MOST_FOUND and call.schema.startswith("Exchange2010"):
            raise errors.EwsError("ErrorExceededFindCountLimit")
        return Page(0, min(total, MOST_FOUND), total)
    most, offset, base = element.get("MaxEntriesReturned"), element.get("Offset", ""), element.get("BasePoint", "")
    if not offset.isdecimal() or (most is not None and not most.isdecimal()) or base not in ("Beginning", "End"):
        raise errors.invalid_schema("The element 'IndexedPageItemView' has invalid attributes.")
    limit = MOST_FOUND if most is None else min(int(most), MOST_FOUND)
    if limit < 1:
        raise errors.EwsError("ErrorInvalidPagingMaxRows", "Paging max rows must be greater than zero.")
    begin = min(int(offset), total) if base == "Beginning" else max(0, total - int(offset) - limit)
    return Page(begin, min(begin + limit, total), total)
