"""Consents, codes and tokens: the state behind the OAuth endpoints.

Sources: https://developers.google.com/identity/protocols/oauth2 (expiration, limits),
https://developers.google.com/identity/protocols/oauth2/web-server (offline access, revoking).
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from marketplace_plugin.sandbox.frame import oauth
from marketplace_plugin.sandbox.frame.oauth import Issued
from marketplace_plugin.sandbox.google.oauth import scopes as scope_names
from marketplace_plugin.sandbox.google.state import Client, State

CODE_LIFETIME = timedelta(minutes=10)
REFRESH_TOKENS_PER_ACCOUNT_AND_CLIENT = 100
TESTING_LIFETIME = timedelta(days=7)
UNUSED_LIFETIME = timedelta(days=182)


class OAuthError(Exception):
    """A refusal of the token or revocation endpoint (RFC 6749, section 5.2)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


def invalid_grant(description: str = "Token has been expired or revoked.") -> OAuthError:
    return OAuthError(400, "invalid_grant", description)


@dataclass(frozen=True)
class Code:
    """An authorization code, bound to all that its request said."""

    email: str
    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str | None
    challenge_method: str
    nonce: str | None
    offline: bool
    expires: datetime


@dataclass(frozen=True)
class AccessToken:
    """A bearer token; ``project`` groups the clients whose grants end together."""

    email: str
    client_id: str
    project: str
    scopes: frozenset[str]
    expires: datetime


@dataclass
class RefreshToken:
    email: str
    client_id: str
    project: str
    scopes: frozenset[str]
    issued: datetime
    used: datetime


@dataclass
class Consent:
    """What a user has allowed a project."""

    scopes: set[str] = field(default_factory=set)
    offline_clients: set[str] = field(default_factory=set)
    """Clients that have had their refresh token: no second one without prompt=consent."""


