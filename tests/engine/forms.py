"""A deployment with one integration that is authorised by a form, and a plugin that does what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from marketplace_plugin.bundle.manifest import Auth, AuthType, FormField, HandOver, Integration, Setting
from marketplace_plugin.contract.hookspecs import Account, Credentials, ServerSearch, StepState, TestStep
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.account import connections, market, settings
from marketplace_plugin.engine.context import Engine, EngineSettings
from marketplace_plugin.engine.form import credentials
from marketplace_plugin.engine.form.credentials import Tried
from marketplace_plugin.engine.views import Audience, SettingsForm
from marketplace_plugin.errors import AuthorizationExpired
from marketplace_plugin.model.change import Cursor, Page
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window
from marketplace_plugin.store import Store
from tests.engine.shell import ADMIN, ANNA_HERE, BASE_URL, BROWSER, KEY, ManualClock, People, google

ACME = "acme"
GOOD = "richtig-7"
ENTERED = {"username": "anna", "password": GOOD, "server": "mail.example.org", "email": "anna@example.org"}
AUTH = Auth(
    AuthType.FORM,
    fields=(
        FormField("username"),
        FormField("password", secret=True),
        FormField("server"),
        FormField("email", required=False),
    ),
    hand_over=HandOver("cloud", ("*.cloud.example",)),
)
NOTHING, ANNAS = ServerSearch(()), Account("anna@example.org", "anna@example.org")
SETTINGS = (Setting("allowed_hosts", "ALLOWED"), Setting("ca_file", "CA"), Setting("key", "KEY", secret=True))


@dataclass
class Calendars:
    """An account with one calendar. ``refuses``: its password counts no more."""

    session: Session
    plugin: FormPlugin

    def collections(self) -> Sequence[CollectionInfo]:
        self.plugin.sent.append(self.session.secrets["password"])
        if self.plugin.refuses:
            raise AuthorizationExpired("401")
        return [CollectionInfo("cal", Kind.EVENT, "Kalender", Role.OWNER, Capabilities(frozenset({"title"})))]

    def pull(self, collection: str, since: object, window: Window) -> Iterator[Page]:
        self.plugin.sent.append(self.session.secrets["password"])
        if self.plugin.refuses:
            raise AuthorizationExpired("401")
        yield Page((), snapshot=since is None, covers=window, cursor=Cursor("c", "f", window))

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Any]:
        return []

    def find(self, collection: str, stamps: Sequence[Any]) -> Mapping[Any, Any]:
        return {}

    def push(self, collection: str, writes: Sequence[Any]) -> Iterator[Any]:
        return iter(())

    def close(self) -> None:
        pass


@dataclass
class FormPlugin:
    """``sent`` are the passwords that reached the server. ``searches`` answers, ``fails`` ends a test with a cause.
    ``meanwhile`` happens while the server looks at a password."""

    entry: Integration
    sent: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    searches: ServerSearch = NOTHING
    fails: TestStep | None = None
    account: Account | None = ANNAS
    refuses: bool = False
    meanwhile: Callable[[], None] | None = None

    def integrations(self) -> Sequence[Integration]:
        return [self.entry]

    def open_provider(self, integration: str, session: Session) -> Provider:
        self.sessions.append(session)
        return Calendars(session, self)

    def search_server(self, integration: str, email: str, session: Session) -> ServerSearch:
        self.sessions.append(session)
        return self.searches

    def test_credentials(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep | Credentials]:
        self.sessions.append(session)
        if self.fails is not None:
            yield self.fails
            return
        password = session.secrets["password"]
        self.sent.append(password)
        if self.meanwhile is not None:
            self.meanwhile()
        if password != GOOD:
            yield TestStep("sign-in", StepState.FAILED, 5, "wrong-password", "check-password")
            return
        yield TestStep("sign-in", StepState.PASSED, 5, facts=(("write", str(write)), ("target", str(target))))
        yield Credentials({"url": "https://mail.example.org/x"}, {"mailbox": session.secrets["email"]})

    def test_connection(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep]:
        self.sent.append(session.secrets["password"])
        if self.refuses:
            yield TestStep("sign-in", StepState.FAILED, 5, "wrong-password")
            return
        yield TestStep("sign-in", StepState.PASSED)

    def authorized_account(self, integration: str, claims: Mapping[str, Any], session: Session) -> Account | None:
        return self.account

    def announce(self, hook_name: str, integration: str, **arguments: Any) -> None:
        self.announced.append(hook_name)


@dataclass
class FormWorld:
    engine: Engine
    plugin: FormPlugin
    clock: ManualClock

    def add(self, person: Person = ANNA_HERE) -> str:
        return connections.add(self.engine, person, ACME)

    def test(self, connection: str, *, browser: str = BROWSER, write: bool = False, **other: str) -> Tried:
        return credentials.test(self.engine, ANNA_HERE, connection, browser, {**ENTERED, **other}, write=write)

    def save(self, connection: str, *, browser: str = BROWSER, **other: str) -> None:
        credentials.save(self.engine, ANNA_HERE, connection, browser, {**ENTERED, "password": "", **other})

    def connected(self) -> str:
        connection = self.add()
        assert self.test(connection).passed
        self.save(connection)
        return connection

    def choose(self, connection: str) -> None:
        """Its one calendar is a source."""
        shown = settings.settings(self.engine, ANNA_HERE, connection, reload=False)
        sources = frozenset(one.id for one in shown.collections)
        settings.save(
            self.engine, ANNA_HERE, connection, SettingsForm(None, sources, frozenset({Kind.EVENT})), shown.version
        )


@contextmanager
def form_world(folder: Path, **deployment: str) -> Iterator[FormWorld]:
    """Everybody of the tenant may add it; ``deployment`` are its settings."""
    clock = ManualClock()
    store = Store.open(f"sqlite:///{folder}/engine.db", [KEY])
    entry = replace(google(), id=ACME, auth=AUTH, settings=SETTINGS)
    plugin = FormPlugin(entry)
    given = {"allowed_hosts": "mail.example.org", "key": "deployment-secret", **deployment}
    engine = Engine(store, People(), plugin, clock, store.instance_id, settings=EngineSettings(BASE_URL, {ACME: given}))
    market.install(engine, ADMIN, ACME, Audience.ALL)
    yield FormWorld(engine, plugin, clock)
    store.close()
