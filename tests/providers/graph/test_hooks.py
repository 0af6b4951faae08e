"""The hook module of the Office365 integration: whose account it is, the connection test, the provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin import Account, StepState
from marketplace_plugin.bundle.load import open_bundle, own_root
from marketplace_plugin.contract import hookspecs
from marketplace_plugin.contract.provider import Session
from marketplace_plugin.sandbox.graph.outlook import access
from tests.providers.graph.world import ANNA, JONAS, SCOPES, World
from tests.providers.world import Token

hooks: Any = open_bundle(own_root()).import_hooks("office365")  # as a host does: never as a global `hooks`
PASSED, FAILED, SKIPPED = StepState.PASSED, StepState.FAILED, StepState.SKIPPED


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world
        assert {row.method for row in world.requests()} <= {"GET"}  # the test writes nothing


def own(world: World) -> str:
    return world.user().calendar().id


def steps(session: Session, target: str | None) -> dict[str, hookspecs.TestStep]:
    taken = {step.name: step for step in hooks.test_connection(session=session, target=target)}
    assert list(taken) == ["sign-in", "scopes", "calendars", "target"]
    return taken


def states(taken: dict[str, hookspecs.TestStep]) -> list[StepState]:
    return [step.state for step in taken.values()]


def test_the_account_is_a_person_of_a_directory() -> None:
    claims = {"tid": "t", "oid": "o", "sub": "pairwise", "preferred_username": "anna@example.org"}
    assert hooks.authorized_account(claims=claims) == Account("t.o", "anna@example.org")
    assert hooks.authorized_account(claims={"tid": "t", "oid": "o"}) == Account("t.o", "t.o")
    for lacking in ({}, {"sub": "pairwise"}, {"oid": "o"}, {"tid": "t"}):
        assert hooks.authorized_account(claims=lacking) is None


def test_the_provider_is_opened(world: World) -> None:
    provider = hooks.open_provider(session=world.session())
    assert [info.id for info in provider.collections()] == [own(world)]
    provider.close()


def test_all_is_well(world: World) -> None:
    taken = steps(world.session(), own(world))
    assert states(taken) == [PASSED] * 4
    assert taken["sign-in"].facts == (("account", ANNA),)
    assert taken["calendars"].facts == (("calendars", "1"),)
    assert taken["target"].facts == (("calendar", "Kalender"),)


def test_without_a_target_its_step_is_passed_over(world: World) -> None:
    assert states(steps(world.session(), None)) == [PASSED, PASSED, PASSED, SKIPPED]


def test_an_expired_sign_in_skips_the_rest(world: World) -> None:
    taken = steps(world.session(bearer=Token()), own(world))
    assert states(taken) == [FAILED, SKIPPED, SKIPPED, SKIPPED]
    assert (taken["sign-in"].cause, taken["sign-in"].way_out) == ("authorization-expired", "reauthorize")


@pytest.mark.parametrize("prefix", ["", "https://graph.microsoft.com/", "https://microsoftgraph.chinacloudapi.cn/"])
def test_scopes_are_known_in_each_cloud(world: World, prefix: str) -> None:
    granted = frozenset({f"{prefix}calendars.readwrite", "openid"})
    assert steps(replace(world.session(), granted=granted), own(world))["scopes"].state is PASSED


def test_a_scope_that_was_not_granted_is_named(world: World) -> None:
    taken = steps(replace(world.session(), granted=SCOPES - {"Calendars.ReadWrite"}), own(world))
    assert states(taken) == [PASSED, FAILED, SKIPPED, SKIPPED]
    assert taken["scopes"].facts == (("scopes", "Calendars.ReadWrite"),)


@pytest.mark.parametrize(
    "role, cause, way_out",
    [
        ("freeBusyRead", "target-read-only", "choose-other-target"),
        ("write", "target-masked", "choose-other-target"),
    ],
)
def test_a_target_that_cannot_be_written(world: World, role: str, cause: str, way_out: str) -> None:
    state = world.sandbox.state
    share = state.share(state.default_calendar(JONAS), ANNA, role)
    target = next(seen.id for seen in access.calendars(state, ANNA) if seen.share is share)
    step = steps(world.session(), target)["target"]
    assert (step.state, step.cause, step.way_out) == (FAILED, cause, way_out)
    state.share(state.default_calendar(JONAS), ANNA, None)
    assert steps(world.session(), target)["target"].cause == "target-gone"


@pytest.mark.parametrize(
    "status, cause, way_out",
    [(503, "throttled", "try-later"), (500, "unavailable", "try-later"), (403, "permission-denied", "ask-admin")],
)
def test_a_service_that_refuses(world: World, status: int, cause: str, way_out: str) -> None:
    world.sandbox.faults.add("status", status=status)
    step = steps(world.session(), own(world))["calendars"]
    assert (step.state, step.cause, step.way_out) == (FAILED, cause, way_out)
