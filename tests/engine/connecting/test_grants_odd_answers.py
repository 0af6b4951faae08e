"""Numbers that nobody expects in a token endpoint's answer: the tokens are kept, the right to refresh is given back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from marketplace_plugin.engine.sign_in.grants import StoredBearer
from marketplace_plugin.errors import ContractViolation, Throttled
from marketplace_plugin.store import grants
from marketplace_plugin.store.accounts.grants import Grant
from tests.engine.shell import World

YEAR = timedelta(days=365)
SENT = "Wed, 18 Nov 2026 09:30:00 GMT"
Answer = Callable[[requests.Response], None]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    """What is done with the answers of the token endpoint on their way, one after the other."""
    asked: list[Answer] = []
    send = HTTPAdapter.send

    def changed(adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        response = send(adapter, request, *args, **options)
        if asked and str(request.url).endswith("/token"):
            asked.pop(0)(response)
        return response

    monkeypatch.setattr(HTTPAdapter, "send", changed)
    return asked


def telling(**fields: Any) -> Answer:
    def change(response: requests.Response) -> None:
        response._content = json.dumps({**response.json(), **fields}).encode()

    return change


def asking_for_a_pause(headers: Mapping[str, str]) -> Answer:
    def change(response: requests.Response) -> None:
        response.status_code = 429
        response.headers.update(headers)

    return change


def grant_of(world: World, connection: str) -> Grant:
    with world.engine.store.read() as c:
        found = grants.get(c, connection)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "told, lifetime",
    [
        (3599, timedelta(seconds=3599)),
        ("3599", timedelta(seconds=3599)),
        (3600.5, timedelta(hours=1)),
        (2**31 - 1, YEAR),
        (10**12, YEAR),
        (2**63 - 1, YEAR),
        (-(10**12), timedelta()),
        ("never", None),
        ("9" * 5000, None),
        (float("inf"), None),
        (float("nan"), None),
        ([3600], None),
        ({}, None),
        (None, None),
    ],
)
def test_a_lifetime_of_any_shape_costs_no_token(
    world: World, connection: str, answers: list[Answer], told: Any, lifetime: timedelta | None
) -> None:
    """The service may have ended the old refresh token by then."""
    old = grant_of(world, connection)
    answers.append(telling(expires_in=told, refresh_token="rotated"))
    access = StoredBearer(world.engine, connection)(refused=old.access)
    new = grant_of(world, connection)
    assert (new.access, new.refresh) == (access, "rotated")
    assert access != old.access
    assert new.expires_at == (None if lifetime is None else world.clock() + lifetime)


@pytest.mark.parametrize(
    "headers, pause",
    [
        ({"Retry-After": "5"}, timedelta(seconds=5)),
        ({"Retry-After": "5", "Date": "today"}, timedelta(seconds=5)),
        ({"Retry-After": "99999999999999999"}, timedelta(days=7)),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "Wed, 18 Nov 2026 09:31:00 GMT"}, timedelta(minutes=1)),
        ({"Retry-After": "Wed, 18 Nov 2026 09:31:00 -0000"}, timedelta(minutes=1)),
        (
            {"Retry-After": "Wed, 18 Nov 2026 09:31:00 GMT", "Date": "Wed, 18 Nov 2026 09:30:00 -0000"},
            timedelta(minutes=1),
        ),
        ({"Retry-After": "Wed, 18 Nov 2026 09:31:00 GMT", "Date": "today"}, None),
        ({"Retry-After": "Wed, 18 Nov 2026 99999999999:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_a_pause_of_any_shape_is_one(
    world: World, connection: str, answers: list[Answer], headers: Mapping[str, str], pause: timedelta | None
) -> None:
    old = grant_of(world, connection)
    answers.append(asking_for_a_pause({"Date": SENT, **headers}))
    with pytest.raises(Throttled) as raised:
        StoredBearer(world.engine, connection)(refused=old.access)
    assert raised.value.retry_after == pause
    assert StoredBearer(world.engine, connection)(refused=old.access) != old.access


def test_an_answer_with_a_number_that_nobody_reads_gives_the_right_back(
    world: World, connection: str, answers: list[Answer]
) -> None:
    def endless(response: requests.Response) -> None:
        response._content = b'{"access_token": "a", "expires_in": ' + b"9" * 5000 + b"}"

    old = grant_of(world, connection)
    answers.append(endless)
    with pytest.raises(ContractViolation):
        StoredBearer(world.engine, connection)(refused=old.access)
    assert StoredBearer(world.engine, connection)(refused=old.access) != old.access
