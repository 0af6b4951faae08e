"""Reading from Exchange: folders, what a list does not tell, and how many requests it takes."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from marketplace_plugin.errors import CollectionGone, ContractViolation, CursorExpired, PermissionDenied, Unavailable
from marketplace_plugin.model.change import Found, Gone, Stamp, Tombstone, Unreadable, UnreadableReason, Upsert
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.event import UNKNOWN, Event, Override, Series, ShowAs
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import Create
from marketplace_plugin.providers.ews import folders
from marketplace_plugin.providers.ews.changes import PAGE
from marketplace_plugin.providers.ews.folders import TIMES, Place
from marketplace_plugin.providers.ews.read import BATCH
from marketplace_plugin.sandbox.ews.seed import many
from tests.providers.ews.world import ANNA, BOSS, JONAS, NAMELESS, EwsServing, World
from tests.providers.serving import WINDOW as SERVED
from tests.providers.serving import at, daily, equal, fetch, made, meeting, pull, push, whole_days
from tests.providers.world import WINDOW


def listed(world: World) -> dict[str, CollectionInfo]:
    infos = [info for info in world.open().collections() if info.kind is Kind.EVENT]
    return {info.title + (f" ({info.shared_by})" if info.shared_by else ""): info for info in infos}


# ---- calendars ----------------------------------------------------------------------------------------------------


def test_calendars_at_any_depth_and_none_from_the_bin(world: World) -> None:
    anna = world.user()
    anna.add_folder("Projekt")
    anna.add_folder("Unterprojekt", below="Projekt")
    anna.add_folder("Weg", below="Gelöschte Elemente")
    anna.add_folder("Ganz weg", below="Weg")
    infos = listed(world)
    assert infos.keys() == {"Kalender", "Projekt", "Unterprojekt"}
    assert [info.title for info in infos.values() if info.primary] == ["Kalender"]
    assert {info.role for info in infos.values()} == {Role.OWNER}


@pytest.mark.parametrize(
    "level, private, role",
    [
        ("Editor", True, Role.WRITER),
        ("Editor", False, Role.MASKED_WRITER),
        ("Author", False, Role.READER),
        ("Reviewer", False, Role.READER),
        ("FreeBusyTimeAndSubjectAndLocation", False, Role.FREE_BUSY),
        ("FreeBusyTimeOnly", False, Role.FREE_BUSY),
    ],
)
def test_roles_of_shared_calendars(world: World, level: str, private: bool, role: Role) -> None:
    state = world.sandbox.state
    state.share(state.distinguished(JONAS, "calendar"), ANNA, level, private=private)
    info = listed(world)[f"Kalender ({JONAS})"]
    assert info.role is role
    assert info.can_be_target is (role is Role.WRITER)
    if role is not Role.FREE_BUSY:
        assert world.open().reads(info.id) is role


def test_a_shared_calendar_is_never_the_own_one(world: World) -> None:
    """exchangelib asks by the distinguished id without its mailbox, and gets the account's own calendar."""
    serving, state = EwsServing(world), world.sandbox.state
    state.share(state.distinguished(JONAS, "calendar"), ANNA, "Editor", private=True)
    start, end = at(23, 9).wall, at(23, 10).wall
    world.user(ANNA).create("Annas", start, end)
    world.user(JONAS).create("Jonas'", start, end)
    infos = listed(world)
    serving.calendar = infos[f"Kalender ({JONAS})"].id
    assert serving.calendar != infos["Kalender"].id
    (found,) = pull(serving).found().values()
    assert isinstance(found.item, Event)
    assert found.item.title == "Jonas'"
    made(serving, meeting("von uns", 24))
    assert [f.item.fields["Subject"] for f in world.user(JONAS).items()] == ["Jonas'", "von uns"]
    assert [f.item.fields["Subject"] for f in world.user(ANNA).items()] == ["Annas"]
    bodies = [row.body for row in world.requests() if row.operation not in ("GetFolder", "FindFolder")]
    assert bodies
    assert not any(b"DistinguishedFolderId" in body for body in bodies)


