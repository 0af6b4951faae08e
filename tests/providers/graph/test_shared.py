"""Calendars of others through Microsoft Graph: what a delegate may write, and what a role that drops leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from marketplace_plugin.model.change import Access, Found
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.write import Applied, Create, Delete, Refused, RefusedCode
from marketplace_plugin.sandbox.graph.outlook import access
from tests.providers.graph.world import ANNA, JONAS, GraphServing, World
from tests.providers.serving import STAMP, at, daily, fetch, made, meeting, pull, push, stored, update

ROLES = ["write", "delegateWithoutPrivateEventAccess", "delegateWithPrivateEventAccess"]


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world
        assert not world.sandbox.state.outbox


@pytest.fixture
def serving(world: World) -> GraphServing:
    return GraphServing(world)


def shared(serving: GraphServing, role: str) -> str:
    """Jonas's calendar "Team" as Anna has it; from now on it is the one that is written."""
    state = serving.world.sandbox.state
    calendar = state.add_calendar(JONAS, "Team")
    share = state.share(calendar, ANNA, role)
    assert share is not None
    return next(seen.id for seen in access.calendars(state, ANNA) if seen.share is share)


@pytest.mark.parametrize("role", ROLES)
def test_a_calendar_that_was_shared_to_write_is_written(serving: GraphServing, role: str) -> None:
    team = shared(serving, role)
    (outcome,) = push(serving, Create("op-1", STAMP, meeting("für alle")), calendar=team)
    found = stored(outcome)
    assert [body["subject"] for body in serving.world.user(JONAS).events("Team")] == ["für alle"]
    assert isinstance(found.item, Event)
    (outcome,) = push(serving, update(found, replace(found.item, title="neu")), calendar=team)
    found = stored(outcome)
    assert [body["subject"] for body in serving.world.user(JONAS).events("Team")] == ["neu"]
    (outcome,) = push(serving, Delete("op-d", found.id, found.revision), calendar=team)
    assert isinstance(outcome, Applied)
    assert serving.world.user(JONAS).events("Team") == []


def test_a_series_in_a_delegated_calendar(serving: GraphServing) -> None:
    team = shared(serving, "delegateWithPrivateEventAccess")
    wanted = daily("Stand-up", Override(at(24, 9), meeting("anders", 24, 15)), Override(at(26, 9), None))
    (outcome,) = push(serving, Create("op-1", STAMP, wanted), calendar=team)
    item = stored(outcome).item
    assert isinstance(item, Series)
    assert {o.original for o in item.overrides} == {at(24, 9), at(26, 9)}


@pytest.mark.parametrize("role", ROLES[:2])
def test_what_is_masked_is_never_written(serving: GraphServing, role: str) -> None:
    """Private events of the owner: a time without details, which cannot be changed and is not found by its id."""
    team = shared(serving, role)
    private = serving.world.user(JONAS).insert({"subject": "GEHEIM", "sensitivity": "private", **_edges()}, "Team")
    infos = {info.id: info for info in serving.open().collections()}
    assert infos[team].role is Role.MASKED_WRITER
    assert infos[team].masked
    assert not infos[team].can_be_target
    (found,) = pull(serving, calendar=team).found().values()
    assert found.access is Access.NONE
    assert "GEHEIM" not in repr(found)
    assert isinstance(found.item, Event)
    outcomes = push(
        serving,
        update(found, replace(found.item, title="verraten"), "op-u", "title"),
        Delete("op-d", found.id, found.revision),
        calendar=team,
    )
    assert not any(isinstance(outcome, Applied) for outcome in outcomes)
    assert serving.world.user(JONAS).get(str(private["id"]))["subject"] == "GEHEIM"


def test_a_role_that_drops_refuses_and_loses_nothing(serving: GraphServing) -> None:
    team = shared(serving, "write")
    (outcome,) = push(serving, Create("op-1", STAMP, meeting()), calendar=team)
    found = stored(outcome)
    state = serving.world.sandbox.state
    state.share(state.calendar_named(JONAS, "Team"), ANNA, "read")
    assert isinstance(found.item, Event)
    outcomes = push(
        serving,
        update(found, replace(found.item, title="neu")),
        Delete("op-d", found.id, found.revision),
        Create("op-2", replace(STAMP, link="link-2"), meeting("zwei", 24)),
        calendar=team,
    )
    for outcome in outcomes:
        assert isinstance(outcome, Refused)
        assert (outcome.code, outcome.permanent) == (RefusedCode.FORBIDDEN, False)
    answer = fetch(serving, found.id, team)
    assert answer.item == found.item or answer.access is Access.NONE


def test_own_events_are_untouched_by_what_is_shared(serving: GraphServing) -> None:
    found = made(serving, meeting())
    shared(serving, "write")
    assert isinstance(fetch(serving, found.id), Found)


def _edges() -> dict[str, dict[str, str]]:
    hours = (("start", "09"), ("end", "10"))
    return {name: {"dateTime": f"2026-11-23T{hour}:00:00", "timeZone": "UTC"} for name, hour in hours}
