"""exchangelib as a client that nobody here wrote: what it does has to work, and to keep the schema."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import exchangelib
import pytest
from exchangelib import CalendarItem, EWSDate, EWSDateTime, EWSTimeZone, ExtendedProperty
from exchangelib.errors import (
    ErrorInvalidSyncStateData,
    ErrorIrresolvableConflict,
    ErrorItemNotFound,
    ErrorServerBusy,
    UnauthorizedError,
)
from exchangelib.folders import SingleFolderQuerySet
from exchangelib.items import NEVER_OVERWRITE, SEND_TO_NONE
from exchangelib.properties import DistinguishedFolderId, Mailbox
from exchangelib.recurrence import NumberedPattern, Recurrence, WeeklyPattern

from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.seed import ANNA, JONAS, PASSWORD, PROJECT
from marketplace_plugin.sandbox.ews.soap.versions import SERVERS
from tests.sandbox.ews.contract import EwsContractCheck

BERLIN = EWSTimeZone("Europe/Berlin")


class StegLink(ExtendedProperty):
    property_set_id = "8ecc264a-6880-4ebe-992f-8888d2eeaa1d"
    property_name = "StegLink"
    property_type = "String"


@pytest.fixture(autouse=True)
def registered() -> Any:
    CalendarItem.register("steg_link", StegLink)
    yield
    CalendarItem.deregister("steg_link")


def at(day: int, hour: int) -> Any:
    return EWSDateTime(2026, 11, day, hour, tzinfo=BERLIN)


def appointment(account: Any, subject: str = "Termin", **more: Any) -> Any:
    return CalendarItem(
        account=account, folder=account.calendar, subject=subject, start=at(25, 10), end=at(25, 11), **more
    )


@pytest.mark.parametrize("auth", [exchangelib.NTLM, exchangelib.BASIC])
def test_it_signs_in_and_finds_the_folders(
    auth: str, account: Callable[..., Any], sandbox: EwsSandbox, contract: EwsContractCheck
) -> None:
    anna = account(auth=auth)
    assert anna.version.build.major_version == 15
    assert anna.calendar.name == "Kalender"
    assert [folder.name for folder in anna.calendar.children] == [PROJECT]
    assert {item.scheme for item in sandbox.sign_ins} == {"NTLM" if auth == exchangelib.NTLM else "Basic"}
    assert contract.requests == []


@pytest.mark.parametrize("version", [name for name in SERVERS if not name.startswith("Exchange2007")])
def test_it_works_with_each_version(version: str, account: Callable[..., Any], sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.version = version
    anna = account(auth=exchangelib.BASIC)
    item = appointment(anna)
    item.save(send_meeting_invitations=SEND_TO_NONE)
    item.refresh()
    assert (item.subject, item.start) == ("Termin", at(25, 10))
    assert anna.version.build.major_version == SERVERS[version].build[0]


def test_an_item_goes_round(account: Callable[..., Any], contract: EwsContractCheck, sandbox: EwsSandbox) -> None:
    anna = account()
    item = appointment(
        anna,
        "Müller & Söhne",
        body="Zeile 1\nZeile 2",
        categories=["Rot"],
        steg_link="steg-1",
        uid="abc@steg.example",
        required_attendees=[JONAS],
        reminder_is_set=False,
        sensitivity="Private",
    )
    item.save(send_meeting_invitations=SEND_TO_NONE)
    found = anna.calendar.get(steg_link="steg-1")
    assert (found.subject, found.uid, found.categories) == ("Müller & Söhne", "abc@steg.example", ["Rot"])
    assert (found.sensitivity, found.reminder_is_set) == ("Private", False)
    assert found.text_body.split() == ["Zeile", "1", "Zeile", "2"]
    found.subject = "neu"
    found.save(update_fields=["subject"], conflict_resolution=NEVER_OVERWRITE, send_meeting_invitations=SEND_TO_NONE)
    item.subject = "zu spät"
    with pytest.raises(ErrorIrresolvableConflict):
        item.save(update_fields=["subject"], conflict_resolution=NEVER_OVERWRITE)
    found.move_to_trash(send_meeting_cancellations=SEND_TO_NONE)
    with pytest.raises(ErrorItemNotFound):
        item.refresh()
    assert not sandbox.state.outbox
    assert contract.requests == []


def test_it_may_write_all_fields_back(account: Callable[..., Any], sandbox: EwsSandbox) -> None:
    anna = account()
    item = appointment(anna)
    item.save()
    item.refresh()
    item.subject = "neu"
    item.save()
    item.refresh()
    assert (item.subject, item.start) == ("neu", at(25, 10))


def test_whole_days_are_dates(account: Callable[..., Any]) -> None:
    anna = account()
    item = CalendarItem(
        account=anna,
        folder=anna.calendar,
        subject="Messe",
        start=EWSDate(2026, 11, 25),
        end=EWSDate(2026, 11, 26),
        is_all_day=True,
    )
    item.save()
    item.refresh()
    assert (item.start, item.end) == (EWSDate(2026, 11, 25), EWSDate(2026, 11, 26))


def test_a_series_with_its_exceptions(account: Callable[..., Any], contract: EwsContractCheck) -> None:
    anna = account()
    rule = Recurrence(
        pattern=WeeklyPattern(interval=1, weekdays=["Wednesday"]),
        boundary=NumberedPattern(start=EWSDate(2026, 11, 25), number=5),
    )
    master = appointment(anna, "Serie", recurrence=rule)
    master.save()
    second, third = master.occurrence(2), master.occurrence(3)
    for item in (second, third):
        item.refresh()
    assert (second.type, third.original_start) == ("Occurrence", EWSDateTime(2026, 12, 9, 9, tzinfo=EWSTimeZone("UTC")))
    second.start += timedelta(hours=1)
    second.end += timedelta(hours=1)
    second.save(update_fields=["start", "end"], conflict_resolution=NEVER_OVERWRITE)
    third.delete()
    master.refresh()
    assert master.type == "RecurringMaster"
    assert [item.original_start.date() for item in master.modified_occurrences] == [date(2026, 12, 2)]
    assert [item.start.date() for item in master.deleted_occurrences] == [date(2026, 12, 9)]
    assert master.last_occurrence.start == EWSDateTime(2026, 12, 23, 9, tzinfo=EWSTimeZone("UTC"))
    exception = anna.calendar.get(id=master.modified_occurrences[0].id, changekey=None)
    assert exception.type == "Exception"
    back = exception.recurring_master()
    back.refresh()
    assert back.id == master.id
    assert contract.requests == []


def test_it_synchronises_items_and_folders(account: Callable[..., Any], act: Callable[[str], Actor]) -> None:
    anna = account()
    folder = anna.calendar
    first = list(folder.sync_items(only_fields=["id", "changekey"]))
    assert {kind for kind, _ in first} == {"create"}
    state = folder.item_sync_state
    new = act(ANNA).create("neu", at(25, 12).replace(tzinfo=None))
    changes = list(folder.sync_items(sync_state=state, only_fields=["id", "changekey"]))
    assert [(kind, item.id) for kind, item in changes] == [("create", new)]
    with pytest.raises(ErrorInvalidSyncStateData):
        list(folder.sync_items(sync_state="H4sIquatsch", only_fields=["id", "changekey"]))
    names = {item.name for _, item in anna.root.tois.sync_hierarchy()}
    assert {"Kalender", PROJECT} <= names


def test_a_calendar_view_expands_series(account: Callable[..., Any]) -> None:
    anna = account()
    found = anna.calendar.view(start=at(16, 0), end=at(30, 0)).only("subject", "start", "type")
    kinds = {(item.subject, item.type) for item in found}
    assert ("Yoga", "Occurrence") in kinds
    assert ("Jour fixe Vertrieb (verschoben)", "Exception") in kinds


def test_a_shared_calendar_is_reached_by_its_owner_s_name(
    account: Callable[..., Any], act: Callable[[str], Actor]
) -> None:
    act(JONAS).create("nur bei Jonas", at(25, 9).replace(tzinfo=None))
    anna = account()
    shared = SingleFolderQuerySet(
        account=anna,
        folder=exchangelib.folders.Calendar(
            root=anna.root,
            _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=JONAS)),
        ),
    ).resolve()
    shared._distinguished_id = None
    subjects = {item.subject for item in shared.all().only("subject")}
    assert "nur bei Jonas" in subjects
    assert "Zahnarzt Dr. Ebert" not in subjects


def test_a_wrong_password_and_a_busy_server_have_names(account: Callable[..., Any], sandbox: EwsSandbox) -> None:
    wrong = exchangelib.Configuration(
        service_endpoint=sandbox.ews_url,
        credentials=exchangelib.Credentials(ANNA, PASSWORD + "x"),
        auth_type=exchangelib.BASIC,
        retry_policy=exchangelib.protocol.FailFast(),
    )
    anna = account()
    with pytest.raises(UnauthorizedError):
        exchangelib.Account(ANNA, config=wrong, autodiscover=False, access_type=exchangelib.DELEGATE).root.refresh()
    assert len([item for item in sandbox.sign_ins if not item.accepted]) == 1
    sandbox.faults.add("fault", operation="GetFolder", back_off=20_000)
    with pytest.raises(ErrorServerBusy) as caught:
        anna.root.refresh()
    assert caught.value.back_off == 20


def test_contacts_and_tasks_are_read(account: Callable[..., Any]) -> None:
    anna = account()
    people = {item.surname: item for item in anna.contacts.all() if isinstance(item, exchangelib.Contact)}
    petra = people["Kunde"]
    assert petra.email_addresses[0].email == "petra.kunde@example.com"
    assert petra.birthday == date(1984, 3, 29)
    tasks = {item.subject: item for item in anna.tasks.all()}
    assert tasks["Vertrag Ostsee prüfen"].is_complete
    assert tasks["Angebot Nordlicht schreiben"].percent_complete == 50
