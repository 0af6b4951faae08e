"""A Microsoft account with address books and to-do lists, edited by its person in Outlook and To Do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.task import Task
from marketplace_plugin.providers.graph import GraphAccount
from marketplace_plugin.providers.graph.items.serve import BOOK, LIST
from marketplace_plugin.sandbox.graph.items import contact, todo
from marketplace_plugin.sandbox.graph.items.folders import Folder, Folders, Item, Kind
from marketplace_plugin.sandbox.graph.outlook import ids
from tests.providers.graph.world import ANNA, SCOPES, Json, World
from tests.providers.item_serving import ItemServing, Kept
from tests.providers.world import Token

GRANTED = SCOPES | {"https://graph.microsoft.com/Contacts.ReadWrite", "Tasks.ReadWrite"}


def opened(world: World) -> GraphAccount:
    root = f"{world.sandbox.url}/v1.0"
    token = Token(world.token(ANNA, SCOPES | {"Contacts.ReadWrite", "Tasks.ReadWrite"}))
    now = world.now
    return GraphAccount(
        Session("connection", ANNA, "instance-1", lambda: now, token, settings={"graph_root": root}, granted=GRANTED)
    )


class _OfGraph(ItemServing):
    kind: Kind

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def folders(self) -> Folders:
        return self.world.sandbox.folders

    @property
    def folder(self) -> Folder:
        return self.folders.of(ANNA, self.kind)[0]

    def stored(self, item_id: str) -> Item:
        return self.folders.item(ANNA, self.kind, item_id, None)[1]

    def open(self) -> GraphAccount:
        return opened(self.world)

    def store(self, body: Json) -> str:
        item = self.folders.store(self.folder, {})
        self.write(item, body)
        return ids.item_id(self.kind.item_id, ANNA, item.placed, item.key, immutable=True)

    def write(self, item: Item, body: Json) -> None:
        raise NotImplementedError

    def delete(self, item_id: str) -> None:
        self.folders.remove(self.stored(item_id))

    def small_pages(self) -> None:
        self.world.sandbox.state.knobs.max_page_size = 2
        self.world.sandbox.state.knobs.empty_delta_pages = 1

    def expire_cursors(self) -> None:
        self.folders.expire()

    def throttle(self) -> None:
        self.world.sandbox.faults.add("status", path="/me/(contacts|todo)", status=429, retry_after=30)

    def lose_answer(self) -> None:
        self.world.sandbox.faults.add("drop_after", method="POST|PATCH|DELETE")

    def mails(self) -> Sequence[str]:
        return [mail.kind for mail in self.world.sandbox.state.outbox]

    def writes(self) -> int:
        rows = [*self.world.sandbox.requests(), *self.world.sandbox.requests(batched=True)]
        return sum(1 for row in rows if row.method in ("POST", "PATCH", "DELETE") and not row.path.endswith("$batch"))


class GraphContacts(_OfGraph):
    collection, kind = BOOK, Kind.CONTACTS

    def write(self, item: Item, body: Json) -> None:
        item.fields, item.extended = contact.apply(item if item.fields else None, body)
        self.folders.touch(item)

    def create(self, item: Kept) -> str:
        assert isinstance(item, Contact)
        own = self.store(card(item))
        labels = {entry.value: entry.label for entry in item.emails}
        assert set(labels.values()) <= {"work", "home"}
        return own

    def edit(self, item_id: str, **changes: Any) -> None:
        assert changes.keys() == {"family_name"}
        self.write(self.stored(item_id), {"surname": changes["family_name"]})

    def garble(self, item_id: str) -> None:
        item = self.stored(item_id)
        item.fields["birthday"] = "someday"
        self.folders.touch(item)


class GraphTasks(_OfGraph):
    kind = Kind.TASKS

    @property
    def collection(self) -> str:  # type: ignore[override]  # the service gives the id
        return LIST + self.folder.id

    def write(self, item: Item, body: Json) -> None:
        item.fields, item.links = todo.apply(item if item.fields else None, body, self.world.now)
        self.folders.touch(item)

    def create(self, item: Kept) -> str:
        assert isinstance(item, Task)
        body: Json = {"title": item.title, "body": {"content": item.notes, "contentType": "text"}}
        if isinstance(item.due, date):
            body["dueDateTime"] = {"dateTime": f"{item.due}T17:00:00", "timeZone": "Europe/Berlin"}
        return self.store(body)

    def edit(self, item_id: str, **changes: Any) -> None:
        self.write(self.stored(item_id), changes)

    def garble(self, item_id: str) -> None:
        item = self.stored(item_id)
        item.fields["dueDateTime"] = {"dateTime": "someday", "timeZone": "UTC"}
        self.folders.touch(item)


def card(item: Contact) -> Json:
    """As Outlook would send it; a mail address has no label there."""
    numbers = {label: [one.value for one in item.phones if one.label == label] for label in ("work", "home", "mobile")}
    places = {"work": "businessAddress", "home": "homeAddress", "other": "otherAddress"}
    body: Json = {
        "title": item.prefix,
        "givenName": item.given_name,
        "middleName": item.middle_name,
        "surname": item.family_name,
        "generation": item.suffix,
        "companyName": item.company,
        "jobTitle": item.job_title,
        "department": item.department,
        "personalNotes": item.notes,
        "emailAddresses": [{"address": one.value, "name": one.value} for one in item.emails],
        "businessPhones": numbers["work"],
        "homePhones": numbers["home"],
        "mobilePhone": next(iter(numbers["mobile"]), None),
        "businessHomePage": next(iter(item.websites), None),
    }
    for one in item.addresses:
        body[places[one.label]] = {"street": one.street, "postalCode": one.postal_code, "city": one.city}
    if item.birthday is not None:
        body["birthday"] = f"{item.birthday}T00:00:00Z"
    return body
