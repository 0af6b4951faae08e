"""The switch "invitations through this calendar": whom its owner has asked here is asked to the copy too, and nobody
gets an event twice because of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace_plugin.engine.account.settings import save
from marketplace_plugin.engine.acts.preview import current_plan
from marketplace_plugin.engine.acts.waiting.held import parked
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.engine.views import SettingsForm
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import Access, Found
from marketplace_plugin.model.event import Attendee, Response
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import MemoryAccount
from marketplace_plugin.providers.memory.faults import Moment, Request
from marketplace_plugin.store import collections, connections, held
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import OTHER, SOURCE, TARGET, World, event, series
from tests.regressions.seeing import blocked, master, only, person, shown, titles


def switch(world: World, connection: str, on: bool, *, approved: bool = True) -> None:
    with world.store.read() as c:
        row = connections.get(c, connection)
        rows = collections.of_connection(c, connection)
    assert row is not None
    target = next((one.id for one in rows if one.is_target), None)
    sources = frozenset(one.id for one in rows if one.is_source)
    form = SettingsForm(target, sources, frozenset({Kind.EVENT}), invites=on)
    saved = save(world.engine, person(world, row.user), connection, form, row.settings_version)
    if approved:
        with world.store.begin() as unit:
            connections.approve(unit.connection, connection, saved.version)


def asked(found: Found) -> dict[str, Response]:
    guests = master(found.item).attendees
    assert isinstance(guests, tuple)
    return {guest.address: guest.response for guest in guests}


def invite(account: MemoryAccount, copy: Found, calendar: str = TARGET) -> str:
    """What the service does when the organiser's copy names this account."""
    item = replace(master(copy.item), organizer=Attendee("ada@google.example"), response=Response.NEEDS_ACTION)
    return account.user.create(calendar, item, uid=copy.uid, access=Access.ATTENDEE)


def offers(world: World) -> bool:
    return world.personality.capabilities.invites


def test_only_where_it_is_switched_on_and_the_service_can_be_silent(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("meeting"), guests=["bob"])
    ada = world.connect("ada", account)
    world.settle(ada)
    assert asked(only(account)) == {}
    switch(world, ada, True)
    world.host.create("ada", series("weekly"), guests=["bob", "cem"])
    world.sync(ada)
    assert parked(world.engine, person(world)) == [], "its guests follow by themselves"
    world.settle(ada)
    found = {master(one.item).title: one for one in account.items(TARGET).values()}
    wanted = {"bob@acme.example", "cem@acme.example"} if offers(world) else set()
    assert set(asked(found["weekly"])) == wanted
    assert account.outbox == []
    assert world.host.mails == []


def test_a_participant_asks_nobody(world: World) -> None:
    """Only who organises it here invites; the copies of the others name nobody."""
    world.host.create("ada", event("meeting"), guests=["bob", "cem"])
    account = world.account()
    bob = world.connect("bob", account)
    switch(world, bob, True)
    world.settle(bob)
    assert asked(only(account)) == {}


def test_switching_it_on_shows_a_plan_with_the_number_first(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("meeting"), guests=["bob"])
    world.host.create("ada", event("alone", day=11))
    ada = world.connect("ada", account)
    world.settle(ada)
    writes = list(account.writes)
    switch(world, ada, True, approved=False)
    assert world.sync(ada).outcome is RunOutcome.WAITS
    assert account.writes == writes
    plan = current_plan(world.engine, ada)
    assert plan is not None
    assert plan.guests == (1 if offers(world) else 0)
    assert plan.mails == 0
    world.start(ada, "ada")
    by_title = {master(one.item).title: set(asked(one)) for one in account.items(TARGET).values()}
    assert by_title == {"alone": set(), "meeting": {"bob@acme.example"} if offers(world) else set()}
    assert account.outbox == []


