"""The machine that the stateful laws share: rules of what goes wrong, and the end that each example comes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.errors import Throttled, Unavailable
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH, Crash, Moment, Personality, Request
from marketplace_plugin.store import Store, UnitOfWork
from marketplace_plugin.store.accounts.connections import Policy
from tests.laws.counting import DONE, rule
from tests.laws.edits import Edit
from tests.laws.scene import CALENDARS, Scene

NUMBER = st.integers(0, 30)


M = TypeVar("M", bound=RuleBasedStateMachine)


class Machine(RuleBasedStateMachine):
    """``personality`` and ``shared`` are set by ``six``; ``sources`` by the law."""

    personality: Personality = GOOGLE
    shared = True
    sources: tuple[str, ...] = ("source",)
    stage: type[Scene] = Scene

    def __init__(self) -> None:
        super().__init__()
        DONE.examples += 1
        self.scene = self.stage(self.personality, shared=self.shared, sources=self.sources)
        self.world, self.account = self.scene.world, self.scene.account

    @initialize(policy=st.sampled_from([Policy.NEWEST, Policy.HOST, Policy.REMOTE]))
    def connect(self, policy: Policy) -> None:
        self.scene.connect(policy)

    # --- passes ----------------------------------------------------------------------------------------------------

    @rule()
    def sync(self) -> None:
        self._sync()

    def _sync(self, trigger: Trigger = Trigger.BUTTON, run: str = "") -> None:
        self.world.clock.forward(minutes=1)
        try:
            self.world.sync(self.scene.ada, trigger, run)
        except Crash:
            self.world.clock.forward(minutes=11)
        self.scene.nothing_gone()

    # --- what goes wrong -------------------------------------------------------------------------------------------

    @rule(
        moment=st.sampled_from(Moment),
        request=st.sampled_from(Request),
        skip=st.integers(0, 3),
        what=st.sampled_from(["crash", "unavailable", "throttled"]),
    )
    def break_a_request(self, moment: Moment, request: Request, skip: int, what: str) -> None:
        acts: dict[str, BaseException] = {
            "crash": Crash("killed"),
            "unavailable": Unavailable("no answer"),
            "throttled": Throttled("slow down"),
        }
        self.account.faults.add(moment, request, acts[what], skip=skip)

    @rule(
        moment=st.sampled_from(Moment),
        request=st.sampled_from(Request),
        n=NUMBER,
        here=st.booleans(),
        edit=st.sampled_from([Edit.TITLE, Edit.TITLE, Edit.LENGTH, Edit.OCCURRENCE, Edit.SPLIT]),
    )
    def race_a_request(self, moment: Moment, request: Request, n: int, here: bool, edit: Edit) -> None:
        act = self.scene.edit_here if here else self.scene.edit_there
        store = self.world.store

        def race() -> None:
            """It is hers, and does not die with the pass."""
            dying, store.begin = store.begin, partial(Store.begin, store)  # type: ignore[method-assign]
            try:
                act(n, edit, n)
            finally:
                store.begin = dying  # type: ignore[method-assign]

        self.account.faults.add(moment, request, race)

    @rule(after=st.booleans())
    def die_in_the_host(self, after: bool) -> None:
        def die(_: object) -> None:
            self.world.host.before_apply = self.world.host.after_apply = None
            raise Crash("killed in the host")

        if after:
            self.world.host.after_apply = die
        else:
            self.world.host.before_apply = die

    @rule(number=st.integers(1, 14), committed=st.booleans())
    def die_in_the_store(self, number: int, committed: bool) -> None:
        store = self.world.store
        left = [number]
        begin = store.begin

        @contextmanager
        def counted() -> Iterator[UnitOfWork]:
            left[0] -= 1
            dying = left[0] == 0
            with begin() as unit:
                yield unit
                if dying and not committed:
                    raise Crash("killed before the commit")
            if dying:
                raise Crash("killed after the commit")

        store.begin = counted  # type: ignore[method-assign]
        try:
            self._sync()
        finally:
            store.begin = begin  # type: ignore[method-assign]

    @rule(request=st.sampled_from([Request.PAGE, Request.FETCH, Request.FIND]))
    def lose_the_lease(self, request: Request) -> None:
        def other_worker() -> None:
            self.world.clock.forward(minutes=11)
            self._sync()

        self.account.faults.add(Moment.AFTER, request, other_worker)
        self._sync()

    @rule(calendar=st.sampled_from(CALENDARS))
    def forget_cursors(self, calendar: str) -> None:
        self.account.user.expire_cursors(calendar)

    # --- the end ---------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if self.scene.ada:
            self.scene.rest()
            self.scene.check()
        self.scene.close()


def six(law: type[M]) -> dict[str, type[M]]:
    """A law over three personalities and both hosts, by name."""
    return {
        f"{law.__name__}{personality.name.partition('-')[0].title()}{'Shared' if shared else 'Separate'}": type(
            law.__name__, (law,), {"personality": personality, "shared": shared}
        )
        for personality in (GOOGLE, GRAPH, EWS)
        for shared in (True, False)
    }
