"""Carrying out the steps of a connection test: each is timed, and what fails is named, with a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.contract.provider import Session
from marketplace_plugin.errors import (
    AuthorizationExpired,
    PermissionDenied,
    ProviderError,
    ServerHandedOver,
    ServerNotAllowed,
)
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.item import Kind

Facts = tuple[tuple[str, str], ...]
"""What a step has found out: a code and its value, shown to the connection's owner alone."""

WRONG_PASSWORD = "wrong-password"  # noqa: S105  # a code
"""The cause of a step at which the server refused what a person had entered; it is not sent again by itself."""

NO_STEPS = TestStep("unexpected", StepState.FAILED, cause="plugin-failed")
"""In the place of a test of which the plugin tells no step: what was not tested has not passed."""


class StepFailed(Exception):
    """``cause`` and ``way_out`` are codes, as in ``TestStep``."""

    state = StepState.FAILED

    def __init__(self, cause: str, way_out: str = "", facts: Facts = ()) -> None:
        super().__init__(cause)
        self.cause, self.way_out, self.facts = cause, way_out, facts


class StepSkipped(StepFailed):
    """There was nothing to test; that is no fault of the connection, and the next step is taken."""

    state = StepState.SKIPPED


def explained(error: ProviderError) -> StepFailed:
    """The error's own code, and the way out that it leaves."""
    match error:
        case AuthorizationExpired():
            return StepFailed(error.code, "reauthorize")
        case ServerNotAllowed():
            return StepFailed(error.code, "ask-admin", (("server", error.server),))
        case ServerHandedOver():
            return StepFailed(error.code, "try-later", (("server", error.server),))
        case PermissionDenied():
            return StepFailed(error.code, "ask-admin")
        case _:
            return StepFailed(error.code, "try-later")


class CalendarAccount(Protocol):
    """What a connection test asks of an account; a ``Provider`` with ``reads``."""

    def collections(self) -> Sequence[CollectionInfo]: ...

    def reads(self, collection: str) -> object:
        """Try to read a calendar. Raises ProviderError where it cannot be read."""
        ...


def calendar_checks(
    session: Session, account: CalendarAccount, missing: Sequence[str], target: str | None
) -> Mapping[str, Callable[[], Facts]]:
    """The checks of calendars behind OAuth: sign-in, scopes, calendars, target. Nothing is written.

    ``missing`` names the scopes that are needed and were not granted; ``target`` is as in ``chosen_target``.
    """
    calendars: list[CollectionInfo] = []

    def signed_in() -> Facts:
        if session.bearer is None:
            raise AuthorizationExpired("no token")
        session.bearer()
        return (("account", session.account),)

    def granted() -> Facts:
        if missing:
            raise StepFailed("scope-missing", "reauthorize", (("scopes", " ".join(missing)),))
        return ()

    def readable() -> Facts:
        calendars.extend(one for one in account.collections() if one.kind is Kind.EVENT)
        if not calendars:
            raise StepFailed("no-calendars", "ask-admin")
        account.reads(next((calendar for calendar in calendars if calendar.primary), calendars[0]).id)
        return (("calendars", str(len(calendars))),)

    def writable() -> Facts:
        return (("calendar", chosen_target(calendars, target).title),)

    return {"sign-in": signed_in, "scopes": granted, "calendars": readable, "target": writable}


def chosen_target(calendars: Sequence[CollectionInfo], target: str | None) -> CollectionInfo:
    """The calendar with the id ``target``, which may be written into; None where the user has not chosen one.

    Raises StepSkipped without a choice, StepFailed for a calendar that is gone or must not be a target.
    """
    if target is None:
        raise StepSkipped("no-target", "choose-target")
    chosen = next((calendar for calendar in calendars if calendar.id == target), None)
    if chosen is None:
        raise StepFailed("target-gone", "choose-target")
    if chosen.role is Role.MASKED_WRITER:
        raise StepFailed("target-masked", "choose-other-target", (("calendar", chosen.title),))
    if not chosen.can_be_target:
        raise StepFailed("target-read-only", "choose-other-target", (("calendar", chosen.title),))
    return chosen


def run_steps(
    checks: Mapping[str, Callable[[], Facts]],
    now: Callable[[], datetime],
    explain: Callable[[ProviderError], StepFailed] = explained,
) -> Iterator[TestStep]:
    """The checks in their order, one step each; after a failure the rest is skipped.

    A check returns what it found out, or raises StepFailed, StepSkipped or a ProviderError, which ``explain`` puts into
    codes. ``now`` gives aware instants; other exceptions come through.
    """
    failed = False
    for name, check in checks.items():
        step = TestStep(name, StepState.SKIPPED) if failed else _taken(name, check, now, explain)
        failed = failed or step.state is StepState.FAILED
        yield step


def _taken(
    name: str,
    check: Callable[[], Facts],
    now: Callable[[], datetime],
    explain: Callable[[ProviderError], StepFailed],
) -> TestStep:
    began = now()
    state, cause, way_out = StepState.PASSED, "", ""
    try:
        facts = check()
    except (StepFailed, ProviderError) as error:
        failure = error if isinstance(error, StepFailed) else explain(error)
        state, cause, way_out, facts = failure.state, failure.cause, failure.way_out, failure.facts
    took = round((now() - began).total_seconds() * 1000)
    return TestStep(name, state, took, cause, way_out, facts)
