"""Everything that pages and API ask of the engine, in one place. Every call names the person who asks; the engine
checks that what he asks for is his.

Raises NotFound for what does not exist or belongs to somebody else, NotAllowed for what only an admin may do, Conflict
where somebody was faster, and the other errors of ``errors.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from marketplace_plugin.contract.hookspecs import TestStep
from marketplace_plugin.contract.module import BlockView, Person
from marketplace_plugin.engine.account.disconnect import Disconnected
from marketplace_plugin.engine.account.market import Offer, RequestRow
from marketplace_plugin.engine.acts.undo import UndoFacts, Undone
from marketplace_plugin.engine.acts.waiting.conflicts import ConflictView
from marketplace_plugin.engine.acts.waiting.held import BrakeView, HeldView, ParkedView
from marketplace_plugin.engine.acts.waiting.matches import MatchView
from marketplace_plugin.engine.acts.why import Why
from marketplace_plugin.engine.form.credentials import FormView, Searched, Tried
from marketplace_plugin.engine.form.servers import ServersView
from marketplace_plugin.engine.sign_in.consent import ConsentAnswer, ConsentView
from marketplace_plugin.engine.views import (
    AdminRow,
    Asked,
    Audience,
    ConnectionView,
    DisconnectFacts,
    RunView,
    Saved,
    SettingsForm,
    SettingsView,
    StepView,
)
from marketplace_plugin.errors import MarketplaceError
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window
from marketplace_plugin.sync.merge.three_way import Winner

__all__ = ["Actions", "Authorized", "Offer", "PlanNotMade", "PlanView", "RequestRow", "SideCounts"]


@dataclass(frozen=True, slots=True)
class Authorized:
    """What an authorisation has found: the account's label and how many collections it reaches."""

    connection: str
    account: str
    collections: int
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SideCounts:
    create: int = 0
    update: int = 0
    delete: int = 0

    @property
    def total(self) -> int:
        return self.create + self.update + self.delete


@dataclass(frozen=True, slots=True)
class PlanView:
    """What the next sync would do. ``blocks`` are there whether it is approved or not. ``guests``: events that
    are written there with their participants. ``mails`` is always 0. ``kinds``: of all these, those of contacts, tasks
    and calls, here and there."""

    id: str
    blocks: int
    host: SideCounts
    remote: SideCounts
    guests: int = 0
    mails: int = 0
    kinds: Mapping[Kind, tuple[SideCounts, SideCounts]] = field(default_factory=dict)


