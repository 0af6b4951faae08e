"""Google Calendar: what the marketplace asks of the integration ``google``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marketplace_plugin import Account, Provider, Session, TestStep, calendar_checks, hookimpl, run_steps
from marketplace_plugin.providers.google import GoogleAccount

_SCOPE = "https://www.googleapis.com/auth/"
_EVERYTHING = f"{_SCOPE}calendar"
REQUIRED = (f"{_SCOPE}calendar.events", f"{_SCOPE}calendar.calendarlist.readonly")


@hookimpl
def authorized_account(claims: Mapping[str, Any]) -> Account | None:
    """``sub`` never changes and is never given to somebody else; the address may be."""
    subject = str(claims.get("sub", ""))
    return Account(subject, str(claims.get("email") or subject)) if subject else None


@hookimpl
def open_provider(session: Session) -> Provider:
    return GoogleAccount(session)


@hookimpl
def test_connection(session: Session, target: str | None) -> Iterator[TestStep]:
    """Sign-in, scopes, calendars, target; after a failure the rest is skipped. Writes nothing."""
    missing = [name for name in REQUIRED if name not in session.granted and _EVERYTHING not in session.granted]
    return run_steps(calendar_checks(session, GoogleAccount(session), missing, target), session.now)
