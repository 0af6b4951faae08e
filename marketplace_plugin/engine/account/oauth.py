"""OAuth 2 (RFC 6749) with PKCE (RFC 7636) and the id_token of OpenID Connect, from the facts of a manifest.

Nothing here knows a service or the store. No token, code or description of a service is ever part of an error's text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from oauthlib.oauth2.rfc6749 import errors as oauth_errors
from requests_oauthlib import OAuth2Session

from marketplace_plugin.bundle.manifest import Integration, Scope
from marketplace_plugin.engine.account.transport import TIMEOUT, https_shaped, oauth_session, require_secure
from marketplace_plugin.errors import (
    AuthorizationExpired,
    AuthorizeError,
    ConfigError,
    ConsentDenied,
    ContractViolation,
    StateMismatch,
    Throttled,
    Unavailable,
)

# Both print tokens at DEBUG; whoever turns DEBUG on for the whole process must not get them.
for _name in ("oauthlib", "requests_oauthlib"):
    logging.getLogger(_name).setLevel(logging.WARNING)

IDENTITY_SCOPES = frozenset({"openid", "email", "profile", "address", "phone"})
"""Scopes of OpenID Connect (Core 5.4): a service may rename them in its answer, so the id_token proves them instead."""
_LEEWAY = timedelta(minutes=5)
_VERIFIER_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Client:
    """This deployment at one service. ``scopes`` are all that are asked for, ``params`` go into the request as they
    are."""

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    revoke_url: str
    issuer: str
    scopes: tuple[Scope, ...]
    params: tuple[tuple[str, str], ...]

    @property
    def required(self) -> frozenset[str]:
        """Scopes that must be granted by name."""
        return frozenset(s.name for s in self.scopes if s.required) - IDENTITY_SCOPES

    @property
    def optional(self) -> frozenset[str]:
        return frozenset(s.name for s in self.scopes if not s.required) - IDENTITY_SCOPES

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.scopes)


@dataclass(frozen=True, slots=True)
class Tokens:
    """``lifetime`` is None where the service named none. ``scopes`` is None where its answer names none: then they are
    those that were asked for (RFC 6749 5.1)."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    lifetime: timedelta | None
    scopes: frozenset[str] | None
    id_token: str = field(default="", repr=False)


def client_of(integration: Integration, values: Mapping[str, str], features: frozenset[str] = frozenset()) -> Client:
    """``values`` are the integration's settings by their names. Raises ConfigError naming what is not set."""
    missing = [s.env for s in integration.settings if s.required and not values.get(s.name)]
    if missing or not values.get("client_id"):
        raise ConfigError(f"{integration.id}: set " + (", ".join(missing) or "client_id"))
    return Client(
        client_id=values["client_id"],
        client_secret=values.get("client_secret", ""),
        authorize_url=values.get("authorize_url") or integration.auth.authorize_url,
        token_url=values.get("token_url") or integration.auth.token_url,
        revoke_url=values.get("revoke_url") or integration.auth.revoke_url,
        issuer=values.get("issuer") or integration.auth.issuer,
        scopes=integration.auth.scopes_for(features),
        params=integration.auth.params,
    )


# ---- the way there and back ---------------------------------------------------------------------------


def new_verifier() -> str:
    """PKCE's code_verifier: random, 64 unreserved characters."""
    return WebApplicationClient("").create_code_verifier(_VERIFIER_LENGTH)


def authorization_url(
    client: Client, redirect_uri: str, state: str, verifier: str, extra: Mapping[str, str] | None = None
) -> str:
    """Where the user signs in. Raises InsecureTransport for an address that is not to be trusted."""
    require_secure(redirect_uri)
    shaped = https_shaped(client.authorize_url)
    session = OAuth2Session(client.client_id, redirect_uri=redirect_uri, scope=list(client.names))
    params = {
        **dict(client.params),
        **(extra or {}),
        "code_challenge": WebApplicationClient("").create_code_challenge(verifier, "S256"),
        "code_challenge_method": "S256",
    }
    if "openid" in client.names:
        params["nonce"] = nonce_of(verifier)
    url, _ = session.authorization_url(shaped, state=state, **params)
    return client.authorize_url[: client.authorize_url.index(":")] + url[url.index(":") :]


def nonce_of(verifier: str) -> str:
    """Ties the id_token to this flow; tells nothing of the verifier."""
    return hashlib.sha256(b"nonce " + verifier.encode()).hexdigest()


def exchange(client: Client, redirect_uri: str, callback_url: str, state: str, verifier: str) -> Tokens:
    """Redeem the code in ``callback_url``.

    Raises StateMismatch, ConsentDenied, AuthorizeError for a refusal, Unavailable and Throttled where the service
    does not answer, ContractViolation for an answer of another shape.
    """
    session = oauth_session(client.client_id, client.token_url, redirect_uri=redirect_uri, state=state)
    session.register_compliance_hook("access_token_response", _refuse_errors_of_the_server)
    with _said_by_the_service():
        token = session.fetch_token(
            https_shaped(client.token_url),
            authorization_response=https_shaped(callback_url),
            include_client_id=True,
            client_secret=client.client_secret,
            code_verifier=verifier,
            timeout=TIMEOUT,
        )
        return _tokens(token)


