"""``/v1.0``: /me, calendars, events, views, deltas, $batch."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.api import batch, calendars, listing, query
from marketplace_plugin.sandbox.graph.api.calls import (
    arguments,
    body,
    caller,
    context,
    error_reply,
    here,
    page,
    preferences,
    reply,
)
from marketplace_plugin.sandbox.graph.api.delta import limits
from marketplace_plugin.sandbox.graph.items import routes as items
from marketplace_plugin.sandbox.graph.outlook import access, answers, meetings, writes
from marketplace_plugin.sandbox.graph.outlook.access import Found
from marketplace_plugin.sandbox.graph.outlook.time import series, window

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.graph.server import GraphSandbox

ROOT = "/v1.0"


def blueprint(sandbox: GraphSandbox) -> Blueprint:
    """All routes below ``/v1.0``."""
    pages = Blueprint("graph", __name__, url_prefix=ROOT)

    @pages.errorhandler(errors.GraphError)
    def refuse(error: errors.GraphError) -> ResponseReturnValue:
        return error_reply(sandbox, error)

    @pages.get("/me")
    def me() -> ResponseReturnValue:
        return reply(calendars.me(sandbox.state, caller(sandbox).token), "users/$entity")

    @pages.post("/$batch")
    def run_batch() -> ResponseReturnValue:
        caller(sandbox)
        return jsonify(batch.run(sandbox, body()))

    calendars.routes(pages, sandbox)
    items.routes(pages, sandbox)
    for name, prefix in (("all", "/me"), ("default", "/me/calendar"), ("one", "/me/calendars/<calendar_id>")):
        _events(pages, sandbox, name, prefix)
        _views(pages, sandbox, name, prefix)
        _answers(pages, sandbox, name, prefix)
    return pages


def _events(pages: Blueprint, sandbox: GraphSandbox, name: str, prefix: str) -> None:
    state, everywhere = sandbox.state, name == "all"

    def listed(calendar_id: str | None = None) -> ResponseReturnValue:
        user = caller(sandbox)
        seen = user.calendar(calendar_id)
        wanted = [item for item in access.calendars(state, user.email) if item.share is None] if everywhere else [seen]
        asked = page()
        items = [Found(item, event) for item in wanted for event in item.calendar.events.values()]
        return reply(listing.page(state, items, asked), context("events"), applied=asked.preferences.applied)

    def create(calendar_id: str | None = None) -> ResponseReturnValue:
        seen = caller(sandbox).calendar(calendar_id, write=True)
        asked = preferences()
        event = writes.create(state, seen, body())
        shown = listing.one(state, Found(seen, event), query.Options(), asked)
        sandbox.written(event)
        found = reply(shown, context("events/$entity"), 201, asked.applied)
        found.headers["Location"] = f"{request.host_url}v1.0/me/events/{quote(shown['id'], safe='=-_')}"
        return found

    def get(event_id: str, calendar_id: str | None = None) -> ResponseReturnValue:
        found = caller(sandbox).event(calendar_id, event_id)
        options = query.parse(arguments(), query.EVENT_PROPERTIES)
        asked = preferences()
        return reply(listing.one(state, found, options, asked), context("events/$entity"), applied=asked.applied)

    def patch(event_id: str, calendar_id: str | None = None) -> ResponseReturnValue:
        found = caller(sandbox).event(calendar_id, event_id, write=True)
        asked = preferences()
        after = writes.update(state, found, body(), request.headers.get("If-Match"))
        shown = listing.one(state, after, query.Options(), asked)
        sandbox.written(after.event)
        return reply(shown, context("events/$entity"), applied=asked.applied)

    def delete(event_id: str, calendar_id: str | None = None) -> ResponseReturnValue:
        found = caller(sandbox).event(calendar_id, event_id, write=True)
        writes.delete(state, found, request.headers.get("If-Match"))
        return "", 204

    rule = f"{prefix}/events"
    pages.add_url_rule(rule, f"{name}_list", listed, methods=["GET"])
    pages.add_url_rule(rule, f"{name}_create", create, methods=["POST"])
    pages.add_url_rule(f"{rule}/<event_id>", f"{name}_get", get, methods=["GET"])
    pages.add_url_rule(f"{rule}/<event_id>", f"{name}_patch", patch, methods=["PATCH"])
    pages.add_url_rule(f"{rule}/<event_id>", f"{name}_delete", delete, methods=["DELETE"])


def _answers(pages: Blueprint, sandbox: GraphSandbox, name: str, prefix: str) -> None:
    """How a guest answers. Source: event-accept, event-tentativelyaccept and event-decline."""
    state = sandbox.state

    def answer(event_id: str, action: str, calendar_id: str | None = None) -> ResponseReturnValue:
        found = caller(sandbox).event(calendar_id, event_id, write=True)
        tell = answers.checked(found, action, body())
        meetings.respond(state, found.event, answers.RESPONSES[action], tell=tell)
        return "", 202

    rule = f"{prefix}/events/<event_id>/<any({', '.join(answers.RESPONSES)}):action>"
    pages.add_url_rule(rule, f"{name}_answer", answer, methods=["POST"])


def _views(pages: Blueprint, sandbox: GraphSandbox, name: str, prefix: str) -> None:
    state = sandbox.state

    def no_delta(calendar_id: str | None = None) -> ResponseReturnValue:
        caller(sandbox).calendar(calendar_id)
        raise errors.bad_request(
            "Unsupported request: Change tracking is not supported against 'microsoft.graph.event'.",
            "ErrorInvalidRequest",
        )

    def view(calendar_id: str | None = None) -> ResponseReturnValue:
        seen = caller(sandbox).calendar(calendar_id)
        begin, until = limits({key.lower(): value for key, value in arguments()})
        asked = page()
        found = listing.page(state, window.items(seen, begin, until), asked)
        return reply(found, context("calendarView"), applied=asked.preferences.applied)

    def delta(calendar_id: str | None = None) -> ResponseReturnValue:
        seen = caller(sandbox).calendar(calendar_id)
        asked = preferences()
        found = sandbox.deltas.page(seen, here(), arguments(), asked)
        return reply(found, "Collection(event)", applied=("odata.track-changes", *asked.applied))

    def instances(event_id: str, calendar_id: str | None = None) -> ResponseReturnValue:
        found = caller(sandbox).event(calendar_id, event_id)
        begin, until = limits({key.lower(): value for key, value in arguments()})
        if found.occurrence is not None or found.event.recurrence is None:
            raise errors.invalid_request("Instances can only be listed of the master of a series.")
        asked = page()
        items = [Found(found.seen, found.event, item) for item in series.between(found.event, begin, until)]
        shown = listing.page(state, items, asked)
        return reply(shown, context("events/instances"), applied=asked.preferences.applied)

    for ending in ("delta", "delta()"):
        pages.add_url_rule(f"{prefix}/events/{ending}", f"{name}_no_{ending}", no_delta, methods=["GET"])
        pages.add_url_rule(f"{prefix}/calendarView/{ending}", f"{name}_view_{ending}", delta, methods=["GET"])
    pages.add_url_rule(f"{prefix}/calendarView", f"{name}_view", view, methods=["GET"])
    pages.add_url_rule(f"{prefix}/events/<event_id>/instances", f"{name}_instances", instances, methods=["GET"])
