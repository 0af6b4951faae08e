"""``Actions`` on the engine: which of its functions answers what, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace_plugin.contract.hookspecs import TestStep
from marketplace_plugin.contract.module import BlockView, Person
from marketplace_plugin.engine.account import connections, disconnect, market, settings
from marketplace_plugin.engine.acts import convert, preview, undo, why
from marketplace_plugin.engine.acts.chosen import mirroring
from marketplace_plugin.engine.acts.preview import PlanSummary
from marketplace_plugin.engine.acts.undo import UndoFacts, Undone
from marketplace_plugin.engine.acts.waiting import conflicts, held, matches
from marketplace_plugin.engine.acts.waiting.conflicts import ConflictView
from marketplace_plugin.engine.acts.waiting.held import BrakeView, HeldView, ParkedView
from marketplace_plugin.engine.acts.waiting.matches import MatchView
from marketplace_plugin.engine.acts.why import Why
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.engine.context import Engine, RunResult
from marketplace_plugin.engine.form import credentials, servers
from marketplace_plugin.engine.form.credentials import FormView, Searched, Tried
from marketplace_plugin.engine.form.servers import ServersView
from marketplace_plugin.engine.sign_in import authorize, consent
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
from marketplace_plugin.engine.work import requests
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window
from marketplace_plugin.store import tokens
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.web.actions import Actions, Authorized, Offer, PlanNotMade, PlanView, RequestRow, SideCounts

HOST_PAGE = 1000  # items of one read of a host module
USED = timedelta(minutes=1)
"""So exactly is known when a token was used last."""


@dataclass(frozen=True, slots=True)
class EngineActions(Actions):
    engine: Engine

    def now(self) -> datetime:
        return self.engine.now()

    # --- marketplace ------------------------------------------------------------------------------------------------

    def offers(self, person: Person) -> Sequence[Offer]:
        return market.offers(self.engine, person)

    def install(self, person: Person, integration: str, audience: Audience) -> None:
        market.install(self.engine, person, integration, audience)

    def uninstall(self, person: Person, integration: str) -> None:
        market.uninstall(self.engine, person, integration)

    def affected(self, person: Person, integration: str) -> int:
        return market.affected(self.engine, person, integration)

    def request(self, person: Person, integration: str) -> None:
        market.request(self.engine, person, integration)

    def requests(self, person: Person) -> Sequence[RequestRow]:
        return market.open_requests(self.engine, person)

    def settle_request(self, person: Person, request: str, grant: bool) -> Asked:
        return market.settle_request(self.engine, person, request, grant=grant)

    def admin_rows(self, person: Person) -> Sequence[AdminRow]:
        return market.admin_rows(self.engine, person)

    # --- connections ------------------------------------------------------------------------------------------------

    def add(self, person: Person, integration: str) -> str:
        return connections.add(self.engine, person, integration)

    def mine(self, person: Person) -> Sequence[ConnectionView]:
        return connections.mine(self.engine, person)

    def connection(self, person: Person, connection: str) -> ConnectionView:
        return connections.one(self.engine, person, connection)

    def begin(
        self, person: Person, connection: str, browser_session: str, features: frozenset[str] = frozenset()
    ) -> str:
        return authorize.begin(self.engine, person, connection, browser_session, features)

    def consent(self, person: Person, connection: str) -> ConsentView:
        return consent.view(self.engine, person, connection)

    def ask_consent(self, person: Person, connection: str) -> None:
        consent.ask(self.engine, person, connection)

    def consent_answer(self, query: Mapping[str, str]) -> ConsentAnswer:
        return consent.answer(self.engine, query)

    def finish(self, person: Person, browser_session: str, callback_url: str) -> Authorized:
        found = authorize.finish(self.engine, person, browser_session, callback_url)
        return Authorized(found.connection, found.account, len(found.collections), found.missing)

    def settings(self, person: Person, connection: str, reload: bool = True) -> SettingsView:
        return settings.settings(self.engine, person, connection, reload)

    def save(self, person: Person, connection: str, form: SettingsForm, version: int) -> Saved:
        return settings.save(self.engine, person, connection, form, version)

    def test(self, person: Person, connection: str, write: bool = False) -> Iterator[TestStep]:
        return connections.examine(self.engine, person, connection, write)

    def disconnect_facts(self, person: Person, connection: str) -> DisconnectFacts:
        return disconnect.disconnect_facts(self.engine, person, connection)

    def disconnect(self, person: Person, connection: str, delete_remote: bool) -> disconnect.Disconnected:
        return disconnect.disconnect(self.engine, person, connection, delete_remote)

    # --- accounts behind a form -------------------------------------------------------------------------------------

    def form(self, person: Person, connection: str) -> FormView:
        return credentials.form(self.engine, person, connection)

    def search_server(self, person: Person, connection: str, email: str) -> Searched:
        return credentials.search(self.engine, person, connection, email)

    def test_credentials(
        self, person: Person, connection: str, browser_session: str, entered: Mapping[str, str], write: bool
    ) -> Tried:
        return credentials.test(self.engine, person, connection, browser_session, entered, write=write)

    def save_credentials(
        self, person: Person, connection: str, browser_session: str, entered: Mapping[str, str]
    ) -> Authorized:
        found = credentials.save(self.engine, person, connection, browser_session, entered)
        return Authorized(found.connection, found.account, len(found.collections), found.missing)

    def ask_server(self, person: Person, connection: str, server: str) -> None:
        credentials.ask_for(self.engine, person, connection, server)

    def servers(self, person: Person) -> Sequence[ServersView]:
        return servers.listed(self.engine, person)

    def save_servers(
        self, person: Person, integration: str, allowed: str, authorities: str, contact: str, known: str | None
    ) -> None:
        servers.save(self.engine, person, integration, allowed, authorities, contact, known)

    def distrust(self, person: Person, integration: str, fingerprint: str) -> None:
        servers.distrust(self.engine, person, integration, fingerprint)

    # --- plan -------------------------------------------------------------------------------------------------------

    def preview(self, person: Person, connection: str) -> PlanView:
        if connections.one(self.engine, person, connection).started:
            raise Conflict("these settings were approved: a pass would write")
        made = preview.preview(self.engine, connection)
        if isinstance(made, RunResult):
            raise PlanNotMade(made.error or made.outcome.value)
        return _plan(made)

    def current_plan(self, person: Person, connection: str) -> PlanView | None:
        connections.one(self.engine, person, connection)
        found = preview.current_plan(self.engine, connection)
        return _plan(found) if found is not None and found.waiting else None

    def approve(self, person: Person, plan: str) -> str:
        return preview.approve(self.engine, plan, person)

    # --- sync -------------------------------------------------------------------------------------------------------

    def request_sync(self, person: Person) -> Sequence[RunView]:
        return requests.request_sync(self.engine, person)

    def progress(self, person: Person) -> Sequence[RunView]:
        return requests.progress(self.engine, person)

    def runs(self, person: Person, connection: str, limit: int) -> Sequence[RunView]:
        return requests.runs_of(self.engine, person, connection, limit)

    def run(self, person: Person, run: str) -> RunView:
        return requests.run(self.engine, person, run)

    def steps(self, person: Person, run: str) -> Sequence[StepView]:
        return requests.steps(self.engine, person, run)

    # --- calendar ---------------------------------------------------------------------------------------------------

    def convert(self, person: Person, link: str) -> str:
        return convert.convert(self.engine, person, link)

    def stays_private(self, person: Person, ref: str) -> bool:
        return convert.stays_private(self.engine, person, ref)

    def undo_conversion(self, person: Person, link: str) -> bool:
        return convert.undo_conversion(self.engine, person, link)

    def stop_importing(self, person: Person, link: str) -> None:
        convert.stop_importing(self.engine, person, link)

    def blocks(self, person: Person, owner: str, window: Window) -> Sequence[BlockView]:
        return StoredBlocks(self.engine).blocks(person.id, owner, window)

    def keyed(self, person: Person, name: str) -> str:
        return self.engine.store.vault.keyed(f"hidden\0{person.id}\0{name}".encode())[:24]

    def host_events(self, owner: str) -> Sequence[HostItem]:
        """All of the owner's events; who may see what of them is decided where they are shown."""
        module, since, found = self.engine.host.modules.get(Kind.EVENT), None, []
        while module is not None:
            page = module.changes(owner, since, HOST_PAGE)
            found += [item for item in page.changes if isinstance(item, HostItem)]
            since = page.cursor
            if not page.more:
                break
        return found

    # --- decisions --------------------------------------------------------------------------------------------------

    def conflicts(self, person: Person) -> Sequence[ConflictView]:
        return conflicts.listed(self.engine, person)

    def conflicts_waiting(self, person: Person) -> int:
        return conflicts.waiting(self.engine, person)

    def take(self, person: Person, conflict: str, side: Winner) -> None:
        conflicts.take(self.engine, person, conflict, side)

    def leave(self, person: Person, conflict: str) -> None:
        conflicts.leave(self.engine, person, conflict)

    def held(self, person: Person) -> Sequence[HeldView]:
        return held.deletions(self.engine, person)

    def brakes(self, person: Person) -> Sequence[BrakeView]:
        return held.brakes(self.engine, person)

    def approve_held(self, person: Person, ids: Sequence[str]) -> int:
        return held.approve(self.engine, person, ids)

    def restore_held(self, person: Person, ids: Sequence[str]) -> int:
        return held.restore(self.engine, person, ids)

    def parked(self, person: Person) -> Sequence[ParkedView]:
        return held.parked(self.engine, person)

    def try_again(self, person: Person, item: str) -> None:
        held.again(self.engine, person, item)

    def undo_facts(self, person: Person, run: str) -> UndoFacts:
        return undo.facts(self.engine, person, run)

    def undo(self, person: Person, run: str) -> str:
        return undo.undo(self.engine, person, run)

    def undone(self, person: Person, run: str) -> Undone:
        return undo.result(self.engine, person, run)

    def doubtful(self, person: Person) -> Sequence[MatchView]:
        return matches.doubtful(self.engine, person)

    def same(self, person: Person, link: str, ref: str) -> None:
        matches.same(self.engine, person, link, ref)

    def different(self, person: Person, link: str) -> None:
        matches.different(self.engine, person, link)

    def mirror_again(self, person: Person, link: str) -> None:
        mirroring.mirror_again(self.engine, person, link)

    def why_event(self, person: Person, ref: str, kind: Kind = Kind.EVENT, at: date | datetime | None = None) -> Why:
        return why.of_event(self.engine, person, ref, kind, at)

    def why_block(self, person: Person, link: str, at: date | datetime | None = None) -> Why:
        return why.of_block(self.engine, person, link, at)

    # --- tokens -----------------------------------------------------------------------------------------------------

    def person_of_token(self, token: str) -> Person | None:
        now = self.engine.now()
        with self.engine.store.read() as c:  # whoever sends any token must not take the place of a writer
            known = tokens.valid(c, token, now)
        if known is None:
            return None
        if known.used_at is None or not timedelta(0) <= now - known.used_at < USED:
            with self.engine.store.begin() as unit:
                tokens.touch(unit.connection, token, now)
        return self.engine.host.person(known.user)


def _plan(made: PlanSummary) -> PlanView:
    return PlanView(
        made.id,
        blocks=made.blocks,
        host=_side("host", made.counts),
        remote=_side("remote", made.counts),
        guests=made.guests,
        mails=made.mails,
        kinds={kind: (_side("host", told), _side("remote", told)) for kind, told in made.kinds.items()},
    )


def _side(side: str, counts: Mapping[str, int]) -> SideCounts:
    return SideCounts(*(counts.get(f"{side}.{deed}", 0) for deed in ("create", "update", "delete")))
