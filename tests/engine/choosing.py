"""A person at the settings of a connection, and links to see what becomes of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from marketplace_plugin.engine.account.settings import settings
from marketplace_plugin.engine.views import (
    CollectionView,
    SettingsForm,
    SettingsView,
)
from marketplace_plugin.model.change import Revision
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.sandbox.google.seed import ANNA
from marketplace_plugin.store import blocks, collections, links
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, RemoteShowing
from tests.engine.shell import ANNA_HERE, World

DAY = AllDay(date(2026, 11, 22), date(2026, 11, 23))


def opened(world: World, connection: str, reload: bool = False) -> SettingsView:
    return settings(world.engine, ANNA_HERE, connection, reload)


def calendar(view: SettingsView, remote: str) -> CollectionView:
    """By its title at the sandbox: the primary one has the account's address."""
    return next(one for one in view.collections if (one.title == remote or (remote == ANNA and one.primary)))


def form(view: SettingsView, target: str | None, *sources: str, **more: Any) -> SettingsForm:
    return SettingsForm(
        calendar(view, target).id if target else None,
        frozenset(calendar(view, one).id for one in sources),
        **{"switches": frozenset({Kind.EVENT}) if target or sources else frozenset(), **more},
    )


def title_of(world: World, connection: str, remote_id: str) -> str:
    with world.engine.store.read() as c:
        row = collections.get(c, connection, remote_id)
    assert row is not None
    return row.info.title


def put_link(
    world: World, connection: str, name: str, kind: LinkKind, collection: str, user: str = ANNA_HERE.id
) -> None:
    exported = kind is not LinkKind.BLOCK
    link = Link(
        name,
        kind,
        user,
        connection,
        collection,
        f"remote-{name}",
        Kind.EVENT,
        f"host-{name}" if exported else None,
        remote=RemoteShowing(Revision("1"), "digest"),
        host=HostShowing(1, "digest") if exported else None,
    )
    now = world.clock()
    with world.engine.store.begin() as unit:
        links.put(unit.connection, [link], now)
        if not exported:
            block = Block(name, user, connection, collection, (now, None), Event(when=DAY), "", "", "z", now)
            blocks.put(unit.connection, [block])


def link_of(world: World, name: str) -> Link | None:
    with world.engine.store.read() as c:
        return links.get(c, [name]).get(name)
