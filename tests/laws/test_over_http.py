"""A sample of the three laws over real HTTP: each service's provider against its sandbox, both kinds of host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.providers.memory import Delivery, Personality
from tests.laws import ews_account, google_account, graph_account, scene, test_hostile_echo, test_untouched_remote
from tests.laws.counting import rule
from tests.laws.machine import NUMBER
from tests.laws.over_http import HttpWorld, sample
from tests.laws.test_hostile_echo import DELIVERIES, EVENTS, TEXTS
from tests.laws.test_kill_and_race import KillAndRace
from tests.laws.test_untouched_remote import UntouchedRemote
from tests.laws.world import OTHER, TARGET

PLACES = st.sampled_from([TARGET, OTHER])
SKIP = st.integers(0, 3)
STATUS = st.sampled_from([429, 500, 503, 412])
EWS_WRITES = "CreateItem|UpdateItem|DeleteItem"


class HttpKillAndRace(KillAndRace):
    """With what a service does, beside what breaks at the wire."""

    @property
    def sandbox(self) -> Any:
        account: Any = self.account
        return account.sandbox

    def refuse(self, method: str, status: int, skip: int) -> None:
        fault = {"status": status, "skip": skip, "retry_after": 5}
        self.sandbox.faults.add("status", method=method, path="/events", **fault)


class GoogleKillAndRace(HttpKillAndRace):
    """With refusals by the service."""

    personality = google_account.PERSONALITY

    @rule(method=st.sampled_from(["POST", "PATCH", "PUT", "DELETE"]), status=STATUS, skip=SKIP)
    def refuse_a_call(self, method: str, status: int, skip: int) -> None:
        self.refuse(method, status, skip)


class GraphKillAndRace(HttpKillAndRace):
    """With refusals and silence in the middle of a batch."""

    personality = graph_account.PERSONALITY

    @rule(method=st.sampled_from(["POST", "PATCH", "DELETE"]), status=STATUS, skip=SKIP)
    def refuse_a_call(self, method: str, status: int, skip: int) -> None:
        self.refuse(method, status, skip)

    @rule(action=st.sampled_from(["drop_before", "drop_after", "truncate"]), skip=st.integers(0, 2))
    def lose_a_batch(self, action: str, skip: int) -> None:
        self.sandbox.faults.add(action, path="/\\$batch", skip=skip)

    @rule(knob=st.sampled_from(["late_bump", "delta_duplicates", "delta_replays", "delta_without_masters"]), n=NUMBER)
    def behave_oddly(self, knob: str, n: int) -> None:
        setattr(self.sandbox.state.knobs, knob, n % 2 == 0)


class EwsKillAndRace(HttpKillAndRace):
    """With refusals and silence of the server."""

    personality = ews_account.PERSONALITY

    @rule(
        code=st.sampled_from(["ErrorServerBusy", "ErrorTimeoutExpired", "ErrorIrresolvableConflict"]),
        whole=st.booleans(),
        skip=SKIP,
    )
    def refuse_a_write(self, code: str, whole: bool, skip: int) -> None:
        action = "fault" if whole else "error"
        self.sandbox.faults.add(action, operation=EWS_WRITES, code=code, back_off=5_000, skip=skip)

    @rule(action=st.sampled_from(["drop_before", "drop_after", "truncate", "bump"]), skip=st.integers(0, 2))
    def lose_an_answer(self, action: str, skip: int) -> None:
        self.sandbox.faults.add(action, operation=f"{EWS_WRITES}|GetItem|SyncFolderItems", skip=skip)

    @rule(knob=st.sampled_from(["late_bump", "sync_replays"]), n=NUMBER)
    def behave_oddly(self, knob: str, n: int) -> None:
        setattr(self.sandbox.state.knobs, knob, n % 2 == 0)


@dataclass(frozen=True)
class Over:
    """A service over real HTTP."""

    personality: Personality
    world: type[HttpWorld]
    machine: type[KillAndRace]


SERVICES = {
    "google": Over(google_account.PERSONALITY, google_account.GoogleWorld, GoogleKillAndRace),
    "graph": Over(graph_account.PERSONALITY, graph_account.GraphWorld, GraphKillAndRace),
    "ews": Over(ews_account.PERSONALITY, ews_account.EwsWorld, EwsKillAndRace),
}
EACH = pytest.mark.parametrize("service", SERVICES)
HOSTS = pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])


@EACH
@HOSTS
def test_nothing_is_lost_and_nothing_doubled(service: str, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    over = SERVICES[service]
    monkeypatch.setattr(scene, "World", over.world)
    machine = type(over.machine.__name__, (over.machine,), {"shared": shared})
    run_state_machine_as_test(machine, settings=sample(5, 0.1))


@EACH
@HOSTS
def test_the_remote_is_left_untouched(service: str, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    over = SERVICES[service]
    monkeypatch.setattr(test_untouched_remote, "World", over.world)
    machine = type(UntouchedRemote.__name__, (UntouchedRemote,), {"personality": over.personality, "shared": shared})
    run_state_machine_as_test(machine, settings=sample(3, 0.05))


@EACH
@settings(max_examples=3)
@given(
    here=st.lists(EVENTS, max_size=3),
    there=st.lists(EVENTS, max_size=3),
    edits=st.lists(st.tuples(st.booleans(), st.integers(0, 9), TEXTS), max_size=3),
    delivery=DELIVERIES,
)
def test_twenty_passes_write_nothing_after_the_first(
    service: str,
    here: list[Event | Series],
    there: list[Event | Series],
    edits: list[tuple[bool, int, str]],
    delivery: Delivery,
) -> None:
    law = test_hostile_echo.test_twenty_passes_write_nothing_after_the_first
    over = SERVICES[service]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_hostile_echo, "World", over.world)
        law.hypothesis.inner_test(over.personality, True, here, there, edits, delivery)


@EACH
@settings(max_examples=3)
@given(item=EVENTS, way=st.lists(PLACES, min_size=1, max_size=4), delivery=DELIVERIES)
def test_a_move_between_calendars_stays_one_event(
    service: str, item: Event | Series, way: list[str], delivery: Delivery
) -> None:
    law = test_hostile_echo.test_a_move_between_calendars_stays_one_event
    over = SERVICES[service]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_hostile_echo, "World", over.world)
        law.hypothesis.inner_test(over.personality, True, item, way, delivery)
