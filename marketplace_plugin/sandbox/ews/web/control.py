"""What ``/_sandbox`` has for this service: its state, and other clients' edits."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.ews.act import Actor
from marketplace_plugin.sandbox.ews.soap.errors import EwsError, SoapFault
from marketplace_plugin.sandbox.frame import control
from marketplace_plugin.sandbox.frame.control import done, refused, sent

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.ews.server import EwsSandbox

Json = dict[str, Any]
_LOGGED = ("method", "path", "operation", "account", "status", "fault")


def blueprint(sandbox: EwsSandbox) -> Blueprint:
    """All routes below ``/_sandbox``."""
    pages = control.blueprint(sandbox, _LOGGED, _knob)

    @pages.errorhandler(EwsError)
    @pages.errorhandler(SoapFault)
    def bad(error: Exception) -> ResponseReturnValue:
        return refused(error)

    _mailboxes(pages, sandbox)
    _sign_ins(pages, sandbox)
    _items(pages, sandbox)
    return pages


def _knob(name: str, value: Any) -> Any:
    """A value as the knob has it: an instant, a tuple, or as it is."""
    if name == "throttled_until" and value is not None:
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def _mailboxes(pages: Blueprint, sandbox: EwsSandbox) -> None:
    state = sandbox.state

    @pages.post("/expire-sync-states")
    def expire() -> ResponseReturnValue:
        state.expire_sync_states(**sent())
        return done()

    @pages.post("/share")
    def share() -> ResponseReturnValue:
        given = sent()
        folder = state.folder_named(given["owner"], given["folder"])
        state.share(folder, given["account"], given["level"], private=bool(given.get("private")))
        return done()

    @pages.post("/folders")
    def add_folder() -> ResponseReturnValue:
        given = sent()
        made = Actor(state, given.pop("owner")).add_folder(**given)
        return jsonify({"key": made.key}), 201

    @pages.post("/accounts/<email>")
    def change_account(email: str) -> ResponseReturnValue:
        account = state.accounts[email]
        for name, value in sent().items():
            if not hasattr(account, name):
                raise ValueError(f"an account has no {name}")
            setattr(account, name, value)
        return done()


def _sign_ins(pages: Blueprint, sandbox: EwsSandbox) -> None:
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
        return jsonify({"id": actor().create(**edges(sent()))}), 201

    @pages.post("/items/update")
    def update() -> ResponseReturnValue:
        given = edges(sent())
        return jsonify({"id": actor().update(given.pop("id"), **given)})

    @pages.post("/items/delete")
    def delete() -> ResponseReturnValue:
        actor().delete(**{{"id": "item_id"}.get(name, name): value for name, value in sent().items()})
        return done()

    @pages.post("/items/move")
    def move() -> ResponseReturnValue:
        given = sent()
        return jsonify({"id": actor().move(given["id"], given["folder"])})

    @pages.post("/items/occurrence")
    def occurrence() -> ResponseReturnValue:
        given = sent()
        return jsonify({"id": actor().occurrence(given["id"], date.fromisoformat(given["day"]))})

    @pages.post("/items/respond")
    def respond() -> ResponseReturnValue:
        given = sent()
        actor().respond(given["id"], given["response"])
        return done()
