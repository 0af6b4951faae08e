"""What the regressions look at: one side or the other, by title."""

from __future__ import annotations

from marketplace_plugin.contract.module import Person
from marketplace_plugin.model.change import Found, HostItem
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.providers.memory import MemoryAccount
from tests.laws.world import TARGET, World


def master(item: Item) -> Event:
    assert isinstance(item, Event | Series)
    return item.master if isinstance(item, Series) else item


def title(item: Item) -> str:
    return str(master(item).title)


def titles(account: MemoryAccount, calendar: str = TARGET) -> list[str]:
    """All that the calendar shows, sorted."""
    return sorted(title(found.item) for found in account.items(calendar).values())


def only(account: MemoryAccount, calendar: str = TARGET) -> Found:
    """The one item of the calendar."""
    (found,) = account.items(calendar).values()
    return found


def here(world: World, user: str = "ada") -> list[str]:
    """The titles of the events that the user has in the host, sorted."""
    return sorted(title(one.item) for one in world.host.all_of(user).values())


def shown(world: World, ref: str, user: str = "ada") -> Event | Series:
    seen = world.host.see(user, ref)
    assert isinstance(seen, HostItem)
    assert isinstance(seen.item, Event | Series)
    return seen.item


def blocked(world: World, connection: str) -> list[str]:
    """The titles of the grey blocks, sorted."""
    return sorted(title(block.item) for block in world.blocks(connection))


def person(world: World, user: str = "ada") -> Person:
    found = world.host.person(user)
    assert found is not None
    return found
