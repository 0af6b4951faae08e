"""She signs in again while a pass still meets the end of her former grant: the new one counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from marketplace_plugin.bundle.manifest import Scope
from marketplace_plugin.contract.hookspecs import Account
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.engine.sign_in import authorize, grants, oauth
from marketplace_plugin.errors import AuthorizationExpired, ProviderError, Unavailable
from marketplace_plugin.providers.memory import MemoryAccount, MemoryProvider
from marketplace_plugin.store import connections
from marketplace_plugin.store import grants as stored
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from tests.laws.world import World, event
from tests.regressions.seeing import person, titles

SERVICE = "https://service.example"
CLIENT = oauth.Client(
    "client", "secret", f"{SERVICE}/auth", f"{SERVICE}/token", f"{SERVICE}/revoke", SERVICE, (Scope("calendar"),), ()
)
BROWSER = "the secret of one browser session"


@pytest.fixture
def sign_in(hosted: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The whole way through a sign-in at a service that agrees."""
    monkeypatch.setattr(grants, "oauth_client", lambda engine, name: CLIENT)
    monkeypatch.setattr(oauth, "exchange", lambda *_: oauth.Tokens("access", "refresh", None, None))
    monkeypatch.setattr(oauth, "claims_of", lambda *_: {})
    monkeypatch.setattr(hosted.plugins, "authorized_account", lambda *_: Account("ada", "ada@service.example"))

    def done(connection: str) -> None:
        url = authorize.begin(hosted.engine, person(hosted), connection, BROWSER)
        state = url.partition("state=")[2].partition("&")[0]
        authorize.finish(hosted.engine, person(hosted), BROWSER, f"{SERVICE}?code=c&state={state}")

    return done


def connected(world: World, account: MemoryAccount) -> str:
    """A connection to the account that the sign-in finds, at rest."""
    ada = world.connect("ada", account)
    key = grants.account_key(world.engine, "memory", "ada")
    with world.store.begin() as unit:
        connections.authorised(unit.connection, ada, key, "ada@service.example", world.clock())
    world.settle(ada)
    return ada


def row_of(world: World, connection: str) -> Connection:
    with world.store.read() as c:
        found = connections.get(c, connection)
    assert found is not None
    return found


def meanwhile(monkeypatch: pytest.MonkeyPatch, where: str, act: Callable[[], None], error: ProviderError) -> None:
    """The next call of the provider's method ends with ``error``, and ``act`` has happened before it does."""
    real = getattr(MemoryProvider, where)

    def refused(self: MemoryProvider, *_: Any, **__: Any) -> Iterator[Any]:
        monkeypatch.setattr(MemoryProvider, where, real)
        act()
        raise error

    monkeypatch.setattr(MemoryProvider, where, refused)


@pytest.mark.parametrize("where", ["pull", "push"])
def test_a_refusal_of_the_former_grant_ends_nothing(
    hosted: World, sign_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Marked as expired over a grant that counts, nothing is synced until she signs in for a third time."""
    account = hosted.account()
    ada = connected(hosted, account)
    hosted.host.create("ada", event("Here", 12))
    hosted.clock.forward(minutes=31)
    meanwhile(monkeypatch, where, lambda: sign_in(ada), AuthorizationExpired("the former token"))
    assert hosted.sync(ada).outcome is RunOutcome.LEASE_LOST
    row = row_of(hosted, ada)
    assert (row.state, row.error, row.next_due) == (ConnectionState.CONNECTED, None, hosted.clock())
    with hosted.store.read() as c:
        grant = stored.get(c, ada)
    assert grant is not None
    assert grant.alive
    hosted.settle(ada)
    assert titles(account) == ["Here"]


def test_another_failure_is_not_told_of_the_new_sign_in(
    hosted: World, sign_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = connected(hosted, hosted.account())
    hosted.clock.forward(minutes=31)
    meanwhile(monkeypatch, "pull", lambda: sign_in(ada), Unavailable("down"))
    hosted.sync(ada)
    row = row_of(hosted, ada)
    assert (row.state, row.error, row.backoff_until) == (ConnectionState.CONNECTED, None, None)
