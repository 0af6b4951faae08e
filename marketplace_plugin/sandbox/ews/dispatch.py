"""From the name of an operation to what carries it out."""

from __future__ import annotations

from collections.abc import Callable

from marketplace_plugin.sandbox.ews.operations import availability, directory, folders, items, sync
from marketplace_plugin.sandbox.ews.operations.calls import Call
from marketplace_plugin.sandbox.ews.queries import find
from marketplace_plugin.sandbox.ews.soap import errors, versions
from marketplace_plugin.sandbox.ews.soap.names import Element, full

OPERATIONS: dict[str, Callable[[Call], Element]] = {
    "ConvertId": directory.convert_id,
    "CopyItem": items.copy_item,
    "CreateItem": items.create_item,
    "DeleteItem": items.delete_item,
    "FindFolder": folders.find_folder,
    "FindItem": find.find_item,
    "GetFolder": folders.get_folder,
    "GetItem": items.get_item,
    "GetUserAvailabilityRequest": availability.get_user_availability,
    "GetServerTimeZones": directory.get_server_time_zones,
    "MoveItem": items.move_item,
    "ResolveNames": directory.resolve_names,
    "SyncFolderHierarchy": sync.sync_folder_hierarchy,
    "SyncFolderItems": sync.sync_folder_items,
    "UpdateItem": items.update_item,
}


def carry_out(call: Call) -> Element:
    """The response of an operation.

    Raises:
        SoapFault: for an unknown operation, and for what the operation refuses as a whole.
    """
    name = call.request.name
    carry = OPERATIONS.get(name)
    if carry is None or call.operation.tag != full(f"m:{name}") or not versions.knows(call.schema, name):
        raise errors.invalid_schema(f"The element 'Body' has invalid child element '{name}'.")
    if call.request.impersonated is not None:
        raise errors.SoapFault("ErrorImpersonateUserDenied")
    try:
        return carry(call)
    except errors.EwsError as error:
        raise errors.SoapFault(error.code, error.message, values=error.values) from error
