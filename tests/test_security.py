"""Headers, forged requests and cookies of the app, on a small app of its own."""

from __future__ import annotations

import pytest
from flask import Flask, request, session
from flask.testing import FlaskClient

from marketplace_plugin.security import protect


def make(*, secure: bool = False, proxies: int = 0) -> Flask:
    app = Flask("small")
    app.secret_key = "not so secret"
    csrf, limiter = protect(app, secure=secure, proxies=proxies)

    @app.route("/", methods=["GET", "POST"])
    def home() -> str:
        session["seen"] = True
        return "home"

    @app.post("/api")
    @csrf.exempt
    @limiter.limit("2 per minute")
    def api() -> str:
        return "api"

    return app


@pytest.fixture
def client() -> FlaskClient:
    return make().test_client()


def test_no_foreign_script_frame_or_form(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self';" in policy
    assert "http" not in policy


def test_a_form_without_its_token_is_refused(client: FlaskClient) -> None:
    assert client.post("/").status_code == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_write_from_another_site_is_refused_even_without_cookies(client: FlaskClient, site: str) -> None:
    assert client.post("/api", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.get("/", headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
def test_our_own_and_tools_requests_pass(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/api", headers=headers).status_code == 200


def test_limits_hold(client: FlaskClient) -> None:
    assert [client.post("/api").status_code for _ in range(3)] == [200, 200, 429]


def test_cookies_are_marked() -> None:
    cookie = make(secure=True).test_client().get("/", base_url="https://localhost").headers["Set-Cookie"]
    assert cookie.startswith("__Host-marketplace=")
    assert all(mark in cookie for mark in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))


def test_forwarded_addresses_count_behind_a_proxy_only() -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    for proxies, scheme in ((0, "http"), (1, "https")):
        app = make(proxies=proxies)
        with app.test_client() as client:
            client.get("/", headers=forwarded)
            assert request.scheme == scheme
