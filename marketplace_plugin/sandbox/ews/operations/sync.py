"""SyncFolderItems and SyncFolderHierarchy.

A sync state is opaque: it says how far a client is, in change numbers. A first round goes by item,
later ones by change. What is changed while a client pages comes again: nothing is left out, some
things come twice. Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/syncfolderitems-operation
and mailbox-synchronization-and-ews-in-exchange.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Any

from marketplace_plugin.sandbox.ews.operations.calls import Call, answer, folder_of
from marketplace_plugin.sandbox.ews.outlook import access, ids
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, add, boolean, children, find, full, text
from marketplace_plugin.sandbox.ews.state import Folder
from marketplace_plugin.sandbox.ews.views import folder as folder_views
from marketplace_plugin.sandbox.ews.views import item as views

_MOST = 512
_MARK = "H4sI"


@dataclass(frozen=True)
class Progress:
    """How far a client is: ``base`` is the change up to which it knew everything before this round.

    In a first round ``first`` is true and ``at`` the key of the last item that it was given, else
    ``at`` is the last change that it was given. ``before`` is the base of the round before.
    """

    folder: int
    epoch: int
    base: int
    at: int
    first: bool
    before: int = 0
    of: str = "items"
    """items, folders, or folders without a root in the request: one state is none of another."""


def _write(progress: Progress) -> str:
    packed = zlib.compress(json.dumps(asdict(progress)).encode())
    return _MARK + base64.b64encode(packed).decode()


def _read(value: str, folder: Folder, of: str = "items") -> Progress:
    """Raises EwsError for what is no sync state, of another folder or operation, or ended."""
    try:
        packed = base64.b64decode(value.removeprefix(_MARK), validate=True)
        found = Progress(**json.loads(zlib.decompress(packed)))
    except (binascii.Error, ValueError, TypeError, zlib.error) as error:
        raise errors.EwsError("ErrorInvalidSyncStateData") from error
    if not value.startswith(_MARK) or found.folder != folder.key or (found.epoch, found.of) != (folder.epoch, of):
        raise errors.EwsError("ErrorInvalidSyncStateData")
    return found


# --- items ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """One change of a page: an item's key and how it is told."""

    key: int
    told: str


def sync_folder_items(call: Call) -> Element:
    shape = call.shape("ItemShape")
    asked = text(call.operation, "m:MaxChangesReturned") or ""
    if not asked.isdecimal() or not 1 <= int(asked) <= _MOST:
        raise errors.invalid_schema(f"The 'MaxChangesReturned' element is invalid - The value '{asked}' is invalid.")
    limit = min(int(asked), call.state.knobs.page_limit)
    ignored = _ignored(call)

    def one(message: Element, element: Element) -> None:
        folder = access.readable(_sync_root(call, element), call.email)
        given = text(call.operation, "m:SyncState")
        start = Progress(folder.key, folder.epoch, call.state.tick, 0, first=True)
        progress = _read(given, folder) if given else start
        entries, after, last = _page(call, folder, progress, limit)
        add(message, "m:SyncState", _write(after))
        add(message, "m:IncludesLastItemInRange", boolean(last))
        several = add(message, "m:Changes")
        for entry in entries:
            if ids.item_id(folder.mailbox, entry.key) not in ignored:
                _tell(call, several, folder, entry, shape)

    return answer(call, children(call.child("SyncFolderId")), one, "m:SyncState", ("m:IncludesLastItemInRange", "true"))


def _sync_root(call: Call, element: Element) -> Folder:
    """The folder of a sync; one that is gone has an error of its own here."""
    try:
        return folder_of(call, element)
    except errors.EwsError as error:
        if error.code == "ErrorFolderNotFound" and element.tag == full("t:FolderId"):
            raise errors.EwsError("ErrorSyncFolderNotFound") from error
        raise


def _ignored(call: Call) -> set[str]:
    outer = find(call.operation, "m:Ignore")
    return set() if outer is None else {child.get("Id", "") for child in children(outer)}


