"""Contacts and tasks that may be one that is here already: listed for their owner, who says whether they are.

What he says is carried out by the next pass, which looks at both sides again. Nothing is tied or made before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.waiting.conflicts import wake
from marketplace_plugin.engine.acts.waiting.subject import headline
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.steps.plan.pairing import DIFFERENT, SAME
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Item, Kind, kind_of
from marketplace_plugin.store import collections, connections, held, leases
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.sync.reason import Reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that is here and may be meant. ``details`` are what tells it from others: firm, addresses, numbers."""

    ref: str
    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchView:
    """One entry of an address book or list, as its owner knows it. ``collection`` is the book's title; ``decided``: the
    next pass carries it out."""

    link: str
    kind: Kind
    name: str
    details: tuple[str, ...]
    connection: str
    integration: str
    account: str
    collection: str
    candidates: tuple[Candidate, ...]
    decided: bool = False


def doubtful(engine: Engine, person: Person) -> list[MatchView]:
    """What waits for this person, oldest first. Candidates that are gone meanwhile are left out."""
    views: dict[str, MatchView] = {}
    with engine.store.read() as c:
        rows = [(row, _questions(c, row.id)) for row in connections.of_user(c, person.id)]
        titles = {row.id: {r.remote_id: r.info.title for r in collections.of_connection(c, row.id)} for row, _ in rows}
    for row, questions in rows:
        for link, asked in questions.items():
            item = asked[0].body
            if not isinstance(item, Item) or (kind := kind_of(item)) not in engine.host.modules:
                continue
            open_ = [one.host_ref for one in asked if not one.detail and one.host_ref is not None]
            shown = engine.host.modules[kind].get(person.id, open_)
            views[link] = MatchView(
                link=link,
                kind=kind,
                name=headline(item)[0],
                details=_details(item),
                connection=row.id,
                integration=row.integration,
                account=row.account,
                collection=titles[row.id].get(asked[0].collection, ""),
                candidates=tuple(
                    Candidate(one.ref, headline(one.item)[0], _details(one.item))
                    for one in shown
                    if isinstance(one, HostItem)
                ),
                decided=not open_ or any(one.detail == SAME for one in asked),
            )
    return list(views.values())


def same(engine: Engine, person: Person, link: str, ref: str) -> None:
    """It is the one with ``ref``: both become one, and nothing of either is lost. Whoever else may have been that one
    is somebody else then. Raises NotFound."""
    with engine.store.begin() as unit:
        c = unit.connection
        connection, asked = _own(c, person, link)
        if not any(one.host_ref == ref for one in asked):
            raise NotFound("it was not asked about")
        others = [one for questions in _questions(c, connection).values() for one in questions if one.link != link]
        rivals = [one for one in others if one.host_ref == ref and not one.detail]
        leases.seize(c, connection, engine.now())
        held.put(c, [replace(one, detail=SAME if one.host_ref == ref else DIFFERENT) for one in asked])
        held.put(c, [replace(one, detail=DIFFERENT) for one in rivals])
    wake(engine, connection)


def different(engine: Engine, person: Person, link: str) -> None:
    """It is none of those that are here: it is made here as one more. Raises NotFound."""
    with engine.store.begin() as unit:
        c = unit.connection
        connection, asked = _own(c, person, link)
        leases.seize(c, connection, engine.now())
        held.put(c, [replace(one, detail=DIFFERENT) for one in asked])
    wake(engine, connection)


def _questions(c: Database, connection: str) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for one in held.of_connection(c, connection, [What.MATCH]):
        if one.link is not None and one.reason is Reason.DOUBTFUL:
            found.setdefault(one.link, []).append(one)
    return found


def _own(c: Database, person: Person, link: str) -> tuple[str, list[Held]]:
    for row in connections.of_user(c, person.id):
        asked = _questions(c, row.id).get(link)
        if asked:
            return row.id, asked
    raise NotFound("nothing of yours is in doubt there")


def _details(item: Item) -> tuple[str, ...]:
    if not isinstance(item, Contact):
        return ()
    told = [item.company, *(entry.value for entry in (*item.emails, *item.phones))]
    return tuple(text for text in told if text)[:6]
