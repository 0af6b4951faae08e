"""A host and an engine in memory, so that the pages can be seen in every state without a store or a service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.contract.module import BlockView, HostModule, Person
from marketplace_plugin.engine.account.disconnect import Disconnected
from marketplace_plugin.engine.context import Phase, RunOutcome, Trigger
from marketplace_plugin.engine.sign_in.consent import ConsentAnswer, ConsentView
from marketplace_plugin.engine.views import (
    AdminRow,
    Asked,
    Audience,
    CollectionView,
    ConnectionState,
    ConnectionView,
    DisconnectFacts,
    Permission,
    RunState,
    RunView,
    Saved,
    SettingsForm,
    SettingsView,
    StepView,
)
from marketplace_plugin.errors import Conflict, MarketplaceError, NotFound, StateMismatch
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window
from marketplace_plugin.store.accounts.installations import RequestState
from marketplace_plugin.sync.reason import Reason
from marketplace_plugin.web.actions import Authorized, Offer, PlanView, RequestRow, SideCounts
from tests.web.fake_decisions import FakeDecisions
from tests.web.fake_form import FakeForm

NOW = datetime(2026, 11, 18, 9, 40, tzinfo=UTC)
ANNA = Person("anna", "nordwerk", "Anna Brandt", "anna@nordwerk.example", "Europe/Berlin", "de")
JONAS = Person("jonas", "nordwerk", "Jonas Weber", "jonas@nordwerk.example", "Europe/Berlin", "de")
ADMIN = Person("admin", "nordwerk", "Mira Sommer", "mira@nordwerk.example", "Europe/Berlin", "de", admin=True)
CONSENT_ADDRESS = "https://login.service.example/organizations/v2.0/adminconsent?client_id=steg&state=consent.c1.mark"


@dataclass
class FakeHost:
    """The host: ``signed_in`` is who looks."""

    name: str = "Steg"
    layout: str = ""
    shares_transaction: bool = True
    modules: Mapping[Kind, HostModule] = field(default_factory=dict)
    signed_in: Person | None = None

    def viewer(self) -> Person | None:
        return self.signed_in

    def person(self, person_id: str) -> Person | None:
        return {p.id: p for p in (ANNA, JONAS, ADMIN)}.get(person_id)

    def people(self, tenant: str) -> Sequence[Person]:
        return [p for p in (ANNA, JONAS, ADMIN) if p.tenant == tenant]

    def may_see(self, viewer: Person, owner: str) -> bool:
        person = self.person(owner)
        return person is not None and person.tenant == viewer.tenant


@dataclass
class FakeActions(FakeDecisions, FakeForm):
    """An engine that keeps everything in dictionaries. ``fail`` names a method and what it raises."""

    integrations: Sequence[Integration]
    installed: dict[str, Audience] = field(default_factory=dict)
    granted: set[tuple[str, str]] = field(default_factory=set)
    asked: dict[str, RequestRow] = field(default_factory=dict)
    connections: dict[str, tuple[str, ConnectionView]] = field(default_factory=dict)
    collections: tuple[CollectionView, ...] = ()
    stored: dict[str, SettingsForm] = field(default_factory=dict)
    history: list[RunView] = field(default_factory=list)
    test_steps: tuple[TestStep, ...] = ()
    fail: dict[str, Exception] = field(default_factory=dict)
    called: list[tuple[Any, ...]] = field(default_factory=list)
    copies: int = 0
    offered: frozenset[Kind] = frozenset({Kind.EVENT})
    unpermitted: frozenset[Kind] = frozenset()
    plan: PlanView | None = None
    consent_request: RequestState | None = None

    def _call(self, name: str, *arguments: Any) -> None:
        self.called.append((name, *arguments))
        if name in self.fail:
            raise self.fail[name]

    def now(self) -> datetime:
        return NOW

    # marketplace

    def offers(self, person: Person) -> Sequence[Offer]:
        self._call("offers", person.id)
        return [self._offer(person, integration) for integration in self.integrations]

    def _offer(self, person: Person, integration: Integration) -> Offer:
        mine = tuple(c.id for o, c in self.connections.values() if o == person.id and c.integration == integration.id)
        audience = self.installed.get(integration.id)
        asked = any(r.person == person.id and r.integration == integration.id for r in self.asked.values())
        if mine:
            permission = Permission.ADDED
        elif audience is None and person.admin:
            permission = Permission.INSTALL
        elif audience is Audience.ALL or (person.id, integration.id) in self.granted or (audience and person.admin):
            permission = Permission.ADD
        else:
            permission = Permission.REQUESTED if asked else Permission.REQUEST
        return Offer(integration, permission, audience, mine)

    def install(self, person: Person, integration: str, audience: Audience) -> None:
        self._call("install", person.id, integration, audience)
        self.installed[integration] = audience

    def uninstall(self, person: Person, integration: str) -> None:
        self._call("uninstall", person.id, integration)
        del self.installed[integration]
        for owner, view in list(self.connections.values()):
            if view.integration == integration:
                self.connections[view.id] = (owner, replace(view, state=ConnectionState.PAUSED))

    def affected(self, person: Person, integration: str) -> int:
        return sum(view.integration == integration for _, view in self.connections.values())

    def request(self, person: Person, integration: str) -> None:
        self._call("request", person.id, integration)
        self.asked["r1"] = RequestRow("r1", person.id, integration, NOW)

    def requests(self, person: Person) -> Sequence[RequestRow]:
        return list(self.asked.values())

    def settle_request(self, person: Person, request: str, grant: bool) -> Asked:
        self._call("settle_request", person.id, request, grant)
        row = self.asked.pop(request)
        if grant and row.what is Asked.INSTALL:
            self.granted.add((row.person, row.integration))
        return row.what

    def admin_rows(self, person: Person) -> Sequence[AdminRow]:
        return [
            AdminRow(v.id, owner, v.integration, v.state, NOW - timedelta(minutes=2), v.next_due, v.error, v.number)
            for owner, v in self.connections.values()
        ]

    # connections

    def add(self, person: Person, integration: str) -> str:
        self._call("add", person.id, integration)
        self.connections["c1"] = (person.id, ConnectionView("c1", integration, ConnectionState.ADDED))
        return "c1"

    def mine(self, person: Person) -> Sequence[ConnectionView]:
        return [view for owner, view in self.connections.values() if owner == person.id]

    def connection(self, person: Person, connection: str) -> ConnectionView:
        owner, view = self.connections.get(connection, ("", None))
        if view is None or owner != person.id:
            raise NotFound(connection)
        return view

    def begin(
        self, person: Person, connection: str, browser_session: str, features: frozenset[str] = frozenset()
    ) -> str:
        self.connection(person, connection)
        self._call("begin", person.id, connection, browser_session, *sorted(features))
        return f"https://service.example/authorize?state={connection}"

    def consent(self, person: Person, connection: str) -> ConsentView:
        view = self.connection(person, connection)
        return ConsentView(view.id, view.integration, CONSENT_ADDRESS, self.consent_request)

    def ask_consent(self, person: Person, connection: str) -> None:
        self.connection(person, connection)
        self._call("ask_consent", person.id, connection)
        self.consent_request = RequestState.OPEN

    def consent_answer(self, query: Mapping[str, str]) -> ConsentAnswer:
        if query.get("state") != "consent.c1.mark":
            raise StateMismatch("made up")
        owner, view = self.connections["c1"]
        return ConsentAnswer("c1", view.integration, owner, ANNA.tenant, "error" not in query)

    def finish(self, person: Person, browser_session: str, callback_url: str) -> Authorized:
        self._call("finish", person.id, browser_session, callback_url)
        view = self.connection(person, "c1")
        self.connections["c1"] = (
            person.id,
            replace(view, state=ConnectionState.CONNECTED, account="anna@gmail.example"),
        )
        return Authorized("c1", "anna@gmail.example", len(self.collections))

    def settings(self, person: Person, connection: str, reload: bool = True) -> SettingsView:
        self._call("settings", person.id, connection, reload)
        form = self.stored.get(connection)
        view = self.connection(person, connection)
        if form is None:
            return SettingsView(view, 0, self.collections, offered=self.offered, has_lists=Kind.TASK in self.offered)
        shown = tuple(
            replace(c, is_target=c.id in (form.target, *form.others), is_source=c.id in form.sources)
            for c in self.collections
        )
        return SettingsView(
            view,
            1,
            shown,
            form.switches,
            form.past_days,
            form.future_days,
            offered=self.offered,
            has_lists=Kind.TASK in self.offered,
            unpermitted=self.unpermitted & form.switches,
        )

    def save(self, person: Person, connection: str, form: SettingsForm, version: int) -> Saved:
        self._call("save", person.id, connection, form, version)
        if version != self.settings(person, connection).version:
            raise Conflict("the settings were changed")
        before = self.stored.get(connection)
        if before and before.target and form.target != before.target and self.copies and form.target_change is None:
            return Saved(version, asks=self.copies)
        self.stored[connection] = form
        owner, view = self.connections[connection]
        same_writes = before is not None and (before.target, before.switches) == (form.target, form.switches)
        self.connections[connection] = (owner, replace(view, saved=True, started=view.started and same_writes))
        return Saved(version + 1)

    def test(self, person: Person, connection: str, write: bool = False) -> Iterator[TestStep]:
        self._call("test", person.id, connection, write)
        yield from self.test_steps or (
            TestStep("sign-in", StepState.PASSED, 212, facts=(("account", "anna@gmail.example"),)),
            TestStep("scopes", StepState.PASSED, 3),
            TestStep("calendars", StepState.PASSED, 340, facts=(("count", "4"),)),
            TestStep("target", StepState.SKIPPED, cause="no-target", way_out="choose-target"),
        )

    def disconnect_facts(self, person: Person, connection: str) -> DisconnectFacts:
        self.connection(person, connection)
        return DisconnectFacts(blocks=233, converted=4, exported=57, target="Arbeit")

    def disconnect(self, person: Person, connection: str, delete_remote: bool) -> Disconnected:
        self.connection(person, connection)
        self._call("disconnect", person.id, connection, delete_remote)
        del self.connections[connection]
        return Disconnected(deleted=55, left=2) if delete_remote else Disconnected()

    # accounts behind a form: ``FakeForm`` in fake_form.py

    # plan

    def preview(self, person: Person, connection: str) -> PlanView:
        self._call("preview", person.id, connection)
        self.plan = PlanView("p1", 233, SideCounts(), SideCounts(create=5))
        return self.plan

    def current_plan(self, person: Person, connection: str) -> PlanView | None:
        return self.plan

    def approve(self, person: Person, plan: str) -> str:
        self._call("approve", person.id, plan)
        if self.plan is None or plan != self.plan.id:
            raise Conflict("another plan")
        self.plan = None
        for owner, view in list(self.connections.values()):
            if owner == person.id:
                self.connections[view.id] = (owner, replace(view, started=True, begun=True))
        return "run1"

    # sync

    def request_sync(self, person: Person) -> Sequence[RunView]:
        self._call("request_sync", person.id)
        return self.progress(person)

    def progress(self, person: Person) -> Sequence[RunView]:
        mine = {view.id for view in self.mine(person)}
        return [run for run in self.history if run.connection in mine]

    def runs(self, person: Person, connection: str, limit: int) -> Sequence[RunView]:
        self.connection(person, connection)
        return [run for run in self.history if run.connection == connection][:limit]

    def run(self, person: Person, run: str) -> RunView:
        for found in self.progress(person):
            if found.id == run:
                return found
        raise NotFound(run)

    def steps(self, person: Person, run: str) -> Sequence[StepView]:
        return [StepView("block", "create", Reason.NEW_REMOTE, 3), StepView("remote", "update", Reason.CHANGED_HOST, 1)]

    # calendar

    def convert(self, person: Person, link: str) -> str:
        self._call("convert", person.id, link)
        return "event-1" if link != "private" else "private-1"

    def keyed(self, person: Person, name: str) -> str:
        return f"keyed {len(person.id + name)}"

    def stays_private(self, person: Person, ref: str) -> bool:
        return ref == "private-1"

    def undo_conversion(self, person: Person, link: str) -> bool:
        self._call("undo_conversion", person.id, link)
        return link != "unticked"

    def stop_importing(self, person: Person, link: str) -> None:
        self._call("stop_importing", person.id, link)

    def blocks(self, person: Person, owner: str, window: Window) -> Sequence[BlockView]:
        self._call("blocks", person.id, owner, window)
        return []

    def host_events(self, owner: str) -> Sequence[HostItem]:
        self._call("host_events", owner)
        return []

    def person_of_token(self, token: str) -> Person | None:
        return {"anna-token": ANNA, "admin-token": ADMIN, "jonas-token": JONAS}.get(token)


CALENDARS = (
    CollectionView("k1", "Anna Brandt", Kind.EVENT, Role.OWNER, primary=True, can_be_target=True, blocks=128),
    CollectionView("k2", "Vertrieb", Kind.EVENT, Role.WRITER, shared_by="jonas@nordwerk.example", can_be_target=True),
    CollectionView("k3", "Familie", Kind.EVENT, Role.OWNER, can_be_target=True, is_new=True),
    CollectionView("k4", "Geburtstage", Kind.EVENT, Role.READER),
    CollectionView("k5", "Früher", Kind.EVENT, Role.FREE_BUSY, listed=False),
)


def run_view(run_id: str = "run1", **facts: Any) -> RunView:
    """A finished run of connection c1, two minutes ago."""
    start = NOW - timedelta(minutes=2)
    defaults: dict[str, Any] = {
        "trigger": Trigger.SCHEDULE,
        "state": RunState.FINISHED,
        "queued_at": start,
        "started_at": start,
        "finished_at": start + timedelta(seconds=2.1),
        "outcome": RunOutcome.DONE,
        "counts": {"block.create": 3, "remote.update": 1},
    }
    return RunView(run_id, "c1", "google", **{**defaults, **facts})


def running_view(done: int = 144) -> RunView:
    return run_view(
        state=RunState.RUNNING, finished_at=None, outcome=None, phase=Phase.READ, done=done, total=233, counts={}
    )


def connected(**facts: Any) -> ConnectionView:
    """Anna's connection c1, in use."""
    defaults: dict[str, Any] = {
        "account": "anna@gmail.example",
        "last_run": run_view(),
        "next_due": NOW + timedelta(minutes=28),
        "blocks": 233,
        "exported": 57,
        "saved": True,
        "started": True,
        "begun": facts.get("started", True),
    }
    return ConnectionView("c1", "google", facts.pop("state", ConnectionState.CONNECTED), **{**defaults, **facts})


def error_of(kind: type[MarketplaceError]) -> MarketplaceError:
    return kind("only for developers: geheim")


# ---- what the tests of pages share ----------------------------------------------------------------------------------

HTMX = {"HX-Request": "true"}


def text(answer: Any) -> str:
    """What is to be read: no tags, entities resolved, white space as one blank."""
    body = re.sub(r"<(script|style).*?</\1>", "", answer.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def add_connection(site: Any, **facts: Any) -> None:
    site.actions.connections["c1"] = (ANNA.id, connected(**facts))
    site.actions.installed["google"] = Audience.ALL
    site.actions.history = [run_view()]
