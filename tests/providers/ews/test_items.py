"""Exchange's contacts and tasks keep their contracts over HTTPS, and what is peculiar to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from marketplace_plugin.model.change import Access
from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task, TaskStatus
from marketplace_plugin.model.write import Delete, Refused
from marketplace_plugin.providers.ews.items.moment import day_of
from marketplace_plugin.sandbox.ews.items import Recurrence
from tests.providers.contract_contacts import ADA, ContactContract
from tests.providers.contract_tasks import OFFER, TaskContract
from tests.providers.ews.items import ExchangeContacts, ExchangeTasks
from tests.providers.ews.world import World
from tests.providers.item_serving import WINDOW, ItemServing, applied, changing, equal, read, send, written


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with World(version=getattr(request, "param", "ExchangeSE")) as running:
        yield running


@pytest.fixture
def contacts(world: World) -> ExchangeContacts:
    return ExchangeContacts(world)


@pytest.fixture
def tasks(world: World) -> ExchangeTasks:
    return ExchangeTasks(world)


class TestContacts(ContactContract):
    @pytest.fixture
    def serving(self, contacts: ExchangeContacts) -> ExchangeContacts:
        return contacts

    def test_what_the_person_wrote_is_what_is_read(self, serving: ItemServing) -> None:
        """Exchange has no labels for mail addresses: what the person wrote there comes without."""
        own = serving.create(self.item())
        item = read(serving).found()[own].item
        bare = replace(self.item(), emails=tuple(replace(one, label="") for one in self.item().emails))
        assert equal(serving, item, bare)


class TestTasks(TaskContract):
    @pytest.fixture
    def serving(self, tasks: ExchangeTasks) -> ExchangeTasks:
        return tasks


# ---- the mailbox --------------------------------------------------------------------------------------------------


def test_every_folder_is_a_collection_and_those_in_the_bin_are_none(
    contacts: ExchangeContacts, tasks: ExchangeTasks
) -> None:
    contacts.actor.add_folder("Kunden", "Contact")
    tasks.actor.add_folder("Projekt", "Task")
    infos = contacts.open().collections()
    assert {info.title for info in infos if info.kind is Kind.CONTACT} >= {"Kunden"}
    assert {info.title for info in infos if info.kind is Kind.TASK} >= {"Projekt"}
    assert [info.kind for info in infos if info.primary] == [Kind.EVENT, Kind.CONTACT, Kind.TASK]


@pytest.mark.parametrize("kind", ["contacts", "tasks"])
def test_a_round_without_news_is_one_request(
    world: World, kind: str, contacts: ExchangeContacts, tasks: ExchangeTasks
) -> None:
    this: ItemServing = contacts if kind == "contacts" else tasks
    for name in ("first", "second", "third"):
        this.create(replace(ADA, family_name=name) if kind == "contacts" else replace(OFFER, title=name))
    collection, cursor = this.collection, read(this).cursor
    provider = this.open()
    before = len(world.requests())
    assert not [change for page in provider.pull(collection, cursor, WINDOW) for change in page.changes]
    assert len(world.requests()) == before + 1


@pytest.mark.parametrize("world", ["Exchange2010"], indirect=True)
def test_the_oldest_server_holds_the_same(contacts: ExchangeContacts, tasks: ExchangeTasks) -> None:
    found = written(contacts, ADA)
    assert equal(contacts, found.item, ADA)
    assert isinstance(found.item, Contact)
    applied(send(contacts, changing(found, replace(found.item, notes="neu", phones=())))[0])
    task = written(tasks, OFFER)
    assert equal(tasks, task.item, OFFER)
    applied(send(tasks, changing(task, replace(OFFER, status=TaskStatus.COMPLETED)))[0])


# ---- contacts -----------------------------------------------------------------------------------------------------


def test_distribution_lists_are_left_out(contacts: ExchangeContacts) -> None:
    contacts.actor.create_group("Verteiler", [("Ada", "ada@nordwerk.example")])
    own = contacts.create(ADA)
    assert read(contacts).last.keys() == {own}


def test_labels_of_mail_addresses_outlive_an_edit_in_outlook(contacts: ExchangeContacts) -> None:
    found = written(contacts, ADA)
    mails = {f"EmailAddress{at + 1}": one.value for at, one in enumerate(ADA.emails)}
    contacts.actor.update(found.id, EmailAddresses={**mails, "EmailAddress3": "neu@nordwerk.example"})
    item = read(contacts).found()[found.id].item
    assert isinstance(item, Contact)
    assert set(item.emails) == {*ADA.emails, Labelled("", "neu@nordwerk.example")}


def test_what_we_do_not_read_stays(contacts: ExchangeContacts) -> None:
    """A car phone, a spouse, a title that cannot be written."""
    own = contacts.actor.create_contact(
        GivenName="Ada", Surname="King", SpouseName="William", PhoneNumbers={"CarPhone": "1", "HomePhone2": "2"}
    )
    there = read(contacts).found()[own]
    assert isinstance(there.item, Contact)
    assert there.item.phones == (Labelled("home", "2"),)
    wanted = replace(there.item, phones=(*there.item.phones, Labelled("home", "3")), prefix="Dr.")
    applied(send(contacts, changing(there, wanted))[0])
    fields = contacts.actor.get(own).fields
    assert fields["PhoneNumbers"] == {"CarPhone": "1", "HomePhone2": "2", "HomePhone": "3"}
    assert fields["SpouseName"] == "William"


def test_a_birthday_without_its_year_is_held(contacts: ExchangeContacts) -> None:
    found = written(contacts, replace(ADA, birthday=date(YEARLESS, 2, 29)))
    assert contacts.actor.get(found.id).fields["Birthday"].year == 1604
    assert isinstance(found.item, Contact)
    assert found.item.birthday == date(YEARLESS, 2, 29)


@pytest.mark.parametrize(
    "told, day",
    [
        ("1990-02-28T00:00:00Z", date(1990, 2, 28)),
        ("1990-02-27T23:00:00Z", date(1990, 2, 28)),  # midnight in Berlin
        ("1990-02-28T05:00:00Z", date(1990, 2, 28)),  # midnight in New York
        ("1990-02-28T11:59:00Z", date(1990, 2, 28)),
        ("1990-02-28T12:00:00Z", date(1990, 2, 28)),
        ("1990-02-28T00:00:00.0000000+01:00", date(1990, 2, 28)),
        ("1990-02-28T00:00:00", date(1990, 2, 28)),
        ("", None),
    ],
)
def test_a_day_is_read_as_the_nearest_one(told: str, day: date | None) -> None:
    assert day_of(told) == day


# ---- tasks --------------------------------------------------------------------------------------------------------


def test_a_task_that_repeats_is_read_only(tasks: ExchangeTasks) -> None:
    rule = Recurrence("DailyRecurrence", {"Interval": "1"}, date(2026, 11, 24))
    own = tasks.actor.create_task("täglich", DueDate=date(2026, 11, 24), Recurrence=rule)
    told = read(tasks).found()[own]
    assert told.access is Access.NONE
    for write in (Delete("op-d", own, told.revision), changing(told, replace(OFFER, title="x"), "op-u")):
        (outcome,) = send(tasks, write)
        assert isinstance(outcome, Refused)
    assert tasks.actor.get(own).fields["Subject"] == "täglich"


@pytest.mark.parametrize("status", TaskStatus)
def test_all_five_states_are_held(tasks: ExchangeTasks, status: TaskStatus) -> None:
    found = written(tasks, replace(OFFER, status=status))
    assert isinstance(found.item, Task)
    assert found.item.status is status


def test_times_with_fractions_are_read(world: World, tasks: ExchangeTasks) -> None:
    world.sandbox.state.knobs.fractions = 7
    own = tasks.create(OFFER)
    item = read(tasks).found()[own].item
    assert isinstance(item, Task)
    assert item.due == OFFER.due


# ---- what is told of a write that cannot be read back --------------------------------------------------------------


@pytest.mark.parametrize("mood", ["bumped", "busy"])
def test_what_there_was_no_room_for_is_not_told_as_stored(world: World, contacts: ExchangeContacts, mood: str) -> None:
    """Told as stored, the fourth address would be missing at the next look, and be taken away here."""
    many = replace(ADA, emails=tuple(Labelled("work", f"ada{n}@nordwerk.example") for n in range(6)))

    def upset(looks_before: int) -> None:
        if mood == "bumped":
            world.sandbox.state.knobs.late_bump = True
        else:
            world.sandbox.faults.add("error", operation="GetItem", code="ErrorServerBusy", skip=looks_before)

    upset(0)
    made = written(contacts, many)
    world.sandbox.faults.clear()
    there = read(contacts).found()[made.id]
    assert equal(contacts, made.item, there.item)
    upset(1)
    more = (*many.emails, Labelled("home", "ada@home.example"))
    wanted = replace(many, notes="neu", emails=more, phones=tuple(Labelled("home", str(n)) for n in range(4)))
    (outcome,) = send(contacts, replace(changing(there, wanted), changed=frozenset({"notes", "emails", "phones"})))
    world.sandbox.faults.clear()
    assert equal(contacts, applied(outcome).item, read(contacts).found()[made.id].item)
