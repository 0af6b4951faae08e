"""The admin's page: operating data of the tenant's connections, requests, what was disabled. No content, no account."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.engine.views import AdminRow, ConnectionState
from marketplace_plugin.web.blueprint import Shared, page


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
            disabled=shared.registry.disabled(),
            people={p.id: p.name for p in shared.host.people(person.tenant)},
            now=actions.now(),
        )

    @blueprint.post("/admin/requests/<request_id>")
    def settle(request_id: str) -> ResponseReturnValue:
        grant = request.form.get("decision") == "grant"
        actions.settle_request(shared.admin(), request_id, grant)
        flash(_("The request was granted.") if grant else _("The request was declined."), "ok")
        return redirect(url_for(".admin"), 303)


def _kind(row: AdminRow) -> str:
    """``ok``, ``warn`` (the user has to authorise), ``err``, or empty for added and paused ones."""
    if row.state is ConnectionState.EXPIRED:
        return "warn"
    if row.state is ConnectionState.CONNECTED:
        return "err" if row.error else "ok"
    return ""
