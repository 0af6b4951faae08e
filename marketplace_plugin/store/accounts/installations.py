"""Which integrations a tenant has, for whom, and what users ask the tenant's admin for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from marketplace_plugin.store.database import upsert
from marketplace_plugin.store.tables import installation, request


class InstallationState(StrEnum):
    INSTALLED = "installed"
    UNINSTALLED = "uninstalled"


class RequestState(StrEnum):
    OPEN = "open"
    GRANTED = "granted"
    DECLINED = "declined"


class Asked(StrEnum):
    """What a user asks an admin for."""

    INSTALL = "install"  # the integration itself; granted: this user may add it, whoever else may
    CONSENT = "consent"  # that an admin at the service consents for the organisation; granted: he has
    HOST = "host"  # that this deployment may talk to a server; granted: it may


@dataclass(frozen=True, slots=True)
class Installation:
    """``audience`` says who may add it: a code of the engine's. ``changed_at``: aware UTC."""

    id: str
    tenant: str
    integration: str
    audience: str
    state: InstallationState
    version: str
    installed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """``subject`` tells requests of a kind apart (a server's name, else empty), ``detail`` is what the admin needs for
    it (an address to open, else empty). Both are shown to admins. ``created_at``: aware UTC."""

    id: str
    tenant: str
    user: str
    integration: str
    state: RequestState
    created_at: datetime
    what: Asked = Asked.INSTALL
    subject: str = ""
    detail: str = ""


def put(
    c: Connection,
    tenant: str,
    integration: str,
    *,
    audience: str,
    state: InstallationState,
    version: str,
    person: str,
    now: datetime,
) -> None:
    """Install, uninstall, or change who may use it."""
    known = get(c, tenant, integration)
    row = {
        "id": known.id if known else uuid.uuid4().hex,
        "tenant": tenant,
        "integration": integration,
        "audience": audience,
        "state": state,
        "version": version,
        "installed_by": person,
        "changed_at": now,
    }
    upsert(c, installation, [row])


def get(c: Connection, tenant: str, integration: str) -> Installation | None:
    row = c.execute(
        select(installation).where(installation.c.tenant == tenant, installation.c.integration == integration)
    ).one_or_none()
    return None if row is None else _installation(row)


def of_tenant(c: Connection, tenant: str) -> list[Installation]:
    rows = c.execute(select(installation).where(installation.c.tenant == tenant).order_by(installation.c.integration))
    return [_installation(row) for row in rows]


def ask(
    c: Connection,
    tenant: str,
    user: str,
    integration: str,
    now: datetime,
    *,
    what: Asked = Asked.INSTALL,
    subject: str = "",
    detail: str = "",
) -> str:
    """The id of the user's open request; asking twice is one request, with the newer ``detail``."""
    for one in requests(c, tenant, RequestState.OPEN, user):
        if (one.integration, one.what, one.subject) == (integration, what, subject):
            c.execute(update(request).where(request.c.id == one.id).values(detail=detail))
            return one.id
    request_id = uuid.uuid4().hex
    c.execute(
        insert(request).values(
            id=request_id,
            tenant=tenant,
            user=user,
            integration=integration,
            state=RequestState.OPEN,
            created_at=now,
            what=what,
            subject=subject,
            detail=detail,
        )
    )
    return request_id


def settle(
    c: Connection, tenant: str, request_id: str, state: RequestState, person: str, now: datetime
) -> Request | None:
    """The request, settled; None where the tenant has no such open request."""
    row = c.execute(
        update(request)
        .where(request.c.id == request_id, request.c.tenant == tenant, request.c.state == RequestState.OPEN)
        .values(state=state, settled_at=now, settled_by=person)
        .returning(request)
    ).one_or_none()
    return None if row is None else _request(row)


def requests(c: Connection, tenant: str, state: RequestState | None = None, user: str | None = None) -> list[Request]:
    """Oldest first."""
    query = select(request).where(request.c.tenant == tenant)
    if state is not None:
        query = query.where(request.c.state == state)
    if user is not None:
        query = query.where(request.c.user == user)
    return [_request(row) for row in c.execute(query.order_by(request.c.created_at, request.c.id))]


def _installation(row: Row[Any]) -> Installation:
    return Installation(
        id=row.id,
        tenant=row.tenant,
        integration=row.integration,
        audience=row.audience,
        state=InstallationState(row.state),
        version=row.version,
        installed_by=row.installed_by,
        changed_at=row.changed_at,
    )


def _request(row: Row[Any]) -> Request:
    return Request(
        id=row.id,
        tenant=row.tenant,
        user=row.user,
        integration=row.integration,
        state=RequestState(row.state),
        created_at=row.created_at,
        what=Asked(row.what),
        subject=row.subject,
        detail=row.detail,
    )