class PlanNotMade(MarketplaceError):
    """No plan came about; ``code`` is why: the pass's error, or its outcome."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Actions(Protocol):
    """The port. ``EngineActions`` is the implementation; tests bring their own."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    # marketplace
    def offers(self, person: Person) -> Sequence[Offer]: ...
    def install(self, person: Person, integration: str, audience: Audience) -> None:
        """Install for the person's tenant, or change who may use it."""
        ...

    def uninstall(self, person: Person, integration: str) -> None:
        """Pause the tenant's connections of it and purge what they imported."""
        ...

    def affected(self, person: Person, integration: str) -> int:
        """How many connections of the tenant an uninstall would end."""
        ...

    def request(self, person: Person, integration: str) -> None: ...
    def requests(self, person: Person) -> Sequence[RequestRow]: ...
    def settle_request(self, person: Person, request: str, grant: bool) -> Asked:
        """Grant or decline; tells what was asked for."""
        ...

    def admin_rows(self, person: Person) -> Sequence[AdminRow]: ...

    # connections
    def add(self, person: Person, integration: str) -> str: ...
    def mine(self, person: Person) -> Sequence[ConnectionView]: ...
    def connection(self, person: Person, connection: str) -> ConnectionView: ...
    def begin(
        self, person: Person, connection: str, browser_session: str, features: frozenset[str] = frozenset()
    ) -> str:
        """The address at the service where the person signs in; ``features`` as in ``authorize.begin``."""
        ...

    def consent(self, person: Person, connection: str) -> ConsentView: ...
    def ask_consent(self, person: Person, connection: str) -> None: ...
    def consent_answer(self, query: Mapping[str, str]) -> ConsentAnswer:
        """For whoever comes back from the service, signed in here or not."""
        ...

    def finish(self, person: Person, browser_session: str, callback_url: str) -> Authorized: ...
    def settings(self, person: Person, connection: str, reload: bool = True) -> SettingsView: ...
    def save(self, person: Person, connection: str, form: SettingsForm, version: int) -> Saved: ...
    def test(self, person: Person, connection: str, write: bool = False) -> Iterator[TestStep]: ...
    def disconnect_facts(self, person: Person, connection: str) -> DisconnectFacts: ...
    def disconnect(self, person: Person, connection: str, delete_remote: bool) -> Disconnected: ...

    # accounts behind a form
    def form(self, person: Person, connection: str) -> FormView: ...
    def search_server(self, person: Person, connection: str, email: str) -> Searched: ...
    def test_credentials(
        self, person: Person, connection: str, browser_session: str, entered: Mapping[str, str], write: bool
    ) -> Tried: ...
    def save_credentials(
        self, person: Person, connection: str, browser_session: str, entered: Mapping[str, str]
    ) -> Authorized: ...
    def ask_server(self, person: Person, connection: str, server: str) -> None: ...
    def servers(self, person: Person) -> Sequence[ServersView]:
        """What an admin has entered for each integration that reaches servers of his organisation."""
        ...

    def save_servers(
        self, person: Person, integration: str, allowed: str, authorities: str, contact: str, known: str | None
    ) -> None: ...
    def distrust(self, person: Person, integration: str, fingerprint: str) -> None: ...

    # plan
    def preview(self, person: Person, connection: str) -> PlanView: ...
    def current_plan(self, person: Person, connection: str) -> PlanView | None: ...
    def approve(self, person: Person, plan: str) -> str:
        """The id of the run that carries it out."""
        ...

    # sync
    def request_sync(self, person: Person) -> Sequence[RunView]: ...
    def progress(self, person: Person) -> Sequence[RunView]:
        """The newest run of each of the person's connections."""
        ...

    def runs(self, person: Person, connection: str, limit: int) -> Sequence[RunView]: ...
    def run(self, person: Person, run: str) -> RunView: ...
    def steps(self, person: Person, run: str) -> Sequence[StepView]: ...

    # calendar
    def convert(self, person: Person, link: str) -> str:
        """The ref of the visible event that it made."""
        ...

    def stays_private(self, person: Person, ref: str) -> bool:
        """Whether colleagues see "busy" of it all the same."""
        ...

    def undo_conversion(self, person: Person, link: str) -> bool:
        """Whether it is a grey block again; else its calendar is imported no more, and shows it alone."""
        ...

    def stop_importing(self, person: Person, link: str) -> None: ...
    def blocks(self, person: Person, owner: str, window: Window) -> Sequence[BlockView]: ...
    def keyed(self, person: Person, name: str) -> str:
        """A name that tells nothing and cannot be guessed, the same each time; two persons cannot compare theirs."""
        ...

    def host_events(self, owner: str) -> Sequence[HostItem]:
        """All of the owner's events as he sees them; who may see what of them is decided where they are shown."""
        ...

    # decisions
    def conflicts(self, person: Person) -> Sequence[ConflictView]: ...
    def conflicts_waiting(self, person: Person) -> int: ...
    def take(self, person: Person, conflict: str, side: Winner) -> None:
        """Let this side's value count on both sides."""
        ...

    def leave(self, person: Person, conflict: str) -> None: ...
    def held(self, person: Person) -> Sequence[HeldView]: ...
    def brakes(self, person: Person) -> Sequence[BrakeView]: ...
    def approve_held(self, person: Person, ids: Sequence[str]) -> int: ...
    def restore_held(self, person: Person, ids: Sequence[str]) -> int: ...
    def parked(self, person: Person) -> Sequence[ParkedView]: ...
    def try_again(self, person: Person, item: str) -> None: ...
    def undo_facts(self, person: Person, run: str) -> UndoFacts: ...
    def undo(self, person: Person, run: str) -> str:
        """The id of the run that takes the other one back."""
        ...

    def undone(self, person: Person, run: str) -> Undone:
        """What became of an undo; ``run`` is its own."""
        ...

    def doubtful(self, person: Person) -> Sequence[MatchView]: ...
    def same(self, person: Person, link: str, ref: str) -> None: ...
    def different(self, person: Person, link: str) -> None: ...
    def mirror_again(self, person: Person, link: str) -> None: ...
    def why_event(
        self, person: Person, ref: str, kind: Kind = Kind.EVENT, at: date | datetime | None = None
    ) -> Why: ...
    def why_block(self, person: Person, link: str, at: date | datetime | None = None) -> Why: ...

    # tokens
    def person_of_token(self, token: str) -> Person | None: ...
