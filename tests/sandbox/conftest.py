"""A sandbox over real HTTP on a clock of its own, and two clients: requests and googleapiclient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httplib2
import pytest
import requests
from googleapiclient.discovery import build_from_document

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.oauth.scopes import BASE
from marketplace_plugin.sandbox.google.seed import ANNA
from tests.sandbox.contract import ContractCheck, discovery
from tests.sandbox.running import BearerApi, Json, ManualClock, clients, watched

EVENTS = (BASE + "calendar.events", BASE + "calendar.calendarlist.readonly")


class Api(BearerApi):
    """A user's requests to ``/calendar/v3``."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(f"{url}/calendar/v3", token)

    def __call__(
        self,
        verb: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> requests.Response:
        query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items()}
        return self.session.request(verb, f"{self.root}/{path}", json=body, params=query, headers=headers, timeout=10)

    def refused(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """Status and reason of a refusal."""
        status, error = self.refusal(verb, path, body, **more)
        return status, error["errors"][0]["reason"]

    def pages(self, path: str, **params: Any) -> list[Json]:
        """All pages of a list."""
        found = [self.ok("GET", path, **params)]
        while "nextPageToken" in found[-1]:
            found.append(self.ok("GET", path, **params, pageToken=found[-1]["nextPageToken"]))
        return found

    def items(self, path: str, **params: Any) -> list[Json]:
        """The items of all pages of a list."""
        return [item for page in self.pages(path, **params) for item in page["items"]]


class HttpClient:
    """What googleapiclient calls, on requests: one connection that is kept alive."""

    def __init__(self, token: str) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = token

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any
    ) -> tuple[httplib2.Response, bytes]:
        sent = {**dict(headers or {}), "authorization": f"Bearer {self.token}"}
        reply = self.session.request(method, uri, data=body, headers=sent, timeout=10)
        return httplib2.Response({**reply.headers, "status": str(reply.status_code)}), reply.content

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[GoogleSandbox]:
    """The seeded sandbox; each of its replies has to keep the published contract."""
    with watched(GoogleSandbox, ContractCheck, clock) as running:
        yield running


@pytest.fixture
def contract(sandbox: GoogleSandbox) -> ContractCheck:
    """The watch over requests and replies."""
    check = sandbox.app
    assert isinstance(check, ContractCheck)
    return check


@pytest.fixture
def connect(sandbox: GoogleSandbox) -> Iterator[Callable[..., Api]]:
    """Makes a client for a user with scopes."""

    def make(email: str = ANNA, scopes: tuple[str, ...] = EVENTS) -> Api:
        return Api(sandbox.url, sandbox.issue_tokens(email, scopes).access_token)

    with clients(make) as connected:
        yield connected


@pytest.fixture
def anna(connect: Callable[..., Api]) -> Api:
    """Anna's client with the scopes of a two-way sync."""
    return connect()


@pytest.fixture
def act(sandbox: GoogleSandbox) -> Callable[[str], Actor]:
    """Another client of a user."""
    return lambda email: Actor(sandbox.state, email)


@pytest.fixture
def service(sandbox: GoogleSandbox) -> Iterator[Any]:
    """google-api-python-client for Anna, at the sandbox."""
    http = HttpClient(sandbox.issue_tokens(ANNA, EVENTS).access_token)
    document = {**discovery(), "rootUrl": f"{sandbox.url}/", "baseUrl": f"{sandbox.url}/calendar/v3/"}
    found = build_from_document(document, http=http)
    yield found
    found.close()
    http.close()


def timed(summary: str = "Termin", *, day: str = "2026-11-20", hour: int = 9, **more: Any) -> Json:
    """A body of one hour in Berlin."""
    return {
        "summary": summary,
        "start": {"dateTime": f"{day}T{hour:02}:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": f"{day}T{hour + 1:02}:00:00", "timeZone": "Europe/Berlin"},
        **more,
    }


def all_day(summary: str = "Tag", start: str = "2026-11-20", end: str = "2026-11-21", **more: Any) -> Json:
    """A body of whole days, the end exclusive."""
    return {"summary": summary, "start": {"date": start}, "end": {"date": end}, **more}
