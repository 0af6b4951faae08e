"""An account at the Microsoft sandbox, for the laws."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.providers.graph import GraphAccount
from marketplace_plugin.providers.graph.read import CAPABILITIES
from marketplace_plugin.providers.graph.shape import encode
from marketplace_plugin.providers.graph.shape.recurrence import pattern_of
from marketplace_plugin.providers.memory import GRAPH, Delivery, Request
from marketplace_plugin.sandbox.graph import Account as Person
from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.outlook import access, ids
from tests.laws.outlook_account import SHAPE, OutlookAccount
from tests.laws.over_http import NAMES, Account, HttpWorld, Wire, WriteRow
from tests.laws.world import Clock
from tests.providers.graph.world import ANNA, SCOPES, TENANT, GraphServing
from tests.providers.world import Token

PERSONALITY = replace(GRAPH, name="msgraph-http", capabilities=CAPABILITIES, case_ids=False)
"""Ids are immutable ones here, and stay when an event moves."""

_WRITES = {"POST": Request.INSERT, "PATCH": Request.PATCH, "DELETE": Request.DELETE}


@dataclass
class _World:
    """The part of ``graph_world.World`` that ``GraphServing`` uses, without the check of the contract: the same
    requests are held against it by the provider's own tests."""

    sandbox: GraphSandbox
    clock: Clock
    instance: str

    def user(self, email: str = ANNA) -> Actor:
        return Actor(self.sandbox.state, email)

    def open(self, email: str = ANNA) -> GraphAccount:
        token = self.sandbox.issue_tokens(email, tuple(SCOPES)).access_token
        settings = {"graph_root": f"{self.sandbox.url}/v1.0"}
        return GraphAccount(Session("c", email, self.instance, self.clock, Token(token), {}, settings, SCOPES))


class _Serving(GraphServing):
    """All calendars are Anna's own."""

    def __init__(self, world: Any) -> None:
        self.world, self._state = world, world.sandbox.state

    def _person(self, calendar: str) -> tuple[Actor, str]:
        return self.world.user(), calendar

    def _own_id(self, calendar: str, item_id: str) -> str:
        return item_id


def opened(clock: Clock, instance: str) -> Account:
    sandbox = GraphSandbox(clock, accounts=[Person(ANNA, "Anna", "oid", TENANT)], seeded=False)
    sandbox.start()
    state = sandbox.state
    made = [state.add_calendar(ANNA, name).key for name in NAMES]
    seen = {s.calendar.key: s.id for s in access.calendars(state, ANNA)}
    world = _World(sandbox, clock, instance)
    named = dict(zip(NAMES, (seen[key] for key in made), strict=True))
    return GraphSandboxAccount(_Serving(world), sandbox, named, sandbox.stop)


class GraphSandboxAccount(OutlookAccount):
    @property
    def actor(self) -> Actor:
        return Actor(self.sandbox.state, ANNA)

    def bare(self) -> Provider:
        return self.serving.open()

    def wired(self, provider: Provider) -> Provider:
        assert isinstance(provider, GraphAccount)
        client = provider._reader.client
        client._pool = Wire(client._pool, self)  # type: ignore[assignment]  # all that it uses of a pool
        return provider

    def kinds(self, method: str, url: str, body: Any) -> Sequence[Request]:
        path = unquote(urlsplit(url).path)
        if path.endswith("/$batch"):
            calls = json.loads(body)["requests"]
            found = [kind for call in calls for kind in self.kinds(call["method"], call["url"], None)]
            return list(dict.fromkeys(found))
        if method == "GET":
            return [_kind_of_read(path, urlsplit(url).query)]
        event = path.partition("/events/")[2].partition("/")[0]
        part = bool(event) and ids.read_event(event).day is not None
        return [Request.OVERRIDE if part else _WRITES[method]]

    def listed(self, calendar: str) -> Sequence[str]:
        return [str(event["id"]) for event in self.actor.events(self.id_of(calendar))]

    def save(self, item_id: str, before: Item, after: Event | Series, names: Set[str]) -> None:
        del before
        master = after.master if isinstance(after, Series) else after
        body = encode.fields(master, names & encode.COPIED - {"when"})
        if names & SHAPE:
            body |= encode.times(master.when, repeats=isinstance(after, Series))
            body["recurrence"] = pattern_of(after) if isinstance(after, Series) else None
        if body:
            self.actor.patch(item_id, body)

    def save_rule(self, item_id: str, series: Series) -> None:
        self.actor.patch(item_id, {"recurrence": pattern_of(series)})

    def mark(self, calendar: str, item_id: str, stamp: Stamp) -> None:
        self.actor.patch(item_id, encode.stamped(stamp))

    def set_role(self, calendar: str, role: Role) -> None:
        """A calendar of one's own cannot be shared away; it can be one that only shows."""
        seen = access.calendar(self.sandbox.state, ANNA, self.id_of(calendar))
        seen.calendar.read_only = role < Role.WRITER

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        calendars = self.sandbox.state.calendars.values()
        before = [calendar.read_only for calendar in calendars]
        for calendar in calendars:
            calendar.read_only = False
        yield
        for calendar, read_only in zip(calendars, before, strict=True):
            calendar.read_only = read_only

    def write_of(self, row: Any) -> WriteRow | None:
        place, _, event = row.path.removeprefix("/v1.0/me/calendars/").partition("/events")
        if not row.path.startswith("/v1.0/me/calendars/"):
            return None
        named = event.strip("/").partition("/")[0]
        key = ids.read_event(named or str(json.loads(row.reply)["id"])).key
        return _WRITES[row.method], place, ids.event_id(ANNA, 0, key, immutable=True)


class GraphWorld(HttpWorld):
    def open_account(self) -> Account:
        return opened(self.clock, self.store.instance_id)

    def arrange(self, account: Account) -> None:
        options: Mapping[str, Any] = self.account_options
        knobs, delivery = account.sandbox.state.knobs, options.get("delivery", Delivery())
        knobs.late_bump = bool(options.get("late_bumps"))
        knobs.max_page_size = delivery.page_size
        knobs.empty_delta_pages = int(delivery.empty_pages)
        knobs.delta_duplicates, knobs.delta_replays = delivery.duplicates, delivery.replays


def _kind_of_read(path: str, query: str) -> Request:
    if path.endswith("/delta"):
        return Request.PAGE
    if path.endswith("/events"):
        return Request.FIND if "filter" in query else Request.FETCH
    return Request.FETCH if "/events/" in path else Request.CALENDARS
