"""A deployment for tests of the engine's shell: a store in a file, a host of four people, the Google sandbox over
HTTP, and a plugin that lists calendars and does nothing else. One clock, moved by hand, is everybody's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import requests

from marketplace_plugin.bundle.load import Bundle, open_all
from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.contract.hookspecs import Account, Credentials, ServerSearch, StepState, TestStep
from marketplace_plugin.contract.module import HostModule, Person, UnitOfWork
from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.account import connections as engine_connections
from marketplace_plugin.engine.account import market
from marketplace_plugin.engine.context import Engine, EngineSettings
from marketplace_plugin.engine.sign_in import authorize
from marketplace_plugin.engine.views import Audience
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import (
    Checkpoint,
    Cursor,
    Found,
    Gone,
    HostCursor,
    HostGone,
    HostItem,
    HostPage,
    Page,
    Revision,
    Stamp,
    Unreadable,
)
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.time import Window
from marketplace_plugin.model.write import Applied, Delete, HostOutcome, HostWrite, Outcome, Stale, Write
from marketplace_plugin.sandbox.google import DEFAULT_CLIENT, GoogleSandbox
from marketplace_plugin.sandbox.google.seed import ANNA
from marketplace_plugin.store import Store

ROOT = Path(__file__).resolve().parents[2]
KEY = bytes(range(32))
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BASE_URL = "http://127.0.0.1:5000"
BROWSER = "the secret of one browser session"

ANNA_HERE = Person("p-anna", "t1", "Anna Brandt", "anna@steg.example", "Europe/Berlin")
JONAS_HERE = Person("p-jonas", "t1", "Jonas Weber", "jonas@steg.example", "Europe/Berlin")
ADMIN = Person("p-admin", "t1", "Admin", "admin@steg.example", "Europe/Berlin", admin=True)
STRANGER = Person("p-stranger", "t2", "Stranger", "stranger@other.example", "Europe/Berlin")
ROLES = {"freeBusyReader": Role.FREE_BUSY, "reader": Role.READER, "writer": Role.WRITER, "owner": Role.OWNER}


class ManualClock:
    """Time stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class NoItems:
    """A module of a host that holds nothing."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def changes(self, owner: str, since: HostCursor | None, limit: int) -> HostPage:
        return HostPage((), HostCursor("0"))

    def get(self, owner: str, refs: Sequence[str]) -> Sequence[HostItem | HostGone]:
        return [HostGone(ref) for ref in refs]

    def apply(self, owner: str, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
        raise AssertionError("nothing is written here")


MODULES: Mapping[Kind, HostModule] = {kind: NoItems(kind) for kind in (Kind.EVENT, Kind.TASK, Kind.CALL)}


@dataclass
class People:
    """A host of four people, without items."""

    name: str = "Test"
    layout: str = ""
    shares_transaction: bool = True
    modules: Mapping[Kind, HostModule] = field(default_factory=lambda: MODULES)
    everybody: Sequence[Person] = (ANNA_HERE, JONAS_HERE, ADMIN, STRANGER)

    def viewer(self) -> Person | None:
        return None

    def person(self, person_id: str) -> Person | None:
        return next((one for one in self.everybody if one.id == person_id), None)

    def people(self, tenant: str) -> Sequence[Person]:
        return [one for one in self.everybody if one.tenant == tenant]

    def may_see(self, viewer: Person, owner: str) -> bool:
        other = self.person(owner)
        return other is not None and other.tenant == viewer.tenant


class ListsCalendars:
    """A provider that reads the account's calendar list, as the real one would, and holds no events but ``standing``,
    by id, at their first revision. ``stale``: ids that somebody edits before they are written."""

    def __init__(self, session: Session, standing: Mapping[str, Item], stale: frozenset[str]) -> None:
        self._session, self._standing, self._stale = session, standing, stale
        self.closed = False
        self.pushed: list[tuple[str, Write]] = []

    def collections(self) -> Sequence[CollectionInfo]:
        assert self._session.bearer is not None
        token = self._session.bearer()
        answer = self._list(token)
        if answer.status_code == 401:
            answer = self._list(self._session.bearer(refused=token))
        if answer.status_code != 200:
            raise Unavailable("the calendar list")
        return [
            CollectionInfo(
                row["id"],
                Kind.EVENT,
                row["summary"],
                ROLES[row["accessRole"]],
                Capabilities(frozenset({"title"})),
                primary=row.get("primary", False),
            )
            for row in answer.json()["items"]
        ]

    def _list(self, token: str) -> requests.Response:
        url = self._session.settings["api_root"] + "/calendar/v3/users/me/calendarList"
        with requests.Session() as http:
            http.trust_env = False
            return http.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    def pull(self, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
        yield Page((), snapshot=since is None, covers=window, cursor=Cursor("c", "f", window))

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Found | Gone | Unreadable]:
        there = self._standing
        return [Found(one, Revision("1"), there[one]) if one in there else Gone(one) for one in ids]

    def find(self, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        return {}

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        for write in writes:
            self.pushed.append((collection, write))
            assert isinstance(write, Delete)
            yield Stale(write.op, None) if write.id in self._stale else Applied(write.op, write.id, None, None)

    def close(self) -> None:
        self.closed = True


@dataclass
class OnePlugin:
    """The plugins of a deployment that has one integration, told by the real manifest."""

    entries: Sequence[Integration]
    announced: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    opened: list[ListsCalendars] = field(default_factory=list)
    standing: Mapping[str, Item] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()
    down: bool = False
    account: Callable[[Mapping[str, Any]], Account | None] = lambda claims: Account(claims["sub"], claims["email"])

    def open_provider(self, integration: str, session: Session) -> Provider:
        if self.down:
            raise Unavailable("the service is down")
        self.opened.append(ListsCalendars(session, self.standing, self.stale))
        return self.opened[-1]

    def test_connection(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep]:
        yield TestStep("sign-in", StepState.PASSED, 12, facts=(("target", str(target)), ("write", str(write))))

    def search_server(self, integration: str, email: str, session: Session) -> ServerSearch:
        raise AssertionError("there is no form")

    def test_credentials(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep | Credentials]:
        raise AssertionError("there is no form")

    def authorized_account(self, integration: str, claims: Mapping[str, Any], session: Session) -> Account | None:
        return self.account(claims)

    def announce(self, hook_name: str, integration: str, **arguments: Any) -> None:
        self.announced.append((hook_name, integration, arguments))

    def integrations(self) -> Sequence[Integration]:
        return self.entries


class Browser:
    """Somebody at the service's sign-in pages."""

    def __init__(self, email: str = ANNA) -> None:
        self.email = email

    def __call__(self, url: str, *, allow: bool = True, untick: str = "") -> str:
        """Sign in, tick all scopes whose name does not hold ``untick``, and return the address of the callback."""
        with requests.Session() as http:
            http.trust_env = False
            page = http.get(url, timeout=10)
            page = self._post(http, url, "account", page, account=self.email)
            scopes = [unescape(s) for s in re.findall(r'name="scope" value="([^"]+)"', page.text)]
            ticked = [s for s in scopes if not untick or untick not in s]
            decision = "allow" if allow else "deny"
            answer = self._post(http, url, "consent", page, scope=ticked, decision=decision)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def _post(
        self, http: requests.Session, url: str, step: str, page: requests.Response, **form: Any
    ) -> requests.Response:
        assert page.status_code == 200, page.text
        (flow,) = re.findall(r'name="flow" value="([^"]+)"', page.text)[:1]
        root = url.partition("?")[0]
        return http.post(f"{root}/{step}", data={"flow": unescape(flow), **form}, allow_redirects=False, timeout=10)


