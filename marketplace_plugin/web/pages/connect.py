"""The way from "Hinzufügen" to an authorised account: the profile's lists, connect, OAuth, an admin's consent, and
what was found."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.engine.sign_in.consent import PREFIX
from marketplace_plugin.engine.views import ConnectionState, ConnectionView
from marketplace_plugin.errors import AdminConsentNeeded, AuthorizeError, StateMismatch
from marketplace_plugin.web.blueprint import Shared, error_page, page
from marketplace_plugin.web.pages import form
from marketplace_plugin.web.pages.way import browser, crumbs
from marketplace_plugin.web.texts import error_sentence, fresh_number

log = logging.getLogger(__name__)


def add(blueprint: Blueprint, shared: Shared) -> None:
    _add_lists(blueprint, shared)
    _add_way(blueprint, shared)


def _add_lists(blueprint: Blueprint, shared: Shared) -> None:
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


def _add_way(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/profile/connections/<connection>/connect")
    def connect(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        if form.has_form(shared, view) and view.state is not ConnectionState.PAUSED:
            return form.first(shared, person, view)
        return page("marketplace/connection/connect.html", crumbs=crumbs(shared, view), connection=view)

    @blueprint.post("/profile/connections/<connection>/authorize")
    def authorize(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        if form.has_form(shared, view):
            return redirect(url_for(".connect", connection=connection), 303)
        features = frozenset(request.form.getlist("feature"))
        return leaving(shared, view, actions.begin(person, connection, browser(), features))

    @blueprint.get("/oauth/callback")
    def callback() -> ResponseReturnValue:
        if "admin_consent" in request.args or request.args.get("state", "").startswith(PREFIX):
            return _consented(shared)
        person = shared.person()
        try:
            found = actions.finish(person, browser(), request.url)
        except AdminConsentNeeded as error:
            return redirect(url_for(".consent", connection=error.connection), 303)
        except AuthorizeError as error:
            number = fresh_number()
            log.warning("%s: %s in %s", number, error.code, request.endpoint)
            return error_page(error_sentence(error.code), 400, number, back=url_for(".profile"))
        return redirect(url_for(".result", connection=found.connection), 303)

    @blueprint.get("/profile/connections/<connection>/consent")
    def consent(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        return page(
            "marketplace/connection/consent.html",
            crumbs=crumbs(shared, view, _("Consent")),
            connection=view,
            consent=actions.consent(person, connection),
        )

    @blueprint.post("/profile/connections/<connection>/consent", endpoint="ask_consent")
    def ask(connection: str) -> ResponseReturnValue:
        actions.ask_consent(shared.person(), connection)
        flash(_("Your request was sent. Your administrator sees it together with the address."), "ok")
        return redirect(url_for(".consent", connection=connection), 303)

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


def leaving(shared: Shared, view: ConnectionView, address: str) -> Response:
    """Out to the service's sign-in. No redirect: browsers hold the policy for forms against every further one, and
    which hosts a service's sign-in leads over, nobody can know."""
    made = page("marketplace/connection/leaving.html", crumbs=crumbs(shared, view), connection=view, address=address)
    made.headers["Refresh"] = f"0; url={address}"
    return made


def _consented(shared: Shared) -> ResponseReturnValue:
    """What whoever opened the address for an admin reads afterwards. He may be a stranger here, so it names nobody, and
    a link that somebody made up changes nothing."""
    viewer = shared.host.viewer()
    try:
        answer = shared.actions.consent_answer(request.args)
    except StateMismatch as error:
        return error_page(error_sentence(error.code), 400)
    return page(
        "marketplace/connection/consented.html",
        crumbs=[(_("Consent"), None)],
        answer=answer,
        is_owner=viewer is not None and viewer.id == answer.owner,
        is_admin=viewer is not None and viewer.admin and viewer.tenant == answer.tenant,
    )
