"""The decision tables, cell by cell. A row: what happened in the host; the columns: what happened at the service."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from marketplace_plugin.model.change import Access, Found, Gone, HostGone, HostItem, Revision
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Response, ShowAs, Status
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.sync.link import Link, LinkKind, LinkState, Wrote
from marketplace_plugin.sync.merge.three_way import Policy
from marketplace_plugin.sync.plan.decide import decide, eligible
from marketplace_plugin.sync.plan.flows import Place, flows_of, outgoing
from marketplace_plugin.sync.plan.step import Case, Step
from marketplace_plugin.sync.plan.tables import (
    BLOCK,
    COLUMNS,
    CONVERTED_ATTENDEE,
    CONVERTED_FULL,
    EXPORT_INVITATION,
    EXPORT_ORGANISED,
    EXPORT_PARTICIPANT,
    MIRROR,
    PAIRED,
    Action,
    Did,
)
from marketplace_plugin.sync.reason import Reason
from tests.sync.made import ALL, BASE, LATE, PLACE, found, host, link

HOST = {
    "same": None,
    "touched": host(replace(BASE, show_as=ShowAs.FREE)),
    "edited": host(replace(BASE, title="here")),
    "deleted": HostGone("h"),
    "withdrawn": HostGone("h", withdrawn=True),
}
REMOTE = {
    "same": None,
    "touched": found(replace(BASE, show_as=ShowAs.TENTATIVE)),
    "edited": found(replace(BASE, location="there")),
    "deleted": Gone("r"),
}

ORGANISED = """
            same           touched        edited           deleted
same        nothing        merge          merge            delete-host
touched     merge          merge          merge            delete-host
edited      merge          merge          merge            recreate-remote
deleted     delete-remote  delete-remote  recreate-host    unlink
withdrawn   delete-remote  delete-remote  delete-remote    unlink
"""
PARTICIPANT = """
            same           touched        edited           deleted
same        nothing        merge          nothing          decline
touched     merge          merge          merge            decline
edited      merge          merge          merge            decline
deleted     delete-remote  delete-remote  delete-remote    unlink
withdrawn   delete-remote  delete-remote  delete-remote    unlink
"""
INVITATION = """
            same           touched        edited           deleted
same        nothing        merge          nothing          decline
touched     merge          merge          merge            decline
edited      nothing        merge          nothing          decline
deleted     to-block       to-block       to-block         unlink
withdrawn   to-block       to-block       to-block         unlink
"""
CONVERTED = """
            same           touched        edited           deleted
same        nothing        merge          merge            delete-host
touched     merge          merge          merge            delete-host
edited      merge          merge          merge            recreate-remote
deleted     delete-remote  delete-remote  recreate-host    unlink
withdrawn   to-block       to-block       to-block         unlink
"""
TAKES_PART = """
            same           touched        edited           deleted
same        nothing        merge          merge            delete-host
touched     merge          merge          merge            delete-host
edited      nothing        merge          merge            delete-host
deleted     to-block       to-block       to-block         unlink
withdrawn   to-block       to-block       to-block         unlink
"""
MIRRORED = """
            same           touched        edited           deleted
same        nothing        nothing        nothing          decline
touched     merge          merge          merge            decline
edited      merge          merge          merge            decline
deleted     delete-remote  delete-remote  delete-remote    unlink
withdrawn   delete-remote  delete-remote  delete-remote    unlink
"""
PAIR = """
            same           edited           deleted
same        nothing        merge            delete-host
edited      merge          merge            recreate-remote
deleted     delete-remote  recreate-host    unlink
withdrawn   detach         detach           unlink
"""
LEFT = """
            same           touched        edited           deleted
