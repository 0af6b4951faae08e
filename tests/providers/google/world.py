"""A Google sandbox over real HTTP, held to the discovery document, and accounts opened on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.change import Change, Cursor, Found, Page, Stamp, Tombstone, Unreadable, Upsert
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.time import Timed, Window, Zoned
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.providers.google import GoogleAccount
from marketplace_plugin.sandbox.google import Account, GoogleSandbox, Logged
from marketplace_plugin.sandbox.google.act import Actor
from tests.providers.world import INSTANCE, WINDOW, SandboxWorld, Token
from tests.sandbox.contract import ContractCheck

Json = dict[str, Any]

ANNA, JONAS = "anna@example.org", "jonas@example.org"
SCOPES = frozenset(
    f"https://www.googleapis.com/auth/{name}" for name in ("calendar.events", "calendar.calendarlist.readonly")
)
BERLIN = "Europe/Berlin"
TEAM = "team@group.calendar.google.com"
WEEKLY = ["RRULE:FREQ=WEEKLY"]


@dataclass
class World(SandboxWorld[GoogleSandbox]):
    """``accounts``: the addresses of who has one."""

    accounts: tuple[str, ...] = (ANNA, JONAS)

    contract: ClassVar[type[Any]] = ContractCheck

    def __post_init__(self) -> None:
        people = [Account(email, email.partition("@")[0].title(), f"sub-{email}") for email in self.accounts]
        self.sandbox = GoogleSandbox(clock=lambda: self.now, accounts=people, wrap=self._watch, seeded=False)

    def broken(self, check: Any) -> list[str]:
        return [*check.requests, *check.replies]

    # --- accounts ----------------------------------------------------------------------------------------------

    def token(self, email: str = ANNA) -> str:
        return self.sandbox.issue_tokens(email, SCOPES).access_token

    def session(self, email: str = ANNA, bearer: Any = None) -> Session:
        return self._session(
            email,
            bearer=bearer or Token(self.token(email)),
            settings={"api_root": self.sandbox.url},
            granted=SCOPES,
        )

    def open(self, email: str = ANNA, bearer: Any = None) -> GoogleAccount:
        return GoogleAccount(self.session(email, bearer))

    def user(self, email: str = ANNA) -> Actor:
        """A person with another client."""
        return Actor(self.sandbox.state, email)

    def requests(self, method: str = "", path: str = "/calendar/v3") -> list[Logged]:
        return self.sandbox.requests(method, path)

    def forget_requests(self) -> None:
        self.sandbox.log.clear()


def wall(day: int, hour: int = 10, month: int = 11) -> datetime:
    """A wall time of 2026, naive."""
    return datetime.fromisoformat(f"2026-{month:02}-{day:02}T{hour:02}:00")


# --- bodies as a person's client writes them -----------------------------------------------------------------------


def timed(summary: str, start: datetime, minutes: int = 60, **more: Any) -> Json:
    """``start`` is a naive wall time in Berlin."""
    return {"summary": summary, "start": at(start), "end": at(start + timedelta(minutes=minutes)), **more}


def at(wall: datetime, zone: str = BERLIN) -> Json:
    return {"dateTime": wall.replace(tzinfo=ZoneInfo(zone)).isoformat(), "timeZone": zone}


def instance_id(master: str, wall: datetime, zone: str = BERLIN) -> str:
    instant = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return f"{master}_{instant:%Y%m%dT%H%M%SZ}"


# --- our side ------------------------------------------------------------------------------------------------------


def when(start: datetime, minutes: int = 60, zone: str = BERLIN) -> Timed:
    return Timed(Zoned(start, zone), Zoned(start + timedelta(minutes=minutes), zone))


def stamp(link: str) -> Stamp:
    return Stamp(INSTANCE, link)


def pages(google: GoogleAccount, since: Any = None, collection: str = ANNA, window: Window = WINDOW) -> list[Page]:
    return list(google.pull(collection, since, window))


def changes(pages_: list[Page]) -> list[Change]:
    return [change for page in pages_ for change in page.changes]


def found(changes_: list[Change]) -> dict[str, Found]:
    return {change.id: change.found for change in changes_ if isinstance(change, Upsert)}


def gone(changes_: list[Change]) -> set[str]:
    return {change.id for change in changes_ if isinstance(change, Tombstone)}


def unreadable(changes_: list[Change]) -> dict[str, str]:
    return {change.id: change.reason.value for change in changes_ if isinstance(change, Unreadable)}


def cursor(pages_: list[Page]) -> Cursor:
    last = pages_[-1].cursor
    assert last is not None
    assert all(page.cursor is None for page in pages_[:-1])
    return last


def by_title(changes_: list[Change]) -> dict[str, Found]:
    result: dict[str, Found] = {}
    for item in found(changes_).values():
        event = event_of(item)
        result[str(event.title)] = item
    return result


def event_of(item: Found) -> Event:
    match item.item:
        case Event() as event:
            return event
        case Series() as series:
            return series.master
    raise AssertionError(f"no event: {item.item!r}")


def series_of(item: Found) -> Series:
    assert isinstance(item.item, Series)
    return item.item


def push(google: GoogleAccount, *writes: Write, collection: str = ANNA) -> list[Outcome]:
    return list(google.push(collection, writes))


def one(google: GoogleAccount, write: Write, collection: str = ANNA) -> Outcome:
    (outcome,) = push(google, write, collection=collection)
    return outcome
