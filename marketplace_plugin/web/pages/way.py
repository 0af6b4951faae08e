"""What the pages of a connection share: the way to them, and the name of this browser's session."""

from __future__ import annotations

import secrets

from flask import session, url_for
from flask_babel import gettext as _

from marketplace_plugin.engine.views import ConnectionView
from marketplace_plugin.web.blueprint import Shared, locale

_BROWSER = "marketplace_browser"  # the key in the session that binds an authorisation to this browser


def crumbs(shared: Shared, view: ConnectionView, *more: str) -> list[tuple[str, str | None]]:
    """The way to a page of a connection."""
    entry = {i.id: i for i in shared.registry.integrations()}.get(view.integration)
    name = entry.name.in_(str(locale())) if entry else view.integration
    here = url_for(".settings", connection=view.id) if more else None
    return [
        (_("My profile"), url_for(".profile")),
        (_("Synchronisation"), url_for(".profile")),
        (name, here),
        *((text, None) for text in more),
    ]


def browser() -> str:
    """A random name of this browser's session, made at first use; it never leaves the signed cookie."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(32)
    return str(session[_BROWSER])
