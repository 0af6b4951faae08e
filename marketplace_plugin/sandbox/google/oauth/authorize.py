"""The authorization endpoint: from the client's request to its code.

Source: https://developers.google.com/identity/protocols/oauth2/web-server (steps 2 to 4).
Every mistake of the client is shown as a page; only the user's own "no" is redirected.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.google.oauth import pages
from marketplace_plugin.sandbox.google.oauth import scopes as scope_names
from marketplace_plugin.sandbox.google.oauth.grants import Grants
from marketplace_plugin.sandbox.google.state import Account, Client, State

_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class PageError(Exception):
    """A request that is answered with an error page."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


@dataclass(frozen=True)
class Request:
    """A validated authorization request, carried through the pages in a signed field."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    challenge_method: str
    nonce: str | None
    offline: bool
    prompts: tuple[str, ...]
    login_hint: str | None
    include_granted: bool
    email: str | None = None


def parse(state: State, args: dict[str, str]) -> Request:
    """Check the query of an authorization request.

    Raises:
        PageError: for anything that is wrong with it.
    """
    client = state.clients.get(args.get("client_id", ""))
    if client is None:
        raise PageError(401, "invalid_client", "The OAuth client was not found.")
    redirect_uri = args.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris or not allowed_redirect(redirect_uri):
        raise PageError(400, "redirect_uri_mismatch", f"redirect_uri={redirect_uri}")
    if args.get("response_type") != "code":
        raise PageError(400, "invalid_request", "response_type must be code.")
    names = args.get("scope", "").split()
    if not names:
        raise PageError(400, "invalid_request", "Missing required parameter: scope")
    try:
        scopes = scope_names.canonical(names)
    except ValueError as error:
        raise PageError(400, "invalid_scope", f"Some requested scopes were invalid: {error}") from error
    method = args.get("code_challenge_method", "plain")
    challenge = args.get("code_challenge")
    if method not in ("S256", "plain") or (challenge and not _CHALLENGE.fullmatch(challenge)):
        raise PageError(400, "invalid_request", "Invalid code challenge.")
    if args.get("access_type", "online") not in ("online", "offline"):
        raise PageError(400, "invalid_request", "Invalid parameter value for access_type.")
    prompts = tuple(args.get("prompt", "").split())
    if not set(prompts) <= {"none", "consent", "select_account"} or ("none" in prompts and len(prompts) > 1):
        raise PageError(400, "invalid_request", "Invalid parameter value for prompt.")
    return Request(
        client.client_id,
        redirect_uri,
        tuple(scopes),
        args.get("state"),
        challenge,
        method,
        args.get("nonce"),
        args.get("access_type") == "offline",
        prompts,
        args.get("login_hint"),
        args.get("include_granted_scopes") == "true",
    )


def allowed_redirect(uri: str) -> bool:
    """https, or http on this machine; no fragment, no user info.

    Source: https://developers.google.com/identity/protocols/oauth2/web-server#uri-validation
    """
    parts = urlsplit(uri)
    if parts.fragment or "@" in parts.netloc or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def blueprint(state: State, grants: Grants) -> Blueprint:
    """The pages under ``/o/oauth2/v2/auth``."""
    pages_of = Blueprint("authorize", __name__, url_prefix="/o/oauth2/v2/auth")

    @pages_of.errorhandler(PageError)
    def show(error: PageError) -> ResponseReturnValue:
        return pages.error(error.status, error.code, error.detail)

    @pages_of.get("")
    def start() -> ResponseReturnValue:
        asked = parse(state, request.args.to_dict())
        account = state.accounts.get((asked.login_hint or "").lower())
        if "none" in asked.prompts:
            return _silent(state, grants, asked, account)
        if account is not None and "select_account" not in asked.prompts:
            return _after_account(state, grants, _with_email(asked, account))
        flow = _seal(state, asked)
        return pages.choose(flow, state.clients[asked.client_id], list(state.accounts.values()))

    @pages_of.post("/account")
    def account_chosen() -> ResponseReturnValue:
        asked = _open(state, request.form.get("flow", ""))
        account = state.accounts.get(request.form.get("account", ""))
        if account is None:
            raise PageError(400, "invalid_request", "Unknown account.")
        return _after_account(state, grants, _with_email(asked, account))

    @pages_of.post("/consent")
    def consent_given() -> ResponseReturnValue:
        asked = _open(state, request.form.get("flow", ""))
        if asked.email is None:
            raise PageError(400, "invalid_request", "No account was chosen.")
        if request.form.get("decision") != "allow":
            return _back(asked, error="access_denied")
        ticked = set(request.form.getlist("scope"))
        shown = _to_ask(grants, state, asked)
        granted = [s for s in asked.scopes if s in scope_names.BASIC or s not in shown or s in ticked]
        if not granted:
            return _back(asked, error="access_denied")
        return _finish(state, grants, asked, granted, consented_now="consent" in asked.prompts)

    return pages_of


def _with_email(asked: Request, account: Account) -> Request:
    return Request(**{**asdict(asked), "email": account.email})


def _to_ask(grants: Grants, state: State, asked: Request) -> list[str]:
    """The sensitive scopes that the page lists: all with prompt=consent, else the new ones."""
    consent = grants.consent(asked.email or "", _client(state, asked).project)
    known = set() if "consent" in asked.prompts else consent.scopes
    return [s for s in asked.scopes if s not in scope_names.BASIC and s not in known]


def _after_account(state: State, grants: Grants, asked: Request) -> ResponseReturnValue:
    client = _client(state, asked)
    email = asked.email or ""
    known = grants.consent(email, client.project).scopes
    if set(asked.scopes) <= known and "consent" not in asked.prompts:
        return _finish(state, grants, asked, asked.scopes, consented_now=False)
    wanted = _to_ask(grants, state, asked)
    return pages.consent(_seal(state, asked), client, state.accounts[email], wanted, already=bool(known))


def _silent(state: State, grants: Grants, asked: Request, account: Account | None) -> ResponseReturnValue:
    if account is None:
        return _back(asked, error="interaction_required")
    asked = _with_email(asked, account)
    if not set(asked.scopes) <= grants.consent(account.email, _client(state, asked).project).scopes:
        return _back(asked, error="interaction_required")
    return _finish(state, grants, asked, asked.scopes, consented_now=False)


def _finish(
    state: State,
    grants: Grants,
    asked: Request,
    granted: list[str] | tuple[str, ...],
    *,
    consented_now: bool,
) -> ResponseReturnValue:
    client = _client(state, asked)
    email = asked.email or ""
    scopes = set(granted)
    if asked.include_granted:
        scopes |= grants.consent(email, client.project).scopes
    code = grants.authorize(
        email,
        client,
        asked.redirect_uri,
        scopes,
        offline=asked.offline,
        consented_now=consented_now,
        challenge=asked.challenge,
        challenge_method=asked.challenge_method,
        nonce=asked.nonce,
    )
    return _back(asked, code=code, scope=" ".join(scope_names.ordered(scopes)), authuser="0", prompt="consent")


def _client(state: State, asked: Request) -> Client:
    return state.clients[asked.client_id]


def _back(asked: Request, **answer: str) -> ResponseReturnValue:
    parts = urlsplit(asked.redirect_uri)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if asked.state is not None:
        query.append(("state", asked.state))
    query += answer.items()
    return redirect(urlunsplit(parts._replace(query=urlencode(query))), 302)


def _seal(state: State, asked: Request) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(asdict(asked)).encode())
    mark = hmac.new(state.secret, payload, hashlib.sha256).hexdigest()
    return f"{payload.decode()}.{mark}"


def _open(state: State, flow: str) -> Request:
    payload, _, mark = flow.partition(".")
    expected = hmac.new(state.secret, payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mark.encode(), expected.encode()):
        raise PageError(400, "invalid_request", "The sign-in has to be started again.")
    fields = json.loads(base64.urlsafe_b64decode(payload))
    fields["scopes"] = tuple(fields["scopes"])
    fields["prompts"] = tuple(fields["prompts"])
    return Request(**fields)
