"""The marketplace and the connections of a host's users: pages and JSON API on the engine (floor 4)."""

from __future__ import annotations

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import InternalServerError

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Host
from marketplace_plugin.web import api, blueprint
from marketplace_plugin.web.actions import Actions
from marketplace_plugin.web.api import errors
from marketplace_plugin.web.pages import admin, connect, decisions, form, market, matches, plan, servers, settings, sync


def create_pages(actions: Actions, host: Host, registry: Registry) -> Blueprint:
    """The blueprint ``marketplace``, to be registered without a prefix: its paths begin with /marketplace, /profile,
    /sync, /convert, /why, /oauth and /admin/connections.

    The app brings Flask-Babel and CSRFProtect, both set up before (without them registering raises ConfigError), and a
    handler of 401 that leads to its sign-in.
    """
    shared = blueprint.Shared(actions, host, registry)
    made = blueprint.create(shared)
    for pages in (market, connect, form, settings, plan, sync, decisions, matches, admin, servers):
        pages.add(made, shared)
    return made


def create_api(app: Flask, actions: Actions, host: Host, registry: Registry) -> Blueprint:
    """Add ``/api/v1`` to ``app``, and return its blueprint, which the app exempts from CSRF: it takes tokens only."""
    return api.register(app, blueprint.Shared(actions, host, registry))


def unexpected(error: InternalServerError) -> ResponseReturnValue:
    """For the app's handler of 500: what nobody foresaw is told with a number, as a page or as JSON."""
    if request.path.startswith(f"{api.PREFIX}/"):
        return errors.unexpected(error)
    return blueprint.unexpected(error)