@dataclass
class World:
    engine: Engine
    sandbox: GoogleSandbox
    plugins: OnePlugin
    clock: ManualClock


def install(world: World, audience: Audience = Audience.ALL) -> None:
    market.install(world.engine, ADMIN, "google", audience)


def connect(world: World, person: Person = ANNA_HERE, email: str = ANNA) -> str:
    """A connection that went the whole way through the service's sign-in."""
    connection = engine_connections.add(world.engine, person, "google")
    url = authorize.begin(world.engine, person, connection, BROWSER)
    authorize.finish(world.engine, person, BROWSER, Browser(email)(url))
    return connection


def google() -> Integration:
    """The entry of our own manifest."""
    (bundle,) = open_all([ROOT])
    assert isinstance(bundle, Bundle)
    return next(entry for entry in bundle.manifest.integrations if entry.id == "google")


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    clock = ManualClock()
    store = Store.open(f"sqlite:///{folder}/engine.db", [KEY])
    entry = google()
    plugins = OnePlugin([entry])
    with GoogleSandbox(clock) as sandbox:
        sandbox.register_redirect(f"{BASE_URL}/oauth/callback")
        settings = EngineSettings(BASE_URL, {"google": dict(_settings(entry, sandbox.url))})
        yield World(
            Engine(store, People(), plugins, clock, store.instance_id, settings=settings), sandbox, plugins, clock
        )
    store.close()


def _settings(entry: Integration, url: str) -> Mapping[str, str]:
    return entry.setting_values(
        {
            "MARKETPLACE_GOOGLE_CLIENT_ID": DEFAULT_CLIENT.client_id,
            "MARKETPLACE_GOOGLE_CLIENT_SECRET": DEFAULT_CLIENT.client_secret,
            **{f"MARKETPLACE_GOOGLE_{api}_ROOT": url for api in ("API", "PEOPLE", "TASKS")},
            "MARKETPLACE_GOOGLE_AUTHORIZE_URL": f"{url}/o/oauth2/v2/auth",
            "MARKETPLACE_GOOGLE_TOKEN_URL": f"{url}/token",
            "MARKETPLACE_GOOGLE_REVOKE_URL": f"{url}/revoke",
        }
    )
