"""A stand-in that runs on a clock of its own, watched over all its replies, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import requests

from marketplace_plugin.sandbox.frame.stand_in import StandIn

START = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)

Json = dict[str, Any]
AnyStandIn = TypeVar("AnyStandIn", bound=StandIn)


class ManualClock:
    """Time stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@contextmanager
def watched(made: Callable[..., AnyStandIn], check: Callable[[Any], Any], clock: ManualClock) -> Iterator[AnyStandIn]:
    """The seeded stand-in with ``check`` around its application; each of its replies has to keep the contract."""
    with made(clock, wrap=check) as running:
        yield running
    watch: Any = running.app
    assert not watch.replies, "\n".join(watch.replies)


class Client(Protocol):
    session: requests.Session


AnyClient = TypeVar("AnyClient", bound=Client)


@contextmanager
def clients(made: Callable[..., AnyClient]) -> Iterator[Callable[..., AnyClient]]:
    """Makes clients, whose sessions are closed at the end."""
    kept: list[AnyClient] = []

    def make(*given: Any, **more: Any) -> AnyClient:
        kept.append(made(*given, **more))
        return kept[-1]

    yield make
    for client in kept:
        client.session.close()


class BearerApi:
    """A user's requests below ``root``, with a token."""

    def __init__(self, root: str, token: str) -> None:
        self.root = root
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, verb: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        raise NotImplementedError

    def ok(self, verb: str, path: str, body: Any = None, **more: Any) -> Json:
        """The reply's JSON; fails on a refusal."""
        reply = self(verb, path, body, **more)
        assert reply.status_code < 400, reply.text
        found: Json = reply.json() if reply.content else {}
        return found

    def refusal(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and error of a refusal."""
        reply = self(verb, path, body, **more)
        assert reply.status_code >= 400, reply.text
        return reply.status_code, reply.json()["error"]
