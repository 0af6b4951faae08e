"""Office365 calendar by Microsoft Graph: what the marketplace asks of the integration ``office365``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from marketplace_plugin import (
    Account,
    AuthorizationExpired,
    CollectionInfo,
    PermissionDenied,
    Provider,
    ProviderError,
    Role,
    Session,
    StepState,
    TestStep,
    hookimpl,
)
from marketplace_plugin.providers.graph import GraphCalendar

REQUIRED = ("Calendars.ReadWrite",)
"""By their short names: a token's answer may give them with the address of the cloud in front, in any case."""

Facts = tuple[tuple[str, str], ...]


@hookimpl
def authorized_account(claims: Mapping[str, Any]) -> Account | None:
    """The directory and the person in it. ``sub`` is another one for each application, and an address may move on."""
    tenant, person = str(claims.get("tid") or ""), str(claims.get("oid") or "")
    if not tenant or not person:
        return None
    subject = f"{tenant}.{person}"
    return Account(subject, str(claims.get("preferred_username") or claims.get("email") or subject))


@hookimpl
def open_provider(session: Session) -> Provider:
    return GraphCalendar(session)


@hookimpl
def test_connection(session: Session, target: str | None) -> Iterator[TestStep]:
    """Sign-in, scopes, calendars, target; after a failure the rest is skipped. Writes nothing."""
    test = _ConnectionTest(session, target)
    failed = False
    for name, check in test.checks.items():
        step = TestStep(name, StepState.SKIPPED) if failed else _timed(session, name, check)
        failed = step.state is StepState.FAILED or failed
        yield step


class _ConnectionTest:
    """The steps by name. Each returns what it found out, or raises what is wrong."""

    def __init__(self, session: Session, target: str | None) -> None:
        self._session, self._target = session, target
        self._graph = GraphCalendar(session)
        self._calendars: Sequence[CollectionInfo] = ()
        self.checks: Mapping[str, Callable[[], Facts]] = {
            "sign-in": self._sign_in,
            "scopes": self._scopes,
            "calendars": self._readable,
            "target": self._writable,
        }

    def _sign_in(self) -> Facts:
        if self._session.bearer is None:
            raise AuthorizationExpired("no token")
        self._session.bearer()
        return (("account", self._session.account),)

    def _scopes(self) -> Facts:
        granted = {name.rpartition("/")[2].lower() for name in self._session.granted}
        missing = [name for name in REQUIRED if name.lower() not in granted]
        if missing:
            raise _Failed("scope-missing", "reauthorize", (("scopes", " ".join(missing)),))
        return ()

    def _readable(self) -> Facts:
        self._calendars = self._graph.collections()
        if not self._calendars:
            raise _Failed("no-calendars", "ask-admin")
        first = next((calendar for calendar in self._calendars if calendar.primary), self._calendars[0])
        self._graph.reads(first.id)
        return (("calendars", str(len(self._calendars))),)

    def _writable(self) -> Facts:
        if self._target is None:
            raise _NothingToTest("no-target", "choose-target")
        chosen = next((calendar for calendar in self._calendars if calendar.id == self._target), None)
        if chosen is None:
            raise _Failed("target-gone", "choose-target")
        facts = (("calendar", chosen.title),)
        if chosen.role is Role.MASKED_WRITER:
            raise _Failed("target-masked", "choose-other-target", facts)
        if not chosen.can_be_target:
            raise _Failed("target-read-only", "choose-other-target", facts)
        return facts


class _Failed(Exception):
    def __init__(self, cause: str, way_out: str, facts: Facts = ()) -> None:
        super().__init__(cause)
        self.cause, self.way_out, self.facts = cause, way_out, facts


class _NothingToTest(_Failed):
    """The step is passed over; that is no fault of the connection."""


def _timed(session: Session, name: str, check: Callable[[], Facts]) -> TestStep:
    began = session.now()
    state, cause, way_out = StepState.PASSED, "", ""
    try:
        facts = check()
    except _Failed as failure:
        state = StepState.SKIPPED if isinstance(failure, _NothingToTest) else StepState.FAILED
        cause, way_out, facts = failure.cause, failure.way_out, failure.facts
    except ProviderError as error:
        state, cause, way_out, facts = StepState.FAILED, error.code, _way_out(error), ()
    took = round((session.now() - began).total_seconds() * 1000)
    return TestStep(name, state, took, cause, way_out, facts)


def _way_out(error: ProviderError) -> str:
    match error:
        case AuthorizationExpired():
            return "reauthorize"
        case PermissionDenied():
            return "ask-admin"
        case _:
            return "try-later"
