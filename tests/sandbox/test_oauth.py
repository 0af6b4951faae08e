"""Sign-in, consent, codes, tokens and revocation over HTTP, as a browser and a client see them."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from marketplace_plugin.sandbox.google import DEFAULT_CLIENT, GoogleSandbox
from marketplace_plugin.sandbox.google.oauth.authorize import allowed_redirect
from marketplace_plugin.sandbox.google.oauth.scopes import BASE
from marketplace_plugin.sandbox.google.seed import ANNA, ANNA_PRIVATE, JONAS
from tests.sandbox.conftest import Api
from tests.sandbox.running import Json, ManualClock

CALLBACK = "http://127.0.0.1:5000/oauth/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
EVENTS = BASE + "calendar.events"
LISTS = BASE + "calendar.calendarlist.readonly"
FIELD = re.compile(r'name="flow" value="([^"]+)"')


class Browser:
    """Somebody who clicks through the pages, and the client behind the redirect."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def open(self, **changes: str | None) -> requests.Response:
        query = {
            "client_id": DEFAULT_CLIENT.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": f"openid email {EVENTS} {LISTS}",
            "state": "a state/+",
            "access_type": "offline",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        params = {name: value for name, value in query.items() if value is not None}
        return self.session.get(f"{self.url}/o/oauth2/v2/auth", params=params, allow_redirects=False)

    def choose(self, page: requests.Response, email: str = ANNA) -> requests.Response:
        return self._post("account", page, account=email)

    def consent(self, page: requests.Response, *scopes: str, decision: str = "allow") -> requests.Response:
        return self._post("consent", page, scope=list(scopes or (EVENTS, LISTS)), decision=decision)

    def _post(self, step: str, page: requests.Response, **form: Any) -> requests.Response:
        match = FIELD.search(page.text)
        assert match, page.text
        form["flow"] = html.unescape(match[1])
        return self.session.post(f"{self.url}/o/oauth2/v2/auth/{step}", data=form, allow_redirects=False)

    def code(self, *scopes: str, **changes: str | None) -> str:
        """The code after a full sign-in; the consent page may be left out by the service."""
        email = changes.pop("email", None) or ANNA
        reply = self.choose(self.open(**changes), email)
        if reply.status_code == 200:
            reply = self.consent(reply, *scopes)
        return answer(reply)["code"]

    def token(self, **form: str | None) -> requests.Response:
        data = {
            "client_id": DEFAULT_CLIENT.client_id,
            "client_secret": DEFAULT_CLIENT.client_secret,
            "grant_type": "authorization_code",
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **form,
        }
        return self.session.post(f"{self.url}/token", data=data)

    def tokens(self, *scopes: str, **changes: str | None) -> Json:
        found: Json = self.token(code=self.code(*scopes, **changes)).json()
        return found

    def refresh(self, token: str) -> requests.Response:
        form = {"redirect_uri": None, "code_verifier": None, "refresh_token": token}
        return self.token(grant_type="refresh_token", **form)

    def revoke(self, token: str) -> requests.Response:
        return self.session.post(f"{self.url}/revoke", data={"token": token})


def answer(reply: requests.Response) -> dict[str, str]:
    """The query of the redirect to the client."""
    assert reply.status_code == 302, reply.text
    assert reply.headers["Location"].startswith(CALLBACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


def refusal(reply: requests.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]


@pytest.fixture
def browser(sandbox: GoogleSandbox) -> Iterator[Browser]:
    found = Browser(sandbox.url)
    yield found
    found.session.close()


@pytest.mark.parametrize(
    "language,words",
    [("en", ["Choose an account", "not Google"]), ("de", ["Konto auswählen", "nicht Google"])],
)
def test_the_pages_speak_the_users_language(browser: Browser, language: str, words: list[str]) -> None:
    browser.session.headers["Accept-Language"] = language
    page = browser.open()
    assert all(word in page.text for word in [*words, ANNA, ANNA_PRIVATE, JONAS, f'lang="{language}"'])


def test_a_full_sign_in_gives_tokens_that_work(browser: Browser, sandbox: GoogleSandbox) -> None:
    page = browser.choose(browser.open())
    assert page.text.count('type="checkbox"') == 2
    redirected = answer(browser.consent(page))
    assert redirected["state"] == "a state/+"
    assert "/" in redirected["code"]
    reply = browser.token(code=redirected["code"])
    issued = reply.json()
    assert reply.headers["Cache-Control"].startswith("no-cache, no-store")
    assert issued["token_type"] == "Bearer"
    assert issued["expires_in"] == 3599
    assert set(issued["scope"].split()) == {EVENTS, LISTS, "openid", BASE + "userinfo.email"}
    assert set(issued) == {"access_token", "expires_in", "scope", "token_type", "refresh_token", "id_token"}
    assert Api(sandbox.url, issued["access_token"]).ok("GET", "users/me/calendarList")["items"]


def test_the_id_token_is_signed_and_names_the_account(
    browser: Browser, sandbox: GoogleSandbox, clock: ManualClock
) -> None:
    issued = browser.tokens(nonce="once")
    head, claims, signature = (_decoded(part) for part in issued["id_token"].split("."))
    key = browser.session.get(f"{browser.url}/oauth2/v3/certs").json()["keys"][0]
    numbers = [int.from_bytes(_decoded(key[name]), "big") for name in ("e", "n")]
    rsa.RSAPublicNumbers(*numbers).public_key().verify(
        signature, issued["id_token"].rpartition(".")[0].encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    found = json.loads(claims)
    now = int(clock.now.timestamp())
    assert json.loads(head) == {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    assert found == {
        "iss": "https://accounts.google.com",
        "azp": DEFAULT_CLIENT.client_id,
        "aud": DEFAULT_CLIENT.client_id,
        "sub": sandbox.state.accounts[ANNA].sub,
        "email": ANNA,
        "email_verified": True,
        "nonce": "once",
        "iat": now,
        "exp": now + 3600,
    }
    info = browser.session.get(
        f"{browser.url}/oauth2/v3/userinfo", headers={"Authorization": f"Bearer {issued['access_token']}"}
    )
    assert info.json() == {"sub": found["sub"], "email": ANNA, "email_verified": True}
    assert browser.session.get(f"{browser.url}/oauth2/v3/userinfo").status_code == 401


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_an_unticked_scope_is_not_granted(browser: Browser, sandbox: GoogleSandbox) -> None:
    issued = browser.tokens(LISTS)
    assert EVENTS not in issued["scope"].split()
    api = Api(sandbox.url, issued["access_token"])
    assert api.refused("GET", "calendars/primary/events") == (403, "insufficientPermissions")
    again = browser.choose(browser.open())
    assert EVENTS in again.text
    assert LISTS not in again.text


def test_deny_goes_back_with_access_denied(browser: Browser) -> None:
    reply = browser.consent(browser.choose(browser.open()), decision="deny")
    assert answer(reply) == {"state": "a state/+", "error": "access_denied"}


@pytest.mark.parametrize(
    "changes,status,code",
    [
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"redirect_uri": CALLBACK + "/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": CALLBACK + "?a=1"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": None}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "invalid_request"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"scope": "https://www.googleapis.com/auth/nothing"}, 400, "invalid_scope"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"prompt": "none consent"}, 400, "invalid_request"),
        ({"access_type": "sometimes"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_request_is_shown_and_never_redirected(
    browser: Browser, changes: dict[str, str | None], status: int, code: str
) -> None:
    reply = browser.open(**changes)
    assert (reply.status_code, "Location" in reply.headers) == (status, False)
    assert code in reply.text


@pytest.mark.parametrize(
    "uri,allowed",
    [
        ("https://crm.example/callback", True),
        ("http://localhost:8080/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://crm.example/callback", False),
        ("https://crm.example/callback#part", False),
        ("https://user@crm.example/callback", False),
        ("ftp://localhost/callback", False),
    ],
)
def test_only_loopback_redirects_may_be_plain_http(
    browser: Browser, sandbox: GoogleSandbox, uri: str, allowed: bool
) -> None:
    sandbox.register_redirect(uri)
    assert allowed_redirect(uri) is allowed
    assert browser.open(redirect_uri=uri).status_code == (200 if allowed else 400)


def test_a_changed_flow_field_is_refused(browser: Browser) -> None:
    page = browser.open()
    match = FIELD.search(page.text)
    assert match
    for flow in (match[1][:-1] + "0", "", "x.y", "ä.ö"):
        form = {"flow": flow, "account": ANNA}
        reply = browser.session.post(f"{browser.url}/o/oauth2/v2/auth/account", data=form)
        assert reply.status_code == 400
    assert browser.choose(page, "nobody@gmail.example").status_code == 400
    assert browser.consent(page).status_code == 400


def test_login_hint_and_prompt(browser: Browser) -> None:
    assert "Choose an account" in browser.open(login_hint=ANNA, prompt="select_account").text
    page = browser.open(login_hint=ANNA.upper())
    assert "wants access" in page.text
    assert answer(browser.open(prompt="none", login_hint=ANNA))["error"] == "interaction_required"
    assert answer(browser.open(prompt="none"))["error"] == "interaction_required"
    browser.consent(page)
    assert "code" in answer(browser.open(prompt="none", login_hint=ANNA))
    assert "code" in answer(browser.open(login_hint=ANNA))
    assert "wants access" in browser.choose(browser.open(prompt="consent select_account")).text


def test_a_refresh_token_comes_with_the_first_consent_or_a_forced_one(browser: Browser) -> None:
    assert "refresh_token" not in browser.tokens(access_type=None)
    assert "refresh_token" in browser.tokens()
    assert "refresh_token" not in browser.tokens()
    assert "refresh_token" in browser.tokens(prompt="consent")
    assert "refresh_token" in browser.tokens(email=JONAS)


def test_include_granted_scopes_adds_what_was_granted_before(browser: Browser) -> None:
    browser.tokens(EVENTS, scope=EVENTS)
    assert set(browser.tokens(LISTS, scope=LISTS)["scope"].split()) == {LISTS}
    both = browser.tokens(LISTS, scope=LISTS, include_granted_scopes="true")
    assert set(both["scope"].split()) == {LISTS, EVENTS}
    assert "id_token" not in both


@pytest.mark.parametrize(
    "form,status,code",
    [
        ({"code": "unknown"}, 400, "invalid_grant"),
        ({"code": None}, 400, "invalid_request"),
        ({"code_verifier": "w" * 64}, 400, "invalid_grant"),
        ({"code_verifier": None}, 400, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "2"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_token_request_is_refused(
    browser: Browser, form: dict[str, str | None], status: int, code: str
) -> None:
    assert refusal(browser.token(**{"code": browser.code(), **form})) == (status, code)


def test_a_code_is_good_once_and_for_ten_minutes(browser: Browser, clock: ManualClock) -> None:
    code = browser.code()
    assert browser.token(code=code).status_code == 200
    assert refusal(browser.token(code=code)) == (400, "invalid_grant")
    late = browser.code()
    clock.advance(minutes=10)
    assert refusal(browser.token(code=late)) == (400, "invalid_grant")


def test_pkce_plain_and_none(browser: Browser) -> None:
    plain = browser.code(code_challenge=VERIFIER, code_challenge_method=None)
    assert browser.token(code=plain).status_code == 200
    without = browser.code(code_challenge=None, code_challenge_method=None)
    assert refusal(browser.token(code=without)) == (400, "invalid_grant")
    without = browser.code(code_challenge=None, code_challenge_method=None)
    assert browser.token(code=without, code_verifier=None).status_code == 200


def test_the_client_may_use_a_basic_header(browser: Browser) -> None:
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "code": browser.code(),
    }
    pair = (DEFAULT_CLIENT.client_id, DEFAULT_CLIENT.client_secret)
    assert browser.session.post(f"{browser.url}/token", data=form, auth=pair).status_code == 200
    assert browser.session.post(f"{browser.url}/token", data=form, auth=("x", "y")).status_code == 401


def test_access_tokens_expire_and_are_refreshed(browser: Browser, sandbox: GoogleSandbox, clock: ManualClock) -> None:
    issued = browser.tokens()
    api = Api(sandbox.url, issued["access_token"])
    clock.advance(seconds=3598)
    assert api("GET", "users/me/calendarList").status_code == 200
    clock.advance(seconds=1)
    reply = api("GET", "users/me/calendarList")
    assert (reply.status_code, reply.json()["error"]["errors"][0]["reason"]) == (401, "authError")
    assert "invalid_token" in reply.headers["WWW-Authenticate"]
    renewed = browser.refresh(issued["refresh_token"]).json()
    assert "refresh_token" not in renewed
    assert set(renewed["scope"].split()) == set(issued["scope"].split())
    assert Api(sandbox.url, renewed["access_token"]).ok("GET", "users/me/calendarList")


def test_refresh_tokens_end(browser: Browser, sandbox: GoogleSandbox, clock: ManualClock) -> None:
    assert refusal(browser.refresh("1//unknown")) == (400, "invalid_grant")
    token = browser.tokens()["refresh_token"]
    clock.advance(days=180)
    assert browser.refresh(token).status_code == 200
    clock.advance(days=183)
    assert refusal(browser.refresh(token)) == (400, "invalid_grant")
    sandbox.state.clients[DEFAULT_CLIENT.client_id] = replace(DEFAULT_CLIENT, testing=True)
    token = browser.tokens(prompt="consent")["refresh_token"]
    clock.advance(days=8)
    assert refusal(browser.refresh(token)) == (400, "invalid_grant")


def test_the_hundred_and_first_refresh_token_ends_the_first(browser: Browser, sandbox: GoogleSandbox) -> None:
    tokens = [sandbox.issue_tokens(ANNA, [EVENTS]).refresh_token or "" for _ in range(101)]
    other = sandbox.issue_tokens(JONAS, [EVENTS]).refresh_token or ""
    assert refusal(browser.refresh(tokens[0])) == (400, "invalid_grant")
    assert all(browser.refresh(token).status_code == 200 for token in (tokens[1], tokens[100], other))


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_one_token_ends_all_of_the_project_for_the_user(
    browser: Browser, sandbox: GoogleSandbox, kind: str
) -> None:
    sibling = replace(DEFAULT_CLIENT, client_id="second-client")
    stranger = replace(DEFAULT_CLIENT, client_id="third-client", project="other")
    for client in (sibling, stranger):
        sandbox.state.clients[client.client_id] = client
    mine, jonas = browser.tokens(), sandbox.issue_tokens(JONAS, [EVENTS])
    second = sandbox.issue_tokens(ANNA, [EVENTS], "second-client")
    third = sandbox.issue_tokens(ANNA, [EVENTS], "third-client")
    assert browser.revoke(mine[kind]).json() == {}
    assert refusal(browser.refresh(mine["refresh_token"])) == (400, "invalid_grant")
    working = {
        token: Api(sandbox.url, token)("GET", "calendars/primary/events").status_code
        for token in (mine["access_token"], second.access_token, third.access_token, jonas.access_token)
    }
    assert list(working.values()) == [401, 401, 200, 200]
    assert refusal(browser.revoke(mine[kind])) == (400, "invalid_token")
    assert "wants access" in browser.choose(browser.open()).text


def test_openid_configuration(browser: Browser) -> None:
    found = browser.session.get(f"{browser.url}/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{browser.url}/token"
    assert found["code_challenge_methods_supported"] == ["plain", "S256"]


def test_requests_without_or_with_a_wrong_token(sandbox: GoogleSandbox, connect: Callable[..., Api]) -> None:
    api = Api(sandbox.url, "ya29.unknown")
    assert api.refused("GET", "users/me/calendarList") == (401, "authError")
    api.session.headers.pop("Authorization")
    assert api.refused("GET", "users/me/calendarList") == (401, "required")
    narrow = connect(scopes=(LISTS,))
    reply = narrow("POST", "calendars/primary/events", {})
    assert reply.status_code == 403
    assert reply.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert "insufficient_scope" in reply.headers["WWW-Authenticate"]
