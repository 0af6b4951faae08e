"""The way from "Hinzufügen" to an authorised account: the profile's lists, connect, OAuth, result, Test."""

from __future__ import annotations

import logging
import secrets

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.engine.views import ConnectionView
from marketplace_plugin.errors import AuthorizeError
from marketplace_plugin.web.blueprint import Shared, error_page, locale, page
from marketplace_plugin.web.texts import error_sentence, fresh_number

log = logging.getLogger(__name__)
_BROWSER = "marketplace_browser"  # the key in the session that binds an authorisation to this browser


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/profile/synchronisation")
    def profile() -> ResponseReturnValue:
        person = shared.person()
        return page(
            "marketplace/profile/synchronisation.html",
            crumbs=[(_("My profile"), None), (_("Synchronisation"), None)],
            tab="synchronisation",
            connections=actions.mine(person),
            offers=actions.offers(person),
        )

    @blueprint.get("/profile/integrations")
    def integrations() -> ResponseReturnValue:
        person = shared.person()
        return page(
            "marketplace/profile/integrations.html",
            crumbs=[(_("My profile"), url_for(".profile")), (_("Integrations / Marketplace"), None)],
            tab="integrations",
            offers=actions.offers(person),
        )

    @blueprint.get("/profile/connections/<connection>/connect")
    def connect(connection: str) -> ResponseReturnValue:
        view = actions.connection(shared.person(), connection)
        return page("marketplace/connection/connect.html", crumbs=crumbs(shared, view), connection=view)

    @blueprint.post("/profile/connections/<connection>/authorize")
    def authorize(connection: str) -> ResponseReturnValue:
        return redirect(actions.begin(shared.person(), connection, _browser()), 303)

    @blueprint.get("/oauth/callback")
    def callback() -> ResponseReturnValue:
        person = shared.person()
        try:
            found = actions.finish(person, _browser(), request.url)
        except AuthorizeError as error:
            number = fresh_number()
            log.warning("%s: %s in %s", number, error.code, request.endpoint)
            return error_page(error_sentence(error.code), 400, number, back=url_for(".profile"))
        return redirect(url_for(".result", connection=found.connection), 303)

    @blueprint.get("/profile/connections/<connection>/result")
    def result(connection: str) -> ResponseReturnValue:
        person = shared.person()
        settings = actions.settings(person, connection, reload=False)
        view = settings.connection
        return page(
            "marketplace/connection/result.html",
            crumbs=crumbs(shared, view, _("Connected")),
            connection=view,
            settings=settings,
        )

    @blueprint.get("/profile/connections/<connection>/test")
    @blueprint.post("/profile/connections/<connection>/test")
    def test(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        steps = list(actions.test(person, connection)) if request.method == "POST" else None
        fragment = request.method == "POST" and "HX-Request" in request.headers
        return page(
            "marketplace/connection/_test.html" if fragment else "marketplace/connection/test.html",
            crumbs=crumbs(shared, view, _("Test")),
            connection=view,
            steps=steps,
            passed=steps is not None and all(step.state is not StepState.FAILED for step in steps),
            took=_took(steps or []),
        )


def crumbs(shared: Shared, view: ConnectionView, *more: str) -> list[tuple[str, str | None]]:
    """The way to a page of a connection."""
    entry = {i.id: i for i in shared.registry.integrations()}.get(view.integration)
    name = entry.name.in_(str(locale())) if entry else view.integration
    here = url_for(".settings", connection=view.id) if more else None
    return [
        (_("My profile"), url_for(".profile")),
        (_("Synchronisation"), url_for(".profile")),
        (name, here),
        *((text, None) for text in more),
    ]


def _browser() -> str:
    """A random name of this browser's session, made at first use; it never leaves the signed cookie."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(32)
    return str(session[_BROWSER])


def _took(steps: list[TestStep]) -> int:
    return sum(step.took for step in steps)
