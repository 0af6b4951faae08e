"""The form of an account that takes a user name and a password (search the server, test, save what passed), and the
test of an account that is connected.

A secret is read from the request, handed on, and never put into a page, a session or the log. The button that searches
belongs to a form of its own, which has no field for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.bundle.manifest import AuthType, FormField
from marketplace_plugin.contract.hookspecs import StepState
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.servers import normal_host
from marketplace_plugin.engine.form.credentials import EMAIL, LONGEST, SERVER, FormView, Searched, Tried
from marketplace_plugin.engine.views import ConnectionState, ConnectionView
from marketplace_plugin.errors import AuthorizeError, NotFound
from marketplace_plugin.web.actions import Offer
from marketplace_plugin.web.blueprint import Shared, is_fragment, page
from marketplace_plugin.web.pages.way import browser, crumbs
from marketplace_plugin.web.texts import Sentence, error_sentence, fresh_number

log = logging.getLogger(__name__)
KNOWN = "known_email"  # the address of the last search, in the form that tests and saves
WRITE = "write"


@dataclass
class Shown:
    """What the page shows beside the form as it is kept. ``values`` holds no secret; ``errors``: sentences by field."""

    values: Mapping[str, str] = field(default_factory=dict)
    write: bool = False
    searched: Searched | None = None
    tested: Tried | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: Sentence | None = None


def has_form(shared: Shared, view: ConnectionView) -> bool:
    entry = {i.id: i for i in shared.registry.integrations()}.get(view.integration)
    return entry is not None and entry.auth.type is AuthType.FORM


def first(shared: Shared, person: Person, view: ConnectionView) -> ResponseReturnValue:
    """The form with what was kept, and nothing tried yet."""
    return _page(shared, person, view, Shown())


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.post("/profile/connections/<connection>/search")
    def search_server(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        email = request.form.get(EMAIL, "").strip()
        if wrong := _no_address(email):
            return _page(shared, person, view, Shown({EMAIL: email}, errors={EMAIL: wrong}), part="found")
        searched = actions.search_server(person, connection, email)
        values = {EMAIL: email, **({SERVER: searched.server} if searched.server else {})}
        return _page(shared, person, view, Shown(values, searched=searched), part="found")

    @blueprint.post("/profile/connections/<connection>/try")
    def test_credentials(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        entered, write = _entered(shared, view), request.form.get(WRITE) == "1"
        shown = Shown(_visible(shared, view, entered), write, errors=_missing(shared, view, entered))
        if not shown.errors:
            try:
                shown.tested = actions.test_credentials(person, connection, browser(), entered, write)
            except AuthorizeError as error:
                shown.problem = _noted(error)
        return _page(shared, person, view, shown, part="tested")

    @blueprint.post("/profile/connections/<connection>/credentials")
    def save_credentials(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        entered = _entered(shared, view)
        try:
            actions.save_credentials(person, connection, browser(), entered)
        except AuthorizeError as error:
            shown = Shown(_visible(shared, view, entered), problem=_noted(error))
            return _page(shared, person, view, shown, status=409)
        if view.state is ConnectionState.ADDED:
            return redirect(url_for(".result", connection=connection), 303)
        flash(_("Saved. The sync goes on."), "ok")
        return redirect(url_for(".settings", connection=connection), 303)

    @blueprint.post("/profile/connections/<connection>/ask-server")
    def ask_server(connection: str) -> ResponseReturnValue:
        actions.ask_server(shared.person(), connection, request.form.get(SERVER, "")[:LONGEST])
        flash(_("Your request was sent. As soon as the server is opened, you can test here again."), "ok")
        return redirect(url_for(".connect", connection=connection), 303)

    @blueprint.get("/profile/connections/<connection>/test")
    @blueprint.post("/profile/connections/<connection>/test")
    def test(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        write = request.form.get(WRITE) == "1"
        steps = list(actions.test(person, connection, write)) if request.method == "POST" else None
        fragment = request.method == "POST" and "HX-Request" in request.headers
        return page(
            "marketplace/connection/_test.html" if fragment else "marketplace/connection/test.html",
            crumbs=crumbs(shared, view, _("Test")),
            connection=view,
            steps=steps,
            passed=steps is not None and all(step.state is not StepState.FAILED for step in steps),
            took=sum(step.took for step in steps or []),
            writes=has_form(shared, view),
            write=write,
        )


def _page(
    shared: Shared, person: Person, view: ConnectionView, shown: Shown, *, part: str = "", status: int = 0
) -> ResponseReturnValue:
    """The whole page, or with htmx the part that an answer changes."""
    kept = shared.actions.form(person, view.id)
    wrong = shown.errors or shown.problem
    name = f"_{part}" if part and is_fragment() else "form"
    return page(
        f"marketplace/connection/form/{name}.html",
        status=status or (422 if wrong else 200),
        crumbs=crumbs(shared, view),
        connection=view,
        form=kept,
        shown=shown,
        values={EMAIL: kept.email, **_first_values(kept), **shown.values},
        offer=_heir(shared, person, shown),
        took=sum(step.took for step in shown.tested.steps) if shown.tested else 0,
    )


def _first_values(kept: FormView) -> Mapping[str, str]:
    return kept.fields or {"username": kept.email}


def _fields(shared: Shared, view: ConnectionView) -> tuple[FormField, ...]:
    for entry in shared.registry.integrations():
        if entry.id == view.integration and entry.auth.type is AuthType.FORM:
            return entry.auth.fields
    raise NotFound(view.integration)


def _entered(shared: Shared, view: ConnectionView) -> dict[str, str]:
    """What the form holds. The address stands in the form of the search; this one carries it along."""
    found = {one.name: request.form.get(one.name, "") for one in _fields(shared, view)}
    if EMAIL in found:
        found[EMAIL] = found[EMAIL] or request.form.get(KNOWN, "")
    return found


def _visible(shared: Shared, view: ConnectionView, entered: Mapping[str, str]) -> Mapping[str, str]:
    return {one.name: entered[one.name] for one in _fields(shared, view) if not one.secret}


def _missing(shared: Shared, view: ConnectionView, entered: Mapping[str, str]) -> Mapping[str, str]:
    errors = {}
    for one in _fields(shared, view):
        if one.required and not entered[one.name].strip():
            errors[one.name] = _("Please fill this in.")
        elif len(entered[one.name]) > LONGEST:
            errors[one.name] = _("This is too long.")
    return errors


def _no_address(email: str) -> str:
    """Domains of one's own (``firma.local``) are addresses too; what the domain is worth, its search tells."""
    local, _at, domain = email.rpartition("@")
    odd = any(c.isspace() or c in ",;<>@" for c in local + domain)
    return "" if local and not odd and "." in normal_host(domain) else str(_("This is no e-mail address."))


def _heir(shared: Shared, person: Person, shown: Shown) -> Offer | None:
    """The integration that an account belongs to whose server takes no passwords."""
    name = next((one.handed_over for one in (shown.searched, shown.tested) if one is not None and one.handed_over), "")
    return next((offer for offer in shared.actions.offers(person) if offer.integration.id == name), None)


def _noted(error: AuthorizeError) -> Sentence:
    log.warning("%s: %s in %s", fresh_number(), error.code, request.endpoint)
    return error_sentence(error.code)
