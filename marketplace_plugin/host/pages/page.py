"""What all pages of Steg share: the layout's context, who is signed in, addresses that may not exist, errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import flask_login
from babel import Locale
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.calendar import words
from marketplace_plugin.host.forms import contact as form_of_contact
from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.model.time import zone

if TYPE_CHECKING:
    from marketplace_plugin.host.steg import Steg

LANGUAGES = ("de", "en")
EXTENSION = "steg"
API = "/api/"
MANY = ("invited", "weekdays", *form_of_contact.LISTED)
"""Fields of forms that stand there more than once."""


class Account(flask_login.UserMixin):
    """Who is signed in, as Flask-Login wants it."""

    def __init__(self, person: Person) -> None:
        self.id, self.person = person.id, person


def steg() -> Steg:
    found: Steg = current_app.extensions[EXTENSION]
    return found


def viewer() -> Person:
    """Who is signed in; nobody is led to the sign-in page."""
    who = steg().viewer()
    if who is None:
        abort(401)
    return who


def locale() -> Locale:
    """Of the request. English is British: its dates and hours are written as Steg writes them."""
    found = get_locale()
    return Locale("en", "GB") if found is not None and found.language == "en" else Locale("de")


def language() -> str:
    """For Flask-Babel's ``locale_selector``: the one chosen in this session, the person's, the browser's, German."""
    chosen = session.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    who = steg().viewer()
    if who is not None:
        return who.locale
    return request.accept_languages.best_match(LANGUAGES) or "de"


def time_zone() -> str:
    """For Flask-Babel's ``timezone_selector``."""
    who = steg().viewer()
    return who.zone if who is not None else "UTC"


def now() -> datetime:
    """On the viewer's clock."""
    return steg().now().astimezone(zone(time_zone()))


def today() -> date:
    return now().date()


def show(template: str, status: int = 200, **context: Any) -> Response:
    response = make_response(render_template(f"steg/{template}", **context), status)
    private(response)
    return response


def private(response: Response) -> None:
    """No cache keeps what only this person may see."""
    response.headers["Cache-Control"] = "private, no-store"
    response.vary.update(("Cookie", "HX-Request", "Accept-Language"))


def posted() -> Fields:
    return Fields(dict(request.form.lists()))


def as_values() -> dict[str, Any]:
    """What was posted, to be shown in the form again: the first value of each field, and all of those with many."""
    return {name: values if name in MANY else values[0] for name, values in request.form.lists()}


def address(endpoint: str, **values: Any) -> str | None:
    """The URL of an endpoint that only exists where the marketplace is mounted; None without it."""
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return None


def inside(path: str, otherwise: str) -> str:
    """``path`` where it is one of this site, never another site's. Browsers drop tabs and line ends in an address, so
    one with control characters may lead anywhere."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ours else otherwise


def initials(name: str) -> str:
    words_of = name.split()
    return "".join(word[0] for word in (words_of[:1] + words_of[-1:] if len(words_of) > 1 else words_of)).upper()


# ---- set-up of the app ---------------------------------------------------------------------------------------------


def install(app: Flask, host: Steg) -> None:
    """Sign-in, the layout's context, filters and error pages. Not more than once per app."""
    app.extensions[EXTENSION] = host
    manager = flask_login.LoginManager(app)
    manager.session_protection = "basic"

    @manager.user_loader
    def load(person_id: str) -> Account | None:
        person = host.person(person_id)
        return None if person is None else Account(person)

    app.context_processor(_context)
    formats: Mapping[str, Callable[..., str]] = {
        name: getattr(words, name)
        for name in (
            "weekday",
            "weekday_name",
            "short_day",
            "long_day",
            "full_day",
            "month_name",
            "days_between",
            "days_between_short",
            "clock",
            "from_to",
            "in_short",
            "due",
            "in_full",
        )
    }
    for name, function in formats.items():
        app.jinja_env.filters[f"steg_{name}"] = _localised(function)
    for code in (400, 401, 403, 404, 405, 409, 413, 429):
        app.register_error_handler(code, _error)


def _localised(function: Callable[..., str]) -> Callable[..., str]:
    return lambda *args: function(*args, locale())


def _context() -> dict[str, Any]:
    me = steg().viewer()
    return {
        "brand": steg().name,
        "me": me,
        "my_initials": initials(me.name) if me is not None else "",
        "steg_url": address,
        "steg_language_query": _language_query,
        "lang": locale().language,
        "other_lang": "en" if locale().language == "de" else "de",
    }


def _language_query(language: str) -> str:
    """The present address in another language."""
    return urlencode([*((k, v) for k, v in request.args.items(multi=True) if k != "lang"), ("lang", language)])


def _error(error: HTTPException) -> ResponseReturnValue:
    """A page for people; what asks for JSON, and the API, gets the bare answer."""
    code = error.code or 500
    if request.path.startswith(API):
        return error.get_response()
    if code == 401:
        return _to_sign_in()
    said = {
        400: _("The request could not be read, or the page was open for too long. Please reload it and try again."),
        403: _("You may not do this."),
        404: _("This does not exist. It may have been removed, or it belongs to somebody else."),
        409: _("Somebody was faster. Please reload the page."),
        413: _("This is too large."),
        429: _("Too many attempts. Please wait a minute."),
    }.get(code, _("This does not work here."))
    template = "_error.html" if "HX-Request" in request.headers else "error.html"
    response = show(template, code, said=said, code=code, crumbs=[(_("Error"), None)])
    if retry := error.get_response().headers.get("Retry-After"):
        response.headers["Retry-After"] = retry
    return response


def _to_sign_in() -> ResponseReturnValue:
    """Back to where one wanted to go afterwards. A fragment cannot show a sign-in: htmx loads the page instead."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" and "HX-Request" not in request.headers else None
    target = url_for("steg.sign_in", next=wanted)
    if "HX-Request" in request.headers:
        response = make_response("", 401)
        response.headers["HX-Redirect"] = target
        return response
    return redirect(target, 303)
