"""An Exchange sandbox over real HTTPS, and accounts opened on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, ClassVar

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.model.change import Found
from marketplace_plugin.model.event import UNKNOWN, Event, Series
from marketplace_plugin.model.time import AllDay, Original, Zoned
from marketplace_plugin.providers.ews import ExchangeAccount
from marketplace_plugin.providers.ews.folders import Place
from marketplace_plugin.providers.ews.shape import encode, recurrence
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.sandbox.ews import Account, Actor, EwsSandbox, Logged
from marketplace_plugin.sandbox.ews.changes.writes import create, update
from marketplace_plugin.sandbox.ews.items import Recurrence
from marketplace_plugin.sandbox.ews.outlook import access as sandbox
from marketplace_plugin.sandbox.ews.state import Folder
from marketplace_plugin.sandbox.ews.wire import reading
from marketplace_plugin.sandbox.ews.wire.reading import Change
from tests.providers.serving import Serving
from tests.providers.world import SandboxWorld
from tests.sandbox.ews.contract import EwsContractCheck

HOST = "nordwerk.example"
ANNA, JONAS, BOSS = (f"{name}@{HOST}" for name in ("anna", "jonas", "boss"))
NAMELESS = "Israel Standard Time"
"""Without its name nobody knows it: its clocks change on the Friday before a Sunday."""
PASSWORD = "Fischmarkt-2026"
ZONE, WINDOWS_ZONE = "Europe/Berlin", "W. Europe Standard Time"
BUILDS = {"Exchange2010": "14.0.639.21", "Exchange2013": "15.0.516.32", "ExchangeSE": "15.2.2562.17"}
UNPUBLISHED = ("GetUserAvailabilityRequest: ", "RequestServerVersion: ")
"""The schema files of the documentation lack the first, and know their own version alone."""
WRITES = frozenset({"CreateItem", "UpdateItem", "DeleteItem", "MoveItem"})


@dataclass
class World(SandboxWorld[EwsSandbox]):
    """``version`` is one of ``BUILDS``, ``options`` are the sandbox's."""

    version: str = "ExchangeSE"
    options: dict[str, Any] = field(default_factory=dict)

    contract: ClassVar[type[Any]] = EwsContractCheck

    def __post_init__(self) -> None:
        people = [
            Account(email, email.partition("@")[0].title(), email.partition("@")[0], "NORDWERK", PASSWORD)
            for email in (ANNA, JONAS, BOSS)
        ]
        options = {"accounts": people, "seeded": False, "wrap": self._watch, **self.options}
        self.sandbox = EwsSandbox(lambda: self.now, **options)
        self.sandbox.state.knobs.version = self.version
        self.opened: list[ExchangeAccount] = []

    def broken(self, check: Any) -> list[str]:
        return [breach for breach in check.requests if not breach.startswith(UNPUBLISHED)]

    def stop(self) -> None:
        for provider in self.opened:
            provider.close()
        super().stop()

    def session(self, email: str = ANNA, **secrets: str) -> Session:
        return self._session(
            email,
            secrets={
                "username": email,
                "password": PASSWORD,
                "url": self.sandbox.ews_url,
                "mailbox": email,
                "auth": "ntlm",
                "version": BUILDS[self.version],
                "shared": f"{JONAS} {BOSS}",
                **secrets,
            },
            settings={"allowed_hosts": self.allowed, "ca": self.sandbox.ca_pem, "zone": ZONE},
        )

    @property
    def allowed(self) -> str:
        port = self.sandbox.url.rpartition(":")[2]
        return f"localhost:{port} 127.0.0.0/8"

    def open(self, email: str = ANNA, **secrets: str) -> ExchangeAccount:
        provider = ExchangeAccount(self.session(email, **secrets))
        self.opened.append(provider)
        return provider

    def user(self, email: str = ANNA) -> Actor:
        """A person with another client."""
        return Actor(self.sandbox.state, email)

    def requests(self, operation: str = "") -> list[Logged]:
        """What came over the wire, signed in."""
        return self.sandbox.requests(operation)

    def counts(self) -> dict[str, int]:
        """How often each operation was asked for, since ``forget``."""
        found: dict[str, int] = {}
        for row in self.requests():
            found[row.operation] = found.get(row.operation, 0) + 1
        return found

    def forget(self) -> None:
        self.sandbox.log.clear()