def test_who_shared_nothing_and_who_does_not_exist(world: World) -> None:
    provider = world.open(shared=f"{JONAS} nobody@nordwerk.example")
    assert {info.shared_by for info in provider.collections()} == {""}


def test_folders_come_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        world.user().add_folder(f"Kalender {number}")
    monkeypatch.setattr(folders, "PAGE", 2)
    infos = listed(world)
    assert len(infos) == 6
    assert world.counts()["FindFolder"] > 3


def test_a_share_that_ends(world: World, serving: EwsServing) -> None:
    state = world.sandbox.state
    state.share(state.distinguished(JONAS, "calendar"), ANNA, None)
    with pytest.raises(CollectionGone):
        pull(serving, calendar=serving.read_only)
    state.share(state.distinguished(JONAS, "calendar"), ANNA, "FreeBusyTimeOnly")
    with pytest.raises(PermissionDenied):
        pull(serving, calendar=serving.read_only)


# ---- free and busy times ------------------------------------------------------------------------------------------


def test_busy_times_and_nothing_else(world: World, serving: EwsServing) -> None:
    boss = world.user(BOSS)
    boss.create("GEHEIM", at(23, 9).wall, at(23, 10).wall, Location="GEHEIM")
    boss.create("GEHEIM", at(23, 9).wall, at(23, 10).wall, LegacyFreeBusyStatus="OOF")
    boss.create("GEHEIM", at(23, 11).wall, at(23, 12).wall, LegacyFreeBusyStatus="Free")
    assert Place.of(serving.free_busy).folder == TIMES
    told = pull(serving, calendar=serving.free_busy)
    assert told.snapshot
    assert "GEHEIM" not in repr(told)
    items = [found.item for found in told.found().values()]
    assert all(isinstance(item, Event) and item.when == Timed(at(23, 9), at(23, 10)) for item in items)
    assert {item.show_as for item in items if isinstance(item, Event)} == {ShowAs.BUSY, ShowAs.OUT_OF_OFFICE}
    assert all(isinstance(item, Event) and item.title is UNKNOWN for item in items)


def test_busy_times_change_as_a_whole_or_not_at_all(world: World, serving: EwsServing) -> None:
    boss = world.user(BOSS)
    created = boss.create("x", at(23, 9).wall, at(23, 10).wall)
    first = pull(serving, calendar=serving.free_busy)
    again = pull(serving, first.cursor, calendar=serving.free_busy)
    assert not again.snapshot
    assert again.last == {}
    (before,) = first.found()
    boss.update(created, at(23, 14).wall, at(23, 15).wall)
    second = pull(serving, first.cursor, calendar=serving.free_busy)
    assert second.snapshot
    (after,) = second.found()
    answers = {type(a): a.id for a in serving.open().fetch(serving.free_busy, [before, after, "nonsense"])}
    assert answers[Found] == after
    assert before != after
    assert serving.open().find(serving.free_busy, [made(serving, meeting()).stamp or pytest.fail("no stamp")]) == {}


def test_a_year_of_busy_times_takes_several_requests(world: World, serving: EwsServing) -> None:
    world.user(BOSS).create("x", at(23, 9).wall, at(23, 10).wall)
    provider = serving.open()
    world.forget()
    (page,) = provider.pull(serving.free_busy, None, WINDOW)
    assert len(page.changes) == 1
    days = (WINDOW.end - WINDOW.start) / timedelta(days=1)
    assert world.counts() == {"GetUserAvailabilityRequest": math.ceil(days / 42)}


# ---- rounds -------------------------------------------------------------------------------------------------------


def test_five_thousand_items_and_no_change(world: World, serving: EwsServing) -> None:
    """The figures of the issue: pages of 512 ids, batches of items, and one request where nothing changed."""
    many(world.sandbox.state, ANNA, 5_000)
    provider = serving.open()
    window = replace(WINDOW, end=WINDOW.end + timedelta(days=3650))
    world.forget()
    pages = list(provider.pull(serving.calendar, None, window))
    counts = world.counts()
    assert sum(len(page.changes) for page in pages) == 5_000
    assert counts["SyncFolderItems"] == math.ceil(5_000 / PAGE) == len(pages)
    assert counts["GetItem"] <= math.ceil(5_000 / BATCH) + len(pages)
    assert counts.keys() <= {"SyncFolderItems", "GetItem", "GetFolder"}
    assert counts.get("GetFolder", 0) <= 1
    world.forget()
    (page,) = world.open().pull(serving.calendar, pages[-1].cursor, window)
    assert page.changes == ()
    assert world.counts() == {"SyncFolderItems": 1}


