"""Consents, codes and tokens: the state behind Entra's OAuth endpoints.

Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
https://learn.microsoft.com/entra/identity-platform/refresh-tokens and
https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace_plugin.sandbox.frame import oauth
from marketplace_plugin.sandbox.frame.oauth import Issued
from marketplace_plugin.sandbox.graph.entra.scopes import canonical
from marketplace_plugin.sandbox.graph.state import Account, Client, State

CODE_LIFETIME = timedelta(minutes=10)


class EntraError(Exception):
    """A refusal with its AADSTS number; ``error`` is the OAuth error code."""

    def __init__(self, error: str, number: int, text: str, *, status: int = 400, suberror: str | None = None) -> None:
        super().__init__(text)
        self.error, self.number, self.text = error, number, text
        self.status, self.suberror = status, suberror


@dataclass(frozen=True)
class Code:
    """An authorization code, bound to all that its request said."""

    email: str
    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str | None
    nonce: str | None
    expires: datetime


@dataclass(frozen=True)
class AccessToken:
    """A bearer token of Graph."""

    email: str
    client_id: str
    scopes: frozenset[str]
    expires: datetime


@dataclass
class RefreshToken:
    """It stays good when a newer one is issued; ``ended`` is why it no longer is."""

    email: str
    client_id: str
    scopes: frozenset[str]
    used: datetime
    ended: EntraError | None = None


ENDINGS: dict[int, tuple[str, str | None]] = {
    50173: (
        (
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
            "changed or reset their password."
        ),
        "bad_token",
    ),
    700082: ("The refresh token has expired due to inactivity.", "bad_token"),
    70008: ("The provided authorization code or refresh token has expired due to inactivity.", "bad_token"),
    65001: ("The user or administrator has not consented to use the application.", "consent_required"),
    50076: (
        (
            "Due to a configuration change made by your administrator, or because you moved to a new location, you "
            "must use multi-factor authentication to access the resource."
        ),
        "basic_action",
    ),
    50057: ("The user account is disabled.", None),
    50034: ("The user account does not exist in the directory.", None),
    53003: ("Access has been blocked by Conditional Access policies.", "message_only"),
}
"""Why a grant ends: AADSTS number -> text and suberror."""


def ending(number: int) -> EntraError:
    """invalid_grant with that number; 50076 asks for interaction. Raises KeyError for an unknown one."""
    text, suberror = ENDINGS[number]
    error = "interaction_required" if number in (50076, 53003) else "invalid_grant"
    return EntraError(error, number, text, suberror=suberror)


class Grants:
    """All consents, codes and tokens that are alive."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.consents: dict[tuple[str, str], set[str]] = {}
        """(account, client id) -> what the user allowed."""
        self.tenant_consents: dict[tuple[str, str], set[str]] = {}
        """(tenant's domain, client id) -> what an admin allowed for everybody."""
        self.requests: list[tuple[str, str, str]] = []
        """(account, client id, reason): what users asked their admins for."""
        self._codes: dict[str, Code] = {}
        self._redeemed: set[str] = set()
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}

    def allowed(self, account: Account, client_id: str) -> set[str]:
        """What the client may do for the account: the user's own consent and the admin's."""
        own = self.consents.get((account.email, client_id), set())
        return own | self.tenant_consents.get((account.tenant, client_id), set())

    def consent(self, account: Account, client_id: str, scopes: Iterable[str], *, everybody: bool = False) -> None:
        """Note what was allowed, for the account or (by an admin) for its whole tenant."""
        if everybody:
            self.tenant_consents.setdefault((account.tenant, client_id), set()).update(scopes)
        else:
            self.consents.setdefault((account.email, client_id), set()).update(scopes)

    def authorize(
        self,
        email: str,
        client: Client,
        redirect_uri: str,
        scopes: Iterable[str],
        challenge: str | None,
        nonce: str | None,
    ) -> str:
        """A code for what was allowed."""
        value = "1.A" + secrets.token_urlsafe(120)
        expires = self._state.now() + CODE_LIFETIME
        self._codes[value] = Code(email, client.client_id, redirect_uri, frozenset(scopes), challenge, nonce, expires)
        return value

    def exchange(self, client: Client, value: str, redirect_uri: str, verifier: str | None) -> Issued:
        """Redeem a code, once. Raises EntraError."""
        if value in self._redeemed:
            raise EntraError("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, please retry.")
        code = self._codes.pop(value, None)
        if code is None or code.client_id != client.client_id:
            raise EntraError("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        self._redeemed.add(value)
        if code.expires <= self._state.now():
            raise ending(70008)
        if code.redirect_uri != redirect_uri:
            raise EntraError(
                "invalid_client",
                500112,
                f"The reply address '{redirect_uri}' does not match the reply address '{code.redirect_uri}' provided "
                "when requesting Authorization code.",
            )
        _check_verifier(code.challenge, verifier)
        return self._issue(code.email, client, code.scopes, code.nonce)

    def refresh(self, client: Client, value: str, narrowed: Iterable[str] | None) -> Issued:
        """New tokens; the old refresh token stays good. Raises EntraError."""
        token = self._refresh.get(value)
        if token is None or token.client_id != client.client_id:
            raise EntraError("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        if token.ended is not None:
            raise token.ended
        if token.used + timedelta(days=self._state.knobs.refresh_token_days) <= self._state.now():
            raise ending(700082)
        account = self._state.accounts.get(token.email)
        if account is None:
            raise ending(50034)
        scopes = token.scopes if narrowed is None else frozenset(narrowed)
        if not scopes <= self.allowed(account, client.client_id) | token.scopes:
            raise ending(65001)
        return self._issue(token.email, client, scopes | (token.scopes & {"offline_access"}), None)

    def issue(self, email: str, client: Client, scopes: Iterable[str]) -> Issued:
        """Tokens as after a full consent; scopes short or fully qualified."""
        wanted = frozenset(canonical(scopes, client.permissions))
        self.consent(self._state.accounts[email], client.client_id, wanted)
        return self._issue(email, client, wanted, None)

    def _issue(self, email: str, client: Client, scopes: frozenset[str], nonce: str | None) -> Issued:
        now, lifetime = self._state.now(), self._state.knobs.access_token_seconds
        access = "EwB" + secrets.token_urlsafe(180)
        self._access[access] = AccessToken(email, client.client_id, scopes, now + timedelta(seconds=lifetime))
        refresh = None
        if "offline_access" in scopes:
            refresh = "1.AX" + secrets.token_urlsafe(240)
            self._refresh[refresh] = RefreshToken(email, client.client_id, scopes, now)
        return Issued(access, refresh, email, scopes, lifetime, nonce)

    # --- using and ending ---------------------------------------------------------------------

    def access(self, value: str) -> AccessToken | None:
        """The token of a request, expired or not; None for one that was never given."""
        return self._access.get(value)

    def expire_access_tokens(self, email: str | None = None) -> None:
        """End the access tokens of one account or of all; refreshing still works."""
        now = self._state.now()
        for value, token in self._access.items():
            if email in (None, token.email):
                self._access[value] = AccessToken(token.email, token.client_id, token.scopes, now)

    def end(self, email: str | None = None, number: int = 50173) -> None:
        """End the refresh tokens of one account or of all with an AADSTS number; access tokens live on.

        65001 takes the consent away too. Raises KeyError for an unknown number.
        """
        reason = ending(number)
        for token in self._refresh.values():
            if email in (None, token.email):
                token.ended = reason
        if number == 65001:
            for key in [key for key in self.consents if email in (None, key[0])]:
                del self.consents[key]


def _check_verifier(challenge: str | None, verifier: str | None) -> None:
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None or not oauth.proves(verifier, challenge):
        raise EntraError("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the "
                         "authorization request.")  # fmt: skip
