"""An account at the Google sandbox, for the laws. The calendars are a colleague's; Ada is their co-owner."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.collection import Capabilities, Role
from marketplace_plugin.model.event import Event, Series, original_key
from marketplace_plugin.model.form.canonical import changed_fields
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.time import Original
from marketplace_plugin.model.write import Applied, Update
from marketplace_plugin.providers.google import GoogleAccount
from marketplace_plugin.providers.google.shape import encode
from marketplace_plugin.providers.memory import GOOGLE, Delivery, Request
from marketplace_plugin.sandbox.google import Account as Person
from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.act import Actor
from tests.laws.over_http import NAMES, Account, HttpWorld, Wire, WriteRow
from tests.laws.world import Clock
from tests.providers.google.test_contract import GoogleServing
from tests.providers.google.world import ANNA, JONAS, SCOPES
from tests.providers.world import Token

_PATH = re.compile(r"/calendar/v3/calendars/([^/]+)/events(?:/([^/]+))?(/move|/instances)?")
_INSTANCE = re.compile(r"_\d{8}(T\d{6}Z)?$")
_ROLES = {Role.NONE: "freeBusyReader", Role.FREE_BUSY: "freeBusyReader", Role.READER: "reader"}
_WRITES = {"POST": Request.INSERT, "PUT": Request.PATCH, "PATCH": Request.PATCH, "DELETE": Request.DELETE}


@dataclass
class _World:
    """The part of ``google_world.World`` that ``GoogleServing`` uses, without the check of the contract: the same
    requests are held against it by the provider's own tests."""

    sandbox: GoogleSandbox
    clock: Clock
    instance: str

    def user(self, email: str = ANNA) -> Actor:
        return Actor(self.sandbox.state, email)

    def open(self, email: str = ANNA) -> GoogleAccount:
        token = self.sandbox.issue_tokens(email, SCOPES).access_token
        settings = {"api_root": self.sandbox.url}
        return GoogleAccount(Session("c", email, self.instance, self.clock, Token(token), {}, settings, SCOPES))


class _Serving(GoogleServing):
    def __init__(self, world: Any) -> None:
        self.world = world

    def _person(self, calendar: str) -> Any:
        return self.world.user(JONAS)

    def _found(self, calendar: str, item_id: str) -> Any:
        (answer,) = self.world.open(JONAS).fetch(calendar, [item_id])
        return answer


def opened(clock: Clock, instance: str) -> Account:
    people = [Person(email, email.partition("@")[0].title(), f"sub-{email}") for email in (ANNA, JONAS)]
    sandbox = GoogleSandbox(clock, accounts=people, seeded=False)
    sandbox.state.dice.seed(0)  # the same steps meet the same ids: a failing example can be replayed
    sandbox.start()
    named = {name: f"{name}@group.calendar.google.com" for name in NAMES}
    for name, key in named.items():
        sandbox.state.add_calendar(JONAS, calendar_id=key, summary=name)
        sandbox.state.set_role(key, ANNA, "owner")
    world = _World(sandbox, clock, instance)
    return GoogleSandboxAccount(_Serving(world), sandbox, named, sandbox.stop)


class GoogleSandboxAccount(Account):
    def bare(self) -> Provider:
        return self.serving.open()

    @property
    def _owner(self) -> Provider:
        """The account by which the test itself reads and writes: its role never drops."""
        found: Provider = self.serving.world.open(JONAS)  # type: ignore[attr-defined]  # see _Serving
        return found

    def reading(self) -> Provider:
        return self._owner

    def wired(self, provider: Provider) -> Provider:
        assert isinstance(provider, GoogleAccount)
        http = provider._reader.client._http
        http._connections = Wire(http._connections, self)  # type: ignore[assignment]  # all that it uses of a pool
        return provider

    def kinds(self, method: str, url: str, body: Any) -> Sequence[Request]:
        parts = urlsplit(url)
        found = _PATH.search(unquote(parts.path))
        if found is None:
            return [Request.CALENDARS]
        event, action = found[2], found[3]
        if method == "GET":
            if event:
                return [Request.FETCH]
            return [Request.FIND if "privateExtendedProperty" in parts.query else Request.PAGE]
        if action == "/move":
            return [Request.MOVE]
        return [Request.OVERRIDE if event and _INSTANCE.search(event) else _WRITES[method]]

    def listed(self, calendar: str) -> Sequence[str]:
        events = Actor(self.sandbox.state, JONAS).events(self.id_of(calendar))
        return [str(e["id"]) for e in events if "recurringEventId" not in e and e["status"] != "cancelled"]

    def put(self, calendar: str, item_id: str, before: Item, after: Event | Series) -> None:
        now = self.items(calendar)[item_id]
        changed = changed_fields(now.item, after)
        write = Update("person", item_id, now.revision, now.item, after, changed)
        with self.aside():
            (outcome,) = self._owner.push(self.id_of(calendar), [write])
        assert isinstance(outcome, Applied), outcome

    def restore(self, calendar: str, item_id: str, original: Original) -> None:
        series = self.items(calendar)[item_id].item
        assert isinstance(series, Series)
        kept = tuple(o for o in series.overrides if original_key(o.original) != original_key(original))
        self.put(calendar, item_id, series, replace(series, overrides=kept))

    def mark(self, calendar: str, item_id: str, stamp: Stamp) -> None:
        body = {"extendedProperties": {"private": encode.stamped(stamp)}}
        Actor(self.sandbox.state, JONAS).patch(item_id, body, self.id_of(calendar))

    def set_role(self, calendar: str, role: Role) -> None:
        self.sandbox.state.set_role(self.id_of(calendar), ANNA, _ROLES.get(role, "owner"))

    def write_of(self, row: Any) -> WriteRow | None:
        found = _PATH.search(row.path)
        if found is None:
            return None
        event = found[2] or str(json.loads(row.reply)["id"])
        kind = Request.MOVE if found[3] == "/move" else _WRITES[row.method]
        return kind, found[1], _INSTANCE.sub("", event)


class GoogleWorld(HttpWorld):
    def open_account(self) -> Account:
        return opened(self.clock, self.store.instance_id)

    def arrange(self, account: Account) -> None:
        knobs, delivery = account.sandbox.state.knobs, self.account_options.get("delivery", Delivery())
        knobs.hostile_echo = bool(self.account_options.get("late_bumps"))
        knobs.max_page_size = delivery.page_size
        knobs.empty_first_pages = int(delivery.empty_pages)


PERSONALITY = replace(
    GOOGLE, name="google-http", capabilities=Capabilities(encode.FIELDS, move=True, idempotent_create=True)
)
