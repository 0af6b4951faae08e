"""A connection's settings: opening reloads the calendar list, saving leads to the plan."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace_plugin.contract.hookspecs import ConnectionRef
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.views import ConnectionState, SettingsForm, SettingsView
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.item import Kind
from marketplace_plugin.web.blueprint import Shared, page
from marketplace_plugin.web.forms import Entered, asked_for, read_settings
from marketplace_plugin.web.pages.connect import leaving
from marketplace_plugin.web.pages.way import browser, crumbs
from marketplace_plugin.web.texts import error_sentence

RECENT_RUNS = 5


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/profile/connections/<connection>")
    def settings(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        if view.state is ConnectionState.ADDED:
            return redirect(url_for(".connect", connection=connection))
        return _settings(shared, person, actions.settings(person, connection))

    @blueprint.post("/profile/connections/<connection>")
    def save(connection: str) -> ResponseReturnValue:
        person = shared.person()
        present = actions.settings(person, connection, reload=False)
        entered = read_settings(request.form, present)
        if entered.errors or entered.form is None:
            return _settings(shared, person, present, entered)
        try:
            saved = actions.save(person, connection, entered.form, entered.version)
        except Conflict as error:
            entered.errors[""] = str(error_sentence(error.code).body)
            return _settings(shared, person, present, entered, status=409)
        if saved.asks is not None:
            return _settings(shared, person, present, entered, asks=saved.asks)
        added = entered.form.switches - present.switches
        missing = actions.settings(person, connection, reload=False).unpermitted & added
        missing |= asked_for(request.form, entered.form)
        if missing:  # asked for now that it is switched on, and not before
            view = actions.connection(person, connection)
            features = frozenset(kind.value for kind in missing)
            return leaving(shared, view, actions.begin(person, connection, browser(), features))
        if removed := saved.blocks_removed:
            said = ngettext("%(num)d imported event was removed.", "%(num)d imported events were removed.", removed)
            flash(said, "ok")
        if actions.connection(person, connection).started:
            flash(_("Saved. What is written stays as you have approved it."), "ok")
            return redirect(url_for(".settings", connection=connection), 303)
        return redirect(url_for(".plan", connection=connection), 303)


def _settings(
    shared: Shared,
    person: Person,
    view: SettingsView,
    entered: Entered | None = None,
    *,
    asks: int | None = None,
    status: int = 422,
) -> ResponseReturnValue:
    connection = view.connection
    return page(
        "marketplace/connection/settings.html",
        status=status if entered and (entered.errors or asks is not None) else 200,
        crumbs=crumbs(shared, connection),
        connection=connection,
        settings=view,
        chosen=_chosen(view, entered),
        errors=entered.errors if entered else {},
        asks=asks,
        extra=_extra(shared, person, view),
        runs=shared.actions.runs(person, connection.id, RECENT_RUNS),
        facts=shared.actions.disconnect_facts(person, connection.id),
        now=shared.actions.now(),
    )


def _chosen(view: SettingsView, entered: Entered | None) -> SettingsForm:
    """What the form shows as chosen: what was entered, where something was, else what is stored."""
    if entered and entered.form:
        return entered.form
    return SettingsForm(
        target=next((c.id for c in view.collections if c.is_target and c.kind is Kind.EVENT), None),
        sources=frozenset(c.id for c in view.collections if c.is_source),
        switches=view.switches,
        past_days=view.past_days,
        future_days=view.future_days,
        invites=view.invites,
        others=frozenset(c.id for c in view.collections if c.is_target and c.kind is not Kind.EVENT),
        timed_only=view.timed_only,
    )


def _extra(shared: Shared, person: Person, view: SettingsView) -> Mapping[str, object]:
    """The variables that the integration's own code adds to its settings fragment."""
    at = view.connection
    reference = ConnectionRef(at.id, at.integration, person.tenant, person.id)
    return shared.registry.settings_context(at.integration, reference, view.infos)
