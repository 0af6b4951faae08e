"""Office365 calendar by Microsoft Graph: what the marketplace asks of the integration ``office365``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marketplace_plugin import Account, Provider, Session, TestStep, calendar_checks, hookimpl, run_steps
from marketplace_plugin.providers.graph import GraphAccount

REQUIRED = ("Calendars.ReadWrite",)
"""By their short names: a token's answer may give them with the address of the cloud in front, in any case."""


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
    return GraphAccount(session)


@hookimpl
def test_connection(session: Session, target: str | None) -> Iterator[TestStep]:
    """Sign-in, scopes, calendars, target; after a failure the rest is skipped. Writes nothing."""
    granted = {name.rpartition("/")[2].lower() for name in session.granted}
    missing = [name for name in REQUIRED if name.lower() not in granted]
    return run_steps(calendar_checks(session, GraphAccount(session), missing, target), session.now)
