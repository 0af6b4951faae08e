"""The sync button, the live panel, the log of runs, and what the calendar's menu asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from marketplace_plugin.engine.views import ConnectionState, RunState, RunView
from marketplace_plugin.web.blueprint import Shared, inside, is_fragment, page
from marketplace_plugin.web.pages.way import crumbs

STOP_POLLING = 286  # htmx: show this answer and ask no more
LOG_LENGTH = 100


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.post("/sync")
    def sync() -> ResponseReturnValue:
        """Run all of the person's connections; one that runs already is shown, not started again."""
        person = shared.person()
        runs = actions.request_sync(person)
        if is_fragment():
            return _panel(shared, runs)
        return redirect(url_for(".progress"), 303)

    @blueprint.get("/sync")
    def progress() -> ResponseReturnValue:
        runs = actions.progress(shared.person())
        if not is_fragment():
            return page(
                "marketplace/sync/progress.html",
                crumbs=[(_("My profile"), url_for(".profile")), (_("Sync"), None)],
                **_panel_context(shared, runs),
            )
        return _panel(shared, runs)

    blueprint.add_app_template_global(lambda: _button(shared), "marketplace_sync_button")

    @blueprint.get("/profile/connections/<connection>/runs")
    def runs(connection: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.connection(person, connection)
        return page(
            "marketplace/sync/runs.html",
            crumbs=crumbs(shared, view, _("Log")),
            connection=view,
            runs=actions.runs(person, connection, LOG_LENGTH),
        )

    @blueprint.get("/profile/runs/<run>")
    def run(run: str) -> ResponseReturnValue:
        person = shared.person()
        view = actions.run(person, run)
        connection = actions.connection(person, view.connection)
        return page(
            "marketplace/sync/run.html",
            crumbs=[*crumbs(shared, connection, _("Log"))],
            connection=connection,
            run=view,
            steps=actions.steps(person, run),
        )

    @blueprint.post("/convert/<link>")
    def convert(link: str) -> ResponseReturnValue:
        """Make a grey block a visible event. Asked twice, it is converted once."""
        person = shared.person()
        ref = actions.convert(person, link)
        if actions.stays_private(person, ref):
            said = _("The event is now in your calendar. It is private: colleagues still only see “Busy”.")
        else:
            said = _("The event is now visible to colleagues.")
        return _done(said, ref, undo=url_for(".undo", link=link))

    @blueprint.post("/convert/<link>/undo")
    def undo(link: str) -> ResponseReturnValue:
        if actions.undo_conversion(shared.person(), link):
            return _done(_("The event is a grey block again. Colleagues only see “Busy”."))
        return _done(
            _("The event is no longer shown here, because its calendar is not imported. It stays in that calendar.")
        )

    @blueprint.post("/convert/<link>/stop")
    def stop_importing(link: str) -> ResponseReturnValue:
        actions.stop_importing(shared.person(), link)
        return _done(_("The event is no longer imported. It stays in the connected calendar."))


def _button(shared: Shared) -> Markup:
    """The sync button for the host's calendar: ``{{ marketplace_sync_button() }}``. Empty for nobody and without a
    connection."""
    person = shared.host.viewer()
    connections = shared.actions.mine(person) if person else ()
    if not connections:
        return Markup("")
    running = [view.running for view in connections if view.running]
    finished = [view.last_run.finished_at for view in connections if view.last_run and view.last_run.finished_at]
    known = [run for run in running if run.total]
    total = sum(run.total or 0 for run in known)
    expired = any(view.state is ConnectionState.EXPIRED for view in connections)
    return Markup(  # noqa: S704  # a template of ours, which escapes what it is given
        render_template(
            "marketplace/sync/_button.html",
            running=bool(running),
            percent=100 * sum(run.done for run in known) // total if total else None,
            last=min(finished, default=None),
            worst="expired" if expired else "error" if any(view.error for view in connections) else "",
        )
    )


def _done(said: str, ref: str = "", undo: str = "") -> ResponseReturnValue:
    """Back to where the user came from, with the sentence; JSON for a script that asks for it."""
    if request.accept_mimetypes.best == "application/json":
        return jsonify(message=said, ref=ref, undo=undo)
    flash({"text": said, "undo": undo}, "toast")  # type: ignore[arg-type]  # the session's JSON carries it as it is
    return redirect(_back(), 303)


def _back() -> str:
    """A path of this site that the form names, else the profile. Never another site."""
    return inside(request.form.get("next", "")) or url_for(".profile")


def _panel(shared: Shared, runs: Sequence[RunView]) -> Response:
    """The panel as a fragment: 304 while nothing moved, and the last one tells htmx to stop asking."""
    context = _panel_context(shared, runs)
    response = page("marketplace/sync/_panel.html", **context)
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32], weak=True)
    if not context["busy"]:
        response.status_code = STOP_POLLING
        response.headers["HX-Trigger"] = "calendar-changed"  # the host's calendar reads itself again
        return response
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def _panel_context(shared: Shared, runs: Sequence[RunView]) -> dict[str, Any]:
    person = shared.person()
    connections = {view.id: view for view in shared.actions.mine(person)}
    due = [view.next_due for view in connections.values() if view.next_due]
    return {
        "runs": [run for run in runs if run.connection in connections],
        "connections": connections,
        "busy": any(run.state is not RunState.FINISHED for run in runs),
        "next_due": min(due, default=None),
    }
