"""The routes of ``/api/v1``. Everything is asked on behalf of the token's owner; nobody acts for somebody else."""

from __future__ import annotations

from dataclasses import asdict
from datetime import MAXYEAR, MINYEAR, UTC, timedelta
from functools import partial
from typing import Any

from flask import Response, g, request, url_for
from flask_babel import force_locale
from flask_smorest import Blueprint

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.views import RunView, SettingsForm
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.time import Window
from marketplace_plugin.web.actions import Offer, PlanView
from marketplace_plugin.web.api import schemas
from marketplace_plugin.web.api.errors import answer, language
from marketplace_plugin.web.api.events import entries
from marketplace_plugin.web.blueprint import Shared
from marketplace_plugin.web.texts import REASONS

LONGEST_WINDOW = timedelta(days=366)
YEARS = range(MINYEAR + 1, MAXYEAR)
"""Beyond them no other zone can tell an instant."""


def me() -> Person:
    """The token's owner."""
    person: Person = g.marketplace_api_person
    return person


def add_guard(blueprint: Blueprint, shared: Shared) -> None:
    """Each request needs a personal token; cookies do not count, so that no other site can send one."""

    @blueprint.before_request
    def authenticate() -> Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        person = shared.actions.person_of_token(token.strip()) if scheme.lower() == "bearer" and token else None
        if person is None:
            return answer("sign-in", 401)
        g.marketplace_api_person = person
        return None

    @blueprint.after_request
    def keep_nowhere(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response


def add_market(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/integrations")
    @blueprint.response(200, schemas.Integration(many=True))
    def list_integrations() -> list[dict[str, Any]]:
        """Integrations, and what you can do with each."""
        return [_integration(offer) for offer in actions.offers(me())]

    @blueprint.get("/integrations/<string:integration>")
    @blueprint.response(200, schemas.Integration)
    @blueprint.alt_response(404, schema=schemas.Error)
    def get_integration(integration: str) -> dict[str, Any]:
        """One integration."""
        for offer in actions.offers(me()):
            if offer.integration.id == integration:
                return _integration(offer)
        raise NotFound(integration)


def add_connections(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/connections")
    @blueprint.response(200, schemas.Connection(many=True))
    def list_connections() -> Any:
        """Your connections."""
        return actions.mine(me())

    @blueprint.post("/connections")
    @blueprint.arguments(schemas.NewConnection)
    @blueprint.response(201, schemas.AddedConnection)
    @blueprint.alt_response(403, schema=schemas.Error)
    @blueprint.alt_response(404, schema=schemas.Error)
    def add_connection(data: dict[str, Any]) -> dict[str, str]:
        """Add an integration to your profile. You authorise it in your browser."""
        connection = actions.add(me(), data["integration"])
        return {"id": connection, "authorize": url_for("marketplace.connect", connection=connection, _external=True)}

    @blueprint.get("/connections/<string:connection>")
    @blueprint.response(200, schemas.Connection)
    @blueprint.alt_response(404, schema=schemas.Error)
    def get_connection(connection: str) -> Any:
        """One of your connections."""
        return actions.connection(me(), connection)

    @blueprint.delete("/connections/<string:connection>")
    @blueprint.arguments(schemas.DisconnectQuery, location="query")
    @blueprint.response(204)
    @blueprint.alt_response(404, schema=schemas.Error)
    def delete_connection(query: dict[str, Any], connection: str) -> None:
        """Disconnect: imported events are removed here; at the service nothing is, unless you ask for it."""
        actions.connection(me(), connection)
        actions.disconnect(me(), connection, query["delete_remote"])

    @blueprint.get("/connections/<string:connection>/settings")
    @blueprint.arguments(schemas.SettingsQuery, location="query")
    @blueprint.response(200, schemas.Settings)
    @blueprint.alt_response(404, schema=schemas.Error)
    def get_settings(query: dict[str, Any], connection: str) -> Any:
        """Calendars and choices of a connection."""
        return actions.settings(me(), connection, reload=query["reload"])

    @blueprint.put("/connections/<string:connection>/settings")
    @blueprint.arguments(schemas.NewSettings)
    @blueprint.response(200, schemas.SavedSettings)
    @blueprint.alt_response(404, schema=schemas.Error)
    @blueprint.alt_response(409, schema=schemas.Error)
    def put_settings(data: dict[str, Any], connection: str) -> Any:
        """Save the choices. Nothing is written before the plan is approved."""
        offered = {c.id: c for c in actions.settings(me(), connection, reload=False).collections}
        wrong = {}
        if data["target"] is not None and not (data["target"] in offered and offered[data["target"]].can_be_target):
            wrong["target"] = ["Not a calendar that can be written to."]
        if set(data["sources"]) - set(offered):
            wrong["sources"] = ["Not all are calendars of this connection."]
        if set(data["others"]) - set(offered):
            wrong["others"] = ["Not all are collections of this connection."]
        if wrong:
            return answer("invalid", 422, fields={"json": wrong})
        version = data.pop("version")
        form = SettingsForm(**data | {name: frozenset(data[name]) for name in ("sources", "switches", "others")})
        saved = actions.save(me(), connection, form, version)
        if saved.asks is not None:
            return answer("target-change", 409, fields={"json": {"target_change": [f"{saved.asks} copies"]}})
        return saved


def add_sync(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/connections/<string:connection>/plan")
    @blueprint.response(200, schemas.Plan)
    @blueprint.alt_response(404, schema=schemas.Error)
    def get_plan(connection: str) -> PlanView:
        """The plan that waits for your approval."""
        plan = actions.current_plan(me(), connection)
        if plan is None:
            raise NotFound("no plan waits")
        return plan

    @blueprint.post("/connections/<string:connection>/plan")
    @blueprint.response(200, schemas.Plan)
    @blueprint.alt_response(404, schema=schemas.Error)
    @blueprint.alt_response(409, schema=schemas.Error)
    @blueprint.alt_response(502, schema=schemas.Error)
    def make_plan(connection: str) -> PlanView:
        """Make the plan anew that waits for approval. It reads both sides and writes nothing but grey blocks."""
        return actions.preview(me(), connection)

    @blueprint.post("/connections/<string:connection>/plan/approve")
    @blueprint.arguments(schemas.Approval)
    @blueprint.response(202, schemas.StartedRun)
    @blueprint.alt_response(404, schema=schemas.Error)
    @blueprint.alt_response(409, schema=schemas.Error)
    def approve_plan(data: dict[str, Any], connection: str) -> dict[str, str]:
        """Carry the plan out. Another plan than the one that waits is answered 409."""
        actions.connection(me(), connection)
        return {"run": actions.approve(me(), data["plan"])}

    @blueprint.post("/sync")
    @blueprint.response(202, schemas.Run(many=True))
    def start_sync() -> Any:
        """Sync all of your connections now: one run each. One that runs already is that run."""
        return actions.request_sync(me())

    @blueprint.get("/runs")
    @blueprint.arguments(schemas.RunsQuery, location="query")
    @blueprint.response(200, schemas.Run(many=True))
    @blueprint.alt_response(404, schema=schemas.Error)
    def list_runs(query: dict[str, Any]) -> Any:
        """The log of a connection, newest first."""
        return actions.runs(me(), query["connection"], query["limit"])

    @blueprint.get("/runs/<string:run>")
    @blueprint.response(200, schemas.RunWithSteps)
    @blueprint.alt_response(404, schema=schemas.Error)
    def get_run(run: str) -> dict[str, Any]:
        """One run: what was done, and why."""
        return _run(actions.run(me(), run), shared)


def add_calendar(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/events")
    @blueprint.arguments(schemas.EventsQuery, location="query")
    @blueprint.response(200, schemas.EventList)
    @blueprint.alt_response(404, schema=schemas.Error)
    def list_events(query: dict[str, Any]) -> Any:
        """Your calendar or a colleague's in a window. A colleague's grey blocks and private events have times only."""
        owner = query.get("owner", me().id)
        for name in ("start", "end"):
            if query[name].year not in YEARS:
                return answer("invalid", 422, fields={"query": {name: ["In the years 2 to 9998."]}})
        start, end = query["start"].astimezone(UTC), query["end"].astimezone(UTC)
        if not start < end <= start + LONGEST_WINDOW:
            return answer("invalid", 422, fields={"query": {"end": ["After start, and at most 366 days later."]}})
        if owner != me().id and (shared.host.person(owner) is None or not shared.host.may_see(me(), owner)):
            raise NotFound(owner)  # alike for nobody and for somebody of another tenant
        window = Window(start, end)
        blocks, items = actions.blocks(me(), owner, window), actions.host_events(owner)
        keyed = partial(actions.keyed, me())
        found, truncated = entries(me(), owner, blocks, items, window, keyed)
        return {"owner": owner, "entries": found, "truncated": truncated}


def _integration(offer: Offer) -> dict[str, Any]:
    entry = offer.integration
    return {
        "id": entry.id,
        "name": entry.name.in_(language()),
        "summary": entry.summary.in_(language()),
        "vendor": entry.vendor,
        "version": entry.version,
        "category": entry.category,
        "kinds": entry.kinds,
        "available": entry.available,
        "permission": offer.permission,
        "connections": offer.connections,
    }


def _run(view: RunView, shared: Shared) -> dict[str, Any]:
    with force_locale(language()):
        steps = [{**asdict(step), "message": str(REASONS[step.reason])} for step in shared.actions.steps(me(), view.id)]
    return {name: getattr(view, name) for name in view.__slots__} | {"steps": steps}
