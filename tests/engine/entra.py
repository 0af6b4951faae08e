"""A deployment with Office365 Kalender alone, its own hooks, and the Microsoft sandbox over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.account import connections as engine_connections
from marketplace_plugin.engine.account import market
from marketplace_plugin.engine.context import Engine, EngineSettings
from marketplace_plugin.engine.sign_in import authorize
from marketplace_plugin.engine.sign_in.authorize import Authorized
from marketplace_plugin.engine.views import Audience
from marketplace_plugin.sandbox.graph import DEFAULT_CLIENT, GraphSandbox
from marketplace_plugin.sandbox.graph.seed import ANNA
from marketplace_plugin.store import Store, connections, grants
from marketplace_plugin.store.accounts.connections import Connection
from marketplace_plugin.store.accounts.grants import Grant
from tests.engine.shell import ADMIN, ANNA_HERE, BASE_URL, BROWSER, KEY, ROOT, ManualClock, People

OFFICE = "office365"
CALLBACK = f"{BASE_URL}/oauth/callback"


def environment(url: str, **more: str) -> dict[str, str]:
    """The settings that lead to the sandbox at ``url``; ``more`` by the part of their names behind MICROSOFT."""
    return {
        "MARKETPLACE_MICROSOFT_CLIENT_ID": DEFAULT_CLIENT.client_id,
        "MARKETPLACE_MICROSOFT_CLIENT_SECRET": DEFAULT_CLIENT.client_secret,
        "MARKETPLACE_MICROSOFT_AUTHORITY": url,
        "MARKETPLACE_GRAPH_ROOT": f"{url}/v1.0",
        **{f"MARKETPLACE_MICROSOFT_{name.upper()}": value for name, value in more.items()},
    }


class Visitor:
    """Somebody in front of Entra's pages, who follows no redirect to the client."""

    def __init__(self, url: str) -> None:
        self._root = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self._http = requests.Session()
        self._http.trust_env = False
        self._page = self._http.get(url, allow_redirects=False, timeout=10)

    def press(self, step: str, **form: str) -> Visitor:
        """Send the form that is shown."""
        assert self._page.status_code == 200, self._page.text
        (flow,) = re.findall(r'name="flow" value="([^"]+)"', self._page.text)[:1]
        data = {"flow": unescape(flow), **form}
        self._page = self._http.post(f"{self._root}/signin/{step}", data=data, allow_redirects=False, timeout=10)
        return self

    def account(self, email: str) -> Visitor:
        return self.press("account", account=email)

    def decide(self, decision: str) -> Visitor:
        return self.press("consent", decision=decision)

    @property
    def text(self) -> str:
        return self._page.text

    @property
    def back(self) -> str:
        """The address that the browser is sent back to."""
        assert self._page.status_code == 302, self._page.text
        return self._page.headers["Location"]

    @property
    def answer(self) -> dict[str, str]:
        """Its query."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.back).query).items()}


@dataclass
class EntraWorld:
    engine: Engine
    sandbox: GraphSandbox
    clock: ManualClock
    entry: Integration

    def set_up(self, **more: str) -> None:
        """The deployment's settings anew, as ``environment`` takes them."""
        values = self.entry.setting_values(environment(self.sandbox.url, **more))
        self.engine = replace(self.engine, settings=replace(self.engine.settings, integrations={OFFICE: values}))

    def add(self, person: Person = ANNA_HERE) -> str:
        return engine_connections.add(self.engine, person, OFFICE)

    def begin(self, connection: str, person: Person = ANNA_HERE, *features: str) -> Visitor:
        return Visitor(authorize.begin(self.engine, person, connection, BROWSER, frozenset(features)))

    def finish(self, back: str, person: Person = ANNA_HERE) -> Authorized:
        return authorize.finish(self.engine, person, BROWSER, back)

    def connect(self, email: str = ANNA, person: Person = ANNA_HERE) -> str:
        """A connection that went the whole way."""
        connection = self.add(person)
        self.finish(self.begin(connection, person).account(email).decide("accept").back, person)
        return connection

    def row(self, connection: str) -> Connection:
        with self.engine.store.read() as c:
            found = connections.get(c, connection)
        assert found is not None
        return found

    def grant(self, connection: str) -> Grant | None:
        with self.engine.store.read() as c:
            return grants.get(c, connection)

    def token_requests(self) -> list[Mapping[str, str]]:
        """The bodies of what was sent to the token endpoint."""
        rows = self.sandbox.requests("POST", "/token")
        return [{name: values[0] for name, values in parse_qs(row.body.decode()).items()} for row in rows]


@contextmanager
def entra_world(folder: Path) -> Iterator[EntraWorld]:
    clock = ManualClock()
    store = Store.open(f"sqlite:///{folder}/engine.db", [KEY])
    registry = Registry.of(ROOT)
    entry = next(one for one in registry.integrations() if one.id == OFFICE)
    with GraphSandbox(clock) as sandbox:
        sandbox.register_redirect(CALLBACK)
        engine = Engine(store, People(), registry, clock, store.instance_id, settings=EngineSettings(BASE_URL, {}))
        made = EntraWorld(engine, sandbox, clock, entry)
        made.set_up()
        market.install(made.engine, ADMIN, OFFICE, Audience.ALL)
        yield made
    store.close()
