"""A folder as replies show it."""

from __future__ import annotations

from marketplace_plugin.sandbox.ews.outlook import access, ids
from marketplace_plugin.sandbox.ews.soap.names import Element, add, make
from marketplace_plugin.sandbox.ews.state import Folder, State
from marketplace_plugin.sandbox.ews.views.item import effective_rights
from marketplace_plugin.sandbox.ews.wire import schema
from marketplace_plugin.sandbox.ews.wire.paths import Shape

_TAGS = {"CalendarItem": "t:CalendarFolder", "Contact": "t:ContactsFolder", "Task": "t:TasksFolder", None: "t:Folder"}
_DEFAULT = ("DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount")
_ALL = (
    *_DEFAULT,
    "ParentFolderId",
    "FolderClass",
    "EffectiveRights",
    "DistinguishedFolderId",
    "SharingEffectiveRights",
)
_SHARING = {"FreeBusyTimeOnly": "TimeOnly", "FreeBusyTimeAndSubjectAndLocation": "TimeAndSubjectAndLocation"}


def folder_reference(outer: Element, tag: str, folder: Folder) -> None:
    """Add an element with the id and the change key of a folder."""
    identity = ids.folder_id(folder.mailbox, folder.key)
    add(outer, tag, Id=identity, ChangeKey=ids.change_key(folder.mailbox, folder.change))


def folder(state: State, found: Folder, reader: str, shape: Shape, version: str) -> Element:
    """The element of a folder, with what the shape asks for."""
    outer = make(_TAGS[found.kind])
    wanted = set(shape.fields()) | {"FolderId"}
    wanted |= set(_DEFAULT if shape.base == "Default" else _ALL if shape.base == "AllProperties" else ())
    folder_reference(outer, "t:FolderId", found)
    parent = None if found.parent is None else state.folders.get(found.parent)
    if "ParentFolderId" in wanted and parent is not None:
        folder_reference(outer, "t:ParentFolderId", parent)
    if "FolderClass" in wanted and found.distinguished not in ("root", "msgfolderroot"):
        add(outer, "t:FolderClass", schema.FOLDER_CLASSES[found.kind])
    if "DisplayName" in wanted:
        add(outer, "t:DisplayName", found.name)
    if "TotalCount" in wanted:
        add(outer, "t:TotalCount", str(len(found.items)))
    if "ChildFolderCount" in wanted:
        add(outer, "t:ChildFolderCount", str(sum(1 for _ in state.children(found))))
    rights = access.rights(found, reader)
    if "EffectiveRights" in wanted:
        effective_rights(outer, rights, version)
    if "DistinguishedFolderId" in wanted and found.distinguished and version not in _BEFORE_2013:
        add(outer, "t:DistinguishedFolderId", found.distinguished)
    if "SharingEffectiveRights" in wanted and found.kind == "CalendarItem" and found.mailbox != reader:
        add(outer, "t:SharingEffectiveRights", _SHARING.get(rights.level, "FullDetails"))
    if "UnreadCount" in wanted and found.kind in (None, "Task"):
        add(outer, "t:UnreadCount", "0")
    return outer


_BEFORE_2013 = ("Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2")
