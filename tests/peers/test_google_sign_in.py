"""The OAuth path of Google (RFC 6749, RFC 7636, OpenID Connect Core) against emulate's endpoints.

oauthlib refuses plain http, rightly. Here its https requests are carried to the loopback address of
emulate by a transport adapter; the switch in the environment that turns the check off is never used.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from oauthlib.oauth2 import InvalidGrantError, MismatchingStateError
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

CLIENT_ID = "peer-client.apps.example"
CLIENT_SECRET = "peer-secret"
REDIRECT_URI = "http://127.0.0.1/connections/callback"
CALENDAR = "https://www.googleapis.com/auth/calendar.events"
SCOPES = ["openid", "email", CALENDAR]
VERIFIER = "a-verifier-of-43-to-128-unreserved-characters~._"


class LoopbackAdapter(HTTPAdapter):
    """Carries https requests for one loopback address over plain http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        assert urlsplit(request.url).hostname == "127.0.0.1"
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="session")
def endpoints() -> dict[str, str]:
    """emulate's endpoints, as its discovery document names them."""
    base = os.environ.get("EMULATE_URL")
    assert base, "run these tests with `make peers`, which starts emulate"
    found = requests.get(f"{base}/.well-known/openid-configuration", timeout=10).json()
    assert "S256" in found["code_challenge_methods_supported"]
    return {name: url for name, url in found.items() if name.endswith(("_endpoint", "_uri"))}


def https(url: str) -> str:
    return url.replace("http://", "https://", 1)


def open_session(**options: Any) -> OAuth2Session:
    session = OAuth2Session(CLIENT_ID, redirect_uri=REDIRECT_URI, scope=SCOPES, **options)
    session.trust_env = False
    session.mount("https://127.0.0.1", LoopbackAdapter())
    return session


def consent(session: OAuth2Session, endpoints: dict[str, str], email: str, **extra: str) -> str:
    """Follow the user to the sign-in page, choose an account; gives the address the browser is sent back to."""
    url, _ = session.authorization_url(
        https(endpoints["authorization_endpoint"]), access_type="offline", prompt="select_account", **extra
    )
    page = requests.get(url.replace("https://", "http://", 1), timeout=10)
    assert page.status_code == 200, page.text
    forms = re.findall(r'<form [^>]*action="([^"]+)">(.*?)</form>', page.text, re.DOTALL)
    for action, form in forms:
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
        if fields["email"] == email:
            target = requests.compat.urljoin(page.url, action)
            return requests.post(target, data=fields, allow_redirects=False, timeout=10).headers["Location"]
    pytest.fail(f"{email} is not among the accounts of the page")


def challenge(verifier: str) -> dict[str, str]:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return {
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        "code_challenge_method": "S256",
    }


def exchange(session: OAuth2Session, endpoints: dict[str, str], back: str, verifier: str = VERIFIER) -> Any:
    return session.fetch_token(
        https(endpoints["token_endpoint"]),
        authorization_response=https(back),
        client_secret=CLIENT_SECRET,
        include_client_id=True,
        code_verifier=verifier,
    )


def connected(endpoints: dict[str, str], email: str = "anna@example.com", **extra: str) -> OAuth2Session:
    session = open_session()
    exchange(session, endpoints, consent(session, endpoints, email, **challenge(VERIFIER), **extra))
    return session


def claims(id_token: str) -> dict[str, Any]:
    payload = id_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_the_code_flow_gives_tokens_the_granted_scopes_and_the_account(endpoints: dict[str, str]) -> None:
    session = connected(endpoints, "ben@example.com", nonce="once")
    token = session.token
    assert token["token_type"] == "Bearer"
    assert token["refresh_token"]
    assert set(token["scope"]) == set(SCOPES)
    said = claims(token["id_token"])
    assert (said["email"], said["aud"], said["nonce"]) == ("ben@example.com", CLIENT_ID, "once")
    who = session.get(https(endpoints["userinfo_endpoint"]), timeout=10).json()
    assert (who["sub"], who["email"]) == (said["sub"], "ben@example.com")


def test_another_verifier_is_refused(endpoints: dict[str, str]) -> None:
    session = open_session()
    back = consent(session, endpoints, "anna@example.com", **challenge(VERIFIER))
    with pytest.raises(InvalidGrantError):
        exchange(session, endpoints, back, verifier=VERIFIER[::-1])


def test_a_code_works_once(endpoints: dict[str, str]) -> None:
    session = open_session()
    back = consent(session, endpoints, "anna@example.com", **challenge(VERIFIER))
    exchange(session, endpoints, back)
    with pytest.raises(InvalidGrantError):
        exchange(session, endpoints, back)


def test_the_state_of_another_session_is_refused_before_any_request(endpoints: dict[str, str]) -> None:
    back = consent(open_session(), endpoints, "anna@example.com", **challenge(VERIFIER))
    mine = open_session(state="mine")
    with pytest.raises(MismatchingStateError):
        exchange(mine, endpoints, back)


def test_the_state_comes_back_unchanged(endpoints: dict[str, str]) -> None:
    state = "with space&and=signs/+ü"
    back = consent(open_session(state=state), endpoints, "anna@example.com", **challenge(VERIFIER))
    assert parse_qs(urlsplit(back).query)["state"] == [state]


def test_a_refresh_gives_another_access_token_for_the_same_account(endpoints: dict[str, str]) -> None:
    session = connected(endpoints)
    before = session.token["access_token"]
    refreshed = session.refresh_token(
        https(endpoints["token_endpoint"]), client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    assert refreshed["access_token"] != before
    assert refreshed["refresh_token"]  # kept by the client: the reply carries none
    who = session.get(https(endpoints["userinfo_endpoint"]), timeout=10).json()
    assert who["email"] == "anna@example.com"


def test_a_revoked_refresh_token_is_refused(endpoints: dict[str, str]) -> None:
    session = connected(endpoints)
    revoke(endpoints, session.token["refresh_token"])
    with pytest.raises(InvalidGrantError):
        session.refresh_token(https(endpoints["token_endpoint"]), client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


def test_a_revoked_access_token_no_longer_speaks_for_its_account(endpoints: dict[str, str]) -> None:
    """emulate takes an unknown token for its first account, where Google answers 401: ben is the second one."""
    session = connected(endpoints, "ben@example.com")
    revoke(endpoints, session.token["access_token"])
    assert session.get(https(endpoints["userinfo_endpoint"]), timeout=10).json()["email"] != "ben@example.com"


def revoke(endpoints: dict[str, str], token: str) -> None:
    reply = requests.post(endpoints["revocation_endpoint"], data={"token": token}, timeout=10)
    assert reply.status_code == 200


def test_an_unregistered_way_back_is_refused(endpoints: dict[str, str]) -> None:
    query = {"client_id": CLIENT_ID, "redirect_uri": "https://evil.example/", "response_type": "code"}
    assert requests.get(endpoints["authorization_endpoint"], params=query, timeout=10).status_code == 400
