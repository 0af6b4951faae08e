"""Mirroring again what the user has deleted from his calendar at the service."""

from __future__ import annotations

from dataclasses import replace

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.chosen.pairing import Chosen
from marketplace_plugin.engine.acts.chosen.purge import forget_links
from marketplace_plugin.engine.acts.waiting.conflicts import wake
from marketplace_plugin.engine.acts.waiting.subject import own_link
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.kinds import switched_on
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import collections, connections, leases, links
from marketplace_plugin.sync.link import LinkKind, LinkState


def mirror_again(engine: Engine, person: Person, link_id: str) -> None:
    """Show a task or call in the target calendar once more, under a link and a key of its own: services refuse one that
    was used. Raises NotFound where it was not taken from there, or nothing of its kind is mirrored there any more: no
    calendar is chosen, its switch is off, or tasks are synced with a list now."""
    with engine.store.begin() as unit:
        c = unit.connection
        link = own_link(c, person.id, link_id)
        rows = collections.of_connection(c, link.connection)
        target = next((row for row in rows if row.is_target and row.info.kind is Kind.EVENT), None)
        row = connections.get(c, link.connection)
        mirrored = row is not None and link.host_kind in Chosen.of(rows, switched_on(row)).mirrored
        if link.host_kind is Kind.TASK and collections.target(c, link.user, Kind.TASK) is not None:
            mirrored = False  # with a list, of whichever of his connections
        declined = link.kind is LinkKind.MIRROR and link.state is LinkState.DECLINED
        if not declined or not mirrored or target is None:
            raise NotFound("it is not one that is mirrored no longer")
        leases.seize(c, link.connection, engine.now())
        forget_links(engine, c, [link.id])
        again = replace(link.anew(engine.new_id(), target.remote_id), host=None)
        links.put(c, [again], engine.now())
        leases.mark_dirty(c, [link.connection], engine.now())
    wake(engine, link.connection)
