"""How the API is used: one description, one pool, few requests; and what a refusal means."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    InsecureTransport,
    PermissionDenied,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.write import Applied, Create, DeferScope, Delete, Update
from marketplace_plugin.providers.google import GoogleAccount, transport
from marketplace_plugin.providers.google.errors import Refusal, for_read, refusal
from tests.providers.google.world import (
    ANNA,
    JONAS,
    World,
    changes,
    cursor,
    found,
    one,
    pages,
    stamp,
    timed,
    when,
)
from tests.providers.world import NOW, Token

START = datetime.fromisoformat("2026-12-01T10:00")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


# --- one of each ---------------------------------------------------------------------------------------------------


def test_all_accounts_share_one_description_and_one_pool(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    class Counted(transport.Api):
        def __init__(self, name: str, root: str) -> None:
            built.append(root)
            super().__init__(name, root)

    monkeypatch.setattr(transport, "Api", Counted)
    pool = transport.pool()
    for email in (ANNA, JONAS) * 3:
        pages(world.open(email), collection=email)
    assert built == [world.sandbox.url]
    assert transport.pool() is pool
    assert pool.connection_from_url(world.sandbox.url).num_connections == 1


def test_threads_share_them_too(world: World) -> None:
    world.user().insert(timed("Single", START))
    world.user(JONAS).insert(timed("Other", START))
    wrong: list[str] = []
    accounts = [(world.open(email), email) for email in (ANNA, JONAS) * 8]
    start = threading.Barrier(len(accounts))

    def work(google: GoogleAccount, email: str) -> None:
        start.wait()
        for _ in range(5):
            (item,) = found(changes(pages(google, collection=email))).values()
            expected = "Single" if email == ANNA else "Other"
            if not isinstance(item.item, Event) or item.item.title != expected:
                wrong.append(email)

    threads = [threading.Thread(target=work, args=account) for account in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(world.requests()) == 16 * 5
    assert all(row.status == 200 for row in world.requests())


def test_every_request_names_its_columns_and_every_write_is_silent(world: World) -> None:
    google = world.open()
    google.collections()
    mark = cursor(pages(google))
    event = Event(when=when(START), title="Ours")
    created = one(google, Create("op", stamp("link"), event))
    assert isinstance(created, Applied)
    assert created.stored is not None
    there = created.stored
    one(google, Update("op2", there.id, there.revision, event, Event(when=when(START)), frozenset({"title"})))
    (current,) = found(changes(pages(google, mark))).values()
    google.fetch(ANNA, [there.id, "neverseen"])
    google.find(ANNA, [stamp("link")])
    one(google, Delete("op3", there.id, current.revision))
    for row in world.requests():
        params = dict(row.params)
        assert ("fields" in params) == (row.method != "DELETE"), row.path
        assert params.get("sendUpdates") == (None if row.method == "GET" else "none")
        assert params.get("maxResults") in (None, "1", "250", "2500")
    assert {row.method for row in world.requests()} == {"GET", "POST", "PATCH", "DELETE"}


def test_a_refusal_is_one_request(world: World) -> None:
    world.sandbox.faults.add("status", status=503, retry_after=1)
    with pytest.raises(Unavailable):
        world.open().collections()
    assert len(world.requests()) == 1


# --- tokens --------------------------------------------------------------------------------------------------------


def test_a_refused_token_is_refreshed_once(world: World) -> None:
    bearer = Token("old", world.token())
    google = world.open(bearer=bearer)
    google.collections()
    google.collections()
    assert bearer.refused == ["old"]
    assert [row.status for row in world.requests()] == [401, 200, 200]


def test_a_refused_fresh_token_ends_it(world: World) -> None:
    bearer = Token("old", "fresh", "never asked for")
    with pytest.raises(AuthorizationExpired):
        world.open(bearer=bearer).collections()
    assert bearer.refused == ["old"]
    assert len(world.requests()) == 2


def test_what_the_bearer_raises_is_passed_on(world: World) -> None:
    with pytest.raises(AuthorizationExpired):
        world.open(bearer=Token("old")).collections()


def test_no_account_without_a_token(world: World) -> None:
    session = world.session()
    object.__setattr__(session, "bearer", None)
    with pytest.raises(AuthorizationExpired):
        GoogleAccount(session)


# --- where to ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", ["http://www.googleapis.com", "http://127.0.0.1.example", "ftp://localhost", "", "x"])
def test_plain_http_is_for_loopback_alone(root: str) -> None:
    with pytest.raises(InsecureTransport):
        transport.api("calendar", root)


@pytest.mark.parametrize("root", ["https://www.googleapis.com", "http://localhost:1/", "http://[::1]:1"])
def test_these_roots_are_accepted(root: str) -> None:
    assert transport.api("calendar", root) is transport.api("calendar", root.rstrip("/"))


def test_logs_hold_no_addresses_at_any_level(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.user().insert(timed("Planted", START))
    google = world.open()
    pages(google)
    world.sandbox.faults.add("status", status=403, reason="forbidden")
    with pytest.raises(PermissionDenied):
        pages(google)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("werkzeug")]
    assert not any("anna" in message or "Planted" in message for message in ours)


# --- refusals ------------------------------------------------------------------------------------------------------


def answer(status: int, reason: str = "", retry_after: str | None = None) -> Refusal:
    content = orjson.dumps({"error": {"code": status, "errors": [{"reason": reason, "message": "Zahnarzt"}]}})
    return refusal(status, retry_after, content, NOW)


@pytest.mark.parametrize(
    "header, pause",
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        ("Wed, 18 Nov 2026 09:31:00 GMT", timedelta(seconds=60)),
        ("Wed, 18 Nov 2026 09:00:00 GMT", timedelta()),
        ("later", None),
    ],
)
def test_retry_after(header: str | None, pause: timedelta | None) -> None:
    assert datetime(2026, 11, 18, 9, 30, tzinfo=UTC) == NOW
    assert answer(429, "rateLimitExceeded", header).pause == pause


@pytest.mark.parametrize(
    "status, reason, scope",
    [
        (429, "", DeferScope.CONNECTION),
        (403, "rateLimitExceeded", DeferScope.CONNECTION),
        (403, "userRateLimitExceeded", DeferScope.CONNECTION),
        (403, "quotaExceeded", DeferScope.CONNECTION),
        (403, "dailyLimitExceeded", DeferScope.PROJECT),
        (403, "forbidden", None),
        (500, "backendError", None),
    ],
)
def test_how_far_a_pause_reaches(status: int, reason: str, scope: DeferScope | None) -> None:
    assert answer(status, reason).scope is scope


@pytest.mark.parametrize(
    "problem, error",
    [
        (answer(401), AuthorizationExpired),
        (answer(403, "insufficientPermissions"), PermissionDenied),
        (answer(403, "accessNotConfigured"), PermissionDenied),
        (answer(403, "forbidden"), PermissionDenied),
        (answer(403, "rateLimitExceeded"), Throttled),
        (answer(404, "notFound"), CollectionGone),
        (answer(429), Throttled),
        (answer(500), Unavailable),
        (answer(302), Unavailable),
        (answer(400, "invalid"), Unavailable),
        (refusal(502, None, b"<html>Bad gateway</html>", NOW), Unavailable),
        (refusal(503, None, b"[]", NOW), Unavailable),
    ],
)
def test_what_a_refused_read_raises(problem: Refusal, error: type[Exception]) -> None:
    raised = for_read(problem)
    assert type(raised) is error
    assert "Zahnarzt" not in str(raised)
