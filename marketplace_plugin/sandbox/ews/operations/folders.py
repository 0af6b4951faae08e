"""GetFolder and FindFolder.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation
and findfolder-operation
"""

from __future__ import annotations

from marketplace_plugin.sandbox.ews.operations.calls import Call, answer, folder_of
from marketplace_plugin.sandbox.ews.outlook import access
from marketplace_plugin.sandbox.ews.queries.paging import page_of
from marketplace_plugin.sandbox.ews.queries.restrictions import folder_restriction
from marketplace_plugin.sandbox.ews.soap.names import Element, add, children
from marketplace_plugin.sandbox.ews.views.folder import folder

TRAVERSALS = ("Shallow", "Deep", "SoftDeleted")


def get_folder(call: Call) -> Element:
    shape = call.shape("FolderShape")

    def one(message: Element, element: Element) -> None:
        found = folder_of(call, element)
        add(message, "m:Folders").append(folder(call.state, found, call.email, shape, call.schema))

    return answer(call, children(call.child("FolderIds")), one, "m:Folders")


def find_folder(call: Call) -> Element:
    shape = call.shape("FolderShape")
    traversal = call.attribute("Traversal", TRAVERSALS, required=True)
    accepts = folder_restriction(call)

    def one(message: Element, element: Element) -> None:
        parent = folder_of(call, element)
        below = call.state.below(parent) if traversal == "Deep" else call.state.children(parent)
        seen = [item for item in below if access.sees_folder(item, call.email) and accepts(item)]
        page = page_of(call, len(seen), "m:IndexedPageFolderView")
        root = add(message, "m:RootFolder", **page.attributes())
        several = add(root, "t:Folders")
        for item in seen[page.offset : page.end]:
            several.append(folder(call.state, item, call.email, shape, call.schema))

    return answer(call, children(call.child("ParentFolderIds")), one)
