"""The control endpoint ``/_sandbox``: faults, clock, policies, roles, mail, log, others' edits.

Guarded by a token in ``X-Sandbox-Token``; loopback only.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.api.calls import error_reply
from marketplace_plugin.sandbox.graph.state import Knobs

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.graph.server import GraphSandbox

_LOOPBACK = ("127.0.0.1", "::1")


def blueprint(sandbox: GraphSandbox) -> Blueprint:
    """All routes below ``/_sandbox``."""
    pages = Blueprint("control", __name__, url_prefix="/_sandbox")

    @pages.before_request
    def guard() -> None:
        given = request.headers.get("X-Sandbox-Token", "")
        if request.remote_addr not in (*_LOOPBACK, None):
            abort(403)
        if not hmac.compare_digest(given.encode(), sandbox.control_token.encode()):
            abort(403)

    @pages.errorhandler(errors.GraphError)
    def refuse(error: errors.GraphError) -> ResponseReturnValue:
        return error_reply(sandbox, error)

    @pages.errorhandler(KeyError)
    @pages.errorhandler(TypeError)
    @pages.errorhandler(ValueError)
    def bad_input(error: Exception) -> ResponseReturnValue:
        return jsonify({"error": f"{type(error).__name__}: {error}"}), 400

    _faults(pages, sandbox)
    _behaviour(pages, sandbox)
    _grants(pages, sandbox)
    _records(pages, sandbox)
    _events(pages, sandbox)
    return pages


def _given() -> dict[str, Any]:
    found = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(found, dict):
        raise BadRequest("a JSON object is expected")
    return found


def _done() -> ResponseReturnValue:
    return "", 204


def _faults(pages: Blueprint, sandbox: GraphSandbox) -> None:
    @pages.post("/faults")
    def add() -> ResponseReturnValue:
        return jsonify(asdict(sandbox.faults.add(**_given()))), 201

    @pages.get("/faults")
    def pending() -> ResponseReturnValue:
        return jsonify([asdict(rule) for rule in sandbox.faults.pending()])

    @pages.delete("/faults")
    def clear() -> ResponseReturnValue:
        sandbox.faults.clear()
        return _done()


def _behaviour(pages: Blueprint, sandbox: GraphSandbox) -> None:
    state = sandbox.state

    @pages.post("/clock")
    def advance() -> ResponseReturnValue:
        state.advance(timedelta(seconds=float(_given()["advance_seconds"])))
        return jsonify({"now": state.now().isoformat()})

    @pages.post("/knobs")
    def turn() -> ResponseReturnValue:
        given = _given()
        known = {item.name for item in fields(Knobs)}
        if not set(given) <= known:
            raise ValueError(f"unknown knob; one of {', '.join(sorted(known))}")
        for name, value in given.items():
            setattr(state.knobs, name, value)
        return jsonify(asdict(state.knobs))

    @pages.post("/expire-delta-tokens")
    def expire() -> ResponseReturnValue:
        state.expire_delta_tokens(**_given())
        return _done()

    @pages.post("/policy")
    def policy() -> ResponseReturnValue:
        given = _given()
        return jsonify(asdict(state.set_policy(given.pop("tenant"), **given)))

    @pages.post("/share")
    def share() -> ResponseReturnValue:
        given = _given()
        state.share(state.calendar_named(given["owner"], given["calendar"]), given["account"], given["role"])
        return _done()

    @pages.post("/calendars")
    def add_calendar() -> ResponseReturnValue:
        given = _given()
        calendar = state.add_calendar(given.pop("owner"), given.pop("name"), **given)
        return jsonify({"key": calendar.key}), 201


def _grants(pages: Blueprint, sandbox: GraphSandbox) -> None:
    @pages.post("/revoke")
    def revoke() -> ResponseReturnValue:
        given = _given()
        sandbox.grants.end(given.get("account"), int(given.get("number", 50173)))
        return _done()

    @pages.post("/expire-access-tokens")
    def expire_access() -> ResponseReturnValue:
        sandbox.grants.expire_access_tokens(_given().get("account"))
        return _done()

    @pages.get("/consent-requests")
    def requests() -> ResponseReturnValue:
        rows = sandbox.grants.requests
        return jsonify([{"account": row[0], "client_id": row[1], "reason": row[2]} for row in rows])

    @pages.post("/redirect-uris")
    def redirect_uri() -> ResponseReturnValue:
        sandbox.register_redirect(**_given())
        return _done()

    @pages.post("/tokens")
    def tokens() -> ResponseReturnValue:
        issued = sandbox.issue_tokens(**_given())
        return jsonify({**asdict(issued), "scopes": sorted(issued.scopes)}), 201


def _records(pages: Blueprint, sandbox: GraphSandbox) -> None:
    @pages.get("/outbox")
    def outbox() -> ResponseReturnValue:
        return jsonify([{**asdict(mail), "at": mail.at.isoformat()} for mail in sandbox.state.outbox])

    @pages.delete("/outbox")
    def clear_outbox() -> ResponseReturnValue:
        sandbox.state.outbox.clear()
        return _done()

    @pages.get("/requests")
    def log() -> ResponseReturnValue:
        shown = ("method", "path", "params", "status", "fault", "batched")
        return jsonify(
            [
                {name: getattr(row, name) for name in shown}
                | {"body": row.body.decode(errors="replace"), "at": row.at.isoformat()}
                for row in sandbox.log
            ]
        )

    @pages.delete("/requests")
    def clear_log() -> ResponseReturnValue:
        sandbox.log.clear()
        return _done()


def _events(pages: Blueprint, sandbox: GraphSandbox) -> None:
    """Edits as another client of ``?as=`` would make them, in ``?calendar=`` (name or id)."""

    def actor() -> Actor:
        return Actor(sandbox.state, request.args["as"])

    @pages.get("/events")
    def read() -> ResponseReturnValue:
        return jsonify(actor().events(request.args.get("calendar")))

    @pages.post("/events")
    def insert() -> ResponseReturnValue:
        return jsonify(actor().insert(_given(), request.args.get("calendar"))), 201

    @pages.get("/events/<event_id>")
    def get(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().get(event_id))

    @pages.get("/events/<event_id>/occurrences/<day>")
    def occurrence(event_id: str, day: str) -> ResponseReturnValue:
        return jsonify(actor().occurrence(event_id, day))

    @pages.patch("/events/<event_id>")
    def patch(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().patch(event_id, _given()))

    @pages.delete("/events/<event_id>")
    def delete(event_id: str) -> ResponseReturnValue:
        actor().delete(event_id)
        return _done()

    @pages.post("/events/<event_id>/move")
    def move(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().move(event_id, _given()["destination"]))

    @pages.post("/events/<event_id>/copy")
    def copy(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().copy(event_id, _given().get("destination"))), 201

    @pages.post("/events/<event_id>/respond")
    def respond(event_id: str) -> ResponseReturnValue:
        return jsonify(actor().respond(event_id, _given()["response"]))
