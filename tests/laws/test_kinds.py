"""Contacts, tasks of a list, and mirrors of tasks and calls: the same law for what is no event.

Whatever dies, breaks off or is edited in between: each contact and each task of a list stands once on each side and is
the same there, or asks in her list; a mirror shows its task where and when it is, and takes nothing of it but the time;
no edit is lost; nobody else sees a contact; nobody is mailed.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from marketplace_plugin.engine.kinds import module_now
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.task import Call, Task, TaskStatus, is_done
from marketplace_plugin.model.time import Timed
from marketplace_plugin.store import held
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.store.work.held import What
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.three_way import changed
from marketplace_plugin.sync.plan.flows import Place, flows_of
from tests.engine.kinds import BOOK, LIST, KindsWorld, contact, task
from tests.laws.counting import rule
from tests.laws.edits import Edit
from tests.laws.ledger import birth, tokens
from tests.laws.machine import NUMBER, Machine, six
from tests.laws.scene import Scene
from tests.laws.world import TARGET, World, occurrence, sample, timed

KINDS = (Kind.CONTACT, Kind.TASK, Kind.CALL)
PLACES = {BOOK: Kind.CONTACT, LIST: Kind.TASK}
TEXTS = {Kind.CONTACT: ("company", "job_title", "notes"), Kind.TASK: ("notes",), Kind.CALL: ("notes",)}


class Office(Scene):
    """Her contacts, her tasks and her calls. ``listed``: tasks go into a list, otherwise into the calendar."""

    listed = True

    def make_world(self, shared: bool) -> World:
        return KindsWorld(self.personality, shared=shared)

    @property
    def office(self) -> KindsWorld:
        assert isinstance(self.world, KindsWorld)
        return self.world

    def connect(self, policy: Policy = Policy.NEWEST, **_: Any) -> None:
        both = (BOOK, LIST) if self.listed else (BOOK,)
        self.ada = self.office.join(self.account, *KINDS, targets=both, sources=both, policy=policy)

    # --- what she does -----------------------------------------------------------------------------------------------

    def make_here(self, kind: str) -> str:
        return self.world.host.create("ada", self._new(Kind(kind)), kind=Kind(kind))

    def make_there(self, kind: str, calendar: str = "") -> str:
        place = BOOK if Kind(kind) is Kind.CONTACT or not self.listed else LIST
        return self.account.user.create(place, self._new(PLACES[place]))

    def edit_here(self, n: int, edit: Edit, number: int = 0, kind: type = object) -> None:
        """A text of it, or its time."""
        found = self.all_here()
        if not found:
            return
        ref, before = sorted(found.items())[n % len(found)]
        of_kind = next(one for one in KINDS if ref in self.office.here(one))
        when = "due" if of_kind is Kind.TASK else "when"
        if edit is Edit.LENGTH and isinstance(getattr(before, when, None), Timed):
            changes: dict[str, Any] = {when: timed(occurrence(number % 3).wall, self.ledger.minutes())}
        else:
            changes = {TEXTS[of_kind][number % len(TEXTS[of_kind])]: self.ledger.word()}
        self.world.host.edit("ada", ref, **changes)
        self.ledger.overwrite(before, self.all_here()[ref])

    def edit_there(self, n: int, edit: Edit, number: int = 0, kind: type = object) -> None:
        """A text of what lives on both sides; of a mirror its time."""
        found = self.all_entries()
        if not found:
            return
        (place, key), before = sorted(found.items())[n % len(found)]
        if place == TARGET:
            changes: dict[str, Any] = {"when": timed(occurrence(number % 3).wall, self.ledger.minutes())}
        else:
            names = TEXTS[PLACES[place]]
            changes = {names[number % len(names)]: self.ledger.word()}
        self.account.user.edit(place, key, **changes)
        after = self.all_entries()[place, key]
        self.ledger.superseded |= tokens(before) - tokens(after)
        if place == TARGET and birth(after) not in {birth(i) for i in self.all_here().values() if self._is_shown(i)}:
            self.ledger.superseded |= tokens(after)  # its task is done or gone here, and it goes too

    def finish(self, n: int) -> None:
        """A task or a call is done: its mirror goes, and a list shows it as done."""
        found = {ref: item for ref, item in self.all_here().items() if isinstance(item, Task | Call)}
        if found:
            ref, item = sorted(found.items())[n % len(found)]
            self._entry_goes(item)
            done: dict[str, Any] = {"done": True} if isinstance(item, Call) else {"status": TaskStatus.COMPLETED}
            self.world.host.edit("ada", ref, **done)

    def _entry_goes(self, item: Item) -> None:
        """With its task or call, wherever it was moved to."""
        for (place, _), entry in self.all_entries().items():
            if place == TARGET and birth(entry) == birth(item):
                self.ledger.superseded |= tokens(entry) - tokens(item)

    def delete_here(self, n: int) -> None:
        found = self.all_here()
        if found:
            ref, item = sorted(found.items())[n % len(found)]
            self.ledger.overwrite(item, None)
            self._entry_goes(item)
            self.world.host.delete("ada", ref)

    def delete_there(self, n: int) -> None:
        """An entry that goes from the calendar is no longer mirrored, and its task stays."""
        found = self.all_entries()
        if found:
            (place, key), item = sorted(found.items())[n % len(found)]
            kept = set().union(*map(tokens, self.all_here().values())) if place == TARGET else set()
            self.ledger.superseded |= tokens(item) - kept
            self.account.user.delete(place, key)

    # --- what is there -----------------------------------------------------------------------------------------------

    def all_here(self) -> dict[str, Item]:
        return {ref: item for kind in KINDS for ref, item in self.office.here(kind).items()}

    def all_entries(self) -> dict[tuple[str, str], Item]:
        places = (*PLACES, TARGET)
        return {(p, key): item for p in places for key, item in self.office.there(self.account, p).items()}

    def _here(self) -> set[str]:
        return set().union(*map(tokens, self.all_here().values()))

    def _there(self) -> set[str]:
        return set().union(*map(tokens, self.all_entries().values()))

    # --- the end -----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        here, there = self.all_here(), self.all_entries()
        asked = self._asked()
        known = [k for k in self.world.links(self.ada) if k.state is not LinkState.DETACHED]
        known = [k for k in known if not asked & {k.id, k.host_ref or "", k.remote_id or ""}]
        refs = Counter(k.host_ref for k in known)
        assert not [ref for ref, number in refs.items() if number > 1], "each has one link"
        told = self._told()
        for link in known:
            if link.state is LinkState.DECLINED:
                told |= tokens(here.get(link.host_ref or ""))
            else:
                self._alike(link, there[link.collection, link.remote_id or ""])
        shown = {ref for ref, item in here.items() if self._is_shown(item)}
        assert shown - asked <= set(refs), "nothing stays behind"
        marks = Counter((place, birth(item)) for (place, key), item in there.items() if key not in asked)
        assert not [mark for mark, number in marks.items() if number > 1], "nothing is doubled at the service"
        marks = Counter(("", birth(item)) for item in here.values())
        assert not [mark for mark, number in marks.items() if number > 1], "nor here"
        for ref, item in here.items():
            if not self._is_shown(item) or ref in asked:
                told |= tokens(item)
        told |= set().union(*(tokens(item) for (_, key), item in there.items() if key in asked))
        lost = self.ledger.lost(self._here(), self._there(), told)
        assert not lost, (sorted(lost), sorted(lost & self._here()), sorted(lost & self._there()))
        assert not [kind for kind in KINDS if self.office.here(kind, "bob")]
        self.nobody_mailed()

    def _asked(self) -> set[str]:
        """Links, refs and remote ids of what she is asked about: whether two are one."""
        with self.world.store.read() as c:
            rows = held.of_connection(c, self.ada, (What.MATCH,))
        return {name for one in rows for name in (one.link, one.host_ref, one.remote_id) if name}

    def _is_shown(self, item: Item) -> bool:
        """What is done before it was shown is not shown any more."""
        return not (isinstance(item, Task | Call) and is_done(item))

    def _alike(self, link: Link, found: Item) -> None:
        assert link.state is LinkState.LIVE, (link.kind, link.state, link.reason)
        (one,) = module_now(self.world.engine, link).get("ada", [link.host_ref or ""])
        assert isinstance(one, HostItem)
        assert not isinstance(one.item, Call)
        assert not isinstance(found, Call)
        flows = flows_of(link, Place(self.personality.holds(PLACES.get(link.collection, Kind.EVENT))))
        held_there = flows.outward if link.kind is LinkKind.MIRROR else flows.inward & flows.outward
        assert not changed(one.item, found, held_there), (link.kind, one.item, found)

    def _new(self, kind: Kind) -> Item:
        mark, word = self.ledger.birth(), self.ledger.word()
        if kind is Kind.CONTACT:
            return contact(f"{mark} King", f"{mark}@king.example", notes=word)
        if kind is Kind.TASK and self.listed:
            return task(mark, date(2026, 3, 10), notes=word)
        when = timed(occurrence(0).wall, self.ledger.minutes())
        return task(mark, when, notes=word) if kind is Kind.TASK else Call(title=mark, notes=word, when=when)


class Mirroring(Office):
    listed = False


class Kinds(Machine):
    stage = Office

    @initialize(policy=st.sampled_from([Policy.NEWEST, Policy.HOST, Policy.REMOTE]))
    def connect(self, policy: Policy) -> None:
        self.scene.connect(policy)

    @rule(kind=st.sampled_from(KINDS))
    def make_here(self, kind: Kind) -> None:
        self.scene.make_here(kind)

    @rule(kind=st.sampled_from([Kind.CONTACT, Kind.TASK]))
    def make_there(self, kind: Kind) -> None:
        self.scene.make_there(kind)

    @rule(n=NUMBER, edit=st.sampled_from([Edit.TITLE, Edit.LENGTH]), number=NUMBER)
    def edit_here(self, n: int, edit: Edit, number: int) -> None:
        self.scene.edit_here(n, edit, number)

    @rule(n=NUMBER, number=NUMBER)
    def edit_there(self, n: int, number: int) -> None:
        self.scene.edit_there(n, Edit.TITLE, number)

    @rule(n=NUMBER, here=st.booleans())
    def delete(self, n: int, here: bool) -> None:
        (self.scene.delete_here if here else self.scene.delete_there)(n)

    @rule(n=NUMBER)
    def finish(self, n: int) -> None:
        assert isinstance(self.scene, Office)
        self.scene.finish(n)


class Mirrors(Kinds):
    stage = Mirroring


MACHINES = {**six(Kinds), **six(Mirrors)}


@pytest.mark.parametrize("name", MACHINES)
def test_contacts_tasks_and_mirrors_keep_the_law(name: str) -> None:
    run_state_machine_as_test(MACHINES[name], settings=sample(0.15))