def test_a_list_is_asked_for_ids_alone(world: World, serving: EwsServing) -> None:
    serving.create(serving.calendar, meeting("GEHEIM"))
    world.forget()
    pull(serving)
    for row in world.requests("SyncFolderItems"):
        assert b"AdditionalProperties" not in row.body
        assert b"GEHEIM" not in row.reply


def test_what_lies_outside_of_the_window_is_left_out_of_a_snapshot_only(world: World, serving: EwsServing) -> None:
    far = Timed(at(1, 9, year=2029), at(1, 10, year=2029))
    created = serving.create(serving.calendar, replace(meeting("fern"), when=far))
    past = replace(meeting("alt"), when=Timed(at(1, 9, month=1), at(1, 10, month=1)))
    ended = serving.create(serving.calendar, Series(past, RecurrenceRule.parse("FREQ=DAILY;COUNT=2")))
    first = pull(serving)
    assert first.found() == {}
    serving.edit(serving.calendar, created, title="immer noch fern")
    serving.edit(serving.calendar, ended, title="immer noch alt")
    assert pull(serving, first.cursor).found().keys() == {created, ended}


def test_a_sync_state_that_ended_is_told_at_the_first_page_only(world: World, serving: EwsServing) -> None:
    world.sandbox.state.knobs.page_limit = 2
    for number in range(5):
        serving.create(serving.calendar, meeting(f"Termin {number}", 10 + number))
    cursor = pull(serving).cursor
    for number in range(5):
        serving.create(serving.calendar, meeting(f"neu {number}", 20 + number))
    pages = serving.open().pull(serving.calendar, cursor, SERVED)
    next(pages)
    serving.expire_cursors(serving.calendar)
    with pytest.raises(Unavailable):
        next(pages)
    with pytest.raises(CursorExpired):
        next(iter(serving.open().pull(serving.calendar, cursor, SERVED)))


def test_other_things_in_a_calendar_are_no_events(world: World, serving: EwsServing) -> None:
    provider = serving.open()
    provider.collections()
    message = (
        b"<m:SyncState>H4sIother</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes>"
        b'<t:Create><t:Message><t:ItemId Id="AAA=" ChangeKey="C="/></t:Message></t:Create>'
        b'<t:ReadFlagChange><t:ItemId Id="AAB=" ChangeKey="C="/><t:IsRead>true</t:IsRead></t:ReadFlagChange>'
        b'<t:Delete><t:ItemId Id="AAC=" ChangeKey="C="/></t:Delete></m:Changes>'
    )
    _answer(provider, message)
    (page,) = provider.pull(serving.calendar, None, WINDOW)
    assert page.changes == (Tombstone("AAC="),)


def test_a_page_that_leads_nowhere_is_no_page(world: World, serving: EwsServing) -> None:
    provider = serving.open()
    for state in (b"", b"<m:SyncState/>"):
        _answer(provider, state + b"<m:IncludesLastItemInRange>false</m:IncludesLastItemInRange><m:Changes/>")
        with pytest.raises(ContractViolation):
            list(provider.pull(serving.calendar, None, WINDOW))


def _answer(provider: Any, inside: bytes) -> None:
    """The next answers are these, whatever is asked."""
    from marketplace_plugin.providers.ews.soap import xml

    message = xml.parse(
        b'<m:X xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
        b'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" ResponseClass="Success">'
        b"<m:ResponseCode>NoError</m:ResponseCode>" + inside + b"</m:X>"
    )
    provider._reader.client.call = lambda payload: [message]


