"""What a person decides while passes run and die: undo, other calendars, plans, conflicts, disconnect, expired grants.

Both sides need not be equal here, because she may want them to differ. At any time each edit stands on one side at
least, or in her list; no event stands twice on one side; nobody is mailed; and passes come to rest.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts import preview
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert, stop_importing, undo_conversion
from marketplace_plugin.engine.acts.undo import undo
from marketplace_plugin.engine.acts.waiting import conflicts, held
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.errors import AuthorizationExpired, Conflict, NotAllowed, NotFound
from marketplace_plugin.model.collection import Role
from marketplace_plugin.providers.memory import Crash, Moment, Request
from marketplace_plugin.store import connections, runs
from marketplace_plugin.store.accounts.connections import ConnectionState, Policy
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.merge.three_way import Winner
from tests.laws.counting import rule
from tests.laws.edits import Edit
from tests.laws.machine import NUMBER, Machine, six
from tests.laws.scene import CALENDARS
from tests.laws.world import OTHER, SOURCE, TARGET, sample

EDITS = st.sampled_from([Edit.TITLE, Edit.LENGTH, Edit.DAY, Edit.OCCURRENCE, Edit.CANCEL, Edit.SPLIT])
KINDS = st.sampled_from(["event", "series"])
GOALS = st.sampled_from([TARGET, OTHER])


class Acts(Machine):
    sources = (SOURCE, TARGET)

    @initialize(policy=st.sampled_from(Policy), approved=st.booleans())
    def connect(self, policy: Policy, approved: bool) -> None:
        self.policy = policy
        self.scene.connect(policy, approved=approved)

    # --- both sides --------------------------------------------------------------------------------------------------

    @rule(kind=KINDS)
    def make_here(self, kind: str) -> None:
        self.scene.make_here(kind)

    @rule(kind=KINDS)
    def make_there(self, kind: str) -> None:
        self.scene.make_there(kind)

    @rule(n=NUMBER, edit=EDITS, which=NUMBER)
    def edit_here(self, n: int, edit: Edit, which: int) -> None:
        self.scene.edit_here(n, edit, which)

    @rule(n=NUMBER, edit=EDITS, which=NUMBER)
    def edit_there(self, n: int, edit: Edit, which: int) -> None:
        self.scene.edit_there(n, edit, which)

    @rule(n=NUMBER, here=st.booleans())
    def delete(self, n: int, here: bool) -> None:
        (self.scene.delete_here if here else self.scene.delete_there)(n)

    @rule(n=NUMBER, to=st.sampled_from(CALENDARS))
    def move_there(self, n: int, to: str) -> None:
        self.scene.move_there(n, to)

    # --- what she decides --------------------------------------------------------------------------------------------

    @rule(n=NUMBER)
    def convert_a_block(self, n: int) -> None:
        blocks = sorted(self.world.blocks(self.scene.ada), key=lambda b: b.link)
        if blocks:
            self._act(lambda: convert(self.world.engine, self.scene.person, blocks[n % len(blocks)].link))

    @rule(n=NUMBER, stop=st.booleans())
    def end_a_conversion(self, n: int, stop: bool) -> None:
        found = [k for k in self.world.links(self.scene.ada) if k.kind is LinkKind.CONVERTED]
        if found:
            act = stop_importing if stop else undo_conversion
            self._act(lambda: act(self.world.engine, self.scene.person, found[n % len(found)].id))

    @rule(n=NUMBER)
    def take_a_run_back(self, n: int) -> None:
        """What she takes back may go on differing, so it is on neither side for certain from now on."""
        with self.world.store.read() as c:
            done = [run.id for run in runs.of_connection(c, self.scene.ada, limit=20) if run.finished_at is not None]
        if not done:
            return
        self.scene.nothing_gone()
        try:
            new = undo(self.world.engine, self.scene.person, done[n % len(done)])
        except Conflict:
            return
        self._sync(Trigger.UNDO, new)
        self.scene.let_differ()

    @rule(n=NUMBER, side=st.sampled_from([Winner.HOST, Winner.REMOTE, None]))
    def decide_a_conflict(self, n: int, side: Winner | None) -> None:
        listed = conflicts.listed(self.world.engine, self.scene.person)
        if not listed:
            return
        chosen = listed[n % len(listed)]
        self.scene.let_go(chosen)
        self.scene.let_differ()
        if side is None:
            self._act(lambda: conflicts.leave(self.world.engine, self.scene.person, chosen.id))
            self.scene.let_differ()
        else:
            self._act(lambda: conflicts.take(self.world.engine, self.scene.person, chosen.id, side))

    @rule(back=st.booleans())
    def decide_about_deletions(self, back: bool) -> None:
        waiting = [one.id for one in held.deletions(self.world.engine, self.scene.person)]
        (held.restore if back else held.approve)(self.world.engine, self.scene.person, waiting)

    @rule(sources=st.sets(st.sampled_from(CALENDARS)), goal=st.sampled_from([TARGET, OTHER, None]), keep=st.booleans())
    def choose_calendars(self, sources: set[str], goal: str | None, keep: bool) -> None:
        if keep:
            self.scene.keep_begun()
        with self.world.store.begin() as unit:
            choose(self.world.engine, unit, self.scene.ada, goal, sources, keep=keep)

    @rule()
    def approve_the_plan(self) -> None:
        plan = preview.current_plan(self.world.engine, self.scene.ada)
        if plan is None or not plan.waiting:
            return
        with suppress(Conflict):
            self._sync(Trigger.START, preview.approve(self.world.engine, plan.id, self.scene.person))

    @rule(copies=st.booleans(), goal=GOALS, n=NUMBER, away=st.none() | EDITS, to=st.none() | st.sampled_from(CALENDARS))
    def disconnect_and_come_back(self, copies: bool, goal: str, n: int, away: Edit | None, to: str | None) -> None:
        """While she is away, she writes into something there, or moves it."""
        self._disconnect(copies)
        self.account.faults.clear()
        if away is not None:
            self.scene.edit_there(n, away, n)
        if to is not None:
            self.scene.move_there(n, to)
        self._back(goal)

    @rule(
        copies=st.booleans(),
        request=st.sampled_from([Request.PAGE, Request.FETCH, Request.INSERT, Request.PATCH, Request.OVERRIDE]),
        skip=st.integers(0, 2),
        goal=GOALS,
    )
    def disconnect_during_a_pass(self, copies: bool, request: Request, skip: int, goal: str) -> None:
        self.account.faults.add(Moment.AFTER, request, lambda: self._disconnect(copies), skip=skip)
        self._sync()
        self.account.faults.clear()
        self._back(goal)

    # --- what happens to her -----------------------------------------------------------------------------------------

    @rule(request=st.sampled_from(Request), moment=st.sampled_from(Moment), skip=st.integers(0, 2))
    def the_grant_ends(self, request: Request, moment: Moment, skip: int) -> None:
        self.account.faults.add(moment, request, AuthorizationExpired("revoked"), skip=skip)
        self._sync()
        with self.world.store.begin() as unit:
            connections.set_state(unit.connection, self.scene.ada, ConnectionState.CONNECTED)

    @rule(calendar=st.sampled_from([TARGET, SOURCE]), role=st.sampled_from([Role.OWNER, Role.WRITER, Role.READER]))
    def change_the_role(self, calendar: str, role: Role) -> None:
        self.account.user.set_role(calendar, role)

    @rule(minutes=st.sampled_from([1, 30, 180]))
    def the_clock_jumps_back(self, minutes: int) -> None:
        self.world.clock.forward(minutes=-minutes)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _act(self, act: Callable[[], Any]) -> None:
        """It may be refused, with everything as it is; or she loses her patience with a process that died."""
        try:
            act()
        except (Conflict, NotAllowed, NotFound):
            pass
        except Crash:
            self.world.clock.forward(minutes=11)
        self.scene.nothing_gone()

    def _disconnect(self, copies: bool) -> None:
        self.scene.let_go()  # the list ends with the connection
        self.scene.let_keep()
        with suppress(NotFound, Crash):
            disconnect(self.world.engine, self.scene.person, self.scene.ada, copies)

    def _back(self, goal: str) -> None:
        with self.world.store.read() as c:
            row = connections.get(c, self.scene.ada)
        if row is None or row.state in (ConnectionState.PAUSED, ConnectionState.REMOVED):
            self.account.faults.clear()
            if row is not None and row.state is ConnectionState.PAUSED:  # it died half way: she asks again
                self._disconnect(copies=False)
            self.scene.connect(self.policy, target=goal)
        self.scene.nothing_gone()

    # --- the end -----------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if self.scene.ada:
            self.scene.rest()
            self.approve_the_plan()  # old copies wait for it, while the new ones may stand already
            self.scene.rest()
            self.scene.nothing_gone()
            self.scene.nothing_doubled()
            self.scene.nobody_mailed()
        self.scene.close()


MACHINES = six(Acts)


@pytest.mark.parametrize("name", MACHINES)
def test_what_she_decides_loses_and_doubles_nothing(name: str) -> None:
    run_state_machine_as_test(MACHINES[name], settings=sample(0.3))
