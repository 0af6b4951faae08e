"""Address books, lists and switches in the settings, and what follows when they are chosen or left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin.engine.account import settings as choosing
from marketplace_plugin.engine.acts.preview import current_plan
from marketplace_plugin.engine.views import SettingsForm
from marketplace_plugin.errors import InvalidSettings
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH, Personality
from marketplace_plugin.store import collections
from marketplace_plugin.sync.link import LinkKind
from tests.engine.kinds import ADA, BOOK, LIST, SECOND, KindsWorld, call, contact, task
from tests.laws.world import SOURCE, TARGET

ALL = (Kind.EVENT, Kind.CONTACT, Kind.TASK, Kind.CALL)


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def world(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    personality: Personality = request.param
    world = KindsWorld(personality)
    yield world
    world.close()


def save(world: KindsWorld, connection: str, *switches: Kind, **chosen: Any) -> None:
    """As from the page; ``sources`` and ``others`` by the service's ids, the target calendar always. The plan is
    approved."""
    with world.store.read() as c:
        ids = {row.remote_id: row.id for row in collections.of_connection(c, connection)}
    view = choosing.settings(world.engine, world.person(), connection, reload=False)
    form = SettingsForm(
        target=ids[TARGET],
        sources=frozenset(ids[one] for one in (SOURCE, *chosen.pop("sources", ()))),
        switches=frozenset({Kind.EVENT, *switches}),
        others=frozenset(ids[one] for one in chosen.pop("others", ())),
    )
    choosing.save(world.engine, world.person(), connection, replace(form, **chosen), view.version)
    world.clock.forward(minutes=31)
    world.sync(connection)
    plan = current_plan(world.engine, connection)
    if plan is not None and plan.waiting:
        world.start(connection, ADA)
    world.approve(connection)
    world.settle(connection)


def test_nothing_but_the_calendar_until_it_is_switched_on(world: KindsWorld) -> None:
    account = world.account()
    account.user.create(BOOK, contact())
    name = world.connect(ADA, account)
    view = choosing.settings(world.engine, world.person(), name, reload=False)
    assert view.switches == frozenset()
    assert {c.kind for c in view.collections} == {Kind.EVENT, Kind.CONTACT, Kind.TASK}
    save(world, name)
    assert world.here(Kind.CONTACT) == {}


def test_a_book_that_is_left_stays_on_both_sides_and_is_known_again(world: KindsWorld) -> None:
    account = world.account()
    for n in range(12):  # more than the brake lets through
        account.user.create(BOOK, contact(f"A{n} King", f"a{n}@king.example"))
    name = world.connect(ADA, account)
    save(world, name, Kind.CONTACT, sources=(BOOK,), others=(BOOK,))
    assert len(world.here(Kind.CONTACT)) == 12
    save(world, name, Kind.CONTACT)
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 12
    ref = next(iter(world.here(Kind.CONTACT)))
    world.host.edit(ADA, ref, company="Nordwerk")
    world.settle(name)
    assert not any(c.company for c in world.there(account, BOOK).values() if isinstance(c, Contact))
    save(world, name, Kind.CONTACT, sources=(BOOK,), others=(BOOK,))
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 12
    assert [c.company for c in world.there(account, BOOK).values() if isinstance(c, Contact) and c.company]


def test_another_book_gets_what_is_here(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    name = world.connect(ADA, account)
    save(world, name, Kind.CONTACT, others=(BOOK,))
    assert len(world.there(account, BOOK)) == 1
    save(world, name, Kind.CONTACT, others=(SECOND,))
    assert len(world.there(account, BOOK)) == len(world.there(account, SECOND)) == 1
    assert len(world.here(Kind.CONTACT)) == 1
    save(world, name, Kind.CONTACT, others=(SECOND,), sources=(BOOK,))
    assert len(world.here(Kind.CONTACT)) == 1, "what was left behind there is no new contact"


def test_switched_off_mirrors_leave_the_calendar_after_a_plan(world: KindsWorld) -> None:
    account = world.account()
    for n in range(12):
        world.host.create(ADA, task(f"t{n}"), kind=Kind.TASK)
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.connect(ADA, account)
    save(world, name, Kind.TASK, Kind.CALL)
    assert len(world.there(account, TARGET)) == 13
    save(world, name, Kind.CALL)
    assert len(world.there(account, TARGET)) == 1
    assert len(world.here(Kind.TASK)) == 12
    save(world, name, Kind.CALL, Kind.TASK)
    assert len(world.there(account, TARGET)) == 13


def test_an_entry_that_somebody_wrote_into_is_left(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, task(), kind=Kind.TASK)
    name = world.connect(ADA, account)
    save(world, name, Kind.TASK)
    (there,) = world.there(account, TARGET)
    account.user.edit(TARGET, there, description="meine Notizen")
    save(world, name)
    assert len(world.there(account, TARGET)) == 1
    assert world.blocks(name) == []


def test_from_the_calendar_to_a_list_and_back(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, task(), kind=Kind.TASK)
    name = world.connect(ADA, account)
    save(world, name, Kind.TASK)
    assert (len(world.there(account, TARGET)), len(world.there(account, LIST))) == (1, 0)
    save(world, name, Kind.TASK, sources=(LIST,), others=(LIST,))
    assert (len(world.there(account, TARGET)), len(world.there(account, LIST))) == (0, 1)
    save(world, name, Kind.TASK)
    assert len(world.there(account, TARGET)) == 1, "and the list's entry stays where it is"
    assert len(world.here(Kind.TASK)) == 1
    save(world, name, Kind.TASK, sources=(LIST,), others=(LIST,))
    assert (len(world.there(account, TARGET)), len(world.there(account, LIST))) == (0, 1)
    assert len(world.here(Kind.TASK)) == 1


def test_one_address_book_for_what_is_made_here_over_all_accounts(world: KindsWorld) -> None:
    first, second = world.account(), world.account()
    one, other = world.connect(ADA, first), world.connect(ADA, second, target=None)
    save(world, one, Kind.CONTACT, others=(BOOK,), sources=(BOOK,))
    with world.store.read() as c:
        ids = {row.remote_id: row.id for row in collections.of_connection(c, other)}
    form = SettingsForm(None, frozenset(), frozenset({Kind.CONTACT}), others=frozenset({ids[BOOK]}))
    choosing.save(world.engine, world.person(), other, form, 0)
    with world.store.read() as c:
        target = collections.target(c, ADA, Kind.CONTACT)
        calendar = collections.target(c, ADA, Kind.EVENT)
    assert target is not None
    assert calendar is not None
    assert (target.connection, calendar.connection) == (other, one)


def test_what_does_not_go_together_is_refused(world: KindsWorld) -> None:
    name = world.connect(ADA, world.account())
    with world.store.read() as c:
        ids = {row.remote_id: row.id for row in collections.of_connection(c, name)}
    for form in (
        SettingsForm(ids[BOOK], frozenset(), frozenset({Kind.EVENT})),
        SettingsForm(None, frozenset(), frozenset(ALL), others=frozenset({ids[BOOK], ids[SECOND]})),
        SettingsForm(None, frozenset(), frozenset(ALL), others=frozenset({ids[TARGET]})),
        SettingsForm(None, frozenset(), frozenset(ALL), others=frozenset({"nobody"})),
    ):
        with pytest.raises(InvalidSettings):
            choosing.save(world.engine, world.person(), name, form, 0)


def test_connected_again_the_same_account_knows_its_contacts(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("Eva Klug"))
    name = world.connect(ADA, account)
    save(world, name, Kind.CONTACT, sources=(BOOK,), others=(BOOK,))
    world.disconnect(name)
    again = world.connect(ADA, account)
    save(world, again, Kind.CONTACT, sources=(BOOK,), others=(BOOK,))
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 2
    assert len(world.of_kind(again, LinkKind.PAIR)) == 2
