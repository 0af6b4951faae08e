"""Links and showings for the tests of the pure core: short to write, nothing hidden."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from marketplace_plugin.model.change import Access, Found, HostItem, Revision, Stamp
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.form.canonical import EVENT_FIELDS
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, RemoteShowing
from marketplace_plugin.sync.plan.flows import Place

BASE = Event(when=AllDay(date(2026, 3, 10), date(2026, 3, 11)), title="base")
ALL = Capabilities(fields=EVENT_FIELDS, move=True, idempotent_create=True)
PLACE = Place(ALL)
EARLY, LATE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def link(kind: LinkKind = LinkKind.EXPORT, **more: Any) -> Link:
    """A live link of Ada whose sides both show ``BASE``."""
    block = kind is LinkKind.BLOCK
    made = Link(
        id="link",
        kind=kind,
        user="ada",
        connection="c",
        collection="cal",
        remote_id="r",
        host_kind=Kind.EVENT,
        host_ref=None if block else "h",
        uid="uid@service",
        remote=RemoteShowing(Revision("1"), "digest"),
        host=None if block else HostShowing(1, "digest"),
        base=None if block else BASE,
        remote_base=None if block else BASE,
    )
    return replace(made, **more)


def found(item: Event | Series = BASE, *, revision: str = "2", item_id: str = "r", **more: Any) -> Found:
    return replace(Found(item_id, Revision(revision), item, uid="uid@service", changed=EARLY), **more)


def host(item: Event | Series = BASE, *, version: int = 2, **more: Any) -> HostItem:
    return replace(HostItem("h", version, item, changed=LATE), **more)


def stamp(link_id: str = "link", instance: str = "here") -> Stamp:
    return Stamp(instance, link_id)


__all__ = ["ALL", "BASE", "EARLY", "LATE", "PLACE", "Access", "found", "host", "link", "stamp"]
