"""``/me/contacts``, ``/me/contactFolders`` and ``/me/todo/lists``, by the reference of contact, contactFolder, todoTask
and todoTaskList."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.api import listing, query
from marketplace_plugin.sandbox.graph.api.calls import arguments, body, caller, context, here, preferences, reply
from marketplace_plugin.sandbox.graph.api.filters import Candidate
from marketplace_plugin.sandbox.graph.items import contact, todo
from marketplace_plugin.sandbox.graph.items.folders import Folder, Item, Json, Kind, change_key, etag
from marketplace_plugin.sandbox.graph.outlook import ids
from marketplace_plugin.sandbox.graph.outlook.time import times

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.graph.server import GraphSandbox

SCOPES = {
    Kind.CONTACTS: (frozenset({"Contacts.Read", "Contacts.ReadWrite"}), frozenset({"Contacts.ReadWrite"})),
    Kind.TASKS: (frozenset({"Tasks.Read", "Tasks.ReadWrite"}), frozenset({"Tasks.ReadWrite"})),
}
"""Kind -> those that let read, those that let write."""
_LINKS = "linkedResources"


class Desk:
    """One kind of items at the stand-in: who asks, what is shown, what is written."""

    def __init__(self, sandbox: GraphSandbox, kind: Kind) -> None:
        self._sandbox, self.kind, self._folders = sandbox, kind, sandbox.folders

    def mailbox(self, *, write: bool = False) -> str:
        """Raises GraphError 401, 403."""
        user = caller(self._sandbox)
        user.needs(SCOPES[self.kind][write])
        return user.email

    def folder(self, folder_id: str | None, *, write: bool = False) -> Folder:
        """Raises GraphError 400, 401, 403, 404."""
        return self._folders.get(self.mailbox(write=write), self.kind, folder_id)

    def item(self, folder_id: str | None, item_id: str, *, write: bool = False) -> tuple[Folder, Item]:
        """Without a folder it is looked for in all of them, as the service does for contacts."""
        mailbox = self.mailbox(write=write)
        within = None if folder_id is None else self._folders.get(mailbox, self.kind, folder_id)
        return self._folders.item(mailbox, self.kind, item_id, within)

    def folders(self) -> list[Folder]:
        """Contact folders are those below the default one, which is not in the list; all lists are."""
        found = self._folders.of(self.mailbox(), self.kind)
        return found[1:] if self.kind is Kind.CONTACTS else found

    # --- shown ---------------------------------------------------------------------------------------------------

    def shown(self, item: Item, folder: Folder, *, immutable: bool) -> Json:
        identity = ids.item_id(self.kind.item_id, folder.mailbox, item.placed, item.key, immutable=immutable)
        told: Json = {
            "@odata.etag": etag(item),
            "id": identity,
            "createdDateTime": times.stamp(item.created),
            "lastModifiedDateTime": times.stamp(item.modified),
        }
        if self.kind is Kind.CONTACTS:
            return {**told, "changeKey": change_key(item), "parentFolderId": folder.id, **contact.shown(item)}
        return {**told, "bodyLastModifiedDateTime": times.stamp(item.modified), **item.fields}

    def one(self, folder: Folder, item: Item, options: query.Options, *, links: bool = False) -> Json:
        told = self.shown(item, folder, immutable=preferences().shape.immutable)
        if options.select:
            told = {name: value for name, value in told.items() if name in ("@odata.etag", "id", *options.select)}
        known = [name for name in options.expand.extended if name in item.extended]
        if known:
            told["singleValueExtendedProperties"] = [{"id": name, "value": item.extended[name]} for name in known]
        return told | ({_LINKS: item.links} if links else {})

    def options(self) -> tuple[query.Options, bool]:
        """The query, and whether linked resources are to be shown. Raises GraphError 400."""
        given, links = arguments(), False
        if self.kind is Kind.TASKS:
            links = ("$expand", _LINKS) in given
            given = [pair for pair in given if pair != ("$expand", _LINKS)]
        return query.parse(given, contact.SHOWN if self.kind is Kind.CONTACTS else todo.SHOWN), links

    # --- written -------------------------------------------------------------------------------------------------

    def written(self, item: Item | None, folder: Folder, given: Any) -> Item:
        """Raises GraphError 400."""
        state = self._sandbox.state
        if self.kind is Kind.CONTACTS:
            fields, marks = contact.apply(item, given)
            links: list[Json] = []
        else:
            fields, links = todo.apply(item, given, state.now())
            marks = {}
        if item is None:
            item = self._folders.store(folder, fields)
        item.fields, item.extended, item.links = fields, marks, links
        self._folders.touch(item)
        return item

    def checked(self, item: Item) -> None:
        """Raises GraphError 412. Exchange looks at If-Match, To Do does not."""
        wanted = request.headers.get("If-Match")
        if self.kind is Kind.CONTACTS and wanted not in (None, "*", etag(item)):
            raise errors.changed_meanwhile()

    def bump(self, item: Item) -> None:
        if self._sandbox.state.knobs.late_bump:
            self._folders.touch(item)


def routes(pages: Blueprint, sandbox: GraphSandbox) -> None:
    """All routes of contacts and tasks."""
    contacts, tasks = Desk(sandbox, Kind.CONTACTS), Desk(sandbox, Kind.TASKS)
    _folders(pages, sandbox, contacts, "/me/contactFolders")
    _folders(pages, sandbox, tasks, "/me/todo/lists")
    _items(pages, sandbox, contacts, "/me/contacts", "default")
    _items(pages, sandbox, contacts, "/me/contactFolders/<folder_id>/contacts", "folder")
    _items(pages, sandbox, tasks, "/me/todo/lists/<folder_id>/tasks", "list")


def _folders(pages: Blueprint, sandbox: GraphSandbox, desk: Desk, rule: str) -> None:
    def shown(folder: Folder) -> Json:
        if desk.kind is Kind.CONTACTS:
            return {"id": folder.id, "displayName": folder.name, "parentFolderId": desk.folder(None).id}
        known = "defaultList" if folder.default else "none"
        told = {"id": folder.id, "displayName": folder.name, "isOwner": True, "isShared": False}
        return {"@odata.etag": f'W/"{folder.id[-12:]}"', **told, "wellknownListName": known}

    def listed() -> ResponseReturnValue:
        found = desk.folders()
        options = query.parse(arguments(), frozenset({"id", "displayName"}))
        asked = listing.Page(here(), arguments(), options, preferences())
        told = listing.slice_of(sandbox.state, found, asked)
        told["value"] = [shown(folder) for folder in told["value"]]
        return reply(told, context("lists"))

    def get(folder_id: str) -> ResponseReturnValue:
        return reply(shown(desk.folder(folder_id)), context("lists/$entity"))

    def create() -> ResponseReturnValue:
        mailbox, name = desk.mailbox(write=True), body().get("displayName")
        if not isinstance(name, str) or not name:
            raise errors.invalid_property("displayName")
        return reply(shown(sandbox.folders.add(mailbox, desk.kind, name)), context("lists/$entity"), 201)

    name = desk.kind.name.lower()
    pages.add_url_rule(rule, f"folders_{name}_list", listed, methods=["GET"])
    pages.add_url_rule(rule, f"folders_{name}_create", create, methods=["POST"])
    pages.add_url_rule(f"{rule}/<folder_id>", f"folders_{name}_get", get, methods=["GET"])


def _items(pages: Blueprint, sandbox: GraphSandbox, desk: Desk, rule: str, name: str) -> None:
    kind = "contacts" if desk.kind is Kind.CONTACTS else "tasks"

    def listed(folder_id: str | None = None) -> ResponseReturnValue:
        folder, (options, links) = desk.folder(folder_id), desk.options()
        found = list(folder.items.values())
        if options.filter is not None:
            test = options.filter
            found = [item for item in found if test(_candidate(desk, folder, item))]
        asked = listing.Page(here(), arguments(), options, preferences())
        told = listing.slice_of(sandbox.state, found, asked)
        told["value"] = [desk.one(folder, item, options, links=links) for item in told["value"]]
        return reply(told, context(kind), applied=asked.preferences.applied)

    def create(folder_id: str | None = None) -> ResponseReturnValue:
        folder = desk.folder(folder_id, write=True)
        item = desk.written(None, folder, body())
        told = desk.one(folder, item, query.Options(), links=bool(item.links))
        desk.bump(item)
        return reply(told, context(f"{kind}/$entity"), 201)

    def get(item_id: str, folder_id: str | None = None) -> ResponseReturnValue:
        folder, item = desk.item(folder_id, item_id)
        options, links = desk.options()
        return reply(desk.one(folder, item, options, links=links), context(f"{kind}/$entity"))

    def patch(item_id: str, folder_id: str | None = None) -> ResponseReturnValue:
        folder, item = desk.item(folder_id, item_id, write=True)
        desk.checked(item)
        desk.written(item, folder, body())
        told = desk.one(folder, item, query.Options())
        desk.bump(item)
        return reply(told, context(f"{kind}/$entity"))

    def delete(item_id: str, folder_id: str | None = None) -> ResponseReturnValue:
        item = desk.item(folder_id, item_id, write=True)[1]
        desk.checked(item)
        sandbox.folders.remove(item)
        return "", 204

    def delta(folder_id: str | None = None) -> ResponseReturnValue:
        folder, asked = desk.folder(folder_id), preferences()
        if folder_id is None and not sandbox.state.knobs.default_contacts_delta:
            raise errors.invalid_request("Change tracking is not supported against this collection.")

        def show(item: Item) -> Json:
            return desk.shown(item, folder, immutable=asked.shape.immutable)

        told = sandbox.tracking.page(folder, here(), arguments(), asked, show)
        return reply(told, f"Collection({kind})", applied=("odata.track-changes", *asked.applied))

    for ending in ("delta", "delta()"):
        pages.add_url_rule(f"{rule}/{ending}", f"{kind}_{name}_{ending}", delta, methods=["GET"])
    pages.add_url_rule(rule, f"{kind}_{name}_list", listed, methods=["GET"])
    pages.add_url_rule(rule, f"{kind}_{name}_create", create, methods=["POST"])
    pages.add_url_rule(f"{rule}/<item_id>", f"{kind}_{name}_get", get, methods=["GET"])
    pages.add_url_rule(f"{rule}/<item_id>", f"{kind}_{name}_patch", patch, methods=["PATCH"])
    pages.add_url_rule(f"{rule}/<item_id>", f"{kind}_{name}_delete", delete, methods=["DELETE"])


def _candidate(desk: Desk, folder: Folder, item: Item) -> Candidate:
    return Candidate(None, desk.shown(item, folder, immutable=True), item.extended)
