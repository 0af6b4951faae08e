"""Restrictions and sort orders of FindItem and FindFolder.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/restriction
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

from marketplace_plugin.sandbox.ews.operations.calls import Call, first_child
from marketplace_plugin.sandbox.ews.outlook import times
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, children, find, local, text
from marketplace_plugin.sandbox.ews.state import Folder
from marketplace_plugin.sandbox.ews.views import item as views
from marketplace_plugin.sandbox.ews.wire import paths, schema
from marketplace_plugin.sandbox.ews.wire.paths import Path
from marketplace_plugin.sandbox.ews.wire.schema import words

Test = Callable[[Any], bool]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "IsEqualTo": operator.eq,
    "IsNotEqualTo": operator.ne,
    "IsGreaterThan": operator.gt,
    "IsGreaterThanOrEqualTo": operator.ge,
    "IsLessThan": operator.lt,
    "IsLessThanOrEqualTo": operator.le,
}
_MOMENTS = frozenset(
    words(
        """
    Start End DateTimeCreated LastModifiedTime DateTimeReceived DateTimeSent ReminderDueBy DueDate
    StartDate CompleteDate Birthday
    """
    )
)
_NOT_SEARCHABLE = schema.NEEDS_GET_ITEM | {"UID", "Attachments", "IsResponseRequested", "AllowNewTimeProposal"}


def item_restriction(call: Call) -> Callable[[Found], bool]:
    """What a FindItem's restriction accepts; everything without one.

    Raises:
        SoapFault: for what the schema does not have.
        EwsError: for properties that cannot be searched.
    """
    outer = find(call.operation, "m:Restriction")
    if outer is None:
        return lambda _: True
    return _expression(call, first_child(outer), lambda found, path: item_value(call, found, path))


def folder_restriction(call: Call) -> Callable[[Folder], bool]:
    """What a FindFolder's restriction accepts. Raises SoapFault or EwsError."""
    outer = find(call.operation, "m:Restriction")
    if outer is None:
        return lambda _: True
    return _expression(call, first_child(outer), _folder_value)


def _folder_value(folder: Folder, path: Path) -> Any:
    known = {"DisplayName": folder.name, "FolderClass": schema.FOLDER_CLASSES[folder.kind]}
    if path.name not in known:
        raise errors.EwsError("ErrorUnsupportedPathForQuery")
    return known[path.name]


def item_value(call: Call, found: Found, path: Path) -> Any:
    """A property of an item as what it is compared as: an instant or a text; None if it has none."""
    if path.extended is not None:
        return views.shown(call.state, found).extended.get(path.extended)
    if path.name in _NOT_SEARCHABLE:
        raise errors.EwsError("ErrorUnsupportedPathForQuery")
    if path.name in _MOMENTS:
        element = views.item(views.View(call.state, call.schema, None), found, paths.Shape("IdOnly", (path,)))
        value = text(element, f"t:{path.name}")
        return None if value is None else times.parse(value, "UTC")
    element = views.item(views.View(call.state, call.schema, None), found, paths.Shape("IdOnly", (path,)))
    child = find(element, f"t:{path.name}")
    if child is None:
        return None
    several = [part.text or "" for part in children(child)]
    return several or child.text or ""


def _expression(call: Call, element: Element, value_of: Callable[[Any, Path], Any]) -> Test:
    name = local(element)
    if name in ("And", "Or"):
        first_child(element)
        tests = [_expression(call, child, value_of) for child in children(element)]
        return lambda found: (all if name == "And" else any)(test(found) for test in tests)
    if name == "Not":
        inner = _expression(call, first_child(element), value_of)
        return lambda found: not inner(found)
    if name == "Exists":
        path = paths.read(first_child(element), call.schema)
        return lambda found: value_of(found, path) is not None
    if name == "Contains":
        return _contains(call, element, value_of)
    compare = _COMPARISONS.get(name)
    if compare is None or len(children(element)) != 2:
        raise errors.invalid_schema(f"The element 'Restriction' has invalid child element '{name}'.")
    path, other = paths.read(first_child(element), call.schema), children(element)[1]
    constant = find(other, "t:Constant")
    wanted = None if constant is None else constant.get("Value")
    if wanted is None:
        raise errors.EwsError("ErrorUnsupportedPathForQuery", "Two properties cannot be compared here.")
    return lambda found: _compare(compare, value_of(found, path), str(wanted))


def _compare(compare: Callable[[Any, Any], bool], value: Any, wanted: str) -> bool:
    if value is None:
        return compare is operator.ne
    if isinstance(value, datetime):
        return compare(value, times.parse(wanted, "UTC"))
    if isinstance(value, list | tuple):
        return wanted in value
    return compare(value, wanted)


def _contains(call: Call, element: Element, value_of: Callable[[Any, Path], Any]) -> Test:
    path = paths.read(first_child(element), call.schema)
    constant = find(element, "t:Constant")
    mode, comparison = element.get("ContainmentMode", "FullString"), element.get("ContainmentComparison", "Exact")
    exact = comparison == "Exact"
    wanted = "" if constant is None else str(constant.get("Value"))
    needle = wanted if exact else wanted.casefold()

    def test(found: Any) -> bool:
        value = value_of(found, path)
        values = value if isinstance(value, list | tuple) else [] if value is None else [value]
        return any(_holds(mode, str(item) if exact else str(item).casefold(), needle) for item in values)

    return test


def _holds(mode: str, value: str, needle: str) -> bool:
    if mode == "FullString":
        return value == needle
    if mode == "Prefixed":
        return value.startswith(needle)
    return needle in value


def sorted_by(call: Call, found: list[Found]) -> list[Found]:
    """The items in the order of the request's SortOrder; as they were without one."""
    outer = find(call.operation, "m:SortOrder")
    for order in reversed([] if outer is None else children(outer)):
        path = paths.read(first_child(order), call.schema)
        keys = {id(item): _key(item_value(call, item, path)) for item in found}
        found = sorted(found, key=lambda item, by=keys: by[id(item)], reverse=order.get("Order") == "Descending")  # type: ignore[misc]  # mypy and lambda defaults
    return found


def _key(value: Any) -> tuple[bool, str]:
    return value is not None, value.isoformat() if isinstance(value, datetime) else str(value)
