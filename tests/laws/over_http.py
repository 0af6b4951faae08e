"""The laws' world over real HTTP: an account at a sandbox in the place of one in memory, and the real provider.

The sandbox knows its calendars by ids of its own, the laws by ``target``, ``source`` and ``other``: ``Named`` stands in
between. Faults are met at the wire, so the provider sees what a service shows: a broken connection, a 429, an answer
that never came.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import urllib3
from hypothesis import settings

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.errors import Throttled
from marketplace_plugin.model.change import Checkpoint, Cursor, Found, Gone, Page, Stamp, Unreadable
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.time import Original, Window
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.providers.memory import Moment, Personality, Request
from marketplace_plugin.providers.memory.faults import Faults
from marketplace_plugin.store import collections, connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState, Policy
from tests.laws import world as memory
from tests.laws.world import OTHER, SOURCE, TARGET
from tests.providers.serving import Serving

EVERYTHING = Window(datetime(2025, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC))
_PAUSE = "30"
WriteRow = tuple[Request, str, str]


class Wire:
    """A pool of sockets with faults at both ends of each request; ``kinds`` says what a request is."""

    def __init__(self, pool: Any, account: Account) -> None:
        self._pool, self._account = pool, account

    def request(self, method: str, url: str, **more: Any) -> Any:
        kinds = self._account.kinds(method, url, more.get("body"))
        if (answer := self._meet(Moment.BEFORE, kinds)) is not None:
            return answer
        answer = self._pool.request(method, url, **more)
        return self._meet(Moment.AFTER, kinds) or answer

    def _meet(self, moment: Moment, kinds: Sequence[Request]) -> urllib3.HTTPResponse | None:
        for kind in kinds:
            try:
                self._account.faults.meet(moment, kind)
            except Throttled:
                if moment is Moment.BEFORE:
                    return urllib3.HTTPResponse(b"{}", {"Retry-After": _PAUSE}, 429)
                raise urllib3.exceptions.ProtocolError("the answer never came") from None
            except Exception as error:
                raise urllib3.exceptions.ProtocolError("the connection broke") from error
        return None


class _WireFaults(Faults):
    """Those at the wire, and those inside of the sandbox."""

    def __init__(self, sandbox: Any) -> None:
        super().__init__()
        self.sandbox = sandbox

    def clear(self) -> None:
        super().clear()
        self.sandbox.faults.clear()


@dataclass
class Person:
    """What the memory account's ``user`` does, at the sandbox's other client."""

    account: Account

    def create(self, calendar: str, item: Event | Series, stamp: Stamp | None = None) -> str:
        with self.account.as_owner():
            made = self.account.serving.create(self.account.id_of(calendar), item)
            if stamp is not None:
                self.account.mark(calendar, made, stamp)
        self.account.forget_mails()
        return made

    def edit(self, calendar: str, item_id: str, **changes: Any) -> None:
        self.account.serving.edit(self.account.id_of(calendar), item_id, **changes)

    def put(self, calendar: str, item_id: str, item: Event | Series) -> None:
        self.account.put(calendar, item_id, self.account.items(calendar)[item_id].item, item)

    def change_occurrence(self, calendar: str, item_id: str, original: Original, event: Event | None) -> None:
        self.account.serving.change_occurrence(self.account.id_of(calendar), item_id, original, event)

    def restore_occurrence(self, calendar: str, item_id: str, original: Original) -> None:
        self.account.restore(calendar, item_id, original)

    def delete(self, calendar: str, item_id: str) -> None:
        self.account.serving.delete(self.account.id_of(calendar), item_id)

    def move(self, calendar: str, item_id: str, to: str) -> str:
        return self.account.serving.move(self.account.id_of(calendar), item_id, self.account.id_of(to))

    def expire_cursors(self, calendar: str) -> None:
        self.account.serving.expire_cursors(self.account.id_of(calendar))

    def set_role(self, calendar: str, role: Role) -> None:
        self.account.set_role(calendar, role)


@dataclass
class Account:
    """One account at a sandbox of its own. ``ids``: the sandbox's calendars by the names of the laws."""

    serving: Serving
    sandbox: Any
    ids: Mapping[str, str]
    close: Callable[[], object]
    faults: Faults = field(init=False)
    written: list[WriteRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults = _WireFaults(self.sandbox)
        self.user = Person(self)

    # --- what a service's own adapter says ---------------------------------------------------------------------

    @abstractmethod
    def bare(self) -> Provider:
        """A provider without faults."""

    def reading(self) -> Provider:
        """By which the test itself looks: never by an account whose role may drop."""
        return self.bare()

    @abstractmethod
    def wired(self, provider: Provider) -> Provider:
        """The same with the faults at its wire."""

    @abstractmethod
    def kinds(self, method: str, url: str, body: Any) -> Sequence[Request]: ...

    @abstractmethod
    def listed(self, calendar: str) -> Sequence[str]:
        """The ids of single events and masters."""

    @abstractmethod
    def put(self, calendar: str, item_id: str, before: Item, after: Event | Series) -> None: ...

    @abstractmethod
    def restore(self, calendar: str, item_id: str, original: Original) -> None: ...

    @abstractmethod
    def mark(self, calendar: str, item_id: str, stamp: Stamp) -> None:
        """A split at the service copies the stamp."""

    @abstractmethod
    def set_role(self, calendar: str, role: Role) -> None: ...

    def as_owner(self) -> AbstractContextManager[object]:
        """What the calendars' owner does, whatever role the account has in them."""
        return nullcontext()

    @abstractmethod
    def write_of(self, row: Any) -> WriteRow | None:
        """What a logged request wrote: calendar by its own id, the single event or master by its id."""

    # --- what the laws ask -------------------------------------------------------------------------------------

    def open(self) -> Provider:
        return Named(self.wired(self.bare()), self.ids)

    def id_of(self, calendar: str) -> str:
        return self.ids[calendar]

    def items(self, calendar: str) -> dict[str, Found]:
        """Faults do not reach the test's own reading."""
        with self.aside():
            found = self.reading().fetch(self.id_of(calendar), self.listed(calendar))
        return {one.id: one for one in found if isinstance(one, Found)}

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Requests of the test's own: no fault reaches them, and they are not among what was written because of us."""
        faults, self.sandbox.faults = self.sandbox.faults, type(self.sandbox.faults)()
        self._note_writes()
        try:
            yield
        finally:
            self.sandbox.faults = faults
            self.sandbox.log.clear()

    @property
    def records(self) -> dict[tuple[str, str], Found]:
        return {(calendar, key): one for calendar in self.ids for key, one in self.items(calendar).items()}

    @property
    def outbox(self) -> list[str]:
        return list(self.serving.mails())

    def forget_mails(self) -> None:
        """A person's own invitations are not because of us."""
        self.sandbox.state.outbox.clear()

    @property
    def writes(self) -> list[WriteRow]:
        self._note_writes()
        return list(self.written)

    def _note_writes(self) -> None:
        names = {key: name for name, key in self.ids.items()}
        while self.sandbox.log:
            row = self.sandbox.log.popleft()
            write = self.write_of(row) if row.method != "GET" and row.status < 400 else None
            if write is not None:
                self.written.append((write[0], names[write[1]], write[2]))


@dataclass
class Named:
    """A provider whose calendars have other ids."""

    inner: Provider
    ids: Mapping[str, str]

    def collections(self) -> Sequence[CollectionInfo]:
        names = {key: name for name, key in self.ids.items()}
        return [replace(info, id=names[info.id]) for info in self.inner.collections() if info.id in names]

    def pull(self, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
        return self.inner.pull(self.ids[collection], since, window)

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Found | Gone | Unreadable]:
        return self.inner.fetch(self.ids[collection], ids)

    def find(self, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        return self.inner.find(self.ids[collection], stamps)

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        return self.inner.push(self.ids[collection], writes)

    def close(self) -> None:
        self.inner.close()


class Plugins(memory.Plugins):
    def open_provider(self, integration: str, session: Session) -> Provider:
        account: Any = self.accounts[session.connection]
        opened: Provider = account.open()
        return opened


class HttpWorld(memory.World):
    def __init__(self, personality: Personality, *, shared: bool = True, **options: Any) -> None:
        super().__init__(personality, shared=shared, **options)
        self.opened: list[Account] = []
        self.plugins = Plugins()
        object.__setattr__(self.engine, "plugins", self.plugins)

    def account(self) -> Any:
        made = self.open_account()
        self.opened.append(made)
        self.arrange(made)
        return made

    @abstractmethod
    def open_account(self) -> Account:
        """At a sandbox of its own, which runs."""

    def arrange(self, account: Account) -> None:
        """Turn the sandbox's knobs as ``account_options`` wants."""

    def close(self) -> None:
        for account in self.opened:
            account.close()
        super().close()

    def connect(
        self,
        user: str,
        account: Any,
        *,
        target: str | None = TARGET,
        sources: Sequence[str] = (SOURCE,),
        approved: bool = True,
        policy: Policy = Policy.NEWEST,
    ) -> str:
        name = f"{user}-{len(self.plugins.accounts)}"
        self.plugins.accounts[name] = account
        now = self.clock()
        row = Connection(
            id=name,
            tenant="acme",
            user=user,
            integration="http",
            state=ConnectionState.CONNECTED,
            created_at=now,
            account_key=f"account-{id(account)}",
            connected_at=now,
            policy=policy,
        )
        with self.store.begin() as unit:
            c = unit.connection
            connections.add(c, row)
            collections.refresh(c, name, user, account.open().collections())
            collections.choose(c, name, target, sources)
            if approved:
                connections.approve(c, name, 0)
        return name


NAMES = (TARGET, SOURCE, OTHER)


def sample(least: int, share: float) -> settings:
    """So many examples in ``make test``; a share of the profile's in ``make laws``."""
    profile = settings.default
    given = profile.max_examples if profile is not None else 50
    return settings(max_examples=least if given <= 50 else int(given * share))
