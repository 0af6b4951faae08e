"""Errors of the API as JSON: a stable code, a sentence in the language asked for, and the log's number."""

from __future__ import annotations

import logging
from typing import Any

from flask import Response, g, jsonify, request
from flask_babel import force_locale
from werkzeug.exceptions import HTTPException, InternalServerError

from marketplace_plugin.errors import MarketplaceError, place_of
from marketplace_plugin.web.blueprint import HTTP_CODES, http_status
from marketplace_plugin.web.texts import error_sentence, fresh_number

log = logging.getLogger(__name__)
LANGUAGES = ("de", "en")


def language() -> str:
    """The best of Accept-Language, else the person's own, else German."""
    person = g.get("marketplace_api_person")
    own = person.locale if person is not None and person.locale in LANGUAGES else LANGUAGES[0]
    return request.accept_languages.best_match(LANGUAGES) or own


def ours(error: MarketplaceError) -> Response:
    return answer(error.code, http_status(error), cause=error)


def unexpected(error: InternalServerError) -> Response:
    return answer("error", 500, cause=error.original_exception or error)


def http(error: HTTPException) -> Response:
    """What Flask, webargs or a route refuses. Validation errors come as 422 with the fields."""
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    fields = data.get("messages") or data.get("errors")
    response = answer(HTTP_CODES.get(status, "error"), status, fields=fields)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def answer(code: str, status: int, *, fields: Any = None, cause: BaseException | None = None) -> Response:
    """The log gets number, code, kind and place; never the error's text."""
    number = ""
    if status >= 500:
        number = fresh_number()
        log.error("%s: %s (%s at %s) in %s", number, code, type(cause).__name__, place_of(cause), request.endpoint)
    with force_locale(language()):
        sentence = error_sentence(code)
        body: dict[str, Any] = {"code": code, "message": f"{sentence.title}. {sentence.body}", "number": number}
    if fields:
        body["errors"] = fields
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="marketplace"'
    return response