deleted     delete-remote  delete-remote  detach           unlink
"""
LINKS: dict[str, tuple[Link, str]] = {
    "organised": (link(), ORGANISED),
    "participant": (link(organised=False), PARTICIPANT),
    "invitation": (link(organised=False, access=Access.ATTENDEE), INVITATION),
    "converted": (link(LinkKind.CONVERTED), CONVERTED),
    "takes part": (link(LinkKind.CONVERTED, access=Access.ATTENDEE), TAKES_PART),
    "mirror": (link(LinkKind.MIRROR), MIRRORED),
    "left copy": (replace(link(), host_ref=None), LEFT),
}


def _cells(text: str) -> list[tuple[str, str, str]]:
    """(what happened here, what happened there, the action) of a table as it is written above."""
    head, *rows = (line.split() for line in text.strip().splitlines())
    return [(here, there, cell) for here, *wanted in rows for there, cell in zip(head, wanted, strict=True)]


@pytest.mark.parametrize(
    "name,here,there,wanted", [(name, *cell) for name, (_, text) in LINKS.items() for cell in _cells(text)]
)
def test_the_tables(name: str, here: str, there: str, wanted: str) -> None:
    subject = LINKS[name][0]
    step = _decided(subject, *_as_its_own(subject, HOST[here], REMOTE[there]))
    assert step.action.value == wanted


def _as_its_own(
    subject: Link, here: HostItem | HostGone | None, there: Found | Gone | None
) -> tuple[HostItem | HostGone | None, Found | Gone | None]:
    """Both sides say of whose it is what they said before."""
    if isinstance(here, HostItem):
        here = replace(here, organised=subject.organised)
    return here, replace(there, access=subject.access) if isinstance(there, Found) else there


ADA = Contact(given_name="Ada")
PERSONS = {"edited here": replace(ADA, company="King"), "edited there": replace(ADA, family_name="Lovelace")}


@pytest.mark.parametrize("here,there,wanted", _cells(PAIR))
def test_the_table_of_a_pair(here: str, there: str, wanted: str) -> None:
    """A contact has nothing that is only touched: all that it holds is content."""
    subject = replace(link(LinkKind.PAIR), host_kind=Kind.CONTACT, base=ADA, remote_base=ADA)
    at_host = HostItem("h", 2, PERSONS["edited here"], changed=LATE) if here == "edited" else HOST[here]
    at_service = Found("r", Revision("2"), PERSONS["edited there"]) if there == "edited" else REMOTE[there]
    place = Place(Capabilities(fields=CONTACT_FIELDS))
    assert _decided(subject, at_host, at_service, place).action.value == wanted


def _decided(
    subject: Link,
    here: HostItem | HostGone | None = None,
    there: Found | Gone | None = None,
    place: Place = PLACE,
    policy: Policy = Policy.NEWEST,
) -> Step:
    return decide(Case(subject, here, there), place, policy)


def test_what_becomes_a_block_is_let_go_where_no_blocks_are_shown() -> None:
    target_alone = replace(PLACE, shows=False)
    invitation = link(organised=False, access=Access.ATTENDEE)
    assert _decided(invitation, HostGone("h", withdrawn=True), None, target_alone).action is Action.DETACH


def test_each_table_is_complete() -> None:
    events = (EXPORT_ORGANISED, EXPORT_PARTICIPANT, EXPORT_INVITATION, CONVERTED_FULL, CONVERTED_ATTENDEE)
    for table in (*events, MIRROR, PAIRED):
        assert set(table) == set(Did)
        assert all(len(row) == len(COLUMNS) for row in table.values())
    assert all(decision.action in _BLOCK_ACTIONS for row in BLOCK.values() for decision in row)


_BLOCK_ACTIONS = {Action.NOTHING, Action.PUT_BLOCK, Action.DROP_BLOCK}


def test_a_block_never_writes_anywhere() -> None:
    for there in REMOTE.values():
        step = _decided(link(LinkKind.BLOCK), None, there)
        assert not step.pushes
        assert not step.applies


@pytest.mark.parametrize("name", LINKS)
def test_what_we_deleted_here_comes_back_when_it_was_restored_there(name: str) -> None:
    subject = LINKS[name][0]
    wanted = {"same": Action.PARK, "deleted": Action.UNLINK}
    for there, shown in REMOTE.items():
        step = decide(Case(subject, HostGone("h", op="ours"), shown, ours=True), PLACE, Policy.NEWEST)
        assert step.action is wanted.get(there, Action.RECREATE_HOST)
        assert not step.pushes


def test_what_an_undo_deleted_here_before_it_died_stays_declined() -> None:
    subject = link(state=LinkState.DECLINED, reason=Reason.UNDONE)
    step = decide(Case(subject, HostGone("h", op="ours"), None, ours=True), PLACE, Policy.NEWEST)
    assert (step.action, step.link.host_ref, step.link.rests) == (Action.NOTHING, None, True)
    assert decide(Case(subject, HostGone("h")), PLACE, Policy.NEWEST).action is Action.UNLINK


def test_a_cancelled_meeting_is_a_status_and_no_deletion() -> None:
    step = _decided(link(LinkKind.CONVERTED), None, found(replace(BASE, status=Status.CANCELLED)))
    assert step.action is Action.MERGE
    assert step.merged is not None
    assert step.merged.to_host == {"status"}


def test_an_answer_or_reminder_does_not_beat_a_deletion() -> None:
    assert _decided(link(), HOST["touched"], Gone("r")).action is Action.DELETE_HOST
    assert _decided(link(), HOST["edited"], Gone("r")).action is Action.RECREATE_REMOTE


def test_what_the_user_does_not_organise_is_never_made_again() -> None:
    for subject in (link(organised=False), link(organised=False, access=Access.ATTENDEE)):
        here, there = _as_its_own(subject, HOST["edited"], Gone("r"))
        assert _decided(subject, here, there).action is Action.DECLINE


def test_a_deletion_that_would_be_announced_is_held() -> None:
    guests = replace(BASE, attendees=(Attendee("eve@elsewhere.example"),))
    subject = link(LinkKind.CONVERTED, remote_base=guests, base=guests)
    step = _decided(subject, HostGone("h"))
    assert (step.action, step.reason) == (Action.PARK, Reason.WOULD_MAIL)


def test_guests_who_were_added_there_since_hold_the_deletion_too() -> None:
    invited = found(replace(BASE, attendees=(Attendee("eve@elsewhere.example"),)))
    step = _decided(link(), HostGone("h"), invited)
    assert (step.action, step.reason) == (Action.PARK, Reason.WOULD_MAIL)


def test_a_service_that_cannot_be_silent_is_not_written_where_others_take_part() -> None:
    guests = replace(BASE, attendees=(Attendee("eve@elsewhere.example"),))
    loud = Place(replace(ALL, silent=False))
    step = _decided(link(LinkKind.CONVERTED, remote_base=guests), HOST["edited"], None, loud)
    assert (step.action, step.reason) == (Action.PARK, Reason.WOULD_MAIL)


def test_a_guests_own_part_is_written_there_all_the_same() -> None:
    invited = replace(BASE, attendees=(Attendee("eve@elsewhere.example"),), response=Response.NEEDS_ACTION)
    subject = link(LinkKind.EXPORT, access=Access.ATTENDEE, organised=False, base=invited, remote_base=invited)
    answered = host(replace(invited, response=Response.ACCEPTED), organised=False)
    loud = Place(replace(ALL, silent=False))
    step = _decided(subject, answered, None, loud)
    assert step.action is Action.MERGE
    assert step.merged is not None
    assert step.merged.to_remote == {"response"}


def test_a_dropped_role_makes_a_link_read_only() -> None:
    read_only = Place(ALL, writable=False)
    both = _decided(link(), HOST["edited"], REMOTE["edited"], read_only)
    assert both.merged is not None
    assert both.merged.to_host == {"location"}
    assert not both.pushes
    assert both.then is Reason.ROLE_DROPPED
    assert _decided(link(), HostGone("h"), None, read_only).action is Action.DETACH


def test_three_automatic_writes_park_the_link() -> None:
    reaction = found(replace(BASE, title="the server's own idea"))
    subject = link(wrote=Wrote.REMOTE, automatic=3)
    step = _decided(subject, None, reaction)
    assert (step.action, step.reason) == (Action.PARK, Reason.LOOP)


def test_a_users_edit_starts_the_count_again() -> None:
    subject = link(wrote=Wrote.REMOTE, automatic=3)
    assert _decided(subject, HOST["edited"]).automatic == 1
    assert _decided(replace(subject, wrote=Wrote.HOST), None, REMOTE["edited"]).automatic == 1


def test_detached_and_declined_links_rest() -> None:
    for state in (LinkState.DETACHED, LinkState.DECLINED):
        resting = link(state=state, reason=Reason.DELETED_REMOTE)
        assert _decided(resting, HOST["edited"], REMOTE["edited"]).action is Action.NOTHING
        assert _decided(resting, HostGone("h")).action is Action.UNLINK


def test_masked_fields_are_neither_merged_nor_pushed() -> None:
    masked = found(replace(BASE, title=UNKNOWN, location=UNKNOWN, show_as=ShowAs.FREE))
    step = _decided(link(LinkKind.CONVERTED), HOST["edited"], masked)
    assert step.merged is not None
    assert step.merged.to_host == {"show_as"}
    assert step.merged.to_remote == frozenset()


@pytest.mark.parametrize("kind", [LinkKind.EXPORT, LinkKind.CONVERTED, LinkKind.MIRROR])
@pytest.mark.parametrize("access", list(Access))
def test_attendees_never_flow(kind: LinkKind, access: Access) -> None:
    flows = flows_of(link(kind, access=access), PLACE)
    assert not {"attendees", "organizer", "conference", "status"} & flows.outward
    assert not {"attendees", "organizer"} & flows.inward


def test_a_copy_carries_no_attendees_and_no_answer() -> None:
    item = replace(BASE, attendees=(Attendee("eve@elsewhere.example"),), response=Response.ACCEPTED)
    sent = outgoing(item, PLACE, link())
    assert isinstance(sent, Event)
    assert (sent.attendees, sent.response, sent.title) == ((), None, "base")


@pytest.mark.parametrize(
    "item,ends,wanted",
    [
        (host(), LATE + timedelta(days=1), Reason.NEW_HOST),
        (host(), None, Reason.NEW_HOST),
        (host(), LATE, Reason.BEFORE_CONNECTED),
        (host(replace(BASE, status=Status.CANCELLED)), None, Reason.CANCELLED_HOST),
        (host(replace(BASE, response=Response.DECLINED), organised=False), None, Reason.DECLINED),
        (host(replace(BASE, response=Response.ACCEPTED), organised=False), None, Reason.NEW_HOST),
    ],
)
def test_what_is_exported(item: HostItem, ends: object, wanted: Reason) -> None:
    assert eligible(item, ends, LATE) is wanted  # type: ignore[arg-type]


def test_both_sides_are_written_in_one_step() -> None:
    day = AllDay(date(2026, 3, 12), date(2026, 3, 13))
    step = _decided(link(), host(replace(BASE, when=day)), REMOTE["edited"])
    assert step.merged is not None
    assert step.merged.to_remote == {"when"}
    assert step.merged.to_host == {"location"}
    assert step.clashes == ()


def test_an_echo_changes_nothing() -> None:
    rewritten = found(replace(BASE, title="base  \r\n"), revision="99")
    step = _decided(link(), None, rewritten)
    assert step.action is Action.NOTHING
    assert not step.pushes
    assert not step.applies
    assert Revision("99") == rewritten.revision
