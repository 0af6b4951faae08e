"""SyncFolderItems and SyncFolderHierarchy: nothing is left out, some things come twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.act import weekly
from marketplace_plugin.sandbox.ews.seed import ANNA, JONAS, PROJECT, SALES, many
from tests.sandbox.ews.conftest import CALENDAR, Answer, Ews, reference, set_field, timed

NINE = datetime(2026, 11, 25, 9)  # noqa: DTZ001  # a wall time


def hierarchy(ews: Ews, state: str | None = None, root: str | None = "msgfolderroot") -> Answer:
    given = "" if state is None else f"<m:SyncState>{state}</m:SyncState>"
    target = "" if root is None else f'<m:SyncFolderId><t:DistinguishedFolderId Id="{root}"/></m:SyncFolderId>'
    return ews(
        "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
        f"{target}{given}</m:SyncFolderHierarchy>"
    )


def test_a_first_round_has_all_items_and_no_occurrences(anna: Ews, act: Callable[[str], Actor]) -> None:
    found, state = anna.changes(anna.sync().one("//m:SyncState"))
    assert found == []
    first = anna.sync()
    assert len(first.all("//t:Create")) == len(act(ANNA).items())
    assert first.one("//m:IncludesLastItemInRange") == "true"
    assert state


def test_a_round_has_ids_and_no_details(anna: Ews) -> None:
    paths = "".join(
        f'<t:FieldURI FieldURI="{uri}"/>'
        for uri in ("item:Subject", "item:Body", "calendar:Recurrence", "calendar:RequiredAttendees", "calendar:Start")
    )
    reply = anna.sync(paths=paths)
    assert reply.all("//t:Body | //t:Recurrence | //t:RequiredAttendees") == []
    assert reply.all("//t:Subject")


def test_creations_changes_deletions_and_moves_are_told(anna: Ews, act: Callable[[str], Actor]) -> None:
    outlook = act(ANNA)
    kept, gone, moved = (outlook.create(name, NINE) for name in ("bleibt", "weg", "wandert"))
    state = anna.sync().one("//m:SyncState")
    new = outlook.create("neu", NINE)
    outlook.update(kept, Subject="anders")
    outlook.delete(gone)
    elsewhere = outlook.move(moved, PROJECT)
    found, state = anna.changes(state)
    assert found == [("Create", new), ("Update", kept), ("Delete", gone), ("Delete", moved)]
    project = f'<t:FolderId Id="{folder_id(anna, PROJECT)}"/>'
    assert ("Create", elsewhere) in anna.changes(anna_first(anna, project), project)[0] or elsewhere in anna.sync(
        folder=project
    ).all("//t:ItemId/@Id")
    assert anna.changes(state)[0] == []


def anna_first(ews: Ews, folder: str) -> str:
    return ews.sync(folder=folder).one("//m:SyncState")


def folder_id(ews: Ews, name: str) -> str:
    return hierarchy(ews).one(f"//t:CalendarFolder[t:DisplayName='{name}']/t:FolderId/@Id")


def test_an_item_that_went_and_came_back_is_another_one(anna: Ews, act: Callable[[str], Actor]) -> None:
    outlook = act(ANNA)
    old = outlook.create("Ausflug", NINE)
    state = anna.sync().one("//m:SyncState")
    new = outlook.move(outlook.move(old, PROJECT), "Kalender")
    assert anna.changes(state)[0] == [("Delete", old), ("Create", new)]


def test_what_came_and_went_between_two_rounds_is_not_told(anna: Ews, act: Callable[[str], Actor]) -> None:
    state = anna.sync().one("//m:SyncState")
    act(ANNA).delete(act(ANNA).create("kurz", NINE))
    assert anna.changes(state)[0] == []


def test_a_changed_occurrence_is_an_update_of_its_master(anna: Ews, act: Callable[[str], Actor]) -> None:
    outlook = act(ANNA)
    series = outlook.create("Serie", NINE, rule=weekly(NINE.date()))
    state = anna.sync().one("//m:SyncState")
    occurrence = outlook.occurrence(series, NINE.date().replace(month=12, day=2))
    outlook.update(occurrence, Subject="anders")
    found, state = anna.changes(state)
    assert found == [("Update", series)]
    outlook.delete(occurrence)
    assert anna.changes(state)[0] == [("Update", series)]


@pytest.mark.parametrize("most", [1, 3, 512])
def test_pages_bring_everything_once(most: int, anna: Ews, act: Callable[[str], Actor]) -> None:
    wanted = {found.id for found in act(ANNA).items()}
    seen, state, last = [], None, "false"
    while last == "false":
        reply = anna.sync(state, most=most)
        seen += [str(item) for item in reply.all("//t:Create//t:ItemId/@Id")]
        state, last = reply.one("//m:SyncState"), reply.one("//m:IncludesLastItemInRange")
    assert sorted(seen) == sorted(wanted)
    assert anna.changes(str(state))[0] == []


def test_what_changes_while_a_client_pages_is_not_lost(anna: Ews, act: Callable[[str], Actor]) -> None:
    outlook = act(ANNA)
    made = [outlook.create(f"Termin {number}", NINE) for number in range(4)]
    reply = anna.sync(most=2)
    outlook.update(made[0], Subject="anders")
    outlook.delete(made[3])
    new = outlook.create("neu", NINE)
    told: dict[str, list[str]] = {}
    state = reply.one("//m:SyncState")
    while True:
        reply = anna.sync(state, most=2)
        for kind in ("Create", "Update", "Delete"):
            for identity in reply.all(f"//t:{kind}//t:ItemId/@Id"):
                told.setdefault(str(identity), []).append(kind)
        following = reply.one("//m:SyncState")
        if reply.one("//m:IncludesLastItemInRange") == "true" and following == state:
            break
        state = following
    assert told[made[0]][-1] in ("Create", "Update")
    assert told[new] == ["Create"]
    assert told.get(made[3], ["Delete"])[-1] == "Delete"


def test_five_thousand_items_come_in_ten_pages(sandbox: EwsSandbox, anna: Ews) -> None:
    many(sandbox.state, ANNA, 5_000)
    sandbox.log.clear()
    total, state, last = 0, None, "false"
    while last == "false":
        reply = anna.sync(state)
        total += len(reply.all("//t:Create"))
        state, last = reply.one("//m:SyncState"), reply.one("//m:IncludesLastItemInRange")
    assert total >= 5_000
    assert len(sandbox.requests("SyncFolderItems")) == -(-total // 512)


@pytest.mark.parametrize("most, ok", [(0, False), (513, False), (512, True)])
def test_a_page_has_one_to_512_changes(most: int, ok: bool, anna: Ews) -> None:
    assert (anna.sync(most=most).codes == ["NoError"]) == ok


@pytest.mark.parametrize("state", ["quatsch", "H4sIquatsch", "H4sI"])
def test_an_invalid_sync_state_is_an_error(state: str, anna: Ews) -> None:
    assert anna.sync(state).codes == ["ErrorInvalidSyncStateData"]


def test_a_state_is_of_one_folder_and_one_operation_and_can_end(anna: Ews, sandbox: EwsSandbox) -> None:
    items, folders = anna.sync().one("//m:SyncState"), hierarchy(anna).one("//m:SyncState")
    assert anna.sync(folders).codes == ["ErrorInvalidSyncStateData"]
    assert hierarchy(anna, items).codes == ["ErrorInvalidSyncStateData"]
    assert anna.sync(items, folder='<t:DistinguishedFolderId Id="tasks"/>').codes == ["ErrorInvalidSyncStateData"]
    assert hierarchy(anna, folders, root=None).codes == ["ErrorInvalidSyncStateData"]
    sandbox.state.expire_sync_states(ANNA)
    assert anna.sync(items).codes == ["ErrorInvalidSyncStateData"]
    assert hierarchy(anna, folders).codes == ["ErrorInvalidSyncStateData"]


def test_a_folder_that_is_gone_has_an_error_of_its_own(
    anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    project = f'<t:FolderId Id="{folder_id(anna, PROJECT)}"/>'
    sandbox.state.remove_folder(act(ANNA).folder(PROJECT))
    assert anna.sync(folder=project).codes == ["ErrorSyncFolderNotFound"]


def test_ignored_items_are_left_out(anna: Ews, act: Callable[[str], Actor]) -> None:
    state = anna.sync().one("//m:SyncState")
    identity = act(ANNA).create("neu", NINE)
    reply = anna(
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
        f"<m:SyncFolderId>{CALENDAR}</m:SyncFolderId><m:SyncState>{state}</m:SyncState>"
        f'<m:Ignore><t:ItemId Id="{identity}"/></m:Ignore><m:MaxChangesReturned>10</m:MaxChangesReturned>'
        "</m:SyncFolderItems>"
    )
    assert reply.all("//t:Create") == []


def test_a_replaying_server_repeats_the_round_before(
    anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    sandbox.state.knobs.sync_replays = True
    state = anna.sync().one("//m:SyncState")
    first = act(ANNA).create("eins", NINE)
    _, state = anna.changes(state)
    second = act(ANNA).create("zwei", NINE)
    assert [identity for _, identity in anna.changes(state)[0]] == [first, second]


def test_own_writes_come_back_with_the_version_that_was_answered(anna: Ews) -> None:
    state = anna.sync().one("//m:SyncState")
    made = anna.create(timed())
    changed = anna.update(reference(made), set_field("item:Subject", "<t:Subject>neu</t:Subject>"))
    echo = anna.sync(state)
    assert echo.one("//t:Create//t:ItemId/@ChangeKey") == changed.one("//t:ItemId/@ChangeKey")


# --- folders ----------------------------------------------------------------------------------


def test_the_hierarchy_has_the_folders_below_and_their_changes(
    anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    reply = hierarchy(anna)
    names = [item.text for item in reply.all("//t:CalendarFolder/t:DisplayName")]
    assert names == ["Kalender", PROJECT]
    assert reply.one("//t:CalendarFolder[t:DisplayName='Kalender']/t:DistinguishedFolderId") == "calendar"
    assert reply.one(f"//t:CalendarFolder[t:DisplayName='{PROJECT}']/t:FolderClass") == "IPF.Appointment"
    state = reply.one("//m:SyncState")
    new = act(ANNA).add_folder("Neu")
    project = act(ANNA).folder(PROJECT)
    project.name = "Umbenannt"
    sandbox.state.touch_folder(project)
    reply = hierarchy(anna, state)
    assert reply.one("//t:Create//t:DisplayName") == "Neu"
    assert reply.one("//t:Update//t:DisplayName") == "Umbenannt"
    sandbox.state.remove_folder(new)
    reply = hierarchy(anna, reply.one("//m:SyncState"))
    assert len(reply.all("//t:Delete/t:FolderId")) == 1
    assert hierarchy(anna, reply.one("//m:SyncState")).all("//m:Changes/*") == []


def test_a_shared_mailbox_shows_what_is_shared(anna: Ews, sandbox: EwsSandbox, act: Callable[[str], Actor]) -> None:
    mailbox = f"<t:Mailbox><t:EmailAddress>{JONAS}</t:EmailAddress></t:Mailbox>"
    calendar = f'<t:DistinguishedFolderId Id="calendar">{mailbox}</t:DistinguishedFolderId>'

    def changes(state: str = "") -> Answer:
        return anna(
            "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
            f"<m:SyncFolderId>{calendar}</m:SyncFolderId>{state and f'<m:SyncState>{state}</m:SyncState>'}"
            "</m:SyncFolderHierarchy>"
        )

    first = changes()
    assert first.one("//t:DisplayName") == SALES
    more = act(JONAS).add_folder("Messe")
    sandbox.state.share(more, ANNA, "Reviewer")
    sandbox.state.share(act(JONAS).folder(SALES), ANNA, "Reviewer")
    second = changes(first.one("//m:SyncState"))
    assert second.one("//t:Create//t:DisplayName") == "Messe"
    assert second.one("//t:Update//t:DisplayName") == SALES
    sandbox.state.share(more, ANNA, None)
    assert len(changes(second.one("//m:SyncState")).all("//t:Delete")) == 1
