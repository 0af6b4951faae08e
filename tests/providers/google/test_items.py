"""Google's address book and task lists keep their contracts over HTTP, and what is peculiar to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from marketplace_plugin.errors import CollectionGone, CursorExpired
from marketplace_plugin.model.change import Access, Found, Gone, Tombstone
from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task, TaskStatus
from marketplace_plugin.model.write import Delete, Refused, RefusedCode, Stale
from marketplace_plugin.providers.google.items import person
from marketplace_plugin.providers.google.items.tasks import found as task_found
from tests.providers.contract_contacts import ADA, ContactContract
from tests.providers.contract_tasks import OFFER, TaskContract
from tests.providers.google.items import GooglePeople, GoogleTasks
from tests.providers.google.world import World
from tests.providers.item_serving import WINDOW, applied, changing, read, send, written


@pytest.fixture
def world() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def people(world: World) -> GooglePeople:
    return GooglePeople(world)


@pytest.fixture
def tasks(world: World) -> GoogleTasks:
    return GoogleTasks(world)


class TestContacts(ContactContract):
    @pytest.fixture
    def serving(self, people: GooglePeople) -> GooglePeople:
        return people


class TestTasks(TaskContract):
    @pytest.fixture
    def serving(self, tasks: GoogleTasks) -> GoogleTasks:
        return tasks


# ---- the account --------------------------------------------------------------------------------------------------


def test_without_the_scopes_there_are_calendars_alone(world: World) -> None:
    assert {info.kind for info in world.open().collections()} == {Kind.EVENT}
    assert not world.requests(path="/v1/")


@pytest.mark.parametrize("serving", ["people", "tasks"])
def test_a_round_without_news_is_one_request(
    world: World, serving: str, people: GooglePeople, tasks: GoogleTasks
) -> None:
    this = people if serving == "people" else tasks
    for name in ("first", "second", "third"):
        this.create(replace(ADA, family_name=name) if serving == "people" else replace(OFFER, title=name))
    cursor = read(this).cursor
    world.forget_requests()
    assert not read(this, cursor).last
    assert len(world.sandbox.log) == 1


# ---- people -------------------------------------------------------------------------------------------------------


def test_a_sync_token_ends_seven_days_after_the_full_round(world: World, people: GooglePeople) -> None:
    cursor = read(people).cursor
    for _ in range(3):  # renewed on the way, it ends all the same
        world.now += timedelta(days=2)
        cursor = read(people, cursor).cursor
    world.now += timedelta(days=2)
    with pytest.raises(CursorExpired):
        list(people.open().pull(people.collection, cursor, WINDOW))


@pytest.mark.parametrize("status, reason", [(410, None), (400, "failedPrecondition"), (400, "invalidArgument")])
def test_a_sync_token_that_is_refused_in_other_words_has_ended(
    world: World, people: GooglePeople, status: int, reason: str | None
) -> None:
    cursor = read(people).cursor
    world.sandbox.faults.add("status", path="syncToken", status=status, reason=reason)
    with pytest.raises(CursorExpired):
        list(people.open().pull(people.collection, cursor, WINDOW))
    world.sandbox.state.knobs.people_expired_status = 410
    people.expire_cursors()
    with pytest.raises(CursorExpired):
        list(people.open().pull(people.collection, cursor, WINDOW))


def test_a_book_without_a_sync_token_is_read_whole_each_time(people: GooglePeople) -> None:
    own, account = people.create(ADA), people.open()
    call = account._client.call

    def without_token(request: Any, **more: Any) -> Any:
        answer = call(request, **more)
        answer.pop("nextSyncToken", None)
        return answer

    account._client.call = without_token  # type: ignore[method-assign]
    cursor = None
    for _ in range(2):
        (page,) = account.pull(people.collection, cursor, WINDOW)
        assert ([change.id for change in page.changes], page.snapshot) == ([own], True)
        cursor = page.cursor
        assert cursor is not None


def test_many_contacts_are_asked_for_as_the_method_allows(world: World, people: GooglePeople) -> None:
    """A request of more than 2,048 characters would be sent as POST."""
    names = [f"people/c{1234567890123456789 + number}" for number in range(70)]
    assert people.open().fetch(people.collection, names) == [Gone(name) for name in names]
    assert {row.method for row in world.sandbox.log} == {"GET"}


def test_a_contact_that_was_merged_goes_on_under_its_new_name(people: GooglePeople) -> None:
    found = written(people, ADA)
    cursor = read(people).cursor
    new = people.book.rename(found.id)
    told = read(people, cursor)
    assert told.gone().keys() == {found.id}
    assert told.found()[new].stamp == found.stamp


def test_an_echo_that_comes_late_says_the_same_revision(world: World, people: GooglePeople) -> None:
    world.sandbox.state.knobs.people_delay_seconds = 180
    cursor = read(people).cursor
    found = written(people, ADA)
    early = read(people, cursor)
    assert not early.last
    world.now += timedelta(minutes=5)
    assert read(people, early.cursor).found()[found.id].revision == found.revision


def test_what_a_profile_adds_is_neither_read_nor_written(people: GooglePeople) -> None:
    own = people.create(ADA)
    people.book.get(own).profile = {"emailAddresses": [{"value": "ada@profile.example"}], "names": [{"givenName": "A"}]}
    told = read(people).found()[own]
    assert isinstance(told.item, Contact)
    assert {entry.value for entry in told.item.emails} == {entry.value for entry in ADA.emails}
    assert told.item.given_name == ADA.given_name


def test_what_our_lists_cannot_say_of_an_entry_stays(people: GooglePeople) -> None:
    body: dict[str, Any] = {
        "names": [{"givenName": "Ada", "familyName": "King", "phoneticGivenName": "Eida"}],
        "phoneNumbers": [{"type": "workFax", "value": "+49 911 1"}, {"type": "mobile", "value": "+49 171 2"}],
        "organizations": [{"name": "Verein", "type": "other"}, {"name": "Nordwerk", "type": "work", "location": "N3"}],
        "clientData": [{"key": "another-program", "value": "7"}],
        "nicknames": [{"value": "Adi"}],
    }
    own = people.book.create(body).name
    told = read(people).found()[own]
    assert isinstance(told.item, Contact)
    assert told.item.phones[0] == Labelled("fax", "+49 911 1")
    wanted = replace(
        told.item, phones=(*told.item.phones, Labelled("home", "+49 911 3")), company="Südwerk", suffix="Jr."
    )
    applied(send(people, replace(changing(told, wanted), stamp=None))[0])
    stored = people.book.get(own).body
    assert [entry["type"] for entry in stored["phoneNumbers"]] == ["workFax", "mobile", "home"]
    assert {"name": "Südwerk", "type": "work", "location": "N3"} in stored["organizations"]
    assert {"name": "Verein", "type": "other"} in stored["organizations"]
    assert stored["names"][0]["phoneticGivenName"] == "Eida"
    assert stored["clientData"] == [{"key": "another-program", "value": "7"}]
    assert stored["nicknames"] == [{"value": "Adi"}]


def test_a_race_between_reading_and_writing_is_stale(world: World, people: GooglePeople) -> None:
    """400 failedPrecondition, where others say 412."""
    found = written(people, ADA)
    update = changing(found, replace(ADA, notes="neu"))
    assert isinstance(found.item, Contact)
    get = people.open()
    current = get._book._current  # the person writes in the moment after we have read

    def read_then_edited(this: Any, name: str) -> Any:
        raw = current(this, name)
        people.edit(found.id, family_name="anders")
        return raw

    get._book._current = read_then_edited  # type: ignore[method-assign]  # nothing else stands between the two
    (outcome,) = list(get.push(people.collection, [update]))
    assert isinstance(outcome, Stale)
    assert people.book.get(found.id).body["biographies"][0]["value"] == ADA.notes


def test_a_name_of_its_own_is_given_where_there_are_no_parts(people: GooglePeople) -> None:
    found = written(people, Contact(display_name="Bäckerei Lindner"))
    assert people.book.get(found.id).body["names"][0]["unstructuredName"] == "Bäckerei Lindner"


@pytest.mark.parametrize(
    "told, day",
    [
        ({"year": 1990, "month": 2, "day": 28}, date(1990, 2, 28)),
        ({"month": 2, "day": 29}, date(4, 2, 29)),
        ({"year": 0, "month": 12, "day": 31}, date(4, 12, 31)),
        ({"year": 1990}, None),
        ({"year": 1990, "month": 5}, None),
    ],
)
def test_birthdays_may_be_partial(told: dict[str, int], day: date | None) -> None:
    assert person.contact({"birthdays": [{"date": told}]}).birthday == day


def test_what_is_null_is_empty() -> None:
    told = person.contact({"names": [{"givenName": None, "familyName": "B"}], "organizations": [{"name": None}]})
    assert (told.given_name, told.family_name, told.company) == ("", "B", "")
    item = task_found({"id": "t", "etag": "1", "title": None, "notes": None, "due": None}).item
    assert isinstance(item, Task)
    assert (item.title, item.notes) == ("", "")


# ---- tasks --------------------------------------------------------------------------------------------------------


def test_what_was_completed_in_googles_own_page_is_still_told(tasks: GoogleTasks) -> None:
    own = tasks.create(OFFER)
    cursor = read(tasks).cursor
    stored = tasks.lists.task("@default", own)
    tasks.lists.change(stored, {"status": "completed"})
    stored.hidden = True
    told = read(tasks, cursor).found()[own].item
    assert isinstance(told, Task)
    assert told.status is TaskStatus.COMPLETED
    assert own in read(tasks).found()


def test_an_assigned_task_is_read_only(tasks: GoogleTasks) -> None:
    """Deleting it would delete the original in somebody's document."""
    own = tasks.create(OFFER)
    tasks.lists.task("@default", own).assignment = {"surfaceType": "DOCUMENT"}
    told = read(tasks).found()[own]
    assert told.access is Access.NONE
    for write in (Delete("op-d", own, told.revision), changing(told, replace(OFFER, title="x"), "op-u")):
        (outcome,) = send(tasks, write)
        assert outcome == Refused(write.op, RefusedCode.FORBIDDEN)
    assert not tasks.lists.task("@default", own).deleted


