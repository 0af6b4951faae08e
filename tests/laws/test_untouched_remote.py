"""The second test: whatever a user selects, converts or disconnects, the service is written to on exported, converted
and mirrored links alone, nobody is mailed, and what is private stays so."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, run_state_machine_as_test
from sqlalchemy import text

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.chosen.purge import purge_connection
from marketplace_plugin.engine.acts.convert import convert, stop_importing, undo_conversion
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Attendee, Event, Sensitivity, Series
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.memory import GOOGLE, MemoryAccount, Personality
from marketplace_plugin.store import blocks, connections
from marketplace_plugin.sync.link import Link, LinkKind
from tests.laws.counting import DONE, rule
from tests.laws.machine import six
from tests.laws.world import OTHER, SOURCE, START, TARGET, World, event, sample, series

NUMBER = st.integers(0, 20)
USERS = ("ada", "bob")


class UntouchedRemote(RuleBasedStateMachine):
    """``ada``'s target is a source too; ``bob`` sees a calendar that ``ada`` shares with him by his own account."""

    personality: ClassVar[Personality] = GOOGLE
    shared: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        DONE.examples += 1
        self.world = World(self.personality, shared=self.shared)
        self.accounts: dict[str, MemoryAccount] = {user: self.world.account() for user in USERS}
        self.current: dict[str, str] = {}
        self.private: set[str] = set()
        self.opened: set[str] = set()
        self.ours: set[tuple[str, str, str]] = set()
        self.number = 0

    @initialize()
    def connect(self) -> None:
        for user in USERS:
            self._connect(user)

    def _connect(self, user: str) -> None:
        self.current[user] = self.world.connect(user, self.accounts[user], sources=(TARGET, SOURCE))

    # --- what happens ----------------------------------------------------------------------------------------------

    @rule(user=st.sampled_from(USERS), calendar=st.sampled_from([TARGET, SOURCE, OTHER]), kind=st.integers(0, 2))
    def plan_something_private(self, user: str, calendar: str, kind: int) -> None:
        self.number += 1
        title = f"secret{self.number:03}"  # none is the beginning of another one
        self.private.add(title)
        single = event(title, day=5 + self.number % 20)
        if kind == 1:
            single = replace(single, attendees=(Attendee("eve@elsewhere.example", "Eve"),))
        item = replace(series(), master=replace(single, when=series().master.when)) if kind == 2 else single
        self.accounts[user].user.create(calendar, replace_sensitivity(item) if self.number % 3 == 0 else item)

    @rule(user=st.sampled_from(USERS), guest=st.booleans())
    def plan_something_here(self, user: str, guest: bool) -> None:
        self.number += 1
        others = [u for u in USERS if u != user] if guest else []
        self.world.host.create(user, event(f"public{self.number}", day=5 + self.number % 20), others)

    @rule(user=st.sampled_from(USERS), n=NUMBER)
    def convert_a_block(self, user: str, n: int) -> None:
        link = self._link(user, n, LinkKind.BLOCK)
        if link is not None:
            title = self._title(link)
            try:
                convert(self.world.engine, self._person(user), link.id)
            except Conflict:
                return
            self.opened.add(title)

    @rule(user=st.sampled_from(USERS), n=NUMBER)
    def undo_a_conversion(self, user: str, n: int) -> None:
        link = self._link(user, n, LinkKind.CONVERTED)
        if link is not None:
            try:
                undo_conversion(self.world.engine, self._person(user), link.id)
            except Conflict:
                return

    @rule(user=st.sampled_from(USERS), n=NUMBER)
    def stop_importing_one(self, user: str, n: int) -> None:
        link = self._link(user, n, LinkKind.BLOCK)
        if link is not None:
            stop_importing(self.world.engine, self._person(user), link.id)

    @rule(
        user=st.sampled_from(USERS),
        sources=st.sets(st.sampled_from([TARGET, SOURCE, OTHER])),
        goal=st.sampled_from([TARGET, OTHER, None]),
        keep=st.booleans(),
    )
    def choose_calendars(self, user: str, sources: set[str], goal: str | None, keep: bool) -> None:
        with self.world.store.begin() as unit:
            choose(self.world.engine, unit, self.current[user], goal, sources, keep=keep)

    @rule(user=st.sampled_from(USERS))
    def disconnect_and_come_back(self, user: str) -> None:
        old = self.current[user]
        with self.world.store.begin() as unit:
            purge_connection(self.world.engine, unit, old)
            choose(self.world.engine, unit, old, None, ())
            connections.forget_account(unit.connection, old)
        self.world.store.scrub()
        self._nothing_imported_is_left(old)
        self._connect(user)

    @rule(user=st.sampled_from(USERS), calendar=st.sampled_from([TARGET, SOURCE]))
    def forget_cursors(self, user: str, calendar: str) -> None:
        self.accounts[user].user.expire_cursors(calendar)

    @rule(user=st.sampled_from(USERS), calendar=st.sampled_from([TARGET, SOURCE]), role=st.sampled_from(Role))
    def change_the_role(self, user: str, calendar: str, role: Role) -> None:
        self.accounts[user].user.set_role(calendar, role)

    @rule(days=st.sampled_from([1, 8, 40]))
    def time_goes_by(self, days: int) -> None:
        self.world.clock.forward(days=days)

    @rule(user=st.sampled_from(USERS))
    def sync(self, user: str) -> None:
        self.world.clock.forward(minutes=31)
        self.world.sync(self.current[user])
        self._remember(user)

    # --- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_mailed(self) -> None:
        assert all(account.outbox == [] for account in self.accounts.values())
        assert self.world.host.mails == []

    @invariant()
    def only_our_own_and_converted_items_are_written(self) -> None:
        for user, account in self.accounts.items():
            self._remember(user)
            for request, calendar, item_id in account.writes:
                assert self._is_ours(user, calendar, item_id), (request, calendar, item_id)

    def teardown(self) -> None:
        if self.current:
            for user in USERS:
                self._colleagues_see_nothing(user)
            with self.world.store.begin() as unit:
                for connection in self.current.values():
                    purge_connection(self.world.engine, unit, connection)
            self.world.store.scrub()
            for connection in self.current.values():
                self._nothing_imported_is_left(connection)
            self._not_in_the_files()
        self.world.close()

    # --- parts -----------------------------------------------------------------------------------------------------

    def _remember(self, user: str) -> None:
        """Which remote items are ours to write: exported copies (they carry a stamp) and converted ones."""
        for (calendar, item_id), record in self.accounts[user].records.items():
            if record.stamp is not None:
                self.ours.add((user, calendar, item_id))
        for link in self.world.links(self.current[user]):
            if link.kind is not LinkKind.BLOCK and link.remote_id is not None:
                self.ours.add((user, link.collection, link.remote_id))

    def _is_ours(self, user: str, calendar: str, item_id: str) -> bool:
        return (user, calendar, item_id) in self.ours

    def _person(self, user: str) -> Person:
        person = self.world.host.person(user)
        assert person is not None
        return person

    def _link(self, user: str, n: int, kind: LinkKind) -> Link | None:
        found = [k for k in self.world.links(self.current[user]) if k.kind is kind]
        return found[n % len(found)] if found else None

    def _title(self, link: Link) -> str:
        with self.world.store.read() as c:
            block = blocks.get(c, [link.id]).get(link.id)
        item = block.item if block is not None else None
        master = item.master if isinstance(item, Series) else item
        return str(master.title) if isinstance(master, Event) else ""

    def _colleagues_see_nothing(self, user: str) -> None:
        window = Window(START.replace(year=2025), START.replace(year=2028))
        with self.world.store.read() as c:
            shown = repr(blocks.shapes(c, user, window))
        assert "secret" not in shown
        assert "eve@" not in shown
        others = [u for u in USERS if u != user]
        seen = repr([self.world.host.all_of(other) for other in others])
        assert not [title for title in self.private - self.opened if title in seen]

    def _nothing_imported_is_left(self, connection: str) -> None:
        with self.world.store.read() as c:
            assert blocks.count(c, connection) == 0
            for table in ("block", "journal", "conflict", "held", "intent", "round_change"):
                rows = c.execute(
                    text(f"SELECT count(*) FROM marketplace_{table} WHERE connection = :id"), {"id": connection}
                ).scalar_one()
                assert rows == 0, table
            assert all(k.base is None and k.remote_base is None for k in self.world.links(connection))

    def _not_in_the_files(self) -> None:
        files = b"".join(path.read_bytes() for path in self.world.folder.iterdir() if path.is_file())
        assert not [title for title in self.private - self.opened if title.encode() in files]


def replace_sensitivity(item: Event | Series) -> Event | Series:
    """The same, marked private."""
    if isinstance(item, Series):
        return replace(item, master=replace(item.master, sensitivity=Sensitivity.PRIVATE))
    return replace(item, sensitivity=Sensitivity.PRIVATE)


MACHINES = six(UntouchedRemote)


@pytest.mark.parametrize("name", MACHINES)
def test_the_remote_is_left_untouched(name: str) -> None:
    run_state_machine_as_test(MACHINES[name], settings=sample(0.1))
