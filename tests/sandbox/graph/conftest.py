"""A Microsoft sandbox over real HTTP on a clock of its own, and a client on requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.seed import ANNA
from tests.sandbox.graph.contract import GraphContractCheck

Json = dict[str, Any]

SCOPES = ("User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared", "offline_access")
START = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
ZONE = "W. Europe Standard Time"
OUR_ID = "String {8ECCC264-6880-4EBE-992F-8888D2EEAA1D} Name StegLink"
IMMUTABLE = 'IdType="ImmutableId"'
UNKNOWN_IN_REPLIES = ("exceptionOccurrences",)
"""What the service sends although the metadata that the contract was made from does not name it."""


class ManualClock:
    """Time stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class Api:
    """A user's requests to ``/v1.0``."""

    def __init__(self, url: str, token: str) -> None:
        self.root = f"{url}/v1.0"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        prefer: str | None = None,
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> requests.Response:
        """``path`` below ``/v1.0/`` or a whole link; ``top=3`` becomes ``$top=3``."""
        url = path if path.startswith("http") else f"{self.root}/{path}"
        query = {name if name.endswith("DateTime") else f"${name}": value for name, value in params.items()}
        sent = dict(headers or {})
        if prefer is not None:
            sent["Prefer"] = prefer
        return self.session.request(verb, url, json=body, params=query or None, headers=sent, timeout=20)

    def ok(self, verb: str, path: str, body: Any = None, **more: Any) -> Json:
        """The reply's JSON; fails on a refusal."""
        reply = self(verb, path, body, **more)
        assert reply.status_code < 400, reply.text
        found: Json = reply.json() if reply.content else {}
        return found

    def refused(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """Status and code of a refusal."""
        reply = self(verb, path, body, **more)
        assert reply.status_code >= 400, reply.text
        return reply.status_code, reply.json()["error"]["code"]

    def create(self, body: Json, calendar: str | None = None, **more: Any) -> Json:
        """A new event."""
        where = "me/events" if calendar is None else f"me/calendars/{calendar}/events"
        return self.ok("POST", where, body, **more)

    def calendars(self) -> dict[str, Json]:
        """The calendars by name."""
        return {item["name"]: item for item in self.items("me/calendars")}

    def items(self, path: str, **more: Any) -> list[Json]:
        """The items of all pages."""
        found = self.ok("GET", path, **more)
        items = list(found["value"])
        while "@odata.nextLink" in found:
            found = self.ok("GET", found["@odata.nextLink"], prefer=more.get("prefer"))
            items += found["value"]
        return items

    def round(self, link: str, **more: Any) -> tuple[list[Json], str]:
        """All items of a round of change tracking, and the deltaLink at its end."""
        found = self.ok("GET", link, **more)
        items = list(found["value"])
        while "@odata.nextLink" in found:
            assert "@odata.deltaLink" not in found
            found = self.ok("GET", found["@odata.nextLink"], prefer=more.get("prefer"))
            items += found["value"]
        return items, found["@odata.deltaLink"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[GraphSandbox]:
    """The seeded sandbox; each of its replies has to keep the contract."""
    checks: list[GraphContractCheck] = []

    def wrap(app: Any) -> GraphContractCheck:
        checks.append(GraphContractCheck(app))
        return checks[0]

    with GraphSandbox(clock, wrap=wrap) as running:
        yield running
    assert not checks[0].replies, "\n".join(checks[0].replies)
    unknown = [text for text in checks[0].warnings if not any(name in text for name in UNKNOWN_IN_REPLIES)]
    assert not unknown, "\n".join(unknown)


@pytest.fixture
def contract(sandbox: GraphSandbox) -> GraphContractCheck:
    """The watch over requests and replies."""
    check = sandbox.app
    assert isinstance(check, GraphContractCheck)
    return check


@pytest.fixture
def connect(sandbox: GraphSandbox) -> Iterator[Callable[..., Api]]:
    """Makes a client for a user with scopes."""
    made: list[Api] = []

    def make(email: str = ANNA, scopes: tuple[str, ...] = SCOPES) -> Api:
        made.append(Api(sandbox.url, sandbox.issue_tokens(email, scopes).access_token))
        return made[-1]

    yield make
    for api in made:
        api.session.close()


@pytest.fixture
def anna(connect: Callable[..., Api]) -> Api:
    """Anna's client with the scopes of a two-way sync."""
    return connect()


@pytest.fixture
def act(sandbox: GraphSandbox) -> Callable[[str], Actor]:
    """Another client of a user."""
    return lambda email: Actor(sandbox.state, email)


def timed(subject: str = "Termin", day: str = "2026-11-20", hour: int = 9, **more: Any) -> Json:
    """A body of one hour in Berlin."""
    return {
        "subject": subject,
        "start": {"dateTime": f"{day}T{hour:02}:00:00", "timeZone": ZONE},
        "end": {"dateTime": f"{day}T{hour + 1:02}:00:00", "timeZone": ZONE},
        **more,
    }


def all_day(subject: str = "Tag", start: str = "2026-11-20", end: str = "2026-11-21", **more: Any) -> Json:
    """A body of whole days, the end exclusive."""
    edges = {name: {"dateTime": f"{day}T00:00:00", "timeZone": ZONE} for name, day in (("start", start), ("end", end))}
    return {"subject": subject, "isAllDay": True, **edges, **more}


def recurrence(start: str, kind: str = "weekly", until: str | int | None = None, **pattern: Any) -> Json:
    """A rule that begins on ``start``; ``until`` is a date, a number of occurrences or nothing."""
    extent: Json = {"type": "noEnd", "startDate": start}
    if isinstance(until, int):
        extent |= {"type": "numbered", "numberOfOccurrences": until}
    elif until is not None:
        extent |= {"type": "endDate", "endDate": until}
    return {"pattern": {"type": kind, "interval": 1, **pattern}, "range": extent}


def guest(address: str) -> Json:
    """A required attendee."""
    return {"type": "required", "emailAddress": {"address": address, "name": address}}
