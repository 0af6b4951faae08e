"""Contacts and tasks, by raw requests and by exchangelib."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import exchangelib
import pytest
from exchangelib import EWSDate
from exchangelib.indexed_properties import EmailAddress, PhoneNumber, PhysicalAddress

from marketplace_plugin.sandbox.ews import Actor
from marketplace_plugin.sandbox.ews.act import weekly
from marketplace_plugin.sandbox.ews.items import Recurrence
from marketplace_plugin.sandbox.ews.seed import ANNA
from tests.sandbox.ews.conftest import ZONE, Answer, Ews, reference
from tests.sandbox.ews.contract import EwsContractCheck

CONTACTS, TASKS = '<t:DistinguishedFolderId Id="contacts"/>', '<t:DistinguishedFolderId Id="tasks"/>'
HOME = (
    '<t:PhysicalAddresses><t:Entry Key="Home"><t:Street>Hafenstraße 7</t:Street><t:City>Kiel</t:City>'
    "<t:PostalCode>24103</t:PostalCode></t:Entry></t:PhysicalAddresses>"
)
PERSON = (
    "<t:GivenName>Grete</t:GivenName><t:CompanyName>Ostsee GmbH</t:CompanyName><t:EmailAddresses>"
    '<t:Entry Key="EmailAddress1">grete@example.com</t:Entry></t:EmailAddresses>'
    f"{HOME}<t:PhoneNumbers>"
    '<t:Entry Key="MobilePhone">+49 171 5550103</t:Entry></t:PhoneNumbers>'
    "<t:Birthday>1979-02-28T11:59:00Z</t:Birthday><t:Surname>Ostermann</t:Surname>"
)


def create(ews: Ews, kind: str, inner: str, **more: Any) -> Answer:
    return ews(f"<m:CreateItem><m:Items><t:{kind}>{inner}</t:{kind}></m:Items></m:CreateItem>", **more)


def set_entry(uri: str, key: str, element: str) -> str:
    return (
        f'<t:SetItemField><t:IndexedFieldURI FieldURI="{uri}" FieldIndex="{key}"/>'
        f"<t:Contact>{element}</t:Contact></t:SetItemField>"
    )


def set_field(kind: str, uri: str, element: str) -> str:
    return f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:{kind}>{element}</t:{kind}></t:SetItemField>'


# --- contacts ---------------------------------------------------------------------------------


def test_a_contact_comes_back_as_it_was_created(anna: Ews, contract: EwsContractCheck) -> None:
    made = create(anna, "Contact", PERSON)
    item = anna.get(made.one("//t:ItemId/@Id"))
    assert (item.one("//t:Contact/t:GivenName"), item.one("//t:Contact/t:Surname")) == ("Grete", "Ostermann")
    assert item.one("//t:EmailAddresses/t:Entry[@Key='EmailAddress1']") == "grete@example.com"
    assert item.one("//t:PhoneNumbers/t:Entry[@Key='MobilePhone']") == "+49 171 5550103"
    assert item.one("//t:PhysicalAddresses/t:Entry[@Key='Home']/t:Street") == "Hafenstraße 7"
    assert item.one("//t:Birthday") == "1979-02-28T11:59:00Z"
    assert (item.one("//t:DisplayName"), item.one("//t:FileAs")) == ("Grete Ostermann", "Ostermann, Grete")
    assert item.one("//t:CompleteName/t:LastName") == "Ostermann"
    assert item.one("//t:ItemClass") == "IPM.Contact"
    assert contract.requests == []


def test_entries_are_changed_one_by_one(anna: Ews) -> None:
    made = create(anna, "Contact", PERSON)
    second = '<t:EmailAddresses><t:Entry Key="EmailAddress2">go@example.com</t:Entry></t:EmailAddresses>'
    city = '<t:PhysicalAddresses><t:Entry Key="Home"><t:City>Lübeck</t:City></t:Entry></t:PhysicalAddresses>'
    gone = (
        '<t:DeleteItemField><t:IndexedFieldURI FieldURI="contacts:PhoneNumber" FieldIndex="MobilePhone"/>'
        "</t:DeleteItemField>"
    )
    changed = anna.update(
        reference(made),
        set_entry("contacts:EmailAddress", "EmailAddress2", second),
        set_entry("contacts:PhysicalAddress:City", "Home", city),
        gone,
    )
    item = anna.get(changed.one("//t:ItemId/@Id"))
    assert [entry.text for entry in item.all("//t:EmailAddresses/t:Entry")] == ["grete@example.com", "go@example.com"]
    assert (item.one("//t:City"), item.one("//t:Street")) == ("Lübeck", "Hafenstraße 7")
    assert item.all("//t:PhoneNumbers") == []


@pytest.mark.parametrize(
    "change, code",
    [
        (set_entry("contacts:EmailAddress", "EmailAddress4", ""), "ErrorSchemaValidation"),
        (set_field("Contact", "contacts:EmailAddresses", "<t:EmailAddresses/>"), "ErrorInvalidPropertySet"),
        (set_field("Contact", "contacts:CompleteName", "<t:CompleteName/>"), "ErrorInvalidPropertySet"),
        (set_field("Contact", "contacts:Notes", "<t:Notes>a</t:Notes>"), "ErrorInvalidPropertyRequest"),
    ],
)
def test_changes_of_contacts_that_are_refused(change: str, code: str, anna: Ews) -> None:
    assert anna.update(reference(create(anna, "Contact", PERSON)), change).codes == [code]


def test_file_as_follows_its_mapping_and_the_display_name_does_not(anna: Ews) -> None:
    mapping = PERSON.replace("<t:GivenName>", "<t:FileAsMapping>FirstSpaceLast</t:FileAsMapping><t:GivenName>", 1)
    made = create(anna, "Contact", mapping)
    changed = anna.update(reference(made), set_field("Contact", "contacts:Surname", "<t:Surname>Meer</t:Surname>"))
    item = anna.get(changed.one("//t:ItemId/@Id"))
    assert (item.one("//t:FileAs"), item.one("//t:DisplayName")) == ("Grete Meer", "Grete Ostermann")


def test_contacts_synchronise_and_a_group_lies_among_them(anna: Ews, act: Callable[[str], Actor]) -> None:
    first = anna.sync(folder=CONTACTS)
    assert len(first.all("//t:Create/t:Contact")) == 2
    group = first.one("//t:Create/t:DistributionList/t:ItemId/@Id")
    members = anna.get(group, paths='<t:FieldURI FieldURI="distributionlist:Members"/>', base="IdOnly")
    assert [item.text for item in members.all("//t:Member//t:Name")] == ["Petra Kunde", "Jonas Weber"]
    new = act(ANNA).create_contact(GivenName="Neu")
    assert anna.changes(first.one("//m:SyncState"), CONTACTS)[0] == [("Create", new)]


def test_old_and_new_birthdays(anna: Ews, act: Callable[[str], Actor]) -> None:
    born = {
        found.item.fields.get("Surname"): anna.get(found.id).one("//t:Birthday")
        for found in act(ANNA).items(kind="Contact")
        if found.item.kind == "Contact"
    }
    assert born == {"Kunde": "1984-03-29T11:59:00Z", "Brandt": "1951-11-29T23:00:00Z"}


def test_exchangelib_writes_a_contact(account: Callable[..., Any], contract: EwsContractCheck) -> None:
    anna = account()
    person = exchangelib.Contact(
        account=anna,
        folder=anna.contacts,
        given_name="Grete",
        surname="Ostermann",
        display_name="Grete Ostermann",
        email_addresses=[EmailAddress(email="grete@example.com", label="EmailAddress1")],
        phone_numbers=[PhoneNumber(label="MobilePhone", phone_number="+49 171 5550103")],
        physical_addresses=[PhysicalAddress(label="Home", street="Hafenstraße 7", city="Kiel")],
        birthday=EWSDate(1979, 2, 28),
    )
    person.save()
    person.refresh()
    assert person.birthday == EWSDate(1979, 2, 28)
    person.email_addresses = [EmailAddress(email="anders@example.com", label="EmailAddress1")]
    person.save(update_fields=["email_addresses"])
    person.refresh()
    assert [item.email for item in person.email_addresses if item.email] == ["anders@example.com"]
    assert person.phone_numbers[0].phone_number == "+49 171 5550103"
    person.move_to_trash()
    assert contract.requests == []


# --- tasks ------------------------------------------------------------------------------------


def task(ews: Ews, inner: str, **more: Any) -> Answer:
    return create(ews, "Task", f"<t:Subject>Aufgabe</t:Subject>{inner}", **more)


@pytest.mark.parametrize(
    "given, zone, shown",
    [
        ("2026-11-27T00:00:00Z", None, "2026-11-27T00:00:00Z"),
        ("2026-11-27T15:30:00Z", None, "2026-11-27T00:00:00Z"),
        ("2026-11-27T00:00:00+01:00", ZONE, "2026-11-27T00:00:00+01:00"),
        ("2026-11-26T23:00:00Z", ZONE, "2026-11-27T00:00:00+01:00"),
        ("2026-11-27T00:00:00", ZONE, "2026-11-27T00:00:00+01:00"),
    ],
)
def test_a_due_date_is_a_day_of_the_request_s_zone(given: str, zone: str | None, shown: str, anna: Ews) -> None:
    made = task(anna, f"<t:DueDate>{given}</t:DueDate>", zone=zone)
    assert anna.get(made.one("//t:ItemId/@Id"), zone=zone).one("//t:DueDate") == shown


def test_a_due_date_is_not_before_the_start(anna: Ews) -> None:
    made = task(anna, "<t:DueDate>2026-11-27T00:00:00Z</t:DueDate><t:StartDate>2026-11-30T00:00:00Z</t:StartDate>")
    assert anna.get(made.one("//t:ItemId/@Id")).one("//t:DueDate") == "2026-11-30T00:00:00Z"


@pytest.mark.parametrize(
    "changes, status, percent, complete",
    [
        (["<t:Status>Completed</t:Status>"], "Completed", "100", True),
        (["<t:PercentComplete>100</t:PercentComplete>"], "Completed", "100", True),
        (["<t:CompleteDate>2026-11-17T00:00:00Z</t:CompleteDate>"], "Completed", "100", True),
        (["<t:PercentComplete>30</t:PercentComplete>"], "InProgress", "30", False),
        (["<t:Status>Deferred</t:Status>"], "Deferred", "0", False),
        (["<t:PercentComplete>100</t:PercentComplete>", "<t:Status>NotStarted</t:Status>"], "NotStarted", "0", False),
    ],
)
def test_status_percentage_and_completion_belong_together(
    changes: list[str], status: str, percent: str, complete: bool, anna: Ews
) -> None:
    made = task(anna, "")
    sets = [set_field("Task", f"task:{change[3 : change.index('>')]}", change) for change in changes]
    item = anna.get(anna.update(reference(made), *sets).one("//t:ItemId/@Id"))
    assert (item.one("//t:Task/t:Status"), item.one("//t:PercentComplete")) == (status, percent)
    assert item.one("//t:IsComplete") == str(complete).lower()
    assert bool(item.all("//t:CompleteDate")) == complete


def complete(anna: Ews, identity: str) -> str:
    """Complete a task; the id that the server answers."""
    seen = anna.get(identity, base="IdOnly")
    change = set_field("Task", "task:Status", "<t:Status>Completed</t:Status>")
    return anna.update(reference(seen), change).one("//t:ItemId/@Id")


def test_a_completed_recurring_task_leaves_a_single_one_and_goes_on(anna: Ews, act: Callable[[str], Actor]) -> None:
    identity = act(ANNA).create_task("Gießen", DueDate=date(2026, 11, 20), Recurrence=weekly(date(2026, 11, 20)))
    state = anna.sync(folder=TASKS).one("//m:SyncState")
    single = complete(anna, identity)
    assert single != identity
    done, following = anna.get(single), anna.get(identity)
    assert (done.one("//t:Task/t:Status"), done.one("//t:IsRecurring")) == ("Completed", "false")
    assert done.one("//t:DueDate") == "2026-11-20T00:00:00Z"
    assert (following.one("//t:Task/t:Status"), following.one("//t:DueDate")) == ("NotStarted", "2026-11-27T00:00:00Z")
    assert sorted(anna.changes(state, TASKS)[0]) == sorted([("Create", single), ("Update", identity)])


def test_the_last_occurrence_is_completed_itself(anna: Ews, act: Callable[[str], Actor]) -> None:
    rule = weekly(date(2026, 11, 20), count=1)
    identity = act(ANNA).create_task("Einmal", DueDate=date(2026, 11, 20), Recurrence=rule)
    assert complete(anna, identity) == identity
    assert anna.get(identity).one("//t:IsComplete") == "true"


@pytest.mark.parametrize(
    "pattern, due",
    [
        ("DailyRegeneration", "2026-11-20"),
        ("WeeklyRegeneration", "2026-12-02"),
        ("MonthlyRegeneration", "2027-01-18"),
        ("YearlyRegeneration", "2028-11-18"),
    ],
)
def test_a_regenerating_task_is_due_so_long_after_it_was_done(
    pattern: str, due: str, anna: Ews, act: Callable[[str], Actor]
) -> None:
    rule = Recurrence(pattern, {"Interval": "2"}, date(2026, 11, 1), count=2)
    identity = act(ANNA).create_task("Filter", DueDate=date(2026, 11, 1), Recurrence=rule)
    assert complete(anna, identity) != identity
    assert anna.get(identity).one("//t:DueDate") == f"{due}T00:00:00Z"
    assert complete(anna, identity) == identity


def test_one_occurrence_of_a_task_is_deleted_by_saying_so(anna: Ews, act: Callable[[str], Actor]) -> None:
    def delete(identity: str, which: str) -> list[str]:
        return anna(
            f'<m:DeleteItem DeleteType="HardDelete" {which}><m:ItemIds><t:ItemId Id="{identity}"/></m:ItemIds>'
            "</m:DeleteItem>"
        ).codes

    only = 'AffectedTaskOccurrences="SpecifiedOccurrenceOnly"'
    identity = act(ANNA).create_task("Gießen", DueDate=date(2026, 11, 20), Recurrence=weekly(date(2026, 11, 20)))
    assert delete(identity, "") == ["ErrorAffectedTaskOccurrencesRequired"]
    assert delete(identity, only) == ["NoError"]
    assert anna.get(identity).one("//t:DueDate") == "2026-11-27T00:00:00Z"
    assert delete(act(ANNA).create_task("Einzeln"), only) == ["ErrorCannotDeleteTaskOccurrence"]
    assert delete(identity, 'AffectedTaskOccurrences="AllOccurrences"') == ["NoError"]
    assert anna.get(identity).codes == ["ErrorItemNotFound"]


def test_a_task_shows_its_rule(anna: Ews, contract: EwsContractCheck) -> None:
    rule = (
        "<t:Recurrence><t:MonthlyRegeneration><t:Interval>1</t:Interval></t:MonthlyRegeneration>"
        "<t:NoEndRecurrence><t:StartDate>2026-11-18</t:StartDate></t:NoEndRecurrence></t:Recurrence>"
    )
    item = anna.get(task(anna, rule).one("//t:ItemId/@Id"))
    assert item.one("//t:MonthlyRegeneration/t:Interval") == "1"
    assert item.one("//t:IsRecurring") == "true"
    assert contract.requests == []


def test_exchangelib_writes_and_completes_a_task(account: Callable[..., Any], contract: EwsContractCheck) -> None:
    anna = account()
    item = exchangelib.Task(account=anna, folder=anna.tasks, subject="Aufgabe", due_date=EWSDate(2026, 11, 27))
    item.save()
    item.refresh()
    assert (item.due_date, item.status) == (EWSDate(2026, 11, 27), "NotStarted")
    item.complete()
    item.refresh()
    assert item.is_complete
    item.delete()
    assert contract.requests == []