def test_who_comes_and_who_goes_follows_and_answers_there_stay(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    ada = world.connect("ada", account)
    switch(world, ada, True)
    world.settle(ada)
    if not offers(world):
        return
    copy = only(account)
    account.user.edit(TARGET, copy.id, attendees=(Attendee("bob@acme.example", "Bob", Response.ACCEPTED),))
    world.host.invite("ada", ref, ["bob", "cem"])
    world.settle(ada)
    assert asked(only(account)) == {
        "bob@acme.example": Response.ACCEPTED,
        "cem@acme.example": Response.NEEDS_ACTION,
    }
    world.host.invite("ada", ref, ["cem"])
    world.settle(ada)
    assert set(asked(only(account))) == {"cem@acme.example"}
    assert account.outbox == []


def test_switched_off_they_stay_and_a_deletion_is_an_act_of_its_own(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    ada = world.connect("ada", account)
    switch(world, ada, True)
    world.settle(ada)
    if not offers(world):
        return
    switch(world, ada, False)
    world.host.edit("ada", ref, title="renamed")
    world.host.invite("ada", ref, [])
    world.settle(ada)
    assert titles(account) == ["renamed"]
    assert set(asked(only(account))) == {"bob@acme.example"}
    world.host.delete("ada", ref)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert titles(account) == ["renamed"]
    with world.store.read() as c:
        assert [one.reason for one in held.of_connection(c, ada)] == [Reason.WOULD_MAIL]
    assert account.outbox == []


@pytest.mark.parametrize("place", [TARGET, SOURCE, OTHER], ids=["target", "source", "not synced"])
def test_an_invitation_that_arrives_takes_the_place_of_the_guests_copy(world: World, place: str) -> None:
    """Both of them sync: the guest had our copy of the meeting and the service's invitation to it beside each other."""
    accounts = {user: world.account() for user in ("ada", "bob")}
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    ada, bob = (world.connect(user, accounts[user]) for user in ("ada", "bob"))
    switch(world, ada, True)
    world.settle(ada, bob)
    assert titles(accounts["bob"]) == ["meeting"]
    mine = invite(accounts["bob"], only(accounts["ada"]), place)
    world.settle(ada, bob)
    assert blocked(world, bob) == []
    if place == OTHER:
        return  # nobody looks there
    assert [one.id for calendar in (TARGET, SOURCE) for one in accounts["bob"].items(calendar).values()] == [mine]
    (link,) = world.links(bob)
    assert (link.kind, link.access, link.organised, link.remote_id) == (LinkKind.EXPORT, Access.ATTENDEE, False, mine)
    world.host.respond("bob", ref, Response.ACCEPTED)
    world.settle(ada, bob)
    assert master(accounts["bob"].items(place)[mine].item).response is Response.ACCEPTED
    accounts["bob"].user.edit(place, mine, response=Response.TENTATIVE)
    world.settle(ada, bob)
    assert master(shown(world, ref, "bob")).response is Response.TENTATIVE
    assert all(account.outbox == [] for account in accounts.values())


@pytest.mark.parametrize("place", [TARGET, SOURCE], ids=["target", "source"])
def test_an_invitation_that_was_there_first_is_the_copy(world: World, place: str) -> None:
    """The guest connects when he has been asked already, at the service and here."""
    accounts = {user: world.account() for user in ("ada", "bob")}
    world.host.create("ada", event("meeting"), guests=["bob"])
    ada = world.connect("ada", accounts["ada"])
    world.settle(ada)
    mine = invite(accounts["bob"], only(accounts["ada"]), place)
    bob = world.connect("bob", accounts["bob"])
    world.settle(ada, bob)
    assert [one.id for calendar in (TARGET, SOURCE) for one in accounts["bob"].items(calendar).values()] == [mine]
    assert blocked(world, bob) == []
    (link,) = world.links(bob)
    assert (link.kind, link.access, link.state) == (LinkKind.EXPORT, Access.ATTENDEE, LinkState.LIVE)


def test_who_is_asked_at_the_service_alone_sees_a_block_and_no_more(world: World) -> None:
    """The organiser's copy has a guest who has no part in the event here: he is not let into it by that."""
    accounts = {user: world.account() for user in ("ada", "bob")}
    ref = world.host.create("ada", event("meeting"))
    ada, bob = (world.connect(user, accounts[user]) for user in ("ada", "bob"))
    world.settle(ada, bob)
    invite(accounts["bob"], only(accounts["ada"]), SOURCE)
    world.settle(ada, bob)
    assert blocked(world, bob) == ["meeting"]
    assert list(world.host.all_of("bob")) == []
    world.host.invite("ada", ref, ["bob"])
    world.settle(ada, bob)
    assert blocked(world, bob) == []
    assert titles(accounts["bob"]) == []
    assert [link.kind for link in world.links(bob)] == [LinkKind.EXPORT]


def test_guests_are_asked_once_though_the_answer_is_lost(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("meeting"), guests=["bob"])
    ada = world.connect("ada", account)
    switch(world, ada, True)
    for request in (Request.INSERT, Request.PATCH):
        account.faults.add(Moment.AFTER, request, Unavailable("the answer did not come"))
    world.settle(ada)
    assert titles(account) == ["meeting"]
    assert set(asked(only(account))) == ({"bob@acme.example"} if offers(world) else set())
    assert [link.reason for link in world.links(ada)] == [None]


@pytest.mark.parametrize("place", [TARGET, SOURCE], ids=["target", "source"])
def test_who_leaves_here_and_stays_invited_there_is_busy_all_the_same(world: World, place: str) -> None:
    """His invitation stood in his calendar, and nothing showed here that he had no time."""
    accounts = {user: world.account() for user in ("ada", "bob")}
    ref = world.host.create("ada", event("meeting"), guests=["bob"])
    ada, bob = (world.connect(user, accounts[user]) for user in ("ada", "bob"))
    world.settle(ada, bob)
    mine = invite(accounts["bob"], only(accounts["ada"]), place)
    world.settle(ada, bob)
    world.host.invite("ada", ref, [])
    world.settle(ada, bob)
    assert list(world.host.all_of("bob")) == []
    assert list(accounts["bob"].items(place)) == [mine], "it is nobody's here to delete"
    assert blocked(world, bob) == (["meeting"] if place == SOURCE else [])
    world.host.invite("ada", ref, ["bob"])
    world.settle(ada, bob)
    assert blocked(world, bob) == []
    assert [one.id for calendar in (TARGET, SOURCE) for one in accounts["bob"].items(calendar).values()] == [mine]
