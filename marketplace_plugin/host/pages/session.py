"""Signing in and out, and the language."""

from __future__ import annotations

from urllib.parse import urlencode

import flask_login
from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.host.pages.page import LANGUAGES, Account, inside, show, steg
from marketplace_plugin.host.records import persons

LONGEST = 1024
"""Characters of a password that are looked at; hashing more would only cost time."""


def add(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/sign-in", view_func=sign_in, methods=["GET"])
    blueprint.add_url_rule("/sign-in", view_func=sign_in_now, methods=["POST"])
    blueprint.add_url_rule("/sign-out", view_func=sign_out, methods=["POST"])
    blueprint.before_app_request(choose_language)


def sign_in() -> ResponseReturnValue:
    if steg().viewer() is not None:
        return redirect(inside(request.args.get("next", ""), url_for(".start")), 303)
    return show("sign_in.html", email="", next=request.args.get("next", ""), error="")


def sign_in_now() -> ResponseReturnValue:
    """The session begins anew, so that one that was handed to the browser before is worth nothing."""
    email, password = request.form.get("email", ""), request.form.get("password", "")[:LONGEST]
    with steg().database.read() as c:
        person = persons.sign_in(c, steg().hasher, email, password)
    wanted = request.form.get("next", "")
    if person is None:
        error = _("This address and password do not belong together. Please check both.")
        return show("sign_in.html", 422, email=email, next=wanted, error=error)
    chosen = session.get("lang")
    session.clear()
    if chosen in LANGUAGES:
        session["lang"] = chosen
    session.permanent = True
    flask_login.login_user(Account(person))
    return redirect(inside(wanted, url_for(".start")), 303)


def sign_out() -> ResponseReturnValue:
    chosen = session.get("lang")
    flask_login.logout_user()
    session.clear()
    if chosen in LANGUAGES:
        session["lang"] = chosen
    return redirect(url_for(".sign_in"), 303)


def choose_language() -> ResponseReturnValue | None:
    """``?lang=en`` on any page; the choice is kept and leaves the address again."""
    chosen = request.args.get("lang")
    if chosen is None or request.method != "GET" or chosen not in LANGUAGES:
        return None
    session["lang"] = chosen
    who = steg().viewer()
    if who is not None and who.locale != chosen:
        with steg().database.begin() as unit:
            persons.speak(unit.connection, who.id, chosen)
    rest = request.args.to_dict(flat=False)
    rest.pop("lang")
    if request.endpoint is None or "HX-Request" in request.headers:
        return None
    query = urlencode(rest, doseq=True)
    return redirect(url_for(request.endpoint, **(request.view_args or {})) + (f"?{query}" if query else ""), 303)