def _page(call: Call, folder: Folder, progress: Progress, limit: int) -> tuple[list[_Entry], Progress, bool]:
    if progress.first:
        found = _first(folder, progress)
        given = found[:limit]
        if len(found) <= limit:
            return given, Progress(folder.key, folder.epoch, progress.base, progress.base, first=False), True
        return given, Progress(folder.key, folder.epoch, progress.base, given[-1].key, first=True), False
    since = progress.at
    if call.state.knobs.sync_replays and progress.at == progress.base:
        since = progress.before
    changes = _since(folder, since, progress.base)
    page, last = changes[:limit], len(changes) <= limit
    at = max(page[-1][0], progress.at) if page else progress.at
    if last:
        return [item for _, item in page], Progress(folder.key, folder.epoch, at, at, False, progress.base), True
    after = Progress(folder.key, folder.epoch, progress.base, at, False, progress.before)
    return [item for _, item in page], after, False


def _first(folder: Folder, progress: Progress) -> list[_Entry]:
    """What was in the folder when the round began and was not given yet, by item."""
    keys = sorted(key for key in folder.items if key > progress.at and folder.entered[key] <= progress.base)
    return [_Entry(key, "Create") for key in keys]


def _since(folder: Folder, since: int, base: int) -> list[tuple[int, _Entry]]:
    """What changed after ``since``, oldest first; new to the client is what entered after ``base``."""
    found = list[tuple[int, _Entry]]()
    for key, change in reversed(folder.changes.items()):
        if change <= since:
            break
        new = folder.entered[key] > base
        if key in folder.items:
            found.append((change, _Entry(key, "Create" if new else "Update")))
        elif not new or folder.entered[key] <= since:
            found.append((change, _Entry(key, "Delete")))
    return found[::-1]


def _tell(call: Call, several: Element, folder: Folder, entry: _Entry, shape: Any) -> None:
    outer = add(several, f"t:{entry.told}")
    if entry.told == "Delete":
        identity = ids.item_id(folder.mailbox, entry.key)
        add(outer, "t:ItemId", Id=identity, ChangeKey=ids.change_key(folder.mailbox, folder.changes[entry.key]))
        return
    outer.append(views.item(call.view(details=False), Found(call.email, folder, folder.items[entry.key]), shape))


# --- folders ----------------------------------------------------------------------------------


def sync_folder_hierarchy(call: Call) -> Element:
    shape = call.shape("FolderShape")
    target = find(call.operation, "m:SyncFolderId")
    folders = [None] if target is None else children(target)

    def one(message: Element, element: Element | None) -> None:
        state = call.state
        root = state.distinguished(call.email, "msgfolderroot") if element is None else _sync_root(call, element)
        given, of = text(call.operation, "m:SyncState"), "all folders" if element is None else "folders"
        progress = _read(given, root, of) if given else None
        since = 0 if progress is None else progress.at
        below = {folder.key: folder for folder in state.below(root)}
        add(message, "m:SyncState", _write(Progress(root.key, root.epoch, state.tick, state.tick, False, of=of)))
        add(message, "m:IncludesLastFolderInRange", "true")
        several = add(message, "m:Changes")
        for key, change in state.folder_changes[root.mailbox].items():
            if change <= since:
                continue
            folder = below.get(key)
            if folder is not None and access.sees_folder(folder, call.email):
                known = folder.permissions.get(call.email)
                entered = max(state.folders_entered[key], 0 if known is None else known.since)
                told = "Create" if entered > since else "Update"
                shown = folder_views.folder(state, folder, call.email, shape, call.schema)
                add(several, f"t:{told}").append(shown)
            elif (key not in state.folders or key in below) and state.folders_entered[key] <= since:
                add(add(several, "t:Delete"), "t:FolderId", Id=ids.folder_id(root.mailbox, key))

    return answer(call, folders, one, "m:SyncState", ("m:IncludesLastFolderInRange", "true"))