class EwsServing(Serving):
    """Anna's account. Jonas lets her read his calendar, the boss shows when he is busy."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._state = world.sandbox.state
        sibling = world.user().add_folder("Zweiter")
        self._state.share(self._state.distinguished(JONAS, "calendar"), ANNA, "Reviewer")
        self._state.share(self._state.distinguished(BOSS, "calendar"), ANNA, "FreeBusyTimeOnly")
        infos = world.open().collections()
        self.calendar = next(info.id for info in infos if info.primary)
        self.sibling = next(info.id for info in infos if info.title == sibling.name)
        self.read_only = next(info.id for info in infos if info.shared_by == JONAS)
        self.free_busy = next(info.id for info in infos if info.shared_by == BOSS)

    def open(self) -> Provider:
        return self.world.open()

    def _person(self, calendar: str) -> tuple[Actor, Folder]:
        """Who writes there, and the folder."""
        owner = Place.of(calendar).owner
        person = self.world.user(owner or ANNA)
        return person, person.folder() if owner else person.folder(calendar)

    # ---- the person in Outlook ----------------------------------------------------------------

    def create(self, calendar: str, item: Event | Series) -> str:
        event = item.master if isinstance(item, Series) else item
        person, folder = self._person(calendar)
        guests = event.attendees if event.attendees is not UNKNOWN else ()
        with self._state.lock:
            made = create(self._state, person.email, folder, "CalendarItem", new(item), WINDOWS_ZONE, "SendToNone")
        item_id = sandbox.Found(person.email, folder, made).id
        if guests:
            person.update(item_id, attendees=[guest.address for guest in guests])
            self._state.outbox.clear()  # what a person sends is not because of us
        for override in item.overrides if isinstance(item, Series) else ():
            self.change_occurrence(calendar, item_id, override.original, override.event)
        return item_id

    def invite(self, calendar: str, item: Event) -> str:
        assert not isinstance(item.when, AllDay)
        boss = self.world.user(BOSS)
        start, end = item.when.start.wall, item.when.end.wall
        boss.create(str(item.title), start, end, attendees=[ANNA, JONAS])
        self._state.outbox.clear()
        return self.world.user().named(str(item.title))

    def edit(self, calendar: str, item_id: str, **changes: Any) -> None:
        person, _ = self._person(calendar)
        (there,) = self.open().fetch(calendar, [item_id])
        assert isinstance(there, Found)
        event = there.item.master if isinstance(there.item, Series) else there.item
        assert isinstance(event, Event)
        self._change(person, item_id, replace(event, **changes), changes.keys())

    def change_occurrence(self, calendar: str, item_id: str, original: Original, event: Event | None) -> None:
        person, _ = self._person(calendar)
        occurrence = person.occurrence(item_id, day_of(original))
        if event is None:
            person.delete(occurrence, send=False)
        else:
            self._change(person, occurrence, event, encode.COPIED)

    def _change(self, person: Actor, item_id: str, event: Event, names: Collection[str]) -> None:
        with self._state.lock:
            update(self._state, person.find(item_id), changed(event, names), WINDOWS_ZONE, "SendToNone")

    def delete(self, calendar: str, item_id: str) -> None:
        self._person(calendar)[0].delete(item_id, send=False)

    def move(self, calendar: str, item_id: str, to: str) -> str:
        return self.world.user().move(item_id, to)

    def copy(self, calendar: str, item_id: str) -> str:
        return self.world.user().copy(item_id, calendar)

    def garble(self, calendar: str, item_id: str) -> None:
        """A series in a zone that has neither a name nor rules of the kind that others have."""
        person = self.world.user()
        start = person.find(item_id).item.calendar.start.replace(tzinfo=None)
        rule = Recurrence("DailyRecurrence", {"Interval": "1"}, start.date())
        person.update(item_id, start, start + timedelta(hours=1), zone=NAMELESS, rule=rule)
        person.find(item_id).item.calendar.custom_zone = True

    # ---- the service's moods ------------------------------------------------------------------

    def small_pages(self) -> None:
        knobs = self._state.knobs
        knobs.page_limit, knobs.sync_replays = 2, True

    def expire_cursors(self, calendar: str) -> None:
        self._state.expire_sync_states(ANNA)

    def throttle(self) -> None:
        self.world.sandbox.faults.add("fault", code="ErrorServerBusy", back_off=30_000)

    def lose_answer(self) -> None:
        self.world.sandbox.faults.add("drop_after", operation="CreateItem|UpdateItem|DeleteItem")

    # ---- counters -----------------------------------------------------------------------------

    def mails(self) -> Sequence[str]:
        return [address for mail in self._state.outbox for address in mail.to]

    def requests(self) -> int:
        return len(self.world.requests())

    def writes(self) -> int:
        return sum(row.operation in WRITES for row in self.world.requests())


def day_of(original: Original) -> date:
    return original.wall.date() if isinstance(original, Zoned) else original


def new(item: Event | Series) -> list[Change]:
    """What a person's client says of a new item, as the sandbox reads it."""
    event = item.master if isinstance(item, Series) else item
    parts = encode.fields(event, encode.COPIED, home=ZONE, schema="Exchange2016")
    if isinstance(item, Series):
        parts.append(recurrence.element_of(item))
    order = list(encode.PATHS)
    element = xml.make("t:CalendarItem", *sorted(parts, key=lambda part: order.index(xml.local(part))))
    return reading.new_item(element, "Exchange2016", WINDOWS_ZONE)


def changed(event: Event, names: Collection[str]) -> list[Change]:
    """What a person's client says of an item that it changes."""
    parts = encode.fields(event, names, home=ZONE, schema="Exchange2016")
    return [reading.update("CalendarItem", part, "Exchange2016", WINDOWS_ZONE) for part in encode.changes(parts)]
