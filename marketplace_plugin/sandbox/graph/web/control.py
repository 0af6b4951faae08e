"""What ``/_sandbox`` has for this service: its state, and other clients' edits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.frame import control
from marketplace_plugin.sandbox.frame.control import done, sent
from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.api.calls import error_reply

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.graph.server import GraphSandbox

_LOGGED = ("method", "path", "params", "status", "fault", "batched")


def blueprint(sandbox: GraphSandbox) -> Blueprint:
    """All routes below ``/_sandbox``."""
    pages = control.blueprint(sandbox, _LOGGED)
    control.add_tokens(pages, sandbox)

    @pages.errorhandler(errors.GraphError)
    def refuse(error: errors.GraphError) -> ResponseReturnValue:
        return error_reply(sandbox, error)

    _behaviour(pages, sandbox)
    _grants(pages, sandbox)
    _events(pages, sandbox)
    return pages


def _behaviour(pages: Blueprint, sandbox: GraphSandbox) -> None:
    state = sandbox.state

    @pages.post("/expire-delta-tokens")
    def expire() -> ResponseReturnValue:
        state.expire_delta_tokens(**sent())
        return done()

    @pages.post("/policy")
    def policy() -> ResponseReturnValue:
        given = sent()
        return jsonify(asdict(state.set_policy(given.pop("tenant"), **given)))

    @pages.post("/share")
    def share() -> ResponseReturnValue:
        given = sent()
        state.share(state.calendar_named(given["owner"], given["calendar"]), given["account"], given["role"])
        return done()

    @pages.post("/calendars")
    def add_calendar() -> ResponseReturnValue:
        given = sent()
        calendar = state.add_calendar(given.pop("owner"), given.pop("name"), **given)
        return jsonify({"key": calendar.key}), 201


def _grants(pages: Blueprint, sandbox: GraphSandbox) -> None:
    @pages.post("/revoke")
    def revoke() -> ResponseReturnValue:
        given = sent()
        sandbox.grants.end(given.get("account"), int(given.get("number", 50173)))
        return done()

    @pages.get("/consent-requests")
    def requests() -> ResponseReturnValue:
        rows = sandbox.grants.requests
        return jsonify([{"account": row[0], "client_id": row[1], "reason": row[2]} for row in rows])


def _events(pages: Blueprint, sandbox: GraphSandbox) -> None:
    """Edits as another client of ``?as=`` would make them, in ``?calendar=`` (name or id)."""

    def actor() -> Actor:
        return Actor(sandbox.state, request.args["as"])

    @pages.get("/events")
    def read() -> ResponseReturnValue:
        return jsonify(actor().events(request.args.get("calendar")))

    @pages.post("/events")
    def insert() -> ResponseReturnValue:
        return jsonify(actor().insert(sent(), request.args.get("calendar"))), 201

    @pages.get("/events/<event_id>")
    def get(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().get(event_id))

    @pages.get("/events/<event_id>/occurrences/<day>")
    def occurrence(event_id: str, day: str) -> ResponseReturnValue:
        return jsonify(actor().occurrence(event_id, day))

    @pages.patch("/events/<event_id>")
    def patch(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().patch(event_id, sent()))

    @pages.delete("/events/<event_id>")
    def delete(event_id: str) -> ResponseReturnValue:
        actor().delete(event_id)
        return done()

    @pages.post("/events/<event_id>/move")
    def move(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().move(event_id, sent()["destination"]))

    @pages.post("/events/<event_id>/copy")
    def copy(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().copy(event_id, sent().get("destination"))), 201

    @pages.post("/events/<event_id>/respond")
    def respond(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().respond(event_id, sent()["response"]))
