"""The control endpoint ``/_sandbox``: faults, clock, roles, mail, log, and other clients' edits.

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

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.calendar.routes import error_reply
from marketplace_plugin.sandbox.google.state import Knobs

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.google.server import GoogleSandbox

_LOOPBACK = ("127.0.0.1", "::1")


def blueprint(sandbox: GoogleSandbox) -> Blueprint:
    """All routes below ``/_sandbox``."""
    pages = Blueprint("control", __name__, url_prefix="/_sandbox")

    @pages.before_request
    def guard() -> None:
        given = request.headers.get("X-Sandbox-Token", "")
        if request.remote_addr not in (*_LOOPBACK, None):
            abort(403)
        if not hmac.compare_digest(given.encode(), sandbox.control_token.encode()):
            abort(403)

    @pages.errorhandler(errors.ApiError)
    def refuse(error: errors.ApiError) -> ResponseReturnValue:
        return error_reply(error)

    @pages.errorhandler(KeyError)
    @pages.errorhandler(TypeError)
    @pages.errorhandler(ValueError)
    def bad_input(error: Exception) -> ResponseReturnValue:
        return jsonify({"error": f"{type(error).__name__}: {error}"}), 400

    _faults(pages, sandbox)
    _state(pages, sandbox)
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


def _faults(pages: Blueprint, sandbox: GoogleSandbox) -> None:
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


def _state(pages: Blueprint, sandbox: GoogleSandbox) -> None:
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

    @pages.post("/expire-sync-tokens")
    def expire() -> ResponseReturnValue:
        state.expire_sync_tokens(_given().get("calendar"))
        return _done()

    @pages.post("/revoke")
    def revoke() -> ResponseReturnValue:
        sandbox.grants.revoke_account(_given()["account"])
        return _done()

    @pages.post("/expire-access-tokens")
    def expire_access() -> ResponseReturnValue:
        sandbox.grants.expire_access_tokens(_given().get("account"))
        return _done()

    @pages.post("/role")
    def role() -> ResponseReturnValue:
        given = _given()
        state.set_role(given["calendar"], given["account"], given["role"])
        return _done()

    @pages.post("/calendars")
    def add_calendar() -> ResponseReturnValue:
        given = _given()
        calendar = state.add_calendar(given.pop("owner"), **given)
        return jsonify({"id": calendar.id}), 201

    @pages.post("/redirect-uris")
    def redirect_uri() -> ResponseReturnValue:
        sandbox.register_redirect(**_given())
        return _done()

    @pages.post("/tokens")
    def tokens() -> ResponseReturnValue:
        issued = sandbox.issue_tokens(**_given())
        return jsonify({**asdict(issued), "scopes": sorted(issued.scopes)}), 201


def _records(pages: Blueprint, sandbox: GoogleSandbox) -> None:
    @pages.get("/outbox")
    def outbox() -> ResponseReturnValue:
        return jsonify([{**asdict(mail), "at": mail.at.isoformat()} for mail in sandbox.state.outbox])

    @pages.delete("/outbox")
    def clear_outbox() -> ResponseReturnValue:
        sandbox.state.outbox.clear()
        return _done()

    @pages.get("/requests")
    def log() -> ResponseReturnValue:
        return jsonify(
            [
                {
                    "method": row.method,
                    "path": row.path,
                    "params": row.params,
                    "body": row.body.decode(errors="replace"),
                    "status": row.status,
                    "fault": row.fault,
                    "at": row.at.isoformat(),
                }
                for row in sandbox.log
            ]
        )

    @pages.delete("/requests")
    def clear_log() -> ResponseReturnValue:
        sandbox.log.clear()
        return _done()


def _events(pages: Blueprint, sandbox: GoogleSandbox) -> None:
    """Edits as another client of ``?as=`` would make them."""
    rule = "/calendars/<calendar_id>/events"

    def actor() -> Actor:
        return Actor(sandbox.state, request.args["as"])

    def send_updates() -> str:
        return request.args.get("sendUpdates", "none")

    @pages.get(rule)
    def read(calendar_id: str) -> ResponseReturnValue:
        return jsonify(actor().events(calendar_id))

    @pages.post(rule)
    def insert(calendar_id: str) -> ResponseReturnValue:
        return jsonify(actor().insert(_given(), calendar_id, send_updates()))

    @pages.get(f"{rule}/<event_id>")
    def get(calendar_id: str, event_id: str) -> ResponseReturnValue:
        return jsonify(actor().get(event_id, calendar_id))

    @pages.patch(f"{rule}/<event_id>")
    def patch(calendar_id: str, event_id: str) -> ResponseReturnValue:
        return jsonify(actor().patch(event_id, _given(), calendar_id, send_updates()))

    @pages.delete(f"{rule}/<event_id>")
    def delete(calendar_id: str, event_id: str) -> ResponseReturnValue:
        actor().delete(event_id, calendar_id, send_updates())
        return _done()

    @pages.post(f"{rule}/<event_id>/move")
    def move(calendar_id: str, event_id: str) -> ResponseReturnValue:
        return jsonify(actor().move(event_id, calendar_id, _given()["destination"]))
