"""Our own OAuth code with the facts of Office365 Kalender, against emulate's Entra: there and back, refreshed with a
new refresh token each time, refused."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.provider import Session
from marketplace_plugin.engine.sign_in import oauth
from marketplace_plugin.engine.sign_in.oauth import Client, Tokens
from marketplace_plugin.errors import AuthorizationExpired, AuthorizeError, ConfigError, StateMismatch
from tests.peers.test_our_oauth import browse

REDIRECT_URI = "http://127.0.0.1/connections/callback"
ANNA, BEN = "anna@example.com", "ben@example.com"
ANNAS_TENANT, BENS_TENANT = "7d1f3a52-6a0e-4b5c-8c56-0d2b6f0a1101", "c2f0b9ab-2d0c-47ce-9b8b-5f3a9e0c2202"


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.find("")


@pytest.fixture(scope="session")
def root() -> str:
    base = os.environ.get("EMULATE_MICROSOFT_URL")
    assert base, "run these tests with `make peers`, which starts emulate"
    return base


def client_at(registry: Registry, root: str, **more: str) -> Client:
    """As a deployment makes it whose two addresses lead to emulate."""
    office = next(entry for entry in registry.integrations() if entry.id == "office365")
    found = requests.get(f"{root}/common/v2.0/.well-known/openid-configuration", timeout=10).json()
    assert "S256" in found["code_challenge_methods_supported"]
    environ = {
        "MARKETPLACE_MICROSOFT_CLIENT_ID": "peer-client",
        "MARKETPLACE_MICROSOFT_CLIENT_SECRET": "peer-secret",
        "MARKETPLACE_MICROSOFT_AUTHORIZE_URL": found["authorization_endpoint"],
        "MARKETPLACE_MICROSOFT_TOKEN_URL": found["token_endpoint"],
        **{f"MARKETPLACE_MICROSOFT_{name.upper()}": value for name, value in more.items()},
    }
    return oauth.client_of(office, office.require_settings(environ))


@pytest.fixture
def client(registry: Registry, root: str) -> Client:
    return client_at(registry, root)


def sign_in(client: Client, email: str = ANNA) -> tuple[Tokens, str]:
    state, verifier = secrets.token_urlsafe(32), oauth.new_verifier()
    back = browse(oauth.authorization_url(client, REDIRECT_URI, state, verifier), email)
    return oauth.exchange(client, REDIRECT_URI, back, state, verifier), verifier


def claims(client: Client, tokens: Tokens, verifier: str) -> Mapping[str, Any]:
    return oauth.claims_of(client, tokens, verifier, datetime.now(UTC))


def test_there_and_back_with_scopes_and_account(registry: Registry, client: Client) -> None:
    tokens, verifier = sign_in(client)
    said = claims(client, tokens, verifier)
    assert (said["tid"], said["preferred_username"]) == (ANNAS_TENANT, ANNA)
    assert tokens.refresh
    assert tokens.scopes is not None
    assert client.missing(tokens.scopes, required=True) == frozenset()
    session = Session(connection="c1", account="", instance="i", now=lambda: datetime.now(UTC))
    account = registry.authorized_account("office365", said, session)
    assert account is not None
    assert account.label == ANNA
    assert account.subject == f"{ANNAS_TENANT}.{said['oid']}"
    again, other = sign_in(client)
    assert claims(client, again, other)["oid"] == said["oid"]


def test_each_directory_is_an_issuer_of_its_own(client: Client) -> None:
    tokens, verifier = sign_in(client, BEN)
    assert claims(client, tokens, verifier)["tid"] == BENS_TENANT


def test_a_deployment_for_one_directory_takes_no_account_of_another(registry: Registry, root: str) -> None:
    client = client_at(registry, root, tenant=ANNAS_TENANT)
    tokens, verifier = sign_in(client)
    assert claims(client, tokens, verifier)["tid"] == ANNAS_TENANT
    tokens, verifier = sign_in(client, BEN)
    with pytest.raises(AuthorizeError, match="tenant"):
        claims(client, tokens, verifier)


def test_each_refresh_brings_the_refresh_token_for_the_next(client: Client) -> None:
    tokens, _ = sign_in(client)
    assert tokens.refresh is not None
    first = oauth.refresh(client, tokens.refresh)
    assert first.refresh not in (None, tokens.refresh)
    second = oauth.refresh(client, str(first.refresh))
    assert len({tokens.access, first.access, second.access}) == 3
    with pytest.raises(AuthorizationExpired):  # emulate ends the old one, where Entra lets it live
        oauth.refresh(client, tokens.refresh)


def test_another_state_verifier_or_client_is_refused(client: Client) -> None:
    state, verifier = secrets.token_urlsafe(32), oauth.new_verifier()
    back = browse(oauth.authorization_url(client, REDIRECT_URI, state, verifier), ANNA)
    with pytest.raises(StateMismatch):
        oauth.exchange(client, REDIRECT_URI, back, "another", verifier)
    with pytest.raises(AuthorizationExpired):
        oauth.exchange(client, REDIRECT_URI, back, state, oauth.new_verifier())
    with pytest.raises(ConfigError):
        oauth.exchange(replace(client, client_secret="another"), REDIRECT_URI, back, state, verifier)


def test_an_id_token_for_another_client_or_another_sign_in_is_refused(client: Client) -> None:
    tokens, verifier = sign_in(client)
    with pytest.raises(AuthorizeError, match="audience"):
        claims(replace(client, client_id="another"), tokens, verifier)
    with pytest.raises(AuthorizeError, match="nonce"):
        claims(client, tokens, oauth.new_verifier())
