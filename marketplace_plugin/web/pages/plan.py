"""The plan of a sync, "Starten", and "Verbindung trennen"."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import Conflict, ProviderError
from marketplace_plugin.web.actions import PlanNotMade
from marketplace_plugin.web.blueprint import Shared, is_fragment, page
from marketplace_plugin.web.pages.way import crumbs
from marketplace_plugin.web.texts import error_sentence


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/profile/connections/<connection>/plan")
    def plan(connection: str) -> ResponseReturnValue:
        """The plan that waits, made now where there is none; settings that were approved need none. While a sync runs,
        the page asks again by itself."""
        person = shared.person()
        view = actions.connection(person, connection)
        found = actions.current_plan(person, connection)
        failure, waits = None, False
        if found is None and view.started:
            answer = redirect(url_for(".settings", connection=connection))
            if is_fragment():  # it asked by itself, and somebody has approved the plan meanwhile
                answer.status_code, answer.headers["HX-Redirect"] = 204, answer.location or ""
            return answer
        try:
            found = found or actions.preview(person, connection)
        except (ProviderError, PlanNotMade) as error:
            failure, waits = error_sentence(error.code), error.code == RunOutcome.BUSY
        return page(
            "marketplace/connection/plan.html",
            crumbs=crumbs(shared, view, _("Plan") if view.begun else _("First sync")),
            connection=view,
            plan=found,
            failure=failure,
            waits=waits,
        )

    @blueprint.post("/profile/connections/<connection>/start")
    def start(connection: str) -> ResponseReturnValue:
        """Carry out the plan that was shown. Pressed twice, the second press finds the run of the first."""
        person = shared.person()
        view = actions.connection(person, connection)
        try:
            actions.approve(person, request.form.get("plan", ""))
        except Conflict:
            if not view.started:
                flash(_("The plan has changed in the meantime. Please look at it again."), "warn")
                return redirect(url_for(".plan", connection=connection), 303)
        return redirect(url_for(".settings", connection=connection), 303)

    @blueprint.get("/profile/connections/<connection>/disconnect")
    def disconnect(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        return page(
            "marketplace/connection/disconnect.html",
            crumbs=crumbs(shared, view, _("Disconnect")),
            connection=view,
            facts=actions.disconnect_facts(person, connection),
        )

    @blueprint.post("/profile/connections/<connection>/disconnect", endpoint="disconnect_now")
    def disconnect_(connection: str) -> ResponseReturnValue:
        """Ends the connection; a second press finds it gone already, which is what was wanted."""
        person = shared.person()
        stay = 0
        if any(view.id == connection for view in actions.mine(person)):
            stay = actions.disconnect(person, connection, delete_remote=request.form.get("delete_remote") == "1").left
        flash(_("The connection has ended. Imported events were removed."), "ok")
        if stay:
            flash(
                ngettext(
                    "%(num)d event stays in the connected calendar: something in it stands only there, or it could not "
                    "be deleted.",
                    "%(num)d events stay in the connected calendar: something in them stands only there, or they could "
                    "not be deleted.",
                    stay,
                ),
                "warn",
            )
        return redirect(url_for(".profile"), 303)
