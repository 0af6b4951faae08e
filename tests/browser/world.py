"""A whole installation on this machine: Steg served as in production, and the stand-ins of the services beside it.

It is a Wednesday in November 2026; from there the clock goes on at the real pace.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING, Any

from marketplace_plugin import app, config, demo
from marketplace_plugin.contract.module import Person
from marketplace_plugin.host import seed
from marketplace_plugin.sandbox.dns import NameServer
from marketplace_plugin.sandbox.ews import Actor as ExchangeActor
from marketplace_plugin.sandbox.ews import EwsSandbox
from marketplace_plugin.sandbox.google import Actor, GoogleSandbox
from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor as MicrosoftActor
from marketplace_plugin.store import tokens
from marketplace_plugin.store.vault import new_key
from tests.logged import logged
from tests.sandbox.contract import ContractCheck
from tests.sandbox.ews.contract import EwsContractCheck
from tests.sandbox.graph.contract import GraphContractCheck
from tests.serving import served

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

START = datetime(2026, 11, 18, 9, tzinfo=UTC)
TODAY = START.date()
MONDAY = TODAY - timedelta(days=TODAY.weekday())

GOOGLE_ANNA = "anna.brandt@gmail.example"
GOOGLE_ANNA_PRIVATE = "anna.privat@gmail.example"
GOOGLE_JONAS = "jonas.weber@gmail.example"
FAMILY = "familie-7f3a@group.calendar.google.com"

EXCHANGE_ANNA = "anna.brandt@nordwerk.example"
MICROSOFT_ANNA = "anna.brandt@nordwerk.example"
MICROSOFT_LENA = "lena.hoffmann@strikt.example"
"""Her directory lets only its admin consent to calendars."""
MICROSOFT_ADMIN = "admin@strikt.example"

Json = dict[str, Any]


class Clock:
    """Aware UTC."""

    def __init__(self, start: datetime) -> None:
        self._start, self._zero = start, monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=monotonic() - self._zero)

    def skip(self, by: timedelta) -> None:
        self._start += by


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of Steg with a text in it. ``browser`` is the User-Agent: each person of a test has one."""

    browser: str
    method: str
    path: str
    status: int
    kind: str
    text: str

    @property
    def is_page(self) -> bool:
        return (
            self.kind == "text/html"
            and not 300 <= self.status < 400
            and self.text.lstrip().lower().startswith("<!doctype")
        )


