"""A Microsoft sandbox over real HTTP on a clock of its own, and a client on requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.seed import ANNA
from tests.sandbox.graph.contract import GraphContractCheck
from tests.sandbox.running import BearerApi, Json, ManualClock, clients, watched

SCOPES = ("User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared", "offline_access")
ZONE = "W. Europe Standard Time"
OUR_ID = "String {8ECCC264-6880-4EBE-992F-8888D2EEAA1D} Name StegLink"
IMMUTABLE = 'IdType="ImmutableId"'
UNKNOWN_IN_REPLIES = ("exceptionOccurrences",)
"""What the service sends although the metadata that the contract was made from does not name it."""


class Api(BearerApi):
    """A user's requests to ``/v1.0``."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(f"{url}/v1.0", token)

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

    def refused(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """Status and code of a refusal."""
        status, error = self.refusal(verb, path, body, **more)
        return status, error["code"]

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
def sandbox(clock: ManualClock) -> Iterator[GraphSandbox]:
    """The seeded sandbox; each of its replies has to keep the contract."""
    with watched(GraphSandbox, GraphContractCheck, clock) as running:
        yield running
    check: Any = running.app
    unknown = [text for text in check.warnings if not any(name in text for name in UNKNOWN_IN_REPLIES)]
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

    def make(email: str = ANNA, scopes: tuple[str, ...] = SCOPES) -> Api:
        return Api(sandbox.url, sandbox.issue_tokens(email, scopes).access_token)

    with clients(make) as connected:
        yield connected


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
