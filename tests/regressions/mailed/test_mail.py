"""Nobody is mailed: not by a first sync, not by a second user, not by an exception, a mirror or its deletion."""

from __future__ import annotations

from dataclasses import replace

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.preview import current_plan
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.model.change import Access
from marketplace_plugin.model.event import Attendee, Event, Response, Series
from marketplace_plugin.store import held
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, event, moved, occurrence, series
from tests.regressions.seeing import here, master, only, person, titles

EVE = Attendee("eve@elsewhere.example", "Eve")


def test_a_first_sync_shows_a_plan_and_mails_nobody(world: World) -> None:
    """The first sync of an account invited everybody to everything that stood in the calendar already."""
    account = world.account()
    world.host.create("ada", event("meeting", attendees=(EVE,)), guests=["bob"])
    world.host.create("ada", event("long ago", day=1))  # over before the connection was made
    ada = world.connect("ada", account, approved=False)
    assert world.sync(ada).outcome is RunOutcome.WAITS
    assert account.writes == []
    plan = current_plan(world.engine, ada)
    assert plan is not None
    assert (plan.counts["remote.create"], plan.mails) == (1, 0)
    world.start(ada, "ada")
    assert titles(account) == ["meeting"]
    assert account.outbox == []
    assert world.host.mails == []


def test_a_second_user_who_connects_sends_nothing_again(world: World) -> None:
    """Each further user who connected sent all invitations once more, for meetings that others organise."""
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    accounts = {user: world.account() for user in ("ada", "bob")}
    ada = world.connect("ada", accounts["ada"])
    world.settle(ada)
    before = list(accounts["ada"].writes)
    bob = world.connect("bob", accounts["bob"])
    world.settle(ada, bob)
    assert accounts["ada"].writes == before
    assert titles(accounts["bob"]) == ["meeting"]
    assert list(world.host.all_of("bob")) == [ref]
    assert all(account.outbox == [] for account in accounts.values())
    assert world.host.mails == []


def test_exceptions_of_a_series_mail_nobody(world: World) -> None:
    """Each changed occurrence that came in sent a mail of its own to all participants."""
    account = world.account()
    meeting = series("weekly")
    account.user.create(SOURCE, replace(meeting, master=replace(meeting.master, attendees=(EVE,))))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.blocks(ada)
    convert(world.engine, person(world), block.link)
    world.settle(ada)
    remote = only(account, SOURCE)
    for number in range(1, 4):
        account.user.change_occurrence(SOURCE, remote.id, occurrence(number), moved(occurrence(number), f"{number}"))
    account.user.change_occurrence(SOURCE, remote.id, occurrence(4), None)
    world.settle(ada)
    (mine,) = world.host.all_of("ada").values()
    assert isinstance(mine.item, Series)
    assert len(mine.item.overrides) == 4
    assert account.outbox == []
    assert world.host.mails == []


def test_a_copy_names_no_participants(world: World) -> None:
    """Mirrored entries carried the real participants, who then were invited by a stranger's calendar."""
    account = world.account()
    ref = world.host.create("ada", event("meeting"), guests=["bob", "cem"])
    weekly = world.host.create("ada", series("weekly"), guests=["bob"])
    changed = replace(moved(occurrence(1), "other"), attendees=(EVE,))
    world.host.change_occurrence("ada", weekly, occurrence(1), changed)
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.edit("ada", ref, title="renamed")
    world.host.invite("ada", ref, ["bob"])
    world.settle(ada)
    for found in account.items(TARGET).values():
        assert master(found.item).attendees == ()
        if isinstance(found.item, Series):
            assert all(o.event is None or o.event.attendees == () for o in found.item.overrides)
    assert titles(account) == ["renamed", "weekly"]
    assert account.outbox == []


def test_deleting_a_mirrored_meeting_cancels_nothing(world: World) -> None:
    """To remove a mirror sent cancellations to everybody who stood in it."""
    account = world.account()
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.delete("ada", ref)
    world.settle(ada)
    assert titles(account) == []
    assert account.outbox == []
    assert world.host.mails == []


def test_a_deletion_that_others_would_hear_of_waits_for_its_owner(world: World) -> None:
    """A meeting with real guests was deleted here, and the service wrote a cancellation to each of them."""
    account = world.account()
    account.user.create(SOURCE, event("meeting", attendees=(EVE,)))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.blocks(ada)
    ref = convert(world.engine, person(world), block.link)
    world.settle(ada)
    world.host.delete("ada", ref)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert titles(account, SOURCE) == ["meeting"]
    assert here(world) == []
    with world.store.read() as c:
        assert [one.reason for one in held.of_connection(c, ada)] == [Reason.WOULD_MAIL]
    assert account.outbox == []


def test_an_invitation_is_not_answered_for_anybody(world: World) -> None:
    """Answers were reset, or invitations accepted, by writing back the list of participants."""
    account = world.account()
    invitation = event(
        "their meeting",
        organizer=EVE,
        attendees=(EVE, Attendee("ada@acme.example", "Ada")),
        response=Response.NEEDS_ACTION,
    )
    account.user.create(SOURCE, invitation, access=Access.ATTENDEE)
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.blocks(ada)
    ref = convert(world.engine, person(world), block.link)
    world.settle(ada)
    world.host.edit("ada", ref, reminder=5)
    world.settle(ada)
    there = only(account, SOURCE).item
    assert isinstance(there, Event)
    assert (there.response, there.attendees) == (invitation.response, invitation.attendees)
    assert [k.kind for k in world.links(ada)] == [LinkKind.CONVERTED]
    assert account.outbox == []