def refresh(client: Client, refresh_token: str) -> Tokens:
    """New tokens; ``refresh`` is the old refresh token again where the service sends no other.

    Raises AuthorizationExpired for invalid_grant alone, ConfigError where the service does not know this deployment any
    more, and Unavailable, Throttled, ContractViolation as ``exchange``.
    """
    session = oauth_session(client.client_id, client.token_url)
    session.register_compliance_hook("refresh_token_response", _refuse_errors_of_the_server)
    with _said_by_the_service():
        token = session.refresh_token(
            https_shaped(client.token_url),
            refresh_token=refresh_token,
            client_id=client.client_id,
            client_secret=client.client_secret,
            timeout=TIMEOUT,
        )
        return _tokens(token)


def revoke(client: Client, token: str) -> bool:
    """Tell the service to forget a token (RFC 7009). Never raises: False where it could not be told."""
    if not client.revoke_url:
        return False
    session = oauth_session(client.client_id, client.revoke_url)
    try:
        answer = session.post(https_shaped(client.revoke_url), data={"token": token}, timeout=TIMEOUT)
    except requests.RequestException:
        return False
    return bool(answer.status_code == requests.codes.ok)


# ---- the id_token --------------------------------------------------------------------------------------


def claims_of(client: Client, tokens: Tokens, verifier: str, now: datetime) -> Mapping[str, Any]:
    """The verified claims of the id_token, empty where none was asked for. ``now``: aware UTC.

    It came straight from the token endpoint over TLS (or from this machine), so its signature need not be checked
    (OpenID Connect Core 3.1.3.7, point 6); issuer, audience, time and nonce are. Raises AuthorizeError.
    """
    if "openid" not in client.names:
        return {}
    try:
        _, payload, _ = tokens.id_token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        issuer, audience = str(claims["iss"]), claims["aud"]
        expires = datetime.fromtimestamp(float(claims["exp"]), UTC)
        subject = str(claims["sub"])
    except (ValueError, KeyError, TypeError, OverflowError, binascii.Error):
        raise AuthorizeError("the id_token cannot be read") from None
    audiences = audience if isinstance(audience, list) else [audience]
    wrong = (
        (issuer.removeprefix("https://") != client.issuer.removeprefix("https://"), "issuer"),
        (client.client_id not in audiences, "audience"),
        (len(audiences) > 1 and claims.get("azp") != client.client_id, "authorised party"),
        (expires + _LEEWAY <= now, "time"),
        (claims.get("nonce") != nonce_of(verifier), "nonce"),
        (not subject, "subject"),
    )
    for failed, what in wrong:
        if failed:
            raise AuthorizeError(f"the id_token has another {what}")
    return dict(claims)


# ---- answers ---------------------------------------------------------------------------------------------


@contextmanager
def _said_by_the_service() -> Iterator[None]:
    """The service's refusals and the network's failures under our names; the descriptions stay behind."""
    try:
        yield
    except oauth_errors.MismatchingStateError:
        raise StateMismatch("the state of the answer is another one") from None
    except oauth_errors.AccessDeniedError:
        raise ConsentDenied("the user said no") from None
    except oauth_errors.InvalidGrantError:
        raise AuthorizationExpired("invalid_grant") from None
    except (oauth_errors.InvalidClientError, oauth_errors.UnauthorizedClientError) as error:
        raise ConfigError(f"the service refuses this deployment's client: {error.error}") from None
    except oauth_errors.MissingTokenError:
        raise ContractViolation("an answer without a token") from None
    except OAuth2Error as error:
        raise AuthorizeError(f"the service answered {type(error).__name__}") from None
    except requests.TooManyRedirects:
        raise ContractViolation("the token endpoint redirects") from None
    except requests.RequestException as error:
        raise Unavailable(f"no answer: {type(error).__name__}") from None


def _refuse_errors_of_the_server(response: requests.Response) -> requests.Response:
    """Before oauthlib reads it: an error page is no word about the grant."""
    if response.status_code == requests.codes.too_many_requests:
        raise Throttled("the token endpoint asks for a pause", _retry_after(response))
    if response.status_code >= requests.codes.server_error:
        raise Unavailable(f"the token endpoint answered {response.status_code}")
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise ContractViolation("the token endpoint answered something else than a JSON object")
    return response


def _retry_after(response: requests.Response) -> timedelta | None:
    """RFC 9110 10.2.3: seconds, or a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return timedelta(seconds=int(value))
    try:
        at = parsedate_to_datetime(value)
        sent = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return max(at - sent, timedelta(0))


def _tokens(token: Mapping[str, Any]) -> Tokens:
    access, kind = token.get("access_token"), str(token.get("token_type", "Bearer"))
    refresh_token, lifetime, scope = token.get("refresh_token"), token.get("expires_in"), token.get("scope")
    if not isinstance(access, str) or not access or kind.lower() != "bearer":
        raise ContractViolation("an answer without a bearer token")
    return Tokens(
        access=access,
        refresh=str(refresh_token) if refresh_token else None,
        lifetime=timedelta(seconds=int(lifetime)) if lifetime is not None else None,
        scopes=frozenset(map(str, scope)) if scope else None,
        id_token=str(token.get("id_token") or ""),
    )
