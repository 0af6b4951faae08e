"""Switching contacts and lists off and on, changing books, undoing: nothing comes twice, nothing goes away unasked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest

from marketplace_plugin.engine.acts import undo
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.task import Task, TaskStatus
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH
from tests.engine.kinds import ADA, BOOK, LIST, SECOND, KindsWorld, contact, task
from tests.engine.other_kinds.test_choosing_kinds import save
from tests.laws.world import TARGET


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def world(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    world = KindsWorld(request.param)
    yield world
    world.close()


def names(items: dict[str, Item]) -> Counter[str]:
    known = (item for item in items.values() if isinstance(item, Contact | Task))
    return Counter(item.given_name if isinstance(item, Contact) else item.title for item in known)


def key_of(items: dict[str, Item], name: str) -> str:
    (key,) = [key for key, item in items.items() if names({key: item})[name]]
    return key


def test_off_and_on_with_everything_changed_between(world: KindsWorld) -> None:
    """A user switches contacts off for a week and works on both sides: afterwards each stands there once."""
    account = world.account()
    for n in range(6):
        world.host.create(ADA, contact(f"A{n} King", f"a{n}@king.example"), kind=Kind.CONTACT)
    name = world.connect(ADA, account)
    save(world, name, Kind.CONTACT, sources=(BOOK,), others=(BOOK,))
    save(world, name)
    world.host.delete(ADA, key_of(world.here(Kind.CONTACT), "A0"))
    account.user.delete(BOOK, key_of(world.there(account, BOOK), "A1"))
    world.host.edit(ADA, key_of(world.here(Kind.CONTACT), "A2"), company="hier")
    account.user.edit(BOOK, key_of(world.there(account, BOOK), "A2"), notes="dort")
    world.host.edit(ADA, key_of(world.here(Kind.CONTACT), "A3"), emails=(Labelled("work", "neu@king.example"),))
    account.user.edit(BOOK, key_of(world.there(account, BOOK), "A4"), emails=(), family_name="Klug")
    world.host.create(ADA, contact("B0 King", "b0@king.example"), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("B0 King", "b0@king.example"))
    save(world, name, Kind.CONTACT, sources=(BOOK,), others=(BOOK,))
    here, there = world.here(Kind.CONTACT), world.there(account, BOOK)
    assert max(names(here).values()) == max(names(there).values()) == 1
    assert {"A2", "A3", "A4", "A5", "B0"} <= names(here).keys()
    assert names(here).keys() == names(there).keys()
    merged = here[key_of(here, "A2")]
    assert isinstance(merged, Contact)
    assert (merged.company, merged.notes) == ("hier", "dort")


def test_from_book_to_book_and_back(world: KindsWorld) -> None:
    """A user changes his mind about the address book, twice: nobody stands in one book twice, and nobody here."""
    account = world.account()
    for n in range(4):
        world.host.create(ADA, contact(f"A{n} King", f"a{n}@king.example"), kind=Kind.CONTACT)
    account.user.create(SECOND, contact("Eva Klug", "eva@klug.example"))
    name = world.connect(ADA, account)
    for book in (BOOK, SECOND, BOOK, SECOND):
        save(world, name, Kind.CONTACT, sources=(book,), others=(book,))
        assert max(names(world.here(Kind.CONTACT)).values()) == 1
        for one in (BOOK, SECOND):
            assert max(names(world.there(account, one)).values(), default=1) == 1
    assert names(world.here(Kind.CONTACT)).keys() == {"A0", "A1", "A2", "A3", "Eva"}


def test_from_list_to_calendar_and_back_with_tasks_that_were_done_between(world: KindsWorld) -> None:
    """Tasks that were done while they stood in the calendar must not come back from the list as open, nor twice."""
    account = world.account()
    for title in ("eins", "zwei", "drei"):
        world.host.create(ADA, task(title, date(2026, 3, 12)), kind=Kind.TASK)
    name = world.connect(ADA, account)
    listed = {"sources": (LIST,), "others": (LIST,)}
    save(world, name, Kind.TASK, **listed)
    save(world, name, Kind.TASK)
    world.host.edit(ADA, key_of(world.here(Kind.TASK), "eins"), status=TaskStatus.COMPLETED)
    account.user.edit(LIST, key_of(world.there(account, LIST), "zwei"), status=TaskStatus.COMPLETED)
    world.clock.forward(minutes=31)
    world.sync(name)
    save(world, name, Kind.TASK, **listed)
    here, there = world.here(Kind.TASK), world.there(account, LIST)
    assert names(here) == names(there) == Counter({"eins": 1, "zwei": 1, "drei": 1})
    for side in (here, there):
        done = {item.title for item in side.values() if isinstance(item, Task) and item.status is TaskStatus.COMPLETED}
        assert done == {"eins", "zwei"}
    assert world.there(account, TARGET) == {}


def test_undone_and_edited_again(world: KindsWorld) -> None:
    """A run over contacts is undone: what it brought goes, what was edited since stays, and nothing comes twice."""
    account = world.account()
    for n in range(3):
        account.user.create(BOOK, contact(f"A{n} King", f"a{n}@king.example"))
    world.host.create(ADA, contact("B0 King", "b0@king.example"), kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, targets=(BOOK,), sources=(BOOK,))
    run = world.engine.new_id()
    world.sync(name, run=run)
    world.host.edit(ADA, key_of(world.here(Kind.CONTACT), "A0"), notes="von Hand")
    undone = undo.undo(world.engine, world.person(), run)
    world.sync(name, Trigger.UNDO, undone)
    world.settle(name)
    world.settle(name)
    here, there = world.here(Kind.CONTACT), world.there(account, BOOK)
    assert names(here)["A0"] == names(here)["B0"] == 1
    assert {"A0", "A1", "A2"} <= names(there).keys()
    assert max(names(there).values()) == max(names(here).values()) == 1
    account.user.edit(BOOK, key_of(there, "A1"), notes="geändert")
    world.settle(name)
    assert names(world.here(Kind.CONTACT))["A1"] == 1
    assert max(names(world.here(Kind.CONTACT)).values()) == 1
