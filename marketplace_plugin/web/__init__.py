"""The marketplace and the connections of a host's users: pages and JSON API on the engine (floor 4)."""

from __future__ import annotations

from flask import Blueprint, Flask

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Host
from marketplace_plugin.web import api, blueprint
from marketplace_plugin.web.actions import Actions
from marketplace_plugin.web.pages import admin, connect, market, plan, settings, sync


def mount(app: Flask, actions: Actions, host: Host, registry: Registry) -> tuple[Blueprint, Blueprint]:
    """Register the pages and the JSON API on ``app``; returns both blueprints.

    The pages' paths begin with /marketplace, /profile, /sync, /convert, /oauth and /admin/connections, the API's with
    /api/v1. The app brings Flask-Babel, CSRFProtect, from which it exempts the second blueprint, and a handler of 401
    that leads to its sign-in.
    """
    shared = blueprint.Shared(actions, host, registry)
    made = blueprint.create(shared)
    for pages in (market, connect, settings, plan, sync, admin):
        pages.add(made, shared)
    app.register_blueprint(made)
    return made, api.register(app, shared)