class Grants:
    """All codes and tokens that are alive."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.consents: dict[tuple[str, str], Consent] = {}
        self._codes: dict[str, Code] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: OrderedDict[str, RefreshToken] = OrderedDict()

    def consent(self, email: str, project: str) -> Consent:
        """What the user has allowed so far; empty for nothing."""
        return self.consents.setdefault((email, project), Consent())

    def authorize(
        self,
        email: str,
        client: Client,
        redirect_uri: str,
        granted: Iterable[str],
        *,
        offline: bool,
        consented_now: bool,
        challenge: str | None = None,
        challenge_method: str = "plain",
        nonce: str | None = None,
    ) -> str:
        """Record the consent and issue a code.

        ``offline`` gives a refresh token on this client's first consent, or when the consent
        page was shown because of prompt=consent (``consented_now``).
        """
        consent = self.consent(email, client.project)
        consent.scopes |= set(granted)
        with_refresh = offline and (consented_now or client.client_id not in consent.offline_clients)
        now = self._state.now()
        self._codes = {key: code for key, code in self._codes.items() if code.expires > now}
        value = "4/0A" + secrets.token_urlsafe(48)
        self._codes[value] = Code(
            email,
            client.client_id,
            redirect_uri,
            frozenset(granted),
            challenge,
            challenge_method,
            nonce,
            with_refresh,
            now + CODE_LIFETIME,
        )
        return value

    def exchange(self, client: Client, code: str, redirect_uri: str, verifier: str | None) -> Issued:
        """Redeem a code, once.

        Raises:
            OAuthError: invalid_grant or redirect_uri_mismatch.
        """
        found = self._codes.pop(code, None)
        if found is None:
            raise invalid_grant("Malformed auth code.")
        if found.expires <= self._state.now() or found.client_id != client.client_id:
            raise invalid_grant("Bad Request")
        if found.redirect_uri != redirect_uri:
            raise OAuthError(400, "redirect_uri_mismatch", "Bad Request")
        _check_verifier(found, verifier)
        refresh = None
        if found.offline:
            self.consent(found.email, client.project).offline_clients.add(client.client_id)
            refresh = self._new_refresh(found.email, client, found.scopes)
        return self._issue(found.email, client, found.scopes, refresh, found.nonce)

    def refresh(self, client: Client, token: str) -> Issued:
        """A new access token.

        Raises:
            OAuthError: invalid_grant for a token that is unknown, expired or revoked.
        """
        found = self._refresh.get(token)
        now = self._state.now()
        if found is None or found.client_id != client.client_id:
            raise invalid_grant()
        stale = now - found.used > UNUSED_LIFETIME
        sensitive = bool(found.scopes - scope_names.BASIC)
        if client.testing and sensitive and now - found.issued > TESTING_LIFETIME:
            stale = True
        if stale:
            del self._refresh[token]
            raise invalid_grant()
        found.used = now
        return self._issue(found.email, client, found.scopes, None, None)

    def issue(self, email: str, client: Client, scopes: Iterable[str]) -> Issued:
        """Tokens without the pages, for tests: the same as a full consent, offline."""
        granted = frozenset(scope_names.canonical(scopes))
        consent = self.consent(email, client.project)
        consent.scopes |= granted
        consent.offline_clients.add(client.client_id)
        return self._issue(email, client, granted, self._new_refresh(email, client, granted), None)

    def access(self, token: str) -> AccessToken | None:
        """The live access token of that value."""
        found = self._access.get(token)
        return None if found is None or found.expires <= self._state.now() else found

    def revoke(self, token: str) -> None:
        """End every grant of the project of ``token`` for its user.

        Raises:
            OAuthError: invalid_token for an unknown one.
        """
        found = self.access(token) or self._refresh.get(token)
        if found is None:
            raise OAuthError(400, "invalid_token", "Token expired or revoked")
        self.revoke_account(found.email, found.project)

    def revoke_account(self, email: str, project: str | None = None) -> None:
        """The user removes the project's (or every project's) access."""
        self._access = {
            key: token
            for key, token in self._access.items()
            if not (token.email == email and project in (None, token.project))
        }
        for key in [
            key for key, token in self._refresh.items() if token.email == email and project in (None, token.project)
        ]:
            del self._refresh[key]
        for mail, owner in list(self.consents):
            if mail == email and project in (None, owner):
                del self.consents[mail, owner]

    def expire_access_tokens(self, email: str | None = None) -> None:
        """End the access tokens (of one account) and keep the refresh tokens."""
        self._access = {key: token for key, token in self._access.items() if email is not None and token.email != email}

    def _new_refresh(self, email: str, client: Client, scopes: frozenset[str]) -> str:
        now = self._state.now()
        mine = [
            key for key, token in self._refresh.items() if token.email == email and token.client_id == client.client_id
        ]
        for key in mine[: max(0, len(mine) + 1 - REFRESH_TOKENS_PER_ACCOUNT_AND_CLIENT)]:
            del self._refresh[key]
        value = "1//0" + secrets.token_urlsafe(48)
        self._refresh[value] = RefreshToken(email, client.client_id, client.project, scopes, now, now)
        return value

    def _issue(
        self,
        email: str,
        client: Client,
        scopes: frozenset[str],
        refresh: str | None,
        nonce: str | None,
    ) -> Issued:
        now = self._state.now()
        lifetime = self._state.knobs.access_token_seconds
        self._access = {key: token for key, token in self._access.items() if token.expires > now}
        value = "ya29." + secrets.token_urlsafe(64)
        self._access[value] = AccessToken(
            email, client.client_id, client.project, scopes, now + timedelta(seconds=lifetime)
        )
        return Issued(value, refresh, email, scopes, lifetime, nonce)


def _check_verifier(code: Code, verifier: str | None) -> None:
    """PKCE (RFC 7636, section 4.6)."""
    if code.challenge is None:
        if verifier:
            raise invalid_grant("code_verifier or verifier is not needed.")
        return
    if not verifier:
        raise invalid_grant("Missing code verifier.")
    if not oauth.proves(verifier, code.challenge, code.challenge_method):
        raise invalid_grant("Invalid code verifier.")
