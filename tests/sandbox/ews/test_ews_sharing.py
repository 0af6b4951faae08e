"""Meetings with their mails, shared calendars, private items, searches and folders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.act import weekly
from marketplace_plugin.sandbox.ews.outlook import ids
from marketplace_plugin.sandbox.ews.seed import ANNA, CLOUD, IT, JONAS, OUTSIDE, PROJECT, SALES, many
from tests.sandbox.ews.conftest import CALENDAR, Answer, Ews, reference, set_field, timed

NINE = datetime(2026, 11, 25, 9)  # noqa: DTZ001  # a wall time
EVERYTHING = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))


def guests(*addresses: str) -> str:
    people = "".join(
        f"<t:Attendee><t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox></t:Attendee>"
        for address in addresses
    )
    return f"<t:RequiredAttendees>{people}</t:RequiredAttendees>"


def of(mailbox: str, name: str = "calendar") -> str:
    inner = f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>"
    return f'<t:DistinguishedFolderId Id="{name}">{inner}</t:DistinguishedFolderId>'


def get_folder(ews: Ews, folder: str) -> Answer:
    return ews(
        "<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
        f"<m:FolderIds>{folder}</m:FolderIds></m:GetFolder>"
    )


def find(ews: Ews, folder: str, *, view: str = "", restriction: str = "", order: str = "") -> Answer:
    subject = '<t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties>'
    return ews(
        f'<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{subject}</m:ItemShape>'
        f"{view}{restriction}{order}<m:ParentFolderIds>{folder}</m:ParentFolderIds></m:FindItem>"
    )


def kinds(sandbox: EwsSandbox) -> list[tuple[str, tuple[str, ...]]]:
    return [(mail.kind, mail.to) for mail in sandbox.state.outbox]


# --- meetings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["occurrence", "series", "time"])
def test_who_is_invited_to_one_occurrence_is_told_of_it(
    what: str, anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    master = act(ANNA).create("Reihe", NINE, rule=weekly(NINE.date()))
    second = NINE.date() + timedelta(days=7)
    one = act(ANNA).occurrence(master, second)
    act(ANNA).update(one, attendees=[OUTSIDE])
    assert kinds(sandbox) == [("invitation", (OUTSIDE,))]
    assert [anna.get(item).one("//t:IsMeeting") for item in (master, one)] == ["false", "true"]
    match what:
        case "occurrence":
            act(ANNA).delete(one)
        case "series":
            act(ANNA).delete(master)
        case _:
            act(ANNA).update(master, NINE + timedelta(hours=1))
    assert kinds(sandbox)[1:] == [("cancellation", (OUTSIDE,))]


@pytest.mark.parametrize("whole", [False, True])
def test_a_further_address_names_the_primary_one(anna: Ews, sandbox: EwsSandbox, whole: bool) -> None:
    sandbox.state.accounts[JONAS].aliases = ("j.weber@nordwerk.example",)
    sandbox.state.knobs.refused_whole = whole
    answer = get_folder(anna, of("j.weber@nordwerk.example"))
    assert answer.one("//*[local-name()='ResponseCode']") == "ErrorNonPrimarySmtpAddress"
    assert answer.one("//t:Value[@Name='Primary']") == JONAS


def test_silence_mails_nobody(anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]) -> None:
    made = anna.create(timed("still", after=guests(JONAS, OUTSIDE)))
    item = anna.get(made.one("//t:ItemId/@Id"))
    assert (item.one("//t:IsMeeting"), item.one("//t:MeetingRequestWasSent")) == ("true", "false")
    assert (item.one("//t:MyResponseType"), item.one("//t:AppointmentState")) == ("Organizer", "1")
    changed = anna.update(reference(made), set_field("item:Subject", "<t:Subject>leise</t:Subject>"))
    anna.delete(changed.one("//t:ItemId/@Id"))
    assert kinds(sandbox) == []
    assert all(found.item.fields["Subject"] not in ("still", "leise") for found in act(JONAS).items())


@pytest.mark.parametrize("mode", ["SendOnlyToAll", "SendToAllAndSaveCopy"])
def test_other_modes_mail_the_attendees_and_bring_copies(
    mode: str, anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    made = anna.create(timed("laut", after=guests(JONAS, OUTSIDE)), send=mode)
    assert kinds(sandbox) == [("invitation", (JONAS, OUTSIDE))]
    copy = act(JONAS).get(act(JONAS).named("laut"))
    assert (copy.found.item.calendar.response, copy.fields["LegacyFreeBusyStatus"]) == (
        "NoResponseReceived",
        "Tentative",
    )
    changed = anna.update(reference(made), set_field("item:Subject", "<t:Subject>lauter</t:Subject>"), send=mode)
    assert kinds(sandbox)[1:] == [("update", (JONAS, OUTSIDE))]
    anna.delete(changed.one("//t:ItemId/@Id"), send=mode)
    assert kinds(sandbox)[2:] == [("cancellation", (JONAS, OUTSIDE))]
    withdrawn = act(JONAS).get(act(JONAS).named("Canceled: lauter"))
    assert withdrawn.found.item.calendar.cancelled


def test_only_those_who_came_or_went_are_told_if_asked_so(anna: Ews, sandbox: EwsSandbox) -> None:
    made = anna.create(timed(after=guests(JONAS)), send="SendToAllAndSaveCopy")
    sandbox.state.outbox.clear()
    change = set_field("calendar:RequiredAttendees", guests(OUTSIDE))
    anna.update(reference(made), change, send="SendToChangedAndSaveCopy")
    assert kinds(sandbox) == [("cancellation", (JONAS,)), ("invitation", (OUTSIDE,))]


def test_an_attendee_answers_and_the_organizer_sees_it(
    anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    outlook = act(JONAS)
    outlook.create("Einladung", NINE, attendees=[ANNA])
    mine = act(ANNA).named("Einladung")
    item = anna.get(mine)
    assert (item.one("//t:MyResponseType"), item.one("//t:AppointmentState")) == ("NoResponseReceived", "3")
    assert item.one("//t:Organizer//t:EmailAddress") == JONAS
    act(ANNA).respond(mine, "Accept")
    assert kinds(sandbox)[-1] == ("response", (JONAS,))
    assert anna.get(mine).one("//t:MyResponseType") == "Accept"
    assert outlook.find(outlook.named("Einladung")).item.calendar.attendees[0].response == "Accept"


def test_an_attendee_who_deletes_with_mail_declines_and_silently_does_not(
    anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    for name in ("eins", "zwei"):
        act(JONAS).create(name, NINE, attendees=[ANNA])
    sandbox.state.outbox.clear()
    anna.delete(act(ANNA).named("eins"), send="SendToNone")
    assert kinds(sandbox) == []
    anna.delete(act(ANNA).named("zwei"), send="SendToAllAndSaveCopy")
    assert kinds(sandbox) == [("response", (JONAS,))]


def test_a_cancelled_occurrence_is_mailed_only_if_asked(
    anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    series = act(ANNA).create("Serie", NINE, rule=weekly(NINE.date()), attendees=[OUTSIDE])
    sandbox.state.outbox.clear()
    for index, mode in ((1, "SendToNone"), (2, "SendToAllAndSaveCopy")):
        anna.delete(f'<t:OccurrenceItemId RecurringMasterId="{series}" InstanceIndex="{index}"/>', send=mode)
    assert kinds(sandbox) == [("cancellation", (OUTSIDE,))]


def answer(ews: Ews, name: str, item: str, disposition: str) -> Answer:
    reference = f'<t:ReferenceItemId Id="{item}"/>'
    return ews(
        f'<m:CreateItem MessageDisposition="{disposition}"><m:Items><t:{name}>{reference}</t:{name}></m:Items>'
        "</m:CreateItem>"
    )


@pytest.mark.parametrize(
    "name, response", [("AcceptItem", "Accept"), ("TentativelyAcceptItem", "Tentative"), ("DeclineItem", "Decline")]
)
def test_an_answer_is_silent_or_mailed(
    name: str, response: str, anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    for disposition, mails in (("SaveOnly", 0), ("SendAndSaveCopy", 1)):
        act(JONAS).create(disposition, NINE, attendees=[ANNA])
        sandbox.state.outbox.clear()
        reply = answer(anna, name, act(ANNA).named(disposition), disposition)
        assert len(sandbox.state.outbox) == mails
        assert anna.get(reply.one("//t:ItemId/@Id")).one("//t:MyResponseType") == response
    own = act(ANNA).create("eigener", NINE, attendees=[JONAS])
    assert answer(anna, name, own, "SaveOnly").codes == [f"ErrorCalendarIsOrganizerFor{response}"]


def test_a_deleted_meeting_is_not_sent(anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]) -> None:
    act(ANNA).delete(act(ANNA).create("weg", NINE, attendees=[OUTSIDE]))
    (gone,) = sandbox.state.distinguished(ANNA, "deleteditems").items.values()
    seen = anna.get(ids.item_id(ANNA, gone.key), base="IdOnly")
    change = set_field("item:Subject", "<t:Subject>a</t:Subject>")
    refused = anna.update(reference(seen), change, send="SendToAllAndSaveCopy")
    assert refused.codes == ["ErrorCalendarCannotUpdateDeletedItem"]
    assert anna.update(reference(seen), change).codes == ["NoError"]


# --- sharing ----------------------------------------------------------------------------------


def test_a_well_known_name_without_a_mailbox_is_the_own_folder(anna: Ews) -> None:
    own, other = get_folder(anna, CALENDAR), get_folder(anna, of(JONAS))
    assert own.one("//t:FolderId/@Id") != other.one("//t:FolderId/@Id")
    assert other.one("//t:EffectiveRights/t:Modify") == "false"
    assert own.one("//t:EffectiveRights/t:Modify") == "true"
    assert own.one("//t:EffectiveRights/t:ViewPrivateItems") == "true"


@pytest.mark.parametrize(
    "folder, code",
    [
        (of("niemand@nordwerk.example"), "ErrorNonExistentMailbox"),
        (of(CLOUD), "ErrorFolderNotFound"),
        (of(JONAS, "contacts"), "ErrorFolderNotFound"),
        ('<t:FolderId Id="AAMk"/>', "ErrorInvalidIdMalformed"),
    ],
)
def test_folders_that_cannot_be_reached(folder: str, code: str, anna: Ews) -> None:
    assert get_folder(anna, folder).codes == [code]


def test_a_reader_reads_and_does_not_write(anna: Ews, act: Callable[[str], Actor]) -> None:
    identity = act(JONAS).create("lesbar", NINE)
    seen = anna.get(identity)
    assert seen.one("//t:CalendarItem/t:Subject") == "lesbar"
    change = set_field("item:Subject", "<t:Subject>a</t:Subject>")
    assert anna.update(reference(anna.get(identity, base="IdOnly")), change).codes == ["ErrorAccessDenied"]
    assert anna.delete(identity).codes == ["ErrorAccessDenied"]
    assert anna.create(timed(), folder=of(JONAS)).codes == ["ErrorCreateItemAccessDenied"]


def test_an_editor_writes_into_the_owner_s_calendar(anna: Ews, act: Callable[[str], Actor]) -> None:
    below = anna(
        '<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
        f"<m:ParentFolderIds>{of(JONAS)}</m:ParentFolderIds></m:FindFolder>"
    )
    sales = f'<t:FolderId Id="{below.one("//t:FolderId/@Id")}"/>'
    made = anna.create(timed("von Anna"), folder=sales)
    item = anna.get(made.one("//t:ItemId/@Id"))
    assert item.one("//t:Organizer//t:EmailAddress") == JONAS
    assert item.one("//t:LastModifiedName") == "Anna Brandt"
    assert act(JONAS).named("von Anna", SALES)


@pytest.mark.parametrize("call", ["find", "sync", "get"])
def test_free_busy_alone_is_no_right_to_read(call: str, anna: Ews, act: Callable[[str], Actor]) -> None:
    identity = act(IT).create("geheim", NINE)
    assert get_folder(anna, of(IT)).one("//t:SharingEffectiveRights") == "TimeOnly"
    reply = {
        "find": lambda: find(anna, of(IT)),
        "sync": lambda: anna.sync(folder=of(IT)),
        "get": lambda: anna.get(identity),
    }[call]()
    assert reply.codes == ["ErrorAccessDenied"]


def test_private_items_of_others_are_masked(anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]) -> None:
    identity = act(JONAS).create("Arzttermin", NINE, Sensitivity="Private", Location="Kiel", Body="streng geheim")
    item = anna.get(identity)
    assert item.one("//t:CalendarItem/t:Subject") == "Privater Termin"
    assert item.one("//t:Sensitivity") == "Private"
    assert item.all("//t:CalendarItem/t:Location | //t:Body") == []
    assert b"geheim" not in sandbox.log[-1].reply
    assert "Arzttermin" not in [cell.text for cell in find(anna, of(JONAS)).all("//t:Subject")]
    sandbox.state.share(sandbox.state.distinguished(JONAS, "calendar"), ANNA, "Editor", private=True)
    assert anna.get(identity).one("//t:CalendarItem/t:Subject") == "Arzttermin"


def test_a_server_may_leave_hiding_to_the_client(anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]) -> None:
    sandbox.state.knobs.private_enforced = False
    identity = act(JONAS).create("Arzttermin", NINE, Sensitivity="Private")
    item = anna.get(identity)
    assert (item.one("//t:CalendarItem/t:Subject"), item.one("//t:ViewPrivateItems")) == ("Arzttermin", "false")


def availability(ews: Ews, address: str, until: str = "2026-11-26T00:00:00") -> Answer:
    switch = "<t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder>"
    return ews(
        "<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>-60</t:Bias>"
        f"<t:StandardTime>{switch}<t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
        f"<t:DaylightTime>{switch}<t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
        f"<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email>"
        "<t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions>"
        f"<t:TimeWindow><t:StartTime>2026-11-25T00:00:00</t:StartTime><t:EndTime>{until}</t:EndTime></t:TimeWindow>"
        "<t:RequestedView>FreeBusy</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )


def test_busy_times_have_times_and_nothing_else(anna: Ews, act: Callable[[str], Actor]) -> None:
    act(IT).create("geheim", NINE)
    reply = availability(anna, IT)
    assert (reply.one("//t:StartTime"), reply.one("//t:BusyType")) == ("2026-11-25T09:00:00", "Busy")
    assert "geheim" not in "".join(reply.all("//text()"))
    assert availability(anna, "niemand@nordwerk.example").codes == ["ErrorMailRecipientNotFound"]
    assert availability(anna, CLOUD).codes == ["ErrorNoFreeBusyAccess"]
    assert availability(anna, IT, until="2027-02-01T00:00:00").codes == ["ErrorTimeIntervalTooBig"]


# --- searches and folders -----------------------------------------------------------------------


def indexed(offset: int, most: int) -> str:
    return f'<m:IndexedPageItemView MaxEntriesReturned="{most}" Offset="{offset}" BasePoint="Beginning"/>'


def test_searches_come_in_pages_of_a_thousand_or_250(anna: Ews, sandbox: EwsSandbox) -> None:
    many(sandbox.state, ANNA, 1_100)
    reply = find(anna, CALENDAR, view=indexed(0, 5_000))
    assert len(reply.all("//t:CalendarItem")) == 1_000
    assert reply.one("//m:RootFolder/@IncludesLastItemInRange") == "false"
    assert reply.one("//m:RootFolder/@IndexedPagingOffset") == "1000"
    rest = find(anna, CALENDAR, view=indexed(1_000, 1_000))
    assert rest.one("//m:RootFolder/@IncludesLastItemInRange") == "true"
    exists = '<m:Restriction><t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists></m:Restriction>'
    assert len(find(anna, CALENDAR, restriction=exists).all("//t:CalendarItem")) == 250
    sandbox.state.knobs.version = "Exchange2010_SP3"
    old = anna(
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>'
        f"<m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>",
        schema="Exchange2010_SP2",
    )
    assert old.codes == ["ErrorExceededFindCountLimit"]


def compare(how: str, uri: str, value: str) -> str:
    constant = f'<t:FieldURIOrConstant><t:Constant Value="{value}"/></t:FieldURIOrConstant>'
    return f'<t:{how}><t:FieldURI FieldURI="{uri}"/>{constant}</t:{how}>'


SUBJECT = '<t:FieldURI FieldURI="item:Subject"/>'
IN_HAMBURG = f'ContainmentMode="Substring" ContainmentComparison="IgnoreCase">{SUBJECT}<t:Constant Value="HAMBURG"/>'
LATE = compare("IsGreaterThan", "calendar:Start", "2026-11-29T00:00:00+01:00")
NAMED = [compare("IsEqualTo", "item:Subject", name) for name in ("Urlaub", "Yoga")]


@pytest.mark.parametrize(
    "expression, expected",
    [
        (f"<t:Contains {IN_HAMBURG}</t:Contains>", ["Fahrt nach Hamburg", "Messe Hamburg"]),
        (f"<t:Or>{''.join(NAMED)}</t:Or>", ["Urlaub", "Yoga"]),
        (f"<t:And>{LATE}<t:Not>{NAMED[1]}</t:Not></t:And>", ["Urlaub"]),
    ],
)
def test_restrictions(expression: str, expected: list[str], anna: Ews) -> None:
    order = (
        '<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder>'
        "</m:SortOrder>"
    )
    reply = find(anna, CALENDAR, restriction=f"<m:Restriction>{expression}</m:Restriction>", order=order)
    assert [item.text for item in reply.all("//t:Subject")] == expected


@pytest.mark.parametrize("uri", ["calendar:UID", "item:Body", "calendar:Recurrence"])
def test_some_properties_cannot_be_searched(uri: str, anna: Ews) -> None:
    test = f'<m:Restriction><t:Exists><t:FieldURI FieldURI="{uri}"/></t:Exists></m:Restriction>'
    assert find(anna, CALENDAR, restriction=test).codes == ["ErrorUnsupportedPathForQuery"]


def test_folders_are_found_deep_and_shallow(anna: Ews) -> None:
    for traversal, found in (("Deep", True), ("Shallow", False)):
        reply = anna(
            f'<m:FindFolder Traversal="{traversal}"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
            '<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>'
        )
        names = [item.text for item in reply.all("//t:DisplayName")]
        assert (PROJECT in names) == found
        assert {"Kalender", "Kontakte", "Aufgaben", "Gelöschte Elemente"} <= set(names)


def test_names_are_resolved_from_the_directory(anna: Ews) -> None:
    def resolve(entry: str) -> Answer:
        return anna(
            '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>'
            f"{entry}</m:UnresolvedEntry></m:ResolveNames>"
        )

    assert resolve("jonas").one("//t:Resolution//t:EmailAddress") == JONAS
    assert resolve("niemand").codes == ["ErrorNameResolutionNoResults"]


def test_the_server_s_zones_have_windows_names_and_rules(anna: Ews) -> None:
    asked = "<m:Ids><t:Id>W. Europe Standard Time</t:Id><t:Id>Europe/Berlin</t:Id></m:Ids>"
    whole = anna(f'<m:GetServerTimeZones ReturnFullTimeZoneData="true">{asked}</m:GetServerTimeZones>')
    assert whole.one("//t:TimeZoneDefinition/@Id") == "W. Europe Standard Time"
    assert [item.get("Bias") for item in whole.all("//t:Period")] == ["-PT1H", "-PT2H"]
    assert [item.text for item in whole.all("//t:RecurringDayTransition/t:Occurrence")] == ["-1", "-1"]
    brief = anna('<m:GetServerTimeZones ReturnFullTimeZoneData="false"/>')
    names = [item.get("Id") for item in brief.all("//t:TimeZoneDefinition")]
    assert len(names) > 100
    assert "UTC" in names


def test_a_view_of_an_actor_is_what_the_calendar_shows(act: Callable[[str], Actor]) -> None:
    subjects = {found.item.fields["Subject"] for found in act(ANNA).view(*EVERYTHING)}
    assert {"Zahnarzt Dr. Ebert", "Jour fixe Vertrieb", "Urlaub"} <= subjects
