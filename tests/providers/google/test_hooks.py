"""The hook module of the Google integration: whose account it is, the connection test, the provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin import Account, StepState
from marketplace_plugin.bundle.load import open_bundle, own_root
from marketplace_plugin.contract import hookspecs
from marketplace_plugin.contract.provider import Session
from tests.providers.google.world import ANNA, JONAS, SCOPES, World
from tests.providers.world import Token

hooks: Any = open_bundle(own_root()).import_hooks("google")  # as a host does: never as a global `hooks`
PASSED, FAILED, SKIPPED = StepState.PASSED, StepState.FAILED, StepState.SKIPPED


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world
        assert {row.method for row in world.requests()} <= {"GET"}  # the test writes nothing


def steps(session: Session, target: str | None = ANNA) -> dict[str, hookspecs.TestStep]:
    taken = {step.name: step for step in hooks.test_connection(session=session, target=target)}
    assert list(taken) == ["sign-in", "scopes", "calendars", "target"]
    return taken


def states(taken: dict[str, hookspecs.TestStep]) -> list[StepState]:
    return [step.state for step in taken.values()]


def test_the_account_is_its_subject_shown_by_its_address() -> None:
    claims = {"sub": "1047", "email": "anna@example.org"}
    assert hooks.authorized_account(claims=claims) == Account("1047", "anna@example.org")
    assert hooks.authorized_account(claims={"sub": "1047"}) == Account("1047", "1047")
    assert hooks.authorized_account(claims={}) is None


def test_the_provider_is_opened(world: World) -> None:
    provider = hooks.open_provider(session=world.session())
    assert [info.id for info in provider.collections()] == [ANNA]
    provider.close()


def test_all_is_well(world: World) -> None:
    taken = steps(world.session())
    assert states(taken) == [PASSED] * 4
    assert taken["sign-in"].facts == (("account", ANNA),)
    assert taken["calendars"].facts == (("calendars", "1"),)
    assert taken["target"].facts == (("calendar", ANNA),)


def test_steps_are_timed_in_milliseconds(world: World) -> None:
    session = world.session()
    began = session.now()
    ticks = iter(range(100))
    taken = steps(replace(session, now=lambda: began.replace(microsecond=next(ticks) * 7000)))
    assert taken["sign-in"].took == 7


def test_without_a_target_its_step_is_passed_over(world: World) -> None:
    taken = steps(world.session(), target=None)
    assert states(taken) == [PASSED, PASSED, PASSED, SKIPPED]
    assert (taken["target"].cause, taken["target"].way_out) == ("no-target", "choose-target")


def test_an_expired_sign_in_skips_the_rest(world: World) -> None:
    taken = steps(world.session(bearer=Token()))
    assert states(taken) == [FAILED, SKIPPED, SKIPPED, SKIPPED]
    assert (taken["sign-in"].cause, taken["sign-in"].way_out) == ("authorization-expired", "reauthorize")


def test_a_revoked_grant_shows_when_it_is_used(world: World) -> None:
    taken = steps(world.session(bearer=Token("revoked", "revoked too")))
    assert states(taken) == [PASSED, PASSED, FAILED, SKIPPED]
    assert (taken["calendars"].cause, taken["calendars"].way_out) == ("authorization-expired", "reauthorize")


def test_a_scope_that_was_unticked_is_named(world: World) -> None:
    (events, *_) = sorted(name for name in SCOPES if name.endswith("events"))
    taken = steps(replace(world.session(), granted=SCOPES - {events}))
    assert states(taken) == [PASSED, FAILED, SKIPPED, SKIPPED]
    assert taken["scopes"].facts == (("scopes", events),)
    everything = frozenset({"https://www.googleapis.com/auth/calendar"})
    assert steps(replace(world.session(), granted=everything))["scopes"].state is PASSED


@pytest.mark.parametrize(
    "role, cause, way_out",
    [
        (None, "target-gone", "choose-target"),
        ("freeBusyReader", "target-read-only", "choose-other-target"),
        ("reader", "target-read-only", "choose-other-target"),
        ("writerWithoutPrivateAccess", "target-masked", "choose-other-target"),
    ],
)
def test_a_target_that_cannot_be_written(world: World, role: str | None, cause: str, way_out: str) -> None:
    world.sandbox.state.set_role(JONAS, ANNA, role)
    step = steps(world.session(), target=JONAS)["target"]
    assert (step.state, step.cause, step.way_out) == (FAILED, cause, way_out)


@pytest.mark.parametrize(
    "status, reason, cause, way_out",
    [
        (503, "backendError", "unavailable", "try-later"),
        (429, "rateLimitExceeded", "throttled", "try-later"),
        (403, "accessNotConfigured", "permission-denied", "ask-admin"),
    ],
)
def test_a_service_that_refuses(world: World, status: int, reason: str, cause: str, way_out: str) -> None:
    world.sandbox.faults.add("status", status=status, reason=reason)
    step = steps(world.session())["calendars"]
    assert (step.state, step.cause, step.way_out) == (FAILED, cause, way_out)


def test_a_service_that_is_not_reached(world: World) -> None:
    session = world.session()
    world.sandbox.stop()
    step = steps(session)["calendars"]
    assert (step.cause, step.way_out) == ("unavailable", "try-later")
    world.sandbox.start()
