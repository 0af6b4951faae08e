"""The blueprint: what all pages share. Pages live in ``pages/``, one module for each group of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from babel import Locale
from flask import Blueprint, Response, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, InternalServerError, Unauthorized

from marketplace_plugin.bundle.manifest import Integration, Text
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Host, Person
from marketplace_plugin.errors import (
    AuthorizationExpired,
    AuthorizeError,
    ConfigError,
    Conflict,
    InvalidSettings,
    MarketplaceError,
    NotAllowed,
    NotFound,
    ProviderError,
    place_of,
)
from marketplace_plugin.web import step_texts, texts, when
from marketplace_plugin.web.actions import Actions
from marketplace_plugin.web.texts import Sentence, error_sentence, fresh_number

log = logging.getLogger(__name__)
EXTENSION = "marketplace"
PLAIN_LAYOUT = "marketplace/_layout.html"
HTTP_CODES = {
    400: "invalid",
    401: "sign-in",
    403: "forbidden",
    404: "not-found",
    405: "method",
    409: "conflict",
    413: "too-large",
    415: "media-type",
    422: "invalid",
    429: "rate-limited",
}


class Shared:
    """What the pages are made from; one for each blueprint."""

    def __init__(self, actions: Actions, host: Host, registry: Registry) -> None:
        self.actions, self.host, self.registry = actions, host, registry

    def person(self) -> Person:
        """Who is signed in. Raises SignInNeeded for nobody."""
        viewer = self.host.viewer()
        if viewer is None:
            raise SignInNeeded
        return viewer

    def admin(self) -> Person:
        person = self.person()
        if not person.admin:
            raise NotAllowed("only an admin")
        return person


class SignInNeeded(Unauthorized):
    """Nobody is signed in. A host that has a sign-in page handles 401 by leading there."""


def locale() -> Locale:
    return get_locale() or Locale("de")


def is_fragment() -> bool:
    """Whether htmx asks for a part of the page."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def inside(path: str) -> str:
    """``path`` where it is one of this site, else nothing. Browsers drop tabs and line ends in an address, so one with
    control characters may lead anywhere."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ours else ""


def page(template: str, *, status: int = 200, crumbs: Any = (), nav: str = "profile", **context: Any) -> Response:
    """A page in the host's layout. ``crumbs`` are (text, address or None); the last one is the page itself."""
    shared: Shared = current_app.extensions[EXTENSION]
    html = render_template(
        template,
        layout=shared.host.layout or PLAIN_LAYOUT,
        crumbs=crumbs,
        nav=nav,
        host_name=shared.host.name,
        language=locale().language,
        person=shared.host.viewer(),
        **context,
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "HX-Request, Accept-Language, Cookie"
    return response


def create(shared: Shared) -> Blueprint:
    """The blueprint without its routes; ``web.create_pages`` adds them."""
    here = Path(__file__).parent
    blueprint = Blueprint(
        "marketplace",
        "marketplace_plugin.web",
        template_folder=str(here / "templates"),
        static_folder=str(here / "static"),
        static_url_path="/marketplace/static",
    )
    blueprint.record_once(lambda state: _mount(state.app, shared))
    _add_filters(blueprint, shared)
    _add_error_pages(blueprint)
    return blueprint


def _mount(app: Any, shared: Shared) -> None:
    """Fragments are found beside the app's own templates; their names cannot meet (``fragments/...``). Raises
    ConfigError for an app whose forms would be open to other sites, or whose pages would have no language."""
    for extension, name in (("csrf", "CSRFProtect"), ("babel", "Flask-Babel")):
        if extension not in app.extensions:
            raise ConfigError(f"the app has no {name}: set it up before the marketplace's pages are registered")
    app.extensions[EXTENSION] = shared
    app.jinja_env.loader = ChoiceLoader([app.jinja_env.loader or FileSystemLoader([]), shared.registry.fragments])


def _render_fragment(shared: Shared, context: Context, integration: str, slot: str, **more: Any) -> Markup | None:
    """The fragment that fills ``slot``; None where there is none, or it fails: the page is shown without it. It sees
    what the page around it sees, and ``more`` (a macro's own names, which Jinja does not hand on)."""
    name = shared.registry.fragment(integration, slot)
    if name is None:
        return None
    try:
        return Markup(context.environment.get_template(name).render({**context.get_all(), **more}))  # noqa: S704  # escaped there
    except Exception as error:  # noqa: BLE001  # one vendor's fragment takes no page from anybody; logged, without text
        log.warning("fragment %s of %s raised %s at %s", slot, integration, type(error).__name__, place_of(error))
        return None


def _add_filters(blueprint: Blueprint, shared: Shared) -> None:
    def zone() -> str:
        viewer = shared.host.viewer()
        return viewer.zone if viewer else "UTC"

    def text(value: Text) -> str:
        return value.in_(str(locale()))

    def moment(at: datetime) -> str:
        return when.moment(at, shared.actions.now(), zone(), locale())

    def ago(at: datetime) -> str:
        return when.ago(at, shared.actions.now(), locale())

    def clock(at: datetime) -> str:
        return when.clock(at, zone(), locale())

    def integration(name: str) -> Integration | None:
        """The manifest's entry, None for one that is disabled or gone."""
        return {i.id: i for i in shared.registry.integrations()}.get(name)

    def day(at: datetime) -> str:
        return when.day(at, shared.actions.now(), zone(), locale())

    @pass_context
    def include(context: Context, name: str, slot: str, **more: Any) -> Markup | None:
        return _render_fragment(shared, context, name, slot, **more)

    for function in (text, moment, ago, clock, day):
        blueprint.add_app_template_filter(function, f"marketplace_{function.__name__}")
    blueprint.add_app_template_global(integration, "marketplace_integration")
    blueprint.add_app_template_global(include, "marketplace_include")
    blueprint.add_app_template_global(lambda: texts, "marketplace_texts")
    blueprint.add_app_template_global(error_sentence, "marketplace_error")
    blueprint.add_app_template_global(lambda name, value: step_texts.fact(name, value, locale()), "marketplace_fact")
    blueprint.add_app_template_filter(_counts, "marketplace_counts")
    blueprint.add_app_template_filter(lambda took: when.seconds(took, locale()), "marketplace_seconds")


def _counts(counts: Mapping[str, int]) -> str:
    """``3 neu, 1 geändert, 0 gelöscht`` of a run's steps, over all sides; empty where it did nothing."""
    new, changed, deleted = (
        sum(n for name, n in counts.items() if name.rpartition(".")[2] == action)
        for action in ("create", "update", "delete")
    )
    if not new + changed + deleted:
        return ""
    return str(_("%(new)d new, %(changed)d changed, %(deleted)d deleted", new=new, changed=changed, deleted=deleted))


# --- errors -----------------------------------------------------------------------------------------------------------


def _add_error_pages(blueprint: Blueprint) -> None:
    blueprint.register_error_handler(MarketplaceError, _ours)
    blueprint.register_error_handler(CSRFError, lambda error: _shown("csrf", 400, error))
    for code in (400, 403, 404, 409, 429):
        blueprint.register_error_handler(code, _http)


def _ours(error: MarketplaceError) -> ResponseReturnValue:
    return _shown(error.code, http_status(error), error)


_STATUS: Mapping[type[MarketplaceError], int] = {
    NotFound: 404,
    NotAllowed: 403,
    Conflict: 409,
    AuthorizationExpired: 409,
    AuthorizeError: 400,
    InvalidSettings: 422,
    ConfigError: 503,
    ProviderError: 502,
}


def http_status(error: MarketplaceError) -> int:
    """The HTTP status that an error is told with, on pages and in the API."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def _http(error: HTTPException) -> ResponseReturnValue:
    return _shown(HTTP_CODES.get(error.code or 500, "error"), error.code or 500, error)


def _shown(code: str, status: int, error: BaseException) -> ResponseReturnValue:
    """The error as a page, or as a note for htmx. The log gets number, code and kind, never the error's text."""
    sentence, number = error_sentence(code), ""
    if status >= 500:
        number = fresh_number()
        log.error("%s: %s (%s at %s) in %s", number, code, type(error).__name__, place_of(error), request.endpoint)
    return error_page(sentence, status, number)


def unexpected(error: InternalServerError) -> ResponseReturnValue:
    """An error that nobody foresaw, for the whole app: a sentence and a number, in the viewer's language."""
    return _shown("error", 500, error.original_exception or error)


def error_page(sentence: Sentence, status: int, number: str = "", back: str = "") -> Response:
    template = "marketplace/_error_note.html" if is_fragment() else "marketplace/error.html"
    return page(
        template,
        status=status,
        sentence=sentence,
        number=number,
        back=back or url_for("marketplace.profile"),
        crumbs=[(sentence.title, None)],
    )