# ---- items --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [0, 3, 7])
def test_times_with_fractions_of_a_second(world: World, serving: EwsServing, digits: int) -> None:
    world.sandbox.state.knobs.fractions = digits
    series = daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15)), Override(at(25, 9), None))
    created = serving.create(serving.calendar, series)
    days = serving.create(serving.calendar, whole_days())
    assert equal(serving, fetch(serving, created).item, series)
    assert equal(serving, fetch(serving, days).item, whole_days())


def test_series_without_exceptions_take_one_request_and_with_them_two(world: World, serving: EwsServing) -> None:
    plain = serving.create(serving.calendar, daily())
    changed = serving.create(serving.calendar, daily("x", Override(at(24, 9), meeting("verlegt", 24, 15))))
    provider = serving.open()
    provider.collections()
    for item_id, expected in ((plain, 1), (changed, 2)):
        world.forget()
        provider.fetch(serving.calendar, [item_id])
        assert world.counts() == {"GetItem": expected}


def test_a_zone_without_a_name_is_a_reason(world: World, serving: EwsServing) -> None:
    start, end = at(23, 9).wall, at(23, 10).wall
    anna = world.user()
    single = anna.create("einzeln", start, end, zone=NAMELESS, custom_zone=True)
    days = anna.create("ganztägig", start.date(), zone=NAMELESS, custom_zone=True)
    told = {change.id: change for change in serving.open().fetch(serving.calendar, [single, days])}
    assert isinstance(told[single], Found)
    assert told[days] == Unreadable(days, UnreadableReason.UNKNOWN_ZONE)


def test_what_was_thrown_away_is_gone(world: World, serving: EwsServing) -> None:
    created = serving.create(serving.calendar, meeting())
    binned = world.user().move(created, "Gelöschte Elemente")
    assert list(serving.open().fetch(serving.calendar, [created, binned])) == [Gone(created), Gone(binned)]


def test_one_item_that_is_spoilt_does_not_stop_the_others(world: World, serving: EwsServing) -> None:
    for number in range(3):
        serving.create(serving.calendar, meeting(f"Termin {number}", 20 + number))
    world.sandbox.faults.add("malformed_item", operation="GetItem")
    (page,) = serving.open().pull(serving.calendar, None, WINDOW)
    assert sorted(type(change).__name__ for change in page.changes) == ["Unreadable", "Upsert", "Upsert"]
    assert [c.reason for c in page.changes if isinstance(c, Unreadable)] == [UnreadableReason.MALFORMED]


def test_private_items_of_a_colleague(world: World, serving: EwsServing) -> None:
    jonas = world.user(JONAS)
    jonas.create("GEHEIM", at(23, 9).wall, at(23, 10).wall, Sensitivity="Private", Body="GEHEIM", Location="GEHEIM")
    for enforced in (True, False):  # some servers leave hiding to the client
        world.sandbox.state.knobs.private_enforced = enforced
        told = pull(serving, calendar=serving.read_only)
        assert len(told.last) == 1
        assert "GEHEIM" not in repr(told)
        (change,) = told.last.values()
        assert isinstance(change, Upsert)
        item = change.found.item
        assert isinstance(item, Event)
        assert item.title is UNKNOWN


def test_a_copy_of_a_stamp_in_another_case_is_none_of_ours(world: World, serving: EwsServing) -> None:
    made(serving, meeting(), "op-1", Stamp("instance-1", "Link-a"))
    wanted = [Stamp("instance-1", name) for name in ("link-a", "Link-a", "LINK-A")]
    assert list(serving.open().find(serving.calendar, wanted)) == [Stamp("instance-1", "Link-a")]


def test_many_stamps_are_looked_up_together(world: World, serving: EwsServing) -> None:
    stamps = [Stamp("instance-1", f"link-{number}") for number in range(25)]
    push(serving, *(Create(f"op-{n}", stamp, meeting(f"T {n}")) for n, stamp in enumerate(stamps)))
    provider = serving.open()
    provider.collections()
    world.forget()
    assert provider.find(serving.calendar, stamps).keys() == set(stamps)
    assert world.counts() == {"FindItem": 2, "GetItem": 1}
