"""The control endpoint ``/_sandbox``: faults, clock, knobs, mail, log, and what a service adds.

Guarded by a token in ``X-Sandbox-Token``; loopback only.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from marketplace_plugin.sandbox.frame.oauth import OAuthStandIn
from marketplace_plugin.sandbox.frame.stand_in import StandIn

_LOOPBACK = ("127.0.0.1", "::1")


def blueprint(
    sandbox: StandIn, logged: Sequence[str], knob: Callable[[str, Any], Any] = lambda _, value: value
) -> Blueprint:
    """The routes below ``/_sandbox`` that all stand-ins have.

    Args:
        logged: the members of a row of the log that are shown, beside body and time.
        knob: makes a knob's value of its name and of what was sent.
    """
    pages = Blueprint("control", __name__, url_prefix="/_sandbox")

    @pages.before_request
    def guard() -> None:
        token = request.headers.get("X-Sandbox-Token", "")
        if request.remote_addr not in (*_LOOPBACK, None):
            abort(403)
        if not hmac.compare_digest(token.encode(), sandbox.control_token.encode()):
            abort(403)

    @pages.errorhandler(KeyError)
    @pages.errorhandler(TypeError)
    @pages.errorhandler(ValueError)
    def bad_input(error: Exception) -> ResponseReturnValue:
        return refused(error)

    _faults(pages, sandbox)
    _behaviour(pages, sandbox, knob)
    _records(pages, sandbox, logged)
    return pages


def sent() -> dict[str, Any]:
    """The JSON object of the request; empty without a body. Raises BadRequest for anything else."""
    found = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(found, dict):
        raise BadRequest("a JSON object is expected")
    return found


def done() -> ResponseReturnValue:
    return "", 204


def refused(error: Exception) -> ResponseReturnValue:
    """What was wrong with the request."""
    return jsonify({"error": f"{type(error).__name__}: {error}"}), 400


def _faults(pages: Blueprint, sandbox: StandIn) -> None:
    @pages.post("/faults")
    def add() -> ResponseReturnValue:
        return jsonify(asdict(sandbox.faults.add(**sent()))), 201

    @pages.get("/faults")
    def pending() -> ResponseReturnValue:
        return jsonify([asdict(rule) for rule in sandbox.faults.pending()])

    @pages.delete("/faults")
    def clear() -> ResponseReturnValue:
        sandbox.faults.clear()
        return done()


def _behaviour(pages: Blueprint, sandbox: StandIn, knob: Callable[[str, Any], Any]) -> None:
    state = sandbox.state

    @pages.post("/clock")
    def advance() -> ResponseReturnValue:
        state.advance(timedelta(seconds=float(sent()["advance_seconds"])))
        return jsonify({"now": state.now().isoformat()})

    @pages.post("/knobs")
    def turn() -> ResponseReturnValue:
        wanted = sent()
        known = {item.name for item in fields(state.knobs)}
        if not set(wanted) <= known:
            raise ValueError(f"unknown knob; one of {', '.join(sorted(known))}")
        for name, value in wanted.items():
            setattr(state.knobs, name, knob(name, value))
        return jsonify(asdict(state.knobs))


def _records(pages: Blueprint, sandbox: StandIn, logged: Sequence[str]) -> None:
    @pages.get("/outbox")
    def outbox() -> ResponseReturnValue:
        return jsonify([{**asdict(mail), "at": mail.at.isoformat()} for mail in sandbox.state.outbox])

    @pages.delete("/outbox")
    def clear_outbox() -> ResponseReturnValue:
        sandbox.state.outbox.clear()
        return done()

    @pages.get("/requests")
    def log() -> ResponseReturnValue:
        return jsonify(
            [
                {name: getattr(row, name) for name in logged}
                | {"body": row.body.decode(errors="replace"), "at": row.at.isoformat()}
                for row in sandbox.log
            ]
        )

    @pages.delete("/requests")
    def clear_log() -> ResponseReturnValue:
        sandbox.log.clear()
        return done()


def add_tokens(pages: Blueprint, sandbox: OAuthStandIn) -> None:
    """What there is to steer where users sign in by OAuth."""

    @pages.post("/expire-access-tokens")
    def expire_access() -> ResponseReturnValue:
        sandbox.grants.expire_access_tokens(sent().get("account"))
        return done()

    @pages.post("/redirect-uris")
    def redirect_uri() -> ResponseReturnValue:
        sandbox.register_redirect(**sent())
        return done()

    @pages.post("/tokens")
    def tokens() -> ResponseReturnValue:
        issued = sandbox.issue_tokens(**sent())
        return jsonify({**asdict(issued), "scopes": sorted(issued.scopes)}), 201
