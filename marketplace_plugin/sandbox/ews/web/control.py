"""Control of a running sandbox over HTTP: ``/_sandbox`` with the token in ``X-Sandbox-Token``."""

from __future__ import annotations

import secrets
from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.ews.act import Actor
from marketplace_plugin.sandbox.ews.soap.errors import EwsError, SoapFault
from marketplace_plugin.sandbox.ews.state import Knobs

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.ews.server import EwsSandbox

Json = dict[str, Any]


def blueprint(sandbox: EwsSandbox) -> Blueprint:
    """The routes under ``/_sandbox``."""
    pages = Blueprint("control", __name__, url_prefix="/_sandbox")

    @pages.before_request
    def guard() -> None:
        if not secrets.compare_digest(request.headers.get("X-Sandbox-Token", ""), sandbox.control_token):
            abort(403)

    @pages.errorhandler(ValueError)
    @pages.errorhandler(TypeError)
    @pages.errorhandler(KeyError)
    @pages.errorhandler(EwsError)
    @pages.errorhandler(SoapFault)
    def bad(error: Exception) -> ResponseReturnValue:
        return jsonify({"error": repr(error)}), 400

    _behaviour(pages, sandbox)
    _mailboxes(pages, sandbox)
    _records(pages, sandbox)
    _items(pages, sandbox)
    return pages


def _given() -> Json:
    found = request.get_json(force=True, silent=True)
    if not isinstance(found, dict):
        raise TypeError("a JSON object is expected")
    return found


def _knob(name: str, value: Any) -> Any:
    """A value as the knob has it: an instant, a tuple, or as it is."""
    if name == "throttled_until" and value is not None:
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def _done() -> ResponseReturnValue:
    return "", 204


def _behaviour(pages: Blueprint, sandbox: EwsSandbox) -> None:
    state = sandbox.state

    @pages.post("/faults")
    def add_fault() -> ResponseReturnValue:
        given = _given()
        return jsonify(asdict(sandbox.faults.add(given.pop("action"), **given))), 201

    @pages.get("/faults")
    def pending() -> ResponseReturnValue:
        return jsonify([asdict(rule) for rule in sandbox.faults.pending()])

    @pages.delete("/faults")
    def clear() -> ResponseReturnValue:
        sandbox.faults.clear()
        return _done()

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
            setattr(state.knobs, name, _knob(name, value))
        return jsonify(asdict(state.knobs))


def _mailboxes(pages: Blueprint, sandbox: EwsSandbox) -> None:
    state = sandbox.state

    @pages.post("/expire-sync-states")
    def expire() -> ResponseReturnValue:
        state.expire_sync_states(**_given())
        return _done()

    @pages.post("/share")
    def share() -> ResponseReturnValue:
        given = _given()
        folder = state.folder_named(given["owner"], given["folder"])
        state.share(folder, given["account"], given["level"], private=bool(given.get("private")))
        return _done()

    @pages.post("/folders")
    def add_folder() -> ResponseReturnValue:
        given = _given()
        made = Actor(state, given.pop("owner")).add_folder(**given)
        return jsonify({"key": made.key}), 201

    @pages.post("/accounts/<email>")
    def change_account(email: str) -> ResponseReturnValue:
        account = state.accounts[email]
        for name, value in _given().items():
            if not hasattr(account, name):
                raise ValueError(f"an account has no {name}")
            setattr(account, name, value)
        return _done()


def _records(pages: Blueprint, sandbox: EwsSandbox) -> None:
    @pages.get("/outbox")
    def outbox() -> ResponseReturnValue:
        return jsonify([{**asdict(mail), "at": mail.at.isoformat()} for mail in sandbox.state.outbox])

    @pages.delete("/outbox")
    def clear_outbox() -> ResponseReturnValue:
        sandbox.state.outbox.clear()
        return _done()

    @pages.get("/requests")
    def log() -> ResponseReturnValue:
        shown = ("method", "path", "operation", "account", "status", "fault")
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

    @pages.get("/sign-ins")
    def sign_ins() -> ResponseReturnValue:
        return jsonify([{**asdict(item), "at": item.at.isoformat()} for item in sandbox.sign_ins])


def _items(pages: Blueprint, sandbox: EwsSandbox) -> None:
    """Edits as another client of ``?as=`` would make them."""

    def actor() -> Actor:
        return Actor(sandbox.state, request.args["as"])

    def edges(given: Json) -> Json:
        """``start`` and ``end`` as wall times, or as dates for whole days."""
        kind = date if len(str(given.get("start", ""))) == len("2026-01-01") else datetime
        return {**given, **{n: kind.fromisoformat(given[n]) for n in ("start", "end") if n in given}}

    @pages.get("/items")
    def read() -> ResponseReturnValue:
        found = actor().items(request.args.get("folder"))
        return jsonify([{"id": item.id, "subject": item.item.fields.get("Subject", "")} for item in found])

    @pages.post("/items")
    def create() -> ResponseReturnValue:
        return jsonify({"id": actor().create(**edges(_given()))}), 201

    @pages.post("/items/update")
    def update() -> ResponseReturnValue:
        given = edges(_given())
        return jsonify({"id": actor().update(given.pop("id"), **given)})

    @pages.post("/items/delete")
    def delete() -> ResponseReturnValue:
        actor().delete(**{{"id": "item_id"}.get(name, name): value for name, value in _given().items()})
        return _done()

    @pages.post("/items/move")
    def move() -> ResponseReturnValue:
        given = _given()
        return jsonify({"id": actor().move(given["id"], given["folder"])})

    @pages.post("/items/occurrence")
    def occurrence() -> ResponseReturnValue:
        given = _given()
        return jsonify({"id": actor().occurrence(given["id"], date.fromisoformat(given["day"]))})

    @pages.post("/items/respond")
    def respond() -> ResponseReturnValue:
        given = _given()
        actor().respond(given["id"], given["response"])
        return _done()
