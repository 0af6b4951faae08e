"""The admin's page: operating data of the tenant's connections, requests, what was disabled. No content, no account."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.engine.views import AdminRow, Asked, ConnectionState
from marketplace_plugin.web.actions import RequestRow
from marketplace_plugin.web.blueprint import Shared, locale, page
from marketplace_plugin.web.texts import REQUESTS


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/admin/connections")
    def admin() -> ResponseReturnValue:
        person = shared.admin()
        rows = actions.admin_rows(person)
        return page(
            "marketplace/admin/connections.html",
            crumbs=[(_("Administration"), None), (_("Connections"), None)],
            nav="admin",
            rows=rows,
            kinds=Counter(_kind(row) for row in rows),
            kind=_kind,
            requests=actions.requests(person),
            said=lambda row: _said(shared, row),
            disabled=shared.registry.disabled(),
            people={p.id: p.name for p in shared.host.people(person.tenant)},
            now=actions.now(),
        )

    @blueprint.post("/admin/requests/<request_id>")
    def settle(request_id: str) -> ResponseReturnValue:
        grant = request.form.get("decision") == "grant"
        what = actions.settle_request(shared.admin(), request_id, grant)
        granted = _("The request is done.") if what is Asked.CONSENT else _("The request was granted.")
        flash(granted if grant else _("The request was declined."), "ok")
        return redirect(url_for(".admin"), 303)


def _said(shared: Shared, row: RequestRow) -> str:
    """What is asked for, as a sentence without the person."""
    entry = {i.id: i for i in shared.registry.integrations()}.get(row.integration)
    name = entry.name.in_(str(locale())) if entry else row.integration
    service = entry.service if entry else row.integration
    return str(REQUESTS[row.what]) % {"name": name, "service": service, "subject": row.subject}


def _kind(row: AdminRow) -> str:
    """``ok``, ``warn`` (the user has to authorise), ``err``, or empty for added and paused ones."""
    if row.state is ConnectionState.EXPIRED:
        return "warn"
    if row.state is ConnectionState.CONNECTED:
        return "err" if row.error else "ok"
    return ""
