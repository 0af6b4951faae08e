"""Steg as a host of the marketplace: who is looking, who works here, and the modules."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import flask_login
from argon2 import PasswordHasher
from flask import Flask, has_request_context

from marketplace_plugin.contract.module import Blocks, BlockView, HostModule, Person
from marketplace_plugin.host import pages
from marketplace_plugin.host import seed as seeding
from marketplace_plugin.host.acts import Acts
from marketplace_plugin.host.modules import Calendar, Contacts, Todos
from marketplace_plugin.host.pages import page
from marketplace_plugin.host.records import persons, schema
from marketplace_plugin.host.records.tables import Database, Notify
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window

TRANSLATIONS = Path(__file__).parent / "translations"
"""One of the directories for ``BABEL_TRANSLATION_DIRECTORIES``."""


class NoBlocks:
    """The calendar without a marketplace."""

    def blocks(self, viewer: str, owner: str, window: Window) -> Sequence[BlockView]:  # noqa: ARG002 - the port's names
        return ()

    def changed_at(self, owner: str) -> datetime | None:  # noqa: ARG002 - the port's names
        return None


@dataclass(frozen=True, slots=True)
class Tie:
    """What ties a host item of one person to a service, as far as his page needs it.

    ``link`` is the link's id; ``converted``: it was a grey block, and can be one again. ``writable`` are the event's
    fields that the person may change on the other side, None for all (docs/sync.md, L4). ``mirrored``: a task or call
    is shown in his calendar there; ``dropped``: he deleted it there, so that it is mirrored no longer. ``integration``
    and ``account`` say where, in his language.
    """

    link: str
    converted: bool = False
    writable: frozenset[str] | None = None
    mirrored: bool = False
    dropped: bool = False
    integration: str = ""
    account: str = ""


Ties = Callable[[str, str, Kind], Tie | None]
"""(person id, ref, kind) -> what ties the item, None for one that is Steg's alone."""


class Steg:
    """Implements ``contract.module.Host``. ``connect`` plugs in what the engine offers, before the first request."""

    name = "Steg"
    layout = "steg/base.html"
    shares_transaction = True

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        hasher: PasswordHasher,
        new_ref: Callable[[], str],
    ) -> None:
        self.database, self.now, self.hasher = database, now, hasher
        self.blocks: Blocks = NoBlocks()
        self.tie: Ties = lambda _person, _ref, _kind: None
        self._told: list[Notify] = []
        self.modules: Mapping[Kind, HostModule] = {
            Kind.EVENT: Calendar(database, now, new_ref),
            Kind.CONTACT: Contacts(database, now, new_ref),
            Kind.TASK: Todos(Kind.TASK, database, now, new_ref),
            Kind.CALL: Todos(Kind.CALL, database, now, new_ref),
        }
        self.acts = Acts(database, now, new_ref, self._notify)

    def connect(self, *, blocks: Blocks | None = None, ties: Ties | None = None, notify: Notify | None = None) -> None:
        """``blocks`` is what the calendar shows in grey, ``ties`` what holds an item to a service; ``notify`` is told
        of each change that a person made here, after commit, once for each person whom it concerns."""
        if blocks is not None:
            self.blocks = blocks
        if ties is not None:
            self.tie = ties
        if notify is not None:
            self._told.append(notify)

    def _notify(self, owner: str, kind: Kind, refs: Sequence[str]) -> None:
        for tell in self._told:
            tell(owner, kind, refs)

    # ---- contract.module.Host

    def viewer(self) -> Person | None:
        if not has_request_context() or not flask_login.current_user.is_authenticated:
            return None
        who: Person = flask_login.current_user.person
        return who

    def person(self, person_id: str) -> Person | None:
        with self.database.read() as c:
            return persons.by_id(c, person_id)

    def people(self, tenant: str) -> Sequence[Person]:
        with self.database.read() as c:
            return persons.of_tenant(c, tenant)

    def may_see(self, viewer: Person, owner: str) -> bool:
        """Colleagues see each other's calendars; what is private in them is redacted where it is read."""
        if viewer.id == owner:
            return True
        other = self.person(owner)
        return other is not None and other.tenant == viewer.tenant

    # ---- set-up

    def migrate(self) -> None:
        schema.migrate(self.database)

    def seed(self, today: date) -> Sequence[seeding.Account]:
        """The demonstration's tenant, where it is not there yet; returns who may sign in, passwords in clear."""
        return seeding.seed(self.database, self.hasher, today)

    def install(self, app: Flask) -> None:
        """Mount the pages on an app that has Flask-Babel and CSRFProtect, and the marketplace's blueprint for the
        design system. For Babel: ``language`` and ``time_zone`` are the selectors, ``TRANSLATIONS`` the directory."""
        page.install(app, self)
        app.register_blueprint(pages.create_blueprint())

    language = staticmethod(page.language)
    time_zone = staticmethod(page.time_zone)


def create_steg(
    database: Database,
    *,
    now: Callable[[], datetime],
    hasher: PasswordHasher | None = None,
    new_ref: Callable[[], str] = lambda: uuid.uuid4().hex,
) -> Steg:
    """Steg on the store's database, its tables brought up to date. ``now`` gives aware UTC."""
    steg = Steg(database, now=now, hasher=hasher or PasswordHasher(), new_ref=new_ref)
    steg.migrate()
    return steg
