"""Outlook's address books and To Do's lists keep their contracts over HTTP, and what is peculiar to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest

from marketplace_plugin.model.change import Unreadable, UnreadableReason
from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.model.write import Refused, RefusedCode
from marketplace_plugin.providers.graph.items import todo
from tests.providers.contract_contacts import ADA, ContactContract
from tests.providers.contract_tasks import OFFER, TaskContract
from tests.providers.graph.items import GraphContacts, GraphTasks
from tests.providers.graph.world import World
from tests.providers.item_serving import WINDOW, ItemServing, applied, changing, read, send, written


@pytest.fixture
def world() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def contacts(world: World) -> GraphContacts:
    return GraphContacts(world)


@pytest.fixture
def tasks(world: World) -> GraphTasks:
    return GraphTasks(world)


class TestContacts(ContactContract):
    @pytest.fixture
    def serving(self, contacts: GraphContacts) -> GraphContacts:
        return contacts

    def test_what_the_person_wrote_is_what_is_read(self, serving: ItemServing) -> None:
        """Outlook has no labels for mail addresses: what the person wrote there comes without."""
        own = serving.create(self.item())
        item = read(serving).found()[own].item
        assert isinstance(item, Contact)
        bare = replace(self.item(), emails=tuple(replace(one, label="") for one in self.item().emails))
        assert replace(item, phones=()) == replace(bare, phones=())
        assert set(item.phones) == set(bare.phones)


class TestTasks(TaskContract):
    @pytest.fixture
    def serving(self, tasks: GraphTasks) -> GraphTasks:
        return tasks


# ---- the account --------------------------------------------------------------------------------------------------


def test_without_the_permissions_there_are_calendars_alone(world: World) -> None:
    assert {info.kind for info in world.open().collections()} == {Kind.EVENT}
    assert not [row for row in world.requests() if "contact" in row.path or "todo" in row.path]


def test_every_folder_and_list_is_a_collection(contacts: GraphContacts, tasks: GraphTasks) -> None:
    contacts.folders.add(contacts.folder.mailbox, contacts.kind, "Kunden")
    tasks.folders.add(tasks.folder.mailbox, tasks.kind, "Projekt")
    listed = contacts.open().collections()
    books = [info for info in listed if info.kind is Kind.CONTACT]
    lists = [info for info in listed if info.kind is Kind.TASK]
    assert [(info.primary, info.title) for info in books][1:] == [(False, "Kunden")]
    assert [(info.primary, info.title) for info in lists] == [(True, "Aufgaben"), (False, "Projekt")]
    for info in (*books, *lists):
        assert list(contacts.open().pull(info.id, None, WINDOW))[-1].cursor is not None


@pytest.mark.parametrize("kind", ["contacts", "tasks"])
def test_a_round_without_news_is_one_request(
    world: World, kind: str, contacts: GraphContacts, tasks: GraphTasks
) -> None:
    this: ItemServing = contacts if kind == "contacts" else tasks
    for name in ("first", "second", "third"):
        this.create(replace(ADA, family_name=name) if kind == "contacts" else replace(OFFER, title=name))
    cursor = read(this).cursor
    world.sandbox.log.clear()
    assert not read(this, cursor).last
    assert len(world.sandbox.log) == 1


# ---- contacts -----------------------------------------------------------------------------------------------------


def test_the_default_book_where_its_delta_is_not_served(world: World, contacts: GraphContacts) -> None:
    world.sandbox.state.knobs.default_contacts_delta = False
    empty = read(contacts)
    assert not empty.last
    first = contacts.create(ADA)
    told = read(contacts, empty.cursor)
    assert told.snapshot
    assert told.found().keys() == {first}
    second = contacts.create(replace(ADA, family_name="second"))
    later = read(contacts, told.cursor)
    assert not later.snapshot
    assert later.found().keys() == {second}


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_server_that_does_not_know_that_delta(world: World, contacts: GraphContacts, status: int) -> None:
    first = contacts.create(ADA)
    world.sandbox.faults.add("status", method="GET", path="/me/contacts/delta", status=status)
    assert read(contacts).found().keys() == {first}


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("others", [0, 2])
def test_one_that_is_refused_stops_no_other(world: World, contacts: GraphContacts, status: int, others: int) -> None:
    bad = contacts.create(ADA)
    good = {contacts.create(replace(ADA, family_name=f"Nr. {number}")) for number in range(others)}
    world.sandbox.faults.add("status", method="GET", path=f"/me/contacts/{bad}", status=status, times=9)
    told = read(contacts)
    assert told.found().keys() == good
    assert told.last[bad] == Unreadable(bad, UnreadableReason.REFUSED)


def test_labels_of_mail_addresses_outlive_an_edit_in_outlook(contacts: GraphContacts) -> None:
    found = written(contacts, ADA)
    added = [{"address": one.value, "name": "x"} for one in (*ADA.emails, Labelled("", "neu@nordwerk.example"))]
    contacts.write(contacts.stored(found.id), {"emailAddresses": added})
    item = read(contacts).found()[found.id].item
    assert isinstance(item, Contact)
    assert set(item.emails) == {*ADA.emails, Labelled("", "neu@nordwerk.example")}


def test_outlook_names_a_contact_anew_and_we_say_its_name_with_each_part(contacts: GraphContacts) -> None:
    found = written(contacts, ADA)
    assert isinstance(found.item, Contact)
    applied(send(contacts, changing(found, replace(found.item, family_name="Lovelace")))[0])
    assert contacts.stored(found.id).fields["displayName"] == "Dr. Ada Lovelace"


def test_a_birthday_without_its_year_is_held(contacts: GraphContacts) -> None:
    found = written(contacts, replace(ADA, birthday=date(YEARLESS, 2, 29)))
    assert contacts.stored(found.id).fields["birthday"].startswith("1604-02-29")
    assert isinstance(found.item, Contact)
    assert found.item.birthday == date(YEARLESS, 2, 29)


# ---- tasks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told, day",
    [
        ("2026-11-24T00:00:00.0000000", date(2026, 11, 24)),
        ("2026-11-23T23:00:00.0000000", date(2026, 11, 24)),  # midnight in Berlin
        ("2026-11-24T05:00:00.0000000", date(2026, 11, 24)),  # midnight in New York
        ("2026-11-24T10:00:00.0000000", date(2026, 11, 24)),  # as To Do writes completed days
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC"])
def test_a_day_is_read_as_the_nearest_one(told: str, day: date, zone: str) -> None:
    raw = {
        "id": "x",
        "@odata.etag": "1",
        "lastModifiedDateTime": "2026-11-18T09:30:00Z",
        "dueDateTime": {"dateTime": told, "timeZone": zone},
    }
    item = todo.found(raw).item
    assert isinstance(item, Task)
    assert item.due == day


def test_times_of_tasks_in_a_zone_of_their_own() -> None:
    raw = {
        "id": "x",
        "dueDateTime": {"dateTime": "2026-11-24T00:00:00.0000000", "timeZone": "W. Europe Standard Time"},
        "isReminderOn": True,
        "reminderDateTime": {"dateTime": "2026-11-24T09:00:00.0000000", "timeZone": "W. Europe Standard Time"},
    }
    item = todo.found(raw).item
    assert isinstance(item, Task)
    assert item.due == date(2026, 11, 24)
    assert item.reminder == Zoned(datetime(2026, 11, 24, 8), "UTC")  # noqa: DTZ001 - a wall time
    with pytest.raises(todo.Undecodable):
        todo.found({**raw, "dueDateTime": {"dateTime": "2026-11-24T00:00:00", "timeZone": "nowhere"}})


def test_notes_in_html_are_read_as_text() -> None:
    raw = {
        "id": "x",
        "@odata.etag": "1",
        "lastModifiedDateTime": "2026-11-18T09:30:00Z",
        "body": {"contentType": "html", "content": "<html><head>x</head><body>erst<br>dann &amp; hier</body></html>"},
    }
    item = todo.found(raw).item
    assert isinstance(item, Task)
    assert item.notes == "erst\ndann & hier"


def test_a_title_that_is_too_long_is_refused_and_nothing_is_cut(tasks: GraphTasks) -> None:
    found = written(tasks, OFFER)
    (outcome,) = send(tasks, changing(found, replace(OFFER, title="x" * 256)))
    assert isinstance(outcome, Refused)
    assert outcome.code is RefusedCode.TOO_LARGE
    assert tasks.stored(found.id).fields["title"] == OFFER.title


def test_what_to_do_alone_knows_stays(tasks: GraphTasks) -> None:
    found = written(tasks, OFFER)
    tasks.write(
        tasks.stored(found.id),
        {"categories": ["Rot"], "startDateTime": {"dateTime": "2026-11-20T00:00:00", "timeZone": "UTC"}},
    )
    there = read(tasks).found()[found.id]
    applied(send(tasks, changing(there, replace(OFFER, title="neu")))[0])
    stored = tasks.stored(found.id).fields
    assert stored["categories"] == ["Rot"]
    assert stored["startDateTime"]["dateTime"].startswith("2026-11-20")
