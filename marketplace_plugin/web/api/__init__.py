"""The JSON API ``/api/v1``, described by ``/api/v1/openapi.json``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint as PlainBlueprint
from flask import Flask, Response, request
from flask_smorest import Api, Blueprint
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from marketplace_plugin.errors import MarketplaceError
from marketplace_plugin.web.api import errors, routes
from marketplace_plugin.web.api.schemas import Error
from marketplace_plugin.web.blueprint import Shared

PREFIX = "/api/v1"
METHODS = ("get", "post", "put", "delete")


class _Api(Api):
    """flask-smorest's, without its handler of errors for the whole app: pages keep theirs."""

    ERROR_SCHEMA = Error

    def _register_error_handlers(self) -> None:
        pass


def register(app: Flask, shared: Shared) -> PlainBlueprint:
    """Add the API to ``app``. Returns its blueprint, which the app exempts from CSRF: it takes tokens only."""
    app.config.update(
        API_TITLE="Marketplace",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = _Api(app, spec_kwargs={"security": [{"bearer": []}], "servers": [{"url": "/"}]})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    blueprint: Any = Blueprint("marketplace_api", __name__, url_prefix=PREFIX, description="Calendars and their sync.")
    routes.add_guard(blueprint, shared)
    for add in (routes.add_market, routes.add_connections, routes.add_sync, routes.add_calendar):
        add(blueprint, shared)
    blueprint.register_error_handler(MarketplaceError, errors.ours)
    blueprint.register_error_handler(HTTPException, errors.http)
    api.register_blueprint(blueprint)
    _describe_refusals(api)
    app.before_request(_refuse_unknown)
    made: PlainBlueprint = blueprint
    return made


def _describe_refusals(api: Any) -> None:
    """What every route may answer beside its own: 400 for no JSON, 401 without a token, 415 for another type."""
    said = {"400": "This is no JSON.", "401": "A token is missing or not valid.", "415": "This is no JSON by its type."}
    shape = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in api.spec._paths.values():  # noqa: SLF001  # apispec offers no other way to what it has collected
        for operation in (path[method] for method in METHODS if method in path):
            for status, description in said.items():
                operation["responses"].setdefault(status, {"description": description, "content": shape})


def _refuse_unknown() -> Response | None:
    """A path or method that is not there, below the prefix, is answered in JSON; the host's pages are not for it."""
    refused = request.routing_exception
    if refused is None or isinstance(refused, RequestRedirect) or not request.path.startswith(f"{PREFIX}/"):
        return None
    return errors.http(refused)
