"""How requests reach Microsoft Graph, and what refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    ContractViolation,
    CursorExpired,
    InsecureTransport,
    PermissionDenied,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.write import Deferred, Refused, RefusedCode, Unanswered
from marketplace_plugin.providers.graph import GraphAccount, errors
from marketplace_plugin.providers.graph.errors import Refusal
from marketplace_plugin.providers.graph.transport import PREFER, Call, Client, pool
from marketplace_plugin.sandbox.graph.faults import Action
from tests.providers.graph.world import GraphServing, World
from tests.providers.serving import STAMP, meeting, pull
from tests.providers.world import NOW, WINDOW, Token


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def serving(world: World) -> GraphServing:
    return GraphServing(world)


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, code, kind",
    [
        (401, "InvalidAuthenticationToken", AuthorizationExpired),
        (403, "ErrorAccessDenied", PermissionDenied),
        (404, "ErrorItemNotFound", CollectionGone),
        (400, "ErrorInvalidIdMalformed", CollectionGone),
        (429, "ApplicationThrottled", Throttled),
        (503, "ErrorServerBusy", Throttled),
        (500, "ErrorInternalServerError", Unavailable),
        (400, "BadRequest", Unavailable),
    ],
)
def test_what_a_refused_read_raises(status: int, code: str, kind: type[Exception]) -> None:
    assert isinstance(errors.for_read(Refusal(status, code)), kind)


@pytest.mark.parametrize(
    "status, code, outcome",
    [
        (429, "", Deferred("op", timedelta(seconds=7))),
        (503, "", Deferred("op", timedelta(seconds=7))),
        (500, "", Unanswered("op")),
        (403, "ErrorAccessDenied", Refused("op", RefusedCode.FORBIDDEN, permanent=False)),
        (413, "", Refused("op", RefusedCode.TOO_LARGE)),
        (400, "ErrorOccurrenceCrossingBoundary", Refused("op", RefusedCode.UNSUPPORTED)),
        (400, "ErrorPropertyValidationFailure", Refused("op", RefusedCode.INVALID)),
    ],
)
def test_what_comes_of_a_refused_write(status: int, code: str, outcome: object) -> None:
    assert errors.for_write("op", Refusal(status, code, timedelta(seconds=7))) == outcome


@pytest.mark.parametrize(
    "status, code", [(410, ""), (400, "SyncStateNotFound"), (400, "syncStateInvalid"), (404, "resyncRequired")]
)
def test_a_token_that_ended(status: int, code: str) -> None:
    assert Refusal(status, code).expired


def test_the_envelope_is_read_and_no_message_kept() -> None:
    body = {"error": {"code": "ErrorX", "message": "about Anna", "@event.existingEventId": "one"}}
    problem = errors.refusal(400, {"retry-after": "12"}, body, NOW)
    assert (problem.reason, problem.existing, problem.pause) == ("ErrorX", "one", timedelta(seconds=12))
    assert "Anna" not in repr(problem)
    assert errors.refusal(502, {}, None, NOW).reason == ""
    assert errors.refusal(502, {}, {"error": "text"}, NOW).reason == ""


# --- requests ------------------------------------------------------------------------------------------------------


def test_each_call_says_what_it_prefers_also_inside_a_batch(serving: GraphServing, world: World) -> None:
    for number in range(3):
        serving.create(serving.calendar, meeting(f"Termin {number}", 20 + number))
    pull(serving)
    inside = world.sandbox.requests(batched=True)
    assert len(inside) == 3
    for row in [*inside, *world.requests()]:
        assert dict(row.headers).get("Prefer") == PREFER


def test_many_items_take_batches_of_twenty(serving: GraphServing, world: World) -> None:
    for number in range(25):
        serving.create(serving.calendar, meeting(f"Termin {number}", 1 + number))
    before = len(world.requests("POST", "/v1.0/$batch"))
    pull(serving)
    assert len(world.requests("POST", "/v1.0/$batch")) - before == 2


def test_an_unchanged_pass_is_one_request(serving: GraphServing) -> None:
    serving.create(serving.calendar, meeting())
    cursor = pull(serving).cursor
    before = serving.requests()
    assert pull(serving, cursor).last == {}
    assert serving.requests() - before == 1


def test_a_refused_token_is_refreshed_once(serving: GraphServing, world: World) -> None:
    bearer = Token("stale", world.token())
    world.open(bearer=bearer).collections()
    assert bearer.refused == ["stale"]


def test_a_fresh_token_that_is_refused_too_is_the_end(serving: GraphServing, world: World) -> None:
    with pytest.raises(AuthorizationExpired):
        world.open(bearer=Token("stale", "stale too")).collections()


def test_one_pool_for_the_process(world: World) -> None:
    assert pool() is pool()
    assert Client(world.session())._pool is Client(world.session())._pool


@pytest.mark.parametrize("root", ["http://graph.microsoft.com/v1.0", "ftp://127.0.0.1", "graph.microsoft.com"])
def test_the_root_is_https_or_loopback(world: World, root: str) -> None:
    with pytest.raises(InsecureTransport):
        GraphAccount(replace(world.session(), settings={"graph_root": root}))


@pytest.mark.parametrize("end", ["", "/", "/v1.0", "/v1.0/"])
def test_the_root_is_taken_with_and_without_its_version(world: World, end: str) -> None:
    session = replace(world.session(), settings={"graph_root": f"{world.sandbox.url}{end}"})
    assert GraphAccount(session).collections()


def test_without_a_bearer(world: World) -> None:
    with pytest.raises(AuthorizationExpired):
        GraphAccount(replace(world.session(), bearer=None))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/me/x",
        "http://127.0.0.1:1/v1.0/me/x",
        "{root}.evil.example/me",
        "{scheme}://a@{host}/v1.0/me",
        "{scheme}://{host}/beta/me",
        "{scheme}://{host}/v1.0evil",
        "//{host}/v1.0/me",
        "https://{host}/v1.0/me",
        "{scheme}://{name}:1/v1.0/me",
        "{scheme}://{name}/v1.0/me",
        "{scheme}://:pw@{host}/v1.0/me",
        "{scheme}://{host}@evil.example/v1.0/me",
        "{scheme}://{host}%40evil.example/v1.0/me",
        "{scheme}://{host}.evil.example/v1.0/me",
        "{scheme}://{host}\\@evil.example/v1.0/me",
        "{scheme}:\\\\evil.example/v1.0/me",
        "{scheme}://evil.example#@{host}/v1.0/me",
        "{scheme}://evil.example?@{host}/v1.0/me",
        "{scheme}://evil.example\t/v1.0/me",
        "{scheme}://{host}\r\nHost: evil.example/v1.0/me",
        "{root}/../beta/me",
        "{root}/%2e%2e/beta/me",
        "{root}/..",
        " {root}/me",
        "javascript:{root}/me",
        "http://[",
        "",
    ],
)
def test_links_are_followed_on_the_configured_root_only(world: World, link: str) -> None:
    client = Client(world.session())
    scheme, _, rest = client.root.partition("://")
    with pytest.raises(ContractViolation):
        client.follow(
            link.format(root=client.root, scheme=scheme, host=rest.partition("/")[0], name=rest.partition(":")[0])
        )
    assert world.requests() == []


@pytest.mark.parametrize("link", ["{root}/me/x?$skiptoken=a.b..c/../d", "{root}/me/x('a')/delta()?$deltatoken=%2F"])
def test_links_of_the_service_are_followed(world: World, link: str) -> None:
    client = Client(world.session())
    assert client.is_ours(link.format(root=client.root))


def test_a_plus_sign_is_none() -> None:
    assert Call("GET", "/me", {"$filter": "a b+c"}).target == "/me?%24filter=a%20b%2Bc"


# --- faults --------------------------------------------------------------------------------------------------------


def test_a_server_without_a_connection(world: World) -> None:
    session = replace(world.session(), settings={"graph_root": "http://127.0.0.1:9/v1.0"})
    with pytest.raises(Unavailable):
        GraphAccount(session).collections()


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "truncate"])
def test_an_answer_that_breaks_off(serving: GraphServing, world: World, action: Action) -> None:
    provider = world.open()
    world.sandbox.faults.add(action, path="/me/calendars")
    with pytest.raises(Unavailable):
        provider.collections()


def test_a_batch_of_which_nothing_is_answered_ends_the_page(serving: GraphServing, world: World) -> None:
    for number in range(4):
        serving.create(serving.calendar, meeting(f"Termin {number}", 20 + number))
    world.sandbox.faults.add("status", method="GET", path="/events/", status=429, retry_after=11, times=4)
    with pytest.raises(Throttled) as caught:
        list(world.open().pull(serving.calendar, None, WINDOW))
    assert caught.value.retry_after == timedelta(seconds=11)
    assert len(world.requests("POST", "/$batch")) == 1


def test_what_is_throttled_beside_others_is_asked_for_again(serving: GraphServing, world: World) -> None:
    """Fewer at a time, as long as that brings something."""
    created = {serving.create(serving.calendar, meeting(f"Termin {number}", 1 + number)) for number in range(24)}
    world.sandbox.faults.add("status", method="GET", path="/events/", status=429, retry_after=11, skip=10, times=12)
    assert {found.id for found in serving.open().fetch(serving.calendar, sorted(created))} == created
    sizes = [len(row.json["requests"]) for row in world.requests("POST", "/$batch")]
    assert sizes == [20, 4, 4, 4, 4, 20, 4]  # the events, and where they lie


@pytest.mark.parametrize(
    "code, status", [("SyncStateNotFound", 410), ("SyncStateInvalid", 400), ("resyncRequired", 410)]
)
def test_an_ended_cursor(serving: GraphServing, world: World, code: str, status: int) -> None:
    cursor = pull(serving).cursor
    world.sandbox.state.expire_delta_tokens(code=code, status=status)
    with pytest.raises(CursorExpired):
        list(world.open().pull(serving.calendar, cursor, cursor.window or WINDOW))


def test_a_round_whose_token_ends_half_way_is_no_expired_cursor(serving: GraphServing, world: World) -> None:
    serving.small_pages()
    for number in range(5):
        serving.create(serving.calendar, meeting(f"Termin {number}", 20 + number))
    pages = world.open().pull(serving.calendar, None, WINDOW)
    next(pages)
    world.sandbox.state.expire_delta_tokens()
    with pytest.raises(Unavailable):
        list(pages)


def test_a_cursor_of_another_service_is_sent_nowhere(serving: GraphServing, world: World) -> None:
    cursor = replace(pull(serving).cursor, token="https://elsewhere.example/v1.0/me?x=1")
    told = pull(serving, cursor)
    assert told.snapshot


def test_stamps_are_quoted(serving: GraphServing, world: World) -> None:
    assert dict(world.open().find(serving.calendar, [replace(STAMP, link="o'neill & co")])) == {}
