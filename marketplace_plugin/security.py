"""What every answer and every request of the app passes: headers, forged requests, limits, session cookies."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, abort, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 1024 * 1024
FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


CONTENT_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",  # the calendar's grid places its events by them
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)


def protect(app: Flask, *, secure: bool, proxies: int) -> tuple[CSRFProtect, Limiter]:
    """Make ``app`` safe to serve. The two extensions are returned for what needs an exemption or a limit of its own."""
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # the way back from a sign-in is a cross-site GET that needs the session
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_NAME="__Host-marketplace" if secure else "marketplace",  # cookies do not tell ports apart
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session: a form left open overnight is no attack
        WTF_CSRF_SSL_STRICT=secure,
        RATELIMIT_STORAGE_URI="memory://",
        RATELIMIT_HEADERS_ENABLED=True,
    )
    if proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way to wrap the application
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )

    @app.before_request
    def refuse_other_sites() -> None:
        """Browsers say where a request comes from; this holds even where a token leaked."""
        if request.method not in SAFE_METHODS and request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            abort(403)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", "; ".join(CONTENT_POLICY))
        for name, value in FIXED_HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response

    return CSRFProtect(app), Limiter(get_remote_address, app=app)