def test_subtasks_stay_below_their_task(tasks: GoogleTasks) -> None:
    parent = tasks.create(OFFER)
    child = tasks.lists.insert("@default", {"title": "Teil"}, parent).id
    told = read(tasks).found()[child]
    applied(send(tasks, changing(told, Task(title="Teil 2")))[0])
    assert tasks.lists.task("@default", child).parent == parent


def test_a_text_that_is_too_long_is_refused_and_nothing_is_cut(tasks: GoogleTasks) -> None:
    found = written(tasks, OFFER)
    (outcome,) = send(tasks, changing(found, replace(OFFER, notes="x" * 8193)))
    assert isinstance(outcome, Refused)
    assert outcome.code is RefusedCode.TOO_LARGE
    assert tasks.lists.task("@default", found.id).body["notes"] == OFFER.notes


def test_a_change_of_the_same_moment_is_told_in_the_next_round(world: World, tasks: GoogleTasks) -> None:
    tasks.create(OFFER)
    first = read(tasks)
    late = tasks.create(replace(OFFER, title="im selben Augenblick"))
    told = read(tasks, first.cursor)
    assert told.found().keys() == {late}
    assert not read(tasks, told.cursor).last


def test_a_deletion_that_leaves_the_etag_is_told(tasks: GoogleTasks) -> None:
    own, account = tasks.create(OFFER), tasks.open()
    call, kept = account._client.call, "as before"

    def same_etag(request: Any, **more: Any) -> Any:
        answer = call(request, **more)
        for raw in answer.get("items") or ():
            raw["etag"] = kept
        return answer

    account._client.call = same_etag  # type: ignore[method-assign]
    (first,) = account.pull(tasks.collection, None, WINDOW)
    tasks.delete(own)
    (page,) = account.pull(tasks.collection, first.cursor, WINDOW)
    assert page.changes == (Tombstone(own),)
    (page,) = account.pull(tasks.collection, page.cursor, WINDOW)
    assert page.changes == ()


def test_every_list_is_a_collection(tasks: GoogleTasks) -> None:
    second = tasks.lists.add("Projekt")
    listed = [info for info in tasks.open().collections() if info.kind is Kind.TASK]
    assert [info.title for info in listed] == ["Meine Aufgaben", "Projekt"]
    assert [info.primary for info in listed] == [True, False]
    tasks.lists.insert(second.id, {"title": "dort"})
    pages = list(tasks.open().pull(listed[1].id, None, WINDOW))
    assert [change.found.item for page in pages for change in page.changes if hasattr(change, "found")] == [
        Task(title="dort")
    ]
    assert tasks.open().fetch(listed[1].id, ["nirgends"]) == [Gone("nirgends")]
    with pytest.raises(CollectionGone):
        tasks.open().fetch("tasklist/nirgends", ["x"])


def test_fetch_tells_a_task_once(tasks: GoogleTasks) -> None:
    own = tasks.create(OFFER)
    (one,) = tasks.open().fetch(tasks.collection, [own, own])
    assert isinstance(one, Found)
