"""Carrying out the steps of a connection test: each is timed, and what fails is named, with a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.errors import AuthorizationExpired, PermissionDenied, ProviderError

Facts = tuple[tuple[str, str], ...]
"""What a step has found out: a code and its value, shown to the connection's owner alone."""

WRONG_PASSWORD = "wrong-password"  # noqa: S105  # a code
"""The cause of a step at which the server refused what a person had entered; it is not sent again by itself."""


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
        case PermissionDenied():
            return StepFailed(error.code, "ask-admin")
        case _:
            return StepFailed(error.code, "try-later")


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
