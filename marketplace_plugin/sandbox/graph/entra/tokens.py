"""The endpoints that clients call: token, keys, OpenID configuration. There is none to revoke.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.frame import oauth
from marketplace_plugin.sandbox.frame.oauth import Issued
from marketplace_plugin.sandbox.graph.entra import flow
from marketplace_plugin.sandbox.graph.entra import scopes as scope_names
from marketplace_plugin.sandbox.graph.entra.grants import EntraError, Grants
from marketplace_plugin.sandbox.graph.state import Account, Client, State

KEY = oauth.SigningKey()


def blueprint(state: State, grants: Grants) -> Blueprint:
    """``/{tenant}/oauth2/v2.0/token``, ``/{tenant}/discovery/v2.0/keys`` and the configuration."""
    endpoints = Blueprint("tokens", __name__)

    @endpoints.errorhandler(EntraError)
    def refuse(error: EntraError) -> ResponseReturnValue:
        return _refusal(state, error)

    @endpoints.errorhandler(flow.PageError)
    def wrong_tenant(error: flow.PageError) -> ResponseReturnValue:
        return _refusal(state, EntraError("invalid_request", error.number, error.text))

    @endpoints.post("/<tenant>/oauth2/v2.0/token")
    def token(tenant: str) -> ResponseReturnValue:
        flow.tenant_of(state, tenant)
        if request.mimetype != "application/x-www-form-urlencoded":
            raise EntraError("invalid_request", 900144, "The request body must contain the following parameter: "
                             "'grant_type'.")  # fmt: skip
        client = _authenticated(state)
        issued = _granted(grants, client)
        if not flow.may_use(state, tenant, state.accounts[issued.email]):
            raise EntraError("invalid_grant", 50020, "The user account does not exist in this tenant.")
        return _json(_reply(state, client, issued), 200)

    @endpoints.get("/<tenant>/discovery/v2.0/keys")
    def keys(tenant: str) -> ResponseReturnValue:
        flow.tenant_of(state, tenant)
        return jsonify({"keys": [KEY.public(x5t=KEY.ID)]})

    @endpoints.get("/<tenant>/v2.0/.well-known/openid-configuration")
    def configuration(tenant: str) -> ResponseReturnValue:
        found = flow.tenant_of(state, tenant)
        root = request.url_root.rstrip("/")
        issuer = "{tenantid}" if found is None else found.id
        base = f"{root}/{tenant if found is None else found.id}"
        return jsonify(
            {
                "issuer": f"{root}/{issuer}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": list(scope_names.OIDC),
                "msgraph_host": "graph.microsoft.com",
            }
        )

    return endpoints


def _granted(grants: Grants, client: Client) -> Issued:
    kind = _needed("grant_type")
    if kind == "authorization_code":
        return grants.exchange(client, _needed("code"), _needed("redirect_uri"), request.form.get("code_verifier"))
    if kind == "refresh_token":
        names = request.form.get("scope", "").split()
        try:
            narrowed = scope_names.canonical(names, client.permissions) if names else None
        except ValueError as error:
            raise EntraError("invalid_scope", 70011, "The provided value for the input parameter 'scope' is not "
                             f"valid. The scope {error} is not valid.") from error  # fmt: skip
        return grants.refresh(client, _needed("refresh_token"), narrowed)
    raise EntraError("unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{kind}'.")


def _needed(name: str) -> str:
    value = request.form.get(name)
    if not value:
        raise EntraError("invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")
    return value


def _authenticated(state: State) -> Client:
    try:
        client_id, secret = oauth.credentials()
    except ValueError as error:
        raise EntraError("invalid_client", 7000215, "Invalid client secret provided.", status=401) from error
    client = state.clients.get(client_id)
    if client is None:
        raise EntraError("unauthorized_client", 700016, f"Application with identifier '{client_id}' was not found in "
                         "the directory.")  # fmt: skip
    if secret is None:
        raise EntraError("invalid_client", 7000218, "The request body must contain the following parameter: "
                         "'client_assertion' or 'client_secret'.", status=401)  # fmt: skip
    if not hmac.compare_digest(secret.encode(), client.client_secret.encode()):
        raise EntraError("invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in "
                         "the request is the client secret value.", status=401)  # fmt: skip
    return client


def _reply(state: State, client: Client, issued: Issued) -> dict[str, Any]:
    found: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": scope_names.shown(issued.scopes),
        "expires_in": issued.lifetime,
        "ext_expires_in": issued.lifetime,
        "access_token": issued.access_token,
    }
    if issued.refresh_token is not None:
        found["refresh_token"] = issued.refresh_token
    if "openid" in issued.scopes:
        found["id_token"] = _id_token(state, client, issued)
    return found


def subject(account: Account, client: Client) -> str:
    """``sub`` is pairwise: another one for each application."""
    return oauth.encoded(hashlib.sha256(f"{client.client_id}/{account.oid}".encode()).digest())


def _id_token(state: State, client: Client, issued: Issued) -> str:
    account = state.accounts[issued.email]
    tenant = state.tenants[account.tenant]
    now = int(state.now().timestamp())
    claims: dict[str, Any] = {
        "aud": client.client_id,
        "iss": f"{request.url_root}{tenant.id}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + issued.lifetime,
        "oid": account.oid,
        "tid": tenant.id,
        "sub": subject(account, client),
        "ver": "2.0",
    }
    if issued.nonce is not None:
        claims["nonce"] = issued.nonce
    if "profile" in issued.scopes:
        claims |= {"name": account.name, "preferred_username": account.email}
    if "email" in issued.scopes:
        claims["email"] = account.email
    return KEY.signed(claims)


def _refusal(state: State, error: EntraError) -> Response:
    text, trace, correlation = flow.description(error, state.now())
    body: dict[str, Any] = {
        "error": error.error,
        "error_description": text,
        "error_codes": [error.number],
        "timestamp": f"{state.now():%Y-%m-%d %H:%M:%SZ}",
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.number}",
    }
    if error.suberror is not None:
        body["suberror"] = error.suberror
    return _json(body, error.status)


def _json(body: dict[str, Any], status: int) -> Response:
    found = jsonify(body)
    found.status_code = status
    found.headers.update({"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"})
    return found
