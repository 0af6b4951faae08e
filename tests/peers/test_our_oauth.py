"""Our own OAuth code, as the engine runs it, against emulate: there and back, refreshed, revoked, refused."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from urllib.parse import urljoin

import pytest
import requests

from marketplace_plugin.bundle.manifest import Scope
from marketplace_plugin.engine.sign_in import oauth
from marketplace_plugin.engine.sign_in.oauth import Client, Tokens
from marketplace_plugin.errors import AuthorizationExpired, AuthorizeError, StateMismatch
from tests.peers.test_google_sign_in import CALENDAR, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, endpoints

__all__ = ["endpoints"]  # the fixture


@pytest.fixture
def client(endpoints: dict[str, str]) -> Client:
    base = endpoints["token_endpoint"]
    issuer = requests.get(urljoin(base, "/.well-known/openid-configuration"), timeout=10).json()["issuer"]
    return Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        authorize_url=endpoints["authorization_endpoint"],
        token_url=endpoints["token_endpoint"],
        revoke_url=endpoints["revocation_endpoint"],
        issuer=issuer,
        scopes=(Scope("openid"), Scope("email"), Scope(CALENDAR)),
        params=(("access_type", "offline"), ("prompt", "select_account")),
    )


def browse(url: str, email: str) -> str:
    """What a browser does: the page, the account, and the address that it is sent back to."""
    page = requests.get(url, timeout=10)
    assert page.status_code == 200, page.text
    for action, form in re.findall(r'<form [^>]*action="([^"]+)">(.*?)</form>', page.text, re.DOTALL):
        fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
        if fields["email"] == email:
            answer = requests.post(urljoin(page.url, action), data=fields, allow_redirects=False, timeout=10)
            return answer.headers["Location"]
    pytest.fail(f"{email} is not among the accounts of the page")


def sign_in(client: Client, email: str = "anna@example.com") -> tuple[Tokens, str]:
    state, verifier = secrets.token_urlsafe(32), oauth.new_verifier()
    back = browse(oauth.authorization_url(client, REDIRECT_URI, state, verifier), email)
    return oauth.exchange(client, REDIRECT_URI, back, state, verifier), verifier


def test_there_and_back_with_the_account_and_the_granted_scopes(client: Client) -> None:
    tokens, verifier = sign_in(client, "ben@example.com")
    claims = oauth.claims_of(client, tokens, verifier, datetime.now(UTC))
    assert claims["email"] == "ben@example.com"
    assert tokens.refresh
    assert tokens.scopes is not None
    assert CALENDAR in tokens.scopes


def test_a_refresh_token_brings_new_tokens_until_it_is_revoked(client: Client) -> None:
    tokens, _ = sign_in(client)
    assert tokens.refresh is not None
    again = oauth.refresh(client, tokens.refresh)
    assert again.access
    assert again.access != tokens.access
    assert oauth.revoke(client, again.refresh or tokens.refresh)
    with pytest.raises(AuthorizationExpired):
        oauth.refresh(client, again.refresh or tokens.refresh)


def test_another_state_is_refused_before_anything_is_sent(client: Client) -> None:
    state, verifier = secrets.token_urlsafe(32), oauth.new_verifier()
    back = browse(oauth.authorization_url(client, REDIRECT_URI, state, verifier), "anna@example.com")
    with pytest.raises(StateMismatch):
        oauth.exchange(client, REDIRECT_URI, back, "another", verifier)


def test_another_verifier_is_refused_by_the_service(client: Client) -> None:
    state, verifier = secrets.token_urlsafe(32), oauth.new_verifier()
    back = browse(oauth.authorization_url(client, REDIRECT_URI, state, verifier), "anna@example.com")
    with pytest.raises((AuthorizationExpired, AuthorizeError)):
        oauth.exchange(client, REDIRECT_URI, back, state, oauth.new_verifier())


def test_an_id_token_for_somebody_else_is_refused(client: Client) -> None:
    tokens, verifier = sign_in(client)
    with pytest.raises(AuthorizeError, match="audience"):
        oauth.claims_of(replace(client, client_id="another"), tokens, verifier, datetime.now(UTC))
