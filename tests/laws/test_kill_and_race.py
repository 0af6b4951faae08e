"""The first test: stop at every boundary, race every request, lose the lease; then nothing is lost and nothing doubled.

Six machines: three personalities times two hosts. Each example ends with passes until there is rest, and then the
ledger must add up, each host event has one copy, both show the same, and nobody was mailed.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.event import Series
from marketplace_plugin.providers.memory import Crash
from tests.laws.counting import rule
from tests.laws.edits import Edit
from tests.laws.machine import NUMBER, Machine, six
from tests.laws.scene import CALENDARS
from tests.laws.world import sample

KINDS = st.sampled_from(["event", "day", "series"])
PLAIN = st.sampled_from([Edit.TITLE, Edit.PLACE, Edit.LENGTH])


class KillAndRace(Machine):
    # --- what the person does in the host --------------------------------------------------------------------------

    @rule(kind=KINDS)
    def make_here(self, kind: str) -> None:
        self.scene.make_here(kind)

    @rule(n=NUMBER, edit=PLAIN)
    def edit_here(self, n: int, edit: Edit) -> None:
        self.scene.edit_here(n, edit)

    @rule(n=NUMBER, edit=st.sampled_from([Edit.DAY, Edit.WHOLE_DAYS, Edit.ZONE, Edit.RULE]), number=NUMBER)
    def reshape_here(self, n: int, edit: Edit, number: int) -> None:
        self.scene.edit_here(n, edit, number)

    @rule(n=NUMBER)
    def delete_here(self, n: int) -> None:
        self.scene.delete_here(n)

    @rule(n=NUMBER, edit=st.sampled_from([Edit.OCCURRENCE, Edit.CANCEL, Edit.RESTORE, Edit.PASS]), which=NUMBER)
    def change_occurrence_here(self, n: int, edit: Edit, which: int) -> None:
        self.scene.edit_here(n, edit, which, Series)

    @rule(n=NUMBER, which=NUMBER)
    def split_here(self, n: int, which: int) -> None:
        self.scene.edit_here(n, Edit.SPLIT, which, Series)

    # --- what the person does at the service -----------------------------------------------------------------------

    @rule(n=NUMBER, edit=PLAIN)
    def edit_there(self, n: int, edit: Edit) -> None:
        self.scene.edit_there(n, edit)

    @rule(n=NUMBER, edit=st.sampled_from([Edit.DAY, Edit.WHOLE_DAYS, Edit.ZONE, Edit.RULE]), number=NUMBER)
    def reshape_there(self, n: int, edit: Edit, number: int) -> None:
        self.scene.edit_there(n, edit, number)

    @rule(n=NUMBER)
    def delete_there(self, n: int) -> None:
        self.scene.delete_there(n)

    @rule(n=NUMBER, edit=st.sampled_from([Edit.OCCURRENCE, Edit.CANCEL, Edit.RESTORE, Edit.PASS]), which=NUMBER)
    def change_occurrence_there(self, n: int, edit: Edit, which: int) -> None:
        self.scene.edit_there(n, edit, which, Series)

    @rule(n=NUMBER, which=NUMBER)
    def split_there(self, n: int, which: int) -> None:
        self.scene.edit_there(n, Edit.SPLIT, which, Series)

    @rule(n=NUMBER, to=st.sampled_from(CALENDARS))
    def move_there(self, n: int, to: str) -> None:
        self.scene.move_there(n, to)

    @rule(kind=KINDS)
    def make_in_source(self, kind: str) -> None:
        self.scene.make_there(kind)

    @rule(n=NUMBER)
    def convert_a_block(self, n: int) -> None:
        blocks = sorted(self.world.blocks(self.scene.ada), key=lambda b: b.link)
        if blocks:
            with suppress(Conflict, Crash):
                convert(self.world.engine, self.scene.person, blocks[n % len(blocks)].link)


MACHINES = six(KillAndRace)


@pytest.mark.parametrize("name", MACHINES)
def test_nothing_is_lost_and_nothing_doubled(name: str) -> None:
    run_state_machine_as_test(MACHINES[name], settings=sample(0.8))
