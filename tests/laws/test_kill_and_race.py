"""The first test: stop at every boundary, race every request, lose the lease; then nothing is lost and nothing doubled.

Six machines: three personalities times two hosts. Each example ends with passes until there is rest, and then the
ledger must add up, each host event has one copy, both show the same, and nobody was mailed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.preview import approve_held
from marketplace_plugin.errors import Conflict, Throttled, Unavailable
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH, Crash, Moment, Personality, Request
from marketplace_plugin.store import UnitOfWork, conflicts, held
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.sync.flows import Place, flows_of
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.merge import changed
from tests.laws.ledger import Ledger, tokens
from tests.laws.world import OTHER, SOURCE, TARGET, World, all_day, occurrence, sample, series, timed

NUMBER = st.integers(0, 30)
CALENDARS = (TARGET, SOURCE, OTHER)


class KillAndRace(RuleBasedStateMachine):
    """``personality`` and ``shared`` are set by the six classes below."""

    personality: Personality = GOOGLE
    shared = True

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.personality, shared=self.shared)
        self.account = self.world.account()
        self.ledger = Ledger()

    @initialize(policy=st.sampled_from([Policy.NEWEST, Policy.HOST, Policy.REMOTE]))
    def connect(self, policy: Policy) -> None:
        self.ada = self.world.connect("ada", self.account, policy=policy)

    # --- what the person does in the host --------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["event", "day", "series"]))
    def make_here(self, kind: str) -> None:
        self.world.host.create("ada", self._fresh(kind))

    @rule(n=NUMBER, field=st.sampled_from(["title", "location", "when"]))
    def edit_here(self, n: int, field: str) -> None:
        self._edit_host(n, field)

    @rule(n=NUMBER)
    def delete_here(self, n: int) -> None:
        shown = self.world.host.all_of("ada")
        if shown:
            ref = sorted(shown)[n % len(shown)]
            self.ledger.overwrite(shown[ref].item, None)
            self.world.host.delete("ada", ref)

    @rule(n=NUMBER, which=st.integers(0, 3), cancel=st.booleans())
    def change_occurrence_here(self, n: int, which: int, cancel: bool) -> None:
        shown = {ref: one.item for ref, one in self.world.host.all_of("ada").items() if isinstance(one.item, Series)}
        if shown:
            ref = sorted(shown)[n % len(shown)]
            self._change_occurrence(
                shown[ref], which, cancel, lambda o, e: self.world.host.change_occurrence("ada", ref, o, e)
            )

    # --- what the person does at the service -----------------------------------------------------------------------

    @rule(n=NUMBER, field=st.sampled_from(["title", "location", "when"]))
    def edit_there(self, n: int, field: str) -> None:
        self._edit_remote(n, field)

    @rule(n=NUMBER)
    def delete_there(self, n: int) -> None:
        place = self._there(n)
        if place is not None:
            calendar, item_id, item = place
            self.ledger.overwrite(item, None)
            self.account.user.delete(calendar, item_id)

    @rule(n=NUMBER, which=st.integers(0, 3), cancel=st.booleans())
    def change_occurrence_there(self, n: int, which: int, cancel: bool) -> None:
        place = self._there(n, Series)
        if place is not None:
            calendar, item_id, item = place
            self._change_occurrence(
                item, which, cancel, lambda o, e: self.account.user.change_occurrence(calendar, item_id, o, e)
            )

    @rule(n=NUMBER, to=st.sampled_from(CALENDARS))
    def move_there(self, n: int, to: str) -> None:
        place = self._there(n)
        if place is not None and place[0] != to and SOURCE not in (place[0], to):
            self.account.user.move(place[0], place[1], to)

    @rule(kind=st.sampled_from(["event", "day", "series"]))
    def make_in_source(self, kind: str) -> None:
        self.account.user.create(SOURCE, self._fresh(kind))

    @rule(n=NUMBER)
    def convert_a_block(self, n: int) -> None:
        blocks = sorted(self.world.blocks(self.ada), key=lambda b: b.link)
        person = self.world.host.person("ada")
        if blocks and person is not None:
            block = blocks[n % len(blocks)]
            with suppress(Conflict, Crash):
                convert(self.world.engine, person, block.link)

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

    @rule(moment=st.sampled_from(Moment), request=st.sampled_from(Request), n=NUMBER, here=st.booleans())
    def race_a_request(self, moment: Moment, request: Request, n: int, here: bool) -> None:
        edit = self._edit_host if here else self._edit_remote
        self.account.faults.add(moment, request, lambda: edit(n, "title"))

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
        self._sync_and_die(number, committed)

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

    # --- passes ----------------------------------------------------------------------------------------------------

    @rule()
    def sync(self) -> None:
        self._sync()

    def _sync(self) -> None:
        self.world.clock.forward(minutes=1)
        try:
            self.world.sync(self.ada)
        except Crash:
            self.world.clock.forward(minutes=11)

    def _sync_and_die(self, number: int, committed: bool) -> None:
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

    # --- parts -----------------------------------------------------------------------------------------------------

    def _fresh(self, kind: str) -> Event | Series:
        if kind == "day":
            return all_day(self.ledger.word())
        start = occurrence(0).wall
        single = Event(when=timed(start, self.ledger.minutes()), title=self.ledger.word())
        return replace(series(), master=single) if kind == "series" else single

    def _changes(self, item: Event | Series, field: str) -> dict[str, Any]:
        master = item.master if isinstance(item, Series) else item
        if field != "when":
            return {field: self.ledger.word()}
        if isinstance(master.when, AllDay):
            return {"location": self.ledger.word()}
        return {"when": timed(master.when.start.wall, self.ledger.minutes())}

    def _edit_host(self, n: int, field: str) -> None:
        shown = self.world.host.all_of("ada")
        if not shown:
            return
        ref = sorted(shown)[n % len(shown)]
        before = shown[ref].item
        if isinstance(before, Event | Series):
            self.world.host.edit("ada", ref, **self._changes(before, field))
            self.ledger.overwrite(before, self.world.host.all_of("ada")[ref].item)

    def _edit_remote(self, n: int, field: str) -> None:
        place = self._there(n)
        if place is None:
            return
        calendar, item_id, before = place
        self.account.user.edit(calendar, item_id, **self._changes(before, field))
        self.ledger.overwrite(before, self.account.items(calendar)[item_id].item)

    def _there(self, n: int, kind: type = object) -> tuple[str, str, Any] | None:
        found = [
            (calendar, item_id, one.item)
            for calendar in CALENDARS
            for item_id, one in sorted(self.account.items(calendar).items())
            if isinstance(one.item, kind)
        ]
        return found[n % len(found)] if found else None

    def _change_occurrence(
        self, item: Series, which: int, cancel: bool, change: Callable[[Zoned, Event | None], None]
    ) -> None:
        if not isinstance(item.master.when, Timed):
            return
        original = replace(occurrence(which), zone=item.master.when.start.zone)
        old = item.override(original)
        if old is not None and old.event is None:
            return
        event = None
        if not cancel:
            event = Event(when=timed(original.wall, self.ledger.minutes()), title=self.ledger.word())
        change(original, event)
        self.ledger.overwrite(None if old is None else old.event, event)

    # --- the end ---------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if hasattr(self, "ada"):
            self.account.faults.clear()
            self.world.host.before_apply = self.world.host.after_apply = None
            self.world.clock.forward(hours=25)
            self._let_go()
            self._check()
        self.world.close()

    def _let_go(self) -> None:
        """Passes until there is rest; what the brake held is approved once."""
        person = self.world.host.person("ada")
        assert person is not None
        self.world.settle(self.ada)
        with self.world.store.read() as c:
            waiting = [one.id for one in held.of_connection(c, self.ada)]
        if waiting:
            approve_held(self.world.engine, person, waiting)
            self.world.settle(self.ada)

    def _check(self) -> None:
        known = self.world.links(self.ada)
        tied = [k for k in known if k.kind is not LinkKind.BLOCK and k.state is not LinkState.DETACHED]
        here = self.world.host.all_of("ada")
        there = {(cal, i): one for cal in CALENDARS for i, one in self.account.items(cal).items()}
        assert sorted(k.host_ref or "" for k in tied) == sorted(here), "each host event has one link"
        for link in tied:
            assert link.state is LinkState.LIVE, (link.state, link.reason)
            found = there[link.collection, link.remote_id or ""]
            flows = flows_of(link, Place(self.personality.capabilities))
            both = flows.inward & flows.outward
            shown = here[link.host_ref or ""]
            assert isinstance(shown.item, Event | Series)
            assert isinstance(found.item, Event | Series)
            assert not changed(shown.item, found.item, both), (shown, found)
        stamps = [one.stamp for one in there.values() if one.stamp is not None]
        assert len(stamps) == len(set(stamps)), "nothing is doubled at the service"
        pairs = {(k.collection, k.remote_id) for k in tied}
        grey = {(b.collection, k.remote_id) for b in self.world.blocks(self.ada) for k in known if k.id == b.link}
        sources = {key for key in there if key[0] == SOURCE}
        odd = grey ^ (sources - pairs)
        assert not odd, ("each source item that is not converted is one block", odd & grey, odd - grey, known)
        self._ledger(here, there)
        assert self.account.outbox == []
        assert self.world.host.mails == []

    def _ledger(self, here: Any, there: Any) -> None:
        with self.world.store.read() as c:
            told = conflicts.of_user(c, "ada", limit=10_000)
        disputed = set().union(*(tokens(one.host) | tokens(one.remote) for one in told))
        host = set().union(*(tokens(one.item) for one in here.values()))
        blocks = set().union(*(tokens(block.item) for block in self.world.blocks(self.ada)))
        remote = set().union(*(tokens(one.item) for one in there.values()))
        lost = self.ledger.lost(host | blocks, remote, disputed)
        assert not lost, (sorted(lost), sorted(lost & host), sorted(lost & remote))


def _machine(personality: Personality, shared: bool) -> type[KillAndRace]:
    name = f"{personality.name.partition('-')[0].title()}{'Shared' if shared else 'Separate'}"
    return type(name, (KillAndRace,), {"personality": personality, "shared": shared})


GoogleShared = _machine(GOOGLE, True)
GoogleSeparate = _machine(GOOGLE, False)
GraphShared = _machine(GRAPH, True)
GraphSeparate = _machine(GRAPH, False)
EwsShared = _machine(EWS, True)
EwsSeparate = _machine(EWS, False)

TestGoogleShared = GoogleShared.TestCase
TestGoogleSeparate = GoogleSeparate.TestCase
TestGraphShared = GraphShared.TestCase
TestGraphSeparate = GraphSeparate.TestCase
TestEwsShared = EwsShared.TestCase
TestEwsSeparate = EwsSeparate.TestCase

for case in (TestGoogleShared, TestGoogleSeparate, TestGraphShared, TestGraphSeparate, TestEwsShared, TestEwsSeparate):
    case.settings = sample()
