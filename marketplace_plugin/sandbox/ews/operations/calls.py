"""What the operations share: the caller, the ids of a request, and one answer for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from marketplace_plugin.sandbox.ews.items import Item
from marketplace_plugin.sandbox.ews.outlook import access, ids
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap import envelope, errors
from marketplace_plugin.sandbox.ews.soap.names import Element, add, children, find, full, local, text
from marketplace_plugin.sandbox.ews.state import Folder, State
from marketplace_plugin.sandbox.ews.views.item import View
from marketplace_plugin.sandbox.ews.wire.paths import Shape, read_shape

MOST_FOUND = 1_000
"""EWSFindCountLimit."""


@dataclass(frozen=True)
class Call:
    """One request of an account."""

    state: State
    email: str
    request: envelope.Request

    @property
    def operation(self) -> Element:
        return self.request.operation

    @property
    def schema(self) -> str:
        return self.request.schema

    @property
    def zone(self) -> str:
        """That of times without an offset."""
        return self.request.zone or "UTC"

    def view(self, *, details: bool = True) -> View:
        return View(self.state, self.schema, self.request.zone, details)

    def child(self, name: str) -> Element:
        """A child of the operation that has to be there. Raises SoapFault."""
        found = find(self.operation, f"m:{name}")
        if found is None:
            raise errors.invalid_schema(f"The element '{self.request.name}' has incomplete content: '{name}'.")
        return found

    def attribute(self, name: str, allowed: tuple[str, ...], *, required: bool = False) -> str | None:
        """An attribute of the operation. Raises SoapFault if it is missing or has another value."""
        value: str | None = self.operation.get(name)
        if value is None and not required:
            return None
        if value not in allowed:
            raise errors.invalid_schema(f"The '{name}' attribute is invalid - The value '{value}' is invalid.")
        return value

    def shape(self, name: str) -> Shape:
        return read_shape(self.child(name), self.schema)

    def written(self, item: Item) -> None:
        """An item was written and its reply is made: with ``late_bump`` its version moves on."""
        if self.state.knobs.late_bump:
            self.state.touch(item)


def answer(
    call: Call, each: Iterable[Element], one: Callable[[Element, Element], None], *rest: str | tuple[str, str]
) -> Element:
    """The response of an operation: ``one(message, element)`` fills the message of each element.

    ``rest`` names elements that a refused message has too, empty or with a text.

    Raises:
        SoapFault: if there is nothing to answer.
    """
    outer, messages = envelope.response(call.request.name)
    elements = list(each)
    if not elements:
        raise errors.invalid_schema(f"The element '{call.request.name}' has incomplete content.")
    for element in elements:
        message = envelope.message(messages, call.request.name)
        try:
            one(message, element)
        except errors.EwsError as error:
            messages.remove(message)
            refused = envelope.message(messages, call.request.name, error)
            for part in rest:
                add(refused, *((part,) if isinstance(part, str) else part))
    return outer


def folder_of(call: Call, element: Element) -> Folder:
    """The folder of a FolderId or DistinguishedFolderId.

    Raises:
        SoapFault: for another element.
        EwsError: for a folder that is not there or not to be seen.
    """
    if element.tag == full("t:FolderId"):
        found = access.folder(call.state, call.email, element.get("Id", ""))
        _unless_refused(call, found.mailbox)
        return found
    if element.tag == full("t:DistinguishedFolderId"):
        mailbox = text(element, "t:Mailbox", "t:EmailAddress")
        _unless_refused(call, mailbox or "")
        try:
            return access.distinguished(call.state, call.email, element.get("Id", ""), mailbox)
        except errors.EwsError as error:
            if error.values and call.state.knobs.refused_whole:
                raise errors.SoapFault(error.code, error.message, values=error.values) from error
            raise
    raise errors.invalid_schema(f"The element '{local(element)}' is no folder id.")


def target(call: Call, name: str) -> Folder | None:
    """The folder that a child of the operation names; None without the child."""
    outer = find(call.operation, f"m:{name}")
    return None if outer is None else folder_of(call, first_child(outer))


def first_child(element: Element) -> Element:
    """Raises SoapFault for an element without children."""
    found = children(element)
    if not found:
        raise errors.invalid_schema(f"The element '{local(element)}' has incomplete content.")
    return found[0]


def item_of(call: Call, element: Element) -> Found:
    """The item of an ItemId, OccurrenceItemId or RecurringMasterItemId. Raises SoapFault or EwsError."""
    found = _item_of(call, element)
    _unless_refused(call, found.id)
    return found


def _unless_refused(call: Call, name: str) -> None:
    """Raises EwsError or SoapFault for what is refused by knob."""
    code = call.state.knobs.refused.get(name)
    if code is not None:
        raise errors.SoapFault(code) if call.state.knobs.refused_whole else errors.EwsError(code)


def _item_of(call: Call, element: Element) -> Found:
    if element.tag == full("t:ItemId"):
        return access.item(call.state, call.email, element.get("Id", ""))
    if element.tag == full("t:OccurrenceItemId"):
        index = element.get("InstanceIndex", "")
        if not index.lstrip("-").isdecimal():
            raise errors.invalid_schema(f"The 'InstanceIndex' attribute is invalid - The value '{index}' is invalid.")
        return access.occurrence_at(call.state, call.email, element.get("RecurringMasterId", ""), int(index))
    if element.tag == full("t:RecurringMasterItemId"):
        return access.master_of(call.state, call.email, element.get("OccurrenceId", ""))
    raise errors.invalid_schema(f"The element '{local(element)}' is no item id.")


def change_key_of(element: Element) -> int | None:
    """The version that an id element names. Raises EwsError for what is no change key."""
    value = element.get("ChangeKey")
    return None if not value else ids.read_change(value)
