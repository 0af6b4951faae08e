"""OAuth 2 (RFC 6749) with PKCE (RFC 7636) and the id_token of OpenID Connect, from the facts of a manifest.

Nothing here knows a service or the store. No token, code or description of a service is ever part of an error's text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from oauthlib.oauth2.rfc6749 import errors as oauth_errors
from requests_oauthlib import OAuth2Session

from marketplace_plugin.bundle.manifest import AdminConsent, Integration, Scope, ScopeMatch, filled
from marketplace_plugin.contract.sending import http_date, pause_of
from marketplace_plugin.engine.sign_in.transport import TIMEOUT, https_shaped, oauth_session, require_secure
from marketplace_plugin.errors import (
    AdminConsentNeeded,
    AuthorizationExpired,
    AuthorizeError,
    ConfigError,
    ConsentDenied,
    ContractViolation,
    MarketplaceError,
    StateMismatch,
    Throttled,
    Unavailable,
)

# Both print tokens at DEBUG; whoever turns DEBUG on for the whole process must not get them.
for _name in ("oauthlib", "requests_oauthlib"):
    logging.getLogger(_name).setLevel(logging.WARNING)

IDENTITY_SCOPES = frozenset({"openid", "email", "profile", "address", "phone", "offline_access"})
"""Scopes of OpenID Connect (Core 5.4 and 11): a service may rename them in its answer or leave them out, so the
id_token and the refresh token prove them instead."""
_INTERACTION = frozenset({"interaction_required", "login_required", "consent_required", "account_selection_required"})
"""Refusals of OpenID Connect (Core 3.1.2.6) after which only the user can go on."""
_PLAIN_CLAIM = re.compile(r"[A-Za-z0-9._~-]+")
_LEEWAY = timedelta(minutes=5)
_VERIFIER_LENGTH = 64
_LONGEST = timedelta(days=365)
"""A token is refreshed by then, whatever lifetime its service names."""


@dataclass(frozen=True, slots=True)
class Client:
    """This deployment at one service. ``scopes`` are all that are asked for, ``params`` go into the request as they
    are. ``issuer`` may hold claims in braces; ``tenant`` is a claim and the value that it must have, both empty where
    any will do. ``admin_consent_url`` is empty where there is none."""

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    revoke_url: str
    issuer: str
    scopes: tuple[Scope, ...]
    params: tuple[tuple[str, str], ...]
    scope_match: ScopeMatch = ScopeMatch.EXACT
    tenant: tuple[str, str] = ("", "")
    consent: AdminConsent | None = None
    admin_consent_url: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.scopes)

    def among(self, granted: frozenset[str]) -> frozenset[str]:
        """The names of those of ``scopes`` that are among ``granted``, in whatever way the service writes them."""
        have = {self._compared(name) for name in granted}
        return frozenset(name for name in self.names if self._compared(name) in have)

    def missing(self, granted: frozenset[str], *, required: bool) -> frozenset[str]:
        """The names of the required or of the optional scopes that are not among ``granted``."""
        asked = frozenset(s.name for s in self.scopes if s.required is required)
        return asked - IDENTITY_SCOPES - self.among(granted)

    def _compared(self, scope: str) -> str:
        return scope.rpartition("/")[2].lower() if self.scope_match is ScopeMatch.LAST_SEGMENT else scope


@dataclass(frozen=True, slots=True)
class Tokens:
    """``lifetime`` is None where the service named none, or none that can be read. ``scopes`` is None where its answer
    names none: then they are those that were asked for (RFC 6749 5.1)."""

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
    auth, addresses = integration.auth, integration.addresses(values) | dict(values)
    token_url = urlsplit(addresses["token_url"])
    named = {**values, "token_origin": f"{token_url.scheme}://{token_url.netloc}"}
    pinned = bool(auth.tenant_claim) and _is_uuid(values.get("tenant", ""))
    return Client(
        client_id=values["client_id"],
        client_secret=values.get("client_secret", ""),
        authorize_url=addresses["authorize_url"],
        token_url=addresses["token_url"],
        revoke_url=addresses["revoke_url"],
        issuer=filled(values.get("issuer") or auth.issuer, named),
        scopes=auth.scopes_for(features),
        params=auth.params,
        scope_match=auth.scope_match,
        tenant=(auth.tenant_claim, values["tenant"].lower()) if pinned else ("", ""),
        consent=auth.admin_consent,
        admin_consent_url=addresses.get("admin_consent_url", ""),
    )


def _is_uuid(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


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


def admin_consent_url(client: Client, redirect_uri: str, state: str) -> str:
    """Where an organisation's admin consents for its people, to all scopes of ``client``. Raises ConfigError where the
    service knows no such thing, InsecureTransport."""
    if not client.admin_consent_url:
        raise ConfigError("the service has no address for an admin's consent")
    require_secure(redirect_uri)
    query = {
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(client.names),
        "state": state,
    }
    return f"{require_secure(client.admin_consent_url)}?{urlencode(query)}"


def nonce_of(verifier: str) -> str:
    """Ties the id_token to this flow; tells nothing of the verifier."""
    return hashlib.sha256(b"nonce " + verifier.encode()).hexdigest()


def exchange(client: Client, redirect_uri: str, callback_url: str, state: str, verifier: str) -> Tokens:
    """Redeem the code in ``callback_url``.

    Raises StateMismatch, ConsentDenied, AdminConsentNeeded, AuthorizeError for a refusal, Unavailable and Throttled
    where the service does not answer, ContractViolation for an answer of another shape.
    """
    session = oauth_session(client.client_id, client.token_url, redirect_uri=redirect_uri, state=state)
    session.register_compliance_hook("access_token_response", _refuse_errors_of_the_server)
    with _said_by_the_service(lambda error: _refusal(error, client.consent)):
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

    Raises AuthorizationExpired where only the user can help (invalid_grant, or the service wants to see him),
    ConfigError where the service does not know this deployment any more, and Unavailable, Throttled, ContractViolation
    as ``exchange``.
    """
    session = oauth_session(client.client_id, client.token_url)
    session.register_compliance_hook("refresh_token_response", _refuse_errors_of_the_server)
    with _said_by_the_service(_refusal_of_a_refresh):
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
    (OpenID Connect Core 3.1.3.7, point 6); issuer, tenant, audience, time and nonce are. Raises AuthorizeError.
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
    plain = {name: text for name, text in claims.items() if isinstance(text, str) and _PLAIN_CLAIM.fullmatch(text)}
    tenant_claim, tenant = client.tenant
    wrong = (
        (issuer.removeprefix("https://") != filled(client.issuer, plain).removeprefix("https://"), "issuer"),
        (tenant and plain.get(tenant_claim, "").lower() != tenant, "tenant"),
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
def _said_by_the_service(refusal: Callable[[OAuth2Error], MarketplaceError]) -> Iterator[None]:
    """The service's refusals and the network's failures under our names; the descriptions stay behind."""
    try:
        yield
    except OAuth2Error as error:
        raise refusal(error) from None
    except requests.TooManyRedirects:
        raise ContractViolation("the token endpoint redirects") from None
    except requests.RequestException as error:
        raise Unavailable(f"no answer: {type(error).__name__}") from None


def _refusal(error: OAuth2Error, consent: AdminConsent | None) -> MarketplaceError:
    """In another order than it may seem: some services say access_denied or invalid_grant for everything, and the
    description alone tells whom it waits for."""
    said, code = str(error.description or ""), str(error.error)
    if consent is not None and _marked(said, consent.needed):
        return AdminConsentNeeded("an admin of the organisation has to consent first")
    if isinstance(error, oauth_errors.AccessDeniedError) or (consent is not None and _marked(said, consent.declined)):
        return ConsentDenied("the user said no")
    if consent is not None and code == "consent_required":
        return AdminConsentNeeded("consent is missing that the user was not asked for")
    if isinstance(error, oauth_errors.MismatchingStateError):
        return StateMismatch("the state of the answer is another one")
    if isinstance(error, oauth_errors.InvalidGrantError) or code in _INTERACTION:
        return AuthorizationExpired(code)
    if isinstance(error, oauth_errors.ServerError | oauth_errors.TemporarilyUnavailableError):
        return Unavailable(f"the service answered {code}")
    if isinstance(error, oauth_errors.InvalidClientError | oauth_errors.UnauthorizedClientError):
        return ConfigError(f"the service refuses this deployment's client: {code}")
    if isinstance(error, oauth_errors.MissingTokenError):
        return ContractViolation("an answer without a token")
    return AuthorizeError(f"the service answered {type(error).__name__}")


def _refusal_of_a_refresh(error: OAuth2Error) -> MarketplaceError:
    """Nobody is authorising then: what is no word about the grant leaves it as it is."""
    made = _refusal(error, None)
    return ContractViolation(str(made)) if isinstance(made, AuthorizeError) else made


def _marked(description: str, marks: Iterable[str]) -> bool:
    """Whether one of ``marks`` stands in the description as a word of its own."""
    return any(re.search(rf"\b{re.escape(mark)}\b", description) for mark in marks)


def _refuse_errors_of_the_server(response: requests.Response) -> requests.Response:
    """Before oauthlib reads it: an error page is no word about the grant."""
    if response.status_code == requests.codes.too_many_requests:
        raise Throttled("the token endpoint asks for a pause", _retry_after(response))
    if response.status_code >= requests.codes.server_error:
        raise Unavailable(f"the token endpoint answered {response.status_code}")
    try:
        body = response.json()
    except ValueError:  # no JSON, or a number of thousands of digits
        body = None
    if not isinstance(body, dict):
        raise ContractViolation("the token endpoint answered something else than a JSON object")
    if "expires_in" in body and _lifetime(body["expires_in"]) is None:
        # oauthlib would refuse the answer, and with it a refresh token that has taken the place of ours
        del body["expires_in"]
        response._content, response.encoding = json.dumps(body).encode(), "utf-8"  # noqa: SLF001  # as its own hooks do
    return response


def _retry_after(response: requests.Response) -> timedelta | None:
    """Counted from when the service has answered, by its own clock."""
    return pause_of(response.headers.get("Retry-After"), http_date(response.headers.get("Date")))


def _tokens(token: Mapping[str, Any]) -> Tokens:
    access, kind = token.get("access_token"), str(token.get("token_type", "Bearer"))
    refresh_token, scope = token.get("refresh_token"), token.get("scope")
    if not isinstance(access, str) or not access or kind.lower() != "bearer":
        raise ContractViolation("an answer without a bearer token")
    return Tokens(
        access=access,
        refresh=str(refresh_token) if refresh_token else None,
        lifetime=_lifetime(token.get("expires_in")),
        scopes=frozenset(map(str, scope)) if scope else None,
        id_token=str(token.get("id_token") or ""),
    )


def _lifetime(told: Any) -> timedelta | None:
    """At least none and a year at most; None where absent or unreadable."""
    try:
        seconds = int(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return timedelta(seconds=min(max(seconds, 0), _LONGEST // timedelta(seconds=1)))