class Recorder:
    """Keeps what Steg answers, whatever a browser makes of it."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner
        self.answers: list[Answer] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        head: list[Any] = []

        def catch(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            head[:] = [status, {name.lower(): value for name, value in headers}]
            return start_response(status, headers, exc_info)

        chunks = self._inner(environ, catch)
        kind = head[1].get("content-type", "").partition(";")[0] if head else ""
        if kind not in ("text/html", "application/json"):
            return chunks
        body = b"".join(chunks)
        query = environ.get("QUERY_STRING", "")
        self.answers.append(
            Answer(
                environ.get("HTTP_USER_AGENT", ""),
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"] + (f"?{query}" if query else ""),
                int(head[0][:3]),
                kind,
                body.decode(),
            )
        )
        return [body]


@dataclass(frozen=True, slots=True)
class Seed:
    """A database with the tenant in it, to be copied, and the key that opens it."""

    database: Path
    key: str


def seeded(folder: Path) -> Seed:
    """The tenant is made once: its passwords are hashed slowly, as they should be."""
    database, key = folder / "seed.db", new_key()
    running = app.assemble(_config(database, key, "http://127.0.0.1:5000"), now=lambda: START)
    app.seed_demo(running)
    running.store.scrub()
    running.close()
    return Seed(database, key)


def _config(database: Path, key: str, url: str, **leading: str) -> config.Config:
    """``leading`` to the stand-ins."""
    settings = {
        "MARKETPLACE_DATABASE_URL": f"sqlite:///{database}",
        "MARKETPLACE_SECRET_KEYS": key,
        "MARKETPLACE_BASE_URL": url,
    }
    return config.read(settings | leading)


@dataclass
class World:
    """``url``, ``google.url`` and ``microsoft.url`` are the addresses; ``names`` knows where Exchange is."""

    clock: Clock
    google: GoogleSandbox
    microsoft: GraphSandbox
    exchange: EwsSandbox
    names: NameServer
    google_contract: ContractCheck
    microsoft_contract: GraphContractCheck
    exchange_contract: EwsContractCheck
    running: app.Running
    recorder: Recorder
    log: io.StringIO
    database: Path
    url: str
    arrivals: Condition
    _bearers: dict[str, str] = field(default_factory=dict)

    # ---- what stands where ---------------------------------------------------------------------------------------

    def at_google(self, account: str = GOOGLE_ANNA) -> Actor:
        """The account's owner at work in another client."""
        return Actor(self.google.state, account)

    def at_microsoft(self, account: str = MICROSOFT_ANNA) -> MicrosoftActor:
        return MicrosoftActor(self.microsoft.state, account)

    def at_exchange(self, account: str = EXCHANGE_ANNA) -> ExchangeActor:
        return ExchangeActor(self.exchange.state, account)

    def exchange_titles(self, folder: str | None = None) -> list[str]:
        """In Anna's own calendar, or in another folder of hers."""
        actor = self.at_exchange()
        return sorted(str(found.item.fields.get("Subject")) for found in actor.items(folder))

    def google_events(self, calendar: str = "primary", account: str = GOOGLE_ANNA) -> dict[str, Json]:
        """By title."""
        return {str(event.get("summary")): event for event in self.at_google(account).events(calendar)}

    def google_event(self, title: str) -> Json:
        return self.google_events()[title]

    def google_ids(self) -> set[str]:
        """The ids in the two calendars that Anna writes to and reads."""
        return {event["id"] for calendar in ("primary", FAMILY) for event in self.at_google().events(calendar)}

    def google_occurrences(self, title: str, calendar: str = "primary", account: str = GOOGLE_ANNA) -> list[str]:
        """The starts of a series' occurrences around today, as Google expands them."""
        found = self.at_google(account).events(
            calendar, singleEvents=True, timeMin=START - timedelta(days=30), timeMax=START + timedelta(days=60)
        )
        starts = (event["start"] for event in found if event.get("summary", "").startswith(title))
        return sorted(start.get("date") or start["dateTime"][:16] for start in starts)

    def written_at_google(self, calendar: str = "primary", account: str = GOOGLE_ANNA) -> list[Json]:
        """The events and series that carry our stamp."""
        found = self.at_google(account).events(calendar)
        return [e for e in found if "recurringEventId" not in e and e.get("extendedProperties", {}).get("private")]

    def person(self, name: str) -> Person:
        (found,) = self.running.people(name)
        return found

    def bearer(self, name: str) -> str:
        """A token of the JSON API."""
        if name not in self._bearers:
            now = self.clock()
            with self.running.store.begin() as unit:
                _, made = tokens.create(unit.connection, name, "test", now, now + timedelta(days=1))
            self._bearers[name] = made
        return self._bearers[name]

    def database_bytes(self) -> bytes:
        """All files of the database: the log of writes too."""
        return b"".join(path.read_bytes() for path in sorted(self.database.parent.glob(self.database.name + "*")))

    def until(self, arrived: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for something at a service; looked at after each request that one has answered."""
        with self.arrivals:
            assert self.arrivals.wait_for(arrived, seconds), "it did not come"

    def answers_to(self, browser: str) -> Sequence[Answer]:
        return [answer for answer in self.recorder.answers if answer.browser == browser]

    def assert_kept(self) -> None:
        """No request broke a service's contract, and nobody was mailed."""
        self.google_contract.assert_kept()
        assert not [*self.microsoft_contract.requests, *self.microsoft_contract.replies]
        assert not self.google.state.outbox
        assert not self.microsoft.state.outbox
        # The schema of today names today's version alone; a first sign-in speaks the oldest one, which servers take.
        breaches = [*self.exchange_contract.requests, *self.exchange_contract.replies]
        assert [breach for breach in breaches if not breach.startswith("RequestServerVersion")] == []
        assert not self.exchange.state.outbox


@contextmanager
def world(seed_of: Seed, folder: Path, *, sweep: bool = False) -> Iterator[World]:
    """``sweep``: passes that are due run by themselves, as in production; else those that a person asks for alone."""
    clock, arrivals = Clock(START), Condition()
    google_checks: list[ContractCheck] = []
    microsoft_checks: list[GraphContractCheck] = []
    exchange_checks: list[EwsContractCheck] = []

    def at_google(inner: WSGIApplication) -> WSGIApplication:
        google_checks.append(ContractCheck(inner))
        return _announcing(google_checks[0], arrivals)

    def at_microsoft(inner: WSGIApplication) -> WSGIApplication:
        microsoft_checks.append(GraphContractCheck(inner))
        return _announcing(microsoft_checks[0], arrivals)

    def at_exchange(inner: WSGIApplication) -> WSGIApplication:
        exchange_checks.append(EwsContractCheck(inner))
        return _announcing(exchange_checks[0], arrivals)

    google = GoogleSandbox(clock, wrap=at_google)
    microsoft = GraphSandbox(clock, wrap=at_microsoft)
    exchange, names = EwsSandbox(clock, hosts=demo.EXCHANGE_HOSTS, wrap=at_exchange), NameServer({})
    database = folder / "steg.db"
    shutil.copy(seed_of.database, database)
    listening = app.listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    leading = dict[str, str]()
    for service, settings in ((google, demo.at_google), (microsoft, demo.at_microsoft)):
        service.register_redirect(url + demo.CALLBACK)
        leading |= settings(service.start())
    leading |= demo.start_exchange(exchange, names)
    running = app.assemble(_config(database, seed_of.key, url, **leading), now=clock)
    recorder = Recorder(running.flask)
    with logged() as log, served(recorder, listening):
        running.start_background(sweep=sweep)
        try:
            yield World(
                clock,
                google,
                microsoft,
                exchange,
                names,
                google_checks[0],
                microsoft_checks[0],
                exchange_checks[0],
                running,
                recorder,
                log,
                database,
                url,
                arrivals,
            )
        finally:
            running.close()
            google.stop()
            microsoft.stop()
            exchange.stop()
            names.stop()


def _announcing(inner: WSGIApplication, arrivals: Condition) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return inner(environ, start_response)
        finally:
            with arrivals:
                arrivals.notify_all()

    return answer


def day(number: int) -> date:
    """Counted from the Monday of this week."""
    return MONDAY + timedelta(days=number)


ACCOUNTS = {account.email.partition(".")[0]: account for account in seed.accounts()}
