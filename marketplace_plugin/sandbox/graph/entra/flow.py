"""An authorization request: checking it, carrying it through the pages, answering it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import redirect
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.graph.entra import scopes as scope_names
from marketplace_plugin.sandbox.graph.entra.grants import EntraError
from marketplace_plugin.sandbox.graph.state import PERSONAL_TENANT, Account, Client, State, Tenant

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS = {"", "login", "none", "consent", "select_account"}
_ANY = ("common", "organizations", "consumers")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECRET = secrets.token_bytes(32)


class PageError(Exception):
    """A request that is answered with Entra's error page: the client cannot be told."""

    def __init__(self, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.number, self.text, self.status = number, text, status


class Refused(Exception):
    """A request that is answered with a redirect and an error."""

    def __init__(self, asked: Asked, error: EntraError) -> None:
        super().__init__(error.text)
        self.asked, self.error = asked, error


@dataclass(frozen=True)
class Asked:
    """A checked request. ``kind`` is authorize or adminconsent."""

    kind: str
    tenant: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None = None
    nonce: str | None = None
    prompt: str = ""
    login_hint: str | None = None
    domain_hint: str | None = None
    email: str | None = None


def tenant_of(state: State, name: str) -> Tenant | None:
    """The tenant of a path; None for common, organizations and consumers. Raises PageError."""
    if name.lower() in _ANY:
        return None
    found = state.find_tenant(name)
    if found is None:
        raise PageError(90002, f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID.")
    return found


def client_of(state: State, args: dict[str, str]) -> tuple[Client, str]:
    """The client and its redirect URI, exactly as registered. Raises PageError."""
    client = state.clients.get(args.get("client_id", ""))
    if client is None:
        raise PageError(700016, f"Application with identifier '{args.get('client_id', '')}' was not found in the "
                                "directory.")  # fmt: skip
    uri = args.get("redirect_uri", "")
    parts = urlsplit(uri)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if uri not in client.redirect_uris or not secure:
        raise PageError(
            50011,
            f"The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the "
            f"application '{client.client_id}'.",
        )
    return client, uri


def parse(state: State, tenant: str, args: dict[str, str]) -> Asked:
    """Check the query of an authorization request.

    Raises:
        PageError: for tenant, client or redirect URI.
        Refused: for what the client can be told.
    """
    tenant_of(state, tenant)
    client, uri = client_of(state, args)
    bare = Asked("authorize", tenant, client.client_id, uri, (), args.get("state"))
    if args.get("response_type") != "code":
        raise Refused(bare, EntraError("unsupported_response_type", 700054, "response_type 'code' is expected."))
    if args.get("response_mode", "query") != "query":
        raise Refused(bare, EntraError("invalid_request", 70007, "This response_mode is not supported here."))
    if not args.get("scope", "").split():
        raise PageError(900144, "The request body must contain the following parameter: 'scope'.")
    try:
        scopes = scope_names.canonical(args["scope"].split(), client.permissions)
    except ValueError as error:
        raise Refused(
            bare,
            EntraError(
                "invalid_client",
                650053,
                f"The application '{client.name}' asked for scope '{error}' that "
                "doesn't exist on the resource '00000003-0000-0000-c000-000000000000'.",
            ),
        ) from error
    challenge = args.get("code_challenge")
    if challenge is not None:
        method = args.get("code_challenge_method", "plain")
        if method != "S256" or not _CHALLENGE.fullmatch(challenge):
            raise Refused(bare, EntraError("invalid_request", 501491, "Invalid size of Code_Challenge parameter."))
    if args.get("prompt", "") not in _PROMPTS:
        raise Refused(bare, EntraError("invalid_request", 90023, "The value of 'prompt' is not supported."))
    return Asked(
        "authorize",
        tenant,
        client.client_id,
        uri,
        tuple(scopes),
        args.get("state"),
        challenge,
        args.get("nonce"),
        args.get("prompt", ""),
        args.get("login_hint"),
        args.get("domain_hint"),
    )


def may_use(state: State, tenant: str, account: Account) -> bool:
    """Whether an account can sign in at that tenant of the path."""
    personal = state.tenants[account.tenant].id == PERSONAL_TENANT
    if tenant.lower() in _ANY:
        return {"common": True, "organizations": not personal, "consumers": personal}[tenant.lower()]
    found = state.find_tenant(tenant)
    return found is not None and found.domain == account.tenant


def answer(asked: Asked, **values: str) -> ResponseReturnValue:
    """Back to the client."""
    parts = urlsplit(asked.redirect_uri)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *values.items()]
    if asked.state is not None:
        query.append(("state", asked.state))
    return redirect(urlunsplit(parts._replace(query=urlencode(query))), 302)


def refuse(asked: Asked, error: EntraError, now: datetime, **more: str) -> ResponseReturnValue:
    """Back to the client with an error."""
    values = {
        "error": error.error,
        "error_description": description(error, now)[0],
        "error_uri": f"https://login.microsoftonline.com/error?code={error.number}",
        **more,
    }
    if asked.kind == "adminconsent":
        values["admin_consent"] = "True"
    return answer(asked, **values)


def description(error: EntraError, now: datetime) -> tuple[str, str, str]:
    """The text that support asks for, with its trace and correlation ids."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    text = (
        f"AADSTS{error.number}: {error.text} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {now:%Y-%m-%d %H:%M:%SZ}"
    )
    return text, trace, correlation


def seal(asked: Asked) -> str:
    """The request as a hidden field of a page that nobody can change."""
    payload = base64.urlsafe_b64encode(json.dumps(asdict(asked)).encode())
    return f"{payload.decode()}.{hmac.new(_SECRET, payload, hashlib.sha256).hexdigest()}"


def unseal(text: str) -> Asked:
    """Raises PageError for a field that was not sealed here."""
    payload, _, mark = text.partition(".")
    if not hmac.compare_digest(mark.encode(), hmac.new(_SECRET, payload.encode(), hashlib.sha256).hexdigest().encode()):
        raise PageError(90013, "Invalid input received from the user. Start the sign-in again.")
    fields = json.loads(base64.urlsafe_b64decode(payload))
    return Asked(**{**fields, "scopes": tuple(fields["scopes"])})
