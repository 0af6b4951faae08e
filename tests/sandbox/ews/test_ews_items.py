"""Calendar items: creating, reading, changing, deleting and moving them by raw requests."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.seed import ANNA, PROJECT, many
from tests.sandbox.ews.conftest import CALENDAR, OWN, ZONE, Ews, reference, set_field, timed
from tests.sandbox.ews.contract import EwsContractCheck


def test_an_item_comes_back_as_it_was_created(anna: Ews) -> None:
    inner = timed(
        "Müller &amp; Söhne",
        middle='<t:Sensitivity>Confidential</t:Sensitivity><t:Body BodyType="Text">Zeile 1\nZeile 2</t:Body>'
        "<t:Categories><t:String>Rot</t:String></t:Categories><t:Importance>High</t:Importance>"
        "<t:ReminderIsSet>false</t:ReminderIsSet>",
        after="<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Raum 2</t:Location>",
    )
    made = anna.create(inner)
    assert made.codes == ["NoError"]
    item = anna.get(made.one("//t:ItemId/@Id"), body="Text")
    assert item.one("//t:CalendarItem/t:Subject") == "Müller & Söhne"
    assert item.one("//t:Body") == "Zeile 1\r\nZeile 2\r\n"
    assert item.one("//t:Categories/t:String") == "Rot"
    assert (item.one("//t:Sensitivity"), item.one("//t:Importance")) == ("Confidential", "High")
    assert (item.one("//t:LegacyFreeBusyStatus"), item.one("//t:Location")) == ("OOF", "Raum 2")
    assert (item.one("//t:CalendarItem/t:Start"), item.one("//t:CalendarItem/t:End")) == (
        "2026-11-20T08:00:00Z",
        "2026-11-20T09:00:00Z",
    )
    assert item.one("//t:StartTimeZone/@Id") == ZONE
    assert item.one("//t:CalendarItemType") == "Single"
    assert item.one("//t:ReminderIsSet") == "false"
    assert item.one("//t:ItemId/@ChangeKey") == made.one("//t:ItemId/@ChangeKey")


def test_a_new_item_is_busy_with_a_reminder(anna: Ews) -> None:
    item = anna.get(anna.create(timed()).one("//t:ItemId/@Id"))
    assert item.one("//t:LegacyFreeBusyStatus") == "Busy"
    assert (item.one("//t:ReminderIsSet"), item.one("//t:ReminderMinutesBeforeStart")) == ("true", "15")


def test_html_is_rewritten_and_dangerous_parts_are_gone(anna: Ews) -> None:
    body = '<t:Body BodyType="HTML">&lt;p onclick="x()"&gt;Hallo&lt;/p&gt;&lt;script&gt;1&lt;/script&gt;</t:Body>'
    identity = anna.create(timed(middle=body)).one("//t:ItemId/@Id")
    html = anna.get(identity).one("//t:Body")
    assert html.startswith("<html>\r\n<head>")
    assert "<p>Hallo</p>" in html
    assert "script" not in html
    assert anna.get(identity, body="Text").one("//t:Body") == "Hallo\r\n"


@pytest.mark.parametrize(
    "given, zone, expected",
    [
        ("2026-07-01T10:00:00Z", None, "2026-07-01T10:00:00Z"),
        ("2026-07-01T10:00:00+05:30", None, "2026-07-01T04:30:00Z"),
        ("2026-07-01T10:00:00.1230000", ZONE, "2026-07-01T10:00:00+02:00"),
        ("2026-01-01T10:00:00", ZONE, "2026-01-01T10:00:00+01:00"),
        ("2026-01-01T10:00:00", None, "2026-01-01T10:00:00Z"),
    ],
)
def test_a_time_without_an_offset_is_of_the_context_s_zone(
    given: str, zone: str | None, expected: str, anna: Ews
) -> None:
    made = anna.create(f"<t:Subject>Zeit</t:Subject><t:Start>{given}</t:Start>", zone=zone)
    assert anna.get(made.one("//t:ItemId/@Id"), zone=zone).one("//t:CalendarItem/t:Start") == expected


def test_an_end_without_an_offset_is_not_of_the_start_s_zone(anna: Ews) -> None:
    inner = timed().replace(f'<t:EndTimeZone Id="{ZONE}"/>', "")
    item = anna.get(anna.create(inner).one("//t:ItemId/@Id"))
    assert item.one("//t:CalendarItem/t:Start") == "2026-11-20T08:00:00Z"
    assert item.one("//t:CalendarItem/t:End") == "2026-11-20T10:00:00Z"


def zones(name: str) -> tuple[str, ...]:
    edges = (("Start", f'<t:StartTimeZone Id="{name}"/>'), ("End", f'<t:EndTimeZone Id="{name}"/>'))
    return tuple(set_field(f"calendar:{edge}TimeZone", element) for edge, element in edges)


EDGES = (
    set_field("calendar:Start", "<t:Start>2026-11-20T12:00:00Z</t:Start>"),
    set_field("calendar:End", "<t:End>2026-11-20T13:00:00Z</t:End>"),
)


@pytest.mark.parametrize(
    "changes, start",
    [
        (zones("Eastern Standard Time"), "2026-11-20T14:00:00Z"),
        ((*zones("Eastern Standard Time"), *EDGES), "2026-11-20T12:00:00Z"),
        ((*EDGES, *zones("Eastern Standard Time")), "2026-11-20T17:00:00Z"),
        (EDGES, "2026-11-20T12:00:00Z"),
    ],
)
def test_a_new_zone_keeps_the_wall_time_and_updates_are_made_in_order(
    changes: tuple[str, ...], start: str, anna: Ews
) -> None:
    made = anna.create(timed())
    assert anna.update(reference(made), *changes).codes == ["NoError"]
    assert anna.get(made.one("//t:ItemId/@Id")).one("//t:CalendarItem/t:Start") == start


@pytest.mark.parametrize("digits, tail", [(0, "00Z"), (3, "00.000Z"), (7, "00.0000000Z")])
def test_replies_may_have_fractions_of_a_second(digits: int, tail: str, anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.fractions = digits
    identity = anna.create(timed()).one("//t:ItemId/@Id")
    assert anna.get(identity).one("//t:CalendarItem/t:Start").endswith(tail)


def test_whole_days_reach_from_midnight_to_midnight_of_the_zone(anna: Ews) -> None:
    made = anna.create(
        "<t:Subject>Tag</t:Subject><t:Start>2026-07-01T09:30:00</t:Start><t:End>2026-07-02T10:00:00</t:End>"
        f'<t:IsAllDayEvent>true</t:IsAllDayEvent><t:StartTimeZone Id="{ZONE}"/><t:EndTimeZone Id="{ZONE}"/>'
    )
    item = anna.get(made.one("//t:ItemId/@Id"))
    assert item.one("//t:CalendarItem/t:Start") == "2026-06-30T22:00:00Z"
    assert item.one("//t:CalendarItem/t:End") == "2026-07-02T22:00:00Z"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Berlin", "Customized Time Zone", ""])
def test_only_windows_zones_are_known(zone: str, anna: Ews) -> None:
    assert anna.create(timed().replace(ZONE, zone)).codes == ["ErrorTimeZone"]


@pytest.mark.parametrize(
    "inner",
    [
        "<t:Subject>a</t:Subject><t:Start>20.11.2026</t:Start>",
        "<t:Subject>a</t:Subject><t:Start>2026-11-20T09:00</t:Start>",
        "<t:Subject>a</t:Subject><t:Start>2026-13-20T09:00:00</t:Start>",
        "<t:Location>a</t:Location><t:Subject>b</t:Subject>",
        "<t:Subject>a</t:Subject><t:Subject>b</t:Subject>",
        "<t:Summary>a</t:Summary>",
        "<t:Subject>a</t:Subject><t:IsAllDayEvent>yes</t:IsAllDayEvent>",
        "<t:Subject>a</t:Subject><t:Body>text</t:Body>",
        "<t:LegacyFreeBusyStatus>busy</t:LegacyFreeBusyStatus>",
    ],
)
def test_what_breaks_the_schema_is_refused_as_a_whole(inner: str, anna: Ews, contract: EwsContractCheck) -> None:
    reply = anna.create(inner)
    assert (reply.status, reply.codes) == (500, ["ErrorSchemaValidation"])
    assert contract.requests, "the published schema refuses it too"


@pytest.mark.parametrize(
    "inner, code",
    [
        (timed().replace("T10:00:00", "T08:00:00"), "ErrorCalendarEndDateIsEarlierThanStartDate"),
        (timed().replace("<t:End>2026", "<t:End>2036"), "ErrorCalendarDurationIsTooLong"),
        (timed(after="<t:IsCancelled>true</t:IsCancelled>"), "ErrorInvalidPropertySet"),
        (timed(middle=f"<t:ExtendedProperty><t:ExtendedFieldURI {OWN} PropertyId='3'/><t:Value>a</t:Value>"
               "</t:ExtendedProperty>"), "ErrorInvalidExtendedProperty"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused_for_the_item(inner: str, code: str, anna: Ews) -> None:
    reply = anna.create(inner)
    assert (reply.status, reply.codes) == (200, [code])


def test_a_uid_can_be_set_at_creation_only(anna: Ews) -> None:
    uid = "20261120-1@steg.example"
    made = anna.create(timed(after="").replace("<t:Start>", f"<t:UID>{uid}</t:UID><t:Start>", 1))
    assert anna.get(made.one("//t:ItemId/@Id")).one("//t:UID") == uid
    other = set_field("calendar:UID", "<t:UID>andere</t:UID>")
    assert anna.update(reference(made), other).codes == ["ErrorInvalidPropertySet"]
    generated = anna.get(anna.create(timed()).one("//t:ItemId/@Id")).one("//t:UID")
    assert generated.startswith("040000008200E00074C5B7101A82E008")


def test_equal_creations_make_two_items(anna: Ews) -> None:
    """There is no idempotent create: not even an equal UID keeps the second one out."""
    inner = timed().replace("<t:Start>", "<t:UID>einmal@steg.example</t:UID><t:Start>", 1)
    first, second = (anna.create(inner).one("//t:ItemId/@Id") for _ in range(2))
    assert first != second


def test_an_extended_property_is_kept_shown_on_request_and_found(anna: Ews) -> None:
    entry = f"<t:ExtendedProperty><t:ExtendedFieldURI {OWN}/><t:Value>steg-1</t:Value></t:ExtendedProperty>"
    identity = anna.create(timed(middle=entry)).one("//t:ItemId/@Id")
    path = f"<t:ExtendedFieldURI {OWN}/>"
    assert anna.get(identity, paths=path, base="IdOnly").one("//t:Value") == "steg-1"
    assert anna.get(identity).all("//t:ExtendedProperty") == []
    for value, count in (("steg-1", 1), ("Steg-1", 0)):
        found = anna(
            '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>'
            f"<m:Restriction><t:IsEqualTo>{path}<t:FieldURIOrConstant>"
            f'<t:Constant Value="{value}"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>'
            f"<m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>"
        )
        assert len(found.all("//t:CalendarItem")) == count


def test_the_clean_global_object_id_stands_for_the_uid(anna: Ews) -> None:
    path = '<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="35" PropertyType="Binary"/>'
    inner = timed().replace("<t:Start>", "<t:UID>fremd@example.com</t:UID><t:Start>", 1)
    item = anna.get(anna.create(inner).one("//t:ItemId/@Id"), paths=path, base="IdOnly")
    assert b"vCal-Uid\x01\x00\x00\x00fremd@example.com" in base64.b64decode(item.one("//t:Value"))


# --- versions ---------------------------------------------------------------------------------


def test_a_stale_change_key_is_refused_unless_overwriting_is_asked_for(anna: Ews) -> None:
    first = anna.create(timed())
    stale = reference(first)
    change = set_field("item:Subject", "<t:Subject>neu</t:Subject>")
    assert anna.update(stale, change).codes == ["NoError"]
    assert anna.update(stale, change).codes == ["ErrorIrresolvableConflict"]
    assert anna.update(stale, change, resolution="AutoResolve").codes == ["NoError"]
    assert anna.update(stale, change, resolution="AlwaysOverwrite").codes == ["NoError"]


@pytest.mark.parametrize("resolution", ["NeverOverwrite", "AutoResolve", "AlwaysOverwrite"])
def test_a_write_names_a_change_key(resolution: str, anna: Ews) -> None:
    made = anna.create(timed())
    bare = f'<t:ItemId Id="{made.one("//t:ItemId/@Id")}"/>'
    change = set_field("item:Subject", "<t:Subject>neu</t:Subject>")
    reply = anna.update(bare, change, resolution=resolution)
    assert reply.codes == ["ErrorChangeKeyRequiredForWriteOperations"]
    wrong = bare.replace("/>", ' ChangeKey="quatsch"/>')
    assert anna.update(wrong, change, resolution=resolution).codes == ["ErrorInvalidChangeKey"]


def test_a_late_change_of_the_server_makes_the_reply_s_change_key_stale(anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.late_bump = True
    made = anna.create(timed())
    assert anna.get(made.one("//t:ItemId/@Id")).one("//t:ItemId/@ChangeKey") != made.one("//t:ItemId/@ChangeKey")
    sandbox.state.knobs.late_bump = False
    sandbox.faults.add("bump", operation="GetItem")
    seen = anna.get(made.one("//t:ItemId/@Id"))
    change = set_field("item:Subject", "<t:Subject>neu</t:Subject>")
    assert anna.update(reference(seen), change).codes == ["ErrorIrresolvableConflict"]


def test_changes_are_made_together_or_not_at_all(anna: Ews) -> None:
    made = anna.create(timed("alt"))
    reply = anna.update(
        reference(made),
        set_field("item:Subject", "<t:Subject>neu</t:Subject>"),
        set_field("calendar:End", "<t:End>2026-11-20T01:00:00Z</t:End>"),
    )
    assert reply.codes == ["ErrorCalendarEndDateIsEarlierThanStartDate"]
    assert anna.get(made.one("//t:ItemId/@Id")).one("//t:CalendarItem/t:Subject") == "alt"


@pytest.mark.parametrize(
    "change, code",
    [
        (set_field("calendar:IsCancelled", "<t:IsCancelled>true</t:IsCancelled>"), "ErrorInvalidPropertySet"),
        (set_field("item:Subject", "<t:Location>a</t:Location>"), "ErrorUpdatePropertyMismatch"),
        (set_field("item:Subject", "<t:Subject>a</t:Subject><t:Location>b</t:Location>"),
         "ErrorIncorrectUpdatePropertyCount"),
        ('<t:DeleteItemField><t:FieldURI FieldURI="calendar:Start"/></t:DeleteItemField>',
         "ErrorInvalidPropertyDelete"),
        (set_field("contacts:GivenName", "<t:Subject>a</t:Subject>"), "ErrorInvalidPropertyRequest"),
        (set_field("item:Subject", "<t:Subject>a</t:Subject>").replace("SetItem", "AppendToItem"),
         "ErrorInvalidPropertyAppend"),
    ],
)  # fmt: skip
def test_updates_that_are_refused(change: str, code: str, anna: Ews) -> None:
    assert anna.update(reference(anna.create(timed())), change).codes == [code]


def test_fields_are_set_appended_to_and_deleted(anna: Ews) -> None:
    made = anna.create(timed(middle='<t:Body BodyType="Text">eins</t:Body>', after="<t:Location>Raum 2</t:Location>"))
    append = (
        '<t:AppendToItemField><t:FieldURI FieldURI="item:Body"/><t:CalendarItem>'
        '<t:Body BodyType="Text">zwei</t:Body></t:CalendarItem></t:AppendToItemField>'
    )
    remove = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField>'
    entry = f"<t:ExtendedProperty><t:ExtendedFieldURI {OWN}/><t:Value>x</t:Value></t:ExtendedProperty>"
    own = f"<t:SetItemField><t:ExtendedFieldURI {OWN}/><t:CalendarItem>{entry}</t:CalendarItem></t:SetItemField>"
    changed = anna.update(reference(made), append, remove, own)
    item = anna.get(changed.one("//t:ItemId/@Id"), paths=f"<t:ExtendedFieldURI {OWN}/>", body="Text")
    assert item.one("//t:Body").split() == ["eins", "zwei"]
    assert item.all("//t:CalendarItem/t:Location") == []
    assert item.one("//t:ExtendedProperty/t:Value") == "x"


def test_an_end_stays_where_it_is_when_only_the_start_moves(anna: Ews) -> None:
    made = anna.create(timed())
    later = set_field("calendar:Start", "<t:Start>2026-11-20T08:30:00Z</t:Start>")
    item = anna.get(anna.update(reference(made), later).one("//t:ItemId/@Id"))
    assert item.one("//t:CalendarItem/t:End") == "2026-11-20T09:00:00Z"


@pytest.mark.parametrize(
    "attribute", ["SendMeetingInvitations", "SendMeetingInvitationsOrCancellations", "SendMeetingCancellations"]
)
def test_whether_to_mail_has_to_be_said_for_calendar_items(attribute: str, anna: Ews) -> None:
    made = anna.create(timed())
    ids = f"<m:ItemIds>{reference(made)}</m:ItemIds>"
    change = set_field("item:Subject", "<t:Subject>a</t:Subject>")
    silent = {
        "SendMeetingInvitations": f"<m:CreateItem><m:Items><t:CalendarItem>{timed()}</t:CalendarItem></m:Items>"
        "</m:CreateItem>",
        "SendMeetingInvitationsOrCancellations": '<m:UpdateItem ConflictResolution="AutoResolve"><m:ItemChanges>'
        f"<t:ItemChange>{reference(made)}<t:Updates>{change}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
        "SendMeetingCancellations": f'<m:DeleteItem DeleteType="HardDelete">{ids}</m:DeleteItem>',
    }[attribute]
    assert anna(silent).codes == [f"Error{attribute}Required"]


# --- ids --------------------------------------------------------------------------------------


def test_ids_can_differ_in_the_case_of_one_letter_alone(anna: Ews, sandbox: EwsSandbox) -> None:
    many(sandbox.state, ANNA, 64)
    twins: dict[str, list[str]] = {}
    for identity in anna.sync().all("//t:Create//t:ItemId/@Id"):
        twins.setdefault(str(identity).casefold(), []).append(str(identity))
    pairs = [pair for pair in twins.values() if len(pair) == 2]
    assert pairs
    subjects = [anna.get(identity).one("//t:CalendarItem/t:Subject") for identity in pairs[0]]
    assert len(set(subjects)) == 2


@pytest.mark.parametrize(
    "identity, code",
    [
        ("", "ErrorInvalidIdEmpty"),
        ("AAMk", "ErrorInvalidIdMalformed"),
        ("AAMkAGI1" + "?" * 24 + "AAA=", "ErrorInvalidIdMalformed"),
    ],
)
def test_malformed_ids(identity: str, code: str, anna: Ews) -> None:
    assert anna.get(identity).codes == [code]


def test_a_folder_s_id_is_no_item_s(anna: Ews, sandbox: EwsSandbox) -> None:
    folder = anna(
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
        f"<m:FolderIds>{CALENDAR}</m:FolderIds></m:GetFolder>"
    )
    assert anna.get(folder.one("//t:FolderId/@Id")).codes == ["ErrorCannotUseFolderIdForItemId"]


def test_one_bad_id_does_not_spoil_the_batch(anna: Ews) -> None:
    made = anna.create(timed()).one("//t:ItemId/@Id")
    gone = anna.create(timed()).one("//t:ItemId/@Id")
    anna.delete(gone, how="HardDelete")
    assert anna.get(gone, made, gone).codes == ["ErrorItemNotFound", "NoError", "ErrorItemNotFound"]


# --- deleting and moving ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how, place",
    [("MoveToDeletedItems", "deleteditems"), ("SoftDelete", "recoverableitemsdeletions"), ("HardDelete", None)],
)
def test_deleted_items_go_where_they_are_sent(how: str, place: str | None, anna: Ews, sandbox: EwsSandbox) -> None:
    identity = anna.create(timed("weg")).one("//t:ItemId/@Id")
    assert anna.delete(identity, how=how).codes == ["NoError"]
    assert anna.get(identity).codes == ["ErrorItemNotFound"]
    where = [item.folder for item in sandbox.state.items_of(ANNA) if item.fields.get("Subject") == "weg"]
    assert [sandbox.state.folders[key].distinguished for key in where] == ([] if place is None else [place])


def test_a_moved_item_has_another_id(anna: Ews, act: Callable[[str], Actor]) -> None:
    folder = act(ANNA).folder(PROJECT)
    identity = anna.create(timed("wandert")).one("//t:ItemId/@Id")
    target = anna(
        '<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>'
    ).one(f"//t:CalendarFolder[t:DisplayName='{PROJECT}']/t:FolderId/@Id")
    moved = anna(
        f'<m:MoveItem><m:ToFolderId><t:FolderId Id="{target}"/></m:ToFolderId>'
        f'<m:ItemIds><t:ItemId Id="{identity}"/></m:ItemIds></m:MoveItem>'
    )
    new = moved.one("//t:ItemId/@Id")
    assert new != identity
    assert anna.get(identity).codes == ["ErrorItemNotFound"]
    assert anna.get(new).one("//t:CalendarItem/t:Subject") == "wandert"
    assert any(item.fields["Subject"] == "wandert" for item in folder.items.values())


def test_a_copy_has_the_uid_and_the_extended_properties_of_the_original(anna: Ews, act: Callable[[str], Actor]) -> None:
    entry = f"<t:ExtendedProperty><t:ExtendedFieldURI {OWN}/><t:Value>steg-1</t:Value></t:ExtendedProperty>"
    identity = anna.create(timed(middle=entry)).one("//t:ItemId/@Id")
    twin = act(ANNA).copy(identity)
    seen = [anna.get(item, paths=f"<t:ExtendedFieldURI {OWN}/>") for item in (identity, twin)]
    assert seen[0].one("//t:UID") == seen[1].one("//t:UID")
    assert seen[1].one("//t:Value") == "steg-1"
    assert identity != twin


def test_an_item_belongs_into_a_folder_of_its_kind(anna: Ews) -> None:
    reply = anna.create(timed(), folder='<t:DistinguishedFolderId Id="contacts"/>')
    assert reply.codes == ["ErrorCannotCreateCalendarItemInNonCalendarFolder"]
    assert anna.create(timed(), folder='<t:FolderId Id="AAMk"/>').codes == ["ErrorInvalidIdMalformed"]


def test_an_actor_edits_by_the_same_rules(act: Callable[[str], Actor], anna: Ews) -> None:
    outlook = act(ANNA)
    identity = outlook.create("Von Hand", datetime(2026, 11, 25, 10), Location="Kiel")  # noqa: DTZ001  # a wall time
    seen = anna.get(identity)
    assert seen.one("//t:CalendarItem/t:Start") == "2026-11-25T09:00:00Z"
    outlook.update(identity, datetime(2026, 11, 26, 10))  # noqa: DTZ001  # a wall time
    assert anna.get(identity).one("//t:CalendarItem/t:End") == "2026-11-26T10:00:00Z"
    assert outlook.find(identity).item.calendar.end == datetime(2026, 11, 26, 10, tzinfo=UTC)


def test_all_requests_of_this_client_keep_the_published_schema(anna: Ews, contract: EwsContractCheck) -> None:
    made = anna.create(timed())
    anna.update(reference(made), set_field("item:Subject", "<t:Subject>a</t:Subject>"))
    anna.get(made.one("//t:ItemId/@Id"))
    anna.sync()
    anna.delete(made.one("//t:ItemId/@Id"))
    assert contract.requests == []
