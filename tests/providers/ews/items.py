"""A mailbox of Exchange with contacts and tasks, edited by its person in Outlook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.task import Task
from marketplace_plugin.providers.ews import ExchangeAccount
from marketplace_plugin.sandbox.ews.items import Kind
from tests.providers.ews.world import WRITES, World
from tests.providers.item_serving import ItemServing, Kept


class _OfExchange(ItemServing):
    kind: Kind
    prefix: str
    names: ClassVar[dict[str, str]]
    """Our field -> the element."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.actor = world.user()
        infos = [info for info in world.open().collections() if info.id.startswith(self.prefix)]
        self.collection = next(info.id for info in infos if info.primary)

    def open(self) -> ExchangeAccount:
        return self.world.open()

    def edit(self, item_id: str, **changes: Any) -> None:
        self.actor.update(item_id, **{self.names[name]: value for name, value in changes.items()})

    def delete(self, item_id: str) -> None:
        self.actor.delete(item_id)

    def _put(self, item_id: str, name: str, value: object) -> None:
        state, item = self.world.sandbox.state, self.actor.find(item_id).item
        item.fields[name] = value
        state.touch(item, self.actor.email)

    def small_pages(self) -> None:
        self.world.sandbox.state.knobs.page_limit = 2

    def expire_cursors(self) -> None:
        self.world.sandbox.state.expire_sync_states()

    def throttle(self) -> None:
        busy = "SyncFolderItems|CreateItem|GetItem"
        self.world.sandbox.faults.add("error", operation=busy, code="ErrorServerBusy", back_off=30_000)

    def lose_answer(self) -> None:
        self.world.sandbox.faults.add("drop_after", operation="CreateItem|UpdateItem|DeleteItem")

    def mails(self) -> Sequence[str]:
        return [mail.kind for mail in self.world.sandbox.state.outbox]

    def writes(self) -> int:
        return sum(1 for row in self.world.requests() if row.operation in WRITES)


class ExchangeContacts(_OfExchange):
    kind, prefix = "Contact", "contacts:"
    names: ClassVar[dict[str, str]] = {"family_name": "Surname"}

    def create(self, item: Kept) -> str:
        assert isinstance(item, Contact)
        return self.actor.create_contact(**card(item))

    def garble(self, item_id: str) -> None:
        """The end of time: the nearest day is none."""
        self._put(item_id, "Birthday", datetime(9999, 12, 31, 23, tzinfo=UTC))


class ExchangeTasks(_OfExchange):
    kind, prefix = "Task", "tasks:"
    names: ClassVar[dict[str, str]] = {"title": "Subject"}

    def create(self, item: Kept) -> str:
        assert isinstance(item, Task)
        fields: dict[str, Any] = {"Body": item.notes}
        if isinstance(item.due, date):
            fields["DueDate"] = item.due
        return self.actor.create_task(item.title, **fields)

    def garble(self, item_id: str) -> None:
        self._put(item_id, "Status", "Somewhere")


def card(item: Contact) -> dict[str, Any]:
    """As Outlook would keep it; a mail address has no label there."""
    keys = {"work": "BusinessPhone", "home": "HomePhone", "mobile": "MobilePhone"}
    places = {"work": "Business", "home": "Home", "other": "Other"}
    fields: dict[str, Any] = {
        "GivenName": item.given_name,
        "MiddleName": item.middle_name,
        "Surname": item.family_name,
        "Generation": item.suffix,
        "CompanyName": item.company,
        "JobTitle": item.job_title,
        "Department": item.department,
        "Body": item.notes,
        "EmailAddresses": {f"EmailAddress{at + 1}": one.value for at, one in enumerate(item.emails)},
        "PhoneNumbers": {keys[one.label]: one.value for one in item.phones},
        "PhysicalAddresses": {
            places[one.label]: {"Street": one.street, "City": one.city, "PostalCode": one.postal_code}
            for one in item.addresses
        },
        "BusinessHomePage": next(iter(item.websites), ""),
    }
    if item.birthday is not None:
        day = item.birthday
        fields["Birthday"] = datetime(day.year, day.month, day.day, 11, 59, tzinfo=UTC)
    return {name: value for name, value in fields.items() if value}
