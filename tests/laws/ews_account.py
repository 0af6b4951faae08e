"""An account at the Exchange sandbox, for the laws. The calendars are a colleague's; Anna may write in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.errors import AnswerLost, Throttled
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.providers.ews import ExchangeAccount
from marketplace_plugin.providers.ews.folders import CAPABILITIES, Place
from marketplace_plugin.providers.ews.shape import encode, recurrence
from marketplace_plugin.providers.memory import EWS, Delivery, Moment, Request
from marketplace_plugin.sandbox.ews import Account as Person
from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.changes.writes import update
from marketplace_plugin.sandbox.ews.outlook import access, ids
from marketplace_plugin.sandbox.ews.state import Folder
from marketplace_plugin.sandbox.ews.wire import reading
from tests.laws.outlook_account import SHAPE, OutlookAccount
from tests.laws.over_http import NAMES, Account, HttpWorld, WriteRow
from tests.laws.world import Clock
from tests.providers.ews.world import ANNA, BUILDS, JONAS, PASSWORD, WINDOWS_ZONE, ZONE, EwsServing

PERSONALITY = replace(EWS, name="exchange-https", capabilities=CAPABILITIES)

_SPACES = {
    "s": "http://schemas.xmlsoap.org/soap/envelope/",
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
}
_READS = {
    "SyncFolderItems": Request.PAGE,
    "GetItem": Request.FETCH,
    "FindItem": Request.FIND,
    "GetFolder": Request.CALENDARS,
    "FindFolder": Request.CALENDARS,
}
_WRITES = {"CreateItem": Request.INSERT, "UpdateItem": Request.PATCH, "DeleteItem": Request.DELETE}


class Wire:
    """A line with faults at both ends of each request."""

    def __init__(self, line: Any, account: Account) -> None:
        self._line, self._account = line, account

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)

    def post(self, content: bytes, headers: Mapping[str, str]) -> Any:
        kinds = self._account.kinds("POST", "", content)
        if (answer := self._meet(Moment.BEFORE, kinds)) is not None:
            return answer
        answer = self._line.post(content, headers)
        return self._meet(Moment.AFTER, kinds) or answer

    def _meet(self, moment: Moment, kinds: Sequence[Request]) -> Any:
        from marketplace_plugin.providers.ews.soap.wire import Answer

        for kind in kinds:
            try:
                self._account.faults.meet(moment, kind)
            except Throttled:
                if moment is Moment.BEFORE:
                    return Answer(503, {"retry-after": "30"}, b"")
                raise AnswerLost("the answer never came") from None
            except Exception as error:
                raise AnswerLost("the connection broke") from error
        return None


@dataclass
class _World:
    """The part of ``ews_world.World`` that ``EwsServing`` uses."""

    sandbox: EwsSandbox
    clock: Clock
    instance: str

    def user(self, email: str = ANNA) -> Actor:
        return Actor(self.sandbox.state, email)

    def open(self, email: str = ANNA) -> ExchangeAccount:
        port = self.sandbox.url.rpartition(":")[2]
        secrets = {
            "username": email,
            "password": PASSWORD,
            "url": self.sandbox.ews_url,
            "mailbox": email,
            "auth": "basic",
            "version": BUILDS["ExchangeSE"],
            "shared": JONAS,
        }
        settings = {"allowed_hosts": f"localhost:{port}", "ca": self.sandbox.ca_pem, "zone": ZONE}
        return ExchangeAccount(Session("c", email, self.instance, self.clock, None, secrets, settings))


class _Serving(EwsServing):
    def __init__(self, world: Any) -> None:
        self.world, self._state = world, world.sandbox.state

    def _person(self, calendar: str) -> tuple[Actor, Folder]:
        return self.world.user(JONAS), access.folder(self._state, JONAS, Place.of(calendar).folder)

    def move(self, calendar: str, item_id: str, to: str) -> str:
        return self.world.user(JONAS).move(item_id, Place.of(to).folder)

    def expire_cursors(self, calendar: str) -> None:
        self._state.expire_sync_states(JONAS)


def opened(clock: Clock, instance: str) -> Account:
    people = [Person(email, email, email.partition("@")[0], "NORDWERK", PASSWORD) for email in (ANNA, JONAS)]
    sandbox = EwsSandbox(clock, accounts=people, seeded=False)
    sandbox.start()
    sandbox.state.knobs.version = "ExchangeSE"
    jonas = Actor(sandbox.state, JONAS)
    sandbox.state.share(jonas.folder(), ANNA, "Reviewer")
    named = {}
    for name in NAMES:
        folder = jonas.add_folder(name)
        sandbox.state.share(folder, ANNA, "Editor", private=True)
        named[name] = Place(ids.folder_id(JONAS, folder.key), JONAS).collection
    world = _World(sandbox, clock, instance)
    return EwsAccount(_Serving(world), sandbox, named, sandbox.stop)


class EwsAccount(OutlookAccount):
    @property
    def _jonas(self) -> Actor:
        return Actor(self.sandbox.state, JONAS)

    def bare(self) -> Provider:
        return self.serving.open()

    def wired(self, provider: Provider) -> Provider:
        assert isinstance(provider, ExchangeAccount)
        client: Any = provider._reader.client
        client._line = Wire(client._open(), self)
        return provider

    def kinds(self, method: str, url: str, body: Any) -> Sequence[Request]:
        operation, item = _asked(body)
        if operation in _READS:
            return [_READS[operation]]
        part = bool(item) and ids.read_item(item).day is not None
        return [Request.OVERRIDE if part else _WRITES[operation]]

    def listed(self, calendar: str) -> Sequence[str]:
        return [found.id for found in self._jonas.items(Place.of(self.id_of(calendar)).folder)]

    def save(self, item_id: str, before: Item, after: Event | Series, names: Set[str]) -> None:
        master = after.master if isinstance(after, Series) else after
        reshape = bool(names & SHAPE)
        parts = encode.fields(master, names & encode.COPIED | ({"when"} if reshape else set()), home=ZONE, schema="")
        without = []
        if reshape and isinstance(after, Series):
            parts.append(recurrence.element_of(after))
        elif reshape and isinstance(before, Series):
            without.append("Recurrence")
        self._update(item_id, encode.changes(parts, without=without))

    def save_rule(self, item_id: str, series: Series) -> None:
        self._update(item_id, encode.changes([recurrence.element_of(series)]))

    def _update(self, item_id: str, changes: Sequence[Any]) -> None:
        if not changes:
            return
        state = self.sandbox.state
        with state.lock:
            given = [reading.update("CalendarItem", one, "Exchange2016", WINDOWS_ZONE) for one in changes]
            update(state, self._jonas.find(item_id), given, WINDOWS_ZONE, "SendToNone")

    def mark(self, calendar: str, item_id: str, stamp: Stamp) -> None:
        self._update(item_id, encode.changes([encode.stamped(stamp)]))

    def set_role(self, calendar: str, role: Role) -> None:
        folder = access.folder(self.sandbox.state, JONAS, Place.of(self.id_of(calendar)).folder)
        writes = role >= Role.WRITER
        self.sandbox.state.share(folder, ANNA, "Editor" if writes else "Reviewer", private=True)

    def write_of(self, row: Any) -> WriteRow | None:
        operation, item = _asked(row.body)
        if operation not in _WRITES or b'ResponseClass="Success"' not in row.reply:
            return None
        if operation == "CreateItem":
            item = _first(etree.fromstring(row.reply), "t:ItemId").get("Id")
        found = ids.read_item(item)
        kind = Request.OVERRIDE if found.day is not None else _WRITES[operation]
        return kind, self._place_of(found.key), ids.item_id(JONAS, found.key)

    def _place_of(self, key: int) -> str:
        """The calendar in which an item is, or was: it gets another key when it is moved."""
        folders = self.sandbox.state.folders.values()
        (folder,) = (folder for folder in folders if key in folder.entered)
        return Place(ids.folder_id(JONAS, folder.key), JONAS).collection


def _asked(body: bytes) -> tuple[str, str]:
    """The operation, and the item that it is about, if it is one."""
    root = etree.fromstring(body)
    operation = _first(root, "s:Body")[0]
    item = _first(operation, "t:ItemId")
    return etree.QName(operation).localname, "" if item is None else str(item.get("Id"))


def _first(root: Any, name: str) -> Any:
    return next(root.iterfind(f".//{name}", _SPACES), None)


class EwsWorld(HttpWorld):
    def open_account(self) -> Account:
        return opened(self.clock, self.store.instance_id)

    def arrange(self, account: Account) -> None:
        knobs, delivery = account.sandbox.state.knobs, self.account_options.get("delivery", Delivery())
        knobs.late_bump = bool(self.account_options.get("late_bumps"))
        knobs.page_limit = delivery.page_size
