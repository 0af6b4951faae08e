"""GetItem, CreateItem, UpdateItem, DeleteItem, MoveItem and CopyItem.

Source: the operations' pages below https://learn.microsoft.com/exchange/client-developer/web-service-reference/
"""

from __future__ import annotations

from marketplace_plugin.sandbox.ews.changes import meetings, writes
from marketplace_plugin.sandbox.ews.items import Kind
from marketplace_plugin.sandbox.ews.operations import responses
from marketplace_plugin.sandbox.ews.operations.calls import Call, answer, change_key_of, item_of, target
from marketplace_plugin.sandbox.ews.outlook import access
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, add, children, find, full, make
from marketplace_plugin.sandbox.ews.state import Folder
from marketplace_plugin.sandbox.ews.views.item import item
from marketplace_plugin.sandbox.ews.wire import reading

_RESOLUTIONS = ("NeverOverwrite", "AutoResolve", "AlwaysOverwrite")
_DEFAULT_FOLDERS: dict[Kind, str] = {
    "CalendarItem": "calendar",
    "Contact": "contacts",
    "DistributionList": "contacts",
    "Task": "tasks",
}
_TASKS = ("AllOccurrences", "SpecifiedOccurrenceOnly")


def get_item(call: Call) -> Element:
    shape, view = call.shape("ItemShape"), call.view()

    def one(message: Element, element: Element) -> None:
        found = item_of(call, element)
        add(message, "m:Items").append(item(view, found, shape))

    return answer(call, children(call.child("ItemIds")), one, "m:Items")


def create_item(call: Call) -> Element:
    mode = call.attribute("SendMeetingInvitations", meetings.ON_CREATE)

    def one(message: Element, element: Element) -> None:
        if responses.is_answer(element):
            _show(message, responses.respond(call, element))
            return
        kind = reading.kind_of(element)
        if kind == "CalendarItem" and mode is None:
            raise errors.EwsError("ErrorSendMeetingInvitationsRequired")
        given = reading.new_item(element, call.schema, call.zone)
        folder = target(call, "SavedItemFolderId") or call.state.distinguished(call.email, _DEFAULT_FOLDERS[kind])
        if not access.rights(folder, call.email).create:
            raise errors.EwsError("ErrorCreateItemAccessDenied")
        made = writes.create(call.state, call.email, folder, kind, given, call.zone, mode or meetings.SILENT)
        _show(message, Found(call.email, folder, made))
        call.written(made)

    return answer(call, children(call.child("Items")), one, "m:Items")


def update_item(call: Call) -> Element:
    resolution = call.attribute("ConflictResolution", _RESOLUTIONS, required=True)
    mode = call.attribute("SendMeetingInvitationsOrCancellations", meetings.ON_UPDATE)

    def one(message: Element, element: Element) -> None:
        if element.tag != full("t:ItemChange") or len(children(element)) != 2:
            raise errors.invalid_schema("The element 'ItemChanges' has invalid content.")
        reference, updates = children(element)
        found = item_of(call, reference)
        if found.item.kind == "CalendarItem" and mode is None:
            raise errors.EwsError("ErrorSendMeetingInvitationsOrCancellationsRequired")
        _may(call, found.folder, found)
        invites = found.item.event is not None and meetings.is_meeting(found.item.event) and mode != meetings.SILENT
        if invites and found.folder.distinguished == "deleteditems":
            raise errors.EwsError("ErrorCalendarCannotUpdateDeletedItem", "A deleted meeting cannot be sent.")
        _check_version(reference, found, str(resolution))
        given = [reading.update(found.item.kind, child, call.schema, call.zone) for child in children(updates)]
        if not given:
            raise errors.invalid_schema("The element 'Updates' has incomplete content.")
        changed = writes.update(call.state, found, given, call.zone, mode or meetings.SILENT)
        _show(message, changed)
        add(add(message, "m:ConflictResults"), "t:Count", "0")
        call.written(changed.item)

    return answer(call, children(call.child("ItemChanges")), one, "m:Items")


def _check_version(reference: Element, found: Found, resolution: str) -> None:
    """A write names the version that it changes; ``NeverOverwrite`` refuses any other than the newest.

    A change key is asked for even with AlwaysOverwrite: documentation of
    ErrorChangeKeyRequiredForWriteOperations.
    """
    given = change_key_of(reference)
    if given is None:
        raise errors.EwsError("ErrorChangeKeyRequiredForWriteOperations")
    if given != found.change and resolution == "NeverOverwrite":
        raise errors.EwsError("ErrorIrresolvableConflict")


def _may(call: Call, folder: Folder, found: Found) -> None:
    if not access.rights(folder, call.email).modify or access.masked(call.state, found):
        raise errors.EwsError("ErrorAccessDenied")


def _show(message: Element, found: Found) -> None:
    outer = make(f"t:{found.item.kind}")
    add(outer, "t:ItemId", Id=found.id, ChangeKey=found.change_key)
    add(message, "m:Items").append(outer)


def delete_item(call: Call) -> Element:
    disposal = call.attribute("DeleteType", writes.DISPOSALS, required=True)
    mode = call.attribute("SendMeetingCancellations", meetings.ON_CREATE)
    tasks = call.attribute("AffectedTaskOccurrences", _TASKS)

    def one(_: Element, element: Element) -> None:
        found = item_of(call, element)
        if found.item.kind == "CalendarItem" and mode is None:
            raise errors.EwsError("ErrorSendMeetingCancellationsRequired")
        if found.item.kind == "Task" and tasks is None:
            raise errors.EwsError("ErrorAffectedTaskOccurrencesRequired")
        _may(call, found.folder, found)
        if found.item.kind == "Task" and tasks == "SpecifiedOccurrenceOnly":
            writes.delete_task_occurrence(call.state, found)
            return
        writes.delete(call.state, found, str(disposal), mode or meetings.SILENT)

    return answer(call, children(call.child("ItemIds")), one)


def move_item(call: Call) -> Element:
    return _carry(call, remove=True)


def copy_item(call: Call) -> Element:
    return _carry(call, remove=False)


def _carry(call: Call, *, remove: bool) -> Element:
    def one(message: Element, element: Element) -> None:
        folder = target(call, "ToFolderId")
        if folder is None:
            raise errors.invalid_schema("The element 'ToFolderId' is missing.")
        found = item_of(call, element)
        if remove:
            _may(call, found.folder, found)
        if not access.rights(folder, call.email).create:
            raise errors.EwsError("ErrorAccessDenied")
        moved = (writes.move if remove else writes.duplicate)(call.state, found, folder)
        if find(call.operation, "m:ReturnNewItemIds") is None or moved.folder.mailbox == found.folder.mailbox:
            _show(message, moved)
        else:
            add(message, "m:Items")

    return answer(call, children(call.child("ItemIds")), one, "m:Items")
