"""A Google account with an address book and task lists, edited by its person in Google's own pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.contact import YEARLESS, Contact
from marketplace_plugin.model.task import Task, TaskStatus
from marketplace_plugin.providers.google import CONTACTS, TASKS, GoogleAccount
from marketplace_plugin.sandbox.google.people.book import Book
from marketplace_plugin.sandbox.google.tasks.lists import TaskLists
from tests.providers.google.world import ANNA, SCOPES, Json, World
from tests.providers.item_serving import ItemServing, Kept
from tests.providers.world import Token

GRANTED = SCOPES | {CONTACTS, TASKS}


def opened(world: World) -> GoogleAccount:
    token = Token(world.sandbox.issue_tokens(ANNA, GRANTED).access_token)
    roots = dict.fromkeys(("api_root", "people_root", "tasks_root"), world.sandbox.url)
    return GoogleAccount(
        Session("connection", ANNA, "instance-1", lambda: world.now, token, settings=roots, granted=GRANTED)
    )


class _OfGoogle(ItemServing):
    writing = ("POST", "PATCH", "DELETE")

    def __init__(self, world: World) -> None:
        self.world = world

    def open(self) -> GoogleAccount:
        return opened(self.world)

    def small_pages(self) -> None:
        self.world.sandbox.state.knobs.max_page_size = 2

    def throttle(self) -> None:
        self.world.sandbox.faults.add("status", path="/(v1|tasks)/", status=429, reason="rateLimitExceeded")

    def lose_answer(self) -> None:
        self.world.sandbox.faults.add("drop_after", method="POST|PATCH|DELETE")

    def mails(self) -> Sequence[str]:
        return [mail.kind for mail in self.world.sandbox.state.outbox]

    def writes(self) -> int:
        return sum(1 for row in self.world.sandbox.log if row.method in self.writing)


class GooglePeople(_OfGoogle):
    collection = "people/me"

    @property
    def book(self) -> Book:
        return self.world.sandbox.books.of(ANNA)

    def create(self, item: Kept) -> str:
        assert isinstance(item, Contact)
        return self.book.create(person(item)).name

    def edit(self, item_id: str, **changes: Any) -> None:
        one = self.book.get(item_id)
        raw = self.book.shown(one, ["names", "metadata"], ["READ_SOURCE_TYPE_CONTACT"])
        name = {k: v for k, v in raw["names"][0].items() if k not in ("metadata", "unstructuredName")}
        assert changes.keys() == {"family_name"}
        body = {"names": [{**name, "familyName": changes["family_name"]}], "metadata": raw["metadata"]}
        self.book.update(item_id, body, ["names"])

    def delete(self, item_id: str) -> None:
        self.book.delete(item_id)

    def garble(self, item_id: str) -> None:
        one = self.book.get(item_id)
        one.body["birthdays"] = [{"date": {"year": 2026, "month": 2, "day": 30}}]
        self.book.touch(one)

    def expire_cursors(self) -> None:
        self.world.now += timedelta(days=8)


class GoogleTasks(_OfGoogle):
    @property
    def lists(self) -> TaskLists:
        return self.world.sandbox.tasks.of(ANNA)

    @property
    def collection(self) -> str:  # type: ignore[override]  # the service gives the id
        return f"tasklist/{next(iter(self.lists.lists))}"

    def create(self, item: Kept) -> str:
        assert isinstance(item, Task)
        body: Json = {"title": item.title, "notes": item.notes}
        if isinstance(item.due, date):
            body["due"] = f"{item.due}T09:00:00+02:00"  # the time is thrown away
        if item.status is TaskStatus.COMPLETED:
            body["status"] = "completed"
        return self.lists.insert("@default", body).id

    def edit(self, item_id: str, **changes: Any) -> None:
        self.lists.change(self.lists.task("@default", item_id), changes)

    def delete(self, item_id: str) -> None:
        self.lists.delete(self.lists.task("@default", item_id))

    def garble(self, item_id: str) -> None:
        task = self.lists.task("@default", item_id)
        task.body["due"] = "someday"
        self.lists.touch(task)

    def expire_cursors(self) -> None:
        self.world.now += timedelta(days=8)


def person(item: Contact) -> Json:
    """As Google's own page would send it."""
    day = item.birthday
    name = {
        "honorificPrefix": item.prefix,
        "givenName": item.given_name,
        "middleName": item.middle_name,
        "familyName": item.family_name,
        "honorificSuffix": item.suffix,
    }
    work = {"type": "work", "name": item.company, "title": item.job_title, "department": item.department}
    addresses = [
        {
            "type": one.label,
            "streetAddress": one.street,
            "postalCode": one.postal_code,
            "city": one.city,
            "region": one.region,
            "country": one.country,
        }
        for one in item.addresses
    ]
    body: Json = {
        "names": [name],
        "organizations": [work],
        "emailAddresses": [{"type": one.label, "value": one.value} for one in item.emails],
        "phoneNumbers": [{"type": one.label, "value": one.value} for one in item.phones],
        "addresses": addresses,
        "urls": [{"value": url} for url in item.websites],
        "biographies": [{"value": item.notes}] if item.notes else [],
    }
    if day is not None:
        year = {} if day.year == YEARLESS else {"year": day.year}
        body["birthdays"] = [{"date": {**year, "month": day.month, "day": day.day}}]
    return body
