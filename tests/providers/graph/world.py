"""A Microsoft sandbox over real HTTP, held to the OpenAPI contract, and accounts opened on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.model.change import Found
from marketplace_plugin.model.event import UNKNOWN, Event, Series
from marketplace_plugin.model.time import Original, Zoned
from marketplace_plugin.providers.graph import GraphAccount
from marketplace_plugin.providers.graph.shape import encode
from marketplace_plugin.providers.graph.shape.recurrence import pattern_of
from marketplace_plugin.sandbox.graph import Account, GraphSandbox, Logged
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.outlook import access
from tests.providers.serving import Serving
from tests.providers.world import SandboxWorld, Token
from tests.sandbox.graph.contract import GraphContractCheck

Json = dict[str, Any]

TENANT = "nordwerk.example"
ANNA, JONAS, BOSS = (f"{name}@{TENANT}" for name in ("anna", "jonas", "boss"))
SCOPES = frozenset({"User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared", "offline_access"})


@dataclass
class World(SandboxWorld[GraphSandbox]):
    contract: ClassVar[type[Any]] = GraphContractCheck

    def __post_init__(self) -> None:
        people = [Account(email, email.partition("@")[0].title(), f"oid-{email}", TENANT) for email in EVERYBODY]
        self.sandbox = GraphSandbox(lambda: self.now, accounts=people, wrap=self._watch, seeded=False)

    def token(self, email: str = ANNA, scopes: frozenset[str] = SCOPES) -> str:
        return self.sandbox.issue_tokens(email, tuple(scopes)).access_token

    def session(self, email: str = ANNA, bearer: Any = None) -> Session:
        return self._session(
            email,
            bearer=bearer or Token(self.token(email)),
            settings={"graph_root": f"{self.sandbox.url}/v1.0"},
            granted=SCOPES,
        )

    def open(self, email: str = ANNA, bearer: Any = None) -> GraphAccount:
        return GraphAccount(self.session(email, bearer))

    def user(self, email: str = ANNA) -> Actor:
        """A person with another client."""
        return Actor(self.sandbox.state, email)

    def requests(self, method: str = "", path: str = "/v1.0") -> list[Logged]:
        """What came over the wire: a batch is one request."""
        return self.sandbox.requests(method, path)


EVERYBODY = (ANNA, JONAS, BOSS)


class GraphServing(Serving):
    """Anna's account. Jonas shares one calendar to read and another as free/busy.

    Both hold one event of 2020, since an empty calendar does not tell the two apart.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._state = world.sandbox.state
        self.calendar = world.user().calendar().id
        self.sibling = self._id(ANNA, self._state.add_calendar(ANNA, "Zweiter").key)
        self.read_only = self._shared("Lesen", "read")
        self.free_busy = self._shared("Belegt", "freeBusyRead")

    def _id(self, email: str, key: int) -> str:
        for seen in access.calendars(self._state, email):
            if key in (seen.calendar.key, seen.share.key if seen.share else 0):
                return seen.id
        raise KeyError(key)

    def _shared(self, name: str, role: str) -> str:
        calendar = self._state.add_calendar(JONAS, name)
        share = self._state.share(calendar, ANNA, role)
        assert share is not None
        times = {edge: {"dateTime": f"2020-01-01T{hour}:00:00", "timeZone": "UTC"} for edge, hour in _HOUR.items()}
        self.world.user(JONAS).insert({"subject": "alt", **times}, name)
        return self._id(ANNA, share.key)

    def open(self) -> Provider:
        return self.world.open()

    def _person(self, calendar: str) -> tuple[Actor, str]:
        """Who writes there, and what the calendar is called for him."""
        if calendar in (self.calendar, self.sibling):
            return self.world.user(), calendar
        return self.world.user(JONAS), "Lesen" if calendar == self.read_only else "Belegt"

    def _own_id(self, calendar: str, item_id: str) -> str:
        """The id of the calendar's writer for an id that Anna sees."""
        if calendar in (self.calendar, self.sibling):
            return item_id
        event = access.event(self._state, ANNA, item_id).event
        person, name = self._person(calendar)
        return person.calendar(name).event_id(event, None, immutable=True)

    def create(self, calendar: str, item: Event | Series) -> str:
        event = item.master if isinstance(item, Series) else item
        body = body_of(event) | ({"recurrence": pattern_of(item)} if isinstance(item, Series) else {})
        person, name = self._person(calendar)
        made = person.insert(body, name)
        self._state.outbox.clear()  # what a person sends is not because of us
        for override in item.overrides if isinstance(item, Series) else ():
            self._change(person, str(made["id"]), override.original, override.event)
        return self._annas(calendar, str(made["id"]))

    def _annas(self, calendar: str, item_id: str) -> str:
        """The id by which Anna has an event of a calendar."""
        person, _ = self._person(calendar)
        event = access.event(self._state, person.email, item_id).event
        return access.calendar(self._state, ANNA, calendar).event_id(event, None, immutable=True)

    def invite(self, calendar: str, item: Event) -> str:
        guests = [{"type": "required", "emailAddress": {"address": address}} for address in (ANNA, JONAS)]
        uid = self.world.user(BOSS).insert(body_of(item) | {"attendees": guests})["iCalUId"]
        self._state.outbox.clear()
        return next(str(event["id"]) for event in self.world.user().events() if event["iCalUId"] == uid)

    def edit(self, calendar: str, item_id: str, **changes: Any) -> None:
        (there,) = self.open().fetch(calendar, [item_id])
        assert isinstance(there, Found)
        event = there.item.master if isinstance(there.item, Series) else there.item
        assert isinstance(event, Event)
        person, _ = self._person(calendar)
        body = encode.fields(replace(event, **changes), changes.keys())
        person.patch(self._own_id(calendar, item_id), body)

    def change_occurrence(self, calendar: str, item_id: str, original: Original, event: Event | None) -> None:
        self._change(self._person(calendar)[0], self._own_id(calendar, item_id), original, event)

    def _change(self, person: Actor, series: str, original: Original, event: Event | None) -> None:
        day = original.wall.date() if isinstance(original, Zoned) else original
        occurrence = str(person.occurrence(series, day.isoformat())["id"])
        if event is None:
            person.delete(occurrence)
        else:
            person.patch(occurrence, encode.fields(event, encode.COPIED))

    def delete(self, calendar: str, item_id: str) -> None:
        self._person(calendar)[0].delete(self._own_id(calendar, item_id))

    def move(self, calendar: str, item_id: str, to: str) -> str:
        return str(self.world.user().move(item_id, to)["id"])

    def copy(self, calendar: str, item_id: str) -> str:
        return str(self.world.user().copy(item_id, calendar)["id"])

    def garble(self, calendar: str, item_id: str) -> None:
        event = access.event(self._state, ANNA, item_id).event
        extent = {"type": "noEnd", "startDate": event.start.date().isoformat()}
        self.world.user().patch(item_id, {"recurrence": {"pattern": {"type": "daily", "interval": 1}, "range": extent}})
        event.custom_zone = True

    def small_pages(self) -> None:
        knobs = self._state.knobs
        knobs.max_page_size, knobs.empty_delta_pages, knobs.delta_duplicates = 2, 1, True

    def expire_cursors(self, calendar: str) -> None:
        self._state.expire_delta_tokens(ANNA)

    def throttle(self) -> None:
        self.world.sandbox.faults.add("status", status=429, retry_after=30)

    def lose_answer(self) -> None:
        self.world.sandbox.faults.add("drop_after", method="POST|PATCH|DELETE", path="/events")

    def mails(self) -> Sequence[str]:
        return [address for mail in self._state.outbox for address in mail.to]

    def requests(self) -> int:
        return len(self.world.requests())

    def writes(self) -> int:
        return sum(row.method != "GET" and not row.path.endswith("$batch") for row in self.world.requests())


_HOUR = {"start": "09", "end": "10"}


def body_of(event: Event) -> Json:
    """As a person's client writes it."""
    guests = event.attendees if event.attendees is not UNKNOWN else ()
    invited = [{"type": "required", "emailAddress": {"address": guest.address}} for guest in guests]
    return encode.fields(event, encode.COPIED) | ({"attendees": invited} if invited else {})
