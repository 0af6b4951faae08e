"""Grey blocks as a host's calendar page reads them: redacted by viewer, here and nowhere later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import BlockDetail, Blocks, BlockView, Person
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.event import UNKNOWN, Event, Occurrence, Series, ShowAs, Status, original_key
from marketplace_plugin.model.form.outline import hidden_in, is_told, on_clock, takes_time
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import Window, span, start_of
from marketplace_plugin.store import blocks, collections, connections, links
from marketplace_plugin.store.accounts.connections import Connection
from marketplace_plugin.store.work.blocks import Block, Shape
from marketplace_plugin.sync.link import Link, LinkKind, LinkState


@dataclass(frozen=True, slots=True)
class StoredBlocks(Blocks):
    """``contract.module.Blocks`` on the store."""

    engine: Engine

    def blocks(self, viewer: str, owner: str, window: Window) -> Sequence[BlockView]:
        """Raises nothing for who may not look: he gets an empty list."""
        person = self.engine.host.person(owner)
        if person is None:
            return ()
        if viewer == owner:
            return self._to_owner(person, window)
        looking = self.engine.host.person(viewer)
        if looking is None or not self.engine.host.may_see(looking, owner):
            return ()
        return self._to_others(person, looking, window)

    def changed_at(self, owner: str) -> datetime | None:
        with self.engine.store.read() as c:
            return blocks.changed_at(c, owner)

    def _names(self, locale: str) -> Mapping[str, str]:
        """What each integration is called."""
        return {entry.id: entry.name.in_(locale) for entry in self.engine.plugins.integrations()}

    def _to_others(self, owner: Person, viewer: Person, window: Window) -> Sequence[BlockView]:
        """From the clear columns alone: no content is opened on behalf of a colleague. He sees "busy" and nothing
        else: not whether it is tentative or out of office, not in which zone it was made (that tells of a journey), and
        nothing at all where the owner is free."""
        with self.engine.store.read() as c:
            shapes = blocks.shapes(c, owner.id, window)
        views = self._views(owner, viewer, window, shapes, lambda _shape, _occurrence: None)
        return [
            replace(view, when=on_clock(view.when, viewer.zone), show_as=ShowAs.BUSY, status=Status.CONFIRMED)
            for view in views
            if takes_time(view)
        ]

    def _to_owner(self, owner: Person, window: Window) -> Sequence[BlockView]:
        with self.engine.store.read() as c:
            shapes = blocks.shapes(c, owner.id, window)
            opened = {one.link: one for one in blocks.opened(c, owner.id, window)}
            details = _Details(c, opened, self._names(owner.locale))
            shown = [shape for shape in shapes if not details.stands_in_the_calendar(shape)]
            return self._views(owner, owner, window, shown, details)

    def _views(
        self,
        owner: Person,
        viewer: Person,
        window: Window,
        shapes: Iterable[Shape],
        detail: Callable[[Shape, Occurrence], BlockDetail | None],
    ) -> Sequence[BlockView]:
        """One view for each meeting and start, however many ways it came by (rule L11): where he is free by one of them
        and busy by another, he is busy. Whole days are the owner's."""
        found: dict[tuple[str, str], tuple[datetime, BlockView]] = {}
        for shape in shapes:
            for occurrence in occurrences(shape.item, window, owner.zone).occurrences:
                event = occurrence.event
                identity = (shape.identity, original_key(occurrence.original or start_of(event.when)))
                if identity in found and (takes_time(found[identity][1]) or not takes_time(event)):
                    continue
                show_as = event.show_as
                view = BlockView(
                    key=self._key(viewer, shape, identity[1]),
                    when=event.when,
                    show_as=ShowAs.BUSY if show_as is UNKNOWN else show_as,
                    status=event.status,
                    detail=detail(shape, occurrence),
                )
                found[identity] = (span(event.when, owner.zone)[0], view)
        return [view for _, view in sorted(found.values(), key=lambda pair: (pair[0], pair[1].key))]

    def _key(self, viewer: Person, shape: Shape, original: str) -> str:
        """Tells nothing, and two viewers cannot compare theirs."""
        return self.engine.store.vault.keyed(f"view\0{viewer.id}\0{shape.link}\0{original}".encode())[:24]


class _Details:
    """What only the owner sees, from blocks that were opened for him."""

    def __init__(self, c: Database, opened: dict[str, Block], names: Mapping[str, str]) -> None:
        self._opened, self._names = opened, names
        self._links = links.get(c, opened)
        self._connections: dict[str, Connection | None] = {
            one: connections.get(c, one) for one in {block.connection for block in opened.values()}
        }
        self._titles = {
            (row.connection, row.remote_id): row.info.title
            for connection in self._connections
            for row in collections.of_connection(c, connection)
        }
        users = {block.user for block in opened.values()}
        self._visible = {
            uid: [link for link in tied if _is_visible(link.kind, link.state, link.host_ref)]
            for user in users
            for uid, tied in links.by_uid(c, user, {block.uid for block in opened.values()}).items()
        }

    def stands_in_the_calendar(self, shape: Shape) -> bool:
        """The same meeting is a visible event of his already, by another way."""
        block = self._opened[shape.link]
        return any(not _beside(link, block) for link in self._visible.get(block.uid, ()))

    def __call__(self, shape: Shape, occurrence: Occurrence) -> BlockDetail:
        block = self._opened[shape.link]
        content = _content(block.item, occurrence)
        connection = self._connections[block.connection]
        link = self._links.get(block.link)
        live = link is not None and link.state is LinkState.LIVE
        return BlockDetail(
            link=block.link,
            title=_text(content.title),
            location=_text(content.location),
            description=_text(content.description),
            integration=self._names.get(connection.integration, "") if connection is not None else "",
            account=connection.account if connection is not None else "",
            calendar=self._titles.get((block.connection, block.collection), ""),
            href=block.href if block.href.startswith(("https://", "http://")) else "",
            convertible=live and is_told(block.item),
            private=hidden_in(block.item, content),
        )


def _is_visible(kind: LinkKind, state: LinkState, host_ref: str | None) -> bool:
    return kind is not LinkKind.BLOCK and state is not LinkState.DETACHED and host_ref is not None


def _beside(link: Link, block: Block) -> bool:
    """Another occurrence in the same calendar: of a series to which he is asked for some alone, each is an item of its
    own, and all of them have one UID."""
    shown = link.agreed_there
    if (link.connection, link.collection) != (block.connection, block.collection):
        return False
    if not isinstance(shown, Event) or not isinstance(block.item, Event):
        return False
    return start_of(shown.when) != start_of(block.item.when)


def _content(item: Event | Series, occurrence: Occurrence) -> Event:
    """What is known of one occurrence: the override's content, else the master's."""
    if isinstance(item, Series) and occurrence.original is not None:
        override = item.override(occurrence.original)
        if override is not None and override.event is not None:
            return override.event
    return master_of(item)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
