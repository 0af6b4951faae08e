"""The endpoints that clients call: token, revoke, userinfo, keys, discovery.

Source: https://developers.google.com/identity/protocols/oauth2/web-server (steps 5 and 7),
https://developers.google.com/identity/openid-connect/openid-connect
"""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.frame import oauth
from marketplace_plugin.sandbox.frame.oauth import Issued
from marketplace_plugin.sandbox.google.oauth import scopes as scope_names
from marketplace_plugin.sandbox.google.oauth.grants import Grants, OAuthError
from marketplace_plugin.sandbox.google.state import Client, State

ISSUER = "https://accounts.google.com"
KEY = oauth.SigningKey()


def blueprint(state: State, grants: Grants) -> Blueprint:
    """``/token``, ``/revoke``, ``/oauth2/v3/userinfo``, ``/oauth2/v3/certs``."""
    endpoints = Blueprint("tokens", __name__)

    @endpoints.errorhandler(OAuthError)
    def refuse(error: OAuthError) -> ResponseReturnValue:
        return _json({"error": error.error, "error_description": error.description}, error.status)

    @endpoints.post("/token")
    def token() -> ResponseReturnValue:
        form = request.form
        client = _authenticated(state)
        grant_type = form.get("grant_type", "")
        if grant_type == "authorization_code":
            code, redirect_uri = _needed("code"), _needed("redirect_uri")
            issued = grants.exchange(client, code, redirect_uri, form.get("code_verifier"))
        elif grant_type == "refresh_token":
            issued = grants.refresh(client, _needed("refresh_token"))
        else:
            raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        return _json(_token_reply(state, client, issued), 200)

    @endpoints.post("/revoke")
    def revoke() -> ResponseReturnValue:
        grants.revoke(request.values.get("token", ""))
        return _json({}, 200)

    @endpoints.route("/oauth2/v3/userinfo", methods=["GET", "POST"])
    @endpoints.route("/v1/userinfo", methods=["GET", "POST"])
    def userinfo() -> ResponseReturnValue:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        found = grants.access(value) if scheme.lower() == "bearer" else None
        if found is None:
            reply = _json({"error": "invalid_request", "error_description": "Invalid Credentials"}, 401)
            reply.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/"'
            return reply
        return _json(_claims(state, found.email, found.scopes), 200)

    @endpoints.get("/oauth2/v3/certs")
    def certs() -> ResponseReturnValue:
        return jsonify({"keys": [KEY.public(alg="RS256")]})

    @endpoints.get("/.well-known/openid-configuration")
    def configuration() -> ResponseReturnValue:
        root = request.url_root.rstrip("/")
        return jsonify(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{root}/o/oauth2/v2/auth",
                "token_endpoint": f"{root}/token",
                "revocation_endpoint": f"{root}/revoke",
                "userinfo_endpoint": f"{root}/oauth2/v3/userinfo",
                "jwks_uri": f"{root}/oauth2/v3/certs",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["plain", "S256"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "subject_types_supported": ["public"],
            }
        )

    return endpoints


def _needed(name: str) -> str:
    value = request.form.get(name)
    if not value:
        raise OAuthError(400, "invalid_request", f"Missing required parameter: {name}")
    return value


def _authenticated(state: State) -> Client:
    """The client, by its secret."""
    try:
        client_id, secret = oauth.credentials()
    except ValueError as error:
        raise OAuthError(401, "invalid_client", "Unauthorized") from error
    if not client_id:
        raise OAuthError(400, "invalid_request", "Could not determine client ID from request.")
    client = state.clients.get(client_id)
    if client is None:
        raise OAuthError(401, "invalid_client", "The OAuth client was not found.")
    if not secret:
        raise OAuthError(400, "invalid_request", "client_secret is missing.")
    if not hmac.compare_digest(secret.encode(), client.client_secret.encode()):
        raise OAuthError(401, "invalid_client", "Unauthorized")
    return client


def _token_reply(state: State, client: Client, issued: Issued) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "access_token": issued.access_token,
        "expires_in": issued.lifetime,
        "scope": " ".join(scope_names.ordered(issued.scopes)),
        "token_type": "Bearer",
    }
    if issued.refresh_token is not None:
        reply["refresh_token"] = issued.refresh_token
    if "openid" in issued.scopes:
        reply["id_token"] = id_token(state, client, issued)
    return reply


def _claims(state: State, email: str, scopes: frozenset[str]) -> dict[str, Any]:
    account = state.accounts[email]
    claims: dict[str, Any] = {"sub": account.sub}
    if scope_names.BASE + "userinfo.email" in scopes:
        claims |= {"email": account.email, "email_verified": True}
    if scope_names.BASE + "userinfo.profile" in scopes:
        claims |= {"name": account.name, "locale": account.locale}
    return claims


def id_token(state: State, client: Client, issued: Issued) -> str:
    """A signed JWT (RS256); its key is at ``/oauth2/v3/certs``."""
    now = int(state.now().timestamp())
    claims = {
        "iss": ISSUER,
        "azp": client.client_id,
        "aud": client.client_id,
        **_claims(state, issued.email, issued.scopes),
        "iat": now,
        "exp": now + 3600,
    }
    if issued.nonce is not None:
        claims["nonce"] = issued.nonce
    return KEY.signed(claims)


def _json(body: dict[str, Any], status: int) -> Response:
    reply = jsonify(body)
    reply.status_code = status
    reply.headers["Cache-Control"] = "no-cache, no-store, max-age=0, must-revalidate"
    return reply
