"""What ``/_sandbox`` has for this service: its state, and other clients' edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.frame import control
from marketplace_plugin.sandbox.frame.control import done, sent
from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.calendar.routes import error_reply

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.google.server import GoogleSandbox

_LOGGED = ("method", "path", "params", "status", "fault")


def blueprint(sandbox: GoogleSandbox) -> Blueprint:
    """All routes below ``/_sandbox``."""
    pages = control.blueprint(sandbox, _LOGGED)
    control.add_tokens(pages, sandbox)

    @pages.errorhandler(errors.ApiError)
    def refuse(error: errors.ApiError) -> ResponseReturnValue:
        return error_reply(error)

    _state(pages, sandbox)
    _events(pages, sandbox)
    return pages


def _state(pages: Blueprint, sandbox: GoogleSandbox) -> None:
    state = sandbox.state

    @pages.post("/expire-sync-tokens")
    def expire() -> ResponseReturnValue:
        state.expire_sync_tokens(sent().get("calendar"))
        return done()

    @pages.post("/revoke")
    def revoke() -> ResponseReturnValue:
        sandbox.grants.revoke_account(sent()["account"])
        return done()

    @pages.post("/role")
    def role() -> ResponseReturnValue:
        given = sent()
        state.set_role(given["calendar"], given["account"], given["role"])
        return done()

    @pages.post("/calendars")
    def add_calendar() -> ResponseReturnValue:
        given = sent()
        calendar = state.add_calendar(given.pop("owner"), **given)
        return jsonify({"id": calendar.id}), 201


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
        return jsonify(actor().insert(sent(), calendar_id, send_updates()))

    @pages.get(f"{rule}/<event_id>")
    def get(calendar_id: str, event_id: str) -> ResponseReturnValue:
        return jsonify(actor().get(event_id, calendar_id))

    @pages.patch(f"{rule}/<event_id>")
    def patch(calendar_id: str, event_id: str) -> ResponseReturnValue:
        return jsonify(actor().patch(event_id, sent(), calendar_id, send_updates()))

    @pages.delete(f"{rule}/<event_id>")
    def delete(calendar_id: str, event_id: str) -> ResponseReturnValue:
        actor().delete(event_id, calendar_id, send_updates())
        return done()

    @pages.post(f"{rule}/<event_id>/move")
    def move(calendar_id: str, event_id: str) -> ResponseReturnValue:
        return jsonify(actor().move(event_id, calendar_id, sent()["destination"]))
