"""A sample of the three laws over real HTTPS: Exchange's provider against its sandbox, both kinds of host."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.providers.memory import Delivery
from tests.laws import scene, test_hostile_echo, test_untouched_remote
from tests.laws.counting import rule
from tests.laws.ews_account import PERSONALITY, EwsWorld
from tests.laws.machine import NUMBER
from tests.laws.over_http import sample
from tests.laws.test_hostile_echo import DELIVERIES, EVENTS, TEXTS
from tests.laws.test_kill_and_race import KillAndRace
from tests.laws.test_untouched_remote import UntouchedRemote
from tests.laws.world import OTHER, TARGET

HOSTS = pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
PLACES = st.sampled_from([TARGET, OTHER])
WRITES = "CreateItem|UpdateItem|DeleteItem"


class EwsKillAndRace(KillAndRace):
    """With refusals and silence of the server, beside what breaks at the wire."""

    personality = PERSONALITY

    @property
    def sandbox(self) -> Any:
        account: Any = self.account
        return account.sandbox

    @rule(
        code=st.sampled_from(["ErrorServerBusy", "ErrorTimeoutExpired", "ErrorIrresolvableConflict"]),
        whole=st.booleans(),
        skip=st.integers(0, 3),
    )
    def refuse_a_write(self, code: str, whole: bool, skip: int) -> None:
        self.sandbox.faults.add("fault" if whole else "error", operation=WRITES, code=code, back_off=5_000, skip=skip)

    @rule(action=st.sampled_from(["drop_before", "drop_after", "truncate", "bump"]), skip=st.integers(0, 2))
    def lose_an_answer(self, action: str, skip: int) -> None:
        self.sandbox.faults.add(action, operation=f"{WRITES}|GetItem|SyncFolderItems", skip=skip)

    @rule(knob=st.sampled_from(["late_bump", "sync_replays"]), n=NUMBER)
    def behave_oddly(self, knob: str, n: int) -> None:
        setattr(self.sandbox.state.knobs, knob, n % 2 == 0)


class EwsUntouchedRemote(UntouchedRemote):
    personality = PERSONALITY


@HOSTS
def test_nothing_is_lost_and_nothing_doubled(shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "World", EwsWorld)
    monkeypatch.setattr(EwsKillAndRace, "shared", shared)
    run_state_machine_as_test(EwsKillAndRace, settings=sample(5, 0.1))


@HOSTS
def test_the_remote_is_left_untouched(shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_untouched_remote, "World", EwsWorld)
    monkeypatch.setattr(EwsUntouchedRemote, "shared", shared)
    run_state_machine_as_test(EwsUntouchedRemote, settings=sample(3, 0.05))


@settings(max_examples=3)
@given(
    here=st.lists(EVENTS, max_size=3),
    there=st.lists(EVENTS, max_size=3),
    edits=st.lists(st.tuples(st.booleans(), st.integers(0, 9), TEXTS), max_size=3),
    delivery=DELIVERIES,
)
def test_twenty_passes_write_nothing_after_the_first(
    here: list[Event | Series], there: list[Event | Series], edits: list[tuple[bool, int, str]], delivery: Delivery
) -> None:
    law = test_hostile_echo.test_twenty_passes_write_nothing_after_the_first
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_hostile_echo, "World", EwsWorld)
        law.hypothesis.inner_test(PERSONALITY, True, here, there, edits, delivery)


@settings(max_examples=3)
@given(item=EVENTS, way=st.lists(PLACES, min_size=1, max_size=4), delivery=DELIVERIES)
def test_a_move_between_calendars_stays_one_event(item: Event | Series, way: list[str], delivery: Delivery) -> None:
    law = test_hostile_echo.test_a_move_between_calendars_stays_one_event
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_hostile_echo, "World", EwsWorld)
        law.hypothesis.inner_test(PERSONALITY, True, item, way, delivery)
