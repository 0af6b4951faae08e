"""The host: who is looking, and its modules (calendar, contacts, tasks, calls). Steg implements this; so does a CRM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from marketplace_plugin.model.change import HostCursor, HostGone, HostItem, HostPage
from marketplace_plugin.model.event import ShowAs, Status
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import When, Window
from marketplace_plugin.model.write import HostOutcome, HostWrite


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the host.

    ``id`` is the host's, stable, and unique over its tenants. ``zone`` is IANA, ``locale`` de or en.
    """

    id: str
    tenant: str
    name: str
    email: str
    zone: str
    locale: str = "de"
    admin: bool = False


class UnitOfWork(Protocol):
    """Our open transaction, handed to a host that shares our database."""

    @property
    def connection(self) -> Any:
        """A SQLAlchemy ``Connection`` inside the transaction. Neither commit nor close it."""
        ...


class HostModule(Protocol):
    """One module of a host.

    Raises HostError where the host cannot answer; then the pass leaves everything as it was.

    Description and attendees of an item are for those who take part in it: users are promised, when they make a block
    visible, that colleagues do not see them.
    """

    kind: Kind

    def changes(self, owner: str, since: HostCursor | None, limit: int) -> HostPage:
        """What changed for ``owner`` (person id): items that he organises or takes part in. ``None``: all of them.

        Each ref once with its newest state. An item that he was taken out of comes as ``HostGone(withdrawn=True)``.
        """
        ...

    def get(self, owner: str, refs: Sequence[str]) -> Sequence[HostItem | HostGone]:
        """These items as they stand now, in the order asked. What is gone tells the ``op`` that deleted it here too: a
        deletion that a pass made and did not live to write down is told from a user's by nothing else."""
        ...

    def apply(self, owner: str, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
        """Do the writes in order, each idempotent by ``op`` and compare-and-set on ``expected``; one outcome each.

        ``unit`` is our transaction for a host that shares it (``Host.shares_transaction``), else None. Never mails
        anyone.
        """
        ...


class Host(Protocol):
    """The application that mounts us.

    ``layout`` names a Jinja template with the blocks ``title``, ``main`` and ``after``, empty for our plain one; what
    else it has to hold is in docs/host-guide.md. ``modules`` holds ``Kind.EVENT`` at least.
    """

    name: str
    layout: str
    shares_transaction: bool
    modules: Mapping[Kind, HostModule]

    def viewer(self) -> Person | None:
        """Who is signed in, in the current request; None for nobody."""
        ...

    def person(self, person_id: str) -> Person | None: ...

    def people(self, tenant: str) -> Sequence[Person]: ...

    def may_see(self, viewer: Person, owner: str) -> bool:
        """Whether ``viewer`` may open the calendar of ``owner`` at all."""
        ...


@dataclass(frozen=True, slots=True)
class BlockDetail:
    """What only the owner sees of a block. ``integration`` is its name in the owner's language. ``private``: colleagues
    see "busy" of it also where it is made visible."""

    link: str
    title: str
    location: str
    description: str
    integration: str
    account: str
    calendar: str
    href: str
    convertible: bool
    private: bool = False


@dataclass(frozen=True, slots=True)
class BlockView:
    """A grey block in a window, redacted for the viewer already. ``detail`` is None for everybody but the owner.

    ``key`` is unique within the window and tells nothing (no remote id).
    """

    key: str
    when: When
    show_as: ShowAs
    status: Status
    detail: BlockDetail | None


class Blocks(Protocol):
    """What the host's calendar page reads the imported personal events from."""

    def blocks(self, viewer: str, owner: str, window: Window) -> Sequence[BlockView]:
        """Blocks of ``owner`` (person id) that touch ``window``, expanded, sorted by start; redacted by ``viewer``."""
        ...

    def changed_at(self, owner: str) -> datetime | None:
        """When a block of ``owner`` last changed (aware UTC), for ETags."""
        ...
