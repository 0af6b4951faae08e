"""Two persons and one event: hers, and he takes part. Each has an account and a copy of his own.

What he answers and how he shows it is his; what he writes into his copy stays there; his deletion concerns him alone.
Her edits stand in the host and in her copy, or in her list, whatever dies in between; and nobody is mailed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Event, Response, Series, ShowAs
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.providers.memory import Crash, Moment, Request
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.merge.three_way import changed
from marketplace_plugin.sync.plan.flows import Place, flows_of
from tests.laws.counting import rule
from tests.laws.edits import Edit
from tests.laws.machine import NUMBER, Machine, six
from tests.laws.world import TARGET, sample

EDITS = st.sampled_from([Edit.TITLE, Edit.PLACE, Edit.LENGTH, Edit.DAY, Edit.OCCURRENCE, Edit.CANCEL])


class Participants(Machine):
    @initialize(policy=st.sampled_from([Policy.NEWEST, Policy.HOST, Policy.REMOTE]))
    def connect(self, policy: Policy) -> None:
        self.scene.connect(policy)
        self.his = self.world.account()
        self.bob = self.world.connect("bob", self.his, policy=policy)
        self.number = 0

    # --- she ---------------------------------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["event", "series"]), guest=st.booleans())
    def make_here(self, kind: str, guest: bool) -> None:
        self.world.host.create("ada", self.scene.fresh(kind), ["bob"] if guest else [])

    @rule(n=NUMBER, edit=EDITS, which=NUMBER)
    def edit_here(self, n: int, edit: Edit, which: int) -> None:
        self.scene.edit_here(n, edit, which)

    @rule(n=NUMBER, edit=EDITS, which=NUMBER)
    def edit_there(self, n: int, edit: Edit, which: int) -> None:
        self.scene.edit_there(n, edit, which)

    @rule(n=NUMBER, guest=st.booleans())
    def invite(self, n: int, guest: bool) -> None:
        found = self.scene.here(n)
        if found is not None:
            self.world.host.invite("ada", found[0], ["bob"] if guest else [])

    @rule(n=NUMBER, here=st.booleans())
    def delete(self, n: int, here: bool) -> None:
        (self.scene.delete_here if here else self.scene.delete_there)(n)

    # --- he ----------------------------------------------------------------------------------------------------------

    @rule(n=NUMBER, answer=st.sampled_from([Response.ACCEPTED, Response.DECLINED, Response.TENTATIVE]))
    def answer(self, n: int, answer: Response) -> None:
        ref = self._invited(n)
        if ref:
            self.world.host.respond("bob", ref, answer)

    @rule(n=NUMBER, here=st.booleans(), minutes=st.sampled_from([5, 10, 30]))
    def be_reminded(self, n: int, here: bool, minutes: int) -> None:
        if here:
            ref = self._invited(n)
            if ref:
                self.world.host.edit("bob", ref, reminder=minutes)
        else:
            self._in_his_copy(n, reminder=minutes, show_as=ShowAs.FREE if minutes == 30 else ShowAs.BUSY)

    @rule(n=NUMBER, minutes=st.sampled_from([5, 10, 30]))
    def be_reminded_of_a_changed_day(self, n: int, minutes: int) -> None:
        """In his copy, of one that she has changed: the reminder of the series is another one."""
        items = self.his.items(TARGET)
        changed = [key for key in sorted(items) if isinstance(items[key].item, Series)]
        series = items[changed[n % len(changed)]].item if changed else None
        if isinstance(series, Series):
            days = tuple(
                o if o.event is None else replace(o, event=replace(o.event, reminder=minutes)) for o in series.overrides
            )
            self.his.user.edit(TARGET, changed[n % len(changed)], overrides=days)

    @rule(n=NUMBER)
    def write_into_his_copy(self, n: int) -> None:
        self.number += 1
        self._in_his_copy(n, title=f"x{self.number}")

    @rule(n=NUMBER)
    def leave(self, n: int) -> None:
        ref = self._invited(n)
        if ref:
            self.world.host.delete("bob", ref)

    @rule(n=NUMBER)
    def delete_his_copy(self, n: int) -> None:
        """She keeps hers, and it stays in the host."""
        items = sorted(self.his.items(TARGET))
        if items:
            before = set(self.world.host.all_of("ada"))
            self.his.user.delete(TARGET, items[n % len(items)])
            self._sync_his()
            assert set(self.world.host.all_of("ada")) == before

    @rule()
    def sync_his(self) -> None:
        self._sync_his()

    @rule(moment=st.sampled_from(Moment), request=st.sampled_from(Request), skip=st.integers(0, 2))
    def his_process_dies(self, moment: Moment, request: Request, skip: int) -> None:
        self.his.faults.add(moment, request, Crash("killed"), skip=skip)
        self._sync_his()

    @rule(moment=st.sampled_from(Moment), request=st.sampled_from(Request), n=NUMBER, edit=EDITS)
    def she_edits_while_his_is_synced(self, moment: Moment, request: Request, n: int, edit: Edit) -> None:
        self.his.faults.add(moment, request, lambda: self.scene.edit_here(n, edit, n))
        self._sync_his()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _invited(self, n: int) -> str:
        refs = sorted(self.world.host.all_of("bob"))
        return refs[n % len(refs)] if refs else ""

    def _in_his_copy(self, n: int, **changes: object) -> None:
        items = sorted(self.his.items(TARGET))
        if items:
            self.his.user.edit(TARGET, items[n % len(items)], **changes)

    def _sync_his(self) -> None:
        self.world.clock.forward(minutes=1)
        try:
            self.world.sync(self.bob)
        except Crash:
            self.world.clock.forward(minutes=11)
        self.scene.nothing_gone()

    # --- the end -----------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if self.scene.ada:
            self.his.faults.clear()
            self.scene.rest()
            self.world.settle(self.bob, self.scene.ada)
            self.scene.check()
            self._his_are_his()
        self.scene.close()

    def _his_are_his(self) -> None:
        here = self.world.host.all_of("bob")
        known = [k for k in self.world.links(self.bob) if k.kind is LinkKind.EXPORT and k.host_ref is not None]
        refs = [k.host_ref for k in known if k.state is not LinkState.DETACHED]
        assert len(refs) == len(set(refs)), "he has one copy of each"
        wanted = {ref for ref, one in here.items() if _answered(one) is not Response.DECLINED}
        assert wanted <= set(refs) <= here.keys()
        there = self.his.items(TARGET)
        live = [k for k in known if k.state is LinkState.LIVE]
        assert {k.remote_id for k in live} == there.keys(), "and no other"
        for link in live:
            flows = flows_of(link, Place(self.personality.capabilities))
            shown, found = here[link.host_ref or ""].item, there[link.remote_id or ""].item
            assert isinstance(shown, Event | Series)
            assert isinstance(found, Event | Series)
            assert not changed(shown, found, flows.inward & flows.outward), (shown, found)
        assert not _written_by_him(self.world.host.all_of("ada"))
        assert self.his.outbox == []


def _answered(one: HostItem) -> Response | None:
    return master_of(one.item).response if isinstance(one.item, Event | Series) else None


def _written_by_him(shown: Mapping[str, HostItem]) -> list[str]:
    titles = [str(master_of(one.item).title) for one in shown.values() if isinstance(one.item, Event | Series)]
    return [title for title in titles if title.startswith("x")]


MACHINES = six(Participants)


@pytest.mark.parametrize("name", MACHINES)
def test_his_part_is_his_and_her_edits_stay(name: str) -> None:
    run_state_machine_as_test(MACHINES[name], settings=sample(0.15))
